"""The table of wrong rules: what people do instead of the right rule, one row each.

A row is a name, a sentence, and a function from a node and the changes of its
arguments to wrong changes of the node. :mod:`~symgd.check.mistakes` applies one row at
one place of our own derivation and looks whether the claim comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symgd.derive.arrays import filled, sum_over
from symgd.derive.rules import RULES, partials_of
from symgd.formula.graph import Node
from symgd.formula.shapes import normal_axes

Change = Node | None
Wrong = Callable[[Node, "list[Change]"], Iterator[Node]]


@dataclass(frozen=True)
class WrongRule:
    """One way to go wrong at an operation."""

    name: str
    sentence: str
    changes: Wrong


def _active(changes: list[Change]) -> list[int]:
    return [i for i, c in enumerate(changes) if c is not None]


def _outer(node: Node, changes: list[Change]) -> tuple[Node, Node, Node] | None:
    """(outer derivative, inner function, inner change) of a chain in one argument."""
    active = _active(changes)
    if len(active) != 1 or node.op not in RULES or node.op in ("mul", "div"):
        return None
    (place,) = active
    if RULES[node.op].adjoint is not None:
        return None
    outer = partials_of(node)[place]
    change = changes[place]
    if outer is None or change is None:
        return None
    return outer, node.args[place], change


def _power(node: Node, changes: list[Change]) -> tuple[Node, Node, Node] | None:
    """(base, exponent, change of the base) of a power with a constant exponent."""
    if node.op != "pow" or _active(changes) != [0] or changes[0] is None:
        return None
    return node.args[0], node.args[1], changes[0]


# -- chain ----------------------------------------------------------------------------------------


def missing_inner(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _outer(node, changes)
    if found is not None and not found[2].is_number(1):
        outer, inner, change = found
        outer = filled(outer, node.shape) if node.shape else outer
        yield outer
        if _is_negative(change, inner):
            yield -outer
    elif node.op == "div" and _active(changes) == [1]:
        u, v = node.args
        yield -(u / v**2)


def _is_negative(change: Node, inner: Node) -> bool:
    from symgd.derive.tidy import tidy

    return tidy(change, (inner,)).op == "neg"


def inner_sign_lost(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _outer(node, changes)
    if found is not None:
        yield -(found[0] * found[2])


def wrong_inner(node: Node, changes: list[Change]) -> Iterator[Node]:
    """The outer derivative at the inner derivative instead of at the inner function."""
    found = _outer(node, changes)
    if found is None or found[1].op == "sym":
        return
    _, inner, change = found
    place = node.args.index(inner)
    for other in (change, _only_symbol(inner)):
        if other is not None and other.shape == inner.shape and other.op != "num":
            args = [other if i == place else a for i, a in enumerate(node.args)]
            moved = node.graph.make(node.op, *args, value=node.value)
            outer = partials_of(moved)[place]
            if outer is not None:
                yield outer * change
                yield outer


def _only_symbol(node: Node) -> Node | None:
    from symgd.formula.graph import symbols_of

    found = symbols_of(node)
    return found[0] if len(found) == 1 else None


def chain_as_sum(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _outer(node, changes)
    if found is not None and not found[2].is_number(1):
        yield found[0] + found[2]


def not_differentiated(node: Node, changes: list[Change]) -> Iterator[Node]:
    """The outer function kept as it is, times the inner derivative."""
    found = _outer(node, changes)
    if found is not None and node.op not in ("pow", "exp"):
        yield node * found[2]


# -- powers ---------------------------------------------------------------------------------------


def factor_lost(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _power(node, changes)
    if found is not None:
        base, exponent, change = found
        yield base ** (exponent - 1) * change
    elif node.op == "sqrt" and changes[0] is not None:
        yield changes[0] / node
    elif node.op == "norm" and changes[0] is not None:
        return


def power_not_lowered(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _power(node, changes)
    if found is not None:
        yield found[1] * node * found[2]
        yield found[1] * node


def exponent_kept(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _power(node, changes)
    if found is not None:
        yield node * found[2]


def exponent_wrong(node: Node, changes: list[Change]) -> Iterator[Node]:
    """n u^(n-2), (n-1) u^(n-1), n u, u^(n+1)/(n+1), n u^(n+1)."""
    found = _power(node, changes)
    if found is not None:
        base, n, change = found
        yield n * base ** (n - 2) * change
        yield (n - 1) * base ** (n - 1) * change
        yield n * base * change
        yield n * base ** (n + 1) * change
        yield -(n * base ** (n - 1) * change)
    elif node.op == "sqrt" and changes[0] is not None:
        u = node.args[0]
        for value in (node / 2, 2 * node, 2 / node, -1 / (2 * node), 1 / (2 * u * node)):
            yield value * changes[0]


def integrated(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _power(node, changes)
    if found is not None:
        base, n, change = found
        if not n.is_number(-1):
            yield base ** (n + 1) / (n + 1) * change
        else:
            yield node.graph.make("log", base) * change


def like_a_power(node: Node, changes: list[Change]) -> Iterator[Node]:
    """x e^(x-1) for e^x, x a^(x-1) for a^x."""
    graph = node.graph
    if node.op == "exp" and changes[0] is not None:
        (u,) = node.args
        yield u * graph.make("exp", u - 1) * changes[0]
    elif node.op == "pow" and changes[1] is not None:
        base, exponent = node.args
        yield exponent * base ** (exponent - 1) * changes[1]


def one_side_of_power(node: Node, changes: list[Change]) -> Iterator[Node]:
    """x^x as if only the base, or only the exponent, moved."""
    if node.op == "pow" and _active(changes) == [0, 1]:
        base, exponent = node.args
        yield exponent * base ** (exponent - 1) * changes[0]  # type: ignore[operator]
        yield node * node.graph.make("log", base) * changes[1]  # type: ignore[operator]


def log_of_base(node: Node, changes: list[Change]) -> Iterator[Node]:
    graph = node.graph
    base = {"log2": 2, "log10": 10}.get(node.op)
    if base is not None and changes[0] is not None:
        factor = graph.make("log", graph.number(base))
        yield changes[0] / node.args[0]
        yield factor / node.args[0] * changes[0]
    elif node.op == "pow" and _active(changes) == [1]:
        change: Node = changes[1]  # type: ignore[assignment]
        yield node * change
        yield node / graph.make("log", node.args[0]) * change
    elif node.op == "log" and changes[0] is not None:
        ten = graph.make("log", graph.number(10))
        yield changes[0] / (node.args[0] * ten)


# -- products and quotients -----------------------------------------------------------------------


def _both(node: Node, changes: list[Change]) -> tuple[Node, Node, Node, Node] | None:
    if node.op not in ("mul", "div", "matmul") or _active(changes) != [0, 1]:
        return None
    (u, v), (du, dv) = node.args, changes
    assert du is not None
    assert dv is not None
    if node.op == "matmul":
        du, dv = filled(du, u.shape), filled(dv, v.shape)
    return u, v, du, dv


def _times(node: Node) -> Callable[[Node, Node], Node]:
    if node.op == "matmul":
        return lambda a, b: node.graph.make("matmul", a, b)
    return lambda a, b: a * b


def product_of_derivatives(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op != "div":
        _, _, du, dv = found
        yield _times(node)(du, dv)


def one_product_term(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op != "div":
        u, v, du, dv = found
        times = _times(node)
        yield times(du, v)
        yield times(u, dv)
        yield times(du, dv) + times(u, dv)


def product_sign(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op != "div":
        u, v, du, dv = found
        times = _times(node)
        yield times(du, v) - times(u, dv)
        yield times(u, dv) - times(du, v)


def quotient_of_derivatives(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        yield found[2] / found[3]
        yield found[2] / found[1]


def quotient_sign(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        u, v, du, dv = found
        yield (du * v + u * dv) / v**2
    elif node.op == "div" and _active(changes) == [1]:
        u, v = node.args
        yield u * changes[1] / v**2  # type: ignore[operator]


def quotient_order(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        u, v, du, dv = found
        yield (u * dv - du * v) / v**2
        yield (du * v - u * dv) / u**2


def quotient_square(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        u, v, du, dv = found
        yield (du * v - u * dv) / v
        yield du * v - u * dv
    elif node.op == "div" and _active(changes) == [1]:
        u, v = node.args
        yield -(u * changes[1] / v)  # type: ignore[operator]
        yield u / changes[1]  # type: ignore[operator]


def quotient_terms(node: Node, changes: list[Change]) -> Iterator[Node]:
    found = _both(node, changes)
    if found is not None and node.op == "div":
        u, v, du, dv = found
        yield (du * dv - u * dv) / v**2
        yield (du * v - dv) / v**2
        yield (du - u * dv) / v**2
        yield -(u * dv) / v**2


# -- sums -----------------------------------------------------------------------------------------


def term_sign(node: Node, changes: list[Change]) -> Iterator[Node]:
    if node.op == "add" and len(_active(changes)) > 1:
        for place in _active(changes):
            yield node.graph.plus(
                *[-c if i == place else c for i, c in enumerate(changes) if c is not None]
            )
    elif node.op == "neg" and changes[0] is not None:
        yield changes[0]


def term_lost(node: Node, changes: list[Change]) -> Iterator[Node]:
    if node.op == "add" and len(_active(changes)) > 1:
        for place in _active(changes):
            yield node.graph.plus(
                *[c for i, c in enumerate(changes) if c is not None and i != place]
            )


def constant_kept(node: Node, changes: list[Change]) -> Iterator[Node]:
    """A constant term that stays as it is, or becomes 1, instead of 0."""
    if node.op != "add" or not _active(changes):
        return
    moved = [c for c in changes if c is not None]
    for term, change in zip(node.args, changes, strict=True):
        if change is None:
            yield node.graph.plus(*moved, term)
            sign = -1 if term.op == "neg" else 1
            yield node.graph.plus(*moved, node.graph.number(sign))


def count_lost(node: Node, changes: list[Change]) -> Iterator[Node]:
    """The sum where the mean was meant."""
    if node.op == "mean" and changes[0] is not None:
        axes, keep = node.value
        full = node.args[0].shape
        yield sum_over(filled(changes[0], full), normal_axes(axes, len(full)), keep)
    elif node.op == "div" and node.args[1].op == "dim" and changes[0] is not None:
        yield changes[0]
    elif node.op == "mul" and node.shape == ():
        for i, j in ((0, 1), (1, 0)):
            factor, change = node.args[i], changes[j]
            if change is not None and factor.op == "div" and factor.args[1].op == "dim":
                yield factor.args[0] * change


def count_extra(node: Node, changes: list[Change]) -> Iterator[Node]:
    if node.op == "sum" and changes[0] is not None and len(node.args[0].shape) == 1:
        full = node.args[0].shape
        total = sum_over(filled(changes[0], full), (0,), False)
        yield total / node.graph.size(full[0])


def rows_not_counted(node: Node, changes: list[Change]) -> Iterator[Node]:
    """The sum of a constant taken as the constant."""
    change = changes[0] if node.op == "sum" else None
    if change is None:
        return
    if not change.shape:
        yield change
    elif change.op == "add":
        once = [t for t in change.args if not t.shape]
        rest = [t for t in change.args if t.shape]
        if once and rest:
            total = node.graph.make("sum", node.graph.plus(*rest), value=node.value)
            yield node.graph.plus(*once) + total


def pulled_out(node: Node, changes: list[Change]) -> Iterator[Node]:
    """sum(x*r) as sum(x)*sum(r), or with one factor left outside."""
    if node.op not in ("sum", "mean") or changes[0] is None or node.shape:
        return
    from symgd.derive.tidy import tidy

    change = tidy(changes[0], node.args)
    scalar, factors = _array_factors(change)
    if len(factors) < 2:
        return
    graph = node.graph
    for place, factor in enumerate(factors):
        rest = factors[0] if place else factors[1]
        for other in factors[2:] if not place else [
            f for i, f in enumerate(factors) if i not in (0, place)
        ]:
            rest = rest * other
        if rest.shape != node.args[0].shape or factor.shape != node.args[0].shape:
            continue
        parts = [graph.make(node.op, part, value=node.value) for part in (factor, rest)]
        sums = [graph.make("sum", part, value=node.value) for part in (factor, rest)]
        yield scalar * parts[0] * parts[1]
        yield scalar * sums[0] * parts[1]


def _array_factors(node: Node) -> tuple[Node, list[Node]]:
    """A product as its scalar part and its array factors."""
    scalar = node.graph.number(1)
    stack, factors = [node], []
    while stack:
        part = stack.pop()
        if not part.shape:
            scalar = scalar * part
        elif part.op == "mul":
            stack.extend(reversed(part.args))
        elif part.op == "neg":
            scalar = -scalar
            stack.append(part.args[0])
        elif part.op == "div" and not part.args[1].shape:
            scalar = scalar / part.args[1]
            stack.append(part.args[0])
        elif part.op == "pow" and part.args[1].is_number(2):
            factors += [part.args[0], part.args[0]]
        else:
            factors.append(part)
    return scalar, factors


# -- kinks ----------------------------------------------------------------------------------------


def absolute_ignored(node: Node, changes: list[Change]) -> Iterator[Node]:
    if node.op in ("abs", "norm1") and changes[0] is not None:
        change = changes[0]
        if node.op == "norm1":
            change = sum_over(filled(change, node.args[0].shape), (0,), False)
        yield change


def root_of_square(node: Node, changes: list[Change]) -> Iterator[Node]:
    """sqrt(u^2) differentiated as u."""
    if node.op == "sqrt" and changes[0] is not None:
        square = node.args[0]
        if square.op == "pow" and square.args[1].is_number(2):
            yield changes[0] / (2 * square.args[0])


def kink_ignored(node: Node, changes: list[Change]) -> Iterator[Node]:
    if node.op in ("maximum", "minimum", "where"):
        for change in changes:
            if change is not None:
                yield filled(change, node.shape) if node.shape else change


def branches_swapped(node: Node, changes: list[Change]) -> Iterator[Node]:
    graph, zero = node.graph, node.graph.number(0)
    if node.op == "where" and len(_active(changes)):
        yield graph.where(node.args[0], changes[2] or zero, changes[1] or zero)
    elif node.op in ("maximum", "minimum") and len(_active(changes)):
        op = "lt" if node.op == "maximum" else "gt"
        yield graph.where(graph.make(op, *node.args), changes[0] or zero, changes[1] or zero)
