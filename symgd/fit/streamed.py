"""``fit`` for data that are taken block by block, on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from symgd.compile.objective import Objective
from symgd.descend import Solution
from symgd.errors import OptionError
from symgd.fit import door
from symgd.fit.losses import LOSSES, weighted
from symgd.fit.streamed_result import StreamedFit
from symgd.formula.parser import parse_syntax
from symgd.formula.problem import ShapeLike
from symgd.formula.text import to_text
from symgd.minimize.streamed import opened, prepared, run_streamed
from symgd.scale.engine import Engine, Local
from symgd.scale.objective import Streamed


def fit_streamed(
    model: str,
    data: Any,
    *,
    loss: str,
    weights: Any,
    sigma: Any,
    absolute_sigma: bool,
    missing: str,
    shapes: Mapping[str, ShapeLike] | None,
    constants: Mapping[str, float] | None,
    backend: str,
    observers: tuple[Any, ...],
    engine: str | None = None,
    scheduler: Any = None,
    resume: Any = None,
    **options: Any,
) -> StreamedFit:
    """Fit a model to rows that are read again and again; the options are those of ``fit``."""
    if resume is not None:
        raise OptionError("a fit block by block cannot be resumed; give its parameters as start=")
    target, right = door._split_model(model)
    source, cluster = opened(data, missing, engine, scheduler)
    names = frozenset(source.names)
    column, what = _weight_column(weights, sigma, names)
    template, factor = LOSSES.get(loss, loss), None
    if column is not None:
        factor = column if what == "weights" else f"1/{column}^2"
        template = weighted(loss, factor)
    parsed, model_syntax = door._loss_syntax(target, right, loss, template, names)
    made = prepared(parsed, source, options["start"], None, shapes, constants)
    found, partials, near = made.found, made.partials, made.near
    left = door._nodes([parse_syntax(target, names).root], target, found, partials)[0]
    spec = replace(
        made.spec, target=to_text(left), factor=factor or "",
        positive=() if column is None else (column, what),
    )  # fmt: skip
    running: Engine = cluster(source, spec, observers) if cluster else Local(source, observers)
    streamed = Streamed(spec, running, found.columns, backend)
    solution = run_streamed(streamed, near, observers=observers, **options)
    fitted = door._fitted(target, model_syntax, found, partials, loss, solution, factor)
    if absolute_sigma:
        fitted = door._absolute(fitted, sigma)
    return _result(solution, fitted, streamed, right, near)


def _result(
    solution: Solution, fitted: Any, streamed: Streamed, right: str, near: Objective
) -> StreamedFit:
    shared = {f.name: getattr(solution, f.name) for f in fields(Solution)}
    return StreamedFit(
        **shared, model=right.strip(), loss_text=to_text(near.partials.written),
        source=replace(fitted), dropped=streamed.engine.dropped, streamed=streamed,
    )  # fmt: skip


def _weight_column(weights: Any, sigma: Any, names: frozenset[str]) -> tuple[str | None, str]:
    """The column of the weights or errors, and which of both it is."""
    if weights is None and sigma is None:
        return None, ""
    if weights is not None and sigma is not None:
        raise OptionError("give weights or sigma, not both: weights are 1/sigma^2")
    what, given = ("weights", weights) if weights is not None else ("sigma", sigma)
    if not isinstance(given, str):
        raise OptionError(
            f"{what} must be the name of a column when the data are taken block by block, so "
            "that they stay with their rows"
        )
    if given not in names:
        raise OptionError(
            f"{what}={given!r} is no column of the data: there are {', '.join(sorted(names))}"
        )
    return given, what
