"""A rule as text, read into formulas: ``v = beta*v + g; theta = theta - eta*v``.

A rule is a list of statements, each ``name = formula``, separated by ``;`` or a line break and
carried out in order: what stands on the right is the newest value of every name. A name that is
read before it has been given a value remembers its value from the step before: it is *state*.

>>> rule = read_rule("v = beta*v + g; theta = theta - eta*v", hyper=("beta",))
>>> [s.target for s in rule.statements], rule.state
(['v', 'theta'], {'v': '0'})
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from symgd.derive.expand import without_derivatives
from symgd.errors import FormulaError, NameProblem, ShapeProblem, SyntaxProblem
from symgd.formula.graph import Graph, Node, rebuild, symbols_of, topological
from symgd.formula.parser import parse_syntax
from symgd.formula.problem import declare, from_syntax
from symgd.formula.shapes import Shape, show_shape
from symgd.formula.syntax import names_in
from symgd.formula.tokens import check_name

GIVEN: dict[str, str] = {
    "theta": "the parameters",
    "g": "the gradient",
    "eta": "the learning rate",
    "t": "the number of updates so far",
}
"""The names that every rule knows."""
CONSTANTS = frozenset({"e", "pi", "π"})
GREEK = {"θ": "theta", "η": "eta"}
"""Other spellings of the given names."""
SIZE = "p"
"""The number of parameters, for shapes: theta and g are vectors (p,)."""

_LEFT = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)")
_SEPARATOR = re.compile(r"[;\n()\[\]]")


@dataclass(frozen=True)
class Statement:
    """``target = formula``: the formula as it was written, in a graph of its own."""

    target: str
    text: str
    node: Node


@dataclass(frozen=True)
class RuleText:
    """A rule that has been read.

    ``state`` maps the names that are remembered to their start formulas, ``shapes`` maps them to
    ``()`` or ``("p",)``, ``outputs`` are the new theta and then the new states over one shared
    graph, ``starts`` the start formulas in the same order as ``state``.
    """

    text: str
    statements: tuple[Statement, ...]
    state: dict[str, str]
    shapes: dict[str, Shape]
    outputs: tuple[Node, ...]
    starts: tuple[Node, ...]


@dataclass(frozen=True)
class _Piece:
    """One statement before it is read: its right side and where that begins in the whole text."""

    target: str
    place: int
    text: str
    begin: int


def read_rule(
    text: str, state: Mapping[str, str] | None = None, hyper: Iterable[str] = ()
) -> RuleText:
    """The rule in ``text``; ``hyper`` are the names of its fixed numbers.

    ``state`` maps names to start formulas in theta and the fixed numbers; without it, the names
    that are read before they are given a value start at 0. Raises a
    :class:`~symgd.errors.FormulaError` with a caret under what is not understood.
    """
    fixed = tuple(check_name(name, "name of a number") for name in hyper)
    for name in (*fixed, *(state or {})):
        if name in GIVEN or name in CONSTANTS:
            what = GIVEN.get(name, "a constant")
            raise NameProblem(f"{name} is {what} in every rule; choose another name")
    pieces = list(_split(text))
    _check_targets(pieces, fixed, text)
    remembered = _state(pieces, state, fixed, text)
    known = (*GIVEN, *fixed, *remembered)
    shapes, env, statements = _settled(pieces, known, remembered, text)
    graph = env["theta"].graph
    wanted = {"theta": (SIZE,), **shapes}
    outputs = tuple(_fitting(name, env[name], shape, text) for name, shape in wanted.items())
    starts = tuple(
        _repeated(_start(name, start, fixed, graph), shapes[name])
        for name, start in remembered.items()
    )
    return RuleText(text, tuple(statements), remembered, shapes, outputs, starts)


# -- splitting ------------------------------------------------------------------------------------


def _split(text: str) -> Iterator[_Piece]:
    """The statements of ``text``; a line break inside brackets does not end one."""
    ends, depth = [], 0
    for found in _SEPARATOR.finditer(text):
        if found[0] in "()[]":
            depth += 1 if found[0] in "([" else -1
        elif depth <= 0 or found[0] == ";":
            ends.append(found.start())
    begin = 0
    for end in [*ends, len(text)]:
        if text[begin:end].strip():
            yield _statement(text, begin, end)
        begin = end + 1


def _statement(text: str, begin: int, end: int) -> _Piece:
    left = _LEFT.match(text, begin, end)
    place = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
    if left is None:
        raise SyntaxProblem(
            "a rule is made of updates 'name = formula'", text, place,
            "such as theta = theta - eta*g; updates are separated by ';'",
        )  # fmt: skip
    target = _canonical(check_name(left[1]))
    return _Piece(target, left.start(1), text[left.end() : end], left.end())


def _canonical(name: str) -> str:
    """``θ`` and ``η`` are theta and eta."""
    return GREEK.get(name, name)


# -- names ----------------------------------------------------------------------------------------


def _check_targets(pieces: list[_Piece], fixed: tuple[str, ...], text: str) -> None:
    if not any(piece.target == "theta" for piece in pieces):
        raise SyntaxProblem(
            "the rule never changes theta", text, 0 if text.strip() else None,
            "its last update is usually theta = theta - eta*...",
        )  # fmt: skip
    for piece in pieces:
        reserved = (piece.target in GIVEN and piece.target != "theta") or piece.target in CONSTANTS
        if reserved or piece.target in fixed:
            what = GIVEN.get(piece.target, "a fixed number")
            raise NameProblem(
                f"{piece.target} is {what} and cannot be given a value", text, piece.place,
                "choose another name", len(piece.target),
            )  # fmt: skip


def _state(
    pieces: list[_Piece], state: Mapping[str, str] | None, fixed: tuple[str, ...], text: str
) -> dict[str, str]:
    """The names that are remembered, and a check that every name is known where it is read."""
    targets = [piece.target for piece in pieces]
    remembered = dict(state or {})
    for name in remembered:
        check_name(name, "name of a state")
        if name not in targets:
            raise NameProblem(f"the state {name} is never updated", hint=f"add {name} = ...")
    known = dict.fromkeys([*GIVEN, *fixed, *remembered, *CONSTANTS])
    for piece in pieces:
        for name, place in _names(piece, frozenset([*known, *targets]), text):
            if name in known:
                continue
            if name in targets and state is None:
                remembered[name] = "0"
                known[name] = None
                continue
            raise _unknown(name, place, known, targets, text)
        known[piece.target] = None
    return remembered


def _names(piece: _Piece, known: frozenset[str], text: str) -> Iterator[tuple[str, int]]:
    """The names that a statement reads, from left to right, with their places in the text."""
    with _located(text, piece.begin):
        parsed = parse_syntax(piece.text, known | GREEK.keys())
        if parsed.label is not None or parsed.definitions:
            raise SyntaxProblem("an update has one '='", piece.text, piece.text.index("="))
    for found in names_in(parsed.root):
        name = _canonical(found.value)
        base = name.rpartition("_")[0]
        yield (base if name not in known and base in known else name), piece.begin + found.start


def _unknown(
    name: str, place: int, known: Iterable[str], targets: list[str], text: str
) -> NameProblem:
    if name in targets:
        hint = f'it is given one only later; if it is to be remembered: state={{"{name}": 0}}'
        return NameProblem(f"{name} is read before it has a value", text, place, hint, len(name))
    near = get_close_matches(name, sorted(known), 1)
    guess = f"did you mean {near[0]}? " if near else ""
    hint = f"{guess}known are {', '.join(n for n in known if n not in CONSTANTS)}"
    return NameProblem(f"{name} is not known in this rule", text, place, hint, len(name))


# -- graphs ---------------------------------------------------------------------------------------

_Settled = tuple[dict[str, Shape], dict[str, Node], list[Statement]]


def _settled(
    pieces: list[_Piece], known: tuple[str, ...], state: Mapping[str, str], text: str
) -> _Settled:
    """Shapes for the states that fit their updates: numbers where possible, else vectors."""
    shapes: dict[str, Shape] = dict.fromkeys(state, ())
    while True:
        try:
            env, statements = _walk(pieces, known, shapes, text)
        except ShapeProblem:
            if all(shapes.values()):
                raise
            shapes = dict.fromkeys(state, (SIZE,))
            continue
        grown = {n: (SIZE,) for n in state if not shapes[n] and env[n].shape == (SIZE,)}
        if not grown:
            return shapes, env, statements
        shapes |= grown


def _walk(
    pieces: list[_Piece], known: tuple[str, ...], state: Mapping[str, Shape], text: str
) -> tuple[dict[str, Node], list[Statement]]:
    """Every name's value after the last statement, over one shared graph."""
    graph = Graph()
    vectors: dict[str, Shape] = {"theta": (SIZE,), "g": (SIZE,), **state}
    env = {name: graph.symbol(name, vectors.get(name, ())) for name in known}
    statements = []
    for piece in pieces:
        with _located(text, piece.begin):
            node = _formula(piece.text, {name: value.shape for name, value in env.items()})
        statements.append(Statement(piece.target, piece.text.strip(), node))
        env[piece.target] = moved(node, env, graph)
    return env, statements


def _formula(text: str, shapes: Mapping[str, Shape]) -> Node:
    """The graph of one right side whose names have the given shapes."""
    greek = {letter: shapes[name] for letter, name in GREEK.items() if name in shapes}
    declared = declare(None, None, {**greek, **shapes}, None)
    return without_derivatives(from_syntax(parse_syntax(text, declared.names), declared).root)


def moved(node: Node, env: Mapping[str, Node], graph: Graph) -> Node:
    """``node`` in ``graph``, with the values of ``env`` in the place of its symbols."""
    graph.decimal = graph.decimal or node.graph.decimal
    places = {s: env[_canonical(s.value)] for s in symbols_of(node)}
    return rebuild(topological(node), places, graph)[node]


def _start(name: str, text: str, fixed: tuple[str, ...], graph: Graph) -> Node:
    """The start formula of a state, in theta and the fixed numbers."""
    shapes: dict[str, Shape] = {"theta": (SIZE,), **dict.fromkeys(fixed, ())}
    known = frozenset([*shapes, *CONSTANTS])
    for found, place in _names(_Piece(name, 0, text, 0), known, text):
        if found not in known:
            raise NameProblem(
                f"the start of {name} may use theta{''.join(', ' + n for n in fixed)} only",
                text, place, length=len(found),
            )  # fmt: skip
    node = _formula(text, shapes)
    if node.shape not in ((), (SIZE,)):
        raise ShapeProblem(f"the start of {name} has the shape {show_shape(node.shape)}")
    env = {n: graph.symbol(n, shape) for n, shape in shapes.items()}
    return moved(node, env, graph)


def _fitting(name: str, node: Node, shape: Shape, text: str) -> Node:
    """The new value of a name, which must have its shape."""
    if node.shape == shape or (name != "theta" and not node.shape):
        return _repeated(node, shape)
    have = show_shape(node.shape) if node.shape else "a single number"
    allowed = "a vector like theta" if name == "theta" else "a number or a vector like theta"
    raise ShapeProblem(f"the new {name} is {have}; it must be {allowed}", text, _place(text, name))


def _repeated(node: Node, shape: Shape) -> Node:
    """A number as a vector of equal entries where a vector is wanted."""
    if node.shape == shape:
        return node
    return node.graph.make("broadcast", node, value=shape)


def _place(text: str, name: str) -> int | None:
    found = [piece.place for piece in _split(text) if piece.target == name]
    return found[-1] if found else None


class _located:
    """Errors of a part of the text get their place in the whole of it."""

    def __init__(self, text: str, begin: int) -> None:
        self.text, self.begin = text, begin

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FormulaError):
            place = None if error.position is None else error.position + self.begin
            raise type(error)(error.reason, self.text, place, error.hint, error.length) from None
