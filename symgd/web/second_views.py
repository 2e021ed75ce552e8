"""What the Derive tab asks for afterwards: Hessian, certificate, code.

>>> hessian({"problem": {"text": "x^2*y"}})["texts"]
[['2*y', '2*x'], ['2*x', '0']]
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from symgd.errors import OptionError, UnsupportedError
from symgd.web.derive_view import domain, latex_name
from symgd.web.problem import FieldError, gradient_of, problem_of, text_of

MAX_NAMES = 12
"""The matrix of second derivatives is written out for at most so many parameters."""

FILES = {
    "numpy": ("gradient.py", "python"), "jax": ("gradient_jax.py", "python"),
    "torch": ("gradient_torch.py", "python"), "c": ("gradient.c", "c"),
    "julia": ("gradient.jl", "julia"), "latex": ("gradient.tex", "latex"),
}  # fmt: skip
"""The file name and the language of each target of :func:`code`."""


def hessian(content: Mapping[str, Any]) -> dict[str, Any]:
    """The second partial derivatives, or the Hessian times a direction where that is all."""
    began = perf_counter()
    found = gradient_of(problem_of(content))
    names = found.parameters
    second = found.hessian()
    symbols = [latex_name(name, found.problem.shape(name)) for name in names]
    answer: dict[str, Any] = {
        "names": list(names), "symbols": symbols, "entries": None, "texts": None, "latex": None,
        "along": None, "notes": [],
    }  # fmt: skip
    if len(names) > MAX_NAMES:
        answer["notes"].append(
            f"{len(names)} parameters: only the product with a direction is shown"
        )
    else:
        try:
            rows = [[second[a, b] for b in names] for a in names]
            answer["entries"] = [[entry.latex() for entry in row] for row in rows]
            answer["texts"] = [[entry.text() for entry in row] for row in rows]
            answer["latex"] = second.latex()
        except UnsupportedError as problem:
            answer["notes"].append(str(problem))
    if answer["entries"] is None:
        answer["along"] = [
            {"name": name, "latex": row.latex(), "text": row.text()}
            for name, row in second.along().items()
        ]
    return {**answer, "milliseconds": round(1e3 * (perf_counter() - began), 2)}


def certificate(content: Mapping[str, Any]) -> dict[str, Any]:
    """How every partial derivative was proved; a disagreement is a ``proof`` error."""
    found = gradient_of(problem_of(content))
    if not found.parameters:
        raise OptionError("there is nothing to prove: the formula has no parameters")
    proof = found.certificate
    return {
        "proved": all(p.sympy == "proved" for p in proof.proofs),
        "proofs": [
            {
                "name": p.name, "text": str(p), "sympy": p.sympy, "points": p.numeric,
                "digits": p.digits,
            }
            for p in proof.proofs
        ],
        "rules": list(proof.rules),
        "domain": domain(found),
        "text": str(proof).split("\n"),
    }  # fmt: skip


def code(content: Mapping[str, Any]) -> dict[str, Any]:
    """The source of a standalone function of value and gradient."""
    target = text_of(content, "target", "numpy")
    if target not in FILES:
        raise FieldError("target", f"there is no code in {target!r}; there is {', '.join(FILES)}")
    found = gradient_of(problem_of(content))
    filename, language = FILES[target]
    return {
        "target": target, "code": found.code(target), "filename": filename, "language": language,
    }  # fmt: skip
