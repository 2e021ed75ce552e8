"""Sources: the same rows whatever the files, and what is refused, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from symgd.errors import DataError, OptionError
from symgd.scale import parts, source
from symgd.scale.ahead import ahead
from tests.scale.data_sets import curves, write_csv, write_parquet

ROWS = 5000
CUTS = [1, 700, 701, 3333]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK", 1024)
    monkeypatch.setattr(parts, "BLOCK", 1000)


def read(found: source.Source, names: list[str]) -> dict[str, np.ndarray]:
    blocks = [block for block, _ in found.blocks(names)]
    assert {len(block[names[0]]) for block in blocks[:-1]} <= {1024}
    return {name: np.concatenate([block[name] for block in blocks]) for name in names}


@pytest.mark.parametrize("write", [write_parquet, write_csv])
def test_all_rows_in_order_from_files(tmp_path: Path, write: object) -> None:
    columns = curves(ROWS)
    pattern = write(tmp_path, columns, CUTS)  # type: ignore[operator]
    found = source.source_of(pattern, "refuse")
    for name, values in read(found, ["y", "x"]).items():
        np.testing.assert_array_equal(values, columns[name])
    in_order = [str(p) for p in sorted(tmp_path.iterdir())]
    listed = source.source_of(in_order, "refuse")
    np.testing.assert_array_equal(read(listed, ["x"])["x"], columns["x"])
    backwards = source.source_of(in_order[::-1], "refuse")
    assert not np.array_equal(read(backwards, ["x"])["x"], columns["x"])


def test_pieces_have_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = curves(ROWS)
    whole = source.source_of(write_parquet(tmp_path, columns, CUTS, group=300), "refuse")
    monkeypatch.setattr(source, "_GROUPS", 500)
    pieces = source.in_pieces(whole)
    assert len(pieces.parts) > len(whole.parts)
    assert sum(part.rows or 0 for part in pieces.parts) == ROWS
    np.testing.assert_array_equal(read(pieces, ["z"])["z"], columns["z"])
    again = [parts.FilePart.again(p.plain()) for p in pieces.parts]  # type: ignore[attr-defined]
    assert [(p.path, p.groups, p.before) for p in again] == [
        (p.path, p.groups, p.before) for p in pieces.parts  # type: ignore[attr-defined]
    ]


def test_memory_is_not_copied() -> None:
    columns = curves(ROWS)
    found = source.in_memory(columns)
    for block, _ in found._raw(["x"]):
        assert np.shares_memory(block["x"], columns["x"])


def test_a_missing_value_is_named_by_file_and_row(tmp_path: Path) -> None:
    values = [None if k == 2345 else float(k) for k in range(4000)]
    path = tmp_path / "gap.parquet"
    parquet.write_table(pyarrow.table({"x": values}), path, row_group_size=1500)
    found = source.source_of(str(path), "refuse")
    with pytest.raises(DataError, match=r"gap\.parquet: column 'x' misses a value in row 2346"):
        read(found, ["x"])
    kept = source.source_of(str(path), "drop")
    dropped = sum(gone for _, gone in kept.blocks(["x"]))
    assert (dropped, len(read(kept, ["x"])["x"])) == (1, 3999)


def test_an_infinity_is_refused_also_when_rows_may_be_dropped(tmp_path: Path) -> None:
    path = tmp_path / "big.parquet"
    parquet.write_table(pyarrow.table({"x": [1.0, np.inf]}), path)
    with pytest.raises(DataError, match="infinite value in row 2"):
        read(source.source_of(str(path), "drop"), ["x"])


def test_a_bad_cell_of_a_csv_is_named_by_its_line(tmp_path: Path) -> None:
    lines = ["x", *(str(k) for k in range(3000))]
    lines[2500] = "twelve"
    (tmp_path / "a.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"a\.csv, line 2501, column 'x'"):
        read(source.source_of(str(tmp_path / "a.csv"), "refuse"), ["x"])


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pyarrow.array(["a", "b"]).dictionary_encode(), "classes.*0 and 1"),
        (pyarrow.array([0, 1], pyarrow.timestamp("s")), "number such as the days"),
        (pyarrow.array(["1", "2"]), "text, not numbers"),
        (pyarrow.array([True, False]), "True and False"),
    ],
)
def test_what_is_no_number_is_refused_in_words(
    tmp_path: Path, column: pyarrow.Array, words: str
) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"x": column, "y": [1.0, 2.0]}), path)
    found = source.source_of(str(path), "refuse")
    assert read(found, ["y"])["y"].tolist() == [1.0, 2.0]
    with pytest.raises(DataError, match=words):
        read(found, ["x"])


def test_whole_numbers_and_single_precision_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = {"i": pyarrow.array([1, 2**40]), "f": pyarrow.array([0.5, 0.25], pyarrow.float32())}
    parquet.write_table(pyarrow.table(table), path)
    found = read(source.source_of(str(path), "refuse"), ["i", "f"])
    assert (found["i"].tolist(), found["f"].tolist()) == ([1.0, 2.0**40], [0.5, 0.25])


def test_a_damaged_file_is_no_crash(tmp_path: Path) -> None:
    pattern = write_parquet(tmp_path, curves(ROWS), [])
    path = tmp_path / "part-00.parquet"
    content = bytearray(path.read_bytes())
    content[100:9000] = b"\xff" * 8900
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="damaged"):
        read(source.source_of(pattern, "refuse"), ["x", "y"])


def test_what_is_streamed(tmp_path: Path) -> None:
    pattern = write_parquet(tmp_path, curves(100), [50])
    one = str(tmp_path / "part-00.parquet")
    assert source.streams(pattern, None)
    assert source.streams([one], None)
    assert not source.streams(one, None)
    assert source.streams(one, 1000)
    assert not source.streams({"x": [1.0]}, 1)


@pytest.mark.parametrize("memory", ["2 apples", 0, -1, "1XB", True, [1], float("nan")])
def test_a_memory_that_is_none(memory: object) -> None:
    with pytest.raises(OptionError, match="memory must be"):
        source.memory_limit(memory)


def test_reading_ahead_passes_problems_on() -> None:
    def problem() -> Iterator[int]:
        yield 1
        raise DataError("broken")

    found = ahead(problem())
    assert next(found) == 1
    with pytest.raises(DataError, match="broken"):
        next(found)


def test_reading_ahead_stops_when_nobody_takes_more() -> None:
    made = []

    def numbers() -> Iterator[int]:
        for k in range(1000):
            made.append(k)
            yield k

    found = ahead(numbers())
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert len(made) < 10
