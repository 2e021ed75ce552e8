"""Lines of equal height on a grid, as polylines (marching squares).

In each cell of the grid the line crosses the edges whose ends lie on different sides of the
level; where all four edges are crossed the mean of the corners decides which two belong together
(Lorensen & Cline 1987, in two dimensions). Crossings of neighbouring cells are joined.

>>> import numpy as np
>>> across = up = np.linspace(-1, 1, 21)
>>> bowl = across[None, :] ** 2 + up[:, None] ** 2
>>> (ring,) = isolines(across, up, bowl, 0.5)
>>> ring[0] == ring[-1], max(abs(x * x + y * y - 0.5) < 0.01 for x, y in ring)
(True, True)
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from symgd.descend.objective import FloatArray

Edge = tuple[int, int, int]
"""An edge of the grid: 0 (along x) or 1 (along y), and the column and row where it starts."""
Point = tuple[float, float]
Line = list[Point]

# The pairs of edges (below, right, above, left) that are joined, by which corners are high:
# 1 below left, 2 below right, 4 above right, 8 above left. 5 and 10 are decided by the mean.
_JOINED: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 6: ((0, 2),), 7: ((3, 2),),
    8: ((2, 3),), 9: ((2, 0),), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip
_SADDLE = {
    (5, True): ((3, 2), (1, 0)), (5, False): ((3, 0), (1, 2)),
    (10, True): ((0, 3), (2, 1)), (10, False): ((0, 1), (2, 3)),
}  # fmt: skip


def isolines(
    across: FloatArray, up: FloatArray, height: NDArray[np.float64], level: float
) -> list[Line]:
    """The lines on which ``height`` (b, a) over ``across`` (a,) and ``up`` (b,) is ``level``.

    A closed line ends where it starts. Cells with a corner that is not finite have no line.
    """
    known = np.isfinite(height)
    high = known & (height >= level)
    whole = known[:-1, :-1] & known[:-1, 1:] & known[1:, 1:] & known[1:, :-1]
    case = (
        high[:-1, :-1] * 1 + high[:-1, 1:] * 2 + high[1:, 1:] * 4 + high[1:, :-1] * 8
    ) * whole  # fmt: skip
    neighbours: dict[Edge, list[Edge]] = defaultdict(list)
    for row, column in np.argwhere((case > 0) & (case < 15)).tolist():
        edges = _edges(column, row)
        for first, second in _pairs(int(case[row, column]), height, row, column, level):
            neighbours[edges[first]].append(edges[second])
            neighbours[edges[second]].append(edges[first])
    return [
        [_crossing(edge, across, up, height, level) for edge in chain]
        for chain in _chains(neighbours)
    ]


def _edges(column: int, row: int) -> tuple[Edge, Edge, Edge, Edge]:
    """The edges of a cell: below, right, above, left."""
    return (0, column, row), (1, column + 1, row), (0, column, row + 1), (1, column, row)


def _pairs(
    case: int, height: NDArray[np.float64], row: int, column: int, level: float
) -> tuple[tuple[int, int], ...]:
    if case in _JOINED:
        return _JOINED[case]
    middle = float(height[row : row + 2, column : column + 2].mean())
    return _SADDLE[case, middle >= level]


def _chains(neighbours: dict[Edge, list[Edge]]) -> list[list[Edge]]:
    """The edges in the order in which a line crosses them; open lines first."""
    seen: set[Edge] = set()
    chains = []
    ends = [edge for edge, others in neighbours.items() if len(others) == 1]
    for start in [*ends, *neighbours]:
        if start in seen:
            continue
        chain = [start]
        seen.add(start)
        while True:
            following = [edge for edge in neighbours[chain[-1]] if edge not in seen]
            if not following:
                break
            chain.append(following[0])
            seen.add(following[0])
        if len(chain) > 2 and start in neighbours[chain[-1]]:
            chain.append(start)
        chains.append(chain)
    return chains


def _crossing(
    edge: Edge, across: FloatArray, up: FloatArray, height: NDArray[np.float64], level: float
) -> Point:
    """Where the level is on an edge, by linear interpolation."""
    way, column, row = edge
    low = float(height[row, column])
    other = float(height[row, column + 1] if way == 0 else height[row + 1, column])
    share = 0.5 if other == low else min(1.0, max(0.0, (level - low) / (other - low)))
    if way == 0:
        x = float(across[column] + share * (across[column + 1] - across[column]))
        return x, float(up[row])
    return float(across[column]), float(up[row] + share * (up[row + 1] - up[row]))
