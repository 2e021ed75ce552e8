"""Runs that are saved, gone on with and recorded through the command; every option reaches."""

from __future__ import annotations

import csv
import inspect
import json
import math
import re
import shlex
from pathlib import Path

import click
import pytest

import symgd
from symgd.cli.solve import fit, minimize
from tests.cli.commands import NORRIS, run

LOSS = "(x - 3)^2 + (x*y + 1)^2"
AT = ("--start", "x=0,y=0", "--precision", "none")
METHODS = {
    "gd": ("--rate", "0.01"),
    "adam": ("--rate", "0.1", "--method", "adam"),
    "schedule": ("--schedule", "5/(t + 1000)"),
    "a rule": ("--rate", "0.01", "--method", "v = 0.9*v + g; theta = theta - eta*v"),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_a_run_in_two_parts_has_the_bits_of_one(
    method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "run.json")
    options = (*AT, *METHODS[method])
    whole = run(capsys, "minimize", LOSS, *options, "--steps", "100", "--json")
    first = run(capsys, "minimize", LOSS, *options, "--steps", "37", "--save", place)
    rest = run(capsys, "minimize", "--resume", place, "--steps", "63", "--json", "--save", place)
    assert (whole[0], first[0], rest[0]) == (0, 0, 0)
    one, two = json.loads(whole[1]), json.loads(rest[1])
    assert one["params"] == two["params"]
    assert one["loss"] == two["loss"]
    assert two["steps"] == 100
    assert symgd.load(place).step == 100


def test_a_fit_in_batches_goes_on_in_the_middle_of_an_epoch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "run.json")
    model = ("fit", "y ~ m*x + b", NORRIS)
    options = ("--rate", "1e-7", "--batch", "16", "--seed", "4", "--precision", "none")
    whole = run(capsys, *model, *options, "--steps", "50", "--json")
    run(capsys, *model, *options, "--steps", "20", "--save", place)
    rest = run(capsys, *model, "--resume", place, "--steps", "30", "--json")
    one, two = json.loads(whole[1]), json.loads(rest[1])
    for key in ("params", "stderr", "loss", "r_squared", "steps", "outcome"):
        assert one[key] == two[key], key
    assert rest[0] == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("minimize", "--resume", "{run}", "--rate", "1"), "--rate cannot be changed"),
        (("minimize", "--resume", "{run}", "--start", "x=1"), "--start cannot be changed"),
        (("minimize", LOSS, "--resume", "{run}"), "leave it out"),
        (("minimize", "--resume", "{run}.none"), "cannot be read"),
        (("minimize", "--resume", NORRIS), "not a checkpoint"),
        (("fit", "y ~ m*x", NORRIS, "--resume", "{run}"), "the saved run minimises"),
        (("minimize", "x^2", "--save", "{folder}/no/run.json"), "does not exist"),
        (("minimize", "x^2", "--save", "{folder}"), "is a folder"),
        (("minimize", "x^2", "--history", "{folder}/h.xls"), ".csv or .json"),
        (("minimize", "x^2", "--history", "{folder}/no/h.csv"), "does not exist"),
        (("minimize", "x^2", "--plot", "{folder}/no/h.png"), "does not exist"),
        (("minimize",), "a formula is needed"),
    ],
)
def test_what_cannot_go_on_is_refused_before_anything_is_printed(
    arguments: tuple[str, ...], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "run.json"
    symgd.save(place, symgd.minimize(LOSS, {"x": 0, "y": 0}, rate=0.01, steps=5, precision=None))
    given = [a.format(run=place, folder=tmp_path) for a in arguments]
    status, out, err = run(capsys, *given)
    assert (status, out) == (2, "")
    assert reason in err


def test_a_method_without_a_state_prints_its_answer_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "run.json"
    status, out, err = run(capsys, "minimize", "(x-3)^4", "--save", str(place))
    assert status == 2
    assert "converged" in out
    assert "nothing to go on with" in err
    assert not place.exists()


def test_the_history_reads_back_as_the_same_bits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = symgd.minimize(LOSS, {"x": 0, "y": 0}, rate=0.01, steps=30, precision=None)
    asked = ("minimize", LOSS, *AT, "--rate", "0.01", "--steps", "30")
    table, lists = tmp_path / "h.csv", tmp_path / "h.json"
    assert run(capsys, *asked, "--history", str(table))[0] == 0
    assert run(capsys, *asked, "--history", str(lists))[0] == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["x"]) for row in rows] == found.history.component("x").tolist()
    content = json.loads(lists.read_text())
    assert content["loss"] == found.history.loss.tolist()
    assert content["step"] == list(range(31))


def test_every_option_of_the_doors_is_an_option_of_the_command() -> None:
    """Under the same name; data and observers come in another way."""
    for door, command in ((symgd.minimize, minimize), (symgd.fit, fit)):
        options = {name.lstrip("-") for p in command.params for name in p.opts}
        known = options | {p.name for p in command.params} | {"observers", "data"}
        for name in inspect.signature(door).parameters:
            assert name.replace("_", "-") in known, (command.name, name)


@pytest.mark.parametrize(
    ("text", "pair"),
    [("k=0:", (0.0, None)), ("k=:2", (None, 2.0)), ("k=-1:1e3", (-1.0, 1000.0)),
     ("k=[0, null]", (0, None)), (" k = 0 : 5 ", (0.0, 5.0)), ("k=:", (None, None))],
)  # fmt: skip
def test_bounds(text: str, pair: tuple[float | None, float | None]) -> None:
    from symgd.cli.options import bounds_of

    assert bounds_of((text,)) == {"k": pair}
    assert bounds_of((text + ",b=1:2",)) == {"k": pair, "b": (1.0, 2.0)}


@pytest.mark.parametrize(
    "text", ["k", "k=", "k=3", "=0:1", "k=a:b", "k=[0]", "k=[0,1", "k=0:1,k=2:"]
)
def test_bounds_that_are_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "minimize", "(k-3)^2", "--bounds", text)
    assert (status, out) == (2, "")
    assert "--bounds" in err


def test_bounds_and_constraints_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """The minimum of x^2 + y^2 on x + y = 1 with y >= 0.7 is at (0.3, 0.7)."""
    _, out, _ = run(capsys, "minimize", "x^2 + y^2", "--subject-to", "x + y = 1",
                    "--bounds", "y=0.7:", "--json")  # fmt: skip
    assert json.loads(out)["params"] == pytest.approx({"x": 0.3, "y": 0.7}, abs=1e-6)


def test_several_starts_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "minimize", "(x^2-1)^2 + 0.1*x", "--starts", "8", "--seed", "1")
    assert status == 0
    assert out.count("x = ") >= 2
    assert "x = -1.0122731" in out  # a root of 40 x^3 - 40 x + 1
    assert "x = 0.98725748" in out


def test_sigma_weights_and_missing_cells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weighted means by hand: sum(w*y)/sum(w)."""
    place = tmp_path / "d.csv"
    place.write_text("y,w,s\n1,1,1\n2,3,0.5\n4,0,2\n,1,1\n")
    fits = ("fit", "y ~ a", str(place), "--missing", "drop", "--json")
    weighted = json.loads(run(capsys, *fits, "--weights", "w")[1])
    assert weighted["params"]["a"] == pytest.approx(7 / 4)
    assert weighted["dropped"] == 1
    errors = json.loads(run(capsys, *fits, "--sigma", "s", "--absolute-sigma")[1])
    assert errors["params"]["a"] == pytest.approx((1 + 2 * 4 + 4 / 4) / (1 + 4 + 1 / 4))
    assert errors["stderr"]["a"] == pytest.approx((1 + 4 + 1 / 4) ** -0.5)
    status, _, err = run(capsys, "fit", "y ~ a", str(place))
    assert status == 2
    assert "row 4" in err or "line 5" in err


def test_help_shows_examples_and_their_options_exist() -> None:
    """Each example of a help text names only options that there are."""
    from symgd.cli.main import COMMANDS
    from symgd.cli.main import symgd as group

    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        shown = command.get_help(click.Context(command, info_name=f"symgd {name}"))
        lines = [line.strip() for line in shown.split("\n")]
        lines = [re.sub(r"^eval \"\$\((.*?)\)\".*", r"\1", line) for line in lines]
        examples = [line for line in lines if line.startswith(f"symgd {name}")]
        assert examples or name == "demo", name
        known = {option for p in command.params for option in p.opts} | {"--help"}
        for example in examples:
            words = shlex.split(example.split(" | ")[0].split(" #")[0])
            assert {w for w in words if w.startswith("--")} <= known, example


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples of the help texts name."""
    rows = ["x,y,t,err,p"]
    for k in range(40):
        x = k / 10
        bump = (k * 7 % 5 - 2) / 50
        count = 2 * math.exp(-0.7 * x) + 1 + bump
        rows.append(f"{x},{count},{x},{0.1 + k / 400},{int(k * 11 % 40 < k)}")
    for name in ("data.csv", "points.csv"):
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    (tmp_path / "derivation.txt").write_text(
        "d/dm mean((y-(m*x+b))^2)\n= mean(2*(y-(m*x+b))*(-x))\n= -2*mean(x*(y-(m*x+b)))\n"
    )
    (tmp_path / "formula.txt").write_text("mean((y - (m*x + b))^2)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("name", ["grad", "check", "explain", "minimize", "fit", "plot"])
def test_the_examples_of_the_help_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from symgd.cli.main import symgd as group

    command = group.get_command(click.Context(group), name)
    assert command is not None
    shown = command.get_help(click.Context(command, info_name=f"symgd {name}"))
    examples = [line.strip() for line in shown.split("\n")]
    for example in examples:
        if not example.startswith(f"symgd {name} ") or "parquet" in example:
            continue
        words = shlex.split(re.split(r" \| | > ", example)[0])[1:]
        status, _, err = run(capsys, *words)
        assert status in (0, 1), (example, err)
        assert err == "", example
