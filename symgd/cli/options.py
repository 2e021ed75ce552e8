"""How options of the command are read: ``x=0``, ``X:n,p``, numbers, schedules."""

from __future__ import annotations

from typing import Any

import click


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
    """``("k=[0,null]",)`` as {"k": (0.0, None)}."""
    from symgd.errors import OptionError

    found = {}
    for name, pair in assignments(items, "bound").items():
        if not isinstance(pair, list) or len(pair) != 2:
            raise OptionError(f"--bound takes name=[low,high], with null for no bound: {name}")
        found[name] = (pair[0], pair[1])
    return found or None


def solver_options(command: Any) -> Any:
    """The options that ``minimize`` and ``fit`` share."""
    options = [
        click.option("--start", multiple=True, metavar="x=0,y=1", help="Start; or 'random'."),
        click.option("--rate", metavar="R", help="Learning rate, or a schedule in t."),
        click.option("--schedule", metavar="F", help='The rate as a formula in t: "5/(t+1000)".'),
        click.option("--precision", default="auto", show_default=True,
                     help="Largest error allowed in any parameter; 'none' runs all steps, "
                     "'auto' is 1e-6 (of each parameter's size for methods without a rate)."),
        click.option("--stop", default="error", show_default=True,
                     help="'error', or 'step' for the textbook test |x - last_x| < precision."),
        click.option("--steps", type=int, help="At most so many updates."),
        click.option("--epochs", type=int, help="At most so many passes over the data."),
        click.option("--method", metavar="NAME",
                     help="gd, momentum, nesterov, adagrad, rmsprop, adam, adamw, or exact, lm, "
                     "newton, lbfgs, kinks (chosen by the structure of the loss if left out)."),
        click.option("--bound", multiple=True, metavar="k=[0,null]",
                     help="Bounds of a parameter, low and high; null for none."),
        click.option("--subject-to", multiple=True, metavar="'a + b = 1'", help="Constraints."),
        click.option("--starts", type=int, help="So many starts; their minima are listed."),
        click.option("--batch", type=int, help="Rows per update."),
        click.option("--replace", is_flag=True, help="Draw the rows with replacement."),
        click.option("--seed", type=int, help="Seed of whatever is random."),
        click.option("--time-limit", type=float, metavar="SECONDS"),
        click.option("--shape", "shape", multiple=True, metavar="X:n,p"),
        click.option("--constant", multiple=True, metavar="c=1", help="Names that are numbers."),
        click.option("--missing", default="refuse", show_default=True, help="'refuse' or 'drop'."),
        click.option("--log", is_flag=True, help="Print every recorded step."),
        click.option("--spark", is_flag=True, help="Draw the course of the loss in the terminal."),
        click.option("--plot", type=click.Path(dir_okay=False), help="Write a picture."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command
