"""How a run ends, in words with the numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from symgd.descend.estimate import Estimate
from symgd.descend.objective import FloatArray
from symgd.descend.options import Settings
from symgd.descend.solution import Outcome


@dataclass(frozen=True, eq=False)
class Ending:
    """Why and where a run ended: the point that is the answer, its loss and gradient norm."""

    outcome: Outcome
    theta: FloatArray
    loss: float
    norm: float
    message: str
    error: float | None = None
    failed_at: FloatArray | None = None


def number(value: float) -> str:
    """A number for a sentence, four digits.

    >>> number(5.75), number(1234567.0), number(2.0000000001)
    ('5.75', '1.235e+06', '2')
    """
    return f"{value:.4g}"


def known(estimate: Estimate) -> float | None:
    """The estimated error as users see it: None if it cannot be known."""
    return estimate.error if estimate.settled and math.isfinite(estimate.error) else None


def converged(settings: Settings, estimate: Estimate) -> str:
    """The message of a proper end."""
    text = f"The estimated error of every parameter is at most {number(estimate.error)}, "
    text += f"within the precision {number(settings.precision or 0.0)}."
    return f"{text} {_sentence(estimate.reason)}".rstrip()


def rounding(settings: Settings, estimate: Estimate) -> str:
    """The message when rounding stops the run before the precision is reached."""
    text = f"Rounding leaves an error of about {number(estimate.error)} in the parameters; "
    text += f"the precision {number(settings.precision or 0.0)} is out of reach in floating point."
    return f"{text} {Outcome.PRECISION_LIMIT.value}"


def unplaced(estimate: Estimate) -> str:
    """The message when the loss is level to rounding around the minimum."""
    return f"{_sentence(estimate.reason)} {Outcome.PRECISION_LIMIT.value}"


def stalled(settings: Settings, estimate: Estimate, why: str, advice: str = "") -> str:
    """The message of a run that makes no progress although it is not at the precision."""
    parts = [_sentence(why), remaining(settings, estimate), advice]
    parts += [_sentence(estimate.reason), Outcome.STALLED.value]
    return " ".join(part for part in parts if part)


def remaining(settings: Settings, estimate: Estimate) -> str:
    """What is known of the distance that is left."""
    error = known(estimate)
    if error is None:
        return "The remaining error cannot be estimated here."
    text = f"The remaining error is about {number(error)}"
    if settings.precision is not None:
        text += f", the precision asked for {number(settings.precision)}"
    return text + "."


def used_up(settings: Settings, estimate: Estimate, advice: str) -> str:
    """The message when all steps are done before the precision is reached."""
    parts = [remaining(settings, estimate), advice]
    if settings.batches is not None and settings.rate is not None:
        parts.append("Mini-batches at a constant rate keep jumping about: let the rate decay.")
    parts += [_sentence(estimate.reason), Outcome.MAX_STEPS.value]
    return " ".join(part for part in parts if part)


def pace(settings: Settings, estimate: Estimate) -> str:
    """How many more steps gradient descent would need, and what would make it faster."""
    more = steps_to_go(settings, estimate)
    if not estimate.settled or not more > 0.0 or settings.rate is None:
        return ""
    count = f"{math.ceil(more):,}" if more < 1e6 else f"{more:.2g}"
    text = f"At the rate {settings.rate_text} it needs at least {count} more steps"
    if settings.rate * estimate.steepest < 0.5:
        text += f"; a rate of 1/L = {number(1.0 / estimate.steepest)} would be faster"
    elif estimate.steepest > 50.0 * estimate.pace:
        ratio = number(estimate.steepest / estimate.pace)
        text += f": the loss is {ratio} times as curved across the valley as along it, "
        text += "so rescale the parameters or the data"
    return text + "."


def hopeless(settings: Settings, estimate: Estimate, least: float) -> bool:
    """Whether the learning rate is far too small: below 1 % of 1/L and far beyond the budget."""
    more = steps_to_go(settings, estimate)
    if settings.rate is None or not more > max(100.0 * settings.steps, least):
        return False
    return settings.rate * estimate.steepest < 0.01


def steps_to_go(settings: Settings, estimate: Estimate) -> float:
    """A lower bound on the steps that constant-rate gradient descent still needs.

    The error of a quadratic shrinks by 1 - eta*kappa per step, where kappa is the curvature
    along the error; kappa only falls as the slow directions come to dominate.
    """
    error, precision = estimate.error, settings.precision
    if not settings.textbook or precision is None or not precision < error < math.inf:
        return 0.0
    assert settings.rate is not None
    shrink = settings.rate * estimate.pace
    if not 0.0 < shrink < 1.0:
        return 0.0
    return math.log(error / precision) / -math.log1p(-shrink)


def too_fast(settings: Settings, curvature: float) -> str:
    """What the curvature L says about the learning rate."""
    if not 0.0 < curvature < math.inf or not settings.steepest:
        return "Use a smaller learning rate."
    limit, best = number(2.0 / curvature), number(1.0 / curvature)
    where = " of all rows (that of single batches is lower)" if settings.batches else ""
    if settings.rate is None:
        return (
            f"The learning rate {settings.rate_text} stays too long above the stable limit "
            f"2/L = {limit}{where} for this loss."
        )
    if settings.rate * curvature > 2.0:
        return (
            f"The learning rate {settings.rate_text} is above the stable limit 2/L = {limit}{where}"
            f" for this loss; the fastest fixed rate is about 1/L = {best}."
        )
    return (
        f"The learning rate {settings.rate_text} is too large for the curvature met on the way "
        f"(where it was best, the limit is 2/L = {limit}{where}): use a smaller one."
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith(".") else ".")
