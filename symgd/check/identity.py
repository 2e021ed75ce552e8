"""Are two formulas equal? Proved, refuted, or open: nothing in between.

* **proved**: the exact normal form of the difference is zero, and there is at least
  one point at which both sides are surely defined.
* **refuted**: at a rational point off all breakpoints the two values lie in balls
  that exclude each other.
* **probable**: the normal form is zero for several concrete sizes of the arrays, or two
  rational functions agree exactly at many random points of several sizes; every point
  tried agrees, but there is no proof for all sizes.
* **open**: none of these; it is said to how many digits the values agreed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpq

from symgd.algebra.normal import prove_equal
from symgd.check.ball_functions import UNDEFINED, Bad, ball
from symgd.check.balls import PRECISIONS, Balls, precision
from symgd.check.samples import KINKED, Sample, Samples
from symgd.check.verdict import Witness
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.shapes import Shape

QUICK_POINTS, QUICK_TRIES = 6, 40
FIRST = PRECISIONS[:1]
DEEP_POINTS, DEEP_TRIES = 100, 160
SECONDS = 2.0
EXACT_POINTS = 16
PIECEWISE = KINKED | {"amax", "amin", "norm1", "floor", "ceil"}


@dataclass(frozen=True)
class Question:
    """Two formulas in one graph, and what their names are.

    ``given`` are formulas that must be defined as well (the loss); ``wrt`` is the name
    of the derivative, ``positive`` the names that are taken to be positive.
    """

    claim: Node
    truth: Node
    given: tuple[Node, ...]
    symbols: tuple[tuple[str, Shape], ...]
    wrt: str | None = None
    positive: tuple[str, ...] = ()

    def labels(self) -> tuple[dict[str, list[Fraction]], frozenset[Node]]:
        """Names compared with numbers by ``==``, and these comparisons."""
        order = topological(self.claim, self.truth, *self.given)
        moved = depends_on(order, [n for n in order if n.op == "sym" and n.value == self.wrt])
        values: dict[str, list[Fraction]] = {}
        nodes = set()
        for node in order:
            if node.op not in ("eq", "ne") or node in moved:
                continue
            nodes.add(node)
            for name, number in (node.args, node.args[::-1]):
                if name.op == "sym" and number.op in ("num", "neg"):
                    value = number.value if number.op == "num" else -number.args[0].value
                    values.setdefault(name.value, []).append(value)
        return values, frozenset(nodes)


@dataclass(frozen=True)
class Answer:
    """``equal`` is True, False or None (open); ``how`` and ``witness`` as in a verdict."""

    equal: bool | None
    how: str
    witness: Witness | None = None
    notes: tuple[str, ...] = ()
    sample: Sample | None = None
    points: int = 0
    digits: int = 0


class Comparison:
    """One question looked at from all sides; remembers its points."""

    def __init__(self, question: Question, seconds: float = SECONDS) -> None:
        self.question = question
        self.seconds = seconds
        labels, self.equal_nodes = question.labels()
        roots = [question.claim, question.truth, *question.given]
        self.samples = Samples(question.symbols, roots, labels)
        self.claim_gaps: list[Sample] = []
        self.truth_gaps: list[Sample] = []
        self.agreed: list[Sample] = []
        self.digits = 0

    def answer(self) -> Answer:
        """Refute quickly, else prove, else refute with many digits, else say what is known."""
        found = self.search(QUICK_POINTS, QUICK_TRIES, FIRST)
        if found is not None:
            return found
        if not self.agreed:
            found = self.search(QUICK_POINTS, DEEP_TRIES, PRECISIONS[:2])
            if found is not None:
                return found
        if not self.agreed:
            return self.nowhere()
        proof = prove_equal(
            self.question.claim, self.question.truth, self.question.given,
            positive=self.question.positive, wrt=self.question.wrt, seconds=self.seconds,
        )  # fmt: skip
        if proof.proved:
            return self.settled("proved", proof.strata)
        found = self.search(DEEP_POINTS, DEEP_TRIES, PRECISIONS[1:])
        if found is not None:
            return found
        if self.by_sizes() or self.by_exact_points():
            return self.settled("probable", proof.strata)
        return Answer(
            None, "open", None, (proof.reason,), self.agreed[0], len(self.agreed), self.digits
        )

    def settled(self, how: str, strata: bool) -> Answer:
        notes = list(self.domain_notes())
        if strata:
            notes.append("off the points where an equality in a condition is met")
        return Answer(True, how, None, tuple(notes), self.agreed[0], len(self.agreed), self.digits)

    def domain_notes(self) -> Iterator[str]:
        """Where one side is not defined although the other is."""
        from symgd.check.verdict import point_text

        if self.question.positive:
            yield "for " + ", ".join(f"{n} > 0" for n in self.question.positive)
        if self.claim_gaps:
            yield (
                "where the claim is defined; it is not everywhere where the derivative is: "
                f"not at {point_text(dict(self.claim_gaps[0].values))}"
            )

    def nowhere(self) -> Answer:
        """No common point: wrong if the claim is surely undefined where the truth is not."""
        if self.claim_gaps:
            sample = self.claim_gaps[0]
            right = self.values(sample, 160)[1]
            witness = Witness(self.shown(sample), number_text(_first(right)), "undefined", ())
            return Answer(False, "refuted", witness, (), sample)
        return Answer(None, "open", None, ("no point was found where both sides are defined",))

    # -- points ---------------------------------------------------------------------------

    def search(self, wanted: int, tries: int, precisions: Sequence[int]) -> Answer | None:
        """A refutation at one of the points, or ``None``."""
        self.agreed = []
        points = self.samples.points if precisions is FIRST else self.samples.deep_points
        for sample in points(tries):
            if any(self.question_sign(sample, n) for n in self.question.positive):
                continue
            found = self.at(sample, precisions)
            if found is not None:
                return found
            if len(self.agreed) >= wanted:
                break
        return None

    def question_sign(self, sample: Sample, name: str) -> bool:
        value = sample.values.get(name)
        return isinstance(value, Fraction) and value <= 0

    def values(self, sample: Sample, bits: int) -> tuple[Any, Any, bool]:
        """Claim, truth, and whether everything given is defined."""
        question = self.question
        balls = Balls(sample.values, sample.sizes, bits, self.equal_nodes)
        defined = all(_bad(balls.value(node)) is None for node in question.given)
        return balls.value(question.claim), balls.value(question.truth), defined

    def at(self, sample: Sample, precisions: Sequence[int]) -> Answer | None:
        """A refutation at one point, raising the precision while that helps."""
        for bits in precisions:
            claim, truth, defined = self.values(sample, bits)
            if not defined or _bad(truth) is not None:
                if defined and _bad(truth) is UNDEFINED and _bad(claim) is None:
                    self.truth_gaps.append(sample)
                continue
            why = _bad(claim)
            if why is not None:
                if why is UNDEFINED:
                    self.claim_gaps.append(sample)
                    return None
                continue
            apart = _apart(claim, truth, bits)
            if apart is not None:
                return Answer(False, "refuted", self.witness(sample, *apart), (), sample)
            if bits == precisions[-1]:
                self.agreed.append(sample)
                self.digits = max(self.digits, _digits(claim, truth, bits))
        return None

    def witness(self, sample: Sample, entry: tuple[int, ...], claim: Any, truth: Any) -> Witness:
        digits = 6
        texts = number_text(truth, digits), number_text(claim, digits)
        while Fraction(texts[0]) == Fraction(texts[1]) and digits < 400:
            digits *= 2
            texts = number_text(truth, digits), number_text(claim, digits)
        return Witness(self.shown(sample), *texts, entry)

    def shown(self, sample: Sample) -> dict[str, Any]:
        """The names that occur, with their values."""
        question = self.question
        order = topological(question.claim, question.truth, *question.given)
        used = {n.value for n in order if n.op == "sym"}
        return {name: value for name, value in sample.values.items() if name in used}

    def by_sizes(self) -> bool:
        """Whether the normal form is zero for several concrete sizes."""
        if not self.samples.bases or not self.agreed:
            return False
        question = self.question
        for number in (0, 1, 2):
            proof = prove_equal(
                question.claim, question.truth, question.given, self.samples.sizes(number),
                question.positive, question.wrt, self.seconds,
            )  # fmt: skip
            if not proof.proved:
                return False
        return True

    def by_exact_points(self) -> bool:
        """Whether two rational functions agree exactly at many points of several sizes.

        Two different ones of degree d agree at a random point of a set of S values per
        name with probability d/S at most (Schwartz 1980, Zippel 1979).
        """
        question = self.question
        order = topological(question.claim, question.truth)
        sizes = {tuple(sorted(sample.sizes.items())) for sample in self.agreed}
        enough = len(self.agreed) >= EXACT_POINTS and (len(sizes) > 1 or not self.samples.bases)
        if not enough or any(node.op in PIECEWISE for node in order):
            return False
        values = [self.values(sample, PRECISIONS[0])[:2] for sample in self.agreed]
        return all(isinstance(e, fmpq) for pair in values for v in pair for e in _entries(v))


def _entries(value: Any) -> list[Any]:
    return list(value.reshape(-1)) if isinstance(value, np.ndarray) else [value]


def _first(value: Any) -> Any:
    return _entries(value)[0]


def _bad(value: Any) -> Bad | None:
    """The first entry that is not a value; undefined counts before unsure."""
    found = [e for e in _entries(value) if isinstance(e, Bad)]
    if not found:
        return None
    return UNDEFINED if UNDEFINED in found else found[0]


def _apart(claim: Any, truth: Any, bits: int) -> tuple[tuple[int, ...], Any, Any] | None:
    """The first entry where two values surely differ: its place and both values."""
    if not isinstance(claim, np.ndarray) and not isinstance(truth, np.ndarray):
        return ((), claim, truth) if surely_differ(claim, truth, bits) else None
    left, right = np.broadcast_arrays(np.asarray(claim, object), np.asarray(truth, object))
    for place in np.ndindex(left.shape):
        if surely_differ(left[place], right[place], bits):
            return place, left[place], right[place]
    return None


def surely_differ(a: Any, b: Any, bits: int) -> bool:
    """Two values exclude each other."""
    if isinstance(a, fmpq) and isinstance(b, fmpq):
        return bool(a != b)
    with precision(bits):
        return not ball(a).overlaps(ball(b))


def _digits(claim: Any, truth: Any, bits: int) -> int:
    """To how many digits two values surely agree."""
    with precision(bits):
        least = bits
        for a, b in zip(_entries(claim), _entries(truth), strict=False):
            if isinstance(a, fmpq) and isinstance(b, fmpq):
                continue
            least = min(least, (ball(a).union(ball(b))).rel_accuracy_bits())
    return max(0, int(least * 0.30103))


def number_text(value: Any, digits: int = 6) -> str:
    """A short fraction as it is, else a decimal number."""
    if isinstance(value, fmpq):
        if value.q == 1 and len(str(value.p)) <= 15:
            return str(value.p)
        if len(str(value)) <= 9:
            return str(value)
    if isinstance(value, arb) and value.contains(0):
        return "0"
    with precision(max(64, int(digits * 3.4) + 20)):
        text: str = (
            arb(value).mid().str(digits, radius=False)
            if isinstance(value, fmpq)
            else (value.mid().str(digits, radius=False))
        )
    return text


def compare(question: Question, seconds: float = SECONDS) -> Answer:
    """The answer to one question."""
    return Comparison(question, seconds).answer()


def difference_quotient(
    formula: Node, name: str, sample: Sample, entry: tuple[int, ...]
) -> Any | None:
    """(f(x + h) - f(x - h))/2h in ball arithmetic for one entry of a name, h = 2^-60."""
    step = Fraction(1, 2**60)
    sides = []
    for sign in (1, -1):
        moved = {**sample.values, name: _shifted(sample.values[name], entry, sign * step)}
        value = Balls(moved, sample.sizes, 400).value(formula)
        if isinstance(value, Bad | np.ndarray):
            return None
        sides.append(value)
    with precision(400):
        return (ball(sides[0]) - ball(sides[1])) / ball(fmpq(2, 2**60))


def _shifted(value: Any, entry: tuple[int, ...], by: Fraction) -> Any:
    if not entry:
        return value if isinstance(value, tuple) else value + by
    return tuple(_shifted(v, entry[1:], by) if i == entry[0] else v for i, v in enumerate(value))


def is_confirmed(
    truth: Node, formula: Node, name: str, sample: Sample, entry: tuple[int, ...]
) -> bool:
    """Whether a difference quotient does not contradict our own derivative at a point."""
    value = Balls(sample.values, sample.sizes, 400).value(truth)
    place = value[entry] if isinstance(value, np.ndarray) and len(entry) == value.ndim else value
    quotient = difference_quotient(formula, name, sample, entry)
    if quotient is None or isinstance(place, Bad | np.ndarray):
        return True
    gap = abs(float(quotient.mid()) - float(ball(place).mid()))
    return not gap > 1e-6 * (1 + abs(float(ball(place).mid())))
