"""Names of columns: the rule, and which columns are meant."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from symgd.errors import DataError, OptionError

NAME_RULE = "a letter (Latin or Greek), then letters, digits and single underscores, at most 64"
_MAX_NAME = 64
_GREEK = "\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9\u03d1\u03d5\u03d6\u03f1\u03f5"
_NAME = re.compile(rf"[A-Za-z{_GREEK}](?:[A-Za-z0-9_{_GREEK}]*[A-Za-z0-9{_GREEK}])?")
_SHOWN = 40


def is_name(text: str) -> bool:
    """Whether ``text`` may name a column: the rule that formulas have, too.

    >>> is_name("x_1"), is_name("θ0"), is_name("x y"), is_name("__x")
    (True, True, False, False)
    """
    return len(text) <= _MAX_NAME and "__" not in text and bool(_NAME.fullmatch(text))


def normal(name: str) -> str:
    """``name`` as formulas spell it: NFC, and the micro sign is the letter mu."""
    return unicodedata.normalize("NFC", name).replace("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}")


def quote(text: object) -> str:
    """``text`` in quotes, short and printable, for a message.

    >>> print(quote("a" * 50))
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    plain = str(text)
    shown = plain if len(plain) <= _SHOWN else plain[:_SHOWN] + "…"
    return repr(shown) if isinstance(text, str) else shown


def closest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` or nothing."""
    lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(word.lower(), lower, n=1)
    return f"; did you mean {quote(lower[near[0]])}?" if near else ""


def listed(items: Iterable[object], limit: int = 12) -> str:
    """The first ``limit`` items, separated by commas."""
    texts = [str(item) for item in items]
    return ", ".join(texts[:limit]) + (", …" if len(texts) > limit else "")


def select(names: Sequence[object], columns: list[str] | None, source: str) -> dict[str, int]:
    """Which of ``names`` are meant: normal name -> position, in the order asked for.

    Only the names that are used are held to the rule. Raises ``DataError`` for a
    name that breaks it, is there twice or is not there.
    """
    places: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        places.setdefault(normal(name) if isinstance(name, str) else "", []).append(position)
    if columns is None:
        for name in names:
            _check(name, source)
        wanted = list(places)
    else:
        wanted = columns
    chosen = {}
    for name in wanted:
        if name not in places:
            known = [normal(other) for other in names if isinstance(other, str)]
            raise DataError(
                f"{source}: there is no column {quote(name)}; "
                f"the columns are {listed(map(quote, known))}{closest(name, known)}"
            )
        _check(name, source)
        if len(places[name]) > 1:
            raise DataError(f"{source}: the column {quote(name)} is there twice; rename one")
        chosen[name] = places[name][0]
    return chosen


def asked(columns: Iterable[str] | None) -> list[str] | None:
    """The option ``columns=`` as a list of normal names; ``OptionError`` if it is none."""
    if columns is None:
        return None
    if isinstance(columns, str):
        raise OptionError(f"columns={columns!r} is one text; give a list of names: [{columns!r}]")
    names = list(columns)
    if not names:
        raise OptionError("columns=[] asks for no column; give names, or None for all of them")
    for name in names:
        if not isinstance(name, str):
            raise OptionError(f"columns= takes names (text), not {quote(name)}")
    return [normal(name) for name in names]


def _check(name: object, source: str) -> None:
    if isinstance(name, str) and is_name(normal(name)):
        return
    if not isinstance(name, str):
        raise DataError(
            f"{source}: the column {quote(name)} has no text for a name; "
            f"rename it: a name is {NAME_RULE}"
        )
    if not name.strip():
        raise DataError(f"{source}: a column has no name; a name is {NAME_RULE}")
    legal = re.sub("_+", "_", re.sub(rf"[^A-Za-z0-9_{_GREEK}]+", "_", normal(name))).strip("_")
    hint = f", for instance to {quote(legal)}" if is_name(legal) else ""
    raise DataError(
        f"{source}: {quote(name)} cannot be the name of a column; rename it{hint}. "
        f"A name is {NAME_RULE}"
    )
