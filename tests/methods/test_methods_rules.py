"""Rules as formulas: what is printed is what runs, and what cannot run is refused in words."""

from __future__ import annotations

import numpy as np
import pytest

from symgd.descend import Update
from symgd.errors import FormulaError, OptionError, SymgdError
from symgd.formula.problem import read
from symgd.methods import METHODS, from_text, method, named

THETA, GRADIENT = np.array([1.0, -2.0]), np.array([0.5, 4.0])


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_an_update_with_a_source(name: str) -> None:
    rule = method(name)
    assert isinstance(rule, Update)
    assert rule.reference
    assert set(rule.constants) == set(METHODS[name].numbers)
    before = THETA.copy()
    theta, state = rule.step(THETA, GRADIENT, rule.init(THETA), 0.1, 0)
    assert theta.shape == THETA.shape
    assert len(state) == len(rule.state)
    assert np.array_equal(before, THETA)
    assert not np.shares_memory(theta, THETA)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_printed_is_read_back_as_the_same_rule(name: str) -> None:
    rule = method(name)
    again = from_text(rule.formulas(), state=dict(rule.state), constants=dict(rule.constants))
    theta, state, other, memory = THETA, rule.init(THETA), THETA, again.init(THETA)
    for t in range(5):
        theta, state = rule.step(theta, GRADIENT * theta, state, 0.1, t)
        other, memory = again.step(other, GRADIENT * other, memory, 0.1, t)
    assert np.array_equal(theta, other)
    for line in rule.latex().split(" \\\\\n"):
        left, arrow, right = line.partition(r" \leftarrow ")
        assert all((left, arrow, right))


def test_only_gradient_descent_is_steepest() -> None:
    assert [name for name in METHODS if method(name).steepest] == ["gd"]
    assert from_text("θ = θ - η*g").steepest
    assert not from_text("theta = theta - 2*eta*g").steepest


def test_states_may_be_numbers_or_vectors_and_start_anywhere() -> None:
    rule = from_text(
        "n = 0.5*n + sum(g^2)\nlast = theta\ntheta = theta - eta*g/sqrt(n) + 0.1*(theta - prev)\n"
        "prev = last",
        state={"n": 1, "prev": "2*theta"},
    )
    n, prev = rule.init(THETA)
    assert n == 1.0
    assert np.array_equal(prev, 2 * THETA)
    theta, (n, prev) = rule.step(THETA, GRADIENT, (n, prev), 0.1, 0)
    assert n == pytest.approx(0.5 + 16.25)
    np.testing.assert_allclose(theta, THETA - 0.1 * GRADIENT / np.sqrt(16.75) - 0.1 * THETA)
    assert np.array_equal(prev, THETA)


def test_without_a_state_what_is_read_first_starts_at_zero() -> None:
    rule = from_text("v = 0.9*v + g; theta = theta - eta*v")
    assert dict(rule.state) == {"v": "0"}
    (v,) = rule.init(THETA)
    assert np.array_equal(v, np.zeros(2))


def test_t_counts_from_zero_and_size_is_known() -> None:
    rule = from_text("theta = theta - eta*g/(t + 1)/size(g)")
    theta, _ = rule.step(THETA, GRADIENT, (), 1.0, 3)
    np.testing.assert_allclose(theta, THETA - GRADIENT / 8, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "said", "under"),
    [
        ("theta = theta - eta*gg", "gg is not known", "gg"),
        ("v = beta*v + g; theta = theta - eta*v", "beta is not known", "beta"),
        ("v = 0.9*v + g", "never changes theta", "v ="),
        ("v = g; theta - eta*v", "name = formula", "theta - eta"),
        ("theta = theta - eta*(g", "not closed", "(g"),
        ("v = 2*g; theta = theta - eta*v @", "ends", ""),
        ("theta = eta", "single number", "theta"),
        ("theta = theta - eta*outer(g, g)", "(p, p)", "theta"),
        ("g = 2; theta = theta - g", "is the gradient", "g = 2"),
        ("eta = 2; theta = theta - eta*g", "learning rate", "eta"),
        ("pi = 2; theta = theta - pi*g", "cannot be given a value", "pi"),
        ("theta = theta - eta*g/0", "zero", "eta*g/0"),
        ("theta = theta - eta*g = 3", "equation", "= 3"),
        ("theta = theta - eta*g[0:1, 0]", "indices", "g[0:1, 0]"),
        ("", "never changes theta", ""),
        ("theta = theta - eta*__import__('os')", "not part of the formula language", "_"),
    ],
)
def test_a_rule_that_cannot_run_is_refused_with_its_place(text: str, said: str, under: str) -> None:
    with pytest.raises(FormulaError) as caught:
        from_text(text)
    assert said in str(caught.value)
    if under:
        assert caught.value.text == text
        assert caught.value.position is not None
        assert text[caught.value.position :].startswith(under)


@pytest.mark.parametrize(
    ("state", "constants", "said"),
    [
        ({"w": 0}, {}, "w is never updated"), ({"v": "g"}, {}, "theta"),
        ({"v": float("inf")}, {}, "finite"), ({"v": "outer(theta, theta)"}, {}, "shape"),
        ({"theta": 0}, {}, "the parameters"), ({"v": 0}, {"g": 1}, "the gradient"),
        ({"v": 0}, {"v": 1}, "a fixed number"), ({"v": 0}, {"c": float("nan")}, "c must be"),
        ({"v": 0}, {"c": True}, "c must be"), ({}, {}, "read before it has a value"),
    ],
)  # fmt: skip
def test_states_and_numbers_are_checked(
    state: dict[str, object], constants: dict[str, float], said: str
) -> None:
    with pytest.raises(SymgdError, match=said):
        from_text("v = 0.9*v + g; theta = theta - eta*v", state=state, constants=constants)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: method("adm"), "did you mean 'adam'"),
        (lambda: method("adam", b3=1), "no number 'b3'"),
        (lambda: method("adam", b1=1.0), "below 1"),
        (lambda: method("rmsprop", decay=-0.1), "at least 0"),
        (lambda: method("adamw", decay=-1), "negative"),
        (lambda: method("adam", eps=float("nan")), "finite"),
        (lambda: named("adamax(b1=0.5)"), "not known"),
        (lambda: named("adam(b1)"), "name=number"),
        (lambda: from_text(3), "text"),  # type: ignore[arg-type]
    ],
)
def test_methods_and_numbers_are_refused_by_name(make: object, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        make()  # type: ignore[operator]


def test_a_method_may_be_named_with_its_numbers_or_written_out() -> None:
    assert named("adam").constants == method("adam").constants
    assert named("adam(b1=0.8, eps=1e-6)").constants == {"b1": 0.8, "b2": 0.999, "eps": 1e-6}
    assert named("theta = theta - eta*sign(g)").name == "theta = theta - eta*sign(g)"


def test_the_formulas_of_the_table_are_formulas_of_the_language() -> None:
    for name in METHODS:
        for statement in method(name).statements:
            assert read(statement.text).root is not None
