"""``I`` beside matrices is the identity, elsewhere a name; ``eye(p)`` always is the identity."""

from __future__ import annotations

import numpy as np
import pytest

import symgd
from symgd.formula.latex_read import read_latex
from symgd.formula.problem import read
from symgd.formula.text import to_text

A = np.array([[2.0, -1.0], [0.5, 3.0]])
b = np.array([1.0, -2.0])


@pytest.mark.parametrize(
    "text",
    ["b @ inv(A + s*I) @ b", "b @ inv(A + s*eye(n)) @ b", r"b^\top (A + s I)^{-1} b",
     r"\mathbf{b}^\top (\mathbf{A} + s\mathbf{I})^{-1} \mathbf{b}"],
)  # fmt: skip
def test_the_identity_has_the_value_of_numpys(text: str) -> None:
    gradient = symgd.gradient(text, shapes={"A": "n,n", "b": "n"})
    values = {"A": A, "b": b, "s": 0.75}
    inverse = np.linalg.inv(A + 0.75 * np.eye(2))
    assert gradient.value(values) == pytest.approx(b @ inverse @ b, rel=1e-14)
    assert gradient(values)["s"] == pytest.approx(-b @ inverse @ inverse @ b, rel=1e-13)


@pytest.mark.parametrize("text", ["V - I*R", "I*sum(x)", "mean((y - I*x)^2)", "I^2*R"])
def test_a_current_is_no_matrix(text: str) -> None:
    problem = read(text)
    assert "I" in problem.parameters
    assert problem.shape("I") == ()


def test_what_was_read_is_said_and_a_declared_name_stays_a_name() -> None:
    assert "I is the identity matrix" in read("trace(A @ (B + I))").reading
    assert read("trace(A @ (B + I))", shapes={"I": "n,n"}).shape("I") == ("n", "n")
    assert "I is the identity matrix" in read_latex(r"\|(A - \lambda I)x\|^2").reading


def test_the_printed_form_is_read_back() -> None:
    printed = to_text(read("sum(((I - A) @ x)^2)").root)
    assert printed == "sum(((eye(p) - A) @ x)^2)"
    assert to_text(read(printed).root) == printed


def test_derivatives_do_not_drag_identities_along() -> None:
    gradient = symgd.gradient("logdet(S + s*I)")
    assert gradient["s"].text() == "trace(inv(S + s*eye(p)))"
