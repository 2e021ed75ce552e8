/* The loss over the steps, of all runs. */

import { svg } from "../dom.js";
import { axes, DASHES, drawing, line, SERIES } from "./frame.js";
import { spanOf } from "./scale.js";

/** The view: `show(runs, at, log)`. */
export function historyView() {
  let seen = null;
  const place = drawing("the loss over the steps", 260, (root, width, height) => { if (seen) draw(root, width, height); });

  function draw(root, width, height) {
    const { runs, at, log } = seen;
    const all = runs.flatMap((run) => run.loss).filter((value) => Number.isFinite(value));
    const logged = log && all.length > 0 && all.every((value) => value > 0);
    const last = Math.max(1, ...runs.map((run) => run.step[run.step.length - 1] || 0));
    const top = ceiling(runs, logged);
    const low = Math.min(...(all.length ? all : [0]));
    const ySpan = logged ? [low / 1.3, Math.max(top, low * 10)] : spanOf([low, top]);
    const drawn = axes(root, width, height, { x: [0, last], y: ySpan, xLabel: "step", yLabel: logged ? "loss (log)" : "loss", yLog: logged });
    runs.forEach((run, k) => {
      drawn.layer.append(svg("path", { d: line(run.step, run.loss, drawn.x, drawn.y), class: "history-line", stroke: SERIES[k % SERIES.length], "stroke-dasharray": DASHES[k % DASHES.length] }));
      const now = Math.min(at, run.step.length - 1);
      const py = now >= 0 && Number.isFinite(run.loss[now]) ? drawn.y(run.loss[now]) : null;
      if (py !== null) drawn.layer.append(svg("circle", { cx: drawn.x(run.step[now]), cy: py, r: 4.5, fill: SERIES[k % SERIES.length], class: "now" }));
    });
  }

  return { box: place.box, show(runs, at, log) { seen = { runs, at, log }; place.redraw(); } };
}

/** A run that flies away must not flatten the others: the top is a few times the highest start. */
function ceiling(runs, logged) {
  const starts = runs.map((run) => run.loss[0]).filter(Number.isFinite);
  const highest = Math.max(...runs.flatMap((run) => run.loss).filter(Number.isFinite), 0);
  const start = Math.max(...starts, -Infinity);
  if (!Number.isFinite(start)) return highest || 1;
  const factor = logged ? 1e4 : 3;
  return Math.min(highest, start > 0 ? start * factor : start + 10 * Math.abs(start || 1));
}
