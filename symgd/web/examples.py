"""The lessons and models of the page: each a complete state, one click away.

>>> found = {example["key"]: example for example in examples({})["examples"]}
>>> found["parabola"]["state"]["problem"]["text"]
'(x - 3.5)^2 - 4.5x + 10'
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PARABOLA = "(x - 3.5)^2 - 4.5x + 10"
LINE = "mean((y - (m*x + b))^2)"
SURFACE = "mean((y - (w*x + b))^2)"
ZERO = {"m": 0, "b": 0}

TEXTBOOK = """\
L = mean((y - (m*x + b))^2)
dL/dm = mean(2*(y - (m*x + b))*(-x))
      = 2*mean(x*(y - (m*x + b)))
dL/db = -2*mean(y - (m*x + b))
"""
SIGMOID = r"""\begin{align}
L &= \frac{1}{N}\sum_{i=1}^{N} \log(1 + e^{-s_i w x_i}) \\
\frac{\partial L}{\partial w} &= \frac{1}{N}\sum_{i=1}^{N} \frac{-s_i x_i e^{-s_i w x_i}}{1 + e^{-s_i w x_i}} \\
&= -\frac{1}{N}\sum_{i=1}^{N} \frac{s_i x_i}{1 + e^{s_i w x_i}}
\end{align}"""  # noqa: E501


def examples(content: Mapping[str, Any]) -> dict[str, Any]:
    """Every example with its title, a sentence, the tab it belongs to and its state."""
    found = [*_derived(), *_checked(), *_lessons(), *_models(), *_real()]
    return {"examples": found}


def _example(
    key: str, title: str, text: str, group: str, tab: str, problem: Mapping[str, Any],
    **state: Any,
) -> dict[str, Any]:  # fmt: skip
    full = {"tab": tab, "problem": dict(problem), **state}
    return {"key": key, "title": title, "text": text, "group": group, "tab": tab, "state": full}


def _run(label: str, **options: Any) -> dict[str, Any]:
    return {"label": label, **options}


def _derived() -> list[dict[str, Any]]:
    logistic = r"\frac{1}{N}\sum_{i=1}^{N} \log\left(1+e^{-s_i x_i^\top w}\right)"
    return [
        _example("chain-rule", "The chain rule", "Squared error of a line, rule by rule.",
                 "lessons", "derive", {"text": LINE}, level="normal"),
        _example("least-squares", "Least squares with matrices", "Half the squared norm of Xw - y.",
                 "models", "derive", {"text": r"\frac{1}{2}\|Xw - y\|_2^2", "format": "latex"},
                 level="normal"),
        _example("logistic-loss", "Logistic loss", "Labels -1 and 1, a vector of weights.",
                 "models", "derive", {"text": logistic, "format": "latex"}, level="normal"),
        _example("network-loss", "A network with one hidden layer", "Two matrices and a tanh.",
                 "models", "derive", {"text": "sum((W2 @ tanh(W1 @ x) - y)^2)"}, level="normal"),
    ]  # fmt: skip


def _checked() -> list[dict[str, Any]]:
    return [
        _example("lost-sign", "A lost sign", "The gradient of a line, with a mistake in line 3.",
                 "lessons", "check", {"text": ""}, lines=TEXTBOOK),
        _example("align", "An align block", "The logistic loss as a paper prints it.",
                 "models", "check", {"text": ""}, lines=SIGMOID),
    ]  # fmt: skip


def _lessons() -> list[dict[str, Any]]:
    line = {"text": "y ~ m*x + b", "model": True, "csv": line_data(), "columns": ["x", "y"]}
    slope = {"text": SURFACE, "csv": line_data(), "columns": ["x", "y"]}
    rates = [_run(f"rate {rate}", rate=rate) for rate in (0.02, 0.4, 0.9, 1.02)]
    valley = {"text": "(1 - x)^2 + 5*(y - x^2)^2", "wrt": ["x", "y"]}
    return [
        _example("parabola", "A parabola", "One parameter, step by step, until it stands still.",
                 "lessons", "solve", {"text": PARABOLA}, start={"x": 9},
                 runs=[_run("rate 0.1", rate=0.1)], precision=1e-3),
        _example("rates", "Four learning rates", "Slow, good, swinging, and beyond the limit.",
                 "lessons", "solve", {"text": PARABOLA}, start={"x": 9}, runs=rates,
                 steps=60, precision=1e-3),
        _example("line", "A line by batch descent", "All rows in every step.",
                 "lessons", "solve", line, start=ZERO,
                 runs=[_run("batch descent", rate=0.05)], precision=1e-4),
        _example("mini-batches", "The line by mini-batches", "16 rows a step, a decaying rate.",
                 "lessons", "solve", line, start=ZERO, steps=None, precision=None,
                 runs=[_run("16 rows", rate="10/(t + 200)", batch=16, epochs=60, seed=0)]),
        _example("per-sample", "The line by single rows", "One row a step: stochastic descent.",
                 "lessons", "solve", line, start=ZERO, steps=None, precision=None,
                 runs=[_run("1 row", rate="4/(t + 200)", batch=1, epochs=20, seed=0)]),
        _example("surface", "The loss as a surface", "Its two parameters span a valley.",
                 "lessons", "solve", slope, start={"w": -2, "b": 6},
                 runs=[_run("rate 0.04", rate=0.04)], precision=1e-4),
        _example("momentum", "Momentum in a curved valley", "With and without momentum.",
                 "lessons", "solve", valley, start={"x": -1, "y": 2}, steps=500, precision=1e-4,
                 runs=[_run("plain", rate=0.015), _run("momentum", rate=0.015, momentum=0.8)]),
    ]  # fmt: skip


def _models() -> list[dict[str, Any]]:
    passed = {"text": "passed ~ a + b*hours", "model": True, "loss": "logistic",
              "csv": passed_data(), "columns": ["hours", "passed"]}  # fmt: skip
    wave = {"text": "y ~ c + a1*tanh(w1*x + b1) + a2*tanh(w2*x + b2)", "model": True,
            "csv": wave_data(), "columns": ["x", "y"]}  # fmt: skip
    begin = {"c": 0, "a1": 0.5, "w1": 1, "b1": 1, "a2": -0.5, "w2": 1, "b2": -1}
    return [
        _example("logistic", "Logistic regression", "Passed or not, by the hours of work.",
                 "models", "solve", passed, start={"a": 0, "b": 0},
                 runs=[_run("rate 0.3", rate=0.3)], steps=2000, precision=1e-4),
        _example("network", "A small network", "Two hidden units learn a wave, with Adam.",
                 "models", "solve", wave, start=begin, steps=1500, precision=None,
                 runs=[_run("Adam", method="adam", rate=0.03)]),
    ]  # fmt: skip


def _real() -> list[dict[str, Any]]:
    """Certified data of NIST, where they are installed."""
    misra, norris = data_file("misra1a.csv"), data_file("norris.csv")
    found = []
    if misra is not None:
        problem = {"text": "y ~ b1*(1 - exp(-b2*x))", "model": True, "csv": misra,
                   "columns": ["x", "y"]}  # fmt: skip
        found.append(_example(
            "misra", "A nonlinear fit", "Misra1a: certified data of NIST, Levenberg-Marquardt.",
            "models", "solve", problem, start={"b1": 500, "b2": 1e-4}, runs=[_run("", method="lm")],
        ))  # fmt: skip
    if norris is not None:
        problem = {"text": "y ~ B0 + B1*x", "model": True, "csv": norris, "columns": ["x", "y"]}
        found.append(_example(
            "norris", "A certified line", "Norris: the certified digits of NIST.",
            "models", "solve", problem, start={"B0": 0, "B1": 0}, runs=[_run("")],
        ))  # fmt: skip
    return found


# -- data -----------------------------------------------------------------------------------------


def data_file(name: str) -> str | None:
    """The text of a file of examples/data without its comments, None if it is not installed."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples" / "data", package.parent / "examples" / "data"):
        path = folder / name
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            return "\n".join(line for line in lines if not line.startswith("#")) + "\n"
    return None


def line_data() -> str:
    """64 rows near y = 3x + 4, always the same."""
    import numpy as np

    random = np.random.default_rng(0)
    x = np.round(4 * random.random(64), 2)
    return _csv(("x", "y"), x, np.round(3 * x + 4 + random.normal(0, 1, 64), 2))


def wave_data() -> str:
    """60 rows of a noisy wave."""
    import numpy as np

    random = np.random.default_rng(1)
    x = np.round(np.linspace(-3, 3, 60), 2)
    return _csv(("x", "y"), x, np.round(np.sin(1.3 * x) + random.normal(0, 0.08, 60), 3))


def passed_data() -> str:
    """40 rows: hours of work, and whether an exam was passed."""
    import numpy as np

    random = np.random.default_rng(2)
    hours = np.round(np.linspace(0.2, 6, 40), 2)
    chance = 1 / (1 + np.exp(-1.6 * (hours - 3)))
    return _csv(("hours", "passed"), hours, (random.random(40) < chance).astype(int))


def _csv(names: tuple[str, ...], *columns: Any) -> str:
    rows = [",".join(names)]
    rows += [",".join(f"{value:g}" for value in row) for row in zip(*columns, strict=True)]
    return "\n".join(rows) + "\n"
