/* The field of the loss: a math field or a line of plain text, with the place of an error marked. */

import { MathfieldElement } from "/static/vendor/mathlive.min.mjs";
import { ask } from "./api.js";
import { el, fill } from "./dom.js";
import { betterKeys, inIndex } from "./keys.js";
import { plainLatex, shortcut, SIGNS } from "./shortcuts.js";
import { changed, on, state } from "./state.js";
import { underline } from "./underline.js";

MathfieldElement.fontsDirectory = null;
MathfieldElement.soundsDirectory = null;
MathfieldElement.plonkSound = null;
MathfieldElement.keypressSound = null;

const box = document.getElementById("formula-field");
const errorBox = document.getElementById("formula-error");
const buttons = { latex: document.getElementById("mode-math"), text: document.getElementById("mode-text") };

let mathField = null;
let textField = null;

function makeMathField() {
  const field = new MathfieldElement();
  field.setAttribute("aria-label", "Loss, as mathematics");
  field.id = "loss-math";
  field.addEventListener("input", () => typed(plainLatex(field.value)));
  betterKeys(field);
  field.addEventListener("keydown", leaveByTab, { capture: true });
  field.addEventListener("paste", pasted, { capture: true });
  box.replaceChildren(field);
  field.menuItems = [];
  field.smartFence = true;
  field.smartSuperscript = false;
  field.mathVirtualKeyboardPolicy = "auto";
  field.inlineShortcuts = SIGNS;
  field.onInlineShortcut = (_, letters) => shortcut(letters, inIndex(field));
  return field;
}

function leaveByTab(event) {
  if (event.key === "Escape") event.currentTarget.blur();
}

/** Plain text on the clipboard is read by the server, LaTeX by the field itself. */
async function pasted(event) {
  const text = event.clipboardData?.getData("text/plain") || "";
  if (!text || text.includes("\\") || !mathField) return;
  const whole = mathField.selection.ranges.some(([from, to]) => to - from >= mathField.lastOffset) || !mathField.value;
  if (!whole) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  state.problem.text = text.trim();
  state.problem.format = "text";
  state.problem.model = isModel(text);
  const latex = await asLatex();
  if (latex !== null) {
    state.problem.model = isModel(latex);
    state.problem.text = latex;
    state.problem.format = "latex";
  }
  show();
  changed("problem", { kept: true });
}

function makeTextField() {
  const field = el("textarea", {
    id: "loss-text", class: "loss-text", rows: "1", spellcheck: "false", autocapitalize: "off",
    autocomplete: "off", autocorrect: "off", "aria-label": "Loss, as plain text",
    placeholder: "mean((y - (m*x + b))^2)",
    oninput: () => { grow(field); typed(field.value.replace(/\s*\n\s*/g, " ")); },
    onkeydown: (event) => { if (event.key === "Enter") event.preventDefault(); },
  });
  box.replaceChildren(field);
  return field;
}

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function typed(text) {
  if (text === state.problem.text) return;
  state.problem.text = text;
  state.problem.model = isModel(text);
  mark(null);
  changed("problem");
}

/** Show the formula of the state in the field of its format. */
export function show() {
  const { text, format } = state.problem;
  for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === format));
  if (format === "latex") {
    textField = null;
    if (!mathField) mathField = makeMathField();
    if (plainLatex(mathField.value) !== text) mathField.setValue(text, { silenceNotifications: true });
  } else {
    mathField = null;
    if (!textField) textField = makeTextField();
    if (textField.value !== text) textField.value = text;
    grow(textField);
  }
}

async function asLatex() {
  try {
    const { reading, loss } = await ask("derive", { problem: { ...state.problem, csv: null }, level: null });
    return (reading.model || loss).latex;
  } catch {
    return null;
  }
}

/** The other way to type: the formula itself stays the same. */
async function turn(format) {
  if (format === state.problem.format) return;
  const { text } = state.problem;
  let other = "";
  if (text.trim()) {
    try {
      const answer = await ask("derive", { problem: { ...state.problem, csv: null }, level: null });
      other = (answer.reading.model || answer.loss)[format];
    } catch (failure) {
      mark(failure.error, "The other way of typing needs a formula that can be read: ");
      return;
    }
  }
  state.problem.text = other;
  state.problem.format = format;
  state.problem.model = isModel(other);
  show();
  focus();
  changed("problem");
}

/** "y ~ m x + b" is a model to fit; everything else is a loss. */
function isModel(text) {
  return /~|\\sim\b/.test(text);
}

export function focus() {
  (mathField || textField)?.focus();
}

/** Put an error next to the field, with the place shown; null takes it away. */
export function mark(error, before = "") {
  box.classList.toggle("wrong", Boolean(error));
  box.querySelector(".squiggle")?.remove();
  const field = mathField || textField;
  field?.setAttribute("aria-invalid", String(Boolean(error)));
  if (!error) {
    fill(errorBox);
    return;
  }
  fill(errorBox,
    el("p", {}, before, error.reason || error.message),
    placed(error),
    error.remedy ? el("p", { class: "remedy" }, error.remedy) : null);
  if (mathField && Number.isInteger(error.start) && (!error.field || error.field === "text")) underline(mathField, box, error);
}

function placed(error) {
  const { text } = state.problem;
  const { start, end } = error;
  if (start === null || start === undefined || (error.field && error.field !== "text")) return null;
  const from = Math.min(start, text.length);
  const to = Math.max(from + 1, Math.min(end ?? from + 1, text.length));
  const lead = from > 60 ? "…" + text.slice(from - 50, from) : text.slice(0, from);
  const tail = text.slice(to, to + 60);
  return el("code", { class: "place" }, lead, el("mark", {}, text.slice(from, to) || " "), tail);
}

export function start() {
  buttons.latex.addEventListener("click", () => turn("latex"));
  buttons.text.addEventListener("click", () => turn("text"));
  on("all", show);
  show();
}
