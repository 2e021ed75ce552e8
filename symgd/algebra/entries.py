"""A graph in normal form, entry by entry.

``Entries.at(node, places)`` is the normal form of one entry of a node; an index may be a
number or a symbol, so ``(X.T @ r)[p]`` is ``sum_i X[i,p] r[i]`` for any number of rows.
Sizes that are small numbers are written out.

>>> from symgd.formula.problem import read
>>> p = read("mean((y - m*x)^2)")
>>> entries = Entries(Field())
>>> x2 = read("1/N*sum(y^2) - 2*m/N*sum(x*y) + m^2*mean(x^2)")
>>> entries.at(p.root, ()) - entries.at(x2.root, ())
<Rat 0>
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from symgd.algebra import sums
from symgd.algebra.elementary import FUNCTIONS
from symgd.algebra.entry_rules import RULES, Places
from symgd.algebra.field import Field, GaveUp, Index, Place, Rat, split_size
from symgd.formula.graph import Node

WRITTEN_OUT = 6
MAX_ENTRIES = 400
Call = tuple[Node, Places]


class Missing(Exception):
    """An entry that must be worked out first (the walk does not recurse)."""

    def __init__(self, call: Call) -> None:
        self.call = call


class Entries:
    """Normal forms of the entries of nodes in one field.

    ``sizes`` gives numbers to named sizes, for a look at concrete shapes.
    """

    def __init__(self, field: Field, sizes: Mapping[str, int] | None = None) -> None:
        self.field = field
        self.sizes = dict(sizes or {})
        self.chosen = set(self.sizes.values())
        self.written_out = True
        """Small sizes that are numbers are written out, entry by entry."""
        self.done: dict[Call, Rat] = {}
        self.moving: set[Node] = set()
        self.strata = False
        """An equality was taken to fail, as it does almost everywhere."""

    def at(self, node: Node, places: Places) -> Rat:
        """The entry of ``node`` at ``places``."""
        stack: list[Call] = [(node, places)]
        while stack:
            call = stack[-1]
            if call in self.done:
                stack.pop()
                continue
            try:
                self.done[call] = self.work(*call)
                stack.pop()
            except Missing as missing:
                stack.append(missing.call)
        return self.done[node, places]

    def get(self, node: Node, places: Places) -> Rat:
        """An entry that is known, else :class:`Missing`."""
        found = self.done.get((node, places))
        if found is None:
            raise Missing((node, places))
        return found

    def work(self, node: Node, places: Places) -> Rat:
        op = node.op
        rule = RULES.get(op)
        if rule is not None:
            return rule(self, node, places)
        function = FUNCTIONS.get(op)
        if function is None:
            raise GaveUp(f"{op} has no normal form")
        return function(*[self.part(node, a, places) for a in node.args])

    def part(self, node: Node, arg: Node, places: Places) -> Rat:
        """The entry of an argument that is broadcast to the shape of its node."""
        return self.get(arg, self.broadcast(arg, places))

    def broadcast(self, arg: Node, places: Places) -> Places:
        own = places[len(places) - len(arg.shape) :] if arg.shape else ()
        return tuple(0 if self.size(s) == 1 else p for s, p in zip(arg.shape, own, strict=True))

    # -- indices --------------------------------------------------------------------------

    def size(self, size: int | str) -> int | str:
        """The size, as a number if it has one here."""
        if isinstance(size, int):
            return size
        base, offset = split_size(size)
        return self.sizes[base] + offset if base in self.sizes else size

    def indices(self, size: int | str, used: Places, also: tuple[Index, ...] = ()) -> list[Place]:
        """All places along an axis if they can be written out, else one symbolic index."""
        known = self.size(size)
        if isinstance(known, int):
            if known > (WRITTEN_OUT if self.written_out else 1) and known not in self.chosen:
                known = f"{known}+0"
            else:
                return list(range(known))
        taken = {p.level for p in (*used, *also) if isinstance(p, Index) and p.size == known}
        return [Index(known, next(n for n in range(len(taken) + 1) if n not in taken))]

    def total(
        self, shape: tuple[int | str, ...], used: Places, body: Callable[[Places], Rat]
    ) -> Rat:
        """The sum of ``body`` over all places of the axes ``shape``."""
        axes: list[list[Place]] = []
        chosen: tuple[Index, ...] = ()
        for size in shape:
            places = self.indices(size, used, chosen)
            axes.append(places)
            chosen += tuple(p for p in places if isinstance(p, Index))
        result = self.field.zero
        bodies = [body(combination) for combination in self.combinations(axes)]
        for part in bodies:
            for index in reversed(chosen):
                part = sums.total(part, index)
            result = result + part
        return result

    def combinations(self, axes: list[list[Place]]) -> list[Places]:
        count = 1
        for places in axes:
            count *= len(places)
        if count > MAX_ENTRIES:
            raise GaveUp("too many entries to write out")
        return list(product(*axes))
