/* The examples: complete states of the page, one click each. */

import { ask } from "./api.js";
import { el, fill, refusal } from "./dom.js";
import { become } from "./state.js";

const GROUPS = { lessons: "Lessons", models: "Models on data" };
const button = document.getElementById("examples-button");
let dialog = null;

async function load(body) {
  try {
    const { examples } = await ask("examples", {});
    fill(body, Object.keys(GROUPS).map((group) => section(group, examples.filter((one) => one.group === group))),
      section(null, examples.filter((one) => !(one.group in GROUPS))));
    body.querySelector("button")?.focus();
  } catch (failure) {
    fill(body, refusal(failure.error));
  }
}

function section(group, examples) {
  if (!examples.length) return null;
  return el("section", {}, el("h3", {}, GROUPS[group] || "More"),
    el("ul", { class: "examples" }, examples.map((one) => el("li", {}, el("button", {
      class: "example", "data-key": one.key,
      onclick: () => { dialog.close(); become({ ...one.state, tab: one.tab }); },
    }, el("strong", {}, one.title), el("span", {}, one.text), el("span", { class: "example-tab" }, one.tab))))));
}

function open() {
  if (!dialog) {
    const body = el("div", { class: "dialog-body" }, el("p", { class: "hint" }, "…"));
    dialog = el("dialog", { class: "dialog", "aria-label": "Examples" },
      el("div", { class: "card-head" }, el("h2", {}, "Examples"), el("button", { class: "quiet", "aria-label": "Close", onclick: () => dialog.close() }, "✕")), body);
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    load(body);
  }
  dialog.showModal();
}

export function startExamples() {
  button.addEventListener("click", open);
}
