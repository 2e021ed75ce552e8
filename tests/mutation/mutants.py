"""Mutants of a module: the same source with one small mistake in it.

>>> import ast
>>> [m.change for m in mutants(ast.parse("def f(a):\\n    return a + 1"))]
['a + 1 becomes a - 1', '1 becomes 2', '1 becomes 0', 'return a + 1 becomes return None']
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed module: where, what, and its tree."""

    line: int
    change: str
    tree: ast.Module


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    return (mutant(tree, number) for number in range(count(tree)))


def count(tree: ast.Module) -> int:
    """How many mutants there are, without making them."""
    return sum(len(_changes(node)) for node in _walked(tree))


def mutant(tree: ast.Module, number: int) -> Mutant:
    """The mutant with this number, from 0."""
    for place, node in enumerate(_walked(tree)):
        found = _changes(node)
        if number < len(found):
            changed = copy.deepcopy(tree)
            target = list(_walked(changed))[place]
            new = _changes(target)[number]
            said = f"{_shown(node)} becomes {_shown(new)}"
            _Replaced(target, new).visit(changed)
            return Mutant(node.lineno, said, ast.fix_missing_locations(changed))  # type: ignore[attr-defined]
        number -= len(found)
    raise IndexError(number)


def _walked(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run: no annotations, docstrings, decorators, imports, type checking."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.arguments):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        yield node
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            body = ast.Module(body=node.body, type_ignores=[])
            yield from _walked(body)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                yield node.value
                yield from _walked(node.value)
        else:
            yield from _walked(node)


def _changes(node: ast.AST) -> list[ast.AST]:
    """What a node becomes in its mutants."""
    if isinstance(node, ast.Compare):
        return [_with(node, ops=[new(), *node.ops[1:]]) for new in _COMPARISONS[type(node.ops[0])]]
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return [_with(node, op=_ARITHMETIC[type(node.op)]())]
    if isinstance(node, ast.BoolOp):
        return [_with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        return [node.operand]
    if isinstance(node, ast.Constant):
        return _other_constants(node)
    return _other_statements(node)


def _other_constants(node: ast.Constant) -> list[ast.AST]:
    if isinstance(node.value, bool):
        return [ast.Constant(not node.value)]
    if isinstance(node.value, int):
        return [ast.Constant(node.value + 1), ast.Constant(node.value - 1)]
    if node.value == 0.0 and isinstance(node.value, float):
        return [ast.Constant(1.0)]
    if isinstance(node.value, float):
        return [ast.Constant(node.value * 1.5), ast.Constant(node.value / 2)]
    return []


def _other_statements(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.If):
        return [_with(node, test=ast.UnaryOp(ast.Not(), node.test))]
    if isinstance(node, ast.Return) and node.value is not None:
        bare = isinstance(node.value, ast.Constant) and node.value.value is None
        return [] if bare else [ast.Return(ast.Constant(None))]
    if isinstance(node, ast.Raise | ast.Continue | ast.Break | ast.AugAssign):
        return [ast.Pass()]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return [ast.Pass()]
    return []


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


class _Replaced(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else super().visit(node)


def _shown(node: ast.AST) -> str:
    """The first line of the source of a node, shortened."""
    text = ast.unparse(ast.fix_missing_locations(node)).split("\n")[0]
    return text if len(text) <= 70 else text[:67] + "..."
