/* The Check tab: a derivation, a line each; every line gets a verdict in a word and a sign. */

import { newest } from "./api.js";
import { announce, el, fill, formula, math, refusal } from "./dom.js";
import { lastAnswer, withoutData } from "./derive.js";
import { changed, on, state } from "./state.js";

const panel = document.getElementById("panel-check");
const askCheck = newest("check");

const VERDICTS = {
  equal: { word: "right", sign: "✓" },
  proportional: { word: "right up to a factor", sign: "∝" },
  wrong: { word: "wrong", sign: "✗" },
  undecided: { word: "undecided", sign: "?" },
};

const SAMPLE = `L = mean((y - (m*x + b))^2)
dL/dm = mean(2*(y - (m*x + b))*(-x))
= -2*mean(x*(y - m*x - b))
= 2*mean(x*(y - m*x - b))`;

const USUAL = "wherever both sides are defined";

let waiting = 0;
const results = el("div", { class: "verdicts", "aria-live": "polite" });
const area = el("textarea", {
  id: "lines", class: "lines", rows: "8", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
  "aria-label": "The derivation, one line each", placeholder: SAMPLE,
  oninput: () => { state.lines = area.value; changed("lines"); later(700); },
  onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); later(0); } },
});
const wrt = el("select", {
  "aria-label": "derivative by", onchange: () => { state.claim = { wrt: wrt.value || null }; changed("claim", { kept: true }); later(0); },
});

function later(delay) {
  clearTimeout(waiting);
  panel.classList.add("pending");
  waiting = setTimeout(check, delay);
}

async function check() {
  if (!state.lines.trim()) {
    askCheck.stop();
    panel.classList.remove("pending");
    fill(results, invitation());
    return;
  }
  const { text, columns, shapes, constants } = withoutData(state.problem);
  const body = { lines: state.lines, formula: lossText(text), wrt: state.claim.wrt, columns, shapes, constants };
  panel.classList.add("busy");
  try {
    const found = await askCheck(body);
    if (!found) return;
    show(found);
  } catch (failure) {
    fill(results, refusedLines(failure.error));
  }
  panel.classList.remove("busy", "pending");
}

/** The loss that the lines are about; of a model, the loss that it means. */
function lossText(text) {
  if (!text.trim()) return null;
  return state.problem.model ? lastAnswer()?.loss.text ?? null : text;
}

function refusedLines(error) {
  const { start, end } = error;
  const inLines = error.field === "lines" || !error.field;
  const place = inLines && start !== null && start !== undefined ? placeIn(state.lines, start, end) : null;
  return [refusal(error), place];
}

function placeIn(text, start, end) {
  const from = text.lastIndexOf("\n", Math.max(0, start - 1)) + 1;
  const stop = text.indexOf("\n", start) < 0 ? text.length : text.indexOf("\n", start);
  const to = Math.max(start + 1, Math.min(end ?? start + 1, stop));
  const line = text.slice(0, from).split("\n").length;
  return el("p", { class: "place-line" }, el("span", {}, `line ${line}: `),
    el("code", { class: "place" }, text.slice(from, start), el("mark", {}, text.slice(start, to) || " "), text.slice(to, stop)));
}

function invitation() {
  return el("div", { class: "empty" },
    el("p", {}, "Write or paste a derivation: plain text or LaTeX, one line for each step, or a whole ",
      el("code", {}, "align"), " block. Each line is compared with the one before it."),
    el("button", { class: "small", onclick: () => { area.value = SAMPLE; state.lines = SAMPLE; changed("lines", { kept: true }); later(0); } }, "Try one with a mistake"));
}

function show(found) {
  const summary = found.summary || (found.all_right ? "Every line is right." : "");
  fill(results,
    el("p", { class: `summary ${found.all_right ? "good" : found.first_wrong ? "bad" : "unsure"}` }, summary.charAt(0).toUpperCase() + summary.slice(1)),
    found.reading ? el("p", { class: "reading-line" }, found.reading) : null,
    el("ol", { class: "verdict-list" }, found.lines.map(line)));
  announce(summary);
}

function line(one) {
  const kind = VERDICTS[one.verdict] || VERDICTS.undecided;
  const factor = one.verdict === "proportional" && one.factor ? `, factor ${one.factor}` : "";
  return el("li", { class: `verdict ${one.verdict}`, "data-verdict": one.verdict },
    el("div", { class: "verdict-badge" }, el("span", { class: "verdict-sign", "aria-hidden": "true" }, kind.sign),
      el("span", { class: "verdict-word" }, kind.word + factor)),
    el("div", { class: "verdict-main" },
      el("div", { class: "verdict-head" }, el("span", { class: "line-number" }, `line ${one.number}`),
        one.against ? el("span", { class: "against" }, `compared with ${one.against}`) : null,
        one.how === "probable" ? el("span", { class: "against" }, "by numbers, not proved") : null),
      one.latex ? formula(one.latex, `line ${one.number}`) : el("code", { class: "verdict-text" }, one.text),
      one.mistake ? el("p", { class: "mistake" }, one.mistake.replace(" (whole)", "")) : null,
      one.reason ? el("p", { class: "reason" }, one.reason) : null,
      one.witness_text ? el("p", { class: "witness" }, one.witness_text) : null,
      one.verdict !== "equal" && one.right_latex ? el("div", { class: "right" }, el("span", { class: "step-tag" }, "right"), el("div", { class: "scroll" }, math(one.right_latex, { fallback: one.right }))) : null,
      one.domain && one.domain !== USUAL ? el("p", { class: "domain-line" }, one.domain) : null));
}

function offerNames(answer) {
  const names = answer ? answer.reading.parameters.map((one) => one.name) : [];
  const kept = state.claim.wrt;
  if (kept && !names.includes(kept)) names.push(kept);
  fill(wrt, el("option", { value: "" }, "read from the lines"), names.map((name) => el("option", { value: name }, name)));
  wrt.value = kept || "";
}

/** Build the tab. */
export function start(onAnswer) {
  fill(panel, el("div", { class: "check-grid" },
    el("section", { class: "card" },
      el("div", { class: "card-head" }, el("h2", {}, "Your derivation"),
        el("label", { class: "inline" }, "derivative by ", wrt)),
      area,
      el("div", { class: "under" }, el("p", { class: "hint" }, "The loss above is what is derived, unless your first line says otherwise (", el("code", {}, "L = …"), ")."),
        el("button", { class: "primary", onclick: () => later(0) }, "Check"))),
    el("section", { class: "card", "aria-label": "Verdicts" }, el("div", { class: "card-head" }, el("h2", {}, "Verdicts"), el("span", { class: "spinner", "aria-hidden": "true" })), results)));
  const restore = () => { if (area.value !== state.lines) area.value = state.lines; offerNames(null); if (state.tab === "check") later(0); else if (!state.lines) fill(results, invitation()); };
  on("all", restore);
  on("tab problem", () => { if (state.tab === "check") later(300); });
  onAnswer(offerNames);
  restore();
}
