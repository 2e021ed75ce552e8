"""symgd.gradient: the public face of a derivation."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symgd
from symgd.errors import FormulaError, NameProblem

MSE = "mean((y - (m*x + b))^2)"


def test_values_of_the_mse_gradient() -> None:
    g = symgd.gradient(MSE)
    assert g.parameters == ("m", "b")
    assert g.problem.data == ("x", "y")
    random = np.random.default_rng(0)
    x, y = random.normal(size=7), random.normal(size=7)
    residual = y - (1.5 * x - 0.25)
    found = g({"m": 1.5, "b": -0.25, "x": x, "y": y})
    assert found["m"] == pytest.approx(-2 * np.mean(x * residual), rel=1e-13)
    assert found["b"] == pytest.approx(-2 * np.mean(residual), rel=1e-13)
    assert g.value({"m": 1.5, "b": -0.25, "x": x, "y": y}) == pytest.approx(np.mean(residual**2))


def test_a_constant_summand_keeps_its_rows() -> None:
    g = symgd.gradient("sum(y - a)")
    assert g({"a": 2, "y": [1, 2, 3]})["a"] == -3
    assert g["a"].text() == "-N"


def test_partials_print_in_textbook_form() -> None:
    assert str(symgd.gradient("3*(x - 2)^2 + 1")["x"]) == "6*(x - 2)"
    assert str(symgd.gradient(MSE)["m"]) == "-2/N*sum(x*(y - (m*x + b)))"


def test_sympy_gets_sums_over_indexed() -> None:
    expression = symgd.gradient(MSE)["b"].sympy()
    assert expression.has(sp.Sum)
    scalar = symgd.gradient("x^3 + k*x")["x"].sympy()
    x, k = sp.Symbol("x", real=True), sp.Symbol("k", real=True)
    assert sp.expand(scalar - (3 * x**2 + k)) == 0


def test_the_certificate_names_every_witness() -> None:
    certificate = symgd.gradient("log(x)*sin(x)").certificate
    (proof,) = certificate.proofs
    assert proof.forward
    assert proof.sympy == "proved"
    assert proof.numeric >= 3
    assert ("log(x)", "the argument is positive") in certificate.domain


def test_hessian_as_formulas_and_as_an_array() -> None:
    hessian = symgd.gradient("x^2*y + y^3").hessian()
    assert hessian["x", "y"].text() == "2*x"
    np.testing.assert_allclose(hessian({"x": 2.0, "y": 5.0}), [[10, 4], [4, 30]])
    matrix = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 1.0]])
    array = symgd.gradient("sum((X @ theta - y)^2)").hessian()
    found = array({"X": matrix, "theta": [0.0, 0.0], "y": [1.0, 2.0, 3.0]})
    np.testing.assert_allclose(found, 2 * matrix.T @ matrix)


def test_compile_gives_value_and_gradient_of_a_vector() -> None:
    objective = symgd.gradient(MSE).compile({"x": [1.0, 2.0], "y": [0.0, 1.0]})
    value, gradient = objective(np.array([1.0, 0.0]))
    assert value == 1.0
    np.testing.assert_allclose(gradient, [3.0, 2.0])
    assert objective.names == ("m", "b")
    assert objective.unpack(objective.pack({"m": 4, "b": 5})) == {"m": 4.0, "b": 5.0}


def test_errors_name_what_is_wrong() -> None:
    g = symgd.gradient(MSE)
    with pytest.raises(NameProblem, match="'k'"):
        g["k"]
    with pytest.raises(NameProblem, match="x"):
        g({"m": 1, "b": 0, "y": [1]})
    with pytest.raises(FormulaError) as caught:
        symgd.gradient("mean((y - (mx + b))^2")
    assert "not closed" in str(caught.value)
    assert "m*x" in str(caught.value)
    with pytest.raises(FormulaError, match="array"):
        symgd.gradient("X @ theta - y")


def test_shapes_that_do_not_fit_name_both() -> None:
    g = symgd.gradient("mean((y - m*x)^2)")
    with pytest.raises(symgd.SymgdError, match=r"\(3,\)"):
        g({"m": 1, "x": [1, 2], "y": [1, 2, 3]})
    with pytest.raises(symgd.SymgdError, match=r"\(100, 1\)"):
        symgd.gradient("sum((y - a)^2)", shapes={"y": "100", "a": (100, 1)})
