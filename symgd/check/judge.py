"""The door: is a claimed derivative right?

>>> print(check("-2*mean(x*(y - (m*x + b)))", "mean((y - (m*x + b))^2)", wrt="m").verdict)
equal
>>> v = check("-1/N*sum(x*(y - (m*x + b)))", "mean((y - (m*x + b))^2)", wrt="m")
>>> v.verdict, v.factor, v.mistake
('proportional', '1/2', 'missing factor 2')
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symgd.check.claims import Columns, Subject, read_text
from symgd.check.identity import Answer, Question, compare, is_confirmed
from symgd.check.mistakes import Mistake, diagnose
from symgd.check.ratio import Factor, constant_factor, convention, missing
from symgd.check.texts import as_text, split_claim
from symgd.check.verdict import Verdict, Witness, Word
from symgd.errors import NameProblem, OptionError, ShapeProblem
from symgd.formula.graph import Node, topological
from symgd.formula.problem import ShapeLike
from symgd.formula.shapes import show_shape
from symgd.formula.text import to_text


def check(
    claim: str,
    formula: str,
    wrt: str | None = None,
    *,
    columns: Columns = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Verdict:
    """Whether ``claim`` is the derivative of ``formula`` by ``wrt``.

    Both are text (or LaTeX) and are read with the same roles and shapes of the names;
    ``N`` or ``n`` in the claim counts the rows; a left side such as ``dL/dm =`` is
    dropped. For an array ``wrt`` the claim is an array of its shape. The other
    options are those of :func:`symgd.gradient`.

    The :class:`~symgd.check.verdict.Verdict` is "equal" only by an exact proof,
    "wrong" only with a point where the values surely differ, "proportional" if right
    up to a positive constant, else "undecided".

    Raises a :class:`~symgd.errors.FormulaError` for text that is not understood and a
    :class:`~symgd.errors.NameProblem` for names that the formula does not have.

    >>> print(check("2*mean(x*(y - (m*x + b)))", "mean((y - (m*x + b))^2)", wrt="m").mistake)
    sign error (whole)
    """
    left, right = split_claim(claim)
    name = _name_of(wrt, left)
    options: dict[str, Any] = {"columns": columns, "shapes": shapes, "constants": constants}
    problem = read_text(formula, wrt=None if name is None else (name,), **options)
    if name is None:
        name = _only(problem.parameters)
    subject = Subject(problem, constants, latex="\\" in formula)
    return judge(subject, name, right)


def _name_of(wrt: str | None, left: str | None) -> str | None:
    """The name of the derivative, from the option or from the left side of the claim."""
    found = re.search(r"/\s*(?:d|∂|\\partial\s*|\{?\\partial\s*)\s*(\w+)", left or "")
    said = found[1] if found else None
    if wrt is None:
        return said
    wrt = as_text(wrt, "wrt").strip()
    if "," in wrt:
        raise OptionError(f"a claim is about one derivative: wrt is one name, not {wrt!r}")
    if said is not None and said != wrt:
        raise OptionError(f"the claim says d/d{said}, but wrt is {wrt}")
    return wrt


def _only(parameters: tuple[str, ...]) -> str:
    if len(parameters) != 1:
        raise NameProblem(
            "by which name is the claim a derivative?",
            hint="the formula has " + (", ".join(parameters) or "no parameters")
            + f"; say which with wrt={parameters[0]!r}" if parameters else "",
        )  # fmt: skip
    return parameters[0]


def judge(subject: Subject, name: str, claim: str) -> Verdict:
    """The verdict on a claim about the derivative by ``name``."""
    partials = subject.partials(name)
    right = to_text(partials.textbook(name))
    try:
        node = subject.claim(claim)
    except ShapeProblem as problem:
        if not is_misfit(problem):
            raise
        return replace(misfit(problem, right), reading=subject.problem.reading)
    verdict = judge_node(subject, name, node)
    return verdict


def is_misfit(problem: ShapeProblem) -> bool:
    """Whether two shapes contradict each other (and not merely a form that is not read)."""
    return "do not fit together" in problem.reason


def misfit(problem: ShapeProblem, right: str | None = None) -> Verdict:
    """The verdict on a claim whose shapes contradict each other."""
    said = f"the shapes do not fit: {problem.reason}"
    return Verdict("wrong", "refuted", said, mistake="shapes do not fit", right=right)


def judge_node(subject: Subject, name: str, claim: Node) -> Verdict:
    """The verdict on a claim that has been read."""
    partials = subject.partials(name)
    truth = partials.raw[name]
    case = Case(subject, name, claim, truth, to_text(partials.textbook(name)))
    if claim.shape not in ((), truth.shape):
        return case.wrong_shape()
    question = Question(
        claim, truth, (partials.written,), subject.symbols(), name, thresholds(partials.written)
    )
    answer = compare(question)
    if answer.equal is None:
        answer = _by_textbook(question, partials.textbook(name)) or answer
    if answer.equal:
        return case.equal(answer)
    if answer.equal is None:
        return case.undecided(answer)
    witness = answer.witness
    if witness is not None and answer.sample is not None and not is_confirmed(
        truth, partials.written, name, answer.sample, witness.entry
    ):  # fmt: skip
        return case.verdict("undecided", "open", "our own derivative fails its numeric check here: "
                            "this is a bug in symgd, please report the formula")  # fmt: skip
    factor = constant_factor(question)
    mistake = diagnose(subject, name, claim)
    if factor is not None and factor.positive:
        return case.proportional(factor, mistake, partials.written, answer)
    return case.wrong(answer, mistake, factor)


def _by_textbook(question: Question, textbook: Node) -> Answer | None:
    """Equal to the textbook form, which may be rational where the raw form has roots."""
    if textbook is question.truth:
        return None
    answer = compare(replace(question, truth=textbook))
    return answer if answer.equal else None


def thresholds(loss: Node) -> tuple[str, ...]:
    """Names that something never negative is compared with: ``abs(r) <= d`` means d > 0."""
    found: dict[str, None] = {}
    for node in topological(loss):
        if node.op in ("lt", "le", "gt", "ge"):
            for one, other in (node.args, node.args[::-1]):
                if other.op == "sym" and not other.shape and _never_negative(one):
                    found[other.value] = None
    return tuple(found)


def _never_negative(node: Node) -> bool:
    while node.op == "getitem":
        node = node.args[0]
    even = node.op == "pow" and node.args[1].op == "num" and node.args[1].value % 2 == 0
    return even or node.op in ("abs", "norm", "norm1")


@dataclass(frozen=True)
class Case:
    """One claim, and the sentences about it."""

    subject: Subject
    name: str
    claim: Node
    truth: Node
    right: str

    def verdict(self, word: Word, how: str, reason: str, **more: object) -> Verdict:
        return Verdict(
            word, how, reason, right=self.right, reading=self.subject.problem.reading, **more  # type: ignore[arg-type]
        )  # fmt: skip

    def equal(self, answer: Answer) -> Verdict:
        domain = "; ".join(("wherever both sides are defined", *answer.notes))
        said = f"it is the derivative by {self.name}"
        if answer.how == "probable":
            said += (
                f": equal for several sizes and at {answer.points} points, not proved for all sizes"
            )
        return self.verdict("equal", answer.how, said, domain=domain)

    def undecided(self, answer: Answer) -> Verdict:
        if answer.points:
            said = f"neither proved nor refuted: {answer.points} points agree" + (
                f" to {answer.digits} digits" if answer.digits else " exactly"
            )
        else:
            said = "neither proved nor refuted"
        notes = "; ".join(n for n in answer.notes if n)
        return self.verdict("undecided", "open", f"{said} ({notes})" if notes else said)

    def wrong_shape(self) -> Verdict:
        own, wanted = show_shape(self.claim.shape), show_shape(self.truth.shape)
        if not self.truth.shape:
            said = f"it has a value for every entry of {own}, but {self.name} is one number"
            mistake = "sum over the rows missing"
        elif self.claim.shape == self.truth.shape[::-1]:
            said = f"it has the shape {own}, {self.name} has {wanted}: it is transposed"
            mistake = "transposed factor"
        else:
            said = f"it has the shape {own}, but {self.name} has {wanted}"
            mistake = "shapes do not fit"
        return self.verdict("wrong", "refuted", said, mistake=mistake)

    def proportional(
        self, factor: Factor, mistake: Mistake | None, loss: Node, answer: Answer
    ) -> Verdict:
        said = f"yours is {factor.text} of the gradient" if _below_one(factor) else (
            f"yours is {factor.text} times the gradient"
        )  # fmt: skip
        told = convention(loss, factor)
        if told:
            said += f": {told}"
        elif mistake is not None:
            said += f": {mistake.sentence}{_at(mistake)}"
        elif factor.value is not None and abs(factor.value - 1) < 1 / 50 and not factor.power:
            said += ": decimals are read exactly, so a rounded number is another number"
        domain = "; ".join(("wherever both sides are defined", *factor.answer.notes))
        return self.verdict(
            "proportional", factor.answer.how, said, factor=factor.text, witness=answer.witness,
            mistake=mistake.name if mistake else missing(factor),
            step=mistake.step if mistake else None, domain=domain,
        )  # fmt: skip

    def wrong(self, answer: Answer, mistake: Mistake | None, factor: Factor | None) -> Verdict:
        domain = "; ".join(("wherever both sides are defined", *answer.notes))
        name: str | None
        step: str | None = None
        if mistake is not None:
            said, name, step = f"{mistake.sentence}{_at(mistake)}", mistake.name, mistake.step
        elif factor is not None:
            said = f"yours is {factor.text} times the gradient: sign and factor are wrong"
            name = "sign error (whole)"
        else:
            said, name = self.unexplained(answer.witness)
        return self.verdict(
            "wrong", "refuted", said, witness=answer.witness, mistake=name, step=step,
            domain=domain,
        )  # fmt: skip

    def unexplained(self, witness: Witness | None) -> tuple[str, str | None]:
        """A sentence, and a name for differences that are hard to see."""
        if witness is None or "undefined" in (witness.claim, witness.right):
            return "it is not a real number where the derivative is", None
        claim, right = Fraction(witness.claim), Fraction(witness.right)
        if self.claim.is_number(0) and abs(right) < Fraction(1, 100):
            return f"the derivative is small but not 0: {self.right}", "tiny non-zero constant"
        if abs(claim - right) < abs(right) / 10**9:
            return "it differs from the derivative by very little, but it differs", (
                "tiny perturbation"
            )
        if not self.name:
            return "the two sides are not equal", None
        said = f"it is not the derivative by {self.name}, for no mistake that is known here"
        return said, None


def _at(mistake: Mistake) -> str:
    if mistake.step is None or mistake.step in mistake.sentence:
        return ""
    return f", at {mistake.step}" + (f" = {mistake.right}" if mistake.right else "")


def _below_one(factor: Factor) -> bool:
    return factor.value is not None and not factor.power and abs(factor.value) < 1
