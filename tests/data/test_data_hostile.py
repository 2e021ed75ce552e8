"""The shared table of hostile inputs, where it is present: CSV texts, paths and names."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from symgd.data import load
from symgd.data.names import is_name
from symgd.errors import DataError

SHARED = Path(__file__).parents[3] / "shared" / "cases" / "hostile_inputs.json"


def _rows(channel: str) -> list[Any]:
    if not SHARED.is_file():
        return []
    rows = json.loads(SHARED.read_text())
    return [pytest.param(row, id=row["id"]) for row in rows if row["channel"] == channel]


def _content(row: dict[str, Any]) -> bytes:
    if "input" in row:
        return row["input"].encode()
    inner = row["gen"]["gzip_of"]
    body = inner["prefix"] + inner["unit"] * inner["count"] + inner["suffix"] + inner["close"]
    return gzip.compress(body.encode(), compresslevel=1)


@pytest.mark.parametrize("row", _rows("csv"))
@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_csv(row: dict[str, Any], suffix: str, tmp_path: Path) -> None:
    place = tmp_path / f"hostile{suffix}"
    place.write_bytes(_content(row))
    if row["expected"] == "ok":
        assert load(place).n_rows > 0
    else:
        with pytest.raises(DataError):
            load(place)


@pytest.mark.parametrize("row", _rows("path"))
def test_paths(row: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        load(row["input"])


@pytest.mark.parametrize("row", _rows("parameter-name"))
def test_names(row: dict[str, Any]) -> None:
    assert is_name(row["input"]) == (row["expected"] == "ok")
