"""Every mistake planted in many derivations with varied constants: found, and named."""

from __future__ import annotations

import random
from fractions import Fraction

import mpmath
import pytest

from symgd.check import check
from symgd.check.claims import Subject, read_text
from symgd.check.mistakes import Walk
from symgd.check.wrong_table import WRONG_RULES
from symgd.compile.exact import evaluate
from symgd.derive.tidy import tidy
from symgd.formula.graph import Node
from symgd.formula.text import to_text

FORMULAS = """
{a}*x^3 - {b}*x^2 + {c}*x - 7 | ({a}*x - {b})^{n} | (x^2 + {a})^{n}*(x - {b})
(x^2 + {a})/(x - {b}) | x/(x^2 + {a}) | sqrt({a}*x^2 + {b}) | sin({a}*x) | x*sin({a}*x)
cos(x^2 + {b}) | tan({a}*x) | atan({a}*x) | asin(x/{a}) | exp(-{a}*x^2) | x^2*exp({a}*x)
log({a}*x^2 + {b}) | log(x)/x | x*log(x) | log10({a}*x) | {a}^x | x^x | 1/(1 + exp(-{a}*x))
log(1 + exp({a}*x)) | tanh({a}*x + {b}) | sinh(x)*cosh({a}*x) | abs({a}*x - {b})
max(0, {a}*x - {b})^2 | sqrt((x - {a})^2) | exp(sin({a}*x)) | sin(cos({a}*x)) | log(x)^{n}
x^{n}*cos(x)/{a} | exp(x)/(x + {a}) | 1/(x^2 + {a}) | (x + {a})^2/(x^2 + {b})
{a}*exp(-(x - m)^2/(2*s^2)) | {a}*(y - x^2)^2 + ({b} - x)^2 | exp(a)/(exp(a) + exp(b))
mean((y - (m*x + b))^2) | 1/(2*N)*sum((y - m*x - b)^2) | sum((y - a*exp(-k*x))^2)
mean(abs(y - m*x)) | mean(log(1 + exp(-y*w*x))) | 1/N*sum((y - sin(w*x))^2) + {a}*w^2
sum(log(s) + (y - mu)^2/(2*s^2)) | mean(max(0, 1 - y*w*x)) | mean((y - a*x/(k + x))^2)
mean(where(abs(y - m*x) <= {a}, (y - m*x)^2/2, {a}*(abs(y - m*x) - {a}/2)))
"""
TEMPLATES = [f.strip() for line in FORMULAS.split("\n") for f in line.split("|") if f.strip()]
EACH = 2
"""How many results of one rule are tried in one derivation."""


def filled(template: str, number: int) -> str:
    draw = random.Random(number)
    return template.format(
        a=draw.choice([2, 3, 5, 7, "1.5"]), b=draw.choice([1, 4, 3, "0.5"]),
        c=draw.choice([2, 6]), n=draw.choice([2, 3, 4, 5]),
    )  # fmt: skip


def differ(subject: Subject, left: Node, right: Node) -> bool | None:
    """Whether two formulas differ, by mpmath: an opinion that shares nothing with the checker."""
    seen = False
    for place in range(12):
        draw = random.Random(place)
        low, high = ((0.1, 3.0), (-3.0, 3.0), (0.1, 0.9))[place % 3]

        def number(draw: random.Random = draw, low: float = low, high: float = high) -> Fraction:
            return Fraction(draw.uniform(low, high)).limit_denominator(997)

        values = {n: [number() for _ in range(3)] if s else number() for n, s in subject.symbols()}
        sizes = {"N": 3}
        try:
            a, b, _ = evaluate([left, right, subject.formula], values, sizes, 40)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        seen = True
        if abs(a - b) > mpmath.mpf(10) ** -25 * (abs(a) + abs(b)):
            return True
    return False if seen else None


def planted(template: str, number: int) -> list[tuple[str, str, str, str]]:
    """(formula, name, wrong claim, mistake) for every rule and place of one derivation."""
    formula = filled(template, number)
    subject = Subject(read_text(formula))
    name = subject.problem.parameters[0]
    partials = subject.partials(name)
    symbol = subject.problem.symbol(name)
    walk = Walk(partials.written, symbol, partials.written.graph.number(1), name)
    rows: dict[str, tuple[str, str, str, str]] = {}
    for rule in WRONG_RULES:
        kept = 0
        for candidate in walk.with_wrong(rule):
            wrong = tidy(candidate.result, (partials.written,))
            if kept < EACH and differ(subject, wrong, partials.raw[name]):
                text = to_text(wrong)
                if len(text) < 400 and text not in rows:
                    rows[text] = (formula, name, text, candidate.mistake.name)
                    kept += 1
    return list(rows.values())


def test_there_are_many_derivations() -> None:
    assert len(TEMPLATES) >= 40


@pytest.mark.slow
def test_planted_mistakes_are_never_accepted_and_mostly_named() -> None:
    tried = named = same = 0
    for number, template in enumerate(TEMPLATES):
        for formula, name, claim, mistake in planted(template, number):
            found = check(claim, formula, name)
            assert found.verdict in ("wrong", "proportional"), (formula, claim, str(found))
            tried += 1
            named += found.mistake is not None
            same += found.mistake == mistake
    assert tried > 600
    assert named / tried >= 0.95
    assert same / tried >= 0.8
