"""The text of a backend as library, device and type.

>>> chosen("torch:cuda:1:float32")
Choice(text='torch:cuda:1:float32', name='torch', device='cuda:1', dtype='float32')
>>> chosen("jax").dtype
'float64'
"""

from __future__ import annotations

from dataclasses import dataclass

from symgd.errors import OptionError

RUNTIMES = ("jax", "torch")
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Choice:
    """A library, a device ("" for its CPU) and a type, from one text."""

    text: str
    name: str
    device: str
    dtype: str


def is_runtime(backend: object) -> bool:
    """Whether a backend is one of :data:`RUNTIMES`, with or without device and type."""
    return isinstance(backend, str) and backend.partition(":")[0] in RUNTIMES


def chosen(backend: str) -> Choice:
    """The choice that a text makes; :class:`OptionError` if it cannot be read."""
    name, *parts = [part.strip() for part in backend.split(":")]
    types = [part for part in parts if part in DTYPES]
    rest = [part for part in parts if part not in DTYPES]
    wrong = [part for part in rest if part.startswith(("float", "bfloat", "int", "complex"))]
    if name not in RUNTIMES or len(types) > 1 or "" in parts or wrong or len(rest) > 2:
        raise OptionError(
            f"backend={backend!r} is not understood: it is 'jax' or 'torch', then a device and "
            f"a type ({' or '.join(DTYPES)}) if wanted, such as 'torch:cuda:float32'"
        )
    return Choice(backend, name, ":".join(rest), types[0] if types else "float64")


__all__ = ["DTYPES", "RUNTIMES", "Choice", "chosen", "is_runtime"]
