"""Formulas written out: from the text to the first gradient, and the cost of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rows_jobs import Tools


def rosenbrock(n: int) -> Tools:
    """Text (or Python) to the first gradient of the extended Rosenbrock function."""
    at = np.linspace(-1, 1.3, n)
    tools: Tools = {
        "symgd": lambda: lambda: _symgd(_text(n), at),
        "CasADi SX": lambda: _casadi(n, at),
        "symengine": lambda: _symengine(n, at),
    }
    if n <= 100:
        tools["SymPy diff + lambdify"] = lambda: lambda: _sympy(n, at)
        tools["JAX trace + compile"] = lambda: _jax(n, at)
    return tools


def two_parameters() -> Tools:
    """One call of value and gradient in two parameters."""
    at = np.array([0.5, 1.5])
    return {
        "symgd": lambda: _symgd_call(at),
        "SymPy lambdify": lambda: _lambdify_call(at),
        "CasADi": lambda: _casadi_call(at),
        "JAX jit": lambda: _jax_call(at),
    }


def _text(n: int) -> str:
    return " + ".join(f"100*(x{i + 1} - x{i}^2)^2 + (1 - x{i})^2" for i in range(n - 1))


def _symgd(text: str, at: Any) -> Any:
    import symgd

    names = [f"x{i}" for i in range(len(at))]
    objective = symgd.gradient(text, wrt=names).compile()
    return objective(at)[1]


def _casadi(n: int, at: Any) -> Callable[[], Any]:
    import casadi as ca

    def run() -> Any:
        x = [ca.SX.sym(f"x{i}") for i in range(n)]
        f = 0
        for i in range(n - 1):
            f = f + 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
        vector = ca.vertcat(*x)
        function = ca.Function("f", [vector], [f, ca.gradient(f, vector)])
        return np.asarray(function(at)[1]).ravel()

    return run


def _symengine(n: int, at: Any) -> Callable[[], Any]:
    import symengine as se

    def run() -> Any:
        x = [se.Symbol(f"x{i}") for i in range(n)]
        f = se.Add(*[100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(n - 1)])
        return np.asarray(se.Lambdify(x, [f.diff(v) for v in x])(at)).ravel()

    return run


def _sympy(n: int, at: Any) -> Any:
    import sympy as sp

    x = sp.symbols(f"x:{n}", real=True)
    f = sp.Add(*[100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(n - 1)])
    function = sp.lambdify([x], [f.diff(v) for v in x], modules="numpy")
    return np.array(function(at), dtype=float)


def _jax(n: int, at: Any) -> Callable[[], Any]:
    import jax

    jax.config.update("jax_enable_x64", True)

    def run() -> Any:
        def f(x: Any) -> Any:
            return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(n - 1))

        return np.asarray(jax.jit(jax.grad(lambda v: f(list(v))))(at))

    return run


def _symgd_call(at: Any) -> Callable[[], Any]:
    import symgd

    objective = symgd.gradient("100*(y - x^2)^2 + (1 - x)^2", wrt=["x", "y"]).compile()
    return lambda: objective(at)


def _lambdify_call(at: Any) -> Callable[[], Any]:
    import sympy as sp

    x, y = sp.symbols("x y", real=True)
    f = 100 * (y - x**2) ** 2 + (1 - x) ** 2
    function = sp.lambdify([x, y], [f, f.diff(x), f.diff(y)], modules="math", cse=True)
    return lambda: tuple(function(*at.tolist()))


def _casadi_call(at: Any) -> Callable[[], Any]:
    import casadi as ca

    x = ca.SX.sym("x", 2)
    f = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    function = ca.Function("f", [x], [ca.vertcat(f, ca.gradient(f, x))])
    return lambda: function(at)


def _jax_call(at: Any) -> Callable[[], Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    function = jax.jit(
        jax.value_and_grad(lambda v: 100 * (v[1] - v[0] ** 2) ** 2 + (1 - v[0]) ** 2)
    )

    def run() -> Any:
        value, gradient = function(at)
        return value.block_until_ready(), gradient.block_until_ready()

    return run
