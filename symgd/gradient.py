"""The door for derivatives: text in, gradient out, with steps, proof and code.

>>> g = gradient("mean((y - (m*x + b))^2)")
>>> print(g["m"])
-2/N*sum(x*(y - (m*x + b)))
>>> g({"m": 1, "b": 0, "x": [1, 2], "y": [0, 1]})
{'m': 3.0, 'b': 2.0}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from symgd.derive.backprop import Backprop, backprop
from symgd.derive.forward import tangents
from symgd.derive.partials import Partials, derive
from symgd.derive.steps import Derivation, explain
from symgd.derive.tidy import tidy
from symgd.errors import NameProblem
from symgd.expression import Expression, read_formula, values_of
from symgd.formula.graph import Node
from symgd.formula.latex import name_latex
from symgd.formula.problem import Problem, ShapeLike, Symbol
from symgd.higher import Hessian

if TYPE_CHECKING:
    from symgd.check.certificate import Certificate
    from symgd.compile.objective import Objective


@dataclass(frozen=True)
class Gradient:
    """All partial derivatives of a formula.

    ``g["m"]`` is one partial as an :class:`Expression`, ``g({...})`` the values
    of all of them by name, ``g.value({...})`` the value of the formula itself.
    """

    partials: Partials

    @property
    def problem(self) -> Problem:
        """The formula as it was read."""
        return self.partials.problem

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names that the formula is differentiated by."""
        return self.partials.wrt

    @property
    def reading(self) -> str:
        """How the names were read: data, parameters, shapes."""
        return self.problem.reading

    @property
    def loss(self) -> Expression:
        """The formula itself."""
        return Expression(self.partials.written, self.problem)

    def __getitem__(self, name: str) -> Expression:
        self._check(name)
        return Expression(self.partials.textbook(name), self.problem)

    def __iter__(self) -> Iterator[str]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __contains__(self, name: object) -> bool:
        return name in self.parameters

    def _check(self, name: str) -> None:
        if name not in self.parameters:
            known = ", ".join(self.parameters) or "none"
            raise NameProblem(f"there is no derivative by {name!r}", hint=f"there are: {known}")

    def items(self) -> Iterator[tuple[str, Expression]]:
        """Names and partial derivatives."""
        return ((name, self[name]) for name in self.parameters)

    # -- values ---------------------------------------------------------------------------

    def __call__(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The partial derivatives at a point: name -> float or array of the name's shape."""
        nodes = [self.partials.raw[name] for name in self.parameters]
        return dict(zip(self.parameters, self._run(nodes, values), strict=True))

    def value(self, values: Mapping[str, Any]) -> float:
        """The value of the formula at a point."""
        return float(self._run([self.partials.loss], values)[0])

    def _run(self, nodes: list[Node], values: Mapping[str, Any]) -> list[Any]:
        return values_of(nodes, self.problem, values)

    def compile(
        self,
        data: Any = None,
        backend: str = "auto",
        shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> Objective:
        """``objective(theta) -> (value, gradient)`` on ``data`` (mapping, table or path)."""
        from symgd.compile.columns import columns_of
        from symgd.compile.objective import compile_objective

        columns = columns_of(data, self.partials)
        return compile_objective(self.partials, columns, shapes, backend)

    # -- words ----------------------------------------------------------------------------

    def steps(self, name: str, level: str = "normal") -> Derivation:
        """The chain rule, step by step, to the partial derivative by ``name``.

        ``level`` is ``"brief"``, ``"normal"`` or ``"every"``. What the steps give is compared
        with the reverse sweep; a difference is a :class:`~symgd.errors.ProofError`.

        >>> print(gradient("(2x - 3)^5").steps("x").text(ascii=True).splitlines()[1])
         1 chain rule      the outer function ( )^5 becomes 5*( )^4, the inner function 2*x - 3 \
is kept, and the whole is multiplied by the derivative of the inner function
        """
        from symgd.check.steps import proof_of_steps

        self._check(name)
        derivation = explain(self.partials, name, level)
        return replace(derivation, proof=proof_of_steps(self.partials, derivation))

    def backprop(self) -> Backprop:
        """Backpropagation as a table: intermediate quantities and their adjoints."""
        return backprop(self.partials)

    def along(self, direction: Mapping[str, float] | None = None) -> Expression:
        """The directional derivative, by numbers or along the symbols ``d_m``, ``d_w``.

        >>> print(gradient("x^2*y").along({"x": 1, "y": 3}))
        2*x*y + 3*x^2
        """
        loss = self.partials.loss
        graph, problem = loss.graph, self.problem
        changes: dict[Node, Node] = {}
        new: list[Symbol] = []
        for name in direction if direction is not None else self.parameters:
            self._check(name)
            symbol = problem.symbol(name)
            if direction is not None and not symbol.shape:
                from symgd.formula.constants import exact

                changes[symbol] = graph.number(exact(direction[name], name))
                continue
            if direction is not None:
                raise NameProblem(f"{name} is an array; leave the direction open: along()")
            new.append(Symbol("d_" + name, "parameter", symbol.shape))
            changes[symbol] = graph.symbol("d_" + name, symbol.shape)
        found = tangents(loss, changes).get(loss, graph.number(0))
        wider = replace(problem, symbols=(*problem.symbols, *new))
        return Expression(tidy(found, (loss, self.partials.written)), wider)

    def code(self, target: str = "numpy") -> str:
        """The source of a standalone function of value and gradient, with a self-test.

        ``target`` is ``"numpy"``, ``"jax"``, ``"torch"``, ``"c"``, ``"julia"`` or ``"latex"``.
        """
        from symgd.compile.export import source

        return source(self.partials, target)

    @cached_property
    def certificate(self) -> Certificate:
        """How every partial derivative was proved, and where it is undefined."""
        from symgd.check.certificate import certify

        return certify(self.partials)

    def plot(self) -> Any:
        """The backpropagation graph, or the formulas if it is too large to draw."""
        from symgd.show import plot_gradient

        return plot_gradient(self)

    def text(self, form: str = "auto") -> str:
        """One line for each partial derivative, in the text syntax."""
        return "\n".join(f"dL/d{name} = {self[name].text(form)}" for name in self.parameters)

    def pretty(self, form: str = "auto") -> str:
        """One line of Unicode for each partial derivative."""
        from symgd.formula.pretty import name_pretty

        return "\n".join(
            f"∂L/∂{name_pretty(name)} = {self[name].pretty(form)}" for name in self.parameters
        )

    def latex(self, form: str = "auto") -> str:
        """One line for each partial derivative, in LaTeX."""
        return " \\\\\n".join(
            rf"\frac{{\partial L}}{{\partial {self._latex_name(name)}}} = {self[name].latex(form)}"
            for name in self.parameters
        )

    def _latex_name(self, name: str) -> str:
        return name_latex(name, (), len(self.problem.shape(name)))

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return rf"$$\begin{{gathered}}{self.latex()}\end{{gathered}}$$"

    def _repr_html_(self) -> str:
        from symgd.show.notebook import gradient_html

        return gradient_html(self)

    # -- second derivatives ---------------------------------------------------------------

    def hessian(self) -> Hessian:
        """The second partial derivatives."""
        return Hessian(self.partials)


def gradient(
    formula: str,
    wrt: str | Iterable[str] | None = None,
    *,
    columns: Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
    format: str = "auto",
) -> Gradient:
    r"""The gradient of a formula given as text or as LaTeX.

    ``wrt`` names what to differentiate by (default: every name that is not data; if all
    names look like data, as in ``sum_i p_i log(p_i)``, these), ``columns`` names the data
    columns, ``shapes`` maps names to shapes (``{"X": "n,p"}``), ``constants`` maps names to
    numbers. ``format`` is ``"text"``,
    ``"latex"`` or ``"auto"`` (LaTeX when a backslash, ``^{``, ``_{`` or ``$`` occurs).

    Raises a :class:`~symgd.errors.FormulaError` with a caret under the place.

    >>> print(gradient("(x - 3.5)^2 - 4.5x + 10"))
    dL/dx = 2*(x - 3.5) - 4.5
    >>> print(gradient(r"\frac{1}{2}\|Xw - y\|_2^2", "w")["w"])
    X.T @ (X @ w - y)
    """
    options: dict[str, Any] = {"columns": columns, "shapes": shapes, "constants": constants}
    problem = read_formula(formula, format, wrt=wrt, **options)
    if wrt is None and not problem.parameters and problem.sought:
        problem = read_formula(formula, format, wrt=problem.sought, **options)
    return Gradient(derive(problem))
