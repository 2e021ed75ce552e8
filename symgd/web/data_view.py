"""What is in data that were pasted or uploaded: columns, rows, a preview, and what is no number.

>>> seen = data({"csv": "x,y,label\\n1,2,a\\n2,4,b\\n"})
>>> [column["name"] for column in seen["columns"]], seen["rows"], seen["refused"][0]["name"]
(['x', 'y'], 2, 'label')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symgd.errors import DataError
from symgd.web.data_file import data_of
from symgd.web.problem import MAX_CSV, Asked, FieldError, text_of

PREVIEW = 2000
MAX_COLUMNS = 50


def data(content: Mapping[str, Any]) -> dict[str, Any]:
    """Every column that can be used, with its range, and why the others cannot."""
    from symgd.data import column_names

    csv = text_of(content, "csv", "", MAX_CSV)
    missing = text_of(content, "missing", "refuse")
    with data_of(Asked("", csv=csv)) as path:
        if path is None:
            raise FieldError("csv", "there are no data: paste a table with names in its first line")
        names = column_names(path)
        if len(names) > MAX_COLUMNS:
            raise FieldError(
                "csv", f"{len(names)} columns; at most {MAX_COLUMNS} can be shown here"
            )
        return _columns(path, names, missing)


def _columns(path: str, names: list[str], missing: str) -> dict[str, Any]:
    from symgd.data import load
    from symgd.web.jsonable import evenly, plain

    used, refused, preview, rows = [], [], {}, 0
    notes: dict[str, None] = {}
    for name in names:
        try:
            table = load(path, [name], missing=missing)
        except DataError as problem:
            refused.append({"name": name, "reason": str(problem)})
            continue
        values = table.columns[name]
        rows = max(rows, table.n_rows)
        notes.update(dict.fromkeys(table.notes))
        used.append(
            plain({"name": name, "min": values.min(), "max": values.max(), "mean": values.mean()})
            if values.size else {"name": name, "min": None, "max": None, "mean": None}
        )  # fmt: skip
        preview[name] = plain(values[evenly(values.size, PREVIEW)]) if values.size else []
    if not used:
        raise FieldError("csv", refused[0]["reason"])
    return {
        "columns": used, "rows": rows, "preview": preview, "refused": refused,
        "notes": list(notes),
    }  # fmt: skip
