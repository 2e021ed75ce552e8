"""The door for losses: a formula in, its minimum out.

>>> s = minimize("(x - 3.5)^2 - 4.5x + 10", start={"x": 0}, rate=0.1, precision=1e-3)
>>> s.converged, round(s.params["x"], 3)
(True, 5.75)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from symgd.compile.columns import read_with_data
from symgd.compile.objective import Objective, as_floats, compile_objective
from symgd.derive.partials import Partials, derive
from symgd.descend import Observer, Solution, Update, descend
from symgd.descend.objective import FloatArray
from symgd.errors import FormulaError, OptionError
from symgd.formula.problem import ShapeLike, read
from symgd.methods import Newton

NEWTON_LIMIT = 100
"""With more parameters than this, plain gradient descent is the default."""

METHODS = ("gd", "newton")
Start = Mapping[str, Any] | float | str | None
Rate = float | str | Callable[[int], float]


def minimize(
    formula: str,
    start: Start = None,
    *,
    rate: Rate | None = None,
    schedule: str | None = None,
    precision: float | None = 1e-6,
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
    observers: Iterable[Observer] = (),
    backend: str = "auto",
) -> Solution:
    """Minimise a formula over its parameters.

    * ``start``: name -> value, a single number if there is one parameter,
      ``"random"`` (uniform in [-1, 1], by ``seed``), or ``None``: a start is chosen and said.
    * ``rate``: the learning rate of gradient descent, a positive number or a
      schedule as a formula in ``t`` ("5/(t + 1000)"; ``schedule`` is the same).
      Without one, Newton's method is used for up to 100 parameters.
    * ``precision``: CONVERGED promises every parameter that close to the minimum;
      ``None`` runs all ``steps`` (or ``epochs``). ``stop="step"`` is the textbook test.
    * ``data``: mapping, table or path that holds the columns of the formula;
      ``batch`` rows are taken per update (see :func:`symgd.descend`).

    Whatever happens on the way is the ``outcome`` of the :class:`Solution`.
    Raises a :class:`~symgd.errors.FormulaError` for the formula, an
    :class:`~symgd.errors.OptionError` for an option, a
    :class:`~symgd.errors.DataError` for the data.
    """
    found = read_with_data(
        formula, data, wrt=wrt, shapes=shapes, constants=constants, missing=missing
    )
    partials = derive(found.problem)
    return run(
        partials, found.columns, start, rate=rate, schedule=schedule, precision=precision,
        stop=stop, steps=steps, epochs=epochs, time_limit=time_limit, method=method, batch=batch,
        replace=replace, seed=seed, observers=observers, backend=backend,
    )  # fmt: skip


def run(
    partials: Partials,
    columns: Mapping[str, Any],
    start: Start,
    *,
    rate: Rate | None,
    schedule: str | None,
    method: str | Update[Any] | None,
    backend: str,
    seed: int | None,
    **options: Any,
) -> Solution:
    """Minimise derived partials on columns of data: what ``minimize`` and ``fit`` share."""
    if not partials.wrt:
        raise OptionError("the formula has no parameters to minimise over")
    objective = compile_objective(partials, columns, start_shapes(start, partials), backend)
    theta = start_of(start, objective, seed)
    eta, text = rate_of(rate, schedule)
    update = _update(method, eta, objective, options.get("batch"))
    if eta is None:
        eta = 1.0 if update is not None else _safe_rate(objective, theta)
    return descend(
        objective, theta, rate=eta, rate_text=text, update=update, layout=objective.layout,
        seed=seed, **options,
    )  # fmt: skip


# -- start ------------------------------------------------------------------------------------


def start_shapes(start: Start, partials: Partials) -> dict[str, tuple[int, ...]]:
    """The shapes that a start gives to the parameters."""
    if not isinstance(start, Mapping):
        return {}
    unknown = [name for name in start if name not in partials.wrt]
    if unknown:
        known = ", ".join(partials.wrt)
        raise OptionError(f"start: {unknown[0]!r} is not a parameter; the parameters are {known}")
    return {name: as_floats(value, f"start of {name}").shape for name, value in start.items()}


def start_of(start: Start, objective: Objective, seed: int | None) -> FloatArray:
    """The start as a vector; names that a mapping leaves out start where they are chosen."""
    if isinstance(start, str):
        if start != "random":
            raise OptionError(f"start must be 'random', a mapping or a number, not {start!r}")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
            raise OptionError(f"seed must be a whole number from 0, not {seed!r}")
        return np.random.default_rng(seed).uniform(-1.0, 1.0, objective.layout.size)
    if isinstance(start, Mapping):
        if set(start) == set(objective.partials.wrt):
            return objective.pack(start)
        chosen = objective.unpack(chosen_start(objective))
        return objective.pack({**chosen, **start})
    if start is not None:
        if objective.layout.size != 1:
            raise OptionError("start is a number, but there are several parameters; name them")
        return objective.pack({objective.partials.wrt[0]: start})
    return chosen_start(objective)


def chosen_start(objective: Objective) -> FloatArray:
    """Zeros if the loss is smooth there and not flat, else ones, else small random numbers."""
    size = objective.layout.size
    random = np.random.default_rng(0)
    candidates = [np.zeros(size), np.ones(size), np.full(size, 0.5)]
    candidates += [random.uniform(-1, 1, size) * scale for scale in (1, 0.1, 3)]
    best: FloatArray | None = None
    for theta in candidates:
        value, gradient = objective(theta)
        if not np.isfinite(value) or not np.all(np.isfinite(gradient)):
            continue
        best = theta if best is None else best
        if np.all(gradient != 0):
            return theta
    if best is None:
        raise OptionError("no start was found where the loss is defined; give one with start=")
    return best


# -- rate and method ----------------------------------------------------------------------------


def rate_of(rate: Rate | None, schedule: str | None) -> tuple[Any, str | None]:
    """The rate as a number or a function of t, and the text of a schedule."""
    if schedule is not None and rate is not None:
        raise OptionError("give rate or schedule, not both: a schedule is the rate as a formula")
    text = schedule if schedule is not None else rate if isinstance(rate, str) else None
    if text is None:
        return rate, None
    return schedule_function(text), text


def schedule_function(text: str) -> Callable[[int], float]:
    """A schedule from a formula in the step count ``t``: ``"5/(t + 1000)"``."""
    from symgd.compile.objective import Compiled

    try:
        problem = read(text)
    except FormulaError as error:
        raise OptionError(f"the schedule is not understood\n{error}") from None
    names = [s.name for s in problem.symbols]
    if names not in ([], ["t"]):
        raise OptionError(
            f"a schedule is a formula in t, and this one has {', '.join(names)}: {text}"
        )
    compiled = Compiled([problem.root])

    def rate_at(t: int) -> float:
        values = {"t": np.float64(t)} if names else {}
        return float(compiled.run(values, {})[0])

    return rate_at


def _update(
    method: str | Update[Any] | None, eta: Any, objective: Objective, batch: int | None
) -> Update[Any] | None:
    """The update rule, or ``None`` for gradient descent."""
    if method is None:
        small = objective.layout.size <= NEWTON_LIMIT
        return Newton(objective) if eta is None and small and batch is None else None
    if not isinstance(method, str):
        return method
    if method == "gd":
        return None
    if method == "newton":
        if batch is not None:
            raise OptionError("Newton's method takes all rows; leave out batch, or method='gd'")
        return Newton(objective)
    raise OptionError(f"method={method!r} is not known; there are {', '.join(METHODS)}")


def _safe_rate(objective: Objective, theta: FloatArray) -> float:
    """1/L for the largest curvature L at the start, found by power iteration on differences."""
    _, gradient = objective(theta)
    direction: FloatArray = np.random.default_rng(0).standard_normal(theta.shape)
    curvature = 0.0
    step = 1e-5 * (1.0 + float(np.max(np.abs(theta))))
    for _ in range(20):
        direction = direction / (float(np.linalg.norm(direction)) or 1.0)
        _, moved = objective(theta + step * direction)
        change = (moved - gradient) / step
        if not np.all(np.isfinite(change)):
            return 1e-3
        curvature = float(np.linalg.norm(change))
        direction = change
        if curvature == 0:
            return 1e-2
    return 1.0 / curvature
