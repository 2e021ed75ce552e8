"""Whole processes from the start: imports, reading, compiling and the answer, in CPU seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_DATA = """
import numpy as np
r = np.random.default_rng(3)
x = r.uniform(-5, 5, 100_000)
y = 2/(1 + np.exp(-1.5*(x - 0.3))) - 1 + 0.05*r.standard_normal(100_000)
"""
SCRIPTS = {
    "import sympy": "import sympy",
    "curve_fit": _DATA
    + """
from scipy.optimize import curve_fit
curve_fit(lambda x, a, k, c, d: a/(1 + np.exp(-k*(x - c))) + d, x, y, p0=[1, 1, 0, 0])
""",
    "lmfit": _DATA
    + """
import lmfit
model = lmfit.Model(lambda x, a, k, c, d: a/(1 + np.exp(-k*(x - c))) + d)
model.fit(y, x=x, a=1, k=1, c=0, d=0)
""",
    "symgd.fit": _DATA
    + """
import symgd
symgd.fit("y ~ a/(1 + exp(-k*(x - c))) + d", {"x": x, "y": y},
          start={"a": 1, "k": 1, "c": 0, "d": 0})
""",
}


def start() -> dict[str, Callable[[], Callable[[], Any]]]:
    """The command beside a bare import of SymPy."""
    formula = "mean((y - (m*x + b))^2)"
    return {
        "symgd minimize, a parabola": lambda: _command("minimize", "(x - 3.5)^2 - 4.5x + 10"),
        "symgd --help": lambda: _command("--help"),
        "symgd grad": lambda: _command("grad", formula),
        "python -c 'import sympy'": lambda: _script("import sympy"),
    }


def fit() -> dict[str, Callable[[], Callable[[], Any]]]:
    """A logistic curve through 100,000 points as a process of its own."""
    return {
        "symgd.fit": lambda: _script("symgd.fit"),
        "SciPy curve_fit": lambda: _script("curve_fit"),
        "lmfit": lambda: _script("lmfit", "lmfit"),
    }


def _command(*words: str) -> Callable[[], Any]:
    return _process([sys.executable, "-m", "symgd", *words])


def _script(name: str, needed: str = "") -> Callable[[], Any]:
    if needed:
        __import__(needed)
    return _process([sys.executable, "-c", SCRIPTS[name]])


def _process(command: list[str]) -> Callable[[], Any]:
    """Runs the command; the clock of the benchmarks counts the time of finished processes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run() -> float:
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
        return 1.0

    return run
