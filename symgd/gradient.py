"""The door for derivatives: text in, gradient out, with steps, proof and code.

>>> g = gradient("mean((y - (m*x + b))^2)")
>>> print(g["m"])
-2/N*sum(x*(y - (m*x + b)))
>>> g({"m": 1, "b": 0, "x": [1, 2], "y": [0, 1]})
{'m': 3.0, 'b': 2.0}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from symgd.derive.partials import Partials, derive
from symgd.derive.steps import Derivation, explain
from symgd.derive.sweep import sweep
from symgd.derive.tidy import tidy
from symgd.errors import NameProblem
from symgd.formula.graph import Node
from symgd.formula.latex import name_latex, to_latex
from symgd.formula.problem import Problem, ShapeLike, read
from symgd.formula.text import to_text

if TYPE_CHECKING:
    from symgd.check.certificate import Certificate
    from symgd.compile.objective import Objective


@dataclass(frozen=True)
class Expression:
    """A formula that came out of a derivation; prints in textbook form."""

    node: Node
    problem: Problem

    def text(self) -> str:
        """The formula in the text syntax, which the parser reads back."""
        return to_text(self.node)

    def latex(self) -> str:
        """The formula in LaTeX."""
        return to_latex(self.node)

    def sympy(self) -> Any:
        """The formula as a SymPy expression (data sums as ``Sum`` over ``Indexed``).

        Raises :class:`~symgd.errors.UnsupportedError` for matrix formulas.
        """
        from symgd.algebra.bridge import to_sympy

        return to_sympy(self.node)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """The value at the given names: a float, or an array."""
        return _evaluate([self.node], self.problem, values)[0]

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


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
        return _evaluate(nodes, self.problem, values)

    def compile(
        self,
        data: Any = None,
        backend: str = "auto",
        shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> Objective:
        """``objective(theta) -> (value, gradient)`` on ``data`` (mapping, table or path)."""
        from symgd.compile.objective import compile_objective
        from symgd.compile.columns import columns_of

        columns = columns_of(data, self.partials)
        return compile_objective(self.partials, columns, shapes, backend)

    # -- words ----------------------------------------------------------------------------

    def steps(self, name: str) -> Derivation:
        """The chain rule, step by step, to the partial derivative by ``name``."""
        self._check(name)
        return explain(self.partials, name)

    @cached_property
    def certificate(self) -> Certificate:
        """How every partial derivative was proved, and where it is undefined."""
        from symgd.check.certificate import certify

        return certify(self.partials)

    def text(self) -> str:
        """One line for each partial derivative, in the text syntax."""
        return "\n".join(f"dL/d{name} = {self[name].text()}" for name in self.parameters)

    def latex(self) -> str:
        """One line for each partial derivative, in LaTeX."""
        return " \\\\\n".join(
            rf"\frac{{\partial L}}{{\partial {name_latex(name)}}} = {self[name].latex()}"
            for name in self.parameters
        )

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return rf"$$\begin{{gathered}}{self.latex()}\end{{gathered}}$$"

    # -- second derivatives ---------------------------------------------------------------

    def hessian(self) -> Hessian:
        """The second partial derivatives."""
        return Hessian(self.partials)


@dataclass(frozen=True)
class Hessian:
    """Second partial derivatives: ``h["x", "y"]`` an expression, ``h({...})`` the (p, p) array."""

    partials: Partials

    def __getitem__(self, names: tuple[str, str]) -> Expression:
        first, second = names
        for name in names:
            if name not in self.partials.wrt:
                raise NameProblem(f"there is no derivative by {name!r}")
        partial = self.partials.raw[first]
        if partial.shape:
            raise NameProblem(
                f"the derivative by {first} is an array",
                hint="call the Hessian with values for the full (p, p) array",
            )
        (found,) = sweep(partial, [self.partials.problem.symbol(second)])
        node = tidy(found, (self.partials.loss, self.partials.written))
        return Expression(node, self.partials.problem)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """The (p, p) array at a point, parameters in the order of the gradient."""
        from symgd.compile.objective import as_floats, compile_objective

        parameters = {n: values[n] for n in self.partials.wrt if n in values}
        shapes = {n: as_floats(v, n).shape for n, v in parameters.items()}
        objective = compile_objective(self.partials, values, shapes)
        return objective.hessian(objective.pack(parameters))

    def text(self) -> str:
        """One line for each second partial derivative (upper triangle)."""
        names = self.partials.wrt
        return "\n".join(
            f"d2L/d{a}d{b} = {self[a, b].text()}"
            for i, a in enumerate(names)
            for b in names[i:]
        )

    def latex(self) -> str:
        """The matrix in LaTeX."""
        names = self.partials.wrt
        rows = [" & ".join(self[a, b].latex() for b in names) for a in names]
        return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"


def gradient(
    formula: str,
    wrt: str | Iterable[str] | None = None,
    *,
    columns: Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Gradient:
    """The gradient of a formula given as text.

    ``wrt`` names what to differentiate by (default: every name that is not
    data), ``columns`` names the data columns, ``shapes`` maps names to shapes
    (``{"X": "n,p"}``), ``constants`` maps names to numbers.

    Raises a :class:`~symgd.errors.FormulaError` with a caret under the place.

    >>> print(gradient("(x - 3.5)^2 - 4.5x + 10"))
    dL/dx = 2*(x - 3.5) - 4.5
    """
    problem = read(formula, wrt=wrt, columns=columns, shapes=shapes, constants=constants)
    return Gradient(derive(problem))


def _evaluate(nodes: list[Node], problem: Problem, values: Mapping[str, Any]) -> list[Any]:
    """The values of nodes at given names; every name of them must be given."""
    import numpy as np

    from symgd.compile.objective import Compiled, as_floats
    from symgd.compile.sizes import Sizes, bind, resolve

    compiled = Compiled(nodes)
    sizes = Sizes()
    arrays: dict[str, Any] = {}
    for symbol in problem.symbols:
        if symbol.name not in values:
            if symbol.name in compiled.symbols:
                raise NameProblem(f"a value for {symbol.name} is missing")
            continue
        array = as_floats(values[symbol.name], symbol.name)
        bind(symbol.name, symbol.shape, array.shape, sizes)
        arrays[symbol.name] = array if symbol.shape else np.float64(array)
    results = compiled.run(arrays, sizes)
    shaped = []
    for node, result in zip(nodes, results, strict=True):
        shape = resolve(node.shape, sizes, "the result")
        shaped.append(np.array(np.broadcast_to(result, shape)) if shape else float(result))
    return shaped
