"""The door for data: a model and a loss, fitted to columns.

>>> f = fit("y ~ m*x + b", {"x": [0, 1, 2, 3], "y": [1, 3, 5, 7]})
>>> {name: round(value, 8) for name, value in f.params.items()}
{'m': 2.0, 'b': 1.0}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from symgd.compile.columns import WithData, with_data
from symgd.compile.objective import Compiled, bind_data
from symgd.compile.sizes import resolve
from symgd.data import column_names, load
from symgd.derive.forward import tangents
from symgd.derive.partials import Partials, derive
from symgd.descend import Observer, Solution, Update
from symgd.descend.objective import FloatArray
from symgd.errors import DataError, FormulaError, OptionError, ShapeProblem
from symgd.formula.graph import Node
from symgd.formula.parser import Parsed, parse_syntax
from symgd.formula.problem import ShapeLike
from symgd.formula.rewriting import mapped
from symgd.formula.syntax import Syntax
from symgd.formula.text import to_text
from symgd.minimize import Rate, Start, run

LOSSES: dict[str, str] = {
    "mse": "mean((y - prediction)^2)",
    "sse": "sum((y - prediction)^2)",
    "mae": "mean(abs(y - prediction))",
    "huber": "mean(where(abs(y - prediction) <= 1, (y - prediction)^2/2, "
    "abs(y - prediction) - 1/2))",
    "logistic": "mean(log(1 + exp(prediction)) - y*prediction)",
    "poisson": "mean(exp(prediction) - y*prediction)",
}
"""Named losses, each a formula in ``y`` (the target) and ``prediction`` (the model).

``logistic`` takes labels 0 and 1 and ``prediction`` as the log-odds; ``poisson``
counts and ``prediction`` as the log of the mean (the constant log y! is left out).
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit(Solution):
    """A :class:`Solution` that knows its model and data.

    ``model`` is the right side of ``y ~ ...`` as text, ``loss_text`` the loss that
    was minimised. Standard errors are those of least squares, s^2 (J'J)^-1 with
    s^2 = RSS/(N - p) (Seber & Wild, "Nonlinear Regression", section 2.1.2), or of the
    inverse Hessian of N times the loss for likelihoods.
    """

    model: str
    loss_text: str
    source: Fitted
    dropped: int = 0

    def predict(self, data: Any = None) -> FloatArray:
        """The model's values on new data (default: the data of the fit), shape (N,)."""
        return self.source.predict(self.theta, data)

    @property
    def residuals(self) -> FloatArray:
        """Target minus prediction, shape (N,)."""
        return self.source.target - self.predict()

    @property
    def n_rows(self) -> int:
        """How many rows were fitted."""
        return int(self.source.target.shape[0])

    @property
    def degrees_of_freedom(self) -> int:
        """Rows minus parameters."""
        return self.n_rows - self.layout.size

    @property
    def rss(self) -> float:
        """The residual sum of squares."""
        return float(np.sum(self.residuals**2))

    @property
    def residual_sd(self) -> float:
        """sqrt(RSS/(N - p)); nan without degrees of freedom."""
        free = self.degrees_of_freedom
        return float(np.sqrt(self.rss / free)) if free > 0 else float("nan")

    @property
    def r_squared(self) -> float:
        """1 - RSS/TSS about the mean."""
        target = self.source.target
        total = float(np.sum((target - target.mean()) ** 2))
        return 1.0 - self.rss / total if total > 0 else float("nan")

    @cached_property
    def covariance(self) -> FloatArray:
        """The covariance matrix of the parameters, (p, p); nan where they are not determined."""
        return self.source.covariance(self.theta, self.residual_sd)

    @property
    def stderr(self) -> dict[str, float | FloatArray]:
        """The standard error of every parameter."""
        with np.errstate(invalid="ignore"):
            return self.layout.unpack(np.sqrt(np.diag(self.covariance)))

    @property
    def correlation(self) -> FloatArray:
        """The correlation matrix of the parameters, (p, p)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            sd = np.sqrt(np.diag(self.covariance))
            return np.asarray(self.covariance / np.outer(sd, sd))

    def confidence(self, level: float = 0.95) -> dict[str, Any]:
        """Name -> (low, high) by Student's t, for a level between 0 and 1."""
        if not 0 < level < 1:
            raise OptionError(f"level must be between 0 and 1, not {level!r}")
        from scipy.stats import t

        free = self.degrees_of_freedom
        factor = float(t.ppf(0.5 + level / 2, free)) if free > 0 else float("nan")
        error = self.stderr
        return {
            name: (value - factor * error[name], value + factor * error[name])
            for name, value in self.params.items()
        }

    def report(self) -> str:
        """The fit as a readable table."""
        sd = np.sqrt(np.abs(np.diag(self.covariance)))
        width = max(len(n) for n in self.layout.names)
        lines = [f"{self.source.target_text} ~ {self.model}", f"loss  {self.loss_text}"]
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        lines.append(f"{self.n_rows} rows{dropped}, {self.layout.size} parameters")
        for name, value, error in zip(self.layout.names, self.theta, sd, strict=True):
            lines.append(f"  {name:<{width}}  {value: .12g}  +/- {error:.6g}")
        lines.append(
            f"loss {self.loss:.10g}   residual sd {self.residual_sd:.8g}   R^2 {self.r_squared:.8g}"
        )
        lines.append(f"{self.outcome.name.lower().replace('_', ' ')}: {self.message}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.report()

    def to_dict(self) -> dict[str, Any]:
        """All but the history as JSON can hold it."""
        base = super().to_dict()
        error = {n: np.asarray(v).tolist() for n, v in self.stderr.items()}
        numbers = {"residual_sd": self.residual_sd, "r_squared": self.r_squared}
        plain = {k: (v if np.isfinite(v) else None) for k, v in numbers.items()}
        return {
            **base, **plain, "stderr": _finite(error), "model": self.model,
            "loss_text": self.loss_text, "n_rows": self.n_rows, "dropped": self.dropped,
        }  # fmt: skip


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value if np.isfinite(value) else None


@dataclass(frozen=True)
class Fitted:
    """The model behind a fit: its prediction and Jacobian as compiled formulas."""

    partials: Partials
    prediction: Node
    target: FloatArray
    target_text: str
    columns: Mapping[str, FloatArray]
    sizes: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]
    squares: bool

    @cached_property
    def _model(self) -> Compiled:
        return Compiled([self.prediction])

    def values(self, theta: FloatArray) -> dict[str, Any]:
        """theta as named arrays."""
        values: dict[str, Any] = {}
        place = 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape, dtype=int))
            part = theta[place : place + size]
            values[name] = part.reshape(shape) if shape else np.float64(part[0])
            place += size
        return values

    def predict(self, theta: FloatArray, data: Any) -> FloatArray:
        """The prediction on ``data`` or on the fitted columns."""
        columns, sizes = self.columns, dict(self.sizes)
        if data is not None:
            needed = [n for n in self._model.symbols if n in self.columns]
            matrices = [n for n in needed if self.columns[n].ndim == 2]
            table = load(data, needed, matrices=matrices) if needed else None
            columns = dict(table.columns) if table else {}
            sizes["N"] = table.n_rows if table else sizes.get("N", 1)
        (result,) = self._model.run({**columns, **self.values(theta)}, sizes)
        return np.array(np.broadcast_to(result, resolve(("N",), sizes, "the data")))

    def jacobian(self, theta: FloatArray) -> FloatArray:
        """d prediction/d theta, (N, p), column by column along the unit directions."""
        names = list(self.shapes)
        graph = self.prediction.graph
        directions = {
            self.partials.problem.symbol(n): graph.symbol(
                "change of " + n, self.partials.problem.shape(n)
            )
            for n in names
        }
        change = tangents(self.prediction, directions).get(self.prediction, graph.number(0))
        compiled = Compiled([change])
        values = {**self.columns, **self.values(theta)}
        rows = self.sizes["N"]
        matrix = np.empty((rows, theta.shape[0]))
        for k, unit in enumerate(np.eye(theta.shape[0])):
            along = {"change of " + n: v for n, v in self.values(unit).items()}
            matrix[:, k] = np.broadcast_to(
                compiled.run({**values, **along}, self.sizes)[0], (rows,)
            )
        return matrix

    def covariance(self, theta: FloatArray, residual_sd: float) -> FloatArray:
        """s^2 (J'J)^-1 through the QR factors of J with its columns scaled."""
        from symgd.compile.objective import compile_objective

        p = theta.shape[0]
        with np.errstate(all="ignore"):
            if self.squares:
                jacobian = self.jacobian(theta)
                if not np.all(np.isfinite(jacobian)) or jacobian.shape[0] < p:
                    return np.full((p, p), np.nan)
                scale = np.linalg.norm(jacobian, axis=0)
                scale[scale == 0] = 1.0
                triangle = np.asarray(np.linalg.qr(jacobian / scale, mode="r"))
                root = _inverse(triangle) / scale[:, None]
                return np.asarray(residual_sd**2 * (root @ root.T))
            objective = compile_objective(self.partials, self.columns, self.shapes)
            hessian = objective.hessian(theta) * self.sizes["N"]
            return _inverse(hessian)


def _inverse(matrix: FloatArray) -> FloatArray:
    """The inverse, or nan where the matrix is singular to rounding."""
    if np.linalg.cond(matrix) > 1e15:
        return np.full(matrix.shape, np.nan)
    return np.asarray(np.linalg.inv(matrix))


def fit(
    model: str,
    data: Any,
    *,
    loss: str = "mse",
    method: str | Update[Any] | None = None,
    rate: Rate | None = None,
    schedule: str | None = None,
    start: Start = None,
    precision: float | None = 1e-6,
    stop: str = "error",
    steps: int | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    batch: int | None = None,
    replace: bool = False,
    seed: int | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    missing: str = "refuse",
    observers: Iterable[Observer] = (),
    backend: str = "auto",
) -> Fit:
    """Fit a model to data.

    ``model`` is ``"target ~ formula"``; names that are columns of ``data`` are
    data, the others are the parameters. ``loss`` is a name (``"mse"``, ``"sse"``,
    ``"mae"``, ``"huber"``, ``"logistic"``, ``"poisson"``; see :data:`LOSSES`) or a formula in
    ``y`` and ``prediction``. The other options are those of
    :func:`symgd.minimize`.
    """
    target, right = _split_model(model)
    names = frozenset(column_names(data))
    parsed, model_syntax = _loss_syntax(target, right, loss, names)
    found = with_data(parsed, data, shapes=shapes, constants=constants, missing=missing)
    partials = derive(found.problem)
    fitted = _fitted(target, model_syntax, found, partials, loss, start)
    solution = run(
        partials, found.columns, start, rate=rate, schedule=schedule, precision=precision,
        stop=stop, steps=steps, epochs=epochs, time_limit=time_limit, method=method, batch=batch,
        replace=replace, seed=seed, observers=observers, backend=backend,
    )  # fmt: skip
    shared = {f.name: getattr(solution, f.name) for f in fields(Solution)}
    return Fit(
        **shared, model=right.strip(), loss_text=to_text(partials.written), source=fitted(solution),
        dropped=found.dropped,
    )  # fmt: skip


def _split_model(model: str) -> tuple[str, str]:
    left, tilde, right = model.partition("~")
    if not tilde or not left.strip() or not right.strip() or "~" in right:
        raise OptionError(f"a model is 'target ~ formula', such as 'y ~ m*x + b', not {model!r}")
    return left.strip(), right


def _loss_syntax(
    target: str, right: str, loss: str, names: frozenset[str]
) -> tuple[Parsed, Syntax]:
    """The loss with target and prediction put in their places."""
    target_syntax = parse_syntax(target, names).root
    _check_target(target, target_syntax, names)
    model_parsed = parse_syntax(right, names)
    template = LOSSES.get(loss, loss)
    if template == loss and loss.isidentifier() and loss not in ("y", "prediction"):
        raise OptionError(f"loss={loss!r} is not known; there are {', '.join(LOSSES)}")
    try:
        loss_syntax = parse_syntax(template, frozenset({"y", "prediction"})).root
    except FormulaError as error:
        raise OptionError(f"the loss is not understood\n{error}") from None
    places = {"y": target_syntax, "prediction": model_parsed.root}
    if "prediction" not in [p.value for p in _names(loss_syntax)]:
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
    for piece in _names(syntax):
        base = piece.value if piece.value in names else piece.value.rpartition("_")[0]
        if base not in names and piece.value not in ("e", "pi"):
            raise DataError(
                f"the target {target} is not a column of the data; the data has "
                f"{', '.join(sorted(names)[:12])}"
            )


def _names(root: Syntax) -> list[Syntax]:
    from symgd.formula.syntax import names_in

    return list(names_in(root))


def _fitted(
    target: str, model_syntax: Syntax, found: WithData, partials: Partials, loss: str, start: Start
) -> Any:
    """A function of the solution that gives the model behind the fit."""
    prediction, target_node = _sides(target, model_syntax, found, partials)

    def made(solution: Solution) -> Fitted:
        columns, sizes = bind_data(partials, found.columns)
        sizes.setdefault("N", found.n_rows)
        (values,) = Compiled([target_node]).run(columns, sizes)
        return Fitted(
            partials, prediction, np.array(np.broadcast_to(values, (found.n_rows,))), target,
            columns, {**sizes, **_parameter_sizes(partials, solution)},
            solution.layout.shapes, loss in ("mse", "sse"),
        )  # fmt: skip

    return made


def _parameter_sizes(partials: Partials, solution: Solution) -> dict[str, int]:
    from symgd.compile.sizes import Sizes, bind

    sizes = Sizes()
    for name, shape in solution.layout.shapes.items():
        bind(name, partials.problem.shape(name), shape, sizes)
    return sizes


def _sides(
    target: str, model_syntax: Syntax, found: WithData, partials: Partials
) -> tuple[Node, Node]:
    """Prediction and target as nodes of the loss's graph."""
    from symgd.formula.graph import rebuild, topological
    from symgd.formula.problem import declare, from_syntax

    graph = partials.loss.graph
    shapes = {s.name: s.shape for s in found.problem.symbols}
    nodes = []
    declared_columns = {n: shapes[n] for n in found.columns}
    others = {n: s for n, s in shapes.items() if n not in declared_columns}
    for syntax in (model_syntax, parse_syntax(target, frozenset(declared_columns)).root):
        declared = declare(None, declared_columns, others, found.problem.declared.constants)  # type: ignore[arg-type]
        part = from_syntax(Parsed(syntax, target, None, {}), declared)
        if part.root.shape not in ((), ("N",)):
            raise ShapeProblem(f"the model must give one number for each row: {target}")
        nodes.append(rebuild(topological(part.root), {}, graph)[part.root])
    return nodes[0], nodes[1]
