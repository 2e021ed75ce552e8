"""Colours and sizes of the pictures: told apart by colour-blind eyes, in print and on a beamer.

The series are the colours of Okabe and Ito ("Color Universal Design", 2008), in the dark theme
their lighter neighbours; line styles and markers differ too, so that a grey copy can be read.
Backgrounds are opaque: a saved picture looks the same in a light and in a dark viewer.

>>> theme_of("dark").face
'#14171c'
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from symgd.errors import OptionError


@dataclass(frozen=True)
class Theme:
    """The colours of a picture.

    ``face`` is the background, ``ink`` the writing, ``muted`` the notes, ``series`` the lines in
    order, ``path`` the way of a descent, ``good`` the minimum, ``shades`` the map from low to
    high loss on flat pictures and ``relief`` the one on surfaces.
    """

    name: str
    face: str
    ink: str
    muted: str
    grid: str
    void: str
    series: tuple[str, ...]
    path: str
    good: str
    shades: tuple[str, ...]
    relief: str


LIGHT = Theme(
    name="light",
    face="#ffffff",
    ink="#1b1b1f",
    muted="#5c6370",
    grid="#e3e5e8",
    void="#d9d9d9",
    series=("#0072B2", "#D55E00", "#009E73", "#A3548A", "#B8860B", "#3B9BD6", "#4d4d4d"),
    path="#D55E00",
    good="#009E73",
    shades=("#fbfdff", "#d6e6f4", "#a6cbe6", "#6aa6d3", "#3479b5", "#174a86", "#0a2650"),
    relief="viridis",
)
DARK = Theme(
    name="dark",
    face="#14171c",
    ink="#f1f2f4",
    muted="#a7aeb9",
    grid="#2b3038",
    void="#3a3f47",
    series=("#56B4E9", "#F5A13D", "#3DCB9B", "#E59CCB", "#F0E442", "#8FD0F5", "#c4c4c4"),
    path="#F5A13D",
    good="#3DCB9B",
    shades=("#191d24", "#1d3650", "#22547f", "#2f78ad", "#57a0d0", "#93c6e6", "#d7ebf7"),
    relief="viridis",
)
THEMES = {"light": LIGHT, "dark": DARK}
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (4, 1.5, 1, 1.5, 1, 1.5)))
MARKS = ("o", "s", "^", "D", "v", "P", "X")


def theme_of(name: str) -> Theme:
    """The theme of that name; :class:`OptionError` if there is none."""
    if name not in THEMES:
        near = get_close_matches(str(name), list(THEMES), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise OptionError(f"theme={name!r} is not known; there are {', '.join(THEMES)}{hint}")
    return THEMES[name]


def shades(theme: Theme, count: int) -> list[Any]:
    """``count`` colours from low to high loss."""
    from matplotlib.colors import LinearSegmentedColormap

    steps = LinearSegmentedColormap.from_list("loss", list(theme.shades))
    return [steps(k / max(1, count - 1)) for k in range(count)]


def sequence(count: int, theme: Theme) -> list[Any]:
    """``count`` colours that are ordered to the eye, for a family of curves."""
    from matplotlib import colormaps

    low, high = (0.0, 0.82) if theme.name == "light" else (0.25, 1.0)
    chosen = colormaps["viridis"]
    return [chosen(low + (high - low) * k / max(1, count - 1)) for k in range(count)]
