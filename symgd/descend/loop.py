"""The one loop: evaluate, look, step.

Everything else is a part of it. An *update* turns the gradient into the next point, a
*schedule* gives the rate, *batches* say which rows are looked at, the *watch* says when it is
over, *observers* see every iterate and never change it.

>>> solution = descend(lambda x: ((x - 3.5) ** 2 - 4.5 * x + 10, 2 * (x - 3.5) - 4.5), 9.0,
...                    rate=0.1, precision=1e-3)
>>> solution.outcome.name, solution.steps, round(solution.params["theta"], 2)
('CONVERGED', 37, 5.75)
>>> print(descend(lambda x: ((x - 3.5) ** 2, 2 * (x - 3.5)), 9.0, rate=50).message)
The iterates grow without end. The learning rate 50 is above the stable limit 2/L = 1 for this \
loss; the fastest fixed rate is about 1/L = 0.5. The iterates run away: use a smaller learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from symgd.descend import options, search
from symgd.descend.batches import Stream
from symgd.descend.certify import Certifier
from symgd.descend.endings import Ending
from symgd.descend.ends import ends_of
from symgd.descend.evaluate import Evaluator, largest
from symgd.descend.history import Recorder
from symgd.descend.leap import Leap, Leaper, leaper
from symgd.descend.objective import FloatArray, Layout, Objective, RowObjective
from symgd.descend.options import Settings
from symgd.descend.progress import Observer, Progress
from symgd.descend.solution import Solution
from symgd.descend.state import Origin, RunState
from symgd.descend.stepping import Limits
from symgd.descend.stop import Point, Watch
from symgd.descend.update import Declared, SteepestDescent, Update
from symgd.descend.watching import introduce, watched
from symgd.errors import OptionError


def descend(
    objective: Callable[[Any], Any],
    start: ArrayLike | Mapping[str, Any],
    *,
    rate: search.Rate = 0.01,
    update: Update[Any] | None = None,
    precision: float | None = 1e-6,
    stop: str = "error",
    steps: int | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    replace: bool = False,
    seed: int | None = None,
    time_limit: float | None = None,
    observers: Iterable[Observer] | Observer = (),
    layout: Layout | None = None,
    rate_text: str | None = None,
    resume: RunState | None = None,
    origin: Origin | None = None,
    live: bool = False,
) -> Solution:
    """Follow the gradient downhill: theta_(t+1) = theta_t - eta_t * gradient(theta_t).

    ``objective`` maps theta (p,) to (loss, gradient (p,)); if ``start`` is a bare number it may
    be a function of a number. ``start`` is a number, a vector or a mapping of names.

    * ``rate``: eta, a positive number or a schedule t -> eta_t on the update count t = 0, 1, ...;
      ``rate_text`` is the schedule in words, for messages.
    * ``update``: another method than :class:`SteepestDescent`.
    * ``precision``: CONVERGED promises that every parameter is that close to the minimum.
      ``None`` runs all steps. ``stop="step"`` ends at the textbook test
      max|theta_(t+1) - theta_t| < precision, and says CONVERGED only if the promise holds too.
    * ``steps`` or ``epochs`` bound the updates (10,000 steps if neither is given), and
      ``time_limit`` the seconds (3600).
    * ``batch`` rows per update, reshuffled each epoch by ``seed``; ``replace=True`` draws them
      with replacement. The stopping rule then looks at all rows, at the end of each epoch.
    * ``observers`` are called with every iterate, from the start on, as a :class:`Progress`;
      ``live=True`` opens a window that follows the run and may be closed without stopping it.
    * ``resume`` is the ``state`` of an earlier run with the same objective and options: it goes on
      there (``start`` then only gives the names), bit by bit as if it had not stopped; ``steps``
      are further ones. What the stopping rule had gathered is gathered anew. ``origin`` is kept
      in the ``state`` of the run, for checkpoints.

    Whatever happens on the way is an :class:`Outcome` of the :class:`Solution`, Ctrl-C included.
    Raises :class:`OptionError` for an option out of its range, by name, and for an objective
    that does not answer with real numbers of the right shape.

    >>> import numpy as np
    >>> target = np.array([1.0, -2.0])
    >>> def bowl(theta):
    ...     return float(np.sum((theta - target) ** 2)), 2 * (theta - target)
    >>> solution = descend(bowl, {"a": 0, "b": 0}, rate=0.4, layout=Layout.of({"a": (), "b": ()}))
    >>> {name: round(value, 5) for name, value in solution.params.items()}
    {'a': 1.0, 'b': -2.0}
    """
    began = perf_counter()
    if not callable(objective):
        raise OptionError(f"descend takes a function of theta, not {type(objective).__name__}")
    theta, names = options.checked_start(start, layout)
    plan = options.checked_batches(objective, batch, replace, seed)
    eta = search.checked_rate(rate)
    method = SteepestDescent() if update is None else update
    if not isinstance(method, Update):
        raise OptionError(f"update must have init and step, not {update!r}")
    settings = Settings(
        precision=options.checked_precision(precision),
        rule=options.checked_rule(stop),
        steps=options.checked_steps(steps, epochs, 1 if plan is None else plan.per_epoch),
        seconds=options.checked_seconds(time_limit),
        rate=None if callable(eta) else eta,
        schedule=eta if callable(eta) else None,
        rate_text=rate_text or search.text_of(eta),
        steepest=isinstance(method, Declared) and method.steepest,
        batches=plan,
    )
    bare = layout is None and not isinstance(start, Mapping) and np.ndim(start) == 0
    run = _Run(Evaluator(objective, theta.size, bare), theta, method, settings, names)
    run.origin = origin
    if resume is not None:
        run.go_on(resume)
    with watched(options.checked_observers(observers), live) as seen, np.errstate(all="ignore"):
        introduce(seen, names.names)
        run.observers = seen
        return run.solution(began)


class _Run:
    """The moving parts of one run."""

    def __init__(
        self,
        evaluate: Evaluator,
        start: FloatArray,
        update: Update[Any],
        settings: Settings,
        layout: Layout,
    ) -> None:
        self.evaluate, self.start, self.update = evaluate, start, update
        self.seen = start
        self.settings, self.layout = settings, layout
        epochs = 0 if settings.batches is None else settings.steps // settings.per_epoch
        self.recorder = Recorder(layout, steps=settings.steps, epochs=epochs)
        certifier = Certifier(evaluate, start, settings.precision, layout.names)
        self.watch = Watch(settings, evaluate, certifier)
        self.observers: tuple[Observer, ...] = ()
        self.t = self.first = 0
        self.rate = settings.rate or math.nan
        self.origin: Origin | None = None
        self.before = 0
        self.memory: Any = None
        self.random: Mapping[str, Any] | None = None
        self.stream: Stream | None = None
        self.now: tuple[FloatArray, Any, int] = (start, None, 0)

    def go_on(self, state: RunState) -> None:
        """Start from the state of an earlier run."""
        if state.theta.shape != self.start.shape:
            raise OptionError(
                f"resume has {state.theta.size} parameters, but there are {self.start.size}"
            )
        self.start = self.seen = state.theta.copy()
        self.memory = state.memory
        self.t = self.first = state.step
        self.random = state.random
        self.before = state.evaluations

    @property
    def evaluations(self) -> int:
        """Calls of the objective, those before the run was resumed included."""
        return self.before + self.evaluate.calls

    def state(self) -> RunState:
        """What it takes to go on from the current iterate."""
        theta, memory, t = self.now
        random = None if self.stream is None else self.stream.since(t)
        return RunState(theta.copy(), memory, t, random, self.origin, self.evaluations)

    def solution(self, began: float) -> Solution:
        """Run to the end, whatever it is."""
        settings = self.settings
        self.evaluate.deadline = began + settings.seconds
        try:
            ending = self._iterate(began + settings.seconds)
        except KeyboardInterrupt:
            ending = self.watch.interrupted()
        theta = ending.theta.copy()
        theta.setflags(write=False)
        if not self.recorder.steps:
            self.recorder.steps.add(self.t, theta, ending.loss, self.rate, ending.norm)
        return Solution(
            params=self.layout.unpack(theta),
            loss=ending.loss,
            gradient_norm=ending.norm,
            outcome=ending.outcome,
            steps=self.t,
            epochs=self.t // settings.per_epoch,
            evaluations=self.evaluations,
            seconds=perf_counter() - began,
            error_estimate=ending.error,
            history=self.recorder.history(),
            message=ending.message,
            theta=theta,
            layout=self.layout,
            method=f"{self.update.name}, rate {settings.rate_text}{settings.rows_text}",
            failed_at=ending.failed_at,
            cause=self.evaluate.failure if ending.failed_at is not None else "",
            state=self.state(),
        )

    def _iterate(self, deadline: float) -> Ending:
        settings, evaluate, watch = self.settings, self.evaluate, self.watch
        step, record, observers = self.update.step, self.recorder.steps.add, self.observers
        per_epoch, schedule = settings.per_epoch, settings.schedule
        t, limit, looks = self.first, self.first + settings.steps, 0
        batches, rate, infinite = self._batches(), self.rate, math.inf
        leaps = leaper(evaluate.function, settings, watch, t)
        theta, norm, moved = self.start, 0.0, infinite
        theta.setflags(write=False)
        state = self.memory if self.first else self.update.init(theta)
        while True:
            self.now = (theta, state, t)
            last = t >= limit or perf_counter() > deadline
            if batches is None or last or t % per_epoch == 0:
                loss, gradient = evaluate(theta)
                size = largest(gradient)
                if not (size < infinite and -infinite < loss < infinite):
                    return watch.broken(theta, loss, moved, norm)
                norm = size
                if batches is not None:
                    moved = self._epoch(theta, loss)
                ending = watch.look(looks, theta, loss, gradient, norm, moved)
                if ending is None and last:
                    ending = watch.exhausted(t >= limit, Point(theta, loss, gradient, norm))
                if ending is not None:
                    self._show(theta, loss, norm)
                    return ending
                looks += 1
            leap = None if leaps is None else self._leap(leaps, theta, looks, moved)
            if leap is not None:
                looks += leap.looks
                t, theta, norm, moved = self._landed(leap)
                continue
            if schedule is not None:
                self.rate = rate = search.rate_at(schedule, t, settings.rate_text)
            if batches is not None:
                loss, gradient = evaluate(theta, next(batches))
                size = largest(gradient)
                if not (size < infinite and -infinite < loss < infinite):
                    return watch.broken(theta, loss, moved, norm)
                norm = size
            if observers:
                self._show(theta, loss, norm)
            else:
                record(t, theta, loss, rate, norm)
            following, state = step(theta, gradient, state, rate, t)
            moved = largest(following - theta)
            self.t = t = t + 1
            if not moved < infinite:
                return watch.broken(following, loss, moved, norm)
            theta = following
            theta.setflags(write=False)

    def _leap(self, leaps: Leaper, theta: FloatArray, looks: int, moved: float) -> Leap | None:
        """Compiled steps from here on, if nothing can happen in them."""
        if self.stream is None:
            return leaps.over_all(self.t, theta, looks, moved)
        leap = leaps.over_batches(self.t, theta, self.stream, one=bool(self.observers))
        if leap is not None:
            if leap.done > self.settings.per_epoch:
                until, limits = self.watch.clear(looks, moved)
                leap = self._past_ends(leap, until - looks, limits)
            self.stream.skip(leap.done)
        return leap

    def _past_ends(self, leap: Leap, most: int, limits: Limits) -> Leap:
        """The part of several epochs up to the first end that is to be looked at."""
        per_epoch, epoch = self.settings.per_epoch, leap.t // self.settings.per_epoch
        between = leap.thetas[per_epoch:-1:per_epoch][: max(0, most)]
        ends = ends_of(self.evaluate, self.seen, between, limits)
        if ends.clear:
            rates = leap.rates[per_epoch - 1 :: per_epoch][: ends.clear]
            none = np.zeros(ends.clear)
            self.recorder.epochs.extend(epoch, ends.thetas, ends.losses, rates, none)
            self.watch.pass_over(ends.thetas, ends.losses, ends.gradients)
            self.seen = ends.thetas[-1].copy()
        return leap.first((ends.clear + 1) * per_epoch, ends.clear)

    def _landed(self, leap: Leap) -> tuple[int, FloatArray, float, float]:
        """Record a leap as if made step by step: t, theta, the last slope and step."""
        t, done = leap.t, leap.done
        if self.observers:
            for j in range(done):
                self.t, self.rate = t + j, float(leap.rates[j])
                theta = leap.thetas[j].copy()
                theta.setflags(write=False)
                self.now = (theta, self.now[1], self.t)
                self._show(theta, float(leap.losses[j]), float(leap.norms[j]))
        else:
            self.recorder.steps.extend(t, leap.thetas, leap.losses, leap.rates, leap.norms)
        if self.stream is None:
            self.watch.pass_over(leap.thetas[1:], leap.losses[1:], leap.gradients[1:])
        self.evaluate.calls += done - (self.stream is None)
        self.t, self.rate = t + done, float(leap.rates[-1])
        theta = leap.thetas[done].copy()
        theta.setflags(write=False)
        return self.t, theta, float(leap.norms[-1]), largest(theta - leap.thetas[done - 1])

    def _batches(self) -> Iterator[Objective] | None:
        """The objective over one mini-batch after the other, or None for all rows."""
        plan, function = self.settings.batches, self.evaluate.function
        if plan is None or not isinstance(function, RowObjective):
            return None
        self.stream = plan.stream(self.random, self.first)
        return (function.at_rows(rows) for rows in self.stream)

    def _epoch(self, theta: FloatArray, loss: float) -> float:
        """Record the end of an epoch; how far theta moved in it."""
        epoch, rest = divmod(self.t, self.settings.per_epoch)
        seen, self.seen = self.seen, theta
        if self.t == self.first:
            return math.inf
        if rest == 0:
            self.recorder.epochs.add(epoch - 1, theta, loss, self.rate, 0.0)
        return largest(theta - seen)

    def _show(self, theta: FloatArray, loss: float, norm: float) -> None:
        """Record one iterate and show it to the observers."""
        if math.isnan(self.rate) and self.settings.schedule is not None:
            self.rate = search.rate_at(self.settings.schedule, self.t, self.settings.rate_text)
        self.recorder.steps.add(self.t, theta, loss, self.rate, norm)
        epoch = self.t // self.settings.per_epoch
        for observer in self.observers:
            observer(Progress(self.t, epoch, theta, loss, norm, self.rate, self.state))
