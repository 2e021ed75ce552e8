"""The shared verification pairs: every verdict and every name of a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from symgd.check import check

PAIRS = Path(__file__).resolve().parents[3] / "shared" / "cases" / "verify_pairs.json"
if not PAIRS.is_file():
    pytest.skip("the shared cases are not beside this checkout", allow_module_level=True)
ROWS: list[dict[str, Any]] = json.loads(PAIRS.read_text())
UNNAMED = {"perturbation 1e-40*x"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_verdict_is_the_expected_one(row: dict[str, Any]) -> None:
    verdict = check(row["claim"], row["formula"], row["wrt"])
    assert verdict.verdict == row["expected"], str(verdict)
    if row["expected"] == "proportional":
        assert verdict.factor == row["ratio"]
    if row["mistake"] not in UNNAMED:
        assert verdict.mistake == row["mistake"]
    if row["expected"] == "wrong":
        assert verdict.witness is not None
