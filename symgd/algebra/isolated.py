"""Values that stand alone: what the rest of the formula does as it comes near.

``where(x == 0, 1, (exp(x) - 1)/x)`` has its own value at one point. The function has a
derivative there if (f(x) - 1)/(x - 0) has a limit, which is then the slope; SymPy finds the
limit in the worker process, which can be stopped.

>>> from symgd.formula.problem import read
>>> read_slope = slope_at(read("(exp(x) - 1)/x").root, read("1").root, "x", Fraction(0))
>>> read_slope
<Node 1/2>
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from symgd.algebra.bridge import from_sympy, symbol, to_sympy
from symgd.algebra.worker import ask
from symgd.errors import SymgdError, UnsupportedError
from symgd.formula.graph import Graph, Node, rebuild, topological
from symgd.formula.text import to_text

SECONDS = 5.0
MAX_NODES = 100


def slope_at(branch: Node, value: Node, name: str, at: Fraction) -> Node | None:
    """The limit of (branch - value)/(name - at) as ``name`` comes to ``at`` from both sides.

    Both formulas are of numbers only. ``None`` if there is no finite limit, or if it was not
    found in time: "not found", never "there is none". The answer is in a graph of its own.
    """
    if len(topological(branch, value)) > MAX_NODES:
        return None
    asked = {"branch": to_text(branch), "value": to_text(value), "name": name, "at": str(at)}
    try:
        found = ask("slope", asked, SECONDS)
    except SymgdError:
        return None
    return None if found is None else _read(found)


def _read(text: str) -> Node:
    from symgd.formula.problem import read

    return read(text).root


def slope_of_text(content: Mapping[str, Any]) -> str | None:
    """The job "slope" of the worker: the limit as text, or ``None``."""
    graph = Graph()
    roots = [_read(content["branch"]), _read(content["value"])]
    new = [rebuild(topological(root), {}, graph)[root] for root in roots]
    x, at = symbol(content["name"]), sp.Rational(content["at"])
    try:
        branch, value = (to_sympy(root) for root in new)
        found = sp.limit((branch - value) / (x - at), x, at, "+-")
        if found.has(sp.oo, sp.nan, sp.zoo, sp.AccumBounds, sp.Limit) or not found.is_real:
            return None
        names = {symbol(n.value): n for n in topological(*new) if n.op == "sym"}
        return to_text(from_sympy(sp.simplify(found), names, graph))
    except (UnsupportedError, NotImplementedError, ValueError, TypeError, AttributeError):
        return None


__all__ = ["slope_at", "slope_of_text"]
