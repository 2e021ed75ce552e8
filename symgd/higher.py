"""Second derivatives, Jacobians, derivatives of any order, directional and total derivatives.

>>> print(derivative("x^5", "x", 3))
60*x^2
>>> print(derivative("x^2*y", "x", along="y"))
2*x*y + x^2*dy_dx
>>> print(jacobian("X @ w", "w", shapes={"X": "n,p", "w": "p"})["w"])
X
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from symgd.derive.expand import without_derivatives
from symgd.derive.forward import tangents
from symgd.derive.jacobian import matrix_of
from symgd.derive.partials import Partials
from symgd.derive.rewrite import stable
from symgd.derive.sweep import sweep
from symgd.derive.tidy import tidy
from symgd.errors import NameProblem, OptionError, ShapeProblem, UnsupportedError
from symgd.expression import Expression, read_formula, values_of
from symgd.formula.graph import Node
from symgd.formula.latex import name_latex
from symgd.formula.problem import Problem, ShapeLike, Symbol

MAX_ORDER = 20


@dataclass(frozen=True)
class Hessian:
    """Second partial derivatives: ``h["x", "y"]`` an expression, ``h({...})`` the (p, p) array."""

    partials: Partials

    def __getitem__(self, names: tuple[str, str]) -> Expression:
        first, second = names
        for name in names:
            if name not in self.partials.wrt:
                raise NameProblem(f"there is no derivative by {name!r}")
        problem = self.partials.problem
        given = (self.partials.loss, self.partials.written)
        partial = self.partials.raw[first]
        if not partial.shape:
            (found,) = sweep(partial, [problem.symbol(second)])
            return Expression(tidy(found, given), problem)
        node = _matrix(partial, problem.symbol(second))
        if node is None:
            raise UnsupportedError(
                f"the second derivative by {first} and {second} has no closed form here; "
                "call the Hessian with values for the full (p, p) array"
            )
        return Expression(tidy(node, given), problem)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """The (p, p) array at a point, parameters in the order of the gradient."""
        from symgd.compile.objective import as_floats, compile_objective

        parameters = {n: values[n] for n in self.partials.wrt if n in values}
        shapes = {n: as_floats(v, n).shape for n, v in parameters.items()}
        objective = compile_objective(self.partials, values, shapes)
        return objective.hessian(objective.pack(parameters))

    def along(self) -> dict[str, Expression]:
        """The Hessian times a direction (``d_w`` for the parameter w), by parameter."""
        problem = self.partials.problem
        graph = self.partials.loss.graph
        terms: list[Node] = []
        symbols: list[Symbol] = []
        for name in self.partials.wrt:
            symbol = problem.symbol(name)
            direction = graph.symbol("d_" + name, symbol.shape)
            symbols.append(Symbol("d_" + name, "parameter", symbol.shape))
            product = self.partials.raw[name] * direction
            if product.shape:
                product = graph.make("sum", product, value=(None, False))
            terms.append(product)
        found = sweep(graph.plus(*terms), [problem.symbol(n) for n in self.partials.wrt])
        wider = replace(problem, symbols=(*problem.symbols, *symbols))
        given = (self.partials.loss, self.partials.written)
        return {
            name: Expression(tidy(node, given), wider)
            for name, node in zip(self.partials.wrt, found, strict=True)
        }

    def text(self) -> str:
        """One line for each second partial derivative (upper triangle)."""
        names = self.partials.wrt
        try:
            return "\n".join(
                f"d2L/d{a}d{b} = {self[a, b].text()}"
                for i, a in enumerate(names)
                for b in names[i:]
            )
        except UnsupportedError:
            rows = self.along().items()
            return "\n".join(f"(H d)_{name} = {row.text()}" for name, row in rows)

    def latex(self) -> str:
        """The matrix in LaTeX."""
        names = self.partials.wrt
        rows = [" & ".join(self[a, b].latex() for b in names) for a in names]
        return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str | None:
        try:
            return f"$${self.latex()}$$"
        except UnsupportedError:
            return None

    def _repr_html_(self) -> str:
        """A table with the parameters at its sides."""
        names = self.partials.wrt
        try:
            rows = {a: [self[a, b].latex() for b in names] for a in names}
        except UnsupportedError:
            return f"<pre>{html.escape(self.text())}</pre>"
        head = "".join(f"<th>${html.escape(name_latex(n))}$</th>" for n in names)
        body = "".join(
            f"<tr><th>${html.escape(name_latex(a))}$</th>"
            + "".join(f"<td>${html.escape(cell)}$</td>" for cell in row)
            + "</tr>"
            for a, row in rows.items()
        )
        return f"<table><tr><th></th>{head}</tr>{body}</table>"


def _matrix(vector: Node, symbol: Node) -> Node | None:
    """The Jacobian of a vector by a number or a vector, if it has a closed form."""
    graph = vector.graph
    if not symbol.shape:
        found = tangents(vector, {symbol: graph.number(1)}).get(vector)
        return graph.number(0) if found is None else found
    if len(symbol.shape) > 1 or len(vector.shape) > 1:
        return None
    direction = graph.symbol("d_" + str(symbol.value), symbol.shape)
    change = tangents(vector, {symbol: direction}).get(vector)
    if change is None:
        return None
    return matrix_of(tidy(change), direction) or matrix_of(change, direction)


# -- Jacobians --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Jacobian:
    """The derivatives of a vector formula: ``j["w"]`` an expression, ``j({...})`` the (n, p) array.

    The columns of the array are the entries of the parameters in the order of ``wrt``.
    """

    problem: Problem
    root: Node
    wrt: tuple[str, ...]

    def __getitem__(self, name: str) -> Expression:
        """The derivative by one parameter: (n,) for a number, (n, p) for a vector."""
        if name not in self.wrt:
            known = ", ".join(self.wrt) or "none"
            raise NameProblem(f"there is no derivative by {name!r}", hint=f"there are: {known}")
        node = _matrix(self.root, self.problem.symbol(name))
        if node is None:
            raise UnsupportedError(
                f"the Jacobian by {name} has no closed form here; call it with values, "
                "or take .change()"
            )
        return Expression(tidy(node, (self.root,)), self.problem)

    def change(self) -> Expression:
        """The change of the formula along a direction (``d_w`` for the parameter w)."""
        graph = self.root.graph
        symbols = [self.problem.symbol(n) for n in self.wrt]
        directions = {s: graph.symbol("d_" + str(s.value), s.shape) for s in symbols}
        found = tangents(self.root, directions).get(self.root, graph.number(0))
        new = [Symbol("d_" + n, "parameter", self.problem.shape(n)) for n in self.wrt]
        wider = replace(self.problem, symbols=(*self.problem.symbols, *new))
        return Expression(tidy(found, (self.root,)), wider)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """The (n, p) array at a point: one directional derivative for each column."""
        import numpy as np

        along = self.change()
        shapes = {n: np.shape(values[n]) for n in self.wrt if n in values}
        rows = np.size(values_of([self.root], self.problem, values)[0])
        columns = []
        for name, shape in shapes.items():
            for place in np.ndindex(shape):
                directions = {"d_" + n: np.zeros(s) for n, s in shapes.items()}
                directions["d_" + name][place] = 1.0
                column = along({**values, **directions})
                columns.append(np.broadcast_to(np.reshape(column, -1), (rows,)))
        return np.array(columns).T.reshape(rows, len(columns))

    def text(self) -> str:
        """One line for each parameter."""
        return "\n".join(f"df/d{name} = {self[name].text()}" for name in self.wrt)

    def latex(self) -> str:
        """One line for each parameter, in LaTeX."""
        lines = []
        for name in self.wrt:
            below = name_latex(name, (), len(self.problem.shape(name)))
            lines.append(rf"\frac{{\partial f}}{{\partial {below}}} &= {self[name].latex()}")
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def __str__(self) -> str:
        try:
            return self.text()
        except UnsupportedError:
            return f"df = {self.change()}"

    def _repr_latex_(self) -> str | None:
        try:
            return f"$${self.latex()}$$"
        except UnsupportedError:
            return None


def jacobian(
    formula: str,
    wrt: str | Iterable[str] | None = None,
    *,
    columns: Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    format: str = "auto",
) -> Jacobian:
    """The Jacobian of a formula that is a vector (or a number), given as text or LaTeX.

    >>> j = jacobian("y - m*x", "m", columns=["x", "y"])
    >>> print(j["m"])
    -x
    >>> j({"m": 2, "x": [1, 2], "y": [0, 0]}).tolist()
    [[-1.0], [-2.0]]
    """
    problem = read_formula(
        formula, format, wrt=wrt, columns=columns, shapes=shapes, constants=constants
    )
    root = stable(without_derivatives(problem.root))
    if len(root.shape) > 1:
        raise ShapeProblem("a Jacobian is of a number or a vector, not of a matrix")
    names = problem.declared.wrt or problem.parameters
    return Jacobian(problem, root, tuple(names))


# -- derivatives of one formula -------------------------------------------------------------------


def derivative(
    formula: str,
    by: str | None = None,
    order: int = 1,
    *,
    along: str | Iterable[str] = (),
    columns: Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    format: str = "auto",
) -> Expression:
    """The derivative of a formula by one number, of any order, given as text or LaTeX.

    ``along`` names what depends on ``by``: the total derivative, with ``dy_dx`` for the
    unknown slope of y (first order only).

    >>> print(derivative("sin(x)*exp(x)", "x", 2))
    2*exp(x)*cos(x)
    """
    if isinstance(order, bool) or not isinstance(order, int) or not 1 <= order <= MAX_ORDER:
        raise OptionError(f"order={order!r} must be a whole number from 1 to {MAX_ORDER}")
    problem = read_formula(formula, format, columns=columns, shapes=shapes, constants=constants)
    name = by or _only(problem)
    symbol = problem.symbol(name)
    if symbol.shape:
        raise ShapeProblem(f"{name} is an array; the gradient is by arrays")
    inner = [along] if isinstance(along, str) else list(along)
    if inner and order > 1:
        raise OptionError("a total derivative is of order 1")
    written = without_derivatives(problem.root)
    graph = written.graph
    changes = {symbol: graph.number(1)}
    new = []
    for other in inner:
        slope = f"d{other}_d{name}"
        new.append(Symbol(slope, "parameter", problem.shape(other)))
        changes[problem.symbol(other)] = graph.symbol(slope, problem.shape(other))
    node = written
    for _ in range(order):
        node = tidy(tangents(node, changes).get(node, graph.number(0)), (written,))
    return Expression(node, replace(problem, symbols=(*problem.symbols, *new)))


def _only(problem: Problem) -> str:
    if len(problem.parameters) != 1:
        known = ", ".join(problem.parameters) or "none"
        raise NameProblem("name what to differentiate by", hint=f"there are: {known}")
    return problem.parameters[0]
