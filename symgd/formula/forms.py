"""The forms of the language that are more than an operator: calls, big operators, derivatives.

Each function takes the parser at the place where the form begins and leaves it
behind the form.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symgd.errors import NameProblem, SyntaxProblem
from symgd.formula.functions import BARE_ALLOWED, FUNCTIONS, RESERVED
from symgd.formula.syntax import Big, Call, Slice, Syntax, number
from symgd.formula.tokens import Token

if TYPE_CHECKING:
    from symgd.formula.parser import Parser

_BIG = re.compile(r"(sum|prod|mean)_([A-Za-z])")
_LOG_BASE = re.compile(r"log_(\d+)")
_POWER, _PRODUCT = 60, 40


def starts_big(token: Token) -> bool:
    """Whether a big operator such as ``sum_i`` starts here."""
    return token.kind == "name" and (
        bool(_BIG.fullmatch(token.text)) or token.text in ("Sum", "Product", "sum", "mean")
    )


# -- left sides and definitions ---------------------------------------------------------------


def split_equations(
    tokens: list[Token], text: str
) -> tuple[list[Token], str | None, dict[str, list[Token]]]:
    """``L = formula, where u = ...`` as the tokens of the formula, "L" and {"u": tokens}."""
    pieces = _split_where(tokens)
    body, label = _split_label(pieces[0], text)
    definitions: dict[str, list[Token]] = {}
    for piece in pieces[1:]:
        equals = _top_level(piece, "=")
        if equals != 1 or piece[0].kind != "name":
            raise SyntaxProblem(
                "a definition is 'where name = formula'", text, piece[0].position
            )
        definitions[piece[0].text] = piece[2:]
    return body, label, definitions


def _split_where(tokens: list[Token]) -> list[list[Token]]:
    """The formula and the definitions that follow ``where`` (without brackets) or commas."""
    end, depth = tokens[-1], 0
    pieces: list[list[Token]] = [[]]
    for i, token in enumerate(tokens[:-1]):
        if token.kind == "op":
            depth += (token.text in "([") - (token.text in ")]")
        following = tokens[i + 1]
        if depth == 0 and token.kind == "name" and token.text == "where" and following.text != "(":
            if pieces[-1] and pieces[-1][-1].text == ",":
                pieces[-1].pop()
            pieces.append([])
        elif depth == 0 and token.text == "," and token.kind == "op" and len(pieces) > 1:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [[*piece, end] for piece in pieces]


def _top_level(tokens: list[Token], symbol: str) -> int | None:
    depth = 0
    for i, token in enumerate(tokens):
        if token.kind != "op":
            continue
        depth += (token.text in "([") - (token.text in ")]")
        if depth == 0 and token.text == symbol:
            return i
    return None


def _split_label(tokens: list[Token], text: str) -> tuple[list[Token], str | None]:
    equals = _top_level(tokens, "=")
    if equals is None:
        return tokens, None
    left = tokens[:equals]
    names = left and left[0].kind == "name" and left[0].text not in RESERVED
    single = names and len(left) == 1
    applied = names and len(left) > 3 and left[1].text == "(" and left[-1].text == ")"
    derivative = names and any(t.text == "/" for t in left) and left[0].text.startswith("d")
    if not (single or applied or derivative):
        raise SyntaxProblem(
            "an equation is not a formula", text, tokens[equals].position,
            "the left side may only be a name, f(x) or dL/dm",
        )  # fmt: skip
    label = text[left[0].position : tokens[equals].position].strip()
    return tokens[equals + 1 :], label


# -- names ------------------------------------------------------------------------------------


def special(parser: Parser, token: Token, called: bool) -> Syntax | None:
    """A big operator, a derivative, ``Piecewise`` or ``log_2`` if one starts at ``token``."""
    name = token.text
    big = _BIG.fullmatch(name)
    if big:
        body = parser.expression(_PRODUCT)
        end = parser.end_of()
        return Syntax("big", token.position, end, (body,), Big(big[1], big[2]))
    if called and name in ("Sum", "Product"):
        return sympy_sum(parser, token)
    if called and name == "Piecewise":
        return piecewise(parser, token)
    if called and name in ("And", "Or", "Not"):
        return logic_call(parser, token)
    if called and name == "Derivative":
        return sympy_derivative(parser, token)
    if called and name == "ones":
        return ones(parser, token)
    if called and name == "scatter":
        return scatter(parser, token)
    if name == "d" and not called:
        return derivative(parser, token, "d")
    log = _LOG_BASE.fullmatch(name)
    if log and called:
        parser.expect("(", "after log")
        inner = parser.expression(0)
        parser.expect(")", "after the argument of log")
        return _log_base(inner, number(int(log[1]), inner), token.position, parser.end_of())
    return None


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


# -- brackets of special kinds ------------------------------------------------------------------


def index_items(parser: Parser) -> tuple[Slice, ...]:
    """``[1:, None]`` and ``[i]``."""
    opening = parser.advance()
    items: list[Slice] = []
    while True:
        items.append(_index_item(parser))
        if not parser.accept(","):
            break
    if not parser.accept("]"):
        raise parser.error(
            "an index is a number, a slice such as 1:, None, or the name of a sum's index",
            parser.token if parser.token.kind != "end" else opening,
        )
    return tuple(items)


def _index_item(parser: Parser) -> Slice:
    token = parser.token
    if token.kind == "name" and token.text in ("None", "newaxis"):
        parser.advance()
        return Slice("new")
    if token.kind == "name":
        parser.advance()
        return Slice("name", name=token.text)
    bounds: list[int | None] = []
    current: int | None = None
    colons = 0
    while True:
        if parser.accept(":"):
            bounds.append(current)
            current, colons = None, colons + 1
        elif current is None and (parser.token.kind == "number" or parser.token.text == "-"):
            current = _signed_integer(parser)
        else:
            break
    if not colons:
        if current is None:
            raise parser.error("an index is missing", parser.token)
        return Slice("at", (current,))
    bounds.append(current)
    if colons > 2 or (len(bounds) == 3 and bounds[2] is not None and bounds[2] <= 0):
        raise parser.error("a slice is start:stop or start:stop:step with a positive step", token)
    return Slice("slice", (*bounds, None, None)[:3])


def _signed_integer(parser: Parser) -> int:
    negative = parser.accept("-")
    token = parser.advance()
    if token.kind != "number" or not token.text.isdigit() or len(token.text) > 9:
        raise parser.error("a whole number was expected", token)
    return -int(token.text) if negative else int(token.text)


def keyword(parser: Parser, name: str, keywords: dict[str, object]) -> None:
    """``axis=0``, ``keepdims=True``, or the range ``i=1..N`` of a sum."""
    word = parser.advance()
    parser.advance()
    token = parser.token
    if word.text in ("axis", "keepdims"):
        if token.text in ("True", "False", "None"):
            parser.advance()
            keywords[word.text] = {"True": True, "False": False, "None": None}[token.text]
        else:
            keywords[word.text] = _signed_integer(parser)
        return
    if name in ("sum", "prod", "mean") and parser.peek().text == "..":
        lower = _signed_integer(parser)
        parser.advance()
        keywords["range"] = Big(name, word.text, lower, _limit(parser))
        return
    raise parser.error(f"{name} does not take {word.text}=", word)


def _limit(parser: Parser) -> int | str:
    if parser.token.kind == "name":
        return parser.advance().text
    return _signed_integer(parser)


def sympy_sum(parser: Parser, token: Token) -> Syntax:
    """``Sum(body, (i, 1, N))`` as SymPy prints it; several ranges nest."""
    operation = "sum" if token.text == "Sum" else "prod"
    parser.enter(parser.advance())
    body = parser.expression(0)
    ranges: list[Big] = []
    while parser.accept(","):
        parser.expect("(", "before the range of the sum")
        index = parser.advance()
        if index.kind != "name":
            raise parser.error("the index of the sum is a name", index)
        parser.expect(",", "after the index")
        lower = _signed_integer(parser)
        parser.expect(",", "after the lower limit")
        ranges.append(Big(operation, index.text, lower, _limit(parser)))
        parser.expect(")", "after the range of the sum")
    parser.expect(")", f"after {token.text}")
    parser.leave()
    if not ranges:
        raise parser.error(f"{token.text} needs a range such as (i, 1, N)", token)
    for big in ranges:
        body = Syntax("big", token.position, parser.end_of(), (body,), big)
    return body


def piecewise(parser: Parser, token: Token) -> Syntax:
    """``Piecewise((a, x < 0), (b, True))`` as SymPy prints it."""
    parser.enter(parser.advance())
    branches: list[tuple[Syntax, Syntax | None]] = []
    while parser.accept("("):
        value = parser.expression(0)
        parser.expect(",", "between value and condition")
        if parser.token.text == "True":
            parser.advance()
            branches.append((value, None))
        else:
            branches.append((value, parser.expression(0)))
        parser.expect(")", "after the branch")
        if not parser.accept(","):
            break
    parser.expect(")", "after Piecewise")
    parser.leave()
    if not branches or branches[-1][1] is not None:
        raise parser.error("Piecewise needs a last branch (value, True)", token)
    node = branches[-1][0]
    for value, condition in reversed(branches[:-1]):
        if condition is None:
            raise parser.error("only the last branch may be (value, True)", token)
        node = Syntax("where", token.position, parser.end_of(), (condition, value, node))
    return node


def logic_call(parser: Parser, token: Token) -> Syntax:
    """SymPy's ``And(a, b)``, ``Or(a, b)`` and ``Not(a)``."""
    parser.enter(parser.advance())
    parts = [parser.expression(0)]
    while parser.accept(","):
        parts.append(parser.expression(0))
    parser.expect(")", f"after {token.text}")
    parser.leave()
    if token.text == "Not":
        return Syntax("not", token.position, parser.end_of(), (parts[0],))
    node = parts[0]
    for part in parts[1:]:
        node = Syntax(token.text.lower(), token.position, parser.end_of(), (node, part))
    return node


def ones(parser: Parser, token: Token) -> Syntax:
    """``ones(N, p)``: sizes are numbers or names of sizes such as ``N`` and ``N-1``."""
    parser.advance()
    sizes: list[int | str] = []
    while True:
        size = _limit(parser)
        if parser.token.text in ("+", "-") and isinstance(size, str):
            sign = parser.advance().text
            size = f"{size}{sign}{_signed_integer(parser)}"
        sizes.append(size)
        if not parser.accept(","):
            break
    parser.expect(")", "after the sizes of ones")
    return Syntax("ones", token.position, parser.end_of(), (), tuple(sizes))


def scatter(parser: Parser, token: Token) -> Syntax:
    """``scatter(u, ones(n)[1:])``: zeros of size n with u at the places 1: (a slice's adjoint)."""
    parser.enter(parser.advance())
    inner = parser.expression(0)
    parser.expect(",", "after the first argument of scatter")
    target = parser.expression(0)
    parser.expect(")", "after the arguments of scatter")
    parser.leave()
    if target.kind != "index" or target.args[0].kind != "ones":
        raise parser.error("scatter needs a place such as ones(n)[1:]", target)
    place = (target.args[0].value, target.value)
    return Syntax("scatter", token.position, parser.end_of(), (inner,), place)


# -- derivatives --------------------------------------------------------------------------------


def derivative(parser: Parser, token: Token, mark: str) -> Syntax | None:
    """``d/dx (...)``, ``d^2/dx^2 ...``, ``∂/∂x ...``; ``None`` if it is a plain quotient."""
    start = parser.at
    order = _optional_order(parser)
    if not parser.accept("/"):
        parser.at = start
        return None
    names: list[str] = []
    while True:
        word = parser.token
        if mark == "∂" and parser.accept("∂") and parser.token.kind == "name":
            name = parser.advance().text
        elif mark == "d" and word.kind == "name" and word.text[:1] == "d" and len(word.text) > 1:
            name = parser.advance().text[1:]
        else:
            break
        names += [name] * _optional_order(parser)
    following = parser.token
    operand = following.kind in ("number", "name") or following.text in ("(", "[", "√", "|")
    if not names or len(names) != order or not operand:
        if mark == "∂":
            raise parser.error("a derivative is ∂/∂x (...)", token)
        parser.at = start
        return None
    bracketed = following.text in ("(", "[")
    body = parser.expression(_POWER if bracketed else _PRODUCT)
    return Syntax("derivative", token.position, parser.end_of(), (body,), tuple(names))


def _optional_order(parser: Parser) -> int:
    if parser.token.text == "^" and parser.peek().kind == "number":
        parser.advance()
        return _signed_integer(parser)
    return 1


def sympy_derivative(parser: Parser, token: Token) -> Syntax:
    """``Derivative(body, x)`` and ``Derivative(body, (x, 2))`` as SymPy prints them."""
    parser.enter(parser.advance())
    body = parser.expression(0)
    names: list[str] = []
    while parser.accept(","):
        if parser.accept("("):
            name = parser.advance().text
            parser.expect(",", "before the order")
            names += [name] * _signed_integer(parser)
            parser.expect(")", "after the order")
        else:
            names.append(parser.advance().text)
    parser.expect(")", "after Derivative")
    parser.leave()
    return Syntax("derivative", token.position, parser.end_of(), (body,), tuple(names))


# -- calls --------------------------------------------------------------------------------------


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
        if word not in function.keywords:
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
        return _log_base(args[0], args[1], start, end)
    if name == "norm" and len(args) == 2:
        return _norm_of_order(parser, node)
    if name == "polygamma":
        return _polygamma(parser, node)
    if name in ("var", "std"):
        keywords = dict(node.value.keywords)
        mean = Syntax("call", start, end, args, Call("mean", {**keywords, "keepdims": True}))
        deviation = make("add", args[0], make("neg", mean))
        square = make("pow", deviation, number(2, node))
        variance = Syntax("call", start, end, (square,), Call("mean", keywords))
        return variance if name == "var" else call("sqrt", variance)
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


def _log_base(inner: Syntax, base: Syntax, start: int, end: int) -> Syntax:
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
