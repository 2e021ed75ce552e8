"""Exercises: the checker finds every planted mistake."""

from __future__ import annotations

import pytest

from symgd.check import check_derivation, exercise
from symgd.check.exercises import mistakes
from symgd.errors import OptionError

FORMULAS = [
    ("mean((y - (m*x + b))^2)", "m"), ("(x^2 + 1)*sin(3*x)", "x"), ("(2*x - 3)^5/(x + 1)", "x"),
    ("sum((y - a*exp(-k*x))^2)", "k"), ("mean(log(1 + exp(-y*w*x)))", "w"),
    ("log(x^2 + 1)*tan(x)", "x"), ("sqrt(1 + x^4)", "x"), ("exp(sin(x))", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "wrt"), FORMULAS)
@pytest.mark.parametrize("seed", range(4))
def test_every_planted_mistake_is_found(formula: str, wrt: str, seed: int) -> None:
    task = exercise(formula, wrt=wrt, seed=seed)
    report = check_derivation(task.lines)
    assert report.first_wrong is not None
    assert report.first_wrong.number == task.wrong_line
    assert check_derivation(task.solution).ok


def test_a_mistake_by_name() -> None:
    task = exercise("(2*x - 3)^5", mistake="missing inner derivative", wrt="x")
    assert task.mistake == "missing inner derivative"
    assert check_derivation(str(task)).first_wrong is not None
    with pytest.raises(OptionError, match="there are"):
        exercise("x^2", mistake="lazy")
    with pytest.raises(OptionError, match="cannot be made"):
        exercise("x^2", mistake="quotient rule sign")


def test_the_same_seed_gives_the_same_exercise() -> None:
    assert exercise("x^2*sin(x)", seed=3) == exercise("x^2*sin(x)", seed=3)


def test_most_mistakes_can_be_planted_somewhere() -> None:
    made = set()
    for name in mistakes():
        for formula, wrt in [*FORMULAS, ("abs(x - 1)*2^x", "x"), ("max(0, x - 2)^3", "x")]:
            try:
                made.add(exercise(formula, mistake=name, wrt=wrt).mistake)
                break
            except OptionError:
                continue
    assert len(made) >= 0.75 * len(mistakes())
