"""Figures in a notebook: made without pyplot, they need to be told how to show themselves.

Where IPython runs, its PNG formatter learns matplotlib's figures, unless somebody (such as
``%matplotlib inline``) has taught it already. Nothing happens anywhere else.

>>> show_figures()
False
"""

from __future__ import annotations

import io
import sys
from importlib import import_module
from typing import Any


def show_figures() -> bool:
    """See to it that a figure at the end of a cell is drawn; whether that was needed."""
    if "IPython" not in sys.modules:
        return False
    shell = import_module("IPython").get_ipython()
    formatter = None if shell is None else shell.display_formatter.formatters.get("image/png")
    if formatter is None:
        return False
    from matplotlib.figure import Figure

    try:
        formatter.lookup_by_type(Figure)
    except KeyError:
        formatter.for_type(Figure, png)
        return True
    return False


def png(figure: Any) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


__all__ = ["png", "show_figures"]
