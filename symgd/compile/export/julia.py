"""Julia source: broadcasting with dots, matrices as they are, and a self-test."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgd.compile.export.layout import Layout, lay_out, safe_names, sample_point
from symgd.compile.sizes import split_size
from symgd.derive.partials import Partials
from symgd.errors import UnsupportedError
from symgd.formula.functions import words
from symgd.formula.graph import Node, topological
from symgd.formula.shapes import normal_axes
from symgd.formula.text import to_text

_CALLS = {
    **{n: n for n in words(
        "exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan sec csc cot asin acos atan sinh "
        "cosh tanh sech csch coth asinh acosh atanh abs sign hypot sigmoid softplus logaddexp"
    )},
    "maximum": "max", "minimum": "min", "atan2": "atan", "where": "ifelse",
}  # fmt: skip
_SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "and": "&",
          "or": "|"}  # fmt: skip
_HELPERS = {
    "sigmoid": '"1/(1 + e^-u) without overflow"\n'
    "sigmoid(u) = (e = exp(-abs(u)); (u >= 0 ? 1.0 : e)/(1.0 + e))\n",
    "softplus": '"log(1 + e^u) without overflow"\n'
    "softplus(u) = max(u, 0.0) + log1p(exp(-abs(u)))\n",
    "logaddexp": '"log(e^u + e^v) without overflow"\n'
    "logaddexp(u, v) = max(u, v) + log1p(exp(-abs(u - v)))\n",
    "softmax": '"e^u/sum(e^u) along a dimension without overflow"\n'
    "softmax(u, d) = (e = exp.(u .- maximum(u; dims=d)); e ./ sum(e; dims=d))\n",
    "logsumexp": '"log(sum(e^u)) without overflow"\n'
    "logsumexp(u) = (top = maximum(u); log(sum(exp.(u .- top))) + top)\n",
}  # fmt: skip


def julia_source(partials: Partials) -> str:
    """A Julia file: ``value_and_gradient(...)`` and a self-test."""
    return _Writer(lay_out(partials)).file()


class _Writer:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.names = safe_names([*(s.name for s in layout.symbols), *layout.sizes], "julia")
        self.used: set[str] = set()
        self.text: dict[Node, str] = {}

    def file(self) -> str:
        lines = self.function()
        partials = self.layout.partials
        head = [f"# {self.layout.title} and its gradient."]
        head += [f"#     dL/d{n} = {to_text(partials.textbook(n))}" for n in partials.wrt]
        head += ["# Run this file to check it against central differences.", "using LinearAlgebra"]
        helpers = [_HELPERS[name] for name in _HELPERS if name in self.used]
        return "\n".join([*head, "", *helpers, *lines, *self.test()]) + "\n"

    def function(self) -> list[str]:
        layout, partials = self.layout, self.layout.partials
        arguments = ", ".join(self.names[s.name] for s in layout.symbols)
        lines = [
            '"The value of the loss and its partial derivatives, by name."',
            f"function value_and_gradient({arguments})",
        ]
        for size in layout.sizes:
            symbol, axis, offset = layout.where_size(size)
            text = f"size({self.names[symbol.name]}, {axis + 1})"
            lines.append(f"    {self.names[size]} = {text}" + (f" - {offset}" if offset else ""))
        names = {node: f"t{i + 1}" for i, node in enumerate(layout.named)}
        for node in topological(*layout.outputs):
            text = self.piece(node)
            if node in names:
                lines.append(f"    {names[node]} = {text}")
                text = names[node]
            self.text[node] = text
        lines.append(f"    value = {self.text[layout.outputs[0]]}")
        for name, node in zip(partials.wrt, layout.outputs[1:], strict=True):
            shape = partials.problem.shape(name)
            text = self.text[node]
            if node.shape != shape:
                text = f"fill({text}, size({self.names[name]}))"
            lines.append(f"    g_{self.names[name]} = {text}")
        items = ", ".join(f'"{n}" => g_{self.names[n]}' for n in partials.wrt)
        return [*lines, f"    return value, Dict({items})", "end", ""]

    def piece(self, node: Node) -> str:
        op = node.op
        if op == "num":
            return number(node.value)
        if op == "const":
            return "pi" if node.value == "pi" else "exp(1.0)"
        if op in ("sym", "dim"):
            return self.names[node.value]
        dot = "." if any(a.shape for a in node.args) else ""
        parts = [self.turned(a, node) for a in node.args]
        if op == "add":
            return "(" + f" {dot}+ ".join(parts) + ")"
        if op == "neg":
            return f"(-{parts[0]})"
        if op in ("mul", "div", "pow"):
            sign = {"mul": "*", "div": "/", "pow": "^"}[op]
            return f"({parts[0]} {dot}{sign} {parts[1]})"
        if op in _SIGNS:
            return f"({parts[0]} {dot}{_SIGNS[op]} {parts[1]})"
        if op == "not":
            return f"({dot}!{parts[0]})"
        if op in _CALLS:
            self.used.add(op)
            return f"{_CALLS[op]}{dot}({', '.join(parts)})"
        return self.array(node, [self.text[a] for a in node.args])

    def turned(self, arg: Node, node: Node) -> str:
        """A vector that meets a matrix is a row of it."""
        text = self.text[arg]
        if len(arg.shape) == 1 and len(node.shape) == 2:
            return f"transpose({text})"
        return text

    def array(self, node: Node, parts: list[str]) -> str:
        op, args = node.op, node.args
        if op == "matmul":
            if len(args[0].shape) == 1:
                if len(args[1].shape) == 1:
                    return f"dot({parts[0]}, {parts[1]})"
                return f"(transpose({parts[1]}) * {parts[0]})"
            return f"({parts[0]} * {parts[1]})"
        if op == "outer":
            return f"({parts[0]} * transpose({parts[1]}))"
        if op == "transpose":
            return f"transpose({parts[0]})"
        if op in ("sum", "mean", "prod", "amax", "amin", "norm", "norm1", "logsumexp"):
            return self.reduction(node, parts[0])
        if op in ("det", "inv", "logdet"):
            return f"{op}({parts[0]})"
        if op == "trace":
            return f"tr({parts[0]})"
        if op == "solve":
            return f"({parts[0]} \\ {parts[1]})"
        if op == "softmax":
            self.used.add("softmax")
            axis = normal_axes((node.value,), len(node.shape))[0]
            return f"softmax({parts[0]}, {axis + 1})"
        if op == "diag":
            return f"{'diagm' if len(args[0].shape) == 1 else 'diag'}({parts[0]})"
        if op == "broadcast" and not args[0].shape:
            shape = ", ".join(self.size(s) for s in node.shape)
            return f"fill({parts[0]}, {shape})"
        raise UnsupportedError(f"{op} is not written in Julia")

    def size(self, size: Any) -> str:
        if isinstance(size, int):
            return str(size)
        base, offset = split_size(size)
        return self.names[base] + (f" {offset:+d}" if offset else "")

    def reduction(self, node: Node, inner: str) -> str:
        axes, keep = node.value
        op = node.op
        rank = len(node.args[0].shape)
        if op == "logsumexp":
            if axes is not None or keep:
                raise UnsupportedError("logsumexp along an axis is not written in Julia")
            self.used.add("logsumexp")
            return f"logsumexp({inner})"
        name = {"amax": "maximum", "amin": "minimum", "prod": "prod"}.get(op, "sum")
        body = {"norm": f"({inner}) .^ 2", "norm1": f"abs.({inner})"}.get(op, inner)
        if axes is None and not keep:
            text = f"{name}({body})"
            count = f"length({inner})"
        else:
            over = normal_axes(axes, rank)
            dims = "(" + ", ".join(str(a + 1) for a in over) + ",)"
            text = f"{name}({body}; dims={dims})"
            count = " * ".join(f"size({inner}, {a + 1})" for a in over)
            if not keep:
                text = f"dropdims({text}; dims={dims})"
        if op == "mean":
            return f"({text} {'.' if node.shape else ''}/ ({count}))"
        return f"sqrt{'.' if node.shape else ''}({text})" if op == "norm" else text

    def test(self) -> list[str]:
        point = sample_point(self.layout)
        if point is None:
            return ["# No point was found at which this formula could be checked."]
        lines = ["function self_test()", "    at = Dict{String, Any}("]
        lines += [f'        "{s.name}" => {_literal(point[s.name])},' for s in self.layout.symbols]
        call = ", ".join(f'at["{s.name}"]' for s in self.layout.symbols)
        wrt = ", ".join(f'"{n}"' for n in self.layout.partials.wrt)
        return [*lines, "    )", *_TEST.format(call=call, wrt=wrt).splitlines()]


_TEST = """    loss() = value_and_gradient({call})[1]
    gradient = value_and_gradient({call})[2]
    worst = 0.0
    for name in [{wrt}]
        base, found = at[name], gradient[name]
        for place in CartesianIndices(size(base))
            sides = map((1, -1)) do sign
                at[name] = base isa Number ? base + sign*1e-6 :
                    (moved = copy(base); moved[place] += sign*1e-6; moved)
                loss()
            end
            at[name] = base
            slope = (sides[1] - sides[2])/2e-6
            own = base isa Number ? found : found[place]
            worst = max(worst, abs(slope - own)/(1 + abs(slope)))
        end
    end
    return worst
end

if abspath(PROGRAM_FILE) == @__FILE__
    worst = self_test()
    println("largest difference from central differences: ", worst)
    worst < 1e-5 || error("the gradient does not agree with central differences")
end
"""


def number(value: Fraction) -> str:
    """A number as Julia source."""
    if value.denominator == 1:
        text = str(value.numerator) if abs(value.numerator) < 2**53 else repr(float(value))
    elif max(abs(value.numerator), value.denominator) < 2**53:
        text = f"{value.numerator}/{value.denominator}"
        return f"({text})"
    else:
        text = repr(float(value))
    return f"({text})" if value < 0 else text


def _literal(values: Any) -> str:
    if not isinstance(values, list):
        return repr(float(values))
    if values and isinstance(values[0], list):
        return "[" + "; ".join(" ".join(repr(float(v)) for v in row) for row in values) + "]"
    return "[" + ", ".join(repr(float(v)) for v in values) + "]"
