"""The words of a :class:`~symgd.diagnose.diagnosis.Diagnosis`: topics with their sentences.

>>> counted(1, "step"), counted(2180, "step")
('1 step', '2,180 steps')
>>> kept(0.9873), kept(1 - 4e-12), kept(0.0)
('takes away 1.27 % of the error', 'takes away 4e-10 % of the error', 'takes away all of the error')
"""

from __future__ import annotations

import math

import numpy as np

from symgd.diagnose.diagnosis import Diagnosis, Pace
from symgd.diagnose.prediction import Count
from symgd.diagnose.spectrum import Curvature

_SHOWN = 8


def number(value: float) -> str:
    """A number for a sentence."""
    return f"{value:.4g}"


def counted(count: float, thing: str) -> str:
    """A number of things: "1 step", "2 steps"."""
    return f"{count:,.0f} {thing}{'' if count == 1 else 's'}"


def kept(factor: float) -> str:
    """What a step that multiplies the error by ``factor`` (0 to 1) does to it."""
    if factor <= 0.0:
        return "takes away all of the error"
    return f"takes away {100 * (1 - factor):.3g} % of the error"


def sections(d: Diagnosis) -> list[tuple[str, list[str]]]:
    return [
        ("loss", [d.formula, d.reading]),
        ("shape", [d.shape.words]),
        ("point", _point(d)),
        ("failure", [d.failure] if d.failure else []),
        ("curvature", _curvature(d)),
        ("rates", _rates(d)),
        ("steps", _steps(d)),
        ("free", [str(f) for f in d.free[:_SHOWN]]),
        ("noise", _noise(d)),
        ("exactly", _closed(d)),
    ]


def _point(d: Diagnosis) -> list[str]:
    shown = [f"{n} = {v:.8g}" for n, v in zip(d.names, d.point, strict=True)][:_SHOWN]
    more = [f"... {d.point.size - _SHOWN} more"] if d.point.size > _SHOWN else []
    kind = {
        "minimum": "the minimum", "flat": "a minimum that is not single",
        "saddle": "a saddle point, not a minimum", "maximum": "a maximum, not a minimum",
        "kink": "the lowest point that was found",
        "limit": f"the lowest point with {', '.join(d.limits)}",
        "": "where the search ended, no minimum" if d.found else "no stationary point",
    }[d.arrived]  # fmt: skip
    place = ", ".join([*shown, *more])
    lines = [f"{place}: {kind}; loss {d.loss:.8g}, gradient {number(d.gradient_norm)}"]
    return lines + ([d.found] if d.found else [])


def _curvature(d: Diagnosis) -> list[str]:
    c = d.curvature
    if d.arrived in ("", "kink") and not d.shape.structure.quadratic:
        return []
    if c is None or not np.isfinite(c.largest):
        return ["it is not computed for so many parameters"]
    where = "the same everywhere" if c.exact else "at this point"
    low = 0.0 if abs(c.smallest) <= c.noise else c.smallest
    lines = [f"from {number(low)} to {number(c.largest)}, {where}"]
    if math.isfinite(c.condition):
        lines[0] += f"; condition number {number(c.condition)}"
    if d.standardised is not None and c.eigenvalues.size > 1:
        after = d.standardised.curvature.condition
        if math.isfinite(after) and (not math.isfinite(c.condition) or after < 0.9 * c.condition):
            lines.append(f"{d.standardised.words} the condition number is {number(after)}")
    return lines


def _rates(d: Diagnosis) -> list[str]:
    c = d.curvature
    lines = _rates_at_start(d)
    if d.arrived == "limit":
        return []
    if d.shape.structure.quadratic and c is not None and not d.settled:
        return ["no rate leads to a minimum: the loss falls without end"]
    if c is None or not math.isfinite(c.stable_rate) or not d.settled:
        return lines
    how = "exactly" if c.exact else "near the minimum"
    text = f"stable below 2/L = {number(c.stable_rate)}, fastest at {number(c.best_rate)} ({how})"
    lines.insert(0, text)
    lines += _momentum(c)
    for pace in d.paces:
        if pace.turn is not None:
            lines.append(_turn(pace, c))
        elif pace.rate is not None and pace.rate >= c.stable_rate:
            lines.append(f"the rate {pace.text} is above the stable limit: the run diverges")
    return lines


def _momentum(c: Curvature) -> list[str]:
    """What a step does at best, without and with momentum (Polyak's heavy ball)."""
    kappa = c.condition
    if not math.isfinite(kappa) or not kappa > 1.0 + 1e-9:
        return []
    root = math.sqrt(kappa)
    slow, fast = (kappa - 1) / (kappa + 1), (root - 1) / (root + 1)
    rate = (2 / (math.sqrt(c.largest) + math.sqrt(c.smallest))) ** 2
    beta = _below_one(fast**2)
    return [
        f"at its best a step {kept(slow)}; momentum with beta = {beta} and rate {number(rate)} "
        f"{kept(fast)}"
    ]


def _below_one(value: float) -> str:
    """A number below 1 with two digits of what it lacks."""
    digits = 4 if value <= 0.99 else 1 - math.floor(math.log10(1 - value))
    return f"{value:.{digits}f}".rstrip("0")


def _rates_at_start(d: Diagnosis) -> list[str]:
    """The limit where a loss that is not quadratic starts."""
    start = d.at_start
    if start is None or not math.isfinite(start.stable_rate):
        return []
    return [f"at the start the limit is 2/L = {number(start.stable_rate)}"]


def _turn(pace: Pace, c: Curvature) -> str:
    turn = pace.turn
    assert turn is not None
    if math.isinf(turn.time):
        return f"the schedule {pace.text} stays above 2/L = {number(c.stable_rate)}: it diverges"
    if not turn.grows:
        return f"the schedule {pace.text} starts below 2/L: the error shrinks from the first step"
    text = f"the schedule {pace.text} starts above 2/L: the error grows until t = "
    text += f"{number(turn.time)} (it peaks at step {int(turn.step):,}, by a factor "
    text += f"of 10^{turn.log10_peak:.1f})"
    return text + (", which overflows: the run diverges" if turn.overflows else ", then it shrinks")


def _steps(d: Diagnosis) -> list[str]:
    lines = []
    for pace in d.paces if d.settled else ():
        parts = _predicted(d, pace)
        if not parts and pace.factor is not None and 0 <= pace.factor < 1:
            parts = [f"{_per_digit(pace.factor)} for each further digit, near the minimum"]
        if parts:
            lines.append(f"at the rate {pace.text}: {', '.join(parts)}")
    return lines


def _predicted(d: Diagnosis, pace: Pace) -> list[str]:
    """The numbers of steps that are known."""
    near, small = pace.to_error, pace.to_step
    if near is None or small is None:
        return []
    if math.isinf(near.steps):
        return ["it never comes to rest at the minimum"]
    seen = "" if near.first == near.steps else f" (the run knows it after {near.steps:,.0f})"
    return [
        f"{_steps_of(near, near.first)} to be within {d.precision:g} of the minimum{seen}",
        f"{_steps_of(small, small.steps)} until the last step is below {d.precision:g}",
    ]


def _steps_of(count: Count, steps: float) -> str:
    """A count with its noun: "exactly 1 step"."""
    text = str(Count(steps, count.how))
    return f"{text} step{'' if steps == 1 else 's'}"


def _per_digit(factor: float) -> str:
    steps = math.log(10) / -math.log(factor) if factor > 0 else 0.0
    return "less than 1 step" if steps < 1 else f"about {counted(round(steps), 'step')}"


def _noise(d: Diagnosis) -> list[str]:
    noise = d.noise
    if noise is None:
        return []
    if not math.isfinite(noise.excess):
        return [f"with batches of {noise.batch} rows the rate {number(noise.rate)} is not stable"]
    shown = [f"{n} by {number(v)}" for n, v in zip(d.names, noise.rms, strict=True)][:_SHOWN]
    return [
        f"batches of {noise.batch} rows at the constant rate {number(noise.rate)} keep jumping "
        f"about the minimum: {', '.join(shown)} (root mean square), the loss stays "
        f"{number(noise.excess)} above its minimum",
        f"the schedule {noise.decay} removes that",
    ]


def _closed(d: Diagnosis) -> list[str]:
    where = "" if d.shape.convexity == "convex" else "the gradient is zero at "
    if d.arrived == "limit":
        where = "without the limits " + where
    lines = [where + d.closed.text] if d.closed.text else []
    if d.closed.sums:
        lines.append("where " + ", ".join(d.closed.sums))
    if d.distance is not None:
        apart = f"{number(d.distance)} away from that"
        lines.append(f"the point above {'is ' + apart if d.distance else 'is the same'}")
    return lines + ([d.closed.note] if d.closed.note else [])
