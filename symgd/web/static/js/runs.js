/* One solve at a time: its runs as they stream in, and the way to stop it. */

import { ask, randomName, stream } from "./api.js";

export const WITHOUT_RATE = new Set(["auto", "lbfgs", "newton", "lm", "exact", "kinks"]);
const NAMES = { auto: "automatic", gd: "descent", lm: "Levenberg–Marquardt", lbfgs: "L-BFGS", newton: "Newton", exact: "exact", nesterov: "Nesterov", adam: "Adam", adamw: "AdamW", adagrad: "AdaGrad", rmsprop: "RMSProp" };

let current = null;

/** Start a solve; `told(runs, event)` hears every change. An older solve ends. */
export async function solve(body, told, names = []) {
  stop(false);
  const mine = { job: randomName(), abort: new AbortController(), over: false };
  current = mine;
  const found = { names, start: null, runs: body.runs.map((run) => emptyRun(run)), closed: null, error: null, over: false };
  const take = (event) => {
    if (current !== mine) return;
    enter(found, event);
    told(found, event.event);
  };
  try {
    await stream("solve", { ...body, job: mine.job }, take, mine.abort.signal);
  } catch (failure) {
    if (failure.name === "AbortError" || current !== mine) return;
    found.error = failure.error || { reason: "The run broke off.", remedy: "Start it again." };
  }
  if (current !== mine) return;
  if (!found.ended && !found.error) found.error = { reason: "The run broke off: the server closed the stream.", remedy: "Start it again." };
  found.over = true;
  current = null;
  told(found, "over");
}

/** Stop the solve that runs. `politely`: the best point so far is kept and shown. */
export function stop(politely = true) {
  if (!current) return;
  if (politely) {
    ask("cancel", { job: current.job }).catch(() => current?.abort.abort());
    return;
  }
  current.abort.abort();
  current = null;
}

export const running = () => current !== null;

function emptyRun(run) {
  return { label: labelOf(run), asked: run, step: [], theta: [], loss: [], rate: [], gradient_norm: [], solution: null, fit: null, error: null, progress: null };
}

/** The method of a run: a model is fitted as the program sees fit, a loss by plain descent. */
export function methodOf(run, model) {
  const free = (run.rate ?? null) === null && (run.batch ?? null) === null;
  return run.method || (model && free ? "auto" : "gd");
}

const PLAIN = new Set(["gd", "momentum", "nesterov"]);

/** Whether a run waits for a rate that only the loss can tell. */
export function needsRate(run, model) {
  return (run.rate ?? null) === null && PLAIN.has(methodOf(run, model));
}

/** The runs as the server takes them; `rate` stands in where nobody set one. */
export function requested(runs, model, rate = null) {
  return runs.map((run) => {
    const method = methodOf(run, model);
    const known = rate !== null && needsRate(run, model) ? { rate } : {};
    return { ...run, ...known, method: method === "auto" ? null : method, label: labelOf(run, model) };
  });
}

/** A run in a few words. */
export function labelOf(run, model) {
  if (run.label) return run.label;
  const name = methodOf(run, model);
  const method = NAMES[name] || (name.length < 16 ? name : "own method");
  if (WITHOUT_RATE.has(name)) return method;
  const rate = run.rate === null || run.rate === undefined ? "auto" : run.rate;
  return `${method}, η ${rate}`;
}

const PARTS = ["step", "theta", "loss", "rate", "gradient_norm"];

function enter(found, event) {
  const run = found.runs[event.run ?? 0];
  if (event.names?.length) found.names = event.names;
  switch (event.event) {
    case "path":
      for (const part of PARTS) run[part].push(...(event[part] || []));
      break;
    case "progress":
      run.progress = event;
      break;
    case "done":
      run.solution = event.solution;
      run.fit = event.fit;
      run.epochs = event.epochs;
      run.methodLatex = event.method_latex;
      if (event.path) for (const part of PARTS) run[part] = event.path[part] || [];
      break;
    case "failed":
      run.error = event.error;
      break;
    case "closed":
      found.closed = event.text;
      break;
    case "error":
      found.error = event.error;
      found.ended = true;
      break;
    case "end":
      found.ended = true;
      break;
    default:
  }
  found.start ??= run?.theta[0] ?? null;
}
