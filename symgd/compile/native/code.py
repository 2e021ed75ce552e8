"""LLVM IR as text: one instruction after the other, on vectors or on single doubles.

A :class:`Code` is the body of one function in the making. Its arithmetic methods take and
give operands (``"%t7"`` or a constant) and work on ``lanes`` doubles at once; with one lane
they are plain doubles, so that every elementary function is written only once.

>>> code = Code(lanes=1, module=Module())
>>> code.add(code.num(1.0), "%x")
'%t1'
>>> code.lines
['  %t1 = fadd double 0x3FF0000000000000, %x']
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Module:
    """What the functions of one module share: declarations and small helper functions."""

    declared: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)

    def declare(self, name: str, signature: str) -> None:
        """An outside function, as ``double (double)`` written ``double @name(double)``."""
        self.declared.setdefault(name, f"declare {signature}")

    def text(self) -> str:
        """The whole module."""
        pieces = [*self.declared.values(), *self.helpers.values(), *self.functions]
        return "\n".join(pieces) + "\n"


class Code:
    """The instructions of one LLVM function on vectors of ``lanes`` doubles."""

    def __init__(self, lanes: int, module: Module) -> None:
        self.lanes, self.module = lanes, module
        self.real = "double" if lanes == 1 else f"<{lanes} x double>"
        self.whole = "i64" if lanes == 1 else f"<{lanes} x i64>"
        self.bit = "i1" if lanes == 1 else f"<{lanes} x i1>"
        self.suffix = "f64" if lanes == 1 else f"v{lanes}f64"
        self.lines: list[str] = []
        self.block = "entry"
        self.memo: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._count = 0

    # -- plumbing ---------------------------------------------------------------------------

    def emit(self, text: str) -> None:
        """One instruction without a result."""
        self.lines.append("  " + text)

    def new(self, text: str) -> str:
        """One instruction; the name of its result."""
        self._count += 1
        name = f"%t{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def narrowed(self, lanes: int) -> Code:
        """The same function, continued on vectors of ``lanes`` doubles."""
        narrow = Code(lanes, self.module)
        narrow.lines, narrow.block, narrow._count = self.lines, self.block, self._count
        return narrow

    def label(self, stem: str) -> str:
        """A fresh block label."""
        self._count += 1
        return f"{stem}{self._count}"

    def begin(self, label: str) -> None:
        """Start the block ``label``; what was computed elsewhere is not reused in it."""
        self.lines.append(f"{label}:")
        self.block = label

    def num(self, value: float) -> str:
        """A constant in every lane."""
        (bits,) = struct.unpack("<Q", struct.pack("<d", value))
        text = f"0x{bits:016X}"
        return text if self.lanes == 1 else f"splat (double {text})"

    def int(self, value: int) -> str:
        """A 64-bit whole number in every lane."""
        return str(value) if self.lanes == 1 else f"splat (i64 {value})"

    # -- arithmetic ---------------------------------------------------------------------------

    def _two(self, op: str, kind: str, a: str, b: str) -> str:
        return self.new(f"{op} {kind} {a}, {b}")

    def add(self, a: str, b: str) -> str:
        return self._two("fadd", self.real, a, b)

    def sub(self, a: str, b: str) -> str:
        return self._two("fsub", self.real, a, b)

    def mul(self, a: str, b: str) -> str:
        return self._two("fmul", self.real, a, b)

    def div(self, a: str, b: str) -> str:
        return self._two("fdiv", self.real, a, b)

    def neg(self, a: str) -> str:
        return self.new(f"fneg {self.real} {a}")

    def _intrinsic(self, name: str, *args: str) -> str:
        kinds = ", ".join([self.real] * len(args))
        full = f"llvm.{name}.{self.suffix}"
        self.module.declare(full, f"{self.real} @{full}({kinds})")
        return self.new(f"call {self.real} @{full}({', '.join(f'{self.real} {a}' for a in args)})")

    def fma(self, a: str, b: str, c: str) -> str:
        """a*b + c with one rounding."""
        return self._intrinsic("fma", a, b, c)

    def sqrt(self, a: str) -> str:
        return self._intrinsic("sqrt", a)

    def abs(self, a: str) -> str:
        return self._intrinsic("fabs", a)

    def with_sign(self, size: str, sign: str) -> str:
        """The size of one with the sign of the other."""
        return self._intrinsic("copysign", size, sign)

    def poly(self, x: str, coefficients: Sequence[float]) -> str:
        """c0 + c1 x + c2 x^2 + ..., in Estrin's order: a short chain of dependences."""
        terms = [self.num(c) for c in coefficients]
        while len(terms) > 1:
            pairs = [
                self.fma(terms[i + 1], x, terms[i]) if i + 1 < len(terms) else terms[i]
                for i in range(0, len(terms), 2)
            ]
            terms = pairs
            if len(terms) > 1:
                x = self.mul(x, x)
        return terms[0]

    def two_sum(self, a: str, b: str) -> tuple[str, str]:
        """a + b as a rounded sum and its exact error (Knuth)."""
        total = self.add(a, b)
        part = self.sub(total, a)
        return total, self.add(self.sub(a, self.sub(total, part)), self.sub(b, part))

    # -- truth --------------------------------------------------------------------------------

    def compare(self, how: str, a: str, b: str) -> str:
        """``how`` is LLVM's: olt, ole, ogt, oge, oeq, une, uno, ..."""
        return self._two(f"fcmp {how}", self.real, a, b)

    def select(self, condition: str, then: str, otherwise: str) -> str:
        return self.new(
            f"select {self.bit} {condition}, {self.real} {then}, {self.real} {otherwise}"
        )

    def both(self, a: str, b: str) -> str:
        return self._two("and", self.bit, a, b)

    def either(self, a: str, b: str) -> str:
        return self._two("or", self.bit, a, b)

    def opposite(self, a: str) -> str:
        true = "true" if self.lanes == 1 else "splat (i1 true)"
        return self._two("xor", self.bit, a, true)

    def as_real(self, condition: str) -> str:
        """1 where the condition holds, else 0."""
        return self.select(condition, self.num(1.0), self.num(0.0))

    # -- bits ---------------------------------------------------------------------------------

    def bits(self, a: str) -> str:
        """The 64 bits of a double as a whole number."""
        return self.new(f"bitcast {self.real} {a} to {self.whole}")

    def from_bits(self, a: str) -> str:
        return self.new(f"bitcast {self.whole} {a} to {self.real}")

    def integer(self, op: str, a: str, b: str) -> str:
        """``add``, ``sub``, ``and``, ``or``, ``shl``, ``ashr``, ``lshr`` of whole numbers."""
        return self._two(op, self.whole, a, b)

    def is_zero(self, a: str) -> str:
        return self.new(f"icmp eq {self.whole} {a}, {self.int(0)}")

    def selected_int(self, condition: str, then: str, otherwise: str) -> str:
        return self.new(
            f"select {self.bit} {condition}, {self.whole} {then}, {self.whole} {otherwise}"
        )

    # -- the C library, lane by lane --------------------------------------------------------

    def outside(self, name: str, *args: str) -> str:
        """A function of the C library of one or two doubles, called for each lane."""
        kinds = ", ".join(["double"] * len(args))
        self.module.declare(name, f"double @{name}({kinds})")
        target = name
        if self.lanes > 1:
            target = f"each_{name}_{self.lanes}"
            if target not in self.module.helpers:
                self.module.helpers[target] = _each(target, name, self.lanes, len(args))
        given = ", ".join(f"{self.real} {a}" for a in args)
        return self.new(f"call {self.real} @{target}({given})")

    def any_lane(self, condition: str) -> str:
        """Whether the condition holds in some lane, as i1."""
        if self.lanes == 1:
            return condition
        name = f"llvm.vector.reduce.or.v{self.lanes}i1"
        self.module.declare(name, f"i1 @{name}({self.bit})")
        return self.new(f"call i1 @{name}({self.bit} {condition})")


def _each(target: str, name: str, lanes: int, count: int) -> str:
    """A helper that calls a scalar function for every lane."""
    kind = f"<{lanes} x double>"
    given = ", ".join(f"{kind} %a{k}" for k in range(count))
    lines = [f"define internal {kind} @{target}({given}) noinline {{"]
    made = "undef"
    for lane in range(lanes):
        for k in range(count):
            lines.append(f"  %a{k}_{lane} = extractelement {kind} %a{k}, i32 {lane}")
        args = ", ".join(f"double %a{k}_{lane}" for k in range(count))
        lines.append(f"  %r{lane} = call double @{name}({args})")
        lines.append(f"  %v{lane} = insertelement {kind} {made}, double %r{lane}, i32 {lane}")
        made = f"%v{lane}"
    return "\n".join([*lines, f"  ret {kind} {made}", "}"])
