"""Batch gradient descent on y = w x + b with noise: a fixed rate, then t0/(t + t1).

The loss 1/2 sum (X theta - y)^2 has the gradient X^T (X theta - y) of the lesson.
"""

import numpy as np

import symgd

TRUE = {"slope": 3.0, "intercept": 4.0}
LOSS = "sum((X @ theta - y)^2)/2"


def rows(seed: int = 0, count: int = 100) -> dict[str, np.ndarray]:
    """Random rows with a column of ones for the intercept."""
    random = np.random.default_rng(seed)
    x = random.random(count)
    y = TRUE["intercept"] + TRUE["slope"] * x + random.normal(0, 0.5, count)
    return {"X": np.column_stack([np.ones(count), x]), "y": y}


def main() -> None:
    data = rows()
    print("gradient:", symgd.gradient(LOSS)["theta"])
    exact, *_ = np.linalg.lstsq(data["X"], data["y"], rcond=None)
    runs = {
        "rate 0.01": {"rate": 0.01},
        "rate 5/(t + 1000)": {"schedule": "5/(t + 1000)"},
    }
    print(f"{'':20} {'intercept':>10} {'slope':>10}   steps")
    print(f"{'true':20} {TRUE['intercept']:10.4f} {TRUE['slope']:10.4f}")
    print(f"{'least squares':20} {exact[0]:10.4f} {exact[1]:10.4f}")
    for name, options in runs.items():
        found = symgd.minimize(
            LOSS, data=data, start={"theta": [0, 0]}, steps=10_000, precision=None, **options
        )
        intercept, slope = found.params["theta"]
        print(f"{name:20} {intercept:10.4f} {slope:10.4f}   {found.steps}")


if __name__ == "__main__":
    main()
