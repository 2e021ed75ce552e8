"""How each operation of the graph makes an entry: the table behind :class:`Entries`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from symgd.algebra import matrices, sums
from symgd.algebra.elementary import FUNCTIONS, HALF, constant, exp
from symgd.algebra.field import GaveUp, Index, Place, Rat
from symgd.algebra.signs import absolute_power, log_absolute, sign
from symgd.formula.graph import COMPARISONS, Node
from symgd.formula.shapes import normal_axes

if TYPE_CHECKING:
    from symgd.algebra.entries import Entries

Places = tuple[Place, ...]
Rule = Callable[["Entries", Node, Places], Rat]


# -- leaves and arithmetic ------------------------------------------------------------------------


def _num(e: Entries, node: Node, places: Places) -> Rat:
    return e.field.number(node.value)


def _sym(e: Entries, node: Node, places: Places) -> Rat:
    return e.field.name(node.value, places)


def _dim(e: Entries, node: Node, places: Places) -> Rat:
    return e.field.size(e.size(node.value))


def _const(e: Entries, node: Node, places: Places) -> Rat:
    return constant(e.field, node.value)


def _add(e: Entries, node: Node, places: Places) -> Rat:
    total = e.field.zero
    for part in [e.part(node, a, places) for a in node.args]:
        total = total + part
    return total


def _neg(e: Entries, node: Node, places: Places) -> Rat:
    return -e.part(node, node.args[0], places)


def _mul(e: Entries, node: Node, places: Places) -> Rat:
    return e.part(node, node.args[0], places) * e.part(node, node.args[1], places)


def _div(e: Entries, node: Node, places: Places) -> Rat:
    return e.part(node, node.args[0], places) / e.part(node, node.args[1], places)


# -- conditions -----------------------------------------------------------------------------------


def _compare(e: Entries, node: Node, places: Places) -> Rat:
    """1 where the comparison holds, 0 where not, off the breakpoint."""
    u, v = (e.part(node, a, places) for a in node.args)
    difference = u - v
    one, op = e.field.one, node.op
    if difference.is_zero():
        return one if op in ("le", "ge", "eq") else e.field.zero
    if op in ("eq", "ne"):
        if difference.constant() is None and (node not in e.moving or _of_extreme(node)):
            hit = sums.chosen(difference)
        else:
            hit = e.field.zero
            e.strata = e.strata or difference.constant() is None
        return hit if op == "eq" else one - hit
    s = sign(difference)
    return (one + (s if op in ("gt", "ge") else -s)) * HALF


def _of_extreme(node: Node) -> bool:
    """Whether a comparison is with the largest or smallest entry."""
    inner = list(node.args)
    while inner:
        part = inner.pop()
        if part.op in ("amax", "amin"):
            return True
        if part.op in ("getitem", "broadcast"):
            inner.append(part.args[0])
    return False


def _and(e: Entries, node: Node, places: Places) -> Rat:
    return _mul(e, node, places)


def _or(e: Entries, node: Node, places: Places) -> Rat:
    a, b = (e.part(node, x, places) for x in node.args)
    return a + b - a * b


def _not(e: Entries, node: Node, places: Places) -> Rat:
    return 1 - e.part(node, node.args[0], places)


def _where(e: Entries, node: Node, places: Places) -> Rat:
    condition = e.part(node, node.args[0], places)
    known = condition.constant()
    if known is not None:
        return e.part(node, node.args[1 if known else 2], places)
    then, otherwise = (e.part(node, a, places) for a in node.args[1:])
    return otherwise + condition * (then - otherwise)


# -- reductions -----------------------------------------------------------------------------------


def _axes(node: Node, places: Places) -> tuple[tuple[int, ...], dict[int, Place]]:
    """The axes reduced over, and the places of the others."""
    axes, keep = node.value
    shape = node.args[0].shape
    over = normal_axes(axes, len(shape))
    rest = [i for i in range(len(shape)) if i not in over]
    own = [places[i] for i in rest] if keep else list(places)
    return over, dict(zip(rest, own, strict=True))


def _inside(
    e: Entries, node: Node, places: Places, function: Callable[[Rat], Rat] = lambda u: u
) -> tuple[tuple[int | str, ...], Callable[[Places], Rat]]:
    over, fixed = _axes(node, places)
    (arg,) = node.args

    def body(at: Places) -> Rat:
        chosen = dict(zip(over, at, strict=True)) | fixed
        return function(e.get(arg, tuple(chosen[i] for i in range(len(arg.shape)))))

    return tuple(arg.shape[i] for i in over), body


def _sum(e: Entries, node: Node, places: Places) -> Rat:
    return e.total(*_with(places, _inside(e, node, places)))


def _with(places: Places, inside: Any) -> tuple[Any, Places, Any]:
    shape, body = inside
    return shape, places, body


def _mean(e: Entries, node: Node, places: Places) -> Rat:
    shape, body = _inside(e, node, places)
    count = e.field.one
    for size in shape:
        count = count * e.field.size(e.size(size))
    return e.total(shape, places, body) / count


def _logsumexp(e: Entries, node: Node, places: Places) -> Rat:
    return log_absolute(e.total(*_with(places, _inside(e, node, places, exp))))


def _norm(e: Entries, node: Node, places: Places) -> Rat:
    square = e.total(*_with(places, _inside(e, node, places, lambda u: u * u)))
    return absolute_power(square, HALF)


def _norm1(e: Entries, node: Node, places: Places) -> Rat:
    return e.total(*_with(places, _inside(e, node, places, lambda u: sign(u) * u)))


def _softmax(e: Entries, node: Node, places: Places) -> Rat:
    (arg,) = node.args
    axis = node.value % len(arg.shape)

    def body(at: Places) -> Rat:
        return exp(e.get(arg, (*places[:axis], at[0], *places[axis + 1 :])))

    return exp(e.get(arg, places)) / e.total((arg.shape[axis],), places, body)


def _bound(e: Entries, node: Node, places: Places) -> Rat:
    """prod, amax, amin: written out, or an atom."""
    shape, body = _inside(e, node, places)
    axes: list[list[Place]] = []
    chosen: tuple[Index, ...] = ()
    for size in shape:
        found = e.indices(size, places, chosen)
        axes.append(found)
        chosen += tuple(p for p in found if isinstance(p, Index))
    parts = [body(at) for at in e.combinations(axes)]
    if len(chosen) == len(shape):
        if not parts[0].free & set(chosen):
            raise GaveUp(f"{node.op} of entries that are all the same")
        return sums.bound_atom(node.op, chosen, parts[0])
    if chosen:
        raise GaveUp(f"{node.op} over a known and an unknown size")
    return _folded(node.op, parts)


def _folded(op: str, parts: list[Rat]) -> Rat:
    name = {"amax": "maximum", "amin": "minimum"}.get(op)
    result = parts[0]
    for part in parts[1:]:
        result = result * part if name is None else FUNCTIONS[name](result, part)
    return result


def _prodrest(e: Entries, node: Node, places: Places) -> Rat:
    """The product of all other entries."""
    (arg,) = node.args
    axes, _ = node.value
    over = normal_axes(axes, len(arg.shape))
    rest = tuple(p for i, p in enumerate(places) if i not in over)
    made = node.graph.make("prod", arg, value=(axes, False))
    return e.get(made, rest) / e.get(arg, places)


# -- linear algebra -------------------------------------------------------------------------------


def _matmul(e: Entries, node: Node, places: Places) -> Rat:
    a, b = node.args
    left = places[: len(a.shape) - 1]
    right = places[len(left) :]

    def body(at: Places) -> Rat:
        second = (at[0],) if len(b.shape) == 1 else (at[0], *right)
        return e.get(a, (*left, at[0])) * e.get(b, second)

    return e.total((a.shape[-1],), places, body)


def _outer(e: Entries, node: Node, places: Places) -> Rat:
    return e.get(node.args[0], places[:1]) * e.get(node.args[1], places[1:])


def _transpose(e: Entries, node: Node, places: Places) -> Rat:
    return e.get(node.args[0], places[::-1])


def _trace(e: Entries, node: Node, places: Places) -> Rat:
    (a,) = node.args
    return e.total((a.shape[0],), places, lambda at: e.get(a, (at[0], at[0])))


def _rows(e: Entries, a: Node) -> list[list[Rat]] | None:
    n = e.size(a.shape[0])
    if not isinstance(n, int):
        return None
    if n > matrices.MAX_WRITTEN_OUT:
        raise GaveUp("a matrix that is too large to invert in symbols")
    return [[e.get(a, (i, j)) for j in range(n)] for i in range(n)]


def _det(e: Entries, node: Node, places: Places) -> Rat:
    (a,) = node.args
    rows = _rows(e, a)
    if rows is not None:
        return matrices.determinant(rows)
    return matrices.matrix_atom("det", e.get(a, (sums.ROW, sums.COLUMN)))


def _logdet(e: Entries, node: Node, places: Places) -> Rat:
    return log_absolute(_det(e, node, places))


def _inv_at(e: Entries, a: Node, places: Places) -> Rat:
    rows = _rows(e, a)
    if rows is not None:
        i, j = places
        if not isinstance(i, int) or not isinstance(j, int):
            raise GaveUp("an entry of a matrix at an unknown place")
        return matrices.inverse(rows)[i][j]
    return matrices.matrix_atom("inv", e.get(a, (sums.ROW, sums.COLUMN)), *places)


def _inv(e: Entries, node: Node, places: Places) -> Rat:
    return _inv_at(e, node.args[0], places)


def _solve(e: Entries, node: Node, places: Places) -> Rat:
    a, b = node.args

    def body(at: Places) -> Rat:
        return _inv_at(e, a, (places[0], at[0])) * e.get(b, (at[0], *places[1:]))

    return e.total((a.shape[0],), places, body)


def _diag(e: Entries, node: Node, places: Places) -> Rat:
    (a,) = node.args
    if len(a.shape) == 2:
        return e.get(a, (places[0], places[0]))
    here = sums.delta(e.field, *places)
    return here if here.is_zero() else here * e.get(a, places[:1])


# -- places ---------------------------------------------------------------------------------------


def _getitem(e: Entries, node: Node, places: Places) -> Rat:
    (a,) = node.args
    kept = _without_new(node, places)
    inner: list[Place] = []
    for axis, item in enumerate(i for i in node.value if i[0] != "new"):
        size = e.size(a.shape[axis])
        if item[0] == "at":
            inner.append(_from_end(item[1], size))
        else:
            inner.append(_moved(kept.pop(0), item[1] or 0, item[3] or 1, size))
    return e.get(a, (*inner, *kept))


def _without_new(node: Node, places: Places) -> list[Place]:
    """The places of the axes that are not new."""
    kept: list[Place] = []
    at = 0
    for item in node.value:
        if item[0] == "slice":
            kept.append(places[at])
        at += item[0] != "at"
    return kept + list(places[at:])


def _from_end(at: int, size: int | str) -> int:
    if at >= 0:
        return at
    if not isinstance(size, int):
        raise GaveUp("an entry counted from the end of an unknown size")
    return at + size


def _moved(place: Place, start: int, step: int, size: int | str) -> Place:
    start = _from_end(start, size)
    if isinstance(place, int):
        return start + place * step
    if step != 1:
        raise GaveUp("a slice with a step at an unknown place")
    return Index(place.size, place.level, place.offset + start)


def _scatter(e: Entries, node: Node, places: Places) -> Rat:
    (a,) = node.args
    shape, items = node.value
    inner: list[Place] = []
    for axis, item in enumerate(items):
        place, size = places[axis], e.size(shape[axis])
        if not isinstance(place, int) or not isinstance(size, int):
            raise GaveUp("a scattered entry at an unknown place")
        if item[0] == "at":
            if _from_end(item[1], size) != place:
                return e.field.zero
            continue
        taken = list(range(*slice(*item[1:]).indices(size)))
        if place not in taken:
            return e.field.zero
        inner.append(taken.index(place))
    return e.get(a, (*inner, *places[len(items) :]))


def _broadcast(e: Entries, node: Node, places: Places) -> Rat:
    return e.part(node, node.args[0], places)


RULES: dict[str, Rule] = {
    "num": _num, "sym": _sym, "dim": _dim, "const": _const, "add": _add, "neg": _neg,
    "mul": _mul, "div": _div, "and": _and, "or": _or, "not": _not, "where": _where,
    "sum": _sum, "mean": _mean, "logsumexp": _logsumexp, "norm": _norm, "norm1": _norm1,
    "softmax": _softmax, "prod": _bound, "amax": _bound, "amin": _bound, "prodrest": _prodrest,
    "matmul": _matmul, "outer": _outer, "transpose": _transpose, "trace": _trace, "det": _det,
    "logdet": _logdet, "inv": _inv, "solve": _solve, "diag": _diag, "getitem": _getitem,
    "scatter": _scatter, "broadcast": _broadcast,
}  # fmt: skip
RULES |= dict.fromkeys(COMPARISONS, _compare)
