"""Sets up ``.venv`` beside the code, with nothing but Python and its venv and pip.

Used by ``tests/run.py`` and ``examples/start.py``. The packages are those of
``requirements.lock``, checked by their hashes; they are installed again only when
``requirements.lock``, ``pyproject.toml``, the Python or the folder changed.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "symgd-stamp"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
NEEDED = (3, 11)


def run_in_environment(*arguments: str) -> int:
    """Set up what is missing, run ``python *arguments`` there, and give its exit status."""
    set_up()
    try:
        return subprocess.run([str(PYTHON), *arguments], cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 130


def set_up() -> None:
    """Make ``.venv`` hold this checkout and the packages of ``requirements.lock``."""
    if sys.version_info < NEEDED:
        stop(
            "symgd needs Python 3.11 or newer, and this is {}.{}".format(*sys.version_info[:2]),
            "run this script with a newer one, such as python3.12",
        )
    made, wanted = _made(), _state()
    usable = _works()
    if usable and made == wanted:
        return
    if not usable or made[:1] not in ([], wanted[:1]):
        _say("making the environment .venv")
        _step(
            [sys.executable, "-m", "venv", "--clear", str(VENV)],
            "the environment .venv could not be made",
            "on Debian and Ubuntu: apt install python3-venv; and see that the disk is not full",
        )
    _say("installing the packages of requirements.lock (a few minutes the first time)")
    _pip(["--require-hashes", "--only-binary=:all:", "-r", "requirements.lock"])
    _say("installing symgd from this folder")
    _pip(["--no-deps", "--no-build-isolation", "-e", "."])
    STAMP.write_text("\n".join(_state()))


def _state() -> "list[str]":
    """What the environment is made for (it is made anew if that differs) and from."""
    digest = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return ["{}.{} in {}".format(*sys.version_info[:2], ROOT), digest.hexdigest()]


def _made() -> "list[str]":
    """The state that the last complete set-up wrote down, or nothing."""
    return STAMP.read_text().splitlines() if STAMP.is_file() else []


def _works() -> bool:
    """Whether ``.venv`` has a Python of this version with pip (an upgrade may have broken it)."""
    code = f"import pip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    if not PYTHON.exists():
        return False
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run([str(PYTHON), "-c", code], check=False, **quiet).returncode == 0


def _pip(arguments: "list[str]") -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    _step(
        [str(PYTHON), "-m", "pip", "install", *quiet, *arguments],
        "pip could not install the packages",
        "the lines above say why. Without a network, packages cannot be fetched; "
        "'no matching distribution' means that they are not built for this Python or machine "
        "(Python 3.11 to 3.13 on Linux, macOS and Windows are)",
    )


def _step(command: "list[str]", problem: str, remedy: str) -> None:
    # An installation into the home folder of the user makes no sense inside .venv.
    environment = {**os.environ, "PIP_USER": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode:
        stop(f"{problem} (exit status {done.returncode})", remedy)


def _say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


def stop(problem: str, remedy: str) -> None:
    """End the script: what went wrong, and what to do."""
    sys.exit(f"set-up: {problem}\nset-up: {remedy}")
