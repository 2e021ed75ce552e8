"""``symgd plot``: a picture of a loss, with a run on it."""

from __future__ import annotations

from typing import Any

import click

from symgd.cli.main import FORMULA_FIRST
from symgd.cli.options import assignments, precision_of, rate_of, shapes_of, start_of

KINDS = ("curve", "contour", "surface", "slices", "history", "rates", "walk", "graph")


@click.command(context_settings=FORMULA_FIRST)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("formula")
@click.option("-o", "--output", metavar="FILE", help="png, svg, pdf, gif, mp4 or html.")
@click.option("--over", metavar="w,b", help="Which parameters the axes are.")
@click.option("--data", "table", metavar="FILE", help="CSV or Parquet with the columns.")
@click.option("--start", multiple=True, metavar="x=0,y=1", help="Start of the run.")
@click.option("--rate", metavar="R", help="Learning rate, or a schedule in t.")
@click.option("--method", metavar="NAME")
@click.option("--steps", type=int)
@click.option("--precision", default="1e-6", show_default=True)
@click.option("--shape", "shape", multiple=True, metavar="X:n,p")
@click.option("--constant", multiple=True, metavar="c=1", help="Names that are numbers.")
@click.option("--theme", default="light", show_default=True, help="light or dark.")
def plot(kind: str, formula: str, **given: Any) -> int:
    """Draw FORMULA as a curve, contour, surface ... with the descent on it.

    \b
    symgd plot curve "(x-3.5)^2-4.5x+10" --start x=0 --rate 0.2 -o parabola.png
    symgd plot surface "mean((y-(w*x+b))^2)" --over w,b --data points.csv -o loss.png
    """
    from symgd import show

    path = given["output"] or f"{kind}.{'gif' if kind == 'walk' else 'png'}"
    shared: dict[str, Any] = {"data": given["table"], "theme": given["theme"]}
    if kind == "graph":
        from symgd.gradient import gradient

        shapes, constants = _declared(given)
        g = gradient(formula, shapes=shapes, constants=constants)
        picture: Any = show.graph(g, start_of(given["start"]), **shared)
    elif kind == "rates":
        values = None if given["rate"] is None else [float(r) for r in given["rate"].split(",")]
        picture = show.rates(formula, values, start=start_of(given["start"]), **shared)
    else:
        picture = _of_run(kind, formula, given, shared)
    show.save(picture, path)
    click.echo(f"written: {path}")
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
