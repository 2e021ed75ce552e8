"""The graph on one line for people: Unicode, or the text syntax with indices.

>>> from symgd.formula.problem import read
>>> loss = read("1/N*sum((y - (m*x + b))^2)").root
>>> print(to_pretty(loss))
1/N ∑ᵢ (yᵢ - (m xᵢ + b))²
>>> print(to_index_text(loss))
1/N*sum_i (y_i - (m*x_i + b))^2
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from symgd.formula.functions import words
from symgd.formula.graph import Node, is_eye
from symgd.formula.notation import Letters, Piece, written
from symgd.formula.text import ATOM, COMPARE, NEGATIVE, OR, POWER, PRODUCT, SUM, index_text, wrap
from symgd.formula.text import number_text as plain_number

BIG = -1
"""A sum sign takes in what stands behind it: brackets as a factor, none as a term."""
_ABOVE = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_BELOW = dict(zip("0123456789ijknmptxrsluv", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₙₘₚₜₓᵣₛₗᵤᵥ", strict=True))
_READABLE = frozenset("0123456789ijknmptx")
"""Subscripts that the parser reads back."""
_GREEK = dict(
    zip(
        words(
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
            "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
        ),
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        strict=True,
    )
)
_NAMES = {"maximum": "max", "minimum": "min", "amax": "max", "amin": "min", "sigmoid": "σ"}  # noqa: RUF001
_SYMBOLS = {"lt": "<", "le": "≤", "gt": ">", "ge": "≥", "eq": "=", "ne": "≠"}


def to_pretty(node: Node, form: str = "auto") -> str:
    """The formula in one line of Unicode."""
    return written(node, PrettyStyle(), form)


def to_index_text(node: Node) -> str:
    """The formula in the text syntax with an index on every column."""
    return written(node, IndexStyle(), "index")


def name_pretty(name: str, letters: Letters = ()) -> str:
    """A name: ``theta0`` is θ₀, ``x`` at i is xᵢ, ``y_hat`` is ŷ."""
    if not name[:1].isalnum():
        return name
    head, *tail = [part for part in name.split("_") if part]
    found = re.fullmatch(r"([A-Za-z]+)(\d+)", head)
    base, digits = (found[1], found[2]) if found else (head, "")
    shown = _GREEK.get(base, base)
    if tail and tail[0] == "hat" and len(shown) == 1:
        shown, tail = shown + "\u0302", tail[1:]
    elif tail and tail[0] == "bar" and len(shown) == 1:
        shown, tail = shown + "\u0304", tail[1:]
    below = [digits] if digits else []
    below += tail
    texts = [*below, *(["".join(letters)] if letters else [])]
    own = all(text.isdigit() or len(text) == 1 for text in below)
    small = own and all(c in _READABLE for text in texts for c in text)
    if small and len(texts) <= 1:
        return shown + "".join(_BELOW[c] for text in texts for c in text)
    return "_".join([shown, *texts])


class _LineStyle:
    """What both one-line outputs share."""

    dot = "*"
    signs: Mapping[str, str] = {
        "lt": "<",
        "le": "<=",
        "gt": ">",
        "ge": ">=",
        "eq": "==",
        "ne": "!=",
    }
    functions: Mapping[str, str] = {
        "maximum": "max",
        "minimum": "min",
        "amax": "max",
        "amin": "min",
    }

    def number(self, value: Fraction, decimal: bool) -> Piece:
        return plain_number(value, decimal)

    def constant(self, name: str) -> Piece:
        return name, ATOM

    def size(self, name: str) -> Piece:
        return name, (ATOM if name.isidentifier() else SUM)

    def name(self, name: str, letters: Letters, rank: int) -> Piece:
        plain = not letters or not name[:1].isalnum()
        return (name if plain else f"{name}_{''.join(letters)}"), ATOM

    def add(self, parts: list[Piece]) -> Piece:
        text = _term(parts[0])
        for piece in parts[1:]:
            if piece[1] == NEGATIVE and piece[0].startswith("-"):
                text += " - " + piece[0][1:]
            else:
                text += " + " + _term(piece)
        return text, SUM

    def neg(self, part: Piece) -> Piece:
        return "-" + (part[0] if part[1] == BIG else wrap(part, PRODUCT)), NEGATIVE

    def mul(self, left: Piece, right: Piece, entrywise: bool) -> Piece:
        if left[1] == NEGATIVE and left[0].startswith("-"):
            text, _ = self.mul((left[0][1:], PRODUCT), right, entrywise)
            return "-" + text, NEGATIVE
        first = f"({left[0]})" if left[1] == BIG or _has_big(left[0]) else wrap(left, PRODUCT)
        second = right[0] if right[1] == BIG else wrap(right, POWER)
        between = self.between(first, second)
        return f"{first}{between}{second}", (BIG if right[1] == BIG else PRODUCT)

    def between(self, left: str, right: str) -> str:
        return self.dot

    def div(self, top: Piece, bottom: Piece, entrywise: bool) -> Piece:
        if top[1] == NEGATIVE and top[0].startswith("-"):
            text, _ = self.div((top[0][1:], PRODUCT), bottom, entrywise)
            return "-" + text, NEGATIVE
        first = f"({top[0]})" if _has_big(top[0]) else wrap(top, PRODUCT)
        return f"{first}/{wrap(bottom, POWER)}", PRODUCT

    def pow(self, base: Piece, exponent: Piece, node: Node, rank: int) -> Piece:
        return f"{wrap(base, ATOM)}^{wrap(exponent, ATOM)}", POWER

    def call(self, node: Node, parts: list[Piece]) -> Piece:
        op = node.op
        if op in self.signs:
            return f"{wrap(parts[0], SUM)} {self.signs[op]} {wrap(parts[1], SUM)}", COMPARE
        if op in ("and", "or"):
            return f" {op} ".join(wrap(p, COMPARE) for p in parts), OR
        if op == "not":
            return f"not {wrap(parts[0], COMPARE)}", OR
        if op == "derivative":
            inner = parts[0][0] if parts[0][1] == BIG else wrap(parts[0], POWER)
            return f"d/d{parts[1][0]} {inner}", BIG
        if op == "differential":
            plain = node.args[0].op == "sym"
            return (f"d{parts[0][0]}" if plain else f"d({parts[0][0]})"), ATOM
        inner = ", ".join(text for text, _ in parts)
        if inner == "( )":
            return f"{self.functions.get(op, op)}( )", ATOM
        extra = ""
        if node.op in ("norm", "norm1", "logsumexp", "amax", "amin") and node.value[0] is not None:
            extra = f", axis={node.value[0][0]}" + (", keepdims=True" if node.value[1] else "")
        return f"{self.functions.get(op, op)}({inner}{extra})", ATOM

    def big(self, operation: str, letter: str, size: Any, body: Piece) -> Piece:
        inner = body[0] if body[1] == BIG else wrap(body, PRODUCT)
        return f"{operation}_{letter} {inner}", BIG

    def lifted(self, piece: Piece) -> Piece:
        return piece

    def array(self, node: Node, parts: list[Piece]) -> Piece:
        op = node.op
        if op == "matmul":
            return f"{wrap(parts[0], PRODUCT)} @ {wrap(parts[1], POWER)}", PRODUCT
        if op == "transpose":
            return wrap(parts[0], ATOM) + self.transposed, ATOM
        if op == "getitem":
            return f"{wrap(parts[0], ATOM)}[{index_text(node.value)}]", ATOM
        if op == "broadcast":
            ones = f"ones({', '.join(map(str, node.shape))})"
            if node.args[0].is_number(1):
                return ones, ATOM
            return self.mul(parts[0], (ones, ATOM), False)
        if is_eye(node):
            return f"eye({node.shape[0]})", ATOM
        if op == "scatter":
            shape, items = node.value
            ones = f"ones({', '.join(map(str, shape))})"
            return f"scatter({parts[0][0]}, {ones}[{index_text(items)}])", ATOM
        inner = ", ".join(text for text, _ in parts)
        extra = f", axis={node.value}" if op == "softmax" and node.value != -1 else ""
        if op in ("sum", "mean", "prod") and node.value[0] is not None:
            extra = f", axis={node.value[0][0]}" + (", keepdims=True" if node.value[1] else "")
        return f"{op}({inner}{extra})", ATOM

    transposed = ".T"


def _term(piece: Piece) -> str:
    return piece[0] if piece[1] in (BIG, NEGATIVE) else wrap(piece, PRODUCT)


_MARKS = re.compile(r"[()\[\]/]|sum_|prod_|[∑∏]")


def _outside(text: str) -> set[str]:
    """The sum signs and slashes that stand outside all brackets."""
    found, depth = set(), 0
    for mark in _MARKS.finditer(text):
        depth += (mark[0] in "([") - (mark[0] in ")]")
        if depth == 0 and mark[0] not in ")]":
            found.add("/" if mark[0] == "/" else "big")
    return found


def _has_big(text: str) -> bool:
    """Whether what stands behind would be read into a sum."""
    return "big" in _outside(text)


class IndexStyle(_LineStyle):
    """The text syntax: ``sum_i x_i*(...)``."""

    def name(self, name: str, letters: Letters, rank: int) -> Piece:
        if letters and any(x.isdigit() for x in letters):
            return f"{name}[{', '.join(letters)}]", ATOM
        return super().name(name, letters, rank)


class PrettyStyle(_LineStyle):
    """Unicode: products without a dot, small indices and exponents."""

    signs: Mapping[str, str] = _SYMBOLS
    functions: Mapping[str, str] = _NAMES
    transposed = "ᵀ"

    def constant(self, name: str) -> Piece:
        return ("π" if name == "pi" else name), ATOM

    def size(self, name: str) -> Piece:
        return name, (ATOM if name.isidentifier() else SUM)

    def name(self, name: str, letters: Letters, rank: int) -> Piece:
        return name_pretty(name, letters), ATOM

    def between(self, left: str, right: str) -> str:
        if right[:1].isdigit() or right.startswith("["):
            return "·"
        if right[:1] in "∑∏":
            return " "
        if right[:1] == "(" and re.search(r"(?:^|[ (])(?:[A-Za-z]{2,}\w*|[σΓψ])$", left):
            return "·"
        return "·" if "/" in _outside(left) else " "

    def pow(self, base: Piece, exponent: Piece, node: Node, rank: int) -> Piece:
        shown = wrap(base, ATOM)
        if re.fullmatch(r"-?\d{1,4}", exponent[0]):
            return shown + exponent[0].translate(_ABOVE), POWER
        return f"{shown}^{wrap(exponent, ATOM)}", POWER

    def call(self, node: Node, parts: list[Piece]) -> Piece:
        if node.op == "abs":
            return f"|{parts[0][0]}|" if "|" not in parts[0][0] else f"abs({parts[0][0]})", ATOM
        if node.op == "sqrt":
            inner = parts[0]
            plain = inner[1] == ATOM and re.fullmatch(r"\w+", inner[0])
            return ("√" + inner[0] if plain else f"√({inner[0]})"), ATOM
        return super().call(node, parts)

    def big(self, operation: str, letter: str, size: Any, body: Piece) -> Piece:
        inner = body[0] if body[1] == BIG else wrap(body, PRODUCT)
        sign = "∏" if operation == "prod" else "∑"
        return f"{sign}{_BELOW.get(letter, '_' + letter)} {inner}", BIG
