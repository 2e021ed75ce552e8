/* What the math field makes of typed names: functions, Greek letters, numbered names. */

const OPERATORS = `mean sigmoid softplus softmax logsumexp relu tr trace det diag norm var std
  sign erf erfc logistic expit log1p expm1 logdet gammaln digamma arcsinh arccosh arctanh
  maximum minimum where clip dot outer cbrt median huber logit`.split(/\s+/);
const COMMANDS = `sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan log ln lg exp
  max min`.split(/\s+/);
const GREEK = `alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma
  tau phi chi psi omega pi Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega`.split(/\s+/);
const FORMS = {
  sqrt: "\\sqrt{#?}", abs: "\\left|#?\\right|", sum: "\\sum", prod: "\\prod", inf: "\\infty",
  transpose: "^{\\top}",
};

const NAMES = new Map([
  ...OPERATORS.map((name) => [name, `\\operatorname{${name}}`]),
  ...COMMANDS.map((name) => [name, `\\${name}`]),
  ...GREEK.map((name) => [name, `\\${name}`]),
  ...Object.entries(FORMS),
]);

const NUMBERED = /^([A-Za-z]|[A-Za-z]{3,7})(\d{1,3})$/;

/** The LaTeX for typed letters, or "" when they are only letters. Inside an index all are letters. */
export function shortcut(typed, inIndex) {
  if (inIndex) return "";
  if (NAMES.has(typed)) return NAMES.get(typed);
  const numbered = NUMBERED.exec(typed);
  if (!numbered) return "";
  const [, name, digits] = numbered;
  if (name.length === 1) return `${name}_{${digits}}`;
  return GREEK.includes(name) ? `\\${name}_{${digits}}` : "";
}

/** Signs that are typed with two keys. */
export const SIGNS = {
  "*": "\\cdot", "**": "^{#?}", "<=": "\\le", ">=": "\\ge", "!=": "\\ne", "->": "\\to",
  "||": "\\Vert", "...": "\\ldots", "~": "\\sim",
};

/** What the field writes in its own dialect becomes plain LaTeX. */
export function plainLatex(latex) {
  return latex
    .replace(/\\exponentialE/g, "e")
    .replace(/\\differentialD/g, "d")
    .replace(/\\imaginaryI/g, "i")
    .replace(/\\mleft/g, "\\left")
    .replace(/\\mright/g, "\\right")
    .replace(/\\operatorname\{\\mathrm\{([A-Za-z0-9]+)\}\}/g, "\\operatorname{$1}")
    .replace(/\\placeholder(\[[^\]]*\])?\{[^}]*\}/g, "{}");
}

/** Whether a formula still has an empty place to type into. */
export function unfinished(latex) {
  return /\\placeholder|\{\}|\\(frac|sqrt)\s*$/.test(latex);
}
