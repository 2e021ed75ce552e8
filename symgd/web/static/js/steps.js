/* The steps of one derivative, level by level, with the part that a step acts upon in colour. */

import { el, formula, math } from "./dom.js";
import { isDark } from "./plots/colours.js";

const focusColour = () => (isDark() ? "#ffa94d" : "#c2410c");

/** The formula with a part of it in colour; the plain formula when the part cannot be cut out. */
function withFocus(step) {
  const { before, focus_at: at } = step;
  if (!at) return before;
  const part = before.slice(at[0], at[1]);
  if (!balanced(part) || part.trim() === before.trim()) return before;
  return `${before.slice(0, at[0])}{\\color{${focusColour()}}${part}}${before.slice(at[1])}`;
}

function balanced(latex) {
  let depth = 0;
  for (const [token] of latex.matchAll(/\\.|[{}]/g)) {
    if (token === "{") depth += 1;
    if (token === "}") depth -= 1;
    if (depth < 0) return false;
  }
  const lefts = (latex.match(/\\left(?![a-z])/g) || []).length;
  const rights = (latex.match(/\\right(?![a-z])/g) || []).length;
  return depth === 0 && lefts === rights && !latex.includes("&");
}

function sentence(pieces) {
  return pieces.map((piece) => (piece.latex !== undefined && piece.latex !== null
    ? math(piece.latex, { fallback: piece.text || piece.latex }) : piece.text));
}

function body(step) {
  const parts = [el("p", { class: "step-sentence" }, sentence(step.sentence || []))];
  if (step.focus) {
    parts.push(el("div", { class: "step-focus" }, el("span", { class: "step-tag" }, "acts on"),
      el("span", { class: "scroll" }, math(`{\\color{${focusColour()}}${step.focus}}`, { fallback: step.focus })),
      step.result ? [el("span", { class: "step-arrow", "aria-label": "its derivative is" }, "→"),
        el("span", { class: "scroll" }, math(step.result))] : null));
  }
  if (step.before && step.after) {
    parts.push(el("div", { class: "step-change" },
      formula(withFocus(step), "before the step"), formula(`= ${step.after}`, "after the step")));
  }
  return parts;
}

function one(step, open) {
  const children = step.children || [];
  const details = el("details", { class: "step", open: open || null },
    el("summary", {}, el("span", { class: "step-number" }, String(step.number)),
      el("span", { class: "step-rule" }, step.rule),
      step.result ? el("span", { class: "step-result" }, math(step.result)) : null));
  const fillIn = () => {
    if (details.dataset.filled) return;
    details.dataset.filled = "1";
    details.append(el("div", { class: "step-body" }, body(step),
      children.length ? el("ol", { class: "steps inner" }, children.map((child) => el("li", {}, one(child, false)))) : null));
  };
  details.addEventListener("toggle", () => { if (details.open) fillIn(); });
  if (open) fillIn();
  return details;
}

function openAll(list, open) {
  for (const details of list.querySelectorAll("details")) {
    details.open = open;
    details.dispatchEvent(new Event("toggle"));
    if (open && !details.dataset.visited) {
      details.dataset.visited = "1";
      openAll(details, true);
    }
  }
}

/** The tree of steps as nested lists that unfold. */
export function stepsOf(derivation, partial) {
  const list = el("ol", { class: "steps" }, derivation.steps.map((step, place) => el("li", {}, one(step, place === 0))));
  const tools = el("div", { class: "steps-tools" },
    el("button", { class: "small", onclick: () => openAll(list, true) }, "Unfold all"),
    el("button", { class: "small", onclick: () => openAll(list, false) }, "Fold all"));
  const answer = derivation.answer || partial?.latex;
  return [tools, list, answer ? el("div", { class: "steps-answer" }, el("span", { class: "step-tag" }, "together"),
    formula(partial ? `${partial.left} = ${partial.latex}` : answer, "the finished derivative")) : null];
}
