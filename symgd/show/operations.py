"""A formula as the boxes of a picture: what each does, and what it is fed with.

Numbers are written into the operation that uses them, and a difference is one box.

>>> from symgd.formula.problem import read
>>> [box.label for box in boxes_of(read("(x - 3.5)^2 - 4.5x + 10").root)]
['$x$', '$- 3.5$', '$(\\\\,)^{2}$', '$\\\\times 4.5$', '$+ 10$']
"""

from __future__ import annotations

from dataclasses import dataclass

from symgd.formula.graph import Node, topological
from symgd.formula.text import to_text
from symgd.show.words import mathtext, name_of

_SIGNS = {
    "matmul": r"\mathrm{matmul}",
    "add": "+", "mul": r"\times", "div": r"\div", "neg": "-", "sqrt": r"\sqrt{\,}",
    "abs": r"|\,|", "sum": r"\sum", "exp": r"\exp", "log": r"\log", "sin": r"\sin",
    "cos": r"\cos", "tan": r"\tan", "tanh": r"\tanh", "sigmoid": r"\sigma",
    "mean": r"\mathrm{mean}",
    "norm": r"\|\,\|", "transpose": r"(\,)^{\top}", "inv": r"(\,)^{-1}", "maximum": r"\max",
    "minimum": r"\min",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Box:
    """One operation: its ``node``, its ``label``, and what feeds it.

    ``feeds`` holds the places of other boxes, ``tags`` a word for each of them ("" or a sign).
    """

    node: Node
    label: str
    feeds: tuple[int, ...]
    tags: tuple[str, ...]
    kind: str


def boxes_of(root: Node) -> list[Box]:
    """The boxes of a formula, those that feed before those that are fed."""
    order = topological(root)
    fixed = _constants(order)
    needed = {root}
    for node in reversed(order):
        if node in needed:
            needed.update(arg for arg, _ in _operands(node, fixed)[0])
    places: dict[Node, int] = {}
    boxes: list[Box] = []
    for node in order:
        if node in needed:
            operands, label = _operands(node, fixed)
            places[node] = len(boxes)
            boxes.append(
                Box(
                    node, label, tuple(places[arg] for arg, _ in operands),
                    tuple(tag for _, tag in operands), _kind(node, root),
                )
            )  # fmt: skip
    return boxes


def _kind(node: Node, root: Node) -> str:
    if node is root:
        return "loss"
    return "name" if node.op == "sym" else "step"


def _constants(order: list[Node]) -> set[Node]:
    """The nodes without a name below them."""
    moving: set[Node] = set()
    for node in order:
        if node.op == "sym" or any(arg in moving for arg in node.args):
            moving.add(node)
    return set(order) - moving


def _operands(node: Node, fixed: set[Node]) -> tuple[list[tuple[Node, str]], str]:
    """What feeds a node, with a tag for each, and what is written on it."""
    if node.op == "sym":
        return [], name_of(node.value)
    if node in fixed:
        return [], _plain(node)
    moving = [arg for arg in node.args if arg not in fixed]
    numbers = [arg for arg in node.args if arg in fixed]
    if node.op == "add":
        return _sum_parts(moving, numbers)
    if node.op == "neg":
        return [(moving[0], "")], "$-$"
    if node.op == "mul" and len(numbers) == 1:
        return [(moving[0], "")], rf"$\times {_latex(numbers[0])}$"
    if node.op == "div" and len(numbers) == 1:
        if node.args[0] in fixed:
            return [(moving[0], "")], rf"${_latex(numbers[0])}\; \div$"
        return [(moving[0], "")], rf"$\div {_latex(numbers[0])}$"
    if node.op == "pow" and len(numbers) == 1:
        base = r"(\,)" if node.args[0] not in fixed else _latex(numbers[0])
        power = _latex(numbers[0]) if node.args[0] not in fixed else r"(\,)"
        return [(moving[0], "")], f"${base}^{{{power}}}$"
    tags = [""] * len(moving)
    if node.op in ("div", "pow") and len(moving) == 2:
        tags[1] = "÷" if node.op == "div" else "^"
    known = _SIGNS.get(node.op)
    label = f"${known}$" if known else mathtext(rf"\mathrm{{{node.op}}}", node.op)
    return list(zip(moving, tags, strict=True)), label


def _sum_parts(moving: list[Node], numbers: list[Node]) -> tuple[list[tuple[Node, str]], str]:
    """A sum; what is subtracted is fed in with a minus sign."""
    parts = [(arg.args[0], "−") if arg.op == "neg" else (arg, "") for arg in moving]  # noqa: RUF001
    words = " ".join(_signed(number) for number in numbers)
    if len(parts) == 1:
        return parts, f"${words}$" if not parts[0][1] else f"${words} -$"
    if words:
        return parts, f"$+\\;{words}$" if not words.startswith("+") else f"${words}$"
    two = len(parts) == 2 and not parts[0][1] and parts[1][1]
    return parts, "$-$" if two else "$+$"


def _signed(number: Node) -> str:
    text = _latex(number)
    return f"- {text[1:].strip()}" if text.startswith("-") else f"+ {text}"


def _latex(node: Node) -> str:
    drawn = _plain(node)
    return drawn[1:-1] if drawn.startswith("$") else drawn


def _plain(node: Node) -> str:
    from symgd.show.words import formula

    return formula(node) if len(to_text(node)) <= 24 else "$c$"
