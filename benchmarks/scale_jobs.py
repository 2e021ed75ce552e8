"""One gradient over 10^8 rows of Parquet: rows per second and memory, each job in its own process.

    python -m benchmarks.scale_jobs [--rows 100000000] [--folder /tmp/scale_jobs] [--keep]

The data are x and y, two columns of float64, y = 2 + 3x + noise, in ten files. Jobs compute the
loss and gradient of mean((y - (m*x + b))^2) at m = 1, b = 0.5 (least squares) and of
mean(log(1 + exp(m*x + b)) - z*(m*x + b)) with z = 1 where y > 2 (logistic). Every job prints what
it found, so that the numbers can be compared. CPU seconds include imports and the start of
workers; they are what to compare on a machine that is busy with other things. Memory is the
largest resident set of the process (of Dask's workers too).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

FILES = 10
SQUARES = "mean((y - (m*x + b))^2)"
LOGISTIC = "mean(log(1 + exp(m*x + b)) - z*(m*x + b))"
AT = (1.0, 0.5)

Answer = tuple[float, float, float]


def generate(folder: Path, rows: int) -> None:
    """Ten Parquet files of x, y and z."""
    import pyarrow
    from pyarrow import parquet

    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    for k in range(FILES):
        path = folder / f"part-{k}.parquet"
        writer = None
        left = rows // FILES
        while left:
            n = min(left, 1 << 20)
            x = random.standard_normal(n) + 0.5
            y = 2.0 + 3.0 * x + random.standard_normal(n)
            table = pyarrow.table({"x": x, "y": y, "z": (y > 2.0).astype(np.float64)})
            if writer is None:
                writer = parquet.ParquetWriter(
                    path, table.schema, compression="none", use_dictionary=False
                )
            writer.write_table(table)
            left -= n
        assert writer is not None
        writer.close()


def symgd_streamed(folder: Path, text: str) -> Answer:
    """This package, one machine: the compiled loss and gradient, block by block."""
    from symgd.scale.engine import Local, evaluated
    from symgd.scale.source import source_of

    engine = Local(source_of(str(folder / "*.parquet"), "refuse"))
    found = evaluated(engine, spec_of(text), "loss", [np.array(AT)], "auto")[0]
    return float(found[0]), float(found[1]), float(found[2])


def spec_of(text: str) -> Any:
    """The loss as this package sends it to workers."""
    from symgd.scale.spec import Spec

    columns = ["x", "y"] if text == SQUARES else ["x", "z"]
    return Spec(text, ("m", "b"), tuple((c, ()) for c in columns), (("m", ()), ("b", ())))


def symgd_fit(folder: Path, text: str) -> Answer:
    """The whole fit with its statistics, for the time that a user waits."""
    import symgd

    pattern = str(folder / "*.parquet")
    if text == SQUARES:
        found = symgd.fit("y ~ m*x + b", pattern)
    else:
        found = symgd.fit("z ~ m*x + b", pattern, loss="logistic")
    return found.loss, float(found.params["m"]), float(found.params["b"])


def numpy_chunks(folder: Path, text: str) -> Answer:
    """NumPy by hand over the row groups."""
    from pyarrow import parquet

    m, b = AT
    total = np.zeros(3)
    rows = 0
    columns = ["x", "y"] if text == SQUARES else ["x", "z"]
    for path in sorted(folder.glob("*.parquet")):
        for batch in parquet.ParquetFile(path).iter_batches(1 << 16, columns=columns):
            x, y = batch.column(0).to_numpy(), batch.column(1).to_numpy()
            rows += len(x)
            eta = m * x + b
            if text == SQUARES:
                r = y - eta
                total += [r @ r, -2 * (r @ x), -2 * r.sum()]
            else:
                p = 1.0 / (1.0 + np.exp(-eta))
                total += [
                    (np.logaddexp(0.0, eta) - y * eta).sum(), ((p - y) * x).sum(), (p - y).sum()
                ]  # fmt: skip
    value, slope, offset = total / rows
    return float(value), float(slope), float(offset)


def polars_streaming(folder: Path, text: str) -> Answer:
    """Polars' streaming engine."""
    import polars

    m, b = AT
    x, y = polars.col("x"), polars.col("y" if text == SQUARES else "z")
    eta = m * x + b
    if text == SQUARES:
        r = y - eta
        sums = [(r * r).mean(), (-2 * r * x).mean(), (-2 * r).mean()]
    else:
        p = 1.0 / (1.0 + (-eta).exp())
        sums = [((1.0 + eta.exp()).log() - y * eta).mean(), ((p - y) * x).mean(), (p - y).mean()]
    lazy = polars.scan_parquet(str(folder / "*.parquet"))
    named = [s.alias(name) for s, name in zip(sums, "vmb", strict=True)]
    row = lazy.select(named).collect(engine="streaming").row(0)
    return float(row[0]), float(row[1]), float(row[2])


def symgd_dask(workers: int) -> Callable[[Path, str], Answer]:
    """This package on local workers of one thread each, which have compiled the loss before."""

    def job(folder: Path, text: str) -> Answer:
        from symgd.scale.cluster import opened
        from symgd.scale.engine import evaluated

        spec = spec_of(text)
        with _cluster(workers) as address:
            first, make = opened(str(folder / "part-0.parquet"), "refuse", address)
            assert make is not None
            evaluated(make(first, spec, ()), spec, "loss", [np.zeros(2)], "auto")
            source, _ = opened(str(folder / "*.parquet"), "refuse", address)
            engine = make(source, spec, ())
            engine.count(spec)
            began = perf_counter()
            found = evaluated(engine, spec, "loss", [np.array(AT)], "auto")[0]
            _REPORT["seconds"] = perf_counter() - began
        return float(found[0]), float(found[1]), float(found[2])

    return job


def dask_dataframe(workers: int) -> Callable[[Path, str], Answer]:
    """Dask's own DataFrame, the formula written by hand."""

    def job(folder: Path, text: str) -> Answer:
        import dask
        import dask.dataframe
        import distributed

        m, b = AT
        with _cluster(workers) as address, distributed.Client(address):
            frame = dask.dataframe.read_parquet(str(folder / "*.parquet"))
            x, y = frame["x"], frame["y" if text == SQUARES else "z"]
            eta = m * x + b
            if text == SQUARES:
                r = y - eta
                parts = [(r * r).mean(), (-2 * r * x).mean(), (-2 * r).mean()]
            else:
                p = 1.0 / (1.0 + np.exp(-eta))
                parts = [
                    (np.log1p(np.exp(eta)) - y * eta).mean(), ((p - y) * x).mean(), (p - y).mean()
                ]  # fmt: skip
            dask.compute(x.head(1, compute=False))
            began = perf_counter()
            found = dask.compute(*parts)
            _REPORT["seconds"] = perf_counter() - began
        return float(found[0]), float(found[1]), float(found[2])

    return job


class _cluster:
    """A local cluster of single-threaded workers; gives its address."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> str:
        import distributed

        self.made = distributed.LocalCluster(
            n_workers=self.workers, threads_per_worker=1, dashboard_address=None
        )
        return str(self.made.scheduler_address)

    def __exit__(self, *problem: object) -> None:
        self.made.close()


_REPORT: dict[str, float] = {}

JOBS: dict[str, Callable[[Path, str], Answer]] = {
    "symgd, one gradient": symgd_streamed,
    "symgd.fit, whole fit": symgd_fit,
    "NumPy chunks by hand": numpy_chunks,
    "polars streaming": polars_streaming,
    "symgd on Dask, 1 worker": symgd_dask(1),
    "symgd on Dask, 2 workers": symgd_dask(2),
    "dask.dataframe, 1 worker": dask_dataframe(1),
    "dask.dataframe, 2 workers": dask_dataframe(2),
}


def run_one(name: str, folder: str, text: str, answer: object) -> None:
    """One job; seconds, memory in MB and the numbers go into the pipe."""
    began = perf_counter()
    found = JOBS[name](Path(folder), text)
    seconds = _REPORT.get("seconds", perf_counter() - began)
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(one.ru_utime + one.ru_stime for one in (own, others))
    found_all = (seconds, cpu, own.ru_maxrss / 1024, others.ru_maxrss / 1024, found)
    answer.send(found_all)  # type: ignore[attr-defined]


def measured(name: str, folder: Path, text: str) -> dict[str, object]:
    """A job in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=run_one, args=(name, str(folder), text, send))
    process.start()
    send.close()
    try:
        seconds, cpu, own, others, found = receive.recv()
    except EOFError:
        return {"job": name, "failed": True}
    finally:
        process.join()
    return {"job": name, "seconds": seconds, "CPU seconds of all processes": cpu, "MB": own,
            "MB of the largest worker": others, "found": found}  # fmt: skip


def main() -> None:
    """Generate, measure, print a table, delete."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--folder", default="/tmp/scale_jobs")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--jobs", default="")
    given = parser.parse_args()
    folder = Path(given.folder)
    if not folder.exists():
        generate(folder, given.rows)
    try:
        for title, text in (("least squares", SQUARES), ("logistic", LOGISTIC)):
            print(f"{title}: {text}", flush=True)
            for name in JOBS:
                if given.jobs in name:
                    row = measured(name, folder, text)
                    speed = given.rows / float(row.get("seconds", "nan"))  # type: ignore[arg-type]
                    print(json.dumps({**row, "million rows/s": speed / 1e6}), flush=True)
    finally:
        if not given.keep:
            shutil.rmtree(folder)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
