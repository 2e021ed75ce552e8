"""The memory of a derivation: its loss, its definitions, the line before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from symgd.check.chains import Chain
from symgd.check.claims import Subject, read_text
from symgd.check.equations import same_solutions
from symgd.check.line_text import Statement
from symgd.check.texts import DERIVATIVE, OPERATOR, PRIME, as_text, is_label, with_definitions
from symgd.check.verdict import Verdict
from symgd.errors import NameProblem
from symgd.formula.graph import Node
from symgd.formula.problem import Problem

Judged = tuple[int, str, str, Verdict, "bool | None"]


class Reader:
    """Takes statements one by one and judges their pieces."""

    def __init__(self, formula: str | None, wrt: str | None, options: dict[str, Any]) -> None:
        self.options = options
        self.wrt = wrt
        self.label: str | None = None
        self.loss_text: str | None = None
        self.definitions: dict[str, str] = {}
        self.subjects: dict[tuple[str, str], Subject] = {}
        self.current: Chain | None = None
        self.equation: Node | None = None
        if formula is not None:
            self.loss_text = as_text(formula, "a formula")

    @property
    def reading(self) -> str:
        """How the names of the loss were read."""
        for subject in self.subjects.values():
            return subject.problem.reading
        return ""

    # -- statements -----------------------------------------------------------------------

    def judged(self, statement: Statement) -> Iterator[Judged]:
        """The verdicts on the pieces of one statement."""
        pieces = list(statement.pieces)
        if statement.defines:
            self.define(pieces)
            return
        head = pieces[0]
        target = self.target_of(head) if len(pieces) > 1 else None
        if target is not None:
            self.equation = None
            self.current = Chain(self, *target)
            yield from self.chain(statement, pieces[1:])
        elif self.equation is not None and len(pieces) == 2 and head:
            yield self.solved(statement, pieces)
        elif len(pieces) > 1 and is_label(head) and self.is_plain(head):
            yield from self.named(statement, head, pieces[1:])
        elif len(pieces) > 1 and head == "":
            yield from self.chain(statement, pieces[1:])
        else:
            yield from self.bare(statement, pieces)

    def define(self, pieces: list[str]) -> None:
        if len(pieces) < 2:
            return
        name = re.sub(r"\s*\([^()]*\)\s*$", "", pieces[0]).strip()
        self.definitions[name] = pieces[-1]
        self.subjects.clear()

    def is_plain(self, head: str) -> bool:
        """A plain name on the left that is not one of the names of the loss."""
        return "'" not in head and self.target_of(head) is None

    def named(self, statement: Statement, head: str, pieces: list[str]) -> Iterator[Judged]:
        """``L = ...``: the loss, the loss again, or a definition."""
        name = re.sub(r"\s*\([^()]*\)\s*$", "", head).strip()
        if self.loss_text is None or (self.label is None and name in ("L", "J", "f", "E", "loss")):
            if self.loss_text is None:
                self.loss_text = pieces[0]
                self.label = name
                pieces = pieces[1:]
            else:
                self.label = name
            if pieces:
                yield from self.restated(statement, pieces)
        elif name == self.label:
            yield from self.restated(statement, pieces)
        else:
            self.definitions[name] = pieces[-1]
            self.subjects.clear()

    def restated(self, statement: Statement, pieces: list[str]) -> Iterator[Judged]:
        """Other forms of the loss itself."""
        self.current = Chain(self, self.label or "", None)
        yield from self.chain(statement, pieces)

    def bare(self, statement: Statement, pieces: list[str]) -> Iterator[Judged]:
        """A chain without a left side: it goes on, or its operator says what it is about."""
        found = OPERATOR.match(pieces[0])
        if found is not None:
            name = found[1] or found[2]
            self.equation = None
            self.current = Chain(self, "", name, start=pieces[0])
            yield from self.chain(statement, pieces[1:])
            return
        if self.current is None:
            if self.loss_text is None:
                self.loss_text = pieces[0]
                pieces = pieces[1:]
                self.current = Chain(self, "", None)
            else:
                self.current = Chain(self, self.label or "", self.only_wrt())
        yield from self.chain(statement, pieces)

    def only_wrt(self) -> str:
        if self.wrt is not None:
            return self.wrt
        names = self.subject(self.label or "", None).problem.parameters
        if len(names) != 1:
            raise NameProblem(
                "by which name are these lines a derivative?",
                hint=f"write dL/d{names[0] if names else 'x'} = ... or give wrt=",
            )
        return names[0]

    def chain(self, statement: Statement, pieces: list[str]) -> Iterator[Judged]:
        assert self.current is not None
        for at, piece in enumerate(pieces):
            if not piece:
                continue
            if piece.strip() == "0" and at == len(pieces) - 1 and self.current.starts_equation():
                self.equation = self.current.last
                continue
            text = statement.text if len(pieces) == 1 else f"... = {piece}" if at else (
                statement.text.split("=")[0].strip() + f" = {piece}"
            )  # fmt: skip
            yield (statement.number, text, *self.current.judged(piece))

    def solved(self, statement: Statement, pieces: list[str]) -> Judged:
        """One more line of an equation that is being solved."""
        assert self.current is not None
        assert self.equation is not None
        left, right = (self.current.read(p) for p in pieces)
        difference = left - right
        subject = self.current.subject
        symbol = subject.problem.symbol(self.current.name or "")
        verdict = same_solutions(self.equation, difference, symbol, subject.symbols())
        self.equation = difference
        return statement.number, statement.text, "the equation above", verdict, None

    # -- subjects -------------------------------------------------------------------------

    def target_of(self, head: str) -> tuple[str, str | None] | None:
        """(what is differentiated, by which name) of a left side such as ``dL/dm``."""
        found = DERIVATIVE.fullmatch(head.replace("\\frac", "").strip().strip("{}").strip()) or (
            DERIVATIVE.search(head) if is_label(head) else None
        )
        if found is not None:
            return found[1] or "", found[2]
        prime = PRIME.fullmatch(head)
        if prime is not None:
            return prime[1], prime[2] or self.wrt or self._single()
        if re.match(r"\s*(?:∇|\\nabla|grad\b)", head):
            name = re.search(r"_\{?\\?(\w+)", head)
            return "", name[1] if name else self.wrt or self._single()
        return None

    def _single(self) -> str | None:
        names = self.subject(self.label or "", None).problem.parameters
        return names[0] if len(names) == 1 else None

    def text_of(self, label: str) -> str:
        """The formula that a label stands for."""
        if label in ("", self.label) or (self.label is None and label not in self.definitions):
            if self.loss_text is None:
                raise NameProblem(
                    f"what {label or 'the loss'} is was not said",
                    hint="begin with a line such as L = mean((y - (m*x + b))^2)",
                )
            return self.loss_text
        if label in self.definitions:
            return self.definitions[label]
        raise NameProblem(
            f"{label} was not defined", hint=f"write let {label} = ... before it is used"
        )

    def subject(self, label: str, name: str | None, start: str | None = None) -> Subject:
        """The formula behind a label, with its definitions put in."""
        key = (start or label, name or "")
        if key not in self.subjects:
            self.subjects[key] = self._read_subject(label, name, start)
        return self.subjects[key]

    def _read_subject(self, label: str, name: str | None, start: str | None) -> Subject:
        text = start if start is not None else self.text_of(label)
        kept = {k: v for k, v in self.definitions.items() if k != name and k != label}
        options = dict(self.options)
        if name in self.definitions:
            shape = self._shape_of(name)
            options["shapes"] = {**(options["shapes"] or {}), name: shape}
        problem = self._read(text, kept, options, name)
        return Subject(problem, self.options["constants"])

    def _read(
        self, text: str, definitions: dict[str, str], options: dict[str, Any], name: str | None
    ) -> Problem:
        written = with_definitions(text, definitions)
        problem = read_text(written, **options)
        if name is not None and any(s.name == name and s.role == "data" for s in problem.symbols):
            problem = read_text(written, **{**options, "wrt": (name,)})
        return problem

    def _shape_of(self, name: str) -> Any:
        """The shape of a defined name, as it is in the loss."""
        rest = {k: v for k, v in self.definitions.items() if k != name}
        whole = self._read(self.text_of(""), {**rest, name: self.definitions[name]},
                           dict(self.options), None)  # fmt: skip
        own = {s.name: s.shape for s in whole.symbols}
        data = set(whole.data)
        part = read_text(
            with_definitions(self.definitions[name], rest),
            columns={n: s for n, s in own.items() if n in data},
            shapes={n: s for n, s in own.items() if n not in data},
            constants=self.options["constants"],
        )
        return part.root.shape
