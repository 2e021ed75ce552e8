"""The surface as a page that can be turned: plotly, which is an extra."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from symgd.descend import Solution
from symgd.errors import OptionError
from symgd.show.curves import outcome_line
from symgd.show.plane import Over, Plane, Spans, plane
from symgd.show.relief import BOX
from symgd.show.scene import scene
from symgd.show.theme import Theme, theme_of
from symgd.show.window import cut_note, drawn_part
from symgd.show.words import number

GRID = 101


@dataclass(frozen=True, eq=False)
class Page:
    """An interactive picture; ``figure`` is plotly's."""

    figure: Any

    def html(self) -> str:
        """A page that needs nothing else, not even the network."""
        return str(self.figure.to_html(include_plotlyjs=True, full_html=True))

    def _repr_html_(self) -> str:
        return str(self.figure.to_html(include_plotlyjs="cdn", full_html=False))


def available() -> bool:
    """Whether plotly is installed."""
    return find_spec("plotly") is not None


def interactive(
    what: Any,
    solution: Solution | None = None,
    *,
    data: Any = None,
    over: Over = None,
    others: str = "held",
    span: Spans = None,
    theme: str = "light",
) -> Page:
    """The surface with the way of a run on it, to be turned and zoomed in a browser.

    The arguments are those of :func:`symgd.show.surface`. Write it with
    ``save(page, "surface.html")``. Raises :class:`OptionError` when plotly is not installed.
    """
    if not available():
        raise OptionError(
            "interactive pictures need plotly, which is not installed: "
            "pip install 'symgd[plotly]' (still pictures and movies need nothing)"
        )
    solution = what if solution is None and isinstance(what, Solution) else solution
    look, found = theme_of(theme), scene(what, data, solution=solution)
    runs = [] if solution is None else [solution]
    seen = plane(found, runs, over=over, others=others, span=span, count=GRID)
    objects = import_module("plotly.graph_objects")
    top = seen.cut()
    traces = [_surface(objects, seen, top)]
    if solution is not None:
        traces += _way(objects, seen, solution, top, look)
    figure = objects.Figure(data=traces)
    notes = [*seen.notes, cut_note(top, "the top"), *(n for way in seen.ways for n in way.notes)]
    subtitle = "" if solution is None else outcome_line(solution)
    _lay_out(figure, seen, look, [subtitle, *filter(None, notes)])
    return Page(figure)


def _surface(objects: Any, seen: Plane, top: float | None) -> Any:
    height = seen.height if top is None else np.where(seen.height <= top, seen.height, np.nan)
    label = _plain(seen.scene.label)
    a, b = seen.names
    return objects.Surface(
        x=seen.across, y=seen.up, z=height, colorscale="Viridis", name=label,
        colorbar={"title": label}, contours={"z": {"show": True, "project": {"z": True}}},
        hovertemplate=f"{a} = %{{x:.4g}}<br>{b} = %{{y:.4g}}<br>{label} = %{{z:.5g}}"
        "<extra></extra>",
    )  # fmt: skip


def _way(objects: Any, seen: Plane, solution: Solution, top: float | None, theme: Theme) -> Any:
    """The way of the run and the mark at its answer."""
    way = seen.ways[0]
    points = seen.points(way)
    kept, _ = drawn_part(points, seen.spans)
    heights = seen.heights(points[kept])
    heights = heights if top is None else np.where(heights <= top, heights, np.nan)
    steps = [f"step {step:,}" for step in way.step[kept].tolist()]
    traces = [
        objects.Scatter3d(
            x=points[kept, 0], y=points[kept, 1], z=heights, mode="lines+markers", name="path",
            text=steps, line={"color": theme.path, "width": 6},
            marker={"color": theme.path, "size": 3.5},
        )
    ]  # fmt: skip
    if not way.astray:
        end = seen.end(way)
        traces.append(
            objects.Scatter3d(
                x=end[:1], y=end[1:], z=seen.heights(end[None, :]), mode="markers",
                name=", ".join(
                    f"{name} = {number(float(value))}"
                    for name, value in zip(seen.names, end, strict=True)
                ),
                marker={"color": theme.good, "size": 7, "symbol": "diamond"},
            )
        )  # fmt: skip
    return traces


def _lay_out(figure: Any, seen: Plane, theme: Theme, lines: list[str]) -> None:
    small = "<br>".join(f"<sup>{_plain(line)}</sup>" for line in lines if line)
    axis = {"color": theme.ink, "gridcolor": theme.grid, "backgroundcolor": theme.face}
    formula = seen.scene.objective.partials.problem.text if seen.scene.objective else ""
    title = _escaped(formula if len(formula) <= 120 else formula[:119] + "…")
    figure.update_layout(
        title={"text": f"{title}<br>{small}", "x": 0.02},
        paper_bgcolor=theme.face, font={"color": theme.ink}, showlegend=True,
        margin={"l": 0, "r": 0, "b": 0, "t": 110}, legend={"x": 0.02, "y": 0.9},
        scene={
            "xaxis": {**axis, "title": {"text": seen.names[0]}},
            "yaxis": {**axis, "title": {"text": seen.names[1]}},
            "zaxis": {**axis, "title": {"text": _plain(seen.scene.label)}},
            "aspectratio": dict(zip("xyz", BOX.tolist(), strict=True)),
        },
    )  # fmt: skip


def _plain(text: str) -> str:
    """A label without the marks of mathtext."""
    return _escaped(text.replace("\\$", "\0").replace("$", "").replace("\0", "$"))


def _escaped(text: str) -> str:
    """Text that is not HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
