"""Many files as one table, records, and arrays that are not copied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import polars
import pyarrow
import pytest

from symgd.data import column_names, load
from symgd.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a-1.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "a-2.csv").write_text("y;x\n6;5\n")
    polars.DataFrame({"x": [7.0], "y": [8.0], "z": [0.0]}).write_parquet(tmp_path / "b.parquet")
    (tmp_path / "notes.md").write_text("no data")
    return tmp_path


def test_a_pattern_and_a_list_are_read_in_order(folder: Path) -> None:
    table = load(str(folder / "a-*.csv"))
    assert table.columns["x"].tolist() == [1, 3, 5]
    assert table.columns["y"].tolist() == [2, 4, 6]
    both = load([folder / "b.parquet", str(folder / "a-?.csv")], ["y"])
    assert both.columns["y"].tolist() == [8, 2, 4, 6]
    assert "3 files" in both.source
    assert column_names(str(folder / "a-*.csv")) == ["x", "y"]
    assert load(str(folder / "**" / "*.csv")).n_rows == 3


def test_what_does_not_fit_together_is_said(folder: Path) -> None:
    with pytest.raises(DataError, match="'z' is in one of them only"):
        load(str(folder / "*"))
    with pytest.raises(DataError, match="named twice"):
        load([folder / "a-1.csv", folder / "a-1.csv"])
    with pytest.raises(DataError, match="no data file fits"):
        load(str(folder / "c*"))
    with pytest.raises(DataError, match=r"no data file fits.*it fits .*notes\.md"):
        load(str(folder / "*.md"))
    with pytest.raises(DataError, match="there is no file"):
        load([folder / "a-1.csv", folder / "a-3.csv"])


def test_a_file_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    path = tmp_path / "run[1].csv"
    path.write_text("x\n1\n")
    assert load(str(path)).n_rows == 1


def test_records() -> None:
    kinds = [("x", "f8"), ("n", "i4"), ("s", "U1")]
    records = np.array([(1.0, 2, "a"), (3.0, 4, "b")], dtype=kinds)
    table = load(records, ["x", "n"])
    assert (table.columns["x"].tolist(), table.columns["n"].tolist()) == ([1, 3], [2, 4])
    assert column_names(records) == ["x", "n", "s"]
    with pytest.raises(DataError, match="column 's' holds text"):
        load(records)


def test_float64_columns_are_not_copied(tmp_path: Path) -> None:
    values = np.arange(1000.0)
    mapped = np.memmap(tmp_path / "x.bin", dtype="f8", mode="w+", shape=1000)
    mapped[:] = values
    sources = {
        "mapping": ({"x": values}, values),
        "memory map": ({"x": mapped}, mapped),
        "pandas": (pandas.DataFrame({"x": values}, copy=False), values),
        "polars": ((frame := polars.DataFrame({"x": values})), frame["x"].to_numpy()),
    }
    for name, (source, owner) in sources.items():
        assert np.shares_memory(load(source).columns["x"], owner), name
    column = load({"x": mapped}).columns["x"]
    mapped[3] = -1.0
    assert column[3] == -1.0
    arrow = pyarrow.array(values)
    seen = load(pyarrow.table({"x": arrow})).columns["x"]
    assert np.array_equal(seen, values)


def test_what_must_be_converted_is_copied() -> None:
    wide = np.zeros((5, 2))
    table = load({"x": wide[:, 0], "n": np.arange(5), "f": np.zeros(5, np.float32)})
    assert not np.shares_memory(table.columns["x"], wide)
    assert all(column.flags.c_contiguous for column in table.columns.values())
