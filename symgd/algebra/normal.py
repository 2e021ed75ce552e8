"""Exact proofs that two formulas are equal wherever both are defined.

The difference is brought to normal form (:mod:`~symgd.algebra.entries`); if its
numerator is the zero polynomial the formulas are equal. If signs are left in it
(from ``abs``, ``max``, ``where``), every combination of signs that can occur is looked at on
its own; if sums over rows are left, their bodies are compared row by row. Nothing is
ever concluded from a normal form that is not zero.

>>> from symgd.formula.problem import read
>>> prove_equal(read("x/abs(x)").root, read("x/sqrt(x^2)").root).proved
True
>>> prove_equal(read("sin(x)").root, read("x").root).proved
False
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symgd.algebra import domain, sums
from symgd.algebra.entries import Entries
from symgd.algebra.field import Field, GaveUp, Index, Knowledge, Place, Poly, Rat, Restart
from symgd.algebra.rename import renamed, replaced
from symgd.algebra.signs import sign_of
from symgd.formula.graph import Node, depends_on, rebuild, topological

MAX_RESTARTS = 40
MAX_CELLS = 64
MAX_NODES = 3_000
OUTPUT_LEVEL = 90


@dataclass(frozen=True)
class NormalForm:
    """What the normal form says: ``proved``, else ``reason``.

    ``strata``: an equality inside a condition was taken to fail, so the proof holds
    off the points where it is met. ``ratio``: the constant quotient, when asked for.
    """

    proved: bool
    reason: str = ""
    strata: bool = False
    ratio: str | None = None


def prove_equal(
    left: Node,
    right: Node,
    given: Iterable[Node] = (),
    sizes: Mapping[str, int] | None = None,
    positive: Iterable[str] = (),
    wrt: str | None = None,
    seconds: float = 2.0,
) -> NormalForm:
    """Whether ``left = right`` where both, and all of ``given``, are defined.

    ``sizes`` looks at one concrete shape; ``positive`` names are taken to be
    positive. An equality inside a condition may hold or not, unless ``wrt`` occurs
    in it: then it fails almost everywhere.
    """
    left, right, *others = in_one_graph(left, right, *given)
    decision = _Decision(left, right, others, dict(sizes or {}), seconds)
    decision.positive, decision.wrt = tuple(positive), wrt
    return decision.run(False)


def constant_ratio(
    left: Node, right: Node, given: Iterable[Node] = (), seconds: float = 2.0
) -> NormalForm:
    """``left/right`` as the text of a constant if the normal form shows that it is one."""
    left, right, *others = in_one_graph(left, right, *given)
    return _Decision(left, right, others, {}, seconds).run(True)


def in_one_graph(first: Node, *others: Node) -> list[Node]:
    """The same formulas with all nodes in the graph of the first."""
    graph = first.graph
    return [
        first,
        *(n if n.graph is graph else rebuild(topological(n), {}, graph)[n] for n in others),
    ]


class _Decision:
    """One question, asked again with more knowledge until nothing new is learnt."""

    def __init__(
        self, left: Node, right: Node, given: list[Node], sizes: dict[str, int], seconds: float
    ) -> None:
        self.left, self.right, self.given = left, right, given
        self.sizes = sizes
        self.positive: tuple[str, ...] = ()
        self.wrt: str | None = None
        self.deadline = time.thread_time() + seconds

    def run(self, ratio: bool) -> NormalForm:
        """The answer; sizes that are numbers first as if they were names, then written out."""
        order = topological(self.left, self.right)
        if self.left is self.right and not ratio:
            return NormalForm(True)
        if len(order) > MAX_NODES:
            return NormalForm(False, f"{len(order):,} operations are too many for a normal form")
        numbered = any(isinstance(s, int) and s > 1 for node in order for s in node.shape)
        if numbered and not self.sizes:
            found = self.attempt(ratio, False)
            if found.proved:
                return found
        return self.attempt(ratio, True)

    def attempt(self, ratio: bool, written_out: bool) -> NormalForm:
        known = Knowledge()
        for _ in range(MAX_RESTARTS):
            entries = Entries(Field(known, self.deadline), self.sizes)
            entries.moving = self.moving()
            entries.written_out = written_out
            try:
                self.learn(entries)
                return self.quotient(entries) if ratio else self.decide(entries)
            except Restart:
                continue
            except GaveUp as reason:
                return NormalForm(False, str(reason), entries.strata)
        return NormalForm(False, "no normal form")

    def moving(self) -> set[Node]:
        """The nodes that depend on the name of the derivative (all of them without one)."""
        order = topological(self.left, self.right, *self.given)
        symbols = [n for n in order if n.op == "sym" and self.wrt in (None, n.value)]
        return depends_on(order, symbols)

    def learn(self, entries: Entries) -> None:
        for name in self.positive:
            domain.positive(entries.field.name(name, ()))
        domain.learn(entries, [*self.given, self.left, self.right])

    def decide(self, entries: Entries) -> NormalForm:
        for places in output_places(entries, self.left, self.right):
            difference = self.entry(entries, self.left, places) - self.entry(
                entries, self.right, places
            )
            if not vanishes(difference):
                return NormalForm(False, "the normal forms differ", entries.strata)
        return NormalForm(True, "", entries.strata)

    def entry(self, entries: Entries, node: Node, places: tuple[Place, ...]) -> Rat:
        return entries.at(node, entries.broadcast(node, places))

    def quotient(self, entries: Entries) -> NormalForm:
        texts = set()
        for places in output_places(entries, self.left, self.right):
            top = self.entry(entries, self.left, places)
            bottom = self.entry(entries, self.right, places)
            if top.is_zero() and bottom.is_zero():
                continue
            texts.add(constant_text(top / bottom))
        if len(texts) == 1:
            return NormalForm(True, ratio=texts.pop())
        return NormalForm(False, "the quotient is not a constant")


def output_places(entries: Entries, left: Node, right: Node) -> list[tuple[Place, ...]]:
    """The places at which two arrays are compared."""
    shape = left.shape if len(left.shape) >= len(right.shape) else right.shape
    axes: list[list[Place]] = []
    for axis, size in enumerate(shape):
        found = entries.indices(size, ())
        if len(found) == 1 and isinstance(found[0], Index):
            found = [Index(found[0].size, OUTPUT_LEVEL + axis)]
        axes.append(found)
    return entries.combinations(axes)


# -- zero or not ----------------------------------------------------------------------------------


def vanishes(value: Rat) -> bool:
    """Whether the value is shown to be zero (``False`` says nothing)."""
    return _vanishes(value, [MAX_CELLS])


def _vanishes(value: Rat, cells: list[int]) -> bool:
    if value.is_zero():
        return True
    field = value.field
    value = Rat(field, value.num, field.unit)
    joined = _joined_sums(value)
    if joined is not None:
        body, rest, index = joined
        if (sums.total(body, index) + rest).is_zero():
            return True
        if _vanishes(body * field.size(index.size) + rest, cells):
            return True
    if _same_place(value, cells):
        return True
    return _in_every_cell(value, cells)


def _joined_sums(value: Rat) -> tuple[Rat, Rat, Index] | None:
    """``value`` as the sum of one body over a fresh index, plus what is free of it."""
    field = value.field
    simple = [s for s in value.slots if _is_single_sum(field, s)]
    if not simple:
        return None
    size = field.atoms[simple[0]].data[0][0].size
    slots = {s for s in simple if field.atoms[s].data[0][0].size == size}
    if _degree(value, slots) > 1:
        slots = {s for s in slots if not field.atoms[s].data[1].den.is_constant()}
        if not slots or _degree(value, slots) > 1:
            return None
    index = sums.fresh(size)
    body, rest = field.zero, field.zero
    for exponents, coefficient in value.num.to_dict().items():
        slot = next((s for s in slots if exponents[s]), None)
        left = tuple(0 if s == slot else e for s, e in enumerate(exponents))
        factor = Rat(field, field.ctx.from_dict({left: coefficient}), field.unit)
        if slot is None:
            rest = rest + factor
        else:
            (bound,), inner = field.atoms[slot].data
            body = body + factor * renamed(inner, {bound: index})
    return body, rest, index


def _is_single_sum(field: Field, slot: int) -> bool:
    atom = field.atoms[slot]
    return atom.kind == "sum" and len(atom.data[0]) == 1


def _degree(value: Rat, slots: set[int]) -> int:
    return max(sum(int(e[s]) for s in slots) for e in value.num.monoms())


def _same_place(value: Rat, cells: list[int]) -> bool:
    """Off the diagonal, and on it."""
    field = value.field
    for slot in value.slots:
        atom = field.atoms[slot]
        if atom.kind == "delta":
            first, second = atom.data
            if not isinstance(first, Index):
                first, second = second, first
            if first.offset or (isinstance(second, Index) and second.offset):
                return False
            on = renamed(value, {first.base: second})
            off = replaced(value, {slot: field.zero})
            return _vanishes(on, cells) and _vanishes(off, cells)
    return False


def _in_every_cell(value: Rat, cells: list[int]) -> bool:
    """Whether the value is zero for every combination of signs that can occur."""
    slot = _first_sign(value)
    if slot is None:
        return False
    field = value.field
    (poly,) = field.atoms[slot].data
    known = sign_of(field, poly)
    for sign in (1, -1):
        if known is not None and sign != known:
            continue
        cells[0] -= 1
        if cells[0] < 0:
            raise GaveUp("too many combinations of signs")
        mark = field.mark()
        try:
            key = field.key(poly)
            field.cell = {**field.cell, key: sign}
            field.facts[key] = (poly, sign)
            field.relations[slot] = (1, field.ctx.constant(sign))
            here = replaced(value, {slot: field.number(sign)})
            if not _impossible(field) and not _vanishes(here, cells):
                return False
        finally:
            field.back(mark)
    return True


def _first_sign(value: Rat) -> int | None:
    """The earliest sign that all others may depend on."""
    field = value.field
    free = value.free
    found = set()
    for slot in value.slots:
        for inner in (slot, *field.atoms[slot].needs):
            atom = field.atoms[inner]
            settled = inner in field.relations and field.relations[inner][0] == 1
            if atom.kind == "sign" and atom.free <= free and not settled:
                found.add(inner)
    return min(found) if found else None


def _impossible(field: Field) -> bool:
    """Whether the signs of the case contradict a product of signs that the domain fixes."""
    polys = {field.key(p): s for p, s in field.facts.values()}
    for keys, product in field.known.products:
        signs = [polys.get(key) for key in keys]
        if None not in signs:
            found = 1
            for sign in signs:
                found *= sign or 1
            if found != product:
                return True
    return False


# -- constants ------------------------------------------------------------------------------------


def constant_text(value: Rat) -> str | None:
    """A constant (numbers, sizes, pi, e, logarithms and roots of numbers) as a formula."""
    field = value.field
    texts = []
    for poly in (value.num, value.den):
        if len(poly) > 1:
            joined = _joined_logs(field, poly)
            if joined is None:
                return None
            texts.append([joined])
            continue
        parts = []
        for slot in field.used(poly):
            part = _atom_text(field, slot)
            if part is None:
                return None
            exponent = int(poly.degrees()[slot])
            parts.append(part if exponent == 1 else f"{part}^{exponent}")
        texts.append(parts)
    lead = _lead(value.num) / _lead(value.den)
    return quotient_text(lead, texts[0], texts[1])


def _lead(poly: Poly) -> Fraction:
    if len(poly) > 1:
        return Fraction(1)
    value = poly.leading_coefficient()
    return Fraction(int(value.p), int(value.q))


def _joined_logs(field: Field, poly: Poly) -> str | None:
    """log(2) + log(5) as log(10)."""
    number = Fraction(1)
    for exponents, coefficient in poly.to_dict().items():
        slots = [s for s, e in enumerate(exponents) if e]
        if len(slots) != 1 or exponents[slots[0]] != 1 or coefficient.q != 1:
            return None
        atom = field.atoms[slots[0]]
        if atom.kind != "log" or not atom.data[0].is_constant() or abs(coefficient.p) > 64:
            return None
        number *= Fraction(int(atom.data[0].leading_coefficient().p)) ** int(coefficient.p)
    return f"log({number})"


def quotient_text(number: Fraction, above: list[str], below: list[str]) -> str:
    """``3*N/(2*pi)`` from its parts."""
    top = [str(number.numerator)] if number.numerator != 1 or not above else []
    top += above
    bottom = ([str(number.denominator)] if number.denominator != 1 else []) + below
    text = "*".join(top)
    if not bottom:
        return text
    return f"{text}/{bottom[0]}" if len(bottom) == 1 else f"{text}/({'*'.join(bottom)})"


def _atom_text(field: Field, slot: int) -> str | None:
    atom = field.atoms[slot]
    if atom.kind in ("size", "pi"):
        return atom.data[0] if atom.kind == "size" else "pi"
    if atom.kind == "log" and atom.data[0].is_constant():
        return f"log({atom.data[0].leading_coefficient()})"
    if atom.kind == "root" and atom.data[0].is_constant():
        base, scale = atom.data
        number = base.leading_coefficient()
        return f"sqrt({number})" if scale == 2 else f"{number}^(1/{scale})"
    if atom.kind == "exp" and atom.data[0].constant() == 1:
        return "e" if atom.data[1] == 1 else f"e^(1/{atom.data[1]})"
    return None
