"""Errors of the estimators: symgd's own, and at the same time what scikit-learn expects.

scikit-learn's tools catch :class:`ValueError` and :class:`AttributeError`; symgd's users only
ever see :class:`~symgd.errors.SymgdError`. Errors about the arrays themselves (not finite,
complex, the wrong number of features) are those of scikit-learn's own validation.
"""

from __future__ import annotations

from symgd.errors import OptionError, UnsupportedError


class EstimatorError(OptionError, ValueError):
    """A parameter of an estimator, or its data, cannot be used."""


class NotAvailable(UnsupportedError, AttributeError):
    """An attribute that this fit does not have; the message says why."""


__all__ = ["EstimatorError", "NotAvailable"]
