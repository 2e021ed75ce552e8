"""A formula that came out of a derivation: printed, evaluated, handed to SymPy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from symgd.errors import NameProblem, OptionError
from symgd.formula.graph import Node
from symgd.formula.latex import to_latex
from symgd.formula.latex_read import read_latex
from symgd.formula.latex_tokens import looks_like_latex
from symgd.formula.pretty import to_index_text, to_pretty
from symgd.formula.problem import Problem, ShapeLike, read
from symgd.formula.text import to_text

FORMATS = ("auto", "text", "latex")
FORMS = ("auto", "index", "array")


@dataclass(frozen=True)
class Expression:
    """A formula that came out of a derivation; prints in textbook form."""

    node: Node
    problem: Problem

    def text(self, form: str = "auto") -> str:
        """The formula in the text syntax, which the parser reads back.

        ``form="index"`` writes every column with its index, ``sum_i x_i*(...)``; an array
        is then written as its entry at i (and j).
        """
        if form not in FORMS:
            raise OptionError(f"form={form!r} is not known; there are {', '.join(FORMS)}")
        return to_index_text(self.node) if form == "index" else to_text(self.node)

    def pretty(self, form: str = "auto") -> str:
        """The formula in one line of Unicode: ``-2/N ∑ᵢ xᵢ (yᵢ - (m xᵢ + b))``."""
        return to_pretty(self.node, form)

    def latex(self, form: str = "auto") -> str:
        """The formula in LaTeX; ``form`` is ``"auto"``, ``"index"`` or ``"array"``."""
        return to_latex(self.node, form=form)

    def sympy(self) -> Any:
        """The formula as a SymPy expression (data sums as ``Sum`` over ``Indexed``).

        Raises :class:`~symgd.errors.UnsupportedError` for matrix formulas.
        """
        from symgd.algebra.bridge import to_sympy

        return to_sympy(self.node)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """The value at the given names: a float, or an array."""
        return values_of([self.node], self.problem, values)[0]

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def read_formula(
    formula: str,
    format: str = "auto",
    *,
    wrt: str | Iterable[str] | None = None,
    columns: Iterable[str] | None = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Problem:
    r"""The problem of a formula given as text or as LaTeX.

    ``format="auto"`` reads LaTeX when a backslash, ``^{``, ``_{`` or a dollar sign occurs.

    >>> read_formula(r"\frac{1}{N} \sum_{i=1}^N (y_i - m x_i)^2").parameters
    ('m',)
    """
    if format not in FORMATS:
        raise OptionError(f"format={format!r} is not known; there are {', '.join(FORMATS)}")
    latex = format == "latex" or (
        format == "auto" and isinstance(formula, str) and looks_like_latex(formula)
    )
    reader = read_latex if latex else read
    return reader(formula, wrt=wrt, columns=columns, shapes=shapes, constants=constants)


def values_of(nodes: list[Node], problem: Problem, values: Mapping[str, Any]) -> list[Any]:
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
