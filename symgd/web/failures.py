"""What went wrong, as the page shows it beside its cause.

>>> from symgd.errors import SyntaxProblem
>>> told = failure(SyntaxProblem("a bracket is not closed", "2*(x", 2), {"text": "2*(x"})
>>> told["kind"], told["field"], told["start"], told["end"]
('formula', 'text', 2, 3)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from symgd import errors
from symgd.web.problem import FieldError

KINDS: dict[type[BaseException], str] = {
    errors.NameProblem: "name",
    errors.ShapeProblem: "shape",
    errors.LimitProblem: "limit",
    errors.UndefinedProblem: "undefined",
    errors.FormulaError: "formula",
    errors.DataError: "data",
    errors.OptionError: "option",
    errors.UnsupportedError: "unsupported",
    errors.ProofError: "proof",
}
"""The kind of each error; a subclass stands before its base."""

OPTIONS = ("rate", "schedule", "method", "start", "steps", "epochs", "batch", "seed", "precision",
           "span", "over", "wrt", "momentum")  # fmt: skip
"""Fields that the first words of an option error may name."""

BUG = "this is a bug in symgd; please report what you typed"


def failure(problem: BaseException, texts: Mapping[str, Any]) -> dict[str, Any]:
    """An error for the page; ``texts`` are the fields of the request that may hold its place."""
    if isinstance(problem, errors.FormulaError):
        return _of_formula(problem, texts)
    if isinstance(problem, errors.SymgdError):
        return _of_option(problem, texts)
    if isinstance(problem, MemoryError | RecursionError):
        return told("limit", "this needs more memory than is allowed", "make it smaller")
    return told("crash", f"unexpected {type(problem).__name__}", BUG)


def told(
    kind: str,
    reason: str,
    remedy: str | None = None,
    *,
    message: str | None = None,
    field: str | None = None,
    place: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """The parts of an error under the names of the contract."""
    start, end = place or (None, None)
    whole = message or (reason if remedy is None else f"{reason}: {remedy}")
    return {
        "kind": kind, "message": whole, "reason": reason, "remedy": remedy, "field": field,
        "start": start, "end": end,
    }  # fmt: skip


def _of_option(problem: errors.SymgdError, texts: Mapping[str, Any]) -> dict[str, Any]:
    """An error about an option or data; one about a formula in an option keeps its place."""
    kind = next((k for c, k in KINDS.items() if isinstance(problem, c)), "option")
    inner = problem.__context__
    if isinstance(inner, errors.FormulaError) and inner.text:
        found = _of_formula(inner, texts)
        if found["field"] is not None:
            return {**found, "kind": kind, "message": str(problem)}
    field = problem.field if isinstance(problem, FieldError) else _field_in(problem, kind, texts)
    reason, _, rest = str(problem).partition("\n")
    remedy = next((x[6:] for x in rest.splitlines() if x.startswith("hint: ")), None)
    return told(kind, reason, remedy, message=str(problem), field=field)


def _of_formula(problem: errors.FormulaError, texts: Mapping[str, Any]) -> dict[str, Any]:
    kind = next(k for c, k in KINDS.items() if isinstance(problem, c))
    field, offset = _holder(problem.text, texts)
    place = None
    if problem.position is not None and field is not None:
        start = min(problem.position, len(problem.text))
        end = min(start + max(1, problem.length), max(start + 1, len(problem.text)))
        whole = str(texts[field])
        place = (_utf16(whole, offset + start), _utf16(whole, offset + end))
    return told(kind, problem.reason, problem.hint, message=str(problem), field=field, place=place)


def _holder(text: str, texts: Mapping[str, Any]) -> tuple[str | None, int]:
    """The field that holds the text of the error, and where in it."""
    known = {field: value for field, value in texts.items() if isinstance(value, str)}
    for field, value in known.items():
        if value == text:
            return field, 0
    if text.strip():
        for field, value in known.items():
            if value.count(text) == 1:
                return field, value.index(text)
    return ("text" if "text" in known and len(known) == 1 else None), 0


def _utf16(text: str, position: int) -> int:
    """A place in the text as a browser counts it: characters beyond U+FFFF are two units."""
    return position + sum(ord(char) > 0xFFFF for char in text[:position])


def _field_in(problem: BaseException, kind: str, texts: Mapping[str, Any]) -> str | None:
    """The field that the first words of a message name."""
    if kind == "data":
        return "csv"
    words = re.findall(r"[a-z_]+", str(problem).partition("\n")[0])[:4]
    word = next((word for word in words if word in OPTIONS), None)
    return "rate" if word == "schedule" and "schedule" not in texts else word
