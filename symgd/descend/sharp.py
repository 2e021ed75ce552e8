r"""A minimum of a smooth loss, proved at one point by exact second derivatives.

With d = -H^-1 g at theta and d' = -H'^-1 g' at theta + d, a positive definite H that hardly
changes along d and a |d'| that is small against |d| put the minimum at theta + d + d' up to a
fraction of d' (Newton & Kantorovich). What rounding adds is seen at points a few units in the
last place away. The loss must be known to be smooth: a kink between the points is not looked for.

>>> import numpy as np
>>> class Bowl:
...     def __call__(self, t):
...         return float(np.cosh(t[0] - 1)), np.sinh(t - 1)
...     def hessian(self, t):
...         return np.cosh(t - 1)[:, None]
>>> errors = sharp(Bowl(), np.array([1.001]))
>>> bool(0.001 <= errors[0] < 0.0011), sharp(Bowl(), np.array([9.0])) is None
(True, True)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symgd.descend.curvature import EPS
from symgd.descend.objective import FloatArray
from symgd.descend.trust import Model

_CHANGE = 0.25


def sharp(function: Any, theta: FloatArray) -> FloatArray | None:
    """The error of each parameter (p,), or None if this is not seen to be a minimum."""
    here = _model(function, theta)
    if here is None:
        return None
    hessian, model = here
    inverse = (model.vectors / model.values) @ model.vectors.T / np.outer(model.scale, model.scale)
    step = model.full()
    floor, doubt = _rounding(function, theta, hessian, model, step, inverse)
    if not model.values[0] > doubt or not np.isfinite(floor).all():
        return None
    after = _model(function, theta + step)
    if after is None:
        return None
    change = (after[0] - hessian) / np.outer(model.scale, model.scale)
    if not np.abs(change).sum(axis=1).max() <= _CHANGE * model.values[0] + doubt:
        return None
    second = after[1].full()
    size = np.maximum(np.abs(step), 1e-3 * float(np.abs(step).max()) * (step != 0))
    if (np.abs(second) > np.maximum(0.1 * size, 8 * floor)).any():
        return None
    errors: FloatArray = np.abs(step + second) + 0.12 * np.abs(second) + floor
    return errors


def _model(function: Any, theta: FloatArray) -> tuple[FloatArray, Model] | None:
    """The Hessian and the quadratic model, where it is finite and convex."""
    loss, gradient = function(theta)
    hessian = function.hessian(theta)
    finite = np.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite(hessian).all()
    if not finite or not (np.diagonal(hessian) > 0).all():
        return None
    model = Model(hessian, gradient)
    return (hessian, model) if model.values[0] > 0 else None


def _rounding(
    function: Any, theta: FloatArray, hessian: FloatArray, model: Model, step: FloatArray,
    inverse: FloatArray,
) -> tuple[FloatArray, float]:  # fmt: skip
    """What rounding does to the Newton step (p,), and to the least eigenvalue."""
    units = np.outer(model.scale, model.scale)
    spacing = np.spacing(np.abs(theta))
    signs = np.where(np.arange(theta.size) % 2, 1.0, -1.0)
    floor = spacing / 2 + EPS / 8 * (np.abs(inverse) @ (np.abs(hessian) @ np.abs(theta)))
    doubt = 1e-13 * theta.size
    for shift in (3 * spacing, -5 * signs * spacing, 11 * signs * spacing):
        moved = theta + shift
        _, gradient = function(moved)
        seen = -(inverse @ gradient) + (moved - theta) - step
        floor = np.maximum(floor, np.abs(seen))
        noise = np.abs(function.hessian(moved) - hessian) / units
        doubt = max(doubt, 4 * float(noise.sum(axis=1).max()))
    return floor, doubt
