/* The Derive tab: the gradient as one types, its steps, Hessian, certificate and code. */

import { newest } from "./api.js";
import { announce, choices, copyButton, el, fill, formula, math } from "./dom.js";
import { mark } from "./mathfield.js";
import { clearReading, noReading, showReading } from "./reading.js";
import { unfinished } from "./shortcuts.js";
import { changed, on, state } from "./state.js";
import { stepsOf } from "./steps.js";
import { makeCode } from "./code.js";
import { makeMore } from "./more.js";

const panel = document.getElementById("panel-derive");
const askDerive = newest("derive");
const WAIT = 40;
const WAIT_FOR_ERROR = 450;

const gradientBox = el("div", { class: "gradient", "aria-live": "off" });
const stepsBox = el("div", { class: "steps-box" });
const formBox = el("div", { class: "card-tools" });
const levelBox = el("div", { class: "card-tools" });
const empty = el("p", { class: "hint" }, "Type a loss above: its gradient appears here.");

let answer = null;
let waiting = 0;
let errorWaiting = 0;
let chosenName = null;
const listeners = new Set();

/** Called with each new answer of the server (the reading, the gradient), or null. */
export function onAnswer(listener) {
  listeners.add(listener);
}

export function lastAnswer() {
  return answer;
}

function tell() {
  for (const listener of listeners) listener(answer);
}

function ask() {
  clearTimeout(waiting);
  waiting = setTimeout(derive, WAIT);
}

async function derive() {
  clearTimeout(errorWaiting);
  const { text } = state.problem;
  if (!text.trim()) {
    askDerive.stop();
    answer = null;
    mark(null);
    fill(gradientBox, empty);
    fill(stepsBox);
    clearReading();
    panel.classList.add("without");
    panel.classList.remove("stale");
    tell();
    return;
  }
  const level = state.tab === "derive" ? state.level : null;
  const problem = structuredClone(withoutData(state.problem));
  try {
    const found = await askDerive({ problem, level });
    if (found) show({ ...found, asked: problem });
  } catch (failure) {
    refuse(failure.error);
  }
}

/** The derivative needs the names of the columns, not the numbers in them. */
export function withoutData(problem) {
  return { ...problem, csv: null };
}

function show(found) {
  answer = found;
  mark(null);
  panel.classList.remove("stale");
  panel.classList.toggle("without", !found.gradient.length);
  showReading(found.reading);
  showGradient();
  showSteps();
  announce(`Gradient: ${found.gradient.map((one) => `derivative by ${one.name}: ${one.text}`).join("; ")}`.slice(0, 400));
  tell();
}

/** Errors wait a moment: half a formula is not a mistake. */
function refuse(error) {
  panel.classList.add("stale");
  noReading();
  clearTimeout(errorWaiting);
  const patience = unfinished(state.problem.text) ? 3 * WAIT_FOR_ERROR : WAIT_FOR_ERROR;
  errorWaiting = setTimeout(() => {
    if (!answer) panel.classList.add("without");
    mark(error);
    announce(error.reason || error.message);
  }, patience);
}

const FORMS = [
  { key: "textbook", label: "Textbook" },
  { key: "array", label: "Matrix" },
  { key: "index", label: "Index" },
];

function latexOf(one) {
  if (state.form === "textbook") return one.latex;
  return one[state.form] ?? one.latex;
}

function showGradient() {
  const forms = FORMS.filter(({ key }) => key === "textbook" || answer.gradient.some((one) => one[key]));
  if (!forms.some(({ key }) => key === state.form)) state.form = "textbook";
  fill(formBox, forms.length > 1 ? choices(forms, state.form, "how the gradient is written", (key) => {
    state.form = key;
    changed("form");
    showGradient();
  }) : null);
  if (!answer.gradient.length) {
    fill(gradientBox, el("p", { class: "hint" }, "There is no parameter to differentiate by: every name is read as data or a constant. Click on a name above to make it a parameter."));
    return;
  }
  fill(gradientBox, answer.gradient.map((one) => el("div", { class: "partial", "data-name": one.name },
    formula(`${one.left} = ${latexOf(one)}`, `derivative by ${one.name}`),
    el("div", { class: "partial-tools" },
      copyButton(() => one.text, "Copy text"), copyButton(() => `${one.left} = ${latexOf(one)}`, "Copy LaTeX")))),
  domainNote(answer.domain));
}

function domainNote(domain) {
  if (!domain?.length) return null;
  return el("div", { class: "domain" }, el("span", { class: "domain-title" }, "Where it holds: "),
    el("ul", {}, domain.map((one) => el("li", {}, math(one.latex, { fallback: one.formula }), " — ", one.condition))));
}

const LEVELS = [
  { key: "brief", label: "Brief" },
  { key: "normal", label: "Normal" },
  { key: "every", label: "Every step" },
];

function showSteps() {
  if (!answer.steps) return;
  const names = answer.gradient.map((one) => one.name).filter((name) => answer.steps[name]);
  if (!names.includes(chosenName)) chosenName = names[0];
  fill(levelBox,
    names.length > 1 ? choices(answer.gradient.map((one) => ({ key: one.name, label: `∂/∂${one.name}` })), chosenName, "derivative by", (name) => {
      chosenName = name;
      showSteps();
    }) : null,
    choices(LEVELS, state.level, "how fine the steps are", (key) => {
      state.level = key;
      changed("level");
      ask();
    }));
  const found = answer.gradient.find((one) => one.name === chosenName);
  fill(stepsBox, chosenName ? stepsOf(answer.steps[chosenName], found) : null);
}

export function start() {
  const head = (title, tools) => el("div", { class: "card-head" }, el("h2", {}, title), tools);
  fill(panel,
    el("section", { class: "card result" }, head("Gradient", formBox), gradientBox),
    el("div", { class: "derive-rest" },
      el("section", { class: "card steps-card" }, head("Step by step", levelBox), stepsBox),
      el("div", { class: "side" }, makeMore(onAnswer), makeCode(onAnswer))));
  fill(gradientBox, empty);
  on("problem all", ask);
  on("tab", () => { if (state.tab === "derive" && !answer?.steps) ask(); });
  ask();
}
