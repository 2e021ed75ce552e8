"""Results in a notebook: what is shown, escaped, in words as well as in colours."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

import symgd
from symgd.show import notebook

LOSS = "mean((y - (m*x + b))^2)"
VOID = {"br", "img", "hr"}


class Balanced(HTMLParser):
    """Reads HTML and keeps its visible text; tags must be closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def seen(thing: Any) -> tuple[str, Balanced]:
    """The visible text of a result, and the page."""
    page = Balanced()
    page.feed(thing._repr_html_())
    page.close()
    assert page.open == []
    assert not {"script", "iframe", "object", "link"} & set(page.tags)
    return " ".join("".join(page.words).split()), page


def test_a_gradient_shows_loss_reading_and_partials() -> None:
    words, _ = seen(symgd.gradient(LOSS))
    assert "data: x, y (N rows) parameters: m, b" in words
    assert r"\frac{\partial L}{\partial m}" in words
    assert symgd.gradient(LOSS)["b"].latex() in words


def test_a_certificate_is_shown_with_the_gradient_only_when_it_is_there() -> None:
    g = symgd.gradient(LOSS)
    assert "how it was proved" not in seen(g)[0]
    assert "difference quotient" in seen(g.certificate)[0]
    assert "how it was proved" in seen(g)[0]


def test_steps_fold() -> None:
    steps = symgd.gradient(LOSS).steps("m")
    words, page = seen(steps)
    assert page.tags.count("details") == page.tags.count("summary") == len(steps)
    for step in steps:
        assert f"{step.number}. {step.rule}" in words
        assert " ".join(step.shown("latex").split()) in words
    assert " open>" in steps._repr_html_()


def test_deep_steps_are_no_trouble() -> None:
    deep = "x"
    for _ in range(120):
        deep = f"sin({deep})"
    seen(symgd.gradient(deep).steps("x"))


@pytest.mark.parametrize(
    ("claim", "word", "kind"),
    [
        ("2*mean(x*(y - (m*x + b)))", "wrong", "bad"),
        ("-2*mean(x*(y - (m*x + b)))", "equal", "good"),
        ("-mean(x*(y - (m*x + b)))", "proportional", "fair"),
    ],
)
def test_a_verdict_has_a_word_and_a_colour(claim: str, word: str, kind: str) -> None:
    verdict = symgd.check(claim, LOSS, wrt="m")
    words, _ = seen(verdict)
    assert words.startswith(word)
    assert " ".join(verdict.reason.split()) in words
    assert f'symgd-{kind}">{word}' in verdict._repr_html_()
    if word == "wrong":
        assert str(verdict.right) in words
        assert str(verdict.witness) in words


def test_runs_say_how_they_ended() -> None:
    good = symgd.minimize("(x - 3.5)^2", {"x": 0}, rate=0.1)
    words, _ = seen(good)
    assert words.startswith("converged")
    assert f"{good.params['x']:.10g}" in words
    bad = symgd.minimize("(x - 3.5)^2", {"x": 0}, rate=50)
    assert seen(bad)[0].startswith("diverged")
    assert 'symgd-bad">diverged' in bad._repr_html_()


def test_a_fit_shows_what_its_report_says() -> None:
    data = {"x": [0.0, 1, 2, 3, 4], "y": [1.1, 2.9, 5.2, 6.9, 9.1]}
    f = symgd.fit("y ~ m*x + b", data)
    words, _ = seen(f)
    for name in ("m", "b"):
        assert f"{f.params[name]:.10g}" in words
        assert f"{f.stderr[name]:.4g}" in words
        low, high = f.confidence(0.95)[name]
        assert f"{low:.6g} to {high:.6g}" in words
    assert f"{f.r_squared:.8g}" in words
    assert f"{f.correlation[1, 0]:+.3f}" in words


def test_what_the_data_leave_open_is_said() -> None:
    f = symgd.fit("y ~ a*x + c*x", {"x": [1.0, 2, 3], "y": [1.0, 2, 4]})
    assert "not determined" in seen(f)[0]


def test_many_parameters_are_cut() -> None:
    import numpy as np

    random = np.random.default_rng(0)
    data = {"X": random.normal(size=(200, 60)), "y": random.normal(size=200)}
    words, page = seen(symgd.fit("y ~ X @ w", data))
    assert "and 20 more" in words
    assert page.tags.count("tr") < 60


def test_everything_is_escaped() -> None:
    assert notebook.text("<script>alert(1)</script>$x$") == (
        "&lt;script&gt;alert(1)&lt;/script&gt;<span>&#36;</span>x<span>&#36;</span>"
    )
    assert notebook.code('"<b>"') == "<code>&quot;&lt;b&gt;&quot;</code>"
    shown = symgd.gradient("where(x < y, x^2, y)").steps("x")._repr_html_()
    body = shown.split("</style>")[1]
    assert "&lt;" in body
    assert (
        re.search(r"<(?!/?(div|p|details|summary|b|ol|li|span|code|table|tr|td|th))", body) is None
    )


def test_colours_come_from_the_page() -> None:
    style = notebook.STYLE
    assert "color:inherit" in style
    assert "background:#fff" not in style.replace(" ", "")
    for rule in re.findall(r"\.symgd-(?:good|fair|bad|plain)\{background:#(\w{6})\}", style):
        # white words on the badge: at least 4.5 to 1 (WCAG 2.2, 1.4.3)
        channels = [int(rule[k : k + 2], 16) / 255 for k in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        assert 1.05 / (luminance + 0.05) >= 4.5
