/* Play, pause and step through the path of a descent. */

import { el, fill, svg } from "./dom.js";

const SHAPES = {
  start: "M3 3h2v10H3zM13 3v10L6 8z", back: "M11 3v10L4 8z", play: "M4 2.5v11L13 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z", on: "M5 3v10l7-5z", end: "M11 3h2v10h-2zM3 3v10l7-5z",
};
const picture = (name) => svg("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }, svg("path", { d: SHAPES[name], fill: "currentColor" }));

/** The bar; `moved(at)` hears the place in the path. */
export function makePlayer(moved) {
  let length = 0;
  let at = 0;
  let timer = 0;
  let clock = 0;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const button = (label, shape, action) => el("button", { class: "icon", "aria-label": label, title: label, onclick: action }, picture(shape));
  const play = button("Play", "play", () => (timer ? pause() : run()));
  const slider = el("input", { type: "range", min: "0", max: "0", step: "1", value: "0", "aria-label": "step", oninput: () => { pause(); go(Number(slider.value)); } });
  const said = el("output", { class: "player-step" }, "");
  const node = el("div", { class: "player", role: "group", "aria-label": "Play the descent" },
    button("To the start", "start", () => { pause(); go(0); }),
    button("One step back", "back", () => { pause(); go(at - 1); }),
    play,
    button("One step on", "on", () => { pause(); go(at + 1); }),
    button("To the end", "end", () => { pause(); go(length - 1); }),
    slider, said);

  function go(place) {
    at = Math.max(0, Math.min(length - 1, place));
    slider.value = String(at);
    moved(at);
  }

  function run() {
    if (length < 2) return;
    if (at >= length - 1) at = 0;
    fill(play, picture("pause"));
    play.setAttribute("aria-label", "Pause");
    clock = performance.now();
    timer = requestAnimationFrame(tick);
  }

  function tick(now) {
    const each = Math.max(16, Math.min(420, 6000 / length));
    const due = Math.floor((now - clock) / each);
    if (due > 0) {
      clock += due * each;
      go(at + due);
    }
    if (at >= length - 1) pause();
    else timer = requestAnimationFrame(tick);
  }

  function pause() {
    cancelAnimationFrame(timer);
    timer = 0;
    fill(play, picture("play"));
    play.setAttribute("aria-label", "Play");
  }

  return {
    node,
    pause,
    /** A new path; it is shown at its end, or played when asked for. */
    load(count, { toEnd = true } = {}) {
      pause();
      length = Math.max(0, count);
      slider.max = String(Math.max(0, length - 1));
      node.classList.toggle("idle", length < 2);
      at = toEnd ? length - 1 : Math.min(at, length - 1);
      slider.value = String(Math.max(0, at));
    },
    say(text) { said.textContent = text; },
    get at() { return Math.max(0, at); },
    play() { if (!still.matches) run(); },
  };
}
