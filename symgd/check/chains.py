"""The pieces of one derivative in a derivation, each compared with the one before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symgd.check.identity import Question, compare
from symgd.check.judge import Case, is_misfit, judge_node, misfit
from symgd.check.mistakes import Mistake
from symgd.check.ratio import constant_factor
from symgd.check.slips import slips
from symgd.check.texts import DERIVATIVE, OPERATOR, with_definitions
from symgd.check.verdict import Verdict
from symgd.derive.expand import derivative, without_derivatives
from symgd.errors import NameProblem, ShapeProblem, SymgdError
from symgd.formula.graph import Node
from symgd.formula.text import to_text

if TYPE_CHECKING:
    from symgd.check.line_reader import Reader


class Chain:
    """The pieces of one derivative (or of the loss), each compared with the one before."""

    def __init__(
        self, reader: Reader, label: str, name: str | None, start: str | None = None
    ) -> None:
        self.reader = reader
        self.label, self.name = label, name
        loss = _inside(start) if start is not None and reader.loss_text is None else None
        if start is not None and loss is not None:
            reader.loss_text = loss
            start = None
        self.subject = reader.subject(label, name, _inside(start) if start else None)
        self.truth = self._truth()
        self.last: Node | None = None
        self.last_true: bool | None = True
        self.count = 0

    def _truth(self) -> Node:
        root = without_derivatives(self.subject.problem.root)
        if self.name is None:
            return root
        problem = self.subject.problem
        if all(s.name != self.name for s in problem.symbols):
            raise NameProblem(
                f"{self.name!r} does not occur in what is differentiated",
                hint="it has " + ", ".join(s.name for s in problem.symbols),
            )
        symbol = problem.symbol(self.name)
        if root.shape:
            return derivative(root, symbol)
        return self.subject.partials(self.name).raw[self.name]

    def read(self, piece: str) -> Node:
        """The graph of a piece."""
        text = self._with_known_derivatives(piece)
        kept = {k: v for k, v in self.reader.definitions.items() if k != self.name}
        return self.subject.claim(with_definitions(text, kept, self.reader.arguments))

    def _with_known_derivatives(self, piece: str) -> str:
        """``dL/dr * dr/dm`` with the derivatives put in."""

        def put(found: re.Match[str]) -> str:
            label, name = found[1], found[2]
            known = {self.reader.label or "", *self.reader.definitions}
            if not label or label not in known:
                return found[0]
            inner = Chain(self.reader, label, name)
            return f"({to_text(inner.truth)})"

        return DERIVATIVE.sub(put, piece) if self.reader.definitions else piece

    def starts_equation(self) -> bool:
        """Whether ``= 0`` asks for a stationary point (the derivative is not 0 by itself)."""
        if self.name is None or self.last is None:
            return False
        zero = self.last.graph.number(0)
        return compare(self.question(zero, self.last)).equal is not True

    def question(self, claim: Node, truth: Node) -> Question:
        given = (without_derivatives(self.subject.problem.root),)
        return Question(claim, truth, given, self.subject.symbols(), self.name)

    def judged(self, piece: str) -> tuple[str, Verdict, bool | None]:
        """(against what, verdict, whether it is true) of the next piece."""
        against = "the piece before it" if self.count else self.aim()
        self.count += 1
        try:
            node = self.read(piece)
        except ShapeProblem as problem:
            if not is_misfit(problem):
                raise
            return against, misfit(problem, to_text(self.truth)), False
        absolute = self.absolute(node)
        true = {"equal": True, "undecided": None}.get(absolute.verdict, False)
        if self.last is None or (self.last_true and true is not False):
            verdict = absolute
        elif self.last_true:
            verdict = self.explained(absolute, node)
        else:
            verdict = self.relative(node)
        self.last, self.last_true = node, true
        return against, verdict, true

    def aim(self) -> str:
        if self.name is None:
            return "the formula"
        return f"d{self.label or self.reader.label or 'L'}/d{self.name}"

    def absolute(self, node: Node) -> Verdict:
        """The piece against the truth."""
        if self.name is not None and not self.subject.problem.root.shape:
            return judge_node(self.subject, self.name, node)
        return self.against(node, self.truth)

    def explained(self, absolute: Verdict, node: Node) -> Verdict:
        """A wrong step from a right line: a slip of algebra if one explains it."""
        assert self.last is not None
        if absolute.verdict == "equal":
            return absolute
        mistake = self.slip(self.last, node) if not self.differentiates() else None
        if mistake is None or absolute.mistake == "sign error (whole)":
            return absolute
        return Verdict(
            absolute.verdict, absolute.how, mistake.sentence, absolute.factor, absolute.witness,
            mistake.name, mistake.step, absolute.right, absolute.domain, absolute.reading,
        )  # fmt: skip

    def differentiates(self) -> bool:
        """Whether the step before is the start of the derivation."""
        return self.count <= 1

    def relative(self, node: Node) -> Verdict:
        """The piece against the (wrong) piece before it."""
        assert self.last is not None
        return self.against(node, self.last)

    def against(self, node: Node, other: Node) -> Verdict:
        """Two formulas compared, without a derivation behind them."""
        case = Case(self.subject, self.name or "", node, other, to_text(other))
        if node.shape not in ((), other.shape):
            return case.wrong_shape()
        question = self.question(node, other)
        answer = compare(question)
        if answer.equal:
            said = "it equals the line before" if self.last is not None else "it is right"
            return case.verdict("equal", answer.how, said)
        if answer.equal is None:
            return case.undecided(answer)
        factor = constant_factor(question)
        mistake = self.slip(other, node)
        root = without_derivatives(self.subject.problem.root)
        if factor is not None and factor.positive:
            return case.proportional(factor, mistake, root, answer)
        return case.wrong(answer, mistake, factor)

    def slip(self, before: Node, after: Node) -> Mistake | None:
        """The slip of algebra that leads from one piece to the next."""
        for name, sentence, result in slips(before):
            try:
                question = self.question(after, result)
                if result.shape == after.shape and compare(question, 0.3).equal:
                    return Mistake(name, sentence)
            except SymgdError:
                continue
        return None


def _inside(start: str | None) -> str | None:
    """The formula under the operator ``d/dx [ ... ]``."""
    if start is None:
        return None
    found = OPERATOR.match(start)
    if found is None:
        return start
    rest = start[found.end() :].strip()
    if found[1] is not None:
        return rest[:-1] if rest.endswith((")", "]")) else rest
    for left, right in (("\\left(", "\\right)"), ("\\left[", "\\right]"), ("(", ")"), ("[", "]"),
                        ("\\bigl(", "\\bigr)"), ("\\bigl[", "\\bigr]")):  # fmt: skip
        if rest.startswith(left) and rest.endswith(right):
            return rest[len(left) : -len(right)]
    return rest
