"""Sums of functions of the target alone: what likelihoods and R^2 are compared with."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from symgd.compile.interpret import interpreted
from symgd.compile.program import linearize
from symgd.data.columns import FloatArray
from symgd.formula.problem import read
from symgd.scale.parts import Block, length_of
from symgd.scale.spec import ROWS, Spec

MOMENTS = ("weight", "log_weight", "mean", "log_factorial", "entropy", "other_entropy")
"""sum of w, log w (where w > 0), w*y, w*log(y!), w*y*log(y), w*(1 - y)*log(1 - y)."""


def moments_of(spec: Spec, block: Block) -> FloatArray:
    """The sums of ``MOMENTS`` over one block, (6,)."""
    from scipy.special import gammaln, xlogy

    n = length_of(block)
    y = evaluate(spec.target, spec.columns, block)
    w = evaluate(spec.factor, spec.columns, block) if spec.factor else np.ones(n)
    with np.errstate(all="ignore"):
        terms = [
            w, np.log(w[w > 0]), w * y, w * gammaln(y + 1.0), w * xlogy(y, y),
            w * xlogy(1 - y, 1 - y),
        ]  # fmt: skip
    return np.array([math.fsum(t.tolist()) if np.isfinite(t).all() else np.nan for t in terms])


def summed(found: list[FloatArray]) -> FloatArray:
    """The sums of all blocks."""
    columns = np.array(found).T
    return np.array([math.fsum(c.tolist()) if np.isfinite(c).all() else np.nan for c in columns])


Shapes = tuple[tuple[str, tuple[int, ...]], ...]


def evaluate(text: str, columns: Shapes, block: Block) -> FloatArray:
    """A formula of the columns, one number for each row."""
    names, sizes, function = _function(text, columns)
    n = length_of(block)
    (values,) = function(*[block[name] for name in names], *[np.float64(n)] * sizes)
    found: FloatArray = np.broadcast_to(values, (n,))
    return found


@lru_cache(maxsize=64)
def _function(text: str, columns: Shapes) -> tuple[tuple[str, ...], int, Any]:
    """The names of the columns, how many sizes there are, and the function of both."""
    problem = read(text, wrt=(), columns={n: (ROWS, *s) for n, s in columns})
    program = linearize([problem.root])
    return tuple(program.symbols), len(program.sizes), interpreted(program)
