"""Which mistake gives this claim? Our own derivation with one wrong rule at one step.

Every wrong rule of the table is applied at every place of the forward derivation,
one at a time; what comes out is compared with the claim, first in ball arithmetic at
two points, then by the identity machinery. The first that is equal is the diagnosis,
simplest rules first. If none is, the claim is wrong for no reason that we know.

>>> from symgd.check.claims import Subject, read_text
>>> subject = Subject(read_text("x*sin(x)"))
>>> found = diagnose(subject, "x", subject.claim("cos(x)"))
>>> found.name, found.step
('product rule as product of derivatives', 'd/dx (x*sin(x))')
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from symgd.check.balls import Balls
from symgd.check.claims import Subject
from symgd.check.identity import Question, _apart, _bad, compare
from symgd.check.misreadings import misreadings
from symgd.check.samples import Samples
from symgd.check.wrong_rules import WrongRule
from symgd.check.wrong_table import WRONG_RULES
from symgd.derive.forward import tangent_of, tangents
from symgd.derive.tidy import tidy
from symgd.errors import SymgdError
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.text import ATOM, pieces, to_text

MAX_CANDIDATES = 1_500
SECONDS = 1.5
POINTS = 3


@dataclass(frozen=True)
class Mistake:
    """A diagnosis: ``name``, ``sentence``, ``step`` (d/dm of what) and the right result there."""

    name: str
    sentence: str
    step: str | None = None
    right: str | None = None
    simple: bool = True

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Candidate:
    """What comes out of one mistake."""

    mistake: Mistake
    result: Node


def diagnose(subject: Subject, name: str, claim: Node, seconds: float = SECONDS) -> Mistake | None:
    """The simplest mistake that turns our derivation into the claim."""
    return _Search(subject, name, claim, seconds).run()


class _Search:
    """One diagnosis: candidates, a sieve of points, a proof."""

    def __init__(self, subject: Subject, name: str, claim: Node, seconds: float) -> None:
        self.subject = subject
        self.name = name
        self.deadline = time.thread_time() + seconds
        self.partials = subject.partials(name)
        self.truth = self.partials.raw[name]
        symbol = subject.problem.symbol(name)
        self.symbol = symbol
        graph = subject.graph
        self.change = (
            graph.number(1) if not symbol.shape else graph.symbol("change of " + name, symbol.shape)
        )
        self.claim = self.along(claim)
        symbols = list(subject.symbols())
        if symbol.shape:
            symbols.append(("change of " + name, symbol.shape))
        self.symbols = tuple(symbols)
        self.walk = Walk(self.partials.written, symbol, self.change, name)
        self.given: tuple[Node, ...] = (self.partials.written,)
        self.sieve = self.points()

    def along(self, gradient: Node) -> Node:
        """An array gradient as the number sum(gradient*direction)."""
        product = gradient * self.change
        if not product.shape:
            return product
        return product.graph.make("sum", product, value=(None, False))

    def points(self) -> list[tuple[Balls, Any]]:
        """Points at which the claim has a value, with that value."""
        roots = [self.claim, self.partials.written]
        found: list[tuple[Balls, Any]] = []
        outside: list[tuple[Balls, Any]] = []
        for sample in Samples(self.symbols, roots).points(60):
            balls = Balls(sample.values, sample.sizes, 64)
            value = balls.value(self.claim)
            if _bad(value) is None:
                given = balls.value(self.partials.written)
                (found if _bad(given) is None else outside).append((balls, value))
                if len(found) == POINTS:
                    break
        if not found:
            self.given = ()
        return found or outside[:POINTS]

    def run(self) -> Mistake | None:
        if not self.sieve:
            return None
        for count, candidate in enumerate(self.candidates()):
            if count > MAX_CANDIDATES or time.thread_time() > self.deadline:
                return None
            if self.passes(candidate.result) and self.equal(candidate.result):
                return candidate.mistake
        return None

    def passes(self, result: Node) -> bool:
        """Whether no point excludes that the claim is this result."""
        met = False
        for balls, value in self.sieve:
            try:
                other = balls.value(result)
            except SymgdError:
                return False
            if _bad(other) is None:
                if _apart(value, other, 64) is not None:
                    return False
                met = True
        return met

    def equal(self, result: Node) -> bool:
        return self.equal_nodes(self.claim, result)

    def equal_nodes(self, left: Node, right: Node) -> bool:
        question = Question(left, right, self.given, self.symbols, self.name)
        return compare(question, 0.5).equal is True

    def finished(self, node: Node, change: Node) -> Node | None:
        """Our derivation with another change at one node of the loss."""
        return self.walk.finished(node, change)

    # -- candidates -----------------------------------------------------------------------

    def candidates(self) -> Iterator[Candidate]:
        """Every wrong result, the simplest mistakes first."""
        yield from self.whole()
        walks = [self.walk]
        if self.partials.loss is not self.partials.written:
            walks.append(Walk(self.partials.loss, self.symbol, self.change, self.name))
        for rule in WRONG_RULES:
            for walk in walks:
                yield from walk.with_wrong(rule)
        yield from misreadings(self)

    def whole(self) -> Iterator[Candidate]:
        """Mistakes of the whole line."""
        right = self.along(self.truth)
        if self.sign_reversed(right):
            sentence, step = self.sign_story()
            yield Candidate(Mistake("sign error (whole)", sentence, step), -right)

    def sign_reversed(self, right: Node) -> bool:
        return self.passes(-right)

    def sign_story(self) -> tuple[str, str | None]:
        """Where the sign was probably lost: an inner derivative that is negative."""
        found = tangents(self.partials.written, {self.symbol: self.change})
        for node, change in found.items():
            if node.op == "add":
                shown = to_text(tidy(change, (node,)))
                if shown.startswith("-") and " " not in shown:
                    said = f"{_marked(node, self.name)} is {shown}"
                    return f"the sign of the inner derivative was lost: {said}", said
        return "the sign is reversed: everything is right but the sign", None


class Walk:
    """The forward derivation of one form of the loss, to be spoiled at one node."""

    def __init__(self, loss: Node, symbol: Node, change: Node, name: str) -> None:
        self.loss, self.symbol, self.name = loss, symbol, name
        self.order = topological(loss)
        self.active = depends_on(self.order, [symbol])
        self.found = tangents(loss, {symbol: change})
        self.start = change

    def places(self) -> list[Node]:
        """The nodes at which a rule is applied, the outermost first."""
        return [n for n in reversed(self.order) if n in self.active and n is not self.symbol]

    def spoiled(self, rule: WrongRule, node: Node) -> list[Node]:
        """What a wrong rule makes of one node."""
        changes = [self.found.get(a) if a in self.active else None for a in node.args]
        try:
            found = list(rule.changes(node, changes))
        except (SymgdError, AttributeError, ZeroDivisionError):
            return []
        return [change for change in found if change is not self.found.get(node)]

    def reaches(self, node: Node, inner: Node) -> bool:
        """Whether ``inner`` is below ``node``."""
        return node is inner or inner in topological(node)

    def with_wrong(self, rule: WrongRule) -> Iterator[Candidate]:
        """The results of one wrong rule at every place."""
        for node in self.places():
            for change in self.spoiled(rule, node):
                result = self.finished(node, change)
                if result is not None:
                    yield Candidate(self.mistake(rule, node), result)

    def finished(self, place: Node, change: Node) -> Node | None:
        """The derivation from the spoiled node to the loss."""
        above = depends_on(self.order, [place])
        found = {**self.found, place: change}
        try:
            for node in self.order:
                if node in above and node is not place:
                    changes = [found.get(a) if a in self.active else None for a in node.args]
                    made = tangent_of(node, changes)
                    if made is None:
                        return None
                    found[node] = made
        except SymgdError:
            return None
        return found.get(self.loss)

    def mistake(self, rule: WrongRule, node: Node) -> Mistake:
        rows = next((s for n in self.order for s in n.shape if isinstance(s, str)), "N")
        exponent = to_text(node.args[1]) if node.op == "pow" else "1/2"
        fill = {"N": rows, "n": exponent}
        name, sentence = rule.name, rule.sentence
        for key, value in fill.items():
            name = name.replace("{" + key + "}", value)
            sentence = sentence.replace("{" + key + "}", value)
        plain = node in self.found and not self.symbol.shape
        right = to_text(tidy(self.found[node], (node,))) if plain else None
        return Mistake(name, sentence, _marked(node, self.name), right)


def _marked(node: Node, name: str) -> str:
    text, binds = pieces(node, node.graph.decimal)[node]
    return f"d/d{name} ({text})" if binds < ATOM else f"d/d{name} {text}"
