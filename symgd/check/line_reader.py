"""The memory of a derivation: its loss, its definitions, the line before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from symgd.check.chains import Chain
from symgd.check.claims import Subject, read_text
from symgd.check.equations import same_solutions
from symgd.check.judge import is_misfit, misfit
from symgd.check.line_text import Statement
from symgd.check.texts import (
    DERIVATIVE,
    NABLA,
    OPERATOR,
    PRIME,
    as_text,
    higher_derivative,
    is_label,
    solution_name,
    with_definitions,
)
from symgd.check.verdict import Verdict
from symgd.errors import NameProblem, ShapeProblem, SymgdError, SyntaxProblem, UnsupportedError
from symgd.formula.graph import Node
from symgd.formula.problem import Problem
from symgd.formula.text import to_text

Judged = tuple[int, str, str, Verdict, "bool | None"]


class Reader:
    """Takes statements one by one and judges their pieces."""

    def __init__(self, formula: str | None, wrt: str | None, options: dict[str, Any]) -> None:
        self.options = options
        self.wrt = wrt
        self.label: str | None = None
        self.loss_text: str | None = None
        self.definitions: dict[str, str] = {}
        self.arguments: dict[str, str] = {}
        self.subjects: dict[tuple[str, str], Subject] = {}
        self.current: Chain | None = None
        self.begun: list[Chain] = []
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
            self.current = target
            self.begun.append(target)
            yield from self.chain(statement, pieces[1:])
        elif self.goes_on_solving(pieces) or self.sets_to_zero(pieces):
            yield self.solved(statement, pieces)
        elif len(pieces) > 1 and is_label(head) and self.is_plain(head):
            yield from self.named(statement, head, pieces[1:])
        elif len(pieces) > 1 and head == "":
            if self.current is None:
                raise SyntaxProblem(
                    "this line goes on with =, and there is no line before it",
                    hint="write what it is first: dL/dx = ...",
                )
            yield from self.chain(statement, pieces[1:])
        else:
            yield from self.bare(statement, pieces)

    def define(self, pieces: list[str]) -> None:
        if len(pieces) < 2:
            return
        self.remember(pieces[0], pieces[-1])

    def is_plain(self, head: str) -> bool:
        """A plain name on the left that is not one of the names of the loss."""
        return "'" not in head and DERIVATIVE.search(head) is None and NABLA.match(head) is None

    def remember(self, head: str, formula: str) -> None:
        """``u`` or ``h(x)`` and its formula."""
        behind = re.search(r"\s*\([^()]*\)\s*$", head)
        name = head[: behind.start()].strip() if behind else head.strip()
        self.definitions[name] = formula
        if behind:
            self.arguments[name] = behind[0].strip()
        self.subjects.clear()

    def goes_on_solving(self, pieces: list[str]) -> bool:
        """One more line of an equation that was set to 0."""
        return self.equation is not None and len(pieces) == 2 and bool(pieces[0])

    def sets_to_zero(self, pieces: list[str]) -> bool:
        """Whether an equation sets a derivative to 0: this one, or one of those before."""
        if len(pieces) != 2 or not all(pieces):
            return False
        said = "0" in (piece.strip() for piece in pieces)
        if not said and (OPERATOR.match(pieces[0]) or is_label(pieces[0])):
            return False
        chains = [c for c in reversed(self.begun) if c.starts_equation()]
        chain = next((c for c in chains if self.fits(c, pieces)), None)
        if chain is None and said and chains:
            chain = chains[0]
        if chain is None:
            return False
        self.current, self.equation = chain, chain.last
        return True

    def fits(self, chain: Chain, pieces: list[str]) -> bool:
        """Whether an equation has the solutions of ``= 0`` behind the end of a chain."""
        try:
            return self.same_solutions(chain, chain.last, pieces)[0].verdict == "equal"
        except SymgdError:
            return False

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
            self.remember(head, pieces[-1])

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
        against = "the equation above"
        try:
            verdict, after = self.same_solutions(self.current, self.equation, pieces)
        except ShapeProblem as problem:
            if not is_misfit(problem):
                raise
            verdict = misfit(problem)
            return statement.number, statement.text, against, verdict, None
        self.equation = after
        return statement.number, statement.text, against, verdict, None

    def same_solutions(
        self, chain: Chain, before: Node | None, pieces: list[str]
    ) -> tuple[Verdict, Node]:
        """Whether ``left = right`` has the solutions of ``before = 0``, and left - right."""
        assert before is not None
        subject, name = chain.subject, chain.name or ""
        left, right = (chain.read(solution_name(p, name)) for p in pieces)
        symbol = subject.problem.symbol(name)
        after = left - right
        return same_solutions(before, after, symbol, subject.symbols()), after

    # -- subjects -------------------------------------------------------------------------

    def target_of(self, head: str) -> Chain | None:
        """The chain that a left side such as ``dL/dm`` begins."""
        higher = higher_derivative(head)
        if higher is not None:
            return self._higher(*higher)
        found = DERIVATIVE.fullmatch(head.replace("\\frac", "").strip().strip("{}").strip()) or (
            DERIVATIVE.search(head) if is_label(head) else None
        )
        if found is not None:
            return Chain(self, found[1] or "", found[2])
        prime = PRIME.fullmatch(head)
        if prime is not None:
            return Chain(self, prime[1], prime[2] or self.wrt or self._single())
        nabla = NABLA.match(head)
        if nabla is None:
            return None
        name = nabla[1] or self.wrt
        formula = nabla[2].strip()
        if not formula or is_label(formula):
            return Chain(self, "", name or self._single())
        if name is None:
            raise NameProblem("the gradient by which name?", hint="write ∇_w for the gradient by w")
        return Chain(self, "", name, start=formula)

    def _higher(self, label: str, names: tuple[str, ...]) -> Chain:
        """The derivative of a derivative, by one name after the other."""
        chain: Chain | None = None
        for name in names:
            start = None if chain is None else to_text(chain.truth)
            chain = Chain(self, label, name or self.wrt or self._single(), start)
            if chain.truth.shape:
                raise UnsupportedError(
                    "second derivatives are checked for numbers, not for arrays of parameters"
                )
        assert chain is not None
        return chain

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
        return Subject(problem, self.options["constants"], latex="\\" in (self.loss_text or ""))

    def _read(
        self, text: str, definitions: dict[str, str], options: dict[str, Any], name: str | None
    ) -> Problem:
        written = with_definitions(text, definitions, self.arguments)
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
            with_definitions(self.definitions[name], rest, self.arguments),
            columns={n: s for n, s in own.items() if n in data},
            shapes={n: s for n, s in own.items() if n not in data},
            constants=self.options["constants"],
        )
        return part.root.shape
