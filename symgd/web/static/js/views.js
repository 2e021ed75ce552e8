/* The pictures of the Solve tab and what they share: one path, one place in it, one player. */

import { choices, el, fill, math, refusal } from "./dom.js";
import { makePlayer } from "./player.js";
import { contourView } from "./plots/contour.js";
import { curveView } from "./plots/curve.js";
import { fitView } from "./plots/fitplot.js";
import { historyView } from "./plots/history.js";
import { surfaceView } from "./plots/surface.js";
import { copyButton } from "./dom.js";

/** The views; `onStart` hears a dragged start, `onOver` two other parameters to look over. */
export function makeViews({ onStart, onOver }) {
  const curve = curveView(onStart);
  const contour = contourView(onStart);
  const surface = surfaceView();
  const past = historyView();
  const fit = fitView();
  let seen = null;
  let kind = "contour";
  let logged = true;
  let shownFit = null;
  let shownScene = null;

  const player = makePlayer(() => paint());
  const tools = el("div", { class: "card-tools" });
  const over = el("div", { class: "over" });
  const notes = el("div", { class: "plot-notes" });
  const place = el("div", { class: "plot-place" });
  const main = el("section", { class: "card plot-card", "aria-label": "The loss and the descent" },
    el("div", { class: "card-head" }, el("h2", {}, "Loss"), over, tools), place, player.node, notes);
  const fitPlace = el("div", {});
  const fitCard = el("section", { class: "card fit-card", hidden: true }, el("div", { class: "card-head" }, el("h2", {}, "Fit")), fitPlace);
  const pastCard = el("section", { class: "card" }, el("div", { class: "card-head" }, el("h2", {}, "Loss over the steps"),
    choices([{ key: "log", label: "log" }, { key: "linear", label: "linear" }], "log", "scale of the loss", (key) => { logged = key === "log"; paint(); })), past.box);

  function paint() {
    if (!seen) return;
    const { scene, result, chosen } = seen;
    const at = seen.streaming ? Infinity : player.at;
    const runs = result.runs;
    past.show(runs, at, logged);
    sayPlace(runs[chosen] || runs[0], at);
    if (scene) paintScene(scene, result, runs, at, chosen);
    paintFit(runs[chosen]?.fit || runs.find((run) => run.fit)?.fit, at, runs[chosen]);
  }

  function sayPlace(run, at) {
    const k = Math.min(at, (run?.step.length || 0) - 1);
    player.say(k >= 0 ? `step ${run.step[k].toLocaleString("en")}` : "");
  }

  function paintScene(scene, result, runs, at, chosen) {
    const which = scene.names.map((name) => Math.max(0, result.names.indexOf(name)));
    if (scene.kind === "curve") {
      const ways = runs.map((run) => ({ ...run, theta: run.theta.map((theta) => [theta[which[0]]]) }));
      curve.show(scene, ways, at, seen.start?.[which[0]] ?? null, chosen);
      return;
    }
    const start = seen.start ? which.map((one) => seen.start[one]) : null;
    (kind === "contour" ? contour : surface).show(scene, runs, at, start, chosen, which);
  }

  function paintFit(found, at, run) {
    fitCard.hidden = !found;
    if (!found) return;
    const step = run?.step[Math.min(at, run.step.length - 1)];
    const last = at >= (run?.step.length || 0) - 1;
    fit.show(found, last ? null : frameAt(found, step));
  }

  function arrange() {
    const { scene, result } = seen;
    shownScene = scene;
    const wanted = scene.kind === "curve" ? curve : kind === "contour" ? contour : surface;
    if (place.firstChild !== wanted.box) fill(place, wanted.box);
    fill(tools, scene.kind === "curve" ? null : choices([{ key: "contour", label: "Contours" }, { key: "surface", label: "Surface" }], kind, "view of the loss", (key) => {
      kind = key;
      arrange();
      paint();
    }));
    fill(over, scene.kind !== "curve" && result.names.length > 2 ? axesChoice(scene, result.names) : null);
    fill(notes, [...(scene.notes || [])].map((one) => el("p", { class: "hint" }, one)), heldNote(scene));
  }

  function axesChoice(scene, names) {
    const pick = (k) => el("select", {
      "aria-label": k ? "second parameter" : "first parameter",
      onchange: (event) => {
        const pair = [...scene.names];
        pair[k] = event.currentTarget.value;
        if (pair[0] !== pair[1]) onOver(pair);
      },
    }, names.map((name) => el("option", { value: name, selected: name === scene.names[k] }, name)));
    return ["over ", pick(0), " and ", pick(1)];
  }

  function fillFit(found) {
    shownFit = found;
    fill(fitPlace, found.title ? el("div", { class: "scroll fit-title" }, math(found.title, { display: true })) : null,
      fit.box, el("h3", {}, "Residuals"), fit.residuals, table(found),
      (found.notes || []).map((one) => el("p", { class: "hint" }, one)),
      el("details", { class: "plain" }, el("summary", {}, "The whole report"), copyButton(() => found.report), el("pre", { class: "code" }, found.report)));
  }

  return {
    main,
    rest: [fitCard, pastCard],
    show(next) {
      seen = next;
      main.classList.toggle("stale", !next.scene);
      if (next.loaded || (!next.streaming && player.at === 0)) player.load(Math.max(0, ...next.result.runs.map((run) => run.step.length)));
      if (next.scene && (next.scene !== shownScene || next.loaded)) arrange();
      const fitNow = next.result.runs[next.chosen]?.fit || next.result.runs.find((run) => run.fit)?.fit;
      if (fitNow && fitNow !== shownFit) fillFit(fitNow);
      paint();
    },
    play: () => player.play(),
    trouble(error, instead = null) {
      if (!error) return;
      shownScene = null;
      main.classList.remove("stale");
      fill(place, instead || refusal(error));
      fill(over);
      fill(tools);
      fill(notes);
    },
    picture(what) {
      if (!seen?.scene) return seen?.result?.runs.some((run) => run.fit) ? (what === "gif" ? "learning" : "fit") : "history";
      if (what === "gif") return seen.result.runs.some((run) => run.fit) ? "learning" : "walk";
      return seen.scene.kind === "curve" ? "curve" : kind;
    },
  };
}

function frameAt(found, step) {
  const frames = found.frames || [];
  let best = null;
  for (const frame of frames) if (frame.step <= step) best = frame;
  return best;
}

function heldNote(scene) {
  const held = Object.entries(scene.held || {});
  if (!held.length) return null;
  const few = held.slice(0, 6).map(([name, value]) => `${name} = ${Number(Number(value).toPrecision(4))}`).join(", ");
  return el("p", { class: "hint" }, `held: ${few}${held.length > 6 ? ", …" : ""}`);
}

function table(found) {
  const cell = (value) => (value === null || value === undefined ? "–" : typeof value === "number" ? String(Number(value.toPrecision(7))).replace("-", "−") : String(value));
  const head = ["", "value", "standard error", "95 % from", "to"];
  const row = (one) => el("tr", {}, el("th", { scope: "row" }, one.name), [one.value, one.stderr, one.low, one.high].map((value) => el("td", {}, cell(value))));
  const quality = [["R²", found.r_squared], ["residual deviation", found.residual_sd], ["rows", found.n_rows], ["AIC", found.aic], ["BIC", found.bic]].filter(([, value]) => value !== null && value !== undefined);
  return el("div", { class: "scroll" }, el("table", { class: "report" }, el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, found.params.map(row))),
    el("p", { class: "quality" }, quality.map(([name, value]) => el("span", {}, `${name} ${cell(value)}`))));
}
