"""``symgd check``: is a claimed derivative right, and where does a derivation go wrong?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from symgd.cli.main import FORMULA_FIRST, print_json
from symgd.cli.options import assignments, names_of, shapes_of

MAX_BYTES = 1_000_000


@click.command(context_settings=FORMULA_FIRST)
@click.argument("claim", required=False)
@click.option("--of", "formula", metavar="FORMULA", help="The formula that was differentiated.")
@click.option("--wrt", help="The name it was differentiated by.")
@click.option("--lines", metavar="FILE", help="A derivation, a line each ('-' reads it here).")
@click.option("--columns", help="Names of data columns, separated by commas.")
@click.option("--shape", multiple=True, metavar="X:n,p", help="The shape of a name.")
@click.option("--constant", multiple=True, metavar="c=1", help="Names that are numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(claim: str | None, formula: str | None, **given: Any) -> int:
    """Judge CLAIM as the derivative of a formula, or a derivation line by line.

    The exit status is 0 for a right claim, 1 for a wrong or undecided one.

    \b
    symgd check "-2*mean(x*(y-(m*x+b)))" --of "mean((y-(m*x+b))^2)" --wrt m
    symgd check --lines derivation.txt
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

    verdict = judge(claim, formula, wrt=given["wrt"], **options)
    if given["as_json"]:
        print_json(verdict.to_dict())
    else:
        click.echo(str(verdict))
    return 0 if verdict.verdict == "equal" else 1


def _lines(path: str, wrt: str | None, options: dict[str, Any], as_json: bool) -> int:
    from symgd.check import check_derivation

    report = check_derivation(_text_of(path), wrt=wrt, **options)
    if as_json:
        print_json(report.to_dict())
    else:
        click.echo(str(report))
    return 0 if report.ok else 1


def _text_of(path: str) -> str:
    """The text of a file, or of standard input for ``-``."""
    from symgd.errors import DataError

    if path == "-":
        text = sys.stdin.read(MAX_BYTES + 1)
    else:
        file = Path(path)
        if not file.is_file():
            raise DataError(f"{path} is not a file")
        if file.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES:,} bytes")
        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise DataError(f"{path} is not UTF-8 text") from None
    if len(text) > MAX_BYTES:
        raise DataError(f"more than {MAX_BYTES:,} characters")
    return text
