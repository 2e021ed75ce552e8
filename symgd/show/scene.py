"""What a picture is of: a loss that can be evaluated anywhere, with the names of its parts.

>>> found = scene("mean((y - (m*x + b))^2)", {"x": [0, 1, 2], "y": [1, 3, 5]})
>>> found.layout.names, found.label, found.value(found.layout.pack({"m": 2, "b": 1}))
(('m', 'b'), 'mean squared error', 0.0)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from symgd.compile.columns import columns_of, read_with_data
from symgd.compile.objective import Compiled, Objective, compile_objective
from symgd.derive.partials import Partials, derive
from symgd.descend import Solution
from symgd.descend.objective import FloatArray, IntArray, Layout
from symgd.errors import OptionError, SymgdError
from symgd.fit import Fit
from symgd.formula.graph import Node
from symgd.formula.problem import ShapeLike
from symgd.formula.text import to_text
from symgd.gradient import Gradient
from symgd.show.words import display, formula, mathtext, name_tex, safe

ROWS = 8192
"""The loss is drawn over at most so many rows; which ones are left out is said."""

REACH = 200
"""So many Newton steps may be made to find what a picture without a run is framed around."""

Function = Callable[[FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True, eq=False)
class Scene:
    """A loss to be drawn.

    ``function`` gives the loss and its gradient (p,) at theta (p,), ``value`` the loss alone;
    ``title`` and ``label`` are the formula and the name of the loss as they are written into
    pictures. ``objective`` is the compiled formula if there is one. ``drawn_rows`` of
    ``all_rows`` rows are used (0 of 0 without data).
    """

    function: Function
    value: Callable[[FloatArray], float]
    layout: Layout
    title: str
    label: str
    objective: Objective | None = None
    drawn_rows: int = 0
    all_rows: int = 0

    def values(self, points: FloatArray) -> FloatArray:
        """The loss (k,) at points (k, p); nan where it is not defined."""
        found = np.full(len(points), np.nan)
        with np.errstate(all="ignore"):
            for k, point in enumerate(points):
                try:
                    found[k] = self.value(point)
                except (ArithmeticError, ValueError):  # LinAlgError is a ValueError
                    continue
        return found

    def component(self, name: str) -> int:
        """The place of a component in theta, by name; an error names what there is."""
        names = self.layout.names
        if name not in names:
            listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            raise OptionError(f"there is no parameter {name!r} to draw over; there are {listed}")
        return names.index(name)

    @property
    def notes(self) -> list[str]:
        """What must be said about the rows."""
        if self.drawn_rows == self.all_rows:
            return []
        return [f"loss drawn over {self.drawn_rows:,} of {self.all_rows:,} rows"]


def scene(
    what: Any,
    data: Any = None,
    *,
    solution: Solution | None = None,
    wrt: str | Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    missing: str = "refuse",
) -> Scene:
    """The scene of a formula, a :class:`Gradient`, a compiled objective, a :class:`Fit`
    or a Python function ``theta -> (loss, gradient)``.

    ``data`` holds the columns of a formula or gradient. A function gets the names of its
    parameters from ``solution``. Raises :class:`OptionError` for anything else.
    """
    layout = None if solution is None else solution.layout
    if isinstance(what, Scene):
        return what
    if isinstance(what, str):
        found = read_with_data(
            what, data, wrt=wrt, shapes=shapes, constants=constants, missing=missing
        )
        return _of_partials(derive(found.problem), found.columns, layout)
    if isinstance(what, Gradient):
        return _of_partials(what.partials, columns_of(data, what.partials, missing), layout)
    if isinstance(what, Fit):
        source = what.source
        return _of_partials(source.partials, source.columns, what.layout)
    if isinstance(what, Objective):
        return of_objective(what)
    if isinstance(what, Solution):
        known = objective_of(what)
        if known is None:
            raise OptionError(
                "this solution does not know its loss: give the formula first, and the solution "
                "after it"
            )
        return scene(known, solution=what)
    if callable(what):
        return _of_function(what, layout)
    raise OptionError(
        f"a picture is of a formula, a gradient, an objective or a fit, not {type(what).__name__}"
    )


def objective_of(solution: Solution) -> Any:
    """The objective that a solution was found on, if it keeps one."""
    return vars(solution).get("objective")


def of_objective(objective: Objective) -> Scene:
    """The scene of a compiled objective, over a sample of its rows if there are too many."""
    partials = objective.partials
    rows = partials.problem.rows
    total = objective.sizes.get(rows, 0) if rows is not None else 0
    if total > ROWS:
        with suppress(OptionError):  # parameters with the rows in their shape need all of them
            objective = objective.at_rows(sample_rows(total, ROWS))
    compiled, layout = Compiled([partials.loss]), objective.layout
    known, sizes = objective.data, objective.sizes

    def value(theta: FloatArray) -> float:
        return float(compiled.run({**known, **layout.unpack(theta)}, sizes)[0])

    drawn = objective.sizes.get(rows, 0) if rows is not None else 0
    label = _loss_name(partials, layout.names)
    title = titled_formula(partials, label)
    return Scene(objective, value, layout, title, label, objective, drawn, total)


def sample_rows(total: int, count: int) -> IntArray:
    """One row out of each of ``count`` blocks of equal length, always the same ones.

    >>> sample_rows(9, 3).tolist() == sorted(sample_rows(9, 3).tolist())
    True
    """
    edges = np.linspace(0, total, count + 1).astype(np.intp)
    random = np.random.default_rng(0).random(count)
    return np.asarray(edges[:-1] + (random * np.diff(edges)).astype(np.intp), dtype=np.intp)


def reference(found: Scene) -> Solution | None:
    """The minimum that Newton's method finds from the chosen start, to frame a picture by."""
    from symgd.minimize import run

    if found.objective is None:
        return None
    objective = found.objective
    start = None
    if any(objective.layout.shapes.values()):
        random = np.random.default_rng(0)
        shapes = objective.layout.shapes
        start = {name: random.normal(0.0, 0.3, shape) for name, shape in shapes.items()}
    try:
        return run(
            objective.partials, objective.data, start, rate=None, schedule=None, method=None,
            backend="auto", seed=0, steps=REACH, time_limit=3.0,
        )  # fmt: skip
    except SymgdError:
        return None


def _of_partials(partials: Partials, columns: Mapping[str, Any], layout: Layout | None) -> Scene:
    shapes = {} if layout is None else layout.shapes
    unknown = [name for name in shapes if name not in partials.wrt]
    if unknown and layout is not None:
        raise OptionError(
            f"the solution has the parameters {', '.join(layout.shapes)}, the formula "
            f"{', '.join(partials.wrt)}: they do not belong together"
        )
    return of_objective(compile_objective(partials, columns, shapes))


def _of_function(function: Callable[..., Any], layout: Layout | None) -> Scene:
    if layout is None:
        raise OptionError(
            "a Python function does not name its parameters: give the solution too, or a formula"
        )
    bare = layout.entries == (("theta", ()),)

    def answer(theta: FloatArray) -> tuple[float, FloatArray]:
        try:
            loss, gradient = function(float(theta[0]) if bare else theta)
        except (TypeError, IndexError):
            if not bare:
                raise
            loss, gradient = function(theta)
        flat = np.asarray(gradient, dtype=np.float64).reshape(-1)
        return float(np.asarray(loss, dtype=np.float64).reshape(-1)[0]), flat

    name = function.__name__ if isinstance(function, FunctionType) else ""
    title = safe(name) if name.isidentifier() else "loss"
    return Scene(answer, lambda theta: answer(theta)[0], layout, title, "loss")


def titled_formula(partials: Partials, label: str | None = None) -> str:
    """``f(x) = ...`` in mathtext if that can be drawn, else plainly."""
    label = _loss_name(partials, partials.wrt) if label is None else label
    right = formula(partials.written)
    plain = to_text(partials.written) if not right.startswith("$") else ""
    if plain:
        return safe(f"{label.strip('$')} = {plain}" if label.startswith("$") else plain)
    left = f"{label[1:-1]} = " if label.startswith("$") else ""
    return f"${left}{display(right[1:-1])}$"


def _loss_name(partials: Partials, names: Sequence[str]) -> str:
    """The name on the loss axis: the user's own, f(x), or what everybody calls the form."""
    problem = partials.problem
    if problem.label:
        return mathtext(_label_tex(problem.label), problem.label)
    if not problem.data and len(names) <= 3:
        inner = ", ".join(name_tex(name) for name in names)
        return mathtext(f"f({inner})", f"f({', '.join(names)})")
    return _FORMS.get(_form(partials.written), "loss")


def _label_tex(label: str) -> str:
    """``f(x)`` and ``L`` as they are; anything else is not understood and stays plain."""
    return label if re.fullmatch(r"[A-Za-z]'?(\([a-z, ]+\))?", label) else "\\plain"


def _form(node: Node) -> str:
    """``mean of squares`` and the like."""
    if node.op not in ("mean", "sum"):
        return ""
    inner = node.args[0]
    if inner.op == "pow" and inner.args[1].is_number(2):
        return f"{node.op} of squares"
    return f"{node.op} of {inner.op}"


_FORMS = {
    "mean of squares": "mean squared error",
    "sum of squares": "sum of squares",
    "mean of abs": "mean absolute error",
    "sum of abs": "sum of absolute errors",
}
