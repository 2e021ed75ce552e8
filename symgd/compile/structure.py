"""What kind of loss is it? Read from the graph, before a number is computed.

A loss that is a sum of squares has a residual vector r(theta), and Gauss-Newton methods apply;
if r is affine the minimum is one linear solve. A loss of degree 2 needs one Newton step. A kink
(``abs``, ``max``) needs a method that tolerates it. All of this is visible in the formula.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> structure_of(derive(read("mean((y - (m*x + b))^2)"))).words
'the loss is a sum of squares, and its residual is linear in the parameters'
>>> structure_of(derive(read("mean(abs(y - a*exp(-b*x)))"))).words
'the loss has a kink (abs)'
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from symgd.compile.square_terms import Square, SquareTerms, negative, whole_power
from symgd.derive.partials import Partials
from symgd.formula.graph import LOGIC, Node, depends_on, topological

Degree = float
_LINEAR = frozenset({"neg", "sum", "mean", "transpose", "trace", "diag", "getitem", "scatter",
                     "broadcast"})  # fmt: skip
KINKS = frozenset({"abs", "maximum", "minimum", "amax", "amin", "norm1"})
"""Operations whose slope jumps."""


@dataclass(frozen=True)
class Structure:
    """What the graph of a loss shows.

    ``squares`` are the terms if the loss is a sum of squares (plus ``offset``, which has no
    parameters), ``degree`` is that of the loss as a polynomial in the parameters (inf: none),
    ``residual_degree`` that of the residuals, ``kinks`` names operations on the way of a
    parameter at which the slope jumps, ``pieces`` says that there is a ``where``.
    """

    squares: tuple[Square, ...] | None
    offset: tuple[Node, ...]
    degree: Degree
    residual_degree: Degree
    kinks: tuple[str, ...]
    pieces: bool

    @property
    def smooth(self) -> bool:
        """Whether the slope is continuous as far as the graph shows."""
        return not self.kinks

    @property
    def affine(self) -> bool:
        """Whether the loss is a sum of squares of affine residuals."""
        return self.squares is not None and self.residual_degree <= 1

    @property
    def quadratic(self) -> bool:
        """Whether the loss is a polynomial of degree 2 (or less) in the parameters."""
        return self.degree <= 2

    @property
    def words(self) -> str:
        """The finding as half a sentence."""
        if self.kinks:
            return f"the loss has a kink ({', '.join(self.kinks)})"
        if self.affine:
            return "the loss is a sum of squares, and its residual is linear in the parameters"
        if self.squares is not None:
            return "the loss is a sum of squares"
        if self.quadratic:
            return "the loss is quadratic in the parameters"
        return "the loss is smooth"


def structure_of(partials: Partials) -> Structure:
    """The structure of the loss of ``partials``."""
    symbols = [partials.problem.symbol(name) for name in partials.wrt]
    order = topological(partials.loss)
    active = depends_on(order, symbols)
    degree = degrees(order, symbols)
    finder = SquareTerms(active)
    found = finder.total(partials.loss, partials.loss.graph.number(1))
    squares = tuple(finder.terms) if found and finder.terms else None
    if squares and any(negative(square.weight) for square in squares):
        squares = None
    roots = [square.residual for square in squares or ()]
    inner = degrees(topological(*roots), symbols)
    deepest = max((inner[root] for root in roots), default=math.inf)
    return Structure(
        squares,
        tuple(finder.offset) if found else (),
        degree[partials.loss],
        deepest,
        _kinks(order, active),
        any(n.op == "where" and n in active for n in order),
    )


def degrees(order: Iterable[Node], symbols: Iterable[Node]) -> dict[Node, Degree]:
    """The degree of every node of a topological ``order`` as a polynomial in ``symbols``.

    0 where none of them occurs, inf where the node is no polynomial.

    >>> from symgd.formula.problem import read
    >>> p = read("(a*b + 1)^2")
    >>> degrees(topological(p.root), [p.symbol("a")])[p.root]
    2.0
    """
    found: dict[Node, Degree] = dict.fromkeys(symbols, 1.0)
    for node in order:
        if node not in found:
            found[node] = _degree(node, [found[a] for a in node.args])
    return found


def _degree(node: Node, args: list[Degree]) -> Degree:
    if not any(args):
        return 0.0
    if node.op == "add":
        return max(args)
    if node.op in _LINEAR:
        return args[0]
    if node.op in ("mul", "matmul", "outer"):
        return args[0] + args[1]
    if node.op == "div" and args[1] == 0:
        return args[0]
    if node.op == "solve" and args[0] == 0:
        return args[1]
    if node.op == "where" and args[0] == 0:
        return max(args[1:])
    if node.op == "pow" and args[1] == 0:
        power = whole_power(node)
        return args[0] * power if power is not None else math.inf
    return math.inf


def linear_names(partials: Partials, residuals: Iterable[Node]) -> tuple[str, ...]:
    """Parameters in which all residuals are jointly affine, the others held fixed.

    Given those, the best values of these are one linear least-squares solve (variable
    projection: Golub & Pereyra, SIAM J. Numer. Anal. 10 (1973) 413).

    >>> from symgd.derive.partials import derive
    >>> from symgd.formula.problem import read
    >>> d = derive(read("mean((y - (a*exp(-k*x) + c))^2)"))
    >>> linear_names(d, [t.residual for t in structure_of(d).squares])
    ('a', 'c')
    """
    roots = list(residuals)
    order = topological(*roots)
    chosen: list[str] = []
    for name in partials.wrt:
        trial = [partials.problem.symbol(n) for n in (*chosen, name)]
        found = degrees(order, trial)
        if all(found[root] <= 1 for root in roots):
            chosen.append(name)
    return tuple(chosen)


def _kinks(order: list[Node], active: set[Node]) -> tuple[str, ...]:
    """Names of kinked operations that are not softened by a square right above them."""
    above: dict[Node, list[Node]] = {}
    for node in order:
        for arg in node.args:
            above.setdefault(arg, []).append(node)
    names: dict[str, None] = {}
    for node in order:
        if node.op not in KINKS or node not in active:
            continue
        users = [u for u in above.get(node, []) if u.op not in LOGIC]
        if not users or not all(_softens(u, node) for u in users):
            names[_SPELLED.get(node.op, node.op)] = None
    return tuple(names)


_SPELLED = {"maximum": "max", "minimum": "min", "amax": "max", "amin": "min"}


def _softens(user: Node, node: Node) -> bool:
    """Whether ``user`` is node^k with k >= 2, or node*node, where ``node`` is 0 at its kink."""
    if not _zero_at_kink(node):
        return False
    if user.op == "pow" and user.args[0] is node and user.args[1].op == "num":
        return bool(user.args[1].value >= 2)
    return user.op == "mul" and user.args[0] is node and user.args[1] is node


def _zero_at_kink(node: Node) -> bool:
    if node.op == "abs":
        return True
    return node.op in ("maximum", "minimum") and any(a.is_number(0) for a in node.args)
