"""The fields of a request, read strictly, and the problem that they describe.

Every door of the page takes the same description of a formula: its text, how the names are to
be read, and perhaps its data. A field of the wrong kind is refused by name.

>>> asked = problem_of({"problem": {"text": "(x - 3)^2"}})
>>> gradient_of(asked).parameters
('x',)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symgd.errors import OptionError

if TYPE_CHECKING:
    from symgd.gradient import Gradient
    from symgd.web.matrix_columns import Matrix

MAX_TEXT = 100_000
MAX_CSV = 5_000_000
MAX_NAMES = 200
MODEL_LOSS = "mse"


class FieldError(OptionError):
    """A field of the request that is not what it must be; ``field`` is its name."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Asked:
    """A formula or a model with what was said about its names; ``csv`` is its data as text.

    ``matrices`` says which columns of the table are a matrix of the formula; ``columns`` then
    has the name of the matrix in their place.
    """

    text: str
    format: str = "auto"
    wrt: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    shapes: Mapping[str, str] | None = None
    constants: Mapping[str, float] | None = None
    csv: str | None = None
    model: bool = False
    loss: str = MODEL_LOSS
    missing: str = "refuse"
    matrices: tuple[Matrix, ...] = ()


def problem_of(content: Mapping[str, Any]) -> Asked:
    """The problem of a request; raises :class:`FieldError` with the name of a wrong field.

    LaTeX is read as such also where text was announced: somebody pasted it there.
    """
    from symgd.formula.latex_tokens import looks_like_latex

    given = content.get("problem")
    if not isinstance(given, dict):
        raise FieldError("problem", "the request has no problem: an object with a text is needed")
    known = set(Asked.__dataclass_fields__) - {"matrices"}
    unknown = sorted(set(given) - known)
    if unknown:
        raise FieldError(unknown[0], f"a problem has no field {unknown[0]!r}")
    form = text_of(given, "format", "auto")
    if form not in ("auto", "text", "latex"):
        raise FieldError("format", f"format is text or latex, not {form!r}")
    model = flag_of(given, "model")
    text = text_of(given, "text")
    if form == "text" and looks_like_latex(text):
        form = "latex"
    if model:
        text = plain_model(text, form)
    asked = Asked(
        text=text,
        format="text" if model else form,
        wrt=names_of(given, "wrt"),
        columns=names_of(given, "columns"),
        shapes=shapes_of(given),
        constants=constants_of(given),
        csv=text_of(given, "csv", None, MAX_CSV),
        model=model,
        loss=text_of(given, "loss", MODEL_LOSS) or MODEL_LOSS,
        missing=text_of(given, "missing", "refuse"),
    )
    from symgd.web.matrix_columns import with_matrices

    return with_matrices(asked)


def text_of(given: Mapping[str, Any], field: str, default: Any = ..., limit: int = MAX_TEXT) -> Any:
    """A text of bounded length, or the default if it is left out or null."""
    value = given.get(field)
    if value is None:
        if default is ...:
            raise FieldError(field, f"{field} is missing")
        return default
    if not isinstance(value, str):
        raise FieldError(field, f"{field} must be a text")
    if len(value) > limit:
        raise FieldError(field, f"{field} has {len(value):,} characters; the limit is {limit:,}")
    return value


def flag_of(given: Mapping[str, Any], field: str) -> bool:
    """True or false; false if it is left out."""
    value = given.get(field)
    if value is not None and not isinstance(value, bool):
        raise FieldError(field, f"{field} must be true or false")
    return bool(value)


def number_of(
    given: Mapping[str, Any], field: str, default: float | None = None, low: float = -math.inf
) -> float | None:
    """A finite number of at least ``low``, or the default."""
    value = given.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FieldError(field, f"{field} must be a number")
    if value < low:
        raise FieldError(field, f"{field} must be at least {low:g}, not {value:g}")
    return value


def whole_of(given: Mapping[str, Any], field: str, low: int, high: int) -> int | None:
    """A whole number from ``low`` to ``high``, or None if it is left out."""
    value = given.get(field)
    if value is None:
        return None
    if isinstance(value, float) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise FieldError(field, f"{field} must be a whole number from {low:,} to {high:,}")
    return value


def names_of(given: Mapping[str, Any], field: str) -> tuple[str, ...] | None:
    """A list of names, or None if it is left out."""
    value = given.get(field)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise FieldError(field, f"{field} must be a list of names")
    if len(value) > MAX_NAMES:
        raise FieldError(field, f"{field} has {len(value)} names; the limit is {MAX_NAMES}")
    return tuple(value)


def shapes_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Name -> shape as a text such as "n,p"."""
    value = given.get("shapes") or {}
    if not isinstance(value, dict) or not all(isinstance(shape, str) for shape in value.values()):
        raise FieldError("shapes", 'shapes must be an object such as {"X": "n,p"}')
    return {name: shape for name, shape in value.items() if shape.strip()}


def constants_of(given: Mapping[str, Any]) -> dict[str, float]:
    """Name -> number."""
    value = given.get("constants") or {}
    if not isinstance(value, dict):
        raise FieldError("constants", 'constants must be an object such as {"c": 2.5}')
    return {name: _constant(value, name) for name in value}


def _constant(value: Mapping[str, Any], name: str) -> float:
    number = value[name]
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise FieldError("constants", f"the constant {name} must be a number")
    return number


def start_of(content: Mapping[str, Any], field: str = "start") -> Any:
    """A start: nothing, "random", or name -> number or (nested) list of numbers."""
    value = content.get(field)
    if value is None or value == "random" or value == {}:
        return value or None
    if not isinstance(value, dict):
        raise FieldError(
            field, f'{field} must be "random", or an object such as {{"m": 0, "b": 0}}'
        )
    for name, entry in value.items():
        if not _numeric(entry, 3):
            raise FieldError(field, f"the {field} of {name} must be a number or a list of numbers")
    return value


def _numeric(value: Any, depth: int) -> bool:
    if isinstance(value, list):
        return depth > 0 and bool(value) and all(_numeric(item, depth - 1) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


# -- what the fields describe ---------------------------------------------------------------------


def gradient_of(asked: Asked) -> Gradient:
    """The derived problem; of a model its loss is derived."""
    from symgd.gradient import gradient

    declared: dict[str, Any] = {"shapes": asked.shapes, "constants": asked.constants}
    if asked.model:
        return gradient(
            model_loss(asked), asked.wrt, columns=asked.columns, format="text", **declared
        )
    return gradient(asked.text, asked.wrt, columns=asked.columns, format=asked.format, **declared)


def plain_model(text: str, form: str) -> str:
    r"""A model in the text syntax, also if it is given as LaTeX.

    >>> plain_model(r"y \sim \frac{a}{1 + x}", "latex")
    'y ~ a/(1 + x)'
    """
    from symgd.formula.latex_read import read_latex
    from symgd.formula.latex_tokens import looks_like_latex
    from symgd.formula.text import to_text

    if form == "text" or (form == "auto" and not looks_like_latex(text)):
        return text
    left, right = sides(text.replace(r"\sim", "~"))
    return f"{to_text(read_latex(left).root)} ~ {to_text(read_latex(right).root)}"


def sides(model: str) -> tuple[str, str]:
    """The target and the formula of a model."""
    left, tilde, right = model.partition("~")
    if not tilde or not left.strip() or not right.strip() or "~" in right:
        raise FieldError("text", "a model is 'target ~ formula', such as y ~ m*x + b")
    return left, right


def model_loss(asked: Asked) -> str:
    """The loss of a model ``y ~ formula`` as a formula in the text syntax."""
    from symgd.fit.losses import LOSSES
    from symgd.formula.parser import parse_syntax

    left, right = sides(asked.text)
    names = frozenset(asked.columns or ())
    for side in (left, right):
        parse_syntax(side, names)  # refused with its own place before it is put into the loss
    template = LOSSES.get(asked.loss, asked.loss)
    return _placed(template, {"y": left.strip(), "prediction": right.strip()})


def _placed(template: str, parts: Mapping[str, str]) -> str:
    """The template with ``y`` and ``prediction`` replaced by bracketed formulas."""
    import re

    def replaced(found: re.Match[str]) -> str:
        part = parts[found[0]]
        return part if part.isidentifier() else f"({part})"

    return re.sub(r"(?<![A-Za-z0-9_])(y|prediction)(?![A-Za-z0-9_])", replaced, template)


def formula_text(asked: Asked) -> str:
    """The formula in the text syntax, also if it was given as LaTeX."""
    from symgd.formula.latex_tokens import looks_like_latex

    if asked.format == "text" or (asked.format == "auto" and not looks_like_latex(asked.text)):
        return asked.text
    return gradient_of(asked).loss.text()
