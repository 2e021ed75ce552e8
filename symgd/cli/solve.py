"""``symgd minimize`` and ``symgd fit``."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

import click

from symgd.cli.main import FORMULA_FIRST, print_json
from symgd.cli.options import (
    assignments,
    bounds_of,
    precision_of,
    rate_of,
    shapes_of,
    solver_options,
    start_of,
)


@click.command(context_settings=FORMULA_FIRST)
@click.argument("formula")
@click.option("--data", "table", metavar="FILE", help="CSV or Parquet with the columns.")
@click.option("--wrt", help="Names to minimise over, separated by commas.")
@solver_options
def minimize(formula: str, **given: Any) -> int:
    """The minimum of FORMULA over its parameters.

    \b
    symgd minimize "(x-3.5)^2-4.5x+10" --start x=0 --rate 0.1 --precision 0.001
    symgd minimize "mean((y-(m*x+b))^2)" --data points.csv
    """
    from symgd.minimize import minimize as run

    solution = run(formula, data=given["table"], wrt=given["wrt"], **_common(given))
    return _finish(
        solution, {**given, "formula": formula}, None if given["table"] else (formula, given)
    )


@click.command(context_settings=FORMULA_FIRST)
@click.argument("model")
@click.argument("file")
@click.option(
    "--loss",
    default="mse",
    show_default=True,
    help="mse, sse, mae, huber, logistic, poisson, or a formula in y and prediction.",
)
@click.option("--weights", metavar="COLUMN", help="Column of weights of the rows.")
@click.option("--sigma", metavar="COLUMN", help="Column of errors of the target.")
@solver_options
def fit(model: str, file: str, loss: str, **given: Any) -> int:
    """Fit MODEL ("y ~ m*x + b") to the columns of FILE (CSV or Parquet).

    \b
    symgd fit "y ~ m*x + b" data.csv
    symgd fit "y ~ m*x + b" data.csv --rate 0.01 --steps 10000 --batch 16
    """
    from symgd.fit import fit as run

    solution = run(
        model, file, loss=loss, weights=given["weights"], sigma=given["sigma"], **_common(given)
    )
    return _finish(solution, given, None)


def _common(given: dict[str, Any]) -> dict[str, Any]:
    options = {
        name: given[name]
        for name in ("schedule", "stop", "steps", "epochs", "method", "batch", "replace", "seed",
                     "time_limit", "missing", "starts")
    }  # fmt: skip
    return {
        **options,
        "start": start_of(given["start"]),
        "rate": rate_of(given["rate"]),
        "precision": precision_of(given["precision"]),
        "shapes": shapes_of(given["shape"]),
        "constants": assignments(given["constant"], "constant") or None,
        "bounds": bounds_of(given["bound"]),
        "subject_to": list(given["subject_to"]) or None,
        "observers": [ProgressLine()],
    }


class ProgressLine:
    """One line on standard error while a run takes more than a second; quiet when piped."""

    def __init__(self) -> None:
        self.began = self.last = perf_counter()

    def __call__(self, progress: Any) -> None:
        now = perf_counter()
        if now - self.last < 0.5 or now - self.began < 1.0 or not sys.stderr.isatty():
            return
        self.last = now
        click.echo(
            f"\rstep {progress.step:,}  loss {progress.loss:.6g}  "
            f"gradient {progress.gradient_norm:.3g}   ",
            nl=False,
            err=True,
        )


def _finish(solution: Any, given: dict[str, Any], formula: tuple[str, Any] | None) -> int:
    """Print the result; the exit status is 0 only if it is what was asked for."""
    if given["plot"]:
        from symgd.show import write

        write(solution, given["plot"], formula[0] if formula else given.get("formula"),
              data=given.get("table"))  # fmt: skip
    if given["as_json"]:
        content = solution.to_dict()
        if given["log"]:
            content["history"] = _history(solution)
        print_json(content)
    else:
        if given["log"]:
            _print_log(solution)
        click.echo(str(solution))
        if given["spark"]:
            from symgd.show import chart

            click.echo(chart(solution.history.loss))
        if formula is not None:
            _print_exact(*formula)
    return _status(solution, given)


def _status(solution: Any, given: dict[str, Any]) -> int:
    """0 if converged, or if all steps were asked for and made; 130 after Ctrl-C; else 1."""
    if solution.outcome.name == "INTERRUPTED":
        return 130
    asked_all = precision_of(given["precision"]) is None and solution.outcome.name == "MAX_STEPS"
    return 0 if solution.converged or asked_all else 1


def _print_exact(formula: str, given: dict[str, Any]) -> None:
    """The closed form beside the descent, when there is one."""
    from symgd.derive.partials import derive
    from symgd.diagnose import closed_form
    from symgd.formula.problem import read

    constants = assignments(given["constant"], "constant") or None
    partials = derive(
        read(formula, wrt=given["wrt"], shapes=shapes_of(given["shape"]), constants=constants)
    )
    exact = closed_form(partials)
    if exact:
        click.echo(f"Exactly, the derivative is zero at {exact}")


def _history(solution: Any) -> dict[str, Any]:
    history = solution.history
    return {
        "step": history.step.tolist(),
        "loss": [None if x != x or abs(x) == float("inf") else x for x in history.loss.tolist()],
        "theta": [
            [None if x != x or abs(x) == float("inf") else x for x in row]
            for row in history.theta.tolist()
        ],
    }


def _print_log(solution: Any) -> None:
    history = solution.history
    names = solution.layout.names
    click.echo("  ".join(["step".rjust(8), *(n.rjust(16) for n in names), "loss".rjust(16)]))
    for step, theta, loss in zip(history.step, history.theta, history.loss, strict=True):
        cells = [f"{step:8d}", *(f"{v:16.9g}" for v in theta), f"{loss:16.9g}"]
        click.echo("  ".join(cells))
