"""A formula at one point in ball arithmetic: a value with an error that is a proof.

Numbers stay exact rationals as long as the operations allow it, else they are balls of
python-flint (``arb``): the true value lies inside. What is not a value is a
:class:`Bad`: surely undefined, not decided at this precision, or exactly on a
breakpoint, where a formula with ``sign``, ``where`` or a comparison may jump. So two balls that
exclude each other prove that two formulas differ, and differ on an open set.

>>> from symgd.formula.problem import read
>>> round(float(Balls({"x": Fraction(2)}).value(read("1/x + sqrt(x)").root)), 6)
1.914214
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from flint import arb, fmpq

from symgd.check.ball_arrays import ARRAYS
from symgd.check.ball_functions import (
    FUNCTIONS,
    LOGICAL,
    Value,
    compare,
    guarded,
    jump,
    power,
    where,
)
from symgd.compile.sizes import split_size
from symgd.errors import UnsupportedError
from symgd.formula.graph import COMPARISONS, LEAVES, LOGIC, Node

PRECISIONS = (64, 160, 400, 1200)
_CHOOSING = LOGIC | {"pow", "sign", "heaviside", "where"}


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Ball arithmetic with ``bits`` binary digits."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


class Balls:
    """The values of formulas at one point; subexpressions are computed once.

    ``values`` maps names to rationals or nested lists of them, ``sizes`` named sizes to
    numbers. ``equal`` are comparisons that may be met exactly (labels such as
    ``t == 1``).
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        sizes: Mapping[str, int] | None = None,
        bits: int = 64,
        equal: frozenset[Node] = frozenset(),
    ) -> None:
        self.values = {name: _exact(value) for name, value in values.items()}
        self.sizes = dict(sizes or {})
        self.bits = bits
        self.equal = equal
        self.done: dict[Node, Value] = {}
        self.fixed: set[Node] = set()

    def value(self, root: Node) -> Value:
        """The value of ``root``: a number, a :class:`Bad`, or an array of them."""
        found = self.done.get(root)
        if found is not None:
            return found
        with precision(self.bits):
            for node in self._order(root):
                if node not in self.done:
                    self.done[node] = self._work(node)
                    if all(a in self.fixed for a in node.args) and node.op != "sym":
                        self.fixed.add(node)
        return self.done[root]

    def _order(self, root: Node) -> list[Node]:
        """The nodes below ``root`` that have no value yet, arguments first."""
        order: list[Node] = []
        stack = [(root, False)]
        seen: set[Node] = set()
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)
            elif node not in self.done and node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((a, False) for a in node.args)
        return order

    def _work(self, node: Node) -> Value:
        op = node.op
        if op in LEAVES:
            return self._leaf(node)
        args = [self.done[a] for a in node.args]
        rule = ARRAYS.get(op)
        if rule is not None:
            return rule(node, self.size, *args)
        function = self._function(node)
        if all(not isinstance(a, np.ndarray) for a in args):
            return function(*args)
        return np.frompyfunc(function, len(args), 1)(*args)

    def _leaf(self, node: Node) -> Value:
        if node.op == "sym":
            return self.values[node.value]
        if node.op == "num":
            return fmpq(node.value.numerator, node.value.denominator)
        if node.op == "dim":
            return fmpq(self.size(node.value))
        return arb.pi() if node.value == "pi" else arb.const_e()

    def size(self, size: int | str) -> int:
        """A size as a number."""
        if isinstance(size, int):
            return size
        base, offset = split_size(size)
        return self.sizes[base] + offset

    def _function(self, node: Node) -> Callable[..., Value]:
        """The function of one entry, with everything that the node fixes."""
        op = node.op
        if op not in FUNCTIONS and op not in _CHOOSING:
            raise UnsupportedError(f"{op} has no form in ball arithmetic")
        if op == "pow":
            whole = node.args[1] in self.fixed
            return lambda u, v: power(u, v, whole)
        if op in COMPARISONS:
            exact = node in self.equal or all(a in self.fixed for a in node.args)
            return lambda u, v: compare(op, u, v, exact)
        if op in ("sign", "heaviside"):
            exact = node.args[0] in self.fixed
            return lambda u: jump(op, u, exact)
        if op == "where":
            return where
        if op in LOGIC:
            return LOGICAL[op]
        return guarded(FUNCTIONS[op])


def _exact(value: Any) -> Value:
    if isinstance(value, list | tuple | np.ndarray):
        array = np.array(value, dtype=object)
        return np.frompyfunc(_rational, 1, 1)(array)
    return _rational(value)


def _rational(value: Any) -> Value:
    fraction = Fraction(value)
    return fmpq(fraction.numerator, fraction.denominator)
