"""The table of derivatives: one row per operation.

A row says how the operation passes a derivative on: backwards (``adjoint``: from
dL/d(result) to dL/d(argument)) and forwards (``tangent``: from the change of the
arguments to the change of the result), where it is defined, and the sentence a
teacher would say. Elementwise functions take their local derivative from SymPy
(:func:`symgd.algebra.local.local_derivatives`); the rows here are those of
arithmetic, of the numerically careful functions, and of arrays.

Adjoints may be smaller than the array they stand for: a scalar adjoint of a
column means "the same for every row". :func:`reduced` knows this, which is why
``d/da sum(y - a)`` is ``-N`` and not ``-1``.

Source of the array adjoints: M. Giles, "Collected matrix derivative results for
forward and reverse mode algorithmic differentiation" (2008), section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symgd.derive.arrays import (
    count_of,
    eye,
    filled,
    inserted,
    matmul,
    over,
    per_norm,
    scalar_factor,
    times,
)
from symgd.errors import UnsupportedError
from symgd.formula.functions import ELEMENTWISE_1, ELEMENTWISE_2
from symgd.formula.graph import COMPARISONS, Node
from symgd.formula.shapes import normal_axes

Adjoint = Callable[[Node, Node], "list[Node | None]"]
Partials = Callable[[Node], "tuple[Node | None, ...]"]


@dataclass(frozen=True)
class Rule:
    """How one operation is differentiated.

    ``partials`` gives d result/d argument for elementwise operations;
    ``adjoint`` maps (node, adjoint of the node) to the adjoints of its
    arguments. ``name`` and ``sentence`` are what the steps say; ``domain`` says
    where the derivative exists when that is not everywhere.
    """

    name: str
    sentence: str
    partials: Partials | None = None
    adjoint: Adjoint | None = None
    domain: str | None = None


# -- arithmetic ---------------------------------------------------------------------------------


def _mul(node: Node) -> tuple[Node | None, ...]:
    u, v = node.args
    return v, u


def _pow(node: Node) -> tuple[Node | None, ...]:
    base, exponent = node.args
    to_base = exponent * base ** (exponent - 1)
    if exponent.op == "num":
        return to_base, None
    if base.op == "const" and base.value == "e":
        return to_base, node
    return to_base, node.graph.make("log", base) * node


def _add_adjoint(node: Node, g: Node) -> list[Node | None]:
    return [g] * len(node.args)


def _div_adjoint(node: Node, g: Node) -> list[Node | None]:
    u, v = node.args
    return [over(g, v), -over(times(g, u), v**2)]


# -- functions whose derivative is written with care ----------------------------------------------


def _sigmoid(node: Node) -> tuple[Node | None, ...]:
    return (node * (1 - node),)


def _softplus(node: Node) -> tuple[Node | None, ...]:
    return (node.graph.make("sigmoid", node.args[0]),)


def _logaddexp(node: Node) -> tuple[Node | None, ...]:
    u, v = node.args
    return node.graph.make("sigmoid", u - v), node.graph.make("sigmoid", v - u)


def _sqrt(node: Node) -> tuple[Node | None, ...]:
    return (1 / (2 * node),)


def _hypot(node: Node) -> tuple[Node | None, ...]:
    u, v = node.args
    return per_norm(u, node), per_norm(v, node)


def _cbrt(node: Node) -> tuple[Node | None, ...]:
    return (1 / (3 * node**2),)


def _expm1(node: Node) -> tuple[Node | None, ...]:
    return (node.graph.make("exp", node.args[0]),)


def _abs(node: Node) -> tuple[Node | None, ...]:
    return (node.graph.make("sign", node.args[0]),)


def _no_slope(node: Node) -> tuple[Node | None, ...]:
    return (None,) * len(node.args)


def _choice(comparison: str) -> Adjoint:
    """max and min: the chosen argument passes the derivative on, a constant loses ties."""

    def adjoint(node: Node, g: Node) -> list[Node | None]:
        u, v = node.args
        graph = node.graph
        strict = comparison + "t"
        zero = graph.number(0)
        first = strict if v.op in ("num", "const") else comparison + "e"
        return [
            graph.where(graph.make(first, u, v), g, zero),
            graph.where(graph.make(strict, v, u), g, zero),
        ]

    return adjoint


def _where(node: Node, g: Node) -> list[Node | None]:
    condition, _, _ = node.args
    graph = node.graph
    zero = graph.number(0)
    return [
        None,
        graph.where(condition, g, zero),
        graph.where(_opposite(condition), g, zero),
    ]


_OPPOSITE = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "eq": "ne", "ne": "eq"}


def _opposite(condition: Node) -> Node:
    if condition.op in _OPPOSITE:
        return condition.graph.make(_OPPOSITE[condition.op], *condition.args)
    return condition.graph.make("not", condition)


# -- reductions -----------------------------------------------------------------------------------


def _sum(node: Node, g: Node) -> list[Node | None]:
    return [inserted(node, g)]


def _mean(node: Node, g: Node) -> list[Node | None]:
    return [inserted(node, g) / count_of(node)]


def _prod(node: Node, g: Node) -> list[Node | None]:
    rest = node.graph.make("prodrest", node.args[0], value=(node.value[0], False))
    return [inserted(node, g) * rest]


def _extreme(node: Node, g: Node) -> list[Node | None]:
    """The largest entries share the derivative."""
    (u,), graph = node.args, node.graph
    chosen = graph.make("eq", u, inserted(node, node))
    ones = graph.make("where", chosen, graph.number(1), graph.number(0))
    ties = graph.make("sum", ones, value=(node.value[0], True))
    if node.value[0] is None:
        ties = graph.make("sum", ones, value=(None, False))
    return [graph.where(chosen, inserted(node, g) / ties, graph.number(0))]


def _logsumexp(node: Node, g: Node) -> list[Node | None]:
    (u,), graph = node.args, node.graph
    axes = normal_axes(node.value[0], len(u.shape))
    if len(axes) == 1:
        axis = axes[0] - len(u.shape)
        return [inserted(node, g) * graph.make("softmax", u, value=axis)]
    return [inserted(node, g) * graph.make("exp", u - inserted(node, node))]


def _softmax(node: Node, g: Node) -> list[Node | None]:
    inner = node.graph.make("sum", g * node, value=((node.value,), True))
    return [node * (g - inner)]


def _norm(node: Node, g: Node) -> list[Node | None]:
    return [inserted(node, g) * per_norm(node.args[0], inserted(node, node))]


def _norm1(node: Node, g: Node) -> list[Node | None]:
    return [inserted(node, g) * node.graph.make("sign", node.args[0])]


# -- linear algebra -------------------------------------------------------------------------------


def _matmul(node: Node, g: Node) -> list[Node | None]:
    a, b = node.args
    if len(a.shape) == 1 and len(b.shape) == 1:
        return [g * b, g * a]
    g = filled(g, node.shape)
    if len(b.shape) == 1:
        return [_outer(g, b), matmul(a.T, g)]
    if len(a.shape) == 1:
        return [matmul(b, g), _outer(a, g)]
    return [matmul(g, b.T), matmul(a.T, g)]


def _outer(u: Node, v: Node) -> Node:
    """u v^T, its scalar factors in front."""
    (a, p), (b, q) = scalar_factor(u), scalar_factor(v)
    return a * b * u.graph.make("outer", p, q)


def _outer_adjoint(node: Node, g: Node) -> list[Node | None]:
    a, b = node.args
    g = filled(g, node.shape)
    return [matmul(g, b), matmul(g.T, a)]


def _transpose(node: Node, g: Node) -> list[Node | None]:
    return [g if not g.shape else filled(g, node.shape).T]


def _trace(node: Node, g: Node) -> list[Node | None]:
    return [g * eye(node.args[0])]


def _det(node: Node, g: Node) -> list[Node | None]:
    return [g * node * node.graph.make("inv", node.args[0]).T]


def _logdet(node: Node, g: Node) -> list[Node | None]:
    return [g * node.graph.make("inv", node.args[0]).T]


def _inv(node: Node, g: Node) -> list[Node | None]:
    g = filled(g, node.shape)
    return [-matmul(matmul(node.T, g), node.T)]


def _solve(node: Node, g: Node) -> list[Node | None]:
    a, b = node.args
    g = filled(g, node.shape)
    to_b = node.graph.make("solve", a.T, g)
    to_a = _outer(to_b, node) if len(b.shape) == 1 else matmul(to_b, node.T)
    return [-to_a, to_b]


def _diag(node: Node, g: Node) -> list[Node | None]:
    return [node.graph.make("diag", filled(g, node.shape))]


# -- places ---------------------------------------------------------------------------------------


def _getitem(node: Node, g: Node) -> list[Node | None]:
    (u,) = node.args
    items = node.value
    whole = ("slice", None, None, None)
    if all(item in (whole, ("new",)) for item in items):
        if not g.shape:
            return [g]
        g = filled(g, node.shape)
        added = tuple(axis for axis, item in enumerate(items) if item == ("new",))
        scalar, array = scalar_factor(g)
        if array.op == "sum" and array.value == (added, True):
            return [scalar * node.graph.make("sum", array.args[0], value=(added, False))]
        back = tuple(("at", 0) if item == ("new",) else whole for item in items)
        return [node.graph.make("getitem", g, value=back)]
    return [node.graph.make("scatter", filled(g, node.shape), value=(u.shape, items))]


def _scatter(node: Node, g: Node) -> list[Node | None]:
    return [node.graph.make("getitem", filled(g, node.shape), value=node.value[1])]


def _broadcast(node: Node, g: Node) -> list[Node | None]:
    return [g]


def _unsupported(node: Node, g: Node) -> list[Node | None]:
    raise UnsupportedError(f"the derivative of {node.op} is not known")


_CHAIN = "the derivative of the outer function at the inner one, times the inner derivative"


def _table() -> dict[str, Rule]:
    by_sympy = {
        op: Rule("chain rule", _CHAIN, domain=_DOMAINS.get(op))
        for op in ELEMENTWISE_1 + ELEMENTWISE_2
    }
    own = {
        "add": Rule("sum rule", "a sum is differentiated term by term", adjoint=_add_adjoint),
        "neg": Rule("constant factor", "a constant factor stays", adjoint=lambda n, g: [-g]),
        "mul": Rule("product rule", "(uv)' = u'v + uv'", _mul),
        "div": Rule("quotient rule", "(u/v)' = (u'v - uv')/v^2", None, _div_adjoint,
                    "the denominator is not 0"),
        "pow": Rule("power rule", "(u^n)' = n u^(n-1) u'", _pow),
        "where": Rule("piecewise", "each branch is differentiated where it holds", None, _where,
                      "off the breakpoints"),
        "maximum": Rule("maximum", "the larger argument passes its derivative on", None,
                        _choice("g"), "off the ties; at a tie a subgradient is used"),
        "minimum": Rule("minimum", "the smaller argument passes its derivative on", None,
                        _choice("l"), "off the ties; at a tie a subgradient is used"),
        "sigmoid": Rule("chain rule", "sigmoid' = sigmoid (1 - sigmoid)", _sigmoid),
        "softplus": Rule("chain rule", "the derivative of log(1 + e^u) is sigmoid(u)", _softplus),
        "logaddexp": Rule("chain rule", _CHAIN, _logaddexp),
        "sqrt": Rule("chain rule", "the derivative of sqrt(u) is 1/(2 sqrt(u))", _sqrt,
                     domain="the argument is positive"),
        "hypot": Rule("chain rule", _CHAIN, _hypot, domain=_DOMAINS["hypot"]),
        "cbrt": Rule("chain rule", _CHAIN, _cbrt, domain="the argument is not 0"),
        "expm1": Rule("chain rule", "the derivative of e^u - 1 is e^u", _expm1),
        "abs": Rule("absolute value", "the derivative of |u| is the sign of u", _abs,
                    domain="the argument is not 0; there 0 is used, a subgradient"),
        "sum": Rule("sum over data", "the derivative of a sum is the sum of the derivatives",
                    None, _sum),
        "mean": Rule("mean", "the derivative of a mean is the mean of the derivatives", None,
                     _mean),
        "prod": Rule("product over data", "each factor in turn, the others kept", None, _prod),
        "amax": Rule("maximum", "the largest entry passes its derivative on", None, _extreme,
                     "off the ties; at a tie the entries share it"),
        "amin": Rule("minimum", "the smallest entry passes its derivative on", None, _extreme,
                     "off the ties; at a tie the entries share it"),
        "logsumexp": Rule("log-sum-exp", "its derivative is the softmax", None, _logsumexp),
        "softmax": Rule("softmax", "s (g - sum(g s))", None, _softmax),
        "norm": Rule("norm", "the derivative of |u| is u/|u|", None, _norm,
                     "the norm is not 0; there 0 is used, a subgradient"),
        "norm1": Rule("1-norm", "the derivative of sum |u| is sign(u)", None, _norm1,
                      "no entry is 0; there 0 is used, a subgradient"),
        "matmul": Rule("matrix product", "d(AB) = dA B + A dB", None, _matmul),
        "outer": Rule("outer product", "d(u v^T) = du v^T + u dv^T", None, _outer_adjoint),
        "transpose": Rule("transpose", "(dA)^T", None, _transpose),
        "trace": Rule("trace", "d tr(A) = tr(dA)", None, _trace),
        "det": Rule("determinant", "d det A = det A tr(A^-1 dA)", None, _det,
                    "the matrix is invertible"),
        "logdet": Rule("log-determinant", "d log det A = tr(A^-1 dA)", None, _logdet,
                       "the determinant is positive"),
        "inv": Rule("inverse", "d A^-1 = -A^-1 dA A^-1", None, _inv, "the matrix is invertible"),
        "solve": Rule("linear system", "d(A^-1 b) = A^-1 (db - dA A^-1 b)", None, _solve,
                      "the matrix is invertible"),
        "diag": Rule("diagonal", "the diagonal of the derivative", None, _diag),
        "getitem": Rule("entries", "the derivative of the chosen entries", None, _getitem),
        "scatter": Rule("entries", "the derivative of the placed entries", None, _scatter),
        "broadcast": Rule("repeat", "the same for every entry", None, _broadcast),
        "prodrest": Rule("product over data", "not differentiated again", None, _unsupported),
    }  # fmt: skip
    flat = ("sign", "heaviside", "not", "and", "or", *COMPARISONS)
    steps = {op: Rule("constant", "piecewise constant: slope 0", _no_slope) for op in flat}
    return {**by_sympy, **own, **steps}


_DOMAINS = {
    "log": "the argument is positive",
    "log2": "the argument is positive",
    "log10": "the argument is positive",
    "log1p": "the argument is above -1",
    "asin": "the argument is between -1 and 1",
    "acos": "the argument is between -1 and 1",
    "atanh": "the argument is between -1 and 1",
    "acosh": "the argument is above 1",
    "tan": "the cosine is not 0",
    "sec": "the cosine is not 0",
    "csc": "the sine is not 0",
    "cot": "the sine is not 0",
    "gamma": "the argument is not 0, -1, -2, ...",
    "loggamma": "the argument is positive",
    "atan2": "not both arguments are 0",
    "hypot": "not both arguments are 0; there 0 is used, a subgradient",
}

RULES: dict[str, Rule] = _table()


def partials_of(node: Node) -> tuple[Node | None, ...]:
    """d node/d argument of an elementwise operation, by its row or by SymPy."""
    rule = RULES[node.op]
    if rule.partials is not None:
        return rule.partials(node)
    from symgd.algebra.local import local_derivatives

    return local_derivatives(node)


def adjoints_of(node: Node, g: Node, active: set[Node]) -> list[Node | None]:
    """The adjoints of those arguments of ``node`` that are ``active``, others ``None``.

    Those of elementwise operations have the shape of the node.
    """
    rule = RULES.get(node.op)
    if rule is None:
        raise UnsupportedError(f"the derivative of {node.op} is not known")
    if rule.adjoint is not None:
        found = rule.adjoint(node, g)
        return [d if a in active else None for a, d in zip(node.args, found, strict=True)]
    return [
        times(g, d) if d is not None and a in active else None
        for a, d in zip(node.args, partials_of(node), strict=True)
    ]


ELEMENTWISE_ADJOINTS = frozenset(
    op for op, rule in RULES.items()
    if rule.adjoint is None
    or op in ("add", "neg", "div", "where", "maximum", "minimum", "broadcast")
)  # fmt: skip
"""Operations whose adjoints still have to be summed back over broadcast axes."""

__all__ = ["ELEMENTWISE_ADJOINTS", "RULES", "Rule", "adjoints_of", "partials_of"]
