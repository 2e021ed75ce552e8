"""Every end is named honestly: no false CONVERGED, and the choice of the method is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symgd
from symgd import Outcome
from symgd.errors import OptionError

LINE = {"x": [0.0, 1.0, 2.0, 3.0], "y": [1.1, 2.9, 5.2, 6.8]}


@pytest.mark.parametrize(
    ("formula", "start", "outcome"),
    [
        ("-x", 0, "UNBOUNDED"), ("x^3", 1, "UNBOUNDED"), ("-x^2", 1, "UNBOUNDED"),
        ("x^2 - y^2", {"x": 1, "y": 0}, "UNBOUNDED"), ("-log(x)", 1, "UNBOUNDED"),
        ("log(x)", 1, "UNBOUNDED"), ("sqrt(x) - x", 4, "UNBOUNDED"),
        ("exp(-x)", 0, "STALLED"), ("log(1 + exp(-x))", 0, "STALLED"),
        ("1/(1 + exp(-x))", -40, "STALLED"), ("x^3", 0, "STALLED"),
        ("log(x)", -1, "LEFT_DOMAIN"), ("sqrt(x - 3)", 1, "LEFT_DOMAIN"),
        ("x^4", 1, "CONVERGED"), ("cos(x)", 0, "CONVERGED"), ("x - log(x)", 9, "CONVERGED"),
        ("1/x + x", 2, "CONVERGED"), ("(a + b - 2)^2", {"a": 0, "b": 0}, "CONVERGED"),
        ("1e6*(x - 1e9)^2", 0, "CONVERGED"), ("(x - 1e-9)^2", 0, "CONVERGED"),
    ],
)  # fmt: skip
def test_the_outcome_tells_what_the_loss_does(formula: str, start: Any, outcome: str) -> None:
    found = symgd.minimize(formula, start)
    assert found.outcome.name == outcome, found.message


@pytest.mark.parametrize(
    ("formula", "options", "method", "why"),
    [
        ("mean((y - (m*x + b))^2)", {"data": LINE}, "linear solve", "linear in the parameters"),
        ("3*a^2 - a*b + b^2 + b", {}, "linear solve", "quadratic"),
        ("(1 - x)^2 + 100*(y - x^2)^2", {}, "Levenberg-Marquardt", "sum of squares"),
        ("x^4 - x + exp(x)", {}, "Newton", "smooth"),
        ("mean(abs(y - m*x))", {"data": LINE}, "active set", "kink (abs)"),
        ("sum(exp(w) - w)", {"start": {"w": np.zeros(600)}, "shapes": {"w": "p"}}, "L-BFGS", "600"),
        ("x^2 + y^2", {"bounds": {"x": (1, None)}}, "Lagrange", "bounded"),
    ],
)
def test_the_method_is_chosen_by_structure_and_said(
    formula: str, options: dict[str, Any], method: str, why: str
) -> None:
    found = symgd.minimize(formula, **options)
    assert found.converged, found.message
    assert method in found.method
    assert why in found.method


@pytest.mark.parametrize("method", ["lm", "newton", "trust", "lbfgs", "gd", "adam"])
def test_methods_by_name_agree(method: str) -> None:
    found = symgd.minimize("(a - 1)^2 + (a*b - 2)^2", {"a": 0.8, "b": 1.5}, method=method,
                           precision=1e-5)  # fmt: skip
    assert found.converged, found.message
    assert found.params["a"] == pytest.approx(1, abs=1e-5)
    assert found.params["b"] == pytest.approx(2, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "simplex"}, "newton"), ({"method": "lm"}, "sum of squares"),
        ({"method": "exact"}, "quadratic"), ({"method": "newton", "rate": 0.1}, "leave out rate"),
        ({"precision": "fine"}, "auto"), ({"starts": 0}, "starts"),
        ({"bounds": {"z": (0, 1)}}, "z"),
        ({"bounds": {"x": (2, 1)}}, "above"), ({"subject_to": "x"}, "left = right"),
        ({"subject_to": "x +"}, "left = right"), ({"rate": 0.1, "bounds": {"x": (0, 1)}}, "bounds"),
    ],
)  # fmt: skip
def test_options_are_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        symgd.minimize("exp(x) - x", 1, **options)


def test_a_nan_names_the_part_and_the_row() -> None:
    data = {"x": [1.0, 2.0, -3.0], "y": [1.0, 2.0, 3.0]}
    found = symgd.minimize("mean((y - a*log(x))^2)", {"a": 1}, data=data)
    assert found.outcome is Outcome.LEFT_DOMAIN
    assert found.cause == "log(x) is not a number in row 3: x = -3 there"
    assert found.cause in found.message


def test_precision_is_relative_by_default_and_absolute_when_given() -> None:
    loss = "(x - 2e-9)^2*1e18 + (y - 3e9)^2"
    assert symgd.minimize(loss).converged
    tight = symgd.minimize(loss, precision=1e-12)
    assert tight.outcome is Outcome.PRECISION_LIMIT
    assert tight.error_estimate is not None
    assert 1e-8 < tight.error_estimate < 1e-6


def test_the_error_estimate_bounds_the_error() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        a, b, c = random.normal(size=3)
        loss = f"exp(x - {a:.17g}) - x + cosh(y - {b:.17g})*(2 + sin(x)) + {c:.17g}*0"
        coarse = symgd.minimize(loss, {"x": 0, "y": 0}, method="gd", precision=1e-3)
        fine = symgd.minimize(loss, {"x": 0, "y": 0})
        assert fine.converged
        if coarse.converged:
            assert np.abs(coarse.theta - fine.theta).max() <= 1e-3
            assert coarse.error_estimate is not None
            assert np.abs(coarse.theta - fine.theta).max() <= 2 * coarse.error_estimate


def test_offsets_and_scales_are_solved_in_the_units_of_the_user() -> None:
    random = np.random.default_rng(2)
    noise = random.normal(size=80)
    x = 1e9 + random.normal(size=80)
    y = 2 * (x - 1e9) + 0.1 * noise
    fit = symgd.fit("y ~ m*x + b", {"x": x, "y": y})
    centred = x - x.mean()
    assert fit.params["m"] == pytest.approx(centred @ y / (centred @ centred), rel=1e-9)
    u, v = 1e-6 * random.normal(size=80), 1e6 * random.normal(size=80)
    target = 3e6 * u + 2e-6 * v + 5 + noise
    fit = symgd.fit("y ~ a*u + b*v + c", {"u": u, "v": v, "y": target})
    scaled = np.column_stack([u * 1e6, v * 1e-6, np.ones(80)])
    wanted = np.linalg.lstsq(scaled, target)[0] * [1e6, 1e-6, 1]
    np.testing.assert_allclose([fit.params[n] for n in "abc"], wanted, rtol=1e-12)


@pytest.mark.parametrize("loss", ["logistic", "poisson"])
def test_a_likelihood_is_solved_around_a_large_offset(loss: str) -> None:
    random = np.random.default_rng(3)
    x = np.round(random.normal(size=80) * 2**20) / 2**20
    y = (random.random(80) < 1 / (1 + np.exp(-x))).astype(float)
    near = symgd.fit("y ~ w*x + b", {"x": x, "y": y}, loss=loss)
    far = symgd.fit("y ~ w*x + b", {"x": x + 2.0**30, "y": y}, loss=loss)
    assert near.converged
    assert far.converged
    assert far.params["w"] == pytest.approx(near.params["w"], rel=1e-9)
    assert far.stderr["w"] == pytest.approx(near.stderr["w"], rel=1e-6)


@pytest.mark.parametrize(
    ("model", "data", "names"),
    [
        ("y ~ m*x + b", {"x": [3.0] * 4, "y": LINE["y"]}, ("m", "b")),
        ("y ~ (a + b)*x", LINE, ("a", "b")),
        ("y ~ a*x + c*u + b", {**LINE, "u": [0.0, 2.0, 4.0, 6.0]}, ("a", "c")),
        ("y ~ m*x + 0*k + b", LINE, ("k",)),
    ],
)
def test_what_the_data_do_not_determine_is_named(
    model: str, data: dict[str, Any], names: tuple[str, ...]
) -> None:
    fit = symgd.fit(model, data)
    assert "do not determine" in fit.message
    for name in names:
        assert name in fit.message
        assert np.isnan(fit.stderr[name])


def test_separable_classes_have_no_minimum() -> None:
    x = np.arange(10.0)
    fit = symgd.fit("y ~ w*x + b", {"x": x, "y": (x > 4).astype(float)}, loss="logistic")
    assert fit.outcome is Outcome.STALLED
    assert "no minimum" in fit.message


def test_steps_time_and_interrupts_end_a_run() -> None:
    rosenbrock = "(1 - x)^2 + 100*(y - x^2)^2"
    start = {"x": -1.2, "y": 1}
    assert symgd.minimize(rosenbrock, start, steps=3).outcome is Outcome.MAX_STEPS
    seen: list[int] = []

    def interrupt(progress: Any) -> None:
        seen.append(progress.step)
        if progress.step == 2:
            raise KeyboardInterrupt

    found = symgd.minimize(rosenbrock, start, observers=[interrupt])
    assert found.outcome is Outcome.INTERRUPTED
    assert seen == [0, 1, 2]
    assert np.isfinite(found.loss)


def test_the_history_leads_from_the_start_to_the_answer() -> None:
    found = symgd.minimize("(1 - x)^2 + 100*(y - x^2)^2", {"x": -1.2, "y": 1})
    first = dict(zip(found.layout.names, found.history.theta[0], strict=True))
    assert first == {"x": -1.2, "y": 1.0}
    np.testing.assert_allclose(found.history.theta[-1], found.theta, atol=1e-8)


def test_two_runs_give_the_same_bits() -> None:
    data = {"x": np.linspace(0, 5, 30), "y": 3 * np.exp(-0.7 * np.linspace(0, 5, 30)) + 1}
    runs = [symgd.fit("y ~ a*exp(-k*x) + c", data) for _ in range(2)]
    assert runs[0].theta.tolist() == runs[1].theta.tolist()
    assert runs[0].message == runs[1].message


@pytest.mark.parametrize("offset", ["", " + 5", " + x^8"])
@pytest.mark.parametrize("options", [{}, {"rate": 0.05}, {"method": "newton"}])
def test_a_saddle_that_falls_on_a_bent_way_is_no_minimum(
    offset: str, options: dict[str, Any]
) -> None:
    """Peano's function: along every straight line the origin is a minimum of it."""
    found = symgd.minimize("(y - x^2)*(y - 3*x^2)" + offset, {"x": 0, "y": 0}, **options)
    assert found.outcome is not Outcome.CONVERGED
    assert "bent way" in found.message
