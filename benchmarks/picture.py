"""The table of ratios as one picture: a row for each job, a point for each tool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_MARKS = ["o", "s", "D", "^", "v", "P", "X", "*", "<", ">"]


def draw(results: dict[str, list[dict[str, Any]]], place: Path) -> None:
    """Write ``place`` (SVG): how many times as long as symgd each tool takes, logarithmic."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "symgd"
    import matplotlib.pyplot as plt

    tools: dict[str, list[tuple[float, int]]] = {}
    for row, table in enumerate(results.values()):
        for entry in table[1:]:
            if "why" not in entry:
                tools.setdefault(entry["tool"], []).append((entry["ratio"], row))
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.3 * len(results)), layout="constrained")
    for k, (tool, points) in enumerate(sorted(tools.items(), key=lambda item: -len(item[1]))):
        ratios, rows = zip(*points, strict=True)
        few = k >= len(_MARKS)
        axes.plot(ratios, rows, _MARKS[k % len(_MARKS)], label=None if few else tool,
                  color="0.6" if few else f"C{k}", markersize=5)  # fmt: skip
    axes.axvline(1.0, color="k", linewidth=1)
    axes.set(xscale="log", xlabel="CPU time against symgd (right of the line: symgd is faster)")
    axes.set_yticks(range(len(results)), list(results), fontsize=7)
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=7, ncols=5, loc="upper center", bbox_to_anchor=(0.2, -0.12))
    figure.savefig(place, metadata={"Date": None})
    plt.close(figure)
