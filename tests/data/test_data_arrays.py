"""Mappings of arrays: what becomes a column, and what is refused in words."""

from __future__ import annotations

import datetime
import pickle
import re
from decimal import Decimal

import numpy as np
import pytest

from symgd.data import Table, fingerprint, load
from symgd.data.names import is_name
from symgd.errors import DataError, OptionError

NAN = float("nan")
INF = float("inf")

GOOD = {
    "list": [1, 2, 3],
    "floats": [1.0, 2.0, 3.0],
    "tuple": (1, 2, 3),
    "range": range(1, 4),
    "float32": np.array([1, 2, 3], np.float32),
    "float16": np.array([1, 2, 3], np.float16),
    "longdouble": np.array([1, 2, 3], np.longdouble),
    "int8": np.array([1, 2, 3], np.int8),
    "uint64": np.array([1, 2, 3], np.uint64),
    "big-endian": np.array([1, 2, 3], ">f8"),
    "strided": np.arange(1.0, 7.0)[::2][:3] * 0 + [1, 2, 3],
    "reversed": np.array([3.0, 2.0, 1.0])[::-1],
    "of scalars": [np.float64(1), np.int64(2), 3],
}


@pytest.mark.parametrize("values", GOOD.values(), ids=GOOD.keys())
def test_every_kind_of_number_becomes_float64(values: object) -> None:
    column = load({"x": values}).columns["x"]
    assert column.dtype == np.float64
    assert column.flags.c_contiguous
    assert not column.flags.writeable
    assert column.tolist() == [1.0, 2.0, 3.0]


REFUSED = {
    "bool": ([True, False], "True and False"),
    "bool array": (np.array([True, False]), "True and False"),
    "bool among numbers": ([1.0, True], "True and False"),
    "bool in a matrix": ([[1.0, True], [2.0, 3.0]], "True and False"),
    "complex": ([1j, 2], "complex"),
    "object array": (np.array([1.0, 2.0], dtype=object), "Python objects"),
    "decimals": ([Decimal(1), Decimal(2)], "Python objects"),
    "text": (["1", "2"], "text"),
    "text among numbers": ([1, "2"], "text"),
    "bytes": (np.array([b"1", b"2"]), "bytes"),
    "dates": (np.array(["2020-01-01"], "M8[D]"), "dates"),
    "python dates": ([datetime.date(2020, 1, 1)], "Python objects"),
    "time spans": (np.array([1, 2], "m8[s]"), "time spans"),
    "records": (np.zeros(2, dtype=[("a", float)]), "records"),
    "ragged": ([[1.0, 2.0], [3.0]], "not an array"),
    "masked": (np.ma.masked_array([1.0, 2.0], [True, False]), "masked"),
    "masked without mask": (np.ma.masked_array([1.0, 2.0]), "masked"),
    "3-d": (np.zeros((2, 2, 2)), "(2, 2, 2)"),
    "one column": (np.zeros((3, 1)), "values[:, 0]"),
    "one column, lists": ([[1], [2]], "values[:, 0]"),
    "matrix without columns": (np.zeros((3, 0)), "without columns"),
    "a number": (2.0, "one float"),
    "0-d": (np.array(2.0), "one float"),
    "None": (None, "one NoneType"),
    "a word": ("abc", "one str"),
    "a set": ({1, 2}, "one set"),
    "a generator": ((i for i in range(3)), "one generator"),
    "a mapping": ({"a": 1}, "one dict"),
    "long integer": ([2**53 + 1], "9007199254740993"),
    "long integer in a matrix": ([[1, 2**53 + 1]], "9007199254740993"),
    "long unsigned integer": (np.array([2**64 - 1], np.uint64), "18446744073709551615"),
    "huge integer": ([10**30], "float64 cannot hold"),
    "huge integer beside a fraction": ([2**53 + 1, 0.5], "float64 cannot hold"),
    "beyond float64": ([10**400], "float64 cannot hold"),
    "empty": ([], "no rows"),
    "infinity": ([1.0, INF], "infinite"),
    "nan": ([1.0, NAN], "missing"),
}


@pytest.mark.parametrize(("values", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_plainly_numbers_is_refused(values: object, words: str) -> None:
    with pytest.raises(DataError, match=re.escape(words)):
        load({"x": values})


def test_the_message_names_the_column() -> None:
    with pytest.raises(DataError, match="column 'flag' holds True and False"):
        load({"x": [1, 2], "flag": [True, False]})


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**60, -(2**62), 2**63, 10**20, 7 * 2**55])
def test_long_integers_that_keep_all_digits_are_read(value: int) -> None:
    assert load({"x": [value, 1]}).columns["x"].tolist() == [float(value), 1.0]


def test_exactness_of_integers_agrees_with_python() -> None:
    rng = np.random.default_rng(5)
    values = rng.integers(-(2**63), 2**63 - 1, 500) >> rng.integers(0, 40, 500)
    values &= ~((1 << rng.integers(0, 14, 500)) - 1)
    outcomes = set()
    for value in values.tolist():
        exact = int(float(value)) == value
        outcomes.add(exact)
        if exact:
            assert load({"x": np.array([value])}).columns["x"][0] == value
        else:
            with pytest.raises(DataError, match="beyond 2"):
                load({"x": np.array([value])})
    assert outcomes == {True, False}


def test_matrices_keep_their_columns() -> None:
    matrix = np.arange(6.0).reshape(3, 2)
    table = load({"X": matrix, "y": [1, 2, 3]})
    assert table.columns["X"].shape == (3, 2)
    assert np.array_equal(load({"X": matrix.T.copy().T}).columns["X"], matrix)
    assert load({"X": matrix.T.copy().T}).columns["X"].flags.c_contiguous


def test_a_matrix_of_one_column_must_be_named() -> None:
    data = {"X": np.ones((3, 1)), "y": [1, 2, 3]}
    assert load(data, matrices=["X"]).columns["X"].shape == (3, 1)
    with pytest.raises(DataError, match=re.escape("broadcast to (3, 3)")):
        load(data)


def test_float64_is_not_copied() -> None:
    values = np.arange(5.0)
    assert np.shares_memory(load({"x": values}).columns["x"], values)
    assert values.flags.writeable


def test_memory_maps_stay_memory_maps(tmp_path) -> None:
    np.arange(1000.0).tofile(tmp_path / "x.bin")
    mapped = np.memmap(tmp_path / "x.bin", dtype=np.float64, mode="r")
    column = load({"x": mapped}).columns["x"]
    assert isinstance(column, np.memmap)
    assert np.shares_memory(column, mapped)


def test_length_one_does_not_broadcast() -> None:
    with pytest.raises(DataError, match="x has 3, y has 1"):
        load({"x": [1, 2, 3], "y": [1]})


def test_only_the_named_columns_are_looked_at() -> None:
    data = {"x y": [1, 2], "name": ["a", "b"], "b": [1, 2], "a": [3, 4], "short": [1]}
    assert list(load(data, columns=["a", "b"]).columns) == ["a", "b"]
    assert list(load(data, columns=("b", "a", "b")).columns) == ["b", "a"]
    with pytest.raises(DataError, match=r"'x y' cannot be the name.*'x_y'"):
        load(data)


@pytest.mark.parametrize("columns", ["x", [], [1], [None]])
def test_columns_must_be_names(columns: object) -> None:
    with pytest.raises(OptionError):
        load({"x": [1]}, columns=columns)  # type: ignore[arg-type]


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(DataError, match=r"no column 'Speed'; .*'speed', 'y'; did you mean 'speed'"):
        load({"speed": [1], "y": [2]}, columns=["Speed"])


@pytest.mark.parametrize("missing", ["Drop", "fill", "", None, 0, True])
def test_missing_is_one_of_two_words(missing: object) -> None:
    with pytest.raises(OptionError, match="missing="):
        load({"x": [1]}, missing=missing)  # type: ignore[arg-type]


def test_missing_values_are_counted_and_placed() -> None:
    x = np.ones(20)
    x[[2, 4, 6, 8, 10, 12, 14]] = NAN
    with pytest.raises(DataError, match="'x' has 7 missing values, in data rows 3, 5, 7, 9, 11, …"):
        load({"x": x, "y": np.ones(20)})
    with pytest.raises(DataError, match="'x' has 1 missing value, in data row 2;"):
        load({"x": [1.0, None, 3.0]})
    with pytest.raises(DataError, match="'x' has 1 infinite value, in data row 2"):
        load({"x": [1.0, -INF, NAN]}, missing="drop")


def test_dropping_takes_whole_rows_of_what_is_used() -> None:
    data = {"x": [1, NAN, 3, 4], "y": [1, 2, None, 4], "z": [NAN, 1, 1, 1]}
    table = load(data, columns=["x", "y"], missing="drop")
    assert table.columns["x"].tolist() == [1, 4]
    assert table.columns["y"].tolist() == [1, 4]
    assert (table.n_rows, table.dropped) == (2, 2)
    assert table.notes == ("rows dropped for a missing value: 2; rows kept: 2",)
    assert not table.columns["x"].flags.writeable
    matrix = load({"X": [[1, NAN], [3, 4]], "y": [1, 2]}, missing="drop")
    assert matrix.columns["X"].tolist() == [[3, 4]]
    with pytest.raises(DataError, match="every row"):
        load({"x": [NAN, 1], "y": [1, NAN]}, missing="drop")


def test_missing_values_beyond_the_first_block() -> None:
    x = np.zeros((1 << 20) + 10)
    x[-3] = NAN
    with pytest.raises(DataError, match=f"in data row {len(x) - 2};"):
        load({"x": x})


def test_no_columns_and_no_table() -> None:
    with pytest.raises(DataError, match="no columns"):
        load({})
    for source in (None, 5, np.ones((3, 2)), [1, 2], b"x.csv"):
        with pytest.raises(DataError, match="give a mapping"):
            load(source)


@pytest.mark.parametrize(
    "name", ["x", "x_1", "theta0", "θ", "Δt", "ϵ", "lambda", "None", "a" * 64, "aΩ"]
)
def test_names_that_are_allowed(name: str) -> None:
    assert is_name(name)
    assert list(load({name: [1]}).columns) == [name]


@pytest.mark.parametrize(
    "name",
    ["", " ", "x y", "1x", "__x", "a__b", "x.1", "x-y", "=1+1", "а", "𝑥", "a" * 65, "x\n", "\\x",  # noqa: RUF001
     "__import__('os')", "x[0]", "é", "名", 3, None, ("a", "b")],
)  # fmt: skip
def test_names_that_are_not(name: object) -> None:
    with pytest.raises(DataError, match="name"):
        load({name: [1]})


def test_names_are_normalised_as_formulas_are() -> None:
    assert list(load({"\N{MICRO SIGN}": [1]}).columns) == ["\N{GREEK SMALL LETTER MU}"]
    assert list(load({"\N{OHM SIGN}": [1]}).columns) == ["\N{GREEK CAPITAL LETTER OMEGA}"]
    both = {"\N{MICRO SIGN}": [1], "\N{GREEK SMALL LETTER MU}": [2]}
    with pytest.raises(DataError, match="there twice"):
        load(both)


def test_the_rule_for_names_is_the_rule_of_formulas() -> None:
    tokens = pytest.importorskip("symgd.formula.tokens")
    alphabet = [chr(c) for c in range(0x20, 0x500)] + list("ϑϕϵϱϖ𝑥·")
    for c in alphabet:
        for name in (c, f"a{c}", f"a{c}b", f"{c}{c}"):
            assert is_name(name) == tokens.is_name(name), name


def test_a_table_is_a_value() -> None:
    table = load({"x": [1, 2], "y": [3, 4]})
    with pytest.raises(AttributeError):
        table.n_rows = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        table.columns["x"] = table.columns["y"]  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        table.columns["x"][0] = 9
    again = pickle.loads(pickle.dumps(table))
    assert fingerprint(again) == fingerprint(table)
    assert str(again) == "the data: 2 rows; x, y"


def test_a_table_can_be_loaded_again() -> None:
    table = load({"x": [1, NAN], "X": np.ones((2, 1))}, matrices=["X"], missing="drop")
    again = load(table, columns=["X"])
    assert isinstance(again, Table)
    assert (list(again.columns), again.n_rows, again.dropped) == (["X"], 1, 1)


def test_fingerprints_tell_data_apart() -> None:
    base = {"x": [1.0, 2.0], "y": [3.0, 4.0]}
    others = [
        {"x": [1.0, 2.0], "z": [3.0, 4.0]},
        {"x": [1.0, 2.0], "y": [3.0, np.nextafter(4.0, 5.0)]},
        {"x": [3.0, 4.0], "y": [1.0, 2.0]},
        {"x": [1.0, 2.0, 3.0, 4.0]},
        {"x": np.array([[1.0, 2.0], [3.0, 4.0]])},
    ]
    prints = {fingerprint(load(data)) for data in [base, *others]}
    assert len(prints) == 6
    reordered = load({"y": base["y"], "x": np.array([1, 2], np.int8)})
    assert fingerprint(reordered) == fingerprint(load(base))
    assert re.fullmatch("[0-9a-f]{64}", fingerprint(reordered))
