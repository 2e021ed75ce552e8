/* What follows the gradient: the proof that it is right, and the Hessian. */

import { newest } from "./api.js";
import { copyButton, el, fill, formula, math, refusal } from "./dom.js";
import { state } from "./state.js";

/** The cards "Certificate" and "Hessian"; they are asked when the formula has come to rest. */
export function makeMore(onAnswer) {
  const proof = card("Certificate", "certificate", showProof);
  const hessian = card("Hessian", "hessian", showHessian);
  let waiting = 0;
  onAnswer((answer) => {
    clearTimeout(waiting);
    if (!answer?.gradient.length || state.tab !== "derive") return;
    proof.wait();
    hessian.wait();
    waiting = setTimeout(async () => {
      await proof.ask({ problem: answer.asked });
      await hessian.ask({ problem: answer.asked });
    }, 500);
  });
  return [proof.node, hessian.node];
}

function card(title, verb, show) {
  const asker = newest(verb);
  const body = el("div", { class: "card-body" });
  const tools = el("div", { class: "card-tools" });
  const node = el("section", { class: `card ${verb}-card` }, el("div", { class: "card-head" }, el("h2", {}, title), tools), body);
  const wait = () => { node.classList.add("waiting"); asker.stop(); };
  const ask = async (body_) => {
    try {
      const found = await asker(body_);
      if (!found) return;
      show(body, tools, found);
    } catch (failure) {
      fill(tools);
      fill(body, refusal(failure.error));
    }
    node.classList.remove("waiting");
  };
  return { node, wait, ask };
}

function showProof(body, tools, found) {
  fill(tools, el("span", { class: found.proved ? "badge good" : "badge unsure" }, found.proved ? "✓ proved" : "? not proved"));
  fill(body,
    el("ul", { class: "proofs" }, (found.proofs || []).map((one) => el("li", {}, one.text))),
    el("details", { class: "plain" }, el("summary", {}, "What this means"),
      el("p", {}, "The reverse sweep that made the gradient, an independent forward walk (the one the steps tell), SymPy's own derivative and a difference quotient with many digits agree. If they did not, no gradient would be shown."),
      found.rules?.length ? el("p", {}, "Rules used: ", found.rules.join(", "), ".") : null));
}

function showHessian(body, tools, found) {
  fill(tools, found.latex ? copyButton(() => found.latex, "Copy LaTeX") : null);
  if (found.latex) {
    fill(body, formula(`\\def\\arraystretch{1.5}${found.latex}`, "Hessian matrix"));
    return;
  }
  if (found.entries) {
    fill(body, formula(`\\begin{pmatrix}${found.entries.map((row) => row.join(" & ")).join(" \\\\ ")}\\end{pmatrix}`, "Hessian matrix"));
    return;
  }
  fill(body, el("p", { class: "hint" }, "No closed block form; the Hessian times a direction v is"),
    (found.along || []).map((one) => el("div", { class: "along" }, el("span", {}, one.name, ": "), math(one.latex, { fallback: one.text }))));
}
