"""Value and gradient of a loss over N rows of data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Tools = dict[str, Callable[[], Callable[[], Any]]]
LINE = "mean((y - (m*x + b))^2)"
LOGISTIC = "mean((y - (a/(1 + exp(-k*(x - c))) + d))^2)"
AT = {"line": [1.0, 0.5], "logistic": [1.2, 0.8, 0.1, 0.3]}


def data(n: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    x = random.standard_normal(n)
    return x, 2 * x + 1 + random.standard_normal(n)


def line(n: int) -> Tools:
    return _tools("line", n, _line_numpy, _line_jax, _line_numba)


def logistic(n: int) -> Tools:
    return _tools("logistic", n, _logistic_numpy, _logistic_jax, _logistic_numba)


def _tools(name: str, n: int, by_hand: Any, jax_loss: Any, numba_loop: Any) -> Tools:
    x, y = data(n)
    theta = np.array(AT[name])
    return {
        "symgd": lambda: _symgd(name, x, y, theta, "native"),
        "symgd (numpy)": lambda: _symgd(name, x, y, theta, "numpy"),
        "NumPy by hand": lambda: lambda: by_hand(theta, x, y),
        "SymPy lambdify": lambda: _lambdify(name, x, y, theta),
        "JAX jit": lambda: _jax(jax_loss, x, y, theta),
        "Numba": lambda: _numba(numba_loop, x, y, theta),
        "PyTorch": lambda: _torch(name, x, y, theta),
    }


def _symgd(name: str, x: Any, y: Any, theta: Any, backend: str) -> Callable[[], Any]:
    import symgd

    text = LINE if name == "line" else LOGISTIC
    wrt = ["m", "b"] if name == "line" else ["a", "k", "c", "d"]
    objective = symgd.gradient(text, wrt=wrt).compile({"x": x, "y": y}, backend=backend)
    return lambda: objective(theta)


def _line_numpy(theta: Any, x: Any, y: Any) -> Any:
    m, b = theta
    r = y - (m * x + b)
    n = len(x)
    return r @ r / n, -2 / n * (x @ r), -2 / n * r.sum()


def _logistic_numpy(theta: Any, x: Any, y: Any) -> Any:
    a, k, c, d = theta
    s = 1 / (1 + np.exp(-k * (x - c)))
    r = y - (a * s + d)
    n = len(x)
    t = r * s * (1 - s) * a
    return (r @ r / n, -2 / n * (r @ s), -2 / n * (t @ (x - c)), 2 / n * k * t.sum(),
            -2 / n * r.sum())  # fmt: skip


def _lambdify(name: str, x: Any, y: Any, theta: Any) -> Callable[[], Any]:
    import sympy as sp

    xs, ys = sp.symbols("x y", real=True)
    if name == "line":
        parameters = sp.symbols("m b", real=True)
        m, b = parameters
        term = (ys - (m * xs + b)) ** 2
    else:
        parameters = sp.symbols("a k c d", real=True)
        a, k, c, d = parameters
        term = (ys - (a / (1 + sp.exp(-k * (xs - c))) + d)) ** 2
    terms = [term, *(sp.diff(term, p) for p in parameters)]
    function = sp.lambdify([*parameters, xs, ys], terms, modules="numpy", cse=True)
    return lambda: tuple([np.mean(part) for part in function(*theta, x, y)])


def _line_jax(theta: Any, x: Any, y: Any) -> Any:
    return ((y - (theta[0] * x + theta[1])) ** 2).mean()


def _logistic_jax(theta: Any, x: Any, y: Any) -> Any:
    import jax.numpy as jnp

    a, k, c, d = theta
    return ((y - (a / (1 + jnp.exp(-k * (x - c))) + d)) ** 2).mean()


def _jax(loss: Any, x: Any, y: Any, theta: Any) -> Callable[[], Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    function = jax.jit(jax.value_and_grad(loss))
    given = [jax.numpy.asarray(v) for v in (theta, x, y)]

    def run() -> Any:
        value, gradient = function(*given)
        return value.block_until_ready(), gradient.block_until_ready()

    return run


def _line_numba(theta: Any, x: Any, y: Any) -> Any:
    m, b = theta
    loss = first = second = 0.0
    for i in range(x.shape[0]):
        r = y[i] - (m * x[i] + b)
        loss += r * r
        first += r * x[i]
        second += r
    n = x.shape[0]
    return np.array([loss / n, -2 * first / n, -2 * second / n])


def _logistic_numba(theta: Any, x: Any, y: Any) -> Any:
    a, k, c, d = theta
    loss = ga = gk = gc = gd = 0.0
    for i in range(x.shape[0]):
        s = 1 / (1 + np.exp(-k * (x[i] - c)))
        r = y[i] - (a * s + d)
        t = r * s * (1 - s) * a
        loss += r * r
        ga += r * s
        gk += t * (x[i] - c)
        gc += t
        gd += r
    n = x.shape[0]
    return np.array([loss / n, -2 * ga / n, -2 * gk / n, 2 * k * gc / n, -2 * gd / n])


def _numba(loop: Any, x: Any, y: Any, theta: Any) -> Callable[[], Any]:
    import numba

    function = numba.njit(fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy")(
        loop
    )
    return lambda: function(theta, x, y)


def _torch(name: str, x: Any, y: Any, theta: Any) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(1)
    xs, ys = torch.from_numpy(x), torch.from_numpy(y)
    at = torch.tensor(theta, requires_grad=True)

    def run() -> Any:
        at.grad = None
        if name == "line":
            loss = ((ys - (at[0] * xs + at[1])) ** 2).mean()
        else:
            loss = ((ys - (at[0] / (1 + torch.exp(-at[1] * (xs - at[2]))) + at[3])) ** 2).mean()
        loss.backward()
        return loss.item(), at.grad.numpy()

    return run
