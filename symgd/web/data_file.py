"""The data of a request, as the rest of the package takes them.

>>> with data_of(Asked("mean((y - m*x)^2)", csv="x,y\\n1,2\\n")) as data:
...     Path(data).read_text().splitlines()
['x,y', '1,2']
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from symgd.errors import SymgdError
from symgd.web.problem import Asked, FieldError


@contextmanager
def data_of(asked: Asked) -> Iterator[Any]:
    """The data, None without: a file that is gone afterwards, or arrays where there are matrices.

    An error of the work inside that names the file is raised again without the folder's name.
    """
    from symgd.web.matrix_columns import table

    with file_of(asked) as path:
        if path is None or not asked.matrices:
            yield path
        else:
            yield table(path, asked)


@contextmanager
def file_of(asked: Asked) -> Iterator[str | None]:
    """The data as a file that is gone afterwards, or None without data."""
    if asked.csv is None or not asked.csv.strip():
        yield None
        return
    with TemporaryDirectory(prefix="symgd-") as folder:
        path = Path(folder) / "data.csv"
        path.write_text(asked.csv, encoding="utf-8")
        try:
            yield str(path)
        except SymgdError as problem:
            raise _without(problem, folder) from None


def _without(problem: SymgdError, folder: str) -> SymgdError:
    """The same error without the name of the folder."""
    message = str(problem)
    if folder not in message:
        return problem
    return FieldError("csv", message.replace(f"{folder}/", "").replace(folder, "the data"))
