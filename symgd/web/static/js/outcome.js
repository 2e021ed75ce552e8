/* What a run came to, in words: outcome, answer, advice. */

import { el, fill, math, number, refusal } from "./dom.js";
import { DASHES } from "./plots/frame.js";

const BADGES = { good: "good", partial: "unsure", bad: "bad" };
const SIGNS = { good: "✓", partial: "!", bad: "✗" };

/** The cards of the runs; `pick(k)` chooses the one that the controls set. */
export function showOutcomes(box, runs, chosen, pick) {
  fill(box, runs.map((run, k) => card(run, k, k === chosen, runs.length > 1 ? pick : null)));
}

function card(run, k, chosen, pick) {
  const head = [swatch(k), el("strong", {}, run.label || `run ${k + 1}`)];
  const body = run.error ? refusal(run.error) : run.solution ? solution(run) : el("p", { class: "hint" }, run.progress ? `step ${run.progress.step.toLocaleString("en")}, loss ${number(run.progress.loss)}` : "waiting");
  return el("article", { class: `outcome ${run.error ? "is-bad" : `is-${run.solution?.status || "running"}`}${chosen && pick ? " chosen" : ""}`, "data-outcome": run.solution?.outcome || (run.error ? "refused" : "") },
    el("header", {}, pick ? el("button", { class: "outcome-pick", "aria-pressed": String(chosen), onclick: () => pick(k) }, head) : el("span", { class: "outcome-pick" }, head),
      run.solution ? el("span", { class: `badge ${BADGES[run.solution.status] || ""}` }, SIGNS[run.solution.status] || "", " ", words(run.solution.outcome)) : null),
    body);
}

export function swatch(k) {
  return el("span", { class: `swatch c${k % DASHES.length}`, "aria-hidden": "true" });
}

const words = (outcome) => String(outcome || "").toLowerCase().replace(/_/g, " ");

function solution(run) {
  const { solution: found } = run;
  return [
    el("p", { class: "outcome-message" }, found.message),
    found.advice && !found.message.includes(found.advice) ? el("p", { class: "advice" }, found.advice) : null,
    found.cause ? el("p", { class: "advice" }, typeof found.cause === "string" ? found.cause : found.cause.text || "") : null,
    el("dl", { class: "values" }, values(found.params), pair("loss", number(found.loss, 7)), pair("steps", found.steps?.toLocaleString("en"))),
    el("p", { class: "advice" }, found.method),
    run.methodLatex && run.asked.method ? el("div", { class: "method-latex scroll" }, math(stacked(run.methodLatex))) : null,
  ];
}

/** Several formulas one under the other. */
export function stacked(latex) {
  return latex.includes("\\\\") ? `\\begin{array}{l}${latex}\\end{array}` : latex;
}

function values(params) {
  return Object.entries(params || {}).flatMap(([name, value]) => pair(name, shown(value)));
}

function shown(value) {
  if (!Array.isArray(value)) return number(value, 7);
  const flat = value.flat(3);
  const first = flat.slice(0, 6).map((one) => number(one, 5)).join(", ");
  return flat.length > 6 ? `[${first}, … ${flat.length} numbers]` : `[${first}]`;
}

function pair(name, text) {
  return [el("dt", {}, name), el("dd", {}, text)];
}
