/* A drawing with axes that follows the width of its place. */

import { el, fill, svg } from "../dom.js";
import { linear, logarithmic, tickText } from "./scale.js";

const MARGIN = { left: 58, right: 14, top: 12, bottom: 42 };

/** A place for a drawing: calls draw(root, width, height) now and when its width changes. */
export function drawing(label, height, draw) {
  const root = svg("svg", { role: "img", "aria-label": label, class: "plot" });
  const box = el("div", { class: "plot-box" }, root);
  let width = 0;
  const redraw = () => {
    if (width < 40) return;
    const tall = Math.min(height, Math.max(220, width * 0.8));
    root.setAttribute("viewBox", `0 0 ${width} ${tall}`);
    root.setAttribute("width", width);
    root.setAttribute("height", tall);
    draw(root, width, tall);
  };
  new ResizeObserver(([entry]) => {
    const seen = Math.round(entry.contentRect.width);
    if (seen !== width) { width = seen; redraw(); }
  }).observe(box);
  return { box, root, redraw };
}

/** Axes, grid and labels in a drawing; gives the scales and a layer to draw into. */
export function axes(root, width, height, { x, y, xLabel = "", yLabel = "", yLog = false, grid = true, left = MARGIN.left }) {
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const across = linear(x, [left, right]);
  const up = (yLog ? logarithmic : linear)(y, [bottom, MARGIN.top]);
  const clip = `clip-${Math.random().toString(36).slice(2)}`;
  const lines = svg("g", { class: "axis" });
  for (const tick of across.ticks(Math.max(3, Math.floor((right - left) / 80)))) {
    const place = across(tick);
    if (grid) lines.append(svg("line", { x1: place, x2: place, y1: MARGIN.top, y2: bottom, class: "grid-line" }));
    lines.append(svg("text", { x: place, y: bottom + 17, "text-anchor": "middle" }, tickText(tick)));
  }
  for (const tick of up.ticks(Math.max(3, Math.floor((bottom - MARGIN.top) / 46)))) {
    const place = up(tick);
    if (place === null) continue;
    if (grid) lines.append(svg("line", { x1: left, x2: right, y1: place, y2: place, class: "grid-line" }));
    lines.append(svg("text", { x: left - 8, y: place + 4, "text-anchor": "end" }, tickText(tick)));
  }
  lines.append(
    svg("rect", { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top, class: "plot-edge" }),
    svg("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle", class: "axis-label" }, xLabel),
    svg("text", { x: 13, y: (MARGIN.top + bottom) / 2, "text-anchor": "middle", class: "axis-label", transform: `rotate(-90 13 ${(MARGIN.top + bottom) / 2})` }, yLabel));
  const layer = svg("g", { "clip-path": `url(#${clip})` });
  const over = svg("g", {});
  fill(root,
    svg("defs", {}, svg("clipPath", { id: clip }, svg("rect", { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top }))),
    lines, layer, over);
  return { x: across, y: up, layer, over, left, right, top: MARGIN.top, bottom };
}

/** Points as the d of a path; a null breaks the line. */
export function line(xs, ys, x, y) {
  const parts = [];
  let pen = "M";
  for (let i = 0; i < xs.length; i += 1) {
    const value = ys[i];
    const place = value === null || value === undefined || xs[i] === null ? null : y(value);
    if (place === null || !Number.isFinite(place)) { pen = "M"; continue; }
    parts.push(`${pen}${x(xs[i]).toFixed(1)} ${Math.max(-1e5, Math.min(1e5, place)).toFixed(1)}`);
    pen = "L";
  }
  return parts.join("");
}

/** A band between two lines. */
export function band(xs, low, high, x, y) {
  const upper = xs.map((value, i) => `${x(value).toFixed(1)} ${y(high[i]).toFixed(1)}`);
  const lower = xs.map((value, i) => `${x(value).toFixed(1)} ${y(low[i]).toFixed(1)}`).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

/** The colours of the runs; line styles differ too. */
export const SERIES = ["var(--s0)", "var(--s1)", "var(--s2)", "var(--s3)", "var(--s4)", "var(--s5)"];
export const DASHES = ["", "7 3", "2 3", "9 3 2 3", "5 2", "1 3"];
