/* The slider of the learning rate: decades, with the greatest stable rate marked on it. */

import { el, number } from "./dom.js";

const POSITIONS = 1000;

/** The control; `changed(rate)` hears a number, a formula in t, or null for the suggested rate. */
export function makeRate(changed) {
  let low = -4;
  let high = 1;
  let suggested = null;
  const slider = el("input", { type: "range", min: "0", max: String(POSITIONS), value: "500", "aria-label": "learning rate", oninput: slid });
  const field = el("input", { type: "text", class: "short", "aria-label": "learning rate: a number or a formula in the step t", spellcheck: "false", onchange: typed });
  const auto = el("button", { class: "small", title: "let the program choose", onclick: () => { changed(null); } }, "auto");
  const stable = el("span", { class: "rate-mark stable", hidden: true });
  const best = el("span", { class: "rate-mark best", hidden: true });
  const unsafe = el("span", { class: "rate-unsafe", hidden: true });
  const note = el("p", { class: "hint rate-note" });
  const node = el("div", { class: "control" },
    el("div", { class: "control-head" }, el("span", { class: "control-name" }, "Rate η"), field, auto),
    el("div", { class: "rate-track" }, unsafe, slider, stable, best), note);

  function slid() {
    const rate = Number((10 ** (low + (Number(slider.value) / POSITIONS) * (high - low))).toPrecision(3));
    field.value = String(rate);
    changed(rate);
  }

  function typed() {
    const text = field.value.trim();
    if (!text) return changed(null);
    const value = Number(text.replace(",", "."));
    return changed(Number.isFinite(value) ? value : text);
  }

  const part = (rate) => Math.max(0, Math.min(1, (Math.log10(rate) - low) / (high - low)));

  function mark(node_, rate, words) {
    node_.hidden = !(rate > 0);
    if (rate > 0) node_.style.left = `calc(${part(rate)} * (100% - 18px) + 9px)`;
    node_.title = words;
  }

  return {
    node,
    /** What is known of good rates: {stable_rate, best_rate, suggested}. */
    limits(found) {
      const known = found?.suggested || {};
      suggested = known.rate ?? null;
      const stableRate = found?.stable_rate ?? null;
      const lowest = known.low > 0 ? known.low : 1e-4;
      const highest = known.high > lowest ? known.high : Math.max(lowest * 10, 10);
      [low, high] = [Math.floor(Math.log10(lowest) * 4) / 4, Math.ceil(Math.log10(Math.max(highest, stableRate ? stableRate * 1.6 : 0)) * 4) / 4];
      mark(stable, stableRate, "the greatest stable rate");
      mark(best, found?.best_rate ?? null, "the best fixed rate");
      unsafe.hidden = !(stableRate > 0);
      if (stableRate > 0) unsafe.style.left = `calc(${part(stableRate)} * (100% - 18px) + 9px)`;
      note.replaceChildren(...noteOf(found));
    },
    /** Show the rate of the chosen run. */
    show(rate, used = null) {
      const shown = rate ?? used ?? suggested;
      auto.setAttribute("aria-pressed", String(rate === null || rate === undefined));
      if (document.activeElement !== field) field.value = rate === null || rate === undefined ? "" : String(rate);
      field.placeholder = shown ? String(number(shown, 4)) : "auto";
      if (typeof shown === "number" && shown > 0 && document.activeElement !== slider) slider.value = String(Math.round(part(shown) * POSITIONS));
      slider.setAttribute("aria-valuetext", shown ? `rate ${shown}` : "chosen by the program");
    },
  };
}

function noteOf(found) {
  if (!found?.stable_rate) return [el("span", {}, " ")];
  const about = found.exact ? "" : " near the start or the minimum";
  return [
    el("span", { class: "key stable" }), `stable below ${number(found.stable_rate, 4)}${about}`,
    ...(found.best_rate ? [el("span", { class: "key best" }), `best ${number(found.best_rate, 4)}`] : []),
  ];
}
