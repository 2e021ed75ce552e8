/* The state of the page: one plain object, kept in the address fragment.

   The fragment is "#1." and the base64url of the deflated JSON; the digit is the version.
   What equals the default is left out, so a short formula makes a short link. */

export const DEFAULT = {
  tab: "derive",
  problem: {
    text: "\\frac{1}{N}\\sum_{i=1}^{N}\\left(y_i-\\left(mx_i+b\\right)\\right)^2", format: "latex", wrt: null, columns: null, shapes: {}, constants: {}, csv: null, model: false, loss: null,
  },
  form: "textbook",
  level: "normal",
  lines: "",
  claim: { wrt: null },
  start: {},
  runs: [{}],
  steps: 1000,
  precision: null,
  over: null,
};

export const state = structuredClone(DEFAULT);

const listeners = new Map();

/** Call `listener` when one of the named parts changes ("*" for all). */
export function on(names, listener) {
  for (const name of names.split(" ")) {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(listener);
  }
}

/** Say that parts have changed. `kept` puts a new entry into the history of the browser. */
export function changed(names, { kept = false } = {}) {
  const called = new Set();
  for (const name of names.split(" ")) {
    for (const listener of [...(listeners.get(name) || []), ...(listeners.get("*") || [])]) called.add(listener);
  }
  for (const listener of called) listener(names);
  remember(kept);
}

/** Replace the whole state (an example, a link, back and forward). */
export function become(other, { kept = true } = {}) {
  const whole = merged(DEFAULT, other);
  for (const name of Object.keys(DEFAULT)) state[name] = whole[name];
  changed(Object.keys(DEFAULT).join(" ") + " all", { kept });
}

function merged(base, other) {
  const whole = structuredClone(base);
  for (const [name, value] of Object.entries(other || {})) {
    if (!(name in base)) continue;
    const plain = value && typeof value === "object" && !Array.isArray(value);
    whole[name] = plain && name === "problem" ? { ...whole[name], ...value } : value;
  }
  const problem = other?.problem;
  if (problem?.text !== undefined && !problem.format) whole.problem.format = "text";
  return whole;
}

function difference() {
  const kept = {};
  for (const [name, value] of Object.entries(state)) {
    if (name === "problem") continue;
    if (JSON.stringify(value) !== JSON.stringify(DEFAULT[name])) kept[name] = value;
  }
  const problem = {};
  for (const [name, value] of Object.entries(state.problem)) {
    if (JSON.stringify(value) !== JSON.stringify(DEFAULT.problem[name])) problem[name] = value;
  }
  if (problem.text !== undefined) problem.format = state.problem.format;
  if (Object.keys(problem).length) kept.problem = problem;
  return kept;
}

/* ---- the address ---- */

const LONGEST_DATA = 60_000;
let writing = 0;
let lastWritten = "";
let pendingKeep = false;

/** Put the state into the address; several calls in a row make one entry. */
function remember(kept) {
  pendingKeep ||= kept;
  clearTimeout(writing);
  writing = setTimeout(write, 120);
}

async function write() {
  const keep = pendingKeep;
  pendingKeep = false;
  const fragment = await encoded();
  if (fragment === lastWritten) return;
  lastWritten = fragment;
  const address = fragment ? `#${fragment}` : location.pathname;
  if (keep) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

/** The address of what is on the screen; data too long for a link are left out and said. */
export async function link() {
  const fragment = await encoded();
  const tooLong = (state.problem.csv || "").length > LONGEST_DATA;
  return { address: `${location.origin}/${fragment ? "#" + fragment : ""}`, tooLong };
}

async function encoded() {
  const kept = difference();
  if (kept.problem && (kept.problem.csv || "").length > LONGEST_DATA) delete kept.problem.csv;
  if (!Object.keys(kept).length) return "";
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(JSON.stringify(kept)));
  return "1." + btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

async function through(transform, bytes) {
  const written = new Blob([bytes]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(written).arrayBuffer());
}

const LARGEST_STATE = 8_000_000;

/** The text that was deflated; a link that would unfold to very much is refused. */
async function inflated(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > LARGEST_STATE) throw new RangeError("the link holds too much");
  }
}

/** The state a fragment holds; null when it is none of ours or damaged. */
async function decoded(fragment) {
  if (!fragment.startsWith("1.")) return null;
  try {
    const binary = atob(fragment.slice(2).replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    return sane(JSON.parse(await inflated(bytes)));
  } catch {
    return null;
  }
}

const isText = (value) => typeof value === "string";
const isPlain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const orNull = (check) => (value) => value === null || check(value);
const isTexts = (value) => Array.isArray(value) && value.every(isText);

const PARTS = {
  tab: (value) => ["derive", "check", "solve"].includes(value),
  problem: isPlain, form: isText, level: isText, lines: isText, claim: isPlain, start: isPlain,
  runs: (value) => Array.isArray(value) && value.length > 0 && value.length <= 6 && value.every(isPlain),
  steps: Number.isFinite,
  precision: orNull((value) => Number.isFinite(value) || value === "auto"),
  over: orNull(isTexts),
};
const OF_PROBLEM = {
  text: isText, format: (value) => value === "text" || value === "latex", wrt: orNull(isTexts), columns: orNull(isTexts),
  shapes: isPlain, constants: isPlain, csv: orNull(isText), model: (value) => typeof value === "boolean", loss: orNull(isText),
};

const fitting = (given, checks) => Object.fromEntries(
  Object.entries(given).filter(([name, value]) => Object.hasOwn(checks, name) && checks[name](value)));

/** A link can be written by anybody: only parts of the right kind are taken. */
function sane(given) {
  if (!isPlain(given)) return null;
  const taken = fitting(given, PARTS);
  if (taken.problem) taken.problem = fitting(taken.problem, OF_PROBLEM);
  return taken;
}

/** Take the state from the address; false when there was none (then the first one stays). */
export async function recall() {
  const fragment = location.hash.slice(1);
  if (fragment && fragment === lastWritten) return true;
  const found = fragment ? await decoded(fragment) : {};
  if (found === null) return false;
  lastWritten = fragment;
  become(found, { kept: false });
  return true;
}
