r"""The graph as LaTeX.

Sums over data are written with an index, ``\frac{1}{N} \sum_{i=1}^{N} x_i``, products of
matrices as products.

>>> from symgd.formula.problem import read
>>> print(to_latex(read("x/sqrt(theta0)").root))
\frac{x}{\sqrt{\theta_{0}}}
"""

from __future__ import annotations

import re
from collections.abc import Callable

from symgd.errors import LimitProblem
from symgd.formula.graph import Node, topological
from symgd.formula.text import ATOM, COMPARE, MAX_PRINTED, NEGATIVE, POWER, PRODUCT, SUM
from symgd.formula.text import number_text as plain_number

Piece = tuple[str, int]

_GREEK_NAMES = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "pi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma "
    "Upsilon Phi Psi Omega".split()
)
_GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψω", (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega").split(), strict=True)) | dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", (
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega").split(), strict=True))  # fmt: skip
_PARTS = re.compile(r"([A-Za-z]+|[^A-Za-z0-9_]+)_?(.*)")
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde", "dot": r"\dot"}


def to_latex(node: Node, index: bool = True) -> str:
    """The formula in LaTeX; ``index=False`` keeps columns without their index."""
    done: dict[Node, Piece] = {}
    letter = _free_index(node)
    for current in topological(node):
        piece = _piece(current, done, letter if index else None)
        if len(piece[0]) > MAX_PRINTED:
            raise LimitProblem("written out, the formula is too long to print")
        done[current] = piece
    return done[node][0]


def _free_index(node: Node) -> str:
    taken = {n.value for n in topological(node) if n.op == "sym"}
    return next(letter for letter in ("i", "j", "k", "l", "r") if letter not in taken)


def name_latex(name: str) -> str:
    r"""A name: ``theta0`` is \theta_{0}, ``y_hat`` \hat{y}, ``rate`` \mathrm{rate}."""
    found = _PARTS.fullmatch(name)
    head, tail = (found[1], found[2]) if found else (name, "")
    if head in _GREEK_NAMES:
        base = "\\" + head
    elif head in _GREEK:
        base = "\\" + _GREEK[head]
    else:
        base = head if len(head) == 1 else rf"\mathrm{{{head}}}"
    if tail in _ACCENTS:
        return f"{_ACCENTS[tail]}{{{base}}}"
    if not tail:
        return base
    inner = tail.replace("_", ",")
    below = inner if inner.isdigit() or len(inner) == 1 else rf"\mathrm{{{inner}}}"
    return f"{base}_{{{below}}}"


def _piece(node: Node, done: dict[Node, Piece], letter: str | None) -> Piece:
    op = node.op
    if op == "num":
        text, binds = plain_number(node.value, node.graph.decimal)
        if "/" in text:
            sign = "-" if node.value < 0 else ""
            value = abs(node.value)
            return rf"{sign}\frac{{{value.numerator}}}{{{value.denominator}}}", binds
        return text, binds
    if op == "const":
        return (r"\pi" if node.value == "pi" else "e"), ATOM
    if op == "dim":
        return name_latex(re.sub(r"[+-].*", "", node.value)), ATOM
    if op == "sym":
        return _symbol(node, letter)
    parts = [done[a] for a in node.args]
    rule = _RULES.get(op)
    if rule is not None:
        return rule(node, parts, letter)
    inner = ", ".join(text for text, _ in parts)
    name = _FUNCTIONS.get(op, rf"\operatorname{{{op}}}")
    return rf"{name}\left({inner}\right)", ATOM


def _symbol(node: Node, letter: str | None) -> Piece:
    name = name_latex(node.value)
    if len(node.shape) == 1 and letter and _is_row(node):
        return f"{name[:-1]},{letter}}}" if name.endswith("}") and "_" in name else (
            f"{name}_{letter}"
        ), ATOM
    if node.shape and len(node.value) == 1:
        return (rf"\mathbf{{{node.value}}}" if node.value.isascii() else name), ATOM
    return name, ATOM


def _is_row(node: Node) -> bool:
    return isinstance(node.shape[0], str) and node.shape[0] in ("N", "n")


def _wrap(piece: Piece, least: int) -> str:
    text, binds = piece
    return text if binds >= least else rf"\left({text}\right)"


def _add(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    text = parts[0][0] if parts[0][1] != SUM else _wrap(parts[0], ATOM)
    for piece in parts[1:]:
        if piece[1] == NEGATIVE and piece[0].startswith("-"):
            text += " - " + piece[0][1:]
        else:
            text += " + " + _wrap(piece, NEGATIVE)
    return text, SUM


def _neg(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    return "-" + _wrap(parts[0], PRODUCT), NEGATIVE


def _mul(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    left = _wrap(parts[0], PRODUCT)
    right = _wrap(parts[1], POWER)
    dot = r" \cdot " if right[:1].isdigit() or right.startswith(r"\frac") else " "
    return f"{left}{dot}{right}", PRODUCT


def _div(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    top, bottom = parts
    if top[1] == NEGATIVE and top[0].startswith("-"):
        return rf"-\frac{{{top[0][1:]}}}{{{bottom[0]}}}", NEGATIVE
    return rf"\frac{{{top[0]}}}{{{bottom[0]}}}", POWER


def _pow(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    base = _wrap(parts[0], ATOM)
    if node.args[0].op == "pow":
        base = rf"\left({parts[0][0]}\right)"
    return f"{base}^{{{parts[1][0]}}}", POWER


def _sqrt(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    return rf"\sqrt{{{parts[0][0]}}}", ATOM


def _abs(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    return rf"\left|{parts[0][0]}\right|", ATOM


def _norm(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    below = "_1" if node.op == "norm1" else ""
    return rf"\left\|{parts[0][0]}\right\|{below}", ATOM


def _over_rows(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    """A sum over the rows of the data with its index, or one without when it is over more."""
    shape = node.args[0].shape
    big = r"\prod" if node.op == "prod" else r"\sum"
    limits = ""
    if len(shape) == 1 and letter and shape[0] in ("N", "n"):
        limits = f"_{{{letter}=1}}^{{{shape[0]}}}"
    lead = ""
    if node.op == "mean":
        size = shape[0] if len(shape) == 1 else "N"
        lead = rf"\frac{{1}}{{{size}}} "
    return f"{lead}{big}{limits} {_wrap(parts[0], PRODUCT)}", PRODUCT


def _matmul(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    left = _wrap(parts[0], PRODUCT)
    if len(node.args[0].shape) == 1:
        left = f"{_wrap(parts[0], ATOM)}^{{\\top}}"
    return f"{left} {_wrap(parts[1], POWER)}", PRODUCT


def _outer(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    return f"{_wrap(parts[0], POWER)} {_wrap(parts[1], ATOM)}^{{\\top}}", PRODUCT


def _transpose(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    return f"{_wrap(parts[0], ATOM)}^{{\\top}}", POWER


def _inv(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    return f"{_wrap(parts[0], ATOM)}^{{-1}}", POWER


def _where(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    condition, then, otherwise = (text for text, _ in parts)
    return (
        rf"\begin{{cases}} {then} & {condition} \\ {otherwise} & \text{{otherwise}} \end{{cases}}",
        ATOM,
    )


def _compare(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    sign = {"lt": "<", "le": r"\le", "gt": ">", "ge": r"\ge", "eq": "=", "ne": r"\ne"}[node.op]
    return f"{parts[0][0]} {sign} {parts[1][0]}", COMPARE


def _logic(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    if node.op == "not":
        return rf"\lnot \left({parts[0][0]}\right)", ATOM
    sign = r"\land" if node.op == "and" else r"\lor"
    return f" {sign} ".join(rf"\left({text}\right)" for text, _ in parts), COMPARE


def _ones(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    if node.args[0].is_number(1):
        return r"\mathbf{1}", ATOM
    return rf"{_wrap(parts[0], PRODUCT)} \, \mathbf{{1}}", PRODUCT


def _getitem(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    from symgd.formula.text import index_text

    return f"{_wrap(parts[0], ATOM)}_{{[{index_text(node.value)}]}}", ATOM


def _derivative(node: Node, parts: list[Piece], letter: str | None) -> Piece:
    symbol = parts[1][0]
    return rf"\frac{{\partial}}{{\partial {symbol}}} \left({parts[0][0]}\right)", PRODUCT


_FUNCTIONS = {
    **{n: "\\" + n for n in "exp log sin cos tan sec csc cot sinh cosh tanh coth det".split()},
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "maximum": r"\max",
    "minimum": r"\min", "amax": r"\max", "amin": r"\min", "sigmoid": r"\sigma",
    "gamma": r"\Gamma", "log2": r"\log_{2}", "log10": r"\log_{10}", "digamma": r"\psi",
    "trace": r"\operatorname{tr}", "logdet": r"\log\det", "loggamma": r"\log\Gamma",
}  # fmt: skip

_RULES: dict[str, Callable[[Node, list[Piece], str | None], Piece]] = {
    "add": _add, "neg": _neg, "mul": _mul, "div": _div, "pow": _pow, "sqrt": _sqrt, "abs": _abs,
    "norm": _norm, "norm1": _norm, "sum": _over_rows, "mean": _over_rows, "prod": _over_rows,
    "matmul": _matmul, "outer": _outer, "transpose": _transpose, "inv": _inv, "where": _where,
    "broadcast": _ones, "getitem": _getitem, "derivative": _derivative,
    "and": _logic, "or": _logic, "not": _logic,
}  # fmt: skip
_RULES |= dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne"), _compare)
