"""The door for data: a model and a loss, fitted to columns.

>>> f = fit("y ~ m*x + b", {"x": [0, 1, 2, 3], "y": [1, 3, 5, 7]})
>>> {name: round(value, 8) for name, value in f.params.items()}
{'m': 2.0, 'b': 1.0}
"""

from symgd.fit.door import LOSSES, fit
from symgd.fit.model import Fitted
from symgd.fit.result import Fit

__all__ = ["LOSSES", "Fit", "Fitted", "fit"]
