"""Exercises: a derivation with one typical mistake in it, and its solution.

>>> task = exercise("(x^2 + 1)*sin(x)", mistake="product rule as product of derivatives")
>>> print(task)
L = (x^2 + 1)*sin(x)
dL/dx = 2*x*cos(x)
>>> task.wrong_line, task.solution[-1]
(2, 'dL/dx = 2*x*sin(x) + cos(x)*(x^2 + 1)')
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symgd.check.claims import Columns, Subject, read_text
from symgd.check.judge import judge_node
from symgd.check.lines import check_derivation
from symgd.check.mistakes import Walk
from symgd.check.wrong_rules import WrongRule
from symgd.check.wrong_table import WRONG_RULES
from symgd.derive.tidy import tidy
from symgd.errors import NameProblem, OptionError, SymgdError
from symgd.formula.graph import Node
from symgd.formula.problem import ShapeLike
from symgd.formula.text import to_text

WHOLE = ("sign error (whole)", "missing factor 2", "extra factor 2")
MAX_TRIES = 60
MAX_STEPS = 3


@dataclass(frozen=True)
class Exercise:
    """A derivation with one planted mistake.

    ``lines`` is the derivation, ``wrong_line`` the number of the first wrong line
    (from 1), ``mistake`` its name, ``hint`` the rule that was broken, ``solution`` the
    right lines.
    """

    formula: str
    wrt: str
    lines: tuple[str, ...]
    wrong_line: int
    mistake: str
    hint: str
    solution: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def mistakes() -> tuple[str, ...]:
    """The names that ``mistake=`` may have."""
    names = dict.fromkeys([*WHOLE[:1], *(_general(rule.name) for rule in WRONG_RULES)])
    return tuple(names)


def _general(name: str) -> str:
    return name.replace(" {n}", " 2").replace("{N}", "N")


def exercise(
    formula: str,
    mistake: str | None = None,
    wrt: str | None = None,
    seed: int = 0,
    *,
    columns: Columns = None,
    shapes: Mapping[str, ShapeLike] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Exercise:
    """A derivation of d``formula``/d``wrt`` with one typical mistake.

    ``mistake`` is one of :func:`mistakes` (any that fits by default), ``wrt`` a number
    among the names (the first by default); the same ``seed`` gives the same exercise.
    The checker finds the planted line in every exercise that is given out.

    Raises :class:`~symgd.errors.OptionError` if the mistake cannot be made there.
    """
    if mistake is not None and mistake not in mistakes():
        raise OptionError(f"no mistake is called {mistake!r}; there are: {', '.join(mistakes())}")
    options: dict[str, Any] = {"columns": columns, "shapes": shapes, "constants": constants}
    problem = read_text(formula, wrt=None if wrt is None else (wrt,), **options)
    names = [wrt] if wrt is not None else [n for n in problem.parameters if not problem.shape(n)]
    if not names or problem.shape(names[0]):
        raise NameProblem(
            "an exercise needs a parameter that is a number", hint="name it with wrt="
        )
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise OptionError(f"seed is a whole number, not {seed!r}")
    maker = _Maker(Subject(problem, constants), names[0], mistake, random.Random(seed))
    for task in maker.tasks():
        report = check_derivation(task.lines, **options)
        wrong = report.first_wrong
        if wrong is not None and wrong.number == task.wrong_line:
            return task
    said = f"the mistake {mistake!r} cannot be made in" if mistake else "no typical mistake fits"
    raise OptionError(f"{said} d/d{names[0]} of {formula}")


class _Maker:
    """All exercises of one formula, in random order."""

    def __init__(
        self, subject: Subject, name: str, mistake: str | None, draw: random.Random
    ) -> None:
        self.subject, self.name, self.mistake, self.draw = subject, name, mistake, draw
        self.partials = subject.partials(name)
        symbol = subject.problem.symbol(name)
        self.loss = self.partials.written
        self.walk = Walk(self.loss, symbol, self.loss.graph.number(1), name)
        self.symbol = symbol

    def tasks(self) -> Iterator[Exercise]:
        places: list[tuple[WrongRule | None, Node]] = [
            (rule, node) for rule in WRONG_RULES for node in self.walk.places()
            if self.mistake in (None, _general(rule.name))
        ]  # fmt: skip
        self.draw.shuffle(places)
        if self.mistake in (None, WHOLE[0]):
            places.insert(self.draw.randint(0, len(places)), (None, self.loss))
        for tried, (rule, node) in enumerate(places):
            if tried > MAX_TRIES * 10:
                return
            if rule is None:
                wrong = -self.partials.raw[self.name]
                task = self.made(self.loss, wrong, WHOLE[0], "check every sign")
                if task is not None:
                    yield task
                continue
            for change in self.walk.spoiled(rule, node):
                result = self.walk.finished(node, change)
                if result is None:
                    continue
                found = self.walk.mistake(rule, node)
                task = self.made(node, result, found.name, found.sentence, change)
                if task is not None:
                    yield task

    def made(
        self, place: Node, result: Node, name: str, hint: str, change: Node | None = None
    ) -> Exercise | None:
        """The exercise for one wrong result, if it is wrong and can be written."""
        try:
            verdict = judge_node(self.subject, self.name, result)
            if verdict.verdict not in ("wrong", "proportional"):
                return None
            before = self.steps_to(place)
            right = self.partials.textbook(self.name)
            head = f"d{self.label}/d{self.name} = "
            first = f"{self.label} = {to_text(self.loss)}"
            finished = tidy(result, (self.loss,))
            good = [to_text(n) for n in before]
            lines = [first, *_chain(head, [*good, to_text(finished)])]
            solution = [first, *_chain(head, [*good, to_text(right)])]
        except SymgdError:
            return None
        return Exercise(
            to_text(self.loss), self.name, tuple(lines), len(good) + 2, name, hint,
            tuple(solution),
        )  # fmt: skip

    @property
    def label(self) -> str:
        taken = {s.name for s in self.subject.problem.symbols}
        return next(c for c in ("L", "J", "F", "Loss", "Loss_") if c not in taken)

    def steps_to(self, place: Node) -> list[Node]:
        """Right lines in which the derivative stands before smaller and smaller parts."""
        graph = self.loss.graph
        found: list[Node] = []
        node = self.loss
        while node is not place and len(found) < MAX_STEPS:
            inner = [a for a in node.args if a in self.walk.active and self.walk.reaches(a, place)]
            if not inner:
                break
            node = inner[0]
            if node is self.symbol or node.op in ("neg", "sym"):
                break
            marked = graph.make("derivative", node, self.symbol)
            line = self.walk.finished(node, marked)
            if line is not None:
                found.append(line)
        return found


def _chain(head: str, pieces: list[str]) -> list[str]:
    return [(head if i == 0 else " " * (len(head) - 2) + "= ") + p for i, p in enumerate(pieces)]
