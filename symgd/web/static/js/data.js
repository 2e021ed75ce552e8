/* The data: pasted or from a file, read by the server, kept on this machine. */

import { newest } from "./api.js";
import { el, fill, number, refusal } from "./dom.js";
import { sampleFor } from "./sample.js";
import { changed, on, state } from "./state.js";

const LARGEST = 5_000_000;
const askData = newest("data");

/** The card of the data: `node`, and `invitation()` for the place where nothing can be drawn yet. */
export function makeData(onAnswer) {
  const said = el("div", { class: "data-said", "aria-live": "polite" });
  const area = el("textarea", { class: "data-area", rows: "5", spellcheck: "false", "aria-label": "data as CSV", placeholder: "x,y\n1,2.1\n2,3.9\n3,6.2" });
  const file = el("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv,text/plain", id: "data-file", class: "hidden-text", onchange: () => upload(file.files[0]) });
  const paste = el("div", { class: "data-paste", hidden: true }, area,
    el("div", { class: "under" }, el("p", { class: "hint" }, "A first line with names, then numbers. Up to 5 MB; they stay on this machine."),
      el("button", { class: "primary", onclick: () => take(area.value) }, "Use these")));
  const open = el("button", { class: "small", "aria-expanded": "false", onclick: () => unfold(paste.hidden) }, "Paste");
  const clear = el("button", { class: "small", hidden: true, onclick: () => take("") }, "Take away");
  const node = el("section", { class: "card data-card" },
    el("div", { class: "card-head" }, el("h2", {}, "Data"),
      el("div", { class: "card-tools" }, open, el("label", { class: "button small", for: "data-file", tabindex: "0", onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); file.click(); } } }, "Upload CSV"), file, clear)),
    said, paste);

  let needed = [];
  let matrices = [];
  let shown = null;

  function sample() {
    const { csv, words } = sampleFor(needed, state.problem.loss);
    take(csv, words);
  }

  function pasting() {
    unfold(true);
    node.scrollIntoView({ block: "nearest" });
  }

  /** What is missing, in a friendly way, with the ways to give it. */
  function invitation(names) {
    return el("div", { class: "empty invitation" },
      el("p", {}, names.length > 1 ? "This loss needs the data " : "This loss needs data in ", list(names), ". Bring your own, or look at it with made-up numbers."),
      el("div", { class: "invitation-row" },
        needed.length ? el("button", { class: "primary", onclick: sample }, "Use sample data") : null,
        el("button", { class: "small", onclick: pasting }, "Paste a table"), el("button", { class: "small", onclick: () => file.click() }, "Upload CSV")));
  }

  function unfold(show) {
    paste.hidden = !show;
    open.setAttribute("aria-expanded", String(show));
    if (show) { area.value = (state.problem.csv || "").slice(0, 200_000); area.focus(); }
  }

  async function upload(chosen) {
    file.value = "";
    if (!chosen) return;
    if (chosen.size > LARGEST) {
      fill(said, refusal({ reason: `${chosen.name} has ${(chosen.size / 1e6).toFixed(1)} MB; the page takes up to 5 MB.`, remedy: "Take a part of the rows, or use the command: symgd fit FORMULA FILE." }));
      return;
    }
    await take(await chosen.text(), chosen.name);
  }

  async function take(csv, name = "") {
    if (!csv.trim()) {
      state.problem.csv = null;
      state.problem.columns = null;
      unfold(false);
      changed("problem data", { kept: true });
      return;
    }
    try {
      const found = await askData({ csv });
      if (!found) return;
      state.problem.csv = csv;
      state.problem.columns = found.columns.map((one) => one.name);
      unfold(false);
      showData(found, name);
      changed("problem data", { kept: true });
    } catch (failure) {
      fill(said, refusal(failure.error));
    }
  }

  function showData(found, name) {
    clear.hidden = false;
    shown = [found, name];
    fill(said, el("p", { class: "data-line" }, name ? [el("strong", {}, name), " · "] : null, `${found.rows.toLocaleString("en")} rows`),
      el("ul", { class: "columns" }, found.columns.map((one) => el("li", {}, el("strong", {}, one.name), ` ${number(one.min, 3)} … ${number(one.max, 3)}`))),
      matrices.length ? el("p", { class: "hint" }, matrices.join("; "), " of the table.") : null,
      found.refused?.length ? el("p", { class: "hint" }, found.refused.map((one) => `${one.name}: ${one.reason}`).join("; ")) : null,
      found.notes?.length ? el("p", { class: "hint" }, found.notes.join("; ")) : null);
  }

  onAnswer((answer) => {
    if (!answer) return;
    const before = JSON.stringify([needed, matrices]);
    needed = answer.reading.data;
    matrices = answer.reading.matrices || [];
    if (JSON.stringify([needed, matrices]) === before) return;
    if (!state.problem.csv) look();
    else if (shown) showData(...shown);
  });

  async function look() {
    const { csv } = state.problem;
    clear.hidden = !csv;
    if (!csv) {
      shown = null;
      fill(said, el("p", { class: "hint" }, needed.length
        ? `Wanted: ${listed(needed)}. A first line with the names, then numbers.`
        : "None: the loss is a function of its parameters only."));
      return;
    }
    try {
      const found = await askData({ csv });
      if (found) showData(found, "");
    } catch (failure) {
      fill(said, refusal(failure.error));
    }
  }

  on("all", look);
  on("data", () => { if (!state.problem.csv) look(); });
  look();
  return { node, invitation };
}

/** Names as they stand in the first line of a table; a matrix is several columns. */
function listed(data) {
  return data.map((one) => (one.shape.length > 1 ? `${one.name} (columns ${one.name}1, ${one.name}2, …)` : one.name)).join(", ");
}

function list(names) {
  return names.flatMap((name, k) => [k ? (k === names.length - 1 ? " and " : ", ") : null, el("code", {}, name)]);
}
