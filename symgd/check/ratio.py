"""Is the claim right up to a constant factor, and which convention explains it?

The quotient of claim and derivative is looked at for several points and several
numbers of rows; if it is a number times a power of a size, that is proved by the
identity machinery. Other constants (``log(10)``, ``pi``) come from the normal form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq

from symgd.algebra.normal import constant_ratio, quotient_text
from symgd.check.ball_functions import ball
from symgd.check.balls import Balls, precision
from symgd.check.identity import Answer, Question, _bad, _entries, compare
from symgd.check.samples import Samples
from symgd.formula.graph import Node

BITS = 160
POINTS = 5
MAX_HEIGHT, MAX_SHORT = 10**6, 10_000
_POWERS = (0, 1, -1, 2, -2)


@dataclass(frozen=True)
class Factor:
    """A constant: ``text`` as a formula, ``node`` in the graph, ``value`` if it is a number."""

    text: str
    node: Node
    value: Fraction | None
    power: int
    """The power of the number of rows in it."""
    answer: Answer
    base: str = ""

    @property
    def positive(self) -> bool:
        return not self.text.startswith("-") and self.text != "0"


def constant_factor(question: Question) -> Factor | None:
    """The constant ``c`` with claim = c * derivative, or ``None``."""
    found = list(_ratios(question))
    if len(found) < 2:
        return None
    for base, power in _choices(question, found):
        number = _common(found, base, power)
        if number is None:
            continue
        if number == 0:
            return None
        graph = question.truth.graph
        rows = graph.size(base) ** power if power else graph.number(1)
        node = graph.number(number) * rows
        answer = _proved(question, node)
        if answer is not None:
            return Factor(_text(number, base, power), node, number, power, answer, base)
    return _other_constant(question, found)


def _ratios(question: Question) -> Iterator[tuple[dict[str, int], Any]]:
    """(sizes, quotient) at some points; nothing if the entries of a point disagree."""
    labels, equal = question.labels()
    roots = [question.claim, question.truth, *question.given]
    count = 0
    for sample in Samples(question.symbols, roots, labels).points(60):
        balls = Balls(sample.values, sample.sizes, BITS, equal)
        claim, truth = balls.value(question.claim), balls.value(question.truth)
        if any(_bad(v) for v in (claim, truth, *map(balls.value, question.given))):
            continue
        quotient = _quotient(_entries(claim), _entries(truth))
        if quotient is None:
            continue
        if quotient is False:
            return
        yield dict(sample.sizes), quotient
        count += 1
        if count == POINTS:
            return


def _quotient(claim: list[Any], truth: list[Any]) -> Any:
    """The common quotient of two lists, ``None`` if nothing can be said, False if there is none."""
    if len(claim) == 1:
        claim = claim * len(truth)
    if len(claim) != len(truth):
        return False
    common: Any = None
    with precision(BITS):
        for c, t in zip(claim, truth, strict=True):
            if isinstance(t, fmpq) and t == 0:
                if not (isinstance(c, fmpq) and c == 0) and not ball(c).contains(0):
                    return False
                continue
            if not isinstance(t, fmpq) and t.contains(0):
                continue
            quotient = c / t if isinstance(c, fmpq) and isinstance(t, fmpq) else ball(c) / ball(t)
            if common is None:
                common = quotient
            elif not ball(common).overlaps(ball(quotient)):
                return False
            elif isinstance(quotient, fmpq):
                common = quotient
    return common


def _choices(
    question: Question, found: list[tuple[dict[str, int], Any]]
) -> Iterator[tuple[str, int]]:
    """Powers of sizes that may be in the factor: none first, then the rows."""
    yield "", 0
    for base in found[0][0]:
        for power in _POWERS[1:]:
            yield base, power


def _common(found: list[tuple[dict[str, int], Any]], base: str, power: int) -> Fraction | None:
    """The rational number that all quotients are, after a power of a size is taken out."""
    numbers = []
    with precision(BITS):
        for sizes, quotient in found:
            size = fmpq(sizes[base]) ** power if power else fmpq(1)
            numbers.append(quotient / size if isinstance(quotient, fmpq) else quotient / ball(size))
        candidate = _simplest(numbers)
        if candidate is None:
            return None
        exact = fmpq(candidate.numerator, candidate.denominator)
        for number in numbers:
            if isinstance(number, fmpq):
                if number != exact:
                    return None
            elif not number.contains(exact):
                return None
    return candidate


def _simplest(numbers: list[Any]) -> Fraction | None:
    """A short rational in the first quotient."""
    for number in numbers:
        if isinstance(number, fmpq):
            exact = Fraction(int(number.p), int(number.q))
            is_short = min(abs(exact.numerator), exact.denominator) <= MAX_SHORT
            return exact if is_short else None
    middle = numbers[0].mid().fmpq()
    value = Fraction(int(middle.p), int(middle.q))
    short = value.limit_denominator(MAX_HEIGHT)
    slack = Fraction(1, 2**80) * max(Fraction(1), abs(value))
    return short if abs(short - value) < slack else None


def _proved(question: Question, factor: Node) -> Answer | None:
    answer = compare(
        Question(
            question.claim, factor * question.truth, question.given, question.symbols,
            question.wrt, question.positive,
        )
    )  # fmt: skip
    return answer if answer.equal else None


def _other_constant(question: Question, found: list[tuple[dict[str, int], Any]]) -> Factor | None:
    """``log(10)`` and the like, from the normal form."""
    with precision(BITS):
        first = ball(found[0][1])
        if not all(first.overlaps(ball(q)) for _, q in found) and not found[0][0]:
            return None
    form = constant_ratio(question.claim, question.truth, question.given)
    if form.ratio is None or len(form.ratio) > 30:
        return None
    from symgd.check.claims import copied
    from symgd.formula.problem import read

    sizes = {base: base for base in found[0][0]}
    root = read(form.ratio, shapes={"anything": tuple(sizes)} if sizes else None).root
    node = copied(root, question.truth.graph)
    answer = _proved(question, node)
    return Factor(form.ratio, node, None, 0, answer) if answer is not None else None


def missing(factor: Factor) -> str | None:
    """The name of a factor that a claim lacks or has too much."""
    if factor.value is None or factor.value <= 0:
        return None
    if factor.value > 1 and factor.value.denominator == 1 and not factor.power:
        return f"extra factor {factor.text}"
    base = factor.base
    above = [base] * (factor.power < 0)
    below = [base] * (factor.power > 0)
    if abs(factor.power) > 1:
        return None
    return f"missing factor {quotient_text(1 / factor.value, above, below)}"


def _text(number: Fraction, base: str, power: int) -> str:
    above = [base if power == 1 else f"{base}^{power}"] if power > 0 else []
    below = [base if power == -1 else f"{base}^{-power}"] if power < 0 else []
    sign = "-" if number < 0 else ""
    return sign + quotient_text(abs(number), above, below)


# -- conventions ----------------------------------------------------------------------------------


def convention(loss: Node, factor: Factor) -> str | None:
    """``yours is the gradient of 1/(2N) sum, this loss has 1/N``, if the loss is a sum or mean."""
    own = _prefix(loss)
    if own is None or factor.value is None:
        return None
    number, power, base, what = own
    power_of_claim = power + factor.power
    theirs = _prefix_text(number * factor.value, power_of_claim, base)
    mine = _prefix_text(number, power, base)
    if number == 1 and number * factor.value == 1:
        names = {-1: "the mean", 0: "the sum"}
        if power_of_claim in names and power in names:
            return f"it is the gradient of {names[power_of_claim]}, and this loss is {names[power]}"
    said = f"it is the gradient of {theirs} {what}, and this loss has "
    return said + (mine if mine != "1" else "no such factor")


def _prefix(loss: Node) -> tuple[Fraction, int, str, str] | None:
    """A loss as number * rows^power * (a sum or a norm)."""
    number, power, base = Fraction(1), 0, ""
    node = loss
    while True:
        if node.op in ("mean", "sum") and len(node.args[0].shape) == 1:
            base = str(node.args[0].shape[0])
            return number, power - (node.op == "mean"), base, "sum"
        if node.op == "pow" and node.args[0].op == "norm":
            return number, power, str(node.args[0].args[0].shape[0]), "the squared norm"
        if node.op == "matmul" and not node.shape:
            return number, power, str(node.args[0].shape[0]), "the product"
        if node.op == "mul" and not node.shape:
            scalar, rest = node.args
            found = _constant(scalar)
            if found is None:
                return None
            number, power, node = number * found[0], power + found[1], rest
        elif node.op == "div" and not node.shape:
            found = _constant(node.args[1])
            if found is None:
                return None
            number, power, node = number / found[0], power - found[1], node.args[0]
        else:
            return None


def _constant(node: Node) -> tuple[Fraction, int] | None:
    if node.op == "num" and node.value:
        return node.value, 0
    if node.op == "dim":
        return Fraction(1), 1
    if node.op in ("mul", "div"):
        parts = [_constant(a) for a in node.args]
        if parts[0] is not None and parts[1] is not None:
            (a, i), (b, j) = parts[0], parts[1]
            return (a * b, i + j) if node.op == "mul" else (a / b, i - j)
    return None


def _prefix_text(number: Fraction, power: int, base: str) -> str:
    above = [base] if power == 1 else [f"{base}^{power}"] if power > 1 else []
    below = [base] if power == -1 else [f"{base}^{-power}"] if power < -1 else []
    return quotient_text(number, above, below)
