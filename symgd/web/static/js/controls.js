/* The controls of the Solve tab: start, rate, method, momentum, batch, steps, and several runs. */

import { ask } from "./api.js";
import { el, fill, math, number } from "./dom.js";
import { stacked, swatch } from "./outcome.js";
import { makeRate } from "./rate.js";
import { labelOf, methodOf, WITHOUT_RATE } from "./runs.js";
import { state } from "./state.js";

const METHODS = [
  ["gd", "gradient descent"], ["momentum", "momentum"], ["nesterov", "Nesterov"], ["adagrad", "AdaGrad"],
  ["rmsprop", "RMSProp"], ["adam", "Adam"], ["adamw", "AdamW"], ["lbfgs", "L-BFGS"], ["newton", "Newton"],
  ["lm", "Levenberg–Marquardt"], ["exact", "exact solution"], ["auto", "automatic"],
];
const WITH_MOMENTUM = new Set(["momentum", "nesterov"]);
const OWN = "v = 0.9*v + g; theta = theta - eta*v";
const MOST_RUNS = 6;

/** The controls; `edited(what)` is called after each change of the state. */
export function makeControls(edited) {
  let chosen = 0;
  let diagnosis = null;
  let outcomeRates = [];
  const run = () => state.runs[Math.min(chosen, state.runs.length - 1)];
  const set = (part, value) => {
    const now = { ...run(), [part]: value };
    delete now.label;
    if (value === null || value === undefined) delete now[part];
    state.runs = state.runs.map((one) => (one === run() ? now : one));
    edited("runs");
    show();
  };

  const rate = makeRate((value) => set("rate", value));
  const method = methodControl(set);
  const momentum = slider("Momentum β", 0, 0.99, 0.01, (value) => set("momentum", value));
  const batch = numberField("Batch", "all", (value) => set("batch", value), { min: 1, step: 1 });
  const steps = numberField("Steps", "1000", (value) => { state.steps = value ?? 1000; edited("steps"); }, { min: 1, max: 1000000, step: 1 });
  const precision = numberField("Precision", "1e-6", (value) => { state.precision = value; edited("precision"); }, { min: 0, step: "any" });
  const starts = el("div", { class: "starts" });
  const list = el("div", { class: "run-list", role: "group", "aria-label": "runs" });
  const node = el("section", { class: "card controls" },
    el("div", { class: "card-head" }, el("h2", {}, "Descent"), el("div", { class: "card-tools" },
      el("button", { class: "small", onclick: compare }, "Compare rates"))),
    list, starts, method.node, rate.node, momentum.node, el("div", { class: "control-pair" }, steps.node, precision.node, batch.node));

  function compare() {
    const limit = diagnosis?.stable_rate || (diagnosis?.suggested?.rate ?? 0.1) * 2;
    const first = { ...run() };
    delete first.label;
    const rates = [0.1, 0.5, 0.9, 1.05].map((part) => Number((part * limit).toPrecision(2)));
    if (WITHOUT_RATE.has(methodOf(first, state.problem.model))) first.method = "gd";
    state.runs = rates.map((each) => ({ ...first, rate: each }));
    chosen = 0;
    edited("runs");
    show();
  }

  function showList() {
    fill(list, state.runs.map((one, k) => el("span", { class: `run-pill${k === chosen ? " chosen" : ""}` },
      el("button", { "aria-pressed": String(k === chosen), onclick: () => choose(k) }, swatch(k), labelOf(one, state.problem.model)),
      state.runs.length > 1 ? el("button", { class: "run-away", "aria-label": `take run ${k + 1} away`, onclick: () => away(k) }, "✕") : null)),
    state.runs.length < MOST_RUNS ? el("button", { class: "small", onclick: add }, "+ run") : null);
  }

  function add() {
    const copyOf = { ...run() };
    delete copyOf.label;
    if (WITHOUT_RATE.has(methodOf(copyOf, state.problem.model))) copyOf.method = "gd";
    const base = typeof copyOf.rate === "number" ? copyOf.rate : diagnosis?.suggested?.rate ?? 0.1;
    state.runs = [...state.runs, { ...copyOf, rate: Number((base / 2).toPrecision(2)) }];
    chosen = state.runs.length - 1;
    edited("runs");
    show();
  }

  function away(k) {
    state.runs = state.runs.filter((_, place) => place !== k);
    chosen = Math.min(chosen, state.runs.length - 1);
    edited("runs");
    show();
  }

  function choose(k) {
    chosen = k;
    show();
    edited("chosen");
  }

  function showStarts(names, values) {
    if (document.activeElement && starts.contains(document.activeElement)) return;
    if (!names.length) { fill(starts); return; }
    const few = names.slice(0, 8);
    fill(starts, el("span", { class: "control-name" }, "Start"), few.map((name, k) => el("label", { class: "start-field" }, el("span", {}, name, " ="),
      el("input", {
        type: "text", inputmode: "decimal", class: "short", "aria-label": `start of ${name}`, "data-name": name,
        value: values?.[k] === undefined || values[k] === null ? "" : String(Number(Number(values[k]).toPrecision(6))), placeholder: "0",
        onchange: (event) => {
          const value = Number(event.currentTarget.value.replace(",", ".").replace("−", "-"));
          event.currentTarget.setAttribute("aria-invalid", String(!Number.isFinite(value)));
          if (Number.isFinite(value)) edited("start", { name, value });
        },
      }))), names.length > few.length ? el("span", { class: "hint" }, `and ${names.length - few.length} more`) : null);
  }

  function show() {
    chosen = Math.min(chosen, state.runs.length - 1);
    const now = run();
    showList();
    method.show(now);
    rate.node.hidden = WITHOUT_RATE.has(methodOf(now, state.problem.model));
    rate.show(now.rate, outcomeRates[chosen]);
    momentum.node.hidden = !WITH_MOMENTUM.has(now.method);
    momentum.show(now.momentum ?? 0.9);
    batch.node.hidden = !state.problem.csv;
    batch.show(now.batch);
    steps.show(state.steps);
    precision.show(state.precision === "auto" ? null : state.precision);
  }

  return {
    node, show, showStarts, choose,
    get chosen() { return chosen; },
    limits(found) { diagnosis = found; rate.limits(found); show(); },
    used(rates) { outcomeRates = rates; rate.show(run().rate, outcomeRates[chosen]); },
  };
}

function methodControl(set) {
  const select = el("select", { "aria-label": "method", onchange: () => set("method", select.value === "own" ? OWN : select.value) },
    METHODS.map(([key, label]) => el("option", { value: key }, label)), el("option", { value: "own" }, "own formulas …"));
  const own = el("textarea", { class: "own-method", rows: "2", spellcheck: "false", "aria-label": "update rule as formulas", onchange: () => set("method", own.value.trim() || OWN) });
  const picture = el("div", { class: "method-latex scroll", "aria-live": "polite" });
  const node = el("div", { class: "control" }, el("div", { class: "control-head" }, el("span", { class: "control-name" }, "Method"), select), own, picture);
  let asked = "";
  return {
    node,
    async show(run) {
      const known = METHODS.some(([key]) => key === methodOf(run, state.problem.model));
      select.value = known ? methodOf(run, state.problem.model) : "own";
      own.hidden = known;
      if (!known && document.activeElement !== own) own.value = run.method;
      const method = methodOf(run, state.problem.model);
      if (method === "auto") {
        asked = "";
        fill(picture, el("p", { class: "hint" }, "the solver that fits the structure of the loss"));
        return;
      }
      const body = { method, momentum: WITH_MOMENTUM.has(run.method) ? run.momentum ?? null : null, schedule: typeof run.rate === "string" ? run.rate : null };
      if (JSON.stringify(body) === asked) return;
      asked = JSON.stringify(body);
      try {
        const found = await ask("method", body);
        if (JSON.stringify(body) === asked) fill(picture, found.latex ? math(stacked(found.latex)) : null, found.schedule?.latex ? [" ", math(`\\quad ${found.schedule.latex}`)] : null);
      } catch (failure) {
        fill(picture, el("p", { class: "field-error", role: "alert" }, failure.error?.reason || ""));
      }
    },
  };
}

function slider(name, min, max, step, changed) {
  const input = el("input", { type: "range", min, max, step, "aria-label": name, oninput: () => { said.value = Number(input.value).toFixed(2); changed(Number(input.value)); } });
  const said = el("output", { class: "slider-value" });
  const node = el("div", { class: "control" }, el("div", { class: "control-head" }, el("span", { class: "control-name" }, name), said), input);
  return { node, show(value) { input.value = String(value); said.value = number(value, 3); } };
}

function numberField(name, placeholder, changed, attributes) {
  const input = el("input", {
    type: "number", class: "short", placeholder, "aria-label": name, ...attributes,
    onchange: () => changed(input.value.trim() === "" ? null : Number(input.value)),
  });
  const node = el("label", { class: "number-field" }, el("span", {}, name), input);
  return { node, show(value) { if (document.activeElement !== input) input.value = value === null || value === undefined ? "" : String(value); } };
}
