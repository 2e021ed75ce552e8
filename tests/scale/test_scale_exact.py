"""Exact inner products against rational arithmetic, and what makes them useful."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from symgd.scale import exact


def as_fraction(pair: np.ndarray, i: int, j: int) -> Fraction:
    return Fraction(float(pair[0, i, j])) + Fraction(float(pair[1, i, j]))


def products(columns: np.ndarray, i: int, j: int) -> Fraction:
    pairs = zip(columns[i].tolist(), columns[j].tolist(), strict=True)
    return sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0))


@pytest.mark.parametrize(("offset", "spread"), [(0.0, 1.0), (1e6, 1.0), (1e12, 1e-3), (0, 1e-200)])
def test_inner_products_are_right_to_thirty_digits(offset: float, spread: float) -> None:
    random = np.random.default_rng(3)
    columns = np.stack([offset + spread * random.standard_normal(9000), random.random(9000)])
    pair = exact.gram(columns)
    for i in range(2):
        for j in range(2):
            size = float(products(abs(columns), i, j))
            assert abs(float(as_fraction(pair, i, j) - products(columns, i, j))) <= 1e-17 * size


def test_whole_numbers_are_exact_however_they_are_cut() -> None:
    random = np.random.default_rng(5)
    columns = random.integers(-(10**6), 10**6, (3, 20_000)).astype(float)
    whole = exact.gram(columns)
    parts = exact.gram(columns[:, :1])
    for begin, end in ((1, 77), (77, 8192), (8192, 19_999), (19_999, 20_000)):
        parts = exact.join(parts, exact.gram(columns[:, begin:end]))
    for i in range(3):
        for j in range(3):
            assert as_fraction(whole, i, j) == products(columns, i, j) == as_fraction(parts, i, j)


def test_an_entry_that_is_not_finite_is_not_hidden() -> None:
    assert np.isnan(exact.gram(np.array([[1.0, np.inf], [1.0, 2.0]]))).all()


def test_the_triangle_against_mpmath() -> None:
    # The columns have a condition of 8e9: 16 digits of their normal equations are 0 here, and
    # a QR factorisation in double precision keeps 6 of them.
    random = np.random.default_rng(7)
    x = random.standard_normal(500)
    columns = np.stack([1e5 + x, np.ones(500), 1e10 + x**2])
    upper = exact.triangle(exact.combined([exact.gram(columns)], [1.0]))
    with mpmath.workdps(60):
        matrix = mpmath.matrix(columns.T.tolist())
        expected = mpmath.cholesky(matrix.T * matrix).T
        for i in range(3):
            for j in range(i, 3):
                assert abs(float(upper[i, j]) / float(expected[i, j]) - 1) < 1e-13


def test_a_column_that_depends_on_others_gets_no_pivot() -> None:
    x = np.random.default_rng(1).standard_normal(1000)
    upper = exact.triangle(exact.combined([exact.gram(np.stack([x, 2 * x, np.ones(1000)]))], [1.0]))
    assert upper[1, 1] == 0
    assert upper[2, 2] > 1


def test_weights_of_terms_are_added() -> None:
    one, two = np.array([[1.0, 2.0]]), np.array([[3.0]])
    upper = exact.triangle(exact.combined([exact.gram(one), exact.gram(two)], [0.5, 2.0]))
    assert float(upper[0, 0]) == pytest.approx(np.sqrt(0.5 * 5 + 2 * 9), rel=1e-15)
