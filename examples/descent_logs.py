"""Gradient descent and stochastic gradient descent on the MSE of a line, with their logs.

One log line for each epoch: the parameters and the MSE over all rows.
"""

import numpy as np

import symgd

TRUE = {"m": 2.0, "b": -1.0}


def rows(seed: int = 3, count: int = 60) -> dict[str, np.ndarray]:
    """A noisy line."""
    random = np.random.default_rng(seed)
    x = random.uniform(-2, 2, count)
    return {"x": x, "y": TRUE["m"] * x + TRUE["b"] + random.normal(0, 0.3, count)}


def log(title: str, epochs: list[int], theta: np.ndarray, loss: np.ndarray) -> None:
    """A table of parameters and MSE at some epochs."""
    print(title)
    print("  epoch          m          b        MSE")
    for epoch in epochs:
        m, b = theta[epoch]
        print(f"  {epoch:5d} {m:10.5f} {b:10.5f} {loss[epoch]:10.6f}")


def main() -> None:
    data, start = rows(), {"m": 0, "b": 0}
    options = {"loss": "mse", "start": start, "method": "gd", "precision": None}
    batch = symgd.fit("y ~ m*x + b", data, rate=0.1, steps=50, **options)
    log("gradient descent, rate 0.1", [0, 1, 2, 5, 10, 20, 50],
        batch.history.theta, batch.history.loss)  # fmt: skip
    single = symgd.fit(
        "y ~ m*x + b", data, schedule="20/(t + 400)", batch=1, epochs=50, seed=0, **options
    )
    log("one row at a time, rate 20/(t + 400)", [0, 1, 4, 9, 19, 49],
        single.history.epoch_theta, single.history.epoch_loss)  # fmt: skip
    print("true         ", TRUE)
    print("least squares", np.round(np.polyfit(data["x"], data["y"], 1), 5))


if __name__ == "__main__":
    main()
