"""The shared table of hostile inputs through the public doors and the command.

Rows of the channel ``http`` are requests to the page: ``tests/web`` sends them.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgd
from symgd.cli import main
from symgd.data import load
from symgd.errors import SymgdError

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "cases" / "hostile_inputs.json"
ABSENT = not SHARED.is_file()
REASON = "the shared table of hostile inputs is not beside the project"
LIMIT = 1.0 if sys.gettrace() is None else 10.0  # a second, but not under coverage
DATA = {"x": np.array([1.0, 2.0, 3.0]), "y": np.array([1.0, 3.0, 5.0])}


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """What is imported once is not part of the second that an input may take."""
    symgd.minimize("mean((w*x - y)^2)", data=DATA)
    str(symgd.gradient("x^2"))


def table() -> list[dict[str, Any]]:
    return [] if ABSENT else json.loads(SHARED.read_text(encoding="utf-8"))


def rows(*channels: str) -> list[Any]:
    found = [row for row in table() if row["channel"] in channels]
    return [pytest.param(row, id=row["id"]) for row in found] or [
        pytest.param({}, marks=pytest.mark.skip(reason=REASON))
    ]


def content(row: dict[str, Any]) -> str:
    """The input of a row: as it stands, or a unit many times."""
    if "input" in row:
        return str(row["input"])
    g = row["gen"]
    return str(g["prefix"] + g["unit"] * g["count"] + g["suffix"] + g["close"] * g["count"])


def outcome(act: Callable[[], object]) -> str:
    """``"ok"`` or ``"error"``: only a SymgdError in words counts as a refusal, and in time."""
    began = time.process_time()
    try:
        act()
    except SymgdError as error:
        found = "error" if str(error) else "a refusal without words"
    else:
        found = "ok"
    assert time.process_time() - began < LIMIT
    return found


def as_labelled(row: dict[str, Any], found: str) -> bool:
    return bool(found == row["expected"] or row.get(f"accept_{found}"))


@pytest.mark.parametrize("row", rows("formula-text", "render"))
def test_formulas(row: dict[str, Any]) -> None:
    text = content(row)
    assert as_labelled(row, outcome(lambda: str(symgd.gradient(text)))), row["must"]


@pytest.mark.parametrize("row", rows("formula-latex"))
def test_latex(row: dict[str, Any]) -> None:
    from symgd.formula.latex_read import read_latex

    text = content(row)
    assert as_labelled(row, outcome(lambda: read_latex(text))), row["must"]


@pytest.mark.parametrize("row", rows("formula-text", "formula-latex"))
def test_formulas_in_the_command(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    began = time.process_time()
    with pytest.raises(SystemExit) as leaving:
        main(["grad", "--", content(row)])
    assert time.process_time() - began < LIMIT
    out, err = capsys.readouterr()
    assert leaving.value.code in (0, 1, 2)
    assert bool(err) == (leaving.value.code == 2)
    assert "Traceback" not in out + err
    assert "bug in symgd" not in err
    assert len(err) < 2000
    if row["channel"] == "formula-text":
        assert as_labelled(row, "error" if leaving.value.code == 2 else "ok"), row["must"]


@pytest.mark.parametrize("row", rows("parameter-name"))
def test_names(row: dict[str, Any]) -> None:
    name = content(row)
    for act in (
        lambda: symgd.gradient("x^2", shapes={name: "n"}),
        lambda: symgd.gradient("x^2", constants={name: 1.0}),
        lambda: load({name: [1.0, 2.0]}),
    ):
        assert as_labelled(row, outcome(act)), row["must"]
    assert outcome(lambda: symgd.gradient("x^2", wrt=name)) == "error"  # it does not occur


def file_of(row: dict[str, Any], folder: Path) -> Path:
    place = folder / "hostile.csv"
    if "input" in row:
        place.write_bytes(row["input"].encode())
    else:
        body = content({"gen": row["gen"]["gzip_of"]}).encode()
        place.write_bytes(gzip.compress(body, compresslevel=1))
    return place


@pytest.mark.parametrize("row", rows("csv"))
def test_files(row: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = file_of(row, tmp_path)
    assert as_labelled(row, outcome(lambda: load(str(place)))), row["must"]
    with pytest.raises(SystemExit) as leaving:
        main(["fit", "y ~ m*x + b", str(place)])
    _, err = capsys.readouterr()
    assert "bug in symgd" not in err
    unused = row["input"].startswith("=") if "input" in row else False  # such a column is not read
    assert leaving.value.code == 2 or row["expected"] == "ok" or unused, row["must"]


@pytest.mark.skipif(ABSENT, reason=REASON)
def test_a_large_offset_keeps_its_digits(tmp_path: Path) -> None:
    row = next(r for r in table() if r["id"] == "H370")
    found = symgd.fit("y ~ m*x + b", str(file_of(row, tmp_path)))
    assert found.params["m"] == pytest.approx(2, rel=1e-8)


@pytest.mark.parametrize("row", rows("path"))
def test_paths(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    place = content(row)
    assert as_labelled(row, outcome(lambda: load(place))), row["must"]
    with pytest.raises(SystemExit) as leaving:
        main(["fit", "y ~ m*x + b", place])
    assert leaving.value.code == 2
    assert "bug in symgd" not in capsys.readouterr().err


OPTIONS = {"eta": "rate", "max_iter": "steps", "batch_size": "batch"}


@pytest.mark.parametrize("row", rows("option"))
def test_options(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Refused by name, or ended with a finite point."""
    name, _, value = content(row).partition("=")
    name = OPTIONS.get(name, name)
    number = float(value)
    given = int(number) if math.isfinite(number) and name in ("steps", "batch", "seed") else number
    options = {"rate": 0.1, "steps": 50, name: given}

    def run() -> None:
        found = symgd.minimize("mean((w*x - y)^2)", data=DATA, **options)
        assert all(math.isfinite(v) for v in found.params.values())

    found = outcome(run)
    assert as_labelled(row, found) or (row["expected"] == "ok" and found == "error"), row["must"]
    with pytest.raises(SystemExit) as leaving:
        main(["minimize", "(x - 3)^2", "--rate", "0.1", f"--{name}",
              f"x={value}" if name == "start" else value])  # fmt: skip
    out, err = capsys.readouterr()
    assert "bug in symgd" not in err
    assert "nan" not in out.lower()
    assert leaving.value.code == 2 or found == "ok"
    assert leaving.value.code != 2 or name in err or value in err
