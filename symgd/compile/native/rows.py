"""One pass over the rows as LLVM IR: vectors of rows, several accumulators, exact block sums.

The rows are taken in blocks of :data:`DEPTH` vectors per accumulator. Within a block every
lane adds at most that many terms; the blocks are added with their rounding errors kept
(Knuth's two-sum), so the error of a sum does not grow with the number of rows: it is at most
that of pairwise summation. The last vector of a block is masked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symgd.compile.native import functions
from symgd.compile.native.cells import Cell
from symgd.compile.native.code import Code, Module
from symgd.compile.native.operations import REAL, TRUTH
from symgd.compile.native.schedule import Pass

DEPTH = 32
_START = {"rsum": 0.0, "rmax": -float("inf"), "rmin": float("inf"), "rprod": 1.0}
_JOIN: dict[str, Callable[[Code, str, str], str]] = {
    "rsum": Code.add, "rprod": Code.mul, "rmax": functions.maximum, "rmin": functions.minimum,
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """How wide a loop is: lanes of a vector, vectors in one turn, rows by index or in order."""

    lanes: int
    vectors: int
    gather: bool

    @property
    def step(self) -> int:
        return self.lanes * self.vectors

    @property
    def block(self) -> int:
        return self.step * DEPTH


def unrolled(one: Pass, lanes: int) -> int:
    """How many vectors one turn of the loop takes: as many as registers bear."""
    by_work = 4 if one.cost <= 14 else 2 if one.cost <= 40 else 1
    return max(1, min(by_work, 16 // max(1, len(one.reductions))))


class RowLoop:
    """The function ``rows`` of one pass: (ws, cols, idx, begin, end, part) -> partial sums.

    ``part`` receives two doubles for each reduction: the sum and its rounding error.
    """

    def __init__(self, one: Pass, slots: dict[int, int], shape: Shape, module: Module) -> None:
        self.one, self.slots, self.shape, self.module = one, slots, shape, module
        self.code = Code(shape.lanes, module)
        self.shared: dict[int, str] = {}
        self.columns: dict[int, str] = {}

    def text(self, name: str) -> str:
        """The whole function."""
        code, shape = self.code, self.shape
        self._enter()
        code.emit("br label %outer")
        code.begin("outer")
        code.emit("%i = phi i64 [ %begin, %entry ], [ %stop, %flush ]")
        code.emit("%more = icmp slt i64 %i, %end")
        code.emit("br i1 %more, label %block, label %done")
        code.begin("block")
        code.emit("%left = sub i64 %end, %i")
        code.emit(f"%full = icmp sgt i64 %left, {shape.block}")
        code.emit(f"%size = select i1 %full, i64 {shape.block}, i64 %left")
        code.emit("%stop = add i64 %i, %size")
        code.emit(f"%rest = urem i64 %size, {shape.step}")
        code.emit("%middle = sub i64 %stop, %rest")
        code.emit("br label %wide")
        start = [[code.num(_START[r.op]) for r in self.one.reductions]] * shape.vectors
        wide = self._loop("wide", "%i", "%middle", "block", start, shape.step, masked=False)
        if shape.lanes > 1:
            rest = self._loop("tail", "%middle", "%stop", "wide", [wide[0]], shape.lanes, True)
            wide = [rest[0], *wide[1:]]
        self._flush(wide)
        body = "\n".join(code.lines)
        return (
            f"define internal void @{name}(ptr %ws, ptr %cols, ptr %idx, i64 %begin, i64 %end, "
            f"ptr %part) noinline #0 {{\nentry:\n{body}\n}}"
        )

    # -- before the rows --------------------------------------------------------------------

    def _enter(self) -> None:
        """Load the columns' addresses and the shared numbers; make room for the totals."""
        code = self.code
        for cell in self.one.order:
            if cell.op == "col":
                at = code.new(f"getelementptr ptr, ptr %cols, i64 {cell.value}")
                self.columns[cell.serial] = code.new(f"load ptr, ptr {at}")
        for cell in self.one.shared:
            self.shared[cell.serial] = self._shared(cell)
        for k, reduction in enumerate(self.one.reductions):
            for stem, value in (("hi", _START[reduction.op]), ("lo", 0.0)):
                code.emit(f"%{stem}{k} = alloca {code.real}, align 64")
                code.emit(f"store {code.real} {code.num(value)}, ptr %{stem}{k}")

    def _shared(self, cell: Cell) -> str:
        code = self.code
        if cell.op == "num":
            return code.num(cell.value)
        at = code.new(f"getelementptr double, ptr %ws, i64 {self.slots[cell.serial]}")
        value = code.new(f"load double, ptr {at}")
        value = value if code.lanes == 1 else self._spread("double", value)
        return code.compare("une", value, code.num(0.0)) if cell.truth else value

    def _spread(self, kind: str, value: str) -> str:
        code = self.code
        lanes = code.lanes
        one = code.new(f"insertelement <{lanes} x {kind}> poison, {kind} {value}, i32 0")
        return code.new(
            f"shufflevector <{lanes} x {kind}> {one}, <{lanes} x {kind}> poison, "
            f"<{lanes} x i32> zeroinitializer"
        )

    # -- the loops ----------------------------------------------------------------------------

    def _loop(
        self,
        name: str,
        begin: str,
        end: str,
        before: str,
        start: list[list[str]],
        step: int,
        masked: bool,
    ) -> list[list[str]]:
        """A loop from row ``begin`` to ``end``; the accumulators at its end, set by set."""
        code = self.code
        code.begin(name)
        head = len(code.lines)
        j = code.new("phi")
        held = [[code.new("phi") for _ in one] for one in start]
        go = code.new(f"icmp slt i64 {j}, {end}")
        after = "flush" if masked or code.lanes == 1 else "tail"
        code.emit(f"br i1 {go}, label %{name}_body, label %{after}")
        code.begin(f"{name}_body")
        code.memo = {}
        following = []
        for k, accumulators in enumerate(held):
            at = j if k == 0 else code.new(f"add i64 {j}, {k * code.lanes}")
            following.append(self._turn(at, accumulators, masked))
        turned = code.new(f"add i64 {j}, {step}")
        code.emit(f"br label %{name}")
        code.lines[head] = f"  {j} = phi i64 [ {begin}, %{before} ], [ {turned}, %{code.block} ]"
        line = head + 1
        for old, new, names in zip(start, following, held, strict=True):
            for first, later, here in zip(old, new, names, strict=True):
                code.lines[line] = (
                    f"  {here} = phi {code.real} [ {first}, %{before} ], [ {later}, %{code.block} ]"
                )
                line += 1
        return held

    def _turn(self, at: str, accumulators: list[str], masked: bool) -> list[str]:
        """One vector of rows: compute its cells and add them up."""
        code = self.code
        mask = self._mask(at) if masked else None
        values = dict(self.shared)
        offsets = self._offsets(at, masked) if self.shape.gather else []
        products: dict[int, Cell] = {}
        wanted = {a.serial for cell in self.one.order for a in cell.args}
        for cell in self.one.order:
            if cell.op == "col":
                column = self.columns[cell.serial]
                values[cell.serial] = self._load(column, at, mask, offsets)
            elif self._only_summed(cell, wanted):
                products[cell.serial] = cell
            else:
                values[cell.serial] = emit_cell(code, cell, values)
        result = []
        for reduction, old in zip(self.one.reductions, accumulators, strict=True):
            (term,) = reduction.args
            if term.serial in products:
                a, b = (values[x.serial] for x in term.args)
                new = code.fma(a, b, old)
            else:
                new = _JOIN[reduction.op](code, old, values[term.serial])
            result.append(new if mask is None else code.select(mask, new, old))
        return result

    def _only_summed(self, cell: Cell, wanted: set[int]) -> bool:
        """A product that is used only as a term of sums: added by fused multiply-add."""
        if cell.op != "mul" or cell.serial in wanted:
            return False
        return all(r.op == "rsum" for r in self.one.reductions if r.args[0] is cell)

    def _mask(self, at: str) -> str:
        code = self.code
        steps = ", ".join(f"i64 {k}" for k in range(code.lanes))
        rows = code.new(f"add {code.whole} {self._spread('i64', at)}, <{steps}>")
        return code.new(f"icmp slt {code.whole} {rows}, {self._spread('i64', '%stop')}")

    def _offsets(self, at: str, masked: bool) -> list[str]:
        """The row numbers of one vector, from the index; the last one again beyond the end."""
        code, found = self.code, []
        for lane in range(code.lanes):
            row = at if lane == 0 else code.new(f"add i64 {at}, {lane}")
            if masked and lane:
                last = code.new("sub i64 %stop, 1")
                inside = code.new(f"icmp slt i64 {row}, %stop")
                row = code.new(f"select i1 {inside}, i64 {row}, i64 {last}")
            place = code.new(f"getelementptr i64, ptr %idx, i64 {row}")
            found.append(code.new(f"load i64, ptr {place}"))
        return found

    def _load(self, column: str, at: str, mask: str | None, offsets: list[str]) -> str:
        code = self.code
        if offsets:
            vector = "poison"
            for lane, offset in enumerate(offsets):
                place = code.new(f"getelementptr double, ptr {column}, i64 {offset}")
                value = code.new(f"load double, ptr {place}")
                if code.lanes == 1:
                    return value
                vector = code.new(f"insertelement {code.real} {vector}, double {value}, i32 {lane}")
            return vector
        place = code.new(f"getelementptr double, ptr {column}, i64 {at}")
        if mask is None:
            return code.new(f"load {code.real}, ptr {place}, align 8")
        name = f"llvm.masked.load.{code.suffix}.p0"
        self.module.declare(name, f"{code.real} @{name}(ptr, i32, {code.bit}, {code.real})")
        return code.new(
            f"call {code.real} @{name}(ptr {place}, i32 8, {code.bit} {mask}, "
            f"{code.real} zeroinitializer)"
        )

    # -- after the rows -----------------------------------------------------------------------

    def _flush(self, sets: list[list[str]]) -> None:
        """Add the block to the totals; at the end, fold the lanes into ``part``."""
        code = self.code
        code.begin("flush")
        for k, reduction in enumerate(self.one.reductions):
            join = _JOIN[reduction.op]
            parts = [accumulators[k] for accumulators in sets]
            while len(parts) > 1:
                parts = [join(code, *parts[n : n + 2]) for n in range(0, len(parts) - 1, 2)] + (
                    parts[-1:] if len(parts) % 2 else []
                )
            high = code.new(f"load {code.real}, ptr %hi{k}")
            if reduction.op == "rsum":
                total, error = code.two_sum(high, parts[0])
                low = code.add(code.new(f"load {code.real}, ptr %lo{k}"), error)
                code.emit(f"store {code.real} {low}, ptr %lo{k}")
            else:
                total = join(code, high, parts[0])
            code.emit(f"store {code.real} {total}, ptr %hi{k}")
        code.emit("br label %outer")
        code.begin("done")
        for k, reduction in enumerate(self.one.reductions):
            at = code.new(f"getelementptr double, ptr %part, i64 {2 * k}")
            fold = fold_helper(self.module, reduction.op, code.lanes)
            code.emit(f"call void @{fold}(ptr %hi{k}, ptr %lo{k}, ptr {at})")
        code.emit("ret void")


def emit_cell(code: Code, cell: Cell, values: dict[int, str]) -> str:
    """One elementwise cell; ``values`` holds the operands of its arguments."""
    args = [values[a.serial] if a.op != "num" else code.num(a.value) for a in cell.args]
    if cell.op == "select":
        if not cell.truth:
            return code.select(*args)
        kind = code.bit
        return code.new(f"select {kind} {args[0]}, {kind} {args[1]}, {kind} {args[2]}")
    if cell.op == "real":
        return code.as_real(args[0])
    if cell.op in TRUTH:
        return TRUTH[cell.op](code, *args)
    return REAL[cell.op][0](code, *args)


def fold_helper(module: Module, op: str, lanes: int) -> str:
    """A function that folds the lanes of a total and its error into two doubles."""
    name = f"fold_{op}_{lanes}"
    if name in module.helpers:
        return name
    code = Code(lanes, module)
    high = code.new(f"load {code.real}, ptr %hi")
    low = code.new(f"load {code.real}, ptr %lo")
    width = lanes
    while width > 1:
        width //= 2
        halves = [_halves(code, v, width) for v in (high, low)]
        code = code.narrowed(width)
        (h0, h1), (l0, l1) = halves
        if op == "rsum":
            high, error = code.two_sum(h0, h1)
            low = code.add(code.add(l0, l1), error)
        else:
            high, low = _JOIN[op](code, h0, h1), l0
    code.emit(f"store double {high}, ptr %out")
    at = code.new("getelementptr double, ptr %out, i64 1")
    code.emit(f"store double {low}, ptr {at}")
    body = "\n".join(code.lines)
    module.helpers[name] = (
        f"define internal void @{name}(ptr %hi, ptr %lo, ptr %out) noinline #0 "
        f"{{\nentry:\n{body}\n  ret void\n}}"
    )
    return name


def _halves(code: Code, vector: str, width: int) -> tuple[str, str]:
    """The lower and the upper half of a vector of 2*width lanes."""
    made = []
    for first in (0, width):
        if width == 1:
            made.append(code.new(f"extractelement {code.real} {vector}, i32 {first}"))
            continue
        places = ", ".join(f"i32 {first + k}" for k in range(width))
        made.append(
            code.new(
                f"shufflevector {code.real} {vector}, {code.real} poison, "
                f"<{width} x i32> <{places}>"
            )
        )
    return made[0], made[1]
