"""Calling an objective: every answer becomes a float and a fresh float64 array.

A compiled objective answers with exactly that and costs nothing more. A plain Python function
may answer with ints, lists, NumPy scalars or, for one parameter, a bare number; what is not a
real loss with a gradient of the right shape is refused by name. A function of one number
(``lambda x: (x**2, 2*x)`` started at a number) is called with a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

import numpy as np

from symgd.descend.objective import FloatArray
from symgd.errors import OptionError

Answer = tuple[float, FloatArray]
_FLOAT: Final = np.dtype(np.float64)
_SMALL: Final = 16


class OutOfTime(Exception):
    """The time limit passed while the curvature was being probed."""


class _ComplexNumbers(OptionError):
    """The objective answered with complex numbers."""


class Evaluator:
    """One objective, the number of its calls, and the last exception it met.

    An arithmetic exception of the objective (an overflow, a division by zero, a logarithm of a
    negative number in plain Python) is an answer too: not a number.
    """

    __slots__ = ("_bare", "_shape", "calls", "deadline", "failure", "function")

    def __init__(self, function: Callable[[Any], Any], size: int, bare: bool) -> None:
        self.function = function
        self.calls = 0
        self.deadline = math.inf
        self.failure = ""
        self._shape = (size,)
        self._bare = bare

    def __call__(self, theta: FloatArray, part: Callable[[Any], Any] | None = None) -> Answer:
        """The loss and gradient at ``theta`` of the objective, or of a part of its rows."""
        self.calls += 1
        try:
            if self.calls == 1 and self._bare:
                answer = self._first(theta)
            else:
                answer = (part or self.function)(theta[0] if self._bare else theta)
        except (ArithmeticError, ValueError) as error:
            return self._undefined(error)
        if type(answer) is tuple and len(answer) == 2:
            loss, gradient = answer
            if (
                type(gradient) is np.ndarray
                and gradient.dtype is _FLOAT
                and gradient.shape == self._shape
                and isinstance(loss, float)
            ):
                return float(loss), gradient.copy()
        try:
            return self._coerced(answer)
        except _ComplexNumbers as error:
            if self.calls == 1:
                raise
            return self._undefined(error)

    def probe(self, theta: FloatArray) -> Answer:
        """The loss and gradient at a point beside the way of the run.

        Whatever the objective raises there means that it is not defined there. Raises
        :class:`OutOfTime` when the run has no time left.
        """
        if perf_counter() > self.deadline:
            raise OutOfTime
        failure = self.failure
        try:
            return self(theta)
        except Exception:
            return math.nan, np.full(self._shape, math.nan)
        finally:
            self.failure = failure

    def _first(self, theta: FloatArray) -> Any:
        """The first call finds out whether a function of one number wants it as an array."""
        try:
            return self.function(theta[0])
        except (TypeError, IndexError, ValueError, AttributeError) as error:
            if _outside_domain(error):
                raise
            answer = self.function(theta)
        self._bare = False
        return answer

    def _undefined(self, error: Exception) -> Answer:
        if not (isinstance(error, _ComplexNumbers) or _outside_domain(error)):
            raise error
        self.failure = f"{type(error).__name__.strip('_')}: {error}"
        loss = math.inf if isinstance(error, OverflowError) else math.nan
        return loss, np.full(self._shape, math.nan)

    def _coerced(self, answer: Any) -> Answer:
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise OptionError(
                f"the objective must return (loss, gradient), not {_describe(answer)}"
            )
        loss = _real(answer[0], "loss")
        if loss.size != 1:
            raise OptionError(f"the loss must be one number, not an array of shape {loss.shape}")
        gradient = _real(answer[1], "gradient")
        if gradient.shape != self._shape and not (gradient.shape == () and self._shape == (1,)):
            raise OptionError(
                f"the gradient must have the shape {self._shape} of theta, not {gradient.shape}"
            )
        return float(loss.item()), gradient.reshape(self._shape)


def largest(vector: FloatArray) -> float:
    """The max-norm of ``vector``; nan or inf if one of its components is.

    >>> largest(np.array([1.0, -3.0]))
    3.0
    """
    if vector.size <= _SMALL:
        values: list[float] = vector.tolist()
        if math.hypot(*values) < math.inf:
            return max(map(abs, values))
    return float(np.abs(vector).max())


def _outside_domain(error: Exception) -> bool:
    """Whether ``error`` is what Python or NumPy says instead of nan or inf."""
    known = isinstance(error, ArithmeticError | np.linalg.LinAlgError)
    return known or "math domain error" in str(error)


def _real(value: object, what: str) -> FloatArray:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise OptionError(f"the {what} must be numbers, not {_describe(value)}") from None
    if array.dtype.kind not in "iuf":
        refusal = _ComplexNumbers if array.dtype.kind == "c" else OptionError
        raise refusal(f"the {what} must be real numbers, not {_describe(value)}")
    return np.array(array, dtype=np.float64)


def _describe(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
