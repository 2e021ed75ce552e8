"""Functions that a formula defines itself, and what textbooks leave to the reader."""

from __future__ import annotations

import numpy as np
import pytest

import symgd
from symgd.check import check_derivation
from symgd.errors import NameProblem, SyntaxProblem
from symgd.formula.latex_read import read_latex
from symgd.formula.problem import read
from symgd.formula.text import to_text


@pytest.mark.parametrize(
    ("text", "written_out"),
    [
        ("mean((y - h(x))^2) where h(x) = m*x + b", "mean((y - (m*x + b))^2)"),
        ("f(x)^2 + f(2*x) where f(u) = sin(u)", "sin(x)^2 + sin(2*x)"),
        ("f(g(t)) where f(u) = u^2, g(v) = v + 1", "(t + 1)^2"),
        ("k(a, 3) where k(u, v) = u*v + c", "a*3 + c"),
        ("r^2 + h(2) where r = h(s), h(q) = 3*q", "(3*s)^2 + 3*2"),
        ("f(x) + g(x) where f(x) = x^2, g(x) = f(x + 1)", "x^2 + (x + 1)^2"),
    ],
)
def test_a_defined_function_is_put_in(text: str, written_out: str) -> None:
    assert to_text(read(text).root) == written_out


def test_the_hypothesis_of_a_well_known_course() -> None:
    loss = (
        r"J(\theta)=\frac{1}{2m}\sum_{i=1}^{m}\left(h_\theta(x^{(i)})-y^{(i)}\right)^2,"
        r" \quad h_\theta(x)=\theta_0+\theta_1 x"
    )
    gradient = symgd.gradient(loss)
    x, y = np.array([1.0, 2.0, 4.0]), np.array([0.5, 2.0, 3.0])
    values = gradient({"theta_0": 0.25, "theta_1": -1.0, "x": x, "y": y})
    residual = 0.25 - x - y
    assert values["theta_0"] == pytest.approx(residual.mean(), rel=1e-14)
    assert values["theta_1"] == pytest.approx((x * residual).mean(), rel=1e-14)
    lines = loss.replace(r", \quad", "\n")
    slope = r"\frac{1}{m}\sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)}) x^{(i)}"
    report = check_derivation(f"{lines}\n\\frac{{\\partial J}}{{\\partial\\theta_1}} = {slope}")
    assert report.ok


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("f(x) where f(x) = f(x) + 1", "uses itself"),
        ("f(a, b) where f(x) = x^2", "is a function of x"),
        ("f(a + b) where f(x) = x_1 + x_2", "is a part of the argument"),
    ],
)
def test_a_definition_that_cannot_be_put_in_is_refused(text: str, said: str) -> None:
    with pytest.raises(NameProblem, match=said):
        read(text)


def test_a_list_is_not_a_left_side() -> None:
    with pytest.raises(SyntaxProblem, match="an equation is not a formula"):
        read("f(x), f(x) = x^2")


@pytest.mark.parametrize(
    ("text", "parameters", "derivative"),
    [
        ("sum_i p_i*log(p_i)", ("p",), "1 + log(p)"),
        (r"\sum_i p_i \log\frac{p_i}{q_i}", ("p", "q"), "1 + log(p/q)"),
        ("sum_i x_i^2", ("x",), "2*x"),
        (r"\sum_{j=1}^{k}\sum_{i=1}^{n} (x_{ij} - \mu_j)^2", ("mu",),
         "-2*sum(x - mu[None, :], axis=0)"),
    ],
)  # fmt: skip
def test_a_formula_of_data_only_has_a_gradient_by_something(
    text: str, parameters: tuple[str, ...], derivative: str
) -> None:
    gradient = symgd.gradient(text)
    assert tuple(gradient) == parameters
    assert gradient[parameters[0]].text() == derivative


@pytest.mark.parametrize("text", ["-log(exp(z_k)/sum_j exp(z_j))", "sum_i (x_i - x_j)^2"])
def test_an_entry_without_its_index_is_refused(text: str) -> None:
    with pytest.raises(NameProblem, match="nothing says which"):
        read(text)


def test_an_expectation_of_a_product_runs_over_the_rows() -> None:
    problem = read_latex(r"\mathbb{E}[(y - w^\top x)^2]")
    assert problem.shape("x") == ("N", "p")
    assert to_text(problem.root) == "mean((y - x @ w)^2)"
