"""Mini-batches from files: every row once an epoch, in an order that the seed decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import symgd
from symgd.errors import OptionError
from symgd.scale import batches, source
from tests.scale.data_sets import curves, write_parquet


def one_epoch(data: source.Source, seed: int, size: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [batch["k"] for batch in batches.shuffled(data, ["k"], size, random)]


@pytest.mark.parametrize("size", [3, 7, 500, 5000])
def test_an_epoch_has_every_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(batches, "WINDOW", 300)
    rows = {"k": np.arange(1000.0)}
    data = source.source_of(write_parquet(tmp_path, rows, [100, 450, 451], group=90), "refuse")
    found = one_epoch(data, 3, size)
    assert {len(batch) for batch in found[:-1]} <= {size}
    assert sorted(np.concatenate(found)) == rows["k"].tolist()
    again = one_epoch(data, 3, size)
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
    assert not np.array_equal(np.concatenate(found), np.concatenate(one_epoch(data, 4, size)))


def test_the_order_within_a_window_is_uniform() -> None:
    data = source.in_memory({"k": np.arange(4.0)})
    random = np.random.default_rng(0)
    counts: dict[tuple[float, ...], int] = {}
    for _ in range(4800):
        order = tuple(np.concatenate([b["k"] for b in batches.shuffled(data, ["k"], 2, random)]))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    chi_squared = sum((n - 200) ** 2 / 200 for n in counts.values())
    assert chi_squared < 49.7  # 0.1 % of chi-squared with 23 degrees of freedom


def test_a_fit_by_batches_comes_to_the_minimum(tmp_path: Path) -> None:
    columns = curves(4000)
    pattern = write_parquet(tmp_path, columns, [1000, 2500])
    whole = symgd.fit("label ~ a*z + c", columns, loss="logistic")
    found = symgd.fit(
        "label ~ a*z + c", pattern, loss="logistic", rate="20/(t + 100)", batch=50, epochs=20,
        seed=1, precision=None,
    )  # fmt: skip
    assert found.loss - whole.loss < 1e-4
    assert found.epochs == 20
    assert "batches of 50 of 4000 rows" in found.method
    same = symgd.fit(
        "label ~ a*z + c", pattern, loss="logistic", rate="20/(t + 100)", batch=50, epochs=20,
        seed=1, precision=None,
    )  # fmt: skip
    assert same.params == found.params


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": 0}, "batch must be"),
        ({"batch": 10**6}, "between 1 and the 300 rows"),
        ({"batch": 10, "replace": True}, "must be in memory"),
        ({"batch": 2.5}, "whole number"),
    ],
)
def test_refusals(tmp_path: Path, options: dict[str, object], words: str) -> None:
    pattern = write_parquet(tmp_path, curves(300), [100])
    with pytest.raises(OptionError, match=words):
        symgd.fit("y ~ a*x + c", pattern, rate=0.01, **options)  # type: ignore[arg-type]
