"""The data sets that ship: readable, unchanged, and with the certified answer in them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from symgd.data import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "data"
SHARED = ROOT.parent / "shared" / "cases"
ROWS = {"chwirut2": 54, "misra1a": 14, "norris": 36, "thurber": 37}


def _certified(name: str) -> dict[str, float]:
    """Parameter -> value, from the comments of a file."""
    text = (FOLDER / f"{name}.csv").read_text()
    return {key: float(v) for key, v in re.findall(r"# Certified: (\w+) = ([^,]+),", text)}


def test_these_sets_ship() -> None:
    assert {p.stem for p in FOLDER.glob("*.csv")} == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_each_is_read_and_says_where_it_is_from(name: str) -> None:
    table = load(FOLDER / f"{name}.csv")
    assert (list(table.columns), table.n_rows, table.dropped) == (["x", "y"], ROWS[name], 0)
    text = (FOLDER / f"{name}.csv").read_text()
    assert "NIST Statistical Reference Datasets" in text
    assert "# Model: y ~ " in text
    assert len(_certified(name)) >= 2


def test_norris_gives_its_certified_line() -> None:
    x, y = load(FOLDER / "norris.csv").columns.values()
    slope, intercept = np.polynomial.Polynomial.fit(x, y, 1).convert().coef[::-1]
    certified = _certified("norris")
    assert slope == pytest.approx(certified["B1"], rel=1e-12)
    assert intercept == pytest.approx(certified["B0"], rel=1e-10)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared tables are not here")
@pytest.mark.parametrize("name", ROWS)
def test_the_values_are_those_of_the_shared_tables(name: str) -> None:
    rows = [row for table in ("nist_linear", "nist_strd") for row in _shared(table)]
    row = next(row for row in rows if row["name"].lower() == name)
    for key, column in load(FOLDER / f"{name}.csv").columns.items():
        assert column.tolist() == row["data"][key]
    assert _certified(name) == dict(zip(row["params"], row["certified"], strict=True))


def _shared(table: str) -> list[dict]:
    return json.loads((SHARED / f"{table}.json").read_text())
