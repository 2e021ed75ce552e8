"""``symgd minimize`` and ``symgd fit``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import click

from symgd.cli import completers as tab
from symgd.cli.command import FORMULA_FIRST, Command
from symgd.cli.options import (
    assignments,
    bounds_of,
    precision_of,
    rate_of,
    shapes_of,
    start_of,
)
from symgd.cli.runs import check_places, further, observers_of, opened
from symgd.cli.solved import finish
from symgd.cli.solver_options import block_options, path_option, solver_options
from symgd.cli.texts import given_text

STEPS = 10_000
PRECISION = 1e-6


@click.command(cls=Command, context_settings=FORMULA_FIRST)
@click.argument("formula", required=False)
@path_option("--data", "table", help="CSV or Parquet with the columns.")
@click.option("--wrt", help="Names to minimise over, separated by commas.")
@block_options
@solver_options
def minimize(formula: str | None, **given: Any) -> int:
    """The minimum of FORMULA over its parameters.

    \b
    symgd minimize "(x-3.5)^2-4.5x+10" --start x=0 --rate 0.1 --precision 0.001 --spark
    symgd minimize "(1-x)^2 + 100*(y-x^2)^2" --plot valley.png
    symgd minimize "mean((y-(m*x+b))^2)" --data points.csv --json | jq .params
    symgd minimize "x^2 + y^2" --subject-to "x + y = 1" --bounds y=0.7:
    symgd minimize "(x-3)^4" --start x=0 --rate 0.01 --save run.json
    symgd minimize --resume run.json --steps 50000 --save run.json
    """
    from symgd.errors import OptionError
    from symgd.minimize import minimize as run

    check_places(given)
    if given["resume"]:
        saved = opened(given)
        if formula is not None:
            raise OptionError("--resume goes on with the formula of the saved run: leave it out")
        again = {**further(given), "data": given["table"]}
        found = watched(given, lambda seen: saved.resume(observers=seen, **again))
        return finish(found, {**given, "formula": saved.formula}, saved.options["precision"])
    if formula is None:
        raise OptionError('a formula is needed, such as "(x-3)^2"\ntry: symgd minimize --help')
    text = given_text(formula)
    options = {**_common(given), **_by_blocks(given), "data": given["table"], "wrt": given["wrt"]}
    found = watched(given, lambda seen: run(text, observers=seen, **options))
    return finish(found, {**given, "formula": text})


@click.command(cls=Command, context_settings=FORMULA_FIRST)
@click.argument("model")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=tab.files)
@click.option(
    "--loss", default="mse", show_default=True, shell_complete=tab.Names(*tab.LOSSES),
    help="mse, sse, mae, huber, logistic, poisson, or a formula in y and prediction.",
)  # fmt: skip
@click.option(
    "--weights", metavar="COLUMN", shell_complete=tab.columns, help="Column of weights of the rows."
)
@click.option(
    "--sigma", metavar="COLUMN", shell_complete=tab.columns, help="Column of errors of the target."
)
@click.option("--absolute-sigma", is_flag=True, help="Sigma is known in the units of the target.")
@block_options
@solver_options
def fit(model: str, files: tuple[str, ...], loss: str, **given: Any) -> int:
    """Fit MODEL ("y ~ m*x + b") to the columns of FILE (CSV or Parquet; several are one table).

    \b
    symgd fit "y ~ m*x + b" data.csv
    symgd fit "y ~ m*x + b" data.csv --rate 0.01 --steps 10000 --batch 16 --spark
    symgd fit "y ~ a*exp(-k*t) + c" data.csv --bounds k=0: --sigma err --plot fit.png
    symgd fit "p ~ 1/(1 + exp(-(w*x + b)))" data.csv --loss logistic
    symgd fit "y ~ m*x + b" "parts/*.parquet" --json | jq '.params, .stderr'
    """
    from symgd.fit import fit as run

    check_places(given)
    data = files[0] if len(files) == 1 else list(files)
    own = {name: given[name] for name in ("weights", "sigma", "absolute_sigma")}
    own |= _by_blocks(given)
    last: Any = 0.0
    if given["resume"]:
        saved = opened(given)
        own |= {**further(given), "missing": given["missing"], "resume": saved}
        own["precision"] = precision_of(given["precision"])
        last = saved.options["precision"]
    else:
        own |= _common(given)
    text = given_text(model)
    found = watched(given, lambda seen: run(text, data, loss=loss, observers=seen, **own))
    return finish(found, given, last)


def watched(given: dict[str, Any], run: Callable[[list[Any]], Any]) -> Any:
    """Run with what watches it: checkpoints, and a line of progress if someone looks."""
    observers, line = observers_of(given), _line(given)
    window: Any = nullcontext()
    if given["live"]:
        from symgd.show.live import opened as opened_window

        window = given["window"] = opened_window()
    shown = [look for look in (line, window) if not isinstance(look, nullcontext)]
    with line, window:
        return run([*observers, *shown])


def _line(given: dict[str, Any]) -> Any:
    """The line of progress, on a terminal."""
    if not sys.stderr.isatty():
        return nullcontext()
    from symgd.cli.progress import Progress

    precision, steps = precision_of(given["precision"]), given["steps"]
    limit = STEPS if steps is None and given["epochs"] is None else steps
    return Progress(limit, PRECISION if isinstance(precision, str) else precision)


def _by_blocks(given: dict[str, Any]) -> dict[str, Any]:
    """The options of data that are taken block by block."""
    names = ("engine", "scheduler", "memory")
    return {name: given[name] for name in names if given[name] is not None}


def _common(given: dict[str, Any]) -> dict[str, Any]:
    """The options of the doors that ``minimize`` and ``fit`` share."""
    options = {
        name: given[name]
        for name in ("schedule", "stop", "steps", "epochs", "method", "batch", "replace", "seed",
                     "time_limit", "missing", "starts", "backend")
    }  # fmt: skip
    return {
        **options,
        "start": start_of(given["start"]),
        "rate": rate_of(given["rate"]),
        "precision": precision_of(given["precision"]),
        "shapes": shapes_of(given["shape"]),
        "constants": assignments(given["constant"], "constants") or None,
        "bounds": bounds_of(given["bound"]),
        "subject_to": list(given["subject_to"]) or None,
    }
