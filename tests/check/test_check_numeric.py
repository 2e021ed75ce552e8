"""Somebody's own gradient code: which component is off, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symgd.check import check_gradient
from symgd.check.numeric import WrongGradient
from symgd.errors import OptionError, SymgdError

RNG = np.random.default_rng(7)
X, Y, W = RNG.normal(size=(30, 4)), RNG.normal(size=30), RNG.normal(size=4)


def loss(w: Any) -> Any:
    return np.mean((X @ w - Y) ** 2)


def slope(w: Any) -> Any:
    return 2 / 30 * X.T @ (X @ w - Y)


def test_a_right_gradient_is_right() -> None:
    result = check_gradient(loss, slope, W, order2=True)
    assert result.ok
    assert result.symmetric is True
    result.raise_if_wrong()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(lambda g: -g, "sign is reversed"), (lambda g: g / 2, "factor of 1/2"),
     (lambda g: g * 30, "factor of 30"), (lambda g: g * 0, "it is 0")],
)  # fmt: skip
def test_what_is_wrong_with_the_whole(spoil: Callable[[Any], Any], words: str) -> None:
    result = check_gradient(loss, lambda w: spoil(slope(w)), W)
    assert not result.ok
    assert "the whole gradient" in str(result)
    assert words in str(result)


def test_one_component_is_named() -> None:
    def wrong(w: Any) -> Any:
        g = slope(w)
        g[2] *= -1
        return g

    result = check_gradient(loss, wrong, W)
    assert [c.name for c in result.off] == ["x[2]"]
    assert result.off[0].factor == "-1"
    with pytest.raises(WrongGradient, match="sign is reversed") as error:
        result.raise_if_wrong()
    assert isinstance(error.value, SymgdError)
    assert isinstance(error.value, AssertionError)


def test_names_and_numbers() -> None:
    def value(p: dict[str, Any]) -> Any:
        return p["a"] ** 2 * np.sum(p["b"])

    def good(p: dict[str, Any]) -> dict[str, Any]:
        return {"a": 2 * p["a"] * np.sum(p["b"]), "b": p["a"] ** 2 * np.ones(2)}

    at = {"a": 1.5, "b": [1.0, 2.0]}
    assert check_gradient(value, good, at).ok
    bad = check_gradient(value, lambda p: {**good(p), "a": p["a"] * np.sum(p["b"])}, at)
    assert [c.name for c in bad.off] == ["a"]
    assert check_gradient(lambda x: (x**3, 3 * x**2), at=2.0).ok


def test_small_scales_and_rough_functions() -> None:
    assert check_gradient(
        lambda x: 1e-12 * np.sin(1e6 * x), lambda x: 1e-6 * np.cos(1e6 * x), 1e-6
    ).ok
    assert check_gradient(lambda x: np.exp(x), lambda x: np.exp(x), 300.0).ok
    assert check_gradient(lambda x: x**2, lambda x: 2 * x, 0.0).components[0].state == "right"
    kink = check_gradient(lambda x: abs(x), lambda x: 0.0, 0.0)
    assert kink.ok
    assert kink.components[0].state == "kink"


def test_a_field_that_is_no_gradient() -> None:
    result = check_gradient(lambda w: 0.0 * w[0], lambda w: np.array([w[1], -w[0]]), [1.0, 2.0],
                            order2=True)  # fmt: skip
    assert result.symmetric is False
    assert not result.ok


def test_not_finite_is_said() -> None:
    result = check_gradient(lambda x: x**2, lambda x: np.nan, 1.0)
    assert not result.ok
    assert "nan, should be 2" in str(result)


def test_forms_are_checked() -> None:
    with pytest.raises(OptionError, match="shape"):
        check_gradient(loss, lambda w: slope(w)[:2], W)
    with pytest.raises(OptionError, match="not one number"):
        check_gradient(lambda w: X @ w, slope, W)
    with pytest.raises(OptionError, match="at="):
        check_gradient(loss, slope)


def test_many_components_are_sampled() -> None:
    at = RNG.normal(size=3000)
    result = check_gradient(lambda w: float(np.sum(w**3)), lambda w: 3 * w**2, at)
    assert result.ok
    assert len(result.components) == 200
    wrong = check_gradient(lambda w: float(np.sum(w**3)), lambda w: 2 * w**2, at)
    assert not wrong.ok
