"""What the estimators refuse, in words that help."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symgd import SymbolicClassifier, SymbolicRegressor, SymgdError

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X @ [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"formula": "a*time + b"}, "no feature occurs.*x0, x1, x2"),
        ({"formula": "a*timer + b", "features": ["time", "dose", "age"]}, "did you mean 'time'"),
        ({"formula": "y ~ a*y + b*x0"}, "target 'y' is also among"),
        ({"formula": "log(y) ~ a*x0"}, "TransformedTargetRegressor"),
        ({"formula": "x0 + x1"}, "nothing to fit"),
        ({"formula": "a*X"}, r"one number for each row.*\(N, 3\)"),
        ({"formula": "a*sum(x0) + x1"}, r"rows together \(sum\)"),
        ({"formula": "a*softmax(x0)*x1"}, "rows together"),
        ({"formula": "a*size(x0) + x1"}, "rows together"),
        ({"formula": "a*x0 ~"}, "a formula is"),
        ({"formula": 3}, "must be text"),
        ({"formula": "a*log(x0) + b"}, "nothing finite.*not a"),
        ({"formula": "tanh(X @ W) @ u"}, "shapes="),
        ({"alpha": -1}, "alpha must be"),
        ({"alpha": "much"}, "alpha must be"),
        ({"alpha": 1, "penalize": "q"}, "no parameter: there are w, b"),
        ({"loss": "msee"}, "is not known; there are mse"),
        ({"features": ["a"]}, "1 names"),
        ({"features": ["a", "a", "b"]}, "twice"),
        ({"features": ["a", "b c", "d"]}, "no name"),
        ({"features": "abc"}, "list of names"),
        ({"backend": "fortran"}, "backend='fortran'"),
        ({"method": "magic"}, "method='magic'"),
    ],
)
def test_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SymgdError, match=words):
        SymbolicRegressor(**options).fit(X, Y)


def test_a_mistake_in_the_formula_has_a_caret() -> None:
    with pytest.raises(SymgdError, match=r"\^"):
        SymbolicRegressor("a*(x0 + b").fit(X, Y)


@pytest.mark.parametrize(
    "text", ["__import__('os')", "exec(x0)", "a*x0; import os", "x0.__class__"]
)
def test_a_formula_is_never_code(text: str) -> None:
    with pytest.raises(SymgdError):
        SymbolicRegressor(text).fit(X, Y)


@pytest.mark.parametrize(
    ("options", "labels", "words"),
    [
        ({"output": "odds"}, Y > 0, "'logit' or 'probability'"),
        ({"formula": "sigmoid(X @ w + b)"}, Y > 0, "say output='probability'"),
        ({"formula": "1/(1 + exp(-(a*x0 + b)))"}, Y > 0, "say output='probability'"),
        ({"formula": "sigmoid(X @ w)", "output": "probability"}, np.arange(20) % 3, "OneVsRest"),
        ({}, np.ones(20), "one class"),
    ],
)
def test_classifiers(options: dict[str, Any], labels: Any, words: str) -> None:
    with pytest.raises(SymgdError, match=words):
        SymbolicClassifier(**options).fit(X, labels)


def test_a_probability_outside_its_range() -> None:
    x = np.linspace(0, 1, 30)[:, None]
    labels = np.arange(30) % 7 > 3
    model = SymbolicClassifier("a + c*x", output="probability", alpha=0, start={"a": 0.5, "c": 0})
    model.fit(x, labels)
    with pytest.raises(ValueError, match=r"as a probability in row 2"):
        model.predict_proba([[0.5], [1e3]])


def test_what_a_fit_does_not_have_is_said() -> None:
    with pytest.raises(AttributeError, match="alpha=0"):
        _ = SymbolicRegressor(alpha=1).fit(X, Y).stderr_
    with pytest.raises(AttributeError, match="likelihood"):
        _ = SymbolicRegressor(loss="huber").fit(X, Y + 0.1 * np.sin(np.arange(20))).stderr_


@pytest.mark.parametrize("weight", [np.zeros(20), -np.ones(20)])
def test_weights(weight: Any) -> None:
    with pytest.raises(ValueError, match=r"[wW]eight"):
        SymbolicRegressor().fit(X, Y, weight)
    with pytest.raises(ValueError, match="mean or a sum"):
        SymbolicRegressor(loss="2*mean((y - prediction)^2)").fit(X, Y, np.arange(1, 21))
