"""Programs on JAX and PyTorch: the NumPy reference's results, on the user's device and type."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgd
from symgd.compile.interpret import PLAIN
from symgd.compile.kernels import _KERNELS
from symgd.compile.objective import Compiled, Objective, compile_objective
from symgd.compile.runtimes.choice import chosen
from symgd.compile.runtimes.operations import is_known
from symgd.derive.partials import derive
from symgd.formula.functions import words
from symgd.formula.problem import read

INSTALLED = [name for name in ("jax", "torch") if find_spec(name)]
SHARED = Path(__file__).parents[3] / "shared" / "cases"
FORMULAS: list[tuple[str, dict[str, Any]]] = [
    ("mean((y - (m*x + b))^2)", {"data": "xy"}),
    ("sum(log(1 + exp(-y*(X @ w)))) + 0.1*w @ w", {"data": "Xy"}),
    ("mean((tanh(X @ W1 + b1) @ w2 - y)^2)",
     {"data": "Xy", "shapes": {"W1": (3, 4), "b1": (4,), "w2": (4,)}}),
    ("sum(sqrt((u[1:] - u[:-1])^2 + 0.01)) + u[0]", {"shapes": {"u": (6,)}}),
    ("prod(u) + sum(softmax(u)*u) + max(u)*min(u)", {"shapes": {"u": (5,)}}),
    ("logsumexp(A @ u) + norm(u) + norm(A @ u, 1)", {"shapes": {"A": (4, 3), "u": (3,)}}),
    ("logdet(A @ A.T + diag(v)) + trace(inv(A @ A.T + diag(v)))",
     {"shapes": {"A": (3, 2), "v": (3,)}}),
    ("sum(where(u > 0, u^2, -u)*heaviside(u)) + sum(abs(u))", {"shapes": {"u": (5,)}}),
    ("erf(a) + erfc(b) + gamma(a + 1) + loggamma(b + 2) + cbrt(a) + log2(a + 3)", {}),
    ("a^2.5 + b^(-2) + a^4 + hypot(a, b) + atan2(a, b) + sec(a) + coth(b)", {}),
    ("digamma(a) + expm1(b) + log1p(a) + log10(b + 1) + asinh(a) + csc(b)", {}),
]  # fmt: skip


def needs(name: str) -> Any:
    return pytest.mark.skipif(name not in INSTALLED, reason=f"{name} is not installed")


EACH = pytest.mark.parametrize(
    "backend",
    [pytest.param("jax", marks=needs("jax")), pytest.param("torch", marks=needs("torch"))],
)


def shared(name: str) -> list[dict[str, Any]]:
    path = SHARED / name
    return json.loads(path.read_text()) if path.is_file() else []


def pair(
    formula: str, backend: str, data: dict[str, Any], shapes: Any = None, wrt: Any = None
) -> tuple[Objective, Objective]:
    """The objective on a runtime, and the reference."""
    columns = {name: ("N", *np.shape(value)[1:]) for name, value in data.items()}
    partials = derive(read(formula, columns=columns or None, wrt=wrt, shapes=shapes))
    made = [compile_objective(partials, data, shapes, name) for name in (backend, "numpy")]
    assert made[0].backend.startswith(backend.partition(":")[0])
    return made[0], made[1]


def close(found: Any, reference: Any, tolerance: float) -> None:
    """Value and gradient, each to the tolerance of its largest entry; nan where the other is."""
    for one, other in zip(found, reference, strict=True):
        one, other = np.atleast_1d(one), np.atleast_1d(other)
        finite = np.isfinite(other)
        assert np.array_equal(np.isfinite(one), finite), (one, other)
        size = np.abs(other[finite]).max(initial=0.0)
        assert np.all(np.abs(one[finite] - other[finite]) <= tolerance * max(size, 1e-300))


def sample() -> dict[str, Any]:
    random = np.random.default_rng(1)
    return {"x": random.normal(size=40), "y": random.choice([-1.0, 1.0], 40),
            "X": random.normal(size=(40, 3))}  # fmt: skip


@EACH
def test_every_operation_of_the_reference_is_there(backend: str) -> None:
    from symgd.compile.runtimes import _device

    library = _device(chosen(backend)).library
    assert [op for op in {*_KERNELS, *PLAIN} if not is_known(library, op)] == []


@EACH
@pytest.mark.parametrize(("formula", "options"), FORMULAS)
def test_formulas(backend: str, formula: str, options: dict[str, Any]) -> None:
    data = {name: sample()[name] for name in options.get("data", "")}
    found, reference = pair(formula, backend, data, options.get("shapes"))
    random = np.random.default_rng(2)
    for _ in range(4):
        theta = random.uniform(0.2, 1.5, reference.layout.size)
        close(found(theta), reference(theta), 1e-12)
    half, small = pair(formula, backend + ":float32", data, options.get("shapes"))
    close(half(theta), small(theta), 2e-5)


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("case", shared("derivatives.json"), ids=lambda c: c["id"])
def test_shared_derivatives(backend: str, case: dict[str, Any]) -> None:
    try:
        partials = derive(read(case["formula"], wrt=case["wrt"]))
        partials = derive(read(case["formula"], wrt=list(partials.problem.parameters)))
    except symgd.SymgdError as refusal:
        pytest.skip(f"the formula is refused: {type(refusal).__name__}")
    if partials.loss.shape:
        pytest.skip("the formula has no single value")
    found = compile_objective(partials, {}, backend=backend)
    for point, value, gradient in zip(case["points"], case["values"], case["grad"], strict=True):
        theta = found.layout.pack({name: point[name] for name in partials.wrt})
        close(found(theta), compile_objective(partials, {}, backend="numpy")(theta), 1e-10)
        got_value, got = found(theta)
        named = found.layout.unpack(got)
        if value is not None and np.isfinite(value):
            assert got_value == pytest.approx(value, rel=1e-8, abs=1e-12)
        if gradient is not None:
            for name, expected in zip(case["wrt"], gradient, strict=True):
                if expected is not None and np.isfinite(expected):
                    assert named[name] == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("case", shared("matrix.json"), ids=lambda c: c["id"])
def test_shared_matrices(backend: str, case: dict[str, Any]) -> None:
    shapes = {name: tuple(shape) for name, shape in case["shapes"].items()}
    partials = derive(read(case["formula"], wrt=case["wrt"], shapes=shapes))
    data = {name: np.array(value) for name, value in case["inputs"].items()
            if name not in case["wrt"]}  # fmt: skip
    found = compile_objective(partials, data, backend=backend)
    value, gradient = found(found.layout.pack({n: case["inputs"][n] for n in case["wrt"]}))
    assert value == pytest.approx(case["value"], rel=1e-9, abs=1e-12)
    for name, part in found.layout.unpack(gradient).items():
        np.testing.assert_allclose(part, case["grad"][name], rtol=1e-8, atol=1e-10)


SPECIAL = words("erf erfc gamma loggamma digamma trigamma cbrt sign log1p expm1 softplus sigmoid")


@EACH
@pytest.mark.parametrize("name", SPECIAL)
def test_functions_against_scipy_over_the_line(backend: str, name: str) -> None:
    import scipy.special as sc

    from symgd.compile.kernels import bound
    from symgd.compile.runtimes import _device
    from symgd.compile.runtimes.operations import kernel

    points = np.concatenate([np.linspace(-6.35, 6.4, 200), [0.0, 30.0, -30.5, 150.0, 1e-9]])
    device = _device(chosen(backend))
    function = kernel(device.library, name, None, ())
    walk = device.ready(lambda theta, columns: function(theta))
    got = device.call(walk, points, {})
    with np.errstate(all="ignore"):
        expected = np.asarray(bound(name, None)(points))
        if name == "trigamma":  # SciPy's polygamma is not meant for negative numbers
            expected = np.where(points > 0, sc.polygamma(1, points), got)
    finite = np.isfinite(expected)
    assert np.array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got[finite], expected[finite], rtol=3e-12, atol=1e-14)


@EACH
def test_batches_are_taken_on_the_device(backend: str) -> None:
    found, reference = pair("mean((y - (m*x + b))^2)", backend, sample())
    rows = np.array([3, 0, 17, 17, 39])
    theta = np.array([0.3, -1.0])
    close(found.at_rows(rows)(theta), reference.at_rows(rows)(theta), 1e-13)
    close(found.at_rows(rows[:2])(theta), reference.at_rows(rows[:2])(theta), 1e-13)


@EACH
def test_fits_and_descents_give_the_same_answer(backend: str) -> None:
    data = sample()
    data["y"] = data["x"] * 2 + 1
    descent = symgd.fit("y ~ m*x + b", data, rate=0.2, backend=backend)
    assert descent.converged
    assert descent.params["m"] == pytest.approx(2, abs=1e-5)
    logistic = {"x": data["x"], "y": (np.sin(9 * data["x"]) > 0) * 1.0}
    one = symgd.fit("y ~ a*x + c", logistic, loss="logistic", backend=backend)
    other = symgd.fit("y ~ a*x + c", logistic, loss="logistic", backend="numpy")
    assert one.params["a"] == pytest.approx(other.params["a"], rel=1e-6)
    small = symgd.minimize("(x - 3)^2 + exp(x/4)", {"x": 0.0}, backend=backend)
    assert small.params["x"] == pytest.approx(
        symgd.minimize("(x - 3)^2 + exp(x/4)", {"x": 0.0}).params["x"], abs=1e-6
    )
    batches = symgd.fit("y ~ m*x + b", data, rate=0.1, batch=8, epochs=40, seed=1,
                        precision=None, backend=backend + ":float32")  # fmt: skip
    assert batches.params["b"] == pytest.approx(1, abs=1e-3)


@needs("jax")
def test_the_configuration_of_jax_stays_as_it_is() -> None:
    import jax
    import jax.numpy as jnp

    before = jax.config.jax_enable_x64
    found, reference = pair("mean((y - (m*x + b))^2)", "jax", sample())
    close(found(np.ones(2)), reference(np.ones(2)), 1e-13)
    assert jax.config.jax_enable_x64 is before
    assert jnp.asarray(1.0).dtype == (jnp.float64 if before else jnp.float32)


@EACH
@pytest.mark.parametrize("device", ["cuda:7", "tpu", "nowhere", "cpu:9"])
def test_a_device_that_is_not_there(backend: str, device: str) -> None:
    with pytest.raises(symgd.SymgdError, match="has no device"):
        symgd.minimize("(x - 1)^2", {"x": 0}, backend=f"{backend}:{device}")


@pytest.mark.parametrize("text", ["jax:float16", "torch:", "jax:float32:float64", "torch:a:b:c",
                                  "jaxx", "numpy:float32", "native:cpu"])  # fmt: skip
def test_a_backend_that_is_none(text: str) -> None:
    with pytest.raises(symgd.SymgdError, match=r"backend="):
        symgd.minimize("(x - 1)^2", {"x": 0}, backend=text)


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_a_library_that_is_missing_is_one_line(name: str) -> None:
    code = (
        f"import sys; sys.modules[{name!r}] = None\n"
        "import symgd\n"
        f"try:\n    symgd.minimize('(x - 1)^2', dict(x=0), backend={name!r})\n"
        "except symgd.SymgdError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.count("\n") == 1
    assert f"pip install 'symgd[{name}]'" in run.stdout


def test_neither_library_is_imported_unasked() -> None:
    code = ("import sys, symgd; symgd.minimize('(x - 1)^2', dict(x=0)); "
            "sys.exit(bool({'jax', 'torch'} & set(sys.modules)))")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_reference_is_what_the_table_says() -> None:
    # the tests above compare with NumPy: hold NumPy to a difference quotient once
    partials = derive(read("mean((y - m*x)^2)", columns=["x", "y"]))
    run = Compiled([partials.loss, *partials.raw.values()]).run
    data = sample()
    at = [run({**data, "m": np.float64(m)}, {"N": 40}) for m in (0.5 - 1e-6, 0.5, 0.5 + 1e-6)]
    assert at[1][1] == pytest.approx((at[2][0] - at[0][0]) / 2e-6, rel=1e-6)
