"""Points to try a formula at: exact rationals in several scales, seeded."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from symgd.compile.sizes import resolve, split_size
from symgd.formula.problem import Problem, Symbol

_RANGES = ((0.1, 2.0), (-2.0, 2.0), (0.05, 0.95), (1.0, 6.0), (-0.9, 0.9), (-30.0, 30.0))


def sizes_of(symbols: Sequence[Symbol], also: Sequence[str] = ()) -> dict[str, int]:
    """A small number for every named size: 4 rows, then 2 and 3."""
    sizes: dict[str, int] = {}
    pool = iter([4, 3, 2, 3, 2, 4] + [2] * 50)
    names = [d for s in symbols for d in s.shape if isinstance(d, str)]
    for name in [*names, *also]:
        base = split_size(name)[0]
        if base not in sizes:
            sizes[base] = next(pool)
    return sizes


def points(problem: Problem, seed: int = 0) -> Iterator[tuple[dict[str, Any], dict[str, int]]]:
    """Endless points (values by name, sizes by name), from several ranges in turn."""
    draw = random.Random(seed)
    also = [problem.rows] if problem.rows else []
    sizes = sizes_of(problem.symbols, also)
    for attempt in range(10_000):
        low, high = _RANGES[attempt % len(_RANGES)]
        values = {
            s.name: _drawn(resolve(s.shape, sizes, s.name), draw, low, high)
            for s in problem.symbols
        }
        yield values, sizes


def _drawn(shape: tuple[int, ...], draw: random.Random, low: float, high: float) -> Any:
    if not shape:
        return Fraction(draw.randint(int(low * 997), int(high * 997)) or 1, 997)
    return [_drawn(shape[1:], draw, low, high) for _ in range(shape[0])]
