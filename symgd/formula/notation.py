"""How a formula is written for people: with indices, or with whole arrays.

The graph computes with whole columns; a textbook writes ``Σ x_i (y_i - m x_i)``. The
walk here carries the index of every axis from a sum down to the symbols, so that
each output (:mod:`~symgd.formula.latex`, :mod:`~symgd.formula.pretty`) only says how one
operation looks. Formulas with matrix products are written with whole arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

from symgd.errors import LimitProblem, OptionError, UnsupportedError
from symgd.formula.functions import words
from symgd.formula.graph import Node, topological
from symgd.formula.shapes import normal_axes
from symgd.formula.text import MAX_PRINTED

Piece = tuple[str, int]
"""Some text and how tight it binds."""
Letters = tuple[str, ...]

_INDICES = ("i", "j", "k", "l", "r", "s", "u", "v")
_ARRAY_ONLY = frozenset(
    words("matmul outer transpose trace det logdet inv solve softmax diag scatter prodrest")
)
_ENTRYWISE = frozenset(
    words("add neg mul div pow where maximum minimum lt le gt ge eq ne and or not")
)
_REDUCTIONS = frozenset(words("sum mean prod"))


class Style(Protocol):
    """What one output writes for each kind of piece."""

    def number(self, value: Fraction, decimal: bool) -> Piece: ...
    def constant(self, name: str) -> Piece: ...
    def size(self, name: str) -> Piece: ...
    def name(self, name: str, letters: Letters, rank: int) -> Piece: ...
    def add(self, parts: list[Piece]) -> Piece: ...
    def neg(self, part: Piece) -> Piece: ...
    def mul(self, left: Piece, right: Piece, entrywise: bool) -> Piece: ...
    def div(self, top: Piece, bottom: Piece, entrywise: bool) -> Piece: ...
    def pow(self, base: Piece, exponent: Piece, node: Node, rank: int) -> Piece: ...
    def call(self, node: Node, parts: list[Piece]) -> Piece: ...
    def big(self, operation: str, letter: str, size: Any, body: Piece) -> Piece: ...
    def array(self, node: Node, parts: list[Piece]) -> Piece: ...
    def lifted(self, piece: Piece) -> Piece: ...


def written(root: Node, style: Style, form: str = "auto", letters: Letters = ()) -> str:
    """The formula in one style.

    ``form`` is ``"index"`` (every entry with its index), ``"array"`` (whole arrays) or
    ``"auto"`` (indices where no matrix product occurs). An array formula in index form is
    written as its entry at ``letters``.
    """
    if form not in ("auto", "index", "array"):
        raise OptionError(f"form={form!r} is not known; there are 'auto', 'index' and 'array'")
    indexed = form == "index" or (form == "auto" and suits_indices(root))
    walk = _Walk(style, _free_letters(root), indexed)
    own = tuple(walk.letters[: len(root.shape)]) if indexed and not letters else letters
    return walk.of(root, own if indexed else None)[0]


def suits_indices(root: Node) -> bool:
    """Whether the index form is the shorter one: numbers made of sums over columns."""
    if root.shape:
        return False
    order = topological(root)
    return all(n.op not in _ARRAY_ONLY and _can_index(n) for n in order)


def _can_index(node: Node) -> bool:
    if node.op in ("amax", "amin", "logsumexp", "norm", "norm1"):
        return False
    if node.op == "getitem":
        return all(item[0] == "new" or item == ("slice", None, None, None) for item in node.value)
    return True


def _free_letters(root: Node) -> list[str]:
    order = topological(root)
    taken = {n.value for n in order if n.op in ("sym", "dim")}
    taken |= {n.value.rpartition("_")[2] for n in order if n.op == "sym"}
    return [x for x in _INDICES if x not in taken] or ["i0"]


Key = tuple[Node, Letters | None, int]
Make = Callable[[list[Piece]], Piece]


class _Walk:
    """From the root to the symbols with the letters of the axes, and back with the text."""

    def __init__(self, style: Style, letters: list[str], indexed: bool) -> None:
        self.style = style
        self.letters = letters
        self.indexed = indexed
        self.done: dict[Key, Piece] = {}

    def of(self, root: Node, letters: Letters | None) -> Piece:
        start: Key = (root, letters, len(letters or ()))
        stack: list[tuple[Key, list[Key] | None, Make | None]] = [(start, None, None)]
        while stack:
            key, parts, make = stack.pop()
            if key in self.done:
                continue
            if parts is None:
                parts, make = self.plan(*key)
                stack.append((key, parts, make))
                stack.extend((part, None, None) for part in parts if part not in self.done)
                continue
            assert make is not None
            piece = make([self.done[part] for part in parts])
            if len(piece[0]) > MAX_PRINTED:
                raise LimitProblem("written out, the formula is too long to print")
            self.done[key] = piece
        return self.done[start]

    def plan(self, node: Node, letters: Letters | None, depth: int) -> tuple[list[Key], Make]:
        """The parts of a node with their letters, and how its text is made of theirs."""
        style, op = self.style, node.op
        if op == "num":
            return [], lambda _: style.number(node.value, node.graph.decimal)
        if op == "const":
            return [], lambda _: style.constant(node.value)
        if op == "dim":
            return [], lambda _: style.size(node.value)
        if op == "sym":
            own = tuple(
                "1" if size == 1 else x for x, size in zip(letters or (), node.shape, strict=False)
            )
            return [], lambda _: style.name(node.value, own, len(node.shape))
        if letters is None:
            return self.plan_array(node)
        return self.plan_entry(node, letters, depth)

    # -- whole arrays ---------------------------------------------------------------------

    def plan_array(self, node: Node) -> tuple[list[Key], Make]:
        style = self.style
        parts: list[Key] = [(a, None, 0) for a in node.args]
        if node.op == "matmul" and node.args[0].op == "mul" and not node.args[0].args[0].shape:
            return self.plan_scaled(node)
        rank = len(node.shape)
        lifted = [rank == 2 and len(a.shape) == 1 for a in node.args]

        def make(pieces: list[Piece]) -> Piece:
            if node.op in _ENTRYWISE:
                pieces = [
                    style.lifted(p) if up else p for p, up in zip(pieces, lifted, strict=True)
                ]
            return self.entry(node, pieces, [len(a.shape) for a in node.args])

        return parts, make

    def plan_scaled(self, node: Node) -> tuple[list[Key], Make]:
        """``(2*a) @ b`` as ``2 (a @ b)``."""
        (scalar, vector), right = node.args[0].args, node.args[1]
        bare = node.graph.make("matmul", vector, right)
        parts: list[Key] = [(scalar, None, 0), (bare, None, 0)]
        return parts, lambda p: self.style.mul(p[0], p[1], False)

    def entry(self, node: Node, pieces: list[Piece], ranks: list[int]) -> Piece:
        style, op = self.style, node.op
        if op == "add":
            return style.add(pieces)
        if op == "neg":
            return style.neg(pieces[0])
        if op == "mul":
            return style.mul(pieces[0], pieces[1], all(ranks))
        if op == "div":
            return style.div(pieces[0], pieces[1], bool(ranks[1]))
        if op == "pow":
            return style.pow(pieces[0], pieces[1], node, ranks[0])
        if op in _ARRAY_ONLY or op in ("sum", "mean", "prod", "getitem", "broadcast"):
            return style.array(node, pieces)
        return style.call(node, pieces)

    # -- entries --------------------------------------------------------------------------

    def plan_entry(self, node: Node, letters: Letters, depth: int) -> tuple[list[Key], Make]:
        op = node.op
        if op in _REDUCTIONS or op in ("norm", "norm1"):
            return self.plan_sum(node, letters, depth)
        if op == "broadcast":
            return self.same([node.args[0]], node, letters, depth, lambda p: p[0])
        if op == "getitem":
            return self.plan_places(node, letters, depth)
        if op == "transpose":
            part: Key = (node.args[0], letters[::-1], depth)
            return [part], lambda p: p[0]
        if op == "outer":
            parts: list[Key] = [(a, (x,), depth) for a, x in zip(node.args, letters, strict=True)]
            return parts, lambda p: self.style.mul(p[0], p[1], False)
        if op in ("matmul", "trace"):
            return self.plan_product(node, letters, depth)
        if op in _ARRAY_ONLY or op in ("amax", "amin", "logsumexp"):
            raise UnsupportedError(f"{op} has no form with indices; use form='array'")
        ranks = [0] * len(node.args)
        return self.same(
            list(node.args), node, letters, depth, lambda p: self.entry(node, p, ranks)
        )

    def same(
        self, args: list[Node], node: Node, letters: Letters, depth: int, make: Make
    ) -> tuple[list[Key], Make]:
        """The parts of an entrywise operation: the last letters, none for axes of size 1."""
        return [(a, _own(a, letters), depth) for a in args], make

    def letter(self, depth: int) -> str:
        if depth < len(self.letters):
            return self.letters[depth]
        return f"{self.letters[0]}{depth}"

    def plan_sum(self, node: Node, letters: Letters, depth: int) -> tuple[list[Key], Make]:
        (arg,) = node.args
        axes, keep = node.value
        over = normal_axes(axes, len(arg.shape))
        outer = list(letters)
        inner: list[str] = []
        bound: list[tuple[str, Any]] = []
        for axis, size in enumerate(arg.shape):
            if axis in over:
                letter = self.letter(depth + len(bound))
                bound.append((letter, size))
                inner.append(letter)
                if keep and outer:
                    outer.pop(0)
            else:
                inner.append(outer.pop(0))
        part: Key = (arg, tuple(inner), depth + len(bound))
        return [part], lambda p: self.summed(node, p[0], bound)

    def summed(self, node: Node, body: Piece, bound: list[tuple[str, Any]]) -> Piece:
        style = self.style
        if node.op == "norm":
            body = style.pow(body, style.number(Fraction(2), False), node, 0)
        elif node.op == "norm1":
            raise UnsupportedError("norm1 has no form with indices; use form='array'")
        operation = "prod" if node.op == "prod" else "sum"
        for letter, size in reversed(bound):
            body = style.big(operation, letter, size, body)
        if node.op == "norm":
            return style.call(node.graph.make("sqrt", node.graph.number(1)), [body])
        if node.op == "mean":
            below: Piece | None = None
            for _, size in bound:
                count = _size(style, size)
                below = count if below is None else style.mul(below, count, False)
            one = style.number(Fraction(1), False)
            return style.mul(style.div(one, below or one, False), body, False)
        return body

    def plan_product(self, node: Node, letters: Letters, depth: int) -> tuple[list[Key], Make]:
        """``sum_k a_ik b_kj``, or the trace ``sum_k a_kk``."""
        k = self.letter(depth)
        style = self.style
        size = node.args[0].shape[-1]
        if node.op == "trace":
            parts: list[Key] = [(node.args[0], (k, k), depth + 1)]
            return parts, lambda p: style.big("sum", k, size, p[0])
        a, b = node.args
        left = (*letters[: len(a.shape) - 1], k)
        right = (k, *letters[len(a.shape) - 1 :])
        parts = [(a, left, depth + 1), (b, right, depth + 1)]
        return parts, lambda p: style.big("sum", k, size, style.mul(p[0], p[1], False))

    def plan_places(self, node: Node, letters: Letters, depth: int) -> tuple[list[Key], Make]:
        inner: list[str] = []
        rest = list(letters)
        for item in node.value:
            if item[0] == "new":
                if rest:
                    rest.pop(0)
            elif item == ("slice", None, None, None):
                inner.append(rest.pop(0))
            else:
                raise UnsupportedError("a slice has no form with indices; use form='array'")
        part: Key = (node.args[0], (*inner, *rest), depth)
        return [part], lambda p: p[0]


def _own(arg: Node, letters: Letters) -> Letters:
    """The letters of an argument that may be smaller; an axis of size 1 has none of its own."""
    rank = len(arg.shape)
    return letters[len(letters) - rank :] if rank else ()


def _size(style: Style, size: Any) -> Piece:
    if isinstance(size, int):
        return style.number(Fraction(size), False)
    return style.size(size)
