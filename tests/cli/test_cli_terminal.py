"""What a stream can show, and text for terminals that know little."""

from __future__ import annotations

import io
import unicodedata

import pytest

from symgd.cli.failures import painted
from symgd.cli.plain import ascii_of
from symgd.cli.terminal import Terminal, chosen, fitting, rendered, terminal_of
from tests.cli.commands import Screen

UTF = {"LANG": "en_GB.UTF-8"}
ESCAPE = "\x1b"


@pytest.mark.parametrize(
    ("screen", "environment", "choice", "drawn", "colour"),
    [
        (False, {}, "auto", False, False),
        (True, {}, "auto", True, True),
        (True, {"TERM": "dumb"}, "auto", False, False),
        (True, {"NO_COLOR": "1"}, "auto", True, False),
        (True, {"NO_COLOR": ""}, "auto", True, True),  # empty does not count: no-color.org
        (False, {"FORCE_COLOR": "1"}, "auto", True, True),
        (False, {"FORCE_COLOR": "0"}, "auto", False, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False, False),
        (True, {"NO_COLOR": "1"}, "always", True, True),
        (False, {}, "always", True, True),
        (True, {"FORCE_COLOR": "1"}, "never", True, False),
        (False, {"FORCE_COLOR": "1"}, "never", False, False),
    ],
)
def test_who_decides_about_colour(
    screen: bool, environment: dict[str, str], choice: str, drawn: bool, colour: bool
) -> None:
    before = chosen.set(choice)
    try:
        found = terminal_of(Screen() if screen else io.StringIO(), {**UTF, **environment})
    finally:
        chosen.reset(before)
    assert (found.drawn, found.colour) == (drawn, colour)


@pytest.mark.parametrize(
    ("environment", "unicode"),
    [
        ({}, True), ({"LANG": "de_DE.UTF-8"}, True), ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "C"}, False), ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, False),
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),  # how Python runs under LANG=C
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, True), ({"LC_CTYPE": "C"}, False),
    ],
)  # fmt: skip
def test_the_locale_decides_about_unicode(environment: dict[str, str], unicode: bool) -> None:
    assert terminal_of(Screen(), environment).unicode is unicode


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "no-such-codec"])
def test_an_encoding_without_the_signs_gets_ascii(encoding: str) -> None:
    class Narrow(Screen):
        @property
        def encoding(self) -> str:  # type: ignore[override]
            return encoding

    assert not terminal_of(Narrow(), UTF).unicode


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("5", 20), ("500", 110)])
def test_the_width_is_that_of_the_terminal(columns: str, width: int) -> None:
    assert terminal_of(Screen(), {**UTF, "COLUMNS": columns}).width == width


def test_every_sign_has_an_ascii_form() -> None:
    signs = [chr(n) for n in range(0x80, 0x3000) if unicodedata.category(chr(n))[0] not in "CZ"]
    for sign in signs:
        assert ascii_of(sign).isascii()
        assert ascii_of(sign).strip() or unicodedata.combining(sign), sign


def test_ascii_formulas_read_as_the_formula() -> None:
    shown = ascii_of("∂L/∂θ₁ = -2/N ∑ᵢ xᵢ² (αᵢ - λ)")
    assert shown == "dL/dtheta_1 = -2/N sum_i x_i^2 (alpha_i - lambda)"
    assert ascii_of("Δ Ω ≤ ∞ → x⁻¹²") == "Delta Omega <= inf -> x^-12"


def test_lone_surrogates_do_not_break_the_output() -> None:
    terminal = Terminal(False, False, True, 80)
    assert fitting("x\udc80", terminal).encode("utf-8") == b"x\\udc80"


def test_markup_is_text() -> None:
    from symgd.cli.tables import text

    words = "x[i]**2 [bold]a[/bold] :smile: [/]"
    for colour in (True, False):
        assert rendered(text(words), Terminal(True, colour, True, 80)) == words


def test_lines_end_without_spaces_and_without_codes_where_there_is_no_colour() -> None:
    from symgd.cli.tables import listing, text

    rows = [(text("a", "bold"), text("1")), (text("long name", "bold"), text("22", "red"))]
    plain = rendered(listing(rows), Terminal(True, False, True, 80))
    assert ESCAPE not in plain
    assert all(line == line.rstrip() for line in plain.split("\n"))
    assert plain.split("\n") == ["  a          1", "  long name  22"]


def test_an_error_is_coloured_around_its_words() -> None:
    message = "a bracket is not closed\n  x[i](\n      ^\nhint: close it"
    coloured = painted(message, 80, True)
    assert coloured.count(ESCAPE) >= 6
    import click

    assert click.unstyle(coloured) == "error: " + message == painted(message, 80, False)


@pytest.mark.parametrize("width", [30, 40, 60])
@pytest.mark.parametrize("column", [0, 3, 25, 70, 99])
def test_a_caret_stays_below_its_place_on_a_narrow_terminal(width: int, column: int) -> None:
    line = "".join(chr(ord("a") + k % 26) for k in range(100))
    message = f"no\n  {line}\n  {' ' * column}^"
    shown = painted(message, width, False, crop=True).split("\n")
    assert max(map(len, shown)) <= width
    place = shown[2].index("^")
    assert shown[1][place] in (line[column], "…")
    if 5 < column < 95:
        assert shown[1][place] == line[column]
