"""Python source: NumPy, JAX and PyTorch share one writer and differ in a table."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symgd.compile.export.layout import Layout, lay_out, safe_names, sample_point
from symgd.compile.sizes import split_size
from symgd.derive.partials import Partials
from symgd.errors import UnsupportedError
from symgd.formula.functions import words
from symgd.formula.graph import Node, topological
from symgd.formula.text import index_text, to_text

SUM, NEG, PRODUCT, POWER, ATOM = range(5)
Piece = tuple[str, int]


@dataclass(frozen=True)
class Library:
    """What differs between the array libraries of Python."""

    name: str
    alias: str
    imports: str
    scalar: str
    array: str
    axis: str = "axis"
    keep: str = "keepdims"
    functions: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    special: str = ""


_HELPERS = {
    "sigmoid": '''def sigmoid(u):
    """1/(1 + e^-u) without overflow."""
    e = {np}.exp(-{np}.abs(u))
    return {np}.where(u >= 0, 1.0, e)/(1.0 + e)
''',
    "softplus": '''def softplus(u):
    """log(1 + e^u) without overflow."""
    return {np}.logaddexp(0.0*u, u)
''',
    "softmax": '''def softmax(u, axis):
    """e^u/sum(e^u) along an axis without overflow."""
    e = {np}.exp(u - {amax}(u, {axis}=axis, {keep}=True){first})
    return e/{np}.sum(e, {axis}=axis, {keep}=True)
''',
    "logsumexp": '''def logsumexp(u, axis=None, keepdims=False):
    """log(sum(e^u)) without overflow."""
    top = np.max(u, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(u - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)
''',
    "prodrest": '''def prodrest(u, axis=None):
    """The product of all other entries, right also where entries are zero."""
    moved = u.reshape(-1) if axis is None else np.moveaxis(u, axis, 0)
    ones = np.ones_like(moved[:1])
    before = np.cumprod(np.concatenate([ones, moved[:-1]]), axis=0)
    after = np.cumprod(np.concatenate([ones, moved[:0:-1]]), axis=0)[::-1]
    product = before*after
    return product.reshape(u.shape) if axis is None else np.moveaxis(product, 0, axis)
''',
}  # fmt: skip

_NUMPY_FUNCTIONS = {
    **{n: f"np.{n}" for n in words(
        "exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan sinh cosh tanh abs sign maximum "
        "minimum logaddexp hypot"
    )},
    "asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan", "asinh": "np.arcsinh",
    "acosh": "np.arccosh", "atanh": "np.arctanh", "atan2": "np.arctan2",
    "sigmoid": "sigmoid", "softplus": "softplus", "where": "np.where",
    "erf": "special.erf", "erfc": "special.erfc", "gamma": "special.gamma",
    "loggamma": "special.gammaln", "digamma": "special.digamma",
    "det": "np.linalg.det", "inv": "np.linalg.inv", "solve": "np.linalg.solve",
    "outer": "np.outer", "trace": "np.trace", "diag": "np.diag",
}  # fmt: skip

NUMPY = Library(
    "NumPy", "np", "import numpy as np", "np.float64({})", "np.asarray({}, dtype=float)",
    functions=_NUMPY_FUNCTIONS,
    helpers=dict(_HELPERS),
    special="from scipy import special",
)  # fmt: skip
JAX = Library(
    "JAX", "jnp",
    'import jax\nimport jax.numpy as jnp\n\njax.config.update("jax_enable_x64", True)',
    "jnp.asarray({}, dtype=float)", "jnp.asarray({}, dtype=float)",
    functions={k: v.replace("np.", "jnp.") for k, v in _NUMPY_FUNCTIONS.items()},
    helpers={k: re.sub(r"\bnp\.", "jnp.", v) for k, v in _HELPERS.items()},
    special="from jax.scipy import special",
)  # fmt: skip
_TORCH_FUNCTIONS = {
    **{k: v.replace("np.", "torch.") for k, v in _NUMPY_FUNCTIONS.items()},
    "cbrt": "cbrt", "sigmoid": "torch.sigmoid", "softplus": "softplus", "erf": "torch.erf",
    "erfc": "torch.erfc", "gamma": "gamma", "loggamma": "torch.lgamma",
    "digamma": "torch.digamma",
}  # fmt: skip
TORCH = Library(
    "PyTorch", "torch", "import torch", "torch.as_tensor({}, dtype=torch.float64)",
    "torch.as_tensor({}, dtype=torch.float64)", axis="dim", keep="keepdim",
    functions=_TORCH_FUNCTIONS,
    helpers={
        **{k: v for k, v in _HELPERS.items() if k == "softplus"},
        "softmax": "def softmax(u, axis):\n    return torch.softmax(u, dim=axis)\n",
        "cbrt": "def cbrt(u):\n    return torch.sign(u)*torch.abs(u)**(1/3)\n",
        "gamma": "def gamma(u):\n    return torch.exp(torch.lgamma(u))\n",
        "prodrest": '''def prodrest(u, axis=None):
    """The product of all other entries, right also where entries are zero."""
    moved = u.reshape(-1) if axis is None else torch.movedim(u, axis, 0)
    ones = torch.ones_like(moved[:1])
    before = torch.cumprod(torch.cat([ones, moved[:-1]]), dim=0)
    turned = torch.flip(moved, (0,))
    after = torch.flip(torch.cumprod(torch.cat([ones, turned[:-1]]), dim=0), (0,))
    product = before*after
    return product.reshape(u.shape) if axis is None else torch.movedim(product, 0, axis)
''',
    },
)  # fmt: skip


def numpy_source(partials: Partials) -> str:
    """A module for NumPy: ``value_and_gradient(...)`` and a self-test."""
    return _Writer(lay_out(partials), NUMPY).module()


def jax_source(partials: Partials) -> str:
    """A module for JAX, traceable by ``jax.jit``."""
    return _Writer(lay_out(partials), JAX).module()


def torch_source(partials: Partials) -> str:
    """A module for PyTorch."""
    return _Writer(lay_out(partials), TORCH).module()


_NUMBERS = frozenset({"num", "const", "dim"})
_ARITHMETIC = frozenset({"add", "neg", "mul", "div", "pow"})


class _Writer:
    """Writes one module."""

    def __init__(self, layout: Layout, library: Library) -> None:
        self.layout, self.library = layout, library
        names = [s.name for s in layout.symbols] + list(layout.sizes)
        self.names = safe_names(names, "python")
        self.np = library.alias
        self.used: set[str] = set()
        self.text: dict[Node, Piece] = {}
        self.plain: set[Node] = set()
        """Nodes that are written as Python's own numbers."""

    def module(self) -> str:
        lines = self.function()
        parts = [self.heading(), self.imports()]
        for name, helper in self.library.helpers.items():
            if name in self.used:
                parts.append("\n" + self.filled(helper))
        parts += ["\n" + "\n".join(lines), self.test()]
        return "\n".join(parts) + "\n"

    def heading(self) -> str:
        partials = self.layout.partials
        title = self.layout.title.replace("\\", "\\\\")
        lines = [f'"""{title} and its gradient.', ""]
        for name in partials.wrt:
            lines.append(f"    dL/d{name} = {to_text(partials.textbook(name))}")
        lines += ["", "Run this file to check it against central differences.", '"""', ""]
        return "\n".join(lines)

    def imports(self) -> str:
        lines = [self.library.imports]
        if "special" in self.used:
            lines.append(self.library.special)
        return "\n".join(lines) + "\n"

    def filled(self, helper: str) -> str:
        torch = self.library is TORCH
        return helper.format(
            np=self.np, axis=self.library.axis, keep=self.library.keep,
            amax="torch.max" if torch else f"{self.np}.max", first=".values" if torch else "",
        ) if "{np}" in helper else helper  # fmt: skip

    def function(self) -> list[str]:
        layout, partials = self.layout, self.layout.partials
        arguments = ", ".join(self.names[s.name] for s in layout.symbols)
        lines = [f"def value_and_gradient({arguments}):"]
        lines += self.documentation()
        for symbol in layout.symbols:
            form = self.library.array if symbol.shape else self.library.scalar
            name = self.names[symbol.name]
            lines.append(f"    {name} = {form.format(name)}")
        for size in layout.sizes:
            symbol, axis, offset = layout.where_size(size)
            text = f"{self.names[symbol.name]}.shape[{axis}]"
            lines.append(f"    {self.names[size]} = {text}" + (f" - {offset}" if offset > 0 else
                         f" + {-offset}" if offset else ""))  # fmt: skip
        body = self.body()
        if self.library is NUMPY:
            lines.append('    with np.errstate(all="ignore"):')
            body = ["    " + line for line in body]
        lines += body
        items = ", ".join(f'"{n}": g_{self.names[n]}' for n in partials.wrt)
        lines += [f"    return value, {{{items}}}", ""]
        return lines

    def documentation(self) -> list[str]:
        shapes = [
            f"{s.name} {_shape(s.shape)}" if s.shape else f"{s.name} a number"
            for s in self.layout.symbols
        ]
        return [
            '    """The value of the loss and its partial derivatives, a dict by name.',
            "",
            *(f"    {line}" for line in _wrapped(", ".join(shapes) + ".")),
            '    """',
        ]

    def body(self) -> list[str]:
        layout, partials = self.layout, self.layout.partials
        lines = []
        names = {node: f"t{i + 1}" for i, node in enumerate(layout.named)}
        for node in topological(*layout.outputs):
            if node.op in _NUMBERS or (node.op in _ARITHMETIC and self.plain >= set(node.args)):
                self.plain.add(node)
            piece = self.piece(node)
            if node in names:
                lines.append(f"    {names[node]} = {piece[0]}")
                piece = names[node], ATOM
            self.text[node] = piece
        lines.append(f"    value = {self.text[layout.outputs[0]][0]}")
        for name, node in zip(partials.wrt, layout.outputs[1:], strict=True):
            text = self.text[node][0]
            if node.shape != partials.problem.shape(name) or node.op == "broadcast":
                text = f"{self.np}.broadcast_to({text}, {self.names[name]}.shape)"
            if not node.shape and node.op == "num":
                text = self.library.scalar.format(text)
            lines.append(f"    g_{self.names[name]} = {text}")
        return lines

    # -- pieces ---------------------------------------------------------------------------

    def piece(self, node: Node) -> Piece:
        op = node.op
        if op == "num":
            return number(node.value)
        if op == "const":
            return repr(math.pi if node.value == "pi" else math.e), ATOM
        if op in ("sym", "dim"):
            return self.names[node.value], ATOM
        parts = [self.text[a] for a in node.args]
        rule = _RULES.get(op)
        if rule is not None:
            return rule(self, node, parts)
        return self.call(node, parts)

    def call(self, node: Node, parts: list[Piece]) -> Piece:
        op = node.op
        name = self.library.functions.get(op)
        if name is None:
            raise UnsupportedError(f"{op} is not written in {self.library.name}")
        self.used.add(name.split(".")[0])
        if self.library is TORCH and len(node.args) == 1 and node.args[0] in self.plain:
            parts = [(self.library.scalar.format(parts[0][0]), ATOM)]
        inner = ", ".join(text for text, _ in parts)
        if self.library is TORCH and op in ("where", "maximum", "minimum", "atan2", "hypot"):
            inner = ", ".join(
                text
                if i == 0 and op == "where"
                else f"torch.as_tensor({text}, dtype=torch.float64)"
                for i, (text, _) in enumerate(parts)
            )
        return f"{name}({inner})", ATOM

    def axes(self, node: Node) -> str:
        axes, keep = node.value
        text = ""
        if axes is not None:
            shown = axes[0] if len(axes) == 1 else tuple(axes)
            text += f", {self.library.axis}={shown}"
        if keep:
            if axes is None:
                shown = tuple(range(len(node.args[0].shape)))
                text += f", {self.library.axis}={shown}"
            text += f", {self.library.keep}=True"
        return text

    def shape(self, shape: tuple[Any, ...]) -> str:
        sizes = []
        for size in shape:
            if isinstance(size, int):
                sizes.append(str(size))
            else:
                base, offset = split_size(size)
                sizes.append(self.names[base] + (f" {offset:+d}" if offset else ""))
        return f"({', '.join(sizes)},)"

    # -- the self-test --------------------------------------------------------------------

    def test(self) -> str:
        point = sample_point(self.layout)
        if point is None:
            return "\n# No point was found at which this formula could be checked."
        values = ",\n".join(
            f"        {self.names[s.name]}={point[s.name]!r}" for s in self.layout.symbols
        )
        moved = ", ".join(f'"{self.names[n]}": "{n}"' for n in self.layout.partials.wrt)
        return _TEST.format(values=values, moved=moved, name=self.library.name)


_TEST = '''
def self_test():
    """The largest relative difference between the gradient and central differences."""
    import numpy as np

    at = dict(
{values},
    )
    value, gradient = value_and_gradient(**at)
    worst = 0.0
    for argument, name in {{{moved}}}.items():
        base = np.array(at[argument], dtype=float)
        found = np.asarray(gradient[name], dtype=float)
        for place in np.ndindex(base.shape):
            sides = []
            for sign in (1, -1):
                moved = base.copy()
                moved[place] += sign*1e-6
                sides.append(float(value_and_gradient(**{{**at, argument: moved}})[0]))
            slope = (sides[0] - sides[1])/2e-6
            worst = max(worst, abs(slope - found[place])/(1 + abs(slope)))
    return worst


if __name__ == "__main__":
    worst = self_test()
    print(f"largest difference from central differences: {{worst:.1e}}")
    if not worst < 1e-5:
        raise SystemExit("the gradient does not agree with central differences")'''


def number(value: Fraction) -> Piece:
    """A number as Python source, exact where a float is."""
    level = ATOM if value >= 0 else NEG
    if value.denominator == 1:
        whole = value.numerator
        return (str(whole) if abs(whole) < 2**53 else repr(float(whole))), level
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1 or max(abs(value.numerator), value.denominator) >= 2**53:
        return repr(float(value)), level
    return f"{value.numerator}/{value.denominator}", (PRODUCT if value >= 0 else NEG)


def wrap(piece: Piece, least: int) -> str:
    """The text, in brackets if it binds looser than ``least``."""
    return piece[0] if piece[1] >= least else f"({piece[0]})"


def _shape(shape: tuple[Any, ...]) -> str:
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 90)


# -- one rule for each operation that is not a plain call ----------------------------------------


def _add(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    text = wrap(parts[0], NEG)
    for piece in parts[1:]:
        if piece[1] == NEG and piece[0].startswith("-"):
            text += " - " + piece[0][1:]
        else:
            text += " + " + wrap(piece, NEG)
    return text, SUM


def _neg(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return "-" + wrap(parts[0], PRODUCT), NEG


def _binary(sign: str) -> Callable[[_Writer, Node, list[Piece]], Piece]:
    def rule(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
        return f"{wrap(parts[0], PRODUCT)}{sign}{wrap(parts[1], POWER)}", PRODUCT

    return rule


def _pow(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return f"{wrap(parts[0], ATOM)}**{wrap(parts[1], ATOM)}", POWER


def _compare(sign: str) -> Callable[[_Writer, Node, list[Piece]], Piece]:
    def rule(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
        return f"({wrap(parts[0], SUM)} {sign} {wrap(parts[1], SUM)})", ATOM

    return rule


def _not(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return f"{w.np}.logical_not({parts[0][0]})", ATOM


def _reduce(name: str) -> Callable[[_Writer, Node, list[Piece]], Piece]:
    def rule(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
        if name in ("max", "min") and w.library is TORCH:
            return f"torch.a{name}({parts[0][0]}{w.axes(node)})", ATOM
        return f"{w.np}.{name}({parts[0][0]}{w.axes(node)})", ATOM

    return rule


def _norm(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    inner = f"{w.np}.sum({wrap(parts[0], ATOM)}**2{w.axes(node)})"
    return f"{w.np}.sqrt({inner})", ATOM


def _norm1(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return f"{w.np}.sum({w.np}.abs({parts[0][0]}){w.axes(node)})", ATOM


def _logsumexp(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    if w.library is TORCH:
        axes = node.value[0] or tuple(range(len(node.args[0].shape)))
        return f"torch.logsumexp({parts[0][0]}, dim={tuple(axes)}, keepdim={node.value[1]})", ATOM
    w.used.add("logsumexp")
    return f"logsumexp({parts[0][0]}{w.axes(node)})", ATOM


def _softmax(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    w.used.add("softmax")
    return f"softmax({parts[0][0]}, {node.value})", ATOM


def _prodrest(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    w.used.add("prodrest")
    axes = node.value[0]
    return f"prodrest({parts[0][0]}" + (f", {axes[0]})" if axes else ")"), ATOM


def _transpose(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return f"{wrap(parts[0], ATOM)}.T", ATOM


def _logdet(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return f"{w.np}.log({w.np}.linalg.det({parts[0][0]}))", ATOM


def _trigamma(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    w.used.add("special")
    call = "torch.polygamma" if w.library is TORCH else "special.polygamma"
    return f"{call}(1, {parts[0][0]})", ATOM


def _reciprocal(name: str) -> Callable[[_Writer, Node, list[Piece]], Piece]:
    def rule(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
        return f"1/{w.np}.{name}({parts[0][0]})", PRODUCT

    return rule


def _heaviside(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return f"(({w.np}.sign({parts[0][0]}) + 1)/2)", ATOM


def _getitem(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return f"{wrap(parts[0], ATOM)}[{index_text(node.value)}]", ATOM


def _scatter(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    shape, items = node.value
    if any(i[0] != "slice" or i[3] not in (None, 1) for i in items):
        if w.library is not NUMPY:
            raise UnsupportedError(f"this slice is not written in {w.library.name}")
        w.used.add("placed")
    zeros = f"{w.np}.zeros({w.shape(shape)})"
    if w.library is JAX:
        return f"{zeros}.at[{index_text(items)}].set({parts[0][0]})", ATOM
    w.used.add("placed")
    if w.library is TORCH:
        zeros = f"torch.zeros({w.shape(shape)}, dtype=torch.float64)"
    slices = ", ".join(
        str(i[1]) if i[0] == "at" else f"slice({i[1]}, {i[2]}, {i[3]})" for i in items
    )
    return f"placed({zeros}, ({slices},), {parts[0][0]})", ATOM


_PLACED = '''def placed(whole, place, part):
    """``whole`` with ``part`` at ``place``."""
    whole[place] = part
    return whole
'''
NUMPY.helpers["placed"] = _PLACED
TORCH.helpers["placed"] = _PLACED


def _broadcast(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    shape = w.shape(node.shape)
    if node.args[0].is_number(1):
        extra = ", dtype=torch.float64" if w.library is TORCH else ""
        return f"{w.np}.ones({shape}{extra})", ATOM
    text = parts[0][0]
    if w.library is TORCH:
        text = f"torch.as_tensor({text}, dtype=torch.float64)"
    return f"{w.np}.broadcast_to({text}, {shape})", ATOM


def _diag(w: _Writer, node: Node, parts: list[Piece]) -> Piece:
    return f"{w.np}.diag({parts[0][0]})", ATOM


_RULES: dict[str, Callable[[_Writer, Node, list[Piece]], Piece]] = {
    "add": _add, "neg": _neg, "mul": _binary("*"), "div": _binary("/"), "matmul": _binary(" @ "),
    "pow": _pow, "sum": _reduce("sum"), "mean": _reduce("mean"), "prod": _reduce("prod"),
    "amax": _reduce("max"), "amin": _reduce("min"), "norm": _norm, "norm1": _norm1,
    "logsumexp": _logsumexp, "softmax": _softmax, "prodrest": _prodrest,
    "transpose": _transpose, "logdet": _logdet, "trigamma": _trigamma,
    "sec": _reciprocal("cos"), "csc": _reciprocal("sin"), "cot": _reciprocal("tan"),
    "sech": _reciprocal("cosh"), "csch": _reciprocal("sinh"), "coth": _reciprocal("tanh"),
    "heaviside": _heaviside, "getitem": _getitem, "scatter": _scatter, "broadcast": _broadcast,
    "diag": _diag, "lt": _compare("<"), "le": _compare("<="), "gt": _compare(">"),
    "ge": _compare(">="), "eq": _compare("=="), "ne": _compare("!="), "and": _compare("&"),
    "or": _compare("|"), "not": _not,
}  # fmt: skip

__all__ = ["jax_source", "number", "numpy_source", "torch_source", "wrap"]
