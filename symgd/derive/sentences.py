"""One rule of differentiation at one place: its name, its sentence, and what it gives.

A sentence is a tuple of words and formulas, so that every output writes the formulas in
its own way; the ``( )`` in "the outer function ( )^2" is a symbol of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symgd.derive.arrays import filled
from symgd.derive.forward import tangent_of
from symgd.derive.rules import RULES, partials_of
from symgd.derive.tidy import tidy
from symgd.formula.graph import Graph, Node, rebuild, topological

Words = tuple["str | Node", ...]
SLOT = "( )"

NAMES = {
    "exp": "exponential", "expm1": "exponential", "log": "logarithm", "log2": "logarithm",
    "log10": "logarithm", "log1p": "logarithm", "sqrt": "square root", "cbrt": "cube root",
    "sin": "sine", "cos": "cosine", "tan": "tangent", "sec": "secant", "csc": "cosecant",
    "cot": "cotangent", "asin": "arcsine", "acos": "arccosine", "atan": "arctangent",
    "sinh": "hyperbolic sine", "cosh": "hyperbolic cosine", "tanh": "hyperbolic tangent",
    "sech": "hyperbolic secant", "csch": "hyperbolic cosecant", "coth": "hyperbolic cotangent",
    "asinh": "inverse hyperbolic sine", "acosh": "inverse hyperbolic cosine",
    "atanh": "inverse hyperbolic tangent", "sigmoid": "logistic function", "erf": "error function",
    "erfc": "error function", "gamma": "gamma function", "loggamma": "log-gamma function",
    "digamma": "digamma function", "softplus": "softplus",
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a step says: the rule, the sentence, and the formula with ``d(...)`` left in it."""

    rule: str
    words: Words
    after: Node


@dataclass(frozen=True)
class Telling:
    """What the sentences of one derivation need to know.

    ``mark`` makes the ``d/dm ( )`` of a sub-formula, ``found`` holds the derivatives.
    """

    symbol: Node
    active: set[Node]
    found: Mapping[Node, Node]
    mark: Callable[[Node], Node]

    def derivative(self, node: Node) -> Node:
        """The finished derivative of a sub-formula."""
        return tidy(self.found.get(node, node.graph.number(0)), (node,))

    def tell(self, node: Node) -> Told:
        """The rule that applies to ``node``."""
        special = _TOLD.get(node.op)
        if special is not None:
            return special(self, node)
        if RULES[node.op].adjoint is None and len(node.args) == 1:
            return self.chain(node, 0, NAMES.get(node.op, RULES[node.op].name))
        return self.by_rule(node)

    def by_rule(self, node: Node) -> Told:
        """The general form: the rule of the operation applied to marked arguments."""
        changes = [filled(self.mark(a), a.shape) if a in self.active else None for a in node.args]
        after = tangent_of(node, list(changes)) or node.graph.number(0)
        rule = RULES[node.op]
        return Told(rule.name, (rule.sentence,), after)

    # -- the chain rule -------------------------------------------------------------------

    def chain(self, node: Node, place: int, name: str) -> Told:
        """Outer function, inner function kept, times the inner derivative."""
        inner = node.args[place]
        outer = tidy(partials_of(node)[place] or node.graph.number(0), (node,))
        if inner.op == "sym":
            words: Words = ("the derivative of ", node, " is ", outer)
            return Told(name, words, self.of_symbol(outer, inner))
        hollow, becomes = _hollow(node, place)
        words = (
            "the outer function ", hollow, " becomes ", becomes,
            ", the inner function ", inner,
            " is kept, and the whole is multiplied by the derivative of the inner function",
        )  # fmt: skip
        return Told("chain rule", words, _times(outer, self.mark(inner)))

    def of_symbol(self, outer: Node, symbol: Node) -> Node:
        """The derivative of a function of the bare symbol; for an array its change stays."""
        return _times(outer, self.mark(symbol)) if symbol.shape else outer


def _hollow(node: Node, place: int) -> tuple[Node, Node]:
    """The outer function with its inside left open, and its derivative: ( )^2 and 2( )."""
    graph = Graph()
    graph.decimal = node.graph.decimal
    slot = graph.symbol(SLOT, node.args[place].shape)
    others = [a for i, a in enumerate(node.args) if i != place]
    new = rebuild(topological(*others), {}, graph)
    args = [slot if i == place else new[a] for i, a in enumerate(node.args)]
    outer = graph.make(node.op, *args, value=node.value)
    return outer, tidy(partials_of(outer)[place] or graph.number(0), (outer,))


def _times(left: Node, right: Node) -> Node:
    """The product as it is said, without moving signs; a factor 1 is left out."""
    if left.is_number(1):
        return right
    return left.graph.make("mul", left, right)


def _sum(graph: Graph, terms: list[Node]) -> Node:
    return terms[0] if len(terms) == 1 else graph.make("add", *terms)


def listed(nodes: list[Node]) -> Words:
    """``a, b and c``."""
    words: list[str | Node] = []
    for i, node in enumerate(nodes):
        if i:
            words.append(" and " if i == len(nodes) - 1 else ", ")
        words.append(node)
    return tuple(words)


# -- arithmetic -----------------------------------------------------------------------------------


def _add(telling: Telling, node: Node) -> Told:
    terms, still = [], []
    for term in node.args:
        sign, bare = (True, term.args[0]) if term.op == "neg" else (False, term)
        if bare in telling.active:
            marked = telling.mark(bare)
            terms.append(node.graph.make("neg", marked) if sign else marked)
        else:
            still.append(bare)
    words: Words = ("a sum is differentiated term by term",)
    if still:
        gives = " are constant and give 0" if len(still) > 1 else " is constant and gives 0"
        words = (*words, "; ", *listed(still), gives)
    return Told("sum rule", words, _sum(node.graph, terms))


def _neg(telling: Telling, node: Node) -> Told:
    after = node.graph.make("neg", telling.mark(node.args[0]))
    return Told("constant factor", ("the sign stays",), after)


def _mul(telling: Telling, node: Node) -> Told:
    u, v = node.args
    du, dv = u in telling.active, v in telling.active
    if not (du and dv):
        factor, inner = (v, u) if du else (u, v)
        words: Words = ("the constant factor ", factor, " stays")
        return Told("constant factor", words, _times(factor, telling.mark(inner)))
    after = node.graph.make("add", _times(v, telling.mark(u)), _times(u, telling.mark(v)))
    words = (
        "(uv)' = u'v + uv' with u = ", u, ", v = ", v, ", u' = ", telling.derivative(u),
        ", v' = ", telling.derivative(v),
    )  # fmt: skip
    return Told("product rule", words, after)


def _div(telling: Telling, node: Node) -> Told:
    u, v = node.args
    graph = node.graph
    if v not in telling.active:
        words: Words = ("the constant denominator ", v, " stays")
        return Told("constant factor", words, graph.make("div", telling.mark(u), v))
    square = graph.make("pow", v, graph.number(2))
    if u not in telling.active:
        after = graph.make("neg", _times(graph.make("div", u, square), telling.mark(v)))
        words = (
            "(c/v)' = -c v'/v^2 with c = ", u, ", v = ", v, ", v' = ", telling.derivative(v),
        )  # fmt: skip
        return Told("reciprocal rule", words, after)
    top = graph.make(
        "add", _times(v, telling.mark(u)), graph.make("neg", _times(u, telling.mark(v)))
    )
    words = (
        "(u/v)' = (u'v - uv')/v^2 with u = ", u, ", v = ", v, ", u' = ", telling.derivative(u),
        ", v' = ", telling.derivative(v),
    )  # fmt: skip
    return Told("quotient rule", words, graph.make("div", top, square))


def _pow(telling: Telling, node: Node) -> Told:
    base, exponent = node.args
    graph = node.graph
    if exponent not in telling.active:
        if base.op != "sym":
            return telling.chain(node, 0, "power rule")
        outer = tidy(partials_of(node)[0] or graph.number(0), (node,))
        lowered = tidy(exponent - 1, (exponent,))
        words: Words = (
            "the exponent ", exponent, " comes down as a factor and is lowered by 1 to ", lowered,
            ": ", node, " becomes ", outer,
        )  # fmt: skip
        return Told("power rule", words, telling.of_symbol(outer, base))
    if base not in telling.active:
        if exponent.op == "sym":
            outer = tidy(partials_of(node)[1] or graph.number(0), (node,))
            words = ("the derivative of ", node, " is ", outer)
            if not (base.op == "const" and base.value == "e"):
                words = (*words, ": the power itself times the logarithm of its base")
            return Told("exponential", words, telling.of_symbol(outer, exponent))
        return telling.chain(node, 1, "exponential")
    log = graph.make("log", base)
    product = graph.make("mul", exponent, log)
    inner = graph.make(
        "add",
        _times(log, telling.mark(exponent)),
        _times(graph.make("div", exponent, base), telling.mark(base)),
    )
    words = (
        "base and exponent both depend on ", telling.symbol, ": ", node, " is e to the power ",
        product, ", so it stays and is multiplied by the derivative of ", product,
        " (product rule)",
    )  # fmt: skip
    return Told("logarithmic", words, graph.make("mul", node, inner))


# -- corners --------------------------------------------------------------------------------------


def _abs(telling: Telling, node: Node) -> Told:
    (inner,) = node.args
    sign = node.graph.make("sign", inner)
    words: Words = (
        "the derivative of |u| is the sign of u; at ", inner,
        " = 0 there is a corner, and 0 is used, a subgradient",
    )  # fmt: skip
    plain = inner.op == "sym" and not inner.shape
    after = sign if plain else _times(sign, telling.mark(inner))
    return Told("absolute value", words, after)


def _extremum(comparison: str, word: str) -> Callable[[Telling, Node], Told]:
    def tell(telling: Telling, node: Node) -> Told:
        u, v = node.args
        graph, zero = node.graph, node.graph.number(0)
        strict = v.op in ("num", "const")
        condition = graph.make(comparison + ("t" if strict else "e"), u, v)
        first = telling.mark(u) if u in telling.active else zero
        second = telling.mark(v) if v in telling.active else zero
        words: Words = (
            f"the {word} of the two passes its derivative on; where ", u, " = ", v,
            " there is a corner, and a subgradient is used",
        )  # fmt: skip
        name = "maximum" if comparison == "g" else "minimum"
        return Told(name, words, graph.make("where", condition, first, second))

    return tell


def _where(telling: Telling, node: Node) -> Told:
    condition, u, v = node.args
    zero = node.graph.number(0)
    first = telling.mark(u) if u in telling.active else zero
    second = telling.mark(v) if v in telling.active else zero
    words: Words = ("each branch is differentiated where it holds",)
    return Told("piecewise", words, node.graph.make("where", condition, first, second))


# -- sums over data -------------------------------------------------------------------------------


def _reduction(telling: Telling, node: Node) -> Told:
    (inner,) = node.args
    marked = filled(telling.mark(inner), inner.shape)
    after = node.graph.make(node.op, marked, value=node.value)
    if node.op == "mean":
        return Told("mean", ("the derivative of a mean is the mean of the derivatives",), after)
    return Told("sum over data", ("the derivative of a sum is the sum of the derivatives",), after)


def _bilinear(telling: Telling, node: Node) -> Told:
    a, b = node.args
    make = node.graph.make
    terms = []
    if a in telling.active:
        terms.append(make(node.op, filled(telling.mark(a), a.shape), b))
    if b in telling.active:
        terms.append(make(node.op, a, filled(telling.mark(b), b.shape)))
    if len(terms) == 2:
        words: Words = ("a product of matrices: each factor in turn, the order kept",)
    else:
        words = ("the constant factor ", b if a in telling.active else a, " stays in its place")
    return Told("matrix product", words, _sum(node.graph, terms))


_TOLD: dict[str, Callable[[Telling, Node], Told]] = {
    "add": _add, "neg": _neg, "mul": _mul, "div": _div, "pow": _pow, "abs": _abs,
    "maximum": _extremum("g", "larger"), "minimum": _extremum("l", "smaller"), "where": _where,
    "sum": _reduction, "mean": _reduction, "matmul": _bilinear, "outer": _bilinear,
}  # fmt: skip

__all__ = ["SLOT", "Telling", "Told", "Words", "listed"]
