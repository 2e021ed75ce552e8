/* The loss of one parameter as a curve, with the steps of a descent and their tangents. */

import { svg } from "../dom.js";
import { axes, drawing, line, SERIES } from "./frame.js";
import { grip } from "./grip.js";

/** The view; `show(scene, runs, frame)` draws it, `onStart(values, done)` hears a dragged start. */
export function curveView(onStart) {
  let seen = null;
  let handle = null;
  const place = drawing("the loss as a curve with the steps of the descent", 420, (root, width, height) => {
    if (seen) draw(root, width, height);
  });

  function draw(root, width, height) {
    const { scene, runs, at } = seen;
    const held = handle?.contains(document.activeElement);
    const drawn = axes(root, width, height, { x: scene.span, y: heightSpan(scene, seen.start), xLabel: scene.names[0], yLabel: "loss" });
    drawn.layer.append(svg("path", { d: line(scene.x, scene.y, drawn.x, drawn.y), class: "curve" }));
    if (scene.minimum) drawn.layer.append(minimumMark(drawn.x(scene.minimum.x), drawn.y(scene.minimum.y)));
    runs.forEach((run, k) => steps(drawn, scene, run, at, SERIES[k % SERIES.length], k === seen.chosen));
    startMark(drawn, scene, held);
  }

  function startMark(drawn, scene, held) {
    const start = seen.start;
    if (start === null || !Number.isFinite(start)) return;
    const [low, high] = scene.span;
    const kept = (value) => Math.max(low, Math.min(high, value));
    const height = heightAt(scene, start);
    const py = Math.max(drawn.top, Math.min(drawn.bottom, height === null ? drawn.bottom : drawn.y(height)));
    const old = handle;
    const moved = (px, _py, done) => onStart([kept(drawn.x.inverse(px))], done);
    const nudged = (dx) => onStart([kept(start + (dx * (high - low)) / 100)], true);
    if (old && old.classList.contains("held")) {
      old.setAttribute("transform", `translate(${drawn.x(start)} ${py})`);
      drawn.over.append(old);
      return;
    }
    handle = grip(drawn.x(start), py, `start of ${scene.names[0]}`, String(Number(start.toPrecision(4))), moved, nudged);
    drawn.over.append(handle);
    if (held) handle.focus({ preventScroll: true });
  }

  return {
    box: place.box,
    show(scene, runs, at, start, chosen) {
      seen = { scene, runs, at, start, chosen };
      place.redraw();
    },
  };
}

/** From the lowest to the ceiling, or to the start when that stands higher. */
function heightSpan(scene, start) {
  const [low, high] = scene.range || [0, 1];
  const atStart = Number.isFinite(start) ? heightAt(scene, start) : null;
  const top = Math.max(scene.ceiling ?? high, atStart ?? -Infinity);
  const room = (top - low) * 0.08 || 1;
  return [low - room, top + room];
}

function minimumMark(px, py) {
  return svg("path", { d: `M${px - 6} ${py}L${px} ${py - 6}L${px + 6} ${py}L${px} ${py + 6}Z`, class: "minimum" });
}

function steps(drawn, scene, run, at, colour, tangents) {
  const count = Math.min(at + 1, run.theta.length);
  const xs = run.theta.slice(0, count).map((one) => one[0]);
  const ys = run.loss.slice(0, count);
  drawn.layer.append(svg("path", { d: line(xs, ys, drawn.x, drawn.y), class: "walk", stroke: colour, "stroke-opacity": Math.max(0.3, Math.min(1, 60 / count)) }));
  const shown = Math.max(0, count - 400);
  for (let i = shown; i < count; i += 1) {
    if (!Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) continue;
    drawn.layer.append(svg("circle", { cx: drawn.x(xs[i]), cy: drawn.y(ys[i]), r: i === count - 1 ? 5.5 : 3, fill: colour, class: i === count - 1 ? "now" : "" }));
  }
  if (tangents && count) tangent(drawn, scene, xs[count - 1], ys[count - 1], colour);
}

function tangent(drawn, scene, x, y, colour) {
  const slope = interpolate(scene.x, scene.slope, x);
  if (slope === null || !Number.isFinite(y)) return;
  const reach = (scene.span[1] - scene.span[0]) * 0.16;
  const pixels = Math.hypot(drawn.x(x + reach) - drawn.x(x), drawn.y(y + slope * reach) - drawn.y(y));
  const part = Math.min(1, 130 / pixels) * reach;
  drawn.layer.append(svg("line", {
    x1: drawn.x(x - part), y1: drawn.y(y - slope * part), x2: drawn.x(x + part), y2: drawn.y(y + slope * part), class: "tangent", stroke: colour,
  }));
}

function interpolate(xs, values, x) {
  if (!values) return null;
  for (let i = 1; i < xs.length; i += 1) {
    if (xs[i] >= x && xs[i - 1] <= x && values[i] !== null && values[i - 1] !== null) {
      const part = (x - xs[i - 1]) / (xs[i] - xs[i - 1] || 1);
      return values[i - 1] + part * (values[i] - values[i - 1]);
    }
  }
  return null;
}

function heightAt(scene, x) {
  return interpolate(scene.x, scene.y, x);
}
