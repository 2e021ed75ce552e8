"""A formula that has been read: its graph, and what every name in it is.

>>> p = read("mean((y - (m*x + b))^2)")
>>> p.parameters, p.data
(('m', 'b'), ('x', 'y'))
>>> p.reading
'data: x, y (N rows)   parameters: m, b'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symgd.errors import NameProblem, OptionError, ShapeProblem
from symgd.formula.elaborate import Elaboration, elaborate
from symgd.formula.graph import Node
from symgd.formula.parser import Parsed, parse_syntax
from symgd.formula.reading import CONVENTIONAL_DATA, Declared
from symgd.formula.shapes import Shape, show_shape
from symgd.formula.tokens import check_name
from symgd.formula.uncollected import uncollected

ShapeLike = str | int | Sequence[int | str]


@dataclass(frozen=True)
class Symbol:
    """A name of a formula: its role ("parameter" or "data") and its shape."""

    name: str
    role: str
    shape: Shape

    @property
    def node_key(self) -> tuple[str, Shape]:
        return self.name, self.shape


@dataclass(frozen=True)
class Problem:
    """A formula as a typed graph together with the reading of its names.

    ``root`` is the formula; ``symbols`` are its names in the order in which they
    occur; ``rows`` is the size that counts the rows of the data ("N"), or
    ``None`` when there are no rows; ``label`` is the left side that was given.
    """

    text: str
    root: Node
    symbols: tuple[Symbol, ...]
    rows: str | None
    label: str | None
    notes: tuple[str, ...]
    declared: Declared

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names to differentiate by, in the order in which they occur."""
        return tuple(s.name for s in self.symbols if s.role == "parameter")

    @property
    def data(self) -> tuple[str, ...]:
        """Names of data columns, sorted."""
        return tuple(sorted(s.name for s in self.symbols if s.role == "data"))

    @property
    def sought(self) -> tuple[str, ...]:
        """The parameters; if every name looks like data, those that are likeliest sought.

        These are the names that are not conventional data, as in ``sum_i p_i log(p_i/q_i)``,
        else all of them, as in ``sum_i x_i^2``.
        """
        if self.parameters or self.declared.columns:
            return self.parameters
        unusual = tuple(s.name for s in self.symbols if s.name not in CONVENTIONAL_DATA)
        return unusual or tuple(s.name for s in self.symbols)

    def shape(self, name: str) -> Shape:
        """The shape of the symbol ``name``."""
        found = self._shapes.get(name)
        if found is not None:
            return found
        known = ", ".join(s.name for s in self.symbols) or "no names at all"
        raise NameProblem(f"{name!r} does not occur in the formula", hint=f"it has {known}")

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        return {symbol.name: symbol.shape for symbol in self.symbols}

    def symbol(self, name: str) -> Node:
        """The node of the symbol ``name``."""
        return self.root.graph.symbol(name, self.shape(name))

    @property
    def reading(self) -> str:
        """One line: data, parameters, their shapes, and how constants were read."""
        rows = f" ({self.rows} rows)" if self.rows else ""
        parts = []
        if self.data:
            parts.append(f"data: {self._listed('data')}{rows}")
        parts.append(f"parameters: {self._listed('parameter') or 'none'}")
        return "   ".join([*parts, *self.notes])

    def _listed(self, role: str) -> str:
        shown = []
        for symbol in self.symbols:
            if symbol.role == role:
                plain = symbol.shape in ((), (self.rows,) if role == "data" else ())
                shown.append(symbol.name + ("" if plain else show_shape(symbol.shape)))
        return ", ".join(sorted(shown) if role == "data" else shown)


def read(
    text: str,
    *,
    wrt: str | Iterable[str] | None = None,
    columns: Iterable[str] | Mapping[str, Shape | None] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Problem:
    """Read a formula given as text.

    ``wrt`` names the parameters (default: every name that is not data),
    ``columns`` the names of data columns, ``shapes`` maps names to shapes
    (``"n,p"``, ``(3,)``, ``()``), ``constants`` maps names to numbers that are
    put in their place. Shapes, columns and constants of names that do not occur
    change nothing, so one set of declarations serves a formula and its derivatives;
    a name in ``wrt`` must occur.

    Raises a :class:`~symgd.errors.FormulaError` with the place, the reason and
    the remedy for everything that is not understood.
    """
    if not isinstance(text, str):
        raise OptionError(f"a formula is text, not {type(text).__name__}")
    declared = declare(wrt, columns, shapes, constants)
    with uncollected(len(text)):
        return from_syntax(parse_syntax(text, declared.names), declared)


def from_syntax(parsed: Parsed, declared: Declared) -> Problem:
    """The problem of a syntax tree (from text or LaTeX)."""
    found: Elaboration = elaborate(parsed, declared)
    symbols = tuple(
        Symbol(name, "data" if name in found.data else "parameter", shape)
        for name, shape in found.shapes.items()
    )
    missing = [n for n in declared.wrt or () if n not in found.shapes]
    if missing:
        raise NameProblem(
            f"{missing[0]!r} does not occur in the formula",
            hint="it has " + (", ".join(found.shapes) or "no names at all"),
        )
    return Problem(
        text=parsed.text,
        root=found.root,
        symbols=symbols,
        rows=found.rows,
        label=parsed.label,
        notes=found.notes,
        declared=declared,
    )


def declare(
    wrt: str | Iterable[str] | None,
    columns: Iterable[str] | Mapping[str, Shape | None] | None,
    shapes: Mapping[str, ShapeLike] | None,
    constants: Mapping[str, float] | None,
) -> Declared:
    """The declarations in one value, every name checked."""
    names = None
    if wrt is not None:
        names = tuple(dict.fromkeys(_listed(wrt, "wrt", "parameter name")))
    table: dict[str, Shape | None] = {}
    if isinstance(columns, Mapping):
        table = {check_name(n, "column name"): _column_shape(s, n) for n, s in columns.items()}
    elif columns is not None:
        table = dict.fromkeys(_listed(columns, "columns", "column name"))
    return Declared(
        wrt=names,
        columns=table,
        shapes={check_name(n): parse_shape(s, n) for n, s in _mapped(shapes, "shapes")},
        constants={check_name(n): c for n, c in _mapped(constants, "constants")},
    )


def _column_shape(shape: Any, name: str) -> Shape | None:
    """The shape of a column where one is given; the data itself is refused."""
    if shape is None:
        return None
    if isinstance(shape, tuple) and all(isinstance(size, int | str) for size in shape):
        return shape
    raise OptionError(
        f"columns says of {name!r} a {type(shape).__name__} and not a shape: it is a list of the "
        "names of the columns; their values are given later, when something is computed"
    )


def _listed(given: str | Iterable[str], option: str, what: str) -> list[str]:
    """The names in ``"m, b"`` or in a list, each checked."""
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise OptionError(f"{option} is names such as 'm, b' or a list, not {given!r}")
    names = given.split(",") if isinstance(given, str) else given
    return [check_name(n.strip() if isinstance(n, str) else n, what) for n in names]


def _mapped(given: Mapping[str, Any] | None, option: str) -> Iterable[tuple[str, Any]]:
    if given is not None and not isinstance(given, Mapping):
        raise OptionError(f"{option} is a mapping of names, not {type(given).__name__}")
    return () if given is None else given.items()


def parse_shape(shape: ShapeLike, name: str) -> Shape:
    """``"n,p"``, ``5``, ``(3, 4)`` or ``()`` as a tuple of sizes."""
    items: list[int | str]
    if isinstance(shape, str):
        items = [s.strip() for s in shape.strip("() ").split(",") if s.strip()]
    elif isinstance(shape, int):
        items = [shape]
    elif isinstance(shape, list | tuple):
        items = list(shape)
    else:
        text = "a shape is 'n,p', 5 or (5, 3)"
        raise ShapeProblem(f"shapes: the shape of {name} is {shape!r}; {text}")
    sizes: list[int | str] = []
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int | str):
            raise ShapeProblem(f"shapes: the shape of {name} has {item!r} as a size")
        if isinstance(item, str) and not item.isdigit():
            base, shift = _shifted(item)
            sizes.append(check_name(base, "size") + shift)
            continue
        if int(item) < 1:
            text = "sizes are positive"
            raise ShapeProblem(f"shapes: the shape of {name} has {item} as a size; {text}")
        sizes.append(int(item))
    if len(sizes) > 4:
        raise ShapeProblem(f"shapes: the shape of {name} has more than four dimensions")
    return tuple(sizes)


def _shifted(size: str) -> tuple[str, str]:
    """``N-1`` as ("N", "-1"): the length of ``x[1:]`` can be declared too."""
    found = re.fullmatch(r"([^+-]+)([+-][0-9]{1,9})", size)
    return (found[1], found[2]) if found else (size, "")
