"""Which files are read, and files that are written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgd.data import files, load, to_csv
from symgd.errors import DataError

ROWS = "x,y\n1,2\n"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("s3://bucket/x.csv", "address"),
        ("http://example.org/x.csv", "address"),
        ("https://example.org/x.csv", "address"),
        ("file:///tmp/x.csv", "address"),
        ("file:x.csv", "address"),
        ("/dev/zero", "files named .csv"),
        ("/dev/stdin", "files named .csv"),
        ("-", "files named .csv"),
        ("", "not the name"),
        ("a\0.csv", "not the name"),
        ("../../../etc/passwd", "files named .csv"),
        ("x.csv.gz", "files named .csv"),
        ("model.pkl", "files named .csv"),
        ("x.npy", "files named .csv"),
        (".csv", "files named .csv"),
        ("nowhere/x.csv", "no folder 'nowhere'"),
        ("x,y\n1,2\n", "files named .csv"),
        ("a" * 5000 + ".csv", "cannot be read"),
    ],
)
def test_paths_that_are_refused(path: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(path)


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "norris.csv").write_text(ROWS)
    with pytest.raises(DataError, match=r"there is no file .*; did you mean 'norris.csv'\?"):
        load(tmp_path / "noris.csv")


def test_folders_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        load(tmp_path / "folder.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="regular files"):
        load(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="regular files"):
        load(tmp_path / "zero.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "loop.csv")


def test_links_to_files_and_other_suffixes_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ROWS)
    (tmp_path / "b.CSV").symlink_to(tmp_path / "a.txt")
    assert load(str(tmp_path / "a.txt")).n_rows == 1
    assert load(tmp_path / "b.CSV").n_rows == 1


def test_files_that_are_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    monkeypatch.setattr(files, "MAX_BYTES", 4)
    with pytest.raises(DataError, match="has 8 bytes; the limit is 4"):
        load(tmp_path / "a.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(DataError, match="Permission denied"):
        load(tmp_path / "a.csv")


def test_written_cells_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    place = tmp_path / "out.csv"
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", 'a,"b"', "plain"]
    to_csv(place, {"=cmd|' /C calc'!A0": [-1.5, 2, 3, 4, 5, 6], "text": cells})
    assert place.read_text().splitlines() == [
        "'=cmd|' /C calc'!A0,text",
        "-1.5,'=1+1",
        "2.0,'+1",
        "3.0,'-1",
        "4.0,'@SUM(A1)",
        '5.0,"a,""b"""',
        "6.0,plain",
    ]


def test_writing_replaces_the_file_or_leaves_it(tmp_path: Path) -> None:
    place = tmp_path / "out.csv"
    place.write_text("old")
    place.chmod(0o640)

    def pieces():
        yield "new"
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        files.write_atomically(place, pieces())
    assert place.read_text() == "old"
    to_csv(place, {"x": [1]})
    assert place.read_text() == "x\n1\n"
    assert place.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    bad = [{}, {"x": [1, 2], "y": [1]}, {"x": [[1, 2]]}, {"x": [None]}, {"x": 1.0}, {"x": [True]}]
    for columns in bad:
        with pytest.raises(DataError):
            to_csv(tmp_path / "out.csv", columns)
    with pytest.raises(DataError, match="cannot be written"):
        to_csv(tmp_path / "nowhere" / "out.csv", {"x": [1]})
    with pytest.raises(DataError, match="cannot be written"):
        to_csv(tmp_path, {"x": [1]})
    assert list(tmp_path.iterdir()) == []


NAMES = st.from_regex(r"[A-Za-zθλ](_?[A-Za-z0-9λ]){0,20}", fullmatch=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@settings(derandomize=True, deadline=None)
@given(st.data())
def test_what_is_written_reads_back_bit_for_bit(tmp_path_factory, data: st.DataObject) -> None:
    names = data.draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    n_rows = data.draw(st.integers(1, 30))
    rows = st.lists(NUMBERS, min_size=n_rows, max_size=n_rows)
    columns = {name: np.array(data.draw(rows)) for name in names}
    place = tmp_path_factory.mktemp("trip") / "trip.csv"
    to_csv(place, columns)
    table = load(place)
    assert list(table.columns) == names
    for name in names:
        assert table.columns[name].tobytes() == columns[name].tobytes()


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.one_of(st.binary(max_size=80), st.text('x,y;\t"\r\n#1.e-_ \ufeff', max_size=40)))
def test_any_bytes_are_read_or_refused_in_words(tmp_path_factory, content: bytes | str) -> None:
    place = tmp_path_factory.mktemp("fuzz") / "fuzz.csv"
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        table = load(place, missing="drop")
    except DataError:
        return
    assert table.n_rows > 0
    assert all(np.isfinite(column).all() for column in table.columns.values())
