"""SymPy as the second opinion: its own ``diff`` of the whole formula."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symgd.algebra.bridge import from_sympy, symbol, to_sympy
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node, topological

MAX_NODES = 400
"""Larger formulas would make SymPy slow; they are proved without it."""


def sympy_derivative(formula: Node, name: str) -> Node:
    """The derivative by the number ``name`` as ``sympy.diff`` finds it, as a node.

    Raises :class:`~symgd.errors.UnsupportedError` where SymPy has no faithful
    form of the formula or of its derivative.
    """
    order = topological(formula)
    if len(order) > MAX_NODES:
        raise UnsupportedError(f"more than {MAX_NODES} operations")
    if not any(n.op == "sym" and n.value == name and not n.shape for n in order):
        raise UnsupportedError(f"{name} is not a single number")
    expression = to_sympy(formula)
    try:
        derived = expression.diff(symbol(name))
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        raise UnsupportedError(f"SymPy cannot differentiate this: {error}") from None
    return from_sympy(derived, _names(order, derived), formula.graph)


def _names(order: list[Node], derived: Any) -> dict[Any, Node]:
    names: dict[Any, Node] = {}
    for node in order:
        if node.op == "sym" and not node.shape:
            names[symbol(node.value)] = node
        elif node.op == "dim":
            names[sp.Symbol(node.value, integer=True, positive=True)] = node
    columns = {n.value: n for n in order if n.op == "sym" and n.shape}
    for indexed in derived.atoms(sp.Indexed):
        names[indexed] = columns[str(indexed.base)]
    for free in derived.free_symbols:
        if isinstance(free, sp.Symbol) and free not in names and free.is_positive:
            graph = order[0].graph
            names.setdefault(free, graph.size(free.name))
    return names


def is_zero(node: Node) -> bool | None:
    """Whether a formula is zero: ``True`` only by exact expansion, ``None`` if not settled."""
    if len(topological(node)) > MAX_NODES:
        return None
    try:
        expression = to_sympy(node)
    except UnsupportedError:
        return None
    if expression == 0:
        return True
    expression = expression.replace(lambda e: isinstance(e, sp.Sum), _split_sum)
    numerator = sp.fraction(sp.together(expression))[0]
    return True if sp.expand(numerator) == 0 else None


def _split_sum(total: Any) -> Any:
    """A sum of expanded terms with what does not depend on the index in front."""
    index, _, upper = total.args[1]
    terms = sp.Add.make_args(sp.expand(total.args[0]))
    split = []
    for term in terms:
        free, bound = term.as_independent(index, as_Add=False)
        bound_sum = upper if bound == 1 else sp.Sum(bound, total.args[1])
        split.append(free * bound_sum)
    return sp.Add(*split)
