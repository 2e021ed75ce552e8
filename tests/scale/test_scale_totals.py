"""Losses over blocks against the same loss on the whole data: value, gradient, curvature."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from symgd.compile.objective import compile_objective
from symgd.errors import UnsupportedError
from symgd.scale import parts, source
from symgd.scale.engine import Local
from symgd.scale.objective import Streamed
from symgd.scale.source import in_memory
from symgd.scale.spec import Spec
from tests.scale.data_sets import curves

AT = np.array([0.4, 0.7])
LOSSES = [
    "mean((y - (a*x + b))^2)",
    "sum(w*(y - a*exp(-b*x))^2)/sum(w)",
    "mean((y - a*exp(-b*x))^2) + 0.1*a^2 + 0.01*b^4",
    "mean((y - (a*(x - mean(x)) + b))^2)",
    "mean(log(1 + exp(a*x + b)) - label*(a*x + b))",
    "sqrt(mean((y - a*x - b)^2))",
    "max((y - a*x)^2) + mean(x)*b^2",
    "mean((x - mean(x))^2)*a^2 + (b - mean(a*z))^2",
    "sum((y - a*x)^4)/N + b^2/N",
    "norm(y - a*x - b)",
]  # fmt: skip
COMPILED_ONLY = "log(sum(exp(a*x + b*z)))"
"""NumPy has no softmax over rows by the block."""


def spec_of(text: str) -> Spec:
    names = ["x", "y", "z", "w", "label"]
    used = [n for n in names if n in text.replace("exp", "").replace("max", "")]
    return Spec(text, ("a", "b"), tuple((n, ()) for n in used), (("a", ()), ("b", ())))


@pytest.fixture(params=[1 << 16, 1000])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(source, "BLOCK", request.param)
    monkeypatch.setattr(parts, "BLOCK", request.param)
    return int(request.param)


def streamed(text: str, columns: dict[str, np.ndarray], backend: str) -> Streamed:
    spec = spec_of(text)
    found = in_memory({name: columns[name] for name in spec.names})
    return Streamed(spec, Local(found), found.sample(spec.names, 50), backend)


@pytest.mark.parametrize(
    ("text", "backend"),
    [(COMPILED_ONLY, "auto"), *((text, how) for text in LOSSES for how in ("auto", "numpy"))],
)
def test_blocks_give_what_the_whole_gives(text: str, backend: str, block: int) -> None:
    columns = curves(2500, seed=len(text))
    loss = streamed(text, columns, backend)
    whole = compile_objective(loss.partials, columns, backend="numpy")
    value, gradient = loss(AT)
    expected, slope = whole(AT)
    assert value == pytest.approx(expected, rel=2e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-13 * abs(slope).max())
    curved = whole.hessian(AT)
    np.testing.assert_allclose(loss.hessian(AT), curved, rtol=1e-10, atol=1e-12 * abs(curved).max())
    direction = np.array([0.3, -0.8])
    np.testing.assert_allclose(
        loss.product(AT, direction), whole.product(AT, direction), rtol=1e-10, atol=1e-12
    )


def test_the_bits_do_not_depend_on_the_parts() -> None:
    columns = curves(200_000)
    text = "mean(log(1 + exp(a*x + b)) - label*(a*x + b))"
    spec = spec_of(text)
    found = in_memory({name: columns[name] for name in spec.names})
    whole = found.parts[0]
    cuts = [0, 1, 40_000, 40_001, 65_536, 199_999, 200_000]
    pieces = tuple(
        parts.ArrayPart(whole.columns, begin, end)  # type: ignore[attr-defined]
        for begin, end in pairwise(cuts)
    )
    other = source.Source(pieces, found.names, "pieces", 200_000, 0.0)
    answers = [
        Streamed(spec, Local(one), found.sample(spec.names, 50))(AT) for one in (found, other)
    ]
    direct = compile_objective(Streamed(spec, Local(found), columns).partials, columns)(AT)
    for value, gradient in answers:
        assert value == direct[0]
        np.testing.assert_array_equal(gradient, direct[1])


def test_a_matrix_of_predictors() -> None:
    random = np.random.default_rng(2)
    columns = {"X": random.standard_normal((3000, 20)), "y": random.standard_normal(3000)}
    spec = Spec("mean((y - X@theta)^2)", ("theta",), (("X", (20,)), ("y", ())), (("theta", (20,)),))
    part = parts.ArrayPart(columns, 0, 3000)
    found = source.Source((part,), ("X", "y"), "arrays", 3000, 0.0)
    loss = Streamed(spec, Local(found), columns)
    theta = random.standard_normal(20)
    residual = columns["y"] - columns["X"] @ theta
    value, gradient = loss(theta)
    assert value == pytest.approx(residual @ residual / 3000, rel=1e-13)
    np.testing.assert_allclose(gradient, -2 * columns["X"].T @ residual / 3000, rtol=1e-11)
    np.testing.assert_allclose(
        loss.hessian(theta), 2 * columns["X"].T @ columns["X"] / 3000, rtol=1e-9, atol=1e-12
    )


def test_rows_that_depend_on_each_other_are_refused_in_words() -> None:
    columns = curves(100)
    with pytest.raises(UnsupportedError, match="cannot be computed block by block"):
        streamed("sum((y[1:] - a*y[:-1] - b)^2)", columns, "auto")


def test_a_file_that_changes_during_a_fit_is_noticed() -> None:
    from symgd.errors import DataError
    from symgd.scale.work import Gathered

    columns = curves(100)
    found = in_memory({"x": columns["x"], "y": columns["y"]})
    engine = Local(found)
    with pytest.raises(DataError, match="must not change"):
        engine._kept(Gathered(99, 0, []))
