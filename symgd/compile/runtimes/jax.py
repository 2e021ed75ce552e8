"""Programs on JAX, compiled by ``jax.jit``.

64-bit numbers are switched on for symgd's own calls only, by a context; the user's
configuration stays as it is.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as special
import numpy as np

from symgd.compile.runtimes.choice import Choice
from symgd.compile.runtimes.operations import Library
from symgd.descend.objective import FloatArray, IntArray
from symgd.errors import OptionError
from symgd.formula.functions import words

Array = Any


@dataclass(frozen=True, eq=False)
class JaxDevice:
    """JAX on one device, in one type."""

    device: Any
    dtype: str
    words: str
    library: Library

    @classmethod
    def of(cls, choice: Choice) -> JaxDevice:
        """The device that was asked for; :class:`OptionError` names those that are there."""
        platform, _, number = choice.device.partition(":")
        try:
            found = jax.devices(platform or "cpu")
            device = found[int(number or 0)]
        except (RuntimeError, ValueError, IndexError):
            known = sorted({d.platform for d in (*jax.devices("cpu"), *jax.devices())})
            raise OptionError(
                f"backend={choice.text!r}: JAX has no device {choice.device!r} here; there is "
                f"{', '.join(known)}"
            ) from None
        return cls(device, choice.dtype, f"{device.platform}, {choice.dtype}", _LIBRARY)

    def _context(self) -> ExitStack:
        """64 bits, this device, and products of matrices in full precision."""
        stack = ExitStack()
        stack.enter_context(_sixty_four_bits())
        stack.enter_context(jax.default_device(self.device))
        stack.enter_context(jax.default_matmul_precision("highest"))
        return stack

    def put(self, value: Any) -> Array:
        """Numbers as an array of the type, on the device."""
        with self._context():
            return jnp.asarray(value, dtype=self.dtype)

    def take(self, column: Array, rows: IntArray) -> Array:
        """Some rows of a column."""
        with self._context():
            return jnp.take(column, jnp.asarray(rows), axis=0)

    def ready(self, function: Any) -> Any:
        """The function compiled."""
        return jax.jit(function)

    def call(self, function: Any, theta: FloatArray, columns: dict[str, Array]) -> FloatArray:
        """The result as a fresh NumPy array of float64."""
        with self._context():
            found = function(jnp.asarray(theta, dtype=self.dtype), columns)
            return np.array(found, dtype=np.float64)

    def flat(self, parts: list[tuple[Array, tuple[int, ...]]]) -> Array:
        """The parts, each broadcast to its shape, one after the other."""
        return jnp.concatenate([_filled(part, shape).astype(self.dtype) for part, shape in parts])


def _filled(part: Array, shape: tuple[int, ...]) -> Array:
    """The entries of ``part`` broadcast to ``shape``, in one row."""
    whole = part if part.size == math.prod(shape) else jnp.broadcast_to(part, shape)
    return whole.reshape(-1)


def _sixty_four_bits() -> Any:
    """The context that switches 64-bit numbers on; its name changed between versions."""
    if "enable_x64" in vars(jax):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64

    return enable_x64(True)


def _logdet(u: Array) -> Array:
    """log det for a positive determinant, else nan."""
    sign, value = jnp.linalg.slogdet(u)
    return jnp.where(sign > 0, value, jnp.nan)


def _loggamma(u: Array) -> Array:
    """log Gamma(u) where Gamma is positive, else nan."""
    return jnp.where(special.gammasgn(u) > 0, special.gammaln(u), jnp.nan)


def _digamma(u: Array) -> Array:
    return jnp.where(u == 0, -jnp.inf, special.digamma(u))


def _trigamma(u: Array) -> Array:
    """psi'(u); below 1/2 by psi'(u) + psi'(1 - u) = pi^2/sin^2(pi u)."""
    mirrored = u < 0.5
    value = special.polygamma(1, jnp.where(mirrored, 1.0 - u, u))
    sine = jnp.sin(jnp.pi * (u - jnp.round(u)))
    return jnp.where(mirrored, (jnp.pi / sine) ** 2 - value, value)


_SAME = words(
    "exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan sinh cosh tanh abs sign maximum minimum "
    "logaddexp hypot where matmul trace diag"
)

_LIBRARY = Library(
    plain={
        **{name: vars(jnp)[name] for name in _SAME},
        "asin": jnp.arcsin, "acos": jnp.arccos, "atan": jnp.arctan, "asinh": jnp.arcsinh,
        "acosh": jnp.arccosh, "atanh": jnp.arctanh, "atan2": jnp.arctan2, "pow": jnp.power,
        "outer": jnp.outer, "transpose": jnp.transpose, "det": jnp.linalg.det,
        "inv": jnp.linalg.inv, "solve": jnp.linalg.solve, "logdet": _logdet, "erf": special.erf,
        "erfc": special.erfc, "gamma": special.gamma, "loggamma": _loggamma,
        "digamma": _digamma, "trigamma": _trigamma,
    },
    sum=lambda u, axes, keep: jnp.sum(u, axis=axes, keepdims=keep),
    prod=lambda u, axes, keep: jnp.prod(u, axis=axes, keepdims=keep),
    amax=lambda u, axes, keep: jnp.max(u, axis=axes, keepdims=keep),
    amin=lambda u, axes, keep: jnp.min(u, axis=axes, keepdims=keep),
    mean=lambda u, axes, keep: jnp.mean(u, axis=axes, keepdims=keep),
    cumprod=lambda u: jnp.cumprod(u, axis=0),
    flip=lambda u: u[::-1],
    concatenate=jnp.concatenate,
    moveaxis=jnp.moveaxis,
    squeeze=lambda u, axes: jnp.squeeze(u, axis=axes),
    isfinite=jnp.isfinite,
    ones_like=jnp.ones_like,
    zeros_like=jnp.zeros_like,
    broadcast_to=jnp.broadcast_to,
    placed=lambda shape, index, part: jnp.zeros(shape, dtype=part.dtype).at[index].set(part),
)  # fmt: skip

__all__ = ["JaxDevice"]
