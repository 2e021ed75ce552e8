"""The exact answer beside the descent: set the gradient to zero and solve.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> print(closed_form(derive(read("(x - 3.5)^2 - 4.5x + 10"))))
x = 23/4 = 5.75
>>> print(closed_form(derive(read("mean((y - m*x)^2)"))))
m = Sxy/Sxx   where Sxx = sum(x^2), Sxy = sum(x*y)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgd.compile.objective import Objective
from symgd.compile.structure import degrees
from symgd.derive.exact_linear import fraction_text, solved
from symgd.derive.partials import Partials
from symgd.descend.objective import FloatArray
from symgd.errors import SymgdError
from symgd.formula.graph import topological
from symgd.formula.text import to_text

SECONDS = 5.0
_EASY = 8  # the degree of a polynomial that is solved at once
_DENSE = 500


@dataclass(frozen=True)
class ClosedForm:
    """Exact stationary points: where all partial derivatives are zero.

    ``points`` maps each name to its value, ``text`` says them: exactly, or, for losses over data,
    as the textbook formula in ``sums`` over the data, in matrix form (``latex`` too), or as the
    normal equations themselves. Empty (false) if no closed form was found; that is not a proof
    that there is none. ``note`` says what else is known, such as that the time was up.
    """

    points: tuple[dict[str, Any], ...]
    text: str
    sums: tuple[str, ...] = ()
    latex: str = ""
    note: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.text + (f"   where {', '.join(self.sums)}" if self.sums else "")

    def __bool__(self) -> bool:
        return bool(self.text)

    def distance(self, params: dict[str, Any]) -> float | None:
        """The largest difference of any parameter from the nearest of the points."""
        found = [
            max(float(np.max(np.abs(np.asarray(params[n]) - np.asarray(v)))) for n, v in p.items())
            for p in self.points
        ]
        return min(found) if found else None


def closed_form(
    partials: Partials,
    objective: Objective | None = None,
    seconds: float = 0.0,
    exact: FloatArray | None = None,
) -> ClosedForm:
    """Set the gradient to zero and solve, where that is possible.

    Linear systems and polynomials in one unknown are solved exactly at once; with ``seconds`` the
    algebra also tries other equations for so long. For a quadratic loss over data the formula is
    found, and with ``objective`` (the loss on its data) the numbers too (``exact`` is its
    minimiser, where that is known already).
    """
    data = [s for s in partials.problem.symbols if s.name not in partials.wrt]
    scalars = not any(partials.problem.shape(name) for name in partials.wrt)
    nothing = ClosedForm((), "")
    if not data and scalars:
        return _exact(partials, seconds)
    if not data:
        return _numbers(partials, objective, nothing, exact)
    if _degree(partials) > 1:
        return nothing
    found = _sums(partials, max(seconds, SECONDS)) if scalars else _matrices(partials)
    return _numbers(partials, objective, found, exact)


def _degree(partials: Partials) -> float:
    """The degree of the partial derivatives as polynomials in the parameters."""
    symbols = [partials.problem.symbol(name) for name in partials.wrt]
    roots = list(partials.raw.values())
    found = degrees(topological(*roots), symbols)
    return max(found[root] for root in roots)


def _exact(partials: Partials, seconds: float) -> ClosedForm:
    """The solution of equations without data."""
    names, degree = list(partials.wrt), _degree(partials)
    numbers = solved(list(partials.raw.values()), names) if degree <= 1 else None
    if numbers is not None:
        pairs = zip(names, numbers, strict=True)
        return _said([{n: (fraction_text(v), float(v)) for n, v in pairs}])
    from symgd.algebra.closed import rational_text, zeros

    equations = [partials.textbook(name) for name in names]
    if degree <= 1 or (len(names) == 1 and degree <= _EASY):
        solutions = zeros(equations, names)
        shown = [{n: (rational_text(v), float(v)) for n, v in s.items()} for s in solutions]
        return _said(shown)
    if not seconds:
        return ClosedForm((), "")
    content = {"formulas": [to_text(e) for e in equations], "names": names}
    answer, note = _asked(content, seconds)
    return _said([{n: (v[0], v[1]) for n, v in s.items()} for s in answer], note)


def _said(solutions: list[dict[str, tuple[str, float]]], note: str = "") -> ClosedForm:
    lines = [", ".join(f"{n} = {text}" for n, (text, _) in s.items()) for s in solutions]
    points = tuple({n: value for n, (_, value) in s.items()} for s in solutions)
    return ClosedForm(points, "  or  ".join(lines), note=note)


def _simple(partials: Partials) -> bool:
    """Whether the algebra is sure to be quick: few nodes, low powers."""
    order = topological(*partials.raw.values())
    powers = [n.args[1] for n in order if n.op == "pow"]
    return len(order) <= 80 and all(e.op == "num" and abs(e.value) <= 4 for e in powers)


def _asked(content: dict[str, Any], seconds: float) -> tuple[list[Any], str]:
    """The answer of the worker; nothing and the reason if it gives none."""
    from symgd.algebra import worker

    try:
        return list(worker.ask("zeros", content, seconds)), ""
    except worker.TimeUp:
        return [], f"no closed form was found in {seconds:g} s"
    except SymgdError as problem:
        return [], f"no closed form was found: {problem}"


def _sums(partials: Partials, seconds: float) -> ClosedForm:
    """The normal equations in sums over the data."""
    problem, names = partials.problem, list(partials.wrt)
    columns = {s.name: list(s.shape) for s in problem.symbols if s.shape}
    if any(len(shape) != 1 for shape in columns.values()) or len(names) > _EASY:
        return ClosedForm((), "")
    if _simple(partials):
        from symgd.algebra.closed import textbook

        solved = textbook([partials.raw[n] for n in names], names)
        return (
            ClosedForm((), "; ".join(solved.lines), solved.sums) if solved else ClosedForm((), "")
        )
    texts = [to_text(partials.raw[n]) for n in names]
    answer, note = _asked({"formulas": texts, "names": names, "columns": columns}, seconds)
    if not answer:
        return ClosedForm((), "", note=note)
    return ClosedForm((), "; ".join(answer[0]["lines"]), tuple(answer[0]["sums"]))


def _matrices(partials: Partials) -> ClosedForm:
    """The normal equations in matrices, for one vector of parameters."""
    from symgd.algebra.matrix_form import matrix_form

    if len(partials.wrt) != 1:
        return ClosedForm((), "")
    (name,) = partials.wrt
    found = matrix_form(partials.raw[name], partials.problem.symbol(name))
    return ClosedForm((), found.text, latex=found.latex) if found else ClosedForm((), "")


def _numbers(
    partials: Partials, objective: Objective | None, found: ClosedForm, exact: FloatArray | None
) -> ClosedForm:
    """``found`` with its point, if the quadratic loss on the data has exactly one."""
    if objective is None or objective.layout.size > _DENSE or _degree(partials) > 1:
        return found
    theta = minimiser(objective) if exact is None else exact
    if theta is None:
        return found
    return ClosedForm((objective.unpack(theta),), found.text, found.sums, found.latex, found.note)


def minimiser(objective: Objective) -> FloatArray | None:
    """The one stationary point (p,) of a quadratic loss, by refined solves; None if not single."""
    theta = np.zeros(objective.layout.size)
    hessian = objective.hessian(theta)
    if not np.isfinite(hessian).all():
        return None
    size = np.sqrt(np.abs(np.diag(hessian)))
    if not size.all():
        return None
    scaled = hessian / np.outer(size, size)
    if np.linalg.cond(scaled) > 1e14:
        return None
    for _ in range(4):
        theta = theta - np.linalg.solve(scaled, objective(theta)[1] / size) / size
    return theta if np.isfinite(theta).all() else None
