r"""The graph as LaTeX that compiles.

Sums over data are written with an index, ``\frac{1}{N} \sum_{i=1}^{N} x_{i}``; formulas with
matrix products are written with whole arrays, ``\mathbf{X}^{\top} \mathbf{w}``, where
``\odot`` multiplies entry by entry.

>>> from symgd.formula.problem import read
>>> print(to_latex(read("x/sqrt(theta0)").root))
\frac{x}{\sqrt{\theta_{0}}}
>>> print(to_latex(read("mean((y - m*x)^2)").root))
\frac{1}{N} \sum_{i=1}^{N} \left(y_{i} - m x_{i}\right)^{2}
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from symgd.formula.functions import words
from symgd.formula.graph import Node, is_eye
from symgd.formula.notation import Letters, Piece, written
from symgd.formula.shapes import normal_axes
from symgd.formula.text import ATOM, COMPARE, NEGATIVE, OR, POWER, PRODUCT, SUM, index_text
from symgd.formula.text import number_text as plain_number

BIG = -1
"""A sum sign takes in what stands behind it: brackets as a factor, none as a term."""
CHAIN = -2
"""A product of matrices: associative, so no brackets in another product."""

OPEN = r"\left(\;\right)"
"""An open place: the inside of an outer function."""

_GREEK_NAMES = frozenset(
    words(
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu "
        "nu xi pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma "
        "Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell"
    )
)
_GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψω", words(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
        "tau upsilon phi chi psi omega"
    ), strict=True)) | dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", words(
        "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
    ), strict=True))  # fmt: skip
_ACCENTS = {
    "hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde", "dot": r"\dot", "ddot": r"\ddot",
    "check": r"\check", "breve": r"\breve",
}  # fmt: skip
_HEAD = re.compile(r"([A-Za-z]+|[^A-Za-z0-9_])(.*)")


def to_latex(node: Node, index: bool = True, form: str = "auto") -> str:
    """The formula in LaTeX; ``index=False`` writes columns without their index.

    ``form`` is ``"index"``, ``"array"`` or ``"auto"`` (indices where no matrix product occurs).
    """
    return written(node, LatexStyle(), form if index else "array")


def name_latex(name: str, letters: Letters = (), rank: int = 0) -> str:
    r"""A name: ``theta0`` is \theta_{0}, ``y_hat`` \hat{y}, ``rate`` \mathrm{rate}.

    ``letters`` are indices behind it; a whole vector or matrix (``rank`` without
    letters) is bold.
    """
    if not name[:1].isalnum():
        return OPEN
    head, *tail = [part for part in name.split("_") if part]
    found = _HEAD.fullmatch(head)
    base, digits = (found[1], found[2]) if found else (head, "")
    if base not in _GREEK_NAMES and not digits.isdigit():
        base, digits = head, ""
    command = base if base in _GREEK_NAMES else _GREEK.get(base, "")
    plain = base if len(base) == 1 else rf"\mathrm{{{base}}}"
    shown = f"\\{command}" if command else plain
    if rank and not letters and (command or len(base) == 1):
        shown = rf"\boldsymbol{{{shown}}}" if command else rf"\mathbf{{{shown}}}"
    while tail and (tail[0] in _ACCENTS or tail[0] == "star"):
        accent = tail.pop(0)
        shown = f"{shown}^{{\\star}}" if accent == "star" else f"{_ACCENTS[accent]}{{{shown}}}"
    below = [digits] if digits else []
    below += [t if t.isdigit() or len(t) == 1 else _word(t) for t in tail]
    inner = ",".join([*below, *letters]) if below else "".join(letters)
    return f"{shown}_{{{inner}}}" if inner else shown


def _word(text: str) -> str:
    return "\\" + text if text in _GREEK_NAMES else rf"\mathrm{{{text}}}"


def _wrap(piece: Piece, least: int) -> str:
    text, binds = piece
    if binds == CHAIN:
        binds = PRODUCT
    return text if binds >= least else rf"\left({text}\right)"


class LatexStyle:
    """How each operation looks in LaTeX."""

    def number(self, value: Fraction, decimal: bool) -> Piece:
        text, binds = plain_number(value, decimal)
        if "/" in text:
            sign = "-" if value < 0 else ""
            size = abs(value)
            return rf"{sign}\frac{{{size.numerator}}}{{{size.denominator}}}", binds
        mantissa, mark, exponent = text.partition("e")
        if mark:
            return rf"{mantissa} \cdot 10^{{{exponent}}}", min(binds, PRODUCT)
        return text, binds

    def constant(self, name: str) -> Piece:
        return (r"\pi" if name == "pi" else "e"), ATOM

    def size(self, name: str) -> Piece:
        found = re.fullmatch(r"(.+?)([+-]\d+)", name)
        if found:
            return f"{name_latex(found[1])} {found[2][0]} {found[2][1:]}", SUM
        return name_latex(name), ATOM

    def name(self, name: str, letters: Letters, rank: int) -> Piece:
        shown = name_latex(name, letters, rank)
        return shown, (POWER if "^" in shown else ATOM)

    def add(self, parts: list[Piece]) -> Piece:
        text = _term(parts[0])
        for piece in parts[1:]:
            if piece[1] == NEGATIVE and piece[0].startswith("-"):
                text += " - " + piece[0][1:]
            else:
                text += " + " + _term(piece)
        return text, SUM

    def neg(self, part: Piece) -> Piece:
        inner = part[0] if part[1] == BIG else _wrap(part, PRODUCT)
        return "-" + inner, NEGATIVE

    def mul(self, left: Piece, right: Piece, entrywise: bool) -> Piece:
        if left[1] == NEGATIVE and left[0].startswith("-"):
            bare = left[0][1:]
            inner = self.mul((bare, BIG if _has_big(bare) else PRODUCT), right, entrywise)
            return "-" + inner[0], NEGATIVE
        first = _wrap(left, PRODUCT)
        free = right[1] == BIG or (right[1] == CHAIN and not entrywise)
        second = right[0] if free else _wrap(right, POWER)
        between = r" \odot " if entrywise else _between(first, second)
        return f"{first}{between}{second}", (right[1] if free else PRODUCT)

    def div(self, top: Piece, bottom: Piece, entrywise: bool) -> Piece:
        if entrywise:
            return rf"{_wrap(top, PRODUCT)} \oslash {_wrap(bottom, POWER)}", PRODUCT
        if top[1] == NEGATIVE and top[0].startswith("-"):
            return rf"-\frac{{{top[0][1:]}}}{{{bottom[0]}}}", NEGATIVE
        return rf"\frac{{{top[0]}}}{{{bottom[0]}}}", PRODUCT

    def pow(self, base: Piece, exponent: Piece, node: Node, rank: int) -> Piece:
        function = _FUNCTION.match(base[0]) if base[1] == ATOM else None
        whole = exponent[0].isdigit()
        if function and whole and function.end() and node.args[0].op in _POWERED:
            return f"{function[0]}^{{{exponent[0]}}}{base[0][function.end() :]}", POWER
        shown = _wrap(base, ATOM)
        mark = r"\circ " if rank else ""
        return f"{shown}^{{{mark}{exponent[0]}}}", POWER

    def call(self, node: Node, parts: list[Piece]) -> Piece:
        op = node.op
        if op in _SPECIAL:
            return _SPECIAL[op](self, node, parts)
        inner = ", ".join(text for text, _ in parts)
        name = _FUNCTIONS.get(op, rf"\operatorname{{{op}}}")
        if inner == OPEN:
            return f"{name}{OPEN}", ATOM
        return rf"{name}\left({inner}\right)", ATOM

    def big(self, operation: str, letter: str, size: Any, body: Piece) -> Piece:
        sign = r"\prod" if operation == "prod" else r"\sum"
        limit = str(size) if isinstance(size, int) else self.size(size)[0]
        inner = body[0] if body[1] == BIG else _wrap(body, PRODUCT)
        return f"{sign}_{{{letter}=1}}^{{{limit}}} {inner}", BIG

    def lifted(self, piece: Piece) -> Piece:
        """A vector added to every row of a matrix."""
        return rf"\mathbf{{1}} {_wrap(piece, ATOM)}^{{\top}}", PRODUCT

    def array(self, node: Node, parts: list[Piece]) -> Piece:
        return _ARRAYS[node.op](self, node, parts)


_FUNCTION = re.compile(r"\\(?:sin|cos|tan|sec|csc|cot|sinh|cosh|tanh|coth|log)(?=\\left)")
_POWERED = frozenset(words("sin cos tan sec csc cot sinh cosh tanh coth log"))


def _term(piece: Piece) -> str:
    """A term of a sum: a nested sum keeps its brackets, a big one needs none."""
    return piece[0] if piece[1] in (BIG, NEGATIVE) else _wrap(piece, PRODUCT)


def _has_big(text: str) -> bool:
    """Whether a sum sign stands outside all brackets: what follows would fall under it."""
    depth = 0
    for mark in re.finditer(r"\\left|\\right|[{}]|\\(?:sum|prod)_", text):
        depth += (mark[0] in (r"\left", "{")) - (mark[0] in (r"\right", "}"))
        if depth == 0 and mark[0][-1] == "_":
            return True
    return False


def _between(left: str, right: str) -> str:
    """A dot where a product could be read as something else."""
    bracket = right.startswith(r"\left(")
    # What would be read as a function, or as one number, needs its dot.
    functions = (r"\sigma", r"\Gamma", r"\psi", r"\phi", r"\Phi", r"\Psi", r"\varphi")
    last = re.split(r"[ }]", left)[-1]
    if right[:1].isdigit() or (right.startswith(r"\frac") and left[-1:].isdigit()):
        return r" \cdot "
    if bracket and (last in functions or re.search(r"(?:^| )[fghFGH]$|\\mathrm\{\w+\}$", left)):
        return r" \cdot "
    if bracket and re.search(r"(?:^| )[A-Za-z](?:_\{[^{}]*\})?$|\\[a-z]+(?:_\{[^{}]*\})?$", left):
        return " " if re.search(r"[-+]|\\", right[6:]) else r" \cdot "
    return " "


# -- functions with a form of their own ------------------------------------------------------------


def _sqrt(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    return rf"\sqrt{{{parts[0][0]}}}", ATOM


def _cbrt(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    return rf"\sqrt[3]{{{parts[0][0]}}}", ATOM


def _abs(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    return rf"\left|{parts[0][0]}\right|", ATOM


def _exp(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    if len(parts[0][0]) > 60 or r"\begin" in parts[0][0] or len(node.shape) > 1:
        return rf"\exp\left({parts[0][0]}\right)", ATOM
    return f"e^{{{parts[0][0]}}}", POWER


def _norm(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    rank = len(node.args[0].shape)
    below = "1" if node.op == "norm1" else "2" if rank == 1 else "F"
    axes, _ = node.value
    if axes is not None:
        name = rf"\operatorname{{{node.op}}}_{{{axes[0]}}}"
        return rf"{name}\left({parts[0][0]}\right)", ATOM
    return rf"\left\|{parts[0][0]}\right\|_{{{below}}}", ATOM


def _where(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    condition, then, otherwise = (text for text, _ in parts)
    return (
        rf"\begin{{cases}} {then} & {condition} \\ {otherwise} & \text{{otherwise}} \end{{cases}}",
        ATOM,
    )


def _compare(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    sign = {"lt": "<", "le": r"\le", "gt": ">", "ge": r"\ge", "eq": "=", "ne": r"\ne"}[node.op]
    return f"{parts[0][0]} {sign} {parts[1][0]}", COMPARE


def _logic(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    if node.op == "not":
        return rf"\lnot \left({parts[0][0]}\right)", ATOM
    sign = r"\land" if node.op == "and" else r"\lor"
    return f" {sign} ".join(_wrap(p, COMPARE) for p in parts), OR


def _over_axis(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    """max, min and log-sum-exp, with their axis below."""
    axes, _ = node.value
    name = _FUNCTIONS.get(node.op, rf"\operatorname{{{node.op}}}")
    below = f"_{{{axes[0]}}}" if axes is not None else ""
    return rf"{name}{below}\left({parts[0][0]}\right)", ATOM


def _derivative(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    symbol = parts[1][0]
    inner = parts[0][0] if parts[0][1] == BIG else _wrap(parts[0], POWER)
    if node.args[0].op == "sym":
        return rf"\frac{{\partial {inner}}}{{\partial {symbol}}}", POWER
    return rf"\frac{{\partial}}{{\partial {symbol}}} {inner}", BIG


def _differential(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    return rf"\mathrm{{d}}{_wrap(parts[0], ATOM)}", POWER


# -- whole arrays --------------------------------------------------------------------------------


def _matmul(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    left = node.args[0]
    first = _wrap(parts[0], PRODUCT)
    if len(left.shape) == 1 and not first.endswith(r"^{\top}"):
        first = f"{_wrap(parts[0], ATOM)}^{{\\top}}"
    second = parts[1][0] if parts[1][1] == CHAIN else _wrap(parts[1], POWER)
    return f"{first} {second}", CHAIN


def _outer(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    return f"{_wrap(parts[0], POWER)} {_wrap(parts[1], ATOM)}^{{\\top}}", PRODUCT


def _transpose(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    inner = node.args[0]
    if inner.op == "inv" and parts[0][0].endswith(r"^{-1}"):
        return parts[0][0].removesuffix("^{-1}") + r"^{-\top}", POWER
    return f"{_wrap(parts[0], ATOM)}^{{\\top}}", POWER


def _inv(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    return f"{_wrap(parts[0], ATOM)}^{{-1}}", POWER


def _solve(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    left = parts[0]
    mark = r"^{\top}"
    if node.args[0].op == "transpose" and left[0].endswith(mark):
        return f"{left[0].removesuffix(mark)}^{{-\\top}} {_wrap(parts[1], POWER)}", PRODUCT
    return f"{_wrap(left, ATOM)}^{{-1}} {_wrap(parts[1], POWER)}", PRODUCT


def _named(name: str) -> Callable[[LatexStyle, Node, list[Piece]], Piece]:
    def rule(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
        return rf"{name}\left({parts[0][0]}\right)", ATOM

    return rule


def _total(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    """A sum of a whole array: a squared norm, a product with ones, or by name."""
    (arg,) = node.args
    axes, keep = node.value
    over = normal_axes(axes, len(arg.shape))
    body = parts[0]
    if node.op == "prod" or keep:
        return rf"\operatorname{{{node.op}}}\left({body[0]}\right)", ATOM
    shown = rf"\operatorname{{sum}}\left({body[0]}\right)", ATOM
    square = re.fullmatch(r"(.*)\^\{\\circ 2\}", body[0], re.DOTALL)
    if len(over) == len(arg.shape) and square and arg.op == "pow":
        inner = re.sub(r"^\\left\((.*)\\right\)$", r"\1", square[1]) if arg.args[0].op in (
            "add", "neg", "mul", "div", "matmul") else square[1]  # fmt: skip
        below = "2" if len(arg.shape) == 1 else "F"
        shown = rf"\left\|{inner}\right\|_{{{below}}}^{{2}}", POWER
    elif len(over) == 1 and len(arg.shape) == 2:
        turned = over[0] == 0
        first = f"{_wrap(body, ATOM)}^{{\\top}}" if turned else _wrap(body, POWER)
        shown = rf"{first} \mathbf{{1}}", PRODUCT
    if node.op == "mean":
        count: Piece | None = None
        for axis in over:
            size = arg.shape[axis]
            factor = style.number(Fraction(size), False) if isinstance(size, int) else (
                style.size(size))  # fmt: skip
            count = factor if count is None else style.mul(count, factor, False)
        below_text = count[0] if count else "1"
        return rf"\frac{{1}}{{{below_text}}} {_wrap(shown, PRODUCT)}", PRODUCT
    return shown


def _ones(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    ones = r"\mathbf{1}" if len(node.shape) == 1 else r"\mathbf{1} \mathbf{1}^{\top}"
    if node.args[0].is_number(1):
        return ones, (ATOM if len(node.shape) == 1 else PRODUCT)
    if node.args[0].shape:
        return parts[0]
    return rf"{_wrap(parts[0], PRODUCT)} \, {ones}", PRODUCT


def _diag(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    if is_eye(node):
        return r"\mathbf{I}", ATOM
    return rf"\operatorname{{diag}}\left({parts[0][0]}\right)", ATOM


def _getitem(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    shown = parts[0][0] if node.args[0].op == "sym" and "_" not in parts[0][0] else (
        rf"\left({parts[0][0]}\right)")  # fmt: skip
    return f"{shown}_{{[{index_text(node.value)}]}}", POWER


def _scatter(style: LatexStyle, node: Node, parts: list[Piece]) -> Piece:
    place = index_text(node.value[1])
    return rf"\operatorname{{scatter}}_{{[{place}]}}\left({parts[0][0]}\right)", ATOM


_FUNCTIONS = {
    **{n: "\\" + n for n in words("exp log sin cos tan sec csc cot sinh cosh tanh coth det")},
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "maximum": r"\max",
    "minimum": r"\min", "amax": r"\max", "amin": r"\min", "sigmoid": r"\sigma",
    "gamma": r"\Gamma", "log2": r"\log_{2}", "log10": r"\log_{10}",
    "sign": r"\operatorname{sgn}", "atan2": r"\operatorname{arctan2}",
    "asinh": r"\operatorname{arsinh}", "acosh": r"\operatorname{arcosh}",
    "atanh": r"\operatorname{artanh}",
}  # fmt: skip
Rule = Callable[["LatexStyle", Node, list[Piece]], Piece]
_SPECIAL: dict[str, Rule] = {
    "sqrt": _sqrt, "cbrt": _cbrt, "abs": _abs, "exp": _exp, "norm": _norm, "norm1": _norm,
    "where": _where, "derivative": _derivative,
    "differential": _differential, "and": _logic, "or": _logic, "not": _logic,
    "amax": _over_axis, "amin": _over_axis, "logsumexp": _over_axis,
}  # fmt: skip
_SPECIAL |= dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne"), _compare)
_ARRAYS: dict[str, Rule] = {
    "matmul": _matmul, "outer": _outer, "transpose": _transpose, "inv": _inv, "solve": _solve,
    "trace": _named(r"\operatorname{tr}"), "det": _named(r"\det"),
    "logdet": _named(r"\log\det"), "softmax": _named(r"\operatorname{softmax}"),
    "diag": _diag, "sum": _total, "mean": _total, "prod": _total, "broadcast": _ones,
    "getitem": _getitem, "scatter": _scatter, "prodrest": _named(r"\operatorname{prodrest}"),
}  # fmt: skip
