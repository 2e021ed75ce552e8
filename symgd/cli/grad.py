"""``symgd grad``: the gradient, its steps, its proof."""

from __future__ import annotations

from typing import Any

import click

from symgd.cli.main import FORMULA_FIRST, print_json
from symgd.cli.options import assignments, names_of, shapes_of


@click.command(context_settings=FORMULA_FIRST)
@click.argument("formula")
@click.option("--wrt", help="Names to differentiate by, separated by commas.")
@click.option("--columns", help="Names of data columns, separated by commas.")
@click.option("--shape", multiple=True, metavar="X:n,p", help="The shape of a name.")
@click.option("--constant", multiple=True, metavar="c=1", help="Names that are numbers.")
@click.option("--steps", is_flag=True, help="Show every step.")
@click.option(
    "--level",
    default="normal",
    show_default=True,
    help="How much the steps tell: brief, normal, every.",
)
@click.option("--backprop", is_flag=True, help="The table of intermediate values and adjoints.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@click.option(
    "--code", metavar="TARGET", help="numpy, jax, torch, c, julia: a function, and its test."
)
@click.option(
    "--format",
    "format_",
    default="auto",
    show_default=True,
    help="How FORMULA is written: text, latex.",
)
@click.option("--hessian", is_flag=True, help="Second derivatives too.")
@click.option("--certificate", is_flag=True, help="How it was proved, and where it holds.")
@click.option("--plot", metavar="FILE", help="Write a picture of the backpropagation graph.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def grad(formula: str, **options: Any) -> int:
    """The partial derivatives of FORMULA.

    \b
    symgd grad "mean((y - (m*x + b))^2)" --wrt m --steps
    symgd grad "mean((X @ theta - y)^2)" --shape X:n,p
    """
    from symgd.gradient import gradient

    constants = assignments(options["constant"], "constant") or None
    g = gradient(
        formula, options["wrt"], columns=names_of(options["columns"]),
        shapes=shapes_of(options["shape"]), constants=constants, format=options["format_"],
    )  # fmt: skip
    if options["plot"]:
        from symgd.show import write

        write(g, options["plot"])
    if options["as_json"]:
        print_json(_content(g, options))
        return 0
    if options["code"]:
        click.echo(g.code(options["code"]), nl=False)
        return 0
    click.echo(f"L = {g.loss.latex() if options['latex'] else g.loss.text()}")
    click.echo(f"    {g.reading}\n")
    if not g.parameters:
        click.echo("There is nothing to differentiate by: the formula has no parameters.")
        return 1
    click.echo(g.latex() if options["latex"] else g.text())
    if options["steps"]:
        for name in g.parameters:
            steps = g.steps(name, options["level"])
            click.echo("\n" + (steps.latex() if options["latex"] else str(steps)))
    if options["backprop"]:
        click.echo(f"\n{g.backprop()}")
    if options["hessian"]:
        click.echo("\n" + (g.hessian().latex() if options["latex"] else g.hessian().text()))
    if options["certificate"]:
        click.echo(f"\n{g.certificate}")
    return 0


def _content(g: Any, options: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "loss": g.loss.text(),
        "reading": g.reading,
        "parameters": list(g.parameters),
        "data": list(g.problem.data),
        "gradient": {name: g[name].text() for name in g.parameters},
    }
    if options["latex"]:
        content["latex"] = {name: g[name].latex() for name in g.parameters}
    if options["steps"]:
        content["steps"] = {
            name: [
                {"rule": s.rule, "sentence": s.sentence, "equation": s.equation}
                for s in g.steps(name, options["level"]).steps
            ]
            for name in g.parameters
        }
    if options["hessian"]:
        second = g.hessian()
        content["hessian"] = {
            a: {b: second[a, b].text() for b in g.parameters} for a in g.parameters
        }
    if options["code"]:
        content["code"] = g.code(options["code"])
    if options["certificate"]:
        content["certificate"] = str(g.certificate).split("\n")
    return content
