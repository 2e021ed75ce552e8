"""The whole module of a program: numbers, passes and the function that runs them in order.

| function | arguments | does |
|---|---|---|
| ``numbers_s`` | ws | the single numbers of stage s |
| ``rows_s`` | ws, cols, idx, begin, end, part | partial sums over some rows |
| ``span_s`` | ws, cols, idx, n, first, last, parts | the same for the parts first..last-1 |
| ``join_s`` | ws, parts, count | the sums of all parts, into the workspace |
| ``run`` | ws, cols, idx, n, parts | all of it on one thread |
| ``enter`` | the address of these five | the same: one argument is passed fastest |

Rows are cut into parts of :data:`PART` rows whatever the number of threads, so that the result
does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable

from symgd.compile.native import functions
from symgd.compile.native.cells import Cell
from symgd.compile.native.code import Code, Module
from symgd.compile.native.rows import RowLoop, Shape, emit_cell, unrolled
from symgd.compile.native.schedule import Schedule

PART = 1 << 15
_WIDE = '"min-legal-vector-width"="512" "prefer-vector-width"="512"'


def module_text(
    plan: Schedule, lanes: int, gather: bool = False, extra: Callable[[Module], None] | None = None
) -> str:
    """The LLVM IR of a schedule, for vectors of ``lanes`` doubles.

    ``extra`` may add functions that call these.
    """
    module = Module()
    for stage, chunks in enumerate(plan.numbers):
        for k, chunk in enumerate(chunks):
            module.functions.append(_chunk(f"numbers_{stage}_{k}", chunk, plan, module))
        last = stage == len(plan.passes)
        module.functions.append(_numbers(stage, len(chunks), plan if last else None, module))
    for stage, one in enumerate(plan.passes):
        shape = Shape(lanes, unrolled(one, lanes), gather)
        loop = RowLoop(one, plan.slots, shape, module)
        module.functions.append(loop.text(f"rows_{stage}"))
        count = len(one.reductions)
        module.functions.append(_SPAN.format(stage=stage, part=PART, stride=2 * count))
        module.functions.append(_join(stage, one.reductions, plan, module))
    module.functions.append(_run(len(plan.passes)))
    module.functions.append(_ENTER)
    if extra is not None:
        extra(module)
    wide = _WIDE if lanes == 8 else ""
    return module.text() + f"attributes #0 = {{ nounwind {wide} }}\n"


_SPAN = """define void @span_{stage}(ptr %ws, ptr %cols, ptr %idx, i64 %n, i64 %first, i64 %last,
    ptr %parts) #0 {{
entry:
  br label %head
head:
  %q = phi i64 [ %first, %entry ], [ %next, %body ]
  %go = icmp slt i64 %q, %last
  br i1 %go, label %body, label %done
body:
  %begin = mul i64 %q, {part}
  %reach = add i64 %begin, {part}
  %inside = icmp slt i64 %reach, %n
  %end = select i1 %inside, i64 %reach, i64 %n
  %offset = mul i64 %q, {stride}
  %part = getelementptr double, ptr %parts, i64 %offset
  call void @rows_{stage}(ptr %ws, ptr %cols, ptr %idx, i64 %begin, i64 %end, ptr %part)
  %next = add i64 %q, 1
  br label %head
done:
  ret void
}}"""


_ENTER = """define void @enter(ptr %frame) #0 {
entry:
  %ws = load ptr, ptr %frame
  %a1 = getelementptr i64, ptr %frame, i64 1
  %cols = load ptr, ptr %a1
  %a2 = getelementptr i64, ptr %frame, i64 2
  %idx = load ptr, ptr %a2
  %a3 = getelementptr i64, ptr %frame, i64 3
  %n = load i64, ptr %a3
  %a4 = getelementptr i64, ptr %frame, i64 4
  %parts = load ptr, ptr %a4
  call void @run(ptr %ws, ptr %cols, ptr %idx, i64 %n, ptr %parts)
  ret void
}"""


def _slot(code: Code, place: int) -> str:
    return code.new(f"getelementptr double, ptr %ws, i64 {place}")


def _chunk(name: str, chunk: tuple[Cell, ...], plan: Schedule, module: Module) -> str:
    """One function of single numbers."""
    code = Code(1, module)
    values: dict[int, str] = {}
    mine = {cell.serial for cell in chunk}
    for cell in chunk:
        for a in cell.args:
            if a.op != "num" and a.serial not in mine and a.serial not in values:
                values[a.serial] = _loaded(code, a, plan)
        values[cell.serial] = emit_cell(code, cell, values)
        if cell.serial in plan.slots:
            value = code.as_real(values[cell.serial]) if cell.truth else values[cell.serial]
            code.emit(f"store double {value}, ptr {_slot(code, plan.slots[cell.serial])}")
    body = "\n".join(code.lines)
    return f"define internal void @{name}(ptr %ws) noinline #0 {{\nentry:\n{body}\n  ret void\n}}"


def _loaded(code: Code, cell: Cell, plan: Schedule) -> str:
    value = code.new(f"load double, ptr {_slot(code, plan.slots[cell.serial])}")
    return code.compare("une", value, code.num(0.0)) if cell.truth else value


def _numbers(stage: int, count: int, plan: Schedule | None, module: Module) -> str:
    """All chunks of a stage; after the last stage the outputs are put in their places."""
    code = Code(1, module)
    for k in range(count):
        code.emit(f"call void @numbers_{stage}_{k}(ptr %ws)")
    if plan is not None:
        for k, cell in enumerate(plan.outputs):
            value = code.num(cell.value) if cell.op == "num" else _loaded(code, cell, plan)
            code.emit(f"store double {value}, ptr {_slot(code, plan.first_output + k)}")
    body = "\n".join(code.lines)
    return f"define void @numbers_{stage}(ptr %ws) #0 {{\nentry:\n{body}\n  ret void\n}}"


def _join(stage: int, reductions: tuple[Cell, ...], plan: Schedule, module: Module) -> str:
    """The results of a pass from its parts."""
    code = Code(1, module)
    for k, cell in enumerate(reductions):
        helper = _join_helper(module, cell.op)
        at = code.new(f"getelementptr double, ptr %parts, i64 {2 * k}")
        value = code.new(f"call double @{helper}(ptr {at}, i64 %count, i64 {2 * len(reductions)})")
        code.emit(f"store double {value}, ptr {_slot(code, plan.slots[cell.serial])}")
    body = "\n".join(code.lines)
    return (
        f"define void @join_{stage}(ptr %ws, ptr %parts, i64 %count) #0 "
        f"{{\nentry:\n{body}\n  ret void\n}}"
    )


def _join_helper(module: Module, op: str) -> str:
    """A function that joins the (total, error) pairs of all parts."""
    name = f"join_{op}"
    if name in module.helpers:
        return name
    code = Code(1, module)
    code.emit("%high0 = load double, ptr %parts")
    code.emit("%second = getelementptr double, ptr %parts, i64 1")
    code.emit("%low0 = load double, ptr %second")
    code.emit("br label %head")
    code.begin("head")
    code.emit("%q = phi i64 [ 1, %entry ], [ %next, %body ]")
    code.emit("%high = phi double [ %high0, %entry ], [ %high1, %body ]")
    code.emit("%low = phi double [ %low0, %entry ], [ %low1, %body ]")
    code.emit("%go = icmp slt i64 %q, %count")
    code.emit("br i1 %go, label %body, label %done")
    code.begin("body")
    code.emit("%offset = mul i64 %q, %stride")
    code.emit("%at = getelementptr double, ptr %parts, i64 %offset")
    code.emit("%after = getelementptr double, ptr %at, i64 1")
    code.emit("%h = load double, ptr %at")
    code.emit("%l = load double, ptr %after")
    if op == "rsum":
        total, error = code.two_sum("%high", "%h")
        low = code.add(code.add("%low", "%l"), error)
    elif op == "rprod":
        total, low = code.mul("%high", "%h"), "%low"
    else:
        join = functions.maximum if op == "rmax" else functions.minimum
        total, low = join(code, "%high", "%h"), "%low"
    code.emit(f"%high1 = fadd double {total}, 0x8000000000000000")
    code.emit(f"%low1 = fadd double {low}, 0x8000000000000000")
    code.emit("%next = add i64 %q, 1")
    code.emit("br label %head")
    code.begin("done")
    whole = code.add("%high", "%low")
    finite = code.compare("olt", code.abs("%low"), code.num(float("inf")))
    code.emit(f"ret double {code.select(finite, whole, '%high')}")
    body = "\n".join(code.lines)
    module.helpers[name] = (
        f"define internal double @{name}(ptr %parts, i64 %count, i64 %stride) noinline #0 "
        f"{{\nentry:\n{body}\n}}"
    )
    return name


def _run(stages: int) -> str:
    lines = [
        "define void @run(ptr %ws, ptr %cols, ptr %idx, i64 %n, ptr %parts) #0 {",
        "entry:",
        "  %rows = sitofp i64 %n to double",
        "  store double %rows, ptr %ws",
        f"  %more = add i64 %n, {PART - 1}",
        f"  %count = sdiv i64 %more, {PART}",
    ]
    for stage in range(stages):
        lines += [
            f"  call void @numbers_{stage}(ptr %ws)",
            f"  call void @span_{stage}(ptr %ws, ptr %cols, ptr %idx, i64 %n, i64 0, "
            "i64 %count, ptr %parts)",
            f"  call void @join_{stage}(ptr %ws, ptr %parts, i64 %count)",
        ]
    return "\n".join([*lines, f"  call void @numbers_{stages}(ptr %ws)", "  ret void", "}"])
