"""All pictures of the gallery, made by one command: ``python examples/gallery/make.py``.

Each is one line of code. They are written beside this script, or into the folder that is named.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import symgd
from symgd import show

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
PARABOLA = "(x - 3.5)^2 - 4.5x + 10"
MSE = "mean((y - (m*x + b))^2)"
BOWL = "x^2 + 12*y^2 - x*y"
ROSENBROCK = "(1 - x)^2 + 100*(y - x^2)^2"


def line(rows: int = 60) -> dict[str, np.ndarray]:
    """A noisy line, y = 1.5x + 0.5."""
    random = np.random.default_rng(5)
    x = random.uniform(-2, 2, rows)
    return {"x": x, "y": 1.5 * x + 0.5 + random.normal(0, 0.4, rows)}


def pictures() -> dict[str, Callable[[], Any]]:
    """File name -> what makes the picture."""
    data, start = line(), {"m": -1, "b": 3}
    valley, far = {"x": -1.2, "y": 1}, {"x": -4, "y": 1.6}
    steps = symgd.minimize(PARABOLA, {"x": 0}, rate=0.2, precision=1e-3)
    fit = symgd.fit("y ~ m*x + b", data, start=start, rate=0.05)
    noisy = symgd.fit(
        "y ~ m*x + b", data, start=start, schedule="20/(t + 400)", batch=1, epochs=60,
        precision=None, seed=0,
    )  # fmt: skip
    chwirut = symgd.fit(
        "y ~ exp(-b1*x)/(b2 + b3*x)",
        DATA / "chwirut2.csv",
        start={"b1": 0.1, "b2": 0.01, "b3": 0.02},
    )
    slow = symgd.minimize(ROSENBROCK, valley, rate=1e-3, steps=5000)
    plain = symgd.minimize(BOWL, far, rate=0.075)
    heavy = symgd.minimize(BOWL, far, method="momentum", rate=0.01)
    newton = symgd.minimize(BOWL, far, method="newton")
    return {
        "curve.png": lambda: show.curve(PARABOLA, steps),
        "rates.png": lambda: show.rates(PARABOLA, start={"x": 0}),
        "fit.png": lambda: show.fit(fit),
        "fit_dark.png": lambda: show.fit(chwirut, theme="dark"),
        "contour.png": lambda: show.contour(fit),
        "contour_noisy.png": lambda: show.contour(noisy),
        "surface.png": lambda: show.surface(fit),
        "surface_cut.png": lambda: show.surface(ROSENBROCK, slow),
        "slices.png": lambda: show.slices(fit, over="m,b"),
        "history.png": lambda: show.history(fit),
        "history_noisy.png": lambda: show.history(noisy),
        "compare.png": lambda: show.compare(
            BOWL, {"gradient descent": plain, "momentum": heavy, "Newton's method": newton}
        ),
        "graph.png": lambda: show.graph(MSE, {"m": 1, "b": 0}, data={"x": [1, 2], "y": [0, 1]}),
        "formulas.png": lambda: show.formulas(symgd.gradient(MSE)),
        "learning.gif": lambda: show.learning(fit),
        "walk_curve.gif": lambda: show.walk(PARABOLA, steps),
        "walk_contour.gif": lambda: show.walk(fit),
        "walk_surface.gif": lambda: show.walk(fit, on="surface"),
    }


def shrink(path: Path) -> None:
    """The same picture with 256 colours, which is enough for a web page."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def main(folder: Path = HERE) -> None:
    for name, make in pictures().items():
        show.save(make(), folder / name, dpi=100)
        if name.endswith(".png"):
            shrink(folder / name)
        print(f"{name:20} {(folder / name).stat().st_size / 1000:6.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
