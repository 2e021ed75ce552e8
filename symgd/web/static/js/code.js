/* The gradient as source code in several languages. */

import { newest } from "./api.js";
import { choices, copyButton, download, el, fill, refusal } from "./dom.js";
import { state } from "./state.js";

const TARGETS = [
  { key: "numpy", label: "NumPy" }, { key: "jax", label: "JAX" }, { key: "torch", label: "PyTorch" },
  { key: "c", label: "C" }, { key: "julia", label: "Julia" }, { key: "latex", label: "LaTeX" },
];

/** The card; it asks for code when the formula has come to rest. */
export function makeCode(onAnswer) {
  const askCode = newest("code");
  const source = el("code", {});
  const tools = el("div", { class: "card-tools" });
  const box = el("pre", { class: "code", tabindex: "0", "aria-label": "source code" }, source);
  const said = el("div", {});
  let target = "numpy";
  let waiting = 0;
  let last = null;
  let problem = null;

  const ask = async () => {
    try {
      const found = await askCode({ problem, target });
      if (!found) return;
      last = found;
      fill(said);
      box.hidden = false;
      source.textContent = found.code;
      fill(tools, copyButton(() => last.code),
        el("button", { class: "small", onclick: () => download(new Blob([last.code], { type: "text/plain" }), last.filename) }, "Save"));
    } catch (failure) {
      box.hidden = true;
      fill(tools);
      fill(said, refusal(failure.error));
    }
  };
  onAnswer((answer) => {
    clearTimeout(waiting);
    problem = answer?.asked;
    if (answer?.gradient.length && state.tab === "derive") waiting = setTimeout(ask, 350);
  });
  return el("section", { class: "card code-card" },
    el("div", { class: "card-head" }, el("h2", {}, "Code"), tools),
    choices(TARGETS, target, "language", (key) => { target = key; ask(); }), said, box);
}
