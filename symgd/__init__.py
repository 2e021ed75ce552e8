"""symgd: type a loss; get its gradient with every step shown and proved, and its minimum.

>>> import symgd
>>> print(symgd.gradient("mean((y - (m*x + b))^2)")["m"])
-2/N*sum(x*(y - (m*x + b)))
>>> found = symgd.minimize("(x - 3.5)^2 - 4.5x + 10", start={"x": 0}, rate=0.1)
>>> found.outcome.name, round(found.params["x"], 4)
('CONVERGED', 5.75)
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symgd.check import Verdict, check, check_derivation, check_gradient, exercise
    from symgd.descend import Outcome, Solution, descend
    from symgd.errors import SymgdError
    from symgd.estimators import SymbolicClassifier, SymbolicRegressor
    from symgd.explain import explain
    from symgd.fit import Fit, fit
    from symgd.gradient import Gradient, gradient
    from symgd.higher import Jacobian, derivative, jacobian
    from symgd.minimize import minimize
    from symgd.resume import load, save

_HOME = {
    "Fit": "symgd.fit",
    "Gradient": "symgd.gradient",
    "Jacobian": "symgd.higher",
    "Outcome": "symgd.descend",
    "Solution": "symgd.descend",
    "SymbolicClassifier": "symgd.estimators",
    "SymbolicRegressor": "symgd.estimators",
    "SymgdError": "symgd.errors",
    "Verdict": "symgd.check",
    "check": "symgd.check",
    "check_derivation": "symgd.check",
    "check_gradient": "symgd.check",
    "derivative": "symgd.higher",
    "descend": "symgd.descend",
    "exercise": "symgd.check",
    "explain": "symgd.explain",
    "fit": "symgd.fit",
    "gradient": "symgd.gradient",
    "jacobian": "symgd.higher",
    "load": "symgd.resume",
    "minimize": "symgd.minimize",
    "save": "symgd.resume",
}

__all__ = [
    "Fit",
    "Gradient",
    "Jacobian",
    "Outcome",
    "Solution",
    "SymbolicClassifier",
    "SymbolicRegressor",
    "SymgdError",
    "Verdict",
    "check",
    "check_derivation",
    "check_gradient",
    "derivative",
    "descend",
    "exercise",
    "explain",
    "fit",
    "gradient",
    "jacobian",
    "load",
    "minimize",
    "save",
]

__version__ = "0.1.0"


class _Package(ModuleType):
    """The package: public names are imported when first used.

    A room may have the name of the function that is its door (``symgd.descend``
    is the function, ``from symgd.descend import Layout`` imports from the room).
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'symgd' has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return [*__all__, "__version__"]


sys.modules[__name__].__class__ = _Package
