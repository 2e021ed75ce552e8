"""A course of numbers in one line of text, or in a few: for the terminal.

>>> spark([8.0, 4.0, 2.0, 1.0, 0.5, 0.25])
'█▇▅▄▂▁'
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from symgd.errors import OptionError

BARS = "▁▂▃▄▅▆▇█"
MISSING = "\N{MULTIPLICATION SIGN}"
DECADES = 30.0
WIDEST = 4


def spark(losses: Iterable[float], width: int = 60) -> str:
    """A course as bars of Unicode, at most ``width`` of them.

    The scale is logarithmic if the numbers span decades (around zero, if some are negative).
    What is not finite is shown as a cross; of a stretch of steps in one bar the last is shown.

    >>> spark([3, 2, 1.5, 1]), spark([5, 5]), spark([])
    ('█▅▃▁', '▁▁', '')
    """
    if width < 1:
        raise OptionError(f"width must be at least 1, not {width}")
    values = _scaled(_sampled(np.asarray(list(losses), dtype=np.float64), width))
    return "".join(MISSING if math.isnan(v) else BARS[min(7, int(8 * v))] for v in values.tolist())


def chart(losses: Iterable[float], width: int = 60, height: int = 8) -> str:
    """A course as a small plot in text, ``height`` lines high, with its highest and lowest value.

    A course of few steps has wider bars; a level one needs a single line.

    >>> print(chart([4, 3, 2, 1], width=4, height=2))
    4 ┤█▃
    1 ┤██▅▁
    >>> print(chart([5, 5, 5]))
    5 ┤▁▁▁
    """
    if width < 1 or height < 1:
        raise OptionError(f"width and height must be at least 1, not {width} and {height}")
    values = _sampled(np.asarray(list(losses), dtype=np.float64), width)
    known = values[np.isfinite(values)]
    if not known.size:
        return ""
    if known.max() == known.min() and known.size == values.size:
        return f"{known[0]:.4g} ┤{BARS[0] * len(values)}"
    wide = max(1, min(WIDEST, width // len(values)))
    shares = np.repeat(_scaled(values), wide)
    labels = [f"{known.max():.4g}", *[""] * (height - 2), f"{known.min():.4g}"][:height]
    room = max(map(len, labels))
    rows = []
    for k, label in enumerate(labels):
        base = height - 1 - k
        cells = [_cell(share, base, height) for share in shares.tolist()]
        rows.append(f"{label.rjust(room)} ┤{''.join(cells)}".rstrip())
    return "\n".join(rows)


def _cell(share: float, base: int, height: int) -> str:
    """The part of a bar that is in one line; every bar shows at least its foot."""
    if math.isnan(share):
        return MISSING if base == 0 else " "
    eighths = round(8 * height * share) - 8 * base
    if base == 0:
        eighths = max(1, eighths)
    return " " if eighths <= 0 else BARS[min(8, eighths) - 1]


def _sampled(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """At most ``width`` values: the first, the last, and even steps between."""
    if len(values) <= width:
        return values
    places = np.linspace(0, len(values) - 1, width).round().astype(int)
    return np.asarray(values[places])


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between 0 and 1, logarithmic where that shows more; nan for what is not finite."""
    fine = np.isfinite(values)
    shares = np.full(len(values), np.nan)
    known = values[fine]
    if not known.size:
        return shares
    low, high = float(known.min()), float(known.max())
    if low > 0 and high > DECADES * low:
        known, low, high = np.log(known), math.log(low), math.log(high)
    elif low < 0 and high > DECADES**2 * _unit(known):
        known = np.sign(known) * np.log1p(np.abs(known) / _unit(known))
        low, high = float(known.min()), float(known.max())
    room = high / 2 - low / 2  # halved, so that it does not overflow
    shares[fine] = (known / 2 - low / 2) / room if room > 0 else 0.0
    return shares


def _unit(known: NDArray[np.float64]) -> float:
    """The smaller size of the two ends of a course, without the digits of rounding."""
    size = np.abs(known)
    return max(float(min(size[0], size[-1])), 1e-15 * float(size.max()))
