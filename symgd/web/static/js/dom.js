/* Small helpers for the document: elements are built from data, text is only ever text. */

/** An element: el("p", {class: "note", onclick: f}, "text", child, ...). */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

/** Add children: nodes, texts, nested lists; null is left out. */
export function append(node, children) {
  for (const child of [children].flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** Replace what a node holds. */
export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  append(node, children);
  return node;
}

const KATEX = {
  trust: false, strict: "ignore", throwOnError: true, output: "htmlAndMathml",
  maxSize: 20, maxExpand: 500,
};

/** Mathematics as an element; what KaTeX cannot set is shown as the plain source text. */
export function math(latex, { display = false, fallback = latex } = {}) {
  const node = el(display ? "div" : "span", { class: display ? "math display" : "math" });
  try {
    window.katex.render(latex, node, { ...KATEX, displayMode: display });
  } catch {
    fill(node, el("code", {}, fallback));
  }
  return node;
}

/** A displayed formula that scrolls sideways instead of breaking the page. */
export function formula(latex, label = "formula") {
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label },
    math(latex, { display: true }));
}

let toastTimer = 0;

/** A short message at the foot of the page, also read aloud. */
export function toast(text) {
  const node = document.getElementById("toast");
  node.textContent = text;
  node.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => node.classList.remove("shown"), 2600);
}

/** Say something to a screen reader without showing it. */
export function announce(text) {
  document.getElementById("live").textContent = text;
}

/** Put a text on the clipboard and say so. */
export async function copy(text, what = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { class: "hidden-text", value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(what);
}

export function copyButton(text, label = "Copy") {
  return el("button", { class: "small", onclick: () => copy(typeof text === "function" ? text() : text, "Copied") }, label);
}

/** Hand a file to the reader. */
export function download(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 4000);
}

/** A refusal as the page shows it: what, why, what to do. */
export function refusal(error) {
  return el("div", { class: "refusal", role: "alert" },
    el("strong", {}, error.reason || error.message || "It did not work."),
    error.remedy ? el("p", {}, error.remedy) : null);
}

/** Tabs of a small panel; `items` are {key, label}; the arrow keys move. */
export function choices(items, chosen, label, pick) {
  const group = el("div", { class: "switch", role: "group", "aria-label": label });
  for (const { key, label: text } of items) {
    group.append(el("button", {
      "aria-pressed": String(key === chosen), "data-key": key,
      onclick: (event) => {
        for (const other of group.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
        pick(key);
      },
    }, text));
  }
  return group;
}

/** A number as a reader wants it: four to six digits. */
export function number(value, digits = 5) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-4 ? value.toExponential(digits - 2) : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−").replace("e+", "e");
}
