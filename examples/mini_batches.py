"""Mini-batches of 16 out of 100 rows, reshuffled each epoch, with a decaying rate.

First one feature, then three; the schedule counts the updates, not the epochs.
"""

import numpy as np

import symgd

LOSS = "mean((X @ theta - y)^2)"


def rows(weights: list[float], seed: int = 0, count: int = 100) -> dict[str, np.ndarray]:
    """Random features, a column of ones, and a noisy response; weights[0] is the intercept."""
    random = np.random.default_rng(seed)
    features = random.random((count, len(weights) - 1))
    matrix = np.column_stack([np.ones(count), features])
    return {"X": matrix, "y": matrix @ weights + random.normal(0, 0.1, count)}


def main() -> None:
    print("gradient:", symgd.gradient(LOSS)["theta"])
    for weights in ([4.0, 3.0], [1.0, 2.0, -3.0, 0.5]):
        data = rows(weights)
        found = symgd.minimize(
            LOSS, data=data, start={"theta": np.zeros(len(weights))}, schedule="200/(t + 1000)",
            batch=16, epochs=500, precision=None, seed=0,
        )  # fmt: skip
        exact, *_ = np.linalg.lstsq(data["X"], data["y"], rcond=None)
        print(f"{len(weights) - 1} feature(s), {found.steps} updates in {found.epochs} epochs")
        print("  true          ", np.round(weights, 3))
        print("  least squares ", np.round(exact, 3))
        print("  found         ", np.round(found.params["theta"], 3))


if __name__ == "__main__":
    main()
