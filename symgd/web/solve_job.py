"""Runs of a descent, told while they go on: what the Solve tab plays.

:func:`solve` makes the runs of a request one after the other and tells each path in pieces. A
run that is refused does not end the others; an interrupt ends all, the current one at its best
point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from symgd.descend import History, Outcome, Progress, Solution
from symgd.errors import SymgdError
from symgd.web.data_file import data_of
from symgd.web.failures import failure, told
from symgd.web.fit_view import fit_view
from symgd.web.jsonable import kept, plain
from symgd.web.problem import Asked, flag_of, formula_text, number_of, problem_of, start_of
from symgd.web.runs import Order, Run, order_of

Tell = Callable[[dict[str, Any]], None]

SECONDS = 20.0
MAX_SECONDS = 55.0
POINTS = 2000
"""So many points of a path are told at most."""
NAMES = 50
"""So many components of a path are told at most."""
PIECE = 0.06
"""Seconds between the pieces of a path."""

STATUS = {
    Outcome.CONVERGED: "good", Outcome.PRECISION_LIMIT: "good", Outcome.MAX_STEPS: "partial",
    Outcome.TIME_LIMIT: "partial", Outcome.INTERRUPTED: "partial", Outcome.STALLED: "partial",
    Outcome.DIVERGED: "bad", Outcome.UNBOUNDED: "bad", Outcome.LEFT_DOMAIN: "bad",
}  # fmt: skip
"""How an outcome is to be taken at a glance."""


def solve(content: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Make the runs of a request, telling ``start``, ``path``, ``progress``, ``done``."""
    asked, order = problem_of(content), order_of(content, start_of(content))
    allowed = min(number_of(content, "time_limit", SECONDS, 0.1) or SECONDS, MAX_SECONDS)
    began = perf_counter()
    tell({"event": "start", "job": str(content.get("job", "")), "runs": len(order.runs)})
    made = 0
    with data_of(asked) as data:
        text = asked.text if asked.model else formula_text(asked)
        for index in range(len(order.runs)):
            left = allowed - (perf_counter() - began)
            if not _one(asked, text, data, order, index, max(left, 0.2), tell):
                break
            made += 1
        if flag_of(content, "closed") and made == len(order.runs):
            _tell_closed(asked, data, tell)
    return {"seconds": round(perf_counter() - began, 4), "made": made}


def _one(
    asked: Asked, text: str, data: str | None, order: Order, index: int, seconds: float, tell: Tell
) -> bool:
    """Make one run; whether the next one is to be made."""
    run = order.runs[index]
    watcher = Watcher(index, tell)
    try:
        solution = make(asked, text, data, order, run, seconds, watcher)
        tell(done(index, run, solution))
    except KeyboardInterrupt:
        error = told("cancelled", "the run was cancelled before its first step")
        tell({"event": "failed", "run": index, "error": error})
        return False
    except SymgdError as problem:
        fields = {"text": text, "method": run.method, "rate": run.rate}
        error = {**failure(problem, fields), "needs": needs(asked)}
        tell({"event": "failed", "run": index, "error": error})
        return True
    return solution.outcome is not Outcome.INTERRUPTED


def make(
    asked: Asked, text: str, data: str | None, order: Order, run: Run, seconds: float,
    watcher: Callable[[Progress], None] | None = None,
) -> Solution:  # fmt: skip
    """One run, of a model or of a loss."""
    options = order.options(run)
    options["time_limit"] = seconds
    options.update(declared(asked))
    if watcher is not None:
        options["observers"] = (watcher,)
    if asked.model:
        from symgd.fit import fit

        return fit(text, data, loss=asked.loss, **options)
    from symgd.minimize import minimize

    return minimize(text, data=data, wrt=asked.wrt, **options)


def declared(asked: Asked) -> dict[str, Any]:
    """What was said about the names, as options; only what was said."""
    given = {"shapes": asked.shapes, "constants": asked.constants}
    named: dict[str, Any] = {name: value for name, value in given.items() if value}
    if asked.missing != "refuse":
        named["missing"] = asked.missing
    return named


def needs(asked: Asked) -> list[str]:
    """The data columns of a formula that came without data.

    >>> needs(Asked("mean((y - m*x)^2)"))
    ['x', 'y']
    """
    from symgd.expression import read_formula
    from symgd.web.problem import model_loss

    if asked.csv is not None and asked.csv.strip():
        return []
    try:
        text = model_loss(asked) if asked.model else asked.text
        declared: dict[str, Any] = {"shapes": asked.shapes, "constants": asked.constants}
        problem = read_formula(text, asked.format, wrt=asked.wrt, columns=asked.columns, **declared)
    except SymgdError:
        return []
    return list(problem.data)


class Watcher:
    """Tells the points of a run in pieces, fewer and fewer of them as it gets longer."""

    def __init__(self, run: int, tell: Tell) -> None:
        self.run, self.tell = run, tell
        self.points: list[tuple[int, list[float], float, float, float]] = []
        self.stride, self.count = 1, 0
        self.began = self.last = perf_counter()

    def __call__(self, progress: Progress) -> None:
        if progress.step % self.stride == 0:
            theta = progress.theta[:NAMES].tolist()
            self.points.append(
                (progress.step, theta, progress.loss, progress.rate, progress.gradient_norm)
            )
            self.count += 1
            if self.count >= POINTS // 2:
                self.stride, self.count = 4 * self.stride, 0
        now = perf_counter()
        if now - self.last >= PIECE:
            self.last = now
            self._tell(progress, now)

    def _tell(self, progress: Progress, now: float) -> None:
        if self.points:
            step, theta, loss, rate, norm = (
                list(column) for column in zip(*self.points, strict=True)
            )
            self.points = []
            path = {"step": step, "theta": theta, "loss": loss, "rate": rate, "gradient_norm": norm}
            self.tell({"event": "path", "run": self.run, **plain(path)})
        self.tell(
            plain(
                {
                    "event": "progress", "run": self.run, "step": progress.step,
                    "loss": float(progress.loss), "seconds": round(now - self.began, 3),
                }
            )
        )  # fmt: skip


def done(index: int, run: Run, solution: Solution) -> dict[str, Any]:
    """The end of a run: the solution, its path, and what a fit adds."""
    return {
        "event": "done",
        "run": index,
        "label": run.label,
        "names": list(solution.layout.names[:NAMES]),
        "solution": solved(solution),
        "path": path_of(solution.history),
        "epochs": epochs_of(solution.history),
        "fit": fit_view(solution),
        "method_latex": method_latex(run.rule),
    }


def solved(solution: Solution) -> dict[str, Any]:
    """The solution under its own names, with what to think of it at a glance."""
    content = solution.to_dict()
    content["theta"] = plain(solution.theta[:POINTS])
    content["advice"] = solution.outcome.value
    content["status"] = STATUS[solution.outcome]
    content["text"] = str(solution)
    return content


def path_of(history: History) -> dict[str, Any]:
    """The iterates of a run, thinned."""
    places = kept(len(history), POINTS)
    return {
        "step": plain(history.step[places]),
        "theta": plain(history.theta[places, :NAMES]),
        "loss": plain(history.loss[places]),
        "rate": plain(history.rate[places]),
        "gradient_norm": plain(history.gradient_norm[places]),
        "recorded": len(history),
    }


def epochs_of(history: History) -> dict[str, Any] | None:
    """The loss over all rows at the end of each epoch, if there were batches."""
    if not len(history.epoch_loss):
        return None
    places = kept(len(history.epoch_loss), POINTS)
    return {
        "epoch": plain(places + 1),
        "theta": plain(history.epoch_theta[places, :NAMES]),
        "loss": plain(history.epoch_loss[places]),
    }


def method_latex(rule: str | None) -> str | None:
    """The updates of a first-order method in LaTeX, None for one that has no rule."""
    from symgd.methods import named

    try:
        return named(rule or "gd").latex()
    except SymgdError:
        return None


def _tell_closed(asked: Asked, data: str | None, tell: Tell) -> None:
    """The exact answer, where there is one."""
    from symgd.diagnose import closed_form
    from symgd.web.problem import gradient_of

    if data is not None or asked.model:
        return
    try:
        partials = gradient_of(asked).partials
        found = closed_form(partials, seconds=2.0) if partials.wrt else None
    except (SymgdError, KeyboardInterrupt):
        return
    if found:
        points = [
            {n: plain(np.asarray(v, dtype=float)) for n, v in p.items()} for p in found.points
        ]
        tell({"event": "closed", "text": str(found), "latex": found.latex, "points": points})
