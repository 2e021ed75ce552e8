"""The peak memory of the shared hostile inputs: ``python memory_of_rows.py TABLE CHANNEL``.

All rows of a channel are read one after the other in this process. The peak only grows, so
if it is below the limit at the end, it was for every row. Prints megabytes and rows.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import symgd
from symgd.data import load
from symgd.errors import SymgdError
from symgd.formula.latex_read import read_latex


def content(row: dict[str, Any]) -> str:
    """The input of a row: as it stands, or a unit many times."""
    if "input" in row:
        return str(row["input"])
    g = row["gen"]
    g = g.get("gzip_of", g)
    return str(g["prefix"] + g["unit"] * g["count"] + g["suffix"] + g["close"] * g["count"])


def act(row: dict[str, Any], folder: Path) -> None:
    """What a user's door does with the input."""
    channel, text = row["channel"], content(row)
    if channel == "formula-text":
        str(symgd.gradient(text))
    elif channel == "formula-latex":
        read_latex(text)
    elif channel == "parameter-name":
        symgd.gradient("x^2", shapes={text: "n"})
    elif channel == "path":
        load(text)
    elif channel == "csv":
        place = folder / "table.csv"
        packed = "gen" in row and "gzip_of" in row["gen"]
        place.write_bytes(gzip.compress(text.encode(), 1) if packed else text.encode())
        del text
        load(place)


def peak_megabytes() -> float:
    """The peak of this process alone: what getrusage says may be the parent's."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    rows = [r for r in json.loads(Path(sys.argv[1]).read_text()) if r["channel"] == sys.argv[2]]
    with tempfile.TemporaryDirectory() as name:
        for row in rows:
            with contextlib.suppress(SymgdError):
                act(row, Path(name))
    print(peak_megabytes(), len(rows))
