"""Figures without global state: made by hand, drawn by Agg, no window, no rcParams.

>>> from symgd.show.theme import theme_of
>>> figure = new_figure(6, 4, theme_of("light"))
>>> axes = styled(figure.add_subplot(), theme_of("light"))
>>> figure.get_size_inches().tolist(), axes.get_facecolor()[:3]
([6.0, 4.0], (1.0, 1.0, 1.0))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from symgd.show.notebook_figures import show_figures
from symgd.show.theme import Theme
from symgd.show.words import TIMES, number, safe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
TEXT, SMALL, TITLE = 11.5, 9.5, 15.0


def new_figure(width: float, height: float, theme: Theme) -> Figure:
    """An empty figure in inches, 100 dots each, with a canvas of its own."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    show_figures()
    figure = Figure(
        figsize=(width, height), dpi=DPI, facecolor=theme.face, edgecolor=theme.face,
        layout="constrained",
    )  # fmt: skip
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    return figure


def styled(axes: Any, theme: Theme, grid: bool = True) -> Any:
    """The axes in the colours of the theme, with a quiet grid and no frame at top and right."""
    axes.set_facecolor(theme.face)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.muted)
    axes.tick_params(colors=theme.muted, labelcolor=theme.ink, labelsize=10)
    axes.xaxis.label.set(color=theme.ink, size=TEXT)
    axes.yaxis.label.set(color=theme.ink, size=TEXT)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(True, color=theme.grid, linewidth=0.8)
    plain_ticks(axes)
    return axes


def plain_ticks(axes: Axes) -> None:
    """No offsets such as +2.3e6 in a corner of a linear axis; at most a power of ten."""
    from matplotlib.ticker import ScalarFormatter

    for axis in (axes.xaxis, axes.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, ScalarFormatter):
            formatter.set_useOffset(False)
            formatter.set_powerlimits((-4, 5))
            formatter.set_useMathText(True)


def titled(figure: Figure, theme: Theme, title: str, subtitle: str = "") -> None:
    """The title at the upper left, made smaller until it fits, the subtitle below it."""
    inch = 1.0 / figure.get_figheight()
    top = 1.0 - 0.1 * inch
    for words, colour, size in ((title, theme.ink, TITLE), (subtitle, theme.muted, SMALL + 1)):
        if not words:
            continue
        text = fitted_text(figure, 0.018, top, words, colour, size)
        top -= extent(figure, text)[1] / (figure.dpi * figure.get_figheight()) + 0.07 * inch
    _reserve(figure, top=top)


def log_scale(axes: Axes) -> None:
    """A logarithmic vertical axis with its decades as plain text, and nothing between them."""
    from matplotlib.ticker import NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: decade(value))
    axes.yaxis.set_minor_formatter(NullFormatter())


def decade(value: float) -> str:
    """A power of ten as it stands on an axis.

    >>> decade(0.01), decade(1e5), decade(20.0)
    ('0.01', '10⁵', '20')
    """
    text = number(value, 3)
    head, times, power = text.partition(f"1{TIMES}")
    return f"{head}{power}" if times and not head.strip("\N{MINUS SIGN}") else text


def fitted_text(
    figure: Figure, left: float, top: float, words: str, colour: str, size: float
) -> Any:
    """One line of text in the figure that is made to fit the width."""
    family = "cm" if size == TITLE else "dejavusans"
    text = figure.text(
        left, top, words, ha="left", va="top", color=colour, fontsize=size, math_fontfamily=family
    )
    _fit_width(figure, text, 0.965)
    return text


def noted(figure: Figure, theme: Theme, notes: Iterable[str]) -> None:
    """Small print along the lower edge: what is held, thinned or cut off."""
    lines = list(dict.fromkeys(note for note in notes if note))
    if lines:
        inch = 1.0 / figure.get_figheight()
        text = figure.text(
            0.018, 0.07 * inch, "  \N{MIDDLE DOT}  ".join(lines), ha="left", va="bottom",
            color=theme.muted, fontsize=SMALL - 0.5, gid="notes",
        )  # fmt: skip
        _fit_width(figure, text, 0.965)
        _reserve(figure, bottom=0.3 * inch)


def _reserve(figure: Figure, bottom: float = 0.0, top: float = 1.0) -> None:
    """Keep the axes out of the lower and the upper edge."""
    engine: Any = figure.get_layout_engine()
    left, low, width, height = engine.get()["rect"]
    lower, upper = max(low, bottom), min(low + height, top)
    engine.set(rect=(left, lower, width, upper - lower))


def _fit_width(figure: Figure, text: Any, share: float) -> None:
    """Shrink a text to a share of the width; what is still too wide is cut."""
    room = share * figure.get_figwidth() * figure.dpi
    width = extent(figure, text)[0]
    if width <= room:
        return
    size = text.get_fontsize()
    text.set_fontsize(max(8.0, size * room / width))
    width = extent(figure, text)[0]
    if width > room:
        plain = text.get_text().replace("$", "")
        text.set_text(safe(plain, max(20, int(len(plain) * room / width) - 2)))


def extent(figure: Figure, text: Any) -> tuple[float, float]:
    """Width and height of a text in dots."""
    box = text.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    return float(box.width), float(box.height)


def legend(axes: Any, theme: Theme, **options: Any) -> Any:
    """A legend that does not hide what is below it, in the colours of the theme."""
    box = axes.legend(
        fontsize=SMALL, labelcolor=theme.ink, facecolor=theme.face, edgecolor=theme.grid,
        framealpha=0.9, **options,
    )  # fmt: skip
    return box


def message(axes: Any, theme: Theme, text: str) -> None:
    """A sentence in the middle of axes that have nothing to show."""
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=theme.ink,
        fontsize=TEXT, wrap=True,
        bbox={"facecolor": theme.face, "edgecolor": theme.grid, "boxstyle": "round,pad=0.6"},
    )  # fmt: skip


def cased(theme: Theme, width: float = 3.5) -> list[Any]:
    """A casing in the background colour, so that a line stands out on any shade."""
    from matplotlib.patheffects import Normal, Stroke

    return [Stroke(linewidth=width, foreground=theme.face), Normal()]
