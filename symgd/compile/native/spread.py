"""Arrays of cells with the axis of the rows, and why a program may have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.compile.native.cells import Cell


class NotNative(Exception):
    """The program cannot be compiled here; the text says why."""


@dataclass(frozen=True)
class Spread:
    """An array of cells; ``rows`` is the axis of the rows (length 1 in ``cells``) or None."""

    cells: Any
    rows: int | None


def array_of(cell: Cell) -> Any:
    """A single cell as an array without axes."""
    array = np.empty((), dtype=object)
    array[()] = cell
    return array


def mapped(function: Callable[..., Cell], *arrays: Any) -> Any:
    """``function`` of the entries of broadcast arrays."""
    made = np.frompyfunc(function, len(arrays), 1)(*arrays)
    return made if isinstance(made, np.ndarray) else array_of(made)
