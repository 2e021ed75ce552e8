"""The Derive and Check tabs against differences and known answers."""

from __future__ import annotations

from typing import Any

import pytest

from symgd.errors import FormulaError, NameProblem, SymgdError
from symgd.web.check_view import check
from symgd.web.derive_view import derive
from symgd.web.failures import failure
from symgd.web.point_view import values
from symgd.web.problem import FieldError, gradient_of, problem_of
from symgd.web.second_views import certificate, code, hessian

# -- derive ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "form"),
    [
        ("x^3*sin(y) + exp(-x*y)", "text"),
        (r"\frac{x^3}{1+y^2} + \ln(x)", "latex"),
        ("sqrt(x) + |y - 2|^3", "auto"),
    ],
)
def test_the_gradient_agrees_with_differences(formula: str, form: str) -> None:
    problem = {"text": formula, "format": form, "wrt": ["x", "y"]}
    seen = derive({"problem": problem, "level": "every"})
    at, step = {"x": 0.7, "y": 1.3}, 1e-6
    for partial in seen["gradient"]:
        name = partial["name"]
        high = values({"problem": problem, "at": {**at, name: at[name] + step}})["value"]
        low = values({"problem": problem, "at": {**at, name: at[name] - step}})["value"]
        expression = gradient_of(problem_of({"problem": {"text": partial["text"], "wrt": []}}))
        shown = expression.loss({n: v for n, v in at.items() if n in partial["text"]})
        assert shown == pytest.approx((high - low) / (2 * step), rel=1e-7)


def test_every_name_has_a_role_and_a_role_can_be_changed() -> None:
    seen = derive({"problem": {"text": "mean((y - (m*x + b))^2)"}})["reading"]
    assert [chip["name"] for chip in seen["data"]] == ["x", "y"]
    assert [chip["name"] for chip in seen["parameters"]] == ["m", "b"]
    changed = derive(
        {"problem": {"text": "mean((y - (m*x + b))^2)", "wrt": ["m"], "columns": ["x", "y"]}}
    )
    assert [chip["name"] for chip in changed["reading"]["fixed"]] == ["b"]
    assert [partial["name"] for partial in changed["gradient"]] == ["m"]
    number = derive({"problem": {"text": "a*x^2", "constants": {"a": 2.5}}})
    assert number["reading"]["constants"] == [{"name": "a", "value": 2.5}]
    assert [partial["text"] for partial in number["gradient"]] == ["5*x"]


def test_steps_are_a_tree_that_loses_none() -> None:
    seen = derive({"problem": {"text": "log(1 + exp(sin(x)^2*y))"}, "level": "every"})
    from symgd import gradient

    for name in ("x", "y"):
        numbers: list[int] = []
        pending = list(seen["steps"][name]["steps"])
        while pending:
            step = pending.pop()
            numbers.append(step["number"])
            pending += step["children"]
            assert step["sentence"]
            assert step["before"]
            assert step["after"]
            if step["focus_at"] is not None:
                start, end = step["focus_at"]
                assert step["before"][start:end] == step["focus"]
        told = gradient("log(1 + exp(sin(x)^2*y))").steps(name, "every")
        assert sorted(numbers) == [step.number for step in told]


def test_steps_that_there_was_no_time_for_can_be_asked_for() -> None:
    text = "+".join(f"(x{k} - {k})^2*x{(k + 1) % 60}" for k in range(60))
    problem = {"problem": {"text": text}, "level": "normal"}
    seen = derive(problem)
    assert sorted([*seen["steps"], *seen["untold"]]) == sorted(f"x{k}" for k in range(60))
    assert len(seen["gradient"]) == 60
    asked = derive({**problem, "names": ["x59"]})
    assert list(asked["steps"]) == ["x59"]
    assert asked["steps"]["x59"]["steps"]
    with pytest.raises(NameProblem):
        derive({**problem, "names": ["q"]})


def test_forms_differ_only_where_they_are_given() -> None:
    (partial,) = derive({"problem": {"text": "sum((X @ w - y)^2)", "wrt": ["w"]}})["gradient"]
    assert partial["shape"] == ["p"]
    assert r"\sum" in (partial["index"] or partial["latex"])
    assert r"^{\top}" in (partial["array"] or partial["latex"])


def test_a_model_is_derived_as_its_loss() -> None:
    model = {"text": "v ~ a*exp(-k*u)", "model": True, "columns": ["u", "v"], "loss": "sse"}
    seen = derive({"problem": model})
    loss = derive({"problem": {"text": "sum((v - a*exp(-k*u))^2)", "columns": ["u", "v"]}})
    assert seen["gradient"] == loss["gradient"]


def test_domains_are_told() -> None:
    seen = derive({"problem": {"text": "log(x) + 1/y"}})
    assert {place["formula"] for place in seen["domain"]} == {"log(x)", "1/y"}


@pytest.mark.parametrize(
    ("text", "form", "start", "end"),
    [
        ("mean((y - m*x)^2", "text", 4, 5),
        (r"\frac{1}{2}\foo x", "latex", 11, 15),
        ("(x +) 2", "text", 4, 5),
        ("x + + )", "text", 6, 7),
    ],
)
def test_a_refused_formula_names_its_place(text: str, form: str, start: int, end: int) -> None:
    problem = {"text": text, "format": form}
    with pytest.raises(FormulaError) as refused:
        derive({"problem": problem})
    told = failure(refused.value, problem)
    assert told["field"] == "text"
    assert (told["start"], told["end"]) == (start, end)


def test_a_formula_in_an_option_keeps_its_place_too() -> None:
    from symgd.web.worker import _answered

    rate, method = "0.1/(t", "v = 0.9*w + g; theta = theta - eta*v"
    events: list[dict[str, Any]] = []
    content = {"problem": {"text": "(x - 1)^2"}, "runs": [{"rate": rate}, {"method": method}]}
    assert "answer" in _answered("solve", content, events.append)
    first, second = (event["error"] for event in events if event["event"] == "failed")
    assert (first["field"], rate[first["start"] : first["end"]]) == ("rate", "(")
    assert (second["field"], method[second["start"] : second["end"]]) == ("method", "w")
    lines = "L = x^2\ndL/dx = 2*(x"
    told = _answered("check", {"lines": lines}, events.append)["failed"]
    assert (told["field"], lines[told["start"] : told["end"]]) == ("lines", "(")


def test_places_are_counted_as_a_browser_counts() -> None:
    text = "x + \U0001f600"
    with pytest.raises(FormulaError) as refused:
        derive({"problem": {"text": text}})
    told = failure(refused.value, {"text": text})
    assert (told["start"], told["end"]) == (4, len(text.encode("utf-16-le")) // 2)


@pytest.mark.parametrize(
    "problem",
    [
        {}, {"text": 3}, {"text": "x", "wrt": "x"}, {"text": "x", "wrt": [1]},
        {"text": "x", "shapes": ["n"]}, {"text": "x", "shapes": {"x": 3}},
        {"text": "x", "constants": {"x": "1"}}, {"text": "x", "constants": {"x": True}},
        {"text": "x", "format": "html"}, {"text": "x", "model": 1}, {"text": "x", "unknown": 1},
        {"text": "x" * 200_000}, {"text": "x", "model": True}, {"text": "y ~ x ~ z", "model": True},
        {"text": "x", "columns": ["a"] * 1000},
    ],
)  # fmt: skip
def test_fields_of_the_wrong_kind_are_refused_by_name(problem: dict[str, object]) -> None:
    with pytest.raises(FieldError) as refused:
        derive({"problem": problem})
    assert refused.value.field in {*problem, "text"}
    assert str(refused.value)


# -- hessian, certificate, code -------------------------------------------------------------------


def test_the_hessian_agrees_with_differences_of_the_gradient() -> None:
    problem = {"text": "x^2*y^3 + exp(x*y)"}
    seen = hessian({"problem": problem})
    at, step = {"x": 0.4, "y": 0.9}, 1e-6
    for i, first in enumerate(seen["names"]):
        for j, second in enumerate(seen["names"]):
            high = values({"problem": problem, "at": {**at, second: at[second] + step}})
            low = values({"problem": problem, "at": {**at, second: at[second] - step}})
            slope = (high["gradient"][first] - low["gradient"][first]) / (2 * step)
            entry = gradient_of(problem_of({"problem": {"text": seen["texts"][i][j]}})).loss
            assert entry(at) == pytest.approx(slope, rel=1e-6)


def test_a_hessian_without_closed_form_is_given_along_a_direction() -> None:
    seen = hessian({"problem": {"text": "sum((W2 @ tanh(W1 @ x) - y)^2)"}})
    assert seen["entries"] is None
    assert [row["name"] for row in seen["along"]] == ["W2", "W1"]


def test_the_certificate_says_how_it_was_proved() -> None:
    seen = certificate({"problem": {"text": "x^2*log(y)"}})
    assert seen["proved"]
    assert [proof["name"] for proof in seen["proofs"]] == ["x", "y"]
    with pytest.raises(SymgdError):
        certificate({"problem": {"text": "3"}})


@pytest.mark.parametrize("target", ["numpy", "jax", "torch", "c", "julia", "latex"])
def test_code_is_there_in_every_language(target: str) -> None:
    seen = code({"problem": {"text": "mean((y - m*x)^2)"}, "target": target})
    assert seen["code"].strip()
    assert seen["filename"]
    if seen["language"] == "python":
        compile(seen["code"], seen["filename"], "exec")


def test_code_in_no_language_is_refused() -> None:
    with pytest.raises(FieldError):
        code({"problem": {"text": "x"}, "target": "php"})


# -- check ----------------------------------------------------------------------------------------


def test_a_claim_gets_its_verdict_and_the_mistake_its_name() -> None:
    right = check({"claim": "-2*mean(x*(y - m*x))", "of": "mean((y - m*x)^2)", "wrt": "m"})
    assert right["all_right"]
    assert right["lines"][0]["verdict"] == "equal"
    wrong = check({"claim": "2*mean(x*(y - m*x))", "of": "mean((y - m*x)^2)", "wrt": "m"})
    (line,) = wrong["lines"]
    assert line["verdict"] == "wrong"
    assert "sign" in line["mistake"]
    assert line["witness"]["right"] != line["witness"]["claim"]
    assert wrong["first_wrong"] == 1
    half = check({"claim": "x", "of": "x^2", "wrt": "x"})
    assert half["lines"][0]["verdict"] == "proportional"
    assert half["lines"][0]["factor"] == "1/2"


def test_a_derivation_is_judged_line_by_line() -> None:
    text = "L = (x*y - 1)^2\ndL/dx = 2*(x*y - 1)*y\n = 2*x*y - 2*y\n = 2*y*(x*y - 1)"
    seen = check({"lines": text})
    assert [line["number"] for line in seen["lines"]] == [2, 3, 4]
    assert seen["first_wrong"] == 3
    assert not seen["all_right"]


def test_an_align_block_can_be_pasted() -> None:
    block = r"\begin{align} L &= (a x)^2 \\ \frac{\partial L}{\partial a} &= 2 a x^2 \end{align}"
    seen = check({"lines": block})
    assert seen["all_right"]
    assert seen["lines"]


def test_a_model_can_be_latex_and_comes_back_in_both_ways() -> None:
    columns = ["u", "v"]
    plain = {"text": "v ~ a*e^(-k*u)", "model": True, "columns": columns}
    tex = {"text": r"v \sim a e^{-k u}", "model": True, "columns": columns, "format": "latex"}
    first, second = derive({"problem": plain}), derive({"problem": tex})
    assert first["gradient"] == second["gradient"]
    again = {**tex, "text": first["reading"]["model"]["latex"]}
    assert derive({"problem": again})["gradient"] == first["gradient"]
    with pytest.raises(FormulaError) as refused:
        derive({"problem": {**tex, "text": r"v \sim a \foo u"}})
    told = failure(refused.value, {"text": r"v \sim a \foo u"})
    assert (told["field"], told["start"], told["end"]) == ("text", 9, 13)
