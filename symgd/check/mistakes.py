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

from symgd.check import wrong_rules as wrong
from symgd.check import wrong_standard as table
from symgd.check.balls import Balls
from symgd.check.claims import Subject
from symgd.check.identity import Question, _apart, _bad, compare
from symgd.check.misreadings import misreadings
from symgd.check.samples import Samples
from symgd.check.wrong_rules import WrongRule
from symgd.derive.forward import tangent_of, tangents
from symgd.derive.tidy import tidy
from symgd.errors import SymgdError
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.text import ATOM, pieces, to_text

MAX_CANDIDATES = 1_500
SECONDS = 1.5
POINTS = 3

WRONG_RULES = (
    WrongRule("sqrt(x**2) taken as x", "sqrt(u^2) is |u|, not u", wrong.root_of_square),
    WrongRule("absolute value ignored for x<0", "the derivative of |u| is sign(u) u', not u'",
              wrong.absolute_ignored),
    WrongRule("missing inner derivative", "the derivative of the inner function is missing "
              "(chain rule)", wrong.missing_inner),
    WrongRule("missing factor {n}", "the exponent did not come down as a factor",
              wrong.factor_lost),
    WrongRule("missing factor 1/{N}", "the factor 1/{N} of the mean was lost", wrong.count_lost),
    WrongRule("product rule as product of derivatives", "(uv)' is u'v + uv', not u'v'",
              wrong.product_of_derivatives),
    WrongRule("derivative of the sigmoid instead of the sigmoid",
              "the derivative of log(1 + e^u) is the sigmoid itself", table.standard(table.SIGMOID)),
    WrongRule("quotient rule sign", "(u/v)' is (u'v - uv')/v^2: the sign is minus",
              wrong.quotient_sign),
    WrongRule("quotient rule order", "(u/v)' is (u'v - uv')/v^2, in this order",
              wrong.quotient_order),
    WrongRule("quotient rule without the square", "the denominator of (u'v - uv')/v^2 is squared",
              wrong.quotient_square),
    WrongRule("quotient rule as quotient of derivatives", "(u/v)' is (u'v - uv')/v^2, not u'/v'",
              wrong.quotient_of_derivatives),
    WrongRule("power not lowered", "(u^n)' is n u^(n-1) u': the exponent goes down by one",
              wrong.power_not_lowered),
    WrongRule("exponent kept", "(u^n)' is n u^(n-1) u': the exponent goes down by one and stands "
              "in front", wrong.exponent_kept),
    WrongRule("log base", "the logarithm of the base belongs into the derivative",
              wrong.log_of_base),
    WrongRule("exponential treated as a power", "in a^u the exponent moves: (a^u)' is a^u log(a) u'",
              wrong.like_a_power),
    WrongRule("only one side of the power differentiated", "base and exponent both move",
              wrong.one_side_of_power),
    WrongRule("wrong power in standard derivative", "a power of the standard derivative is wrong",
              table.standard(table.WRONG_POWER)),
    WrongRule("sign error (one term)", "one term has the wrong sign",
              table.standard(table.WRONG_TERM_SIGN)),
    WrongRule("sign error (one term)", "one term has the wrong sign", wrong.product_sign),
    WrongRule("sign error (one term)", "one term has the wrong sign", wrong.term_sign),
    WrongRule("wrong standard derivative", "the sign of the standard derivative is wrong",
              table.standard(table.WRONG_SIGN)),
    WrongRule("wrong standard derivative", "the derivative of the outer function is another",
              table.standard(table.WRONG)),
    WrongRule("constant pulled out of a sum although it depends on i",
              "what depends on the row cannot leave the sum", wrong.pulled_out),
    WrongRule("product rule with only one term", "(uv)' is u'v + uv': both terms",
              wrong.one_product_term),
    WrongRule("constant not dropped", "the derivative of a constant is 0", wrong.constant_kept),
    WrongRule("sign error (inner derivative)", "the sign of the inner derivative was lost",
              wrong.inner_sign_lost),
    WrongRule("wrong power", "(u^n)' is n u^(n-1) u'", wrong.exponent_wrong),
    WrongRule("integrated instead of differentiated", "this is an antiderivative",
              wrong.integrated),
    WrongRule("outer function not differentiated", "the outer function was kept",
              wrong.not_differentiated),
    WrongRule("chain rule with the wrong inner function",
              "the outer derivative is taken at the inner function, not at its derivative",
              wrong.wrong_inner),
    WrongRule("chain rule as a sum", "outer and inner derivative are multiplied, not added",
              wrong.chain_as_sum),
    WrongRule("sum of a constant not counted", "the sum of a constant c over the rows is {N} c",
              wrong.rows_not_counted),
    WrongRule("extra factor 1/{N}", "the loss is a sum, not a mean", wrong.count_extra),
    WrongRule("term lost", "one term is missing", wrong.term_lost),
    WrongRule("branches swapped", "the branches are exchanged", wrong.branches_swapped),
    WrongRule("kink ignored", "the derivative is that of one branch only", wrong.kink_ignored),
    WrongRule("quotient rule terms", "(u/v)' is (u'v - uv')/v^2", wrong.quotient_terms),
)  # fmt: skip
"""All wrong rules, the simplest first."""


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


def diagnose(
    subject: Subject, name: str, claim: Node, seconds: float = SECONDS
) -> Mistake | None:
    """The simplest mistake that turns our derivation into the claim."""
    return _Search(subject, name, claim, seconds).run()


class _Search:
    """One diagnosis: candidates, a sieve of points, a proof."""

    def __init__(self, subject: Subject, name: str, claim: Node, seconds: float) -> None:
        self.subject = subject
        self.name = name
        self.deadline = time.perf_counter() + seconds
        self.partials = subject.partials(name)
        self.truth = self.partials.raw[name]
        symbol = subject.problem.symbol(name)
        self.symbol = symbol
        graph = subject.graph
        self.change = graph.number(1) if not symbol.shape else graph.symbol("d_" + name, symbol.shape)
        self.claim = self.along(claim)
        symbols = list(subject.symbols())
        if symbol.shape:
            symbols.append(("d_" + name, symbol.shape))
        self.symbols = tuple(symbols)
        self.walk = _Walk(self.partials.written, symbol, self.change, name)
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
            if count > MAX_CANDIDATES or time.perf_counter() > self.deadline:
                return None
            if self.passes(candidate.result) and self.equal(candidate.result):
                return candidate.mistake
        return None

    def passes(self, result: Node) -> bool:
        """Whether no point excludes that the claim is this result."""
        for balls, value in self.sieve:
            try:
                other = balls.value(result)
            except SymgdError:
                return False
            if _bad(other) is not None or _apart(value, other, 64) is not None:
                return False
        return True

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
            walks.append(_Walk(self.partials.loss, self.symbol, self.change, self.name))
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


class _Walk:
    """The forward derivation of one form of the loss, to be spoiled at one node."""

    def __init__(self, loss: Node, symbol: Node, change: Node, name: str) -> None:
        self.loss, self.symbol, self.name = loss, symbol, name
        self.order = topological(loss)
        self.active = depends_on(self.order, [symbol])
        self.found = tangents(loss, {symbol: change})
        self.start = change

    def with_wrong(self, rule: WrongRule) -> Iterator[Candidate]:
        for node in reversed(self.order):
            if node not in self.active or node is self.symbol:
                continue
            changes = [self.found.get(a) if a in self.active else None for a in node.args]
            try:
                spoiled = list(rule.changes(node, changes))
            except (SymgdError, AttributeError, ZeroDivisionError):
                continue
            for change in spoiled:
                if change is not self.found.get(node):
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
        rows = next((str(s) for s in (node.args[0].shape if node.args else ())), "N")
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
