"""A backend of matplotlib whose windows are in memory: what a test can look at and close.

It says that it needs the framework "headless": the one that runs where there is no display.
"""

from __future__ import annotations

from typing import Any

from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

flushed: list[Any] = []
"""The canvases that were brought to the screen, each as often as that happened."""


class FigureCanvas(FigureCanvasAgg):
    required_interactive_framework = "headless"
    manager_class = FigureManagerBase

    def flush_events(self) -> None:
        self.draw()
        flushed.append(self)


FigureManager = FigureManagerBase
