"""What every target needs: safe names, temporaries, and a point for the self-test."""

from __future__ import annotations

import keyword
import random
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgd.compile.objective import Compiled
from symgd.compile.sizes import Sizes, resolve, split_size
from symgd.derive.partials import Partials
from symgd.derive.tidy import tidy
from symgd.formula.functions import words
from symgd.formula.graph import LEAVES, Node, topological
from symgd.formula.problem import Symbol
from symgd.formula.text import to_text

_C_WORDS = frozenset(
    words(
        "auto break case char const continue default do double else enum extern float for goto "
        "if inline int long register restrict return short signed sizeof static struct switch "
        "typedef union unsigned void volatile while main malloc free printf exp log sin cos tan "
        "sqrt pow abs fabs erf gamma lgamma tgamma fmax fmin y0 y1 yn j0 j1 jn"
    )
)
_JULIA_WORDS = frozenset(
    words(
        "baremodule begin break catch const continue do else elseif end export false finally "
        "for function global if import let local macro module quote return struct true try "
        "using while sum exp log sin cos tan sqrt abs max min sign transpose inv det size ones "
        "zeros pi"
    )
)
_PYTHON_WORDS = frozenset(
    [
        *keyword.kwlist,
        "np",
        "jnp",
        "jax",
        "torch",
        "math",
        "scipy",
        "float",
        "len",
        "print",
        "range",
    ]
)
WORDS = {"python": _PYTHON_WORDS, "c": _C_WORDS, "julia": _JULIA_WORDS}
OWN = frozenset(
    words(
        "value gradient value_and_gradient sigmoid softplus softmax logsumexp norm prodrest "
        "self_test i j k n_ at step"
    )
)


def safe_names(names: Iterable[str], language: str) -> dict[str, str]:
    """An identifier for every name: itself where it can be, never a keyword, never twice."""
    taken: set[str] = set()
    safe: dict[str, str] = {}
    for name in names:
        shown = name if language != "c" or name.isascii() else _transliterated(name)
        if not shown.isidentifier():
            shown = re.sub(r"\W", "_", shown)
        if language == "python":
            shown = unicodedata.normalize("NFKC", shown)
        while shown in WORDS[language] or shown in OWN or shown in taken or _is_temporary(shown):
            shown += "_"
        taken.add(shown)
        safe[name] = shown
    return safe


def _is_temporary(name: str) -> bool:
    return re.fullmatch(r"t\d+|size_.*|g_.*", name) is not None


def _transliterated(name: str) -> str:
    return "".join(c if c.isascii() else unicodedata.name(c, "x").split()[-1].lower() for c in name)


@dataclass(frozen=True)
class Layout:
    """A loss and its gradient as lines: inputs, sizes, temporaries, outputs."""

    partials: Partials
    symbols: tuple[Symbol, ...]
    sizes: tuple[str, ...]
    outputs: tuple[Node, ...]
    named: tuple[Node, ...]
    """Nodes that get a temporary, in order."""

    @property
    def title(self) -> str:
        """The loss in the text syntax, on one line and safe inside a comment."""
        return to_text(self.partials.written).replace("*/", "* /")

    def where_size(self, size: str) -> tuple[Symbol, int, int]:
        """The symbol and axis that tell a named size, and the offset from it."""
        for symbol in self.symbols:
            for axis, own in enumerate(symbol.shape):
                if isinstance(own, str) and split_size(own)[0] == size:
                    return symbol, axis, split_size(own)[1]
        raise KeyError(size)


def lay_out(partials: Partials, limit: int = 60, loops: bool = False) -> Layout:
    """Plan the lines; ``limit`` is how many operations one line may have.

    ``loops`` asks for a temporary wherever a value is not computed entry by entry.
    """
    given = (partials.loss, partials.written)
    loss = partials.loss
    if loss.shape:
        loss = loss.graph.make("sum", loss, value=(None, False))
    outputs = (loss, *(tidy(partials.raw[n], given) for n in partials.wrt))
    order = topological(*outputs)
    users: dict[Node, int] = {}
    for node in order:
        for arg in node.args:
            users[arg] = users.get(arg, 0) + 1
    used = {n.value for n in order if n.op == "sym"}
    symbols = tuple(s for s in partials.problem.symbols if s.name in used or s.name in partials.wrt)
    sizes = dict.fromkeys(n.value for n in order if n.op == "dim")
    for node in order:
        if node.op in ("broadcast", "scatter"):
            sizes |= dict.fromkeys(split_size(s)[0] for s in node.shape if isinstance(s, str))
    for name in partials.wrt:
        shape = partials.problem.shape(name)
        sizes |= dict.fromkeys(split_size(s)[0] for s in shape if isinstance(s, str))
    named = _named(order, users, limit, set(outputs), loops)
    return Layout(partials, symbols, tuple(sizes), outputs, named)


_LOOPED = frozenset(
    words(
        "sum mean prod amax amin norm norm1 logsumexp matmul trace det logdet inv solve softmax "
        "scatter prodrest"
    )
)
_REREAD = frozenset(words("matmul softmax prodrest outer inv det logdet solve"))


def _named(
    order: Sequence[Node], users: dict[Node, int], limit: int, outputs: set[Node], loops: bool
) -> tuple[Node, ...]:
    reread = {a for n in order if loops and n.op in _REREAD for a in n.args if a.op not in (
        "transpose", "getitem")}  # fmt: skip
    weight: dict[Node, int] = {}
    named: list[Node] = []
    for node in order:
        if node.op in LEAVES:
            weight[node] = 0
            continue
        own = 1 + sum(weight[a] for a in node.args)
        trivial = node.op == "neg" and node.args[0].op in LEAVES
        constant = all(n.op in ("num", "const") for n in node.args)
        shared = users.get(node, 0) > 1 and not trivial and not (constant and not node.shape)
        looped = loops and (node.op in _LOOPED or node in reread)
        if (shared or own > limit or looped) and not (
            node in outputs and not looped and not shared
        ):
            named.append(node)
            own = 0
        weight[node] = own
    return tuple(named)


# -- a point for the self-test ----------------------------------------------------------------


_RANGES = ((0.2, 1.8), (-1.0, 1.0), (0.1, 0.9), (1.2, 4.0), (-0.8, 0.8), (6.0, 9.0))


def sample_point(layout: Layout) -> dict[str, Any] | None:
    """Values at which loss and gradient are finite and smooth, as nested lists; seeded."""
    compiled = Compiled(list(layout.outputs))
    sizes = _small_sizes(layout)
    draw = random.Random(7)
    for attempt in range(300):
        first = _RANGES[attempt % len(_RANGES)]
        values = {}
        for symbol in layout.symbols:
            low, high = first if attempt < 10 else draw.choice(_RANGES)
            values[symbol.name] = _drawn(resolve(symbol.shape, sizes, symbol.name), draw, low, high)
        arrays: dict[str, Any] = {
            s.name: np.asarray(values[s.name], dtype=float)
            if s.shape
            else np.float64(values[s.name])
            for s in layout.symbols
        }
        if _is_good(compiled, arrays, sizes, layout):
            return values
    return None


def _small_sizes(layout: Layout) -> Sizes:
    sizes = Sizes()
    pool = iter([5, 3, 2, 4] + [2] * 50)
    for symbol in layout.symbols:
        for size in symbol.shape:
            if isinstance(size, str):
                base = split_size(size)[0]
                if base not in sizes:
                    sizes[base] = next(pool)
    return sizes


def _drawn(shape: tuple[int, ...], draw: random.Random, low: float, high: float) -> Any:
    if not shape:
        return round(draw.uniform(low, high), 3)
    return [_drawn(shape[1:], draw, low, high) for _ in range(shape[0])]


def _is_good(compiled: Compiled, arrays: dict[str, Any], sizes: Sizes, layout: Layout) -> bool:
    """Finite, and the gradient agrees with central differences (no corner nearby)."""
    results = compiled.run(arrays, sizes)
    if not all(np.all(np.isfinite(r)) for r in results):
        return False
    for name, found in zip(layout.partials.wrt, results[1:], strict=True):
        base = np.asarray(arrays[name], dtype=float)
        whole = np.broadcast_to(found, base.shape)
        for place in np.ndindex(base.shape):
            sides = []
            for sign in (1, -1):
                moved = base.copy()
                moved[place] += sign * 1e-6
                other = {**arrays, name: moved if base.shape else np.float64(moved)}
                sides.append(float(compiled.run(other, sizes)[0]))
            slope = (sides[0] - sides[1]) / 2e-6
            if not abs(slope - whole[place]) <= 1e-6 * (1 + abs(slope)):
                return False
    return True
