"""Everything that is known about a loss before and after a descent, in words and as data."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgd.descend.objective import FloatArray
from symgd.diagnose.closed import ClosedForm
from symgd.diagnose.freedom import Free
from symgd.diagnose.growth import Turn
from symgd.diagnose.noise import Noise
from symgd.diagnose.prediction import Count
from symgd.diagnose.shape import Shape
from symgd.diagnose.spectrum import Curvature
from symgd.diagnose.standardise import Standardised

_WIDTH = 96
_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Pace:
    """What one learning rate does: the steps it takes, and its turning point if it is a schedule.

    ``to_step`` is the count until the textbook test max|step| < precision fires, ``to_error``
    until the parameters are within the precision of the minimum; ``None`` where it is not known.
    ``factor`` is what the error shrinks by in a step in the end.
    """

    text: str
    rate: float | None
    to_error: Count | None = None
    to_step: Count | None = None
    factor: float | None = None
    turn: Turn | None = None


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What the formula and its data say about a loss; prints in words.

    ``point`` (p,) is where the loss was looked at, ``arrived`` what that is: "minimum", "saddle",
    "maximum", "flat" (by the Hessian, where the gradient is zero), "kink" (the lowest point of a
    loss with kinks) or "" (no minimum was found; ``found`` says what happened instead).
    ``curvature`` gives the stable and the best rate; it is exact for quadratic losses and local
    for others; ``at_start`` is that at the start of a loss that is not quadratic. ``paces`` are
    the rates that were asked about and the best one, ``free`` the directions that the data do not
    determine, ``noise`` what mini-batches leave, ``closed`` the exact answer, ``distance`` that of
    the point from it. ``failure`` says why a run failed and what helps.
    """

    formula: str
    reading: str
    names: tuple[str, ...]
    point: FloatArray
    loss: float
    gradient_norm: float
    arrived: str
    shape: Shape
    curvature: Curvature | None
    precision: float
    paces: tuple[Pace, ...] = ()
    standardised: Standardised | None = None
    free: tuple[Free, ...] = ()
    noise: Noise | None = None
    closed: ClosedForm = field(default_factory=lambda: ClosedForm((), ""))
    distance: float | None = None
    failure: str = ""
    at_start: Curvature | None = None
    found: str = ""

    @property
    def settled(self) -> bool:
        """Whether the curvature at the point says what a descent near the minimum will do."""
        if self.shape.structure.quadratic:
            return True
        here, start = self.curvature, self.at_start
        if self.arrived not in ("minimum", "flat") or here is None or not here.largest > 0:
            return False
        return start is None or not here.largest < 1e-8 * abs(start.largest)

    @property
    def stable_rate(self) -> float:
        """2/L, the largest learning rate at which gradient descent does not diverge."""
        return math.nan if self.curvature is None else self.curvature.stable_rate

    @property
    def best_rate(self) -> float:
        """2/(mu + L), the constant learning rate that is fastest in the end."""
        return math.nan if self.curvature is None else self.curvature.best_rate

    @property
    def condition(self) -> float:
        """The condition number L/mu."""
        return math.nan if self.curvature is None else self.curvature.condition

    def pace(self, rate: float | str) -> Pace:
        """What is known of one of the rates; raises ``KeyError`` for one not asked about."""
        for pace in self.paces:
            if rate in (pace.text, pace.rate):
                return pace
        raise KeyError(rate)

    def sections(self) -> list[tuple[str, list[str]]]:
        """Topics with their sentences, in the order of the report."""
        return [(topic, lines) for topic, lines in _sections(self) if lines]

    def __str__(self) -> str:
        rows = []
        for topic, lines in self.sections():
            head = f"{topic:<11} "
            for line in lines:
                rows.append(
                    textwrap.fill(
                        line, _WIDTH, initial_indent=head, subsequent_indent=" " * 14,
                        break_long_words=False, break_on_hyphens=False,
                    )
                )  # fmt: skip
                head = " " * 12
        return "\n".join(rows)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it; numbers that are not finite become ``None``."""
        curvature, noise = self.curvature, self.noise
        return {
            "formula": self.formula,
            "reading": self.reading,
            "point": dict(zip(self.names, map(_plain, self.point), strict=True)),
            "loss": _plain(self.loss),
            "gradient_norm": _plain(self.gradient_norm),
            "arrived": self.arrived,
            "convexity": self.shape.convexity,
            "convexity_reason": self.shape.reason,
            "quadratic": self.shape.structure.quadratic,
            "groups": [list(g) for g in self.shape.groups],
            "exact": curvature is not None and curvature.exact,
            "largest_curvature": None if curvature is None else _plain(curvature.largest),
            "smallest_curvature": None if curvature is None else _plain(curvature.smallest),
            "stable_rate": _plain(self.stable_rate),
            "best_rate": _plain(self.best_rate),
            "condition": _plain(self.condition),
            "paces": [_pace_dict(p) for p in self.paces],
            "standardised_condition": None if self.standardised is None
            else _plain(self.standardised.curvature.condition),
            "free": [str(f) for f in self.free],
            "noise": None if noise is None else {
                "batch": noise.batch, "rate": noise.rate, "excess": _plain(noise.excess),
                "rms": dict(zip(self.names, map(_plain, noise.rms), strict=True)),
                "decay": noise.decay,
            },
            "closed_form": self.closed.text,
            "closed_form_sums": list(self.closed.sums),
            "distance": _plain(self.distance),
            "failure": self.failure,
        }  # fmt: skip


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _pace_dict(pace: Pace) -> dict[str, Any]:
    counts = {"to_error": pace.to_error, "to_step": pace.to_step}
    return {
        "rate": pace.text,
        **{k: None if c is None else _plain(c.steps) for k, c in counts.items()},
        "exact": all(c is None or c.exact for c in counts.values()),
        "factor": _plain(pace.factor),
        "turn": None if pace.turn is None else _plain(pace.turn.time),
        "log10_peak": None if pace.turn is None else _plain(pace.turn.log10_peak),
    }


# -- words ----------------------------------------------------------------------------------------


def number(value: float) -> str:
    """A number for a sentence."""
    return f"{value:.4g}"


def _sections(d: Diagnosis) -> list[tuple[str, list[str]]]:
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
    if c is None or not math.isfinite(c.stable_rate) or not d.settled:
        return lines
    how = "exactly" if c.exact else "near the minimum"
    text = f"stable below 2/L = {number(c.stable_rate)}, fastest at {number(c.best_rate)} ({how})"
    lines.insert(0, text)
    if math.isfinite(c.condition) and c.condition > 1.0:
        kappa = c.condition
        best, root = (kappa - 1) / (kappa + 1), math.sqrt(kappa)
        beta = ((root - 1) / (root + 1)) ** 2
        rate = (2 / (math.sqrt(c.largest) + math.sqrt(c.smallest))) ** 2
        lines.append(
            f"at its best the error shrinks by {number(best)} a step; momentum with beta = "
            f"{number(beta)} and rate {number(rate)} shrinks it by {number(math.sqrt(beta))}"
        )
    for pace in d.paces:
        if pace.turn is not None:
            lines.append(_turn(pace, c))
        elif pace.rate is not None and pace.rate >= c.stable_rate:
            lines.append(f"the rate {pace.text} is above the stable limit: the run diverges")
    return lines


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
    text += f"{number(turn.time)} (it peaks at step {int(turn.step)}, by a factor "
    text += f"of 10^{turn.log10_peak:.1f})"
    return text + (", which overflows: the run diverges" if turn.overflows else ", then it shrinks")


def _steps(d: Diagnosis) -> list[str]:
    lines = []
    for pace in d.paces if d.settled else ():
        parts = []
        if pace.to_error is not None and math.isinf(pace.to_error.steps):
            parts.append("it never comes to rest at the minimum")
        elif pace.to_error is not None:
            parts.append(f"{pace.to_error} steps to be within {d.precision:g} of the minimum")
            parts.append(f"{pace.to_step} until the last step is below {d.precision:g}")
        if not parts and pace.factor is not None and 0 < pace.factor < 1:
            digit = math.log(10) / -math.log(pace.factor)
            parts.append(f"about {digit:,.0f} steps for each further digit, near the minimum")
        if parts:
            lines.append(f"at the rate {pace.text}: {', '.join(parts)}")
    return lines


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
    lines = [where + d.closed.text] if d.closed.text else []
    if d.closed.sums:
        lines.append("where " + ", ".join(d.closed.sums))
    if d.distance is not None:
        lines.append(f"the point above is {number(d.distance)} away from that")
    return lines + ([d.closed.note] if d.closed.note else [])
