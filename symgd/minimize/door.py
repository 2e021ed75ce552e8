"""``minimize`` and what it shares with ``fit``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from symgd.compile.columns import read_with_data
from symgd.compile.least_squares import Residuals, residuals
from symgd.compile.objective import Objective, compile_objective
from symgd.compile.structure import Structure, structure_of
from symgd.derive.partials import Partials, derive
from symgd.descend import Observer, Solution, Update, descend, options
from symgd.descend.objective import FloatArray
from symgd.descend.watching import introduce, watched
from symgd.errors import OptionError
from symgd.formula.problem import ShapeLike
from symgd.methods.origin import origin_of
from symgd.minimize.blame import blamed
from symgd.minimize.choose import ENGINES, Choice, choose
from symgd.minimize.limits import Bounds, Limits, limits_of
from symgd.minimize.rates import Rate, rate_of, usual_rate
from symgd.minimize.searching import searched, to_be_searched
from symgd.minimize.several import checked_starts, run_each, spread
from symgd.minimize.solve import Task, solve
from symgd.minimize.starts import (
    Start,
    checked_seed,
    start_of,
    start_shapes,
)
from symgd.scale.source import streams

METHODS = ("gd", *ENGINES)
Precision = float | str | None


def minimize(
    formula: str,
    start: Start = None,
    *,
    rate: Rate | None = None,
    schedule: str | None = None,
    precision: Precision = "auto",
    stop: str = "error",
    steps: int | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    method: str | Update[Any] | None = None,
    data: Any = None,
    wrt: str | Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    missing: str = "refuse",
    batch: int | None = None,
    replace: bool = False,
    seed: int | None = None,
    bounds: Bounds | None = None,
    subject_to: str | Iterable[str] | None = None,
    starts: int | None = None,
    observers: Iterable[Observer] | Observer = (),
    backend: str = "auto",
    live: bool = False,
    memory: int | float | str | None = None,
    engine: str | None = None,
    scheduler: Any = None,
) -> Solution:
    """Minimise a formula over its parameters.

    * ``start``: name -> value, a single number if there is one parameter,
      ``"random"`` (uniform in [-1, 1], by ``seed``), or ``None``: a start is chosen and said.
    * ``rate``: the learning rate of gradient descent, a positive number or a
      schedule as a formula in ``t`` ("5/(t + 1000)"; ``schedule`` is the same).
      Without one, and without a ``method``, the structure of the loss chooses: a linear solve
      for a quadratic, Levenberg-Marquardt for a sum of squares, Newton's method for few
      parameters, L-BFGS for many, an active set for kinks. ``method`` of the result says which.
    * ``precision``: CONVERGED promises every parameter that close to the minimum;
      ``None`` runs all ``steps`` (or ``epochs``). ``"auto"`` is 1e-6 for methods with a rate,
      and 1e-6 of each parameter's own size for the others. ``stop="step"`` is the textbook test.
    * ``data``: mapping, table or path that holds the columns of the formula;
      ``batch`` rows are taken per update (see :func:`symgd.descend`).
    * ``bounds``: name -> (low, high), ``None`` for no bound; ``subject_to``: constraints as
      text, ``"a + b = 1, a >= 0"``.
    * ``starts``: so many runs, the first from ``start``, the others from random points (by
      ``seed``); the distinct minima are listed in ``minima``, the lowest is the answer.
    * ``observers`` see every iterate; ``live=True`` opens a window that follows the run, and
      that may be closed without stopping it.
    * ``memory``, ``engine``, ``scheduler``: data by the block, see :func:`symgd.fit`.

    Whatever happens on the way is the ``outcome`` of the :class:`Solution`.
    Raises a :class:`~symgd.errors.FormulaError` for the formula, an
    :class:`~symgd.errors.OptionError` for an option, a
    :class:`~symgd.errors.DataError` for the data.
    """
    if engine is not None or scheduler is not None or streams(data, memory):
        from symgd.minimize.streamed import minimize_streamed

        with watched(observers, live) as seen:
            return minimize_streamed(
                formula, data, start=start, rate=rate, schedule=schedule, precision=precision,
                stop=stop, steps=steps, epochs=epochs, time_limit=time_limit, method=method,
                wrt=wrt, shapes=shapes, constants=constants, missing=missing, batch=batch,
                replace=replace, seed=seed, bounds=bounds, subject_to=subject_to, starts=starts,
                observers=seen, backend=backend, engine=engine, scheduler=scheduler,
            )  # fmt: skip
    found = read_with_data(
        formula, data, wrt=wrt, shapes=shapes, constants=constants, missing=missing
    )
    partials = derive(found.problem)
    with watched(observers, live) as seen:
        return run(
            partials, found.columns, start, rate=rate, schedule=schedule, precision=precision,
            stop=stop, steps=steps, epochs=epochs, time_limit=time_limit, method=method,
            batch=batch, replace=replace, seed=seed, bounds=bounds, subject_to=subject_to,
            starts=starts, observers=seen, backend=backend,
        )  # fmt: skip


def run(
    partials: Partials,
    columns: Mapping[str, Any],
    start: Start,
    *,
    rate: Rate | None = None,
    schedule: str | None = None,
    precision: Precision = "auto",
    stop: str = "error",
    steps: int | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    method: str | Update[Any] | None = None,
    batch: int | None = None,
    replace: bool = False,
    seed: int | None = None,
    bounds: Bounds | None = None,
    subject_to: str | Iterable[str] | None = None,
    starts: int | None = None,
    observers: Iterable[Observer] | Observer = (),
    backend: str = "auto",
) -> Solution:
    """Minimise derived partials on columns of data: what ``minimize`` and ``fit`` share."""
    if not partials.wrt:
        raise OptionError("the formula has no parameters to minimise over")
    objective = compile_objective(partials, columns, start_shapes(start, partials), backend)
    structure = structure_of(partials)
    squares = squares_of(structure, objective)
    eta, text = rate_of(rate, schedule)
    first_order = eta is not None or batch is not None or epochs is not None or stop != "error"
    size = objective.layout.size
    choice = choose(method, structure, size, squares.size if squares else None, first_order)
    limits = limits_of(objective, bounds, subject_to)
    count = checked_starts(starts)
    checked_seed(seed)
    if choice.engine != "loop" and first_order:
        raise OptionError(_no_rate(method, eta, batch, epochs))
    theta = start_of(start, objective, seed)
    watching = options.checked_observers(observers)
    introduce(watching, objective.layout.names)
    if choice.engine == "loop":
        if limits is not None:
            raise OptionError("bounds and subject_to need a method that makes its own steps")
        once = partial(
            loop, objective, choice=choice, eta=eta, text=text, precision=precision, stop=stop,
            steps=steps, epochs=epochs, time_limit=time_limit, batch=batch, replace=replace,
            seed=seed, observers=watching,
        )  # fmt: skip
        return once(theta) if not count else _each(once, theta, count, seed, None, 3600.0)
    options.checked_batches(objective, batch, replace, seed)
    task = Task(
        objective, structure, squares, absolute(precision), options.checked_steps(steps, None, 1),
        options.checked_seconds(time_limit), watching, method is not None, limits,
        precision is None,
    )  # fmt: skip
    engine = partial(_solved, task, choice.engine, choice.why)
    if count:
        return _each(engine, theta, count, seed, limits, task.seconds)
    if to_be_searched(task, start):
        return searched(task, engine, start, theta, seed or 0)
    return engine(theta)


def _solved(task: Task, engine: str, why: str, theta: FloatArray) -> Solution:
    return blamed(solve(task, engine, theta, why))


def _each(
    once: Callable[[FloatArray], Solution], theta: FloatArray, count: int, seed: int | None,
    limits: Limits | None, seconds: float,
) -> Solution:  # fmt: skip
    """The best of ``count`` starts around ``theta``."""
    low = limits.low if limits is not None else np.full(theta.size, -np.inf)
    high = limits.high if limits is not None else np.full(theta.size, np.inf)
    found = run_each(once, spread(theta, count, seed, low, high), seconds)
    kinds = len(found.minima)
    text = f"{count} starts led to {kinds} distinct minim{'um' if kinds == 1 else 'a'}."
    return dataclasses.replace(found, message=f"{found.message} {text}")


def squares_of(structure: Structure, objective: Objective) -> Residuals | None:
    """The compiled residual, if the loss is a sum of squares."""
    return None if structure.squares is None else residuals(structure.squares, objective)


def absolute(precision: Precision) -> float | None:
    """A precision that the user gave, or None for "auto" (relative to each parameter)."""
    if isinstance(precision, str):
        if precision != "auto":
            raise OptionError(
                f"precision must be a positive number, None or 'auto', not {precision!r}"
            )
        return None
    return options.checked_precision(precision)


def loop(
    objective: Objective,
    theta: FloatArray,
    *,
    choice: Choice,
    eta: Any,
    text: str | None,
    precision: Precision,
    **options: Any,
) -> Solution:
    """A first-order method in the one loop."""
    if eta is None:
        eta = usual_rate(choice.update, objective, theta)
    limit = 1e-6 if precision == "auto" else absolute(precision)
    asked = {name: options[name] for name in ("stop", "batch", "replace", "seed")}
    found = descend(
        objective, theta, rate=eta, rate_text=text, update=choice.update, layout=objective.layout,
        precision=limit, origin=origin_of(objective, eta, choice.update, precision=limit, **asked),
        **options,
    )  # fmt: skip
    return blamed(dataclasses.replace(found, objective=objective))


def _no_rate(method: Any, eta: Any, batch: Any, epochs: Any) -> str:
    what = "rate" if eta is not None else "batch" if batch is not None else "epochs"
    if eta is None and batch is None and epochs is None:
        what = "stop='step'"
    return (
        f"method={method!r} makes its own steps from all rows: leave out {what}, or take a "
        "first-order method such as 'gd' or 'adam'"
    )
