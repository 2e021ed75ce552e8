"""Which method, and why: from what was asked for and what the formula shows."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from symgd.compile.structure import Structure
from symgd.descend import Update
from symgd.errors import FormulaError, OptionError

ENGINES = {
    "exact": "one linear solve (quadratic losses)",
    "lm": "Levenberg-Marquardt (sums of squares)",
    "newton": "Newton's method in a trust region, with the exact Hessian",
    "trust": "the same as newton",
    "lbfgs": "L-BFGS (many parameters)",
    "kinks": "for losses with kinks: smoothing, then an active set",
}
"""Methods of second order, which choose their own steps."""

DENSE = 500
"""With more parameters than this no matrix of second derivatives is formed."""

LINEAR = 3000
"""With more parameters than this a linear least-squares problem is not solved by QR."""

ENTRIES = 30_000_000
"""Jacobians of more entries (residuals times parameters) are not formed."""


@dataclass(frozen=True)
class Choice:
    """The method: one of ``ENGINES``, or ``"loop"`` with an update rule; and why."""

    engine: str
    why: str = ""
    update: Update[Any] | None = None


def choose(
    method: str | Update[Any] | None,
    structure: Structure,
    size: int,
    residuals: int | None,
    first_order: bool,
) -> Choice:
    """The method for a loss of ``size`` parameters with ``residuals`` (None: no squares).

    ``first_order`` says that a rate, batches or the textbook stop were asked for.
    """
    if method is not None and not isinstance(method, str):
        if isinstance(method, type) or not isinstance(method, Update):
            raise OptionError(
                f"method must be a name, updates such as 'theta = theta - eta*g' or an Update, "
                f"not {method!r}"
            )
        return Choice("loop", update=method)
    if method is not None:
        return _named(method, structure, residuals)
    if first_order:
        return Choice("loop")
    return _by_structure(structure, size, residuals)


def _by_structure(structure: Structure, size: int, residuals: int | None) -> Choice:
    words = structure.words
    if structure.kinks and size <= DENSE:
        return Choice("kinks", words)
    small = residuals is not None and residuals * size <= ENTRIES
    if structure.affine and small and size <= LINEAR:
        return Choice("exact", words)
    if residuals is not None and small and size <= DENSE:
        return Choice("lm", words)
    if size > DENSE:
        return Choice("lbfgs", f"there are {size} parameters")
    if structure.quadratic:
        return Choice("exact", words)
    return Choice("newton", f"{words} and has few parameters" if size > 1 else words)


def _named(method: str, structure: Structure, residuals: int | None) -> Choice:
    from symgd.methods import named

    if method == "gd":
        return Choice("loop")
    if method not in ENGINES:
        try:
            return Choice("loop", update=named(method))
        except OptionError:
            if "=" in method or "(" in method:
                raise
            raise unknown(method) from None
        except FormulaError as error:
            raise OptionError(f"method={method!r} is not understood\n{error}") from None
    if method == "lm" and residuals is None:
        raise OptionError(f"method='lm' needs a sum of squares: {structure.words}")
    if method == "exact" and not (structure.affine or structure.quadratic):
        raise OptionError(f"method='exact' needs a quadratic loss: {structure.words}")
    return Choice("newton" if method == "trust" else method, "as asked for")


def known_methods() -> list[str]:
    """The names that ``method=`` takes."""
    from symgd.methods import METHODS

    return [*METHODS, *ENGINES]


def unknown(method: str) -> OptionError:
    """The error for a method that does not exist."""
    near = get_close_matches(method, known_methods(), 1)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    return OptionError(
        f"method={method!r} is not known: there are {', '.join(known_methods())}, "
        f"or updates such as 'theta = theta - eta*g'{guess}"
    )
