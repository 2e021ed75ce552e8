"""Text for terminals that know no Unicode: every sign in letters, nothing lost.

>>> ascii_of("1/N ∑ᵢ (yᵢ - (m xᵢ + b))² ≤ θ₁₂")
'1/N sum_i (y_i - (m x_i + b))^2 <= theta_12'
>>> ascii_of("4 ┤█▃"), ascii_of("naïve 中")
('4 |#:', 'naive \\\\u4e2d')
"""

from __future__ import annotations

import re
import unicodedata

_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀ", "0123456789+-=()niT", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ᵢⱼₖₗₘₙₚₓ", "0123456789+-=()ijklmnpx", strict=True))
_SIGNS = {
    "∑": "sum", "Σ": "sum", "∏": "prod", "∂": "d", "∇": "grad ", "√": "sqrt", "∞": "inf",
    "·": "*", "⋅": "*", "\N{MULTIPLICATION SIGN}": "x", "⊙": ".*", "÷": "/",
    "\N{MINUS SIGN}": "-", "±": "+/-",
    "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "∈": " in ", "←": "<-", "→": "->", "⇒": "=>",
    "…": "...", "\N{EN DASH}": "-", "—": "-", "‖": "||", "│": "|", "┤": "|", "├": "|", "└": "`",
    "─": "-", "━": "=", "╸": "-", "═": "=", "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'", "“": '"', "”": '"', "•": "*",
    "▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+", "▇": "*", "█": "#",
}  # fmt: skip
_RUNS = re.compile(f"[{''.join(_RAISED)}]+|[{''.join(_LOWERED)}]+")
_LETTER = re.compile(r"GREEK (?:SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)$")


def ascii_of(text: str) -> str:
    """``text`` in ASCII: Greek letters by name, indices with ``_``, powers with ``^``."""
    if text.isascii():
        return text
    spelled = _RUNS.sub(_spelled, text)
    return "".join(char if char.isascii() else _sign(char) for char in spelled)


def _spelled(found: re.Match[str]) -> str:
    """A run of raised or lowered signs, such as the 12 of theta."""
    signs = found.group()
    if signs[0] in _RAISED:
        return "^" + "".join(_RAISED[c] for c in signs)
    return "_" + "".join(_LOWERED[c] for c in signs)


def _sign(char: str) -> str:
    if char in _SIGNS:
        return _SIGNS[char]
    name = unicodedata.name(char, "")
    letter = _LETTER.match(name)
    if letter:
        word = letter.group(1).lower().replace("lamda", "lambda")
        return word.capitalize() if "CAPITAL" in name else word
    base = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return base.strip() or char.encode("ascii", "backslashreplace").decode()
