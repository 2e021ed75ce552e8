"""Runs that are put aside and gone on with, and their record: the files of a run.

What is written is checked before the run begins, so that no result is lost to a misspelt folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

GOES_ON = (
    "table", "files", "formula", "model", "wrt", "loss", "weights", "sigma", "absolute_sigma",
    "steps", "epochs", "time_limit", "precision", "missing", "log", "spark", "live", "plot",
    "history", "save", "resume", "as_json",
)  # fmt: skip
"""Options that may stand beside ``--resume``; the others are those of the saved run."""

_HISTORIES = (".csv", ".json")


def check_places(given: Mapping[str, Any]) -> None:
    """Refuse places that cannot be written, before anything is computed."""
    from pathlib import Path

    from symgd.errors import DataError, OptionError

    if given["plot"]:
        from symgd.show.files import checked_path

        checked_path(given["plot"])
    for option in ("history", "save"):
        place = given[option]
        if place is None:
            continue
        path = Path(place)
        if path.is_dir():
            raise DataError(f"--{option}: {path} is a folder, not a file")
        if not path.parent.is_dir():
            raise DataError(f"--{option}: the folder {path.parent} does not exist")
    if given["history"] and Path(given["history"]).suffix.lower() not in _HISTORIES:
        raise OptionError(f"--history writes .csv or .json, not {given['history']!r}")


def opened(given: Mapping[str, Any]) -> Any:
    """The saved run that ``--resume`` names; refuses options that it has of its own."""
    from symgd.errors import OptionError
    from symgd.resume import load

    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if source is ParameterSource.COMMANDLINE and name not in (*GOES_ON, "color"):
            raise OptionError(
                f"{parameter.opts[0]} cannot be changed: --resume goes on with what the saved run "
                "was asked to do; only when it ends and what is shown may be given"
            )
    return load(given["resume"])


def further(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a run that goes on may be given anew."""
    from symgd.cli.options import precision_of

    text = given["precision"]
    return {
        "steps": given["steps"],
        "epochs": given["epochs"],
        "time_limit": given["time_limit"],
        "precision": "same" if text == "auto" else precision_of(text),
    }


def observers_of(given: Mapping[str, Any]) -> list[Any]:
    """What watches a run that is saved: a checkpoint once a minute."""
    if given["save"] is None:
        return []
    from symgd.resume import Checkpoint

    return [Checkpoint(given["save"])]


def written(found: Any, given: Mapping[str, Any]) -> None:
    """Write the record and the state of a run where that was asked for."""
    if given["history"]:
        from symgd.resume import write_history

        write_history(given["history"], found)
    if given["save"]:
        from symgd.resume import save

        save(given["save"], found)
