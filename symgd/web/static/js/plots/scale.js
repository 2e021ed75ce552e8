/* From numbers to places: linear and logarithmic scales with round ticks. */

/** A scale from the span [a, b] to the pixels [from, to]. */
export function linear([a, b], [from, to]) {
  const width = b - a || 1;
  const at = (value) => from + ((value - a) / width) * (to - from);
  at.inverse = (pixel) => a + ((pixel - from) / (to - from)) * width;
  at.ticks = (count = 6) => linearTicks(a, b, count);
  at.span = [a, b];
  return at;
}

/** The same in decades; values that are not positive have no place (null). */
export function logarithmic([a, b], [from, to]) {
  const low = Math.log10(a);
  const high = Math.log10(b);
  const inner = linear([low, high === low ? low + 1 : high], [from, to]);
  const at = (value) => (value > 0 ? inner(Math.log10(value)) : null);
  at.inverse = (pixel) => 10 ** inner.inverse(pixel);
  at.ticks = (count = 6) => decades(low, high, count);
  at.span = [a, b];
  return at;
}

function linearTicks(a, b, count) {
  const raw = Math.abs(b - a) / count;
  if (!(raw > 0) || !Number.isFinite(raw)) return [a];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw);
  const ticks = [];
  for (let k = Math.ceil(Math.min(a, b) / step); k * step <= Math.max(a, b) + step * 1e-9; k += 1) ticks.push(k * step);
  return ticks.map((tick) => Number(tick.toPrecision(12)));
}

function decades(low, high, count) {
  const step = Math.max(1, Math.ceil((high - low) / count));
  const ticks = [];
  for (let k = Math.ceil(low); k <= high + 1e-9; k += step) ticks.push(10 ** k);
  return ticks.length > 1 ? ticks : [10 ** low, 10 ** high];
}

/** The span of numbers with a little room; null and infinite ones are passed over. */
export function spanOf(values, room = 0.06) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  const extra = (high - low) * room || Math.abs(high) * 0.1 || 1;
  return [low - extra, high + extra];
}

/** A tick as text: short, with a true minus sign. */
export function tickText(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(Number(value.toPrecision(3)) === Number(value.toPrecision(1)) ? 0 : 1).replace("e+", "e").replace(/-/g, "−");
  return String(Number(value.toPrecision(6))).replace("-", "−");
}
