"""Whole descents: gradient descent, mini-batches, single rows, a fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rows_jobs import LINE, LOGISTIC, Tools

RATE = 0.01


def textbook(rows: int = 100, epochs: int = 10_000) -> Tools:
    """A line through ``rows`` points, all rows in each of ``epochs`` steps."""
    x, y = _points(rows)
    return {
        "symgd.descend": lambda: _descend(x, y, steps=epochs),
        "symgd, bare compiled steps": lambda: _steps(x, y, epochs),
        "NumPy by hand": lambda: lambda: _by_hand(x, y, epochs),
        "JAX fori_loop": lambda: _jax_loop(x, y, epochs),
        "Numba loop": lambda: _numba_loop(x, y, epochs),
    }


def huge(rows: int = 1_000_000, epochs: int = 10_000) -> Tools:
    """The same over many rows; by hand it is run for 20 epochs only."""
    x, y = _points(rows)
    return {
        "symgd.descend": lambda: _descend(x, y, steps=epochs),
        "NumPy by hand, 20 epochs": lambda: lambda: _by_hand(x, y, 20),
    }


def batches(rows: int = 100, size: int = 16, epochs: int = 1000) -> Tools:
    """Mini-batches, reshuffled each epoch by NumPy."""
    x, y = _points(rows)
    return {
        "symgd.descend": lambda: _descend(x, y, epochs=epochs, batch=size, seed=0),
        "NumPy by hand": lambda: lambda: _batches_by_hand(x, y, size, epochs),
    }


def single_rows(rows: int = 500, epochs: int = 100) -> Tools:
    """Stochastic gradient descent, one row a step."""
    x, y = _points(rows)
    return {
        "symgd.descend": lambda: _descend(x, y, epochs=epochs, batch=1, seed=0),
        "Python by hand": lambda: lambda: _single_by_hand(x, y, epochs),
    }


def single_rows_sklearn(rows: int = 500, epochs: int = 100) -> Tools:
    """The same beside scikit-learn, which shuffles by its own generator."""
    x, y = _points(rows)
    return {
        "symgd.descend": lambda: _near(_descend(x, y, epochs=epochs, batch=1, seed=0)),
        "scikit-learn SGDRegressor": lambda: _near(_sklearn(x, y, epochs)),
    }


def parabola() -> Tools:
    """The textbook parabola by gradient descent to a precision of 1e-3."""
    return {
        "symgd.descend": lambda: _parabola(compiled=True),
        "symgd.descend, a Python function": lambda: _parabola(compiled=False),
        "SciPy minimize (BFGS)": _parabola_bfgs,
    }


def fit(rows: int = 100_000) -> Tools:
    """A logistic curve with four parameters by least squares."""
    random = np.random.default_rng(3)
    x = random.uniform(-5, 5, rows)
    y = 2 / (1 + np.exp(-1.5 * (x - 0.3))) - 1 + 0.05 * random.standard_normal(rows)
    return {
        "symgd.fit": lambda: lambda: _fit(x, y),
        "SciPy curve_fit": lambda: lambda: _curve_fit(x, y),
        "lmfit": lambda: _lmfit(x, y),
    }


def _points(rows: int) -> tuple[Any, Any]:
    random = np.random.default_rng(1)
    x = random.standard_normal(rows)
    return x, 2 * x + 1 + 0.1 * random.standard_normal(rows)


def _objective(x: Any, y: Any) -> Any:
    import symgd

    return symgd.gradient(LINE, wrt=["m", "b"]).compile({"x": x, "y": y})


def _steps(x: Any, y: Any, epochs: int) -> Callable[[], Any]:
    def run() -> Any:
        stepper = _objective(x, y).stepper()
        theta = np.zeros(2)
        for _ in range(0, epochs, 1000):
            theta = stepper(theta, np.full(min(1000, epochs), RATE)).thetas[-1]
        return theta

    return run


def _descend(x: Any, y: Any, **options: Any) -> Callable[[], Any]:
    """Reads, derives, compiles (lowered and compiled code still in memory), descends, records."""
    import symgd

    def run() -> Any:
        objective = _objective(x, y)
        return symgd.descend(objective, np.zeros(2), rate=RATE, precision=None, **options).theta

    return run


def _parabola(compiled: bool) -> Callable[[], Any]:
    import symgd

    objective: Any = lambda x: ((x - 3.5) ** 2 - 4.5 * x + 10, 2 * (x - 3.5) - 4.5)  # noqa: E731
    if compiled:
        objective = symgd.gradient("(x - 3.5)^2 - 4.5x + 10").compile()
    return lambda: np.round(
        symgd.descend(objective, 9.0 if not compiled else [9.0], rate=0.1, precision=1e-3).theta, 2
    )


def _parabola_bfgs() -> Callable[[], Any]:
    from scipy.optimize import minimize

    def loss(x: Any) -> Any:
        return (x[0] - 3.5) ** 2 - 4.5 * x[0] + 10

    return lambda: np.round(minimize(loss, [9.0], tol=1e-3).x, 2)


def _by_hand(x: Any, y: Any, epochs: int) -> Any:
    design = np.stack([x, np.ones_like(x)], axis=1)
    theta, n = np.zeros(2), len(x)
    for _ in range(epochs):
        theta = theta - RATE * (2 / n) * (design.T @ (design @ theta - y))
    return theta


def _jax_loop(x: Any, y: Any, epochs: int) -> Callable[[], Any]:
    import jax

    jax.config.update("jax_enable_x64", True)

    def loss(theta: Any, xs: Any, ys: Any) -> Any:
        return ((ys - (theta[0] * xs + theta[1])) ** 2).mean()

    @jax.jit
    def descent(xs: Any, ys: Any) -> Any:
        step = lambda _, theta: theta - RATE * jax.grad(loss)(theta, xs, ys)  # noqa: E731
        return jax.lax.fori_loop(0, epochs, step, jax.numpy.zeros(2))

    given = jax.numpy.asarray(x), jax.numpy.asarray(y)
    return lambda: np.asarray(descent(*given))


def _numba_loop(x: Any, y: Any, epochs: int) -> Callable[[], Any]:
    import numba

    @numba.njit(fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy")
    def descent(x: Any, y: Any, epochs: int) -> Any:
        m = b = 0.0
        n = x.shape[0]
        for _ in range(epochs):
            first = second = 0.0
            for i in range(n):
                r = y[i] - (m * x[i] + b)
                first += r * x[i]
                second += r
            m += RATE * 2 / n * first
            b += RATE * 2 / n * second
        return np.array([m, b])

    return lambda: descent(x, y, epochs)


def _batches_by_hand(x: Any, y: Any, size: int, epochs: int) -> Any:
    design = np.stack([x, np.ones_like(x)], axis=1)
    generator, theta, n = np.random.default_rng(0), np.zeros(2), len(x)
    for _ in range(epochs):
        order = generator.permutation(n)
        for begin in range(0, n, size):
            rows = order[begin : begin + size]
            part = design[rows]
            theta = theta - RATE * (2 / len(rows)) * (part.T @ (part @ theta - y[rows]))
    return theta


def _single_by_hand(x: Any, y: Any, epochs: int) -> Any:
    xs, ys = x.tolist(), y.tolist()
    generator, m, b = np.random.default_rng(0), 0.0, 0.0
    for _ in range(epochs):
        for i in generator.permutation(len(xs)).tolist():
            r = ys[i] - (m * xs[i] + b)
            m += RATE * 2 * r * xs[i]
            b += RATE * 2 * r
    return np.array([m, b])


def _sklearn(x: Any, y: Any, epochs: int) -> Callable[[], Any]:
    from sklearn.linear_model import SGDRegressor

    def run() -> Any:
        model = SGDRegressor(
            penalty=None, learning_rate="constant", eta0=2 * RATE, max_iter=epochs, tol=None,
            random_state=0,
        )  # fmt: skip
        model.fit(x[:, None], y)
        return np.array([model.coef_[0], model.intercept_[0]])

    return run


def _near(run: Callable[[], Any]) -> Callable[[], Any]:
    """Two generators shuffle differently: the answers agree to two digits."""
    return lambda: np.round(run(), 1)


def _model(x: Any, a: float, k: float, c: float, d: float) -> Any:
    return a / (1 + np.exp(-k * (x - c))) + d


START = {"a": 1.0, "k": 1.0, "c": 0.0, "d": 0.0}


def _fit(x: Any, y: Any) -> Any:
    import symgd

    model = LOGISTIC.split("(y - (")[1].removesuffix("))^2)")
    found = symgd.fit(f"y ~ {model}", {"x": x, "y": y}, start=START)
    return np.round([found.params[name] for name in "akcd"], 5)


def _curve_fit(x: Any, y: Any) -> Any:
    from scipy.optimize import curve_fit

    return np.round(curve_fit(_model, x, y, p0=list(START.values()))[0], 5)


def _lmfit(x: Any, y: Any) -> Callable[[], Any]:
    import lmfit

    model = lmfit.Model(_model)
    return lambda: np.round(list(model.fit(y, x=x, **START).best_values.values()), 5)
