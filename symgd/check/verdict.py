"""What a check concludes, as data with a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

Word = Literal["equal", "proportional", "wrong", "undecided"]


@dataclass(frozen=True)
class Witness:
    """A point at which two formulas differ, with both values.

    ``point`` maps names to exact rationals (tuples of them for arrays), ``right`` and
    ``claim`` are decimal numbers or fractions as text, ``entry`` is the place in an
    array. A value that does not exist is "undefined".
    """

    point: dict[str, Any]
    right: str
    claim: str
    entry: tuple[int, ...] = ()

    def __str__(self) -> str:
        place = f" (entry {', '.join(map(str, self.entry))})" if self.entry else ""
        return f"at {point_text(self.point)}: right {self.right}, yours {self.claim}{place}"

    def to_dict(self) -> dict[str, Any]:
        """The witness as JSON values; numbers are texts such as "1/2"."""
        return {
            "point": {name: _plain(value) for name, value in self.point.items()},
            "right": self.right,
            "claim": self.claim,
            "entry": list(self.entry),
        }


def point_text(point: dict[str, Any]) -> str:
    """``m=1, x=(1, 2)``."""
    return (
        ", ".join(f"{name}={_shown(value)}" for name, value in sorted(point.items())) or "any point"
    )


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_shown(v) for v in value)})"
    return str(value)


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else str(Fraction(value))


@dataclass(frozen=True)
class Verdict:
    """Whether a claim is right, and why.

    ``verdict`` is "equal", "proportional" (right up to the positive constant
    ``factor``), "wrong" or "undecided". ``how`` says what it rests on: "proved" (exact
    normal forms), "refuted" (``witness``: a point where the values surely differ),
    "probable" (exact for several concrete sizes), "open". ``mistake`` is the name of the
    mistake and ``step`` where it was made; ``right`` is the right line in textbook form,
    ``domain`` where the verdict holds, ``reason`` the whole in a sentence.
    """

    verdict: Word
    how: str
    reason: str
    factor: str | None = None
    witness: Witness | None = None
    mistake: str | None = None
    step: str | None = None
    right: str | None = None
    domain: str = "wherever both sides are defined"
    reading: str = field(default="", compare=False)

    @property
    def ok(self) -> bool:
        """The claim is right."""
        return self.verdict == "equal"

    def __str__(self) -> str:
        width = max(len(self.verdict) + 2, 10)
        lines = [f"{self.verdict:<{width}}{self.reason}"]
        pad = " " * width
        if self.verdict in ("wrong", "proportional") and self.right:
            lines.append(f"{pad}right: {self.right}")
        if self.verdict == "wrong" and self.witness is not None:
            lines.append(f"{pad}{self.witness}")
        if self.verdict == "equal" and self.domain:
            lines.append(f"{pad}{self.how}; holds {self.domain}")
        return "\n".join(lines)

    def __bool__(self) -> bool:
        raise TypeError("a verdict has four values: compare .verdict, or use .ok")

    def _repr_html_(self) -> str:
        from symgd.show.notebook import verdict_html

        return verdict_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON values."""
        return {
            "verdict": self.verdict,
            "how": self.how,
            "reason": self.reason,
            "factor": self.factor,
            "witness": None if self.witness is None else self.witness.to_dict(),
            "mistake": self.mistake,
            "step": self.step,
            "right": self.right,
            "domain": self.domain,
            "reading": self.reading,
        }
