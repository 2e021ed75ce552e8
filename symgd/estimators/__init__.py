"""scikit-learn estimators whose model is a formula.

:class:`SymbolicRegressor` and :class:`SymbolicClassifier` are symgd's fits behind scikit-learn's
interface: they go into ``Pipeline``, ``GridSearchCV`` and ``cross_val_score``, and give the
coefficients under the names of the formula. scikit-learn is an optional extra and is imported
when one of the two names is first used; where it is missing, making an estimator says so.

>>> import numpy as np
>>> from symgd.estimators import SymbolicRegressor
>>> time = np.arange(8.0)
>>> found = SymbolicRegressor("a*exp(-k*time)", features=["time"])
>>> found = found.fit(time[:, None], 3*np.exp(-time/2))
>>> {name: round(value, 6) for name, value in found.coef_.items()}
{'a': 3.0, 'k': 0.5}
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symgd.errors import UnsupportedError

if TYPE_CHECKING:
    from symgd.estimators.classifier import SymbolicClassifier
    from symgd.estimators.regressor import SymbolicRegressor

_HOME = {
    "SymbolicClassifier": "symgd.estimators.classifier",
    "SymbolicRegressor": "symgd.estimators.regressor",
}

__all__ = ["SymbolicClassifier", "SymbolicRegressor"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_HOME[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "sklearn":
            raise
        return _missing(name)


def _missing(name: str) -> type:
    """A stand-in that says what is missing as soon as it is used."""

    def refuse(self: object, *args: object, **options: object) -> None:
        raise UnsupportedError(
            f"{name} needs scikit-learn, which is not installed: pip install 'symgd[sklearn]'"
        )

    return type(name, (), {"__init__": refuse, "__doc__": refuse.__doc__})
