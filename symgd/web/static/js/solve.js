/* The Solve tab: from the state to a run, from a run to pictures and words. */

import { newest } from "./api.js";
import { makeControls } from "./controls.js";
import { makeData } from "./data.js";
import { announce, el, fill, refusal } from "./dom.js";
import { makeExport } from "./export.js";
import { showOutcomes } from "./outcome.js";
import { needsRate, requested, running, solve, stop } from "./runs.js";
import { nested } from "./start_point.js";
import { changed, on, state } from "./state.js";
import { makeViews } from "./views.js";

const panel = document.getElementById("panel-solve");
const askScene = newest("scene");
const askDiagnose = newest("diagnose");

const outcomes = el("div", { class: "outcomes" });
const facts = el("div", { class: "facts" });
const trouble = el("div", {});
const status = el("span", { class: "run-status", role: "status" });
const goButton = el("button", { class: "primary", onclick: () => solveNow({ look: true, play: true }) }, "Run");
const stopButton = el("button", { class: "danger", disabled: true, onclick: () => { status.textContent = "stopping …"; stop(true); } }, "Cancel");

let views = null;
let data = null;
let controls = null;
let scene = null;
let result = null;
let startNow = null;
let waiting = 0;
let lastProblem = "";
let dragging = false;
let suggested = null;

/* ---- what happens when something changes ---- */

function edited(what, detail) {
  if (what === "chosen") {
    show();
    return;
  }
  if (what === "start") moveStart(detail.name, detail.value);
  changed(what, { kept: false });
  later(what === "start" ? 0 : 160);
}

function later(delay, how = {}) {
  clearTimeout(waiting);
  waiting = setTimeout(() => solveNow(how), delay);
}

function problemChanged() {
  if (state.tab !== "solve") return;
  const now = JSON.stringify([state.problem, state.over]);
  if (now === lastProblem) return;
  lastProblem = now;
  scene = null;
  result = null;
  startNow = null;
  suggested = null;
  controls.limits(null);
  controls.show();
  fill(facts);
  clearTimeout(waiting);
  waiting = setTimeout(() => solveNow({ look: true, examine: true }), 350);
}

function moveStart(name, value) {
  const names = result?.names?.length ? result.names : scene?.names_all || [name];
  const values = [...(startNow || names.map(() => 0))];
  values[names.indexOf(name)] = value;
  startNow = values;
  state.start = nested(names, values);
}

function dragged(values, done) {
  dragging = !done;
  const names = result?.names?.length ? result.names : scene.names_all;
  const now = [...(startNow || names.map(() => 0))];
  scene.names.forEach((name, k) => { now[names.indexOf(name)] = values[k]; });
  startNow = now;
  state.start = nested(names, now);
  controls.showStarts(names, now);
  show();
  changed("start", { kept: done });
  later(done ? 0 : 60);
}

/* ---- the questions to the server ---- */

async function solveNow({ look = false, examine = false, play = false } = {}) {
  clearTimeout(waiting);
  if (state.tab !== "solve" || !state.problem.text.trim()) return;
  fill(trouble);
  busy(true);
  if (examine && state.runs.some((run) => needsRate(run, state.problem.model))) {
    const before = lastProblem;
    await diagnose();
    if (before !== lastProblem) return;
    examine = false;
  }
  const start = Object.keys(state.start).length ? state.start : null;
  const body = { problem: state.problem, start, runs: requested(state.runs, state.problem.model, suggested), steps: state.steps, ...asked() };
  busy(true);
  await solve(body, (found, event) => {
    result = found;
    if (found.start && found.names.length && startNow !== found.start && !dragging) {
      startNow = found.start;
      controls.showStarts(found.names, found.start);
    }
    if (event === "over") finish({ look: look || !scene, play, examine });
    else showSoon();
  }, result?.names ?? []);
}

async function finish({ look, play, examine }) {
  busy(false);
  const mine = result;
  if (result.error) {
    fill(trouble, refusal(result.error));
    announce(result.error.reason || "");
  }
  cancelAnimationFrame(showing);
  if (result.runs.every((run) => run.error)) {
    refused(result.runs[0].error);
    return;
  }
  controls.used(result.runs.map((run) => run.rate?.[0] ?? null));
  if (look || outside()) await lookAt();
  if (result !== mine) return;
  show({ loaded: true });
  if (play) views.play();
  if (examine) diagnose();
  const first = result.runs[0];
  if (first?.solution) announce(`${first.solution.outcome}: ${first.solution.message}`);
}

/** No run was made: data are missing, which is an invitation, or something is wrong. */
function refused(error) {
  fill(outcomes, error.needs?.length ? el("p", { class: "hint" }, "What a run comes to is told here.") : null);
  views.trouble(error, error.needs?.length ? data.invitation(error.needs) : null);
  announce(error.needs?.length ? "This loss needs data." : error.reason || "");
}

/** Whether the end of a run that went well lies outside the picture. */
function outside() {
  if (!scene || !result?.names.length) return false;
  const spans = scene.kind === "curve" ? [scene.span] : [[scene.x[0], scene.x[scene.x.length - 1]], [scene.y[0], scene.y[scene.y.length - 1]]];
  const places = scene.names.map((name) => result.names.indexOf(name));
  return result.runs.some((run) => run.solution?.status === "good" && run.theta.length
    && places.some((place, k) => { const at = run.theta[run.theta.length - 1][place]; return at < spans[k][0] || at > spans[k][1]; }));
}

/** The points of a path that a frame must hold: evenly taken, the last one always. */
function sample(theta, most) {
  const every = Math.max(1, Math.ceil(theta.length / most));
  return theta.filter((_, k) => k % every === 0 || k === theta.length - 1);
}

async function lookAt() {
  if (!result) return;
  const good = result.runs.filter((run) => run.solution?.status !== "bad" && run.theta.length);
  const ends = good.flatMap((run) => sample(run.theta, Math.floor(600 / good.length)));
  const start = startNow && result.names.length ? nested(result.names, startNow) : null;
  if (ends.length && startNow) ends.unshift(startNow);
  try {
    const mine = result;
    const found = await askScene({ problem: state.problem, start, over: state.over, kind: "auto", ends: ends.length ? ends : null });
    if (!found || result !== mine) return;
    scene = found;
    views.trouble(null);
  } catch (failure) {
    scene = null;
    views.trouble(failure.error);
  }
}

async function diagnose() {
  try {
    const found = await askDiagnose({ problem: state.problem, start: Object.keys(state.start).length ? state.start : null, rate: null, batch: null });
    if (!found) return;
    suggested = found.suggested?.rate ?? null;
    controls.limits(found);
    showFacts(found);
  } catch {
    controls.limits(null);
    fill(facts);
  }
}

function showFacts(found) {
  const lines = (found.sections || []).filter(([, sentences]) => sentences?.length);
  fill(facts, found.closed_form ? el("p", { class: "closed" }, el("span", { class: "step-tag" }, "exactly"), ` ${found.closed_form}`) : null,
    lines.length ? el("details", { class: "plain" }, el("summary", {}, "What is known before the run"),
      lines.map(([title, sentences]) => [el("h3", {}, title), el("ul", {}, [sentences].flat().map((one) => el("li", {}, one)))])) : null);
}

/* ---- what is shown ---- */

let showing = 0;

function showSoon() {
  cancelAnimationFrame(showing);
  showing = requestAnimationFrame(() => show({ streaming: true }));
}

function show({ loaded = false, streaming = false } = {}) {
  cancelAnimationFrame(showing);
  if (!result) return;
  if (streaming) {
    const step = Math.max(0, ...result.runs.map((run) => run.progress?.step ?? 0));
    if (step) status.textContent = `step ${step.toLocaleString("en")}`;
  }
  showOutcomes(outcomes, result.runs, controls.chosen, (k) => controls.choose(k));
  views.show({ scene, result, start: startNow, chosen: controls.chosen, loaded, streaming });
}

/** The precision is sent only when somebody set one: without, the program's own holds. */
function asked() {
  return state.precision === null ? {} : { precision: state.precision };
}

function busy(on_) {
  stopButton.disabled = !on_;
  panel.classList.toggle("running", on_);
  status.textContent = on_ ? "running …" : "";
}

function request(what) {
  const start = startNow && result?.names?.length ? nested(result.names, startNow) : Object.keys(state.start).length ? state.start : null;
  const drawn = what === "png" || what === "svg" || what === "gif";
  return {
    problem: state.problem, start, runs: requested(state.runs, state.problem.model, suggested), steps: state.steps, ...asked(),
    picture: drawn ? views.picture(what) : null, over: state.over,
  };
}

export function start(onAnswer) {
  controls = makeControls(edited);
  views = makeViews({
    onStart: dragged,
    onOver: (over) => { state.over = over; lastProblem = JSON.stringify([state.problem, state.over]); changed("over", { kept: true }); lookAt().then(() => show()); },
    isRunning: running,
  });
  data = makeData(onAnswer);
  fill(panel, el("div", { class: "solve-grid" },
    el("div", { class: "solve-side" }, data.node, controls.node,
      el("div", { class: "run-bar" }, goButton, stopButton, el("span", { class: "spinner", "aria-hidden": "true" }), status)),
    el("div", { class: "solve-main" }, trouble, views.main,
      el("section", { class: "card", "aria-label": "Outcome" }, el("div", { class: "card-head" }, el("h2", {}, "Outcome")), outcomes, facts),
      views.rest, makeExport(request))));
  on("problem data tab all", problemChanged);
  on("all", () => { startNow = null; lastProblem = ""; controls.show(); problemChanged(); });
  controls.show();
  problemChanged();
}
