"""Source text: a standalone function of the value and the gradient, with a self-test below it.

>>> from symgd.derive.partials import derive
>>> from symgd.formula.problem import read
>>> print(source(derive(read("(x - 3)^2")), "numpy").splitlines()[0])
\"\"\"(x - 3)^2 and its gradient.
"""

from __future__ import annotations

from collections.abc import Callable

from symgd.compile.export.arrays import jax_source, numpy_source, torch_source
from symgd.compile.export.c import c_source
from symgd.compile.export.julia import julia_source
from symgd.compile.export.tex import latex_source
from symgd.derive.partials import Partials
from symgd.errors import OptionError

TARGETS: dict[str, Callable[[Partials], str]] = {
    "numpy": numpy_source,
    "jax": jax_source,
    "torch": torch_source,
    "c": c_source,
    "julia": julia_source,
    "latex": latex_source,
}
"""The languages that code is written in."""


def source(partials: Partials, target: str) -> str:
    """The source of a standalone function in one of :data:`TARGETS`."""
    if target not in TARGETS:
        known = ", ".join(map(repr, TARGETS))
        raise OptionError(f"there is no code in {target!r}; there is {known}")
    return TARGETS[target](partials)


__all__ = ["TARGETS", "source"]
