"""Points at which two formulas are compared: exact rationals on both sides of every kink.

First a few simple points that a person can follow, then points around the constants
of the formulas and around the places where the argument of an ``abs``, ``max`` or
``where`` changes its sign (found by search, however far out), then random rationals in
several scales. Never whole numbers only, never a small interval only.

>>> from symgd.formula.problem import read
>>> p = read("max(0, x - 1000)")
>>> values = [s.values["x"] for s in Samples([("x", ())], [p.root]).points(40)]
>>> any(v > 1000 for v in values), any(v.denominator > 1 for v in values)
(True, True)
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

from symgd.check.ball_functions import Bad
from symgd.check.balls import Balls
from symgd.compile.sizes import resolve, split_size
from symgd.formula.graph import COMPARISONS, Node, topological
from symgd.formula.shapes import Shape

KINKED = COMPARISONS | {"abs", "sign", "heaviside", "maximum", "minimum"}
_SIMPLE = tuple(Fraction(n, d) for n, d in (
    (1, 1), (2, 1), (1, 2), (3, 1), (3, 2), (-1, 1),
    (2, 3), (-2, 1), (1, 3), (5, 2), (-1, 2), (4, 1),
))  # fmt: skip
_RANGES = (
    (Fraction(1, 10), 2), (-2, 2), (Fraction(1, 20), Fraction(19, 20)), (1, 6),
    (Fraction(-9, 10), Fraction(9, 10)), (-30, 30), (Fraction(1, 10), 3),
    (Fraction(1, 1000), Fraction(1, 10)),
    (-5, Fraction(-1, 10)), (2, 400), (-3000, 3000),
)  # fmt: skip
_PRIMES = (7, 11, 13, 17, 19)
_SCAN = (*(s * 10.0**k for k in range(-4, 13) for s in (1.0, 3.3)), 0.0)
MAX_KINKS = 12


@dataclass(frozen=True)
class Sample:
    """Values by name (rationals or nested tuples of them) and sizes by name."""

    values: Mapping[str, Any]
    sizes: Mapping[str, int]


class Samples:
    """The points for some formulas; ``labels`` are values that names are compared with."""

    def __init__(
        self,
        symbols: Sequence[tuple[str, Shape]],
        roots: Sequence[Node],
        labels: Mapping[str, Sequence[Fraction]] | None = None,
        seed: int = 0,
    ) -> None:
        self.symbols = list(symbols)
        self.order = topological(*roots)
        self.labels = dict(labels or {})
        self.random = random.Random(seed)
        self.constants = self._constants()
        names = [d for _, shape in self.symbols for d in shape if isinstance(d, str)]
        names.extend(n.value for n in self.order if n.op == "dim")
        self.bases = list(dict.fromkeys(split_size(name)[0] for name in names))

    def sizes(self, number: int) -> dict[str, int]:
        """The sizes of point ``number``: small, different for different names, in every order."""
        apart = 1 + number // 3 % 2
        return {base: 2 + (number + apart * i) % 3 for i, base in enumerate(self.bases)}

    def points(self, count: int) -> Iterator[Sample]:
        """The first ``count`` points."""
        kinks: Iterator[Sample] | None = None
        for number in range(count):
            if number < 4:
                yield self._simple(number)
            elif number % 3 == 1 and kinks is None and self._has_kinks():
                kinks = self._around_kinks()
                yield next(kinks, None) or self._random(number)
            elif number % 3 == 1 and kinks is not None:
                yield next(kinks, None) or self._random(number)
            elif number % 3 == 2 and self.constants:
                yield self._near_constants(number)
            else:
                yield self._random(number)

    def deep_points(self, count: int) -> Iterator[Sample]:
        """First many points on both sides of all kinks, then all magnitudes, then the others."""
        if self._has_kinks():
            yield from islice(self._around_kinks(), count // 2)
        for number in range(count // 4):
            yield self._magnitude(number)
            if number % 2:
                yield self._random(number)
        yield from self.points(count // 4)

    # -- kinds of points ------------------------------------------------------------------

    def _simple(self, number: int) -> Sample:
        sizes = self.sizes(number)
        start = iter(range(number * 5, 10_000))

        def entry(name: str) -> Fraction:
            return self._label(name) or _SIMPLE[next(start) % len(_SIMPLE)]

        return self._filled(sizes, entry)

    def _random(self, number: int) -> Sample:
        low, high = _RANGES[number % len(_RANGES)]
        prime = _PRIMES[number % len(_PRIMES)]
        return self._filled(self.sizes(number), lambda name: self._drawn(name, low, high, prime))

    def _magnitude(self, number: int) -> Sample:
        """Every name at its own power of ten, from 10^-7 to 10^6."""

        def entry(name: str) -> Fraction:
            label = self._label(name)
            if label is not None:
                return label
            power = self.random.choice((number % 14 - 7, self.random.randint(-7, 6)))
            return Fraction(self.random.randint(-97, 97) or 1, 13) * Fraction(10) ** power

        return self._filled(self.sizes(number), entry)

    def _near_constants(self, number: int) -> Sample:
        def entry(name: str) -> Fraction:
            label = self._label(name)
            if label is not None:
                return label
            base = self.random.choice(self.constants)
            shift = Fraction(self.random.randint(-9, 9) or 1, 19)
            scale = 1 + abs(base) if self.random.random() < 0.3 else 1
            return base * self.random.choice((1, 1, -1)) + shift * scale

        return self._filled(self.sizes(number), entry)

    def _drawn(self, name: str, low: Any, high: Any, prime: int) -> Fraction:
        label = self._label(name)
        if label is not None:
            return label
        first, last = int(low * prime * 9), int(high * prime * 9)
        return Fraction(self.random.randint(first, last) or 1, prime * 9)

    def _label(self, name: str) -> Fraction | None:
        """One of the values a name is compared with, most of the time."""
        values = self.labels.get(name)
        if values and self.random.random() < 0.8:
            return self.random.choice(list(values))
        return None

    def _filled(self, sizes: dict[str, int], entry: Any) -> Sample:
        def fill(name: str, shape: tuple[int, ...]) -> Any:
            if not shape:
                return entry(name)
            return tuple(fill(name, shape[1:]) for _ in range(shape[0]))

        values = {name: fill(name, resolve(shape, sizes, name)) for name, shape in self.symbols}
        return Sample(values, sizes)

    def _constants(self) -> list[Fraction]:
        found: dict[Fraction, None] = {}
        for node in self.order:
            if node.op == "num" and Fraction(1, 10**6) < abs(node.value) < 10**15:
                found[abs(node.value)] = None
                found[1 / abs(node.value)] = None
        return [c for c in found if c != 1][:12]

    # -- kinks ----------------------------------------------------------------------------

    def _has_kinks(self) -> bool:
        return any(node.op in KINKED for node in self.order)

    def _around_kinks(self) -> Iterator[Sample]:
        """Points on both sides of the roots of the arguments of kinks."""
        for attempt in range(2):
            base = self._random(attempt)
            for node in self._kink_arguments():
                for name, _ in self.symbols:
                    for root in self._roots(node, name, base):
                        scale = abs(root) or Fraction(1)
                        for factor in (Fraction(1, 7), Fraction(-1, 7), Fraction(2), Fraction(-2)):
                            yield _moved(base, name, root + scale * factor)

    def _kink_arguments(self) -> list[tuple[Node, Node | None]]:
        found: dict[tuple[Node, Node | None], None] = {}
        for node in self.order:
            if node.op in KINKED:
                found[node.args[0], node.args[1] if len(node.args) > 1 else None] = None
        return list(found)[:MAX_KINKS]

    def _roots(self, pair: tuple[Node, Node | None], name: str, base: Sample) -> Iterator[Fraction]:
        """Where the difference of a pair changes its sign along one name."""

        def at(value: float) -> float | None:
            balls = Balls(_moved(base, name, Fraction(value)).values, base.sizes, 64)
            first = _first(balls.value(pair[0]))
            second = _first(balls.value(pair[1])) if pair[1] is not None else 0.0
            return None if first is None or second is None else first - second

        for side in (1.0, -1.0):
            grid = sorted(side * abs(v) for v in _SCAN)
            known = [(v, at(v)) for v in grid]
            for (low, f), (high, g) in pairwise(known):
                if f is not None and g == 0 and f != 0:
                    yield Fraction(high)
                elif f is not None and g is not None and f * g < 0:
                    yield _bisected(at, low, high, f)


def _bisected(at: Any, low: float, high: float, f: float) -> Fraction:
    for _ in range(30):
        middle = (low + high) / 2
        value = at(middle)
        if value is None:
            break
        if value * f > 0:
            low = middle
        else:
            high = middle
    middle = (low + high) / 2
    return Fraction(middle).limit_denominator(1000 if abs(middle) > 1 else 10**9)


def _first(value: Any) -> float | None:
    """The first entry of a value as a float."""
    while hasattr(value, "shape"):
        value = value.reshape(-1)[0]
    return None if isinstance(value, Bad) else float(value)


def _moved(base: Sample, name: str, value: Fraction) -> Sample:
    """The point with one name (or the first entry of an array) at another value."""

    def put(old: Any) -> Any:
        return (put(old[0]), *old[1:]) if isinstance(old, tuple) else value

    return Sample({**base.values, name: put(base.values[name])}, base.sizes)
