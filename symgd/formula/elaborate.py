"""Syntax to typed graph: names resolved, indices turned into axes, shapes found.

``1/N sum_i (y_i - (m x_i + b))^2`` becomes the array formula
``1/N*sum((y - (m*x + b))^2)``: a bound index is an axis, a big operator reduces
it, and what lacks the axis is broadcast along it. Shapes that were not declared
are found by building the graph once with unknown sizes, which the shape rules
unify, and then again with the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from symgd.errors import (
    FormulaError,
    LimitProblem,
    NameProblem,
    ShapeProblem,
    SyntaxProblem,
)
from symgd.formula import constants
from symgd.formula.functions import REDUCTIONS
from symgd.formula.graph import LOGIC, MAX_NODES, Graph, Node
from symgd.formula.parser import Parsed
from symgd.formula.reading import (
    Declared,
    Scope,
    Survey,
    data_names,
    guess_shapes,
    size_names,
    split_index,
    survey,
)
from symgd.formula.rewriting import substituted, unrolled
from symgd.formula.shapes import Shape, Unknown, settled, show_shape, unify
from symgd.formula.syntax import Syntax, post_order

SIZE_NAMES = "pqrklh"


@dataclass(frozen=True)
class Elaboration:
    """The graph of a formula and the reading of its names."""

    root: Node
    shapes: dict[str, Shape]
    data: frozenset[str]
    rows: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indexed:
    """A value inside a big operator: leading axes named by indices, then its own axes."""

    node: Node
    axes: Scope
    row: bool = False
    """A transposed vector: a following factor is multiplied as a matrix product."""
    factor: Value | None = None
    """A number that multiplies the transposed vector, as in ``s_i x_i^T w``."""


Value = Node | Indexed


def elaborate(parsed: Parsed, declared: Declared) -> Elaboration:
    """The typed graph of ``parsed``; errors carry the place in its text."""
    root = unrolled(substituted(parsed.root, parsed.definitions), declared.names)
    pieces = post_order(root)
    if len(pieces) > MAX_NODES:
        raise LimitProblem(
            f"the formula has {len(pieces):,} parts; the limit is {MAX_NODES:,}"
        )
    try:
        found = survey(root, declared.names)
        sizes = size_names(found, declared)
        data = data_names(found, declared)
        shapes = guess_shapes(root, found, declared, data, sizes)
    except FormulaError as error:
        raise error.located(parsed.text, root.start, root.end - root.start) from None
    if any(isinstance(settled(s), Unknown) for shape in shapes.values() for s in shape):
        builder = _Builder(parsed, declared, found, sizes, shapes)
        builder.build(pieces)
    rows = _name_sizes(shapes, data, found, declared)
    shapes = {name: tuple(settled(s) for s in shape) for name, shape in shapes.items()}
    builder = _Builder(parsed, declared, found, sizes, shapes)
    node = builder.build(pieces)
    if node.op in LOGIC:
        raise SyntaxProblem(
            "a condition is not a formula to differentiate", parsed.text, root.start,
            "where(condition, a, b) chooses between two values", root.end - root.start,
        )  # fmt: skip
    order = [n for n in dict.fromkeys(builder.order) if n in shapes]
    kept = {name: shapes[name] for name in order}
    return Elaboration(node, kept, frozenset(data & set(kept)), rows, builder.notes(parsed))


def _name_sizes(
    shapes: Mapping[str, Shape], data: set[str], found: Survey, declared: Declared
) -> str | None:
    """Give names to the sizes that unification left open; the rows of the data are ``N``."""
    taken = set(shapes) | set(declared.sizes)
    rows = _row_size(shapes, data, found, declared)
    if isinstance(rows, Unknown):
        name = next(n for n in ("N", "n", "rows", "N_rows") if n not in taken)
        unify(rows, name)
        rows = name
    pool = iter([s for s in SIZE_NAMES if s not in taken] + [f"d{i}" for i in range(1, 999)])
    for shape in shapes.values():
        for size in shape:
            known = settled(size)
            if isinstance(known, Unknown):
                unify(known, next(pool))
    return rows if isinstance(rows, str) else None


def _row_size(
    shapes: Mapping[str, Shape], data: set[str], found: Survey, declared: Declared
) -> Any:
    """The size that counts the rows: the first axis of the data that no parameter has."""
    limits = [limit for limit in found.limits.values() if isinstance(limit, str)]
    own = {_key(s) for name, shape in shapes.items() if name not in data for s in shape}
    ranked = sorted(data, key=lambda name: (name not in declared.columns, name not in "yY", name))
    for name in ranked:
        shape = shapes.get(name)
        if shape and _key(shape[0]) not in own:
            return settled(shape[0])
    return limits[0] if limits else None


def _key(size: Any) -> Any:
    known = settled(size)
    return id(known) if isinstance(known, Unknown) else known


class _Builder:
    """One walk over the syntax that makes the nodes."""

    def __init__(
        self,
        parsed: Parsed,
        declared: Declared,
        found: Survey,
        sizes: set[str],
        shapes: Mapping[str, Shape],
    ) -> None:
        self.text = parsed.text
        self.declared = declared
        self.found = found
        self.sizes = sizes
        self.shapes = shapes
        self.graph = Graph()
        self.constant: dict[Node, float] = {}
        self.order: list[str] = []
        self.used_constants: dict[str, None] = {}
        self.values: dict[int, Value] = {}

    def build(self, pieces: list[Syntax]) -> Node:
        values = self.values
        handlers = self.handlers()
        piece = pieces[-1]
        try:
            for piece in pieces:
                values[id(piece)] = handlers[piece.kind](piece)
        except FormulaError as error:
            raise error.located(
                self.text, piece.start, piece.end - piece.start
            ) from None
        except RecursionError:  # pragma: no cover - a guard, walks do not recurse
            raise LimitProblem("nested too deep", self.text, piece.start) from None
        result = self.settle(values[id(pieces[-1])])
        if isinstance(result, Indexed) and not result.axes:
            return result.node
        if isinstance(result, Indexed):
            raise ShapeProblem("an index is left over outside its sum", self.text, piece.start)
        return result

    def handlers(self) -> dict[str, Callable[[Syntax], Value]]:
        return {
            "number": self.number, "name": self.name, "add": self.add, "neg": self.elementwise,
            "mul": self.mul, "div": self.elementwise, "pow": self.elementwise,
            "matmul": self.matmul, "transpose": self.transpose, "index": self.index,
            "call": self.call, "compare": self.elementwise, "and": self.elementwise,
            "or": self.elementwise, "not": self.elementwise, "where": self.where,
            "big": self.big, "derivative": self.derivative, "ones": self.ones,
            "scatter": self.scatter,
        }  # fmt: skip

    def notes(self, parsed: Parsed) -> tuple[str, ...]:
        """How constants and the left side were read."""
        said = {"e": "e is Euler's number", "pi": "pi is 3.14159..."}
        notes = [said[name] for name in self.used_constants]
        if parsed.label:
            notes.append(f"{parsed.label} is the name of the formula")
        return tuple(notes)

    # -- leaves ---------------------------------------------------------------------------

    def number(self, piece: Syntax) -> Value:
        node = self.graph.number(piece.value)
        self.constant[node] = float(piece.value)
        if piece.value.denominator != 1:
            self.graph.decimal = True
        return node

    def ones(self, piece: Syntax) -> Value:
        return self.graph.make("broadcast", self.graph.number(1), value=piece.value)

    def scatter(self, piece: Syntax) -> Value:
        shape, items = piece.value
        node = _plain(self.values[id(piece.args[0])])
        taken = tuple((item.kind, *item.items) for item in items)
        return self.make("scatter", node, value=(shape, taken))

    def name(self, piece: Syntax) -> Value:
        scope = self.found.scopes.get(id(piece), ())
        name = piece.value
        base, indices = split_index(name, scope, self.declared.names)
        if indices:
            return self.indexed(base, indices)
        if name in self.declared.constants:
            return self.given_constant(name)
        if name in scope:
            raise SyntaxProblem(
                f"the index {name} stands only as a subscript, as in x_{name}", self.text,
                piece.start, "numeric limits such as i=1..5 allow it as a number",
            )  # fmt: skip
        known = {"π": "pi"}.get(name, name)
        if known in ("e", "pi") and name not in self.declared.names:
            self.used_constants[known] = None
            node = self.graph.constant(known)
            self.constant[node] = math.e if known == "e" else math.pi
            return node
        if name in self.sizes:
            return self.graph.size(name)
        return self.symbol(name)

    def symbol(self, name: str) -> Node:
        self.order.append(name)
        return self.graph.symbol(name, self.shapes[name])

    def given_constant(self, name: str) -> Node:
        value = constants.exact(self.declared.constants[name], name)
        node = self.graph.number(value)
        self.constant[node] = float(value)
        return node

    def indexed(self, base: str, indices: Scope) -> Value:
        node = self.symbol(base)
        if len(set(indices)) != len(indices):
            raise ShapeProblem(f"{base} repeats an index; write the diagonal with diag()")
        if len(node.shape) < len(indices):
            raise ShapeProblem(
                f"{base} has shape {show_shape(node.shape)} and cannot take "
                f"{len(indices)} {'index' if len(indices) == 1 else 'indices'}"
            )
        for index, size in zip(indices, node.shape, strict=False):
            limit = self.found.limits.get(index)
            if limit is not None and not unify(size, limit):
                raise ShapeProblem(
                    f"{base} has {settled(size)} rows, but the sum runs to {limit}"
                )
        return Indexed(node, indices)

    def index(self, piece: Syntax) -> Value:
        names = tuple(item.name for item in piece.value if item.kind == "name")
        if names:
            rest = piece.value[len(names) :]
            if any(item.kind == "name" for item in rest) or any(
                item.kind != "slice" or item.items != (None, None, None) for item in rest
            ):
                raise ShapeProblem("indices of a sum come first, then only ':'")
            return self.indexed(piece.args[0].value, names)
        items = tuple((item.kind, *item.items) for item in piece.value)
        value = self.values[id(piece.args[0])]
        if isinstance(value, Indexed):
            raise ShapeProblem("a slice of an indexed name is not read")
        return self.make("getitem", value, value=items)

    # -- elementwise ----------------------------------------------------------------------

    def make(self, op: str, *args: Node, value: Any = None) -> Node:
        """The node, its value checked to be finite if it is a constant."""
        node = self.graph.make(op, *args, value=value)
        constants.watch(node, self.constant)
        return node

    def combine(self, op: str, *values: Value, value: Any = None) -> Value:
        """``op`` on values whose indices are first lined up as leading axes."""
        values = tuple(self.settle(v) for v in values)
        if not any(isinstance(v, Indexed) for v in values):
            return self.make(op, *values, value=value)  # type: ignore[arg-type]
        axes = self.axes_of(*values)
        inner = max(_inner(v) for v in values)
        nodes = [self.aligned(v, axes, inner) for v in values]
        row = any(isinstance(v, Indexed) and v.row for v in values)
        return Indexed(self.make(op, *nodes, value=value), axes, row)

    def settle(self, value: Value) -> Value:
        """A transposed vector with its factor multiplied in."""
        if not isinstance(value, Indexed) or value.factor is None:
            return value
        return self.combine("mul", value.factor, Indexed(value.node, value.axes, value.row))

    def axes_of(self, *values: Value) -> Scope:
        """The indices of all values, in the order of first use."""
        axes: dict[str, None] = {}
        for value in values:
            if isinstance(value, Indexed):
                axes |= dict.fromkeys(value.axes)
        return tuple(axes)

    def aligned(self, value: Value, axes: Scope, inner: int) -> Node:
        """The node with one leading axis for each of ``axes`` and ``inner`` own axes."""
        node, own = (value.node, value.axes) if isinstance(value, Indexed) else (value, ())
        rank = len(node.shape) - len(own)
        if not own:
            if rank == inner or rank == 0:
                return node
            items: tuple[Any, ...] = (("new",),) * (inner - rank)
            return self.make("getitem", node, value=items)
        if own == axes and rank == inner:
            return node
        if own != tuple(a for a in axes if a in own):
            if len(own) != 2 or rank:
                raise ShapeProblem("these indices cannot be brought into one order")
            node, own = self.make("transpose", node), own[::-1]
        full = ("slice", None, None, None)
        items = tuple(full if a in own else ("new",) for a in axes)
        items += (("new",),) * (inner - rank) + (full,) * rank
        if ("new",) not in items:
            return node
        return self.make("getitem", node, value=items)

    def add(self, piece: Syntax) -> Value:
        return self.combine("add", *[self.values[id(part)] for part in piece.args])

    def elementwise(self, piece: Syntax) -> Value:
        values = [self.values[id(part)] for part in piece.args]
        op = piece.value if piece.kind == "compare" else piece.kind
        for part, value in zip(piece.args, values, strict=True):
            self.check_kind(piece.kind, part, value)
        return self.combine(op, *values)

    def check_kind(self, kind: str, part: Syntax, value: Value) -> None:
        node = value.node if isinstance(value, Indexed) else value
        wants = kind in ("and", "or", "not")
        if (node.op in LOGIC) != wants:
            said = "a condition was expected" if wants else "a condition is not a number"
            raise SyntaxProblem(said, self.text, part.start, "where(condition, a, b) chooses")

    def mul(self, piece: Syntax) -> Value:
        left, right = (self.values[id(part)] for part in piece.args)
        if piece.value == "implicit" and _inner(left) and _inner(right):
            matrix = 2 in (_inner(left), _inner(right))
            if matrix or (isinstance(left, Indexed) and left.row):
                return self.product(left, right)
        for part, value in zip(piece.args, (left, right), strict=True):
            self.check_kind("mul", part, value)
        if isinstance(right, Indexed) and right.row and not _inner(left):
            factor = left if right.factor is None else self.combine("mul", left, right.factor)
            return Indexed(right.node, right.axes, True, factor)
        return self.combine("mul", left, right)

    def where(self, piece: Syntax) -> Value:
        condition, then, otherwise = (self.values[id(part)] for part in piece.args)
        self.check_kind("and", piece.args[0], condition)
        for part, value in zip(piece.args[1:], (then, otherwise), strict=True):
            self.check_kind("where", part, value)
        return self.combine("where", condition, then, otherwise)

    def derivative(self, piece: Syntax) -> Value:
        value = self.values[id(piece.args[0])]
        for name in piece.value:
            if name not in self.shapes:
                raise NameProblem(f"{name} does not occur in the formula")
            symbol = self.symbol(name)
            if symbol.shape:
                raise ShapeProblem(f"d/d{name}: {name} is not a number but an array")
            value = self.combine("derivative", value, symbol)
        return value

    # -- arrays ---------------------------------------------------------------------------

    def transpose(self, piece: Syntax) -> Value:
        value = self.values[id(piece.args[0])]
        if isinstance(value, Indexed):
            if _inner(value) > 1:
                raise ShapeProblem("the transpose of an indexed matrix is not read")
            return Indexed(value.node, value.axes, True)
        if len(value.shape) == 2:
            return self.make("transpose", value)
        return Indexed(value, (), True) if value.shape else value

    def matmul(self, piece: Syntax) -> Value:
        left, right = (self.values[id(part)] for part in piece.args)
        return self.product(left, right)

    def product(self, left: Value, right: Value) -> Value:
        """The matrix product; numbers before a transposed vector multiply the result."""
        if isinstance(left, Indexed) and left.factor is not None:
            bare = Indexed(left.node, left.axes, left.row)
            return self.combine("mul", left.factor, self.plain_product(bare, right))
        return self.plain_product(left, right)

    def plain_product(self, left: Value, right: Value) -> Value:
        """The matrix product; indexed vectors are rows of a matrix."""
        a, b = _plain(left), _plain(right)
        own, other = _axes(left), _axes(right)
        if not own and not other:
            row = isinstance(left, Indexed) and left.row
            node = self.make("matmul", a, b)
            return Indexed(node, (), True) if row and node.shape else node
        if own and other:
            if _inner(left) != 1 or _inner(right) != 1:
                raise ShapeProblem("only products of indexed vectors are read")
            axes = self.axes_of(left, right)
            pair = [self.aligned(v, axes, 1) for v in (left, right)]
            whole = self.make("mul", *pair)
            return Indexed(self.make("sum", whole, value=((-1,), False)), axes)
        if own:
            if _inner(left) != 1 or len(own) != 1:
                raise ShapeProblem("only products of indexed vectors are read")
            node = self.make("matmul", a, b)
            return Indexed(node, own, len(node.shape) > 1)
        if _inner(right) != 1 or len(other) != 1:
            raise ShapeProblem("only products of indexed vectors are read")
        if len(a.shape) == 2:
            return Indexed(self.make("matmul", b, self.make("transpose", a)), other)
        return Indexed(self.make("matmul", b, a), other)

    def big(self, piece: Syntax) -> Value:
        big = piece.value
        value = self.values[id(piece.args[0])]
        if big.lower not in (None, 1):
            raise ShapeProblem(f"the sum starts at {big.lower}; sums over data start at 1")
        if not isinstance(value, Indexed) or big.index not in value.axes:
            return self.constant_sum(big, value)
        axis = value.axes.index(big.index)
        rest = tuple(a for a in value.axes if a != big.index)
        over = None if len(value.node.shape) == 1 else (axis,)
        node = self.make(big.operation, value.node, value=(over, False))
        return Indexed(node, rest, value.row) if rest or value.row else node

    def constant_sum(self, big: Any, value: Value) -> Value:
        """A sum whose body does not depend on its index: a multiple."""
        if big.operation == "mean":
            return value
        if big.upper is None:
            raise ShapeProblem(
                f"nothing in the sum depends on {big.index}, so its length is not known",
                hint=f"write the limits: sum(..., {big.index}=1..N)",
            )
        count = self.graph.size(big.upper)
        if isinstance(big.upper, int):
            self.constant[count] = float(big.upper)
        return self.combine("pow" if big.operation == "prod" else "mul", *(
            (value, count) if big.operation == "prod" else (count, value)
        ))  # fmt: skip

    def call(self, piece: Syntax) -> Value:
        name = piece.value.name
        values = [self.values[id(part)] for part in piece.args]
        for part, value in zip(piece.args, values, strict=True):
            self.check_kind("call", part, value)
        if name in REDUCTIONS:
            return self.reduction(piece, values[0])
        if name == "softmax":
            axis = piece.value.keywords.get("axis")
            if isinstance(values[0], Indexed):
                raise ShapeProblem("softmax of indexed names is not read; write it with arrays")
            if not values[0].shape:
                raise ShapeProblem("softmax needs a vector or a matrix")
            return self.make("softmax", values[0], value=-1 if axis is None else axis)
        if name in ("trace", "det", "logdet", "inv", "diag", "solve", "outer"):
            if any(isinstance(v, Indexed) and v.axes for v in values):
                raise ShapeProblem(f"{name} of indexed names is not read; write it with arrays")
            return self.make(name, *[_plain(v) for v in values])
        if name in _SPECIAL:
            return _SPECIAL[name](self, piece, values)
        return self.combine(name, *values)

    def reduction(self, piece: Syntax, value: Value) -> Value:
        keywords = piece.value.keywords
        name, axis = piece.value.name, keywords.get("axis")
        keep = bool(keywords.get("keepdims", False))
        axes = None if axis is None else (int(axis),)
        if not isinstance(value, Indexed):
            if not value.shape:
                said = self.text[piece.args[0].start : piece.args[0].end]
                raise ShapeProblem(
                    f"{name} has nothing to run over: {said} is a single number",
                    hint="declare the data columns (columns=) or shapes (shapes=), "
                    "or write the sum with an index and its limits",
                )
            return self.make(name, value, value=(axes, keep))
        implicit = [a for a in value.axes if self.found.limits.get(a, "") is None]
        bound = self.found.scopes.get(id(piece), ())
        if axes is not None:
            raise ShapeProblem("axis= is not read inside an indexed sum")
        mine = tuple(a for a in value.axes if a in implicit and a in bound[-1:])
        rest = tuple(a for a in value.axes if a not in mine)
        if not rest:
            return self.make(name, value.node, value=(None, keep))
        over = tuple(range(len(rest), len(value.node.shape)))
        if not over or value.axes[: len(rest)] != rest:
            raise ShapeProblem(
                f"{name} over the indices {', '.join(rest)} needs its own index",
                hint="write sum_i ... for the sum over i",
            )
        return Indexed(self.make(name, value.node, value=(over, keep)), rest)


def _plain(value: Value) -> Node:
    return value.node if isinstance(value, Indexed) else value


def _axes(value: Value) -> Scope:
    return value.axes if isinstance(value, Indexed) else ()


def _inner(value: Value) -> int:
    """How many axes a value has besides those of its indices."""
    if isinstance(value, Indexed):
        return len(value.node.shape) - len(value.axes)
    return len(value.shape)


def _size(builder: _Builder, piece: Syntax, values: list[Value]) -> Value:
    (value,) = values
    if isinstance(value, Indexed):
        raise ShapeProblem("size of an indexed name is the length of its sum")
    product: Node | None = None
    for dim in value.shape:
        known = settled(dim)
        node = builder.graph.size(1 if isinstance(known, Unknown) else known)
        if node.op == "num":
            builder.constant[node] = float(node.value)
        product = node if product is None else builder.make("mul", product, node)
    return product or builder.graph.number(1)


def _like(builder: _Builder, piece: Syntax, values: list[Value]) -> Value:
    """``ones_like(x)`` and ``full_like(x, c)``."""
    shape = _plain(values[0]).shape
    fill = _plain(values[1]) if len(values) > 1 else builder.graph.number(1)
    if any(isinstance(settled(s), Unknown) for s in shape):
        return _plain(values[0])
    return builder.make("broadcast", fill, value=shape)


def _matrix_power(builder: _Builder, piece: Syntax, values: list[Value]) -> Value:
    exponent = piece.args[1]
    negative = exponent.kind == "neg"
    literal = exponent.args[0] if negative else exponent
    if literal.kind != "number" or literal.value.denominator != 1 or not 1 <= literal.value <= 64:
        raise SyntaxProblem(
            "the exponent of matrix_power is a whole number from 1 to 64", builder.text,
            exponent.start,
        )  # fmt: skip
    base = _plain(values[0])
    if negative:
        base = builder.make("inv", base)
    result = base
    for _ in range(int(literal.value) - 1):
        result = builder.make("matmul", result, base)
    return result


_SPECIAL: dict[str, Callable[[_Builder, Syntax, list[Value]], Value]] = {
    "size": _size,
    "ones_like": _like,
    "full_like": _like,
    "matrix_power": _matrix_power,
}
