"""The memory of a derivation: its loss, its definitions, the line before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from symgd.check.claims import Subject, read_text
from symgd.check.equations import same_solutions
from symgd.check.identity import Question, compare
from symgd.check.judge import Case, judge_node
from symgd.check.line_text import Statement
from symgd.check.mistakes import Mistake
from symgd.check.ratio import constant_factor
from symgd.check.slips import slips
from symgd.check.texts import is_label
from symgd.check.verdict import Verdict
from symgd.derive.expand import derivative, without_derivatives
from symgd.errors import NameProblem, ShapeProblem, SymgdError
from symgd.formula.graph import Node
from symgd.formula.problem import Problem
from symgd.formula.text import to_text

_DERIVATIVE = re.compile(
    r"(?:\bd|∂|\\partial\s*|\\mathrm\{d\}\s*)\s*([^\W\d_]\w*)?\s*(?:\([^()]*\))?\s*\}?\s*[/{]\s*\{?"
    r"(?:d|∂|\\partial\s*|\\mathrm\{d\}\s*)\s*\\?([^\W\d_]\w*)"
)
_PRIME = re.compile(r"\s*([^\W\d]\w*)'\s*(?:\(\s*([^\W\d]\w*)\s*\))?\s*")
_OPERATOR = re.compile(
    r"\s*(?:d|∂)\s*/\s*(?:d|∂)\s*(\w+)\s*[\[(]"
    r"|\s*\\d?frac\s*\{\s*(?:\\partial|d|\\mathrm\{d\})\s*\}\s*\{\s*(?:\\partial|d|\\mathrm\{d\})\s*\\?(\w+)\s*\}"
)
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
            self.loss_text = formula

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
        found = _OPERATOR.match(pieces[0])
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
        found = _DERIVATIVE.fullmatch(head.replace("\\frac", "").strip().strip("{}").strip()) or (
            _DERIVATIVE.search(head) if is_label(head) else None
        )
        if found is not None:
            return found[1] or "", found[2]
        prime = _PRIME.fullmatch(head)
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


def with_definitions(text: str, definitions: dict[str, str]) -> str:
    """The formula followed by ``where`` and the definitions that it needs."""
    needed: dict[str, str] = {}
    look = [text]
    while look:
        words = set(re.findall(r"[^\W\d]\w*", look.pop()))
        for name, value in definitions.items():
            if name not in needed and any(w == name or w.startswith(name + "_") for w in words):
                needed[name] = value
                look.append(value)
    if not needed:
        return text
    return f"{text} where " + ", ".join(f"{n} = {v}" for n, v in needed.items())


class Chain:
    """The pieces of one derivative (or of the loss), each compared with the one before."""

    def __init__(
        self, reader: Reader, label: str, name: str | None, start: str | None = None
    ) -> None:
        self.reader = reader
        self.label, self.name = label, name
        loss = _inside(start) if start is not None and reader.loss_text is None else None
        if start is not None and loss is not None:
            reader.loss_text = loss
            start = None
        self.subject = reader.subject(label, name, _inside(start) if start else None)
        self.truth = self._truth()
        self.last: Node | None = None
        self.last_true: bool | None = True
        self.count = 0

    def _truth(self) -> Node:
        root = without_derivatives(self.subject.problem.root)
        if self.name is None:
            return root
        problem = self.subject.problem
        if all(s.name != self.name for s in problem.symbols):
            raise NameProblem(
                f"{self.name!r} does not occur in what is differentiated",
                hint="it has " + ", ".join(s.name for s in problem.symbols),
            )
        symbol = problem.symbol(self.name)
        if root.shape:
            return derivative(root, symbol)
        return self.subject.partials(self.name).raw[self.name]

    def read(self, piece: str) -> Node:
        """The graph of a piece."""
        text = self._with_known_derivatives(piece)
        kept = {k: v for k, v in self.reader.definitions.items() if k != self.name}
        return self.subject.claim(with_definitions(text, kept))

    def _with_known_derivatives(self, piece: str) -> str:
        """``dL/dr * dr/dm`` with the derivatives put in."""

        def put(found: re.Match[str]) -> str:
            label, name = found[1], found[2]
            known = {self.reader.label or "", *self.reader.definitions}
            if not label or label not in known:
                return found[0]
            inner = Chain(self.reader, label, name)
            return f"({to_text(inner.truth)})"

        return _DERIVATIVE.sub(put, piece) if self.reader.definitions else piece

    def starts_equation(self) -> bool:
        """Whether ``= 0`` asks for a stationary point (the derivative is not 0 by itself)."""
        if self.name is None or self.last is None or self.subject.problem.symbol(self.name).shape:
            return False
        zero = self.last.graph.number(0)
        return compare(self.question(zero, self.last)).equal is not True

    def question(self, claim: Node, truth: Node) -> Question:
        given = (without_derivatives(self.subject.problem.root),)
        return Question(claim, truth, given, self.subject.symbols(), self.name)

    def judged(self, piece: str) -> tuple[str, Verdict, bool | None]:
        """(against what, verdict, whether it is true) of the next piece."""
        against = "the piece before it" if self.count else self.aim()
        self.count += 1
        try:
            node = self.read(piece)
        except ShapeProblem as problem:
            verdict = Verdict("wrong", "refuted", f"the shapes do not fit: {problem.reason}",
                              mistake="shapes do not fit", right=to_text(self.truth))  # fmt: skip
            return against, verdict, False
        absolute = self.absolute(node)
        true = {"equal": True, "undecided": None}.get(absolute.verdict, False)
        if self.last is None or (self.last_true and true is not False):
            verdict = absolute
        elif self.last_true:
            verdict = self.explained(absolute, node)
        else:
            verdict = self.relative(node)
        self.last, self.last_true = node, true
        return against, verdict, true

    def aim(self) -> str:
        if self.name is None:
            return "the formula"
        return f"d{self.label or self.reader.label or 'L'}/d{self.name}"

    def absolute(self, node: Node) -> Verdict:
        """The piece against the truth."""
        if self.name is not None and not self.subject.problem.root.shape:
            return judge_node(self.subject, self.name, node)
        return self.against(node, self.truth)

    def explained(self, absolute: Verdict, node: Node) -> Verdict:
        """A wrong step from a right line: a slip of algebra if one explains it."""
        assert self.last is not None
        if absolute.verdict == "equal":
            return absolute
        mistake = self.slip(self.last, node) if not self.differentiates() else None
        if mistake is None or absolute.mistake == "sign error (whole)":
            return absolute
        return Verdict(
            absolute.verdict, absolute.how, mistake.sentence, absolute.factor, absolute.witness,
            mistake.name, mistake.step, absolute.right, absolute.domain, absolute.reading,
        )  # fmt: skip

    def differentiates(self) -> bool:
        """Whether the step before is the start of the derivation."""
        return self.count <= 1

    def relative(self, node: Node) -> Verdict:
        """The piece against the (wrong) piece before it."""
        assert self.last is not None
        return self.against(node, self.last)

    def against(self, node: Node, other: Node) -> Verdict:
        """Two formulas compared, without a derivation behind them."""
        case = Case(self.subject, self.name or "", node, other, to_text(other))
        if node.shape not in ((), other.shape):
            return case.wrong_shape()
        question = self.question(node, other)
        answer = compare(question)
        if answer.equal:
            said = "it equals the line before" if self.last is not None else "it is right"
            return case.verdict("equal", answer.how, said)
        if answer.equal is None:
            return case.undecided(answer)
        factor = constant_factor(question)
        mistake = self.slip(other, node)
        root = without_derivatives(self.subject.problem.root)
        if factor is not None and factor.positive:
            return case.proportional(factor, mistake, root, answer)
        return case.wrong(answer, mistake, factor)

    def slip(self, before: Node, after: Node) -> Mistake | None:
        """The slip of algebra that leads from one piece to the next."""
        for name, sentence, result in slips(before):
            try:
                question = self.question(after, result)
                if result.shape == after.shape and compare(question, 0.3).equal:
                    return Mistake(name, sentence)
            except SymgdError:
                continue
        return None


def _inside(start: str | None) -> str | None:
    """The formula under the operator ``d/dx [ ... ]``."""
    if start is None:
        return None
    found = _OPERATOR.match(start)
    if found is None:
        return start
    rest = start[found.end() :].strip()
    if found[1] is not None:
        return rest[:-1] if rest.endswith((")", "]")) else rest
    for left, right in (("\\left(", "\\right)"), ("\\left[", "\\right]"), ("(", ")"), ("[", "]"),
                        ("\\bigl(", "\\bigr)"), ("\\bigl[", "\\bigr]")):  # fmt: skip
        if rest.startswith(left) and rest.endswith(right):
            return rest[len(left) : -len(right)]
    return rest


