/* Keys of the math field for people who type formulas as text.

   A sign after an index, an exponent or a denominator leaves it ("x_i-1", "x^2+1", "1/n*x"); who
   wants a longer one types brackets, as in text ("1/(1+x)", "e^(-x+1)", "sqrt(x+1)"), and these go
   away when they are closed. "|" opens and closes a magnitude. The arrow keys and the space bar
   leave as in every math field. */

const SIGNS = new Set("+-*/=<>,|");
const INDEX_ENDS = new Set([...SIGNS, "(", "[", "^"]);

function placeOf(field) {
  const model = field._mathfield?.model;
  const atom = model?.at(model.position);
  if (!atom) return null;
  const inside = (atom.parent?.branch?.(atom.parentBranch) || []).filter((one) => one.type !== "first");
  return {
    model, atom, parent: atom.parent, branch: atom.parentBranch, inside,
    empty: inside.every((one) => one.type === "placeholder"),
  };
}

const isDenominator = ({ parent, branch }) => parent?.type === "genfrac" && branch === "below";
const isRadicand = ({ parent, branch }) => parent?.type === "surd" && branch === "body";

/** Whether the caret stands in an index, where letters are only letters. */
export function inIndex(field) {
  return placeOf(field)?.branch === "subscript";
}

/** Listen to the keys of a field. */
export function betterKeys(field) {
  let closed = false;
  const settle = () => {
    if (closed) unwrap(field);
    closed = false;
  };
  field.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.isComposing || event.key === "Shift") return;
    settle();
    if (handled(field, event.key)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    closed = event.key === ")";
  }, { capture: true });
  field.addEventListener("input", settle);
}

/** Do what the key asks for; true when nothing is left for the field to do. */
function handled(field, key) {
  const place = placeOf(field);
  if (key.length !== 1 || !place || place.atom.type === "latex") return false;
  if (key === "|") return magnitude(field);
  if (key === "/" && isDenominator(place) && !place.empty) return quotientOf(field);
  while (leavesFor(placeOf(field), key)) leave(field);
  return false;
}

function leavesFor(place, key) {
  if (!place?.parent || place.empty) return false;
  if (key === ")") return inBracket(place) && place.parent.type !== "leftright";
  const isIndex = place.branch === "subscript";
  if (isIndex || place.branch === "superscript") {
    return (isIndex ? INDEX_ENDS : SIGNS).has(key) || (/[A-Za-z]/.test(key) && onlyDigits(place));
  }
  return isDenominator(place) && SIGNS.has(key);
}

function inBracket({ parent }) {
  for (let atom = parent; atom; atom = atom.parent) if (atom.type === "leftright") return true;
  return false;
}

function onlyDigits({ inside }) {
  return inside.every((one) => /^[0-9.]$/.test(one.value || ""));
}

/** Brackets that fill a denominator, a radicand or an exponent were typed, not meant. */
function unwrap(field) {
  const place = placeOf(field);
  if (!place || place.atom.type !== "leftright" || place.inside.length !== 1) return;
  if (place.atom.leftDelim !== "(" || place.atom.rightDelim !== ")") return;
  if (!isDenominator(place) && !isRadicand(place) && place.branch !== "superscript") return;
  const { model, atom } = place;
  const inner = atom.bodyToLatex({ expandMacro: false, defaultMode: "math" });
  field.selection = [model.offsetOf(atom.leftSibling), model.offsetOf(atom)];
  field.insert(inner, { focus: true, feedback: false, selectionMode: "after" });
  leave(field);
}

/** "a/b/c" is (a/b)/c: the fraction becomes the numerator of the next one. */
function quotientOf(field) {
  leave(field);
  const { model, atom } = placeOf(field);
  field.selection = [model.offsetOf(atom.leftSibling), model.offsetOf(atom)];
  field.insert("\\frac{#@}{#?}", { focus: true, feedback: false, selectionMode: "placeholder" });
  return true;
}

function magnitude(field) {
  for (let atom = placeOf(field).parent; atom; atom = atom.parent) {
    if (atom.type !== "leftright") continue;
    if (atom.leftDelim !== "|") break;
    while (placeOf(field).parent !== atom) leave(field);
    leave(field);
    return true;
  }
  while (leavesFor(placeOf(field), "|")) leave(field);
  field.insert("\\left|#?\\right|", { focus: true, feedback: false, selectionMode: "placeholder" });
  return true;
}

function leave(field) {
  field.executeCommand("moveAfterParent");
}
