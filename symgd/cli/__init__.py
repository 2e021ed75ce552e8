"""The command ``symgd``: formulas, fits and demonstrations from a terminal.

Exit status 0: done; 1: the answer is no, or was not reached; 2: bad input.
``--json`` prints one JSON object on standard output; messages go to standard error.
Everything heavy is imported inside the commands, so that ``--help`` is immediate.
"""

from symgd.cli.main import main

__all__ = ["main"]
