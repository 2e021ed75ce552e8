"""A window that follows a run while it descends; closing it does not stop the run.

>>> import symgd
>>> with Live(window=False) as live:
...     found = symgd.minimize("(x - 3)^2", {"x": 0}, rate=0.1, observers=[live])
>>> live.drawn > 0, found.converged
(True, True)
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np

from symgd.descend import Progress
from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.show.canvas import log_scale, new_figure, styled, titled
from symgd.show.courses import DECADES
from symgd.show.theme import DASHES, theme_of
from symgd.show.words import name_of, number

KEPT = 2000
SHOWN = 7


class Live:
    """An observer that draws the loss and the parameters, at most every ``every`` seconds.

    Give it to a run: ``minimize(..., observers=[Live()])``. ``names`` are those of the
    components of theta. With an interactive matplotlib backend a window opens, in a notebook the
    picture is replaced in place, and elsewhere (``window=False``, or no display) it is only
    drawn in memory, as ``figure``. ``close()``, or closing the window, ends the drawing and
    nothing else. As a context manager it draws the last state at the end.
    """

    def __init__(
        self,
        names: Sequence[str] = (),
        *,
        every: float = 0.1,
        window: bool = True,
        theme: str = "light",
    ) -> None:
        if not every >= 0:
            raise OptionError(f"every must be a number of seconds, not {every!r}")
        self.names, self.every, self.window, self.theme = tuple(names), every, window, theme
        self.closed = self.windowed = False
        self.drawn = 0
        self.failure: Exception | None = None
        self.figure: Any = None
        self._show: Callable[[], None] = lambda: None
        self._steps: list[int] = []
        self._losses: list[float] = []
        self._theta: list[FloatArray] = []
        self._stride = 1
        self._latest: Progress | None = None
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """See one iterate; draw if it is time."""
        if self.closed:
            return
        if self._latest is not None and progress.step < self._latest.step:
            self._begin_again()
        self._latest = progress
        if progress.step % self._stride == 0:
            self._keep(progress)
        if perf_counter() >= self._next:
            self.draw()

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *error: object) -> None:
        self.draw()

    def named(self, names: Sequence[str]) -> None:
        """Take the names of the components, unless they were given."""
        self.names = self.names or tuple(names)

    def close(self) -> None:
        """Stop drawing; the run goes on."""
        self.closed = True

    def wait(self) -> None:
        """Stay until the window is closed; returns at once where there is none."""
        if self.windowed and not self.closed:
            from matplotlib import pyplot

            pyplot.show(block=True)

    def draw(self) -> None:
        """Draw what is known now."""
        if self.closed or self._latest is None:
            return
        try:
            if self.figure is None:
                self._open(len(self._latest.theta))
            self._update()
            self._show()
        except Exception as error:  # toolkits raise errors of their own when a window is gone
            self.closed, self.failure = True, error
        self.drawn += 1
        self._next = perf_counter() + self.every

    def _begin_again(self) -> None:
        """Forget a run: another one begins, from another start."""
        self._steps, self._losses, self._theta = [], [], []
        self._stride = 1

    def _keep(self, progress: Progress) -> None:
        """Remember an iterate; when there are too many, every second one goes."""
        self._steps.append(progress.step)
        self._losses.append(progress.loss)
        self._theta.append(progress.theta[:SHOWN])
        if len(self._steps) > KEPT:
            for course in (self._steps, self._losses, self._theta):
                del course[1::2]
            self._stride *= 2

    def _open(self, size: int) -> None:
        look = theme_of(self.theme)
        self.figure, self._show = _screen(self, look)
        titled(self.figure, look, "The descent")
        upper, lower = self.figure.subplots(2, 1, sharex=True)
        for axes in (styled(upper, look), styled(lower, look)):
            axes.margins(x=0.02, y=0.08)
        upper.set_ylabel("loss")
        lower.set_ylabel("parameters")
        lower.set_xlabel("step")
        (self._loss_line,) = upper.plot([], [], color=look.series[0], linewidth=2.2, gid="loss")
        names = self.names or tuple(f"theta[{k}]" for k in range(size))
        self._lines = [
            lower.plot([], [], color=look.series[k], linestyle=DASHES[k % len(DASHES)],
                       linewidth=2.0, label=name_of(name))[0]
            for k, name in enumerate(names[: min(SHOWN, size)])
        ]  # fmt: skip
        lower.legend(
            loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, labelcolor=look.ink
        )
        self._words = self.figure.text(0.98, 0.97, "", ha="right", va="top", color=look.ink)
        self._axes = (upper, lower)

    def _update(self) -> None:
        latest = self._latest
        assert latest is not None
        steps = np.array([*self._steps, latest.step])
        losses = np.array([*self._losses, latest.loss])
        theta = np.array([*self._theta, latest.theta[:SHOWN]])
        known = losses[np.isfinite(losses)]
        spans = known.size and known.min() > 0 and known.max() > DECADES * known.min()
        upper, lower = self._axes
        if spans:
            log_scale(upper)
        elif upper.get_yscale() == "log":
            upper.set_yscale("linear")
        with np.errstate(invalid="ignore"):
            self._loss_line.set_data(steps, np.clip(losses, -1e150, 1e150))
            for k, line in enumerate(self._lines):
                line.set_data(steps, np.clip(theta[:, k], -1e150, 1e150))
        for axes in (upper, lower):
            axes.relim()
            axes.autoscale_view()
        self._words.set_text(
            f"step {latest.step:,}   loss {number(latest.loss)}   rate {number(latest.rate, 3)}"
        )


def _screen(live: Live, look: Any) -> tuple[Any, Callable[[], None]]:
    """A figure and what puts it on the screen: a window, a notebook, or nothing."""
    if live.window and _in_notebook():
        figure = new_figure(8, 5, look)
        return figure, _notebook(figure)
    if live.window and _has_windows():
        live.windowed = True
        return _window(live, look)
    figure = new_figure(8, 5, look)
    return figure, figure.canvas.draw


def opened() -> Live:
    """A window that follows a run, or a picture in a notebook.

    Raises :class:`OptionError` where there is neither: no display, or a backend of matplotlib
    that only writes files.
    """
    if not _in_notebook():
        from matplotlib import get_backend, pyplot

        name = get_backend()
        reason = f"matplotlib draws with {name!r}" if not _has_windows() else ""
        try:
            pyplot.switch_backend(name)
        except ImportError as problem:
            reason = str(problem)
        if reason:
            raise OptionError(
                f"there is no display for a live window here ({reason}): "
                "leave out live, or write the run as a .gif when it is done"
            )
    return Live()


def _has_windows() -> bool:
    """Whether matplotlib draws into windows here."""
    from matplotlib import get_backend
    from matplotlib.backends.registry import BackendFilter, backend_registry

    name = get_backend()
    if name.startswith("module://"):
        module = backend_registry.load_backend_module(name)  # type: ignore[no-untyped-call]
        return module.FigureCanvas.required_interactive_framework is not None
    names: list[str] = backend_registry.list_builtin(BackendFilter.INTERACTIVE)  # type: ignore[no-untyped-call]
    return name.lower() in {known.lower() for known in names}


def _window(live: Live, look: Any) -> tuple[Any, Callable[[], None]]:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(8, 5), facecolor=look.face, layout="constrained")
    figure.canvas.mpl_connect("close_event", lambda event: live.close())
    pyplot.show(block=False)

    def show() -> None:
        figure.canvas.draw_idle()
        figure.canvas.flush_events()

    return figure, show


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this; others import its modules, too."""
    if "ipykernel" not in sys.modules:
        return False
    shell = import_module("IPython").get_ipython()
    return getattr(shell, "kernel", None) is not None


def _notebook(figure: Any) -> Callable[[], None]:
    display = import_module("IPython.display")
    handle = display.display(display.HTML(""), display_id=True)

    def show() -> None:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        encoded = base64.b64encode(buffer.getvalue()).decode()
        handle.update(display.HTML(f'<img alt="live" src="data:image/png;base64,{encoded}">'))

    return show
