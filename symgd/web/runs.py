"""The runs that the Solve tab asks for: the fields of a request as the options of a descent.

>>> run = run_of({"rate": 0.1, "momentum": 0.9, "label": "fast"})
>>> run.options()["method"]
'momentum(beta=0.9)'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symgd.web.problem import FieldError, flag_of, number_of, text_of, whole_of

MAX_RUNS = 6
MAX_STEPS = 1_000_000
SEED = 0
"""Whatever is random is drawn with this seed unless another is given: it can be repeated."""
WITH_BETA = ("momentum", "nesterov")
BETA = re.compile(r"(?<![A-Za-z0-9_])beta(?![A-Za-z0-9_])")


@dataclass(frozen=True)
class Run:
    """One descent: method and rate as they were asked for, batches, and when it stops."""

    rate: float | str | None = None
    method: str | None = None
    momentum: float | None = None
    batch: int | None = None
    replace: bool = False
    seed: int | None = None
    epochs: int | None = None
    stop: str = "error"
    label: str = ""

    @property
    def rule(self) -> str | None:
        """The method with its momentum, as ``symgd.minimize`` takes it."""
        if self.momentum is None:
            return self.method
        if self.method is None or self.method == "gd":
            return f"momentum(beta={self.momentum!r})"
        if self.method in WITH_BETA:
            return f"{self.method}(beta={self.momentum!r})"
        if "=" in self.method:
            return BETA.sub(repr(float(self.momentum)), self.method)
        return self.method

    def options(self) -> dict[str, Any]:
        """The options of ``symgd.minimize`` and ``symgd.fit`` that are not the usual ones."""
        given = {
            "rate": self.rate, "method": self.rule, "batch": self.batch,
            "replace": self.replace or None, "seed": self.seed, "epochs": self.epochs,
            "stop": None if self.stop == "error" else self.stop,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Order:
    """All runs of a request, their common start, and the limits they share."""

    runs: tuple[Run, ...]
    start: Any
    steps: int | None
    precision: float | str | None

    def options(self, run: Run) -> dict[str, Any]:
        """The options of one run, those that all runs share among them."""
        shared = {"start": self.start, "steps": self.steps}
        if run.epochs is not None:
            shared["steps"] = None
        named = {name: value for name, value in shared.items() if value is not None}
        if self.precision != "auto":
            named["precision"] = self.precision
        if run.seed is None and (run.batch is not None or self.start == "random"):
            named["seed"] = SEED
        return {**named, **run.options()}


def order_of(content: Mapping[str, Any], start: Any) -> Order:
    """The runs of a request; raises :class:`~symgd.web.problem.FieldError`."""
    given = content.get("runs")
    if given is None:
        given = [{}]
    if not isinstance(given, list) or not all(isinstance(run, dict) for run in given):
        raise FieldError("runs", "runs must be a list of objects")
    if not 1 <= len(given) <= MAX_RUNS:
        raise FieldError("runs", f"there are {len(given)} runs; from 1 to {MAX_RUNS} can be made")
    steps = content.get("steps") is not None and "steps"
    name = steps or "max_steps"
    return Order(
        tuple(run_of(run) for run in given), start, whole_of(content, name, 1, MAX_STEPS),
        precision_of(content),
    )  # fmt: skip


def run_of(given: Mapping[str, Any]) -> Run:
    """One run."""
    stop = text_of(given, "stop", "error")
    if stop not in ("error", "step"):
        raise FieldError("stop", f"stop is 'error' or 'step', not {stop!r}")
    return Run(
        rate=rate_of(given),
        method=(text_of(given, "method", None, 2000) or "").strip() or None,
        momentum=number_of(given, "momentum"),
        batch=whole_of(given, "batch", 1, 10**9),
        replace=flag_of(given, "replace"),
        seed=whole_of(given, "seed", 0, 2**31),
        epochs=whole_of(given, "epochs", 1, MAX_STEPS),
        stop=stop,
        label=text_of(given, "label", "", 200),
    )


def rate_of(given: Mapping[str, Any]) -> float | str | None:
    """A rate as a number, or a schedule as a formula in t."""
    value = given.get("rate")
    if not isinstance(value, str):
        return number_of(given, "rate")
    text = str(text_of(given, "rate", "", 2000)).strip()
    try:
        return float(text) if text else None
    except ValueError:
        return text


def precision_of(content: Mapping[str, Any]) -> float | str | None:
    """A positive number, "auto", or None: all steps are made."""
    value = content.get("precision", "auto")
    if value is None or value == "auto":
        return "auto" if value else None
    return number_of(content, "precision")
