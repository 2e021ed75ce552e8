"""The example notebook runs from top to bottom in a plain Jupyter kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "notebook.ipynb"


def test_the_notebook_is_kept_without_outputs() -> None:
    lesson = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(lesson)
    for cell in lesson.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def kinds(cell: Any) -> set[str]:
    """The formats in which a cell's outputs can be shown."""
    return {kind for output in cell.outputs for kind in output.get("data", {})}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the Jupyter packages
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    lesson = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        lesson, timeout=300, kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )  # fmt: skip
    client.execute()
    cells = [cell for cell in lesson.cells if cell.cell_type == "code"]
    for cell in cells:
        assert cell.outputs, cell.source
        assert not any(output.output_type == "stream" for output in cell.outputs), cell.outputs
    assert "text/html" in kinds(cells[0])
    by_source = {cell.source.splitlines()[-1]: cell for cell in cells}
    live = next(cell for cell in cells if "live=True" in cell.source)
    shown = [str(output.get("data", {}).get("text/html", "")) for output in live.outputs]
    assert any("data:image/png;base64" in page for page in shown)
    assert any("converged" in page for page in shown)
    assert "image/png" in kinds(by_source["f.plot()"])
    found = by_source['search.best_params_["formula"], search.best_estimator_.coef_']
    assert "a*exp(-k*x) + c" in str(found.outputs[0]["data"]["text/plain"])
