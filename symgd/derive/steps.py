"""The chain rule as steps a person can follow, and the answer computed from them.

A :class:`Step` is one rule applied to one sub-formula. The walk starts at the
loss and stops where the sub-formula is linear in the parameter ("everything but m
is constant"); the last step puts the parts together.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> for step in explain(derive(read("(2x - 3)^5")), "x").steps:
...     print(step.rule, "|", step.equation)
chain rule | d/dx (2*x - 3)^5 = 5*(2*x - 3)^4*d/dx (2*x - 3)
inner function | d/dx (2*x - 3) = 2
put together | 5*(2*x - 3)^4*2 = 10*(2*x - 3)^4
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from symgd.derive.arrays import filled
from symgd.derive.corners import corners
from symgd.derive.forward import tangents
from symgd.derive.isolated import note
from symgd.derive.partials import Partials
from symgd.derive.sentences import Telling, Told, Words, listed
from symgd.errors import OptionError
from symgd.formula.graph import Node, depends_on, rebuild, topological
from symgd.formula.latex import LatexStyle, name_latex
from symgd.formula.notation import suits_indices, written
from symgd.formula.pretty import IndexStyle, PrettyStyle, name_pretty

LEVELS = ("brief", "normal", "every")
STYLES = ("text", "pretty", "latex")


@dataclass(frozen=True)
class Step:
    """One rule at one place: its name, a sentence, and ``before = after``.

    ``depth`` and ``parent`` (the number of the step it belongs to, 0 for none) give its place
    in the tree of steps; ``formula`` is the sub-formula, ``result`` its finished
    derivative, ``before`` and ``after`` the two sides of the equation.
    """

    number: int
    rule: str
    words: Words
    formula: Node
    result: Node
    before: Node
    after: Node
    depth: int = 0
    parent: int = 0
    indexed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The rule in words, formulas in the text syntax."""
        return self.said("text")

    @property
    def equation(self) -> str:
        """``before = after`` in the text syntax."""
        return self.shown("text")

    def said(self, style: str = "pretty") -> str:
        """The sentence with its formulas in one style: ``text``, ``pretty`` or ``latex``."""
        parts = [
            word if isinstance(word, str) else _inline(word, style, self.indexed)
            for word in self.words
        ]
        return "".join(parts) + "".join(f"; {note}" for note in self.notes)

    def shown(self, style: str = "pretty") -> str:
        """The equation in one style."""
        before, after = self.sides(style)
        return after if before == after else f"{before} = {after}"

    def sides(self, style: str) -> tuple[str, str]:
        """Both sides of the equation in one style."""
        after = show(self.after, style, self.indexed)
        if self.rule == "read off":
            return _partial(self.before, style), after
        return show(self.before, style, self.indexed), after


@dataclass(frozen=True)
class Derivation:
    """The steps to one partial derivative; ``result`` is computed from them.

    ``answer`` is the same in textbook form.
    """

    name: str
    loss: Node
    steps: tuple[Step, ...]
    result: Node
    answer: Node
    label: str = "L"
    proof: tuple[str, ...] = field(default=(), compare=False)

    def text(self, ascii: bool = False) -> str:
        """Numbered sentences with their equations, in Unicode or in ASCII."""
        style = "text" if ascii else "pretty"
        width = max(len(step.rule) for step in self.steps)
        shown = self.name if ascii else name_pretty(self.name)
        lines = [f"d{self.label}/d{shown}"]
        for step in self.steps:
            lines.append(f"{step.number:2d} {step.rule:<{width}}  {step.said(style)}")
            lines.append(f"   {'':<{width}}  {step.shown(style)}")
        return "\n".join([*lines, *self.proof])

    def latex(self) -> str:
        """The equations in LaTeX, one line for each step, with the rule beside it."""
        lines = []
        for step in self.steps:
            before, after = step.sides("latex")
            equals = f"{before} &= {after}" if before != after else f"&= {after}"
            lines.append(rf"{equals} && \text{{{step.number}. {step.rule}}}")
        body = " \\\\\n".join(lines)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def _repr_html_(self) -> str:
        from symgd.show.notebook import steps_html

        return steps_html(self)

    def __str__(self) -> str:
        return self.text()

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)


def show(node: Node, style: str, indexed: bool) -> str:
    """A formula in one style; ``indexed`` writes columns with their index."""
    if style == "text":
        return written(node, IndexStyle(), "array")
    form = "index" if indexed else "array"
    if style == "pretty":
        return written(node, PrettyStyle(), form)
    if style == "latex":
        return written(node, LatexStyle(), form)
    raise OptionError(f"style={style!r} is not known; there are {', '.join(STYLES)}")


def _partial(symbol: Node, style: str) -> str:
    """``dL/dw``: what is read off for an array."""
    name = str(symbol.value)
    if style == "latex":
        return rf"\frac{{\partial L}}{{\partial {name_latex(name, (), len(symbol.shape))}}}"
    return f"dL/d{name_pretty(name) if style == 'pretty' else name}"


def _inline(node: Node, style: str, indexed: bool) -> str:
    shown = show(node, style, indexed)
    return f"${shown}$" if style == "latex" else shown


def explain(partials: Partials, name: str, level: str = "normal") -> Derivation:
    """The derivation of dL/d``name`` from the loss as the user wrote it.

    ``level`` is ``"brief"`` (the outermost rules), ``"normal"`` (down to what is linear in
    the parameter) or ``"every"`` (every rule, also inside what is linear).
    """
    if level not in LEVELS:
        raise OptionError(f"level={level!r} is not known; there are {', '.join(LEVELS)}")
    return _Teller(partials, name, level).derivation()


class _Teller:
    """Walks the formula from the top and writes one step for each rule."""

    def __init__(self, partials: Partials, name: str, level: str) -> None:
        self.partials, self.name, self.level = partials, name, level
        self.symbol = partials.problem.symbol(name)
        self.loss = partials.written
        graph = self.graph = self.loss.graph
        self.is_array = bool(self.symbol.shape)
        change = graph.number(1)
        if self.is_array:
            change = graph.make("differential", self.symbol)
        order = topological(self.loss)
        self.active = depends_on(order, [self.symbol])
        self.found = tangents(self.loss, {self.symbol: change})
        self.linear = _linear_in(order, self.symbol, self.active)
        self.telling = Telling(self.symbol, self.active, self.found, self.mark)
        self.indexed = not self.is_array and suits_indices(self.loss)
        self.after: dict[Node, Node] = {}
        self.steps: list[Step] = []

    def mark(self, node: Node) -> Node:
        """``d/dm (node)``, for an array parameter the change ``d(node)``."""
        if self.is_array:
            return self.graph.make("differential", node)
        return self.graph.make("derivative", node, self.symbol)

    def derivation(self) -> Derivation:
        todo: list[tuple[Node, int, int]] = [(self.loss, 0, 0)]
        seen: set[Node] = set()
        while todo:
            node, depth, parent = todo.pop()
            if node in seen or node not in self.active:
                continue
            seen.add(node)
            number, below = self.step(node, depth, parent)
            todo += [(a, depth + bool(number), number or parent) for a in reversed(below)]
        result = self.assembled()
        final = self.partials.textbook(self.name)
        self.last(result, final)
        steps = tuple(self.steps)
        label = self.partials.problem.label or "L"
        label = label if label.isidentifier() else "L"
        return Derivation(self.name, self.loss, steps, result, final, label)

    def step(self, node: Node, depth: int, parent: int) -> tuple[int, list[Node]]:
        """Tell one step; its number (0 if none was needed) and the parts that come next."""
        if node is self.symbol:
            self.after[node] = self.found[node]
            if self.level == "every":
                words: Words = ("the derivative of ", node, " by itself is 1")
                if self.is_array:
                    words = ("the change of ", node, " is ", self.found[node])
                return self.write(
                    node, Told("variable", words, self.found[node]), depth, parent
                ), []
            return 0, []
        if node in self.linear and self.level != "every":
            told = self.inner(node)
            self.after[node] = told.after
            return self.write(node, told, depth, parent), []
        told = self.telling.tell(node)
        self.after[node] = told.after
        parts = node.args[1:] if node.op == "where" else node.args
        inner = [a for a in parts if a in self.active]
        if node.op == "add":
            inner = [a.args[0] if a.op == "neg" else a for a in inner]
        if node.op == "neg" and self.level != "every":
            return 0, inner
        done = len(inner) == 1 and inner[0] is self.symbol and self.level != "every"
        if self.level == "brief" and depth > 1:
            self.after[node] = self.telling.derivative(node)
            return 0, []
        return self.write(node, told, depth, parent), [] if done else inner

    def write(self, node: Node, told: Told, depth: int, parent: int) -> int:
        number = len(self.steps) + 1
        alone = note(node, self.symbol)
        notes = (*map(str, corners(node, self.symbol)), *([alone] if alone else []))
        self.steps.append(
            Step(
                number, told.rule, told.words, node, self.telling.derivative(node),
                self.mark(node), told.after, depth, parent, self.indexed, notes,
            )
        )  # fmt: skip
        return number

    def inner(self, node: Node) -> Told:
        """What is linear in the parameter: which parts are constant, what the others give."""
        terms = node.args if node.op == "add" else (node,)
        still: list[Node] = []
        moving: list[Node] = []
        for term in terms:
            bare = term.args[0] if term.op == "neg" else term
            for part in bare.args if bare.op == "add" else (bare,):
                (moving if part in self.active else still).append(part)
        words: list[str | Node] = ["everything but ", self.symbol, " is constant: "]
        if still:
            words += [*listed(still), " give 0, " if len(still) > 1 else " gives 0, "]
        for i, part in enumerate(moving):
            words += [", " if i else "", part, " gives ", self.telling.derivative(part)]
        result = self.telling.derivative(node)
        return Told("inner function", tuple(words), result)

    def assembled(self) -> Node:
        """The steps put into each other: every marked derivative replaced by what it gave."""
        whole: dict[Node, Node] = {}
        zero = self.graph.number(0)
        for node in topological(self.loss):
            if node not in self.active:
                continue
            after = self.after.get(node)
            if after is None:
                after = self.telling.derivative(node)
            replace: dict[Node, Node] = {}
            order = topological(after)
            for part in order:
                if part.op in ("derivative", "differential") and part.args[0] in whole:
                    replace[part] = filled(whole[part.args[0]], part.shape)
            whole[node] = self.graph_of(after, order, replace)
        return whole.get(self.loss, zero)

    def graph_of(self, after: Node, order: list[Node], replace: dict[Node, Node]) -> Node:
        if not replace:
            return after
        kept = {n: n for n in order if n.op in ("derivative", "differential")}
        return rebuild(order, {**kept, **replace}, self.graph)[after]

    def last(self, result: Node, final: Node) -> None:
        """Put together, or for an array read the gradient off the change of the loss."""
        number = len(self.steps) + 1
        if self.is_array:
            words: Words = (
                "the change of the loss is the gradient times ", self.found[self.symbol],
                ", entry by entry, summed",
            )  # fmt: skip
            step = Step(number, "read off", words, self.loss, final, self.symbol, final)
        else:
            words = ("all parts in their places",)
            step = Step(
                number, "put together", words, self.loss, final, result, final,
                indexed=self.indexed,
            )  # fmt: skip
        self.steps.append(step)


def _linear_in(order: list[Node], symbol: Node, active: set[Node]) -> set[Node]:
    """Sub-formulas that are linear in the symbol: sums, signs and constant factors of it."""
    linear = {symbol}
    for node in order:
        if node not in active:
            continue
        inner = [a for a in node.args if a in active]
        if not all(a in linear for a in inner):
            continue
        if (
            node.op in ("add", "neg")
            or (node.op in ("mul", "matmul") and len(inner) == 1)
            or (node.op == "div" and node.args[1] not in active)
        ):
            linear.add(node)
    return linear


__all__ = ["Derivation", "Step", "explain", "show"]
