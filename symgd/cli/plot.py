"""``symgd plot``: a picture of a loss, with a run on it."""

from __future__ import annotations

from typing import Any

import click

from symgd.cli import completers as tab
from symgd.cli.command import FORMULA_FIRST, Command
from symgd.cli.options import assignments, number, precision_of, rate_of, shapes_of, start_of
from symgd.cli.solver_options import declared, path_option
from symgd.cli.terminal import write
from symgd.cli.texts import given_text

KINDS = ("curve", "contour", "surface", "slices", "history", "rates", "walk", "graph")


@click.command(cls=Command, context_settings=FORMULA_FIRST)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("formula")
@path_option("-o", "--output", help="png, svg, pdf, gif, mp4 or html.")
@click.option("--over", metavar="w,b", help="Which parameters the axes are.")
@path_option("--data", "table", help="CSV or Parquet with the columns.")
@click.option("--start", multiple=True, metavar="x=0,y=1", help="Start of the run.")
@click.option("--rate", metavar="R", help="Learning rate, or a schedule in t.")
@click.option(
    "--method", metavar="NAME", shell_complete=tab.Names(*tab.METHODS), help="Of the run."
)
@click.option("--steps", type=int, help="At most so many updates.")
@click.option("--precision", default="1e-6", show_default=True, help="Of the run.")
@declared
@click.option(
    "--theme", default="light", show_default=True, metavar="light|dark",
    help="Colours of the page.", shell_complete=tab.Names(*tab.THEMES),
)  # fmt: skip
def plot(kind: str, formula: str, **given: Any) -> int:
    """Draw FORMULA as a curve, contour, surface ... with the descent on it.

    \b
    symgd plot curve "(x-3.5)^2-4.5x+10" --start x=0 --rate 0.2 -o parabola.png
    symgd plot surface "mean((y-(w*x+b))^2)" --over w,b --data points.csv -o loss.png
    """
    from symgd import show

    formula = given_text(formula)
    path = given["output"] or f"{kind}.{'gif' if kind == 'walk' else 'png'}"
    shared: dict[str, Any] = {"data": given["table"], "theme": given["theme"]}
    if kind == "graph":
        from symgd.gradient import gradient

        shapes, constants = _declared(given)
        g = gradient(formula, shapes=shapes, constants=constants)
        picture: Any = show.graph(g, start_of(given["start"]), **shared)
    elif kind == "rates":
        listed = given["rate"]
        values = None if listed is None else [number(r, "rate") for r in listed.split(",")]
        picture = show.rates(formula, values, start=start_of(given["start"]), **shared)
    else:
        picture = _of_run(kind, formula, given, shared)
    show.save(picture, path)
    write(f"written: {path}")
    return 0


def _declared(given: dict[str, Any]) -> tuple[dict[str, str] | None, dict[str, Any] | None]:
    constants = assignments(given["constant"], "constant") or None
    return shapes_of(given["shape"]), constants


def _of_run(kind: str, formula: str, given: dict[str, Any], shared: dict[str, Any]) -> Any:
    """The picture of a run of ``minimize`` on the formula."""
    from symgd import show
    from symgd.minimize import minimize

    shapes, constants = _declared(given)
    found = minimize(
        formula,
        start_of(given["start"]),
        data=given["table"],
        rate=rate_of(given["rate"]),
        method=given["method"],
        steps=given["steps"],
        precision=precision_of(given["precision"]),
        shapes=shapes,
        constants=constants,
    )
    if kind == "history":
        return show.history(found, theme=given["theme"])
    over = {} if given["over"] is None else {"over": given["over"]}
    return getattr(show, kind)(formula, found, **over, **shared)
