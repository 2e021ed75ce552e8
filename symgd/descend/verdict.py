r"""What an engine's last point is worth: the outcome, in words, with the error.

An engine ends when it can do no better. Whether that is the minimum, and how close, is asked
here: by the exact Newton steps of :mod:`symgd.descend.closeness` for a sum of squares, by
:mod:`symgd.descend.certify` in general. The general examination works in units in which every
parameter is about 1 (powers of two, so that nothing is rounded).

Without a precision from the user, CONVERGED promises that every parameter is right to
``RELATIVE`` of its own size: 1e-6 would mean nothing for a parameter of 1e-9 and be out of
reach for one of 1e12. A parameter that cannot be told from zero counts as one of size 1, or of
the size of its start if that is smaller. A precision that is given is absolute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgd.descend.certify import Certifier
from symgd.descend.closeness import Closeness
from symgd.descend.course import Course
from symgd.descend.endings import number
from symgd.descend.endless import Fall, where_to
from symgd.descend.estimate import Estimate, Kind, named
from symgd.descend.evaluate import Evaluator, largest
from symgd.descend.objective import FloatArray
from symgd.descend.poles import falls_into_pole
from symgd.descend.sharp import sharp
from symgd.descend.solution import Outcome
from symgd.descend.trust import Model

RELATIVE = 1e-6


@dataclass(frozen=True, eq=False)
class Verdict:
    """How a run ended, and why it is believed.

    ``errors`` (p,) are those of each parameter where they are known; ``kind`` is what the
    neighbourhood looks like.
    """

    outcome: Outcome
    message: str
    kind: Kind
    errors: FloatArray | None = None

    @property
    def error(self) -> float | None:
        """The largest error of a parameter."""
        if self.errors is None or not np.isfinite(self.errors).all():
            return None
        return float(self.errors.max(initial=0.0))


class Scaled:
    """An objective in the units ``unit`` (p,): theta = unit*u."""

    def __init__(self, function: Any, unit: FloatArray) -> None:
        self.function, self.unit = function, unit

    def __call__(self, u: FloatArray) -> tuple[float, FloatArray]:
        loss, gradient = self.function(self.unit * u)
        return loss, self.unit * gradient

    def hessian(self, u: FloatArray) -> FloatArray:
        full: FloatArray = self.function.hessian(self.unit * u) * np.outer(self.unit, self.unit)
        return full


class Plain:
    """An objective without its second derivatives."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, theta: FloatArray) -> Any:
        return self.function(theta)


class Judge:
    """Judges end points of one run. ``precision`` is absolute, or None for relative.

    ``smooth`` says that the loss is known to have no kinks.
    """

    def __init__(
        self, course: Course, start: FloatArray, precision: float | None, smooth: bool = False
    ) -> None:
        self.course, self.start, self.precision = course, start, precision
        self.smooth = smooth
        self.names = course.layout.names

    def judge(self, theta: FloatArray, closeness: Closeness | None) -> Verdict:
        """The verdict on a point at which an engine has come to rest."""
        verdict = self._judge(theta, closeness)
        unique = verdict.kind is Kind.MINIMUM and verdict.outcome is Outcome.CONVERGED
        affine = closeness is not None and closeness.affine
        return verdict if unique or affine else self._endless(theta) or verdict

    def judge_large(self, theta: FloatArray) -> Verdict:
        """The same with many parameters, where no Hessian is formed."""
        _, gradient = self.course.evaluate(theta)
        evaluate = Evaluator(Plain(self.course.function), theta.size, bare=False)
        evaluate.deadline = self.course.evaluate.deadline
        scale = max(largest(theta), 1e-300)
        precision = self.precision if self.precision is not None else RELATIVE * scale
        certifier = Certifier(evaluate, self.start, precision, self.names)
        certifier.effort = 20_000
        found = certifier.examine(theta, gradient)
        if not found.settled:
            found = certifier.examine(theta, gradient, far=True)
        self.course.evaluate.calls += evaluate.calls
        if found.settled and math.isfinite(found.error):
            allowed = np.full(theta.size, precision)
            errors = np.full(theta.size, found.error)
            return self._settled(found, errors, allowed, np.full(theta.size, scale))
        return self._endless(theta) or self._open(found, found.reason)

    def _endless(self, theta: FloatArray) -> Verdict | None:
        """The verdict on a loss that falls on and on beyond ``theta``, if it does."""
        fall, way = where_to(self.course.evaluate.probe, self.start, theta)
        if fall is Fall.NOT:
            return self._pole(theta)
        where = named(way, self.names)
        if fall is Fall.FOR_EVER:
            text = f"The loss falls on and on along {where}. {Outcome.UNBOUNDED.value}"
            return Verdict(Outcome.UNBOUNDED, text, Kind.OPEN)
        if fall is Fall.TO_THE_EDGE:
            text = f"The loss is lowest at the edge of its domain, along {where}."
            text = f"{text} {Outcome.LEFT_DOMAIN.value}"
            return Verdict(Outcome.LEFT_DOMAIN, text, Kind.FLAT)
        text = f"The loss falls along {where} for ever towards a limit that it reaches nowhere: "
        text += (
            "it has no minimum (the data may be fitted perfectly, or a parameter is not needed)."
        )
        return Verdict(Outcome.STALLED, f"{text} {Outcome.STALLED.value}", Kind.FLAT)

    def _pole(self, theta: FloatArray) -> Verdict | None:
        """The verdict on a loss that falls without bound at a point that is near."""
        if not falls_into_pole(self.course.evaluate.probe, self.start, theta):
            return None
        at = ", ".join(
            f"{n} = {number(v)}" for n, v in zip(self.names[:3], theta.tolist(), strict=False)
        )
        text = f"The loss falls to minus infinity near {at}. {Outcome.UNBOUNDED.value}"
        return Verdict(Outcome.UNBOUNDED, text, Kind.OPEN)

    def _judge(self, theta: FloatArray, closeness: Closeness | None) -> Verdict:
        if closeness is not None:
            here = closeness.normal(theta)
            if here is not None:
                judged = closeness.estimate(theta, here, self.names)
                if judged.errors is not None:
                    allowed = self.allowed(theta, judged.errors)
                    return self._settled(judged.estimate, judged.errors, allowed, theta)
        return self._general(theta)

    def allowed(self, theta: FloatArray, errors: FloatArray) -> FloatArray:
        """The error allowed to each parameter (p,)."""
        if self.precision is not None:
            return np.full(theta.size, self.precision)
        known = errors < 1e-2 * np.abs(theta)
        start = np.where(self.start != 0, np.abs(self.start), 1.0)
        zero = np.maximum(np.minimum(start, 1.0), np.abs(theta))
        return RELATIVE * np.where(known, np.abs(theta), zero)

    def certified(
        self, theta: FloatArray, errors: FloatArray, allowed: FloatArray, kind: Kind, words: str
    ) -> Verdict:
        """The verdict on a point whose conditions were solved, with its errors (p,)."""
        found = Estimate(kind, float(errors.max(initial=0.0)), float(errors.max(initial=0.0)), 0.0)
        verdict = self._settled(replace(found, reason=words), errors, allowed, theta)
        return verdict

    # -- without squares -----------------------------------------------------------------------

    def _general(self, theta: FloatArray) -> Verdict:
        errors = sharp(self.course.function, theta) if self.smooth else None
        if errors is not None:
            found = Estimate(Kind.MINIMUM, largest(errors), largest(errors), 0.0)
            return self._settled(found, errors, self.allowed(theta, errors), theta)
        loss, gradient = self.course.evaluate(theta)
        hessian = self.course.function.hessian(theta)
        if not (math.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return self._open(Estimate(Kind.OPEN), "the curvature is not finite there")
        first = np.abs(Model(hessian, gradient).full())
        allowed = self.allowed(theta, first)
        unit = 2.0 ** np.round(np.log2(allowed / allowed.min()))
        precision = float((allowed / unit).min())
        estimate = self._examined(theta, unit, precision)
        if estimate.settled and math.isfinite(estimate.error):
            return self._settled(estimate, estimate.error * unit, allowed, theta)
        if theta.size == 1 and self.enclosed(theta):
            found = Estimate(Kind.MINIMUM, largest(allowed), reason="the loss is bent sharply here")
            return self._settled(found, allowed, allowed, theta)
        return self._open(estimate, estimate.reason)

    def enclosed(self, theta: FloatArray) -> bool:
        """Whether the loss of one parameter rises outwards on both sides within the precision.

        A continuous function has its lowest point on an interval inside it then, however sharply
        it is bent there (|x|^1.5).
        """
        probe, allowed = self.course.evaluate.probe, self.allowed(theta, np.full(1, np.inf))
        here = probe(theta)[0]
        for share in (1.0, 0.5):
            for sign in (1.0, -1.0):
                loss, gradient = probe(theta + sign * share * allowed)
                if not (loss > here and sign * float(gradient[0]) > 0.0):
                    return False
        return not falls_into_pole(probe, self.start, theta)

    def _examined(self, theta: FloatArray, unit: FloatArray, precision: float) -> Estimate:
        scaled = Scaled(self.course.function, unit)
        evaluate = Evaluator(scaled, theta.size, bare=False)
        evaluate.deadline = self.course.evaluate.deadline
        certifier = Certifier(evaluate, self.start / unit, precision, self.names)
        u = theta / unit
        _, gradient = evaluate(u)
        found = certifier.examine(u, gradient)
        if not found.settled or found.error > precision:
            wider = certifier.examine(u, gradient, far=True)
            found = wider if wider.settled or not found.settled else found
        if found.kind is Kind.OPEN:
            found = self._beside(certifier, evaluate, u, precision, found)
        self.course.evaluate.calls += evaluate.calls
        return found

    def _beside(
        self, certifier: Certifier, evaluate: Evaluator, u: FloatArray, precision: float,
        found: Estimate,
    ) -> Estimate:  # fmt: skip
        """Ask a little to the side, where the Newton step is more than rounding."""
        for share in (1e-4, -1e-4, 1e-2):
            near = u + share * precision * np.where(np.arange(u.size) % 2, 1.0, -1.0)
            estimate = certifier.examine(near, evaluate(near)[1])
            if estimate.kind is Kind.MINIMUM:
                return replace(estimate, error=estimate.error + abs(share) * precision)
        return found

    # -- words ---------------------------------------------------------------------------------

    def _settled(
        self, estimate: Estimate, errors: FloatArray, allowed: FloatArray, theta: FloatArray
    ) -> Verdict:
        remark = f" {_sentence(estimate.reason)}" if estimate.reason else ""
        worst = int(np.argmax(errors / allowed))
        size = self._size(errors, theta, allowed, worst)
        if (errors <= allowed).all():
            return Verdict(Outcome.CONVERGED, f"{size}{remark}", estimate.kind, errors)
        if estimate.floor > 0 and estimate.noise <= 1e3:
            text = f"Rounding limits the answer: {size[0].lower()}{size[1:]}{remark} "
            return Verdict(
                Outcome.PRECISION_LIMIT, text + Outcome.PRECISION_LIMIT.value, estimate.kind, errors
            )
        text = f"{size}{remark} {Outcome.STALLED.value}"
        return Verdict(Outcome.STALLED, text, estimate.kind, errors)

    def _size(self, errors: FloatArray, theta: FloatArray, allowed: FloatArray, worst: int) -> str:
        if self.precision is not None:
            text = f"The estimated error of every parameter is at most {number(largest(errors))}"
            return f"{text}; the precision asked for is {number(self.precision)}."
        share = float((errors / allowed).max(initial=0.0)) * RELATIVE
        who = self.names[worst]
        text = f"The estimated error of every parameter is at most {number(share)} of its size"
        if not errors[worst] < 1e-2 * abs(theta[worst]):
            text += f" ({number(errors[worst])} for {who}, which is about zero)"
        return text + "."

    def _open(self, estimate: Estimate, why: str) -> Verdict:
        kind = estimate.kind
        if kind is Kind.UNPLACED:
            text = f"{_sentence(why)} {Outcome.PRECISION_LIMIT.value}"
            return Verdict(Outcome.PRECISION_LIMIT, text, kind)
        parts = ["No proper minimum was found here:", why or "it cannot be checked"]
        text = " ".join(parts).rstrip(".") + f". {Outcome.STALLED.value}"
        return Verdict(Outcome.STALLED, text, kind)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith(".") else ".")
