"""Data for the tests of rows by the block, and the ways to give them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

Columns = dict[str, np.ndarray]


def curves(rows: int, seed: int = 0) -> Columns:
    """A decaying curve, labels and counts over two predictors, with weights."""
    random = np.random.default_rng(seed)
    x = 1.0 + 2.0 * random.random(rows)
    z = random.standard_normal(rows)
    eta = 0.7 * x - 0.4 * z - 1.0
    return {
        "x": x,
        "z": z,
        "y": 2.5 * np.exp(-0.8 * x) + 0.3 * z + 0.05 * random.standard_normal(rows),
        "w": 0.5 + random.random(rows),
        "label": (random.random(rows) < 1 / (1 + np.exp(-eta))).astype(float),
        "n": random.poisson(np.exp(0.4 * eta)).astype(float),
    }


def write_parquet(folder: Path, columns: Columns, cuts: list[int], group: int = 700) -> str:
    """The rows in files cut at ``cuts``; gives the pattern that names them all."""
    import pyarrow
    from pyarrow import parquet

    rows = len(next(iter(columns.values())))
    for k, (begin, end) in enumerate(zip([0, *cuts], [*cuts, rows], strict=True)):
        table = pyarrow.table({name: values[begin:end] for name, values in columns.items()})
        parquet.write_table(table, folder / f"part-{k:02}.parquet", row_group_size=group)
    return str(folder / "part-*.parquet")


def write_csv(folder: Path, columns: Columns, cuts: list[int]) -> str:
    """The same as CSV, every digit kept."""
    rows = len(next(iter(columns.values())))
    for k, (begin, end) in enumerate(zip([0, *cuts], [*cuts, rows], strict=True)):
        lines = [",".join(columns)]
        for row in range(begin, end):
            lines.append(",".join(repr(float(values[row])) for values in columns.values()))
        (folder / f"part-{k:02}.csv").write_text("\n".join(lines) + "\n")
    return str(folder / "part-*.csv")
