"""Speed beside the peers: ``python benchmarks/run.py`` writes benchmarks/RESULTS.md.

Each job runs in a process of its own; the tools take turns in it, and a table gives the median
of the ratios to symgd in the same turn. Results are checked to be equal before they are timed.
Tools that are not installed are left out. ``--rows 100,10000`` sets the numbers of rows,
``--jobs line,fit`` picks jobs by their names, ``--rounds`` says how many turns there are.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ROWS = "100,10000,1000000,10000000"


def jobs(rows: list[int]) -> dict[str, tuple[str, Any, float]]:
    """Name -> (title, function that gives the tools, tolerance of the check)."""
    import cold_jobs
    import descent_jobs
    import formula_jobs
    import rows_jobs

    found: dict[str, tuple[str, Any, float]] = {}
    for n in rows:
        found[f"line-{n}"] = (
            f"value and gradient, MSE of a line, {n:,} rows",
            lambda n=n: rows_jobs.line(n),
            1e-9,
        )
        found[f"logistic-{n}"] = (
            f"value and gradient, MSE of a logistic curve, {n:,} rows",
            lambda n=n: rows_jobs.logistic(n), 1e-9)  # fmt: skip
    return found | {
        "textbook": ("10,000 epochs of gradient descent, 100 rows, all but imports",
                     descent_jobs.textbook, 1e-9),
        "huge": ("10,000 epochs of gradient descent, 1,000,000 rows", descent_jobs.huge, 1e9),
        "batches": ("1,000 epochs in batches of 16 of 100 rows", descent_jobs.batches, 1e-9),
        "single": ("100 epochs over 500 single rows", descent_jobs.single_rows, 1e-9),
        "single-sklearn": ("100 epochs over 500 single rows, own shuffles",
                           descent_jobs.single_rows_sklearn, 0.2),
        "parabola": ("a parabola to a precision of 1e-3", descent_jobs.parabola, 1e-2),
        "start": ("whole processes of the command", cold_jobs.start, 1.0),
        "cold-fit": ("least-squares fit of a logistic curve, 100,000 rows, a whole process",
                     cold_jobs.fit, 1.0),
        "fit": ("least-squares fit of a logistic curve, 100,000 rows", descent_jobs.fit, 1e-3),
        "rosenbrock-100": ("Rosenbrock written out, n = 100: text to first gradient",
                           lambda: formula_jobs.rosenbrock(100), 1e-9),
        "rosenbrock-1000": ("Rosenbrock written out, n = 1,000: text to first gradient",
                            lambda: formula_jobs.rosenbrock(1000), 1e-9),
        "two": ("one call of value and gradient, two parameters",
                formula_jobs.two_parameters, 1e-12),
    }  # fmt: skip


def run_job(name: str, rows: list[int], rounds: int) -> list[dict[str, Any]]:
    """One job in this process."""
    from timing import Measured, measure

    _, tools, tolerance = jobs(rows)[name]
    made = tools()
    results = measure(made, rounds, tolerance, ours=next(iter(made)))
    table = []
    for tool, found in results.items():
        if isinstance(found, Measured):
            table.append({"tool": tool, "seconds": found.seconds, "ratio": found.ratio,
                          "ready": found.ready})  # fmt: skip
        else:
            table.append({"tool": tool, "why": found})
    return table


def machine() -> str:
    """The machine and the versions in one paragraph."""
    from importlib import metadata

    names = ["numpy", "scipy", "sympy", "llvmlite", "symengine", "casadi", "jax", "torch", "numba",
             "scikit-learn", "lmfit"]  # fmt: skip
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        cpu = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), cpu)
    return (
        f"{platform.system()} on {cpu}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}; {', '.join(versions)}."
    )


def written(results: dict[str, list[dict[str, Any]]], rows: list[int], rounds: int) -> str:
    """The Markdown report."""
    lines = [
        "# Speed beside the peers", "",
        "Written by `python benchmarks/run.py`. Ratios to the first line of each table: "
        "2.0 takes twice as long. CPU time, one thread for the peers, "
        f"medians of {rounds} turns; *ready* is the time from the import to the first result.",
        "", machine(), "",
    ]  # fmt: skip
    titles = {name: title for name, (title, _, _) in jobs(rows).items()}
    for name, table in results.items():
        lines += [f"## {titles[name]}", "", "| tool | ratio | a run | ready |", "|---|---|---|---|"]
        for row in table:
            if "why" in row:
                lines.append(f"| {row['tool']} | {row['why']} | | |")
                continue
            lines.append(
                f"| {row['tool']} | {row['ratio']:.2f} | {shown(row['seconds'])} "
                f"| {shown(row['ready'])} |"
            )
        lines.append("")
    return "\n".join(lines)


def shown(seconds: float) -> str:
    """Seconds in a unit that can be read."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=ROWS, help="numbers of rows, separated by commas")
    parser.add_argument("--jobs", default="", help="names (or beginnings of names) of jobs")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = [int(float(n)) for n in options.rows.split(",")]
    if options.one:
        sys.path.insert(0, str(ROOT))
        print(json.dumps(run_job(options.one, rows, options.rounds)))
        return 0
    wanted = [name for name in options.jobs.split(",") if name]
    results = {}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for name in jobs(rows):
        if wanted and not any(name.startswith(w) for w in wanted):
            continue
        print(f"{name} ...", flush=True)
        command = [sys.executable, __file__, "--one", name, "--rows", options.rows,
                   "--rounds", str(options.rounds)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            continue
        results[name] = json.loads(done.stdout.splitlines()[-1])
        for row in results[name]:
            print("   ", row["tool"], row.get("why") or f"{row['ratio']:.2f}")
    options.output.write_text(written(results, rows, options.rounds))
    titles = {name: title for name, (title, _, _) in jobs(rows).items()}
    try:
        import matplotlib as _  # noqa: F401
    except ImportError:
        print("no picture: matplotlib is not installed")
        return 0
    from picture import draw

    draw({titles[name]: table for name, table in results.items()},
         options.output.with_suffix(".svg"))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
