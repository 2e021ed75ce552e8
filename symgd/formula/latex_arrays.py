r"""Which names of a LaTeX formula are vectors and matrices, and what its products mean.

In LaTeX ``X w`` may be a product of numbers or a matrix times a vector; what decides
is said by the formula itself: bold letters, ``^\top``, norms, ``\det`` and
declared shapes. From there it spreads: a capital beside a small letter where a
vector is needed is a matrix. Without such evidence every name is left to the
reading of the text syntax.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from symgd.errors import ShapeProblem, SyntaxProblem
from symgd.formula.functions import ELEMENTWISE_1, words
from symgd.formula.identity_name import IDENTITY
from symgd.formula.latex_names import is_vector_style
from symgd.formula.parser import Parsed
from symgd.formula.reading import Declared, is_capital
from symgd.formula.rewriting import mapped
from symgd.formula.shapes import Shape, Unknown
from symgd.formula.syntax import Call, Syntax, post_order

if TYPE_CHECKING:
    from symgd.formula.latex_parser import LatexParser

ROW = -1
"""The rank of a transposed vector."""
_MATRIX_FUNCTIONS = frozenset(words("trace det logdet inv"))
_VECTOR_FUNCTIONS = frozenset(words("norm norm1 softmax logsumexp"))
_REDUCTIONS = frozenset(words("sum mean prod amax amin norm norm1 logsumexp trace det logdet"))
_GREEK_CAPITALS = ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi",
                   "Psi", "Omega")  # fmt: skip


def with_arrays(
    parsed: Parsed, parsers: Sequence[LatexParser], declared: Declared
) -> tuple[Parsed, Declared]:
    """``parsed`` with its products decided, and the ranks it gives to names as shapes."""
    indices = {letter for parser in parsers for letter in parser.every_index}
    styles = {name: s for parser in parsers for name, s in parser.styles.items()}
    survey = _Ranks(parsed.text, declared, indices, styles)
    roots = [parsed.root, *parsed.definitions.values()]
    survey.learn(roots)
    if not survey.ranks:
        roots = [mapped(root, _scalar_products(parsed.text)) for root in roots]
    else:
        _define(survey, parsed.definitions)
        roots = [_Products(survey).rewritten(root) for root in roots]
    definitions = dict(zip(parsed.definitions, roots[1:], strict=True))
    shapes: dict[str, Shape] = dict(declared.shapes)
    for name, rank in survey.ranks.items():
        given = declared.columns.get(name) is not None or name in declared.constants
        ours = name not in shapes and name != IDENTITY
        if ours and not given and name not in parsed.definitions:
            shapes[name] = tuple(Unknown() for _ in range(rank))
    _count_rows(roots[0], shapes, declared)
    known = replace(declared, shapes=shapes)
    return replace(parsed, root=roots[0], definitions=definitions), known


def _count_rows(root: Syntax, shapes: dict[str, Shape], declared: Declared) -> None:
    r"""``\frac{1}{2m}`` beside a matrix X: m counts the rows of X."""
    rows = next((n for n in ("X", "Y", "y") if n in shapes and n not in declared.shapes), None)
    if rows is None or not shapes[rows]:
        return
    below: set[int] = set()
    for piece in post_order(root):
        if piece.kind == "div" and all(
            p.kind in ("name", "number", "mul") for p in post_order(piece.args[1])
        ):
            below |= {id(p) for p in post_order(piece.args[1])}
    for count in ("N", "n", "m"):
        uses = [p for p in post_order(root) if p.kind == "name" and p.value == count]
        if uses and count not in declared.names and all(id(p) in below for p in uses):
            shapes[rows] = (count, *shapes[rows][1:])
            return


def _define(survey: _Ranks, definitions: Mapping[str, Syntax]) -> None:
    """The rank of a defined name is that of its definition."""
    for _ in definitions:
        for name, root in definitions.items():
            rank = _Products(survey).rank_of(root)
            base, count = survey.base(name)
            survey.ranks.pop(name, None)
            if base == name or count == 0:
                survey.defined[name] = rank


class _Ranks:
    """What is known about the ranks of names: total axes, indices included."""

    def __init__(
        self, text: str, declared: Declared, indices: set[str], styles: Mapping[str, str]
    ) -> None:
        self.text = text
        self.declared = declared
        self.indices = indices
        self.styles = styles
        self.defined: dict[str, int] = {}
        self.ranks: dict[str, int] = {
            name: len(shape)
            for name, shape in [*declared.shapes.items(), *declared.columns.items()]
            if shape is not None
        }

    def base(self, name: str) -> tuple[str, int]:
        """A name without its indices, and how many there were."""
        head, _, tail = name.rpartition("_")
        if head and tail and name not in self.declared.names and set(tail) <= self.indices:
            return head, len(tail)
        return name, 0

    def rank(self, name: str) -> int:
        """The rank of one occurrence: the axes that are left after its indices."""
        if name in self.defined:
            return self.defined[name]
        base, count = self.base(name)
        return max(0, self.ranks.get(base, count) - count)

    def raise_to(self, name: str, rank: int) -> None:
        base, count = self.base(name)
        if base in self.declared.names and base in self.ranks:
            return
        if base in self.declared.constants or name in ("e", "pi"):
            return
        self.ranks[base] = max(self.ranks.get(base, 0), rank + count)

    # -- evidence -------------------------------------------------------------------------

    def learn(self, roots: Sequence[Syntax]) -> None:
        """Collect the evidence of all roots until nothing new is found."""
        pieces = [p for root in roots for p in post_order(root)]
        self.inner_products = {id(p.args[0]) for p in pieces if p.kind == "mul"}
        for piece in pieces:
            if piece.kind == "name":
                self._by_style(str(piece.value))
        self._settle(pieces)
        names = {piece.value for piece in pieces if piece.kind == "name"}
        if IDENTITY in names and 2 in self.ranks.values():
            self.raise_to(IDENTITY, 2)
            self._settle(pieces)

    def _settle(self, pieces: Sequence[Syntax]) -> None:
        """Collect the evidence of all places until nothing new is found."""
        before = None
        for _ in range(8):
            if before == self.ranks:
                return
            before = dict(self.ranks)
            for piece in pieces:
                self._by_place(piece)

    def _by_style(self, name: str) -> None:
        base, _ = self.base(name)
        style = self.styles.get(base, self.styles.get(name, ""))
        if is_vector_style(style):
            self.raise_to(name, 2 if _capital(name) else 1)

    def _by_place(self, piece: Syntax) -> None:
        if piece.kind == "transpose" or (
            piece.kind == "call" and piece.value.name in _VECTOR_FUNCTIONS
        ):
            self.expect(piece.args[0], None)
        elif piece.kind == "call" and piece.value.name in (*_MATRIX_FUNCTIONS, "diag"):
            self.expect(piece.args[0], None if piece.value.name == "diag" else 2)
        elif piece.kind == "mul" and piece.value == "inner":
            for part in piece.args:
                self.expect(part, 1)
        elif piece.kind == "mul" and id(piece) not in self.inner_products:
            self._neighbours(piece)
        elif piece.kind == "add":
            self._terms(piece)

    def _terms(self, piece: Syntax) -> None:
        """A lone capital beside a matrix in a sum is a matrix."""
        ranks = [abs(self.shape_of(part)) for part in piece.args]
        top = max(ranks)
        if not top or _has_number(piece):
            return
        for part, rank in zip(piece.args, ranks, strict=True):
            leaf = part.args[0] if part.kind == "neg" else part
            if rank == 0 and leaf.kind == "name" and top == 2 and _capital(str(leaf.value)):
                self.raise_to(str(leaf.value), 2)

    def _neighbours(self, piece: Syntax) -> None:
        """In a product with a transposed factor the last factor is a vector or a matrix."""
        factors = _factors(piece)
        seen = False
        for factor in factors:
            shape = self.shape_of(factor)
            capital = _names_matrix(factor)
            if seen and factor.kind == "add":
                self.expect(factor, None if shape else 1)
                seen = self.shape_of(factor) == 2
            elif seen and shape == 0 and (capital or factor.kind == "name"):
                self.expect(factor, 2 if capital else 1)
                seen = capital
            elif shape in (ROW, 2):
                seen = True
            elif shape:
                seen = False
        if self.shape_of(factors[-1]) == ROW and factors[-2].kind == "name":
            self.expect(factors[-2], None)
        for left, right in pairwise(factors):
            if _names_matrix(left) and self.shape_of(right) in (1, ROW) and not self.shape_of(left):
                self.expect(left, 2)

    def expect(self, piece: Syntax, rank: int | None) -> None:
        """``piece`` is an array: of this rank, or (``None``) of the one its letters say."""
        while piece.kind in ("neg", "transpose") or (
            piece.kind == "call" and piece.value.name in ELEMENTWISE_1
        ):
            piece = piece.args[0]
        if piece.kind == "name":
            name = str(piece.value)
            if name in self.defined:
                return
            self.raise_to(name, rank or (2 if _capital(name) else 1))
        elif piece.kind == "add":
            self._expect_sum(piece, rank)
        elif piece.kind == "div":
            self.expect(piece.args[0], rank)
        elif piece.kind == "mul":
            self._expect_product(piece, rank)
        elif piece.kind == "pow":
            self.expect(piece.args[0], 2)

    def _expect_sum(self, piece: Syntax, rank: int | None) -> None:
        if _has_number(piece):
            raise SyntaxProblem(
                "a number is added to what should be a vector or a matrix", self.text,
                piece.start, r"write \cdot for a product and ^{(T)} for a power", 1,
            )  # fmt: skip
        for part in piece.args:
            self.expect(part, rank)
        top = max(abs(self.shape_of(part)) for part in piece.args)
        for part in piece.args:
            leaf = part.args[0] if part.kind == "neg" else part
            if leaf.kind == "name" and self.shape_of(leaf) == 2 and top == 2:
                continue
            if leaf.kind == "name" and self.shape_of(leaf) < top:
                self.raise_to(str(leaf.value), top)

    def _expect_product(self, piece: Syntax, rank: int | None) -> None:
        """``X w``: a capital is a matrix, the last factor a vector; numbers come first."""
        if piece.value in ("odot", "circ"):
            for part in piece.args:
                self.expect(part, rank)
            return
        factors = _factors(piece)
        last = factors[-1]
        self.expect(last, rank)
        chained = self.shape_of(last)
        for factor in reversed(factors[:-1]):
            if _names_matrix(factor) and chained:
                self.expect(factor, 2)
            elif factor.kind in ("transpose", "add") and chained:
                self.expect(factor, None)

    def shape_of(self, piece: Syntax) -> int:
        """The rank of a piece; a transposed vector is :data:`ROW`."""
        return _Products(self).rank_of(piece)


def _capital(name: str) -> bool:
    return is_capital(name) and (name[1:2] in ("", "_") or name.startswith(_GREEK_CAPITALS))


def _names_matrix(piece: Syntax) -> bool:
    """A capital, also with an exponent: ``A``, ``A^{-1}``."""
    if piece.kind == "pow":
        piece = piece.args[0]
    return piece.kind == "name" and _capital(str(piece.value))


def _has_number(piece: Syntax) -> bool:
    return any(
        (part.args[0] if part.kind == "neg" else part).kind == "number" for part in piece.args
    )


def _factors(piece: Syntax) -> list[Syntax]:
    """The factors of a chain of products."""
    found: list[Syntax] = []
    while piece.kind == "mul" and piece.value not in ("odot", "circ", "inner"):
        found.append(piece.args[1])
        piece = piece.args[0]
    return [piece, *reversed(found)]


def _scalar_products(text: str) -> Callable[[Syntax], Syntax | None]:
    """Without vectors every product is one of numbers; a dot product has nothing to be of."""

    def change(piece: Syntax) -> Syntax | None:
        if piece.kind == "mul" and piece.value == "inner":
            raise ShapeProblem("an inner product needs two vectors", text, piece.start)
        return None

    return change


# -- products ------------------------------------------------------------------------------------


class _Products:
    """Decides every product from the ranks of its factors."""

    def __init__(self, known: _Ranks) -> None:
        self.known = known
        self.ranks: dict[int, int] = {}

    def rank_of(self, root: Syntax) -> int:
        """The rank of ``root`` without changing anything."""
        for piece in post_order(root):
            if id(piece) not in self.ranks:
                self.ranks[id(piece)] = self._rank(piece)
        return self.ranks[id(root)]

    def _rank(self, piece: Syntax) -> int:
        parts = [self.ranks[id(part)] for part in piece.args]
        kind = piece.kind
        if kind == "name":
            return self.known.rank(str(piece.value))
        if kind == "transpose":
            return {1: ROW, ROW: 1}.get(parts[0], parts[0])
        if kind == "mul" and piece.value == "inner":
            return 0
        if kind == "mul" and piece.value not in ("odot", "circ"):
            return _product_rank(parts[0], parts[1], str(piece.value))
        if kind == "big" or (kind == "call" and piece.value.name in _REDUCTIONS):
            return max(0, parts[0]) if kind == "big" else 0
        if kind == "call" and piece.value.name in ("inv", "diag"):
            return 2
        if kind == "compare" or not parts:
            return 0
        return max(parts, key=abs)

    def rewritten(self, root: Syntax) -> Syntax:
        """``root`` with matrix products, dot products, inverses and powers written as such."""
        done: dict[int, Syntax] = {}
        inside = _under_reduction(root)
        for piece in post_order(root):
            args = tuple(done[id(part)] for part in piece.args)
            copy = Syntax(piece.kind, piece.start, piece.end, args, piece.value)
            made = self._changed(copy, id(piece) in inside)
            if id(made) not in self.ranks:
                self.rank_of(made)
            done[id(piece)] = made
        self.kept = done
        return done[id(root)]

    def _changed(self, piece: Syntax, inside: bool) -> Syntax:
        ranks = [self.rank_of(part) for part in piece.args]
        if piece.kind == "mul":
            return self._product(piece, ranks)
        if piece.kind == "pow":
            return self._power(piece, ranks, inside)
        if piece.kind == "div" and ranks[1]:
            self._refuse(piece, "a division by a vector or a matrix")
        if piece.kind == "add" and not inside:
            self._check_sum(piece, ranks)
        return piece

    def _product(self, piece: Syntax, ranks: list[int]) -> Syntax:
        left, right = piece.args
        how = str(piece.value)
        plain = Syntax("mul", piece.start, piece.end, (left, right))
        if how in ("odot", "circ"):
            return plain
        if how == "inner":
            if ranks[0] != 1 or ranks[1] != 1:
                self._refuse(piece, "an inner product of what are not two vectors")
            return self._matmul(piece, left, right)
        if not ranks[0] or not ranks[1]:
            return self._scaled(piece, left, right, ranks)
        if how in ("times", "ast", "bullet"):
            self._refuse(piece, f"\\{how} between vectors or matrices is not read")
        if ranks == [1, 1] and how != "cdot":
            self._refuse(piece, "a product of two vectors can be read in three ways")
        if ranks == [1, ROW]:
            bare = right.args[0] if right.kind == "transpose" else right
            outer = Call("outer", {})
            return Syntax("call", piece.start, piece.end, (left, bare), outer)
        if (ranks[1] == ROW and ranks[0] == 2) or ranks in ([ROW, ROW], [1, 2]):
            self._refuse(piece, "these two do not fit together in a product")
        return self._matmul(piece, left, right)

    def _matmul(self, piece: Syntax, left: Syntax, right: Syntax) -> Syntax:
        """The matrix product; a number in front stays in front."""
        if left.kind == "mul" and not self.rank_of(left.args[0]):
            inner = Syntax("matmul", left.args[1].start, piece.end, (left.args[1], right))
            self.ranks[id(inner)] = _product_rank(
                self.rank_of(left.args[1]), self.rank_of(right), "implicit"
            )
            return Syntax("mul", piece.start, piece.end, (left.args[0], inner))
        made = Syntax("matmul", piece.start, piece.end, (left, right))
        self.ranks[id(made)] = _product_rank(self.rank_of(left), self.rank_of(right), "implicit")
        return made

    def _scaled(self, piece: Syntax, left: Syntax, right: Syntax, ranks: list[int]) -> Syntax:
        return Syntax("mul", piece.start, piece.end, (left, right))

    def _power(self, piece: Syntax, ranks: list[int], inside: bool) -> Syntax:
        base, exponent = piece.args
        if ranks[1]:
            self._refuse(piece, "an exponent that is a vector or a matrix")
        if ranks[0] == 2 and not inside:
            whole = exponent.args[0] if exponent.kind == "neg" else exponent
            if whole.kind != "number" or whole.value.denominator != 1 or not 1 <= whole.value < 9:
                self._refuse(piece, "this power of a matrix is not read")
            made = base
            if exponent.kind == "neg":
                made = Syntax("call", piece.start, piece.end, (base,), Call("inv", {}))
            first = made
            for _ in range(int(whole.value) - 1):
                again = mapped(first, lambda piece: None)
                made = Syntax("matmul", piece.start, piece.end, (made, again))
                self.ranks[id(made)] = 2
            return made
        if abs(ranks[0]) == 1 and not inside:
            self._refuse(
                piece, "a power of a vector", r"write \|x\|^2 or x^\top x for a sum of squares"
            )
        if ranks[0] == 2 and exponent.kind == "neg":
            self._refuse(piece, "this power inside a sum can be read in two ways")
        return piece

    def _check_sum(self, piece: Syntax, ranks: list[int]) -> None:
        """A number added to a vector outside a sum over entries has no meaning."""
        if any(ranks) and not all(ranks) and (_has_number(piece) or 2 in ranks):
            self._refuse(
                piece, "a number is added to a vector or a matrix",
                r"write \lambda I for a multiple of the identity matrix",
            )  # fmt: skip

    def _refuse(self, piece: Syntax, reason: str, hint: str | None = None) -> None:
        raise ShapeProblem(
            reason, self.known.text, piece.start,
            hint or r"x^\top y is the dot product, x y^\top the outer, \odot entry by entry",
            piece.end - piece.start,
        )  # fmt: skip


def _under_reduction(root: Syntax) -> set[int]:
    """The pieces inside a sum or mean over all entries, where powers are entry by entry."""
    inside: set[int] = set()
    for piece in post_order(root):
        if piece.kind == "call" and piece.value.name in ("sum", "mean", "prod", "amax", "amin"):
            inside |= {id(part) for arg in piece.args for part in post_order(arg)}
    return inside


def _product_rank(left: int, right: int, how: str) -> int:
    if not left or not right:
        return left or right
    pair = (left, right)
    if pair in ((ROW, 1), (1, 1)):
        return 0
    if pair in ((ROW, 2), (2, ROW)):
        return ROW
    if pair == (2, 1):
        return 1
    return 2
