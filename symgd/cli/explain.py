"""``symgd explain``: what will happen, before the first step is made."""

from __future__ import annotations

from typing import Any

import click

from symgd.cli.command import FORMULA_FIRST, Command
from symgd.cli.main import print_json
from symgd.cli.options import assignments, number, rate_of, shapes_of, start_of
from symgd.cli.solver_options import declared, missing_option, path_option
from symgd.cli.terminal import say
from symgd.cli.texts import given_text


@click.command(cls=Command, context_settings=FORMULA_FIRST)
@click.argument("formula")
@path_option("--data", "table", help="CSV or Parquet with the columns.")
@click.option("--wrt", help="Names to minimise over, separated by commas.")
@click.option("--start", multiple=True, metavar="x=0,y=1", help="Start; or 'random'.")
@click.option("--rate", metavar="R", help="Learning rate, or a schedule in t.")
@click.option("--schedule", metavar="F", help='The rate as a formula in t: "5/(t+1000)".')
@click.option("--precision", default="1e-6", show_default=True, help="When the count ends.")
@click.option("--batch", type=int, help="Rows per update: what noise do they leave?")
@click.option("--seed", type=int, help="Seed of a random start.")
@click.option("--time-limit", "seconds", type=float, default=3.0, metavar="SECONDS",
              help="For the closed form and the minimum.")  # fmt: skip
@declared
@missing_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(formula: str, **given: Any) -> int:
    """What is known of FORMULA: stable rates, steps, convexity, closed form.

    \b
    symgd explain "(x-3.5)^2-4.5x+10" --start x=9 --rate 50
    symgd explain "mean((y-(m*x+b))^2)" --data points.csv --rate 0.01 --batch 16
    """
    from symgd.explain import explain as run

    same = {
        name: given[name] for name in ("wrt", "schedule", "batch", "seed", "seconds", "missing")
    }
    found = run(
        given_text(formula), given["table"], start=start_of(given["start"]),
        rate=rate_of(given["rate"]),
        precision=number(given["precision"], "precision"), shapes=shapes_of(given["shape"]),
        constants=assignments(given["constant"], "constant") or None, **same,
    )  # fmt: skip
    if given["as_json"]:
        print_json(found.to_dict())
    else:
        say(str(found), "diagnosis", found)
    return 0
