"""The strict CSV reader: what is read, and what is refused with its line and column."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from symgd.data import Table, csv_reader, load, to_csv
from symgd.errors import DataError

GOOD = {
    "plain": "x,y\n1,2\n3,4\n",
    "no last line feed": "x,y\n1,2\n3,4",
    "windows": "x,y\r\n1,2\r\n3,4\r\n",
    "byte order mark": "\ufeffx,y\n1,2\n3,4\n",
    "empty lines at the end": "x,y\n1,2\n3,4\n\n\r\n\n",
    "comments": "# from somewhere\n# a, b\nx,y\n1,2\n3,4\n",
    "empty lines before": "\n\n# c\n\nx,y\n1,2\n3,4\n",
    "spaces": " x , y \n 1 , 2 \n3,  4\n",
    "quotes": '"x","y"\n"1","2"\n3, "4"\n',
    "tabs": "x\ty\n1\t2\n3\t4\n",
    "semicolons": "x;y\n1;2\n3;4\n",
    "spellings": "x,y\n1.,+2\n.3e1,4E0\n",
    "tab inside a cell": "x,y\n1,\t2\n3,4\t\n",
}


def _file(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    place = folder / name
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_what_is_read(text: str, tmp_path: Path) -> None:
    table = load(_file(tmp_path, text))
    assert isinstance(table, Table)
    assert {k: v.tolist() for k, v in table.columns.items()} == {"x": [1, 3], "y": [2, 4]}
    assert (table.n_rows, table.dropped, table.source) == (2, 0, "data.csv")


BAD = {
    "empty": ("", "is empty"),
    "only comments": ("# a\n\n", "is empty"),
    "header only": ("x,y\n", "no rows"),
    "header and empty lines": ("x,y\n\n\n", "no rows"),
    "no header": ("1,2\n3,4\n", "line 1: a header is needed"),
    "short row": ("x,y\n1,2\n3\n", "line 3 has 1 cell, the header has 2"),
    "long row": ("x,y\n1,2\n3,4,5\n", "line 3 has 3 cells, the header has 2"),
    "every row too long": ("x,y\n1,2,3\n4,5,6\n", "line 2 has 3 cells"),
    "trailing separator": ("x,y\n1,2,\n", "line 2 has 3 cells"),
    "decimal commas without quotes": ("x,y\n1,5,2,5\n", "line 2 has 4 cells.*decimal point"),
    "empty line inside": ("x,y\n1,2\n\n3,4\n", "line 3 is empty"),
    "empty line inside one column": ("x\n1\n\n3\n", "line 3 is empty"),
    "comment below the header": ("x,y\n1,2\n# hm\n", "line 3: comments"),
    "twice": ("x,x\n1,2\n", "'x' is there twice"),
    "no name": ("x,\n1,2\n", "a column has no name"),
    "bad name": ("x,a b\n1,2\n", "'a b' cannot be the name of a column; .* to 'a_b'"),
    "spaces for separators": ("x y\n1 2\n", "'x y' cannot be the name"),
    "formula": ("=cmd|' /C calc'!A0,y\n1,2\n", "cannot be the name"),
    "code": ("__import__('os').system('echo'),y\n1,2\n", "cannot be the name"),
    "tabs and semicolons": ("x;y\tz\n1;2\t3\n", "tabs and semicolons"),
    "text": ("x,y\n1,apple\n", "line 2, column 'y': 'apple' is not a finite decimal number"),
    "decimal comma": ('x,y\n1,"1,5"\n', "line 2, column 'y': '1,5'.*decimal point, not a comma"),
    "decimal comma, semicolons": ("x;y\n1,5;2\n", "column 'x': '1,5'.*not a comma"),
    "thousands": ('x,y\n1,"1,234"\n', "'1,234'.*without separators"),
    "thousands and decimals": ('x,y\n1,"1,234.5"\n', "'1,234.5'.*without separators"),
    "true": ("x,y\nTrue,1\nFalse,0\n", "line 2, column 'x': 'True'.*write 1 and 0"),
    "date": ("x,y\n2020-01-02,1\n", "'2020-01-02'.*date"),
    "time": ("x,y\n12:30:00,1\n", "'12:30:00'.*date"),
    "hexadecimal": ("x,y\n0x1f,1\n", "'0x1f'.*decimal number"),
    "underscore": ("x,y\n1_000,1\n", "'1_000'.*without underscores"),
    "percent": ("x,y\n5%,1\n", "'5%'.*0.05"),
    "infinity": ("x,y\ninf,1\n", "'inf'.*infinite"),
    "minus infinity": ("x,y\n1,-Infinity\n", "line 2, column 'y': '-Infinity'"),
    "too large": ("x,y\n1e999,1\n", "'1e999'.*too large"),
    "two numbers": ("x,y\n1 2,1\n", "line 2, column 'x': '1 2'"),
    "a sign alone": ("x,y\n-,1\n", "column 'x': '-'"),
    "a fraction": ("x,y\n1/2,1\n", "column 'x': '1/2'"),
    "other digits": ("x,y\n\u0661,1\n", "line 2, column 'x'"),
    "unicode minus": ("x,y\n\u22121,1\n", "line 2, column 'x'"),
    "python code": ("x,y\n__import__('os'),1\n", "line 2, column 'x'"),
    "unclosed quote": ('x,y\n1,2\n"1,2\n3,4\n', "line 3: a quote is opened here and not closed"),
    "text after a quote": ('x,y\n1,2\n"1"a,2\n', "line 3: quotes"),
    "unclosed quote in the header": ('"x,y\n1,2\n', "line 1: a quote"),
    "unclosed quote at the end": ('x,y\n1,2\n\n"3\n', "line 4: a quote"),
    "missing": ("x,y\n1,2\n,3\n", "'x' has 1 missing value, in data row 2"),
    "nan": ("# c\nx,y\nnan,1\n2,3\n", r"in data row 1 \(data row 1 is line 3\); .*missing='drop'"),
    "old line ends": ("x,y\r1,2\r3,4\r", "line 1.*line feeds"),
    "nul": (b"x,y\n1,2\n3,\x00\n", "line 3 holds a NUL"),
    "latin-1": ("x,y\n1,é\n".encode("latin-1"), "line 2: byte 3 is not UTF-8"),
    "utf-16": ("x,y\n1,2\n".encode("utf-16"), "UTF-16"),
    "gzip": (b"\x1f\x8b\x08\x00....", "gzip"),
    "zip": (b"PK\x03\x04....", "zip"),
    "pickle": (b"\x80\x04\x95....", "pickle"),
    "parquet": (b"PAR1....", "Parquet"),
    "numpy": (b"\x93NUMPY....", "NumPy"),
    "random bytes": (bytes(range(1, 256)), "data.csv"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_refused(text: str | bytes, words: str, tmp_path: Path) -> None:
    place = _file(tmp_path, text)
    with pytest.raises(DataError, match=words) as caught:
        load(place)
    assert "data.csv" in str(caught.value)
    assert str(caught.value).isprintable()


def test_separators_other_than_commas_are_said(tmp_path: Path) -> None:
    assert load(_file(tmp_path, "x;y\n1;2\n")).notes == ("separated by semicolons",)
    assert load(_file(tmp_path, "x\ty\n1\t2\n", "d.tsv")).notes == ("separated by tabs",)
    assert load(_file(tmp_path, "x,y\n1,2\n")).notes == ()


def test_columns_that_are_not_used_do_no_harm(tmp_path: Path) -> None:
    text = 'id no,x,when,y\n"a, b",1,2020-01-01,2\n"c\nd",3,,x\n'
    place = _file(tmp_path, text)
    assert load(place, ["x"]).columns["x"].tolist() == [1, 3]
    with pytest.raises(DataError, match="line 3, column 'y': 'x'"):
        load(place, ["y", "x"])
    with pytest.raises(DataError, match="no column 'X'; the columns are 'id no', 'x', 'when', 'y'"):
        load(place, ["X"])


def test_lines_are_counted_through_cells_of_several_lines(tmp_path: Path) -> None:
    place = _file(tmp_path, 't,x\n"a\nb\n",1\n"c",2\n"d",oops\n')
    with pytest.raises(DataError, match="line 6, column 'x': 'oops'"):
        load(place, ["x"])


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN", "NA", "n/a", "null", '""'])
def test_missing_cells(cell: str, tmp_path: Path) -> None:
    place = _file(tmp_path, f"x,y\n1,2\n{cell},4\n5,6\n")
    with pytest.raises(DataError, match="1 missing value"):
        load(place)
    table = load(place, missing="drop")
    assert table.columns["y"].tolist() == [2, 6]
    assert table.dropped == 1


def test_errors_beyond_the_first_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "_CHUNK", 7)
    rows = [f"{i},{i}" for i in range(50)]
    good = load(_file(tmp_path, "\n".join(["x,y", *rows])))
    assert good.columns["x"].tolist() == list(range(50))
    for at in (0, 6, 7, 20, 49):
        for wrong, words in (
            ("1,a", "column 'y'"),
            ("1", "1 cell"),
            ('"1', "quote"),
            ("", "empty"),
        ):
            lines = ["# c", "x,y", *rows[:at], wrong, *rows[at:]]
            with pytest.raises(DataError, match=rf"line {at + 3}\b.*{words}"):
                load(_file(tmp_path, "\n".join(lines)))
    assert load(_file(tmp_path, "\n".join(["x,y", *rows, *[""] * 20]))).n_rows == 50


def test_long_integers_are_read_as_floats(tmp_path: Path) -> None:
    table = load(_file(tmp_path, "x,y\n99999999999999999999,1\n1,2\n"))
    assert table.columns["x"].tolist() == [1e20, 1]


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = ",".join(f"c{i}" for i in range(10_001))
    with pytest.raises(DataError, match="10001 columns; the limit is 10000"):
        load(_file(tmp_path, f"{wide}\n"))
    with pytest.raises(DataError, match="line 2 is longer than 1000000 bytes"):
        load(_file(tmp_path, "x,y\n1," + "2" * 1_000_000))
    monkeypatch.setattr(csv_reader, "MAX_CELLS", 5)
    with pytest.raises(DataError, match="more than 5 cells"):
        load(_file(tmp_path, "x,y\n1,2\n3,4\n5,6\n"))
    assert load(_file(tmp_path, "x,y\n1,2\n3,4\n5,6\n"), ["x"]).n_rows == 3


def test_every_spelling_of_a_float_is_read_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=500) * 10.0 ** rng.integers(-300, 300, 500)
    spelled = [repr(v) if v > 0 else f"{v:.17E}" for v in values.tolist()]
    table = load(_file(tmp_path, "x\n" + "\n".join(spelled)))
    assert np.array_equal(table.columns["x"], values)


def test_messages_do_not_repeat_long_or_unprintable_cells(tmp_path: Path) -> None:
    place = _file(tmp_path, "x\n" + "\x1b[31m" + "a" * 5000 + "\n")
    with pytest.raises(DataError, match=re.escape("'\\x1b[31maaa")) as caught:
        load(place)
    assert len(str(caught.value)) < 200


@pytest.mark.slow
def test_a_million_rows(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1_000_000, 2))
    place = tmp_path / "large.csv"
    to_csv(place, {"x": values[:, 0], "y": values[:, 1]})
    table = load(place)
    assert np.array_equal(np.column_stack([*table.columns.values()]), values)
    with place.open("a") as file:
        file.write("1,2\n3,x\n")
    with pytest.raises(DataError, match="line 1000003, column 'y': 'x'"):
        load(place)
