/* Between a start by names of components (theta[0]) and the start by names of parameters. */

/** The start {m: 0, theta: [1, 2]} of component names and their values. */
export function nested(names, values) {
  const start = {};
  names.forEach((name, k) => {
    const found = /^(.*?)\[([\d, ]+)\]$/.exec(name);
    if (!found) {
      start[name] = values[k];
      return;
    }
    const places = found[2].split(",").map(Number);
    if (!Array.isArray(start[found[1]])) start[found[1]] = [];
    put(start[found[1]], places, values[k]);
  });
  return start;
}

function put(array, [place, ...rest], value) {
  if (!rest.length) {
    array[place] = value;
    return;
  }
  if (!Array.isArray(array[place])) array[place] = [];
  put(array[place], rest, value);
}
