r"""The forms of LaTeX: fractions and derivatives, roots, sums, functions, names with their marks.

Each function takes the parser behind the command that starts the form and leaves
it behind the form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from symgd.errors import SyntaxProblem
from symgd.formula.calls import checked_call
from symgd.formula.functions import BARE_ALLOWED, FUNCTIONS, words
from symgd.formula.latex_cases import cases
from symgd.formula.latex_names import (
    named,
    plain_name,
    single_name,
    special_exponent,
    styled_group,
)
from symgd.formula.latex_tokens import COMMAND_FUNCTIONS, LatexToken, argument_end
from symgd.formula.rewriting import mapped
from symgd.formula.syntax import Big, Call, Syntax, number, post_order
from symgd.formula.tokens import Token

if TYPE_CHECKING:
    from symgd.formula.latex_parser import LatexParser

_PRODUCT, _POWER = 40, 60
_OPEN = {"(": ")", "[": "]", r"\{": r"\}"}
_INVERSE = {
    "sin": "asin", "cos": "acos", "tan": "atan", "sinh": "asinh", "cosh": "acosh",
    "tanh": "atanh",
}  # fmt: skip

# -- fractions and derivatives -----------------------------------------------------------------


def fraction(parser: LatexParser, token: LatexToken) -> Syntax:
    r"""``\frac{a}{b}``, or a derivative such as ``\frac{\partial^2}{\partial x \partial y} f``."""
    found = _derivative_fraction(parser, token)
    if found is not None:
        return found
    parser.enter(token)
    top = parser.argument("the numerator")
    bottom = parser.argument("the denominator")
    parser.leave()
    return Syntax("div", token.position, parser.end_of(), (top, bottom))


def _inside(tokens: list[LatexToken], begin: int, end: int) -> tuple[int, int]:
    """The range of an argument without its braces."""
    if tokens[begin].kind == "op" and tokens[begin].text == "{":
        return begin + 1, end - 1
    return begin, end


def _mark(token: Token) -> str:
    if token.kind == "command" and token.text == "partial":
        return "partial"
    return "d" if token.kind in ("name", "word") and token.text == "d" else ""


def _derivative_fraction(parser: LatexParser, token: LatexToken) -> Syntax | None:
    tokens = cast("list[LatexToken]", parser.tokens)
    first = argument_end(tokens, parser.at)
    second = argument_end(tokens, first)
    above = _inside(tokens, parser.at, first)
    below = _inside(tokens, first, second)
    mark = _mark(tokens[above[0]])
    if not mark or below[0] >= below[1] or _mark(tokens[below[0]]) != mark:
        return None
    start = parser.at
    names = _differentials(parser, below, mark)
    if names is None:
        if mark == "partial":
            raise parser.error(r"a derivative is \frac{\partial}{\partial x}", token)
        parser.at = start
        return None
    parser.at = above[0] + 1
    order = _order(parser)
    if order != len(names):
        raise parser.error(f"order {order} above and {len(names)} below", token)
    if parser.at < above[1]:
        body = parser.expression(0)
        if parser.at != above[1]:
            raise parser.misplaced(parser.token)
        if body.kind == "name":
            raise parser.error(
                f"nothing says how {body.value} depends on {names[0]}", token,
                "put the formula itself behind the operator, in brackets",
            )  # fmt: skip
        parser.at = second
        return Syntax("derivative", token.position, parser.end_of(), (body,), names)
    parser.at = second
    return _operated(parser, token, names)


def _differentials(
    parser: LatexParser, place: tuple[int, int], mark: str
) -> tuple[str, ...] | None:
    r"""The names of ``\partial x^2 \partial y``; ``None`` if it is something else."""
    names: list[str] = []
    parser.at = place[0]
    while parser.at < place[1]:
        if _mark(parser.token) != mark:
            return None
        parser.advance()
        made = single_name(parser) if parser.at < place[1] else None
        if made is None:
            return None
        names += [str(made.value)] * _order(parser)
    return tuple(names) if parser.at == place[1] else None


def _order(parser: LatexParser) -> int:
    """``^2`` or ``^{2}``, else 1."""
    if not parser.accept_op("^"):
        return 1
    made = parser.argument("the order")
    if made.kind != "number" or made.value.denominator != 1 or not 1 <= made.value <= 10:
        raise parser.error("the order of a derivative is a whole number", made)
    return int(made.value)


def _operated(parser: LatexParser, token: LatexToken, names: tuple[str, ...]) -> Syntax:
    """The operator applied to what stands behind it: a bracket, or a whole product."""
    following = parser.token
    if not parser.implicit():
        raise parser.error("the derivative operator needs a formula behind it", token)
    bracketed = following.kind == "op" and following.text in _OPEN
    body = parser.expression(_POWER if bracketed else _PRODUCT)
    again = parser.token.kind == "op" and parser.token.text in ("*", "/")
    if bracketed and (again or parser.implicit()):
        raise parser.error(
            "what is differentiated can be read in two ways", parser.token,
            "put brackets around all that is differentiated",
        )  # fmt: skip
    return Syntax("derivative", token.position, parser.end_of(), (body,), names)


def partial(parser: LatexParser, token: LatexToken) -> Syntax:
    r"""``\partial_x f`` and ``\partial/\partial x (...)``."""
    if parser.accept_op("_"):
        inside = parser.token.kind == "op" and parser.token.text == "{"
        if inside:
            parser.advance()
        names: list[str] = []
        while True:
            made = single_name(parser, marks=False)
            if made is None:
                break
            names.append(str(made.value))
            if not inside:
                break
        if not names or (inside and not parser.accept_op("}")):
            raise parser.error(r"a derivative is \partial_x f", token)
        return _operated(parser, token, tuple(names))
    order = _order(parser)
    if not parser.accept_op("/"):
        raise parser.error(r"a derivative is \frac{\partial}{\partial x} f", token)
    names = []
    while _mark(parser.token) == "partial":
        parser.advance()
        made = single_name(parser)
        if made is None:
            break
        names += [str(made.value)] * _order(parser)
    if len(names) != order or not names:
        raise parser.error(r"a derivative is \frac{\partial}{\partial x} f", token)
    return _operated(parser, token, tuple(names))


# -- roots, bars -------------------------------------------------------------------------------


def root(parser: LatexParser, token: LatexToken) -> Syntax:
    r"""``\sqrt{x}``, ``\sqrt x``, ``\sqrt[3]{x}``."""
    parser.enter(token)
    order: Syntax | None = None
    if parser.accept_op("["):
        order = parser.expression(0)
        parser.expect("]", "after the order of the root")
    inner = parser.argument("the argument of the root")
    parser.leave()
    end = parser.end_of()
    if order is None or (order.kind == "number" and order.value in (2, 3)):
        name = "sqrt" if order is None or order.value == 2 else "cbrt"
        return Syntax("call", token.position, end, (inner,), Call(name, {}))
    exponent = Syntax("div", order.start, order.end, (number(1, order), order))
    return Syntax("pow", token.position, end, (inner, exponent))


def bars(parser: LatexParser, token: Token) -> Syntax:
    r"""``|x|`` is the absolute value; ``\|x\|``, ``\|x\|_2``, ``\|x\|_F`` and ``\|x\|_1`` norms."""
    opening = cast(LatexToken, token)
    if token.text == "|" and parser.token.text == "|":
        raise parser.error(
            "bars that touch can be read in two ways", token, "write \\|x\\| or \\lvert x \\rvert"
        )
    close = {"lvert": "rvert", "lVert": "rVert"}.get(token.text, token.text)
    parser.enter(token)
    before, parser.bars = parser.bars, (parser.bars + 1 if close == token.text else 0)
    outer_loose = parser.loose
    inner = parser.expression(0)
    parser.bars, parser.loose = before, outer_loose
    closing = cast(LatexToken, parser.expect(close, "to close the bars"))
    parser.check_pair(opening, closing)
    parser.leave()
    name = "norm" if token.text in ("||", "lVert") else "abs"
    if parser.token.kind == "op" and parser.token.text == "_":
        mark = parser.advance()
        below = _below_norm(parser)
        if name == "abs" or below not in ("1", "2", "F"):
            raise parser.error(f"the norm with index {below} is not read", mark, "1, 2 and F are")
        name = "norm1" if below == "1" else "norm"
    return Syntax("call", token.position, parser.end_of(), (inner,), Call(name, {}))


def _below_norm(parser: LatexParser) -> str:
    braces = parser.accept_op("{")
    token = parser.advance()
    text = token.text
    if braces and not parser.accept_op("}"):
        raise parser.error("this index of a norm is not read", token, "1, 2 and F are")
    return text


def inner_product(parser: LatexParser, token: Token) -> Syntax:
    r"""``\langle a, b \rangle`` is the dot product of two vectors."""
    parser.enter(token)
    left = parser.expression(0)
    parser.expect(",", "between the two vectors")
    right = parser.expression(0)
    parser.expect("rangle", "to close the inner product")
    parser.leave()
    return Syntax("mul", token.position, parser.end_of(), (left, right), "inner")


# -- sums --------------------------------------------------------------------------------------


def big(parser: LatexParser, token: LatexToken, operation: str) -> Syntax:
    r"""``\sum_{i=1}^{N} ...`` with or without its limits."""
    indices: list[str] = []
    lower: int | None = None
    upper: int | str | None = None
    if parser.accept_op("_"):
        indices, lower = _lower_limit(parser)
    if parser.accept_op("^"):
        upper, shift = _upper_limit(parser)
        if not indices:
            raise parser.error("the sum has an upper limit but no index", token)
        if shift and not (shift == -1 and lower == 0):
            raise parser.error(
                f"a sum to {upper}{shift:+d} is not read", token, "sum from 1 to N over all rows"
            )
        lower = 1 if shift else lower
    clash = [i for i in indices if i in parser.bound]
    if clash:
        raise parser.error(f"the index {clash[0]} is bound twice", token)
    parser.enter(token)
    parser.bound += indices
    parser.every_index += indices
    parser.loose += not indices
    body = parser.expression(_PRODUCT)
    del parser.bound[len(parser.bound) - len(indices) :]
    parser.loose -= not indices
    parser.leave()
    if operation == "prod":
        _check_trailing(parser, body, indices)
    if not indices:
        return Syntax("call", token.position, parser.end_of(), (body,), Call(operation, {}))
    for index in reversed(indices):
        made = Big(operation, index, lower, upper)
        body = Syntax("big", token.position, parser.end_of(), (body,), made)
    return body


def _lower_limit(parser: LatexParser) -> tuple[list[str], int | None]:
    braces = parser.accept_op("{")
    start = parser.token
    indices: list[str] = []
    while parser.token.kind == "name" and parser.token.text.isascii():
        indices.append(parser.advance().text)
        if not braces:
            return indices, None
        parser.accept_op(",")
    lower: int | None = None
    if parser.accept_op("="):
        lower = _whole(parser)
    if not indices or any(len(i) > 1 for i in indices) or not parser.accept_op("}"):
        raise parser.error("the lower limit of a sum is an index such as i or i=1", start)
    return indices, lower


def _whole(parser: LatexParser) -> int:
    negative = parser.accept_op("-")
    token = parser.advance()
    if token.kind != "number" or not token.text.isdigit() or len(token.text) > 9:
        raise parser.error("a whole number was expected", token)
    return -int(token.text) if negative else int(token.text)


def _upper_limit(parser: LatexParser) -> tuple[int | str, int]:
    """The limit and what is added to it: ``N-1`` is ("N", -1)."""
    token = parser.token
    made = parser.argument("the upper limit")
    if made.kind == "number" and made.value.denominator == 1:
        return int(made.value), 0
    if made.kind == "name":
        return str(made.value), 0
    if made.kind == "add" and len(made.args) == 2 and made.args[0].kind == "name":
        other = made.args[1]
        if other.kind == "neg" and other.args[0].kind == "number" and other.args[0].value == 1:
            return str(made.args[0].value), -1
    raise parser.error("the upper limit of a sum is a name or a whole number", token)


def _check_trailing(parser: LatexParser, body: Syntax, indices: list[str]) -> None:
    """``\\prod_i x_i y``: a factor behind that is the same for all i is ambiguous."""
    while body.kind in ("mul", "div"):
        right = body.args[1]
        names = [str(p.value) for p in post_order(right) if p.kind == "name"]
        if any(set(indices) & set(n.rpartition("_")[2]) for n in names) or not indices:
            return
        raise parser.error(
            "whether this factor belongs to the product can be read in two ways", right,
            "put brackets around all that is multiplied",
        )  # fmt: skip


# -- functions ---------------------------------------------------------------------------------


_OF_MATRICES = frozenset(words("tr Tr trace det diag logdet"))


def word(parser: LatexParser, token: LatexToken) -> Syntax:
    r"""``\mathrm{kin}``, ``\operatorname{mean}(...)``, ``\mathbb{E}[...]``, ``\mathbf{x}``."""
    name = token.text.strip()
    if token.source == "mathbb":
        if name != "E":
            raise parser.error(f"\\mathbb{{{name}}} is not read", token)
        return expectation(parser, token)
    upright = token.source in (
        "mathrm", "operatorname", "text", "textrm", "mathsf", "textsf", "mathit", "textit",
        "textnormal", "mbox",
    )  # fmt: skip
    if upright and name == "E" and parser.token.kind == "op" and parser.token.text == "[":
        return expectation(parser, token)
    if token.source == "mathrm" and name == "d" and "d" not in parser.declared:
        raise parser.error("an upright d stands only in a derivative", token)
    if upright and (len(name) > 1 or token.source == "operatorname"):
        known = parser.known_function(token, name)
        called = parser.token.kind == "op" and parser.token.text in ("(", "[", "^", "_", r"\{")
        bare = token.source == "operatorname" or (known in _OF_MATRICES and parser.implicit())
        if known is not None and (known not in BARE_ALLOWED or called or bare):
            return function(parser, token, known)
    made = named(parser, token, parser.checked_word(token, name), token.source)
    return parser.application(token, made)


def expectation(parser: LatexParser, token: LatexToken) -> Syntax:
    r"""``\mathbb{E}[...]`` is the mean over the rows."""
    indices: list[str] = []
    if parser.accept_op("_"):
        indices, _ = _lower_limit(parser)
        if len(indices) != 1 or indices[0] in parser.bound:
            raise parser.error("the index of a mean is one letter", token)
    opening = parser.token
    if opening.kind != "op" or opening.text not in _OPEN:
        raise parser.error(r"a mean is \mathbb{E}[...]", token)
    parser.bound += indices
    parser.every_index += indices
    parser.loose += not indices
    inner = parser.bracket(parser.advance())
    del parser.bound[len(parser.bound) - len(indices) :]
    parser.loose -= not indices
    if not indices and not parser.bound:
        by_rows = _by_rows(parser, inner)
        if by_rows is not None:
            parser.every_index.append("i")
            inner, indices = by_rows, ["i"]
    if indices:
        return Syntax("big", token.position, parser.end_of(), (inner,), Big("mean", indices[0]))
    return Syntax("call", token.position, parser.end_of(), (inner,), Call("mean", {}))


def _by_rows(parser: LatexParser, inner: Syntax) -> Syntax | None:
    r"""``\mathbb{E}[(y - w^\top x)^2]`` as the mean over i of ``(y_i - w^\top x_i)^2``."""
    names = {str(p.value) for p in post_order(inner) if p.kind == "name"}
    columns = {"x", "y", "t"} & names - parser.declared
    if not columns or not any(p.kind == "transpose" for p in post_order(inner)):
        return None
    if any(name.endswith("_i") for name in names) or "i" in names:
        return None

    def indexed(piece: Syntax) -> Syntax | None:
        if piece.kind != "name" or piece.value not in columns:
            return None
        return Syntax("name", piece.start, piece.end, (), f"{piece.value}_i")

    return mapped(inner, indexed)


_LOOSE = frozenset(words("sum mean prod max min norm norm1 logsumexp average var std"))


def function(parser: LatexParser, token: LatexToken, name: str) -> Syntax:
    r"""``\sin x``, ``\sin^2 x``, ``\log_{10}(x)``, ``\max\{x, 0\}``, ``\exp\left(...\right)``."""
    operation = FUNCTIONS[name].operation
    base: Syntax | None = None
    power: Syntax | None = None
    if parser.accept_op("_"):
        if operation in ("sum", "mean", "prod", "max", "min"):
            return _over_index(parser, token, operation)
        if operation != "log":
            raise parser.error(f"{name} takes no index", token)
        base = parser.argument("the base")
    if parser.accept_op("^"):
        power = parser.argument("the exponent")
    if power is not None and _is_minus_one(power):
        if operation not in _INVERSE:
            raise parser.error(
                f"{name}^{{-1}} can be read in two ways", token, f"write 1/{name}(x)"
            )
        parser.notes[f"{name}^(-1) is arc{name}"] = None
        operation, power = _INVERSE[operation], None
    args = _arguments(parser, token, name)
    if base is not None:
        args = (*args, base)
    node = Syntax("call", token.position, parser.end_of(), args, Call(operation, {}))
    node = checked_call(parser, node)
    if power is None:
        return node
    return Syntax("pow", token.position, parser.end_of(), (node, power))


def call(parser: LatexParser, token: LatexToken, name: str) -> Syntax:
    """A function whose bracket follows directly."""
    args = _bracketed(parser, token, name)
    node = Syntax("call", token.position, parser.end_of(), args, Call(name, {}))
    return checked_call(parser, node)


def _is_minus_one(piece: Syntax) -> bool:
    return piece.kind == "neg" and piece.args[0].kind == "number" and piece.args[0].value == 1


def _over_index(parser: LatexParser, token: LatexToken, operation: str) -> Syntax:
    r"""``\operatorname{mean}_i (...)`` and ``\max_i x_i``."""
    indices, _ = _lower_limit(parser)
    if len(indices) != 1 or indices[0] in parser.bound:
        raise parser.error(
            f"the index of {operation} is one letter that no other sum binds", token,
            "write the function that is minimised alone" if operation in ("min", "max") else None,
        )  # fmt: skip
    parser.enter(token)
    parser.bound += indices
    parser.every_index += indices
    body = parser.expression(_PRODUCT)
    parser.bound.pop()
    parser.leave()
    end = parser.end_of()
    if operation in ("sum", "mean", "prod"):
        return Syntax("big", token.position, end, (body,), Big(operation, indices[0]))
    names = [str(p.value) for p in post_order(body) if p.kind == "name"]
    used = {n.rpartition("_")[2] for n in names if "_" in n}
    if indices[0] not in used or indices[0] not in ("i", "j", "k") or parser.bound:
        raise parser.error(
            f"{operation} over {indices[0]} is not read", token,
            "write the function that is minimised alone",
        )  # fmt: skip
    name = "amax" if operation == "max" else "amin"
    return Syntax("call", token.position, end, (body,), Call(name, {}))


def _arguments(parser: LatexParser, token: LatexToken, name: str) -> tuple[Syntax, ...]:
    following = parser.token
    if following.kind == "op" and following.text in _OPEN:
        return _bracketed(parser, token, name)
    if following.kind == "op" and following.text == "{":
        argument = parser.group()
        behind = parser.token
        power = behind.kind == "op" and behind.text == "^"
        bracket = parser.tokens[parser.at - 2].text in (")", "]", "}", "rvert", r"\}")
        if power or (behind.kind in ("name", "number", "word") and not bracket):
            raise parser.error(
                f"where the argument of {name} ends can be read in two ways", behind,
                f"write \\{name}(...)",
            )  # fmt: skip
        return (argument,)
    if not parser.implicit():
        raise parser.error(f"{name} is a function and needs its argument", token)
    parser.enter(token)
    argument = _bare(parser, name)
    parser.leave()
    return (argument,)


def _bracketed(parser: LatexParser, token: LatexToken, name: str) -> tuple[Syntax, ...]:
    opening = cast(LatexToken, parser.advance())
    close = _OPEN[opening.text]
    parser.enter(opening)
    before, parser.bars = parser.bars, 0
    several = FUNCTIONS[name].most > 1
    loose = FUNCTIONS[name].operation in _LOOSE
    parser.loose += loose
    args: list[Syntax] = []
    while not (parser.token.kind == "op" and parser.token.text == close):
        args.append(parser.expression(0))
        if not (several and parser.accept_op(",")):
            break
    parser.loose -= loose
    closing = cast(LatexToken, parser.expect(close, f"after the arguments of {name}"))
    parser.check_pair(opening, closing)
    parser.bars = before
    parser.leave()
    if not args:
        raise parser.error(f"{name} is a function and needs its argument", token)
    return tuple(args)


def _bare(parser: LatexParser, name: str) -> Syntax:
    r"""A product without signs that ends before the next function: ``\sin 2x \cos y``."""
    first = parser.token
    argument = parser.expression(_POWER)
    while parser.implicit():
        token = parser.token
        if token.kind == "op" or token.kind == "number":
            break
        if token.kind == "word" and token.text.strip().lower() in FUNCTIONS:
            break
        if token.kind == "command" and (
            token.text in COMMAND_FUNCTIONS or token.text in ("sum", "prod", "begin", "partial")
        ):
            break
        if token.kind == "name" and token.text in ("sigma", "Gamma") and parser.peek().text == "(":
            break
        fraction_first = first.kind == "command" and first.text.endswith("frac")
        if fraction_first and not _is_number(argument):
            raise SyntaxProblem(
                f"where the argument of {name} ends can be read in two ways", parser.text,
                token.position, f"write \\{name}(...)", token.length,
            )  # fmt: skip
        right = parser.expression(_POWER)
        argument = Syntax("mul", argument.start, right.end, (argument, right), "implicit")
    return argument


def _is_number(piece: Syntax) -> bool:
    return all(p.kind in ("number", "div", "neg") for p in post_order(piece))


__all__ = [
    "bars", "big", "call", "cases", "expectation", "fraction", "function", "inner_product",
    "named", "partial", "plain_name", "root", "single_name", "special_exponent", "styled_group",
    "word",
]  # fmt: skip
