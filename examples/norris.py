"""The main job on real data: model in, derivation, descent, certified answer beside ours.

NIST's Norris data (36 measurements of ozone): y = B0 + B1*x. The certified values were
computed by NIST with 500 digits.
"""

import math
from pathlib import Path

import symgd

DATA = Path(__file__).parent / "data" / "norris.csv"
CERTIFIED = {"B0": -0.262323073774029, "B1": 1.00211681802045}
CERTIFIED_SD = {"B0": 0.232818234301152, "B1": 0.000429796848199937}


def digits(ours: float, certified: float) -> float:
    """How many significant digits agree."""
    error = abs(ours - certified) / abs(certified)
    return 15.0 if error < 1e-15 else -math.log10(error)


def main() -> None:
    g = symgd.gradient("mean((y - (B0 + B1*x))^2)")
    print(g.reading)
    print(g)
    print()
    print(g.steps("B1"))
    print()
    fit = symgd.fit("y ~ B0 + B1*x", DATA)
    print(fit)
    print()
    print("             ours                 certified            digits")
    for name, certified in CERTIFIED.items():
        value, error = fit.params[name], fit.stderr[name]
        print(f"{name}      {value: .14f}   {certified: .14f}   {digits(value, certified):5.1f}")
        known = CERTIFIED_SD[name]
        print(f"sd({name})  {error: .14f}   {known: .14f}   {digits(error, known):5.1f}")


if __name__ == "__main__":
    main()
