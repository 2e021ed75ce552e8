"""What is not text, a name, a mapping or a function is refused in words at every door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import symgd
from symgd.errors import OptionError, SymgdError

NOT_TEXT: tuple[Any, ...] = (123, None, b"x", 1.5, object(), {"x": 1}, True)
DATA = {"x": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 5.0]}
DOORS: dict[str, Callable[[Any], object]] = {
    "gradient": symgd.gradient,
    "derivative": symgd.derivative,
    "jacobian": symgd.jacobian,
    "explain": symgd.explain,
    "minimize": symgd.minimize,
    "fit": lambda given: symgd.fit(given, DATA),
    "claim": lambda given: symgd.check(given, "x^2"),
    "formula of a claim": lambda given: symgd.check("2*x", given),
    "derivation": symgd.check_derivation,
    "line of a derivation": lambda given: symgd.check_derivation([given]),
    "exercise": symgd.exercise,
    "checkpoint to load": symgd.load,
    "objective": lambda given: symgd.descend(given, 0.0),
    "function to check": lambda given: symgd.check_gradient(given, at=1.0),
}


@pytest.mark.parametrize("given", NOT_TEXT, ids=lambda given: type(given).__name__)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_not_text_is_refused_in_words(door: str, given: Any) -> None:
    with pytest.raises(SymgdError) as refused:
        DOORS[door](given)
    assert len(str(refused.value)) > 20


@pytest.mark.parametrize(
    "options",
    [{"wrt": 3}, {"wrt": [3]}, {"wrt": b"x"}, {"columns": 3}, {"columns": [None]}, {"shapes": 3},
     {"shapes": {3: "n"}}, {"constants": "x"}, {"constants": {None: 1.0}}],
    ids=str,
)  # fmt: skip
def test_declarations_of_the_wrong_kind(options: dict[str, Any]) -> None:
    with pytest.raises(SymgdError, match=r"wrt|column|shape|constant|name"):
        symgd.gradient("x^2", **options)


@pytest.mark.parametrize("given", [[1.0, 2.0], 1.0, (1.0, 2.0), "abc", [1, 2], b"x"], ids=str)
def test_data_in_the_place_of_the_names_of_the_columns(given: Any) -> None:
    with pytest.raises(OptionError, match="names of the columns"):
        symgd.gradient("sum(m*x)", columns={"x": given})


@pytest.mark.parametrize("wrt", [3, b"x", ["x"]])
def test_the_name_of_a_claim(wrt: Any) -> None:
    with pytest.raises(OptionError, match="wrt is text"):
        symgd.check("2*x", "x^2", wrt=wrt)


def test_the_formula_of_a_derivation() -> None:
    with pytest.raises(OptionError, match="a formula is text"):
        symgd.check_derivation("dL/dx = 2*x", formula=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", ["x", ["a", "b"], b"x", {"x": "a"}], ids=str)
def test_a_point_that_is_no_number(at: Any) -> None:
    with pytest.raises(OptionError, match="real numbers"):
        symgd.check_gradient(lambda x: x**2, lambda x: 2 * x, at)


@pytest.mark.parametrize("seed", ["a", 1.5, None, True])
def test_a_seed_that_is_no_whole_number(seed: Any) -> None:
    with pytest.raises(OptionError, match="seed"):
        symgd.exercise("x^2", seed=seed)


def test_saving_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="Solution"):
        symgd.save(tmp_path / "run.json", 123)  # type: ignore[arg-type]
    run = symgd.minimize("(x - 3)^2", rate=0.1)
    with pytest.raises(OptionError, match="path"):
        symgd.save(123, run)  # type: ignore[arg-type]
