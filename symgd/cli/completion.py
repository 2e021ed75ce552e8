"""``symgd completion``: what makes the TAB key of a shell know the command."""

from __future__ import annotations

import click

from symgd.cli.command import Command
from symgd.cli.terminal import write

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the completion script for SHELL; load it once, or in every new shell.

    \b
    eval "$(symgd completion bash)"                  # this shell; in ~/.bashrc: all
    symgd completion zsh > ~/.zfunc/_symgd           # with fpath+=~/.zfunc before compinit
    symgd completion fish > ~/.config/fish/completions/symgd.fish
    """
    write(script(shell).rstrip())
    return 0


def script(shell: str) -> str:
    """The script of one shell, as click makes it, for the command ``symgd``.

    >>> "complete -o nosort" in script("bash"), "#compdef symgd" in script("zsh")
    (True, True)
    """
    from click.shell_completion import get_completion_class

    from symgd.cli.main import symgd

    kind = get_completion_class(shell)
    assert kind is not None, shell
    made = kind(symgd, {}, "symgd", "_SYMGD_COMPLETE")
    return made.source_template % made.source_vars()
