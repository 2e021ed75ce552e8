"""The local derivative of every elementwise function, as SymPy knows it.

SymPy is asked once for each function (``tanh(u).diff(u)``); the answer is turned
into graph form for the argument at hand, where ``tanh(u)`` is again the node that
is there already.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from symgd.algebra.bridge import FUNCTIONS, from_sympy
from symgd.formula.graph import Node

_U, _V = sp.symbols("u v", real=True)


@cache
def _partials(op: str, count: int) -> tuple[Any, ...]:
    """SymPy's partial derivatives of a function of one or two real arguments."""
    variables = (_U, _V)[:count]
    function = FUNCTIONS[op](*variables)
    return tuple(function.diff(v) for v in variables)


def local_derivatives(node: Node) -> tuple[Node, ...]:
    """d node / d argument for each argument of an elementwise function.

    >>> from symgd.formula.problem import read
    >>> local_derivatives(read("tanh(z)").root)
    (<Node 1 - tanh(z)^2>,)
    """
    names = dict(zip((_U, _V), node.args, strict=False))
    known = {FUNCTIONS[node.op](*(_U, _V)[: len(node.args)]): node}
    return tuple(
        from_sympy(partial, {**names, **known}, node.graph)
        for partial in _partials(node.op, len(node.args))
    )
