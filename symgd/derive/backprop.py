"""Backpropagation as a table: intermediate quantities, and their adjoints from last to first.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> print(backprop(derive(read("mean((X @ theta - y)^2)", wrt="theta"))))
forward                backward
u1 = X @ theta         dL/du1 = dL/du2
u2 = u1 - y            dL/du2 = 2/N*u2
L = mean(u2^2)         dL/dL = 1
                       dL/dtheta = X.T @ dL/du1
"""

from __future__ import annotations

import html
from dataclasses import dataclass

from symgd.derive.arrays import filled
from symgd.derive.partials import Partials
from symgd.derive.sweep import adjoints
from symgd.derive.tidy import tidy
from symgd.formula.functions import words
from symgd.formula.graph import Graph, Node, depends_on, rebuild, topological
from symgd.formula.latex import LatexStyle, name_latex
from symgd.formula.notation import written
from symgd.formula.pretty import IndexStyle

MARK = "adjoint_"
_ALWAYS = frozenset(
    words(
        "matmul outer solve inv softmax logsumexp norm norm1 det logdet trace maximum minimum "
        "where amax amin prod"
    )
)
_NEVER = frozenset(words("neg transpose getitem broadcast scatter diag"))


@dataclass(frozen=True)
class Row:
    """One quantity: its name, what it is, and its adjoint, in terms of the other names."""

    name: str
    value: Node
    adjoint: Node


@dataclass(frozen=True)
class Backprop:
    """The table of a loss: ``rows`` from first to last, ``gradients`` by parameter."""

    rows: tuple[Row, ...]
    gradients: tuple[Row, ...]

    def text(self) -> str:
        """Two columns: how the loss is computed, and the adjoints."""
        left = [f"{row.name} = {_text(row.value)}" for row in self.rows]
        right = [f"dL/d{row.name} = {_text(row.adjoint)}" for row in self.rows]
        left += [""] * len(self.gradients)
        right += [f"dL/d{row.name} = {_text(row.adjoint)}" for row in self.gradients]
        width = max(22, *(len(line) for line in left)) + 1
        lines = [f"{'forward':<{width}}backward"]
        lines += [f"{a:<{width}}{b}" for a, b in zip(left, right, strict=True)]
        return "\n".join(lines)

    def latex(self) -> str:
        """The same as an aligned block."""
        lines = [
            rf"{name_latex(r.name, (), len(r.value.shape))} &= {_latex(r.value)} & "
            rf"{_bar(r.name)} &= {_latex(r.adjoint)}"
            for r in self.rows
        ]
        lines += [rf"&& {_bar(r.name)} &= {_latex(r.adjoint)}" for r in self.gradients]
        body = " \\\\\n".join(lines)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def _repr_html_(self) -> str:
        head = "<tr><th>forward</th><th>backward</th></tr>"
        rows = [
            (f"{name_latex(r.name)} = {_latex(r.value)}", f"{_bar(r.name)} = {_latex(r.adjoint)}")
            for r in self.rows
        ]
        rows += [("", f"{_bar(r.name)} = {_latex(r.adjoint)}") for r in self.gradients]
        cells = "".join(
            "<tr>" + "".join(f"<td>${html.escape(c)}$</td>" if c else "<td></td>" for c in row)
            + "</tr>"
            for row in rows
        )  # fmt: skip
        return f"<table>{head}{cells}</table>"

    def __str__(self) -> str:
        return self.text()


def backprop(partials: Partials) -> Backprop:
    """The backpropagation view of a loss: every quantity, every adjoint, by local rules only."""
    symbols = [partials.problem.symbol(name) for name in partials.wrt]
    cuts = _cuts(partials.written, symbols)
    names = _names(partials, len(cuts))
    graph = Graph()
    graph.decimal = partials.written.graph.decimal
    new: dict[Node, Node] = {}
    values: list[Node] = []
    for cut, name in zip(cuts, names, strict=True):
        order = set(topological(cut))
        local = {n: v for n, v in new.items() if n in order}
        built = rebuild(topological(cut), local, graph)
        values.append(built[cut])
        new[cut] = graph.symbol(name, cut.shape)
    seeds = [graph.symbol(MARK + name, v.shape) for name, v in zip(names, values, strict=True)]
    places = [new[cut] for cut in cuts]
    rows = [
        Row(
            name,
            value,
            graph.number(1) if i == len(names) - 1 else _adjoint(places[i], i, values, seeds),
        )
        for i, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    gradients = [
        Row(str(s.value), graph.symbol(str(s.value), s.shape),
            _adjoint(graph.symbol(str(s.value), s.shape), -1, values, seeds))
        for s in symbols
    ]  # fmt: skip
    return Backprop(tuple(rows), tuple(gradients))


def _adjoint(place: Node, at: int, values: list[Node], seeds: list[Node]) -> Node:
    """The sum of what every later quantity passes back to ``place``."""
    graph = place.graph
    shares = []
    for j in range(at + 1, len(values)):
        if place not in topological(values[j]):
            continue
        seed = graph.number(1) if j == len(values) - 1 else seeds[j]
        found = adjoints(values[j], [place], seed).get(place)
        if found is not None and not found.is_number(0):
            shares.append(filled(found, place.shape))
    if not shares:
        return graph.number(0)
    total = shares[0] if len(shares) == 1 else graph.plus(*shares)
    return tidy(total, tuple(values))


def _cuts(loss: Node, symbols: list[Node]) -> list[Node]:
    """The quantities that get a name: functions, products of matrices, residuals, the loss."""
    order = topological(loss)
    active = depends_on(order, symbols)
    users: dict[Node, list[Node]] = {}
    for node in order:
        for arg in node.args:
            users.setdefault(arg, []).append(node)
    arrays = any(n.shape for n in order)
    found = []
    for node in order:
        if node is loss or (node in active and node.args and _is_cut(node, users, active, arrays)):
            found.append(node)
    return found


def _is_cut(node: Node, users: dict[Node, list[Node]], active: set[Node], arrays: bool) -> bool:
    if node.op in _NEVER:
        return False
    if node.op in _ALWAYS:
        return True
    if node.op in ("sum", "mean"):
        return False
    above = users.get(node, [])
    if node.op == "pow" and all(u.op in ("sum", "mean") for u in above):
        return False
    if node.op in ("mul", "div"):
        both = sum(a in active for a in node.args) == 2
        return (both and not (arrays and not node.shape)) or len(above) > 1
    if node.op == "add":
        return bool(node.shape) or not arrays
    return True


def _names(partials: Partials, count: int) -> list[str]:
    taken = {s.name for s in partials.problem.symbols}
    prefix = next(p for p in ("u", "v", "z", "q", "node") if not any(
        t.startswith(p) and t[1:].isdigit() for t in taken))  # fmt: skip
    last = "L" if "L" not in taken else "loss"
    return [f"{prefix}{i + 1}" for i in range(count - 1)] + [last]


class _TableStyle(IndexStyle):
    """``dL/du2`` for the adjoint of u2."""

    def name(self, name: str, letters: tuple[str, ...], rank: int) -> tuple[str, int]:
        if name.startswith(MARK):
            return f"dL/d{name.removeprefix(MARK)}", 8
        return super().name(name, letters, rank)


class _TableLatex(LatexStyle):
    def name(self, name: str, letters: tuple[str, ...], rank: int) -> tuple[str, int]:
        if name.startswith(MARK):
            return _bar(name.removeprefix(MARK)), 8
        return super().name(name, letters, rank)


def _bar(name: str) -> str:
    return rf"\frac{{\partial L}}{{\partial {name_latex(name)}}}"


def _text(node: Node) -> str:
    return written(node, _TableStyle(), "array")


def _latex(node: Node) -> str:
    return written(node, _TableLatex(), "array")
