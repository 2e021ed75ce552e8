"""The descent itself as machine code: evaluate, record, step, and again.

Two functions are added to the module of a program:

* ``descend``: each step calls ``run`` on all rows, or on the rows ``idx[cuts[t]:cuts[t+1]]``;
* ``descend_one``: each step takes the single row ``idx[t]`` (stochastic gradient descent); the
  sums over rows fall away, and what is left is one straight line of scalar code.

The arithmetic of a step is that of ``theta - rate*gradient`` in NumPy, so the iterates are the
same to the last bit if the gradients are. Both return how many steps were made. They stop
before a step where the loss or the gradient is not finite, where the loss is above ``limits[0]``
or equal to ``limits[1]`` and where no slope is above ``limits[3]``; and after a step that moved
no parameter by more than ``limits[2]``.
"""

from __future__ import annotations

from symgd.compile.native.cells import REDUCTIONS, Cell, ordered
from symgd.compile.native.code import Code, Module
from symgd.compile.native.rows import emit_cell
from symgd.compile.native.schedule import Schedule

_ARGUMENTS = (
    "ptr %ws, ptr %cols, ptr %idx, i64 %n, ptr %parts, ptr %cuts, i64 %steps, ptr %rates, "
    "ptr %thetas, ptr %losses, ptr %gradients, ptr %limits"
)


def add_descent(module: Module, plan: Schedule, size: int) -> None:
    """``descend`` for ``size`` parameters: all rows, or batches cut out of an index."""
    module.declare("llvm.fabs.f64", "double @llvm.fabs.f64(double)")
    if not plan.passes and _is_short(plan, size):
        module.functions.append(_Inline(module, plan, size, by_row=False).text("descend"))
        return
    call = """  %batched = icmp ne ptr %cuts, null
  br i1 %batched, label %cut, label %whole
cut:
  %here = getelementptr i64, ptr %cuts, i64 %t
  %from = load i64, ptr %here
  %there = getelementptr i64, ptr %here, i64 1
  %to = load i64, ptr %there
  %count = sub i64 %to, %from
  %rows = getelementptr i64, ptr %idx, i64 %from
  call void @run(ptr %ws, ptr %cols, ptr %rows, i64 %count, ptr %parts)
  br label %known
whole:
  call void @run(ptr %ws, ptr %cols, ptr %idx, i64 %n, ptr %parts)
  br label %known
known:"""
    module.functions.append(_loop("descend", call, plan.first_output, size))


def add_descent_by_row(module: Module, plan: Schedule, size: int) -> None:
    """``descend_one`` for ``size`` parameters: one row for each step."""
    module.declare("llvm.fabs.f64", "double @llvm.fabs.f64(double)")
    if _is_short(plan, size):
        module.functions.append(_Inline(module, plan, size, by_row=True).text("descend_one"))
        return
    module.functions.append(_one_row(plan, module))
    call = """  %place = getelementptr i64, ptr %idx, i64 %t
  %row = load i64, ptr %place
  call void @one(ptr %ws, ptr %cols, i64 %row)
  br label %known
known:"""
    module.functions.append(_loop("descend_one", call, plan.first_output, size))


def _is_short(plan: Schedule, size: int) -> bool:
    """Whether one step is a straight line that keeps theta in registers."""
    return size <= 16 and len(ordered(list(plan.outputs))) <= 1000


class _Inline:
    """The loop for a step that is one straight line: theta stays in registers."""

    def __init__(self, module: Module, plan: Schedule, size: int, by_row: bool) -> None:
        self.code = Code(1, module)
        self.plan, self.size, self.by_row = plan, size, by_row

    def text(self, name: str) -> str:
        """The whole function."""
        code = self.code
        starts = [self._load("%ws", 1 + j) for j in range(self.size)]
        limits = [self._load("%limits", k) for k in range(4)]
        values, columns = self._unmoved()
        code.emit("br label %head")
        code.begin("head")
        head = len(code.lines)
        t = code.new("phi")
        theta = [code.new("phi") for _ in range(self.size)]
        go = code.new(f"icmp slt i64 {t}, %steps")
        code.emit(f"br i1 {go}, label %evaluate, label %done")
        code.begin("evaluate")
        code.memo = {}
        outputs = self._outputs(t, theta, values, columns)
        self._store("%losses", t, outputs[0])
        good = code.compare("olt", code.abs(outputs[0]), code.num(float("inf")))
        good = code.both(good, code.compare("ole", outputs[0], limits[0]))
        good = code.both(good, code.compare("une", outputs[0], limits[1]))
        rate = self._load("%rates", t)
        following, moved = self._moved(t, theta, outputs[1:], rate, good, limits[3])
        turned = code.new(f"add i64 {t}, 1")
        still = code.compare("ogt", moved, limits[2])
        code.emit(f"br i1 {still}, label %head, label %stopped")
        last = code.block
        code.lines[head] = f"  {t} = phi i64 [ 0, %entry ], [ {turned}, %{last} ]"
        for j, (name_, start, new) in enumerate(zip(theta, starts, following, strict=True)):
            code.lines[head + 1 + j] = (
                f"  {name_} = phi double [ {start}, %entry ], [ {new}, %{last} ]"
            )
        code.begin("stopped")
        code.emit(f"ret i64 {turned}")
        code.begin("done")
        code.emit(f"ret i64 {t}")
        body = "\n".join(code.lines)
        return f"define i64 @{name}({_ARGUMENTS}) #0 {{\nentry:\n{body}\n}}"

    def _moved(
        self,
        t: str,
        theta: list[str],
        gradient: list[str],
        rate: str,
        good: str,
        flat: str,
    ) -> tuple[list[str], str]:
        """theta - rate*gradient, stored; the largest change. Leaves the loop if it must."""
        code = self.code
        following, moved, norm = [], code.num(0.0), code.num(0.0)
        base = code.new(f"mul i64 {t}, {self.size}")
        for j, (old, g) in enumerate(zip(theta, gradient, strict=True)):
            new = code.sub(old, code.mul(rate, g))
            far, steep = code.abs(code.sub(new, old)), code.abs(g)
            moved = code.select(code.compare("ugt", far, moved), far, moved)
            norm = code.select(code.compare("ugt", steep, norm), steep, norm)
            here = code.new(f"add i64 {base}, {j}")
            self._store("%gradients", here, g)
            self._store("%thetas", code.new(f"add i64 {here}, {self.size}"), new)
            following.append(new)
        for size in (moved, norm):
            good = code.both(good, code.compare("olt", size, code.num(float("inf"))))
        good = code.both(good, code.compare("ogt", norm, flat))
        code.emit(f"br i1 {good}, label %onward, label %done")
        code.begin("onward")
        return following, moved

    def _unmoved(self) -> tuple[dict[int, str], dict[int, str]]:
        """What does not change from step to step: fixed inputs, addresses of columns."""
        values: dict[int, str] = {}
        columns: dict[int, str] = {}
        for cell in ordered(list(self.plan.outputs)):
            if cell.op == "input" and cell.value > self.size:
                values[cell.serial] = self._load("%ws", int(cell.value))
            elif cell.op == "input" and cell.value == 0:
                rows = self.code.new("sitofp i64 %n to double")
                values[cell.serial] = self.code.num(1.0) if self.by_row else rows
            elif cell.op == "col" and cell.value not in columns:
                at = self.code.new(f"getelementptr ptr, ptr %cols, i64 {cell.value}")
                columns[cell.value] = self.code.new(f"load ptr, ptr {at}")
        return values, columns

    def _outputs(
        self, t: str, theta: list[str], fixed: dict[int, str], columns: dict[int, str]
    ) -> list[str]:
        """The value and the gradient at theta, on the row of step t or without rows."""
        code = self.code
        values = dict(fixed)
        row = ""
        if self.by_row:
            place = code.new(f"getelementptr i64, ptr %idx, i64 {t}")
            row = code.new(f"load i64, ptr {place}")
        for cell in ordered(list(self.plan.outputs)):
            if cell.op == "num" or cell.serial in values:
                continue
            if cell.op == "input":
                values[cell.serial] = theta[cell.value - 1]
            elif cell.op == "col":
                values[cell.serial] = self._load(columns[cell.value], row)
            elif cell.op in REDUCTIONS:
                values[cell.serial] = self._operand(cell.args[0], values)
            else:
                values[cell.serial] = emit_cell(code, cell, values)
        return [self._operand(cell, values) for cell in self.plan.outputs]

    def _operand(self, cell: Cell, values: dict[int, str]) -> str:
        return self.code.num(cell.value) if cell.op == "num" else values[cell.serial]

    def _load(self, base: str, place: str | int) -> str:
        at = self.code.new(f"getelementptr double, ptr {base}, i64 {place}")
        return self.code.new(f"load double, ptr {at}")

    def _store(self, base: str, place: str, value: str) -> None:
        at = self.code.new(f"getelementptr double, ptr {base}, i64 {place}")
        self.code.emit(f"store double {value}, ptr {at}")


def _loop(name: str, evaluate: str, output: int, size: int) -> str:
    """The loop over steps; the parameters are the slots 1 to ``size`` of the workspace."""
    return f"""define i64 @{name}({_ARGUMENTS}) #0 {{
entry:
  %theta = getelementptr double, ptr %ws, i64 1
  %value = getelementptr double, ptr %ws, i64 {output}
  %slope = getelementptr double, ptr %ws, i64 {output + 1}
  %ceiling = load double, ptr %limits
  %l1 = getelementptr double, ptr %limits, i64 1
  %equal = load double, ptr %l1
  %l2 = getelementptr double, ptr %limits, i64 2
  %screen = load double, ptr %l2
  %l3 = getelementptr double, ptr %limits, i64 3
  %flat = load double, ptr %l3
  br label %head
head:
  %t = phi i64 [ 0, %entry ], [ %next, %onward ]
  %go = icmp slt i64 %t, %steps
  br i1 %go, label %evaluate, label %done
evaluate:
{evaluate}
  %loss = load double, ptr %value
  %at = getelementptr double, ptr %losses, i64 %t
  store double %loss, ptr %at
  %rateat = getelementptr double, ptr %rates, i64 %t
  %rate = load double, ptr %rateat
  %offset = mul i64 %t, {size}
  %slopes = getelementptr double, ptr %gradients, i64 %offset
  %after = add i64 %offset, {size}
  %following = getelementptr double, ptr %thetas, i64 %after
  %losssize = call double @llvm.fabs.f64(double %loss)
  %finite = fcmp olt double %losssize, 0x7FF0000000000000
  %low = fcmp ole double %loss, %ceiling
  %other = fcmp une double %loss, %equal
  %fine1 = and i1 %finite, %low
  %fine2 = and i1 %fine1, %other
  br i1 %fine2, label %components, label %done
components:
  %j = phi i64 [ 0, %known ], [ %jn, %component ]
  %moved = phi double [ 0.0, %known ], [ %moved2, %component ]
  %norm = phi double [ 0.0, %known ], [ %norm2, %component ]
  %more = icmp slt i64 %j, {size}
  br i1 %more, label %component, label %decide
component:
  %gat = getelementptr double, ptr %slope, i64 %j
  %g = load double, ptr %gat
  %tat = getelementptr double, ptr %theta, i64 %j
  %old = load double, ptr %tat
  %part = fmul double %rate, %g
  %new = fsub double %old, %part
  %sat = getelementptr double, ptr %slopes, i64 %j
  store double %g, ptr %sat
  %fat = getelementptr double, ptr %following, i64 %j
  store double %new, ptr %fat
  %step = fsub double %new, %old
  %far = call double @llvm.fabs.f64(double %step)
  %steep = call double @llvm.fabs.f64(double %g)
  %further = fcmp ugt double %far, %moved
  %moved2 = select i1 %further, double %far, double %moved
  %steeper = fcmp ugt double %steep, %norm
  %norm2 = select i1 %steeper, double %steep, double %norm
  %jn = add i64 %j, 1
  br label %components
decide:
  %inside = fcmp olt double %norm, 0x7FF0000000000000
  %uneven = fcmp ogt double %norm, %flat
  %near = fcmp olt double %moved, 0x7FF0000000000000
  %ok1 = and i1 %inside, %uneven
  %ok2 = and i1 %ok1, %near
  br i1 %ok2, label %move, label %done
move:
  %k = phi i64 [ 0, %decide ], [ %kn, %moving ]
  %some = icmp slt i64 %k, {size}
  br i1 %some, label %moving, label %moved_all
moving:
  %source = getelementptr double, ptr %following, i64 %k
  %entry2 = load double, ptr %source
  %target = getelementptr double, ptr %theta, i64 %k
  store double %entry2, ptr %target
  %kn = add i64 %k, 1
  br label %move
moved_all:
  %next = add i64 %t, 1
  %still = fcmp ogt double %moved, %screen
  br i1 %still, label %onward, label %stopped
onward:
  br label %head
stopped:
  ret i64 %next
done:
  ret i64 %t
}}"""


def _one_row(plan: Schedule, module: Module) -> str:
    """``one(ws, cols, row)``: the outputs for a single row, without loops."""
    code = Code(1, module)
    values: dict[int, str] = {}
    columns: dict[int, str] = {}
    for cell in ordered(list(plan.outputs)):
        if cell.op == "num":
            continue
        values[cell.serial] = _value(code, cell, values, columns, plan)
    for k, cell in enumerate(plan.outputs):
        value = code.num(cell.value) if cell.op == "num" else values[cell.serial]
        at = code.new(f"getelementptr double, ptr %ws, i64 {plan.first_output + k}")
        code.emit(f"store double {value}, ptr {at}")
    body = "\n".join(code.lines)
    return (
        f"define internal void @one(ptr %ws, ptr %cols, i64 %row) noinline #0 "
        f"{{\nentry:\n{body}\n  ret void\n}}"
    )


def _value(
    code: Code, cell: Cell, values: dict[int, str], columns: dict[int, str], plan: Schedule
) -> str:
    if cell.op == "input":
        if cell.value == 0:
            return code.num(1.0)
        at = code.new(f"getelementptr double, ptr %ws, i64 {plan.slots[cell.serial]}")
        return code.new(f"load double, ptr {at}")
    if cell.op == "col":
        if cell.value not in columns:
            at = code.new(f"getelementptr ptr, ptr %cols, i64 {cell.value}")
            columns[cell.value] = code.new(f"load ptr, ptr {at}")
        place = code.new(f"getelementptr double, ptr {columns[cell.value]}, i64 %row")
        return code.new(f"load double, ptr {place}")
    if cell.op in REDUCTIONS:
        (term,) = cell.args
        return code.num(term.value) if term.op == "num" else values[term.serial]
    return emit_cell(code, cell, values)
