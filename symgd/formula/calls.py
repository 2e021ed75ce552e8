"""Calls: arguments counted, keywords checked, short forms written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symgd.errors import NameProblem
from symgd.formula.functions import BARE_ALLOWED, FUNCTIONS, RESERVED
from symgd.formula.ranges import over, signed_integer, size
from symgd.formula.syntax import Big, Call, Syntax, number
from symgd.formula.tokens import Token

if TYPE_CHECKING:
    from symgd.formula.parser import Parser

_POWER = 60


def call(parser: Parser, token: Token) -> Syntax:
    """``f(a, b, axis=0)``, its number of arguments checked."""
    name = token.text
    refuse_double_use(parser, token)
    parser.enter(parser.advance())
    bars, parser.bars = parser.bars, 0
    args: list[Syntax] = []
    keywords: dict[str, object] = {}
    while not (parser.token.kind == "op" and parser.token.text == ")"):
        if parser.token.kind == "name" and parser.peek().text == "=":
            keyword(parser, name, keywords)
        else:
            args.append(parser.expression(0))
        if not parser.accept(","):
            break
    parser.expect(")", f"after the arguments of {name}")
    parser.bars = bars
    parser.leave()
    node = Syntax("call", token.position, parser.end_of(), tuple(args), Call(name, keywords))
    return checked_call(parser, node)


def keyword(parser: Parser, name: str, keywords: dict[str, object]) -> None:
    """``axis=0``, ``keepdims=True``, or the range ``i=1..N`` of a sum."""
    word = parser.advance()
    parser.advance()
    token = parser.token
    if word.text in keywords:
        raise parser.error(f"{word.text}= is given twice", word)
    if word.text == "axis":
        keywords["axis"] = None if _word(parser, "None") else signed_integer(parser)
        return
    if word.text == "keepdims":
        if token.text not in ("True", "False"):
            raise parser.error("keepdims is True or False", token)
        keywords["keepdims"] = parser.advance().text == "True"
        return
    if name in ("sum", "prod", "mean") and ".." in (parser.peek(1).text, parser.peek(2).text):
        lower = signed_integer(parser)
        parser.expect("..", "in the range of a sum")
        keywords["range"] = over(name, word.text, lower, size(parser))
        return
    raise parser.error(f"{name} does not take {word.text}=", word)


def _word(parser: Parser, text: str) -> bool:
    """Step over the name ``text`` if it stands here."""
    if parser.token.kind == "name" and parser.token.text == text:
        parser.advance()
        return True
    return False


def refuse_glued(parser: Parser, token: Token) -> None:
    """``cosx`` is neither cos(x) nor c*o*s*x: refused unless it is a declared name."""
    name = token.text
    if name in parser.declared:
        return
    head, tail = name[:-1], name[-1:]
    if tail in tuple("xyztuvwθ") and head in FUNCTIONS and head not in BARE_ALLOWED:
        raise NameProblem(
            f"{name} is not a known function or a declared name", parser.text, token.position,
            f"did you mean {head}({tail})?", len(name),
        )  # fmt: skip


def refuse_double_use(parser: Parser, token: Token) -> None:
    """``gamma(x)`` beside a parameter ``gamma`` can be read in two ways."""
    name = token.text
    if name not in BARE_ALLOWED:
        return
    for found, after in zip(parser.tokens, parser.tokens[1:], strict=False):
        if found.kind == "name" and found.text == name and after.text != "(":
            raise NameProblem(
                f"{name} is used as a name and as a function", parser.text, token.position,
                f"a product is {name}*(...); rename the parameter to keep the function", len(name),
            )  # fmt: skip


def bare_call(parser: Parser, token: Token) -> Syntax:
    """``sin x``, ``sin^2 x``, ``log 2x``: a function without brackets."""
    name = token.text
    power: Syntax | None = None
    if parser.token.kind == "op" and parser.token.text == "^":
        mark = parser.advance()
        parser.enter(mark)
        power = parser.expression(_POWER - 1)
        parser.leave()
        if power.kind == "neg":
            raise parser.error(
                f"{name}^-1 can be read in two ways", token, f"write arc{name}(x) or 1/{name}(x)"
            )
    following = parser.token
    starts = following.kind in ("number", "name") or following.text in ("(", "√", "|")
    if not starts or following.text in RESERVED:
        raise NameProblem(
            f"{name} is a function and needs its argument", parser.text, token.position,
            f"write {name}(...)", len(name),
        )  # fmt: skip
    parser.enter(token)
    if following.text == "(" and power is not None:
        argument = parser.bracket(parser.advance())
    else:
        argument = _bare_argument(parser)
    parser.leave()
    node = checked_call(
        parser, Syntax("call", token.position, parser.end_of(), (argument,), Call(name, {}))
    )
    if power is None:
        return node
    return Syntax("pow", token.position, parser.end_of(), (node, power))


def _bare_argument(parser: Parser) -> Syntax:
    """A product without signs, ending before the next function: ``sin 2x cos y``."""
    argument = parser.expression(_POWER)
    while parser.implicit():
        token = parser.token
        if token.kind == "name" and token.text in FUNCTIONS and token.text not in BARE_ALLOWED:
            break
        if token.text in ("(", "["):
            break
        right = parser.expression(_POWER)
        argument = Syntax("mul", argument.start, right.end, (argument, right), "implicit")
    return argument


def checked_call(parser: Parser, node: Syntax) -> Syntax:
    """``node`` with its arguments counted, and short forms written out."""
    call: Call = node.value
    function = FUNCTIONS[call.name]
    big = call.keywords.pop("range", None)
    if isinstance(big, Big):
        if len(node.args) != 1:
            raise parser.error(f"{call.name} over a range has one argument", node)
        return Syntax("big", node.start, node.end, node.args, big)
    count = len(node.args)
    spare = 1 if function.operation in ("log", "norm") else 0
    if not function.least <= count <= function.most + spare:
        wanted = str(function.least) if function.least == function.most else f"{function.least}+"
        raise parser.error(
            f"{call.name} takes {wanted} argument{'s' if wanted != '1' else ''}, not {count}", node
        )
    for word in call.keywords:
        if word not in function.keywords or (function.operation in ("max", "min") and count > 1):
            raise parser.error(f"{call.name} does not take {word}=", node)
    written = Call(function.operation, call.keywords)
    return _written_out(parser, Syntax("call", node.start, node.end, node.args, written))


def _written_out(parser: Parser, node: Syntax) -> Syntax:
    """The short forms (``square``, ``relu``, ``clip``, ``max`` of several) in terms of others."""
    name, args, start, end = node.value.name, node.args, node.start, node.end

    def make(kind: str, *parts: Syntax) -> Syntax:
        return Syntax(kind, start, end, parts)

    def call(operation: str, *parts: Syntax) -> Syntax:
        return Syntax("call", start, end, parts, Call(operation, {}))

    if name == "square":
        return make("pow", args[0], number(2, node))
    if name == "reciprocal":
        return make("div", number(1, node), args[0])
    if name == "power":
        return make("pow", *args)
    if name == "exp2":
        return make("pow", number(2, node), args[0])
    if name == "transpose":
        return make("transpose", *args)
    if name in ("matmul", "dot"):
        return Syntax("matmul", start, end, args, "call")
    if name == "relu":
        return call("maximum", number(0, node), args[0])
    if name == "clip":
        return call("minimum", call("maximum", args[0], args[1]), args[2])
    if name == "where":
        return make("where", *args)
    if name in ("max", "min"):
        return _extremum(node)
    if name == "log" and len(args) == 2:
        return log_base(args[0], args[1], start, end)
    if name == "norm" and len(args) == 2:
        return _norm_of_order(parser, node)
    if name == "polygamma":
        return _polygamma(parser, node)
    return node


def _extremum(node: Syntax) -> Syntax:
    """``max(u)`` reduces; ``max(a, b, c)`` is elementwise."""
    which = node.value.name
    if len(node.args) == 1:
        reduction = Call("amax" if which == "max" else "amin", node.value.keywords)
        return Syntax("call", node.start, node.end, node.args, reduction)
    operation = "maximum" if which == "max" else "minimum"
    result = node.args[0]
    for part in node.args[1:]:
        result = Syntax("call", node.start, node.end, (result, part), Call(operation, {}))
    return result


def log_base(inner: Syntax, base: Syntax, start: int, end: int) -> Syntax:
    """The logarithm to a base: log2, log10, or a quotient of natural logarithms."""
    if base.kind == "number" and base.value in (2, 10):
        return Syntax("call", start, end, (inner,), Call(f"log{base.value}", {}))
    above = Syntax("call", start, end, (inner,), Call("log", {}))
    below = Syntax("call", start, end, (base,), Call("log", {}))
    return Syntax("div", start, end, (above, below))


def _norm_of_order(parser: Parser, node: Syntax) -> Syntax:
    order = node.args[1]
    names = {1: "norm1", 2: "norm"}
    if order.kind != "number" or order.value not in names:
        raise parser.error("norms of order 1 and 2 are known", order)
    call = Call(names[int(order.value)], node.value.keywords)
    return Syntax("call", node.start, node.end, node.args[:1], call)


def _polygamma(parser: Parser, node: Syntax) -> Syntax:
    names = {0: "digamma", 1: "trigamma"}
    order = node.args[0]
    if order.kind != "number" or order.value not in names:
        raise parser.error("polygamma of order 0 and 1 is known", order)
    call = Call(names[int(order.value)], {})
    return Syntax("call", node.start, node.end, node.args[1:], call)
