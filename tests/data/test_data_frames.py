"""pandas, polars and pyarrow tables: by position, numbers only."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from symgd.data import load
from symgd.errors import DataError

NAN = float("nan")
LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "lazy polars": pl.LazyFrame}


@pytest.mark.parametrize("frame", LIBRARIES.values(), ids=LIBRARIES.keys())
def test_numbers_come_in(frame) -> None:
    table = load(
        frame({"x": [1, 2, 3], "y": [0.5, 1.5, 2.5], "label": ["a", "b", "c"]}), ["y", "x"]
    )
    assert list(table.columns) == ["y", "x"]
    assert table.columns["x"].tolist() == [1, 2, 3]
    assert all(c.flags.c_contiguous and c.dtype == np.float64 for c in table.columns.values())


def test_rows_are_taken_by_position_not_by_index() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]}, index=[7, 5])
    assert load(frame).columns["x"].tolist() == [1, 2]
    data = {"x": frame["x"], "y": pd.Series([3.0, 4.0], index=[0, 1])}
    assert load(data).columns["x"].tolist() == [1, 2]
    assert load({"x": frame["x"][::-1]}).columns["x"].tolist() == [2, 1]


NULLS = {
    "pandas nan": pd.DataFrame({"x": [1.0, NAN, 3.0]}),
    "pandas Int64": pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64")}),
    "pandas Float64": pd.DataFrame({"x": pd.array([1.0, None, 3.0], dtype="Float64")}),
    "polars int": pl.DataFrame({"x": [1, None, 3]}),
    "polars float": pl.DataFrame({"x": [1.0, None, 3.0]}),
    "polars nan": pl.DataFrame({"x": [1.0, NAN, 3.0]}),
    "polars series": {"x": pl.Series([1, None, 3])},
    "pandas series": {"x": pd.Series(pd.array([1, None, 3], dtype="Int64"))},
}


@pytest.mark.parametrize("frame", NULLS.values(), ids=NULLS.keys())
def test_nulls_are_missing_values(frame: object) -> None:
    with pytest.raises(DataError, match="'x' has 1 missing value, in data row 2"):
        load(frame)
    table = load(frame, missing="drop")
    assert table.columns["x"].tolist() == [1, 3]
    assert table.dropped == 1


REFUSED = {
    "pandas bool": (pd.DataFrame({"x": [True, False]}), "True and False"),
    "pandas boolean": (pd.DataFrame({"x": pd.array([True, None], dtype="boolean")}), "True and"),
    "pandas text": (pd.DataFrame({"x": ["a", "b"]}), "text"),
    "pandas objects": (pd.DataFrame({"x": [1, "b"]}, dtype=object), "to_numeric"),
    "pandas category": (pd.DataFrame({"x": pd.Categorical(["u", "v"])}), "'u', 'v'.*get_dummies"),
    "pandas dates": (pd.DataFrame({"x": pd.to_datetime(["2020-01-01"])}), "days since"),
    "pandas spans": (pd.DataFrame({"x": pd.to_timedelta([1], unit="s")}), "in seconds|seconds"),
    "pandas complex": (pd.DataFrame({"x": [1j, 2]}), "complex"),
    "pandas twice": (pd.DataFrame([[1, 2]], columns=["x", "x"]), "same name"),
    "pandas number for a name": (pd.DataFrame({3: [1.0]}), "no text for a name"),
    "pandas long integers": (pd.DataFrame({"x": [2**53 + 1]}), "beyond 2"),
    "pandas empty": (pd.DataFrame({"x": []}), "no rows"),
    "polars bool": (pl.DataFrame({"x": [True, None]}), "True and False"),
    "polars text": (pl.DataFrame({"x": ["1"]}), "text"),
    "polars category": (pl.DataFrame({"x": pl.Series(["u"], dtype=pl.Categorical)}), "to_dummies"),
    "polars enum": (pl.DataFrame({"x": pl.Series(["u"], dtype=pl.Enum(["u"]))}), "to_dummies"),
    "polars dates": (pl.DataFrame({"x": [pd.Timestamp(0).date()]}), "days since"),
    "polars lists": (pl.DataFrame({"x": [[1, 2]]}), "List"),
    "polars long integers": (pl.DataFrame({"x": [2**53 + 1, None]}), "beyond 2"),
    "polars infinity": (pl.DataFrame({"x": [float("inf")]}), "infinite"),
    "a series with text": ({"x": pd.Series(["a"])}, "text"),
    "no columns": (pd.DataFrame(), "no column"),
}


@pytest.mark.parametrize(("frame", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_plainly_numbers_is_refused(frame: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(frame)


def test_other_numbers() -> None:
    sparse = pd.DataFrame({"x": pd.arrays.SparseArray([0.0, 0.0, 1.0])})
    assert load(sparse).columns["x"].tolist() == [0, 0, 1]
    decimals = pl.DataFrame({"x": pl.Series(["1.5", "2"]).cast(pl.Decimal(10, 2))})
    assert load(decimals).columns["x"].tolist() == [1.5, 2]


def test_the_message_names_the_library_of_the_table() -> None:
    with pytest.raises(DataError, match="the DataFrame, column 'x' holds text"):
        load(pl.DataFrame({"x": ["a"]}))


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_arrow_tables() -> None:
    import pyarrow as pa

    table = load(pa.table({"x": [1, None, 3]}), missing="drop")
    assert table.columns["x"].tolist() == [1, 3]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    frame = pl.DataFrame({"x": [1, 2, None], "y": [0.5, 1.5, 2.5], "label": ["a", "b", "c"]})
    frame.write_parquet(tmp_path / "data.parquet")
    return tmp_path / "data.parquet"


def test_parquet_files(parquet: Path) -> None:
    table = load(parquet, ["x", "y"], missing="drop")
    assert {name: c.tolist() for name, c in table.columns.items()} == {"x": [1, 2], "y": [0.5, 1.5]}
    assert str(table) == "data.parquet: 2 rows (1 dropped); x, y"
    with pytest.raises(DataError, match="column 'label' holds text"):
        load(parquet)
    with pytest.raises(DataError, match=r"no column 'X'.*did you mean 'x'"):
        load(str(parquet), ["X"])


def test_a_damaged_parquet_file(parquet: Path) -> None:
    whole = parquet.read_bytes()
    parquet.write_bytes(whole[:-20] + b"x" * 12 + whole[-8:])
    with pytest.raises(DataError, match="damaged"):
        load(parquet)
    parquet.write_bytes(b"x,y\n1,2\n")
    with pytest.raises(DataError, match="not a Parquet file"):
        load(parquet)


def test_parquet_without_a_reader(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="install polars or pyarrow"):
        load(parquet)


def test_table_libraries_are_imported_only_when_needed() -> None:
    code = (
        "import sys; from symgd.data import load; load({'x': [1, 2]}); "
        "print({'narwhals', 'pandas', 'polars', 'sympy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
