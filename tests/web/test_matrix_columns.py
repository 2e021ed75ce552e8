"""Tables as matrices, losses that come without data, and lines that name their own loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symgd.web.check_view import check
from symgd.web.derive_view import derive
from symgd.web.matrix_columns import with_matrices
from symgd.web.problem import Asked, FieldError, problem_of
from symgd.web.solve_job import solve

ROWS = np.random.default_rng(5).normal(size=(12, 4)).round(2)


def _csv(*names: str) -> str:
    return ",".join(names) + "\n" + "\n".join(",".join(map(str, row)) for row in ROWS.tolist())


def _done(problem: dict[str, Any]) -> dict[str, Any]:
    events: list[dict[str, Any]] = []
    solve({"problem": problem, "runs": [{"method": "lm"}]}, events.append)
    return next(event["solution"] for event in events if event["event"] in ("done", "failed"))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("x2", "x10", "x1", "y"), [2, 0, 1]),
        (("X_1", "X_0", "X_2", "y"), [1, 0, 2]),
        (("age", "height", "weight", "y"), [0, 1, 2]),
    ],
)
@pytest.mark.parametrize(
    "problem",
    [
        {"text": "sum((y - X @ w)^2)"},
        {"text": "y ~ X @ w", "model": True},
        {"text": r"\|Xw - y\|^2", "format": "latex"},
    ],
    ids=["text", "model", "latex"],
)
def test_the_answer_is_that_of_least_squares(
    problem: dict[str, Any], names: tuple[str, ...], order: list[int]
) -> None:
    found = _done({**problem, "csv": _csv(*names), "columns": list(names)})
    expected = np.linalg.lstsq(ROWS[:, order], ROWS[:, 3], rcond=None)[0]
    assert np.allclose(found["theta"], expected, atol=1e-6)


def test_a_column_that_the_formula_names_stays_outside() -> None:
    names = ("x1", "x2", "c", "y")
    found = _done({"text": "sum((y - c - X @ w)^2)", "csv": _csv(*names), "columns": list(names)})
    expected = np.linalg.lstsq(ROWS[:, :2], ROWS[:, 3] - ROWS[:, 2], rcond=None)[0]
    assert np.allclose(found["theta"], expected, atol=1e-6)


def test_the_reading_tells_what_stands_for_what() -> None:
    asked = {"text": "mean((y - X @ w)^2)", "columns": ["x1", "x2", "y"]}
    reading = derive({"problem": asked})["reading"]
    assert reading["matrices"] == ["X has the columns x1, x2"]
    assert [one["name"] for one in reading["data"]] == ["X", "y"]


@pytest.mark.parametrize("text", ["mean((y - m*x1)^2)", "y +* 2", "(w - 3)^2", ""])
def test_other_formulas_keep_their_columns(text: str) -> None:
    asked = Asked(text, columns=("x1", "x2", "y"))
    assert with_matrices(asked) is asked


def test_a_request_cannot_set_the_matrices_itself() -> None:
    with pytest.raises(FieldError):
        problem_of({"problem": {"text": "x^2", "matrices": []}})


def test_a_loss_without_its_data_names_them() -> None:
    events: list[dict[str, Any]] = []
    solve({"problem": {"text": "mean((y - X @ w)^2)"}, "runs": [{}]}, events.append)
    (failed,) = [event for event in events if event["event"] == "failed"]
    assert failed["error"]["needs"] == ["X", "y"]


def test_latex_in_the_field_of_text_is_read() -> None:
    found = derive({"problem": {"text": r"\frac{(w - 3)^2}{2}", "format": "text"}})
    assert found["gradient"][0]["text"].replace(" ", "") == "w-3"


def test_lines_that_name_their_own_loss_do_not_need_the_field() -> None:
    lines = "J(w) = (w - 3)^2\ndJ/dw = 2*(w - 3)\n= 2*w - 3"
    seen = check({"lines": lines, "formula": "mean((y - m*x)^2)"})
    assert [line["verdict"] for line in seen["lines"]] == ["equal", "wrong"]
