"""Right derivatives, rearranged by SymPy in many ways, are never called wrong."""

from __future__ import annotations

import pytest
import sympy as sp

from symgd.algebra.bridge import symbol, to_sympy
from symgd.check import check
from symgd.formula.problem import read

FORMULAS = [
    "(2*x + 3)^4", "x/(x^2 + 3*x + 5)", "(2*x^3 - x)/(x + 4)", "(1 + sqrt(x))^3",
    "1/(1 + 1/(1 + 1/x))", "x*exp(x)", "exp(1/x)", "10^(-x)", "log(x^2 + 1)",
    "log((1 + x)/(2 - x))", "exp(-x)/(1 + exp(-x))^2", "sin(x^2)*cos(3*x)", "x^2*sin(1/x)",
    "tan(x)/x", "x*asin(x) + sqrt(1 - x^2)", "x*atan(x) - log(1 + x^2)/2", "sinh(x)^2",
    "tanh(3*x - 1)^3", "x^x", "sin(x)^x", "(x^2 + 1)^cos(x)", "log(1 + log(1 + x))",
    "x^3*exp(-2*x)*cos(x)*log(x + 1)", "abs(x - 1)*x", "a*exp(-(x - m)^2/(2*s^2))",
    "x^y*y^x", "log(exp(x) + exp(2*x) + exp(3*x))", "sqrt(1 + sqrt(1 + x^2))",
]  # fmt: skip
FORMS = {
    "as it is": lambda e: e, "expand": sp.expand, "factor": sp.factor, "together": sp.together,
    "powsimp": sp.powsimp, "trig": sp.expand_trig, "exp": lambda e: e.rewrite(sp.exp),
    "cancel": sp.cancel, "log": sp.expand_log,
}  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_rearranged_derivatives_are_equal(formula: str) -> None:
    derived = to_sympy(read(formula).root).diff(symbol("x"))
    verdicts = {}
    for name, form in FORMS.items():
        text = str(form(derived))
        if "I" not in text:
            verdicts[name] = check(text, formula, "x").verdict
    assert "wrong" not in verdicts.values()
    assert "proportional" not in verdicts.values()
    assert list(verdicts.values()).count("equal") >= len(verdicts) - 1


DATA = {
    "mean((y - (m*x + b))^2)": [
        "-2*mean(x*(y - (m*x + b)))", "2*mean(x*(m*x + b - y))", "mean(2*(y - m*x - b)*(-x))",
        "-2/N*(sum(x*y) - m*sum(x*x) - b*sum(x))", "2*m*mean(x^2) + 2*b*mean(x) - 2*mean(x*y)",
        "-2*mean(x*y) + 2*mean(x*(m*x + b))", "sum(-2*x*(y - (m*x + b)))/N",
        "mean(x)*2*b - 2*mean((y - m*x)*x)", "2*mean(x*(m*(x - mean(x)) + m*mean(x) + b - y))",
    ],
    "1/N*sum((y - m*sin(x))^2) + lam*m^2": [
        "-2/N*sum(sin(x)*(y - m*sin(x))) + 2*lam*m",
        "2*(lam*m - mean(y*sin(x)) + m*mean(sin(x)^2))",
        "2*lam*m - 2*mean(y*sin(x)) + 2*m - 2*m*mean(cos(x)^2)",
        "2*lam*m - 2*mean(y*sin(x)) + m*(1 - mean(cos(2*x)))",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "claim"), [(f, c) for f, claims in DATA.items() for c in claims]
)
def test_rearranged_sums_are_equal(formula: str, claim: str) -> None:
    assert check(claim, formula, "m").verdict == "equal"


MATRIX = {
    "mean((X @ w - y)^2) + lam*(w @ w)": [
        "2/N*X.T @ (X @ w - y) + 2*lam*w", "2*(X.T @ X @ w - X.T @ y)/N + 2*lam*w",
        "2/N*(X @ w - y) @ X + lam*w + w*lam", "-2/N*X.T @ (y - X @ w) + 2*lam*w",
        "2*((X.T @ X)/N @ w) - 2/N*y @ X + 2*lam*w",
    ],
    "norm(X @ w - y)": ["X.T @ (X @ w - y)/norm(X @ w - y)", "((X @ w - y) @ X)/norm(y - X @ w)"],
    "logsumexp(X @ w)": [
        "X.T @ softmax(X @ w)", "(exp(X @ w) @ X)/sum(exp(X @ w))",
        "X.T @ (exp(X @ w - logsumexp(X @ w)))",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "claim"), [(f, c) for f, claims in MATRIX.items() for c in claims]
)
def test_rearranged_matrix_products_are_equal(formula: str, claim: str) -> None:
    assert check(claim, formula, "w").verdict == "equal"
