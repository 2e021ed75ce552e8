"""The table of methods: each row is its state, its updates and its numbers, as formulas.

The factors are those of optax 0.2 (``optax.sgd``, ``adagrad``, ``rmsprop``, ``adam``, ``adamw``):
``t`` counts the updates made so far, so that bias corrections have ``t + 1``; momentum is
``v = beta*v + g`` without a factor ``1 - beta``; RMSProp and AdaGrad have ``eps`` under the root,
Adam outside. Nesterov's method evaluates no gradient at the point ahead: with the substitution
of Sutskever et al. the look-ahead is written in terms of the gradient at theta.

>>> print(method("nesterov"))
Nesterov's method
  v = beta*v + g
  theta = theta - eta*(g + beta*v)
  at first v = 0
  with beta = 0.9
  Nesterov 1983; Sutskever et al., ICML 2013, section 3
>>> method("adam", b1=0.8).constants["b1"]
0.8
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from symgd.errors import OptionError
from symgd.methods.rule import Rule, checked_number, from_text


@dataclass(frozen=True)
class Row:
    """One method: its name, its updates, start of its states, its numbers and its source.

    ``rate`` is the usual learning rate, ``None`` if only the curvature of the loss can tell.
    """

    title: str
    updates: str
    state: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    reference: str = ""
    rate: float | None = None


METHODS: dict[str, Row] = {
    "gd": Row(
        "gradient descent",
        "theta = theta - eta*g",
        reference="Cauchy, C. R. Acad. Sci. 25 (1847) 536",
    ),
    "momentum": Row(
        "momentum",
        "v = beta*v + g; theta = theta - eta*v",
        {"v": "0"},
        {"beta": 0.9},
        "Polyak, USSR Comput. Math. Math. Phys. 4(5) (1964) 1",
    ),
    "nesterov": Row(
        "Nesterov's method",
        "v = beta*v + g; theta = theta - eta*(g + beta*v)",
        {"v": "0"},
        {"beta": 0.9},
        "Nesterov 1983; Sutskever et al., ICML 2013, section 3",
    ),
    "adagrad": Row(
        "AdaGrad",
        "s = s + g^2; theta = theta - eta*g/sqrt(s + eps)",
        {"s": "initial"},
        {"initial": 0.1, "eps": 1e-7},
        "Duchi, Hazan & Singer, JMLR 12 (2011) 2121, figure 1",
        0.1,
    ),
    "rmsprop": Row(
        "RMSProp",
        "s = decay*s + (1 - decay)*g^2; theta = theta - eta*g/sqrt(s + eps)",
        {"s": "0"},
        {"decay": 0.9, "eps": 1e-8},
        "Tieleman & Hinton, Neural Networks for Machine Learning (2012), lecture 6.5",
        0.01,
    ),
    "adam": Row(
        "Adam",
        "m = b1*m + (1 - b1)*g; s = b2*s + (1 - b2)*g^2; "
        "m_hat = m/(1 - b1^(t + 1)); s_hat = s/(1 - b2^(t + 1)); "
        "theta = theta - eta*m_hat/(sqrt(s_hat) + eps)",
        {"m": "0", "s": "0"},
        {"b1": 0.9, "b2": 0.999, "eps": 1e-8},
        "Kingma & Ba, ICLR 2015, algorithm 1",
        0.01,
    ),
    "adamw": Row(
        "AdamW",
        "m = b1*m + (1 - b1)*g; s = b2*s + (1 - b2)*g^2; "
        "m_hat = m/(1 - b1^(t + 1)); s_hat = s/(1 - b2^(t + 1)); "
        "theta = theta - eta*(m_hat/(sqrt(s_hat) + eps) + decay*theta)",
        {"m": "0", "s": "0"},
        {"b1": 0.9, "b2": 0.999, "eps": 1e-8, "decay": 1e-4},
        "Loshchilov & Hutter, ICLR 2019, algorithm 2",
        0.01,
    ),
}


def method(name: str, **numbers: float) -> Rule:
    """The method ``name`` of the table; ``numbers`` replace its usual ones.

    Raises an :class:`~symgd.errors.OptionError` for a method or a number that it does not have,
    with what there is, and for a number outside its range: decay rates are in [0, 1), ``eps``
    and start values are not negative.
    """
    row = METHODS.get(name) if isinstance(name, str) else None
    if row is None:
        raise unknown_method(name)
    for key, value in numbers.items():
        _check(name, row, key, value)
    chosen = {**row.numbers, **numbers}
    return from_text(
        row.updates, state=row.state, constants=chosen, name=row.title, reference=row.reference,
        rate=row.rate,
    )  # fmt: skip


def named(text: str) -> Rule:
    """The rule that a text means: ``adam``, ``adam(b1=0.8)``, or updates as formulas.

    >>> named("momentum(beta=0.5)").constants
    {'beta': 0.5}
    >>> named("v = 0.5*v + g; theta = theta - eta*v").state
    {'v': '0'}
    """
    head, bracket, rest = text.partition("(")
    head = head.strip()
    if head in METHODS and not bracket:
        return method(head)
    if head in METHODS and rest.rstrip().endswith(")"):
        return method(head, **_keywords(rest.rstrip()[:-1], text))
    if "=" in head:
        return from_text(text)
    raise unknown_method(head)


def unknown_method(name: Any) -> OptionError:
    """The error for a method that is not in the table."""
    near = get_close_matches(str(name), METHODS, 1)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    known = ", ".join(METHODS)
    return OptionError(
        f"method={name!r} is not known: there are {known}, "
        f"or updates such as 'theta = theta - eta*g'{guess}"
    )


def _keywords(text: str, whole: str) -> dict[str, float]:
    """``b1=0.8, eps=1e-6`` as a mapping."""
    found: dict[str, float] = {}
    for item in text.split(","):
        if not item.strip():
            continue
        name, _, value = item.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise OptionError(f"method={whole!r}: {item.strip()!r} is not name=number") from None
    return found


def _check(name: str, row: Row, key: str, value: Any) -> None:
    if key not in row.numbers:
        near = get_close_matches(key, row.numbers, 1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        known = ", ".join(row.numbers) or "none"
        raise OptionError(f"{name} has no number {key!r}: there are {known}{guess}")
    number = checked_number(key, value)
    fading = key in ("beta", "b1", "b2") or (key == "decay" and name == "rmsprop")
    if fading and not 0 <= number < 1:
        raise OptionError(f"{key} of {name} must be at least 0 and below 1, not {value!r}")
    if not fading and number < 0:
        raise OptionError(f"{key} of {name} must not be negative, not {value!r}")
