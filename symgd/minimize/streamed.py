"""Minimising a loss over rows that are taken block by block.

The methods are those for data in memory; only the objective is another one
(:class:`~symgd.scale.objective.Streamed`). A start that is missing is looked for on a sample of
the rows, fitted in memory first, so that few passes over all rows are needed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np

from symgd.compile.columns import WithData, _used, with_data
from symgd.compile.least_squares import Residuals
from symgd.compile.objective import Objective, compile_objective
from symgd.derive.partials import Partials, derive
from symgd.descend import Observer, Outcome, Solution, Update, descend, options
from symgd.descend.objective import FloatArray
from symgd.descend.watching import introduce
from symgd.errors import OptionError, UnsupportedError
from symgd.formula.parser import Parsed, parse_syntax
from symgd.formula.problem import declare
from symgd.formula.text import to_text
from symgd.minimize.choose import Choice, choose
from symgd.minimize.door import Precision, absolute, run
from symgd.minimize.limits import Bounds, limits_of
from symgd.minimize.rates import Rate, rate_of, usual_rate
from symgd.minimize.solve import Task, solve
from symgd.minimize.starts import Start, checked_seed, start_of, start_shapes
from symgd.scale.batches import Batched
from symgd.scale.engine import Local
from symgd.scale.objective import Streamed
from symgd.scale.source import Source, is_dask, source_of
from symgd.scale.spec import Spec

_GOOD = (Outcome.CONVERGED, Outcome.PRECISION_LIMIT)


SAMPLE = 5_000
"""Rows that are fitted in memory first, to find a start."""


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A loss and a sample of its rows: what is known before the first pass."""

    found: WithData
    partials: Partials
    near: Objective
    spec: Spec


def prepared(
    parsed: Parsed, source: Source, start: Start, wrt: Any, shapes: Any, constants: Any
) -> Prepared:
    """The formula read beside a sample of the rows."""
    used = _used(parsed, list(source.names), source.label)
    sample = source.sample(used, SAMPLE)
    found = with_data(parsed, sample, wrt=wrt, shapes=shapes, constants=constants)
    partials = derive(found.problem)
    if not partials.wrt:
        raise OptionError("the formula has no parameters to minimise over")
    near = compile_objective(partials, found.columns, start_shapes(start, partials))
    columns = tuple((name, np.shape(array)[1:]) for name, array in found.columns.items())
    layout = tuple(near.layout.shapes.items())
    spec = Spec(to_text(partials.problem.root), partials.wrt, columns, layout)
    return Prepared(found, partials, near, spec)


def opened(data: Any, missing: str, engine: str | None, scheduler: Any) -> tuple[Source, Any]:
    """The source of the rows, and what makes the engine for a cluster (None: this machine)."""
    if engine not in (None, "dask", "local"):
        raise OptionError(f"engine={engine!r} is not known; there are 'local' and 'dask'")
    if engine == "dask" or scheduler is not None or (engine is None and is_dask(data)):
        from symgd.scale import cluster

        return cluster.opened(data, missing, scheduler)
    return source_of(data, missing), None


def minimize_streamed(
    formula: str,
    data: Any,
    *,
    wrt: Any,
    shapes: Any,
    constants: Any,
    missing: str,
    backend: str,
    observers: tuple[Observer, ...],
    engine: str | None,
    scheduler: Any,
    start: Start,
    **options: Any,
) -> Solution:
    """``minimize`` over rows that are taken block by block; the options are its own."""
    source, cluster = opened(data, missing, engine, scheduler)
    declared = declare(wrt, None, shapes, constants)
    parsed = parse_syntax(formula, declared.names | frozenset(source.names))
    made = prepared(parsed, source, start, wrt, shapes, constants)
    running = cluster(source, made.spec, observers) if cluster else Local(source, observers)
    objective = Streamed(made.spec, running, made.found.columns, backend)
    return run_streamed(objective, made.near, start, observers=observers, **options)


def run_streamed(
    objective: Streamed,
    sample: Objective,
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
    observers: Iterable[Observer] = (),
) -> Solution:
    """Minimise ``objective``; ``sample`` is the same loss on some rows in memory.

    Raises an :class:`~symgd.errors.OptionError` for an option, an
    :class:`~symgd.errors.UnsupportedError` for a loss with kinks, whose rows on a kink would all
    have to be in memory.
    """
    eta, text = rate_of(rate, schedule)
    first_order = eta is not None or batch is not None or epochs is not None or stop != "error"
    checked_seed(seed)
    size = objective.layout.size
    count = None if objective.squares is None else objective.squares.size
    choice = choose(method, objective.structure, size, count, first_order)
    if choice.engine == "kinks" and not objective.structure.pieces:
        raise UnsupportedError(
            f"{objective.structure.words}, and the rows on a kink are not found block by block; "
            "take loss='huber', a first-order method such as method='adam' with a rate, or fewer "
            "rows"
        )
    given = {
        "precision": precision, "method": method, "seed": seed, "bounds": bounds,
        "subject_to": subject_to, "starts": starts, "time_limit": time_limit,
    }  # fmt: skip
    warm = _warm(objective, start, choice, given)
    theta = start_of(start, sample, seed) if warm is None else warm.theta
    watching = options.checked_observers(observers)
    introduce(watching, objective.layout.names)
    if choice.engine == "loop":
        if bounds or subject_to:
            raise OptionError("bounds and subject_to need a method that makes its own steps")
        if eta is None:
            eta = usual_rate(choice.update, cast(Objective, objective), theta)
        limit = 1e-6 if precision == "auto" else absolute(precision)
        return _first_order(
            objective, theta, batch, replace, seed, rate=eta, rate_text=text, precision=limit,
            update=choice.update, stop=stop, steps=steps, epochs=epochs, time_limit=time_limit,
            observers=watching,
        )  # fmt: skip
    limits = limits_of(cast(Objective, objective), bounds, subject_to)
    name = "trust" if choice.engine in ("newton", "kinks") else choice.engine
    task = Task(
        cast(Objective, objective), objective.structure,
        cast("Residuals | None", objective.squares), absolute(precision),
        options.checked_steps(steps, None, 1), options.checked_seconds(time_limit), watching,
        True, limits, precision is None,
    )  # fmt: skip
    return _told(solve(task, name, np.array(theta), choice.why), objective, warm)


def _first_order(
    objective: Streamed, theta: FloatArray, batch: int | None, replace: bool, seed: int | None,
    **given: Any,
) -> Solution:  # fmt: skip
    """A method with a rate, over all rows or over batches of the shuffled stream."""
    layout = objective.layout
    if batch is None:
        found = descend(objective, theta, layout=layout, replace=replace, seed=seed, **given)
        return _told(found, objective, None)
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise OptionError(f"batch must be a whole number from 1, not {batch!r}")
    if replace:
        raise OptionError("replace=True draws rows from everywhere: they must be in memory")
    batched = Batched(objective, batch, seed)
    try:
        found = descend(batched, theta, layout=layout, batch=1, seed=seed, **given)
    finally:
        batched.close()
    written = f"batches of 1 of {batched.n_rows} rows"
    told = f"batches of {batch} of {batched.rows} rows, shuffled in windows"
    found = dataclasses.replace(found, method=found.method.replace(written, told))
    return _told(found, objective, None)


def _warm(
    objective: Streamed, start: Start, choice: Choice, given: dict[str, Any]
) -> Solution | None:
    """The same loss minimised on the sample, if a start is missing or several are asked for."""
    known = objective.structure
    complete = isinstance(start, Mapping) and set(start) >= set(objective.partials.wrt)
    several = given["starts"] is not None
    easy = complete or start is not None or known.affine
    if choice.engine == "loop" or (easy and not several):
        return None
    found = run(objective.partials, objective.data, start, **given)
    return found if found.outcome in _GOOD or several else None


def _told(solution: Solution, objective: Streamed, warm: Solution | None) -> Solution:
    """The solution with what was read, in its method."""
    engine = objective.engine
    passes = "one pass" if engine.passes == 1 else f"{engine.passes} passes"
    title = solution.method.replace("trust, because", "Newton's method in a trust region, because")
    begun = "" if warm is None else ", begun at the fit of a sample"
    method = f"{title}; {passes} over {engine.n_rows:,} rows, {engine.words}{begun}"
    minima = solution.minima if warm is None else warm.minima or solution.minima
    return dataclasses.replace(solution, method=method, minima=minima)
