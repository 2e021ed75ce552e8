/* The server's verbs: one call, the newest call of a kind, and a stream of lines. */

const TOKEN = document.querySelector('meta[name="symgd-token"]').content;
const CLIENT = randomName();

/** A refusal of the server, or of the way to it. */
export class Refused extends Error {
  constructor(error) {
    super(error.message || error.reason || "refused");
    this.error = error;
  }
}

export function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function send(verb, body, signal) {
  return fetch(`/api/${verb}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Symgd-Token": TOKEN, "X-Symgd-Client": CLIENT },
    body: JSON.stringify(body),
    signal,
    credentials: "same-origin",
  });
}

const GONE = {
  kind: "gone",
  reason: "The server does not answer.",
  remedy: "Is “symgd serve” still running? After a restart open the address that it prints.",
};

async function refusedBy(response) {
  let error = null;
  try {
    error = (await response.json()).error;
  } catch {
    error = { kind: "request", reason: `The server answered with status ${response.status}.` };
  }
  if (response.status === 403) {
    error = { ...error, reason: "This page belongs to an earlier start of the server.", remedy: "Reload the page; if that does not help open the address that “symgd serve” printed." };
  }
  return new Refused(error || GONE);
}

/** The answer of the server, if it is one; raises Refused. */
async function answered(verb, body, signal) {
  let response;
  try {
    response = await send(verb, body, signal);
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new Refused(GONE);
  }
  if (!response.ok) throw await refusedBy(response);
  return response;
}

/** Ask once; raises Refused. */
export async function ask(verb, body, signal) {
  const response = await answered(verb, body, signal);
  const answer = await response.json();
  if (answer.ok === false) throw new Refused(answer.error);
  return answer;
}

/** A file from the server: {blob, name}. */
export async function askFile(verb, body, signal) {
  const response = await answered(verb, body, signal);
  if (!response.headers.has("Content-Disposition")) throw new Refused((await response.json()).error || GONE);
  const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "");
  return { blob: await response.blob(), name: named ? named[1] : "symgd" };
}

/** The newest question only: an older answer still on its way is dropped. */
export function newest(verb) {
  let current = null;
  const asker = async (body) => {
    if (current) current.abort();
    const mine = new AbortController();
    current = mine;
    try {
      const answer = await ask(verb, body, mine.signal);
      return current === mine ? answer : null;
    } catch (failure) {
      if (failure.name === "AbortError" || current !== mine) return null;
      throw failure;
    }
  };
  asker.stop = () => { if (current) current.abort(); current = null; };
  return asker;
}

/** Read a stream of JSON lines; each goes to `take`. */
export async function stream(verb, body, take, signal) {
  const response = await answered(verb, body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.trim()) take(JSON.parse(line));
  }
  if (rest.trim()) take(JSON.parse(rest));
}
