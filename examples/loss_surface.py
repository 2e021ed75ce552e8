"""The loss of a line over a grid of (w, b), its slices, and descent row by row on it.

For one row the tool derives dw = 2x^2 w + 2xb - 2xy and db = 2b + 2xw - 2y.
"""

import numpy as np

import symgd


def main() -> None:
    row = symgd.gradient("(w*x + b - y)^2", wrt=["w", "b"])
    lesson = {"w": "2*x^2*w + 2*x*b - 2*x*y", "b": "2*b + 2*x*w - 2*y"}
    for name, written in lesson.items():
        same = (row[name].sympy() - symgd.gradient(written, wrt="y").loss.sympy()).expand() == 0
        print(f"d{name} = {row[name]}   equals the lesson's {written}: {same}")

    random = np.random.default_rng(5)
    x = random.uniform(-1, 1, 40)
    data = {"x": x, "y": 1.5 * x + 0.5 + random.normal(0, 0.1, 40)}
    loss = symgd.gradient("mean((w*x + b - y)^2)")
    weights, biases = np.linspace(-1, 4, 6), np.linspace(-1, 2, 5)
    print("e(w, b) over a grid; each row is a slice for one b")
    print("      b \\ w " + "".join(f"{w:8.1f}" for w in weights))
    objective = loss.compile(data)
    for b in biases:
        slice_of_b = [objective(objective.pack({"w": w, "b": b}))[0] for w in weights]
        print(f"{b:11.2f} " + "".join(f"{e:8.3f}" for e in slice_of_b))

    found = symgd.minimize(
        "mean((w*x + b - y)^2)", data=data, start={"w": -1, "b": 2}, schedule="20/(t + 200)",
        batch=1, epochs=30, precision=None, seed=0,
    )  # fmt: skip
    path = found.history.epoch_theta
    print("descent row by row, after epochs 1, 2, 5, 30:")
    for epoch in (0, 1, 4, 29):
        print(f"  w = {path[epoch, 0]:.4f}   b = {path[epoch, 1]:.4f}")


if __name__ == "__main__":
    main()
