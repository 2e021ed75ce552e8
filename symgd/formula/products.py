"""Products of vectors and matrices, also where some of their axes are indices of a sum.

``x_i^T w`` is a row of ``X @ w``; a number before a transposed vector multiplies
the result, so ``s_i x_i^T w`` is ``s*(X @ w)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgd.errors import ShapeProblem, SyntaxProblem
from symgd.formula.syntax import Syntax
from symgd.formula.values import Indexed, Value, axes_of, inner_rank, is_row, node_of

if TYPE_CHECKING:
    from symgd.formula.builder import Builder


def transpose(builder: Builder, piece: Syntax) -> Value:
    """``A.T``; a transposed vector is a row for the factor that follows it."""
    value = builder.argument(piece.args[0])
    if isinstance(value, Indexed):
        if inner_rank(value) > 1:
            raise ShapeProblem("the transpose of an indexed matrix is not read")
        return Indexed(value.node, value.axes, True)
    if len(value.shape) == 2:
        return builder.make("transpose", value)
    return Indexed(value, (), True) if value.shape else value


def multiply(builder: Builder, piece: Syntax) -> Value:
    """``u*v`` elementwise; ``x^T w`` and ``A x`` without a sign are matrix products."""
    left, right = (builder.argument(part) for part in piece.args)
    if piece.value == "implicit" and inner_rank(left) and inner_rank(right):
        matrix = 2 in (inner_rank(left), inner_rank(right))
        if matrix or is_row(left):
            for part in piece.args:
                _refuse_power(builder, part)
            return product(builder, left, right)
    if isinstance(right, Indexed) and right.row and not inner_rank(left):
        factor = left if right.factor is None else builder.combine("mul", left, right.factor)
        return Indexed(right.node, right.axes, True, factor)
    return builder.combine("mul", left, right)


def _refuse_power(builder: Builder, piece: Syntax) -> None:
    """``A^-1 b`` and ``A^2 b``: the inverse and the product in books, powers of entries here."""
    if piece.kind == "pow" and inner_rank(builder.values[id(piece.args[0])]) == 2:
        said = builder.text[piece.start : piece.end]
        raise SyntaxProblem(
            f"{said} in a matrix product can be read in two ways", builder.text, piece.start,
            "write inv(A) or matrix_power(A, 2) for the matrix, (A^2) @ b for its entries",
            piece.end - piece.start,
        )  # fmt: skip


def matmul(builder: Builder, piece: Syntax) -> Value:
    """``A @ B``."""
    left, right = (builder.argument(part) for part in piece.args)
    return product(builder, left, right)


def product(builder: Builder, left: Value, right: Value) -> Value:
    """The matrix product; numbers before a transposed vector multiply the result."""
    if isinstance(left, Indexed) and left.factor is not None:
        bare = Indexed(left.node, left.axes, left.row)
        return builder.combine("mul", left.factor, _product(builder, bare, right))
    return _product(builder, left, builder.settle(right))


def _product(builder: Builder, left: Value, right: Value) -> Value:
    """The matrix product; indexed vectors are rows of a matrix."""
    a, b = node_of(left), node_of(right)
    own, other = axes_of(left), axes_of(right)
    if not own and not other:
        node = builder.make("matmul", a, b)
        return Indexed(node, (), True) if is_row(left) and node.shape else node
    for value, axes in ((left, own), (right, other)):
        if axes and (inner_rank(value) != 1 or (len(axes) != 1 and not (own and other))):
            raise ShapeProblem("only products of indexed vectors are read")
    if own and other:
        axes = axes_of(left, right)
        pair = [builder.aligned(v, axes, 1) for v in (left, right)]
        whole = builder.make("mul", *pair)
        return Indexed(builder.make("sum", whole, value=((-1,), False)), axes)
    if own:
        node = builder.make("matmul", a, b)
        return Indexed(node, own, len(node.shape) > 1)
    if len(a.shape) == 2:
        return Indexed(builder.make("matmul", b, builder.make("transpose", a)), other)
    return Indexed(builder.make("matmul", b, a), other)
