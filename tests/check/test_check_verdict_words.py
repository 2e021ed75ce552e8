"""What a verdict says: its lines, its sentences, its names, and where it holds."""

from __future__ import annotations

import json

import pytest

from symgd.check import Verdict, Witness, check
from symgd.check.judge import thresholds
from symgd.errors import NameProblem, OptionError, ShapeProblem
from symgd.formula.problem import read

POINT = {"x": (1, 2), "A": ((1, "1/2"), (3, 4)), "m": 5}


def test_a_witness_shows_its_point_in_the_order_of_the_names() -> None:
    shown = str(Witness(POINT, "3", "-3"))
    assert shown == "at A=((1, 1/2), (3, 4)), m=5, x=(1, 2): right 3, yours -3"
    assert str(Witness({}, "3", "-3", (0, 1))) == "at any point: right 3, yours -3 (entry 0, 1)"


def test_a_witness_as_json_keeps_its_numbers_exact() -> None:
    found = Witness(POINT, "3", "undefined", (1,)).to_dict()
    assert json.loads(json.dumps(found)) == {
        "point": {"x": ["1", "2"], "A": [["1", "1/2"], ["3", "4"]], "m": "5"},
        "right": "3", "claim": "undefined", "entry": [1],
    }  # fmt: skip


def test_the_lines_of_a_verdict() -> None:
    witness = Witness({"x": 1}, "2", "4")
    wrong = Verdict("wrong", "refuted", "because", witness=witness, right="2*x")
    assert str(wrong).splitlines() == [
        "wrong     because", "          right: 2*x", "          at x=1: right 2, yours 4",
    ]  # fmt: skip
    part = Verdict("proportional", "proved", "because", witness=witness, right="2*x")
    assert str(part).splitlines() == ["proportional  because", "              right: 2*x"]
    same = Verdict("equal", "proved", "because", witness=witness, right="2*x")
    assert str(same).splitlines() == [
        "equal     because", "          proved; holds wherever both sides are defined",
    ]  # fmt: skip
    assert str(Verdict("equal", "proved", "because", domain="")) == "equal     because"
    assert str(Verdict("undecided", "open", "why", right="2*x")) == "undecided  why"
    assert str(Verdict("wrong", "refuted", "because")) == "wrong     because"
    assert [v.ok for v in (same, part, wrong)] == [True, False, False]


def test_a_verdict_is_a_value() -> None:
    first = Verdict("equal", "proved", "because", reading="data: x")
    assert first == Verdict("equal", "proved", "because", reading="data: y")
    assert first != Verdict("equal", "probable", "because")
    assert hash(first) == hash(Verdict("equal", "proved", "because"))
    assert first.to_dict()["reading"] == "data: x"
    assert first.to_dict()["witness"] is None
    with pytest.raises(AttributeError):
        first.how = "open"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("formula", "names"),
    [("where(abs(x) <= d, 1, x)", ("d",)), ("where(x^2 < d, 1, x)", ("d",)),
     ("where(x^4 < d, 1, x)", ("d",)), ("where(x^3 < d, 1, x)", ()),
     ("where(norm(v) >= d, x, 1)", ("d",)), ("where(norm(v, 1) < d, x, 1)", ("d",)),
     ("where(d > abs(x), x, 1)", ("d",)), ("where(x < d, x, 1)", ()),
     ("where(x == d, x, 1)", ()), ("where(2^x < d, 1, x)", ()), ("where(x^(1/2) < d, x, 1)", ()),
     ("sum(where(abs(v)[1:] < d, v[1:], 1))", ("d",)), ("where(abs(x) < 3, x, 1)", ()),
     ("sum(where(abs(x) < v, v, 1))", ()),
     ("where(abs(x) < d, where(x^2 > c, 1, x), 2)", ("c", "d"))],
)  # fmt: skip
def test_thresholds_are_names_that_must_be_positive(formula: str, names: tuple[str, ...]) -> None:
    assert tuple(sorted(thresholds(read(formula, shapes={"v": "p"}).root))) == names


def test_where_the_name_is_not_said() -> None:
    with pytest.raises(NameProblem) as several:
        check("2*m", "m*b")
    assert "the formula has m, b; say which with wrt='m'" in str(several.value)
    with pytest.raises(NameProblem) as none:
        check("2", "3*4")
    assert "hint" not in str(none.value)


@pytest.mark.parametrize(
    ("claim", "formula", "words", "name"),
    [
        ("0", "x^2/1000000", "small but not 0: x/500000", "tiny non-zero constant"),
        ("0", "x^2", "for no mistake that is known", None),
        ("2*x + 1/10^12", "x^2", "by very little", "tiny perturbation"),
        ("2*x + 1/10^6", "x^2", "for no mistake that is known", None),
        ("log(-x^2)", "x^2", "not a real number", None),
        ("-4*x", "x^2", "-2 times the gradient: sign and factor", "sign error (whole)"),
    ],
)
def test_differences_that_are_hard_to_see(
    claim: str, formula: str, words: str, name: str | None
) -> None:
    found = check(claim, formula, "x")
    assert (found.verdict, found.how, found.mistake) == ("wrong", "refuted", name)
    assert words in found.reason


@pytest.mark.parametrize(
    ("claim", "factor", "rounded"),
    [("2.01*x", "201/200", True), ("1.99*x", "199/200", True), ("2.05*x", "41/40", False),
     ("5*x", "5/2", False), ("x", "1/2", False), ("pi*x", "pi/2", False)],
)  # fmt: skip
def test_factors_and_rounded_numbers(claim: str, factor: str, rounded: bool) -> None:
    found = check(claim, "x^2", "x")
    assert (found.verdict, found.factor) == ("proportional", factor)
    assert ("rounded number" in found.reason) == rounded
    times = "of the gradient" if factor in ("1/2", "199/200") else "times the gradient"
    assert f"yours is {factor} {times}" in found.reason


@pytest.mark.parametrize(
    ("claim", "formula", "wrt", "mistake", "words"),
    [
        ("x*y", "mean((m*x - y)^2)", "m", "sum over the rows missing", "every entry of (N,)"),
        ("outer(x, 2*(W@x))", "sum((W@x)^2)", "W", "transposed factor", "it is transposed"),
        ("x", "sum((W@x)^2)", "W", "shapes do not fit", "the shape (p,), but W has (n, p)"),
    ],
)
def test_claims_of_another_shape(
    claim: str, formula: str, wrt: str, mistake: str, words: str
) -> None:
    shapes = {"W": "n,p", "x": "p"} if wrt == "W" else None
    found = check(claim, formula, wrt, shapes=shapes)
    assert (found.verdict, found.mistake) == ("wrong", mistake)
    assert words in found.reason


def test_the_place_of_a_mistake_and_where_a_verdict_holds() -> None:
    chain = check("cos(x^2)", "sin(x^2)", "x")
    assert chain.reason.endswith(", at d/dx sin(x^2) = 2*x*cos(x^2)")
    assert chain.step == "d/dx sin(x^2)"
    huber = "where(abs(r) <= d, r^2/2, d*(abs(r) - d/2))"
    right = check("where(abs(r) <= d, r, d*sign(r))", huber, "r")
    assert (right.verdict, right.how) == ("equal", "proved")
    assert right.domain == "wherever both sides are defined; for d > 0"


def test_half_a_gradient_is_named_by_its_convention() -> None:
    found = check("-1/N*sum(x*(y - (m*x + b)))", "mean((y - (m*x + b))^2)", wrt="m")
    assert found.reason == (
        "yours is 1/2 of the gradient: it is the gradient of 1/(2*N) sum, and this loss has 1/N"
    )


@pytest.mark.parametrize(
    ("claim", "told"),
    [("2.0396*x", True), ("2.0404*x", False), ("1.9604*x", True), ("1.9596*x", False)],
)
def test_a_factor_within_two_percent_looks_like_rounding(claim: str, told: bool) -> None:
    assert ("decimals are read exactly" in check(claim, "x^2").reason) is told


@pytest.mark.parametrize(
    ("formula", "name"),
    [("0.0099*x", "tiny non-zero constant"), ("0.00995*x", "tiny non-zero constant"),
     ("0.01*x", None), ("0.01005*x", None), ("-0.0099*x", "tiny non-zero constant")],
)  # fmt: skip
def test_a_slope_below_a_hundredth_is_small_but_not_zero(formula: str, name: str | None) -> None:
    found = check("0", formula, wrt="x")
    assert (found.verdict, found.mistake) == ("wrong", name)


@pytest.mark.parametrize(("size", "named"), [("e-9", False), ("e-10", True)])
def test_a_difference_below_a_billionth_is_a_perturbation(size: str, named: bool) -> None:
    claim = f"(2 + y^2)*(1 + 4{size} + 1{size}*sin(y))"
    found = check(claim, "x*(2 + y^2)", wrt="x")
    assert (found.verdict, found.mistake == "tiny perturbation") == ("wrong", named)


def test_a_claim_that_cannot_be_read_is_an_error_and_no_verdict() -> None:
    with pytest.raises(ShapeProblem, match="nothing to run over"):
        check("2*m + mean(m)", "m^2", wrt="m")


def test_a_claim_whose_shapes_contradict_each_other_is_wrong() -> None:
    shapes = {"A": "n,p", "x": "p", "b": "n"}
    found = check("A @ x + x", "sum((A @ x - b)^2)", wrt="x", shapes=shapes)
    assert (found.verdict, found.mistake) == ("wrong", "shapes do not fit")
    assert found.reading
    assert found.right


def test_a_verdict_is_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"compare \.verdict"):
        bool(check("2*x", "x^2"))


def test_a_notebook_shows_a_verdict_with_its_sentence() -> None:
    shown = check("3*x", "x^2")._repr_html_()
    assert "proportional" in shown
    assert "3/2" in shown


def test_a_claim_is_about_one_name() -> None:
    with pytest.raises(OptionError, match="one derivative: wrt is one name"):
        check("2*x*y", "x^2*y", wrt="x, y")
    with pytest.raises(OptionError, match="the claim says d/dy, but wrt is x"):
        check("dL/dy = x^2", "x^2*y", wrt="x")
    with pytest.raises(NameProblem, match="say which with wrt='x'"):
        check("2*x*y", "x^2*y")
