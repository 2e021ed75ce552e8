"""The graph as text: the parser's inverse.

What is printed can be read back and gives an equal formula; brackets stand
exactly where the grammar needs them.

>>> from symgd.formula.problem import read
>>> to_text(read("mean((y-(m*x+b))**2)").root)
'mean((y - (m*x + b))^2)'
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symgd.errors import LimitProblem
from symgd.formula.graph import Node, is_eye, topological

MAX_PRINTED = 2_000_000

# How tight a piece of text binds, from loose to tight.
OR, AND, NOT, COMPARE, SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(9)

Piece = tuple[str, int]

_SYMBOLS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_NAMES = {"maximum": "max", "minimum": "min", "amax": "max", "amin": "min"}


def to_text(node: Node) -> str:
    """The formula in the text syntax."""
    return pieces(node, node.graph.decimal)[node][0]


def pieces(root: Node, decimal: bool) -> dict[Node, Piece]:
    """The text of every node below ``root`` and how tight it binds."""
    done: dict[Node, Piece] = {}
    total = 0
    order = topological(root)
    named = any(node.op == "sym" and node.value == "d" for node in order)
    for node in order:
        if named and node.op == "derivative":
            piece = _derivative_beside_d([done[a] for a in node.args])
        else:
            piece = _piece(node, done, decimal)
        total = max(total, len(piece[0]))
        if total > MAX_PRINTED:
            raise LimitProblem(f"written out, the formula has more than {MAX_PRINTED:,} characters")
        done[node] = piece
    return done


def number_text(value: Fraction, decimal: bool) -> Piece:
    """A number: an integer, a decimal if the user writes decimals, else a fraction."""
    if value.denominator == 1:
        return str(value.numerator), (ATOM if value >= 0 else NEGATIVE)
    if decimal:
        text = decimal_text(value)
        if text is not None:
            return text, (ATOM if value >= 0 else NEGATIVE)
    return f"{value.numerator}/{value.denominator}", (PRODUCT if value >= 0 else NEGATIVE)


def decimal_text(value: Fraction) -> str | None:
    """The finite decimal expansion, or ``None`` when there is none worth printing."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > 340:
        return None
    digits = abs(value.numerator) * 10**places // value.denominator
    sign = "-" if value < 0 else ""
    if places > 12:
        shown = str(digits).rstrip("0")
        exponent = len(str(digits)) - 1 - places
        mantissa = shown[0] + ("." + shown[1:] if len(shown) > 1 else "")
        return f"{sign}{mantissa}e{exponent}"
    text = str(digits).rjust(places + 1, "0")
    return f"{sign}{text[:-places]}.{text[-places:]}"


def size_text(size: str) -> Piece:
    """A size as a number: ``N``, or ``N - 1`` for the length of ``x[1:]``."""
    shift = max(size.find("+"), size.find("-"))
    if shift < 0:
        return size, ATOM
    return f"{size[:shift]} {size[shift]} {size[shift + 1 :]}", SUM


def wrap(piece: Piece, least: int) -> str:
    """The text, in brackets if it binds looser than ``least``."""
    text, binds = piece
    return text if binds >= least else f"({text})"


def _piece(node: Node, done: dict[Node, Piece], decimal: bool) -> Piece:
    op, args = node.op, node.args
    if op == "num":
        return number_text(node.value, decimal)
    if op == "dim":
        return size_text(node.value)
    if not args:
        return node.value, ATOM
    rule = _RULES.get(op)
    if rule is not None:
        return rule(node, [done[a] for a in args])
    inner = ", ".join(done[a][0] for a in args)
    return f"{_NAMES.get(op, op)}({inner})", ATOM


def _add(node: Node, parts: list[Piece]) -> Piece:
    text = wrap(parts[0], NEGATIVE if parts[0][1] != SUM else ATOM)
    for piece in parts[1:]:
        if piece[1] == NEGATIVE and piece[0].startswith("-"):
            text += " - " + piece[0][1:]
        else:
            text += " + " + wrap(piece, NEGATIVE)
    return text, SUM


def _neg(node: Node, parts: list[Piece]) -> Piece:
    return "-" + wrap(parts[0], PRODUCT), NEGATIVE


def _mul(node: Node, parts: list[Piece]) -> Piece:
    left, right = parts
    if left[1] == NEGATIVE and node.args[0].op == "num":
        return f"{left[0]}*{_right_factor(node.args[1], right)}", NEGATIVE
    return f"{wrap(left, PRODUCT)}*{_right_factor(node.args[1], right)}", PRODUCT


def _right_factor(node: Node, piece: Piece) -> str:
    return wrap(piece, POWER)


def _div(node: Node, parts: list[Piece]) -> Piece:
    left = parts[0]
    if left[1] == NEGATIVE and node.args[0].op == "num":
        return f"{left[0]}/{wrap(parts[1], POWER)}", NEGATIVE
    return f"{wrap(left, PRODUCT)}/{wrap(parts[1], POWER)}", PRODUCT


def _pow(node: Node, parts: list[Piece]) -> Piece:
    exponent = "(T)" if parts[1][0] == "T" else wrap(parts[1], ATOM)  # ^T is a transpose
    return f"{wrap(parts[0], ATOM)}^{exponent}", POWER


def _matmul(node: Node, parts: list[Piece]) -> Piece:
    return f"{wrap(parts[0], PRODUCT)} @ {wrap(parts[1], POWER)}", PRODUCT


def _transpose(node: Node, parts: list[Piece]) -> Piece:
    return wrap(parts[0], ATOM) + ".T", ATOM


def _compare(node: Node, parts: list[Piece]) -> Piece:
    return f"{wrap(parts[0], SUM)} {_SYMBOLS[node.op]} {wrap(parts[1], SUM)}", COMPARE


def _logic(word: str, level: int) -> Callable[[Node, list[Piece]], Piece]:
    def rule(node: Node, parts: list[Piece]) -> Piece:
        return f" {word} ".join(wrap(p, level + 1) for p in parts), level

    return rule


def _not(node: Node, parts: list[Piece]) -> Piece:
    return f"not {wrap(parts[0], COMPARE)}", NOT


def _reduction(node: Node, parts: list[Piece]) -> Piece:
    axes, keep = node.value
    name, text = _NAMES.get(node.op, node.op), parts[0][0]
    kept = ", keepdims=True" if keep else ""
    if axes is None or len(axes) == len(node.args[0].shape) > 1:
        return f"{name}({text}{kept})", ATOM
    for axis in reversed(axes):
        text = f"{name}({text}, axis={axis}{kept})"
    return text, ATOM


def _softmax(node: Node, parts: list[Piece]) -> Piece:
    axis = f", axis={node.value}" if node.value != -1 else ""
    return f"softmax({parts[0][0]}{axis})", ATOM


def _getitem(node: Node, parts: list[Piece]) -> Piece:
    base = parts[0]
    return f"{wrap(base, ATOM)}[{index_text(node.value)}]", ATOM


def index_text(items: tuple[tuple[object, ...], ...]) -> str:
    """The inside of ``x[...]``."""
    shown = []
    for kind, *rest in items:
        if kind == "new":
            shown.append("None")
        elif kind == "at":
            shown.append(str(rest[0]))
        else:
            start, stop, step = ("" if r is None else str(r) for r in rest)
            shown.append(f"{start}:{stop}" + (f":{step}" if step else ""))
    return ", ".join(shown)


def _ones(shape: tuple[object, ...]) -> str:
    return f"ones({', '.join(map(str, shape))})"


def _broadcast(node: Node, parts: list[Piece]) -> Piece:
    if node.args[0].is_number(1):
        return _ones(node.shape), ATOM
    return f"{wrap(parts[0], PRODUCT)}*{_ones(node.shape)}", PRODUCT


def _diag(node: Node, parts: list[Piece]) -> Piece:
    if is_eye(node):
        return f"eye({node.shape[0]})", ATOM
    return f"diag({parts[0][0]})", ATOM


def _scatter(node: Node, parts: list[Piece]) -> Piece:
    shape, items = node.value
    return f"scatter({parts[0][0]}, {_ones(shape)}[{index_text(items)}])", ATOM


def _derivative(node: Node, parts: list[Piece]) -> Piece:
    return f"d/d{parts[1][0]} ({parts[0][0]})", PRODUCT


def _derivative_beside_d(parts: list[Piece]) -> Piece:
    """A derivative where ``d`` is also a name: ``d/dx (...)`` could be a quotient there."""
    return f"Derivative({parts[0][0]}, {parts[1][0]})", ATOM


_RULES: dict[str, Callable[[Node, list[Piece]], Piece]] = {
    "add": _add, "neg": _neg, "mul": _mul, "div": _div, "pow": _pow, "matmul": _matmul,
    "transpose": _transpose, "and": _logic("and", AND), "or": _logic("or", OR), "not": _not,
    "softmax": _softmax, "getitem": _getitem, "broadcast": _broadcast, "scatter": _scatter,
    "diag": _diag,
    "derivative": _derivative,
}  # fmt: skip
_RULES |= dict.fromkeys(_SYMBOLS, _compare)
_RULES |= dict.fromkeys(
    ("sum", "mean", "prod", "prodrest", "amax", "amin", "logsumexp", "norm", "norm1"), _reduction
)
