"""What leaves the page: scripts that say what was on screen, tables, notebooks, pictures."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from served_page import Served

from symgd.errors import SymgdError
from symgd.web.export_files import export
from symgd.web.solve_job import solve

X = np.linspace(0, 4, 25)
Y = 2 * X + 1 + 0.1 * np.cos(5 * X)
CSV = "x,y,note\n" + "".join(
    f"{a!r},{b!r},text\n" for a, b in zip(X.tolist(), Y.tolist(), strict=True)
)
PARABOLA: dict[str, Any] = {
    "problem": {"text": "(x - 3.5)^2 - 4.5x + 10"}, "start": {"x": 9}, "precision": 1e-3,
    "runs": [{"rate": 0.1, "label": "slow"}, {"rate": 0.2, "momentum": 0.3}],
}  # fmt: skip
LINE: dict[str, Any] = {
    "problem": {"text": "y ~ m*x + b", "model": True, "csv": CSV}, "start": {"m": 0, "b": 0},
    "runs": [{"rate": 0.05}],
}  # fmt: skip
LATEX: dict[str, Any] = {
    "problem": {
        "text": r"\frac{1}{N}\sum_{i=1}^{N} (y_i - m x_i - c)^2", "format": "latex", "csv": CSV,
        "constants": {"c": 1},
    },
    "runs": [{"rate": "0.1/(1 + t/50)", "batch": 5, "epochs": 4}], "precision": None,
}  # fmt: skip


def written(content: dict[str, Any], what: str, **more: Any) -> bytes:
    return b64decode(export({**content, "what": what, **more})["content"])


def on_screen(content: dict[str, Any]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    solve(content, events.append)
    return [event["solution"] for event in events if event["event"] == "done"]


def run(source: bytes, folder: Path, ending: str = "") -> str:
    """What a script prints, run in a folder of its own."""
    path = folder / "descent.py"
    path.write_bytes(source + ending.encode())
    ended = subprocess.run(
        [sys.executable, path.name], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "picture"),
    [(PARABOLA, "curve"), (LINE, "fit"), (LATEX, "curve"), (LINE, "contour"), (LINE, "surface"),
     (PARABOLA, "rates"), (PARABOLA, "history"), (LINE, "learning")],
)  # fmt: skip
def test_a_script_reproduces_what_is_on_screen(
    content: dict[str, Any], picture: str, tmp_path: Path
) -> None:
    source = written(content, "script", picture=picture)
    tell = "import json\nprint(json.dumps([run.theta.tolist() for run in runs.values()]))\n"
    last = run(source, tmp_path, tell).splitlines()[-1]
    assert json.loads(last) == [solution["theta"] for solution in on_screen(content)]
    assert list(tmp_path.glob("picture.*"))


@pytest.mark.parametrize(
    "text", ["x^2'''", '"""', "\\", "x\n+1", "'); import os; ('", "{x}", "%s", "\u2028"]
)
def test_what_was_typed_is_never_a_piece_of_the_program(text: str) -> None:
    from symgd.web.script import Story, notebook, script

    story = Story(text, data={"x": [1.0]}, runs=[{"rate": text}], labels=[text], over=text)
    tree = compile(script(story), "descent.py", "exec")
    assert text in [c for c in tree.co_consts if isinstance(c, str)]
    for cell in nbformat.reads(notebook(story), as_version=4).cells:
        if cell.cell_type == "code":
            compile(cell.source, "cell", "exec")
        else:
            assert text not in cell.source


def test_a_notebook_is_valid() -> None:
    book = nbformat.reads(written(LINE, "notebook").decode(), as_version=4)
    nbformat.validate(book)
    assert [cell.cell_type for cell in book.cells].count("code") >= 4


@pytest.mark.slow
def test_a_notebook_runs() -> None:
    book = nbformat.reads(written(PARABOLA, "notebook", picture="curve").decode(), as_version=4)
    source = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    ended = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "converged" in ended.stdout


def test_a_table_holds_every_step() -> None:
    rows = list(csv.DictReader(io.StringIO(written(PARABOLA, "csv").decode())))
    screen = on_screen(PARABOLA)
    for number, solution in enumerate(screen, 1):
        own = [row for row in rows if row["run"] == str(number)]
        assert [int(row["step"]) for row in own] == list(range(solution["steps"] + 1))
        assert float(own[-1]["x"]) == solution["theta"][0]
    first = [float(row["x"]) for row in rows if row["run"] == "1"]
    for here, there in itertools.pairwise(first):
        assert there == pytest.approx(here - 0.1 * (2 * (here - 3.5) - 4.5), rel=1e-12)


def test_residuals_are_observed_minus_predicted() -> None:
    text = written(LINE, "csv", picture="residuals").decode()
    rows = [[float(v) for v in row.values()] for row in csv.DictReader(io.StringIO(text))]
    _, observed, predicted, residual = np.array(rows).T
    assert np.allclose(observed, Y)
    assert np.allclose(observed - predicted, residual)
    slope, intercept = np.polyfit(X, Y, 1)
    assert np.allclose(predicted, slope * X + intercept, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "what", "picture", "magic"),
    [(PARABOLA, "png", "curve", b"\x89PNG"), (LINE, "png", "fit", b"\x89PNG"),
     (LINE, "svg", "contour", b"<?xml"), (LINE, "png", "surface", b"\x89PNG"),
     (PARABOLA, "png", "history", b"\x89PNG"), (PARABOLA, "svg", "rates", b"<?xml"),
     (LINE, "gif", "learning", b"GIF8"), (PARABOLA, "gif", "walk", b"GIF8"),
     (LATEX, "png", "curve", b"\x89PNG")],
)  # fmt: skip
def test_pictures_are_pictures(
    content: dict[str, Any], what: str, picture: str, magic: bytes
) -> None:
    assert written(content, what, picture=picture, theme="dark").startswith(magic)


@pytest.mark.parametrize(
    "more",
    [{"what": "exe"}, {"what": "png", "picture": "nude"}, {"what": "gif", "picture": "curve"},
     {"what": "png", "theme": "pink"}, {"what": "png", "picture": "fit"},
     {"what": "csv", "picture": "residuals"}, {}],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(SymgdError):
        export({**PARABOLA, **more})


def test_a_file_comes_as_an_attachment(served: Served) -> None:
    answer = served.post("export", {**PARABOLA, "what": "csv"})
    assert answer.headers["content-disposition"] == 'attachment; filename="path.csv"'
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.startswith("run,step,x,loss")
    refused = served.post("export", {**PARABOLA, "what": "exe"})
    assert refused.headers["content-type"] == "application/json"
    assert refused.json()["error"]["field"] == "what"
