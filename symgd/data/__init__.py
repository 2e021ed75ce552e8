"""Columns in: a mapping, a DataFrame, a CSV or a Parquet file becomes a ``Table``.

A ``Table`` holds float64 columns of one length and nothing else; whatever could
be misread on the way (text, dates, True/False, a decimal comma, a missing cell,
a column of shape (N, 1)) is refused in words instead. This room knows no formulas.

>>> table = load({"x": [1, 2, 3], "y": [2.5, 3.5, 4.5]})
>>> table.n_rows, table.columns["x"]
(3, array([1., 2., 3.]))
>>> load({"x": [1, 2], "y": [1.0, float("nan")]}, missing="drop").dropped
1
"""

from symgd.data.columns import FloatArray
from symgd.data.export import to_csv
from symgd.data.header import column_names
from symgd.data.load import load
from symgd.data.table import Table, fingerprint

__all__ = ["FloatArray", "Table", "column_names", "fingerprint", "load", "to_csv"]
