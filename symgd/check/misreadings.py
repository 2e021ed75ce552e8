"""Mistakes that are not one wrong rule: another name, another bracket, another order.

The claim is compared with the derivative by another name, with the loss itself, with
its second derivative, and with our result after one bracket, transpose or order of
factors was misread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symgd.check.slips import slips
from symgd.derive.arrays import filled
from symgd.derive.forward import tangents
from symgd.derive.sweep import sweep
from symgd.derive.tidy import tidy
from symgd.errors import SymgdError
from symgd.formula.graph import Node, depends_on, rebuild, topological
from symgd.formula.text import to_text

if TYPE_CHECKING:
    from symgd.check.mistakes import Candidate, _Search


def misreadings(search: _Search) -> Iterator[Candidate]:
    """All misread results."""
    from symgd.check.mistakes import Candidate, Mistake

    for name, sentence, step, result in _all(search):
        yield Candidate(Mistake(name, sentence, step), result)


Row = tuple[str, str, "str | None", Node]


def _all(search: _Search) -> Iterator[Row]:
    for rows in (
        _symmetric,
        _brackets,
        _other_names,
        _wrong_inner_name,
        _transposes,
        _terms,
        _orders,
        _algebra,
    ):
        try:
            yield from rows(search)
        except SymgdError:
            continue


def _symmetric(search: _Search) -> Iterator[Row]:
    """Right if a square matrix is symmetric."""
    right = search.along(search.truth)
    order = topological(search.claim, right)
    for node in order:
        if node.op == "sym" and len(node.shape) == 2 and node.shape[0] == node.shape[1]:
            if node.value.startswith("change of ") or node is search.symbol:
                continue
            mirrored = (node + node.graph.make("transpose", node)) / 2
            left, other = (_with(f, node, mirrored) for f in (search.claim, right))
            if search.equal_nodes(left, other):
                said = f"this is right only if {node.value} is symmetric"
                yield "matrix taken as symmetric", said, None, search.claim


def _brackets(search: _Search) -> Iterator[Row]:
    """``a - (b + c)`` read as ``a - b + c``: in the result, and in the loss."""
    loss = search.partials.written
    right = search.along(search.truth)
    for form in dict.fromkeys((loss, search.partials.loss)):
        for node in topological(form):
            if node.op != "neg" or node.args[0].op != "add":
                continue
            first, *rest = node.args[0].args
            for spoiled in _unbracketed(first, rest):
                step = f"-({to_text(node.args[0])})"
                sentence = f"the minus before the bracket holds for the whole bracket: {step}"
                yield "bracket sign", sentence, step, _with(right, node, spoiled)
                (derived,) = sweep(_with(form, node, spoiled), [search.symbol])
                yield "bracket sign", sentence, step, search.along(derived)


def _unbracketed(first: Node, rest: list[Node]) -> Iterator[Node]:
    yield first.graph.make("add", -first, *rest)
    if len(rest) > 1:
        for place in range(len(rest)):
            terms = [t if i == place else -t for i, t in enumerate(rest)]
            yield first.graph.make("add", -first, *terms)


def _with(root: Node, old: Node, new: Node) -> Node:
    """``root`` with one node replaced; the sums that hold it follow."""
    order = topological(root)
    if old not in order:
        return root
    return rebuild(order, {old: new}, root.graph)[root]


def _other_names(search: _Search) -> Iterator[Row]:
    """The derivative by another name, no derivative, the second derivative."""
    loss = search.partials.written
    for name, shape in search.subject.symbols():
        if name == search.name or shape != search.symbol.shape:
            continue
        if any(s.name == name for s in search.subject.problem.symbols):
            (other,) = sweep(loss, [search.subject.problem.symbol(name)])
            sentence = f"this is the derivative by {name}, not by {search.name}"
            yield "derivative by the wrong parameter", sentence, None, search.along(other)
    if not search.symbol.shape:
        yield "not differentiated", "this is the formula itself", None, loss
        (second,) = sweep(search.truth, [search.symbol])
        if not search.claim.is_number(0):
            yield "differentiated twice", "this is the second derivative", None, second
        if not search.claim.shape:
            yield from _antiderivative(search)


def _antiderivative(search: _Search) -> Iterator[Row]:
    (back,) = sweep(search.claim, [search.symbol])
    if search.equal_nodes(back, search.partials.written):
        yield (
            "integrated instead of differentiated", "this is an antiderivative of the formula",
            None, search.claim,
        )  # fmt: skip


def _wrong_inner_name(search: _Search) -> Iterator[Row]:
    """The inner function differentiated by another name (``m`` instead of ``x``)."""
    loss = search.partials.written
    order = topological(loss)
    active = depends_on(order, [search.symbol])
    if search.symbol.shape:
        return
    for node in reversed(order):
        if node not in active or node.op not in ("add", "mul", "neg"):
            continue
        inside = [n for n in topological(node) if n.op == "sym" and n is not search.symbol]
        for other in inside:
            change = tangents(node, {other: loss.graph.number(1)}).get(node)
            if change is None:
                continue
            result = search.finished(node, change)
            if result is not None:
                sentence = f"the inner function was differentiated by {other.value}"
                step = f"d/d{search.name} ({to_text(node)})"
                yield "derivative by the wrong parameter", sentence, step, result


def _transposes(search: _Search) -> Iterator[Row]:
    """One transpose too many or too few, or one factor transposed."""
    sentence = "a factor is transposed that should not be, or the other way round"
    for right in dict.fromkeys((tidy(search.truth, (search.partials.loss,)), search.truth)):
        for node in topological(right):
            spoiled: list[Node] = []
            if node.op == "transpose":
                spoiled.append(node.args[0])
            elif len(node.shape) == 2:
                spoiled.append(node.graph.make("transpose", node))
            for change in spoiled:
                try:
                    result = _with(right, node, change)
                except SymgdError:
                    continue
                if result.shape == search.symbol.shape:
                    yield "transposed factor", sentence, to_text(node), search.along(result)


def _orders(search: _Search) -> Iterator[Row]:
    """Two factors of a matrix product exchanged."""
    sentence = "the order of the factors of a matrix product matters"
    right = tidy(search.truth, (search.partials.loss,))
    for node in topological(right):
        if node.op in ("matmul", "outer"):
            try:
                swapped = node.graph.make(node.op, *node.args[::-1])
                result = _with(right, node, swapped)
            except SymgdError:
                continue
            if result.shape == search.symbol.shape:
                yield "order of matrix factors", sentence, to_text(node), search.along(result)


def _algebra(search: _Search) -> Iterator[Row]:
    """The right result, rewritten wrongly afterwards."""
    right = tidy(search.truth, (search.partials.loss, search.partials.written))
    for name, sentence, result in slips(right):
        said = f"the derivative is right, but then {sentence}"
        yield name, said, to_text(right), search.along(result)


def _terms(search: _Search) -> Iterator[Row]:
    """One term of a sum in the finished line lost or with the wrong sign."""
    right = tidy(search.truth, (search.partials.loss, search.partials.written))
    forms = dict.fromkeys((right, search.truth))
    for form in forms:
        for node in topological(form):
            if node.op != "add":
                continue
            for place, term in enumerate(node.args):
                flipped = [-t if i == place else t for i, t in enumerate(node.args)]
                result = _with(form, node, node.graph.make("add", *flipped))
                if result.shape == form.shape:
                    said = f"the sign of {to_text(term)} is wrong"
                    yield "sign error (one term)", said, to_text(node), search.along(result)
                kept = [t for i, t in enumerate(node.args) if i != place]
                shorter = filled(node.graph.plus(*kept), node.shape)
                said = f"the term {to_text(term)} is missing"
                yield "term lost", said, to_text(node), search.along(_with(form, node, shorter))
