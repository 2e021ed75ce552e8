"""Equal or not: the hard pairs, the adversarial ones, and the laws of the normal form."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symgd.algebra.normal import prove_equal
from symgd.check import check
from symgd.check.balls import Balls
from symgd.check.claims import Subject, read_text
from symgd.check.identity import Question, compare
from symgd.formula.problem import read

MSE = "mean((y - (m*x + b))^2)"


def compared(left: str, right: str, **options: object) -> bool | None:
    subject = Subject(read_text(left, **options))
    other = subject.claim(right)
    return compare(Question(other, subject.formula, (), subject.symbols())).equal


EQUAL = [
    ("0.1*x + 0.2*x", "3*x/10"),
    ("Piecewise((x^2, x < 0), (x^3, True))", "Piecewise((x^2, x <= 0), (x^3, True))"),
    ("exp(-x)/(1 + exp(-x))^2", "sigmoid(x)*(1 - sigmoid(x))"),
    ("(x^2 - 1)/(x - 1)", "x + 1"),
    ("log(x^2)", "2*log(x)"),
    ("sqrt(x^2)", "abs(x)"),
    ("sign(x)", "x/abs(x)"),
    ("sin(2x)", "2 sin(x) cos(x)"),
    ("cos(3x)", "4*cos(x)^3 - 3*cos(x)"),
    ("tan(x)^2 + 1", "1/cos(x)^2"),
    ("sqrt(2)*sin(x + pi/4)", "sin(x) + cos(x)"),
    ("sinh(x)^2", "cosh(x)^2 - 1"),
    ("tanh(x)", "2*sigmoid(2x) - 1"),
    ("log(1 + exp(x)) - x", "log(1 + exp(-x))"),
    ("log(6)", "log(2) + log(3)"),
    ("sqrt(12)", "2*sqrt(3)"),
    ("x^(1/3)*x^(1/6)", "sqrt(x)"),
    ("x^y*x^2", "x^(y + 2)"),
    ("exp(2*log(x))", "x^2"),
    ("(x*y)^a", "x^a*y^a"),
    ("max(x, y) + min(x, y)", "x + y"),
    ("max(x, y)*min(x, y)", "x*y"),
    ("abs(x - 3) + abs(x + 3)", "max(6, 2*abs(x))"),
    ("min(max(x, -1), 1)", "where(abs(x) <= 1, x, sign(x))"),
    ("max(0, x)^2", "x*max(0, x)"),
    ("asin(x) + acos(x)", "pi/2"),
    ("cos(asin(x))", "sqrt(1 - x^2)"),
    ("asinh(x)", "log(x + sqrt(x^2 + 1))"),
    ("gamma(x + 2)", "x*(x + 1)*gamma(x)"),
    ("erf(-x) + erfc(x)", "1 - 2*erf(x)"),
    ("cos(cos(7x))", "cos(-cos(7x))"),
    ("(2x - 3)^500", "(2x - 3)^499*(2x - 3)"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_formulas_are_proved_equal(left: str, right: str) -> None:
    assert compared(left, right) is True


DATA_EQUAL = [
    ("Sum(x[i]^2, (i, 1, N))", "Sum(x[j]^2, (j, 1, N))", {}),
    ("sum(x/x)", "size(x)", {"columns": ["x"]}),
    ("-2/N*sum(x*(y - (m*x + b)))", "-2/N*(sum(x*y) - m*sum(x^2) - b*sum(x))", {}),
    ("mean(x^2) - mean(x)^2", "mean((x - mean(x))^2)", {}),
    ("sum(x*sum(y))", "sum(x)*sum(y)", {}),
    ("sum(exp(w*x)/(1 + exp(w*x))) + sum(1/(1 + exp(w*x)))", "N", {}),
    ("sum(abs(y - m*x))", "sum(max(y - m*x, m*x - y))", {}),
    ("sum(x*min(max(y - m*x, -1), 1))",
     "sum(x*where(abs(y - m*x) <= 1, y - m*x, sign(y - m*x)))", {}),
    ("X.T @ (X @ w - y)", "X.T @ X @ w - y @ X", {"shapes": {"y": "p"}}),
    ("x @ A @ x", "x @ A.T @ x", {"shapes": {"A": "n,n", "x": "n"}}),
    ("trace(A @ B @ C)", "trace(B @ C @ A)", {"shapes": dict.fromkeys("ABC", "n,n")}),
    ("inv(A.T) @ A.T", "diag(ones(n))", {"shapes": {"A": "n,n"}}),
    ("inv(A) @ (A @ x)", "x", {"shapes": {"A": "n,n", "x": "n"}}),
    ("softmax(z)", "exp(z - max(z))/sum(exp(z - max(z)))", {"shapes": {"z": "k"}}),
    ("norm(x)^2", "x @ x", {"shapes": {"x": "n"}}),
    ("outer(a, b) @ x", "a*(b @ x)", {"shapes": {"a": "n", "b": "m", "x": "m"}}),
    ("det(A)", "A[0,0]*A[1,1] - A[0,1]*A[1,0]", {"shapes": {"A": (2, 2)}}),
    ("sum(x[1:] - x[:-1])", "x[3] - x[0]", {"shapes": {"x": (4,)}}),
    ("mean((tanh(X @ W) - Y)^2)", "mean((Y - tanh(X @ W))^2)",
     {"shapes": {"X": (6, 3), "W": (3, 2), "Y": (6, 2)}}),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "options"), DATA_EQUAL)
def test_equal_formulas_of_data_are_proved_equal(
    left: str, right: str, options: dict[str, object]
) -> None:
    assert compared(left, right, **options) is True


DIFFERENT = [
    ("1/2^99", "1/2^98", {}),
    ("x", "x + 10^(-40)*x^2", {}),
    ("cos(x)", "cos(x) + 10^(-40)*x", {}),
    ("x^2", "x^2 + sin(pi*x)^2", {}),
    ("x^2", "where(x < 1000, x^2, x^2 + 1)", {}),
    ("x^2", "x^2 + max(0, x - 10^6)", {}),
    ("x^2", "x^2 + where(abs(x) > 10^9, 1, 0)", {}),
    ("x^2", "x^2 + max(0, abs(x) - 300)*10^(-30)", {}),
    ("x^2", "x^2 + exp(-10^6*x^2)", {}),
    ("x^2", "x^2 + exp(-1/x^2)", {}),
    ("sqrt(x^2)", "x", {}),
    ("acos(7823207/7823209)*x", "0*x", {}),
    ("exp(exp(x))", "exp(exp(x)) + exp(-exp(x))", {}),
    ("sum(x*y)", "sum(x)*sum(y)", {}),
    ("2/N*sum(x*y)", "1/N*sum(x*y)", {}),
    ("trace(A @ B @ C)", "trace(A @ C @ B)", {"shapes": dict.fromkeys("ABC", "n,n")}),
    ("x*(x-1)*(x-2)*(x-3)", "0*x", {}),
    ("where(t == 1, p, 1 - p)", "1 - p", {}),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "options"), DIFFERENT)
def test_different_formulas_are_refuted(left: str, right: str, options: dict[str, object]) -> None:
    assert compared(left, right, **options) is False


def test_hard_claims_and_their_spoiled_twins() -> None:
    mixture = "log(p*exp(-(x-a)^2/2) + (1-p)*exp(-(x-b)^2/2))"
    good = "(exp(-(x-a)^2/2) - exp(-(x-b)^2/2))/(p*exp(-(x-a)^2/2) + (1-p)*exp(-(x-b)^2/2))"
    arrhenius = "A*exp(-E/(R*T))*(sin(T)^2 + cos(T)^2)"
    slope = "A*E/(R*T^2)*exp(-E/(R*T))"
    nested = "sqrt(x + sqrt(x + sqrt(x)))"
    root = "(1 + (1 + 1/(2*sqrt(x)))/(2*sqrt(x + sqrt(x))))/(2*sqrt(x + sqrt(x + sqrt(x))))"
    for formula, wrt, claim in (
        (mixture, "p", good), (arrhenius, "T", slope), (nested, "x", root),
    ):  # fmt: skip
        assert check(claim, formula, wrt).verdict == "equal"
        spoiled = check(f"({claim}) + 1/10^30*{wrt}^2", formula, wrt)
        assert spoiled.verdict == "wrong"


def test_what_cannot_be_proved_is_undecided_not_wrong() -> None:
    verdict = check("1/(2*sqrt(x)) + sqrt(3 + 2*sqrt(2)) - 1 - sqrt(2)", "sqrt(x)", "x")
    assert verdict.verdict == "undecided"
    assert "agree" in verdict.reason


def test_a_label_that_is_met_exactly_is_looked_at() -> None:
    loss = "mean(where(t == 1, -log(p), -log(1 - p)))"
    options = {"columns": ["t"]}
    right = "mean(where(t == 1, -1/p, 1/(1 - p)))"
    assert check(right, loss, "p", **options).verdict == "equal"  # type: ignore[arg-type]
    wrong = "mean(where(t == 1, -2/p, 1/(1 - p)))"
    assert check(wrong, loss, "p", **options).verdict == "wrong"  # type: ignore[arg-type]


def test_the_domain_is_said() -> None:
    verdict = check("2/(sqrt(x)*sqrt(x))", "log(x^2)", "x")
    assert verdict.verdict == "equal"
    assert "not at x=" in verdict.domain


def test_a_claim_that_is_defined_nowhere_is_wrong() -> None:
    verdict = check("1/sqrt(x^2 - 1)", "asin(x)", "x")
    assert verdict.verdict == "wrong"
    assert verdict.witness is not None
    assert verdict.witness.claim == "undefined"


def test_a_proof_needs_a_point() -> None:
    zero = "sqrt(3 + 2*sqrt(2)) - 1 - sqrt(2)"
    assert compared(f"x/({zero})", f"2*x/({zero})") is None


def test_balls_on_a_kink_are_no_values() -> None:
    node = read("where(x > 0, x, -x)*sign(x)").root
    assert repr(Balls({"x": 0}).value(node)) == "<kink>"
    assert str(Balls({"x": Fraction(1, 2)}).value(node)) == "1/2"


@pytest.mark.parametrize(
    ("left", "right"),
    [("sqrt(x^2)", "x"), ("abs(x)", "x"), ("log(x^2)", "log(x)"), ("sign(x)", "1"),
     ("max(x, y)", "x"), ("x^2", "x^2 + 10^(-40)"), ("sqrt(x)*sqrt(y)", "sqrt(x + y)")],
)  # fmt: skip
def test_the_normal_form_proves_nothing_false(left: str, right: str) -> None:
    assert not prove_equal(read(left).root, read(right).root).proved
