/* Colours of heights: a map that is even to the eye (viridis), for pictures and surfaces. */

const VIRIDIS = [
  [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141],
  [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37],
];
const PAPER = [[250, 252, 255], [222, 235, 247], [182, 212, 235], [142, 188, 222], [103, 158, 203], [78, 135, 186]];
const NIGHT = [[25, 29, 36], [26, 46, 68], [30, 66, 101], [36, 90, 135], [48, 110, 156], [66, 131, 178]];

function along(map, part) {
  const place = Math.max(0, Math.min(1, part)) * (map.length - 1);
  const low = Math.min(map.length - 2, Math.floor(place));
  const rest = place - low;
  return map[low].map((value, i) => value + (map[low + 1][i] - value) * rest);
}

export const viridis = (part) => along(VIRIDIS, part);

/** Light near the minimum, dark far up (the other way about on a dark page). */
export const shade = (part, dark) => along(dark ? NIGHT : PAPER, part);

export function isDark() {
  return matchMedia("(prefers-color-scheme: dark)").matches && !matchMedia("print").matches;
}

/** Where a height lies between the lowest and the highest, stretched so that a valley is seen. */
export function stretched(low, high) {
  const width = high - low || 1;
  return (value) => Math.sqrt(Math.max(0, Math.min(1, (value - low) / width)));
}
