"""Wrong claims from books and classrooms, by name; the vocabulary is part of the promise."""

from __future__ import annotations

import pytest

from symgd.check import check

MSE = "mean((y - (m*x + b))^2)"
LINE = [
    ("-1/n*sum(x*(y - (m*x + b)))", "proportional", "missing factor 2", "1/2"),
    ("2/n*sum(x*(y - (m*x + b)))", "wrong", "sign error (whole)", None),
    ("-2*sum(x*(y - (m*x + b)))", "proportional", "missing factor 1/N", "N"),
    ("-2/n*sum(y - (m*x + b))", "wrong", "missing inner derivative", None),
    ("-2/n*sum(x)*sum(y - (m*x + b))", "wrong",
     "constant pulled out of a sum although it depends on i", None),
    ("-1/n*sum(x*(y - (m*x + b))^2)", "wrong", "exponent kept", None),
    ("-2/n*sum(x*(y - m*x + b))", "wrong", "bracket sign", None),
    ("-2/n*sum(m*(y - (m*x + b)))", "wrong", "derivative by the wrong parameter", None),
    ("-2/N*x*(y - (m*x + b))", "wrong", "sum over the rows missing", None),
    ("-2*mean(x*(y - (m*x + b)))", "equal", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "verdict", "mistake", "factor"), LINE)
def test_the_wrong_lines_of_linear_regression(
    claim: str, verdict: str, mistake: str | None, factor: str | None
) -> None:
    found = check(claim, MSE, wrt="m")
    assert (found.verdict, found.mistake, found.factor) == (verdict, mistake, factor)


# Errata of published books and courses: formula, name, claim, mistake.
ERRATA = [
    ("mml-book 226: factor 2 missing", "norm(X @ w - y)^2", "w", "X.T @ (X @ w - y)",
     "proportional", "missing factor 2"),
    ("eecs545 2: regulariser subtracted", "1/2*sum((X @ w - y)^2) + lam/2*sum(w^2)", "w",
     "X.T @ (X @ w - y) - lam*w", "wrong", "sign error (one term)"),
    ("ml19-20a 5: 1/n missing", "1/n*sum((w*x - y)^2)", "w", "2*sum(x*(w*x - y))",
     "proportional", "missing factor 1/n"),
    ("Made-With-ML 179: by the wrong parameter", MSE, "b", "-2/N*sum(x*(y - (m*x + b)))",
     "wrong", "derivative by the wrong parameter"),
    ("mlcourse.ai 640: sign inside the sigmoid", "mean(log(1 + exp(-y*w*x)))", "w",
     "-mean(y*x*sigmoid(y*w*x))", "wrong", None),
    ("python-ml-book 72: one index for two sums", "sum((X @ w - y)^2)", "w",
     "2*sum(X @ w - y)*sum(X, axis=0)", "wrong", None),
    ("makeyourownneuralnetwork 82: double negative", "(t - o)^2", "o", "2*(t - o)",
     "wrong", "sign error (whole)"),
    ("udlbook 39: order of matrix factors", "trace(A @ X @ B)", "X", "B.T @ A.T",
     "wrong", "order of matrix factors"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "wrt", "claim", "verdict", "mistake"),
    [row[1:] for row in ERRATA], ids=[row[0] for row in ERRATA],
)  # fmt: skip
def test_errata_of_books(
    formula: str, wrt: str, claim: str, verdict: str, mistake: str | None
) -> None:
    shapes = {"A": "n,n", "X": "n,n", "B": "n,n"} if "trace" in formula else None
    found = check(claim, formula, wrt, shapes=shapes)
    assert found.verdict == verdict
    if mistake is not None:
        assert found.mistake == mistake


CLASSROOM = [
    ("x^3", "3*x^3", "power not lowered"),
    ("x^5", "x^4", "missing factor 5"),
    ("x^3", "x^4/4", "integrated instead of differentiated"),
    ("x^2*exp(x)", "2*x*exp(x)", "product rule as product of derivatives"),
    ("x^2*log(x)", "2*x*log(x)", "product rule with only one term"),
    ("(3*x + 1)/(x - 4)", "((x - 4)*3 + (3*x + 1))/(x - 4)^2", "quotient rule sign"),
    ("(3*x + 1)/(x - 4)", "((3*x + 1) - 3*(x - 4))/(x - 4)^2", "sign error (whole)"),
    ("(3*x + 1)/(x - 4)", "(3*(x - 4) - (3*x + 1))/(x - 4)", "quotient rule without the square"),
    ("(x^2 + 1)/(x^3 - 4)", "2*x/(3*x^2)", "quotient rule as quotient of derivatives"),
    ("sin(x^2)", "cos(x^2)", "missing inner derivative"),
    ("sin(x^2)", "cos(2*x)", "chain rule with the wrong inner function"),
    ("exp(-x^2)", "2*x*exp(-x^2)", "sign error (whole)"),
    ("2^x", "x*2^(x - 1)", "exponential treated as a power"),
    ("2^x", "2^x", "log base"),
    ("log10(x)", "1/x", "log base"),
    ("tan(x)", "1/sin(x)^2", "wrong standard derivative"),
    ("acos(x)", "1/sqrt(1 - x^2)", "sign error (whole)"),
    ("atan(x)", "1/(1 - x^2)", "wrong standard derivative"),
    ("1/(1 + exp(-x))", "sigmoid(x)*(1 + sigmoid(x))", "sign error (one term)"),
    ("log(1 + exp(x))", "sigmoid(x)*(1 - sigmoid(x))",
     "derivative of the sigmoid instead of the sigmoid"),
    ("abs(2*x - 1)", "2", "absolute value ignored for x<0"),
    ("4*x^2 - x + 9", "8*x - 1 + 9", "constant not dropped"),
    ("x^3 - 4*x^2", "3*x^2 + 8*x", "sign error (one term)"),
    ("x^x", "x*x^(x - 1)", "only one side of the power differentiated"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "claim", "mistake"), CLASSROOM)
def test_classroom_mistakes_have_their_name(formula: str, claim: str, mistake: str) -> None:
    found = check(claim, formula, "x")
    assert found.verdict in ("wrong", "proportional")
    assert found.mistake == mistake


# Formula, name, claim, mistake: a link of the chain, or one term, left out.
LINKS = [
    ("mean((y - sigmoid(w*x))^2)", "w", "-2*mean(x*(y - sigmoid(w*x)))",
     "missing outer derivative"),
    ("mean((y - a*exp(-b*x))^2)", "b", "2*mean(a*x*(y - a*exp(-b*x)))",
     "missing outer derivative"),
    ("sum((X @ theta - y)^2)", "theta", "2*sum(X @ theta - y)", "missing inner derivative"),
    ("(u - 2)^3 + 7*u - 1", "u", "3*(u - 2)^2 + 7*u", "term not differentiated"),
    ("(u - 2)^2 + 7*u", "u", "2*u - 2 + 7", "factor not distributed"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "wrt", "claim", "mistake"), LINKS)
def test_what_was_left_out_is_named(formula: str, wrt: str, claim: str, mistake: str) -> None:
    found = check(claim, formula, wrt)
    assert (found.verdict, found.mistake) == ("wrong", mistake)


def test_transposes_and_symmetry() -> None:
    shapes = {"A": "n,n", "S": "n,n", "x": "n"}
    found = check("2*A @ x", "x @ A @ x", "x", shapes=shapes)
    assert (found.verdict, found.mistake) == ("wrong", "matrix taken as symmetric")
    logdet = "logdet(S) + trace(inv(S) @ A)"
    found = check("inv(S) - inv(S) @ A @ inv(S)", logdet, "S", shapes=shapes)
    assert (found.verdict, found.mistake) == ("wrong", "transposed factor")
    found = check("2*(X @ w - y) @ X.T", "norm(X @ w - y)^2", "w")
    assert (found.verdict, found.mistake) == ("wrong", "shapes do not fit")


def test_conventions_are_named() -> None:
    found = check("X.T @ (X @ theta - y)", "mean((X @ theta - y)^2)", "theta")
    assert (found.verdict, found.factor, found.how) == ("proportional", "N/2", "proved")
    assert "1/2 sum" in found.reason
    found = check("-1/N*sum(x*(y - (m*x + b)))", MSE, "m")
    assert "1/(2*N) sum" in found.reason
    found = check("-2*sum(x*(y - (m*x + b)))", MSE, "m")
    assert "gradient of the sum" in found.reason


def test_the_sentence_says_where_and_the_right_line_stands_beside() -> None:
    found = check("2*mean(x*(y - (m*x + b)))", MSE, "m")
    assert str(found).splitlines() == [
        "wrong     the sign of the inner derivative was lost: d/dm (y - (m*x + b)) is -x",
        "          right: -2/N*sum(x*(y - (m*x + b)))",
        f"          {found.witness}",
    ]
    assert found.to_dict()["witness"]["right"] == str(found.witness.right)  # type: ignore[union-attr]


def test_an_unknown_mistake_is_wrong_without_a_name() -> None:
    found = check("17*x^9 - log(x)", "sin(x)", "x")
    assert (found.verdict, found.mistake) == ("wrong", None)
    assert found.witness is not None


def test_a_verdict_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"\.verdict"):
        bool(check("2*x", "x^2"))
