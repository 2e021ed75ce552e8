/* How the formula was read, as chips: what is data, what a parameter, and of which shape. */

import { choices, el, fill, math } from "./dom.js";
import { changed, state } from "./state.js";

const box = document.getElementById("reading");
let lastReading = null;
let opened = null;

const SHAPES = [
  { key: "", label: "a number" },
  { key: "p", label: "a vector of p" },
  { key: "n,p", label: "an n × p matrix" },
];

/** Show the reading of the server. */
export function showReading(reading) {
  lastReading = reading;
  const focused = document.activeElement?.dataset?.name;
  const data = reading.data.map((one) => chip(one, "data"));
  const parameters = reading.parameters.map((one) => chip(one, "parameter"));
  const fixed = (reading.fixed || []).map((one) => chip(typeof one === "string" ? { name: one, shape: [] } : one, "held"));
  const constants = reading.constants.map((one) => chip({ ...one, shape: [] }, "constant"));
  fill(box,
    group("Data", data), group("Parameters", parameters), group("Held", fixed), group("Constants", constants),
    reading.notes?.length ? el("p", { class: "reading-note" }, reading.notes.join(" · ")) : null);
  if (focused) box.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}

export function noReading() {
  box.classList.add("stale");
}

/** No formula, no reading. */
export function clearReading() {
  close();
  fill(box);
}

function group(title, chips) {
  box.classList.remove("stale");
  if (!chips.length) return null;
  return el("div", { class: "chips" }, el("span", { class: "chips-title" }, title), chips);
}

function shapeText(shape) {
  return shape && shape.length ? shape.join(" × ") : "number";
}

function chip(one, kind) {
  const words = { data: "data", parameter: "a parameter", held: "held", constant: "a constant" };
  const value = one.value !== undefined ? ` = ${one.value}` : "";
  return el("button", {
    class: `chip ${kind}`, "data-name": one.name, "aria-haspopup": "dialog",
    "aria-label": `${one.name} is ${words[kind]}, ${shapeText(one.shape)}${value}; change`,
    onclick: (event) => open(event.currentTarget, one, kind),
  }, math(one.latex || one.name, { fallback: one.name }), value ? el("span", { class: "chip-shape" }, value)
    : one.shape?.length ? el("span", { class: "chip-shape" }, shapeText(one.shape)) : null);
}

function open(anchor, one, kind) {
  close();
  const popup = el("div", { class: "popup", role: "dialog", "aria-label": `How ${one.name} is read` });
  const roles = [{ key: "data", label: "Data" }, { key: "parameter", label: "Parameter" }, { key: "constant", label: "Constant" }];
  popup.append(
    el("div", { class: "popup-row" }, el("span", {}, "is"), choices(roles, kind, "role", (role) => asRole(one, role, popup))),
    el("div", { class: "popup-row", "data-row": "shape" }, el("span", {}, "of shape"), shapeField(one)));
  popup.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); anchor.focus(); }
  });
  document.body.append(popup);
  place(popup, anchor);
  opened = popup;
  popup.querySelector("button").focus();
  setTimeout(() => document.addEventListener("pointerdown", outside), 0);
}

function place(popup, anchor) {
  const seen = anchor.getBoundingClientRect();
  const width = popup.offsetWidth;
  popup.style.left = `${Math.max(8, Math.min(seen.left, document.documentElement.clientWidth - width - 8)) + scrollX}px`;
  popup.style.top = `${seen.bottom + 6 + scrollY}px`;
}

function outside(event) {
  if (opened && !opened.contains(event.target)) close();
}

function close() {
  document.removeEventListener("pointerdown", outside);
  opened?.remove();
  opened = null;
}

function shapeField(one) {
  const known = state.problem.shapes[one.name];
  const now = known !== undefined ? known : (one.shape || []).join(",");
  const field = el("input", {
    type: "text", class: "short", value: now, placeholder: "number", "aria-label": `shape of ${one.name}, e.g. p or n,p`, list: "shape-list",
    onchange: () => {
      const text = field.value.trim();
      if (text) state.problem.shapes = { ...state.problem.shapes, [one.name]: text };
      else state.problem.shapes = { ...state.problem.shapes, [one.name]: "" };
      close();
      changed("problem", { kept: true });
    },
  });
  const quick = SHAPES.map(({ key, label }) => el("button", { class: "small", onclick: () => { field.value = key; field.dispatchEvent(new Event("change")); } }, label));
  return el("div", { class: "popup-shapes" }, field, quick);
}

/** Name one as data, parameter or constant; the others keep what they are. */
function asRole(one, role, popup) {
  const problem = state.problem;
  const others = lastReading.data.map((each) => each.name).filter((name) => name !== one.name);
  const constants = { ...problem.constants };
  delete constants[one.name];
  if (role === "constant") {
    askValue(one, popup);
    return;
  }
  problem.constants = constants;
  problem.columns = role === "data" ? [...others, one.name] : others;
  if (problem.wrt) problem.wrt = role === "parameter" ? [...new Set([...problem.wrt, one.name])] : problem.wrt.filter((name) => name !== one.name);
  if (problem.wrt && !problem.wrt.length) problem.wrt = null;
  close();
  changed("problem", { kept: true });
}

function askValue(one, popup) {
  const row = popup.querySelector('[data-row="shape"]');
  const field = el("input", { type: "text", class: "short", inputmode: "decimal", "aria-label": `value of ${one.name}`, value: one.value ?? "" });
  field.addEventListener("change", () => {
    const value = Number(field.value.replace(",", "."));
    if (field.value.trim() === "" || !Number.isFinite(value)) {
      field.setAttribute("aria-invalid", "true");
      return;
    }
    const problem = state.problem;
    problem.constants = { ...problem.constants, [one.name]: value };
    if (problem.columns) problem.columns = problem.columns.filter((name) => name !== one.name);
    close();
    changed("problem", { kept: true });
  });
  fill(row, el("span", {}, "with the value"), field);
  field.focus();
}
