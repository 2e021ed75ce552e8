/* Made-up data for a loss that needs some: always the same numbers near a plane. */

const ROWS = 40;
const WEIGHTS = [3, -2, 1, 0.5];

/** Numbers from 0 to 1 that look like chance and are the same each time (mulberry32). */
function chance(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A table for the data of a reading, and what it is made of in words. */
export function sampleFor(data, loss = null) {
  const target = data.find((one) => one.name === "y") || data[data.length - 1];
  const columns = data.filter((one) => one !== target).flatMap((one) => (one.shape.length > 1 ? [`${one.name}1`, `${one.name}2`] : [one.name]));
  const next = chance(7);
  const noise = () => next() + next() + next() + next() - 2;
  const rows = Array.from({ length: ROWS }, () => {
    const given = columns.map(() => Math.round(400 * next()) / 100);
    const plane = 4 + given.reduce((sum, value, k) => sum + WEIGHTS[k % WEIGHTS.length] * value, 0) + noise();
    return [...given, loss === "logistic" ? Number(noise() * 4 + (given[0] ?? 2) > 2) : Math.round(100 * plane) / 100];
  });
  return {
    csv: [[...columns, target.name], ...rows].map((row) => row.join(",")).join("\n") + "\n",
    words: columns.length && loss !== "logistic" ? `made-up numbers: ${target.name} near ${plane(columns)}` : "made-up numbers",
  };
}

function plane(columns) {
  const shown = columns.map((name, k) => {
    const weight = WEIGHTS[k % WEIGHTS.length];
    return `${weight < 0 ? "−" : "+"} ${Math.abs(weight) === 1 ? "" : `${Math.abs(weight)} `}${name}`;
  });
  return `4 ${shown.join(" ")}`;
}
