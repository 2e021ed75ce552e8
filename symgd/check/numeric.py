"""Somebody's own gradient code, checked against the function it belongs to.

Every component is compared with a difference quotient whose steps are controlled
(Ridders' extrapolation with its error estimate; the complex step where the code
allows it), and the whole gradient along random directions. What is off is named, with
the factor or the sign by which it is off.

>>> result = check_gradient(lambda x: x[0]**2 + 3*x[1], lambda x: [x[0], 3.0], at=[2.0, 1.0])
>>> print(result)
wrong     1 of 2 components is off
          x[0]: 2, should be 4 (a factor of 1/2)
>>> check_gradient(lambda x: x**3, lambda x: 3*x**2, at=2.0).ok
True

C. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4 (1982).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symgd.errors import OptionError, SymgdError

MAX_COMPONENTS, FEW = 200, 50
DIRECTIONS = 3
RTOL = 1e-6
_SHRINK = 1.6
_TABLE = 12


class WrongGradient(SymgdError, AssertionError):
    """A gradient that does not belong to its function; the message is the whole report."""


@dataclass(frozen=True)
class Component:
    """One partial derivative: the value given, the numeric one and its error estimate.

    ``state`` is "right", "off", "not finite", "kink" (no derivative there) or "unsure"
    (the function is too rough to tell); ``factor`` is given/numeric if it is a short
    fraction, as text.
    """

    name: str
    given: float
    numeric: float
    error: float
    state: str
    factor: str | None = None

    def __str__(self) -> str:
        if self.state == "kink":
            return f"{self.name}: the slopes on the two sides differ, there is no derivative"
        if self.state == "unsure":
            return (
                f"{self.name}: {self.given:.6g}, numerically {self.numeric:.6g} +- {self.error:.1g}"
            )
        if self.state == "not finite":
            return f"{self.name}: {self.given}, should be {self.numeric:.6g}"
        said = f"{self.name}: {self.given:.6g}, should be {self.numeric:.6g}"
        return said + (f" ({_factor_words(self.factor)})" if self.factor else "")


@dataclass(frozen=True)
class GradientCheck:
    """The result of :func:`check_gradient`.

    ``components`` are those that were looked at, ``directions`` pairs (given, numeric) of
    slopes along random directions, ``factor`` the common factor of all that are off.
    """

    components: tuple[Component, ...]
    directions: tuple[tuple[float, float, bool], ...]
    symmetric: bool | None
    factor: str | None
    method: str

    @property
    def off(self) -> tuple[Component, ...]:
        """The components that are surely wrong."""
        return tuple(c for c in self.components if c.state in ("off", "not finite"))

    @property
    def ok(self) -> bool:
        """Nothing is surely wrong."""
        right = all(good for _, _, good in self.directions)
        return not self.off and right and self.symmetric is not False

    def __str__(self) -> str:
        count = len(self.components)
        if self.ok:
            doubtful = [c for c in self.components if c.state != "right"]
            head = f"right     {count - len(doubtful)} of {count} components agree ({self.method})"
            return "\n".join([head, *(f"          {c}" for c in doubtful[:10])])
        verb = "is" if len(self.off) == 1 else "are"
        lines = [f"wrong     {len(self.off)} of {count} components {verb} off"]
        if self.factor and count > 1 and len(self.off) == count:
            lines[0] = f"wrong     the whole gradient is off: {_factor_words(self.factor)}"
        lines += [f"          {c}" for c in self.off[:10]]
        if len(self.off) > 10:
            lines.append(f"          and {len(self.off) - 10} more")
        for given, numeric, good in self.directions:
            if not good and not self.off:
                lines.append(
                    f"          along a random direction: {given:.6g}, should be {numeric:.6g}"
                )
        if self.symmetric is False:
            lines.append("          its derivative is not symmetric, so it is no gradient")
        return "\n".join(lines)

    def raise_if_wrong(self) -> None:
        """Raise :class:`WrongGradient` with the report unless the gradient is right."""
        if not self.ok:
            raise WrongGradient(str(self))


def _factor_words(factor: str) -> str:
    if factor == "-1":
        return "the sign is reversed"
    if factor == "0":
        return "it is 0"
    return f"a factor of {factor}"


def check_gradient(
    fun: Callable[..., Any],
    grad: Callable[..., Any] | None = None,
    at: Any = None,
    *,
    order2: bool = False,
    rtol: float = RTOL,
    seed: int = 0,
    args: tuple[Any, ...] = (),
) -> GradientCheck:
    """Whether ``grad`` is the gradient of ``fun`` at the point ``at``.

    ``at`` is a number, an array, or a mapping of names to them; both functions are
    called with a value of that form and then with ``args``, and ``grad`` returns a value
    of that form. Without ``grad``, ``fun`` returns (value, gradient). ``order2`` also
    tests that the derivative of the gradient is symmetric. ``rtol`` is what may differ
    beyond the error of the numeric derivative.

    Raises :class:`~symgd.errors.OptionError` if the value or the gradient do not have
    the form they should have. Use it in tests with ``.raise_if_wrong()``.
    """
    probe = _Probe(fun, grad, at, args)
    draw = np.random.default_rng(seed)
    start = probe.start
    given = probe.gradient(start)
    places = list(range(len(start)))
    if len(places) > MAX_COMPONENTS:
        places = sorted(draw.choice(len(start), MAX_COMPONENTS, replace=False).tolist())
    methods = set()
    components = []
    for place in places:
        direction = np.zeros_like(start)
        direction[place] = 1.0
        numeric, error, method = probe.slope(start, direction)
        methods.add(method)
        components.append(_component(probe, place, float(given[place]), numeric, error, rtol))
    directions = []
    for _ in range(DIRECTIONS):
        direction = draw.standard_normal(len(start))
        numeric, error, _ = probe.slope(start, direction)
        slope = float(given @ direction)
        scale = float(np.abs(given) @ np.abs(direction)) + abs(numeric)
        good = not abs(slope - numeric) > rtol * scale + 20 * error
        directions.append((slope, numeric, good or not math.isfinite(numeric)))
    if any(c.state in ("kink", "unsure") for c in components):
        directions = [(a, b, True) for a, b, _ in directions]
    symmetric = probe.symmetric(start, draw) if order2 else None
    factors = {c.factor for c in components if c.state == "off"}
    factor = factors.pop() if len(factors) == 1 else None
    return GradientCheck(
        tuple(components), tuple(directions), symmetric, factor, " and ".join(sorted(methods))
    )


def _component(
    probe: _Probe, place: int, given: float, numeric: float, error: float, rtol: float
) -> Component:
    name = probe.names[place]
    if not math.isfinite(given):
        return Component(name, given, numeric, error, "not finite")
    if not math.isfinite(numeric):
        return Component(name, given, numeric, error, "unsure")
    scale = max(abs(given), abs(numeric))
    gap = abs(given - numeric)
    few = len(probe.names) <= FEW
    right = gap <= rtol * scale + 10 * error
    if (few or not right) and probe.has_kink(place):
        return Component(name, given, numeric, error, "kink")
    if right:
        return Component(name, given, numeric, error, "right")
    if error > 0.01 * scale:
        return Component(name, given, numeric, error, "unsure")
    return Component(name, given, numeric, error, "off", _short_factor(given, numeric, error))


def _short_factor(given: float, numeric: float, error: float) -> str | None:
    """given/numeric as a short fraction."""
    if given == 0:
        return "0"
    if abs(numeric) <= 100 * error:
        return None
    ratio = given / numeric
    short = Fraction(ratio).limit_denominator(1000)
    slack = 1e-6 + 10 * error / abs(numeric)
    if short and abs(float(short) - ratio) <= slack * abs(ratio) and slack < 1e-3:
        return str(short)
    return None


def _point(value: Any) -> Any:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise OptionError(f"the point at= is made of real numbers, not {value!r:.60}") from None


class _Probe:
    """A function of a flat vector, whatever form the user's point has."""

    def __init__(
        self,
        fun: Callable[..., Any],
        grad: Callable[..., Any] | None,
        at: Any,
        args: tuple[Any, ...],
    ) -> None:
        if at is None:
            raise OptionError("at= is the point at which the gradient is checked")
        if not callable(fun) or not (grad is None or callable(grad)):
            raise OptionError("check_gradient takes functions: fun(at), and grad(at) or None")
        self.fun, self.grad, self.args = fun, grad, args
        self.names: list[str] = []
        self.shapes: list[tuple[str | None, tuple[int, ...]]] = []
        parts = []
        entries = at.items() if isinstance(at, Mapping) else [(None, at)]
        for name, value in entries:
            array = _point(value)
            if not np.all(np.isfinite(array)):
                raise OptionError("the point at= has entries that are not finite")
            self.shapes.append((name, array.shape))
            parts.append(array.reshape(-1))
            self.names += [_entry_name(name or "x", place) for place in np.ndindex(array.shape)]
        self.start = np.concatenate(parts) if parts else np.zeros(0)
        self.scale = np.maximum(np.abs(self.start), 1e-3)

    def form(self, flat: Any) -> Any:
        """The flat vector in the user's form."""
        found: dict[str | None, Any] = {}
        at = 0
        for name, shape in self.shapes:
            size = math.prod(shape)
            part = flat[at : at + size].reshape(shape)
            found[name] = part if shape else part[()]
            at += size
        return found.get(None, found)

    def value(self, flat: Any) -> Any:
        result = self.fun(self.form(flat), *self.args)
        return result[0] if self.grad is None else result

    def number(self, flat: Any) -> float:
        """The value as a float."""
        with np.errstate(all="ignore"):
            result = np.asarray(self.value(flat))
        if result.size != 1:
            raise OptionError(
                f"the function gives an array of shape {result.shape}, not one number"
            )
        return float(result.reshape(-1)[0].real)

    def gradient(self, flat: Any) -> Any:
        """The user's gradient as a flat vector."""
        with np.errstate(all="ignore"):
            point = self.form(flat)
            result = (
                self.fun(point, *self.args)[1]
                if self.grad is None
                else (self.grad(point, *self.args))
            )
        parts = []
        for name, shape in self.shapes:
            if name is not None and (not isinstance(result, Mapping) or name not in result):
                raise OptionError(f"the gradient has no entry for {name}")
            array = np.asarray(result if name is None else result[name], dtype=np.float64)
            if array.shape != shape and not (array.size == 1 and shape == ()):
                raise OptionError(
                    f"the gradient{' by ' + name if name else ''} has shape {array.shape}, "
                    f"the point has {shape}"
                )
            parts.append(array.reshape(-1))
        return np.concatenate(parts) if parts else np.zeros(0)

    def slope(self, flat: Any, direction: Any) -> tuple[float, float, str]:
        """The derivative along a direction, its error estimate, and how it was found."""
        length = float(np.max(np.abs(direction) / self.scale))
        step = 0.1 / length if length else 0.1
        value, error = _ridders(lambda h: self.number(flat + h * direction), step)
        exact = self._complex_slope(flat, direction)
        if exact is not None and abs(exact - value) <= 100 * error + 1e-6 * abs(value):
            return exact, 1e-14 * abs(exact), "complex step"
        return value, error, "difference quotients"

    def _complex_slope(self, flat: Any, direction: Any) -> float | None:
        h = 1e-30
        try:
            with np.errstate(all="ignore"):
                result = np.asarray(self.value(flat + 1j * h * direction))
        except Exception:
            return None
        if result.size != 1 or not np.iscomplexobj(result):
            return None
        slope = float(result.reshape(-1)[0].imag) / h
        return slope if math.isfinite(slope) else None

    def has_kink(self, place: int) -> bool:
        """Whether the slopes to the left and to the right differ at every scale."""
        direction = np.zeros_like(self.start)
        direction[place] = 1.0
        here = self.number(self.start)
        gaps = []
        noise = 0.0
        for h in (1e-3, 1e-4, 1e-5):
            step = h * self.scale[place]
            right = (self.number(self.start + step * direction) - here) / step
            left = (here - self.number(self.start - step * direction)) / step
            gaps.append(abs(right - left))
            noise = 1e-13 * abs(here) / step
        return bool(gaps[-1] > 0.5 * gaps[0] and gaps[-1] > noise and gaps[-1] > 0)

    def symmetric(self, flat: Any, draw: Any) -> bool | None:
        """Whether u.(Hv) = v.(Hu) for random directions."""
        u, v = draw.standard_normal((2, len(flat)))
        if len(flat) < 2:
            return True
        first, error1 = _ridders(lambda h: float(self.gradient(flat + h * v) @ u), 0.05)
        second, error2 = _ridders(lambda h: float(self.gradient(flat + h * u) @ v), 0.05)
        if not math.isfinite(first) or not math.isfinite(second):
            return None
        slack = 1e-5 * (abs(first) + abs(second)) + 20 * (error1 + error2)
        return bool(abs(first - second) <= slack)


def _entry_name(name: str, place: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def _ridders(function: Callable[[float], float], step: float) -> tuple[float, float]:
    """The derivative at 0 by extrapolated central differences, with an error estimate."""
    table = np.full((_TABLE, _TABLE), np.nan)
    best, error = math.nan, math.inf
    here = abs(function(0.0))
    for j in range(_TABLE):
        high, low = function(step), function(-step)
        table[0, j] = (high - low) / (2 * step)
        rounding = 2.3e-16 * max(abs(high), abs(low), here) / step
        for i in range(1, j + 1):
            power = _SHRINK ** (2 * i)
            table[i, j] = (table[i - 1, j] * power - table[i - 1, j - 1]) / (power - 1)
            gap = max(abs(table[i, j] - table[i - 1, j]), abs(table[i, j] - table[i - 1, j - 1]))
            gap += rounding
            if gap <= error:
                best, error = float(table[i, j]), float(gap)
        step /= _SHRINK
    return best, error
