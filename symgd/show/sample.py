"""The data behind a fit as a picture can hold them: a sample of rows, the model on new places.

>>> import symgd
>>> fit = symgd.fit("y ~ m*x + b", {"x": [0, 1, 2, 3], "y": [1, 3, 5, 7.2]})
>>> seen = sample_of(fit)
>>> seen.column, seen.target_label, seen.drawn, seen.total
('x', '$y$', 4, 4)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from symgd.descend.objective import FloatArray, IntArray
from symgd.errors import SymgdError
from symgd.fit import LOSSES, Fit, Fitted
from symgd.formula.graph import Graph, Node, rebuild, symbols_of, topological
from symgd.formula.problem import read
from symgd.formula.text import to_text
from symgd.show.scene import sample_rows
from symgd.show.words import display, formula_tex, mathtext, name_of, name_tex, safe

POINTS = 4000
"""So many rows are drawn at most; how many there are is said."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of a fit that are drawn.

    ``column`` is the one data column of the model if there is just one, with its values in
    ``across``; otherwise ``across`` is the prediction, or if that is the same everywhere the
    number of the row (``by_row``). ``observed`` and ``predicted`` (k,) are on
    the scale of the target; ``link`` takes the model to that scale.
    """

    fit: Fit
    column: str | None
    rows: IntArray
    across: FloatArray
    observed: FloatArray
    predicted: FloatArray
    link: Callable[[FloatArray], FloatArray] | None
    target_label: str
    drawn: int
    total: int
    by_row: bool = False

    @property
    def residuals(self) -> FloatArray:
        """Observed minus predicted, (k,)."""
        return self.observed - self.predicted

    def at(self, theta: FloatArray, places: FloatArray) -> FloatArray:
        """The model (k,) with the parameters ``theta`` over places of the column (k,)."""
        return self.linked(model_on(self.fit, self.column, places).predict(theta, None))

    def linked(self, values: FloatArray) -> FloatArray:
        """Values of the model on the scale of the target."""
        with np.errstate(all="ignore"):
            return values if self.link is None else self.link(values)

    @property
    def notes(self) -> list[str]:
        """What must be said about rows that are left out."""
        if self.drawn == self.total:
            return []
        return [f"{self.drawn:,} of {self.total:,} rows drawn"]


def sample_of(fit: Fit) -> Sample:
    """The rows of a fit to draw, and where."""
    source, total = fit.source, fit.n_rows
    held = source.target.shape[0]
    rows = np.arange(held) if held <= POINTS else sample_rows(held, POINTS)
    column, link = column_of(fit), link_of(fit)
    taken = {
        name: values[rows] if values.ndim and values.shape[0] == held else values
        for name, values in source.columns.items()
    }
    some = replace(source, columns=taken, sizes={**source.sizes, "N": len(rows)})
    with np.errstate(all="ignore"):
        predicted = some.predict(fit.theta, None)
        predicted = predicted if link is None else link(predicted)
    across = predicted if column is None else taken[column]
    by_row = column is None and float(np.ptp(predicted)) <= 1e-12 * float(np.abs(predicted).max())
    if by_row:
        across = rows.astype(np.float64)
    text = source.target_text
    label = name_of(text) if text.isidentifier() else safe(text)
    if link is not None and LOSSES["logistic"] in _losses_of(fit):
        label = f"probability of {label}"
    return Sample(
        fit, column, rows, across, source.target[rows], predicted, link, label, len(rows), total,
        by_row,
    )  # fmt: skip


def column_of(fit: Fit) -> str | None:
    """The name of the one data column (a vector) that the model uses, if it is just one."""
    columns = fit.source.columns
    used = [s.value for s in symbols_of(fit.source.prediction) if s.value in columns]
    return used[0] if len(used) == 1 and columns[used[0]].ndim == 1 else None


def model_on(fit: Fit, column: str | None, places: FloatArray) -> Fitted:
    """The model behind a fit with other values in its one column.

    The columns of the loss alone keep some rows of their own, as many as there are places.
    """
    source, rows = fit.source, len(places)
    columns = {
        name: np.resize(values, (rows, *values.shape[1:])) if values.ndim else values
        for name, values in source.columns.items()
    }
    columns[str(column)] = places
    return replace(source, columns=columns, sizes={**source.sizes, "N": rows})


def link_of(fit: Fit) -> Callable[[FloatArray], FloatArray] | None:
    """What takes the model to the scale of the target: log-odds and log-means are no ``y``."""
    known = _losses_of(fit)
    if LOSSES["logistic"] in known:
        return lambda values: 1.0 / (1.0 + np.exp(-values))
    if LOSSES["poisson"] in known:
        return lambda values: np.exp(values)
    return None


def _losses_of(fit: Fit) -> list[str]:
    """The named losses with a link that this fit minimised."""
    found = []
    for name in ("logistic", "poisson"):
        text = LOSSES[name].replace("prediction", f"({fit.model})")
        text = text.replace("y*", f"({fit.source.target_text})*")
        try:
            written = to_text(read(text, columns=list(fit.source.columns)).root)
        except SymgdError:
            continue
        if written == fit.loss_text:
            found.append(LOSSES[name])
    return found


def fitted_title(fit: Fit) -> str:
    """The model with the fitted numbers in it: ``y = 2 x + 1``."""
    source = fit.source
    text = source.target_text
    left = name_tex(text) if text.isidentifier() else None
    right = _with_numbers(source.prediction, fit)
    if left is not None and right is not None and not _losses_of(fit):
        return mathtext(display(f"{left} = {right}"), f"{text} ~ {fit.model}")
    return safe(f"{text} ~ {fit.model}")


def _with_numbers(prediction: Node, fit: Fit) -> str | None:
    graph = Graph()
    graph.decimal = True
    numbers: dict[Node, Node] = {}
    for symbol in symbols_of(prediction):
        if symbol.value in fit.params:
            value = fit.params[symbol.value]
            if symbol.shape or not np.isfinite(value).all():
                return None
            numbers[symbol] = graph.number(Fraction(f"{float(value):.4g}"))
        elif len(symbol.shape) == 1:  # one row of the column
            numbers[symbol] = graph.symbol(symbol.value)
    try:
        node = rebuild(topological(prediction), numbers, graph)[prediction]
    except SymgdError:
        return None
    return formula_tex(node)
