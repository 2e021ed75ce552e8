r"""A fuzzer of the readers: formulas as text, formulas as LaTeX, data as CSV.

    python tests/reliability/fuzz.py --count 100000 --seed 7

Half of the inputs are made of tokens of the language in random order, or are right inputs
with tokens taken out, put in and exchanged; the other half are bytes: right inputs with
single bytes changed, and noise. An input is right if it is read (a formula is then printed,
differentiated if it is small, and what was printed is read again) or refused by a
:class:`~symgd.errors.SymgdError` within one second. Everything else is a finding. The same
seed gives the same inputs.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from symgd.data import load
from symgd.derive.partials import derive
from symgd.errors import SymgdError
from symgd.formula.graph import topological
from symgd.formula.latex_read import read_latex
from symgd.formula.problem import Problem, read
from symgd.formula.text import to_text

TOO_SLOW = "too slow"
LIMIT = 1.0
"""Seconds that one input may take."""
MEMORY = 300
"""Megabytes that the whole run may take, and so every input."""
SMALL = 40
"""A formula of so many nodes is differentiated as well."""

TEXTS = (
    "mean((y - (m*x + b))^2)", "1/N sum_i (y_i - (m x_i + b))^2", "1/n*sum((w*x - y)^2)",
    "sum(log(1 + exp(-y*(X @ w)))) + lam*norm(w)^2", "where(0 < x <= 1, |x|, x^2)",
    "Piecewise((x, Eq(x, 1)), (x**2, True))", "Sum(x[i]**2, (i, 1, N))/N", "u^2 where u = x + 1",
    "trace(A.T @ A)", "d/dx (x^2 sin x)", "L = max(0, 1 - y*x)", "e^(-x^2/2)/sqrt(2pi)",
    "logsumexp(X @ w)", "x if x > 0 else -x", "prod(x, axis=0)", "1.5e-3*θ² + √(x)",
    "softmax(X, axis=1)", "matrix_power(A, 3)", "sum(X[1:, None] @ θ, axis=0, keepdims=True)",
)  # fmt: skip
LATEX = (
    r"\frac{1}{N}\sum_{i=1}^{N}\left(y_i - (m x_i + b)\right)^2",
    r"\|Xw - y\|_2^2",
    r"\log\left(1+e^{-y_i \mathbf{x}_i^T \mathbf{w}}\right)",
    r"\sqrt[3]{x^2+1}",
    r"\begin{cases} x & x > 0 \\ -x & \text{otherwise} \end{cases}",
    r"\hat{y}_i \cdot \theta_0",
    r"\operatorname{sigmoid}(x) + \mathrm{e}^{x}",
    r"\prod_{i=1}^{n} x_i",
    r"|x| + \dfrac{a}{b}",
    r"\frac{d}{dx}\left(x^2 \sin x\right)",
    r"\max(0, 1 - y x)",
    r"\mathrm{tr}(A^\top A)",
    r"\sigma(\theta^T x)",
)
TABLES = (
    "x,y\n1,2\n3,4\n",
    "x;y\n1,5;2\n3;4\n",
    "x\ty\n1\t2\n",
    '"x","y"\n"1","2"\n3,4\n',
    "x,y\n1e5,-2\n,4\n",
    "\ufeffx,y\r\n1,2\r\n",
    "# words\nx,y\n1,2\n",
    "θ,y\n0x1,2\n",
)

_WORDS = re.compile(r"\\[A-Za-z]+|[A-Za-z]+|\d+|\s+|.", re.DOTALL)
EXTRA = (
    "__class__", "import", "lambda", "1e999", "9^9^9", "..", "==", "!=", "not", "if", "else", "nan",
    "oo", "\\", "'", '"', "\x00", "\u202e", "ﬁ", "😀", "é", "½", "∑", "∂", "√", "²", "ᵀ", "||",
    "(" * 30, "-" * 30, "[" * 20, "{" * 20, "9" * 400, "0." + "0" * 330 + "1", "x" * 70,
)  # fmt: skip
LATEX_EXTRA = (
    r"\input", r"\def", r"\write18", r"\href", r"\left", r"\right",
    r"\begin{cases}", r"\end{cases}",
    "&", r"\\", "{", "}", "^", "_", r"\frac", r"\sum", r"\limits", r"\text", "%", "#", "$", "~",
)  # fmt: skip
TABLE_EXTRA = (
    ",", ";", "\t", "\n", "\r", '"', '""', "nan", "inf", "1e999", "True",
    "=cmd|'/C calc'!A0", "\x00",
    "1,000", "1.5.2", "--1", "0x10", "1_000", "٣", "\ufeff", " ", "x,x", "9" * 400,
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """An input that was neither read nor refused in words, or that took too long."""

    channel: str
    content: str | bytes
    seconds: float
    error: str

    def __str__(self) -> str:
        return f"{self.channel} {self.content!r}: {self.seconds:.2f} s {self.error}"


def formula_as_text(content: str) -> None:
    """Read, print, and differentiate what is small."""
    problem = read(content)
    read_back = to_text(problem.root)
    shapes = {s.name: s.shape for s in problem.symbols}
    try:
        read(read_back, shapes=shapes)
    except SymgdError as error:
        raise AssertionError(f"{read_back!r} is printed and not read: {error}") from error
    _derived(problem)


def formula_as_latex(content: str) -> None:
    """Read, print, and differentiate what is small."""
    problem = read_latex(content)
    to_text(problem.root)
    _derived(problem)


def _derived(problem: Problem) -> None:
    if problem.root.shape == () and len(topological(problem.root)) <= SMALL:
        partials = derive(problem)
        for name in partials.wrt:
            to_text(partials.textbook(name))


def table(content: bytes, place: Path) -> None:
    """Read a file with these bytes."""
    place.write_bytes(content)
    load(place)


def tokens_mixed(draw: random.Random, seeds: tuple[str, ...], extra: tuple[str, ...]) -> str:
    """Tokens in random order, or a right input with a few tokens changed."""
    vocabulary = [t for seed in seeds for t in _WORDS.findall(seed)] + list(extra)
    if draw.random() < 0.3:
        return "".join(draw.choices(vocabulary, k=draw.randint(1, 25)))
    parts = _WORDS.findall(draw.choice(seeds))
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(parts) + 1)
        change = draw.randrange(5)
        if change == 0:
            parts.insert(at, draw.choice(vocabulary))
        elif change == 1:
            del parts[at : at + draw.randint(1, 3)]
        elif change == 2:
            parts[at : at + 1] = [draw.choice(vocabulary)]
        elif change == 3:
            parts[at:at] = parts[at : at + draw.randint(1, 6)] * draw.randint(1, 3)
        else:
            parts[at:at] = _WORDS.findall(draw.choice(seeds))
    return "".join(parts)


def bytes_mixed(draw: random.Random, seeds: tuple[str, ...]) -> bytes:
    """Noise, or a right input with a few bytes changed."""
    if draw.random() < 0.2:
        return draw.randbytes(draw.randint(0, 60))
    content = bytearray(draw.choice(seeds).encode())
    for _ in range(draw.randint(1, 5)):
        at = draw.randrange(len(content) + 1)
        change = draw.randrange(4)
        if change == 0 and at < len(content):
            content[at] ^= 1 << draw.randrange(8)
        elif change == 1:
            content[at:at] = draw.randbytes(draw.randint(1, 3))
        elif change == 2:
            del content[at : at + draw.randint(1, 4)]
        else:
            content[at:at] = content[max(0, at - 8) : at] * draw.randint(1, 4)
    return bytes(content)


def inputs(draw: random.Random, count: int) -> Iterator[tuple[str, str | bytes]]:
    """``count`` inputs, each with its channel."""
    sources = (("text", TEXTS, EXTRA), ("latex", LATEX, LATEX_EXTRA + EXTRA),
               ("csv", TABLES, TABLE_EXTRA))  # fmt: skip
    for number in range(count):
        channel, seeds, extra = sources[number % 3]
        by_bytes = bool(number % 2)
        raw = bytes_mixed(draw, seeds) if by_bytes else tokens_mixed(draw, seeds, extra).encode()
        yield channel, raw if channel == "csv" else raw.decode("utf-8", errors="replace")


def examine(channel: str, content: str | bytes, act: Callable[[], None]) -> Finding | None:
    """Act on one input; ``None`` if it was read or refused in words, and in time.

    What was too slow is done once more: on a machine that swaps, any input is slow at times.
    """
    found = _examined(channel, content, act)
    if found is not None and found.error == TOO_SLOW:
        found = _examined(channel, content, act)
    return found


def _examined(channel: str, content: str | bytes, act: Callable[[], None]) -> Finding | None:
    began = time.process_time()
    error = ""
    try:
        act()
    except SymgdError as refusal:
        error = "" if str(refusal) else "a refusal without words"
    except Exception:
        error = traceback.format_exc(limit=-2)
    seconds = time.process_time() - began
    if error or seconds > LIMIT:
        return Finding(channel, content, seconds, error or TOO_SLOW)
    return None


def findings(count: int, seed: int = 0) -> Iterator[Finding]:
    """What went wrong among ``count`` inputs."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "table.csv"
        for channel, content in inputs(draw, count):
            found = examine(channel, content, _action(channel, content, place))
            if found is not None:
                yield found


def _action(channel: str, content: str | bytes, place: Path) -> Callable[[], None]:
    if isinstance(content, bytes):
        return lambda: table(content, place)
    return lambda: (formula_as_text if channel == "text" else formula_as_latex)(content)


def main() -> int:
    parser = argparse.ArgumentParser(description="Random inputs for the readers.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    number = 0
    for found in findings(given.count, given.seed):
        number += 1
        print(found, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # in MB, on Linux
    print(f"{given.count:,} inputs, {number:,} findings, peak memory {peak:.0f} MB")
    return 1 if number or peak > MEMORY else 0


if __name__ == "__main__":
    sys.exit(main())
