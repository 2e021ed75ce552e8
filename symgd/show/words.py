r"""What is written into pictures: names and formulas as mathtext, numbers, safe plain text.

Mathtext draws much of LaTeX but not all; what it cannot draw is written plainly instead, and
characters that the font lacks become ``?``, so that a picture never fails for its title.

>>> print(mathtext(r"\frac{1}{N} \sum_{i=1}^{N} x_i", "mean(x)"))
$\frac{1}{N} \sum_{i=1}^{N} x_i$
>>> print(mathtext(r"\begin{cases} x & y \end{cases}", "where(y, x, 0)"))
where(y, x, 0)
"""

from __future__ import annotations

import math
import re

from symgd.errors import SymgdError
from symgd.formula.graph import Node
from symgd.formula.latex import name_latex, to_latex
from symgd.formula.text import to_text

LONGEST = 90
"""So many characters of a formula are shown in plain text before it is cut."""

_LOW_BRACKETS = re.compile(
    r"\\left\(((?:(?!\\left|\\right|\\d?frac|\\sum|\\prod|\\sqrt).)*)\\right\)"
)
_COMPONENT = re.compile(r"(.+)\[([\d,]+)\]")


def mathtext(latex: str, plain: str) -> str:
    """``latex`` between dollars if mathtext can draw it, else ``plain``."""
    latex = plain_brackets(latex)
    if latex.isascii() and len(latex) <= 400 and _drawable(latex):
        return f"${latex}$"
    return safe(plain)


def plain_brackets(latex: str) -> str:
    r"""Brackets around what is one line high need not grow, and look better if they do not.

    >>> plain_brackets(r"\left(x - \left(y\right)\right) \left(\frac{1}{2}\right)")
    '(x - (y)) \\left(\\frac{1}{2}\\right)'
    """
    while (plainer := _LOW_BRACKETS.sub(r"(\1)", latex)) != latex:
        latex = plainer
    return latex


def display(latex: str) -> str:
    """The same with full-sized fractions, if they are few and not inside each other."""
    few = latex.count(r"\frac") <= 2 and not re.search(r"\^\{[^}]*\\frac", latex)
    return latex.replace(r"\frac", r"\dfrac") if few else latex


def r_squared(value: float) -> str:
    """R squared with as many nines as it has.

    >>> r_squared(0.98765), r_squared(0.99999379)
    ('0.9877', '0.999994')
    """
    if not 0.9995 < value < 1.0:
        return number(value, 4)
    return f"{value:.{min(12, 1 - math.floor(math.log10(1.0 - value)) - 1)}f}"


def safe(text: str, longest: int = LONGEST) -> str:
    """Plain text that any title can hold: dollars escaped, missing glyphs replaced, cut.

    >>> safe("100 $ or more"), safe("a" * 50, 10)
    ('100 \\\\$ or more', 'aaaaaaaaa…')
    """
    line = " ".join(text.split())
    shown = line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
    known = "".join(c if ord(c) < 128 or _has_glyph(c) else "?" for c in shown)
    return known.replace("$", r"\$")


def name_of(name: str) -> str:
    r"""A parameter or column as it is written in the book.

    >>> name_of("theta[0]"), name_of("learning_rate")
    ('$\\theta_{0}$', '$\\mathrm{learning}_{\\mathrm{rate}}$')
    """
    return mathtext(name_tex(name), name)


def name_tex(name: str) -> str:
    r"""The same without dollars; ``W[0,1]`` is ``W_{0,1}``."""
    found = _COMPONENT.fullmatch(name)
    if found is None:
        return name_latex(name)
    base = name_latex(found[1])
    return rf"{{{base}}}_{{{found[2]}}}" if "_" in base else f"{base}_{{{found[2]}}}"


def formula(node: Node, index: bool = True) -> str:
    """A formula as mathtext if that can be drawn, else as plain text."""
    try:
        plain = to_text(node)
        latex = to_latex(node, index=index)
    except SymgdError:
        return "a formula too long to print"
    return mathtext(latex, plain)


def formula_tex(node: Node) -> str | None:
    """The formula as LaTeX that mathtext can draw, or None."""
    drawn = formula(node)
    return drawn[1:-1] if drawn.startswith("$") and drawn.endswith("$") else None


def number(value: float, digits: int = 4) -> str:
    """A number for a label, with a proper minus sign.

    >>> number(5.75), number(0.0123456), number(float("inf"))
    ('5.75', '0.01235', '∞')
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    text = f"{value:.{digits}g}"
    if "e" in text:
        head, _, power = text.partition("e")
        text = f"{head}{TIMES}10{str(int(power)).translate(_RAISED)}"
    return text.replace("-", "\N{MINUS SIGN}")


_SIMPLE = re.compile(
    r"([A-Za-z]|\\(alpha|beta|gamma|theta|eta|mu|sigma|lambda)|\\mathrm\{[A-Za-z]+\})(_\{\d+\})?"
)
TIMES = "\N{MULTIPLICATION SIGN}"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def beside(value: float, error: float) -> str:
    """A value with its standard error, the value to the digits that the error leaves.

    >>> beside(1.00211681802045, 0.000429796848)
    '1.0021 ± 0.0004'
    """
    if not math.isfinite(error) or error <= 0:
        return number(value, 5)
    places = -math.floor(math.log10(error))
    if not 0 <= places <= 8 or abs(value) >= 1e7:
        return f"{number(value, 5)} ± {number(error, 2)}"
    return f"{value:.{places}f} ± {error:.{places}f}".replace("-", "\N{MINUS SIGN}")


def counted(count: int, noun: str) -> str:
    """``1 step``, ``2,000 steps``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _drawable(latex: str) -> bool:
    if _SIMPLE.fullmatch(latex):
        return True
    from matplotlib.mathtext import MathTextParser

    try:
        MathTextParser("path").parse(f"${latex}$")
    except (ValueError, RuntimeError, RecursionError):
        return False
    return True


def _has_glyph(character: str) -> bool:
    from matplotlib.font_manager import findfont, get_font

    return bool(get_font(findfont("DejaVu Sans")).get_char_index(ord(character)))
