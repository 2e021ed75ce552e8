"""The elementary functions in vectors: branch-free, at most 4 units in the last place.

Every function reduces its argument exactly (Cody & Waite, with fused multiply-add),
evaluates a polynomial, and puts the parts together so that the leading one is rounded once.
Signs, zeros, denormals, infinities and nan come out as in IEEE 754. Sources: fdlibm (Sun
Microsystems 1993) for the kernels of log, sin, cos, asin and atan; Muller, "Elementary
Functions", chapters 3, 9 and 11 for the reductions. The polynomial of exp is a Chebyshev fit
(``mpmath.chebyfit``, error 1.4e-18 on |r| <= ln(2)/2).
"""

from symgd.compile.native.circular import (
    acos,
    asin,
    atan,
    atan2,
    cos,
    cot,
    csc,
    sec,
    sin,
    tan,
)  # fmt: skip
from symgd.compile.native.exponentials import (
    cosh,
    coth,
    csch,
    exp,
    expm1,
    sech,
    sigmoid,
    sinh,
    tanh,
)  # fmt: skip
from symgd.compile.native.logarithms import (
    acosh,
    asinh,
    atanh,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    softplus,
)  # fmt: skip
from symgd.compile.native.ordering import heaviside, hypot, maximum, minimum, sign

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "cot",
    "coth",
    "csc",
    "csch",
    "exp",
    "expm1",
    "heaviside",
    "hypot",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "maximum",
    "minimum",
    "sec",
    "sech",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softplus",
    "tan",
    "tanh",
]  # fmt: skip
