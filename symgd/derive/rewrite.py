"""Accurate forms: rewrites that mean the same and do not overflow.

They are applied to the loss before it is differentiated, so that the gradient is
accurate too: ``log(1 + exp(1000))`` is 1000, its derivative 1.

| written                                  | computed           |
|------------------------------------------|--------------------|
| ``log(1 + exp(u))``                      | ``softplus(u)``    |
| ``1/(1 + exp(-u))``, ``e^u/(1 + e^u)``   | ``sigmoid(u)``     |
| ``log(sigmoid(u))``, ``log(1-sigmoid)``  | ``-softplus(-+u)`` |
| ``log(exp(u) + exp(v))``                 | ``logaddexp(u, v)``|
| ``log(sum(exp(u)))``                     | ``logsumexp(u)``   |
| ``exp(u)/sum(exp(u))``                   | ``softmax(u)``     |
| ``log(softmax(u))``                      | ``u - logsumexp(u)`` |
| ``sqrt(u^2)``                            | ``abs(u)``         |
| ``norm(u)^2``, ``abs(u)^2``              | ``sum(u^2)``, ``u^2`` |

and, only for computing (:func:`compensated`): ``expm1``, ``log1p``, ``log(cosh)`` and one minus
``cos``, ``sigmoid``, ``tanh``, ``tanh^2``, so that slopes in the tails are small and not 0.
"""

from __future__ import annotations

from collections.abc import Callable

from symgd.derive.arrays import AT_ZERO
from symgd.formula.graph import Graph, Node, topological
from symgd.formula.shapes import normal_axes

Rewrite = Callable[[Node], "Node | None"]


def stable(root: Node) -> Node:
    """``root`` with every sub-formula in its accurate form."""
    return _applied([root], _STABLE)[root]


def compensated(roots: list[Node]) -> list[Node]:
    """The roots with cancellation taken out where a function for it exists."""
    new = _applied(roots, _COMPENSATED)
    return [new[root] for root in roots]


def bounded(loss: Node, partials: list[Node]) -> list[Node]:
    """The partial derivatives of ``loss`` without quotients that overflow: sinh/cosh is tanh."""
    if all(node.op != "cosh" for node in topological(loss)):
        return partials
    new = _applied(partials, {"mul": _tangent})
    return [new[partial] for partial in partials]


def _applied(roots: list[Node], table: dict[str, Rewrite]) -> dict[Node, Node]:
    """Every node below ``roots`` and what it becomes."""
    new: dict[Node, Node] = {}
    for node in topological(*roots):
        if not node.args:
            new[node] = node
            continue
        args = [new[a] for a in node.args]
        same = all(a is b for a, b in zip(args, node.args, strict=True))
        made = node if same else node.graph.make(node.op, *args, value=node.value)
        rewrite = table.get(made.op)
        changed = rewrite(made) if rewrite else None
        new[node] = changed if changed is not None and changed.shape == node.shape else made
    return new


def one_plus_exp(node: Node) -> Node | None:
    """u if the node is ``1 + exp(u)``, else ``None``."""
    if node.op != "add" or len(node.args) != 2:
        return None
    for number, other in (node.args, node.args[::-1]):
        if number.is_number(1):
            return _exponent(other)
    return None


def _exponent(node: Node) -> Node | None:
    """u of ``exp(u)`` or ``e^u``."""
    if node.op == "exp":
        return node.args[0]
    if node.op == "pow" and node.args[0].op == "const" and node.args[0].value == "e":
        return node.args[1]
    return None


def _sqrt(node: Node) -> Node | None:
    """``sqrt(u^2)`` is |u|, and it has the subgradient of |u| at 0."""
    (inner,) = node.args
    squared = inner.op == "pow" and inner.args[1].is_number(2)
    return node.graph.make("abs", inner.args[0]) if squared else None


def _log_cosh(u: Node) -> Node:
    """``|u| + log1p(exp(-2|u|)) - log(2)``: ``cosh`` itself overflows beyond 710."""
    graph = u.graph
    size = graph.make("abs", u)
    return size + graph.make("softplus", -2 * size) - graph.make("log", graph.number(2))


def _log(node: Node) -> Node | None:
    (inner,) = node.args
    graph = node.graph
    u = one_plus_exp(inner)
    if u is not None:
        return graph.make("softplus", u)
    if inner.op == "sigmoid":
        return -graph.make("softplus", _flip(inner.args[0]))
    if inner.op == "add" and len(inner.args) == 2:
        first, second = inner.args
        if first.is_number(1) and second.op == "neg" and second.args[0].op == "sigmoid":
            return -graph.make("softplus", second.args[0].args[0])
    if inner.op == "softmax":
        axes = (inner.value,) if len(inner.shape) > 1 else None
        return inner.args[0] - graph.make("logsumexp", inner.args[0], value=(axes, bool(axes)))
    if inner.op == "sum":
        u = _exponent(inner.args[0])
        if u is not None and u.shape == inner.args[0].shape:
            return graph.make("logsumexp", u, value=inner.value)
    if inner.op == "add":
        return _log_of_exponentials(inner, graph)
    return None


def _log_of_exponentials(inner: Node, graph: Graph) -> Node | None:
    exponents = [_exponent(term) for term in inner.args]
    if any(e is None for e in exponents):
        return None
    result = exponents[0]
    for e in exponents[1:]:
        result = graph.make("logaddexp", result, e)  # type: ignore[arg-type]
    return result


def _flip(u: Node) -> Node:
    return u.args[0] if u.op == "neg" else -u


def _log1p(node: Node) -> Node | None:
    u = _exponent(node.args[0])
    return None if u is None else node.graph.make("softplus", u)


def _div(node: Node) -> Node | None:
    top, bottom = node.args
    graph = node.graph
    above = _exponent(top)
    if above is not None and bottom.op == "sum" and bottom.args[0] is top:
        return _softmax_of(above, bottom)
    u = one_plus_exp(bottom)
    if u is None:
        return None
    if above is not None:
        return graph.make("sigmoid", u) if above is u else None
    logistic = graph.make("sigmoid", _flip(u))
    return logistic if top.is_number(1) else graph.make("mul", top, logistic)


def _softmax_of(u: Node, total: Node) -> Node | None:
    """``exp(u)/sum(exp(u))`` over a vector, or over one axis that is kept."""
    axes, keep = total.value
    rank = len(u.shape)
    if rank == 1 and not keep:
        return u.graph.make("softmax", u, value=-1)
    if axes is not None and len(axes) == 1 and keep:
        (axis,) = normal_axes(axes, rank)
        return u.graph.make("softmax", u, value=axis - rank)
    return None


def _pow(node: Node) -> Node | None:
    base, exponent = node.args
    if exponent.is_number(2) and base.op == "norm":
        square = node.graph.make("pow", base.args[0], exponent)
        return node.graph.make("sum", square, value=base.value)
    if exponent.is_number(2) and base.op == "abs":
        return node.graph.make("pow", base.args[0], exponent)
    if exponent.is_number(-1):
        u = one_plus_exp(base)
        return None if u is None else node.graph.make("sigmoid", _flip(u))
    return None


_STABLE: dict[str, Rewrite] = {
    "log": _log, "log1p": _log1p, "div": _div, "pow": _pow, "sqrt": _sqrt,
}  # fmt: skip


def _tangent(node: Node) -> Node | None:
    """``g/cosh(u)*sinh(u)``, as the derivative of ``log(cosh(u))`` comes, is g*tanh(u)."""
    for first, second in (node.args, node.args[::-1]):
        if first.op == "div" and first.args[1].op == "cosh" and second.op == "sinh":
            u = second.args[0]
            if first.args[1].args[0] is u:
                return first.args[0] * node.graph.make("tanh", u)
    return None


# -- only for computing ---------------------------------------------------------------------------


def _add_compensated(node: Node) -> Node | None:
    """``1 - f(u)`` and ``f(u) - 1`` where f comes near 1, and ``1 + tanh(u)``."""
    if len(node.args) != 2:
        return None
    for first, second in (node.args, node.args[::-1]):
        if first.is_number(1):
            if second.op == "neg":
                return _one_minus(second.args[0])
            if second.op == "tanh":
                return 2 * node.graph.make("sigmoid", 2 * second.args[0])
        if second.is_number(-1) or (second.op == "neg" and second.args[0].is_number(1)):
            u = _exponent(first)
            if u is not None:
                return node.graph.make("expm1", u)
            missing = _one_minus(first)
            return None if missing is None else -missing
    return None


def _one_minus(f: Node) -> Node | None:
    """``1 - f`` without the loss of digits where f is close to 1.

    ``1 - e^u = -expm1(u)``, ``1 - cos(u) = 2 sin(u/2)^2``, ``1 - sigmoid(u) = sigmoid(-u)``,
    ``1 - tanh(u) = 2 sigmoid(-2u)`` and ``1 - tanh(u)^2 = 4q/(1 + q)^2`` with q = e^(-2|u|).
    """
    graph = f.graph
    u = _exponent(f)
    if u is not None:
        return -graph.make("expm1", u)
    if f.op == "cos":
        return 2 * graph.make("sin", f.args[0] / 2) ** 2
    if f.op == "sigmoid":
        return graph.make("sigmoid", _flip(f.args[0]))
    if f.op == "tanh":
        return 2 * graph.make("sigmoid", -2 * f.args[0])
    if f.op == "pow" and f.args[1].is_number(2) and f.args[0].op == "tanh":
        tail = graph.make("exp", -2 * graph.make("abs", f.args[0].args[0]))
        return 4 * tail / (1 + tail) ** 2
    return None


def _log_compensated(node: Node) -> Node | None:
    (inner,) = node.args
    if inner.op == "cosh":
        return _log_cosh(inner.args[0])
    if inner.op == "add" and len(inner.args) == 2:
        for number, other in (inner.args, inner.args[::-1]):
            if number.is_number(1):
                return node.graph.make("log1p", other)
    return None


def _mul_compensated(node: Node) -> Node | None:
    """``log(u)*u^v``, the derivative of ``u^v`` by v, is 0 and not nan at u = 0 for v > 0.

    A factor of it goes inside, so that the 0 wins over the infinite logarithm of another one.
    """
    graph, zero = node.graph, node.graph.number(0)
    for first, second in (node.args, node.args[::-1]):
        if first.op == "log" and second.op == "pow" and second.args[0] is first.args[0]:
            if second.args[1].op == "num":
                continue
            at_zero = graph.make("eq", first.args[0], zero)
            level = graph.make("and", at_zero, graph.make("gt", second.args[1], zero))
            return graph.make("where", level, zero, node)
        if second.op == "where" and second.args[1] is zero and _is_level(second.args[0]):
            inside = graph.make("mul", first, second.args[2])
            return graph.make("where", second.args[0], zero, inside)
    return None


def _is_level(condition: Node) -> bool:
    """Whether a condition is the one above: ``u = 0 and v > 0``."""
    if condition.op != "and" or len(condition.args) != 2:
        return False
    first, second = condition.args
    return first.op == "eq" and second.op == "gt" and first.args[1] is second.args[1]


def _div_compensated(node: Node) -> Node | None:
    """The derivative u/|u| of a norm, with the subgradient 0 where |u| is 0."""
    if node.value != AT_ZERO:
        return None
    graph, (u, norm) = node.graph, node.args
    zero = graph.number(0)
    return graph.where(graph.make("eq", norm, zero), zero, graph.make("div", u, norm))


_COMPENSATED: dict[str, Rewrite] = {
    "add": _add_compensated, "div": _div_compensated, "log": _log_compensated,
    "mul": _mul_compensated,
}  # fmt: skip
