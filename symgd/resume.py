"""Runs that can be put aside: saved to a file, loaded, and gone on with, bit by bit.

A checkpoint is JSON: the formula, the options, a fingerprint of the data, the parameters and the
state of the method in full precision, the state of the random generator, the count of updates,
and the versions of what computed it. 40 updates, saved and loaded, and 60 more give the same bits
as 100 in one go, in the middle of an epoch too.

>>> import os, tempfile
>>> import symgd
>>> options = dict(start={"x": 0, "y": 0}, method="adam", rate=0.1, precision=None)
>>> whole = symgd.minimize("(x - 3)^2 + (x*y + 1)^2", steps=100, **options)
>>> part = symgd.minimize("(x - 3)^2 + (x*y + 1)^2", steps=40, **options)
>>> with tempfile.TemporaryDirectory() as folder:
...     place = os.path.join(folder, "run.json")
...     save(place, part)
...     rest = load(place).resume(steps=60)
>>> rest.params == whole.params, rest.steps
(True, 100)
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from symgd.compile.columns import read_with_data
from symgd.compile.objective import compile_objective
from symgd.data import Table, fingerprint, to_csv
from symgd.data.files import write_atomically
from symgd.data.names import quote
from symgd.derive.partials import derive
from symgd.descend import History, Observer, Origin, Progress, RunState, Solution, descend
from symgd.errors import DataError, OptionError
from symgd.methods.origin import method_again, rate_again
from symgd.methods.saved import plain, restored

FORMAT = "symgd run 1"
MAX_BYTES = 1_000_000_000
_COMPUTING = ("numpy", "scipy", "sympy", "llvmlite")
_WARM = 100


def save(path: str | os.PathLike[str], run: Solution | RunState) -> None:
    """Write a run to ``path`` (JSON), so that :func:`load` can go on with it.

    ``run`` is a :class:`~symgd.descend.Solution` of :func:`symgd.minimize` or
    :func:`symgd.fit` by a first-order method, or what ``progress.state()`` gives to an observer.
    The file is replaced in one step, and the checkpoint that was there is kept beside it with
    ``.previous`` at the end of its name.

    Raises :class:`~symgd.errors.OptionError` for a run that cannot be gone on with (a method that
    makes its own steps, one that is not made of formulas), and
    :class:`~symgd.errors.DataError` if the place cannot be written.
    """
    if not isinstance(run, Solution | RunState | None):
        raise OptionError(f"save(path, run) keeps a Solution, not {type(run).__name__}")
    target = _place(path)
    state = run.state if isinstance(run, Solution) else run
    if state is None:
        raise OptionError(
            "this run was made by a method that makes its own steps: it has nothing to go on with"
        )
    content = _content(state)
    if isinstance(run, Solution):
        content["summary"] = _summary(run)
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    document = {"format": FORMAT, "sha256": _checksum(text), "content": content}
    if target.is_file():
        _keep(target)
    write_atomically(target, [json.dumps(document, ensure_ascii=False, allow_nan=False), "\n"])


def load(path: str | os.PathLike[str]) -> Saved:
    """The run that :func:`save` wrote to ``path``, its checksum verified.

    Raises :class:`~symgd.errors.DataError` if there is no such file, or if it is damaged.
    """
    target = _place(path)
    name = quote(target.name)
    try:
        if target.stat().st_size > MAX_BYTES:
            raise DataError(f"{name} is too large for a checkpoint")
        text = target.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{name} cannot be read as a checkpoint: {problem}") from None
    try:
        document = json.loads(text, parse_constant=_refused)
        content = document["content"]
        again = json.dumps(content, ensure_ascii=False, allow_nan=False)
        sound = document["format"] == FORMAT and document["sha256"] == _checksum(again)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(
            f"{name} is not a checkpoint of symgd, or it is damaged{_spare(target)}"
        ) from None
    if not sound:
        raise DataError(f"{name} is damaged: its checksum does not fit{_spare(target)}")
    return _opened(content)


def _place(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise OptionError(f"the place of a checkpoint is a path, not {path!r:.60}") from None


@dataclass(frozen=True, eq=False)
class Saved:
    """A run that was put aside.

    ``formula`` and ``options`` are what it was asked to do, ``step`` how many updates it made,
    ``params`` its parameters by name, ``fingerprint`` that of its data ("" without data),
    ``summary`` how it ended, ``versions`` what computed it; ``notes`` say what may keep it from
    going on bit by bit here.
    """

    formula: str
    options: Mapping[str, Any]
    step: int
    params: Mapping[str, Any]
    fingerprint: str
    summary: Mapping[str, Any]
    versions: Mapping[str, str]
    notes: tuple[str, ...]
    state: RunState = field(repr=False)

    def resume(
        self,
        *,
        data: Any = None,
        steps: int | None = None,
        epochs: int | None = None,
        time_limit: float | None = None,
        precision: float | str | None = "same",
        observers: Iterable[Observer] = (),
    ) -> Solution:
        """Go on where the run was: ``steps`` (or ``epochs``) further updates.

        ``data`` is what the run was made on: needed if its formula has columns, and checked
        against the fingerprint. ``precision`` may be changed. Raises
        :class:`~symgd.errors.DataError` if the data are others.
        """
        options = self.options
        shapes = {name: tuple(shape) for name, shape in options["shapes"].items()}
        read = read_with_data(self.formula, data, wrt=options["wrt"], shapes=shapes, missing="drop")
        columns = {**read.columns, **options["scalars"]}
        arrays = {name: value for name, value in columns.items() if np.ndim(value)}
        if self.fingerprint != _fingerprint(arrays):
            raise DataError("these data are not those of the run: their fingerprints differ")
        objective = compile_objective(derive(read.problem), columns, shapes, options["backend"])
        for _ in range(min(self.state.evaluations, _WARM)):
            objective(self.state.theta)  # a backend may change its way after some calls
        rate = options["rate"]
        found = descend(
            objective, self.state.theta, rate=rate_again(rate),
            rate_text=rate if isinstance(rate, str) else None,
            update=method_again(options["method"]),
            precision=options["precision"] if isinstance(precision, str) else precision,
            stop=options["stop"], steps=steps, epochs=epochs, batch=options["batch"],
            replace=options["replace"], seed=options["seed"], time_limit=time_limit,
            observers=observers, layout=objective.layout, resume=self.state,
            origin=Origin(self.formula, columns, options),
        )  # fmt: skip
        return replace(found, objective=objective)

    def __str__(self) -> str:
        shown = [f"{n} = {v}" for n, v in self.params.items()]
        lines = [f"{self.formula}: {self.step} updates", "  " + ", ".join(shown[:8])]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


class Checkpoint:
    """An observer that saves the run to ``path`` while it goes on, every so many ``seconds``.

    >>> import os, tempfile
    >>> import symgd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = os.path.join(folder, "run.json")
    ...     found = symgd.minimize("(x - 3)^4", start=0, rate=0.01, steps=50, precision=None,
    ...                            observers=[Checkpoint(place, steps=20)])
    ...     load(place).step
    40
    """

    def __init__(
        self, path: str | os.PathLike[str], seconds: float = 60.0, steps: int | None = None
    ) -> None:
        self.path, self.seconds, self.steps = path, seconds, steps
        self._last, self._step = monotonic(), 0

    def __call__(self, progress: Progress) -> None:
        """Save if it is time."""
        due = monotonic() - self._last >= self.seconds
        if self.steps is not None:
            due = due or progress.step - self._step >= self.steps
        if due and progress.state is not None:
            save(self.path, progress.state())
            self._last, self._step = monotonic(), progress.step


def write_history(path: str | os.PathLike[str], run: Solution | History) -> None:
    """Write the record of a run, step by step: CSV or JSON by the ending of ``path``.

    Columns: ``step``, each component of theta by its name, ``loss``, ``gradient_norm``,
    ``rate``. Numbers are written by ``repr``, so that they come back as the same bits; in JSON what
    is not finite becomes ``null``.
    """
    history = run.history if isinstance(run, Solution) else run
    columns: dict[str, Any] = {"step": history.step}
    columns |= {name: history.theta[:, i] for i, name in enumerate(history.layout.names)}
    others = {"loss": history.loss, "gradient_norm": history.gradient_norm, "rate": history.rate}
    for name, values in others.items():
        columns[name if name not in columns else f"{name} of the run"] = values
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        to_csv(path, columns)
    elif suffix == ".json":
        lists = {name: [_finite(v) for v in values.tolist()] for name, values in columns.items()}
        write_atomically(path, [json.dumps(lists, ensure_ascii=False, allow_nan=False), "\n"])
    else:
        raise OptionError(f"a history is written to .csv or .json, not to {quote(str(path))}")


# -- to and from JSON -----------------------------------------------------------------------------


def _content(state: RunState) -> dict[str, Any]:
    origin = state.origin
    if origin is None:
        raise OptionError("this run does not know its formula: save runs of minimize and fit")
    if "unsaved" in origin.options:
        raise OptionError(str(origin.options["unsaved"]))
    return {
        "formula": origin.formula,
        "options": plain(origin.options),
        "fingerprint": _fingerprint(origin.columns),
        "theta": plain(state.theta),
        "memory": plain(state.memory),
        "step": state.step,
        "evaluations": state.evaluations,
        "random": plain(state.random),
        "versions": _versions(),
        "summary": {},
    }


def _opened(content: Mapping[str, Any]) -> Saved:
    options = restored(content["options"])
    state = RunState(
        restored(content["theta"]), restored(content["memory"]), content["step"],
        restored(content["random"]), None, content["evaluations"],
    )  # fmt: skip
    versions, here = content["versions"], _versions()
    notes = tuple(
        f"saved with {name} {versions[name]}, this is {here[name]}: the bits may differ"
        for name in here
        if versions.get(name) != here[name]
    )
    names = [str(n) for n in options["names"]]
    return Saved(
        content["formula"], options, content["step"],
        dict(zip(names, state.theta.tolist(), strict=True)), content["fingerprint"],
        content["summary"], versions, notes, state,
    )  # fmt: skip


def _summary(solution: Solution) -> dict[str, Any]:
    """How the run went, in a few numbers."""
    history = solution.history
    return {
        "outcome": solution.outcome.name,
        "message": solution.message,
        "loss": _finite(solution.loss),
        "gradient_norm": _finite(solution.gradient_norm),
        "seconds": solution.seconds,
        "evaluations": solution.evaluations,
        "first_loss": _finite(float(history.loss[0])) if len(history) else None,
        "lowest_loss": _finite(float(np.min(history.loss))) if len(history) else None,
    }


def _fingerprint(columns: Mapping[str, Any]) -> str:
    arrays = {name: np.atleast_1d(np.asarray(value)) for name, value in columns.items()}
    return fingerprint(Table(arrays, 0, "the data")) if arrays else ""


def _versions() -> dict[str, str]:
    """What computes: the streams and the last bits are promised for the same versions only."""
    from symgd import __version__

    found = {name: version(name) for name in _COMPUTING}
    return {"symgd": __version__, "python": platform.python_version(), **found}


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _keep(target: Path) -> None:
    """Keep the checkpoint that is there under another name; it stays whole at every moment."""
    previous = target.with_name(target.name + ".previous")
    try:
        shutil.copy2(target, previous.with_name(previous.name + ".new"))
        previous.with_name(previous.name + ".new").replace(previous)
    except OSError as problem:
        raise DataError(f"{quote(previous.name)} cannot be written: {problem.strerror}") from None


def _spare(target: Path) -> str:
    previous = target.with_name(target.name + ".previous")
    return f"; the checkpoint before it is {quote(previous.name)}" if previous.is_file() else ""


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is not a number of JSON")


def _finite(value: Any) -> Any:
    return value if not isinstance(value, float) or np.isfinite(value) else None


__all__ = ["Checkpoint", "Saved", "load", "save", "write_history"]
