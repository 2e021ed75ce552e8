"""Named losses, each a formula, and what is known of them as likelihoods."""

from __future__ import annotations

from symgd.errors import OptionError

LOSSES: dict[str, str] = {
    "mse": "mean((y - prediction)^2)",
    "sse": "sum((y - prediction)^2)",
    "mae": "mean(abs(y - prediction))",
    "huber": "mean(where(abs(y - prediction) <= 1, (y - prediction)^2/2, "
    "abs(y - prediction) - 1/2))",
    "logistic": "mean(log(1 + exp(prediction)) - y*prediction)",
    "poisson": "mean(exp(prediction) - y*prediction)",
}
"""Named losses, each a formula in ``y`` (the target) and ``prediction`` (the model).

``logistic`` takes labels 0 and 1 and ``prediction`` as the log-odds; ``poisson``
counts and ``prediction`` as the log of the mean (the constant log y! is left out).
"""


def weighted(loss: str, factor: str) -> str:
    """The named loss with every row's term multiplied by ``factor``.

    >>> weighted("mse", "w")
    'mean(w*((y - prediction)^2))'
    """
    if loss not in LOSSES:
        raise OptionError(
            "weights and sigma go with the named losses "
            f"({', '.join(LOSSES)}); write them into a loss of your own"
        )
    head, _, body = LOSSES[loss].partition("(")
    return f"{head}({factor}*({body[:-1]}))"
