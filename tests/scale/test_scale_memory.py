"""A fit of a file ten times as large as the memory that it is allowed to take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

ROOT = Path(__file__).parents[2]

SCRIPT = """
import resource, sys
import numpy, scipy.special, pyarrow.parquet
import symgd
from tests.scale.data_sets import curves
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
warm = sys.argv[1].replace("*", "warm")
symgd.fit("y ~ m*x + b", [warm])
symgd.fit("z ~ m*x + b", [warm], loss="logistic")
before = peak()
line = symgd.fit("y ~ m*x + b", sys.argv[1], memory=float(sys.argv[2]))
curve = symgd.fit("z ~ m*x + b", sys.argv[1], loss="logistic", memory=float(sys.argv[2]))
assert line.outcome.name == curve.outcome.name == "CONVERGED"
print(peak() - before, line.n_rows, line.params["m"], line.params["b"])
"""


@pytest.mark.slow
def test_memory_stays_bounded(tmp_path: Path) -> None:
    """300 MB of columns within 30 MB beyond what a fit of one small file takes."""
    random = np.random.default_rng(0)
    rows, groups = 12_500_000, 50
    schema = pyarrow.schema([("x", "double"), ("y", "double"), ("z", "double")])
    sums = np.zeros((2, 2)), np.zeros(2)
    with parquet.ParquetWriter(tmp_path / "part-0.parquet", schema) as writer:
        for _ in range(groups):
            x = random.random(rows // groups)
            y = 3.0 * x + 1.0 + random.standard_normal(len(x))
            design = np.column_stack([x, np.ones(len(x))])
            sums = sums[0] + design.T @ design, sums[1] + design.T @ y
            table = {"x": x, "y": y, "z": (y > 2.5).astype(float)}
            writer.write_table(pyarrow.table(table, schema=schema))
    head = parquet.ParquetFile(tmp_path / "part-0.parquet").read_row_group(0)
    parquet.write_table(head, tmp_path / "part-warm.parquet")
    size, allowed = 24 * rows, 30_000_000
    assert size >= 10 * allowed
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pattern = str(tmp_path / "part-*.parquet")
    (tmp_path / "part-0.parquet").rename(tmp_path / "part-all.parquet")
    command = [sys.executable, "-c", SCRIPT, pattern, str(allowed)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    grown, count, m, b = done.stdout.split()
    assert float(grown) <= allowed
    assert int(count) == rows + rows // groups
    expected = np.linalg.solve(*sums)
    assert abs(float(m) - expected[0]) < 1e-2
    assert abs(float(b) - expected[1]) < 1e-2
