"""How a gradient was proved.

Four derivations that share no code are compared for every partial derivative:
the reverse sweep, the forward walk that the steps tell, SymPy's own ``diff`` of
the formula as written, and a difference quotient at many digits. If two of them
disagree the result is withheld (:class:`~symgd.errors.ProofError`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from symgd.algebra.witness import is_zero, sympy_derivative
from symgd.check.points import points
from symgd.compile.exact import evaluate, numbers
from symgd.derive.forward import tangents
from symgd.derive.partials import Partials
from symgd.derive.rules import RULES
from symgd.errors import ProofError, UnsupportedError
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.text import to_text

DIGITS = 60
AGREE = 25
MAX_NODES = 5_000


@dataclass(frozen=True)
class Proof:
    """What is known about one partial derivative.

    ``forward``: sweep and forward walk are equal. ``sympy``: "proved" (exactly),
    "agrees" (at the points) or why SymPy cannot take part. ``numeric``: points at
    which a difference quotient agrees to ``digits`` digits.
    """

    name: str
    forward: bool
    sympy: str
    numeric: int
    digits: int

    def __str__(self) -> str:
        said = f"{self.name}: sweep = forward walk"
        said += {"proved": " = SymPy", "agrees": " = SymPy (at the points)"}.get(self.sympy, "")
        if self.numeric:
            said += (
                f"; a difference quotient agrees at {self.numeric} points to {self.digits} digits"
            )
        if self.sympy not in ("proved", "agrees"):
            said += f"; SymPy takes no part: {self.sympy}"
        return said


@dataclass(frozen=True)
class Certificate:
    """The proofs of all partials, the rules that were used, and where they hold.

    ``domain`` lists (sub-formula, condition) for every place where the derivative
    does not exist or a subgradient is used.
    """

    proofs: tuple[Proof, ...]
    rules: tuple[str, ...]
    domain: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = [str(proof) for proof in self.proofs]
        lines += [f"{formula}: where {condition}" for formula, condition in self.domain]
        lines.append("rules: " + ", ".join(self.rules))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from symgd.show.notebook import certificate_html

        return certificate_html(self)


def certify(
    partials: Partials, names: tuple[str, ...] | None = None, tries: int = 3
) -> Certificate:
    """Prove the partial derivatives; :class:`ProofError` if two derivations disagree."""
    order = topological(partials.written)
    if len(order) > MAX_NODES:
        raise UnsupportedError(
            f"a formula of {len(order):,} operations is too large to certify point by point"
        )
    chosen = names or partials.wrt
    proofs = tuple(_prove(partials, name, tries) for name in chosen)
    active = depends_on(order, [partials.problem.symbol(n) for n in chosen])
    used = dict.fromkeys(RULES[n.op].name for n in order if n in active and n.op in RULES)
    return Certificate(proofs, tuple(used), tuple(_domain(order, active)))


def places(partials: Partials) -> tuple[tuple[str, str], ...]:
    """(sub-formula, condition) wherever the derivative needs one: what ``domain`` lists.

    >>> from symgd.derive.partials import derive
    >>> from symgd.formula.problem import read
    >>> places(derive(read("log(x)")))
    (('log(x)', 'the argument is positive'),)
    """
    order = topological(partials.written)
    active = depends_on(order, [partials.problem.symbol(n) for n in partials.wrt])
    return tuple(_domain(order, active))


def _domain(order: list[Node], active: set[Node]) -> Iterator[tuple[str, str]]:
    for node in order:
        if node not in active or node.op not in RULES:
            continue
        condition = RULES[node.op].domain
        if node.op == "div" and node.args[1] not in active and node.args[1].op in ("num", "dim"):
            continue
        if node.op == "sqrt" and node.args[0].op == "pow" and node.args[0].args[1].is_number(2):
            condition = RULES["abs"].domain
        if node.op == "pow":
            condition = _power_domain(node)
        if condition:
            yield to_text(node), condition


def _power_domain(node: Node) -> str | None:
    exponent = node.args[1]
    if exponent.op != "num":
        return None if node.args[0].op in ("num", "const") else "the base is positive"
    if exponent.value.denominator != 1:
        return "the base is positive"
    return "the base is not 0" if exponent.value < 0 else None


def _prove(partials: Partials, name: str, tries: int) -> Proof:
    symbol = partials.problem.symbol(name)
    swept = partials.raw[name]
    written, graph = partials.written, partials.written.graph
    direction = (
        graph.number(1) if not symbol.shape else graph.symbol("change of " + name, symbol.shape)
    )
    walked = tangents(written, {symbol: direction}).get(written, graph.number(0))
    along = swept * direction
    if along.shape:
        along = graph.make("sum", along, value=(None, False))
    try:
        own = sympy_derivative(written, name)
        witness: Node | None = own
        sympy_says = "agrees"
        if is_zero(own - along):
            sympy_says = "proved"
    except UnsupportedError as error:
        witness, sympy_says = None, str(error)
    checked = 0
    for values, sizes in _some(points(partials.problem), 40):
        values = _with_direction(values, name, symbol.shape)
        found = _at(written, along, walked, witness, name, values, sizes)
        if found is None:
            continue
        _compare(name, found, values)
        checked += 1
        if checked == tries:
            break
    return Proof(name, True, sympy_says, checked, AGREE)


def _some(source: Iterator[Any], count: int) -> Iterator[Any]:
    for _ in range(count):
        yield next(source)


def _with_direction(values: dict[str, Any], name: str, shape: tuple[Any, ...]) -> dict[str, Any]:
    if not shape:
        return values
    flat = np.array(values[name], dtype=object)
    steps = np.array([(7 * i) % 5 - 2 or 3 for i in range(flat.size)], dtype=object)
    return {**values, "change of " + name: steps.reshape(flat.shape).tolist()}


def _at(
    written: Node, swept: Node, walked: Node, witness: Node | None, name: str,
    values: dict[str, Any], sizes: dict[str, int],
) -> dict[str, Any] | None:  # fmt: skip
    """The derivative four times at one point; ``None`` where the formula is not defined."""
    roots = [swept, walked, *([witness] if witness is not None else [])]
    try:
        results = evaluate(roots, values, sizes, DIGITS)
        quotient = _quotient(written, name, values, sizes)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    found = {"the reverse sweep": results[0], "the forward walk": results[1]}
    if witness is not None:
        found["SymPy"] = results[2]
    found["a difference quotient"] = quotient
    return {who: _number(value) for who, value in found.items()}


def _number(value: Any) -> Any:
    return value.reshape(-1)[0] if isinstance(value, np.ndarray) else value


def _quotient(written: Node, name: str, values: dict[str, Any], sizes: dict[str, int]) -> Any:
    """(f(x + h v) - f(x - h v))/2h with h = 10^-20 at 80 digits."""
    with mpmath.mp.workdps(DIGITS + 20):
        step = mpmath.mpf(10) ** -20
        move = (
            numbers(values["change of " + name]) * step if "change of " + name in values else step
        )
        base = numbers(values[name])
        sides = [
            evaluate([written], {**values, name: base + sign * move}, sizes, DIGITS + 20)[0]
            for sign in (1, -1)
        ]
        return (_number(sides[0]) - _number(sides[1])) / (2 * step)


def _compare(name: str, found: dict[str, Any], values: dict[str, Any]) -> None:
    (first, expected), *rest = found.items()
    scale = max(1, *(abs(v) for v in found.values()))
    for who, value in rest:
        if abs(value - expected) > scale * mpmath.mpf(10) ** -AGREE:
            raise ProofError(
                f"d/d{name}: {first} gives {mpmath.nstr(expected, 12)}, {who} gives "
                f"{mpmath.nstr(value, 12)}; this is a bug in symgd, please report the formula"
            )
