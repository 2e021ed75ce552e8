"""What the Check tab shows: a verdict for a claim, or for every line of a derivation.

>>> seen = check({"claim": "2*mean(x*(y - m*x))", "of": "mean((y - m*x)^2)", "wrt": "m"})
>>> seen["lines"][0]["verdict"], seen["lines"][0]["mistake"] is not None
('wrong', True)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symgd.errors import SymgdError
from symgd.web.matrix_columns import with_matrices
from symgd.web.problem import Asked, constants_of, names_of, shapes_of, text_of

if TYPE_CHECKING:
    from symgd.check import Verdict

BEGINS = re.compile(r"\s*(\\begin\{[^}]*\}|\$\$|\\\[)\s*$")
"""The line that opens a block of LaTeX."""
LOSS_NAME = re.compile(
    r"\s*(?:\\begin\{[^}]*\}\s*)?&?\s*"
    r"(?:[LJEFCfQ]|\\ell|\\mathcal\s*\{?\s*[LJEF]\s*\}?|[Ll]oss|[Cc]ost)(?:\([^()=]*\))?\s*(?:&\s*)?(?::=|=)"
)
"""A loss with a usual name, perhaps with its arguments, on the left of an equals sign."""
MAX_LINES = 50_000
"""The limit of the text of a derivation, in characters."""


def check(content: Mapping[str, Any]) -> dict[str, Any]:
    """The verdicts on ``lines``, or on a ``claim`` about the derivative ``of`` a formula."""
    declared: dict[str, Any] = {
        "columns": names_of(content, "columns"),
        "shapes": shapes_of(content),
        "constants": constants_of(content),
    }
    wrt = text_of(content, "wrt", None) or None
    lines = text_of(content, "lines", None, MAX_LINES)
    if lines is not None:
        formula = None if names_a_loss(lines) else text_of(content, "formula", None) or None
        return _derivation(lines, formula, wrt, _with_matrices(formula or "", declared))
    from symgd.check import check as judge

    claim, of = text_of(content, "claim"), text_of(content, "of")
    declared = _with_matrices(of, declared)
    verdict = judge(claim, of, wrt=wrt, **declared)
    line = shown(verdict, claim, declared)
    line.update(number=1, text=claim, against="the derivative", true=None)
    return {
        "lines": [line], "reading": verdict.reading, "all_right": verdict.ok,
        "first_wrong": 1 if verdict.verdict in ("wrong", "proportional") else None,
        "summary": str(verdict),
    }  # fmt: skip


def names_a_loss(lines: str) -> bool:
    r"""Whether the first line of a derivation says itself what is derived.

    >>> names_a_loss("J(\\theta) = (\\theta - 3)^2"), names_a_loss("dL/dm = 2*m")
    (True, False)
    """
    first = next((x for x in lines.splitlines() if x.strip() and not BEGINS.match(x)), "")
    return LOSS_NAME.match(first) is not None


def _with_matrices(text: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """What was declared, where columns of the data make up a matrix of the formula."""
    asked = with_matrices(Asked(text, **declared))
    return {**declared, "columns": asked.columns, "shapes": dict(asked.shapes or {})}


def _derivation(
    lines: str, formula: str | None, wrt: str | None, declared: Mapping[str, Any]
) -> dict[str, Any]:
    from symgd.check import check_derivation

    report = check_derivation(lines, formula, wrt, **declared)
    found = []
    for piece in report:
        line = shown(piece.verdict, piece.text, declared)
        line.update(number=piece.number, text=piece.text, against=piece.against, true=piece.true)
        found.append(line)
    wrong = report.first_wrong
    return {
        "lines": found, "reading": report.reading, "all_right": report.ok,
        "first_wrong": None if wrong is None else wrong.number, "summary": _summary(report),
    }  # fmt: skip


def _summary(report: Any) -> str:
    wrong = report.first_wrong
    if not len(report):
        return "there is nothing to judge: write L = ..., then dL/dm = ..."
    if wrong is not None:
        return f"the first wrong line is line {wrong.number}"
    return "every line is right" if report.ok else "no line is wrong, but not all could be decided"


def shown(verdict: Verdict, text: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """One verdict with the formulas also in LaTeX."""
    content = verdict.to_dict()
    content["witness_text"] = None if verdict.witness is None else str(verdict.witness)
    content["latex"] = latex_of(text, declared)
    content["right_latex"] = latex_of(verdict.right, declared)
    return content


def latex_of(text: str | None, declared: Mapping[str, Any]) -> str | None:
    """A formula in LaTeX, or None if it does not stand alone (an equation, a reference)."""
    from symgd.expression import Expression, read_formula

    alone = (text or "").strip().lstrip("&=").strip()
    if not alone:
        return None
    try:
        problem = read_formula(alone, **declared)
        return Expression(problem.root, problem).latex()
    except SymgdError:
        return None
