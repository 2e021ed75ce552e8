"""A method of descent: how a gradient becomes the next point.

An update is a value that holds its settings; what evolves is the state, which the loop carries.

>>> import numpy as np
>>> update = SteepestDescent()
>>> theta = np.array([4.0])
>>> update.step(theta, 2 * theta, update.init(theta), 0.25, 0)
(array([2.]), None)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from symgd.descend.objective import FloatArray

State = TypeVar("State")


@runtime_checkable
class Update(Protocol[State]):
    """A method: how a gradient becomes the next point. A value; what evolves is the state."""

    @property
    def name(self) -> str:
        """The name of the method, for reports."""
        ...

    def init(self, theta: FloatArray, /) -> State:
        """The state before the first update at ``theta`` (p,)."""
        ...

    def step(
        self, theta: FloatArray, gradient: FloatArray, state: State, rate: float, t: int, /
    ) -> tuple[FloatArray, State]:
        """The next theta (p,), a new array, and the next state; t counts updates from 0."""
        ...


@runtime_checkable
class Declared(Protocol):
    """An update that says whether it is gradient descent, however it is written."""

    @property
    def steepest(self) -> bool:
        """Whether the step is theta - eta*g and nothing else; then the rate has a limit 2/L."""
        ...


@dataclass(frozen=True)
class SteepestDescent:
    """theta - eta*g: gradient descent as in every textbook."""

    name: str = "gradient descent"

    @property
    def steepest(self) -> bool:
        """True: this is gradient descent."""
        return True

    def init(self, theta: FloatArray, /) -> None:
        """There is nothing to remember."""

    def step(
        self, theta: FloatArray, gradient: FloatArray, state: None, rate: float, t: int, /
    ) -> tuple[FloatArray, None]:
        """theta - rate*gradient."""
        return theta - rate * gradient, None
