"""Cutting the text of claims and lines: left sides, chains of equal signs, definitions."""

from __future__ import annotations

import re
import unicodedata

from symgd.errors import OptionError

_EQUALS = re.compile(r"(?<![<>=!:])=(?!=)")
_LABEL = re.compile(
    r"""\s*(?:
        d\^?\d*\s*[A-Za-z_]*\w*\s*(?:\([^()]*\))?\s*/\s*d\s*\w+(?:\^\d+)?
      | ∂\^?\d*\s*\w*\s*(?:\([^()]*\))?\s*/\s*∂\s*\w+
      | \\(?:frac|dfrac|tfrac)\s*\{[^{}]*(?:\\partial|\\mathrm\{d\}|d)[^{}]*(?:\{[^{}]*\})?[^{}]*\}
        \s*\{[^{}]*(?:\\partial|\\mathrm\{d\}|d)[^{}]*(?:\{[^{}]*\})?[^{}]*\}
      | (?:\\nabla|∇|grad)\s*_?\{?\\?\w*\}?\s*\w*(?:\([^()]*\))?
      | [^\W\d]\w*'+\s*(?:\([^()]*\))?
      | (?:\\(?:hat|bar|tilde|vec|mathcal|mathbf|boldsymbol|mathrm)\s*\{?\\?\w+\}?
          |\\(?:ell|phi|psi|sigma|mu|eta|xi|zeta|rho|tau|delta|alpha|beta|gamma|theta)
          |[^\W\d]\w*)
        (?:_\{?\\?\w+\}?)?\s*(?:\([^()]*(?:\([^()]*\)[^()]*)?\))?
    )\s*""",
    re.VERBOSE,
)

DERIVATIVE = re.compile(
    r"(?:\bd|∂|\\partial\s*|\\mathrm\{d\}\s*)\s*([^\W\d_]\w*)?\s*(?:\([^()]*\))?\s*\}?\s*[/{]\s*\{?"
    r"(?:d|∂|\\partial\s*|\\mathrm\{d\}\s*)\s*\\?([^\W\d_]\w*)"
)
PRIME = re.compile(r"\s*([^\W\d]\w*)'\s*(?:\(\s*([^\W\d]\w*)\s*\))?\s*")
NABLA = re.compile(
    r"\s*(?:∇|\\nabla|grad\b)\s*(?:_\{?\s*\\?(\w+?)\s*\}?(?=[\s(|\\]|$))?\s*(.*)", re.DOTALL
)
OPERATOR = re.compile(
    r"\s*(?:d|∂)\s*/\s*(?:d|∂)\s*(\w+)\s*[\[(]"
    r"|\s*\\d?frac\s*\{\s*(?:\\partial|d|\\mathrm\{d\})\s*\}\s*\{\s*(?:\\partial|d|\\mathrm\{d\})\s*\\?(\w+)\s*\}"
)


def as_text(given: object, what: str) -> str:
    """``given`` if it is text.

    Raises :class:`~symgd.errors.OptionError` for anything else; ``what`` says what it was to be.

    >>> as_text("2*x", "a claim")
    '2*x'
    """
    if not isinstance(given, str):
        raise OptionError(f"{what} is text, not {type(given).__name__}")
    return given

_D = r"(?:d|∂|\\partial|\\mathrm\{d\})"
_HIGHER = re.compile(
    rf"\s*(?:\\[dt]?frac\s*\{{)?\s*{_D}\s*(?:\^\{{?(\d)\}}?|(²|³))\s*([^\W\d_]\w*)?\s*(?:\([^()]*\))?"
    rf"\s*\}}?\s*[/{{]\s*((?:\(?\s*{_D}\s*\\?[^\W\d_]\w*\s*\)?\s*(?:\^\{{?\d\}}?|²|³)?\s*)+)\}}?\s*"
)
_BELOW = re.compile(rf"{_D}\s*\\?([^\W\d_]\w*?)\s*\)?\s*(?:\^\{{?(\d)\}}?|(²|³)|(?=[\s)}}d∂\\]|$))")
_PRIMES = re.compile(r"\s*([^\W\d]\w*)('{2,}|″|‴)\s*(?:\(\s*([^\W\d]\w*)\s*\))?\s*")
_POWERS = {"²": 2, "³": 3, "″": 2, "‴": 3}


def higher_derivative(head: str) -> tuple[str, tuple[str, ...]] | None:
    """(what, by which names in turn) of a left side such as ``d^2f/dx^2`` or ``f''(x)``.

    >>> higher_derivative("d^2 f/dx^2"), higher_derivative("∂²L/∂m∂b"), higher_derivative("f''")
    (('f', ('x', 'x')), ('L', ('b', 'm')), ('f', ('', '')))
    """
    primes = _PRIMES.fullmatch(head)
    if primes is not None:
        order = _POWERS.get(primes[2]) or len(primes[2])
        return primes[1], (primes[3] or "",) * order
    found = _HIGHER.fullmatch(head)
    if found is None:
        return None
    order = int(found[1] or _POWERS[found[2]])
    names: list[str] = []
    for below in _BELOW.finditer(found[4]):
        names += [below[1]] * int(below[2] or _POWERS.get(below[3] or "", 1))
    return (found[3] or "", tuple(reversed(names))) if len(names) == order else None


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
    parts = pieces_of(as_text(text, "a claim"))
    if len(parts) > 1 and is_label(parts[0]):
        return parts[0], parts[-1]
    if len(parts) > 1:
        return None, parts[-1]
    return None, text


def solution_name(piece: str, name: str) -> str:
    """The name alone for ``w^*``, ``\\hat{w}``, ``ŵ``: how the solution of an equation is written.

    >>> solution_name(r"\\hat{w}", "w"), solution_name("w* ", "w"), solution_name("w*x", "w")
    ('w', 'w', 'w*x')
    """
    bare = re.escape(name)
    forms = (
        rf"{bare}\s*(?:\^?\s*\{{?\s*(?:\*|\\star|\\ast)\s*\}}?)",
        rf"\\(?:hat|widehat)\s*\{{?\s*\\?{bare}\s*\}}?",
        rf"{bare}\u0302|{bare}_(?:hat|opt|star|min)",
    )
    text = unicodedata.normalize("NFD", piece.strip())
    return name if any(re.fullmatch(form, text) for form in forms) else piece


def with_definitions(
    text: str, definitions: dict[str, str], arguments: dict[str, str] | None = None
) -> str:
    """The formula followed by ``where`` and the definitions that it needs.

    ``arguments`` say what names are functions of, as in ``h(x) = m*x + b``.
    """
    needed: dict[str, str] = {}
    look = [text]
    while look:
        here = look.pop()
        words = set(re.findall(r"[^\W\d]\w*", here))
        for name, value in definitions.items():
            stands = any(w == name or w.startswith(name + "_") for w in words) or (
                "\\" in name and name in here
            )
            if name not in needed and stands:
                needed[name] = value
                look.append(value)
    if not needed:
        return text
    whole = " ".join((text, *needed.values()))
    heads = {
        name: behind
        for name, behind in (arguments or {}).items()
        if re.search(rf"{re.escape(name)}\s*(?:\\left\s*)?\(", whole)
    }
    said = [f"{name}{heads.get(name, '')} = {value}" for name, value in needed.items()]
    if "\\" in text or any("\\" in value for value in needed.values()):
        return r", \quad ".join((text, *said))
    return f"{text} where " + ", ".join(said)
