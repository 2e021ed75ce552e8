"""The chain rule as steps a person can follow, and the answer computed from them.

A :class:`Step` is one rule applied to one sub-formula. The walk starts at the
loss and stops where the sub-formula is linear in the parameter ("everything but m
is constant"); the last step puts the parts together.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> for step in explain(derive(read("(2x - 3)^5")), "x").steps:
...     print(step.rule, "|", step.equation)
power rule | d/dx (2*x - 3)^5 = 5*(2*x - 3)^4 * d/dx (2*x - 3)
inner function | d/dx (2*x - 3) = 2
put together | 5*(2*x - 3)^4*2 = 10*(2*x - 3)^4
"""

from __future__ import annotations

from dataclasses import dataclass

from symgd.derive.forward import tangents
from symgd.derive.partials import Partials
from symgd.derive.rules import RULES, partials_of
from symgd.derive.tidy import tidy
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.text import SUM, pieces, to_text


@dataclass(frozen=True)
class Step:
    """One rule at one place: its name, a sentence, and ``before = after``."""

    number: int
    rule: str
    sentence: str
    equation: str
    formula: Node
    """The sub-formula that is differentiated."""
    result: Node
    """Its derivative."""


@dataclass(frozen=True)
class Derivation:
    """The steps to one partial derivative; ``result`` is computed from them."""

    name: str
    loss: Node
    steps: tuple[Step, ...]
    result: Node

    def text(self) -> str:
        """Numbered sentences with their equations."""
        width = max(len(step.rule) for step in self.steps)
        lines = [f"dL/d{self.name}"]
        for step in self.steps:
            lines.append(f"{step.number:2d} {step.rule:<{width}}  {step.sentence}")
            lines.append(f"   {'':<{width}}  {step.equation}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __iter__(self) -> object:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)


def explain(partials: Partials, name: str) -> Derivation:
    """The derivation of dL/d``name`` from the loss as the user wrote it."""
    symbol = partials.problem.symbol(name)
    loss, graph = partials.written, partials.written.graph
    change = graph.number(1) if not symbol.shape else graph.symbol("d" + name, symbol.shape)
    order = topological(loss)
    active = depends_on(order, [symbol])
    found = tangents(loss, {symbol: change})
    linear = _linear_in(order, symbol, active)
    writer = _Writer(name, found, active, loss)
    steps: list[Step] = []
    for node in reversed(order):
        if node in active and node is not symbol and _is_told(node, order, active, linear):
            steps.append(writer.step(len(steps) + 1, node, node in linear))
    result = found.get(loss, graph.number(0))
    final = partials.textbook(name)
    steps.append(_last(len(steps) + 1, name, loss, result, final, bool(symbol.shape)))
    return Derivation(name, loss, tuple(steps), result)


def _linear_in(order: list[Node], symbol: Node, active: set[Node]) -> set[Node]:
    """Sub-formulas that are linear in the symbol: sums, signs and constant factors of it."""
    linear = {symbol}
    for node in order:
        if node not in active:
            continue
        inner = [a for a in node.args if a in active]
        if not all(a in linear for a in inner):
            continue
        if node.op in ("add", "neg") or (node.op in ("mul", "matmul") and len(inner) == 1):
            linear.add(node)
        elif node.op == "div" and node.args[1] not in active:
            linear.add(node)
    return linear


def _is_told(node: Node, order: list[Node], active: set[Node], linear: set[Node]) -> bool:
    """Whether a step is worth telling: not the inside of a linear part, not a mere sign."""
    if node not in linear:
        return node.op not in ("neg",)
    users = [n for n in order if n in active and node in n.args]
    return any(user not in linear for user in users) or not users


class _Writer:
    """Writes the sentences of the steps."""

    def __init__(
        self, name: str, found: dict[Node, Node], active: set[Node], loss: Node
    ) -> None:
        self.name = name
        self.found = found
        self.active = active
        self.loss = loss

    def step(self, number: int, node: Node, linear: bool) -> Step:
        result = tidy(self.found.get(node, node.graph.number(0)), (node,))
        if linear:
            return Step(number, "inner function", self.constants(node),
                        f"{self.mark(node)} = {to_text(result)}", node, result)  # fmt: skip
        rule = RULES[node.op]
        sentence, after = self.told(node)
        return Step(number, rule.name, sentence, f"{self.mark(node)} = {after}", node, result)

    def mark(self, node: Node) -> str:
        """``d/dm u`` with the brackets it needs."""
        text, binds = pieces(node, node.graph.decimal)[node]
        return f"d/d{self.name} ({text})" if binds == SUM else f"d/d{self.name} {text}"

    def constants(self, node: Node) -> str:
        """Which parts are constant, and what the others give."""
        terms = node.args if node.op == "add" else (node,)
        still, moving = [], []
        for term in terms:
            sign = term.args[0] if term.op == "neg" else term
            inner = sign.args if sign.op == "add" else (sign,)
            for part in inner:
                (moving if part in self.active else still).append(part)
        said = [f"{to_text(p)} gives {to_text(tidy(self.found[p], (p,)))}" for p in moving]
        if still:
            verb = "give" if len(still) > 1 else "gives"
            said.insert(0, f"{' and '.join(map(to_text, still))} {verb} 0")
        return f"everything but {self.name} is constant: {', '.join(said)}"

    def told(self, node: Node) -> tuple[str, str]:
        """The sentence and the right side of one rule."""
        inner = [a for a in node.args if a in self.active]
        sentence = RULES[node.op].sentence
        if node.op in ("sum", "mean"):
            word = "1/N*sum" if node.op == "mean" else "sum"
            return sentence, f"{word}({self.mark(node.args[0])})"
        if node.op == "add":
            return sentence, " + ".join(self.mark(a) for a in inner)
        if node.op == "mul":
            return self.product(node, inner)
        if node.op == "pow" and len(inner) == 1 and inner[0] is node.args[0]:
            return self.chain(node, 0)
        if RULES[node.op].adjoint is None and len(node.args) == 1:
            return self.chain(node, 0)
        result = tidy(self.found.get(node, node.graph.number(0)), (node,))
        return sentence, to_text(result)

    def product(self, node: Node, inner: list[Node]) -> tuple[str, str]:
        u, v = node.args
        left, right = to_text(u), to_text(v)
        if len(inner) == 1:
            factor, rest = (v, u) if inner[0] is u else (u, v)
            del rest
            return (
                f"the constant factor {to_text(factor)} stays",
                f"({to_text(factor)}) * {self.mark(inner[0])}",
            )
        return (
            "(uv)' = u'v + uv'",
            f"{self.mark(u)} * ({right}) + ({left}) * {self.mark(v)}",
        )

    def chain(self, node: Node, place: int) -> tuple[str, str]:
        """Outer function, inner function kept, times the inner derivative."""
        inner = node.args[place]
        graph = node.graph
        outer = partials_of(node)[place] or graph.number(0)
        outer_text = to_text(tidy(outer, (node,)))
        slot = graph.symbol("u", inner.shape) if _is_free(graph, "u", inner) else None
        if inner.op == "sym":
            sentence = f"the derivative of {to_text(node)} is {outer_text}"
            return sentence, outer_text
        del slot
        sentence = (
            f"the outer function {_hollow(node, inner)} becomes {_hollow_of(outer_text, inner)}, "
            f"the inner function {to_text(inner)} is kept, "
            "and the whole is multiplied by the derivative of the inner function"
        )
        return sentence, f"{outer_text} * {self.mark(inner)}"


def _is_free(graph: object, name: str, inner: Node) -> bool:
    return False


def _hollow(node: Node, inner: Node) -> str:
    """The outer function with its inside left open: ``( )^2``."""
    return _hollow_of(to_text(node), inner)


def _hollow_of(text: str, inner: Node) -> str:
    inside = to_text(inner)
    return text.replace(f"({inside})", "( )").replace(inside, "( )")


def _last(
    number: int, name: str, loss: Node, result: Node, final: Node, is_array: bool
) -> Step:
    """Put together, or for an array read the gradient off the change of the loss."""
    if is_array:
        return Step(
            number, "read off",
            f"the change of the loss is the gradient times d{name}, entry by entry, summed",
            f"dL/d{name} = {to_text(final)}", loss, final,
        )  # fmt: skip
    before, after = to_text(result), to_text(final)
    equation = after if before == after else f"{before} = {after}"
    return Step(number, "put together", "all parts in their places", equation, loss, final)
