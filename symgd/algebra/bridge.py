"""The graph to SymPy and back.

Scalars go over as they are; a column of data becomes ``x[i]`` of an
``IndexedBase`` and a sum over it a ``Sum``, so that rows are never lost:
``sum(x/x)`` comes back as the number of rows. What SymPy has no faithful object
for (matrix products, determinants) is refused. SymPy is imported when first used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from symgd.errors import UnsupportedError
from symgd.formula.graph import Graph, Node, topological

INDEX = "i"


def symbol(name: str) -> Any:
    """The one real SymPy symbol of a name."""
    return sp.Symbol(name, real=True)


def to_sympy(root: Node) -> Any:
    """The SymPy expression of a formula of numbers and data columns.

    >>> from symgd.formula.problem import read
    >>> to_sympy(read("mean((y - m*x)^2)").root)
    Sum((-m*x[i] + y[i])**2, (i, 1, N))/N
    """
    taken = {n.value for n in topological(root) if n.op == "sym"}
    names = [INDEX, "j", "k", *(f"i{n}" for n in range(99))]
    index = sp.Symbol(next(n for n in names if n not in taken), integer=True, positive=True)
    done: dict[Node, Any] = {}
    for node in topological(root):
        done[node] = _convert(node, [done[a] for a in node.args], index)
    return done[root]


def _convert(node: Node, args: list[Any], index: Any) -> Any:
    op = node.op
    if op == "num":
        return sp.Rational(node.value.numerator, node.value.denominator)
    if op == "const":
        return sp.E if node.value == "e" else sp.pi
    if op == "dim":
        return sp.Symbol(node.value, integer=True, positive=True)
    if op == "sym":
        if not node.shape:
            return symbol(node.value)
        if len(node.shape) == 1 and isinstance(node.shape[0], str):
            return sp.IndexedBase(node.value, real=True)[index]
        raise UnsupportedError(f"{node.value} is a matrix; SymPy formulas are of columns only")
    if op in ("sum", "mean", "prod"):
        return _over_rows(node, args[0], index)
    rule = FUNCTIONS.get(op)
    if rule is None:
        raise UnsupportedError(f"{op} has no faithful form in SymPy")
    if any(len(a.shape) > 1 for a in node.args):
        raise UnsupportedError("matrices have no faithful elementwise form in SymPy")
    return rule(*args)


def _over_rows(node: Node, body: Any, index: Any) -> Any:
    axes, _ = node.value
    (size,) = node.args[0].shape if len(node.args[0].shape) == 1 else (None,)
    if size is None or axes not in (None, (0,)) or not isinstance(size, str) or "-" in size:
        raise UnsupportedError("only sums over whole columns have a form in SymPy")
    rows = sp.Symbol(size, integer=True, positive=True)
    if node.op == "prod":
        return sp.Product(body, (index, 1, rows))
    total = sp.Sum(body, (index, 1, rows))
    return total / rows if node.op == "mean" else total


def _maximum(a: Any, b: Any) -> Any:
    return sp.Max(a, b)


def _where(condition: Any, then: Any, otherwise: Any) -> Any:
    return sp.Piecewise((then, condition), (otherwise, True))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda *terms: sp.Add(*terms),
    "neg": lambda u: -u,
    "mul": lambda u, v: u * v,
    "div": lambda u, v: u / v,
    "pow": lambda u, v: u**v,
    "exp": sp.exp, "log": sp.log, "sqrt": sp.sqrt, "cbrt": lambda u: sp.real_root(u, 3),
    "expm1": lambda u: sp.exp(u) - 1,
    "log1p": lambda u: sp.log(1 + u),
    "log2": lambda u: sp.log(u) / sp.log(2),
    "log10": lambda u: sp.log(u) / sp.log(10),
    "sin": sp.sin, "cos": sp.cos, "tan": sp.tan, "sec": sp.sec, "csc": sp.csc, "cot": sp.cot,
    "asin": sp.asin, "acos": sp.acos, "atan": sp.atan, "atan2": sp.atan2,
    "sinh": sp.sinh, "cosh": sp.cosh, "tanh": sp.tanh,
    "sech": sp.sech, "csch": sp.csch, "coth": sp.coth,
    "asinh": sp.asinh, "acosh": sp.acosh, "atanh": sp.atanh,
    "abs": sp.Abs, "sign": sp.sign, "heaviside": lambda u: sp.Heaviside(u, sp.Rational(1, 2)),
    "erf": sp.erf, "erfc": sp.erfc,
    "gamma": sp.gamma, "loggamma": sp.loggamma,
    "digamma": lambda u: sp.polygamma(0, u), "trigamma": lambda u: sp.polygamma(1, u),
    "sigmoid": lambda u: 1 / (1 + sp.exp(-u)),
    "softplus": lambda u: sp.log(1 + sp.exp(u)),
    "hypot": lambda u, v: sp.sqrt(u**2 + v**2),
    "logaddexp": lambda u, v: sp.log(sp.exp(u) + sp.exp(v)),
    "maximum": _maximum, "minimum": lambda u, v: sp.Min(u, v),
    "where": _where,
    "lt": sp.Lt, "le": sp.Le, "gt": sp.Gt, "ge": sp.Ge, "eq": sp.Eq, "ne": sp.Ne,
    "and": sp.And, "or": sp.Or, "not": sp.Not,
}  # fmt: skip

_BACK = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.sec: "sec",
    sp.csc: "csc", sp.cot: "cot", sp.asin: "asin", sp.acos: "acos", sp.atan: "atan",
    sp.atan2: "atan2", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh", sp.sech: "sech",
    sp.csch: "csch", sp.coth: "coth", sp.asinh: "asinh", sp.acosh: "acosh", sp.atanh: "atanh",
    sp.Abs: "abs", sp.sign: "sign", sp.erf: "erf", sp.erfc: "erfc", sp.gamma: "gamma",
    sp.loggamma: "loggamma", sp.StrictLessThan: "lt", sp.LessThan: "le",
    sp.StrictGreaterThan: "gt", sp.GreaterThan: "ge", sp.Equality: "eq", sp.Unequality: "ne",
    sp.And: "and", sp.Or: "or", sp.Not: "not",
}  # fmt: skip


def from_sympy(expression: Any, names: Mapping[Any, Node], graph: Graph) -> Node:
    """The node of a SymPy expression; ``names`` maps its symbols to nodes.

    Raises :class:`~symgd.errors.UnsupportedError` for what the graph cannot hold.
    """
    done: dict[Any, Node] = dict(names)
    stack = [expression]
    while stack:
        top = stack[-1]
        if top in done:
            stack.pop()
            continue
        missing = [a for a in _parts(top) if a not in done]
        if missing:
            stack.extend(missing)
            continue
        done[top] = _back(top, done, graph)
        stack.pop()
    return done[expression]


def _parts(expression: Any) -> tuple[Any, ...]:
    if isinstance(expression, sp.Piecewise):
        return tuple(p for pair in expression.args for p in pair if p is not sp.true)
    if isinstance(expression, sp.polygamma):
        return (expression.args[1],)
    if isinstance(expression, sp.Heaviside):
        return (expression.args[0],)
    if isinstance(expression, sp.Sum | sp.Product):
        return (expression.args[0],)
    if isinstance(expression, sp.Indexed) or not expression.args:
        return ()
    return tuple(expression.args)


def _back(e: Any, done: Mapping[Any, Node], graph: Graph) -> Node:
    if isinstance(e, sp.Rational):
        return graph.number(Fraction(int(e.p), int(e.q)))
    if e is sp.E or e is sp.pi:
        return graph.constant("e" if e is sp.E else "pi")
    if isinstance(e, sp.Add):
        terms = [done[t] for t in e.args]
        signs = any(t.op == "neg" for t in terms)
        ordered = sorted(terms, key=lambda t: (t.op == "neg") if signs else (t.op == "num"))
        return graph.plus(*ordered)
    if isinstance(e, sp.Mul):
        return _product(e, done, graph)
    if isinstance(e, sp.Pow):
        return _power(done[e.args[0]], e.args[1], done, graph)
    if isinstance(e, sp.polygamma) and e.args[0] in (0, 1):
        return graph.make("digamma" if e.args[0] == 0 else "trigamma", done[e.args[1]])
    if isinstance(e, sp.Max | sp.Min):
        op = "maximum" if isinstance(e, sp.Max) else "minimum"
        result = done[e.args[0]]
        for part in e.args[1:]:
            result = graph.make(op, result, done[part])
        return result
    if isinstance(e, sp.Piecewise):
        return _piecewise(e, done, graph)
    if isinstance(e, sp.Sum | sp.Product):
        return _row_sum(e, done, graph)
    if isinstance(e, sp.Heaviside):
        return graph.make("heaviside", done[e.args[0]])
    op_name = _BACK.get(e.func)
    if op_name is None:
        raise UnsupportedError(f"SymPy's {e.func.__name__} is not part of the formula language")
    return graph.make(op_name, *[done[a] for a in e.args])


def _power(base: Node, exponent: Any, done: Mapping[Any, Node], graph: Graph) -> Node:
    if exponent == sp.Rational(1, 2):
        return graph.make("sqrt", base)
    if exponent.is_number and exponent.could_extract_minus_sign():
        return graph.number(1) / _power_positive(base, -exponent, done, graph)
    return base ** done[exponent]


def _power_positive(base: Node, exponent: Any, done: Mapping[Any, Node], graph: Graph) -> Node:
    if exponent == sp.Rational(1, 2):
        return graph.make("sqrt", base)
    return base ** graph.number(Fraction(int(exponent.p), int(exponent.q)))


def _product(e: Any, done: Mapping[Any, Node], graph: Graph) -> Node:
    top, bottom = graph.number(1), graph.number(1)
    for factor in e.args:
        negative = isinstance(factor, sp.Pow) and factor.args[1].could_extract_minus_sign()
        if negative and factor.args[1].is_Rational:
            base = done[factor.args[0]]
            bottom = bottom * _power_positive(base, -factor.args[1], done, graph)
        elif isinstance(factor, sp.Rational):
            top, bottom = top * int(factor.p), bottom * int(factor.q)
        else:
            top = top * done[factor]
    return top / bottom


def _piecewise(e: Any, done: Mapping[Any, Node], graph: Graph) -> Node:
    *branches, last = e.args
    if last[1] not in (True, sp.true):
        raise UnsupportedError("a Piecewise without a last branch (value, True)")
    node = done[last[0]]
    for value, condition in reversed(branches):
        node = graph.make("where", done[condition], done[value], node)
    return node


def _row_sum(e: Any, done: Mapping[Any, Node], graph: Graph) -> Node:
    """A sum over i = 1..N; what does not depend on i is counted."""
    if len(e.args) != 2:
        raise UnsupportedError("a sum over several indices")
    _, lower, upper = e.args[1]
    if lower != 1 or not isinstance(upper, sp.Symbol):
        raise UnsupportedError(f"a sum from {lower} to {upper}")
    body = done[e.args[0]]
    op = "sum" if isinstance(e, sp.Sum) else "prod"
    if body.shape:
        return graph.make(op, body, value=(None, False))
    count = graph.size(upper.name)
    return count * body if op == "sum" else body**count
