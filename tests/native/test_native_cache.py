"""The cache of compiled objects: checked, safe among processes, never in the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symgd.compile.cache import Cache, user_cache


def test_a_damaged_file_is_no_file(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    assert cache.put("key", b"machine code")
    (file,) = (tmp_path / "c").glob("*.o")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert cache.get("key") is None
    file.write_bytes(b"")
    assert cache.get("key") is None
    assert cache.put("key", b"again")
    assert cache.get("key") == b"again"


def test_no_temporary_files_stay(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    for k in range(5):
        cache.put(f"{k}", b"x")
    assert sorted(p.suffix for p in (tmp_path / "c").iterdir()) == [".o"] * 5


def test_a_folder_that_cannot_be_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "c")
    assert not cache.put("key", b"x")
    assert cache.get("key") is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_that_others_can_write_is_not_trusted(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    cache.put("key", b"x")
    (tmp_path / "c").chmod(0o777)
    assert cache.get("key") is None
    assert not cache.put("other", b"x")


def test_old_files_are_dropped(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    for k in range(520):
        cache.put(f"{k}", b"x")
    assert len(list((tmp_path / "c").glob("*.o"))) <= 512


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache().folder == tmp_path / "symgd"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert user_cache().folder == Path.home() / ".cache" / "symgd"


PROGRAM = """
import numpy as np
from symgd.derive.partials import derive
from symgd.formula.problem import read
from symgd.compile.objective import compile_objective
x = np.arange(1000.0)
o = compile_objective(derive(read("mean((y - a*exp(-b*x))^2)")), {"x": x, "y": x}, backend="native")
print(o(np.array([1.0, 0.5]))[0].hex(), o.runner.native.in_order.cached)
"""


def test_processes_share_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    running = [
        subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    first = {process.communicate()[0].split()[0] for process in running}
    later = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    ).stdout.split()
    assert first == {later[0]}
    assert later[1] == "True"
