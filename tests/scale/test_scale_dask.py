"""Fits on a Dask cluster of worker processes, also when one of them is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import symgd
from symgd.errors import DataError, OptionError
from symgd.fit.streamed_result import StreamedFit
from symgd.scale import remote
from symgd.scale.source import is_dask
from tests.scale.cluster_processes import Cluster
from tests.scale.data_sets import curves, write_parquet

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::ResourceWarning")
ROWS = 6000
LINE = "y ~ a*x + b*z + c"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(2, tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster


def agree(found: symgd.Fit, whole: symgd.Fit) -> None:
    assert isinstance(found, StreamedFit)
    assert found.outcome is symgd.Outcome.CONVERGED
    assert found.params == pytest.approx(whole.params, rel=1e-14)
    for one, other in (
        (found.loss, whole.loss), (found.r_squared, whole.r_squared),
        (found.covariance, whole.covariance), (found.n_rows, whole.n_rows),
    ):  # fmt: skip
        np.testing.assert_allclose(one, other, rtol=1e-12)


# -- what needs no cluster ----------------------------------------------------------------------


def test_collections_without_a_cluster_are_computed_here() -> None:
    import dask
    import dask.array
    import dask.dataframe
    import pandas

    columns = curves(ROWS)
    whole = symgd.fit(LINE, columns)
    frame = dask.dataframe.from_pandas(pandas.DataFrame(columns), npartitions=5)
    arrays = {n: dask.array.from_array(v, chunks=777) for n, v in columns.items()}
    cuts = [0, 100, 5999, ROWS]
    pieces = [
        dask.delayed({n: v[b:e] for n, v in columns.items()})
        for b, e in pairwise(cuts)
    ]
    with dask.config.set(scheduler="synchronous"):
        for data in (frame, arrays, pieces):
            assert is_dask(data)
            agree(symgd.fit(LINE, data), whole)


def test_joins_do_not_depend_on_how_rows_are_cut() -> None:
    from symgd.scale.spec import Spec

    columns = curves(4000)
    spec = Spec("mean(exp(a*x) - n*a*x)", ("a",), (("x", ()), ("n", ())), (("a", ()),))
    program = remote.totals(spec, "loss")
    state = program.enter(np.array([0.3]), 4000.0)
    answers = []
    for cuts in ([0, 4000], [0, 1, 2, 3999, 4000], list(range(0, 4001, 125))):
        given = ["loss", 0, state[None], "auto"]
        parts = [
            remote.partial({n: columns[n][b:e] for n in ("x", "n")}, spec.plain(), "refuse",
                           "sums", given)
            for b, e in pairwise(cuts)
        ]  # fmt: skip
        rows, dropped, found = remote.joined(spec.plain(), "sums", given, *parts)
        assert (rows, dropped) == (4000, 0)
        answers.append(program.outputs(program.join(0, state, found[0])))
    np.testing.assert_allclose(answers[1], answers[0], rtol=1e-15)
    np.testing.assert_allclose(answers[2], answers[0], rtol=1e-15)


def test_refusals_without_a_cluster() -> None:
    import dask.array

    with pytest.raises(OptionError, match="no Dask scheduler is known"):
        symgd.fit(LINE, "*.parquet", engine="dask")
    with pytest.raises(OptionError, match="an address such as"):
        symgd.fit(LINE, "*.parquet", scheduler=8786)
    with pytest.raises(DataError, match="is not a table"):
        symgd.fit(LINE, dask.array.zeros(3))
    with pytest.raises(DataError, match="differ in their number of rows"):
        symgd.fit("y ~ a*x", {"x": dask.array.zeros(3), "y": dask.array.zeros(4)})


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(OptionError, match=r'pip install "symgd\[dask\]"'):
        symgd.fit(LINE, "*.parquet", engine="dask")


def test_bags_of_records_and_tables() -> None:
    records = [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}]
    assert remote.arrays_of(records, ["y"])["y"].tolist() == [2.0, 4.0]
    tables = [{"x": np.arange(2.0)}, {"x": np.arange(3.0)}]
    assert remote.arrays_of(tables, ["x"])["x"].tolist() == [0, 1, 0, 1, 2]
    with pytest.raises(DataError, match="let each be one table"):
        remote.arrays_of([object(), object()], ["x"])


# -- on worker processes ------------------------------------------------------------------------


@pytest.mark.slow
def test_a_cluster_gives_the_digits_of_one_machine(two: Cluster, tmp_path: Path) -> None:
    import dask.dataframe
    import pandas
    from distributed import Client

    columns = curves(ROWS)
    pattern = write_parquet(tmp_path, columns, [1, 700, 4800])
    options = [("mse", LINE, {}), ("logistic", "label ~ a*x + b*z + c", {}),
               ("mse", LINE, {"weights": "w"})]  # fmt: skip
    for loss, model, given in options:
        whole = symgd.fit(model, columns, loss=loss, **given)  # type: ignore[arg-type]
        agree(symgd.fit(model, pattern, loss=loss, scheduler=two.address, **given), whole)  # type: ignore[arg-type]
    with Client(two.address, set_as_default=False) as client:
        frame = dask.dataframe.from_pandas(pandas.DataFrame(columns), npartitions=7)
        found = symgd.fit(LINE, frame, engine="dask", scheduler=client)
        agree(found, symgd.fit(LINE, columns))
        with pytest.raises(OptionError, match="the rows stay on the cluster"):
            found.predict()
    assert "2 workers of a Dask cluster" in found.method


@pytest.mark.slow
def test_a_bad_value_on_a_worker_is_said_here(two: Cluster, tmp_path: Path) -> None:
    columns = curves(ROWS)
    columns["y"][4321] = np.nan
    pattern = write_parquet(tmp_path, columns, [1000])
    with pytest.raises(DataError, match=r"part-01\.parquet.*misses a value in row 3322"):
        symgd.fit(LINE, pattern, scheduler=two.address)
    found = symgd.fit(LINE, pattern, scheduler=two.address, missing="drop")
    assert (found.n_rows, found.dropped) == (ROWS - 1, 1)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_time_and_not_the_run(tmp_path: Path) -> None:
    columns = curves(150_000)
    pattern = write_parquet(tmp_path, columns, list(range(10_000, 150_000, 10_000)), group=10_000)
    model = "label ~ a*x + b*z + c"
    start = {"a": 0.0, "b": 0.0, "c": 0.0}
    with Cluster(2, tmp_path) as cluster:
        passes = []

        class Killer:
            def __call__(self, progress: object) -> None:
                pass

            def reading(self, reading: object) -> None:
                passes.append(reading)
                if len(passes) == 2:
                    threading.Timer(0.02, cluster.kill, [0]).start()

        began = time.monotonic()
        found = symgd.fit(
            model, pattern, loss="logistic", scheduler=cluster.address, start=start,
            observers=[Killer()],
        )  # fmt: skip
        assert cluster.workers[0].poll() == -9
        assert len(passes) > 4
        assert time.monotonic() - began < 300
        assert "1 worker of a Dask cluster" in found.method
        whole = symgd.fit(model, columns, loss="logistic", start=start)
        agree(found, whole)
