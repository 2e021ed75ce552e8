"""The shared tables of derivative and matrix questions, with their independent references."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgd.compile.objective import Compiled
from symgd.derive.partials import derive
from symgd.derive.sweep import sweep
from symgd.errors import NameProblem
from symgd.formula.problem import read

CASES = Path(__file__).parents[3] / "shared" / "cases"
UNKNOWN_FUNCTIONS = {"besselj"}


def _rows(name: str) -> list[Any]:
    if not (CASES / name).is_file():
        return []
    return [pytest.param(row, id=row["id"]) for row in json.loads((CASES / name).read_text())]


def close(found: Any, expected: Any, digits: int = 11) -> None:
    expected = np.asarray(expected, dtype=float)
    found = np.asarray(found, dtype=float)
    assert found.shape == expected.shape
    scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
    np.testing.assert_allclose(found, expected, rtol=10.0**-digits, atol=scale * 10.0**-digits)


@pytest.mark.skipif(
    not (CASES / "derivatives.json").is_file(), reason="the shared table of derivatives is absent"
)
@pytest.mark.parametrize("row", _rows("derivatives.json"))
def test_derivatives(row: dict[str, Any]) -> None:
    if any(name in row["formula"] for name in UNKNOWN_FUNCTIONS):
        with pytest.raises(NameProblem):
            read(row["formula"])
        return
    names = row["wrt"]
    problem = read(row["formula"], wrt=names, shapes=dict.fromkeys(row["variables"], ()))
    partials = derive(problem)
    symbols = [problem.symbol(name) for name in names]
    second = [sweep(raw, symbols) for raw in partials.raw.values()] if row["hess"] else []
    textbook = [partials.textbook(name) for name in names]
    run = Compiled(
        [partials.loss, *partials.raw.values(), *textbook, *(d for line in second for d in line)]
    ).run
    p = len(names)
    for i, point in enumerate(row["points"]):
        found = run({name: np.float64(value) for name, value in point.items()}, {})
        close(found[0], row["values"][i])
        close(found[1 : 1 + p], row["grad"][i])
        close(found[1 + p : 1 + 2 * p], row["grad"][i], digits=9)
        if row["hess"]:
            close(np.reshape(found[1 + 2 * p :], (p, p)), row["hess"][i], digits=9)


@pytest.mark.skipif(not (CASES / "matrix.json").is_file(), reason="the shared table is absent")
@pytest.mark.parametrize("row", _rows("matrix.json"))
def test_matrix_calculus(row: dict[str, Any]) -> None:
    shapes = {name: tuple(shape) for name, shape in row["shapes"].items()}
    inputs = {name: np.asarray(value, dtype=float) for name, value in row["inputs"].items()}
    partials = derive(read(row["formula"], wrt=row["wrt"], shapes=shapes))
    names = list(partials.raw)
    outputs = [partials.loss, *partials.raw.values(), *(partials.textbook(n) for n in names)]
    value, *gradients = Compiled(outputs).run(inputs, {})
    close(np.reshape(value, row["value_shape"]), np.reshape(row["value"], row["value_shape"]))
    for name, raw, textbook in zip(names, gradients, gradients[len(names) :], strict=False):
        close(raw, row["grad"][name])
        close(textbook, row["grad"][name])
    for name, text in (row["closed_form"] or {}).items():
        (found,) = Compiled([read(text, shapes=shapes).root]).run(inputs, {})
        close(found, row["grad"][name])
