"""What the loop descends: a function of the parameter vector, and the names of its parts.

An *objective* is anything that can be called with the parameter vector theta (p,) and
answers with the loss and its gradient (p,). Two optional abilities are asked for by
protocol: the loss on some rows only (:class:`RowObjective`, for mini-batches) and the exact
Hessian (:class:`SecondOrder`, for the stopping rule).

>>> import numpy as np
>>> def parabola(theta):
...     return float((theta[0] - 3.0) ** 2), 2.0 * (theta - 3.0)
>>> parabola(np.array([5.0]))
(4.0, array([4.]))
>>> layout = Layout.of({"theta": (3,), "b": ()})
>>> layout.names
('theta[0]', 'theta[1]', 'theta[2]', 'b')
>>> layout.unpack(layout.pack({"b": 4, "theta": [1, 2, 3]}))
{'theta': array([1., 2., 3.]), 'b': 4.0}
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from symgd.errors import OptionError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


class Objective(Protocol):
    """A loss with its gradient."""

    def __call__(self, theta: FloatArray, /) -> tuple[float, FloatArray]:
        """The loss at ``theta`` (p,) and its gradient (p,)."""
        ...


@runtime_checkable
class RowObjective(Protocol):
    """A loss over the rows of a data set, which can also be taken over some of them."""

    @property
    def n_rows(self) -> int:
        """Number of rows of the data."""
        ...

    def __call__(self, theta: FloatArray, /) -> tuple[float, FloatArray]:
        """The loss over all rows at ``theta`` (p,) and its gradient (p,)."""
        ...

    def at_rows(self, rows: IntArray, /) -> Objective:
        """The same loss over the given rows only; rows are counted from 0."""
        ...


@runtime_checkable
class SecondOrder(Protocol):
    """A loss that knows its exact second derivatives."""

    def hessian(self, theta: FloatArray, /) -> FloatArray:
        """The matrix of second partial derivatives (p, p) at ``theta`` (p,)."""
        ...


@dataclass(frozen=True)
class Layout:
    """Where each named parameter lives in the flat vector theta.

    ``entries`` holds (name, shape) in the order of theta; arrays are stored row by row.

    >>> Layout.of({"W": (2, 2), "b": ()}).names
    ('W[0,0]', 'W[0,1]', 'W[1,0]', 'W[1,1]', 'b')
    """

    entries: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def of(cls, shapes: Mapping[str, Iterable[int]]) -> Layout:
        """The layout of parameters given as name -> shape; a scalar has the shape ``()``."""
        entries = tuple((name, tuple(int(n) for n in shape)) for name, shape in shapes.items())
        for name, shape in entries:
            if any(n < 1 for n in shape):
                raise OptionError(f"parameter {name!r} has the shape {shape}: it holds no numbers")
        if not entries:
            raise OptionError("there are no parameters: nothing to descend in")
        return cls(entries)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape, in order."""
        return dict(self.entries)

    @property
    def size(self) -> int:
        """Number of components p of the flat vector."""
        return sum(math.prod(shape) for _, shape in self.entries)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each component of theta: ``b``, ``theta[0]``, ``W[0,1]``."""
        return tuple(label for name, shape in self.entries for label in _labels(name, shape))

    def pack(self, values: Mapping[str, object]) -> FloatArray:
        """The flat vector (p,) of named values.

        Raises :class:`OptionError` naming the parameter that is missing, unknown, of the wrong
        shape, not real or not finite.
        """
        shapes = self.shapes
        for name in values:
            if name not in shapes:
                near = get_close_matches(str(name), list(shapes), 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                known = ", ".join(shapes)
                raise OptionError(f"unknown parameter {name!r}: there are {known}{hint}")
        missing = [name for name in shapes if name not in values]
        if missing:
            raise OptionError(f"no value is given for {', '.join(map(repr, missing))}")
        parts = []
        for name, shape in self.entries:
            part = real_array(values[name], f"parameter {name!r}")
            if part.shape != shape:
                raise OptionError(f"parameter {name!r} has the shape {shape}, not {part.shape}")
            parts.append(part.ravel())
        return np.concatenate(parts)

    def unpack(self, theta: FloatArray) -> dict[str, float | FloatArray]:
        """Name -> value: scalars as Python floats, arrays as fresh copies in their shape."""
        if theta.shape != (self.size,):
            raise OptionError(f"theta has the shape {theta.shape}, not {(self.size,)}")
        values: dict[str, float | FloatArray] = {}
        start = 0
        for name, shape in self.entries:
            stop = start + math.prod(shape)
            values[name] = theta[start:stop].reshape(shape).copy() if shape else float(theta[start])
            start = stop
        return values


def real_array(value: object, what: str) -> FloatArray:
    """``value`` as a fresh float64 array; ``what`` names it in the errors.

    Raises :class:`OptionError` for text, booleans, complex numbers, objects, ragged lists and
    numbers that are not finite.

    >>> real_array([1, 2], "start")
    array([1., 2.])
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{what} is not an array of numbers: {error}") from None
    if array.dtype.kind not in "iuf":
        raise OptionError(f"{what} must be real numbers, not {_kind(array, value)}")
    numbers = np.array(array, dtype=np.float64)
    if not np.isfinite(numbers).all():
        worst = numbers[~np.isfinite(numbers)].flat[0]
        raise OptionError(f"{what} must be finite, not {worst}")
    return numbers


def _labels(name: str, shape: tuple[int, ...]) -> list[str]:
    if not shape:
        return [name]
    places = product(*(range(n) for n in shape))
    return [f"{name}[{','.join(map(str, place))}]" for place in places]


def _kind(array: NDArray[np.generic], value: object) -> str:
    kinds = {"b": "booleans", "c": "complex numbers", "U": "text", "S": "bytes"}
    kinds |= {"M": "dates", "m": "time spans"}
    return kinds.get(array.dtype.kind, f"{type(value).__name__} objects")
