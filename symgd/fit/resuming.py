"""A fit that goes on where an earlier run of it was put aside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from symgd.derive.partials import Partials
from symgd.descend import Observer, Solution
from symgd.errors import OptionError
from symgd.formula.text import to_text


class Resumable(Protocol):
    """What :func:`symgd.load` opens: a run that knows its formula and can go on."""

    @property
    def formula(self) -> str:
        """The loss of the run, as text."""

    def resume(
        self,
        *,
        data: Any = None,
        steps: int | None = None,
        epochs: int | None = None,
        time_limit: float | None = None,
        precision: float | str | None = "same",
        observers: Iterable[Observer] = (),
    ) -> Solution:
        """Go on by ``steps`` or ``epochs`` further updates."""


def gone_on(
    saved: Resumable,
    partials: Partials,
    data: Any,
    precision: float | str | None,
    observers: Iterable[Observer],
    *,
    steps: int | None,
    epochs: int | None,
    time_limit: float | None,
) -> Solution:
    """The saved run some updates further; ``precision="auto"`` is what it had.

    Raises :class:`OptionError` if the run was made on another loss, and what
    ``saved.resume`` raises.
    """
    loss = to_text(partials.problem.root)
    if saved.formula != loss:
        raise OptionError(
            f"the saved run minimises {saved.formula}, and this fit {loss}: "
            "resume goes on with the model, loss and weights that it had"
        )
    return saved.resume(
        data=data, steps=steps, epochs=epochs, time_limit=time_limit, observers=observers,
        precision="same" if precision == "auto" else precision,
    )  # fmt: skip
