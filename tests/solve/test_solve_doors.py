"""What a solution knows of its loss and of its way, and how options are refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symgd
from symgd.errors import OptionError, ShapeProblem

LINE = {"u": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.0, 4.0, 4.5]}
RUNS = {
    "newton": lambda: symgd.minimize("exp(x) - x", 3),
    "gd": lambda: symgd.minimize("(x - 3)^2", 9, rate=0.1),
    "fit": lambda: symgd.fit("y ~ m*u + b", LINE),
    "curve": lambda: symgd.fit("y ~ a*exp(k*u)", LINE, start={"a": 1, "k": 0.3}),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_solution_knows_its_loss(name: str) -> None:
    found = RUNS[name]()
    value, gradient = found.objective(found.theta)
    assert value == pytest.approx(found.loss, abs=1e-12)
    assert float(np.abs(gradient).max()) == pytest.approx(found.gradient_norm, abs=1e-9)


@pytest.mark.parametrize("name", RUNS)
def test_a_solution_can_be_sent_to_another_process(name: str) -> None:
    found = RUNS[name]()
    if isinstance(found, symgd.Fit):
        assert found.stderr
    again = pickle.loads(pickle.dumps(found))
    assert again.params == found.params
    assert again.objective is None


@pytest.mark.parametrize("name", RUNS)
def test_a_solution_explains_itself(name: str) -> None:
    found = RUNS[name]()
    text = str(found.diagnosis)
    assert text.startswith("loss")
    assert "rates" in text
    assert found.diagnosis is found.diagnosis


def test_a_run_on_a_python_function_has_no_formula_to_explain() -> None:
    found = symgd.descend(lambda x: (x**2, 2 * x), 1.0, rate=0.1)
    with pytest.raises(OptionError, match="formula"):
        _ = found.diagnosis


def test_a_fit_carries_the_name_of_its_loss() -> None:
    assert symgd.fit("y ~ m*u", LINE, loss="mae").loss_name == "mae"
    own = symgd.fit("y ~ m*u", LINE, loss="mean((y - prediction)^4)")
    assert "4" in own.loss_name
    assert symgd.fit("y ~ m*u", LINE).to_dict()["loss_name"] == "mse"


@pytest.mark.parametrize("loss", ["(1 - x)^2 + 100*(y - x^2)^2", "exp(x) - x + (y - x)^2"])
def test_the_history_is_of_the_run_that_gave_the_answer(loss: str) -> None:
    found = symgd.minimize(loss, {"x": -1.2, "y": 1})
    assert found.tried
    assert found.history.step[-1] == found.steps
    np.testing.assert_array_equal(found.history.theta[0], [-1.2, 1.0])
    np.testing.assert_array_equal(found.history.theta[-1], found.theta)
    assert (np.diff(found.history.loss) <= 1e-12).all()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("rate", b"x"), ("rate", ["x"]), ("rate", {}), ("rate", 1j), ("rate", [0.1]),
        ("rate", float("nan")), ("rate", "5/"), ("start", float("nan")), ("start", True),
        ("start", {"x": float("inf")}), ("start", {"x": "a"}), ("start", b"x"), ("start", [1, 2]),
        ("method", 3), ("method", ["gd"]), ("method", "theta = "), ("subject_to", 3),
        ("subject_to", "x"), ("observers", 3), ("observers", [3]), ("bounds", 3), ("starts", "3"),
        ("precision", b"1"), ("steps", 1.5), ("stop", 3), ("time_limit", "1"), ("seed", -1),
        ("missing", "keep"), ("missing", 3), ("constants", {"x": "a"}),
        ("constants", {"x": float("nan")}), ("constants", 3),
    ],
)  # fmt: skip
def test_an_option_is_refused_by_its_name(option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=option):
        symgd.minimize("exp(x) - x", **{option: value})


@pytest.mark.parametrize(
    ("option", "value"),
    [("loss", 3), ("loss", ["mse"]), ("weights", 3), ("sigma", [[1, 2, 3]]), ("shapes", 3)],
)
def test_an_option_of_a_fit_is_refused_by_its_name(option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=option):
        symgd.fit("y ~ m*u", LINE, **{option: value})


@pytest.mark.parametrize("shape", [-1, 2.5, None, (0,), (1, 2, 3, 4, 5)])
def test_a_shape_that_is_none_names_the_option(shape: Any) -> None:
    with pytest.raises(ShapeProblem, match="shapes: the shape of a"):
        symgd.minimize("sum(a)^2", shapes={"a": shape})


@pytest.mark.parametrize(
    ("formula", "start", "minimum"),
    [
        ("(erf(x) - 1/2)^2", {"x": 0.1}, {"x": 0.47693627620446987}),
        ("(gamma(x) - 2)^2 + (y - x)^2", {"x": 2.5, "y": 0.0}, {"x": 3.0, "y": 3.0}),
        ("(det(A) - 3)^2 + (A[0,0] - 1)^2 + A[0,1]^2 + A[1,0]^2", {"A": [[2.0, 1], [1, 3]]},
         {"A": [[1.0, 0], [0, 3]]}),
    ],
)  # fmt: skip
def test_functions_without_extended_precision_are_solved(
    formula: str, start: dict[str, Any], minimum: dict[str, Any]
) -> None:
    found = symgd.minimize(formula, start)
    assert found.converged
    for name, value in minimum.items():
        np.testing.assert_allclose(found.params[name], value, atol=1e-9)
