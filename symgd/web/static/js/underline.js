/* A wavy line in the math field under the place that was refused. */

import { el } from "./dom.js";
import { plainLatex } from "./shortcuts.js";

/** Underline the atoms of `field` between the offsets start and end of its LaTeX. */
export function underline(field, box, { start, end }) {
  const seen = [];
  for (let offset = 1; offset <= field.lastOffset; offset += 1) {
    const before = plainLatex(field.getValue(0, offset)).length;
    if (before <= start) continue;
    const bounds = field.getElementInfo(offset)?.bounds;
    if (bounds && bounds.width > 0) seen.push(bounds);
    if (before >= (end ?? start + 1)) break;
  }
  if (!seen.length) return;
  const frame = box.getBoundingClientRect();
  const left = Math.min(...seen.map((one) => one.left));
  const right = Math.max(...seen.map((one) => one.right));
  const bottom = Math.max(...seen.map((one) => one.bottom));
  const line = el("div", { class: "squiggle", "aria-hidden": "true" });
  line.style.left = `${Math.max(0, left - frame.left)}px`;
  line.style.top = `${Math.min(frame.height - 6, bottom - frame.top + 1)}px`;
  line.style.width = `${Math.max(10, Math.min(right, frame.right) - left)}px`;
  box.append(line);
}
