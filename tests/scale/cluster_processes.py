"""A Dask scheduler and workers as processes of their own, so that one can be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]


class Cluster:
    """``with Cluster(2) as cluster``: the address of a scheduler with so many workers."""

    def __init__(self, workers: int, folder: Path) -> None:
        self.folder, self._count = folder, workers
        self.workers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Cluster:
        self.scheduler = self._started(
            "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard"
        )
        self.address = self._said(self.scheduler, r"Scheduler at: +(tcp://\S+)")
        for _ in range(self._count):
            self.add()
        return self

    def add(self) -> None:
        """One more worker process, without a nanny that would start it again."""
        self.workers.append(
            self._started(
                "distributed.cli.dask_worker", self.address, "--no-nanny", "--nthreads", "1",
                "--no-dashboard", "--local-directory", str(self.folder),
            )
        )  # fmt: skip

    def kill(self, index: int) -> None:
        """End a worker as a power cut would."""
        os.kill(self.workers[index].pid, signal.SIGKILL)
        self.workers[index].wait()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        from symgd.scale import cluster

        known = cluster._CLIENTS.pop(self.address, None)
        if known is not None:
            known.close()
        for process in [*self.workers, self.scheduler]:
            if process.poll() is None:
                process.terminate()
        for process in [*self.workers, self.scheduler]:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stderr is not None:
                process.stderr.close()

    def _started(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        log = (self.folder / f"{module}-{len(self.workers)}.log").open("w+")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments], stdout=log, stderr=log, text=True,
                env=environment, cwd=self.folder,
            )  # fmt: skip

    def _said(self, process: subprocess.Popen[str], pattern: str) -> str:
        log = self.folder / "distributed.cli.dask_scheduler-0.log"
        for _ in range(600):
            found = re.search(pattern, log.read_text())
            if found:
                return found[1]
            if process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(log.read_text())
