"""Named sizes (``N``, ``p``, ``N-1``) and the numbers that actual arrays give them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from symgd.errors import ShapeProblem
from symgd.formula.shapes import Shape, show_shape

_SHIFTED = re.compile(r"(.+?)([+-]\d+)")


def split_size(size: str) -> tuple[str, int]:
    """``"N-1"`` as ("N", -1)."""
    found = _SHIFTED.fullmatch(size)
    return (found[1], int(found[2])) if found else (size, 0)


class Sizes(dict[str, int]):
    """Named sizes, and for each the array that fixed it: ``origin["N"]`` is "x of shape (3,)"."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        super().__init__(known or {})
        self.origin: dict[str, str] = {}


def bind(name: str, shape: Shape, actual: tuple[int, ...], sizes: Sizes) -> None:
    """Match the shape of ``name`` with an actual one; new sizes are put into ``sizes``."""
    if len(shape) != len(actual):
        raise ShapeProblem(
            f"{name} has shape {show_shape(actual)}, but the formula reads it as "
            f"{show_shape(shape) if shape else 'a single number'}",
            hint=f"declare it with shapes={{'{name}': '...'}} if the formula is read wrongly",
        )
    for size, number in zip(shape, actual, strict=True):
        if isinstance(size, int):
            known: int | None = size
        else:
            base, offset = split_size(size)
            known = sizes.get(base)
            if known is None:
                sizes[base] = number - offset
                sizes.origin[base] = f"{name} of shape {show_shape(actual)}"
                continue
            known += offset
        if known != number:
            by = sizes.origin.get(split_size(size)[0]) if isinstance(size, str) else None
            raise ShapeProblem(
                f"{name} of shape {show_shape(actual)} does not fit "
                + (by or f"the declared shape {show_shape(shape)}")
                + (f": {show_shape(shape)} needs {size} = {known}" if isinstance(size, str) else "")
            )


def resolve(shape: Shape, sizes: Mapping[str, int], name: str) -> tuple[int, ...]:
    """The shape in numbers; :class:`ShapeProblem` names the size that nothing fixes."""
    return tuple(size_of(size, sizes, name) for size in shape)


def size_of(size: int | str, sizes: Mapping[str, int], name: str) -> int:
    """One size as a number."""
    if isinstance(size, int):
        return size
    base, offset = split_size(size)
    if base not in sizes:
        raise ShapeProblem(
            f"the size {base} of {name} is not known",
            hint=f"give a start for {name} or declare shapes={{'{name}': ...}}",
        )
    return sizes[base] + offset
