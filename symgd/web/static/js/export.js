/* What is on the screen as a file: picture, movie, numbers, notebook, script. */

import { askFile } from "./api.js";
import { download, el, fill, refusal, toast } from "./dom.js";
import { isDark } from "./plots/colours.js";

const WHATS = [
  { key: "script", label: "Python script" }, { key: "notebook", label: "Notebook" }, { key: "csv", label: "Path as CSV" },
  { key: "png", label: "Picture (PNG)" }, { key: "svg", label: "Picture (SVG)" }, { key: "gif", label: "Movie (GIF)" },
];

/** The card; `request()` gives what the server needs to make the same again. */
export function makeExport(request) {
  const said = el("div", {});
  const buttons = WHATS.map(({ key, label }) => el("button", { class: "small", "data-what": key, onclick: (event) => make(key, event.currentTarget) }, label));

  async function make(what, button) {
    button.disabled = true;
    button.classList.add("working");
    fill(said);
    try {
      const { blob, name } = await askFile("export", { what, theme: isDark() ? "dark" : "light", ...request(what) });
      download(blob, name);
      toast(`${name} is saved`);
    } catch (failure) {
      fill(said, refusal(failure.error || { reason: "The file could not be made." }));
    }
    button.disabled = false;
    button.classList.remove("working");
  }

  return el("section", { class: "card export-card" }, el("div", { class: "card-head" }, el("h2", {}, "Take it with you")), el("div", { class: "export-row" }, buttons), said);
}
