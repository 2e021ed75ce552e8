"""A short run of the fuzzer; ``python tests/reliability/fuzz.py --count N`` runs it for longer."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fuzz


@pytest.mark.parametrize("seed", range(6))
def test_random_inputs_are_read_or_refused_in_words(seed: int) -> None:
    assert [str(found) for found in fuzz.findings(600, seed)] == []


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, second = (list(fuzz.inputs(random.Random(5), 60)) for _ in range(2))
    assert first == second
    assert {channel for channel, _ in first} == {"text", "latex", "csv"}


def crash() -> None:
    raise KeyError("x")


def refuse_without_words() -> None:
    raise fuzz.SymgdError


def test_the_fuzzer_sees_what_it_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fuzz.examine("text", "x", crash)
    assert found is not None
    assert "KeyError" in str(found)
    assert fuzz.examine("text", "x", refuse_without_words) is not None
    assert fuzz.examine("text", "x", lambda: None) is None
    monkeypatch.setattr(fuzz, "LIMIT", -1.0)
    assert fuzz.examine("text", "x", lambda: None) is not None


def test_most_seeds_are_right_inputs() -> None:
    for text in fuzz.TEXTS:
        fuzz.read(text)
    for text in fuzz.LATEX:
        fuzz.read_latex(text)
