/* The loss over two parameters as a surface that can be turned: painter's algorithm on a canvas.

   Far quadrilaterals are painted first; the pieces of the paths are sorted among them, so that a
   path behind a hill is hidden by it. */

import { el } from "../dom.js";
import { viridis, isDark } from "./colours.js";
import { tickText } from "./scale.js";

const HEIGHT = 0.62;
const CLOSE = 7;

/** The view: `show(scene, runs, at, _, _, axes)`. */
export function surfaceView() {
  const canvas = el("canvas", { class: "surface", tabindex: "0", role: "img", "aria-label": "the loss as a surface; the arrow keys turn it" });
  const box = el("div", { class: "plot-box" }, canvas);
  const view = { turn: -0.9, tilt: 0.52 };
  let seen = null;
  let asked = 0;

  const redraw = () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => { if (seen && box.clientWidth > 40) paint(canvas, box.clientWidth, seen, view); });
  };
  new ResizeObserver(redraw).observe(box);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.06], ArrowDown: [0, -0.06] }[event.key];
    if (!step) return;
    event.preventDefault();
    turnBy(view, ...step);
    redraw();
  });
  canvas.addEventListener("pointerdown", (first) => {
    canvas.setPointerCapture(first.pointerId);
    let [x, y] = [first.clientX, first.clientY];
    const move = (event) => {
      turnBy(view, (event.clientX - x) * 0.008, (event.clientY - y) * 0.006);
      [x, y] = [event.clientX, event.clientY];
      redraw();
    };
    canvas.addEventListener("pointermove", move);
    const end = () => canvas.removeEventListener("pointermove", move);
    canvas.addEventListener("pointerup", end, { once: true });
    canvas.addEventListener("pointercancel", end, { once: true });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return {
    box,
    show(scene, runs, at, _start, _chosen, axes) {
      seen = { scene, runs, at, axes };
      redraw();
    },
  };
}

function turnBy(view, around, over) {
  view.turn += around;
  view.tilt = Math.max(0.08, Math.min(1.45, view.tilt + over));
}

/** The projection: the box [-1,1] x [-1,1] x [0,HEIGHT*2] seen from far away. */
function projection(width, height, { turn, tilt }) {
  const [c, s, ct, st] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  const size = Math.min(width / 3.05, height / 2.5);
  return (x, y, z) => {
    const right = c * x - s * y;
    const away = s * x + c * y;
    const up = z - HEIGHT;
    return [width / 2 + size * right, height * 0.46 - size * (up * ct + away * st), away * ct - up * st];
  };
}

function paint(canvas, width, { scene, runs, at, axes }, view) {
  const height = Math.min(460, Math.max(260, width * 0.8));
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const place = projection(width, height, view);
  const unit = units(scene);
  base(pen, place, scene);
  const pieces = [...quads(scene, unit, place), ...paths(scene, runs, at, axes, unit, place)];
  pieces.sort((one, other) => other.depth - one.depth);
  for (const piece of pieces) piece.paint(pen);
}

/** The numbers of the scene in the unit box. */
function units(scene) {
  const span = (values) => [values[0], values[values.length - 1]];
  const to = ([a, b]) => (value) => (2 * (value - a)) / (b - a || 1) - 1;
  const [low, high] = [scene.range[0], scene.ceiling ?? scene.range[1]];
  return {
    x: to(span(scene.x)), y: to(span(scene.y)), low, high,
    z: (value) => (2 * HEIGHT * (Math.min(value, high) - low)) / (high - low || 1),
    inside: (x, y) => Math.abs(x) <= 1.0001 && Math.abs(y) <= 1.0001,
  };
}

function quads(scene, unit, place) {
  const every = Math.max(1, Math.round(scene.x.length / 56));
  const columns = stepped(scene.x.length, every);
  const rows = stepped(scene.y.length, every);
  const found = [];
  for (let r = 1; r < rows.length; r += 1) {
    for (let c = 1; c < columns.length; c += 1) {
      const corners = [[rows[r - 1], columns[c - 1]], [rows[r - 1], columns[c]], [rows[r], columns[c]], [rows[r], columns[c - 1]]];
      const heights = corners.map(([i, j]) => scene.z[i][j]);
      if (heights.some((value) => value === null)) continue;
      if (heights.every((value) => value > unit.high)) continue;
      found.push(quad(corners.map(([i, j], k) => [unit.x(scene.x[j]), unit.y(scene.y[i]), unit.z(heights[k])]), place));
    }
  }
  return found;
}

function stepped(count, every) {
  const places = [];
  for (let i = 0; i < count - 1; i += every) places.push(i);
  places.push(count - 1);
  return places;
}

function quad(corners, place) {
  const points = corners.map((corner) => place(...corner));
  const mean = corners.reduce((sum, corner) => sum + corner[2], 0) / 4;
  const slope = (corners[1][2] - corners[0][2]) - (corners[3][2] - corners[0][2]);
  const light = 1 + Math.max(-0.16, Math.min(0.16, slope * 1.1));
  const [red, green, blue] = viridis(Math.sqrt(Math.max(0, mean / (2 * HEIGHT)))).map((value) => Math.min(255, value * light));
  const colour = `rgb(${red | 0},${green | 0},${blue | 0})`;
  return {
    depth: points.reduce((sum, point) => sum + point[2], 0) / 4,
    paint(pen) {
      pen.beginPath();
      points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.closePath();
      pen.fillStyle = colour;
      pen.strokeStyle = colour;
      pen.lineWidth = 0.7;
      pen.fill();
      pen.stroke();
    },
  };
}

function heightOn(scene, x, y) {
  const at = (values, value) => {
    const part = ((value - values[0]) / (values[values.length - 1] - values[0])) * (values.length - 1);
    const low = Math.max(0, Math.min(values.length - 2, Math.floor(part)));
    return [low, part - low];
  };
  const [c, u] = at(scene.x, x);
  const [r, v] = at(scene.y, y);
  const [a, b, d, e] = [scene.z[r][c], scene.z[r][c + 1], scene.z[r + 1][c], scene.z[r + 1][c + 1]];
  if ([a, b, d, e].some((value) => value === null)) return null;
  return (a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + e * u) * v;
}

function paths(scene, runs, at, [i, j], unit, place) {
  const style = getComputedStyle(document.documentElement);
  const pieces = [];
  runs.forEach((run, k) => {
    const colour = style.getPropertyValue(`--p${k % 6}`).trim() || "#d55e00";
    let before = null;
    const part = run.theta.slice(0, at + 1);
    part.forEach((theta, step) => {
      const last = step === part.length - 1;
      const [x, y] = [theta[i], theta[j]];
      const [ux, uy] = [unit.x(x), unit.y(y)];
      const height = unit.inside(ux, uy) ? heightOn(scene, x, y) : null;
      const point = height === null ? null : place(ux, uy, unit.z(height) + 0.012);
      if (point && before && !last && Math.hypot(point[0] - before[0], point[1] - before[1]) < CLOSE) return;
      if (point && before) pieces.push(segment(before, point, colour));
      if (point) pieces.push(dot(point, colour, last));
      before = point;
    });
  });
  return pieces;
}

function segment(from, to, colour) {
  return {
    depth: Math.min(from[2], to[2]) - 0.06,
    paint(pen) {
      pen.beginPath();
      pen.moveTo(from[0], from[1]);
      pen.lineTo(to[0], to[1]);
      pen.lineCap = "round";
      pen.strokeStyle = "rgba(255,255,255,.85)";
      pen.lineWidth = 4.4;
      pen.stroke();
      pen.strokeStyle = colour;
      pen.lineWidth = 2.4;
      pen.stroke();
    },
  };
}

function dot([x, y, depth], colour, last) {
  return {
    depth: depth - 0.07,
    paint(pen) {
      pen.beginPath();
      pen.arc(x, y, last ? 6 : 2.6, 0, 2 * Math.PI);
      pen.fillStyle = colour;
      pen.strokeStyle = "#fff";
      pen.lineWidth = last ? 2 : 1;
      pen.fill();
      pen.stroke();
    },
  };
}

/** The floor with its names and the numbers at its ends. */
function base(pen, place, scene) {
  const dark = isDark();
  const ink = dark ? "#a7aeb9" : "#5c6370";
  const floor = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => place(x, y, 0));
  pen.beginPath();
  floor.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.strokeStyle = dark ? "#3a414b" : "#d5d8dd";
  pen.lineWidth = 1;
  pen.stroke();
  pen.fillStyle = ink;
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "center";
  const front = (a, b) => (place(...a, 0)[2] < place(...b, 0)[2] ? a : b);
  const [, fy] = front([0, -1.17], [0, 1.17]);
  const [fx] = front([-1.17, 0], [1.17, 0]);
  const write = (text, x, y) => { const [px, py] = place(x, y, 0); pen.fillText(text, px, py + 4); };
  write(scene.names[0], 0, fy * 1.08);
  write(scene.names[1], fx * 1.08, 0);
  write(tickText(Number(scene.x[0].toPrecision(3))), -1, fy);
  write(tickText(Number(scene.x[scene.x.length - 1].toPrecision(3))), 1, fy);
  write(tickText(Number(scene.y[0].toPrecision(3))), fx, -1);
  write(tickText(Number(scene.y[scene.y.length - 1].toPrecision(3))), fx, 1);
}
