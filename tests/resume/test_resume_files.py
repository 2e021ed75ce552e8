"""The files: exact numbers, a checksum, the checkpoint before, and refusals in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import symgd
from symgd.data import load as load_table
from symgd.errors import DataError, OptionError
from symgd.methods.saved import plain, restored
from symgd.resume import load, save, write_history

LINE = "mean((y - (m*x + b))^2)"
DATA = {"x": [0.0, 1, 2, 3], "y": [1.0, 3, 5, 8]}


def a_run(steps: int = 5, **options: object) -> symgd.Solution:
    chosen = {"data": DATA, "rate": 0.05, "start": {"m": 0, "b": 0}, "precision": None, **options}
    return symgd.minimize(LINE, steps=steps, **chosen)  # type: ignore[arg-type]


def test_a_checkpoint_is_plain_json_that_says_what_it_is(tmp_path: Path) -> None:
    place = tmp_path / "run.json"
    found = a_run(batch=2, seed=1)
    save(place, found)
    document = json.loads(place.read_text())
    content = document["content"]
    assert document["format"] == "symgd run 1"
    assert content["formula"] == LINE
    assert content["step"] == 5
    assert [float(v) for v in content["theta"]["array"]] == found.theta.tolist()
    assert set(content["versions"]) >= {"symgd", "numpy", "python"}
    assert content["summary"]["outcome"] == "MAX_STEPS"
    assert "PCG64" in json.dumps(content["random"])
    assert len(content["fingerprint"]) == 64


def test_what_was_saved_can_be_looked_at_without_the_data(tmp_path: Path) -> None:
    save(tmp_path / "run.json", a_run())
    saved = load(tmp_path / "run.json")
    assert saved.formula == LINE
    assert list(saved.params) == ["m", "b"]
    assert "5 updates" in str(saved)
    assert saved.summary["outcome"] == "MAX_STEPS"


def test_other_data_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "run.json", a_run())
    saved = load(tmp_path / "run.json")
    with pytest.raises(DataError, match="fingerprints differ"):
        saved.resume(data={**DATA, "y": [1.0, 3, 5, 8.0000001]}, steps=1)
    with pytest.raises(OptionError, match="no data"):
        saved.resume(steps=1)
    more = {**DATA, "z": [9.0, 9, 9, 9]}
    assert saved.resume(data=more, steps=1).steps == 6  # a column that is not used


def test_a_damaged_file_is_refused_and_the_one_before_is_named(tmp_path: Path) -> None:
    place = tmp_path / "run.json"
    save(place, a_run(5))
    save(place, a_run(6))
    text = place.read_text()
    for damaged in (text[:-40], text.replace('"step": 6', '"step": 7'), "{}", "[" * 100_000, "NaN"):
        place.write_text(damaged)
        with pytest.raises(DataError, match=r"damaged.*run\.json\.previous"):
            load(place)
    assert load(tmp_path / "run.json.previous").step == 5


def test_files_that_are_not_there_or_not_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "bytes.json")
    with pytest.raises(DataError, match="cannot be written"):
        save(tmp_path / "no" / "folder" / "run.json", a_run())


def test_no_half_written_file_is_left(tmp_path: Path) -> None:
    for _ in range(3):
        save(tmp_path / "run.json", a_run())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.json", "run.json.previous"]


def test_runs_that_cannot_be_gone_on_with_say_why(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="makes its own steps"):
        save(tmp_path / "a.json", symgd.minimize("(x - 1)^2 + x^4", start=3))
    with pytest.raises(OptionError, match="Python function"):
        save(tmp_path / "a.json", symgd.minimize("x^2", start=3, rate=lambda t: 0.1, steps=3))
    bare = symgd.descend(lambda x: (x**2, 2 * x), 3.0, rate=0.1, steps=3)
    with pytest.raises(OptionError, match="formula"):
        save(tmp_path / "a.json", bare)


def test_other_versions_are_noted(tmp_path: Path) -> None:
    place = tmp_path / "run.json"
    save(place, a_run())
    document = json.loads(place.read_text())
    document["content"]["versions"]["numpy"] = "1.0"
    text = json.dumps(document["content"], ensure_ascii=False)
    import hashlib

    document["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    place.write_text(json.dumps(document))
    (note,) = load(place).notes
    assert "numpy 1.0" in note


@pytest.mark.parametrize(
    "value",
    [None, 3, True, "a", 0.1, float("inf"), (1, 2.5), [1, [2]], {"a": (1,)},
     np.array([0.1, np.nan, -np.inf]), np.array(2.5), np.zeros((2, 3)), np.arange(3),
     {"state": 2**100}],
)  # fmt: skip
def test_values_come_back_as_they_were(value: object) -> None:
    again = restored(json.loads(json.dumps(plain(value), allow_nan=False)))
    if isinstance(value, np.ndarray):
        assert again.dtype == value.dtype
        np.testing.assert_array_equal(again, value)
    else:
        assert again == value
        assert type(again) is type(value)


def test_other_values_are_refused() -> None:
    with pytest.raises(OptionError, match="cannot be saved"):
        plain(object())


def test_a_history_is_written_to_the_last_bit(tmp_path: Path) -> None:
    found = a_run(7)
    write_history(tmp_path / "log.csv", found)
    table = load_table(str(tmp_path / "log.csv")).columns
    assert list(table) == ["step", "m", "b", "loss", "gradient_norm", "rate"]
    assert np.array_equal(table["m"], found.history.component("m"))
    assert np.array_equal(table["loss"], found.history.loss)
    write_history(tmp_path / "log.json", found.history)
    read = json.loads((tmp_path / "log.json").read_text())
    assert read["b"] == found.history.component("b").tolist()
    assert read["step"] == list(range(8))
    with pytest.raises(OptionError, match=r"\.csv or \.json"):
        write_history(tmp_path / "log.txt", found)
