"""Every method of the table, update by update, against optax.

The reference values were computed with optax 0.2.8 on jax 0.10.2 in double precision
(``jax_enable_x64``) by the loop of ``test_the_same_as_optax_here``; where optax can be imported,
that test compares all 100 updates directly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from symgd.descend.objective import FloatArray
from symgd.methods import METHODS, method

MATRIX = np.array([[3.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 0.4]])
RIGHT = np.array([1.0, -2.0, 0.5])
START = np.array([2.0, -1.0, 0.5])
RATE = 0.02

# optax 0.2.8: sgd, sgd(momentum=0.9), sgd(momentum=0.9, nesterov=True), adagrad, rmsprop, adam,
# adamw, all with learning rate 0.02 and otherwise their defaults; theta after 1, 10, 100 updates.
REFERENCE = {
    "gd": {
        1: [1.892, -1.035, 0.49175],
        10: [1.2423996998042195, -1.2756830157727141, 0.42818940722858045],
        100: [0.6048863402963869, -1.725552764585491, 0.048359763002098856],
    },
    "momentum": {
        1: [1.892, -1.035, 0.49175],
        10: [-0.21129518369106837, -1.8633462851408005, 0.23891168307380495],
        100: [0.6637289101479027, -1.8353308883175408, -0.43242289348826074],
    },
    "nesterov": {
        1: [1.7948, -1.0665, 0.484325],
        10: [0.006592938489705075, -1.825508894617447, 0.22091520593881664],
        100: [0.6592658138571186, -1.8381501809260252, -0.43426509547936026],
    },
    "adagrad": {
        1: [1.9800342056346614, -1.0196812541878777, 0.48412746261961037],
        10: [1.9014286205295376, -1.0980114629273534, 0.41047177733041745],
        100: [1.6527438574260125, -1.3450403968004534, 0.1622845347339314],
    },
    "rmsprop": {
        1: [1.9367544469050781, -1.063245552170787, 0.4367544653811761],
        10: [1.6730987546656149, -1.3261370703435935, 0.17185784646296212],
        100: [0.6607895923592576, -1.839798503602972, -0.43957562717229703],
    },
    "adam": {
        1: [1.980000000037037, -1.0199999998857143, 0.4800000004848485],
        10: [1.801332129969414, -1.1986848791426075, 0.3012820295335107],
        100: [0.777756259444838, -1.9245996839208577, -0.6036343920480104],
    },
    "adamw": {
        1: [1.9799960000370371, -1.0199979998857143, 0.47999900048484845],
        10: [1.801294160688086, -1.1986631471047267, 0.30127419536952693],
        100: [0.7776313736995734, -1.9244765082210402, -0.6034774197426803],
    },
}


def gradient(theta: FloatArray) -> FloatArray:
    return MATRIX @ theta - RIGHT + 0.1 * theta**3


def updates(name: str) -> Iterator[FloatArray]:
    """theta after 1, 2, ..., 100 updates."""
    rule = method(name)
    theta, state = START, rule.init(START)
    for t in range(100):
        theta, state = rule.step(theta, gradient(theta), state, RATE, t)
        yield theta


def test_every_method_has_its_reference() -> None:
    assert REFERENCE.keys() == METHODS.keys()


@pytest.mark.parametrize("name", REFERENCE)
def test_the_updates_are_those_of_optax(name: str) -> None:
    seen = dict(enumerate(updates(name), 1))
    for count, expected in REFERENCE[name].items():
        np.testing.assert_allclose(seen[count], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", REFERENCE)
def test_the_same_as_optax_here(name: str) -> None:
    reason = "optax is not installed: the stored values stand for it"
    optax = pytest.importorskip("optax", reason=reason)
    jax = pytest.importorskip("jax", reason=reason)
    jax.config.update("jax_enable_x64", True)
    made = {
        "gd": optax.sgd(RATE), "momentum": optax.sgd(RATE, momentum=0.9),
        "nesterov": optax.sgd(RATE, momentum=0.9, nesterov=True), "adagrad": optax.adagrad(RATE),
        "rmsprop": optax.rmsprop(RATE), "adam": optax.adam(RATE), "adamw": optax.adamw(RATE),
    }[name]  # fmt: skip
    theta = jax.numpy.array(START)
    state = made.init(theta)
    for ours in updates(name):
        change, state = made.update(gradient(theta), state, theta)
        theta = optax.apply_updates(theta, change)
        np.testing.assert_allclose(ours, theta, rtol=1e-12, atol=1e-14)
