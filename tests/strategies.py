"""All Hypothesis strategies of the tests: formulas as text, defined at positive points."""

from __future__ import annotations

from hypothesis import strategies as st

from symgd.formula.functions import words

SCALARS = ("a", "b", "theta0")
ARRAYS = {"x": "n", "y": "n", "w": "p", "X": "n,p", "S": "p,p"}
SIZES = {"n": 4, "p": 3}

_ANYWHERE = ("sin", "cos", "tanh", "atan", "exp", "sigmoid", "softplus", "abs", "asinh", "erf")
_POSITIVE = ("log", "sqrt", "log2", "loggamma", "log1p")


def numbers() -> st.SearchStrategy[str]:
    """Literals: whole numbers, decimals and powers of ten, small and large."""
    whole = st.integers(0, 60).map(str)
    decimal = st.tuples(st.integers(0, 9), st.integers(0, 999)).map(lambda p: f"{p[0]}.{p[1]:03d}")
    power = st.tuples(st.integers(1, 9), st.integers(-15, 3)).map(lambda p: f"{p[0]}e{p[1]}")
    return st.one_of(whole, decimal, power)


def scalar_formulas(leaves: int = 8) -> st.SearchStrategy[str]:
    """Formulas of the numbers ``a``, ``b`` and ``theta0``, defined for all positive values."""
    start = st.one_of(st.sampled_from(SCALARS), numbers())
    return st.recursive(start, _scalar_layer, max_leaves=leaves)


def _scalar_layer(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    positive = inner.map(lambda u: f"(1 + ({u})^2)")
    return st.one_of(
        pair.map(lambda p: f"{p[0]} + {p[1]}"),
        pair.map(lambda p: f"{p[0]} - ({p[1]})"),
        pair.map(lambda p: f"({p[0]})*({p[1]})"),
        pair.map(lambda p: f"({p[0]})/(2 + ({p[1]})^2)"),
        st.tuples(inner, st.integers(0, 4)).map(lambda p: f"({p[0]})^{p[1]}"),
        st.tuples(positive, st.sampled_from(("-1", "0.5", "(1/3)", "-b", "a"))).map(
            lambda p: f"{p[0]}^{p[1]}"
        ),
        inner.map(lambda u: f"-({u})"),
        st.tuples(st.sampled_from(_ANYWHERE), inner).map(lambda p: f"{p[0]}(({p[1]})/9)"),
        st.tuples(st.sampled_from(_POSITIVE), positive).map(lambda p: f"{p[0]}({p[1]})"),
        pair.map(lambda p: f"max({p[0]}, {p[1]})"),
        pair.map(lambda p: f"where({p[0]} < {p[1]}, {p[0]}, {p[1]})"),
        pair.map(lambda p: f"where({p[0]} >= 1 and not {p[1]} < 2, {p[1]}, {p[0]})"),
    )


def array_formulas() -> st.SearchStrategy[str]:
    """Numbers made of vectors and matrices: reductions, products, slices, broadcasting."""
    vector = st.recursive(
        st.sampled_from(("x", "y", "X @ w", "x + a", "sum(X, axis=1)", "-y")), _vector_layer,
        max_leaves=5,
    )  # fmt: skip
    return st.one_of(
        st.tuples(st.sampled_from(("sum", "mean", "norm", "logsumexp", "max", "std")), vector).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        vector.map(lambda v: f"1/n*sum(({v})[1:]*({v})[:-1])"),
        vector.map(lambda v: f"({v}) @ X @ S @ w"),
        vector.map(lambda v: f"sum(outer({v}, w) + X)"),
        vector.map(lambda v: f"sum(softmax({v})*y)"),
        vector.map(lambda v: f"trace(S.T @ S + diag(w)) + sum({v})"),
        vector.map(lambda v: f"sum(X*({v})[:, None], axis=0) @ w"),
        vector.map(lambda v: f"mean(mean(X - ({v})[:, None], axis=0, keepdims=True))"),
    )


def _vector_layer(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda p: f"{p[0]} + {p[1]}"),
        pair.map(lambda p: f"({p[0]})*({p[1]})"),
        st.tuples(inner, numbers()).map(lambda p: f"({p[0]})/(1 + {p[1]})"),
        inner.map(lambda u: f"tanh({u})"),
        inner.map(lambda u: f"where({u} > b, {u}, -b)"),
        inner.map(lambda u: f"({u})^2"),
    )


def token_soup() -> st.SearchStrategy[str]:
    """Text made of tokens of the language in any order: mostly nonsense."""
    tokens = words(
        "x y x_i m 2 0.5 1e3 + - * / ^ ** @ ( ) [ ] , : < <= == = | || ; ! % ' . .. .T "
        "\u221a \u2202 \u2211 \u03b8 \xb2 \u1d40 sum mean sum_i prod_j sin log_2 max where d "
        "dx d/dx if else and or not True None axis=0 keepdims=True i=1..N i=1..3 Sum "
        "Piecewise Derivative ones scatter N e pi oo nan lambda matrix_power softmax norm { "
        '} ~ & _ # \\ " 9**9**9'
    )
    return st.lists(st.sampled_from(tokens), max_size=25).flatmap(
        lambda words: st.sampled_from((" ", "")).map(lambda gap: gap.join(words))
    )
