"""The normal equations in matrix form: ``theta = (X'X)^-1 X'y``.

The gradient of a quadratic loss by a vector is A theta - b with A a sum of products of matrices;
both are read off the graph.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> d = derive(read("mean((X @ theta - y)^2) + 3*sum(theta^2)"))
>>> found = matrix_form(d.raw["theta"], d.problem.symbol("theta"))
>>> print(found.text)
theta = (X'X + 3*N*I)^-1 X'y
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symgd.algebra.bridge import to_sympy
from symgd.errors import UnsupportedError
from symgd.formula.graph import Node, depends_on, topological
from symgd.formula.latex import name_latex, to_latex
from symgd.formula.text import to_text


@dataclass(frozen=True)
class MatrixForm:
    """The solution as text and as LaTeX."""

    text: str
    latex: str


@dataclass(frozen=True)
class Term:
    """``factor * matrices[0] @ ... @ vector``; the vector of a linear term is theta."""

    factor: Any
    matrices: tuple[Node, ...]
    vector: Node

    def scaled(self, factor: Any) -> Term:
        return Term(self.factor * factor, self.matrices, self.vector)


def matrix_form(gradient: Node, theta: Node) -> MatrixForm | None:
    """The zero of a gradient that is affine in the vector ``theta``; ``None`` if it is not."""
    order = topological(gradient)
    active = depends_on(order, [theta])
    found: dict[Node, list[Term]] = {}
    try:
        for node in order:
            if node in active:
                found[node] = _terms(node, found, active, theta)
    except UnsupportedError:
        return None
    terms = found.get(gradient, [])
    left = _collected([t for t in terms if t.vector is theta])
    right = _collected([t.scaled(-1) for t in terms if t.vector is not theta])
    if not left:
        return None
    lead = left[0].factor
    left, right = ([t.scaled(1 / lead) for t in side] for side in (left, right))
    if not right:
        return MatrixForm(f"{theta.value} = 0", rf"{to_latex(theta)} = 0")
    sides = []
    for mode in (False, True):
        inverse = _sum([_operator(t) for t in left], mode)
        vector = _sum([_applied(t) for t in right], mode)
        many, lone = len(right) > 1, inverse == "I"
        bracket = (r"\left(", r"\right)") if mode else ("(", ")")
        if many and not lone:
            vector = f"{bracket[0]}{vector}{bracket[1]}"
        power = "^{-1}" if mode else "^-1"
        sides.append(vector if lone else f"{bracket[0]}{inverse}{bracket[1]}{power} {vector}")
    return MatrixForm(f"{theta.value} = {sides[0]}", f"{to_latex(theta)} = {sides[1]}")


def _terms(node: Node, found: dict[Node, list[Term]], active: set[Node], theta: Node) -> list[Term]:
    """The terms of an active node from those of its arguments."""
    if node is theta:
        return [Term(sp.Integer(1), (), theta)]
    parts = [found.get(a) for a in node.args]
    if node.op == "add":
        if any(a.shape != node.shape for a in node.args):
            raise UnsupportedError("a number is added to a vector")
        return [
            t
            for own, arg in zip(parts, node.args, strict=True)
            for t in (_constant(arg) if own is None else own)
        ]
    if node.op == "neg":
        return [t.scaled(-1) for t in parts[0] or []]
    if node.op in ("mul", "div"):
        return _product(node, parts)
    if node.op == "matmul" and parts[0] is None and len(node.args[0].shape) == 2:
        return [Term(t.factor, (node.args[0], *t.matrices), t.vector) for t in parts[1] or []]
    raise UnsupportedError(f"{node.op} is not a product of matrices")


def _constant(node: Node) -> list[Term]:
    """A constant vector as terms: signs and scalar factors taken out."""
    done: list[Term] = []
    stack = [(sp.Integer(1), node)]
    while stack:
        factor, part = stack.pop()
        if part.op == "neg":
            stack.append((-factor, part.args[0]))
        elif part.op == "add" and all(a.shape == part.shape for a in part.args):
            stack.extend((factor, a) for a in reversed(part.args))
        elif part.op == "mul" and not part.args[0].shape:
            stack.append((factor * to_sympy(part.args[0]), part.args[1]))
        else:
            done.append(Term(factor, (), part))
    return done


def _collected(terms: list[Term]) -> list[Term]:
    """Terms with the same matrices and vector added up; zeros dropped."""
    total: dict[tuple[tuple[Node, ...], Node], Any] = {}
    for term in terms:
        key = (term.matrices, term.vector)
        total[key] = total.get(key, sp.Integer(0)) + term.factor
    simple = ((key, sp.simplify(factor)) for key, factor in total.items())
    return [Term(factor, *key) for key, factor in simple if factor != 0]


def _product(node: Node, parts: list[list[Term] | None]) -> list[Term]:
    first, second = node.args
    if node.op == "div":
        if parts[1] is not None or second.shape:
            raise UnsupportedError("a division by theta or by a vector")
        return [t.scaled(1 / to_sympy(second)) for t in parts[0] or []]
    if parts[0] is not None and parts[1] is not None:
        raise UnsupportedError("not linear")
    constant, terms = (first, parts[1]) if parts[0] is None else (second, parts[0])
    if not constant.shape:
        return [t.scaled(to_sympy(constant)) for t in terms or []]
    weight = constant.graph.make("diag", constant)
    return [Term(t.factor, (weight, *t.matrices), t.vector) for t in terms or []]


# -- printing -------------------------------------------------------------------------------------

Shown = tuple[Any, str, str]
"""A factor, and what it multiplies as text and as LaTeX."""


def _operator(term: Term) -> Shown:
    text = " ".join(_matrix(m, False) for m in term.matrices) or "I"
    return term.factor, _tight(text), " ".join(_matrix(m, True) for m in term.matrices) or "I"


def _applied(term: Term) -> Shown:
    text = " ".join([*(_matrix(m, False) for m in term.matrices), _bracketed(term.vector)])
    tex = " ".join([*(_matrix(m, True) for m in term.matrices), to_latex(term.vector, index=False)])
    return term.factor, _tight(text), tex


def _tight(text: str) -> str:
    """``X' X`` as X'X."""
    return text.replace("' ", "'")


def _matrix(node: Node, latex: bool) -> str:
    if latex:
        return to_latex(node, index=False)
    if node.op == "transpose":
        return f"{_bracketed(node.args[0])}'"
    return _bracketed(node)


def _bracketed(node: Node) -> str:
    text = to_text(node)
    return text if node.op in ("sym", "diag") else f"({text})"


def _sum(shown: list[Shown], latex: bool) -> str:
    text = ""
    for factor, plain, tex in shown:
        factor = sp.simplify(factor)
        negative = factor.could_extract_minus_sign()
        size = -factor if negative else factor
        number = "" if size == 1 else _latex(size) + " " if latex else sp.sstr(size) + "*"
        sign = ("-" if negative else "") if not text else (" - " if negative else " + ")
        text += sign + number.replace("**", "^") + (tex if latex else plain)
    return text


def _latex(factor: Any) -> str:
    """A factor with its names in the spelling of the house."""
    names = {s: name_latex(s.name) for s in factor.free_symbols}
    return str(sp.latex(factor, symbol_names=names))
