/* A mark that can be dragged with the mouse, a finger or the arrow keys. */

import { svg } from "../dom.js";

/** The mark at (px, py); `moved(x, y, done)` hears pixels; `nudged(dx, dy)` hears key steps. */
export function grip(px, py, label, text, moved, nudged) {
  const node = svg("g", {
    class: "grip", tabindex: "0", role: "slider", "aria-label": label, "aria-valuetext": text,
    "aria-valuenow": "0", transform: `translate(${px} ${py})`,
  }, svg("circle", { r: 22, class: "grip-area" }), svg("circle", { r: 8.5, class: "grip-ring" }), svg("circle", { r: 3, class: "grip-dot" }));
  const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  node.addEventListener("keydown", (event) => {
    const step = keys[event.key];
    if (!step) return;
    event.preventDefault();
    const factor = event.shiftKey ? 5 : 1;
    nudged(step[0] * factor, step[1] * factor);
  });
  node.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    node.focus({ preventScroll: true });
    drag(node, event, moved);
  });
  return node;
}

function drag(node, first, moved) {
  const root = node.ownerSVGElement;
  const place = (event) => {
    const seen = root.getBoundingClientRect();
    const view = root.viewBox.baseVal;
    return [(event.clientX - seen.left) * (view.width / seen.width), (event.clientY - seen.top) * (view.height / seen.height)];
  };
  node.classList.add("held");
  const move = (event) => { if (event.pointerId === first.pointerId) moved(...place(event), false); };
  const up = (event) => {
    if (event.pointerId !== first.pointerId) return;
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", up);
    removeEventListener("pointercancel", up);
    node.classList.remove("held");
    moved(...place(event), true);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", up);
  addEventListener("pointercancel", up);
}
