"""Reading a claim with the same eyes as the formula it is about.

The names of the claim have the roles and shapes that they have in the formula; ``N``
and ``n`` count its rows; a left side such as ``dL/dm =`` is dropped. A name that the
formula does not have is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symgd.check.texts import as_text
from symgd.derive.expand import without_derivatives
from symgd.derive.partials import Partials, derive
from symgd.errors import NameProblem, SymgdError
from symgd.formula.graph import Graph, Node, topological
from symgd.formula.problem import Problem, read
from symgd.formula.reading import ROW_COUNTS
from symgd.formula.shapes import Shape

_WORD = re.compile(r"[^\W\d]\w*")
Columns = Iterable[str] | Mapping[str, Shape | None] | None


def read_text(text: str, latex: bool = False, **options: Any) -> Problem:
    """A formula as text, or as LaTeX if it has a backslash or is said to be LaTeX."""
    if "\\" in as_text(text, "a formula") or latex:
        from symgd.formula.latex_read import read_latex

        return read_latex(text, **options)
    return read(text, **options)


@dataclass
class Subject:
    """The formula that claims are about, and how its names are read.

    ``also`` are further names with their shapes (definitions of a derivation). Claims about
    a formula in LaTeX may be LaTeX without a backslash (``Xw`` is then a product).
    """

    problem: Problem
    constants: Mapping[str, float] | None = None
    also: dict[str, Shape] = field(default_factory=dict)
    found: dict[str, Partials] = field(default_factory=dict)
    latex: bool = False

    def __post_init__(self) -> None:
        self.problem = with_one_row_count(self.problem)

    @property
    def graph(self) -> Graph:
        return self.problem.root.graph

    @property
    def formula(self) -> Node:
        """The formula with ``d/dx`` carried out."""
        return without_derivatives(self.problem.root)

    def symbols(self) -> tuple[tuple[str, Shape], ...]:
        """All names with their shapes."""
        own = [(s.name, s.shape) for s in self.problem.symbols]
        return (*own, *((n, s) for n, s in self.also.items() if n not in dict(own)))

    def partials(self, name: str) -> Partials:
        """The derivative of the formula by ``name``."""
        if name not in self.found:
            self.found[name] = derive(self.problem, (name,))
        return self.found[name]

    def claim(self, text: str) -> Node:
        """The graph of a claim, in the graph of the formula.

        Raises a :class:`~symgd.errors.FormulaError` for what cannot be read and a
        :class:`~symgd.errors.NameProblem` for names that the formula does not have.
        """
        try:
            return self._claim(text, latex=False)
        except SymgdError as problem:
            if not self.latex or "\\" in text:
                raise
            try:
                return self._claim(text, latex=True)
            except SymgdError:
                raise problem from None

    def _claim(self, text: str, latex: bool) -> Node:
        problem = self.problem
        shapes = dict(self.symbols())
        rows, alias = self._row_name(text, shapes)
        table = {n: _renamed(s, rows, alias) for n, s in shapes.items()}
        data = set(problem.data) & set(table)
        read_as = read_text(
            text,
            latex,
            columns={n: table[n] for n in data},
            shapes={n: s for n, s in table.items() if n not in data},
            constants=dict(self.constants or {}),
        )
        known = set(shapes) | ({alias} if alias else set())
        for symbol in read_as.symbols:
            if symbol.name not in known:
                raise _unknown(symbol.name, problem)
        root = without_derivatives(read_as.root)
        return copied(root, self.graph, alias, rows)

    def _row_name(self, text: str, shapes: Mapping[str, Shape]) -> tuple[str, str]:
        """The size that counts the rows, and what the claim calls it."""
        sizes = [s for shape in shapes.values() for s in shape if isinstance(s, str)]
        rows = self.problem.rows or next((s for s in sizes if s in ROW_COUNTS), "")
        if not rows:
            rows = sizes[0] if len(set(sizes)) == 1 else ""
        words = set(_WORD.findall(text))
        if not rows or rows in words:
            return rows, rows
        for other in ("N", "n", "M", "m"):
            if other in words and other not in shapes and other not in sizes:
                return rows, other
        return rows, rows


def with_one_row_count(problem: Problem) -> Problem:
    """``1/n*sum(...)`` over columns of N rows: n, which is the size of nothing else, is N."""
    rows = problem.rows
    sizes = {s for symbol in problem.symbols for s in symbol.shape}
    loose = {n.value for n in topological(problem.root) if n.op == "dim"} - sizes
    written = [name for name in sorted(ROW_COUNTS & loose) if name != rows]
    if rows is None or not written:
        return problem
    symbols = tuple(
        replace(symbol, shape=_renamed(symbol.shape, rows, written[0]))
        for symbol in problem.symbols
    )
    root = copied(problem.root, Graph(), rows, written[0])
    return replace(problem, root=root, rows=written[0], symbols=symbols)


def _renamed(shape: Shape, old: str, new: str) -> Shape:
    """A shape with one size called otherwise (``N-1`` becomes ``n-1``)."""
    if not old or old == new:
        return shape
    same = re.compile(rf"{re.escape(old)}([+-]\d+)?")
    return tuple(
        new + s[len(old) :] if isinstance(s, str) and same.fullmatch(s) else s for s in shape
    )


def copied(root: Node, graph: Graph, old: str = "", new: str = "") -> Node:
    """The formula in another graph; the size ``old`` is called ``new`` there."""
    done: dict[Node, Node] = {}
    for node in topological(root):
        if node.op == "sym" and node.value == old and not node.shape and old != new:
            done[node] = graph.size(new)
        elif node.op == "sym":
            done[node] = graph.symbol(node.value, _renamed(node.shape, old, new))
        elif node.op == "dim":
            done[node] = graph.size(*_renamed((node.value,), old, new))
        elif node.op == "num":
            done[node] = graph.number(node.value)
        elif node.op == "const":
            done[node] = graph.constant(node.value)
        else:
            value = _renamed_value(node, old, new)
            done[node] = graph.make(node.op, *[done[a] for a in node.args], value=value)
    return done[root]


def _renamed_value(node: Node, old: str, new: str) -> Any:
    if node.op == "broadcast":
        return _renamed(tuple(node.value), old, new)
    if node.op == "scatter":
        return (_renamed(tuple(node.value[0]), old, new), node.value[1])
    return node.value


def _unknown(name: str, problem: Problem) -> NameProblem:
    known = ", ".join(s.name for s in problem.symbols) or "no names at all"
    return NameProblem(
        f"the claim has {name}, which the formula does not have", hint=f"the formula has {known}"
    )
