"""Derivations line by line: the first wrong line, and what follows from it."""

from __future__ import annotations

import pytest

from symgd.check import check_derivation
from symgd.errors import NameProblem, SyntaxProblem

LINE = """
L = mean((y - (m*x + b))^2)
dL/dm = 1/N sum_i d/dm [ (y_i - (m x_i + b))^2 ]
      = 1/N sum_i 2 (y_i - (m x_i + b)) (-x_i)
      = -2/N sum_i x_i (y_i - (m x_i + b))
"""


def words(text: str, **options: object) -> list[str]:
    return [line.verdict.verdict for line in check_derivation(text, **options)]


def test_a_right_derivation_is_right() -> None:
    report = check_derivation(LINE)
    assert report.ok
    assert report.first_wrong is None
    assert len(report) == 3
    assert "every line is right" in str(report)


def test_the_first_wrong_line_and_what_follows() -> None:
    report = check_derivation(
        LINE.replace("= -2/N", "= 2/N") + "      = 2/N*(sum(x*y) - m*sum(x^2) - b*sum(x))"
    )
    wrong = report.first_wrong
    assert wrong is not None
    assert (wrong.number, wrong.verdict.mistake) == (5, "sign error (whole)")
    assert report[3].ok
    assert report[3].true is False
    assert "follows from" in str(report[3])


def test_a_dropped_factor_is_a_wrong_line() -> None:
    report = check_derivation(LINE.replace("= -2/N", "= -1/N"))
    wrong = report.first_wrong
    assert wrong is not None
    assert (wrong.verdict.verdict, wrong.verdict.factor) == ("proportional", "1/2")


@pytest.mark.parametrize(
    ("line", "mistake"),
    [("2*x*(x + 1) + x^2 | 2*x^2 + 1 + x^2", "factor not distributed"),
     ("2*x*(x + 1) + x^2 | 2*x*(x + 1) - x^2", "sign error (one term)"),
     ("2*x*1", "product rule as product of derivatives")],
)  # fmt: skip
def test_slips_of_algebra_have_names(line: str, mistake: str) -> None:
    report = check_derivation("d/dx [x^2*(x + 1)] = " + line.replace("|", "="))
    assert report.first_wrong is not None
    assert report.first_wrong.verdict.mistake == mistake


def test_definitions_and_the_chain_rule_by_names() -> None:
    text = """
    f = sin(u)
    let u = x^2
    df/du = cos(u)
    du/dx = 2*x
    df/dx = df/du * du/dx = cos(x^2)*2*x
    """
    assert words(text) == ["equal"] * 4
    assert words(text.replace("du/dx = 2*x", "du/dx = x"))[1] == "proportional"


def test_definitions_of_columns() -> None:
    text = """
    L = mean(r^2), where r = y - (m*x + b)
    dL/dr = 2/N*r
    dr/dm = -x
    dL/dm = sum(dL/dr*dr/dm) = -2/N*sum(x*r)
    dL/db = -2*mean(r)
    """
    assert words(text) == ["equal"] * 5


def test_equations_are_solved_stepwise() -> None:
    text = """
    f(x) = (x - 3.5)^2 - 4.5x + 10
    f'(x) = 2*(x - 3.5) - 4.5
          = 2x - 11.5 = 0
    2x = 11.5
    x = 23/4
    """
    assert words(text) == ["equal"] * 4
    report = check_derivation(text.replace("x = 23/4", "x = 23"))
    assert report.first_wrong is not None
    assert report.first_wrong.number == 6
    assert "another solution" in report.first_wrong.verdict.reason


def test_a_stationary_point_with_data() -> None:
    text = """
    L = mean((y - m*x)^2)
    dL/dm = -2*mean(x*(y - m*x)) = 0
    mean(x*y) = m*mean(x^2)
    m = mean(x*y)/mean(x^2)
    m = sum(x*y)/sum(x^2)
    """
    assert words(text) == ["equal"] * 4
    assert words(text.replace("m = sum(x*y)/sum(x^2)", "m = sum(y)/sum(x)"))[-1] == "wrong"


LATEX = r"""
\begin{align*}
L &= \frac{1}{N}\sum_{i=1}^{N}(y_i - (m x_i + b))^2 \\
\frac{\partial L}{\partial m} &= \frac{1}{N}\sum_{i=1}^{N} 2(y_i - (m x_i + b))(-x_i) \\
&= -\frac{2}{N}\sum_{i=1}^{N} x_i (y_i - m x_i - b)
\end{align*}
"""


def test_a_latex_page() -> None:
    assert words(LATEX) == ["equal", "equal"]
    report = check_derivation(LATEX.replace("m x_i - b", "m x_i + b"))
    assert report.first_wrong is not None
    assert (report.first_wrong.number, report.first_wrong.verdict.mistake) == (3, "bracket sign")


def test_other_forms_of_the_loss() -> None:
    assert words("L = (x + 1)^2\nL = x^2 + 2x + 1\ndL/dx = 2x + 2") == ["equal", "equal"]
    report = check_derivation("L = (x + 1)^2\nL = x^2 + 1")
    assert report.first_wrong is not None
    assert report.first_wrong.verdict.mistake == "square of a sum"


def test_a_formula_beside_the_lines() -> None:
    lines = ["-2*mean(x*(y - (m*x + b)))", "= 2*mean(x*(m*x + b - y))"]
    report = check_derivation(lines, "mean((y - (m*x + b))^2)", "m")
    assert report.ok
    assert len(report) == 2


def test_matrices() -> None:
    text = "L = norm(X @ w - y)^2\ndL/dw = 2*X.T @ (X @ w - y) = 2*X.T @ X @ w - 2*X.T @ y"
    assert words(text) == ["equal", "equal"]
    assert words(text + " = 2*X @ X.T @ w - 2*X.T @ y")[-1] == "wrong"


def test_what_is_missing_is_asked_for() -> None:
    with pytest.raises(NameProblem, match="was not said"):
        check_derivation("dL/dm = 2*m")
    with pytest.raises(NameProblem, match="by which name"):
        check_derivation("L = a*b\n2*a\n= a + a")


def test_the_report_is_data() -> None:
    report = check_derivation(LINE).to_dict()
    assert report["ok"] is True
    assert report["first_wrong"] is None
    assert [line["number"] for line in report["lines"]] == [3, 4, 5]
    assert report["lines"][0]["verdict"] == "equal"


RIDGE_FREE = """
L = mean((X @ theta - y)^2)
dL/dtheta = 2/N * X.T @ (X @ theta - y)
0 = X.T @ X @ theta - X.T @ y
"""


def test_the_normal_equations_are_solved_for_a_vector() -> None:
    assert check_derivation(RIDGE_FREE + "theta = inv(X.T @ X) @ X.T @ y").ok
    assert check_derivation(RIDGE_FREE + "X.T @ X @ theta = X.T @ y").ok
    report = check_derivation(RIDGE_FREE + "theta = inv(X.T @ X) @ X.T @ y / N")
    assert report.first_wrong is not None
    assert report.first_wrong.number == 5


def test_a_solution_of_another_shape_is_wrong_not_an_error() -> None:
    report = check_derivation(RIDGE_FREE + "theta = inv(X.T @ X) @ X @ y")
    assert [line.verdict.verdict for line in report] == ["equal", "equal", "wrong"]


@pytest.mark.parametrize(
    ("second", "verdict"),
    [("f''(x) = exp(-x^2/2)*(x^2 - 1)", "equal"), ("f'' = exp(-x^2/2)*(x^2 + 1)", "wrong"),
     ("d^2f/dx^2 = (x^2 - 1)*exp(-x^2/2)", "equal"), ("f''' = x*(3 - x^2)*exp(-x^2/2)", "equal")],
)  # fmt: skip
def test_second_and_third_derivatives(second: str, verdict: str) -> None:
    report = check_derivation("f(x) = exp(-x^2/2)\nf'(x) = -x*exp(-x^2/2)\n" + second)
    assert [line.verdict.verdict for line in report] == ["equal", verdict]


def test_mixed_partials() -> None:
    lines = r"\frac{\partial^2 g}{\partial u\,\partial v} = 2u + e^v"
    assert check_derivation("g = u^2*v + u*e^v\n" + lines).ok


def test_an_equation_of_the_first_derivative_behind_the_second() -> None:
    lines = "f(x) = (x - 3.5)^2 - 4.5x + 10\nf'(x) = 2(x - 3.5) - 4.5\nf''(x) = 2\n"
    assert check_derivation(lines + "0 = 2x - 11.5\nx = 5.75").ok
    assert words(lines + "0 = 2x - 11.5\nx = 11.5/4")[-1] == "wrong"


def test_lines_of_latex_without_an_environment() -> None:
    report = check_derivation(
        r"""\nabla_w \|Xw - y\|_2^2 = 2X^T(Xw - y)
            = 2 X^T X w - 2 X^T y
            = 2 X^T X w - 2 X^T w"""
    )
    assert [line.number for line in report] == [1, 2, 3]
    assert [line.verdict.verdict for line in report] == ["equal", "equal", "wrong"]


def test_backpropagation_in_latex_with_definitions() -> None:
    lines = r"""E = \frac12 (t - o)^2
                o = \sigma(z)
                z = w h + b
                \frac{\partial E}{\partial o} = o - t
                \frac{\partial o}{\partial z} = o(1-o)
                \frac{\partial E}{\partial w} = (o - t) o (1 - o) """
    assert check_derivation(lines + "h").ok
    assert check_derivation(lines + "w").first_wrong is not None


def test_an_error_names_its_line() -> None:
    with pytest.raises(SyntaxProblem, match=r"^line 2: "):
        check_derivation("f(x) = x^2\nf'(x) = 2*(x")


def test_ridge_regression_as_a_textbook_writes_it() -> None:
    lines = r"""L(w) = \frac{1}{2}\|Xw - y\|^2 + \frac{\lambda}{2}\|w\|^2
                \nabla_w L = X^\top (Xw - y) + \lambda w = 0
                (X^\top X + \lambda I) w = X^\top y
                \hat{w} = (X^\top X %s \lambda I)^{-1} X^\top y"""
    assert check_derivation(lines % "+").ok
    wrong = check_derivation(lines % "-").first_wrong
    assert wrong is not None
    assert wrong.number == 4
