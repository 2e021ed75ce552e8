/* The loss over two parameters from above: shades, contour lines and the paths of the runs. */

import { el, svg } from "../dom.js";
import { isDark, shade, stretched } from "./colours.js";
import { axes, drawing, line, SERIES } from "./frame.js";
import { grip } from "./grip.js";

/** The view; the arguments of `show` are those of the curve. `at` gives the axes of the start. */
export function contourView(onStart) {
  let seen = null;
  let handle = null;
  let picture = { of: null, dark: null, address: "" };
  const place = drawing("contours of the loss with the path of the descent", 460, (root, width, height) => {
    if (seen) draw(root, width, height);
  });

  function draw(root, width, height) {
    const { scene, runs, at } = seen;
    const held = handle?.contains(document.activeElement);
    const drawn = axes(root, width, height, { x: ends(scene.x), y: ends(scene.y), xLabel: scene.names[0], yLabel: scene.names[1], grid: false });
    shades(drawn, scene);
    for (const { lines } of scene.contours || []) {
      for (const points of lines) {
        drawn.layer.append(svg("path", { d: line(points.map((p) => p[0]), points.map((p) => p[1]), drawn.x, drawn.y), class: "isoline" }));
      }
    }
    if (scene.minimum) {
      const [px, py] = [drawn.x(scene.minimum.x), drawn.y(scene.minimum.y)];
      drawn.layer.append(svg("path", { d: `M${px - 6} ${py}L${px} ${py - 6}L${px + 6} ${py}L${px} ${py + 6}Z`, class: "minimum" }));
    }
    runs.forEach((run, k) => way(drawn, run, at, SERIES[k % SERIES.length]));
    startMark(drawn, scene, held);
  }

  function shades(drawn, scene) {
    const dark = isDark();
    if (picture.of !== scene || picture.dark !== dark) picture = { of: scene, dark, address: heightPicture(scene, dark) };
    drawn.layer.append(svg("image", {
      href: picture.address, x: drawn.left, y: drawn.top, width: drawn.right - drawn.left, height: drawn.bottom - drawn.top, preserveAspectRatio: "none",
    }));
  }

  function way(drawn, run, at, colour) {
    const [i, j] = seen.axes;
    const part = run.theta.slice(0, at + 1);
    const [xs, ys] = [part.map((one) => one[i]), part.map((one) => one[j])];
    drawn.layer.append(
      svg("path", { d: line(xs, ys, drawn.x, drawn.y), class: "walk halo" }),
      svg("path", { d: line(xs, ys, drawn.x, drawn.y), class: "walk", stroke: colour }));
    const from = Math.max(0, part.length - 300);
    for (let k = from; k < part.length; k += 1) {
      if (!Number.isFinite(xs[k]) || !Number.isFinite(ys[k])) continue;
      const last = k === part.length - 1;
      drawn.layer.append(svg("circle", { cx: drawn.x(xs[k]), cy: drawn.y(ys[k]), r: last ? 5.5 : 2.4, fill: colour, class: last ? "now" : "" }));
    }
  }

  function startMark(drawn, scene, held) {
    if (!seen.start) return;
    const [x, y] = seen.start;
    const [xs, ys] = [drawn.x.span, drawn.y.span];
    const keep = (value, [low, high]) => Math.max(low, Math.min(high, value));
    const moved = (px, py, done) => onStart([keep(drawn.x.inverse(px), xs), keep(drawn.y.inverse(py), ys)], done);
    const nudged = (dx, dy) => onStart([keep(x + (dx * (xs[1] - xs[0])) / 100, xs), keep(y + (dy * (ys[1] - ys[0])) / 100, ys)], true);
    const [px, py] = [drawn.x(keep(x, xs)), drawn.y(keep(y, ys))];
    if (handle?.classList.contains("held")) {
      handle.setAttribute("transform", `translate(${px} ${py})`);
      drawn.over.append(handle);
      return;
    }
    const text = `${scene.names[0]} = ${Number(x.toPrecision(4))}, ${scene.names[1]} = ${Number(y.toPrecision(4))}`;
    handle = grip(px, py, "start of the descent", text, moved, nudged);
    drawn.over.append(handle);
    if (held) handle.focus({ preventScroll: true });
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => place.redraw());
  return {
    box: place.box,
    show(scene, runs, at, start, chosen, which) {
      seen = { scene, runs, at, start, chosen, axes: which };
      place.redraw();
    },
  };
}

const ends = (values) => [values[0], values[values.length - 1]];

/** The heights as a small picture that the browser stretches smoothly. */
function heightPicture(scene, dark) {
  const rows = scene.z.length;
  const columns = scene.z[0].length;
  const canvas = el("canvas", { width: columns, height: rows });
  const pen = canvas.getContext("2d");
  const pixels = pen.createImageData(columns, rows);
  const [low, high] = scene.range;
  const part = stretched(low, scene.ceiling ?? high);
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      const value = scene.z[rows - 1 - r][c];
      const at = 4 * (r * columns + c);
      const colour = value === null ? (dark ? [58, 63, 71] : [217, 217, 217]) : shade(part(value), dark);
      pixels.data.set([...colour, 255], at);
    }
  }
  pen.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}
