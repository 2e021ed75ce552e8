"""The landscape of a loss: a curve over one parameter, contours and surface over two.

The window is chosen as for the pictures of :mod:`symgd.show`: around the way of a run or the
minimum, and a steep wall is cut where it would flatten the valley.

>>> seen = scene({"problem": {"text": "(x - 3)^2"}, "points": 5, "span": {"x": [1, 5]}})
>>> seen["kind"], seen["x"], seen["y"]
('curve', [1.0, 2.0, 3.0, 4.0, 5.0], [4.0, 1.0, 0.0, 1.0, 4.0])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.descend import Solution
from symgd.descend.objective import FloatArray
from symgd.errors import OptionError
from symgd.show.scene import Scene, of_objective, reference
from symgd.show.window import ASTRAY, Pair, ceiling, framed, grid, levels
from symgd.web.data_file import data_of
from symgd.web.isolines import isolines
from symgd.web.jsonable import plain, rounded, significant
from symgd.web.problem import (
    Asked,
    FieldError,
    flag_of,
    formula_text,
    model_loss,
    names_of,
    problem_of,
    start_of,
    text_of,
    whole_of,
)

KINDS = ("auto", "curve", "surface")
CURVE_POINTS = 301
SURFACE_POINTS = 61
MOST_POINTS = 1001
MOST_ENDS = 4000
LEVELS = 14
AROUND = 4.0
"""What is shown on each side of the start of a loss that falls without end."""
FAR = 1e6
"""A way so much longer than the start is large leads away, whatever its outcome."""
WORK = 3_000_000
"""The grid of a surface gets coarser when points times rows would be more than this."""


@dataclass(frozen=True, eq=False)
class Look:
    """What a landscape is to show: the loss, the points to be framed, and where the rest is held.

    ``ends`` (k, p) are points of a run with its answer last, or none; ``astray`` says that the
    run went away; ``lowest`` is a solution that was found to frame the picture by.
    """

    found: Scene
    ends: FloatArray
    astray: bool
    base: FloatArray
    lowest: Solution | None

    def at(self, places: list[int], points: FloatArray) -> FloatArray:
        """The loss (k,) at points (k, d) of some components, the others held."""
        full = np.tile(self.base, (len(points), 1))
        full[:, places] = points
        return self.found.values(full)

    def held(self, places: list[int]) -> dict[str, float]:
        """The components that are not drawn, with their values."""
        names = self.found.layout.names
        return {n: float(self.base[k]) for k, n in enumerate(names) if k not in places}


def scene(content: Mapping[str, Any]) -> dict[str, Any]:
    """The landscape that is asked for; ``kind`` says whether it is a curve or a surface."""
    asked = problem_of(content)
    kind = text_of(content, "kind", "auto")
    if kind not in KINDS:
        raise FieldError("kind", f"kind is {', '.join(KINDS)}, not {kind!r}")
    with data_of(asked) as data:
        found = scene_of(asked, data, start_of(content))
    size = found.layout.size
    over = names_of(content, "over") or ()
    flat = kind == "curve" or (kind == "auto" and (size == 1 or len(over) == 1))
    wanted = 1 if flat else 2
    if size < wanted:
        raise OptionError("a surface needs two parameters, and this loss has one")
    names = list(over) or list(found.layout.names[:wanted])
    if len(names) != wanted or len(set(names)) != wanted:
        raise FieldError("over", f"this picture is over {wanted}, not over {', '.join(names)}")
    places = [found.component(name) for name in names]
    look = look_of(found, content, start_of(content), places)
    spans = [_span(look, place, content, not flat) for place in places]
    points = whole_of(content, "points", 3, MOST_POINTS)
    seen = _curve(look, places, spans, points) if flat else _surface(look, places, spans, points)
    return {
        **seen, "names": names, "names_all": list(found.layout.names),
        "held": plain(look.held(places)), "notes": found.notes, "label": found.label.strip("$"),
        "rows": found.all_rows,
    }  # fmt: skip


def scene_of(asked: Asked, data: str | None, start: Any = None) -> Scene:
    """The loss of a request on its data, ready to be evaluated."""
    from symgd.compile.columns import read_with_data
    from symgd.compile.objective import compile_objective
    from symgd.derive.partials import derive
    from symgd.minimize.starts import start_shapes

    if asked.model:
        from dataclasses import replace

        from symgd.data import column_names

        columns = tuple(column_names(data)) if data is not None else asked.columns
        text = model_loss(replace(asked, columns=columns))
    else:
        text = formula_text(asked)
    read = read_with_data(
        text, data, wrt=asked.wrt, shapes=asked.shapes or None, constants=asked.constants or None,
        missing=asked.missing,
    )  # fmt: skip
    partials = derive(read.problem)
    if not partials.wrt:
        raise OptionError("the formula has no parameters, so there is no landscape")
    return of_objective(compile_objective(partials, read.columns, start_shapes(start, partials)))


def look_of(found: Scene, content: Mapping[str, Any], start: Any, places: list[int]) -> Look:
    """What is to be framed: the points that were given, or the way from start to minimum."""
    ends = _ends(found, content)
    given = content.get("span")
    spanned = isinstance(given, dict) and all(found.layout.names[k] in given for k in places)
    at = start_of(content, "at")
    if len(ends) and at is None:
        return Look(found, ends, flag_of(content, "astray"), ends[-1], None)
    if at is not None:
        base = point_of(found, at, "at")
        framed_by = ends if len(ends) else base[None]
        return Look(found, framed_by, flag_of(content, "astray"), base, None)
    if spanned and found.layout.size == len(places):
        return Look(found, ends, False, np.zeros(found.layout.size), None)
    lowest = reference(found)
    if lowest is None or not np.isfinite(lowest.theta).all():
        if not spanned:
            raise OptionError("nothing says where to look: give a start, or a span for each axis")
        return Look(found, ends, False, np.zeros(found.layout.size), None)
    first = lowest.history.theta[:1] if start in (None, "random") else point_of(found, start)[None]
    if lowest.outcome in ASTRAY or np.ptp([first[0], lowest.theta]) > FAR * (1 + np.ptp(first)):
        around = np.vstack([first, first - AROUND, first + AROUND])
        return Look(found, around, True, first[0], None)
    return Look(found, np.vstack([first, lowest.theta]), False, lowest.theta, lowest)


def point_of(found: Scene, values: Mapping[str, Any], field: str = "start") -> FloatArray:
    """A point by name; components that are left out are 0."""
    full = np.zeros(found.layout.size)
    names = found.layout.names
    for name, value in values.items():
        entries = np.asarray(value, dtype=np.float64)
        if name in names and entries.ndim == 0:
            full[names.index(name)] = entries
            continue
        shape = found.layout.shapes.get(name)
        if shape is None or entries.shape != shape:
            raise FieldError(field, f"{field}: {name} is no parameter, or has another shape")
        places = [k for k, n in enumerate(names) if n == name or n.startswith(f"{name}[")]
        full[places] = entries.reshape(-1)
    return full


def _ends(found: Scene, content: Mapping[str, Any]) -> FloatArray:
    """The points of a run, as rows of numbers or as objects."""
    given = content.get("ends") or []
    if not isinstance(given, list) or len(given) > MOST_ENDS:
        raise FieldError("ends", f"ends must be a list of at most {MOST_ENDS} points")
    size = found.layout.size
    points = np.empty((len(given), size))
    for k, point in enumerate(given):
        if isinstance(point, dict):
            points[k] = point_of(found, start_of({"ends": point}, "ends") or {}, "ends")
        elif isinstance(point, list) and len(point) == size:
            points[k] = [np.nan if value is None else float(value) for value in point]
        else:
            raise FieldError("ends", f"a point must have {size} numbers")
    with np.errstate(invalid="ignore"):
        return np.asarray(points[np.all(np.abs(points) < 1e100, axis=1)])


def _span(look: Look, place: int, content: Mapping[str, Any], wide: bool) -> Pair:
    """The interval of one axis: as given, or around the points."""
    name = look.found.layout.names[place]
    given = content.get("span") or {}
    if not isinstance(given, dict):
        raise FieldError("span", 'span must be an object such as {"m": [-1, 4]}')
    if name in given:
        pair = given[name]
        if not isinstance(pair, list) or len(pair) != 2 or not all(_real(v) for v in pair):
            raise FieldError("span", f"span of {name} must be [low, high]")
        low, high = float(pair[0]), float(pair[1])
        if not low < high or not np.isfinite(high - low):
            raise FieldError("span", f"span of {name}: {low:g} must be below {high:g}")
        return low, high
    if not len(look.ends):
        raise OptionError("nothing says where to look: give a start, or a span for each axis")
    beyond = (1.1 if look.lowest is not None else 0.55) if wide else 0.9
    return framed(look.ends[:, place], None if look.astray else float(look.base[place]), beyond)


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _first_height(look: Look) -> float:
    """The loss at the start of the run that is shown."""
    if not len(look.ends) or look.lowest is not None:
        return float("nan")
    return float(look.found.values(look.ends[:1])[0])


def _range(height: Any, top: float | None) -> list[Any]:
    known = height[np.isfinite(height)]
    if not known.size:
        return [None, None]
    return plain([float(known.min()), float(known.max()) if top is None else float(top)])  # type: ignore[no-any-return]


# -- the two kinds --------------------------------------------------------------------------------


def _curve(look: Look, places: list[int], spans: list[Pair], points: int | None) -> dict[str, Any]:
    across = grid(spans[0], points or CURVE_POINTS)
    height = look.at(places, across[:, None])
    top = None if look.astray else ceiling(height, _first_height(look), 10.0)
    lowest = None
    if look.lowest is not None and look.lowest.converged:
        best = look.lowest.theta[places[0]]
        lowest = plain({"x": float(best), "y": float(look.lowest.loss)})
    return {
        "kind": "curve", "x": rounded(across), "y": rounded(height, 12), "ceiling": top,
        "range": _range(height, top), "span": list(spans[0]), "minimum": lowest,
    }  # fmt: skip


def _surface(
    look: Look, places: list[int], spans: list[Pair], points: int | None
) -> dict[str, Any]:
    count = min(points or SURFACE_POINTS, 161)
    rows = max(1, look.found.drawn_rows)
    count = max(25, min(count, int((WORK / rows) ** 0.5)))
    across, up = grid(spans[0], count), grid(spans[1], count)
    mesh = np.column_stack([np.tile(across, count), np.repeat(up, count)])
    height = look.at(places, mesh).reshape(count, count)
    top = None if look.astray else ceiling(height, _first_height(look), 6.0)
    marks = [float(f"{level:.6g}") + 0.0 for level in levels(height, LEVELS)[1:]]
    contours = [
        {
            "level": level,
            "lines": [_thin(line, spans) for line in isolines(across, up, height, level)],
        }
        for level in marks
    ]
    lowest = None
    if look.lowest is not None and look.lowest.converged:
        first, second = (float(look.lowest.theta[place]) for place in places)
        lowest = plain({"x": first, "y": second, "z": float(look.lowest.loss)})
    return {
        "kind": "surface", "x": rounded(across), "y": rounded(up),
        "z": [significant(row) for row in height], "ceiling": top, "range": _range(height, top),
        "levels": marks, "contours": contours, "span": [list(span) for span in spans],
        "minimum": lowest,
    }  # fmt: skip


def _thin(line: list[tuple[float, float]], spans: list[Pair]) -> list[list[float]]:
    """A line to the digits that a picture can show."""
    units = [10.0 ** np.floor(np.log10((high - low) / 2e4)) for low, high in spans]
    return [[float(round(v / u) * u) for v, u in zip(point, units, strict=True)] for point in line]
