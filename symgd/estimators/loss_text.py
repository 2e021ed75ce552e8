"""The loss of an estimator as a formula: its weights, and its penalty on large parameters.

What is minimised is the loss plus ``alpha`` times the sum of the squares of the penalised
parameters. Losses that are means take their weights divided by the mean weight, so that a
weight of 2 is the same as the row twice, whatever ``alpha``. With ``loss="sse"`` this is
scikit-learn's ``Ridge(alpha)``.

>>> loss_text("mse", 0.5, {"w": (3,), "k": ()}, weighted=True)
'mean(row_weight*((y - prediction)^2)) + 0.5*(sum(w^2) + k^2)'
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from symgd.estimators.refusals import EstimatorError
from symgd.fit import LOSSES

WEIGHT = "row_weight"
PROBABILITY = "mean(-(y*log(prediction) + (1 - y)*log(1 - prediction)))"
"""The negative log-likelihood of labels 0 and 1 whose probability is the prediction."""


def loss_text(
    loss: str, alpha: float, penalised: Mapping[str, tuple[int, ...]], weighted: bool
) -> str:
    """The loss with weights and penalty, in ``y`` and ``prediction``."""
    text = LOSSES.get(loss, loss)
    if weighted:
        text = _with_weights(text)
    if not alpha or not penalised:
        return text
    squares = [f"sum({name}^2)" if shape else f"{name}^2" for name, shape in penalised.items()]
    return f"{text} + {_decimal(alpha)}*({' + '.join(squares)})"


def _decimal(value: float) -> str:
    return format(Decimal(repr(value)), "f")


def _with_weights(text: str) -> str:
    head, bracket, body = text.strip().partition("(")
    if head not in ("mean", "sum") or not bracket or not _closes_last(body):
        raise EstimatorError(
            f"sample_weight needs a loss that is a mean or a sum over the rows, not {text!r}"
        )
    return f"{head}({WEIGHT}*({body[:-1]}))"


def _closes_last(body: str) -> bool:
    """Whether the bracket that was opened before ``body`` is closed at its very end."""
    depth = 1
    for place, sign in enumerate(body):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if not depth:
            return place == len(body) - 1
    return False


def checked_alpha(alpha: Any) -> float:
    """``alpha`` if it is a finite number that is not negative."""
    try:
        value = float(alpha)
    except (TypeError, ValueError):
        value = math.nan
    if isinstance(alpha, bool | str) or not 0 <= value < math.inf:
        raise EstimatorError(f"alpha must be a number of at least 0, not {alpha!r}")
    return value


def checked_loss(loss: Any) -> str:
    """``loss`` if it is the name of a loss or a formula with ``prediction`` in it."""
    if not isinstance(loss, str) or (loss not in LOSSES and "prediction" not in loss):
        raise EstimatorError(
            f"loss={loss!r} is not known; there are {', '.join(LOSSES)}, and formulas in y and "
            "prediction such as 'mean((y - prediction)^4)'"
        )
    return loss


def penalised(
    names: Iterable[str] | None, shapes: Mapping[str, tuple[int, ...]], intercepts: Iterable[str]
) -> dict[str, tuple[int, ...]]:
    """The parameters that the penalty is on: those asked for, or all that are no intercept."""
    if names is None:
        free = set(intercepts)
        return {name: shape for name, shape in shapes.items() if name not in free}
    wanted = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in wanted if name not in shapes]
    if unknown:
        raise EstimatorError(
            f"penalize= names {unknown[0]!r}, which is no parameter: there are {', '.join(shapes)}"
        )
    return {name: shapes[name] for name in wanted}


__all__ = [
    "PROBABILITY", "WEIGHT", "checked_alpha", "checked_loss", "loss_text", "penalised",
]  # fmt: skip
