"""Wrong rules for sums, means, constants and kinks."""

from __future__ import annotations

from collections.abc import Iterator

from symgd.check.wrong_rules import Change, active_places
from symgd.derive.arrays import filled, sum_over
from symgd.formula.graph import Node
from symgd.formula.shapes import normal_axes


def term_sign(node: Node, changes: list[Change]) -> Iterator[Node]:
    if node.op == "add" and len(active_places(changes)) > 1:
        for place in active_places(changes):
            yield node.graph.plus(
                *[-c if i == place else c for i, c in enumerate(changes) if c is not None]
            )
    elif node.op == "neg" and changes[0] is not None:
        yield changes[0]


def term_lost(node: Node, changes: list[Change]) -> Iterator[Node]:
    if node.op == "add" and len(active_places(changes)) > 1:
        for place in active_places(changes):
            yield node.graph.plus(
                *[c for i, c in enumerate(changes) if c is not None and i != place]
            )


def term_kept(node: Node, changes: list[Change]) -> Iterator[Node]:
    """One term of a sum, or a factor times the variable, left as it is."""
    active = active_places(changes)
    if node.op == "add" and len(active) > 1:
        for place in active:
            pairs = enumerate(zip(node.args, changes, strict=True))
            terms = [t if i == place else c for i, (t, c) in pairs]
            yield node.graph.plus(*[t for t in terms if t is not None])


def constant_kept(node: Node, changes: list[Change]) -> Iterator[Node]:
    """A constant term that stays as it is, or becomes 1, instead of 0."""
    if node.op != "add" or not active_places(changes):
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
        for other in (
            factors[2:] if not place else [f for i, f in enumerate(factors) if i not in (0, place)]
        ):
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
    if node.op == "where" and len(active_places(changes)):
        yield graph.where(node.args[0], changes[2] or zero, changes[1] or zero)
    elif node.op in ("maximum", "minimum") and len(active_places(changes)):
        op = "lt" if node.op == "maximum" else "gt"
        yield graph.where(graph.make(op, *node.args), changes[0] or zero, changes[1] or zero)
