"""Cutting the text of claims and lines: left sides, chains of equal signs, definitions."""

from __future__ import annotations

import re

_EQUALS = re.compile(r"(?<![<>=!:])=(?!=)")
_LABEL = re.compile(
    r"""\s*(?:
        d\^?\d*\s*[A-Za-z_]*\w*\s*(?:\([^()]*\))?\s*/\s*d\s*\w+(?:\^\d+)?
      | ∂\^?\d*\s*\w*\s*(?:\([^()]*\))?\s*/\s*∂\s*\w+
      | \\(?:frac|dfrac|tfrac)\s*\{[^{}]*(?:\\partial|\\mathrm\{d\}|d)[^{}]*(?:\{[^{}]*\})?[^{}]*\}
        \s*\{[^{}]*(?:\\partial|\\mathrm\{d\}|d)[^{}]*(?:\{[^{}]*\})?[^{}]*\}
      | (?:\\nabla|∇|grad)\s*_?\{?\\?\w*\}?\s*\w*(?:\([^()]*\))?
      | [^\W\d]\w*'+\s*(?:\([^()]*\))?
      | [^\W\d]\w*\s*(?:\([^()]*\))?
    )\s*""",
    re.VERBOSE,
)


def pieces_of(text: str) -> list[str]:
    """The parts between equal signs that stand outside brackets."""
    parts, start, depth = [], 0, 0
    marks = {m.start() for m in _EQUALS.finditer(text)}
    for at, letter in enumerate(text):
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif at in marks and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return [p.strip().lstrip("&").rstrip("&").strip() for p in parts]


def is_label(text: str) -> bool:
    """Whether a piece only names something: ``dL/dm``, ``L'(x)``, ``grad L``, ``L``."""
    return bool(text) and _LABEL.fullmatch(text) is not None


def split_claim(text: str) -> tuple[str | None, str]:
    """The left side (or ``None``) and the claim itself: the last part of a chain."""
    if not isinstance(text, str):
        from symgd.errors import OptionError

        raise OptionError(f"a claim is text, not {type(text).__name__}")
    parts = pieces_of(text)
    if len(parts) > 1 and is_label(parts[0]):
        return parts[0], parts[-1]
    if len(parts) > 1:
        return None, parts[-1]
    return None, text
