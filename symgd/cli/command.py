"""The commands as click sees them: formulas first, ``--color`` everywhere, near misses named."""

from __future__ import annotations

import re
from typing import Any

import click

from symgd.cli.terminal import CHOICES, chosen

FORMULA_FIRST = {"ignore_unknown_options": True, "max_content_width": 100}
"""Settings of a command whose argument may start with a minus sign, such as ``-x^2``."""

_OPTION = re.compile(r"--[a-z][a-z-]+$")


def _choose(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        chosen.set(value)


def colour_option() -> click.Option:
    """``--color``: no command sees its value, it is known to the terminal."""
    return click.Option(
        ["--color"], type=click.Choice(CHOICES), expose_value=False, is_eager=True,
        callback=_choose, help="Colours and tables: 'auto' shows them on a terminal.",
    )  # fmt: skip


class Command(click.Command):
    """A command with ``--color``, that names the option that was probably meant."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params.append(colour_option())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return super().parse_args(ctx, self._complete(args))
        for given in self._before_dashes(args):
            self._refuse_near_miss(given.partition("=")[0], ctx)
        return super().parse_args(ctx, args)

    def _complete(self, args: list[str]) -> list[str]:
        """What was typed without an option at the end whose value is still to come."""
        waiting = [
            name for p in self.params if isinstance(p, click.Option) and not p.is_flag
            for name in p.opts
        ]  # fmt: skip
        return args[:-1] if args and args[-1] in waiting else args

    @staticmethod
    def _before_dashes(args: list[str]) -> list[str]:
        return args[: args.index("--")] if "--" in args else args

    def _refuse_near_miss(self, given: str, ctx: click.Context) -> None:
        """``--stesp`` is an option misspelled, ``--x^2`` a formula."""
        known = [*self.get_help_option_names(ctx)]
        for parameter in self.params:
            known += [*parameter.opts, *parameter.secondary_opts]
        if not _OPTION.fullmatch(given) or given in known:
            return
        from difflib import get_close_matches

        longer = [name for name in known if name.startswith(given)]
        near = longer or get_close_matches(given, known, 3, cutoff=0.7)
        if near:
            raise click.NoSuchOption(given, possibilities=sorted(near), ctx=ctx)
