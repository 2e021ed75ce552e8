r"""LaTeX in: what is read, what is refused, and that both readers agree."""

from __future__ import annotations

import time

import pytest

from symgd.errors import FormulaError, LimitProblem
from symgd.formula.latex_read import read_latex
from symgd.formula.latex_tokens import MAX_LATEX, looks_like_latex
from symgd.formula.problem import read
from symgd.gradient import gradient

READINGS = [
    (r"\frac{1}{N}\sum_{i=1}^{N}(y_i-\hat{y}_i)^2",
     "1/N*sum((y - y_hat)^2)"),
    (r"a(b+c)",
     "a*(b + c)"),
    (r"\mathrm{e}^{x}",
     "e^x"),
    (r"\operatorname{sigmoid}(x)",
     "sigmoid(x)"),
    (r"\frac{-2}{n}\sum x_i(y_i-\hat y_i)",
     "(-2)/n*sum(x*(y - y_hat))"),
    (r"\|x\|^2",
     "norm(x)^2"),
    (r"\theta^T x",
     "theta @ x"),
    (r"\frac1n\sum_{i=1}^n (y_i-(mx_i+b))^2",
     "1/n*sum((y - (m*x + b))^2)"),
    (r"\|Xw-y\|_2^2",
     "norm(X @ w - y)^2"),
    (r"\frac{1}{2n}\|y - X\beta\|^2 + \lambda \|\beta\|_1",
     "1/(2*n)*norm(y - X @ beta)^2 + lambda*norm1(beta)"),
    (r"(y - X\theta)^\top (y - X\theta)",
     "(y - X @ theta) @ (y - X @ theta)"),
    (r"\sum_{i=1}^n \log(1 + e^{-y_i \mathbf{w}^\top \mathbf{x}_i})",
     "sum(log(1 + e^(-y*(x @ w))))"),
    (r"\frac{1}{n}\sum_{i=1}^n \left(y_i - \mathbf{w}^\top\mathbf{x}_i\right)^2 + \lambda \|\mathbf{w}\|_2^2",  # noqa: E501
     "1/n*sum((y - x @ w)^2) + lambda*norm(w)^2"),
    (r"\frac{1}{2m}\sum_{i=1}^m (\theta_0 + \theta_1 x^{(i)} - y^{(i)})^2",
     "1/(2*m)*sum((theta_0 + theta_1*x - y)^2)"),
    (r"\operatorname{tr}(A^\top B)",
     "trace(A.T @ B)"),
    (r"\log\det\Sigma",
     "log(det(Sigma))"),
    (r"\operatorname{tr}(X^{-1}A)",
     "trace(inv(X) @ A)"),
    (r"x^\top A^{-1} x",
     "x @ inv(A) @ x"),
    (r"\sum_i \sum_j (a_{ij} - u_i v_j)^2",
     "sum(sum((a - u[:, None]*v[None, :])^2, axis=1))"),
    (r"\begin{cases} x^2 & x \ge 0 \\ -x & x < 0 \end{cases}",
     "where(x >= 0, x^2, -x)"),
    (r"f(x) = \begin{cases} \frac12 r^2 & \text{if } |r| \le \delta \\ \delta(|r| - \frac12\delta) & \text{otherwise} \end{cases}",  # noqa: E501
     "where(abs(r) <= delta, 1/2*r^2, delta*(abs(r) - 1/2*delta))"),
    (r"\begin{cases} 0, & x < 0 \\ x, & 0 \le x < 1 \\ 1, & x \ge 1\end{cases}",
     "where(x < 0, 0, where(0 <= x and x < 1, x, 1))"),
    (r"\left\{\begin{array}{ll} x & x>0 \\ 0 & \text{else} \end{array}\right.",
     "where(x > 0, x, 0)"),
    (r"\mathbb{E}[(y - wx)^2]",
     "mean((y - w*x)^2)"),
    (r"\operatorname{\mathrm{mean}}\left((y-wx)^2\right)",
     "mean((y - w*x)^2)"),
    (r"\sin^{-1} x",
     "asin(x)"),
    (r"\sin^2 x + \cos^2 x",
     "sin(x)^2 + cos(x)^2"),
    (r"\sin 2\pi x",
     "sin(2*pi*x)"),
    (r"\log_{b} x",
     "log(x)/log(b)"),
    (r"\sqrt[3]{x} + \sqrt[n]{y} + \sqrt2",
     "cbrt(x) + y^(1/n) + sqrt(2)"),
    (r"|x-1| + \lvert x \rvert + \left|\frac{x}{2}\right|",
     "abs(x - 1) + abs(x) + abs(x/2)"),
    (r"\frac{d}{dx} x^2 \sin x",
     "d/dx (x^2*sin(x))"),
    (r"\frac{\mathrm{d}^2}{\mathrm{d}x^2} \left( x^3 \right)",
     "d/dx (d/dx (x^3))"),
    (r"\frac{\partial L}{\partial m} = -\frac{2}{N}\sum_{i=1}^N x_i (y_i - (m x_i + b))",
     "-2/N*sum(x*(y - (m*x + b)))"),
    (r"\nabla_w L = 2 X^\top (Xw - y)",
     "2*(X.T @ (X @ w - y))"),
    (r"\partial_x (x^2 y)",
     "d/dx (x^2*y)"),
    (r"\frac{d(x^2)}{dx}",
     "d/dx (x^2)"),
    (r"\begin{aligned} L &= \frac{1}{N} \sum_{i=1}^N (y_i - m x_i)^2 \\ &\quad + \lambda m^2 \end{aligned}",  # noqa: E501
     "1/N*sum((y - m*x)^2) + lambda*m^2"),
    (r"\sigma(w x + b)",
     "sigmoid(w*x + b)"),
    (r"\gamma(x+1)",
     "gamma*(x + 1)"),
    (r"\Gamma(n+1)",
     "gamma(n + 1)"),
    (r"x_{max} + v_{\text{max}}",
     "x_max + v_max"),
    (r"\exp\left\{-\frac{(x-\mu)^2}{2\sigma^2}\right\}",
     "exp(-(x - mu)^2/(2*sigma^2))"),
    (r"\max\{0, 1 - y(w x + b)\}",
     "max(0, 1 - y*(w*x + b))"),
    (r"\frac{u \cdot v}{\|u\|\,\|v\|}",
     "u @ v/(norm(u)*norm(v))"),
    (r"\langle w, x \rangle + b",
     "w @ x + b"),
    (r"\prod_{i=1}^n \frac{1}{\sqrt{2\pi\sigma^2}} e^{-\frac{(x_i - \mu)^2}{2\sigma^2}}",
     "prod(1/sqrt(2*pi*sigma^2)*e^(-(x - mu)^2/(2*sigma^2)))"),
    (r"\mathbf{x}^\top\mathbf{Q}\mathbf{x} - \mathbf{b}^\top \mathbf{x}",
     "x @ Q @ x - b @ x"),
    (r"\|\mathbf{W}_2 \tanh(\mathbf{W}_1 \mathbf{x} + \mathbf{b}_1) - \mathbf{y}\|^2",
     "norm(W_2 @ tanh(W_1 @ x + b_1) - y)^2"),
    (r"\|A - U V^\top\|_F^2",
     "norm(A - U @ V.T)^2"),
    (r"\|x y^\top - A\|_F^2",
     "norm(outer(x, y) - A)^2"),
    (r"\vec{w}\cdot\vec{x} + b",
     "w @ x + b"),
    (r"\frac{x^\top A x}{x^\top x}",
     "x @ A @ x/(x @ x)"),
    (r"\beta^T X^T X \beta",
     "beta @ X.T @ X @ beta"),
    (r"\mathcal{L}(\theta) = \sum_{i} (y_i - \theta x_i)^2.",
     "sum((y - theta*x)^2)"),
    (r"J(w,b) = \frac1N \sum_{i=1}^N (\sigma(w x_i + b) - y_i)^2",
     "1/N*sum((sigmoid(w*x + b) - y)^2)"),
    (r"-\frac{1}{n}\sum_{i=1}^{n}\left[ y_i \log \hat{y}_i + (1-y_i)\log(1-\hat{y}_i) \right] \text{ where } \hat{y}_i = \sigma(w x_i + b)",  # noqa: E501
     "-1/n*sum(y*log(sigmoid(w*x + b)) + (1 - y)*log(1 - sigmoid(w*x + b)))"),
    (r"\hat{\beta}_0 + \hat{\beta}_1 x",
     "beta_hat_0 + beta_hat_1*x"),
    (r"\theta^* - \theta",
     "theta_star - theta"),
    (r"\bigl( x + 1 \bigr)^2",
     "(x + 1)^2"),
    (r"\log\sum_{i=1}^n e^{x_i}",
     "log(sum(e^x))"),
    (r"\sum_{k=0}^{3} x^k",
     "x^0 + x^1 + x^2 + x^3"),
    (r"\overline{x} + \bar{y}",
     "x_bar + y_bar"),
    (r"\mathrm{rate} \cdot t",
     "rate*t"),
    (r"1/2 \sum_i x_i^2",
     "1/2*sum(x^2)"),
    (r"\sum\limits_{i=1}^{N} x_i",
     "sum(x)"),
    (r"\sqrt{\frac{1}{N}\sum_{i=1}^N (x_i - \bar{x})^2}",
     "sqrt(1/N*sum((x - x_bar)^2))"),
    (r"MSE = \frac{1}{n}\sum_{i=1}^{n}(y_i - \hat{y}_i)^2",
     "1/n*sum((y - y_hat)^2)"),
    (r"\sum_{i=1}^n \|x_i - \mu\|^2",
     "sum(norm(x - mu, axis=1)^2)"),
    (r"\sum_{i=1}^N \|\mathbf{y}_i - \mathbf{W}\mathbf{x}_i\|^2",
     "sum(norm(y - x @ W.T, axis=1)^2)"),
    (r"\sum_{i=1}^n s_i x_i^\top w",
     "sum(s*(x @ w))"),
    (r"\frac{1}{2m} (X\theta - y)^T (X\theta - y)",
     "1/(2*m)*((X @ theta - y) @ (X @ theta - y))"),
    (r"(x-\mu)^\top \Sigma^{-1} (x-\mu) + \log\det\Sigma",
     "(x - mu) @ inv(Sigma) @ (x - mu) + log(det(Sigma))"),
    (r"\frac{1}{N}\sum_{i=1}^N \sum_{k=1}^K y_{ik} \log p_{ik}",
     "1/N*sum(sum(y*log(p), axis=1))"),
    (r"\sum_{i=1}^n (y_i - \hat y_i)^2, \quad \hat y_i = w x_i + b",
     "sum((y - (w*x + b))^2)"),
    (r"\operatorname{softmax}(W x)",
     "softmax(W @ x)"),
    (r"\frac{\partial}{\partial x}\frac{\partial}{\partial y} (x^2y^3)",
     "d/dx (d/dy (x^2*y^3))"),
    (r"\sum_{i=0}^{N-1} x_i",
     "sum(x)"),
    (r"x^{y^z}",
     "x^(y^z)"),
    (r"x^2_1",
     "x_1^2"),
    (r"\(x+y\)",
     "x + y"),
    (r"\mathbf{x}\odot\mathbf{y}",
     "x*y"),
    (r"\operatorname{arcsinh} x",
     "asinh(x)"),
    (r"\lambda w^\top w + b^\top w",
     "lambda*(w @ w) + b @ w"),
    (r"\sum^{n}_{i=1} x_i",
     "sum(x)"),
]  # fmt: skip

READINGS += [
    (r"\operatorname{tr} X^\top X", "trace(X.T @ X)"),
    (r"\sum_{i=1}^{n} (x_i - \bar{x})^2, \quad \bar{x} = \frac{1}{n} \sum_{i=1}^n x_i",
     "sum((x - 1/n*sum(x))^2)"),
    (r"\sum_{i=1}^n (y_i - z_i)^2, \quad z_i = \sigma(u_i), \quad u_i = w x_i",
     "sum((y - sigmoid(w*x))^2)"),
    (r"\sum_{j=1}^{3} w_j x^j", "w_1*x^1 + w_2*x^2 + w_3*x^3"),
    (r"\tan^{-1}(y/x)", "atan(y/x)"),
    (r"w^\top (X^\top X) w - 2 y^\top X w + y^\top y",
     "w @ (X.T @ X) @ w - 2*(y @ X @ w) + y @ y"),
]  # fmt: skip

REFUSED = [
    (r"2 x )", r"never opened"),
    (r"x^{2", r"not closed"),
    (r"\frac{1}{", r"ends"),
    (r"1.5e3", r"two ways"),
    (r"\write18{echo}", r"\write is not read"),
    (r"\def\x{\x\x}\x", r"\def is not read"),
    (r"\href{javascript:alert(1)}{x}", r"\href is not read"),
    (r"10000000!", r"factorial"),
    (r"9^{9^{9^{9}}}", r"exponent"),
    (r"\frac{d}{dx}(x^2)(x+1)", r"two ways"),
    (r"\int x dx", r"integral"),
    (r"\sigma(x)\sigma", r"name and as a function"),
    (r"\psi(x)", r"not a known function"),
    (r"f(x)", r"not a known function"),
    (r"f(x+1)", r"not a known function"),
    (r"sin x", r"backslash"),
    (r"\sinx", r"did you mean \sin"),
    (r"\sum_{i=1}^n y_i x_{ij}", r"index j"),
    (r"\sum_{i=1}^n x_i + y_i", r"outside its sum"),
    (r"\prod_{i=1}^n x_i y", r"two ways"),
    (r"\mathbf{x}^2", r"power of a vector"),
    (r"\mathbf{a}\mathbf{b}", r"three ways"),
    (r"\frac123", r"number directly after"),
    (r"x^23", r"number directly after"),
    (r"x_12", r"number directly after"),
    (r"y_i \log p, \quad q = 2x", r"does not stand in the formula"),
    (r"x'", r"cannot stand here"),
    (r"\left( x + 1 )", r"do not belong together"),
    (r"\left[0, 1\right)", r"comma"),
    (r"P(1+r)^T", r"a number is added"),
    (r"\min_{w} \|Xw-y\|^2", r"minimised"),
    (r"\sum_{k=1}^{K} w_k x^k", r"subscript"),
    (r"\frac{\partial^2 f}{\partial x^2}", r"depends on"),
    (r"\frac{dy}{dx}", r"depends on"),
    (r"\mathbf{1}^\top x", r"a number in"),
    (r"\mathrm{d}x", r"upright d"),
    (r"\|x\|_p", r"index p"),
    (r"\cos\frac{x}{2} y", r"two ways"),
    (r"\sin{x} y", r"two ways"),
    (r"\operatorname{foo}(x)", r"foo is not a known function"),
    (r"x^y^z", r"two exponents"),
    (r"\sum_{i=1}^{N-1} x_i", r"N-1"),
    (r"\sum_{i \in S} x_i", r"\in is not read"),
    (r"$x$ + $y$", r"not part of a LaTeX formula"),
    (r"x^2 % comment", r"not part of a LaTeX formula"),
    (r"\mathbf{x} + x", r"two ways"),
    (r"E[x]", r"not defined"),
    (r"\mathbb{R}", r"not read"),
    (r"\infty", r"infinity"),
    (r"x_{i+1}", r"subscript"),
    (r"\begin{cases} 0 & x < 0 \\ 1 & x > 0 \end{cases}", r"do not cover"),
    (r"\begin{cases} x & x < 0", r"not closed"),
    (r"\begin{tabular} x \end{tabular}", r"is not read"),
    (r"x \\ y", r"another formula"),
    (r"a & b", r"alignment"),
    (r"x + 1 = y", r"an equation"),
    (r"x = x^2", r"both sides"),
    (r"{}", r"empty group"),
    (r"x^{}", r"empty group"),
    (r"\frac{1}{2}3", r"number directly after"),
    (r"\sqrt", r"missing"),
    (r"\sum_{i=1}^N \sum_{i=1}^N x_i", r"bound twice"),
    (r"\log^{-1} x", r"two ways"),
    (r"(X^\top X + \lambda)^{-1}", r"number is added"),
    (r"||x||", r"bars that touch"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "text"), READINGS)
def test_a_formula_is_read(latex: str, text: str) -> None:
    assert repr(read_latex(latex).root) == f"<Node {text}>"


@pytest.mark.parametrize(("latex", "why"), REFUSED)
def test_a_formula_is_refused_with_its_place(latex: str, why: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read_latex(latex)
    assert why in str(caught.value)
    assert caught.value.text == latex
    assert caught.value.position is not None
    assert 0 <= caught.value.position <= len(latex)


def test_every_token_counts() -> None:
    """Leaving any one token out changes the reading or is refused: nothing is dropped."""
    latex = r"\frac{1}{N}\sum_{i=1}^{N}\left(y_i-\hat{y}_i\right)^2+\lambda w"
    whole = repr(read_latex(latex).root)
    for piece in (r"\frac{1}{N}", "^2", r"+\lambda w", r"\lambda", " w", "-\\hat{y}_i", "\\hat"):
        try:
            shorter = repr(read_latex(latex.replace(piece, "", 1)).root)
        except FormulaError:
            continue
        assert shorter != whole, piece


@pytest.mark.parametrize(
    ("latex", "data", "parameters"),
    [
        (r"\frac{1}{N}\sum_{i=1}^N (y_i - m x_i - b)^2", ("x", "y"), ("m", "b")),
        (r"\|Xw - y\|_2^2 + \lambda \|w\|^2", ("X", "y"), ("w", "lambda")),
        (r"\theta_0 + \theta_1 x + E_{\mathrm{kin}}", (), ("theta_0", "theta_1", "x", "E_kin")),
    ],
)
def test_roles_of_names(latex: str, data: tuple[str, ...], parameters: tuple[str, ...]) -> None:
    problem = read_latex(latex)
    assert (problem.data, problem.parameters) == (data, parameters)


def test_declared_names_and_shapes_are_used() -> None:
    problem = read_latex(r"\sum (lam \cdot x)^2", wrt="lam", columns=["x"])
    assert problem.parameters == ("lam",)
    problem = read_latex(r"A b", shapes={"A": "n,p", "b": "p"})
    assert repr(problem.root) == "<Node A @ b>"


def test_a_product_that_looks_like_a_call_is_said() -> None:
    assert "a(...) is a product" in read_latex("a(b+c)").reading


def test_latex_is_noticed() -> None:
    assert looks_like_latex(r"\frac12 x")
    assert not looks_like_latex("x^2 + theta_0")
    by_latex = gradient(r"\frac{1}{N}\sum_{i=1}^{N}\left(y_i - (m x_i + b)\right)^2")
    assert by_latex.text() == gradient("1/N*sum((y - (m*x + b))^2)").text()
    assert gradient("x^2", format="latex").text() == "dL/dx = 2*x"
    assert read("x^2").text == "x^2"


@pytest.mark.parametrize(
    "text",
    ["x" * (MAX_LATEX + 1), r"\frac{1}{1+" * 400 + "x" + "}" * 400, "(" * 5000 + "x",
     "\\" * 10_000, "{" * 10_000, "x^" * 5_000, r"\left(" * 3_000, r"\hat" * 3_000],
)  # fmt: skip
def test_large_input_is_refused_quickly(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(FormulaError):
        read_latex(text)
    assert time.process_time() - begin < 1


def test_a_long_flat_sum_is_read_quickly() -> None:
    text = " + ".join(f"a_{{{i}}} x^{{{i}}}" for i in range(1, 500))
    begin = time.process_time()
    assert len(read_latex(text).parameters) == 500
    assert time.process_time() - begin < 1
    with pytest.raises(LimitProblem):
        read_latex("x" * 600)
