"""``fit``: from the text of a model and data to a :class:`~symgd.fit.result.Fit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, cast

import numpy as np

from symgd.compile.columns import WithData, with_data
from symgd.compile.objective import Compiled, bind_data
from symgd.compile.sizes import Sizes, bind
from symgd.data import column_names
from symgd.derive.partials import Partials, derive
from symgd.descend import Observer, Solution, Update
from symgd.descend.watching import watched
from symgd.errors import DataError, FormulaError, OptionError, ShapeProblem
from symgd.fit.losses import LOSSES
from symgd.fit.model import Fitted
from symgd.fit.result import Fit
from symgd.fit.resuming import Resumable, gone_on
from symgd.fit.weights import check_weights, named, with_weights
from symgd.formula.graph import Node, rebuild, topological
from symgd.formula.parser import Parsed, parse_syntax
from symgd.formula.problem import ShapeLike, declare, from_syntax
from symgd.formula.rewriting import mapped
from symgd.formula.syntax import Syntax, names_in
from symgd.formula.text import to_text
from symgd.minimize import Precision, Rate, Start, run
from symgd.minimize.limits import Bounds
from symgd.scale.source import streams

__all__ = ["LOSSES", "fit"]


def fit(
    model: str,
    data: Any,
    *,
    loss: str = "mse",
    weights: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    method: str | Update[Any] | None = None,
    rate: Rate | None = None,
    schedule: str | None = None,
    start: Start = None,
    precision: Precision = "auto",
    stop: str = "error",
    steps: int | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    batch: int | None = None,
    replace: bool = False,
    seed: int | None = None,
    bounds: Bounds | None = None,
    subject_to: str | Iterable[str] | None = None,
    starts: int | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    missing: str = "refuse",
    observers: Iterable[Observer] | Observer = (),
    backend: str = "auto",
    live: bool = False,
    resume: Resumable | None = None,
    memory: int | float | str | None = None,
    engine: str | None = None,
    scheduler: Any = None,
) -> Fit:
    """Fit a model to data.

    ``model`` is ``"target ~ formula"``; names that are columns of ``data`` are
    data, the others are the parameters. ``loss`` is a name (``"mse"``, ``"sse"``,
    ``"mae"``, ``"huber"``, ``"logistic"``, ``"poisson"``; see :data:`LOSSES`) or a formula in
    ``y`` and ``prediction``.

    ``weights`` (a column by name, or N numbers >= 0) multiply the terms of the rows; ``sigma``
    are the errors of the target, weights 1/sigma^2. The standard errors are scaled by how well
    the model fits, unless ``absolute_sigma=True`` says that sigma is known in the units of y.
    A start that is missing is looked for in the data. ``resume`` is a run of the same fit that
    :func:`symgd.load` opened: it goes on there with the options it had, bit by bit; only
    ``steps``, ``epochs``, ``time_limit`` and ``precision`` are given anew. The other
    options are those of :func:`symgd.minimize`.

    Many files (``"data/*.parquet"``, a list of paths), and a file whose columns would take more
    than ``memory`` bytes (``"2GB"``; a quarter of the machine's memory), are taken block by block
    (docs/scale.md). ``engine="dask"`` with ``scheduler="tcp://..."`` goes over the rows on a
    cluster, and so do collections of Dask.

    Raises a :class:`~symgd.errors.FormulaError` for the model, a
    :class:`~symgd.errors.DataError` for the data, an :class:`~symgd.errors.OptionError` for
    an option.

    >>> f = fit("y ~ m*x", {"x": [1, 2, 3], "y": [2, 4, 7], "s": [1, 1, 10]}, sigma="s")
    >>> round(f.params["m"], 4)
    2.0059
    """
    if not isinstance(loss, str):
        raise OptionError(f"loss must be a name or a formula, not {loss!r}")
    if shapes is not None and not isinstance(shapes, Mapping):
        raise OptionError(f"shapes maps names to shapes, not {type(shapes).__name__}")
    if engine is not None or scheduler is not None or streams(data, memory):
        from symgd.fit.streamed import fit_streamed

        with watched(observers, live) as seen:
            return fit_streamed(
                model, data, loss=loss, weights=weights, sigma=sigma, method=method, rate=rate,
                absolute_sigma=absolute_sigma, schedule=schedule, start=start, precision=precision,
                stop=stop, steps=steps, epochs=epochs, time_limit=time_limit, batch=batch,
                replace=replace, seed=seed, bounds=bounds, subject_to=subject_to, starts=starts,
                shapes=shapes, constants=constants, missing=missing, observers=seen,
                backend=backend, engine=engine, scheduler=scheduler, resume=resume,
            )  # fmt: skip
    target, right = _split_model(model)
    names = frozenset(column_names(data))
    template, data, names, factor = with_weights(
        loss, data, names, weights, sigma, _used_names(target, right, names), missing
    )
    parsed, model_syntax = _loss_syntax(target, right, loss, template, names)
    try:
        found = with_data(parsed, data, shapes=shapes, constants=constants, missing=missing)
    except DataError as error:
        raise named(error, "weights" if sigma is None else "sigma") from None
    check_weights(found, weights, sigma)
    partials = derive(found.problem)
    with watched(observers, live) as seen:
        solution = run(
            partials, found.columns, start, rate=rate, schedule=schedule, precision=precision,
            stop=stop, steps=steps, epochs=epochs, time_limit=time_limit, method=method,
            batch=batch, replace=replace, seed=seed, bounds=bounds, subject_to=subject_to,
            starts=starts, observers=seen, backend=backend,
        ) if resume is None else gone_on(
            resume, partials, data, precision, seen, steps=steps, epochs=epochs,
            time_limit=time_limit,
        )  # fmt: skip
    source = _fitted(target, model_syntax, found, partials, loss, solution, factor)
    shared = {f.name: getattr(solution, f.name) for f in fields(Solution)}
    if absolute_sigma:
        source = _absolute(source, sigma)
    return Fit(
        **shared, model=right.strip(), loss_text=to_text(partials.written), source=source,
        dropped=found.dropped,
    )  # fmt: skip


def _split_model(model: str) -> tuple[str, str]:
    left, tilde, right = model.partition("~") if isinstance(model, str) else ("", "", "")
    if not tilde or not left.strip() or not right.strip() or "~" in right:
        raise OptionError(f"a model is 'target ~ formula', such as 'y ~ m*x + b', not {model!r}")
    return left.strip(), right


def _absolute(source: Fitted, sigma: Any) -> Fitted:
    from dataclasses import replace

    if sigma is None or not source.squares:
        raise OptionError("absolute_sigma=True needs sigma and a least-squares loss")
    return replace(source, absolute=True)


def _used_names(target: str, right: str, names: frozenset[str]) -> list[str]:
    """The columns that the model names."""
    found = []
    for text in (target, right):
        for piece in names_in(parse_syntax(text, names).root):
            base = piece.value if piece.value in names else piece.value.rpartition("_")[0]
            if base in names:
                found.append(base)
    return list(dict.fromkeys(found))


# -- the loss as a formula ----------------------------------------------------------------------


def _loss_syntax(
    target: str, right: str, loss: str, template: str, names: frozenset[str]
) -> tuple[Parsed, Syntax]:
    """The loss with target and prediction put in their places."""
    target_syntax = parse_syntax(target, names).root
    _check_target(target, target_syntax, names)
    model_parsed = parse_syntax(right, names)
    if loss not in LOSSES and loss.isidentifier() and loss not in ("y", "prediction"):
        raise OptionError(f"loss={loss!r} is not known; there are {', '.join(LOSSES)}")
    try:
        loss_syntax = parse_syntax(template, frozenset({"y", "prediction"}) | names).root
    except FormulaError as error:
        raise OptionError(f"the loss is not understood\n{error}") from None
    places = {"y": target_syntax, "prediction": model_parsed.root}
    if "prediction" not in [p.value for p in names_in(loss_syntax)]:
        raise OptionError(f"the loss must contain prediction, and y for the target: {template}")
    whole = mapped(
        loss_syntax,
        lambda p: (
            mapped(places[p.value], lambda q: None)
            if p.kind == "name" and p.value in places
            else None
        ),
    )
    return Parsed(whole, right, None, model_parsed.definitions), model_parsed.root


def _check_target(target: str, syntax: Syntax, names: frozenset[str]) -> None:
    """Every name of the target is a column."""
    for piece in names_in(syntax):
        base = piece.value if piece.value in names else piece.value.rpartition("_")[0]
        if base not in names and piece.value not in ("e", "pi"):
            raise DataError(
                f"the target {target} is not a column of the data; the data has "
                f"{', '.join(sorted(names)[:12])}"
            )


# -- the model behind it --------------------------------------------------------------------------


def _fitted(
    target: str, model_syntax: Syntax, found: WithData, partials: Partials, loss: str,
    solution: Solution, factor: str | None,
) -> Fitted:  # fmt: skip
    """The model behind the fit."""
    texts = [parse_syntax(target, frozenset(found.columns)).root]
    if factor is not None:
        texts.append(parse_syntax(factor, frozenset(found.columns)).root)
    prediction, target_node, *rest = _nodes([model_syntax, *texts], target, found, partials)
    columns, sizes = bind_data(partials, found.columns)
    sizes.setdefault("N", found.n_rows)
    values = Compiled([target_node, *rest]).run(columns, sizes)
    target_values, *weight = [np.array(np.broadcast_to(v, (found.n_rows,))) for v in values]
    squares = loss in ("mse", "sse") or (
        loss not in LOSSES and _is_least_squares(partials, target_node - prediction)
    )
    return Fitted(
        partials, prediction, target_values, target, columns,
        {**sizes, **_parameter_sizes(partials, solution)}, solution.layout.shapes,
        squares, loss if loss in LOSSES else "", weight[0] if weight else None,
        target_node=target_node,
    )  # fmt: skip


def _is_least_squares(partials: Partials, residual: Node) -> bool:
    """Whether a loss of the user's own is a positive multiple of the sum of squares."""
    if residual.shape != ("N",):
        return False
    from symgd.check.identity import Question
    from symgd.check.ratio import constant_factor

    summed = residual.graph.make("sum", residual**2, value=(None, False))
    names = tuple((s.name, s.shape) for s in partials.problem.symbols)
    factor = constant_factor(Question(partials.written, summed, (), names))
    return factor is not None and factor.positive


def _parameter_sizes(partials: Partials, solution: Solution) -> dict[str, int]:
    sizes = Sizes()
    for name, shape in solution.layout.shapes.items():
        bind(name, partials.problem.shape(name), shape, sizes)
    return sizes


def _nodes(pieces: list[Syntax], target: str, found: WithData, partials: Partials) -> list[Node]:
    """Prediction, target and weight as nodes of the loss's graph."""
    graph = partials.loss.graph
    shapes = {s.name: s.shape for s in found.problem.symbols}
    columns = {n: shapes[n] for n in found.columns}
    others = {n: s for n, s in shapes.items() if n not in columns}
    constants = cast(Mapping[str, float], found.problem.declared.constants)
    nodes = []
    for syntax in pieces:
        declared = declare(None, columns, others, constants)
        part = from_syntax(Parsed(syntax, target, None, {}), declared)
        if part.root.shape not in ((), ("N",)):
            raise ShapeProblem(f"the model must give one number for each row: {target}")
        nodes.append(rebuild(topological(part.root), {}, graph)[part.root])
    return nodes
