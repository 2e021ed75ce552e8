"""``symgd grad``: the gradient, its steps, its proof."""

from __future__ import annotations

from typing import Any

import click

from symgd.cli import completers as tab
from symgd.cli.command import FORMULA_FIRST, Command
from symgd.cli.main import print_json
from symgd.cli.options import assignments, names_of, shapes_of
from symgd.cli.solver_options import declared, path_option
from symgd.cli.terminal import output, say, write
from symgd.cli.texts import given_text


@click.command(cls=Command, context_settings=FORMULA_FIRST)
@click.argument("formula")
@click.option("--wrt", help="Names to differentiate by, separated by commas.")
@click.option("--columns", help="Names of data columns, separated by commas.")
@declared
@click.option("--steps", is_flag=True, help="Show every step.")
@click.option(
    "--level",
    default="normal",
    show_default=True,
    metavar="LEVEL",
    help="How much the steps tell: brief, normal, every.",
    shell_complete=tab.Names(*tab.LEVELS),
)
@click.option("--backprop", is_flag=True, help="The table of intermediate values and adjoints.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@click.option(
    "--code",
    metavar="TARGET",
    help="numpy, jax, torch, c, julia: a function, and its test.",
    shell_complete=tab.Names(*tab.TARGETS),
)
@click.option(
    "--format",
    "format_",
    default="auto",
    show_default=True,
    metavar="FORMAT",
    help="How FORMULA is written: text, latex.",
    shell_complete=tab.Names(*tab.FORMATS),
)
@click.option("--hessian", is_flag=True, help="Second derivatives too.")
@click.option("--certificate", is_flag=True, help="How it was proved, and where it holds.")
@path_option("--plot", help="Write a picture of the backpropagation graph.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def grad(formula: str, **options: Any) -> int:
    """The partial derivatives of FORMULA (@FILE reads it from a file, - from standard input).

    \b
    symgd grad "mean((y - (m*x + b))^2)" --wrt m --steps
    symgd grad "mean((X @ theta - y)^2)" --shape X:n,p --hessian
    symgd grad "\\frac{1}{2}\\|Xw - y\\|^2" --wrt w --latex
    symgd grad "mean(log(1 + exp(-y*(w*x))))" --code numpy > loss.py
    symgd grad @formula.txt --json | jq -r '.gradient.m'
    """
    from symgd.errors import OptionError
    from symgd.gradient import gradient

    constants = assignments(options["constant"], "constant") or None
    g = gradient(
        given_text(formula), options["wrt"], columns=names_of(options["columns"]),
        shapes=shapes_of(options["shape"]), constants=constants, format=options["format_"],
    )  # fmt: skip
    if not g.parameters:
        raise OptionError(_nothing(g))
    if options["plot"]:
        from symgd.show import write

        write(g, options["plot"])
    if options["as_json"]:
        print_json(_content(g, options))
    elif options["code"]:
        click.echo(g.code(options["code"]), nl=False)
    elif options["latex"]:
        _tell_latex(g, options)
    else:
        _tell(g, options)
    return 0


def _nothing(g: Any) -> str:
    """Why there is no derivative, and what helps."""
    data = g.problem.data
    reason = f"there is nothing to differentiate by: {g.loss.text()} has no parameters"
    if not data:
        return f"{reason}\nhint: a formula needs a name, such as x^2"
    return f"{reason}; {g.reading.split('   ')[0]}\nhint: say by what, such as --wrt {data[0]}"


def _tell(g: Any, options: dict[str, Any]) -> None:
    """The gradient and what was asked for beside it, as text."""
    listed = f"L = {g.loss.text()}\n    {g.reading}\n\n{g.text()}"
    say(listed, "derivatives", g)
    if options["steps"]:
        for name in g.parameters:
            steps = g.steps(name, options["level"])
            told = steps.text(ascii=not output().unicode)
            write("")
            say(told, "derivation", steps)
    if options["backprop"]:
        write(f"\n{g.backprop()}")
    if options["hessian"]:
        write("")
        say(g.hessian().text(), "lines", g.hessian().text())
    if options["certificate"]:
        write("")
        say(str(g.certificate), "lines", str(g.certificate))


def _tell_latex(g: Any, options: dict[str, Any]) -> None:
    """The same in LaTeX."""
    write(f"L = {g.loss.latex()}\n    {g.reading}\n\n{g.latex()}")
    if options["steps"]:
        for name in g.parameters:
            write("\n" + g.steps(name, options["level"]).latex())
    if options["backprop"]:
        write(f"\n{g.backprop().latex()}")
    if options["hessian"]:
        write("\n" + g.hessian().latex())
    if options["certificate"]:
        write(f"\n{g.certificate}")


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
