"""Shapes: what fits together, and what every operation gives.

A size is an int, a name such as ``"N"`` (also ``"N-1"``), or, while a formula is
being read, an :class:`Unknown` that is found by unification. Broadcasting is
NumPy's with one exception: ``(100, 1) + (100,)``, which NumPy silently makes
``(100, 100)``, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from symgd.errors import ShapeProblem
from symgd.formula.functions import ELEMENTWISE_1, ELEMENTWISE_2, words

if TYPE_CHECKING:
    from symgd.formula.graph import Node

Size = Any
"""An int, a name, or an Unknown."""
Shape = tuple[Size, ...]

_SHIFTED = re.compile(r"(.+?)([+-]\d+)")


class Unknown:
    """A size not known yet: equal to ``parent`` plus ``offset`` once unified."""

    __slots__ = ("offset", "parent")

    def __init__(self) -> None:
        self.parent: Size | None = None
        self.offset = 0

    def __repr__(self) -> str:
        found = settled(self)
        return "?" if isinstance(found, Unknown) else str(found)


def settled(size: Size) -> Size:
    """The size that ``size`` was unified with: an int, a name, or an Unknown."""
    offset = 0
    while isinstance(size, Unknown) and size.parent is not None:
        offset += size.offset
        size = size.parent
    return shifted(size, offset) if offset else size


def shifted(size: Size, by: int) -> Size:
    """``size + by``: ``"N"`` by -1 is ``"N-1"``."""
    if by == 0:
        return size
    if isinstance(size, int):
        return max(0, size + by)
    if isinstance(size, Unknown):
        moved = Unknown()
        moved.parent, moved.offset = size, by
        return moved
    found = _SHIFTED.fullmatch(size)
    base, old = (found[1], int(found[2])) if found else (size, 0)
    return f"{base}{old + by:+d}" if old + by else base


def _root(size: Size) -> tuple[Size, int]:
    """The root of ``size`` and its offset from it."""
    offset = 0
    while isinstance(size, Unknown) and size.parent is not None:
        offset += size.offset
        size = size.parent
    if isinstance(size, str):
        found = _SHIFTED.fullmatch(size)
        if found:
            return found[1], offset + int(found[2])
    return size, offset


def unify(a: Size, b: Size) -> bool:
    """Make two sizes equal; ``False`` if they cannot be."""
    if a is b:
        return True
    (left, i), (right, j) = _root(a), _root(b)
    if isinstance(left, Unknown):
        if left is right:
            return i == j
        left.parent, left.offset = right, j - i
        return True
    if isinstance(right, Unknown):
        right.parent, right.offset = left, i - j
        return True
    if isinstance(left, int) and isinstance(right, int):
        return left + i == right + j
    return bool(left == right and i == j)


def show_shape(shape: Shape) -> str:
    """``(N, p)`` as a person writes it."""
    inner = ", ".join(str(settled(s)) for s in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """NumPy's broadcast shape, without silent outer products."""
    result = shapes[0]
    for shape in shapes[1:]:
        if shape != result:
            result = _broadcast2(result, shape)
    return result


def _broadcast2(a: Shape, b: Shape) -> Shape:
    if not a:
        return b
    if not b:
        return a
    rank = max(len(a), len(b))
    left: Shape = (1,) * (rank - len(a)) + a
    right: Shape = (1,) * (rank - len(b)) + b
    sizes: list[Size] = []
    for p, q in zip(left, right, strict=True):
        if _is_one(p):
            sizes.append(q)
        elif _is_one(q) or unify(p, q):
            sizes.append(p)
        else:
            raise ShapeProblem(f"shapes {show_shape(a)} and {show_shape(b)} do not fit together")
    if len(a) != len(b):
        small, large = (a, b) if len(a) < len(b) else (b, a)
        if any(
            _is_one(s) and not _is_one(t) and len(large) > 1
            for s, t in zip(large[-len(small) :], small, strict=True)
        ):
            raise ShapeProblem(
                f"shapes {show_shape(a)} and {show_shape(b)} would silently give "
                f"{show_shape(tuple(sizes))}",
                hint="make both vectors, or write the outer product with [:, None]",
            )
    return tuple(sizes)


def _is_one(size: Size) -> bool:
    return bool(settled(size) == 1)


def result_shape(op: str, args: tuple[Node, ...], value: Any) -> Shape:
    """The shape that ``op`` gives; :class:`ShapeProblem` if the arguments do not fit."""
    rule = _RULES.get(op)
    if rule is not None:
        return rule([a.shape for a in args], value)
    for a in args:
        if a.shape:
            return broadcast([b.shape for b in args])
    return ()


# -- one rule for each operation that is not elementwise ---------------------------------------


def _matmul(shapes: list[Shape], value: Any) -> Shape:
    a, b = shapes
    if not a or not b:
        raise ShapeProblem(
            f"@ needs vectors or matrices, not {show_shape(a)} @ {show_shape(b)}",
            hint="a product with a number is *",
        )
    if len(a) > 2 or len(b) > 2:
        raise ShapeProblem("@ is known for vectors and matrices only")
    if not unify(a[-1], b[0]):
        raise ShapeProblem(f"shapes {show_shape(a)} @ {show_shape(b)} do not fit together")
    return a[:-1] + b[1:]


def _transpose(shapes: list[Shape], value: Any) -> Shape:
    if len(shapes[0]) > 2:
        raise ShapeProblem("the transpose is known for vectors and matrices only")
    return shapes[0][::-1]


def normal_axes(axes: tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """``axes`` as increasing numbers from 0; ``None`` means all of them."""
    if axes is None:
        return tuple(range(rank))
    normal = sorted({a + rank if a < 0 else a for a in axes})
    if any(not 0 <= a < rank for a in normal):
        raise ShapeProblem(f"axis {axes[0]} does not exist in an array of {rank} dimensions")
    return tuple(normal)


def _reduce(shapes: list[Shape], value: Any) -> Shape:
    axes, keep = value
    (shape,) = shapes
    over = normal_axes(axes, len(shape))
    if keep:
        return tuple(1 if i in over else s for i, s in enumerate(shape))
    return tuple(s for i, s in enumerate(shape) if i not in over)


def _same(shapes: list[Shape], value: Any) -> Shape:
    return shapes[0]


def _square_matrix(shape: Shape, what: str) -> Size:
    if len(shape) != 2 or not unify(shape[0], shape[1]):
        raise ShapeProblem(f"{what} needs a square matrix, not {show_shape(shape)}")
    return shape[0]


def _to_scalar(what: str) -> Callable[[list[Shape], Any], Shape]:
    def rule(shapes: list[Shape], value: Any) -> Shape:
        _square_matrix(shapes[0], what)
        return ()

    return rule


def _inverse(shapes: list[Shape], value: Any) -> Shape:
    n = _square_matrix(shapes[0], "inv")
    return (n, n)


def _solve(shapes: list[Shape], value: Any) -> Shape:
    a, b = shapes
    n = _square_matrix(a, "solve")
    if len(b) not in (1, 2) or not unify(n, b[0]):
        raise ShapeProblem(f"solve: {show_shape(a)} and {show_shape(b)} do not fit together")
    return b


def _outer(shapes: list[Shape], value: Any) -> Shape:
    a, b = shapes
    if len(a) != 1 or len(b) != 1:
        raise ShapeProblem(f"outer needs two vectors, not {show_shape(a)} and {show_shape(b)}")
    return (a[0], b[0])


def _diag(shapes: list[Shape], value: Any) -> Shape:
    (shape,) = shapes
    if len(shape) == 1:
        return (shape[0], shape[0])
    return (_square_matrix(shape, "diag"),)


def _broadcast_to(shapes: list[Shape], value: Any) -> Shape:
    shape: Shape = tuple(value)
    broadcast([shapes[0], shape])
    return shape


def _getitem(shapes: list[Shape], value: Any) -> Shape:
    (shape,) = shapes
    sizes: list[Size] = []
    axis = 0
    for item in value:
        if item[0] == "new":
            sizes.append(1)
            continue
        if axis >= len(shape):
            raise ShapeProblem(f"too many indices for an array of shape {show_shape(shape)}")
        size = shape[axis]
        axis += 1
        if item[0] == "slice":
            taken = slice_size(size, *item[1:])
            if taken == 0:
                raise ShapeProblem("this slice takes no entries")
            sizes.append(taken)
        elif isinstance(size, int) and not -size <= item[1] < size:
            raise ShapeProblem(f"index {item[1]} is outside a size of {size}")
    return (*sizes, *shape[axis:])


def slice_size(size: Size, start: int | None, stop: int | None, step: int | None) -> Size:
    """How many entries ``start:stop:step`` takes of ``size``."""
    known = settled(size)
    if isinstance(known, int):
        return len(range(*slice(start, stop, step).indices(known)))
    if step not in (None, 1):
        raise ShapeProblem("a slice with a step needs a known size")
    begin = start or 0
    if begin >= 0 and stop is None:
        return shifted(size, -begin)
    if begin >= 0 and stop is not None and stop < 0:
        return shifted(size, stop - begin)
    if begin < 0 and stop is None:
        return -begin
    if stop is not None and (begin >= 0) == (stop >= 0):
        return max(0, stop - begin)
    raise ShapeProblem("the size of this slice depends on the size of the array")


def _scatter(shapes: list[Shape], value: Any) -> Shape:
    full, items = value
    place = _getitem([tuple(full)], items)
    (shape,) = shapes
    fits = len(shape) == len(place) and all(map(unify, shape, place))
    if shape and not fits:
        raise ShapeProblem(
            f"scatter: {show_shape(shape)} does not fit the place {show_shape(place)}"
        )
    return tuple(full)


def _index_of(shapes: list[Shape], value: Any) -> Shape:
    return shapes[0]


_RULES: dict[str, Callable[[list[Shape], Any], Shape]] = {
    "matmul": _matmul,
    "transpose": _transpose,
    "trace": _to_scalar("trace"),
    "det": _to_scalar("det"),
    "logdet": _to_scalar("logdet"),
    "inv": _inverse,
    "solve": _solve,
    "outer": _outer,
    "diag": _diag,
    "softmax": _same,
    "prodrest": _same,
    "broadcast": _broadcast_to,
    "getitem": _getitem,
    "scatter": _scatter,
    "derivative": _index_of,
}
_RULES |= dict.fromkeys(
    ("sum", "mean", "prod", "amax", "amin", "logsumexp", "norm", "norm1"), _reduce
)
ELEMENTWISE = frozenset(
    [
        *ELEMENTWISE_1,
        *ELEMENTWISE_2,
        *words("add neg mul div pow where lt le gt ge eq ne and or not"),
    ]
)
"""Operations whose shape is the broadcast of their arguments'."""
