"""A derivation line by line: the first wrong line, and why.

Each piece of a chain of equal signs is compared with the one before it and with the
true derivative. A line that follows from a wrong one is right relative to it.

>>> report = check_derivation('''
... L = mean((y - (m*x + b))^2)
... dL/dm = mean(2*(y - (m*x + b))*(-x))
...       = 2*mean(x*(y - (m*x + b)))
... ''')
>>> report.first_wrong.number, report.first_wrong.verdict.mistake
(4, 'sign error (whole)')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symgd.check.claims import Columns
from symgd.check.line_reader import Reader
from symgd.check.line_text import statements
from symgd.check.verdict import Verdict
from symgd.errors import FormulaError
from symgd.formula.problem import ShapeLike


@dataclass(frozen=True)
class LineVerdict:
    """One piece of a line: ``against`` what it was compared, and whether it is true at all.

    ``verdict`` compares it with the piece before it (with the derivative for the first
    one); ``true`` says whether it equals the derivative itself (``None``: not known).
    """

    number: int
    text: str
    against: str
    verdict: Verdict
    true: bool | None = None

    @property
    def ok(self) -> bool:
        """The step is right."""
        return self.verdict.verdict == "equal"

    def __str__(self) -> str:
        head = f"{self.number:3d}  {self.text}"
        word = self.verdict.verdict
        if self.ok:
            if self.true is False:
                return f"{head}\n     follows from {self.against}, which is wrong"
            return f"{head}\n     right: {self.verdict.reason}"
        return (
            head + "\n" + "\n".join(f"     {line}" for line in str(self.verdict).splitlines())
            if word
            else head
        )

    def to_dict(self) -> dict[str, Any]:
        """The line as JSON values."""
        return {
            "number": self.number, "text": self.text, "against": self.against,
            "true": self.true, **self.verdict.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """The verdicts of all lines in order; a sequence of :class:`LineVerdict`."""

    lines: tuple[LineVerdict, ...]
    reading: str = ""

    @property
    def first_wrong(self) -> LineVerdict | None:
        """The first line that is wrong or off by a factor."""
        wrong = [v for v in self.lines if v.verdict.verdict in ("wrong", "proportional")]
        return wrong[0] if wrong else None

    @property
    def ok(self) -> bool:
        """Every line is right."""
        return bool(self.lines) and all(line.ok for line in self.lines)

    def __iter__(self) -> Iterator[LineVerdict]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, index: int) -> LineVerdict:
        return self.lines[index]

    def __str__(self) -> str:
        shown = [self.reading] if self.reading else []
        shown += [str(line) for line in self.lines]
        wrong = self.first_wrong
        if wrong is not None:
            shown.append(f"the first wrong line is line {wrong.number}")
        elif self.ok:
            shown.append("every line is right")
        else:
            shown.append("no line is wrong, but not every line could be decided")
        return "\n".join(shown)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        wrong = self.first_wrong
        return {
            "ok": self.ok,
            "first_wrong": None if wrong is None else wrong.number,
            "reading": self.reading,
            "lines": [line.to_dict() for line in self.lines],
        }


def check_derivation(
    lines: str | Iterable[str],
    formula: str | None = None,
    wrt: str | None = None,
    *,
    columns: Columns = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Report:
    """Every line of a derivation judged against the one before it.

    ``lines`` is text or a list of lines, plain or LaTeX (a whole ``align`` block). The
    loss is ``formula`` or the first line ``L = ...``; ``let r = ...`` and ``where u = ...``
    define names; a line ``dL/dm = ...`` starts a derivative, ``= ...`` goes on, ``... = 0``
    starts an equation that is solved stepwise. ``wrt`` is only needed when no left
    side says it.

    >>> check_derivation("d/dx [x^3] = 3*x^2 = x*(3*x)").ok
    True
    """
    options = {"columns": columns, "shapes": shapes, "constants": constants}
    reader = Reader(formula, wrt, options)
    found: list[LineVerdict] = []
    for statement in statements(lines):
        try:
            found += [LineVerdict(*piece) for piece in reader.judged(statement)]
        except FormulaError as problem:
            raise problem.said_of(f"line {statement.number}") from None
    return Report(tuple(found), reader.reading)
