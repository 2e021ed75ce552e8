"""The door for losses: a formula in, its minimum out.

>>> s = minimize("(x - 3.5)^2 - 4.5x + 10", start={"x": 0}, rate=0.1, precision=1e-3)
>>> s.converged, round(s.params["x"], 2)
(True, 5.75)

Without a rate or a method the structure of the formula chooses, and the result says which
method it was and why:

>>> minimize("(1 - x)^2 + 100*(y - x^2)^2", start={"x": -1.2, "y": 1}).method
'Levenberg-Marquardt, because the loss is a sum of squares'
"""

from symgd.minimize.door import METHODS, Precision, minimize, run
from symgd.minimize.rates import Rate, rate_of, schedule_function
from symgd.minimize.starts import Start, chosen_start, start_of, start_shapes

__all__ = [
    "METHODS",
    "Precision",
    "Rate",
    "Start",
    "chosen_start",
    "minimize",
    "rate_of",
    "run",
    "schedule_function",
    "start_of",
    "start_shapes",
]
