"""The door for understanding a loss: what will happen, before the first step is made.

>>> d = explain("(x - 3.5)^2 - 4.5x + 10", start=9, rate=0.1)
>>> d.stable_rate, d.best_rate, d.shape.convexity
(1.0, 0.5, 'convex')
>>> print(d.pace(0.1).to_error)
exactly 68
>>> print(d.closed)
x = 23/4 = 5.75
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from symgd.compile.columns import WithData, read_with_data
from symgd.compile.objective import Objective, compile_objective
from symgd.compile.structure import structure_of
from symgd.derive.partials import derive
from symgd.descend import Origin, Outcome, Solution, options
from symgd.descend.objective import FloatArray
from symgd.descend.search import checked_rate, text_of
from symgd.diagnose import Diagnosis, Plan, diagnose
from symgd.diagnose.closed import minimiser
from symgd.errors import OptionError
from symgd.formula.problem import ShapeLike
from symgd.methods.origin import rate_again
from symgd.minimize import Rate, Start, rate_of, run, start_of, start_shapes


def explain(
    formula: str | Solution,
    data: Any = None,
    *,
    start: Start = None,
    rate: Rate | None = None,
    schedule: str | None = None,
    precision: float = 1e-6,
    batch: int | None = None,
    wrt: str | Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    missing: str = "refuse",
    seed: int | None = None,
    seconds: float = 3.0,
) -> Diagnosis:
    """What is known about a loss and about the descent that is asked for, or that was made.

    ``formula`` is the loss, or the :class:`~symgd.descend.Solution` of a run that was made from
    one: then its own data, start and rate are looked at, and why it failed if it did.
    The options are those of :func:`symgd.minimize`: ``rate`` or ``schedule`` and ``start`` say
    which descent (without them the best rate from a chosen start), ``precision`` when it should
    stop, ``batch`` how many rows it would take. ``seconds`` bounds the search for a closed form
    and for the minimum.

    For a quadratic loss the rates and the numbers of steps are exact; for any other they hold
    near the minimum that is found from ``start``, and the :class:`~symgd.diagnose.Diagnosis`
    says so. Raises what :func:`symgd.minimize` raises.
    """
    if isinstance(formula, Solution):
        return _after(formula, seconds)
    found = read_with_data(
        formula, data, wrt=wrt, shapes=shapes, constants=constants, missing=missing
    )
    partials = derive(found.problem)
    if not partials.wrt:
        raise OptionError("the formula has no parameters, so there is nothing to explain")
    objective = compile_objective(partials, found.columns, start_shapes(start, partials))
    theta = start_of(start, objective, seed)
    wanted = options.checked_precision(precision)
    if wanted is None:
        raise OptionError("precision must be a positive number: it says when the count ends")
    options.checked_batches(objective, batch, False, None)
    time = options.checked_seconds(seconds)
    plan = Plan(theta, rates_of(rate, schedule), wanted, batch, time)
    point, search = _minimum(objective, theta, time)
    return diagnose(objective, point, plan, search=search)


def rates_of(rate: Rate | None, schedule: str | None) -> dict[str, Any]:
    """The rate that is asked about, under its text."""
    eta, text = rate_of(rate, schedule)
    if eta is None:
        return {}
    eta = checked_rate(eta)
    return {text or (text_of(eta) if callable(eta) else _number(eta)): eta}


def _number(value: float) -> str:
    """A number as short as it can be said."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _after(solution: Solution, seconds: float) -> Diagnosis:
    """The diagnosis of a run that was made."""
    origin = None if solution.state is None else solution.state.origin
    objective = _objective_of(solution, origin)
    rates, precision, batch = {}, 1e-6, None
    if origin is not None:
        asked = origin.options
        precision, batch = asked["precision"] or 1e-6, asked["batch"]
        if asked["rate"] is not None and asked["method"] is None:
            rate = rate_again(asked["rate"])
            rates = {text_of(rate) if not isinstance(asked["rate"], str) else asked["rate"]: rate}
    start = np.array(solution.history.theta[0])
    plan = Plan(start, rates, precision, batch, options.checked_seconds(seconds))
    point = np.array(solution.theta)
    search: Solution | None = solution
    if solution.outcome not in (Outcome.CONVERGED, Outcome.PRECISION_LIMIT):
        point, search = _minimum(objective, solution.theta, seconds)
    return diagnose(objective, point, plan, solution, search)


def _objective_of(solution: Solution, origin: Origin | None) -> Objective:
    """The compiled loss of a run: its own, or made again from what the run was asked."""
    if isinstance(solution.objective, Objective):
        return solution.objective
    if origin is None:
        raise OptionError("this run does not know its formula: give explain the formula and data")
    shapes = {name: tuple(shape) for name, shape in origin.options["shapes"].items()}
    found = _again(origin, shapes)
    columns = {**found.columns, **origin.options["scalars"]}
    return compile_objective(derive(found.problem), columns, shapes)


def _again(origin: Origin, shapes: Mapping[str, tuple[int, ...]]) -> WithData:
    """The formula of a run beside its data."""
    data = dict(origin.columns) or None
    return read_with_data(origin.formula, data, wrt=origin.options["wrt"], shapes=shapes)


def _minimum(
    objective: Objective, start: FloatArray, seconds: float
) -> tuple[FloatArray, Solution | None]:
    """The minimum that a descent from ``start`` comes to, and that descent if it took one."""
    if structure_of(objective.partials).quadratic:
        exact = minimiser(objective)
        if exact is not None:
            return exact, None
    found = run(objective.partials, objective.data, objective.unpack(start), time_limit=seconds)
    return np.array(found.theta), found
