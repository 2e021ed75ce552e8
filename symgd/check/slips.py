"""Slips of algebra between two lines: one wrong rewriting at one place of the line above.

>>> from symgd.formula.problem import read
>>> [name for name, _, _ in slips(read("(x + 1)^2").root)][0]
'square of a sum'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symgd.errors import SymgdError
from symgd.formula.graph import Node, rebuild, topological

Slip = Callable[[Node], Iterator[Node]]

_SPREAD = frozenset({"sqrt", "log", "exp", "sin", "cos", "abs"})


def _bracket(node: Node) -> Iterator[Node]:
    """-(a + b) as -a + b."""
    if node.op == "neg" and node.args[0].op == "add":
        first, *rest = node.args[0].args
        yield node.graph.make("add", -first, *rest)


def _half_distributed(node: Node) -> Iterator[Node]:
    """a (b + c) as a b + c."""
    if node.op == "mul":
        for factor, other in (node.args, node.args[::-1]):
            if other.op == "add":
                for place in range(len(other.args)):
                    terms = [factor * t if i == place else t for i, t in enumerate(other.args)]
                    yield node.graph.make("add", *terms)


def _power_of_sum(node: Node) -> Iterator[Node]:
    """(a + b)^2 as a^2 + b^2."""
    if node.op == "pow" and node.args[0].op == "add":
        yield node.graph.make("add", *[t ** node.args[1] for t in node.args[0].args])


def _power_of_product(node: Node) -> Iterator[Node]:
    """(a b)^2 as a b^2."""
    if node.op == "pow" and node.args[0].op in ("mul", "neg"):
        inner = node.args[0]
        if inner.op == "neg":
            yield -(inner.args[0] ** node.args[1])
        else:
            a, b = inner.args
            yield a * b ** node.args[1]
            yield a ** node.args[1] * b


def _spread(node: Node) -> Iterator[Node]:
    """f(a + b) as f(a) + f(b)."""
    if node.op in _SPREAD and node.args[0].op == "add":
        parts = [node.graph.make(node.op, t) for t in node.args[0].args]
        yield node.graph.make("add", *parts)
    if node.op == "div" and node.args[1].op == "add":
        yield node.graph.make("add", *[node.args[0] / t for t in node.args[1].args])


def _half_divided(node: Node) -> Iterator[Node]:
    """(a + b)/c as a + b/c, and (a + b)/a as b."""
    if node.op == "div" and node.args[0].op == "add":
        terms = node.args[0].args
        for place in range(len(terms)):
            yield node.graph.plus(
                *[t / node.args[1] if i == place else t for i, t in enumerate(terms)]
            )
            yield node.graph.plus(*[t for i, t in enumerate(terms) if i != place])


def _sign(node: Node) -> Iterator[Node]:
    if node.op == "add":
        for place in range(len(node.args)):
            yield node.graph.make(
                "add", *[-t if i == place else t for i, t in enumerate(node.args)]
            )
    elif node.op == "neg":
        yield node.args[0]


def _lost(node: Node) -> Iterator[Node]:
    if node.op == "add":
        for place in range(len(node.args)):
            yield node.graph.plus(*[t for i, t in enumerate(node.args) if i != place])


def _factor_lost(node: Node) -> Iterator[Node]:
    if node.op == "mul":
        yield from (a for a in node.args if a.shape == node.shape)
    if node.op == "div" and node.args[0].shape == node.shape:
        yield node.args[0]
    if node.op == "pow" and node.args[0].shape == node.shape:
        yield node.args[0]


def _pulled(node: Node) -> Iterator[Node]:
    """sum(a b) as sum(a) sum(b)."""
    if node.op in ("sum", "mean") and node.args[0].op == "mul" and not node.shape:
        a, b = node.args[0].args
        if a.shape == b.shape:
            yield node.graph.make(node.op, a, value=node.value) * node.graph.make(
                node.op, b, value=node.value
            )


def _added_exponents(node: Node) -> Iterator[Node]:
    """a^m a^n as a^(m n), (a^m)^n as a^(m + n)."""
    if node.op == "pow" and node.args[0].op == "pow":
        inner = node.args[0]
        yield inner.args[0] ** (inner.args[1] + node.args[1])
    if node.op == "mul" and all(a.op == "pow" for a in node.args):
        a, b = node.args
        if a.args[0] is b.args[0]:
            yield a.args[0] ** (a.args[1] * b.args[1])


SLIPS: tuple[tuple[str, str, Slip], ...] = (
    ("square of a sum", "a power of a sum is not the sum of the powers", _power_of_sum),
    ("bracket sign", "the minus before a bracket holds for the whole bracket", _bracket),
    ("sign error (one term)", "one term has the wrong sign", _sign),
    ("factor not distributed", "a factor before a bracket holds for every term", _half_distributed),
    ("constant pulled out of a sum although it depends on i",
     "the sum of products is not the product of sums", _pulled),
    ("function of a sum", "a function of a sum is not the sum of the functions", _spread),
    ("power of a product", "a power of a product holds for every factor", _power_of_product),
    ("exponent rule", "a^m a^n = a^(m+n) and (a^m)^n = a^(m n)", _added_exponents),
    ("cancelled in a sum", "only factors of the whole numerator cancel", _half_divided),
    ("factor lost", "a factor was lost", _factor_lost),
    ("term lost", "a term was lost", _lost),
)  # fmt: skip


def slips(line: Node) -> Iterator[tuple[str, str, Node]]:
    """(name, sentence, what comes out) for every slip at every place of a line."""
    order = topological(line)
    for name, sentence, slip in SLIPS:
        for node in reversed(order):
            try:
                for wrong in slip(node):
                    result = rebuild(order, {node: wrong}, line.graph)[line]
                    if result.shape == line.shape:
                        yield name, sentence, result
            except SymgdError:
                continue
