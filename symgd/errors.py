"""What can go wrong, and what to do about it.

Users only ever see subclasses of :class:`SymgdError`; anything else is a bug::

    SymgdError
    ├── FormulaError          the text of a formula, with a caret under the place
    │   ├── SyntaxProblem     a token that cannot stand there
    │   ├── NameProblem       a name that is unknown, reserved or used twice
    │   ├── ShapeProblem      shapes that do not fit together
    │   ├── LimitProblem      longer, deeper or larger than the stated limits
    │   └── UndefinedProblem  not a finite real number anywhere, such as 1/0
    ├── DataError             a column, a cell, a file
    ├── OptionError           an option out of its range, refused by name
    ├── UnsupportedError      understood, but not something this release can do
    └── ProofError            two derivations disagree (a bug: please report it)

Every error says what was given, where, what is allowed there, and the nearest
legal spelling when there is one.
"""

from __future__ import annotations


class SymgdError(Exception):
    """Base of every error that symgd raises on purpose."""


class FormulaError(SymgdError):
    """A formula was refused.

    ``text`` is the formula, ``position`` the 0-based column where the trouble
    starts (``None`` if it concerns the whole formula), ``reason`` one sentence
    and ``hint`` the remedy. ``str(error)`` shows all of it with a caret.
    """

    def __init__(
        self,
        reason: str,
        text: str = "",
        position: int | None = None,
        hint: str | None = None,
        length: int = 1,
    ) -> None:
        self.reason = reason
        self.text = text
        self.position = position
        self.hint = hint
        self.length = length
        super().__init__(reason)

    def __reduce__(self) -> tuple[type[FormulaError], tuple[object, ...]]:
        return type(self), (self.reason, self.text, self.position, self.hint, self.length)

    def __str__(self) -> str:
        lines = [self.reason]
        if self.text and self.position is not None:
            lines += _excerpt(self.text, self.position, self.length)
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def said_of(self, where: str) -> FormulaError:
        """The same error with the line it is about."""
        return type(self)(
            f"{where}: {self.reason}", self.text, self.position, self.hint, self.length
        )

    def located(self, text: str, position: int | None, length: int = 1) -> FormulaError:
        """The same error with its place, for rooms that do not see the text."""
        if self.position is not None or not text:
            return self
        return type(self)(self.reason, text, position, self.hint, length)


class SyntaxProblem(FormulaError):
    """A token that cannot stand where it stands."""


class NameProblem(FormulaError):
    """A name that is unknown, reserved or used for two things."""


class ShapeProblem(FormulaError):
    """Shapes that do not fit together."""


class LimitProblem(FormulaError):
    """A formula longer, deeper or larger than the stated limits."""


class UndefinedProblem(FormulaError):
    """A formula that is not a finite real number anywhere."""


class DataError(SymgdError):
    """A column, a cell or a file that cannot be used as data."""


class OptionError(SymgdError):
    """An option outside its range; the message names it and what is allowed."""


class UnsupportedError(SymgdError):
    """Understood, but not something this release can do."""


class ProofError(SymgdError):
    """Two independent derivations disagree: the result is withheld."""


_WINDOW = 76


def _excerpt(text: str, position: int, length: int) -> list[str]:
    """The line of ``text`` around ``position`` and a caret line below it."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    column = min(position - start, len(line))
    left = max(0, column - _WINDOW // 2)
    shown = line[left : left + _WINDOW]
    if left:
        shown = "…" + shown[1:]
    if left + _WINDOW < len(line):
        shown = shown[:-1] + "…"
    shown = "".join(c if c.isprintable() else " " for c in shown)
    carets = "^" * max(1, min(length, len(shown) - (column - left)))
    return ["  " + shown, "  " + " " * (column - left) + carets]
