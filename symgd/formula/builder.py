"""One walk over the syntax that makes the nodes: names and indices resolved, shapes inferred."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from symgd.errors import FormulaError, LimitProblem, NameProblem, ShapeProblem, SyntaxProblem
from symgd.formula import constants, products, reductions
from symgd.formula.functions import REDUCTIONS
from symgd.formula.graph import Graph, Node, is_condition
from symgd.formula.identity_name import IDENTITY
from symgd.formula.parser import Parsed
from symgd.formula.reading import Declared, Scope, Survey, split_index
from symgd.formula.shapes import Shape, normal_axes, settled, show_shape, unify
from symgd.formula.syntax import Syntax
from symgd.formula.values import Indexed, Value, axes_of, inner_rank, is_row, node_of

MAX_ONES = 10_000_000
_MATRIX_FUNCTIONS = frozenset({"trace", "det", "logdet", "inv", "diag", "solve", "outer"})
_WHOLE = ("slice", None, None, None)


class Builder:
    """Makes the graph of a formula whose names have been surveyed and given shapes.

    A value is a :class:`Node`, or an :class:`Indexed` node inside a big operator. A
    condition that stands where a number is expected counts 1 or 0.
    """

    def __init__(
        self,
        parsed: Parsed,
        declared: Declared,
        found: Survey,
        sizes: set[str],
        shapes: Mapping[str, Shape],
        same: Mapping[str, str] | None = None,
    ) -> None:
        self.text = parsed.text
        self.declared = declared
        self.found = found
        self.sizes = sizes
        self.shapes = shapes
        self.same = dict(same or {})
        """Names that are other names of a size: ``n`` where the rows are ``N``."""
        self.graph = Graph()
        self.constant: dict[Node, float] = {}
        self.order: list[str] = []
        self.identity = False
        """Whether ``I`` is the identity matrix (known once its size is)."""
        self.used_constants: dict[str, None] = {}
        self.values: dict[int, Value] = {}

    def build(self, pieces: list[Syntax]) -> Node:
        """The node of the last of ``pieces``, which come parts first."""
        values = self.values
        handlers = self.handlers()
        piece = pieces[-1]
        try:
            for piece in pieces:
                values[id(piece)] = handlers[piece.kind](piece)
        except FormulaError as error:
            raise error.located(self.text, piece.start, piece.end - piece.start) from None
        except RecursionError:  # pragma: no cover - a guard, walks do not recurse
            raise LimitProblem("nested too deep", self.text, piece.start) from None
        result = self.settle(values[id(pieces[-1])])
        if axes_of(result):
            raise ShapeProblem("an index is left over outside its sum", self.text, piece.start)
        return node_of(result)

    def handlers(self) -> dict[str, Callable[[Syntax], Value]]:
        return {
            "number": self.number, "name": self.name, "add": self.add, "neg": self.elementwise,
            "mul": partial(products.multiply, self), "div": self.elementwise,
            "pow": self.power, "matmul": partial(products.matmul, self),
            "transpose": partial(products.transpose, self), "index": self.index,
            "call": self.call, "compare": self.compare, "and": self.logic, "or": self.logic,
            "not": self.logic, "where": self.where, "big": partial(reductions.big, self),
            "derivative": self.derivative, "ones": self.ones, "scatter": self.scatter,
        }  # fmt: skip

    def notes(self, parsed: Parsed) -> tuple[str, ...]:
        """How constants and the left side were read."""
        if self.identity:
            self.used_constants[IDENTITY] = None
        said = {"e": "e is Euler's number", "pi": "pi is 3.14159...",
                IDENTITY: "I is the identity matrix"}  # fmt: skip
        notes = [said[name] for name in self.used_constants]
        if parsed.label:
            notes.append(f"{parsed.label} is the name of the formula")
        return tuple(notes)

    # -- leaves ---------------------------------------------------------------------------

    def number(self, piece: Syntax) -> Value:
        if piece.value.denominator != 1:
            self.graph.decimal = True
        return self.known(self.graph.number(piece.value))

    def known(self, node: Node) -> Node:
        """A number node whose value is noted for the checks of constants."""
        if node.op == "num" and node not in self.constant:
            self.constant[node] = float(node.value)
        return node

    def size(self, dim: int | str) -> Node:
        """A size as a number."""
        return self.known(self.graph.size(dim))

    def ones(self, piece: Syntax) -> Value:
        entries = math.prod(size for size in piece.value if isinstance(size, int))
        if not 0 < entries <= MAX_ONES:
            raise LimitProblem(f"ones of {entries:,} entries; there are 1 to {MAX_ONES:,}")
        return self.graph.make("broadcast", self.graph.number(1), value=piece.value)

    def scatter(self, piece: Syntax) -> Value:
        shape, items = piece.value
        value = self.argument(piece.args[0])
        if any(item.kind == "name" for item in items) or axes_of(value):
            raise ShapeProblem("scatter of indexed names is not read")
        taken = tuple((item.kind, *item.items) for item in items)
        return self.make("scatter", node_of(value), value=(shape, taken))

    def name(self, piece: Syntax) -> Value:
        scope = self.found.scopes.get(id(piece), ())
        name = piece.value
        base, indices = split_index(name, scope, self.declared.names)
        if indices:
            return self.indexed(base, indices)
        if name in self.declared.constants:
            value = constants.exact(self.declared.constants[name], name)
            self.graph.decimal |= value.denominator != 1
            return self.known(self.graph.number(value))
        if name in scope:
            raise SyntaxProblem(
                f"the index {name} stands only as a subscript, as in x_{name}", self.text,
                piece.start, "numeric limits such as i=1..5 allow it as a number",
            )  # fmt: skip
        known = "pi" if name == "π" else name
        if known in ("e", "pi") and name not in self.declared.names:
            self.used_constants[known] = None
            node = self.graph.constant(known)
            self.constant[node] = math.e if known == "e" else math.pi
            return node
        if name in self.sizes:
            return self.graph.size(self.same.get(name, name))
        return self.symbol(name)

    def symbol(self, name: str) -> Node:
        if name == IDENTITY and self.identity:
            ones = self.graph.make("broadcast", self.graph.number(1), value=self.shapes[name][:1])
            return self.graph.make("diag", ones)
        self.order.append(name)
        return self.graph.symbol(name, self.shapes[name])

    def indexed(self, base: str, indices: Scope) -> Value:
        if base in self.sizes or base in self.declared.constants:
            raise ShapeProblem(f"{base} is a number and cannot take an index")
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
                raise ShapeProblem(f"{base} has {settled(size)} rows, but the sum runs to {limit}")
        return Indexed(node, indices)

    def index(self, piece: Syntax) -> Value:
        names = tuple(item.name for item in piece.value if item.kind == "name")
        if names:
            rest = piece.value[len(names) :]
            if piece.args[0].kind != "name":
                raise ShapeProblem("an index of a sum stands only behind a name, as in x[i]")
            if any(item.kind != "slice" or item.items != (None, None, None) for item in rest):
                raise ShapeProblem("indices of a sum come first, then only ':'")
            return self.indexed(piece.args[0].value, names)
        items = tuple((item.kind, *item.items) for item in piece.value)
        value = self.values[id(piece.args[0])]
        if axes_of(value):
            raise ShapeProblem("a slice of an indexed name is not read")
        return self.make("getitem", node_of(value), value=items)

    # -- elementwise ----------------------------------------------------------------------

    def argument(self, piece: Syntax) -> Value:
        """The value of a piece as a number: a condition is 1 where it holds, else 0."""
        value = self.values[id(piece)]
        if not is_condition(node_of(value)):
            return value
        return self.combine("where", value, self.graph.number(1), self.graph.number(0))

    def condition(self, piece: Syntax) -> Value:
        """The value of a piece that must be a condition."""
        value = self.values[id(piece)]
        if is_condition(node_of(value)):
            return value
        raise SyntaxProblem(
            "a condition was expected", self.text, piece.start,
            "a condition is a comparison such as x > 0", piece.end - piece.start,
        )  # fmt: skip

    def make(self, op: str, *args: Node, value: Any = None) -> Node:
        """The node; when it is new, its value is checked to be finite if it is a constant."""
        before = len(self.graph)
        node = self.graph.make(op, *args, value=value)
        if len(self.graph) != before:
            constants.watch(node, self.constant)
        return node

    def combine(self, op: str, *values: Value, value: Any = None) -> Value:
        """``op`` on values whose indices are first lined up as leading axes."""
        if not any(type(v) is Indexed for v in values):
            return self.make(op, *values, value=value)  # type: ignore[arg-type]
        values = tuple(self.settle(v) for v in values)
        axes = axes_of(*values)
        inner = max(inner_rank(v) for v in values)
        nodes = [self.aligned(v, axes, inner) for v in values]
        return Indexed(self.make(op, *nodes, value=value), axes, any(map(is_row, values)))

    def settle(self, value: Value) -> Value:
        """A transposed vector with its factor multiplied in."""
        if not isinstance(value, Indexed) or value.factor is None:
            return value
        return self.combine("mul", value.factor, Indexed(value.node, value.axes, value.row))

    def aligned(self, value: Value, axes: Scope, inner: int) -> Node:
        """The node with one leading axis for each of ``axes`` and ``inner`` own axes."""
        node, own = node_of(value), axes_of(value)
        rank = len(node.shape) - len(own)
        if not own:
            if rank == inner or rank == 0:
                return node
            return self.make("getitem", node, value=(("new",),) * (inner - rank))
        if own == axes and rank == inner:
            return node
        if own != tuple(a for a in axes if a in own):
            if len(own) != 2 or rank:
                raise ShapeProblem("these indices cannot be brought into one order")
            node, own = self.make("transpose", node), own[::-1]
        items: tuple[Any, ...] = tuple(_WHOLE if a in own else ("new",) for a in axes)
        items += (("new",),) * (inner - rank) + (_WHOLE,) * rank
        if ("new",) not in items:
            return node
        if node.op == "neg":
            return self.make("neg", self.make("getitem", node.args[0], value=items))
        return self.make("getitem", node, value=items)

    def add(self, piece: Syntax) -> Value:
        return self.combine("add", *[self.argument(part) for part in piece.args])

    def elementwise(self, piece: Syntax) -> Value:
        return self.combine(piece.kind, *[self.argument(part) for part in piece.args])

    def power(self, piece: Syntax) -> Value:
        """``u^v``; a number with its sign is one exponent: ``x^-2`` has the exponent -2."""
        base, exponent = (self.argument(part) for part in piece.args)
        above = node_of(exponent)
        if above.op == "neg" and above.args[0].op == "num":
            exponent = self.known(self.graph.number(-above.args[0].value))
        return self.combine("pow", base, exponent)

    def compare(self, piece: Syntax) -> Value:
        return self.combine(piece.value, *[self.argument(part) for part in piece.args])

    def logic(self, piece: Syntax) -> Value:
        return self.combine(piece.kind, *[self.condition(part) for part in piece.args])

    def where(self, piece: Syntax) -> Value:
        condition, then, otherwise = piece.args
        return self.combine(
            "where", self.condition(condition), self.argument(then), self.argument(otherwise)
        )

    def derivative(self, piece: Syntax) -> Value:
        value = self.argument(piece.args[0])
        for name in piece.value:
            if name not in self.shapes:
                raise NameProblem(f"{name} does not occur in the formula")
            symbol = self.symbol(name)
            if symbol.shape:
                raise ShapeProblem(f"d/d{name}: {name} is not a number but an array")
            value = self.combine("derivative", value, symbol)
        return value

    # -- calls ----------------------------------------------------------------------------

    def call(self, piece: Syntax) -> Value:
        name = piece.value.name
        values = [self.argument(part) for part in piece.args]
        if name in REDUCTIONS:
            return reductions.reduction(self, piece, values[0])
        if name in ("softmax", "prodrest"):
            return self.along_axis(piece, values[0])
        if name in _MATRIX_FUNCTIONS:
            if axes_of(*values):
                raise ShapeProblem(f"{name} of indexed names is not read; write it with arrays")
            return self.make(name, *[node_of(self.settle(v)) for v in values])
        if name in reductions.SPECIAL:
            return reductions.SPECIAL[name](self, piece, values)
        return self.combine(name, *values)

    def along_axis(self, piece: Syntax, value: Value) -> Value:
        """``softmax(u, axis=-1)``, and ``prodrest(u)``: the product of all other entries."""
        name, axis = piece.value.name, piece.value.keywords.get("axis")
        node = node_of(self.settle(value))
        if axes_of(value):
            raise ShapeProblem(f"{name} of indexed names is not read; write it with arrays")
        if not node.shape:
            raise ShapeProblem(f"{name} needs a vector or a matrix")
        if axis is not None:
            normal_axes((axis,), len(node.shape))
        if name == "prodrest":
            return self.make(name, node, value=(None if axis is None else (axis,), False))
        return self.make(name, node, value=-1 if axis is None else axis)
