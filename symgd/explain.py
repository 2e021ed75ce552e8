"""The door for understanding a loss: what will happen, before the first step is made.

>>> d = explain("(x - 3.5)^2 - 4.5x + 10", start=9, rate=0.1)
>>> d.stable_rate, d.best_rate, d.shape.convexity
(1.0, 0.5, 'convex')
>>> print(d.pace(0.1).to_error)
exactly 67
>>> print(d.closed)
x = 23/4 = 5.75
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from symgd.compile.columns import read_with_data
from symgd.compile.objective import Objective, compile_objective
from symgd.compile.structure import structure_of
from symgd.derive.partials import derive
from symgd.descend import options
from symgd.descend.objective import FloatArray
from symgd.diagnose import Diagnosis, Plan, diagnose
from symgd.diagnose.closed import minimiser
from symgd.errors import OptionError
from symgd.formula.problem import ShapeLike
from symgd.minimize import Rate, Start, rate_of, run, start_of, start_shapes


def explain(
    formula: str,
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
    seconds: float = 5.0,
) -> Diagnosis:
    """What is known about a loss and about the descent that is asked for.

    The options are those of :func:`symgd.minimize`: ``rate`` or ``schedule`` and ``start`` say
    which descent (without them the best rate from a chosen start), ``precision`` when it should
    stop, ``batch`` how many rows it would take. ``seconds`` bounds the search for a closed form
    and for the minimum.

    For a quadratic loss the rates and the numbers of steps are exact; for any other they hold
    near the minimum that is found from ``start``, and the :class:`~symgd.diagnose.Diagnosis`
    says so. Raises what :func:`symgd.minimize` raises.
    """
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
    return diagnose(objective, _minimum(objective, theta, time), plan)


def rates_of(rate: Rate | None, schedule: str | None) -> dict[str, Any]:
    """The rate that is asked about, under its text."""
    from symgd.descend.search import checked_rate, text_of

    eta, text = rate_of(rate, schedule)
    if eta is None:
        return {}
    eta = checked_rate(eta)
    return {text or (text_of(eta) if callable(eta) else repr(eta)): eta}


def _minimum(objective: Objective, start: FloatArray, seconds: float) -> FloatArray:
    """The minimum that a descent from ``start`` comes to, as well as can be."""
    if structure_of(objective.partials).quadratic:
        exact = minimiser(objective)
        if exact is not None:
            return exact
    parameters = {n: v for n, v in objective.unpack(start).items()}
    found = run(objective.partials, objective.data, parameters, time_limit=seconds)
    return np.array(found.theta)
