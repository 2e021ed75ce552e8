"""C99 source: loops over plain arrays, matrices row by row, and a self-test in ``main``."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgd.compile.export.layout import Layout, lay_out, safe_names, sample_point
from symgd.compile.sizes import split_size
from symgd.derive.partials import Partials
from symgd.errors import UnsupportedError
from symgd.formula.functions import words
from symgd.formula.graph import LEAVES, Node, topological
from symgd.formula.shapes import normal_axes
from symgd.formula.text import to_text

Index = tuple[str, ...]

_CALLS = {
    **{n: n for n in words(
        "exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan asin acos atan sinh cosh tanh "
        "asinh acosh atanh erf erfc atan2 hypot"
    )},
    "abs": "fabs", "gamma": "tgamma", "loggamma": "lgamma", "maximum": "fmax", "minimum": "fmin",
}  # fmt: skip
_RECIPROCAL = {"sec": "cos", "csc": "sin", "cot": "tan", "sech": "cosh", "csch": "sinh",
               "coth": "tanh"}  # fmt: skip
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "and": "&&",
            "or": "||"}  # fmt: skip
_HELPERS = {
    "sign": "static double sign(double u) { return (u > 0) - (u < 0); }\n",
    "sigmoid": """/* 1/(1 + e^-u) without overflow */
static double sigmoid(double u) {
    double e = exp(-fabs(u));
    return (u >= 0 ? 1.0 : e)/(1.0 + e);
}
""",
    "softplus": """/* log(1 + e^u) without overflow */
static double softplus(double u) { return fmax(u, 0.0) + log1p(exp(-fabs(u))); }
""",
    "logaddexp": """/* log(e^u + e^v) without overflow */
static double logaddexp(double u, double v) { return fmax(u, v) + log1p(exp(-fabs(u - v))); }
""",
    "det": """/* Gaussian elimination with pivots: the inverse of a matrix, and its determinant */
static double invert(const double *a, double *inverse, int n) {
    double *work = malloc((size_t)(2*n*n)*sizeof(double)), det = 1.0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            work[2*n*i + j] = a[n*i + j];
            work[2*n*i + n + j] = i == j;
        }
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++)
            if (fabs(work[2*n*i + k]) > fabs(work[2*n*pivot + k])) pivot = i;
        if (pivot != k) {
            det = -det;
            for (int j = 0; j < 2*n; j++) {
                double swap = work[2*n*k + j];
                work[2*n*k + j] = work[2*n*pivot + j];
                work[2*n*pivot + j] = swap;
            }
        }
        double top = work[2*n*k + k];
        det *= top;
        for (int j = 0; j < 2*n; j++) work[2*n*k + j] /= top;
        for (int i = 0; i < n; i++) {
            double factor = work[2*n*i + k];
            if (i != k)
                for (int j = 0; j < 2*n; j++) work[2*n*i + j] -= factor*work[2*n*k + j];
        }
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) inverse[n*i + j] = work[2*n*i + n + j];
    free(work);
    return det;
}
""",
}


def c_source(partials: Partials) -> str:
    """A C99 file: ``double value_and_gradient(...)`` and a ``main`` that checks it."""
    return _Writer(lay_out(partials, loops=True)).file()


class _Writer:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        names = [s.name for s in layout.symbols]
        sizes = list(layout.sizes)
        for symbol in layout.symbols:
            sizes += [split_size(s)[0] for s in symbol.shape if isinstance(s, str)]
        self.sizes = tuple(dict.fromkeys(sizes))
        self.names = safe_names([*names, *self.sizes], "c")
        self.temporary = {node: f"t{i + 1}" for i, node in enumerate(layout.named)}
        self.used: set[str] = set()
        self.lines: list[str] = []
        self.depth = 1
        self.loops = 0
        self.allocated: list[str] = []

    def file(self) -> str:
        body = self.function()
        partials = self.layout.partials
        head = [f"/* {self.layout.title} and its gradient.", " *"]
        for name in partials.wrt:
            text = to_text(partials.textbook(name)).replace("*/", "* /")
            head.append(f" *     dL/d{name} = {text}")
        head += [
            " *", " * cc -std=c99 -O2 this_file.c -lm, then run it to check it against",
            " * central differences; -DNO_MAIN leaves the check out. Matrices lie row by row.",
            " */",
            "#include <math.h>", "#include <stdio.h>", "#include <stdlib.h>", "",
        ]  # fmt: skip
        helpers = [_HELPERS[name] for name in _HELPERS if name in self.used]
        return "\n".join([*head, *helpers, *body, *self.test()]) + "\n"

    def function(self) -> list[str]:
        layout, partials = self.layout, self.layout.partials
        arguments = [f"int {self.names[s]}" for s in self.sizes]
        for symbol in layout.symbols:
            star = "const double *" if symbol.shape else "double "
            arguments.append(star + self.names[symbol.name])
        arguments += [f"double *g_{self.names[n]}" for n in partials.wrt]
        for node in topological(*layout.outputs):
            if node in self.temporary:
                self.assign(node)
        self.emit(f"double value = {self.entry(layout.outputs[0], ())};")
        for name, node in zip(partials.wrt, layout.outputs[1:], strict=True):
            shape = partials.problem.shape(name)
            index = self.open_loops(shape)
            place = f"g_{self.names[name]}[{self.flat(shape, index)}]"
            self.emit(f"{place} = {self.entry(node, index[len(index) - len(node.shape) :])};")
            self.close_loops(index)
        for name in reversed(self.allocated):
            self.emit(f"free({name});")
        self.emit("return value;")
        doc = "/* The value of the loss; the partial derivatives are written to g_... */"
        return [doc, f"double value_and_gradient({', '.join(arguments)}) {{", *self.lines, "}", ""]

    # -- statements -----------------------------------------------------------------------

    def emit(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def open_loops(self, shape: tuple[Any, ...]) -> Index:
        index = []
        for size in shape:
            name = f"i{self.loops}"
            self.loops += 1
            self.emit(f"for (int {name} = 0; {name} < {self.size(size)}; {name}++) {{")
            self.depth += 1
            index.append(name)
        return tuple(index)

    def close_loops(self, index: Index) -> None:
        for _ in index:
            self.depth -= 1
            self.emit("}")

    def size(self, size: Any) -> str:
        if isinstance(size, int):
            return str(size)
        base, offset = split_size(size)
        return self.names[base] + (f" {offset:+d}" if offset else "")

    def flat(self, shape: tuple[Any, ...], index: Index) -> str:
        text = "0"
        for size, place in zip(shape, index, strict=True):
            if size == 1:
                place = "0"
            text = place if text == "0" else f"{_factor(text)}*{_factor(self.size(size))} + {place}"
        return text

    def allocate(self, name: str, shape: tuple[Any, ...]) -> None:
        count = "*".join(_factor(self.size(s)) for s in shape)
        self.emit(f"double *{name} = malloc((size_t)({count})*sizeof(double));")
        self.allocated.append(name)

    def assign(self, node: Node) -> None:
        name = self.temporary[node]
        rule = getattr(self, f"do_{node.op}", None) if node.op in _STATEMENTS else None
        if node.shape:
            self.allocate(name, node.shape)
        elif rule is None:
            self.emit(f"double {name} = {self.compute(node, ())};")
            return
        else:
            self.emit(f"double {name};")
        if rule is not None:
            rule(node, name)
            return
        index = self.open_loops(node.shape)
        self.emit(f"{name}[{self.flat(node.shape, index)}] = {self.compute(node, index)};")
        self.close_loops(index)

    # -- entries --------------------------------------------------------------------------

    def entry(self, node: Node, index: Index) -> str:
        """The expression of one entry; ``index`` has a name for every axis of the node."""
        name = self.temporary.get(node)
        if node.op == "sym":
            name = self.names[node.value]
        if name is not None:
            return f"{name}[{self.flat(node.shape, index)}]" if node.shape else name
        return self.compute(node, index)

    def compute(self, node: Node, index: Index) -> str:
        op = node.op
        if op == "num":
            return number(node.value)
        if op == "const":
            return "3.141592653589793" if node.value == "pi" else "2.718281828459045"
        if op == "dim":
            return f"(double){_factor(self.size(node.value))}"
        if op == "sym":
            return self.entry(node, index)
        if op == "broadcast":
            return self.entry(node.args[0], _trailing(node.args[0], index))
        if op == "getitem":
            return self.entry(node.args[0], self.places(node, index))
        if op == "transpose":
            return self.entry(node.args[0], index[::-1])
        if op == "outer":
            a, b = (self.entry(x, (i,)) for x, i in zip(node.args, index, strict=True))
            return f"({a}*{b})"
        if op == "diag":
            return self.diagonal(node, index)
        parts = [self.entry(a, _trailing(a, index)) for a in node.args]
        return self.scalar(node, parts)

    def scalar(self, node: Node, parts: list[str]) -> str:
        op = node.op
        if op == "add":
            return "(" + " + ".join(parts).replace("+ -", "- ") + ")"
        if op == "neg":
            return f"(-{parts[0]})"
        if op in ("mul", "div"):
            return f"({parts[0]}{'*' if op == 'mul' else '/'}{parts[1]})"
        if op == "pow":
            if node.args[1].is_number(2) and len(parts[0]) < 40:
                return f"({parts[0]}*{parts[0]})"
            return f"pow({parts[0]}, {parts[1]})"
        if op == "where":
            return f"({parts[0]} ? {parts[1]} : {parts[2]})"
        if op in _COMPARE:
            return f"({parts[0]} {_COMPARE[op]} {parts[1]})"
        if op == "not":
            return f"(!{parts[0]})"
        if op in _CALLS:
            return f"{_CALLS[op]}({', '.join(parts)})"
        if op in _RECIPROCAL:
            return f"(1/{_RECIPROCAL[op]}({parts[0]}))"
        if op == "heaviside":
            self.used.add("sign")
            return f"((sign({parts[0]}) + 1)/2)"
        if op in ("sign", "sigmoid", "softplus", "logaddexp"):
            self.used.add(op)
            return f"{op}({', '.join(parts)})"
        raise UnsupportedError(f"{op} is not written in C")

    def places(self, node: Node, index: Index) -> Index:
        inner: list[str] = []
        rest = list(index)
        for axis, item in enumerate(node.value):
            if item[0] == "new":
                rest.pop(0)
            elif item[0] == "at":
                size = self.size(node.args[0].shape[len(inner)])
                inner.append(str(item[1]) if item[1] >= 0 else f"{size} - {-item[1]}")
            else:
                del axis
                start, _, step = item[1:]
                first = self.start(start, node.args[0].shape[len(inner)])
                place = rest.pop(0)
                moved = place if step in (None, 1) else f"{step}*{place}"
                inner.append(moved if first == "0" else f"({moved} + {first})")
        return (*inner, *rest)

    def start(self, start: int | None, size: Any) -> str:
        if not start:
            return "0"
        return str(start) if start > 0 else f"({self.size(size)} - {-start})"

    def diagonal(self, node: Node, index: Index) -> str:
        (inner,) = node.args
        if len(inner.shape) == 1:
            return f"({index[0]} == {index[1]} ? {self.entry(inner, (index[0],))} : 0.0)"
        return self.entry(inner, (index[0], index[0]))

    # -- reductions and matrices ------------------------------------------------------------

    def reduce(self, node: Node, name: str, first: str, step: str, last: str = "") -> None:
        """Loops that gather entries of the argument into each entry of the result."""
        (arg,) = node.args
        axes, keep = node.value
        over = normal_axes(axes, len(arg.shape))
        outer = self.open_loops(node.shape)
        place = f"{name}[{self.flat(node.shape, outer)}]" if node.shape else name
        self.emit(f"{place} = {first};")
        inner = self.open_loops(tuple(arg.shape[a] for a in over))
        left = [o for a, o in enumerate(outer) if not (keep and a in over)]
        free, bound = iter(left), iter(inner)
        index = tuple(next(bound) if a in over else next(free) for a in range(len(arg.shape)))
        self.emit(step.format(place=place, u=self.entry(arg, index)))
        self.close_loops(inner)
        if last:
            count = "*".join(f"(double)({self.size(arg.shape[a])})" for a in over)
            self.emit(last.format(place=place, count=count))
        self.close_loops(outer)

    def do_sum(self, node: Node, name: str) -> None:
        self.reduce(node, name, "0.0", "{place} += {u};")

    def do_mean(self, node: Node, name: str) -> None:
        self.reduce(node, name, "0.0", "{place} += {u};", "{place} /= {count};")

    def do_prod(self, node: Node, name: str) -> None:
        self.reduce(node, name, "1.0", "{place} *= {u};")

    def do_amax(self, node: Node, name: str) -> None:
        self.reduce(node, name, "-INFINITY", "{place} = fmax({place}, {u});")

    def do_amin(self, node: Node, name: str) -> None:
        self.reduce(node, name, "INFINITY", "{place} = fmin({place}, {u});")

    def do_norm(self, node: Node, name: str) -> None:
        self.reduce(node, name, "0.0", "{place} = hypot({place}, {u});")

    def do_norm1(self, node: Node, name: str) -> None:
        self.reduce(node, name, "0.0", "{place} += fabs({u});")

    def do_logsumexp(self, node: Node, name: str) -> None:
        self.used.add("logaddexp")
        first = "-INFINITY"
        step = "{place} = {place} == -INFINITY ? {u} : logaddexp({place}, {u});"
        self.reduce(node, name, first, step)

    def do_softmax(self, node: Node, name: str) -> None:
        (arg,) = node.args
        axis = normal_axes((node.value,), len(arg.shape))[0]
        rest = tuple(s for a, s in enumerate(arg.shape) if a != axis)
        outer = self.open_loops(rest)
        top, total = f"top{self.loops}", f"total{self.loops}"
        self.emit(f"double {top} = -INFINITY, {total} = 0.0;")
        for line in (
            "{top} = fmax({top}, {u});",
            "{place} = exp({u} - {top}); {total} += {place};",
            "{place} /= {total};",
        ):
            inner = self.open_loops((arg.shape[axis],))
            index = (*outer[:axis], *inner, *outer[axis:])
            place = f"{name}[{self.flat(node.shape, index)}]"
            self.emit(line.format(top=top, total=total, place=place, u=self.entry(arg, index)))
            self.close_loops(inner)
        self.close_loops(outer)

    def do_matmul(self, node: Node, name: str) -> None:
        a, b = node.args
        outer = self.open_loops(node.shape)
        place = f"{name}[{self.flat(node.shape, outer)}]" if node.shape else name
        self.emit(f"{place} = 0.0;")
        (k,) = inner = self.open_loops((a.shape[-1],))
        cut = len(a.shape) - 1
        left, right = self.entry(a, (*outer[:cut], k)), self.entry(b, (k, *outer[cut:]))
        self.emit(f"{place} += {left}*{right};")
        self.close_loops(inner)
        self.close_loops(outer)

    def do_trace(self, node: Node, name: str) -> None:
        self.emit(f"{name} = 0.0;")
        (k,) = inner = self.open_loops((node.args[0].shape[0],))
        self.emit(f"{name} += {self.entry(node.args[0], (k, k))};")
        self.close_loops(inner)

    def whole(self, node: Node) -> str:
        """The name of an array that holds ``node``."""
        if node.op == "sym":
            return self.names[node.value]
        if node in self.temporary:
            return self.temporary[node]
        name = f"whole{self.loops}"
        self.allocate(name, node.shape)
        index = self.open_loops(node.shape)
        self.emit(f"{name}[{self.flat(node.shape, index)}] = {self.entry(node, index)};")
        self.close_loops(index)
        return name

    def do_inv(self, node: Node, name: str) -> None:
        self.used.add("det")
        self.emit(f"invert({self.whole(node.args[0])}, {name}, {self.size(node.shape[0])});")

    def do_det(self, node: Node, name: str) -> None:
        self.used.add("det")
        source = self.whole(node.args[0])
        shape = node.args[0].shape
        work = f"inverse{self.loops}"
        self.allocate(work, shape)
        self.emit(f"{name} = invert({source}, {work}, {self.size(shape[0])});")

    def do_logdet(self, node: Node, name: str) -> None:
        self.do_det(node, name)
        self.emit(f"{name} = log({name});")

    def do_solve(self, node: Node, name: str) -> None:
        self.used.add("det")
        a, b = node.args
        source = self.whole(a)
        work = f"inverse{self.loops}"
        self.allocate(work, a.shape)
        self.emit(f"invert({source}, {work}, {self.size(a.shape[0])});")
        outer = self.open_loops(node.shape)
        place = f"{name}[{self.flat(node.shape, outer)}]"
        self.emit(f"{place} = 0.0;")
        (k,) = inner = self.open_loops((a.shape[0],))
        left = f"{work}[{self.flat(a.shape, (outer[0], k))}]"
        self.emit(f"{place} += {left}*{self.entry(b, (k, *outer[1:]))};")
        self.close_loops(inner)
        self.close_loops(outer)

    def do_scatter(self, node: Node, name: str) -> None:
        shape, items = node.value
        index = self.open_loops(node.shape)
        self.emit(f"{name}[{self.flat(node.shape, index)}] = 0.0;")
        self.close_loops(index)
        (part,) = node.args
        inner = self.open_loops(part.shape)
        places: list[str] = []
        rest = list(inner)
        for axis, item in enumerate(items):
            if item[0] == "at":
                at = item[1]
                places.append(str(at) if at >= 0 else f"({self.size(shape[axis])} - {-at})")
            else:
                first = self.start(item[1], shape[axis])
                moved = rest.pop(0)
                step = item[3]
                moved = moved if step in (None, 1) else f"{step}*{moved}"
                places.append(f"({moved} + {first})")
        target = self.flat(node.shape, (*places, *rest))
        self.emit(f"{name}[{target}] = {self.entry(part, inner)};")
        self.close_loops(inner)

    def do_prodrest(self, node: Node, name: str) -> None:
        (arg,) = node.args
        if node.value[0] is not None and len(arg.shape) > 1:
            raise UnsupportedError("the derivative of this product over data is not written in C")
        outer = self.open_loops(node.shape)
        place = f"{name}[{self.flat(node.shape, outer)}]"
        self.emit(f"{place} = 1.0;")
        inner = self.open_loops(arg.shape)
        other = " || ".join(f"{a} != {b}" for a, b in zip(outer, inner, strict=True))
        self.emit(f"if ({other}) {place} *= {self.entry(arg, inner)};")
        self.close_loops(inner)
        self.close_loops(outer)

    # -- the self-test --------------------------------------------------------------------

    def test(self) -> list[str]:
        point = sample_point(self.layout)
        if point is None:
            said = "no point was found at which this formula could be checked"
            return ["#ifndef NO_MAIN", f'int main(void) {{ puts("{said}"); return 0; }}', "#endif"]
        lines = ["#ifndef NO_MAIN", "int main(void) {"]
        sizes: dict[str, int] = {}
        for symbol in self.layout.symbols:
            values, shape = point[symbol.name], []
            while isinstance(values, list):
                shape.append(len(values))
                values = values[0]
            for size, count in zip(symbol.shape, shape, strict=True):
                if isinstance(size, str):
                    base, offset = split_size(size)
                    sizes[base] = count - offset
        for size in self.sizes:
            lines.append(f"    int {self.names[size]} = {sizes[size]};")
        for symbol in self.layout.symbols:
            name = self.names[symbol.name]
            flat = ", ".join(repr(float(v)) for v in _flattened(point[symbol.name]))
            dims = f"[] = {{{flat}}}" if symbol.shape else f" = {flat}"
            lines.append(f"    double {name}{dims};")
        lines += self.checks(point)
        lines += [
            '    printf("largest difference from central differences: %.1e\\n", worst);',
            "    return worst < 1e-5 ? 0 : 1;", "}", "#endif",
        ]  # fmt: skip
        return lines

    def checks(self, point: dict[str, Any]) -> list[str]:
        wrt = self.layout.partials.wrt
        arguments = [self.names[s] for s in self.sizes]
        arguments += [self.names[s.name] for s in self.layout.symbols]
        counts = {n: len(_flattened(point[n])) for n in wrt}
        lines = [f"    double {'g_' + self.names[n]}[{counts[n]}];" for n in wrt]
        lines += [f"    double {'h_' + self.names[n]}[{counts[n]}];" for n in wrt]
        call = ", ".join(arguments)
        own = ", ".join(f"g_{self.names[n]}" for n in wrt)
        other = ", ".join(f"h_{self.names[n]}" for n in wrt)
        lines += ["    double worst = 0.0;", f"    value_and_gradient({call}, {own});"]
        for name in wrt:
            safe = self.names[name]
            is_array = bool(self.layout.partials.problem.shape(name))
            place = f"{safe}[at]" if is_array else safe
            lines += [
                f"    for (int at = 0; at < {counts[name]}; at++) {{",
                f"        double base = {place}, step = 1e-6;",
                f"        {place} = base + step;",
                f"        double above = value_and_gradient({call}, {other});",
                f"        {place} = base - step;",
                f"        double below = value_and_gradient({call}, {other});",
                f"        {place} = base;",
                "        double slope = (above - below)/(2*step);",
                f"        worst = fmax(worst, fabs(slope - g_{safe}[at])/(1 + fabs(slope)));",
                "    }",
            ]
        return lines


_STATEMENTS = frozenset(
    words(
        "sum mean prod amax amin norm norm1 logsumexp softmax matmul trace inv det logdet solve "
        "scatter prodrest"
    )
)


def _trailing(arg: Node, index: Index) -> Index:
    """The index of an argument that may have fewer axes."""
    return index[len(index) - len(arg.shape) :] if arg.shape else ()


def _factor(text: str) -> str:
    """The text as a factor."""
    return text if text.isalnum() or text.isidentifier() else f"({text})"


def _flattened(values: Any) -> list[float]:
    if not isinstance(values, list):
        return [values]
    return [v for part in values for v in _flattened(part)]


def number(value: Fraction) -> str:
    """A number as a C double."""
    if value.denominator == 1 and abs(value.numerator) < 2**53:
        text = f"{value.numerator}.0"
    elif max(abs(value.numerator), value.denominator) < 2**53:
        text = f"{value.numerator}.0/{value.denominator}.0"
        return f"({text})"
    else:
        text = repr(float(value))
    return f"({text})" if value < 0 else text


__all__ = ["LEAVES", "c_source"]
