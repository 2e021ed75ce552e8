"""Results in a notebook: gradients, steps, certificates and verdicts as HTML.

The pieces take their colours from the page around them, so that they fit a light and a dark
notebook; a badge says its colour in words too. Formulas are LaTeX between dollar signs, which the
notebook sets; all text is escaped. Nothing here needs NumPy: :mod:`symgd.show.notebook_runs` has
the runs and fits.

>>> print(badge("wrong", "bad"))
<span class="symgd-badge symgd-bad">wrong</span>
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from symgd.formula.latex import name_latex

if TYPE_CHECKING:
    from symgd.check.certificate import Certificate
    from symgd.check.verdict import Verdict
    from symgd.derive.steps import Derivation, Step
    from symgd.gradient import Gradient

STYLE = """<style>
.symgd{color:inherit;font-size:1em;line-height:1.5;max-width:60em}
.symgd table{border-collapse:collapse;margin:.5em 0}
.symgd table,.symgd tr,.symgd th,.symgd td{background:none!important;color:inherit!important}
.symgd th,.symgd td{text-align:left!important;padding:.2em .9em .2em 0!important;border:0;
border-bottom:1px solid rgba(128,128,128,.3);vertical-align:baseline;font-size:.95em}
.symgd .symgd-number{text-align:right!important;font-variant-numeric:tabular-nums}
.symgd code{background:rgba(128,128,128,.15)!important;color:inherit!important;padding:0 .3em}
.symgd p{margin:.35em 0}
.symgd .symgd-note{opacity:.75;font-size:.92em}
.symgd details{margin:.25em 0 .25em .2em;padding-left:.8em;
border-left:2px solid rgba(128,128,128,.3)}
.symgd summary{cursor:pointer}
.symgd ol,.symgd li{list-style:none;margin:0;padding:0}
.symgd pre{background:rgba(128,128,128,.12);color:inherit!important;
padding:.5em .7em;white-space:pre-wrap}
.symgd-badge{display:inline-block;padding:0 .6em;border-radius:.8em;color:#fff;font-weight:600;
margin-right:.6em}
.symgd-good{background:#00704f}.symgd-fair{background:#8a5a00}.symgd-bad{background:#b3261e}
.symgd-plain{background:#59616e}
</style>"""

_VERDICTS = {"equal": "good", "proportional": "fair", "wrong": "bad", "undecided": "plain"}


def block(*parts: str) -> str:
    """The parts in one box with the style that they need."""
    return f'{STYLE}<div class="symgd">{"".join(parts)}</div>'


def text(words: object) -> str:
    """Words, escaped; a dollar sign is kept from the notebook's typesetter."""
    return html.escape(str(words), quote=True).replace("$", "<span>&#36;</span>")


def math(latex: str) -> str:
    """LaTeX for the notebook's typesetter, escaped for HTML."""
    return f"$\\displaystyle {html.escape(latex, quote=False)}$"


def badge(word: str, kind: str) -> str:
    """One word on a coloured ground: ``good``, ``fair``, ``bad`` or ``plain``."""
    return f'<span class="symgd-badge symgd-{kind}">{text(word)}</span>'


def note(words: object) -> str:
    """A line of small print."""
    return f'<p class="symgd-note">{text(words)}</p>'


def code(words: object) -> str:
    """Text as it is typed."""
    return f"<code>{html.escape(str(words), quote=True)}</code>"


def folded(summary: str, body: str, opened: bool = False) -> str:
    """A part that opens when its first line is clicked; both are HTML already."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{body}</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table of HTML cells; the columns in ``numbers`` are aligned to the right."""
    marks = [' class="symgd-number"' if k in numbers else "" for k in range(len(head))]
    first = "".join(f"<th{mark}>{text(cell)}</th>" for mark, cell in zip(marks, head, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{m}>{c}</td>" for m, c in zip(marks, row, strict=True)) + "</tr>"
        for row in rows
    )
    titles = f"<thead><tr>{first}</tr></thead>" if any(head) else ""
    return f"<table>{titles}<tbody>{body}</tbody></table>"


# -- what is shown --------------------------------------------------------------------------------


def gradient_html(gradient: Gradient) -> str:
    """The loss, how it was read, and every partial derivative."""
    rows = []
    for name in gradient.parameters:
        left = rf"\frac{{\partial L}}{{\partial {_latex_name(gradient, name)}}}"
        rows.append((math(left), math("= " + gradient[name].latex())))
    parts = [f"<p>{math('L = ' + gradient.loss.latex())}</p>", note(gradient.reading)]
    parts.append(table(("", ""), rows))
    known = vars(gradient).get("certificate")
    if known is not None:
        parts.append(folded("how it was proved", certificate_body(known)))
    return block(*parts)


def _latex_name(gradient: Gradient, name: str) -> str:
    return name_latex(name, (), len(gradient.problem.shape(name)))


def steps_html(derivation: Derivation) -> str:
    """The chain rule as a tree of steps that can be folded, and the proof."""
    children: dict[int, list[Step]] = {}
    for step in derivation.steps:
        children.setdefault(step.parent, []).append(step)
    written: dict[int, str] = {}
    for step in reversed(derivation.steps):
        inner = [written[child.number] for child in children.get(step.number, [])]
        written[step.number] = _step(step, _list(inner))
    body = _list(written[step.number] for step in children.get(0, []))
    name = name_latex(derivation.name)
    left = rf"\frac{{\partial {derivation.label}}}{{\partial {name}}}"
    head = f"<p>{math(left)}</p>"
    proof = "".join(note(line) for line in derivation.proof)
    return block(head, body, proof)


def _list(items: Iterable[str]) -> str:
    """The items below each other; nothing for none."""
    inner = "".join(f"<li>{item}</li>" for item in items)
    return f"<ol>{inner}</ol>" if inner else ""


def _step(step: Step, inner: str) -> str:
    equation = math(step.shown("latex"))
    summary = f"<b>{step.number}. {text(step.rule)}</b>&nbsp; {equation}"
    said = html.escape(step.said("latex"), quote=False)
    return folded(summary, f"<p>{said}</p>{inner}", opened=step.depth <= 1)


def certificate_html(certificate: Certificate) -> str:
    """How every partial derivative was proved, and where it holds."""
    return block(badge("proved", "good"), certificate_body(certificate))


def certificate_body(certificate: Certificate) -> str:
    """The same without its box."""
    rows = []
    for proof in certificate.proofs:
        sympy = {"proved": "equal, proved", "agrees": "equal at the points"}
        quotient = f"{proof.numeric} points, {proof.digits} digits" if proof.numeric else "none"
        rows.append((
            code(proof.name), "equal" if proof.forward else "not compared",
            text(sympy.get(proof.sympy, f"takes no part: {proof.sympy}")), text(quotient),
        ))  # fmt: skip
    head = ("partial", "forward walk", "SymPy's diff", "difference quotient")
    parts = [table(head, rows)]
    if certificate.domain:
        lines = [(code(formula), text(condition)) for formula, condition in certificate.domain]
        parts.append(folded("where it holds", table(("", ""), lines), opened=True))
    parts.append(note("rules: " + ", ".join(certificate.rules)))
    return "".join(parts)


def verdict_html(verdict: Verdict) -> str:
    """The verdict in a word and a colour, the reason, what is right, and a witness."""
    kind = _VERDICTS.get(verdict.verdict, "plain")
    parts = [f"<p>{badge(verdict.verdict, kind)}{text(verdict.reason)}</p>"]
    rows = []
    if verdict.mistake:
        rows.append((text("the mistake"), text(verdict.mistake)))
    if verdict.verdict in ("wrong", "proportional") and verdict.right:
        rows.append((text("right"), code(verdict.right)))
    if verdict.factor:
        rows.append((text("factor"), code(verdict.factor)))
    if verdict.verdict == "wrong" and verdict.witness is not None:
        rows.append((text("for instance"), text(verdict.witness)))
    if rows:
        parts.append(table(("", ""), rows))
    holds = f"; holds {verdict.domain}" if verdict.ok and verdict.domain else ""
    parts.append(note(f"{verdict.how}{holds}"))
    return block(*parts)


__all__ = [
    "badge", "block", "certificate_body", "certificate_html", "code", "folded", "gradient_html",
    "math", "note", "steps_html", "table", "text", "verdict_html",
]  # fmt: skip
