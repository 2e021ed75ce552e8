"""Standard derivatives as people misremember them: one table, function by function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symgd.formula.graph import Node

Values = Callable[[Node, Node], "list[Node]"]
"""(f(u), u) -> wrong values of f'(u)."""


def _f(node: Node, name: str) -> Node:
    return node.graph.make(name, node)


WRONG_SIGN: dict[str, Values] = {
    "sin": lambda f, u: [-_f(u, "cos")],
    "cos": lambda f, u: [_f(u, "sin")],
    "tan": lambda f, u: [-1 / _f(u, "cos") ** 2],
    "cot": lambda f, u: [1 / _f(u, "sin") ** 2],
    "sec": lambda f, u: [-f * _f(u, "tan")],
    "csc": lambda f, u: [f * _f(u, "cot")],
    "cosh": lambda f, u: [-_f(u, "sinh")],
    "sinh": lambda f, u: [-_f(u, "cosh")],
    "acos": lambda f, u: [1 / _f(1 - u**2, "sqrt")],
    "asin": lambda f, u: [-1 / _f(1 - u**2, "sqrt")],
    "exp": lambda f, u: [-f],
    "log": lambda f, u: [-1 / u],
}
"""Right but for the sign."""

WRONG_POWER: dict[str, Values] = {
    "tan": lambda f, u: [1 / _f(u, "cos"), 1 / _f(u, "cos") ** 3],
    "cot": lambda f, u: [-1 / _f(u, "sin")],
    "log": lambda f, u: [1 / u**2, -1 / u**2],
    "tanh": lambda f, u: [1 - f, 1 / _f(u, "cosh")],
    "atan": lambda f, u: [1 / (1 + u**2) ** 2, 1 / (1 + u), 1 / _f(1 + u**2, "sqrt")],
    "asin": lambda f, u: [1 / (1 - u**2), 1 / _f(1 - u, "sqrt")],
    "acos": lambda f, u: [-1 / (1 - u**2)],
    "acosh": lambda f, u: [1 / (u**2 - 1)],
    "asinh": lambda f, u: [1 / (1 + u**2)],
    "atanh": lambda f, u: [1 / (1 - u), 1 / _f(1 - u**2, "sqrt")],
}
"""Right but for a power."""

WRONG_TERM_SIGN: dict[str, Values] = {
    "sigmoid": lambda f, u: [f * (1 + f)],
    "tanh": lambda f, u: [1 + f**2],
}
"""Right but for the sign of one term."""

WRONG: dict[str, Values] = {
    "sin": lambda f, u: [_f(u, "sin"), -_f(u, "sin")],
    "cos": lambda f, u: [_f(u, "cos"), -_f(u, "cos")],
    "tan": lambda f, u: [
        1 / _f(u, "sin") ** 2, -1 / _f(u, "sin") ** 2, _f(u, "sec") * f, _f(u, "cot"),
        1 / (1 + u**2), 1 - f**2,
    ],
    "cot": lambda f, u: [-1 / _f(u, "cos") ** 2, 1 / _f(u, "cos") ** 2, _f(u, "tan")],
    "sec": lambda f, u: [_f(u, "tan") ** 2, f**2, _f(u, "sin") / _f(u, "cos"), -1 / _f(u, "sin")],
    "csc": lambda f, u: [-f**2, _f(u, "cot") ** 2],
    "asin": lambda f, u: [
        1 / _f(1 + u**2, "sqrt"), 1 / _f(u**2 - 1, "sqrt"), _f(u, "acos"), 1 / (1 + u**2),
        _f(1 - u**2, "sqrt"), 1 / _f(u, "cos"),
    ],
    "acos": lambda f, u: [
        -1 / _f(1 + u**2, "sqrt"), -1 / _f(u**2 - 1, "sqrt"), -_f(u, "asin"),
        -_f(1 - u**2, "sqrt"), -1 / _f(u, "sin"),
    ],
    "atan": lambda f, u: [
        1 / (1 - u**2), -1 / (1 + u**2), 1 / (u**2 - 1), 1 / _f(1 - u**2, "sqrt"),
        1 / _f(u, "tan"), 1 / _f(u, "cos") ** 2,
    ],
    "sinh": lambda f, u: [f, _f(u, "cos")],
    "cosh": lambda f, u: [f, _f(u, "sin"), -_f(u, "sin")],
    "tanh": lambda f, u: [f, f**2 - 1, 1 / _f(u, "sinh") ** 2, 1 / _f(u, "cos") ** 2, f * (1 - f)],
    "asinh": lambda f, u: [1 / _f(u**2 - 1, "sqrt"), 1 / _f(1 - u**2, "sqrt")],
    "acosh": lambda f, u: [1 / _f(u**2 + 1, "sqrt"), 1 / _f(1 - u**2, "sqrt")],
    "atanh": lambda f, u: [1 / (1 + u**2), 1 / (u**2 - 1)],
    "log": lambda f, u: [1 / f, f, _f(u, "exp"), u],
    "log10": lambda f, u: [1 / f],
    "log2": lambda f, u: [1 / f],
    "exp": lambda f, u: [1 / u, 1 / f, u * f],
    "sigmoid": lambda f, u: [
        f, 1 - f, f**2, f * (f - 1), (1 - f) ** 2, f * (1 - f) ** 2, f**2 * (1 - f),
        u * (1 - u), 1 / (1 + _f(u, "exp")) ** 2,
    ],
    "softplus": lambda f, u: [
        1 / (1 + _f(u, "exp")), 1 + 1 / _f(u, "exp"), _f(u, "exp"), -_f(u, "sigmoid"),
        _f(-u, "sigmoid"),
    ],
    "sqrt": lambda f, u: [-1 / (2 * f), 2 / f],
    "erf": lambda f, u: [_f(-(u**2), "exp"), 2 * _f(-(u**2), "exp")],
    "abs": lambda f, u: [f, u / f**2, _f(u, "heaviside")],
    "softmax": lambda f, u: [],
}  # fmt: skip
"""The derivative of something else."""

SIGMOID: dict[str, Values] = {
    "softplus": lambda f, u: [_f(u, "sigmoid") * (1 - _f(u, "sigmoid"))],
}
"""The derivative of the sigmoid where the sigmoid itself is the derivative."""


def standard(table: dict[str, Values]) -> Callable[[Node, list[Node | None]], Iterator[Node]]:
    """The wrong rule that uses a table of wrong standard derivatives."""

    def rule(node: Node, changes: list[Node | None]) -> Iterator[Node]:
        values = table.get(node.op)
        if values is not None and changes[0] is not None:
            for value in values(node, node.args[0]):
                yield value * changes[0]

    return rule
