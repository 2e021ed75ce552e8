"""Programs that follow from other formulas, made once for each of them.

The second derivatives of a loss or the sums of its squares take longer to write down than to
look up: where the same formula comes again, with other data perhaps, so do they.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from symgd.compile.native.kernel import NativeProgram, native_program
from symgd.compile.native.request import Request
from symgd.compile.program import linearize
from symgd.formula.graph import Node
from symgd.formula.shapes import Shape

_KEPT = 64
_known: OrderedDict[tuple[str, str], NativeProgram] = OrderedDict()


def derived_program(
    what: str,
    basis: Sequence[Node],
    make: Callable[[], list[Node]],
    shapes: Mapping[str, Shape],
    sizes: Mapping[str, int],
    rows: str | None,
) -> NativeProgram:
    """The native program of ``make()``, which depends on nothing but ``basis`` and the shapes.

    ``what`` says what it is and for which parameters, apart from other programs on the same
    basis. Raises what ``make``
    raises, and :class:`~symgd.compile.native.spread.NotNative`.
    """
    key = Request(linearize(basis), shapes, sizes, rows).key
    known = None if key is None else _known.get((what, key))
    if known is not None:
        return known
    made = native_program(linearize(make()), shapes, sizes, rows)
    if key is not None:
        _known[what, key] = made
        while len(_known) > _KEPT:
            _known.popitem(last=False)
    return made
