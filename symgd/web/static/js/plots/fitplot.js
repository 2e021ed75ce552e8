/* The data, the fitted curve with its bands, and the residuals. */

import { svg } from "../dom.js";
import { axes, band, drawing, line } from "./frame.js";
import { spanOf } from "./scale.js";

/** The view: `show(fit, frame)`; frame is the curve at a step of the descent, null for the end. */
export function fitView() {
  let seen = null;
  const main = drawing("the data with the fitted curve", 380, (root, width, height) => { if (seen) drawFit(root, width, height, seen); });
  const rest = drawing("the residuals", 200, (root, width, height) => { if (seen) drawResiduals(root, width, height, seen.fit); });
  return {
    box: main.box,
    residuals: rest.box,
    show(fit, frame) {
      seen = { fit, frame };
      main.redraw();
      rest.redraw();
    },
  };
}

function drawFit(root, width, height, { fit, frame }) {
  const { points, curve, column, target } = fit;
  if (!curve) {
    const span = spanOf([...points.y, ...points.predicted]);
    const drawn = axes(root, width, height, { x: span, y: span, xLabel: `fitted ${target}`, yLabel: target });
    drawn.layer.append(svg("line", { x1: drawn.x(span[0]), y1: drawn.y(span[0]), x2: drawn.x(span[1]), y2: drawn.y(span[1]), class: "fit-line" }));
    dots(drawn, points.predicted, points.y);
    return;
  }
  const ySpan = spanOf([...points.y, ...curve.y, ...(curve.low || []), ...(curve.high || [])]);
  const drawn = axes(root, width, height, { x: spanOf(curve.x, 0), y: ySpan, xLabel: column || "x", yLabel: target });
  if (!frame && curve.predicted_low) drawn.layer.append(svg("path", { d: band(curve.x, curve.predicted_low, curve.predicted_high, drawn.x, drawn.y), class: "band wide" }));
  if (!frame && curve.low) drawn.layer.append(svg("path", { d: band(curve.x, curve.low, curve.high, drawn.x, drawn.y), class: "band" }));
  dots(drawn, points.x, points.y);
  if (frame) drawn.layer.append(svg("path", { d: line(curve.x, curve.y, drawn.x, drawn.y), class: "fit-line ghost" }));
  drawn.layer.append(svg("path", { d: line(curve.x, frame ? frame.y : curve.y, drawn.x, drawn.y), class: "fit-line" }));
}

function dots(drawn, xs, ys) {
  const radius = xs.length > 400 ? 2 : 3.2;
  xs.forEach((x, i) => {
    if (!Number.isFinite(x) || !Number.isFinite(ys[i])) return;
    drawn.layer.append(svg("circle", { cx: drawn.x(x).toFixed(1), cy: drawn.y(ys[i]).toFixed(1), r: radius, class: "datum" }));
  });
}

function drawResiduals(root, width, height, { points, column }) {
  const xs = column && points.x ? points.x : points.predicted;
  const drawn = axes(root, width, height, { x: spanOf(xs), y: spanOf([0, ...points.residual]), xLabel: column || "fitted", yLabel: "residual" });
  drawn.layer.append(svg("line", { x1: drawn.left, x2: drawn.right, y1: drawn.y(0), y2: drawn.y(0), class: "zero" }));
  dots(drawn, xs, points.residual);
}
