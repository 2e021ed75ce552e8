"""A parabola from a random start until |x - last_x| < 0.001, every update printed.

Beside it the exact answer from setting the derivative to zero, rates compared by
their number of steps, and a rate that explodes and is caught.
"""

import symgd
from symgd.derive.partials import derive
from symgd.diagnose import closed_form
from symgd.formula.problem import read

PARABOLA = "(x - 3.5)^2 - 4.5x + 10"


def show(progress: object) -> None:
    """One line for each update."""
    print(f"  step {progress.step:3d}   x = {progress.theta[0]:10.6f}   f(x) = {progress.loss:.6f}")


def main() -> None:
    print("f(x)  =", PARABOLA)
    print("f'(x) =", symgd.gradient(PARABOLA)["x"])
    print("f'(x) = 0 exactly at", closed_form(derive(read(PARABOLA))))
    textbook = {"precision": 0.001, "stop": "step"}
    found = symgd.minimize(PARABOLA, start="random", seed=1, rate=0.1, observers=[show], **textbook)
    print(f"textbook stop: {found.message}")
    found = symgd.minimize(PARABOLA, start="random", seed=1, rate=0.1, precision=0.001)
    print(f"honest stop: x = {found.params['x']:.4f} after {found.steps} steps")
    print("rate   steps   x          outcome")
    for rate in (0.01, 0.1, 0.2, 0.4, 0.5, 50):
        found = symgd.minimize(PARABOLA, start={"x": 0}, rate=rate, precision=0.001)
        print(f"{rate:<6} {found.steps:5d}   {found.params['x']:8.5f}   {found.outcome.name}")
    print(found.message)


if __name__ == "__main__":
    main()
