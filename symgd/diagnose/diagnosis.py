"""Everything that is known about a loss before and after a descent, in words and as data."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True, eq=False)
class Pace:
    """What one learning rate does: the steps it takes, and its turning point if it is a schedule.

    ``to_step`` is the count until the textbook test max|step| < precision fires, ``to_error``
    until the parameters are within the precision of the minimum; ``None`` where it is not known.
    ``factor`` is what a step multiplies the error by in the end.
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
    loss with kinks), "limit" (the lowest point that bounds or constraints allow, where the
    gradient need not be zero) or "" (no minimum was found; ``found`` says what happened instead).
    ``curvature`` gives the stable and the best rate; it is exact for quadratic losses and local
    for others; ``at_start`` is that at the start of a loss that is not quadratic. ``paces`` are
    the rates that were asked about and the best one, ``free`` the directions that the data do not
    determine, ``limits`` the bounds and constraints of the run, ``noise`` what mini-batches leave,
    ``closed`` the exact answer, ``distance`` that of the point from it. ``failure`` says why a
    run failed and what helps.
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
    limits: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the curvature at the point says what a descent near the minimum will do."""
        here, start = self.curvature, self.at_start
        if self.arrived == "limit":
            return False
        if self.shape.structure.quadratic:
            return here is not None and here.smallest >= -here.noise
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
        from symgd.diagnose.words import sections

        return [(topic, lines) for topic, lines in sections(self) if lines]

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
