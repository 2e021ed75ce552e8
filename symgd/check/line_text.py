r"""A derivation as text, cut into statements.

A line is a definition (``let r = y - m*x``, ``where u = x^2``) or a chain of pieces
between equal signs, perhaps with a left side (``dL/dm``). LaTeX pages lose their
environments, ``&`` and ``\\``.

>>> [s.pieces for s in statements("L = x^2\n# a comment\ndL/dx = 2*x\n = x + x")]
[('L', 'x^2'), ('dL/dx', '2*x'), ('', 'x + x')]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from symgd.check.texts import as_text, pieces_of
from symgd.errors import OptionError

_ENVIRONMENT = re.compile(
    r"\\(?:begin|end)\s*\{"
    r"(?:align|aligned|equation|gather|split|eqnarray|gathered|displaymath|math)\*?\}"
)
_DROPPED = re.compile(
    r"\\(?:nonumber|notag|displaystyle|quad|qquad|label\{[^}]*\}|tag\*?\{[^}]*\})|\\[,;!\[\]]|\$"
)
_LEAD = re.compile(
    r"^\s*(?:\(?\d{1,3}[.)]\s+|[-*•]\s+"
    r"|(?:so|then|hence|thus|therefore|and so|we get|that is|i\.e\.)[,:]?\s+"
    r"|(?:=>|⇒|⟹|→|∴|\\Rightarrow|\\implies|\\Longrightarrow|\\iff|\\Leftrightarrow|⇔|<=>)\s*)+",
    re.IGNORECASE,
)  # fmt: skip
_DEFINE = re.compile(
    r"^\s*(?:\\text\{)?\s*(?:let|with|where|define|put|set|denote|for|using|here)\s*\}?"
    r"\s*[:,]?\s+(?=[^=<>]*[:=])",
    re.IGNORECASE,
)  # fmt: skip

_GOES_ON = re.compile(r"\s*(?:[-+*/]|\\cdot\b|\\times\b|\\right)")


@dataclass(frozen=True)
class Statement:
    """One line: its number and text, its pieces, and whether it defines a name."""

    number: int
    text: str
    pieces: tuple[str, ...]
    defines: bool = False


def statements(text: str | Iterable[str]) -> list[Statement]:
    """The statements of a derivation, empty lines and comments left out."""
    found = []
    for number, line in enumerate(_lines(text), start=1):
        plain = _LEAD.sub("", line).strip().rstrip(",;").strip()
        plain = plain[:-1].strip() if re.search(r"[^.\d]\.$", plain) else plain
        if not plain:
            continue
        begin = _DEFINE.match(plain)
        if begin:
            for part in _definitions(plain[begin.end() :]):
                pieces = tuple(pieces_of(part.replace(":=", "=")))
                found.append(Statement(number, line.strip(), pieces, True))
            continue
        body, where = _trailing_where(plain)
        for part in where:
            pieces = tuple(pieces_of(part.replace(":=", "=")))
            found.append(Statement(number, part.strip(), pieces, True))
        found.append(Statement(number, line.strip(), tuple(pieces_of(body))))
    return found


def _lines(text: str | Iterable[str]) -> list[str]:
    if not isinstance(text, str):
        return [_without_comment(line) for line in _list_of_lines(text)]
    if "\\" in text:
        rows = [" ".join(row.split()) for row in map(_without_comment, _rows_of(text))]
        text = _DROPPED.sub(" ", "\n".join(row for row in rows if row)).replace("&", " ")
    return [_without_comment(line) for line in text.splitlines()]


def _list_of_lines(given: object) -> list[str]:
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise OptionError(
            f"a derivation is text, a line each, or a list of lines, not {type(given).__name__}"
        )
    return [as_text(line, "a line of a derivation") for line in given]


def _rows_of(text: str) -> list[str]:
    r"""The rows of LaTeX: between ``\\`` and empty lines, else line by line."""
    page = _ENVIRONMENT.sub("", text)
    if "\\\\" in page or page != text:
        return re.split(r"\\\\(?:\s*\[[^\]]*\])?|\n[ \t]*\n", page)
    rows: list[str] = []
    for line in page.splitlines():
        if rows and (_is_open(rows[-1]) or _GOES_ON.match(line)):
            rows[-1] += " " + line
        else:
            rows.append(line)
    return rows


def _is_open(row: str) -> bool:
    """Whether a row ends within brackets or behind a sign."""
    brackets = row.count("{") - row.count("}")
    sides = len(re.findall(r"\\left(?![a-z])", row)) - len(re.findall(r"\\right(?![a-z])", row))
    return brackets > 0 or sides > 0 or row.rstrip().endswith(("+", "-", "=", r"\cdot", r"\times"))


def _without_comment(line: str) -> str:
    return re.sub(r"(?<!\\)(?:#|(?:^|\s)%|(?:^|\s)//).*$", "", line)


def _definitions(text: str) -> list[str]:
    """``u = x^2 and v = y`` as two definitions."""
    parts = re.split(r",\s*(?=[^\W\d]\w*\s*:?=)|\s+and\s+(?=[^\W\d]\w*\s*:?=)", text)
    return [p for p in parts if p.strip()]


def _trailing_where(text: str) -> tuple[str, list[str]]:
    """``mean(r^2), where r = y - m*x`` as the formula and its definitions."""
    found = re.search(r"[,;]?\s*(?:\\text\{\s*)?\b(?:where|with)\b\s*\}?\s+(?=[^()]*=)", text)
    if found is None:
        return text, []
    return text[: found.start()], _definitions(text[found.end() :])
