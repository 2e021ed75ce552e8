"""Layers for a small graph, left to right, with few crossings (Sugiyama, 1981).

Nodes are numbers 0, 1, ...; an edge (a, b) goes from a to b, and a lies left of b.

>>> found = layered(3, [(0, 2), (1, 2)])
>>> found.layer, sorted(found.height[:2]), found.height[2]
([0, 0, 1], [-0.5, 0.5], 0.0)
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

Edge = tuple[int, int]
ROUNDS = 24


@dataclass(frozen=True)
class Layered:
    """Where each node goes: its ``layer`` from the left and its ``height``.

    ``bends`` holds for each edge the heights at which it passes the layers between its ends.
    """

    layer: list[int]
    height: list[float]
    bends: dict[Edge, list[float]]


def layered(count: int, edges: Sequence[Edge]) -> Layered:
    """The layout of an acyclic graph; nodes are one unit apart within their layer."""
    layer = _layers(count, edges)
    chains, links, place = _without_long_edges(layer, edges)
    layers: list[list[int]] = [[] for _ in range(max(place, default=0) + 1)]
    for node in _from_the_end(len(place), links):
        layers[place[node]].append(node)
    layers = _ordered(layers, links)
    height = _heights(layers, links)
    bends = {edge: [height[node] for node in chain] for edge, chain in chains.items()}
    return Layered(layer, height[:count], bends)


def _layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """The longest way from the left; what has nothing before it stands next to its first use."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    layer = [0] * count
    for node in range(count):  # arguments have smaller numbers than their users
        layer[node] = max((layer[a] + 1 for a in before[node]), default=0)
    for node in range(count):
        if not before[node] and after[node]:
            layer[node] = min(layer[b] for b in after[node]) - 1
    return layer


def _without_long_edges(
    layer: list[int], edges: Sequence[Edge]
) -> tuple[dict[Edge, list[int]], list[Edge], list[int]]:
    """Each edge over several layers becomes a chain of short ones over invisible nodes."""
    place, links = list(layer), []
    chains: dict[Edge, list[int]] = {}
    for a, b in dict.fromkeys(edges):
        chain = []
        for between in range(layer[a] + 1, layer[b]):
            chain.append(len(place))
            place.append(between)
        stops = [a, *chain, b]
        links += list(itertools.pairwise(stops))
        chains[a, b] = chain
    return chains, links, place


def _from_the_end(count: int, links: Sequence[Edge]) -> list[int]:
    """The nodes as a walk from the end meets them, arguments in their order."""
    before: list[list[int]] = [[] for _ in range(count)]
    after = [0] * count
    for a, b in links:
        before[b].append(a)
        after[a] += 1
    order: list[int] = []
    seen: set[int] = set()
    stack = [node for node in range(count) if not after[node]]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            order.append(node)
            stack.extend(reversed(before[node]))
    return order


def _ordered(layers: list[list[int]], links: Sequence[Edge]) -> list[list[int]]:
    """Each layer sorted by the middle of its neighbours, back and forth; the best order wins."""
    left, right = _neighbours(links)
    best, fewest = [list(row) for row in layers], _crossings(layers, links)
    for turn in range(ROUNDS):
        backwards = turn % 2 == 0
        rows = range(len(layers) - 2, -1, -1) if backwards else range(1, len(layers))
        for k in rows:
            rank = {n: i for i, n in enumerate(layers[k + 1 if backwards else k - 1])}
            near = right if backwards else left
            own = {n: i for i, n in enumerate(layers[k])}
            layers[k].sort(key=lambda n: _middle(near.get(n, []), rank, own[n]))
        crossings = _crossings(layers, links)
        if crossings < fewest:
            best, fewest = [list(row) for row in layers], crossings
    return best


def _middle(nodes: Sequence[int], rank: dict[int, int], default: int) -> float:
    known = [rank[n] for n in nodes if n in rank]
    return sum(known) / len(known) if known else float(default)


def _neighbours(links: Sequence[Edge]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    left: dict[int, list[int]] = {}
    right: dict[int, list[int]] = {}
    for a, b in links:
        left.setdefault(b, []).append(a)
        right.setdefault(a, []).append(b)
    return left, right


def _crossings(layers: list[list[int]], links: Sequence[Edge]) -> int:
    total = 0
    for row, following in itertools.pairwise(layers):
        here = {n: i for i, n in enumerate(row)}
        there = {n: i for i, n in enumerate(following)}
        pairs = [(here[a], there[b]) for a, b in links if a in here and b in there]
        total += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(pairs) for c, d in pairs[:i])
    return total


def _heights(layers: list[list[int]], links: Sequence[Edge]) -> list[float]:
    """Heights near the middle of the neighbours, at least 1 apart in a layer."""
    left, right = _neighbours(links)
    height = {n: i - (len(row) - 1) / 2 for row in layers for i, n in enumerate(row)}
    for turn in range(ROUNDS):
        rows = layers if turn % 2 else layers[::-1]
        for row in rows:
            wanted = []
            for node in row:
                near = left.get(node, []) + right.get(node, [])
                wanted.append(sum(height[n] for n in near) / len(near) if near else height[node])
            for node, place in zip(row, spread(wanted), strict=True):
                height[node] = place
    middle = (max(height.values()) + min(height.values())) / 2
    return [height[n] - middle for n in range(len(height))]


def spread(wanted: Sequence[float]) -> list[float]:
    """The places nearest to ``wanted`` in this order and at least 1 apart (pooled neighbours).

    >>> spread([0.0, 0.0, 5.0])
    [-0.5, 0.5, 5.0]
    """
    pools: list[tuple[float, int]] = []
    for k, place in enumerate(wanted):
        mean, size = place - k, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean = (mean * size + other * others) / (size + others)
            size += others
        pools.append((mean, size))
    flat = [mean for mean, size in pools for _ in range(size)]
    return [place + k for k, place in enumerate(flat)]
