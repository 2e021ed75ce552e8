r"""A rule that runs: compiled by the compiler of the house, printed from what is computed.

>>> import numpy as np
>>> momentum = from_text("v = beta*v + g; theta = theta - eta*v", constants={"beta": 0.5})
>>> theta, state = np.array([1.0]), momentum.init(np.array([1.0]))
>>> for t in range(3):
...     theta, state = momentum.step(theta, 2.0 * theta, state, 0.1, t)
>>> theta.round(6).tolist()
[0.302]
>>> print(momentum.latex())
\mathbf{v} \leftarrow \beta \mathbf{v} + \mathbf{g} \\
\boldsymbol{\theta} \leftarrow \boldsymbol{\theta} - \eta \mathbf{v}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from symgd.compile.objective import Compiled
from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.formula.graph import Graph
from symgd.formula.latex import to_latex
from symgd.formula.text import to_text
from symgd.methods.statements import SIZE, RuleText, Statement, read_rule

State = tuple[Any, ...]
"""The values of the states in order: arrays (p,) and floats."""


@dataclass(frozen=True, eq=False)
class Rule:
    """An update rule, satisfying :class:`symgd.descend.Update`.

    ``text`` are its formulas, ``state`` maps the names that it remembers to their start
    formulas, ``constants`` its fixed numbers. ``rate`` is the learning rate it is usually given
    (``None``: it depends on the curvature of the loss), ``reference`` its source. It holds no
    state: :meth:`init` makes it and :meth:`step` returns the next one.
    """

    name: str
    text: str
    state: Mapping[str, str]
    constants: Mapping[str, float]
    reference: str = ""
    rate: float | None = None
    read: RuleText = field(repr=False, kw_only=True)
    _run: _Runner = field(repr=False, kw_only=True)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The updates in order: target and formula."""
        return self.read.statements

    @property
    def steepest(self) -> bool:
        """Whether the rule is plain gradient descent, theta - eta*g."""
        return not self.state and to_text(self.read.outputs[0]) == "theta - eta*g"

    def init(self, theta: FloatArray, /) -> State:
        """The states before the first update at ``theta`` (p,)."""
        return self._run.start(theta)

    def step(
        self, theta: FloatArray, gradient: FloatArray, state: State, rate: float, t: int, /
    ) -> tuple[FloatArray, State]:
        """The next theta (p,) and the next states; ``t`` is the number of updates so far."""
        return self._run.step(theta, gradient, state, rate, t)

    def latex(self) -> str:
        r"""The updates in LaTeX, one a line, with \leftarrow."""
        return " \\\\\n".join(
            rf"{_target(s, self.read)} \leftarrow {to_latex(s.node)}" for s in self.statements
        )

    def formulas(self) -> str:
        """The updates in the text syntax, as the graph prints them."""
        return "; ".join(f"{s.target} = {to_text(s.node)}" for s in self.statements)

    def __str__(self) -> str:
        lines = [self.name, *(f"  {s.target} = {to_text(s.node)}" for s in self.statements)]
        if self.state:
            starts = ", ".join(f"{name} = {start}" for name, start in self.state.items())
            lines.append(f"  at first {starts}")
        if self.constants:
            numbers = ", ".join(f"{n} = {v:g}" for n, v in self.constants.items())
            lines.append(f"  with {numbers}")
        return "\n".join([*lines, *([f"  {self.reference}"] if self.reference else [])])

    def _repr_latex_(self) -> str:
        return rf"$$\begin{{gathered}}{self.latex()}\end{{gathered}}$$"


def from_text(
    text: str,
    *,
    state: Mapping[str, str | float] | None = None,
    constants: Mapping[str, float] | None = None,
    name: str | None = None,
    reference: str = "",
    rate: float | None = None,
) -> Rule:
    """A rule of one's own, as formulas in theta, g, eta, t, its states and its numbers.

    ``text`` holds updates ``name = formula``, separated by ``;`` or line breaks, which are
    carried out in order; t counts from 0. ``state`` maps the remembered names to their start
    (a number or a formula in theta); without it, names that are read before they are given a
    value start at 0. ``constants`` are the fixed numbers.

    Raises a :class:`~symgd.errors.FormulaError` with a caret under a name that is not known,
    shapes that do not fit or a formula that is not understood, and an
    :class:`~symgd.errors.OptionError` for a number out of its range.

    >>> sign = from_text("theta = theta - eta*sign(g)")
    >>> import numpy as np
    >>> sign.step(np.array([1.0, 2.0]), np.array([-3.0, 0.5]), (), 0.1, 0)[0].tolist()
    [1.1, 1.9]
    """
    if not isinstance(text, str):
        raise OptionError(f"a rule is text, not {type(text).__name__}")
    numbers = {n: checked_number(n, v) for n, v in (constants or {}).items()}
    starts = None if state is None else {n: _start_text(n, v) for n, v in state.items()}
    read = read_rule(text, starts, tuple(numbers))
    return Rule(
        name or text.strip(), text, read.state, numbers, reference, rate,
        read=read, _run=_Runner(read, numbers),
    )  # fmt: skip


def checked_number(name: str, value: Any) -> float:
    """A fixed number of a rule; refused by name if it is not finite."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise OptionError(f"{name} must be a finite number, not {value!r}")
    return float(value)


def _start_text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    number = checked_number(f"the start of {name}", value)
    return repr(int(number)) if number == int(number) else repr(number)


def _target(statement: Statement, read: RuleText) -> str:
    """The left side in LaTeX, as the same name looks in the formulas."""
    name = statement.target
    shape = (SIZE,) if name == "theta" else read.shapes.get(name, statement.node.shape)
    return to_latex(Graph().symbol(name, shape))


class _Runner:
    """The compiled outputs of a rule with its numbers bound: a few microseconds a step."""

    __slots__ = ("_fixed", "_function", "_init", "_moving", "_scalars", "_size")

    def __init__(self, read: RuleText, numbers: Mapping[str, float]) -> None:
        compiled = Compiled(read.outputs)
        self._function: Callable[..., tuple[Any, ...]] = compiled.function
        names = (*compiled.symbols, *compiled.sizes)
        order = ("theta", "g", "eta", "t", *read.state)
        self._fixed: list[Any] = [_scalar(numbers[n]) if n in numbers else None for n in names]
        self._moving = [(names.index(n), order.index(n)) for n in order if n in names]
        self._size = names.index(SIZE) if SIZE in names else None
        self._scalars = [not read.shapes[n] for n in read.state]
        self._init = (Compiled(read.starts) if read.starts else None, dict(numbers))

    def start(self, theta: FloatArray) -> State:
        compiled, numbers = self._init
        if compiled is None:
            return ()
        values = {"theta": theta, **{n: _scalar(v) for n, v in numbers.items()}}
        found = compiled.run(values, {SIZE: theta.size})
        scalars = self._scalars
        return tuple(_scalar(v) if s else np.array(v) for v, s in zip(found, scalars, strict=True))

    def step(
        self, theta: FloatArray, gradient: FloatArray, state: State, rate: float, t: int
    ) -> tuple[FloatArray, State]:
        given = (theta, gradient, _scalar(rate), _scalar(t), *state)
        arguments = self._fixed.copy()
        for place, source in self._moving:
            arguments[place] = given[source]
        if self._size is not None:
            arguments[self._size] = _scalar(theta.size)
        following, *states = self._function(*arguments)
        return following, tuple(states)


_scalar = np.float64
