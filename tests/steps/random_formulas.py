"""Random formulas for laws: constants, names and shapes all vary; seeded."""

from __future__ import annotations

import random

_UNARY = ("sin", "cos", "exp", "log", "sqrt", "tanh", "sigmoid", "atan", "abs", "cosh", "sinh")


def scalar_formula(draw: random.Random, depth: int = 4) -> str:
    """A formula of x, y and a with random constants."""
    if depth == 0 or draw.random() < 0.12:
        number = draw.choice(["2", "3", "0.5", "7", "1.25", "10"])
        return draw.choice(["x", "x", "x", "y", "a", number])
    kind = draw.randrange(10)
    first = scalar_formula(draw, depth - 1)
    if kind < 3:
        return f"({first} {draw.choice('+-')} {scalar_formula(draw, depth - 1)})"
    if kind < 6:
        return f"({first})*({scalar_formula(draw, depth - 1)})"
    if kind == 6:
        return f"({first})/({scalar_formula(draw, depth - 1)} + 3)"
    if kind == 7:
        return f"({first})^{draw.choice(['2', '3', '(1/2)', '(-1)', '2', 'x', '(3/2)'])}"
    if kind == 8 and draw.random() < 0.4:
        other = scalar_formula(draw, depth - 1)
        return draw.choice(
            [f"max({first}, {other})", f"where({first} > {other}, {other}, {first}^2)"]
        )
    return f"{draw.choice(_UNARY)}({first})"


def data_formula(draw: random.Random) -> str:
    """A loss over columns x, y (and t) with parameters m, b, a."""
    model = draw.choice(
        ["m*x + b", "a*exp(-b*x)", "m*x", "tanh(m*x + b)", "b*x^2 + m*x", "m/(1 + x^2) + b"]
    )
    residual = f"(y - ({model}))"
    term = draw.choice(
        [f"{residual}^2", f"abs{residual}", f"log(cosh{residual})", f"sqrt(1 + {residual}^2)",
         f"max(0, 1 - y*({model}))", f"log(1 + exp(-y*({model})))",
         f"where(abs{residual} < 1, {residual}^2/2, abs{residual} - 1/2)",
         f"y*log(sigmoid({model})) + (1 - y)*log(1 - sigmoid({model}))"]
    )  # fmt: skip
    outer = draw.choice(["mean", "sum", "1/N*sum", "1/(2*N)*sum"])
    penalty = draw.choice(["", " + 0.1*m^2", " + lam*abs(m)", " - 3*log(m^2 + 1)"])
    loss = f"{outer}({term}){penalty}"
    return draw.choice([loss, loss, f"sqrt({loss} + 100)", f"log(50 + {loss})"])


def array_formula(draw: random.Random) -> str:
    """A loss of arrays X (n, p), w (p,), y (n,), A (p, p)."""
    residual = draw.choice(["X @ w - y", "y - X @ w", "y - tanh(X @ w)", "sigmoid(X @ w) - y"])
    term = draw.choice(
        [f"sum(({residual})^2)", f"norm({residual})^2", f"mean(({residual})^2)",
         f"logsumexp({residual})", "sum(log(1 + exp(-y*(X @ w))))", f"norm({residual})",
         "w @ A @ w/(w @ w)", "y @ X @ w", f"mean(abs({residual}))", "sum(softmax(X @ w)*y)",
         f"({residual}) @ ({residual})"]
    )  # fmt: skip
    penalty = draw.choice(["", " + 0.1*sum(w^2)", " + 2*norm1(w)", " + w @ A @ w", " + log(w @ w)"])
    return term + penalty
