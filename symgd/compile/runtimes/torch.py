"""Programs on PyTorch, instruction by instruction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from symgd.compile.runtimes.choice import Choice
from symgd.compile.runtimes.operations import Library
from symgd.descend.objective import FloatArray, IntArray
from symgd.errors import OptionError
from symgd.formula.functions import words

Array = Any


@dataclass(frozen=True, eq=False)
class TorchDevice:
    """PyTorch on one device, in one type."""

    device: Any
    dtype: Any
    words: str
    library: Library

    @classmethod
    def of(cls, choice: Choice) -> TorchDevice:
        """The device that was asked for; :class:`OptionError` if this machine has none."""
        dtype = torch.float64 if choice.dtype == "float64" else torch.float32
        try:
            device = torch.device(choice.device or "cpu")
            if (device.type == "cpu" and device.index) or device.type == "meta":
                raise RuntimeError("no such device")
            torch.zeros(1, dtype=dtype, device=device)
        except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError):
            raise OptionError(
                f"backend={choice.text!r}: PyTorch has no device {choice.device!r} for "
                f"{choice.dtype} here; leave it out for the CPU"
            ) from None
        return cls(device, dtype, f"{device}, {choice.dtype}", _LIBRARY)

    def put(self, value: Any) -> Array:
        """Numbers as a tensor of the type, on the device."""
        return torch.tensor(value, dtype=self.dtype, device=self.device)

    def take(self, column: Array, rows: IntArray) -> Array:
        """Some rows of a column."""
        return column[torch.as_tensor(np.asarray(rows), device=self.device)]

    def ready(self, function: Any) -> Any:
        """The function as it is: PyTorch runs operation by operation."""
        return function

    def call(self, function: Any, theta: FloatArray, columns: dict[str, Array]) -> FloatArray:
        """The result as a fresh NumPy array of float64."""
        with torch.inference_mode():
            found = function(self.put(theta), columns)
            return np.array(found.to("cpu", torch.float64).numpy())

    def flat(self, parts: list[tuple[Array, tuple[int, ...]]]) -> Array:
        """The parts, each broadcast to its shape, one after the other."""
        return torch.cat([self._filled(part, shape).to(self.dtype) for part, shape in parts])

    def _filled(self, part: Array, shape: tuple[int, ...]) -> Array:
        """The entries of ``part`` broadcast to ``shape``, in one row."""
        whole = part if part.numel() == math.prod(shape) else part.broadcast_to(shape)
        return whole.reshape(-1)


# -- functions that PyTorch lacks, or has with another meaning ------------------------------------


def _axes(u: Array, axes: Any) -> tuple[int, ...]:
    return tuple(range(u.ndim)) if axes is None else tuple(axes)


def _over(function: Any) -> Any:
    """A reduction over several axes by a function that takes them."""

    def reduce(u: Array, axes: Any, keep: bool) -> Array:
        every = _axes(u, axes)
        return function(u, dim=every, keepdim=keep) if every else u

    return reduce


def _prod(u: Array, axes: Any, keep: bool) -> Array:
    for axis in sorted((a % u.ndim for a in _axes(u, axes)), reverse=True):
        u = torch.prod(u, dim=axis, keepdim=keep)
    return u


def _squeeze(u: Array, axes: Any) -> Array:
    every = _axes(u, axes)
    return torch.squeeze(u, dim=every) if every else u


def _sign(u: Array) -> Array:
    return torch.where(torch.isnan(u), u, torch.sign(u))


def _cbrt(u: Array) -> Array:
    """The real cube root: a power, made exact by one step of Newton's method."""
    root = torch.sign(u) * torch.abs(u) ** (1.0 / 3.0)
    better = root - (root * root * root - u) / (3.0 * root * root)
    usable = torch.isfinite(better) & (root != 0)
    return torch.where(usable, better, torch.where(torch.isnan(u), u, root))


def _positive_gamma(u: Array) -> Array:
    """Whether Gamma(u) is positive."""
    return (u >= 0) | ((torch.floor(u) % 2 == 0) & (torch.floor(u) != u))


def _loggamma(u: Array) -> Array:
    """log Gamma(u) where Gamma is positive, else nan."""
    return torch.where(_positive_gamma(u), torch.lgamma(u), torch.full_like(u, torch.nan))


def _gamma(u: Array) -> Array:
    size = torch.exp(torch.lgamma(u))
    signed = torch.where(_positive_gamma(u), size, -size)
    pole = (u < 0) & (torch.floor(u) == u)
    return torch.where(pole, torch.full_like(u, torch.nan), signed)


def _trigamma(u: Array) -> Array:
    """psi'(u); below 1/2 by psi'(u) + psi'(1 - u) = pi^2/sin^2(pi u).

    PyTorch's own is good to 10 digits. This one goes up by psi'(x) = 1/x^2 + psi'(x + 1) and
    takes the asymptotic series (Abramowitz & Stegun 6.4.12) beyond 10.
    """
    mirrored = u < 0.5
    x = torch.where(mirrored, 1.0 - u, u)
    total = torch.zeros_like(x)
    for _ in range(10):
        total = total + 1.0 / (x * x)
        x = x + 1.0
    square = 1.0 / (x * x)
    series = torch.zeros_like(x)
    for bernoulli in reversed(_BERNOULLI):
        series = (series + bernoulli) * square
    value = total + (1.0 + 0.5 / x + series) / x
    sine = torch.sin(torch.pi * (u - torch.round(u)))
    return torch.where(mirrored, (torch.pi / sine) ** 2 - value, value)


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
"""B_2, B_4, ..., B_14."""


def _logdet(u: Array) -> Array:
    """log det for a positive determinant, else nan."""
    sign, value = torch.linalg.slogdet(u)
    return torch.where(sign > 0, value, torch.full_like(value, torch.nan))


def _transpose(u: Array) -> Array:
    return u if u.ndim < 2 else u.transpose(0, 1)


def _inv(u: Array) -> Array:
    return torch.linalg.inv_ex(u).inverse


def _solve(matrix: Array, right: Array) -> Array:
    return torch.linalg.solve_ex(matrix, right).result


def _placed(shape: tuple[int, ...], index: Any, part: Array) -> Array:
    whole = torch.zeros(shape, dtype=part.dtype, device=part.device)
    whole[index] = part
    return whole


_SAME = words(
    "exp expm1 log log1p log2 log10 sqrt sin cos tan sinh cosh tanh abs maximum minimum "
    "logaddexp hypot asin acos atan asinh acosh atanh atan2 pow where matmul trace diag outer "
    "erf erfc digamma"
)

_LIBRARY = Library(
    plain={
        **{name: vars(torch)[name] for name in _SAME},
        "cbrt": _cbrt, "sign": _sign, "transpose": _transpose, "det": torch.linalg.det,
        "inv": _inv, "solve": _solve, "logdet": _logdet, "gamma": _gamma,
        "loggamma": _loggamma, "trigamma": _trigamma,
    },
    sum=_over(torch.sum), prod=_prod, amax=_over(torch.amax), amin=_over(torch.amin),
    mean=_over(torch.mean),
    cumprod=lambda u: torch.cumprod(u, dim=0),
    flip=lambda u: torch.flip(u, dims=(0,)),
    concatenate=torch.cat,
    moveaxis=torch.moveaxis,
    squeeze=_squeeze,
    isfinite=torch.isfinite,
    ones_like=torch.ones_like,
    zeros_like=torch.zeros_like,
    broadcast_to=torch.broadcast_to,
    placed=_placed,
)  # fmt: skip

__all__ = ["TorchDevice"]
