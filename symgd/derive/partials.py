"""All first partial derivatives of a problem, derived and tidied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from symgd.derive.expand import without_derivatives
from symgd.derive.isolated import continued
from symgd.derive.rewrite import bounded, stable
from symgd.derive.sweep import sweep
from symgd.derive.textbook import textbook
from symgd.derive.tidy import Given
from symgd.formula.graph import Node
from symgd.formula.problem import Problem
from symgd.formula.uncollected import uncollected


@dataclass(frozen=True)
class Partials:
    """A loss and its partial derivatives over one shared graph.

    ``written`` is the loss as the user wrote it (values that stand alone continued by their
    tangents, see :mod:`symgd.derive.isolated`), ``loss`` the same in its
    accurate form, which is what is computed; ``raw`` the partials as the sweep
    gives them, by name, in the order of ``wrt``.
    """

    problem: Problem
    wrt: tuple[str, ...]
    written: Node
    loss: Node
    raw: dict[str, Node]

    def textbook(self, name: str) -> Node:
        """The partial derivative by ``name`` in textbook form."""
        symbol = self.problem.symbol(name)
        return textbook(self.raw[name], self.loss, self.written, symbol, self.given)

    @cached_property
    def given(self) -> Given:
        """What the user wrote, which the textbook form keeps."""
        return Given.of(self.loss, self.written)


def derive(problem: Problem, wrt: tuple[str, ...] | None = None) -> Partials:
    """The partial derivatives of a problem by its parameters, or by the names in ``wrt``.

    >>> from symgd.formula.problem import read
    >>> d = derive(read("mean((y - (m*x + b))^2)"))
    >>> d.textbook("m")
    <Node -2/N*sum(x*(y - (m*x + b)))>
    """
    names = wrt if wrt is not None else problem.declared.wrt or problem.parameters
    symbols = [problem.symbol(name) for name in names]
    with uncollected(len(problem.root.graph)):
        written = continued(without_derivatives(problem.root), symbols)
        loss = stable(written)
        found = bounded(loss, sweep(loss, symbols))
    return Partials(problem, names, written, loss, dict(zip(names, found, strict=True)))
