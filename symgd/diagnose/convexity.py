"""Is the loss convex? Proved by the rules of composition, refuted by a point, or not known.

Every node of the graph gets a curvature (constant, affine, convex, concave) and a sign from those
of its arguments: a convex function that increases, of a convex function, is convex, and so on.
The rules are sufficient, not necessary: what they cannot show is not refuted by that.

Source: Grant, Boyd & Ye, "Disciplined convex programming" (2006); Boyd & Vandenberghe, "Convex
Optimization", section 3.2.4.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> bend_of(derive(read("mean((y - (m*x + b))^2)"))).curvature
'convex'
>>> bend_of(derive(read("mean((y - a*exp(-b*x))^2)"))).curvature
'unknown'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symgd.derive.partials import Partials
from symgd.formula.graph import Node, depends_on, topological

CONSTANT, AFFINE, CONVEX, CONCAVE, UNKNOWN = "constant", "affine", "convex", "concave", "unknown"
PLUS, MINUS, EITHER = 1, -1, 0


@dataclass(frozen=True)
class Bend:
    """The curvature of a node in the parameters, and its sign: 1 (>= 0), -1 (<= 0), 0 (either).

    ``squares`` says that it is the square of a norm of affine functions, so that its root is
    convex, ``log_convex`` that its logarithm is convex.
    """

    curvature: str
    sign: int = EITHER
    squares: bool = False
    log_convex: bool = False

    @property
    def is_convex(self) -> bool:
        return self.curvature in (CONSTANT, AFFINE, CONVEX)

    @property
    def is_concave(self) -> bool:
        return self.curvature in (CONSTANT, AFFINE, CONCAVE)

    @property
    def is_affine(self) -> bool:
        return self.curvature in (CONSTANT, AFFINE)

    def times(self, sign: int) -> Bend:
        """Multiplied by a constant of this sign."""
        if sign > 0:
            return self
        if self.curvature == CONSTANT:
            return Bend(CONSTANT, self.sign * sign)
        if sign < 0:
            return Bend(_FLIPPED[self.curvature], -self.sign)
        return Bend(self.curvature if self.is_affine else UNKNOWN)

    @property
    def is_square(self) -> bool:
        return self.squares or (self.curvature == CONSTANT and self.sign > 0)

    @property
    def is_log_convex(self) -> bool:
        return self.log_convex or (self.curvature == CONSTANT and self.sign > 0)


_FLIPPED = {
    CONSTANT: CONSTANT, AFFINE: AFFINE, CONVEX: CONCAVE, CONCAVE: CONVEX, UNKNOWN: UNKNOWN,
}  # fmt: skip


def bend_of(partials: Partials, signs: Mapping[Node, int] | None = None) -> Bend:
    """The curvature of the loss by the rules; ``signs`` are known signs of constant nodes."""
    symbols = [partials.problem.symbol(name) for name in partials.wrt]
    order = topological(partials.loss)
    active = depends_on(order, symbols)
    known = signs or {}
    found: dict[Node, Bend] = {}
    for node in order:
        args = [found[a] for a in node.args]
        if node in known:
            found[node] = Bend(CONSTANT, known[node])
        elif node in active:
            found[node] = Bend(AFFINE) if node in symbols else _bend(node, args)
        else:
            found[node] = Bend(CONSTANT, _sign(node, args))
    return found[partials.loss]


def _sign(node: Node, args: Sequence[Bend]) -> int:
    """The sign of a constant node."""
    if node.op == "num":
        return PLUS if node.value >= 0 else MINUS
    if node.op in ("const", "dim"):
        return PLUS
    return EITHER if node.op == "sym" else _bend(node, args).sign


def _bend(node: Node, args: Sequence[Bend]) -> Bend:
    rule = _RULES.get(node.op)
    if rule is None:
        return Bend(UNKNOWN)
    return rule(node, list(args))


# -- arithmetic -----------------------------------------------------------------------------------


def _add(node: Node, args: list[Bend]) -> Bend:
    sign = args[0].sign if len({a.sign for a in args}) == 1 else EITHER
    if all(a.is_affine for a in args):
        return Bend(AFFINE, sign)
    if all(a.is_convex for a in args):
        squares = all(a.is_square for a in args)
        return Bend(CONVEX, sign, squares, all(a.is_log_convex for a in args))
    return Bend(CONCAVE if all(a.is_concave for a in args) else UNKNOWN, sign)


def _linear(node: Node, args: list[Bend]) -> Bend:
    return args[0]


def _negative(node: Node, args: list[Bend]) -> Bend:
    return args[0].times(MINUS)


def _product(node: Node, args: list[Bend]) -> Bend:
    (u, v), (left, right) = node.args, args
    if left.curvature == CONSTANT:
        return right.times(left.sign)
    if right.curvature == CONSTANT:
        return left.times(right.sign)
    if u is v:
        return _even_power(left)
    for a, b, bend in ((u, v, left), (v, u, right)):
        if b.op == "log" and b.args[0] is a and bend.is_affine:
            return Bend(CONVEX)  # u log u
    return Bend(UNKNOWN, left.sign * right.sign)


def _quotient(node: Node, args: list[Bend]) -> Bend:
    top, bottom = args
    if bottom.curvature == CONSTANT:
        return top.times(bottom.sign)
    if top.curvature == CONSTANT and bottom.sign > 0 and bottom.is_concave:
        return Bend(CONVEX, PLUS).times(top.sign)
    return Bend(UNKNOWN, top.sign * bottom.sign)


def _matmul(node: Node, args: list[Bend]) -> Bend:
    left, right = args
    if node.args[0] is node.args[1] and len(node.args[0].shape) == 1:
        return _even_power(left)
    if left.curvature == CONSTANT:
        return right.times(left.sign)
    return left.times(right.sign) if right.curvature == CONSTANT else Bend(UNKNOWN)


def _even_power(u: Bend, power: int = 2) -> Bend:
    """u^2, u^4, ...: convex, falling below zero and rising above it."""
    convex = u.is_affine or (u.is_convex and u.sign > 0) or (u.is_concave and u.sign < 0)
    return Bend(CONVEX if convex else UNKNOWN, PLUS, squares=u.is_affine and power == 2)


def _power(node: Node, args: list[Bend]) -> Bend:
    base, exponent = args
    if base.curvature == CONSTANT:
        return _exponential(node, args)
    number = node.args[1].value if node.args[1].op == "num" else None
    if exponent.curvature != CONSTANT or number is None:
        return Bend(UNKNOWN)
    whole = number.denominator == 1
    if whole and number > 0 and number % 2 == 0:
        return _even_power(base, int(number))
    if number >= 1 and base.sign >= 0:
        safe = base.sign > 0 or (not whole and base.is_affine)  # a root keeps u >= 0
        return Bend(CONVEX if base.is_convex and safe else UNKNOWN, base.sign)
    if number >= 1:
        return Bend(CONCAVE if base.is_concave and whole else UNKNOWN, MINUS)
    if number > 0:
        return Bend(CONCAVE if base.is_concave else UNKNOWN, PLUS)
    positive = base.sign > 0 or not whole
    return Bend(CONVEX if base.is_concave and positive else UNKNOWN, PLUS if positive else EITHER)


def _exponential(node: Node, args: list[Bend]) -> Bend:
    """a^u for a constant a."""
    base, exponent = node.args[0], args[1]
    if base.op == "const" or (base.op == "num" and base.value > 0):
        rises = base.op == "const" or base.value >= 1
        fits = exponent.is_convex if rises else exponent.is_concave
        return Bend(CONVEX if fits else UNKNOWN, PLUS)
    return Bend(UNKNOWN)


def _where(node: Node, args: list[Bend]) -> Bend:
    condition, then, otherwise = args
    both = _add(node, [then, otherwise])
    return both if condition.curvature == CONSTANT else Bend(UNKNOWN, both.sign)


# -- functions ------------------------------------------------------------------------------------


def _composed(
    shape: str, trend: int, sign: int, below: str = "", above: str = ""
) -> Callable[[Node, list[Bend]], Bend]:
    """f(u) for a function of this shape that rises (1), falls (-1), or turns at zero (0).

    A function that turns rises above zero and falls below it. ``below`` and ``above`` are the
    shapes for u <= 0 and u >= 0 of a function that has no single one.
    """

    def rule(node: Node, args: list[Bend]) -> Bend:
        (u, *others) = args
        own = sign
        here = shape
        if not here:
            here = above if u.sign > 0 else below if u.sign < 0 else UNKNOWN
        if own == EITHER and shape == "":
            own = u.sign
        slope = trend or u.sign
        bent = _chained(here, slope, [u, *others])
        return Bend(bent, own, log_convex=bent == CONVEX and node.op in ("exp", "cosh"))

    return rule


def _root(node: Node, args: list[Bend]) -> Bend:
    """A norm is convex, though the root is concave."""
    if args[0].squares:
        return Bend(CONVEX, PLUS)
    return Bend(_chained(CONCAVE, 1, args), PLUS)


def _logarithm(node: Node, args: list[Bend]) -> Bend:
    """The logarithm of a sum of exponentials is convex, though the logarithm is concave."""
    if args[0].log_convex:
        return Bend(CONVEX)
    return Bend(_chained(CONCAVE, 1, args))


def _chained(shape: str, slope: int, args: list[Bend]) -> str:
    if shape == CONVEX:
        fits = all(u.is_affine or (u.is_convex and slope > 0) or (u.is_concave and slope < 0)
                   for u in args)  # fmt: skip
    else:
        fits = all(u.is_affine or (u.is_concave and slope > 0) or (u.is_convex and slope < 0)
                   for u in args)  # fmt: skip
    return shape if fits and shape in (CONVEX, CONCAVE) else UNKNOWN


def _extremum(shape: str) -> Callable[[Node, list[Bend]], Bend]:
    def rule(node: Node, args: list[Bend]) -> Bend:
        want = PLUS if shape == CONVEX else MINUS
        signs = [a.sign for a in args]
        sign = want if want in signs else -want if all(s == -want for s in signs) else EITHER
        return Bend(_chained(shape, 1, args), sign)

    return rule


def _norm(node: Node, args: list[Bend]) -> Bend:
    (u,) = args
    return Bend(_chained(CONVEX, u.sign, args), PLUS)


def _solve(node: Node, args: list[Bend]) -> Bend:
    matrix, right = args
    return right.times(EITHER) if matrix.curvature == CONSTANT else Bend(UNKNOWN)


_RULES: dict[str, Callable[[Node, list[Bend]], Bend]] = {
    "add": _add, "neg": _negative, "mul": _product, "outer": _product, "div": _quotient,
    "matmul": _matmul, "pow": _power, "where": _where, "solve": _solve,
    "maximum": _extremum(CONVEX), "minimum": _extremum(CONCAVE),
    "amax": _extremum(CONVEX), "amin": _extremum(CONCAVE),
    "exp": _composed(CONVEX, 1, PLUS), "expm1": _composed(CONVEX, 1, EITHER),
    "softplus": _composed(CONVEX, 1, PLUS), "logaddexp": _composed(CONVEX, 1, EITHER),
    "logsumexp": _composed(CONVEX, 1, EITHER),
    "abs": _composed(CONVEX, 0, PLUS), "cosh": _composed(CONVEX, 0, PLUS),
    "hypot": lambda node, args: Bend(
        CONVEX if all(a.is_affine for a in args) else UNKNOWN, PLUS
    ),
    "norm": _norm, "norm1": _norm,
    "log": _logarithm, "log2": _logarithm, "log10": _logarithm,
    "log1p": _composed(CONCAVE, 1, EITHER), "sqrt": _root, "logdet": _composed(CONCAVE, 1, EITHER),
    "sigmoid": _composed("", 1, PLUS, CONVEX, CONCAVE),
    "tanh": _composed("", 1, EITHER, CONVEX, CONCAVE),
    "atan": _composed("", 1, EITHER, CONVEX, CONCAVE),
    "erf": _composed("", 1, EITHER, CONVEX, CONCAVE),
    "asinh": _composed("", 1, EITHER, CONVEX, CONCAVE),
    "sinh": _composed("", 1, EITHER, CONCAVE, CONVEX),
    "cbrt": _composed("", 1, EITHER, CONVEX, CONCAVE),
}  # fmt: skip
_RULES |= dict.fromkeys(
    ("sum", "mean", "transpose", "trace", "diag", "getitem", "scatter", "broadcast"), _linear
)
