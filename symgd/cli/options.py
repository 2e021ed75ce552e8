"""How options of the command are read: ``x=0``, ``X:n,p``, ``k=0:``, numbers, schedules."""

from __future__ import annotations

from typing import Any


def number(text: str, name: str) -> float:
    """A finite number, or an error that names the option."""
    from symgd.errors import OptionError

    try:
        value = float(text)
    except ValueError:
        raise OptionError(f"--{name}: {text!r} is not a number") from None
    return value


def assignments(items: tuple[str, ...], option: str) -> dict[str, Any]:
    """``("x=0,y=1", "w=[1, 2]")`` as {"x": 0.0, "y": 1.0, "w": [1.0, 2.0]}."""
    from symgd.errors import OptionError

    found: dict[str, Any] = {}
    for item in items:
        for part in _split(item):
            name, equals, text = part.partition("=")
            name = name.strip()
            if not equals or not name:
                raise OptionError(f"--{option} takes name=value, not {part!r}")
            if name in found:
                raise OptionError(f"--{option}: {name} is given twice")
            found[name] = _value(text.strip(), f"{option} {name}")
    return found


def _split(item: str) -> list[str]:
    """At commas outside brackets."""
    parts, depth, current = [], 0, ""
    for char in item:
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]


def _value(text: str, name: str) -> Any:
    if not text.startswith("["):
        return number(text, name)
    import json

    from symgd.errors import OptionError

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise OptionError(f"--{name}: {text!r} is not a list of numbers") from None
    return value


def start_of(items: tuple[str, ...]) -> Any:
    """``--start``: nothing, "random", a number, or assignments."""
    if not items:
        return None
    if len(items) == 1 and "=" not in items[0]:
        return "random" if items[0] == "random" else number(items[0], "start")
    return assignments(items, "start")


def shapes_of(items: tuple[str, ...]) -> dict[str, str] | None:
    """``("X:n,p", "theta:p")`` as {"X": "n,p", "theta": "p"}."""
    from symgd.errors import OptionError

    shapes = {}
    for item in items:
        name, colon, shape = item.partition(":")
        if not colon:
            raise OptionError(f"--shape takes name:sizes such as X:n,p, not {item!r}")
        shapes[name.strip()] = shape
    return shapes or None


def names_of(text: str | None) -> list[str] | None:
    """``"x, y"`` as ["x", "y"]."""
    return None if text is None else [name.strip() for name in text.split(",")]


def rate_of(text: str | None) -> Any:
    """A rate as a number, or a schedule as text."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def precision_of(text: str | None) -> float | str | None:
    """A precision; ``none`` runs all steps, ``auto`` is the default of the method."""
    if text is None or text.lower() == "none":
        return None
    if text.lower() == "auto":
        return "auto"
    return number(text, "precision")


def bounds_of(items: tuple[str, ...]) -> dict[str, tuple[Any, Any]] | None:
    """``("k=0:", "b=-1:1")`` as {"k": (0.0, None), "b": (-1.0, 1.0)}.

    ``k=[0, null]`` is the same as ``k=0:``.

    >>> bounds_of(("k=0:,b=-1:1", "w=[null, 5]"))
    {'k': (0.0, None), 'b': (-1.0, 1.0), 'w': (None, 5)}
    """
    from symgd.errors import OptionError

    found: dict[str, tuple[Any, Any]] = {}
    for item in items:
        for part in _split(item):
            name, equals, text = (piece.strip() for piece in part.partition("="))
            low, colon, high = text.partition(":")
            if not equals or not name or not (colon or text.startswith("[")):
                raise OptionError(f"--bounds takes name=low:high such as k=0:5 or k=0:, not {part}")
            if name in found:
                raise OptionError(f"--bounds: {name} is given twice")
            found[name] = _pair(text, name) if text.startswith("[") else (
                _end(low, name), _end(high, name))  # fmt: skip
    return found or None


def _end(text: str, name: str) -> float | None:
    return number(text.strip(), f"bounds {name}") if text.strip() else None


def _pair(text: str, name: str) -> tuple[Any, Any]:
    from symgd.errors import OptionError

    pair = _value(text, f"bounds {name}")
    if not isinstance(pair, list) or len(pair) != 2:
        raise OptionError(f"--bounds takes name=[low,high], with null for no bound: {name}")
    return pair[0], pair[1]
