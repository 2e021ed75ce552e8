"""Linear equations for an array of unknowns: solved exactly at random rational points.

``A theta - b = 0`` is put to the test by its values at theta = 0 and at the unit
arrays; the solution in rational numbers is put into the other equation.

>>> from symgd.check.lines import check_derivation
>>> print(check_derivation('''
... L = mean((X @ w - y)^2)
... dL/dw = 2/N*X.T @ (X @ w - y)
... 0 = X.T @ X @ w - X.T @ y
... w = inv(X.T @ X) @ X.T @ y
... ''')[-1].verdict.reason)
the same solution at 8 points, exactly; not proved for all sizes
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from symgd.check.balls import Balls
from symgd.check.identity import number_text
from symgd.check.samples import Sample, Samples
from symgd.check.verdict import Verdict, Witness
from symgd.formula.graph import Node

POINTS, TRIES = 8, 60
_OPEN = Verdict("undecided", "open", "the equations were neither proved nor refuted to agree")


def same_array_solutions(
    before: Node, after: Node, symbol: Node, symbols: tuple[tuple[str, Any], ...]
) -> Verdict:
    """Whether two equations ``= 0`` that are linear in an array have the same solution.

    "equal" (probable: exact at several points of several sizes) if the one solution of
    the first solves the second and has no rival there; "wrong" if it does not solve it.
    """
    agreed = 0
    for sample in islice(Samples(symbols, [before, after]).points(TRIES), TRIES):
        first = _Linear.at(before, symbol.value, sample)
        if first is None or first.solution is None:
            continue
        second = _Linear.at(after, symbol.value, sample)
        if second is None:
            continue
        for place, value in second.left_over(first.solution):
            return _refuted(sample, symbol.value, place, value)
        if second.solution is None:
            said = "it has more solutions than the line above"
            return Verdict("wrong", "refuted", said)
        agreed += 1
        if agreed == POINTS:
            said = f"the same solution at {agreed} points, exactly; not proved for all sizes"
            return Verdict("equal", "probable", said)
    return _OPEN


class _Linear:
    """``M u + c`` at one point: M and c in rational numbers, and the one solution."""

    def __init__(self, matrix: fmpq_mat, constant: fmpq_mat) -> None:
        self.matrix, self.constant = matrix, constant
        self.solution: fmpq_mat | None = None
        if matrix.nrows() == matrix.ncols() and matrix.rank() == matrix.ncols():
            self.solution = -(matrix.inv() * constant)

    @classmethod
    def at(cls, formula: Node, name: str, sample: Sample) -> _Linear | None:
        """The equation at a sample; ``None`` if it is not linear or not rational there."""
        like = np.asarray(sample.values[name], dtype=object)
        columns: list[list[Any]] = []
        for unit in _trials(like):
            values = _values(formula, name, sample, unit)
            if values is None:
                return None
            columns.append(values)
        constant, *units, twice = columns
        size = len(constant)
        slopes = [[u[i] - constant[i] for u in units] for i in range(size)]
        for i in range(size):
            straight = constant[i] + 2 * sum(slopes[i], fmpq(0))
            if straight != twice[i]:
                return None
        matrix = fmpq_mat(size, len(units), [entry for row in slopes for entry in row])
        return cls(matrix, fmpq_mat(size, 1, list(constant)))

    def left_over(self, solution: fmpq_mat) -> Iterator[tuple[int, Any]]:
        """The entries that are not 0 at a solution of the other equation."""
        rest = self.matrix * solution + self.constant
        for i in range(rest.nrows()):
            if rest[i, 0] != 0:
                yield i, rest[i, 0]


def _trials(like: Any) -> Iterator[Any]:
    """0, every unit array, and twice their sum."""
    yield np.full(like.shape, Fraction(0), dtype=object)
    for place in np.ndindex(like.shape):
        unit = np.full(like.shape, Fraction(0), dtype=object)
        unit[place] = Fraction(1)
        yield unit
    yield np.full(like.shape, Fraction(2), dtype=object)


def _values(formula: Node, name: str, sample: Sample, unit: Any) -> list[Any] | None:
    """The entries of a formula for one value of the unknown, if they are all rational."""
    moved = {**sample.values, name: _nested(unit)}
    value = Balls(moved, sample.sizes, 64).value(formula)
    entries = list(value.reshape(-1)) if isinstance(value, np.ndarray) else [value]
    return entries if all(isinstance(e, fmpq) for e in entries) else None


def _nested(array: Any) -> Any:
    return tuple(_nested(row) for row in array) if isinstance(array, np.ndarray) else array


def _refuted(sample: Sample, name: str, place: int, value: Any) -> Verdict:
    rest = {n: v for n, v in sample.values.items() if n != name}
    said = f"the solution of the line above does not solve this one: entry {place} is not 0"
    witness = Witness(rest, "0", number_text(value), (place,))
    return Verdict("wrong", "refuted", said, witness=witness)
