"""``symgd check``: is a claimed derivative right, and where does a derivation go wrong?"""

from __future__ import annotations

from typing import Any

import click

from symgd.cli.command import FORMULA_FIRST, Command
from symgd.cli.main import print_json
from symgd.cli.options import assignments, names_of, shapes_of
from symgd.cli.solver_options import declared, path_option
from symgd.cli.terminal import say
from symgd.cli.texts import given_text, text_of


@click.command(cls=Command, context_settings=FORMULA_FIRST)
@click.argument("claim", required=False)
@click.option("--of", "formula", metavar="FORMULA", help="The formula that was differentiated.")
@click.option("--wrt", help="The name it was differentiated by.")
@path_option("--lines", help="A derivation, a line each ('-' reads it here).")
@click.option("--columns", help="Names of data columns, separated by commas.")
@declared
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(claim: str | None, formula: str | None, **given: Any) -> int:
    """Judge CLAIM as the derivative of a formula, or a derivation line by line.

    The exit status is 0 for a right claim, 1 for a wrong or undecided one.

    \b
    symgd check "-2*mean(x*(y-(m*x+b)))" --of "mean((y-(m*x+b))^2)" --wrt m
    symgd check "2 X.T @ (X @ w - y)" --of "norm(X @ w - y)^2" --wrt w --shape X:n,p
    symgd check --lines derivation.txt --wrt m
    """
    from symgd.errors import OptionError

    options: dict[str, Any] = {
        "columns": names_of(given["columns"]),
        "shapes": shapes_of(given["shape"]),
        "constants": assignments(given["constant"], "constant") or None,
    }
    if given["lines"] is not None:
        if claim is not None or formula is not None:
            raise OptionError("give a claim with --of, or --lines FILE, not both")
        return _lines(given["lines"], given["wrt"], options, given["as_json"])
    if claim is None or formula is None:
        raise OptionError('a claim and --of "formula" are needed, or --lines FILE')
    from symgd.check import check as judge

    verdict = judge(given_text(claim), given_text(formula), wrt=given["wrt"], **options)
    if given["as_json"]:
        print_json(verdict.to_dict())
    else:
        say(str(verdict), "verdict", verdict)
    return 0 if verdict.verdict == "equal" else 1


def _lines(path: str, wrt: str | None, options: dict[str, Any], as_json: bool) -> int:
    from symgd.check import check_derivation

    report = check_derivation(text_of(path), wrt=wrt, **options)
    if as_json:
        print_json(report.to_dict())
    else:
        say(str(report), "judged", report)
    return 0 if report.ok else 1
