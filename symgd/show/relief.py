"""A surface in three dimensions: cut cleanly, and nothing behind a wall shines through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgd.descend.objective import FloatArray
from symgd.show.canvas import cased
from symgd.show.plane import Plane
from symgd.show.theme import Theme
from symgd.show.window import Way, distinct, drawn_part, levels
from symgd.show.words import counted, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOX = np.array([1.3, 1.3, 0.85])
MESH = 7
VIEWS = tuple(
    (elevation, azimuth)
    for elevation in (32.0, 45.0, 60.0)
    for azimuth in (-60.0, 30.0, 120.0, -150.0, -30.0, 60.0, 150.0, -120.0)
)


class Relief:
    """The 3-D axes of a surface; all that is drawn on them is cut at the same height."""

    def __init__(
        self, figure: Figure, seen: Plane, theme: Theme, view: tuple[float, float] | None
    ) -> None:
        self.seen, self.theme = seen, theme
        self.axes: Any = figure.add_subplot(
            projection="3d", computed_zorder=False, proj_type="ortho"
        )
        self.top = seen.cut()
        known = seen.height[np.isfinite(seen.height)]
        self.low = float(known.min()) if known.size else 0.0
        self.high = self.top if self.top is not None else float(known.max()) if known.size else 1.0
        self.room = (self.high - self.low) or max(1.0, abs(self.low))
        self.floor = self.low - 0.3 * self.room
        self.view = view or self._best_view()
        self._set_up()

    def _best_view(self) -> tuple[float, float]:
        """The first of a few views that shows most of the run."""
        points = self._to_be_seen()
        if not len(points):
            return VIEWS[0]
        heights = self.seen.heights(points)
        seen = [np.count_nonzero(~self.hidden(points, heights, view)) for view in VIEWS]
        return VIEWS[int(np.argmax(seen))]

    def _to_be_seen(self) -> FloatArray:
        """Some points (k, 2) of the run, or of the valley if there is none."""
        seen = self.seen
        if not seen.ways:
            flat = np.where(np.isfinite(seen.height), seen.height, np.inf).reshape(-1)
            lowest = np.argsort(flat)[: flat.size // 12 : 9]
            rows, columns = np.unravel_index(lowest[np.isfinite(flat[lowest])], seen.height.shape)
            return np.column_stack([seen.across[columns], seen.up[rows]])
        points = seen.points(seen.ways[0])
        kept, _ = drawn_part(points, seen.spans)
        points = points[kept[:: 1 + len(kept) // 60]]
        return points[self.inside(points)]

    def _set_up(self) -> None:
        axes, theme = self.axes, self.theme
        axes.set_facecolor(theme.face)
        axes.view_init(elev=self.view[0], azim=self.view[1])
        axes.set_box_aspect(BOX, zoom=1.04)
        axes.set_xlim(*self.seen.spans[0])
        axes.set_ylim(*self.seen.spans[1])
        axes.set_zlim(self.floor, self.high + 0.02 * self.room)
        named = (*map(name_of, self.seen.names), self.seen.scene.label)
        for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), named, strict=True):
            axis.set_pane_color(theme.face)
            axis.line.set_color(theme.muted)
            axis._axinfo["grid"].update(color=theme.grid, linewidth=0.7)
            axis.set_tick_params(colors=theme.muted, labelcolor=theme.ink, labelsize=9)
            axis.set_label_text(name, color=theme.ink, fontsize=11.5)
            axis.labelpad = 5
        ticks = [t for t in axes.get_zticks() if self.low - 0.05 * self.room <= t <= self.high]
        axes.set_zticks(ticks)
        axes.set_zlim(self.floor, self.high + 0.02 * self.room)

    # -- the surface ------------------------------------------------------------------------

    def draw(self, slices: bool) -> None:
        """The surface, its contours on the floor and the slices through the solution."""
        from mpl_toolkits.mplot3d.art3d import Poly3DCollection

        known = np.isfinite(self.seen.height)
        if not known.any():
            self.axes.text2D(
                0.5, 0.55, "The loss is not a finite number anywhere in this window.",
                transform=self.axes.transAxes, ha="center", color=self.theme.ink,
            )  # fmt: skip
            return
        self._floor()
        cells = clipped_cells(self.seen, self.high)
        middles = (cells[..., 2].max(axis=1) + cells[..., 2].min(axis=1)) / 2
        sheet = Poly3DCollection(
            cells, facecolors=self.colours(middles), edgecolors=self.colours(middles),
            linewidths=0.4, antialiased=True, zorder=2,
        )  # fmt: skip
        sheet.set_gid("surface")
        self.axes.add_collection3d(sheet, autolim=False)
        self._mesh()
        if slices:
            self._slices()
        if self.seen.lowest is not None:
            self.star(self.seen.lowest, True)

    def colours(self, heights: FloatArray) -> NDArray[np.float64]:
        """Colours by height; the valley gets more than its share of them."""
        from matplotlib import colormaps

        share = np.clip((heights - self.low) / self.room, 0.0, 1.0) ** 0.6
        return np.asarray(colormaps[self.theme.relief](0.04 + 0.92 * share))

    def _floor(self) -> None:
        seen, marks = self.seen, levels(self.seen.height)
        if marks.size:
            colours = self.colours(np.minimum(marks[1:], self.high))
            self.axes.contour(
                seen.across, seen.up, np.ma.masked_invalid(seen.height), levels=marks[1:],
                zdir="z", offset=self.floor, colors=colours, linewidths=1.1, zorder=1,
            )  # fmt: skip

    def _mesh(self) -> None:
        """A few thin lines along both parameters give the surface its form."""
        seen = self.seen
        style = {"color": self.theme.face, "linewidth": 0.6, "alpha": 0.4, "zorder": 3}
        for k in range(0, len(seen.up), MESH):
            points = np.column_stack([seen.across, np.full(len(seen.across), seen.up[k])])
            self._thread(points, seen.height[k], style)
        for k in range(0, len(seen.across), MESH):
            points = np.column_stack([np.full(len(seen.up), seen.across[k]), seen.up])
            self._thread(points, seen.height[:, k], style)

    def _thread(self, points: FloatArray, heights: FloatArray, style: dict[str, Any]) -> None:
        """A line on the surface where it is below the cut and can be seen."""
        with np.errstate(invalid="ignore"):
            shown = (heights <= self.high) & ~self.hidden(points, heights)
        self.axes.plot(*points.T, np.where(shown, heights, np.nan), **style)

    def _slices(self) -> None:
        """The two slices through the solution (through the lowest point without one)."""
        seen = self.seen
        if seen.ways and not seen.ways[0].astray:
            a, b = seen.end(seen.ways[0])
        else:
            row, column = np.unravel_index(int(np.nanargmin(seen.height)), seen.height.shape)
            a, b = seen.across[column], seen.up[row]
        style = {"linewidth": 1.7, "zorder": 4, "color": self.theme.face, "gid": "slice"}
        along = np.column_stack([seen.across, np.full(len(seen.across), b)])
        athwart = np.column_stack([np.full(len(seen.up), a), seen.up])
        for points in (along, athwart):
            self._thread(points, seen.heights(points), style)

    # -- a run on it ------------------------------------------------------------------------

    def draw_way(self, way: Way, good: bool) -> list[str]:
        """The way of a run on the surface, and its shadow on the floor; what must be said."""
        points = self.seen.points(way)
        if not len(points):
            return ["the run has no point that can be drawn"]
        kept, thinned = drawn_part(points, self.seen.spans)
        kept = kept[self.inside(points[kept])]
        above = 0
        if len(kept):
            heights = self.lifted(points[kept])
            above = int(np.isnan(heights).sum())
            self._way_lines(points[kept], heights)
        if not way.astray:
            self.star(self.seen.end(way), good)
        over = f"{counted(above, 'step')} of the run above the cut" if above else ""
        return [*way.notes, thinned, over]

    def _way_lines(self, points: FloatArray, heights: FloatArray) -> None:
        """Lines through points (k, 2): on the surface, fainter behind it, and on the floor."""
        theme, crowd = self.theme, len(points) > 1500
        behind = self.hidden(points, heights)
        floor = np.full(len(points), self.floor)
        style: dict[str, Any] = {"color": theme.path}
        self.axes.plot(
            *points.T, floor, linewidth=1.1, alpha=0.8, zorder=1.5, gid="shadow", **style
        )
        self.axes.plot(*points.T, heights, linewidth=1.0, alpha=0.45, zorder=6, gid="path", **style)
        self.axes.plot(
            *points.T, np.where(behind, np.nan, heights), linewidth=0.9 if crowd else 2.4, zorder=7,
            path_effects=None if crowd else cased(theme, 4.0), gid="seen path", **style,
        )  # fmt: skip
        marked = distinct(points, self.seen.spans, 0.02)
        marked = marked[~behind[marked] & np.isfinite(heights[marked])]
        if not crowd and len(marked):
            self.axes.plot(
                *points[marked].T, heights[marked], "o", markersize=6, zorder=7.5,
                markeredgecolor=theme.face, markeredgewidth=1.0, gid="iterates", **style,
            )  # fmt: skip

    def star(self, place: FloatArray, good: bool) -> None:
        """The mark at the answer."""
        theme = self.theme
        points = place[None, :]
        self.axes.plot(
            *points.T, self.lifted(points), "*" if good else "o", markersize=18 if good else 10,
            color="#F0E442" if good else theme.path, markeredgecolor="#1b1b1f",
            markeredgewidth=0.8, zorder=8, gid="solution",
        )  # fmt: skip

    def lifted(self, points: FloatArray) -> FloatArray:
        """The heights at points (k, 2); nan above the cut."""
        heights = self.seen.heights(points)
        slack = self.high + 1e-9 * self.room
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(heights <= slack, heights, np.nan))

    def inside(self, points: FloatArray) -> NDArray[np.bool_]:
        """Which points (k, 2) are in the window."""
        (left, right), (low, high) = self.seen.spans
        a, b = points.T
        return np.asarray((left <= a) & (a <= right) & (low <= b) & (b <= high))

    def hidden(
        self, points: FloatArray, heights: FloatArray, view: tuple[float, float] | None = None
    ) -> NDArray[np.bool_]:
        """Which points of the surface lie behind a nearer part of it, seen from the eye."""
        from scipy.interpolate import RegularGridInterpolator

        seen = self.seen
        elevation, azimuth = np.radians(view or self.view)
        eye = np.array(
            [
                np.cos(elevation) * np.cos(azimuth),
                np.cos(elevation) * np.sin(azimuth),
                np.sin(elevation),
            ]
        )
        sizes = np.array(
            [*(b - a for a, b in seen.spans), self.high + 0.02 * self.room - self.floor]
        )
        ray = eye / BOX * sizes
        cut = np.where(seen.height <= self.high, seen.height, -np.inf)
        cut = np.where(np.isfinite(seen.height), cut, -np.inf)
        ground = RegularGridInterpolator(
            (seen.up, seen.across), cut, method="nearest", bounds_error=False, fill_value=-np.inf
        )
        away = np.linspace(0.05, 1.6, 90)[:, None, None]
        onward = points[None] + away * ray[:2]
        above = heights[None] + away[..., 0] * ray[2]
        with np.errstate(invalid="ignore"):
            blocked = ground(onward[..., ::-1]) > above + 0.004 * self.room
        return np.asarray(blocked.any(axis=0))


def clipped_cells(seen: Plane, high: float) -> NDArray[np.float64]:
    """The cells of the surface as polygons (n, k, 3), cut exactly at ``high``.

    Cells with a corner that is not defined are left out. All polygons have the same number of
    corners, the last one repeated where there are fewer: matplotlib fills up shorter ones with
    whatever is in memory.
    """
    across, up = np.meshgrid(seen.across, seen.up)
    corners = np.stack([across, up, seen.height], axis=-1)
    quads = np.stack(
        [corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], axis=2
    ).reshape(-1, 4, 3)
    quads = quads[np.isfinite(quads[..., 2]).all(axis=1)]
    below = quads[..., 2] <= high
    whole, partly = below.all(axis=1), below.any(axis=1)
    cut = [_below(quad, high) for quad in quads[partly & ~whole]]
    most = max([4, *map(len, cut)])
    padded = [np.pad(p, ((0, most - len(p)), (0, 0)), mode="edge") for p in cut]
    cells = np.pad(quads[whole], ((0, 0), (0, most - 4), (0, 0)), mode="edge")
    return np.concatenate([cells, np.array(padded)]) if padded else cells


def _below(polygon: NDArray[np.float64], high: float) -> NDArray[np.float64]:
    """The part of a polygon below a height (Sutherland and Hodgman, 1974)."""
    kept = []
    for here, there in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if here[2] <= high:
            kept.append(here)
        if (here[2] <= high) != (there[2] <= high):
            share = (high - here[2]) / (there[2] - here[2])
            kept.append(here + share * (there - here))
    return np.array(kept)
