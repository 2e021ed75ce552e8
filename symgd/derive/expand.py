"""``d/dx (...)`` inside a formula: carried out before anything else."""

from __future__ import annotations

from symgd.derive.sweep import adjoints
from symgd.derive.tidy import tidy
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node, topological


def without_derivatives(root: Node) -> Node:
    """``root`` with every derivative operator replaced by the derivative."""
    order = topological(root)
    if not any(node.op == "derivative" for node in order):
        return root
    new: dict[Node, Node] = {}
    for node in order:
        args = [new[a] for a in node.args]
        if node.op == "derivative":
            new[node] = derivative(*args)
        elif all(a is b for a, b in zip(args, node.args, strict=True)):
            new[node] = node
        else:
            new[node] = node.graph.make(node.op, *args, value=node.value)
    return new[root]


def derivative(formula: Node, symbol: Node) -> Node:
    """d formula/d symbol for a number ``symbol``; entry by entry if the formula is an array.

    An array is differentiated through sum(w*f): its adjoint at weight w = 1 is right
    entry by entry only if no entry of f depends on another row, which holds for
    elementwise formulas.
    """
    if symbol.shape:
        raise UnsupportedError("a derivative operator is by a number, not by an array")
    if formula.shape:
        from symgd.derive.forward import tangents

        found = tangents(formula, {symbol: formula.graph.number(1)}).get(formula)
    else:
        found = adjoints(formula, [symbol], formula.graph.number(1)).get(symbol)
    return formula.graph.number(0) if found is None else tidy(found, (formula,))
