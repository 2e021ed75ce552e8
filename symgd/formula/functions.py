"""The functions a formula may call: one table, nothing else is callable.

``FUNCTIONS`` maps every accepted spelling (NumPy's, SymPy's, the textbook's) to
the operation of the graph and the number of arguments it takes.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass


def words(text: str) -> list[str]:
    """The names in a line of text, for tables that a person reads."""
    return text.split()


ELEMENTWISE_1 = words(
    "exp expm1 log log1p log2 log10 sqrt cbrt "
    "sin cos tan sec csc cot asin acos atan "
    "sinh cosh tanh sech csch coth asinh acosh atanh "
    "abs sign heaviside erf erfc gamma loggamma digamma trigamma sigmoid softplus"
)
ELEMENTWISE_2 = words("maximum minimum atan2 hypot logaddexp")
REDUCTIONS = words("sum mean prod amax amin logsumexp norm norm1 var std")
"""Operations that run over all entries, or over ``axis=``."""
MATRIX_1 = words("trace det logdet inv diag")
MATRIX_2 = words("solve outer dot matmul")


@dataclass(frozen=True, slots=True)
class Function:
    """What a call means: the operation and how many arguments it may have."""

    operation: str
    least: int
    most: int
    keywords: tuple[str, ...] = ()


def _table() -> dict[str, Function]:
    table = {name: Function(name, 1, 1) for name in ELEMENTWISE_1 + MATRIX_1}
    table |= {name: Function(name, 2, 2) for name in ELEMENTWISE_2 + MATRIX_2}
    axes = ("axis", "keepdims")
    table |= {name: Function(name, 1, 1, axes) for name in REDUCTIONS}
    table |= {
        "max": Function("max", 1, 64, axes),
        "min": Function("min", 1, 64, axes),
        "where": Function("where", 3, 3),
        "clip": Function("clip", 3, 3),
        "square": Function("square", 1, 1),
        "reciprocal": Function("reciprocal", 1, 1),
        "relu": Function("relu", 1, 1),
        "power": Function("power", 2, 2),
        "transpose": Function("transpose", 1, 1),
        "softmax": Function("softmax", 1, 1, ("axis",)),
        "prodrest": Function("prodrest", 1, 1, ("axis",)),
        "size": Function("size", 1, 1),
        "ones_like": Function("ones_like", 1, 1),
        "full_like": Function("full_like", 2, 2),
        "matrix_power": Function("matrix_power", 2, 2),
        "polygamma": Function("polygamma", 2, 2),
        "exp2": Function("exp2", 1, 1),
    }
    for spelling, meaning in _ALIASES.items():
        table[spelling] = table[meaning]
    return table


_ALIASES = {
    "ln": "log", "lg": "log10", "Abs": "abs", "fabs": "abs", "absolute": "abs",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh", "cosec": "csc",
    "sgn": "sign", "Heaviside": "heaviside",
    "lgamma": "loggamma", "gammaln": "loggamma", "Γ": "gamma", "psi": "digamma", "ψ": "digamma",
    "expit": "sigmoid", "logistic": "sigmoid", "σ": "sigmoid", "sigma": "sigmoid",  # noqa: RUF001
    "Max": "max", "Min": "min", "pow": "power",
    "tr": "trace", "Tr": "trace", "average": "mean", "inner": "dot", "vdot": "dot",
}  # fmt: skip

FUNCTIONS: dict[str, Function] = _table()

BARE_ALLOWED = frozenset(
    words(
        "gamma sigma \u03c3 Γ psi ψ tr Tr size power square clip lg pow average inner var std "
        "diag logistic digamma trigamma reciprocal transpose outer solve dot inv det trace"
    )
)
"""Function names that are ordinary names when no bracket follows (``gamma*x``)."""

RESERVED = frozenset(
    words(
        "and or not is in if else elif for while def del await async return import from class "
        "global nonlocal pass yield with as try except finally raise assert break continue "
        "None True False inf infinity Infinity nan NaN oo zoo"
    )
)


def nearest(name: str, among: list[str] | None = None) -> str | None:
    """The legal spelling closest to ``name``, or ``None`` when nothing is close."""
    found = difflib.get_close_matches(name, among or list(FUNCTIONS), n=1, cutoff=0.75)
    return found[0] if found else None
