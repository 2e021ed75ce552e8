"""The same program on other people's machines: JAX and PyTorch, for those who have them.

``backend="jax"`` and ``backend="torch"`` run the program of a loss and its gradient on a device
and in a type of the user's choice: ``"jax"``, ``"jax:float32"``, ``"torch:cuda"``,
``"torch:cuda:1:float32"``. Without a type it is float64, without a device the library's CPU.
The columns are put onto the device once; parameters go in and a value with its gradient comes
out. Second derivatives and the Jacobians of least squares stay with NumPy.

In float64 results equal the NumPy reference to 1e-10 of the largest entry (special functions;
1e-12 for the others); float32 carries 7 digits, and sums over N rows lose about
log10(N)/2 more, so that a ``precision`` below 1e-4 or so cannot be promised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symgd.compile.program import Program
from symgd.compile.runtimes.choice import Choice, chosen
from symgd.descend.objective import Layout
from symgd.errors import UnsupportedError
from symgd.formula.problem import Problem

_PACKAGES = {"jax": "JAX", "torch": "PyTorch"}


def runtime_runner(
    program: Program,
    problem: Problem,
    layout: Layout,
    data: Mapping[str, Any],
    sizes: Mapping[str, int],
    backend: str,
) -> tuple[Any, str]:
    """The runner of a program on JAX or PyTorch, and what it is in words.

    Raises :class:`UnsupportedError` where the library is not installed and
    :class:`~symgd.errors.OptionError` for a device or type that it does not have.
    """
    choice = chosen(backend)
    from symgd.compile.runtimes.runner import Place, RuntimeRunner

    device = _device(choice)
    place = Place(program, problem, layout, device)
    runner = RuntimeRunner(place, place.columns(data), dict(sizes))
    return runner, f"{choice.name} ({device.words}); second derivatives by numpy"


def _device(choice: Choice) -> Any:
    """The library on its device."""
    try:
        if choice.name == "jax":
            from symgd.compile.runtimes.jax import JaxDevice

            return JaxDevice.of(choice)
        from symgd.compile.runtimes.torch import TorchDevice

        return TorchDevice.of(choice)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in (choice.name, "jaxlib"):
            raise
        raise UnsupportedError(
            f"backend={choice.text!r} needs {_PACKAGES[choice.name]}, which is not installed: "
            f"pip install 'symgd[{choice.name}]'"
        ) from None


__all__ = ["runtime_runner"]
