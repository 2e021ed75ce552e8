"""The laws of the house: layers, no code from text, lazy doors, an honest package."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import symgd

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "symgd").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SHIPPED = [
    "symgd", "tests", "examples", "benchmarks", ".ci", "pyproject.toml", "requirements.lock",
    "README.md", "CHANGELOG.md", "LICENSE", ".gitignore",
]  # fmt: skip

# Each of these turns text or bytes into code; lambdify belongs to the one compiler that uses it.
RUNS_TEXT = {"eval", "exec", "sympify", "parse_expr", "parse_latex", "S", "__import__"}
RUNS_BYTES = {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"}
LAMBDIFY = {ROOT / "symgd/compile/numpy.py"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def code_runners(tree: ast.AST) -> list[str]:
    """What ``tree`` calls or imports that can run text or bytes as code.

    >>> code_runners(ast.parse("from sympy import S as s; sympy.sympify('x'); S.Half"))
    ['S', 'sympify']
    """
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found.append(_called(node))
        elif isinstance(node, ast.Import):
            found += [alias.name.split(".")[0] for alias in node.names if alias.name in RUNS_BYTES]
        elif isinstance(node, ast.ImportFrom):
            found += [str(node.module), *(alias.name for alias in node.names)]
    return [name for name in found if name in RUNS_TEXT | RUNS_BYTES | {"lambdify"}]


def test_imports_keep_to_the_layers(capsys: pytest.CaptureFixture[str]) -> None:
    broken = lint_imports(str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert not broken, capsys.readouterr().out


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_text_is_run_as_code(path: Path) -> None:
    allowed = {"lambdify"} if path in LAMBDIFY else set()
    assert set(code_runners(ast.parse(path.read_text()))) - allowed == set()


@pytest.mark.parametrize(
    "code",
    ["eval(t)", "exec(t)", "builtins.eval(t)", "sympy.sympify(t)", "S(t)", "sympy.S(t)",
     "from sympy import sympify as f", "from sympy.parsing.latex import parse_latex",
     "lambdify(x, y)", "from sympy import lambdify", "import pickle", "from joblib import load",
     "__import__(t)"],
)  # fmt: skip
def test_the_scan_sees_what_it_looks_for(code: str) -> None:
    assert len(code_runners(ast.parse(code))) == 1


@pytest.mark.parametrize("code", ["S.Half", "re.compile(t)", "json.loads(t)", "model.evalf()"])
def test_the_scan_passes_what_is_harmless(code: str) -> None:
    assert code_runners(ast.parse(code)) == []


def _imports(node: ast.AST, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Every imported module below ``node``, and whether it stands in a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield str(child.module), inside
            yield from ((f"{child.module}.{alias.name}", inside) for alias in child.names)
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _imports(child, inside or function)


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_heavy_and_upward_imports_wait_for_their_use(path: Path) -> None:
    lazy = ["matplotlib", "narwhals"]
    if not _name(path).startswith(("symgd/show/", "symgd/cli", "symgd/web/", "symgd/show.py")):
        lazy.append("symgd.show")
    early = [
        module
        for module, inside in _imports(ast.parse(path.read_text()))
        if not inside and any(module == name or module.startswith(f"{name}.") for name in lazy)
    ]
    assert early == []


def test_public_names_are_sorted_and_there() -> None:
    assert list(symgd.__all__) == sorted(set(symgd.__all__))
    for name in symgd.__all__:
        getattr(symgd, name)


def _shipped_files() -> Iterator[Path]:
    for name in SHIPPED:
        place = ROOT / name
        yield from (p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]


def test_no_file_names_a_package_index() -> None:
    # Joined here, so that this file does not hold them.
    hosts = ["py" + "pi.org", "python" + "hosted", "conda" + ".anaconda", "index" + "-url"]
    for path in _shipped_files():
        if "__pycache__" not in path.parts and path.is_file():
            text = path.read_bytes().decode("utf-8", "replace").lower()
            assert [host for host in hosts if host in text] == [], path


def _lock() -> dict[str, str]:
    text = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE)
    return dict(pins)


def test_the_lock_holds_pins_and_hashes_only() -> None:
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        pin = re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( ; [a-z_=<>!' .0-9A-Z]+)? \\", line)
        digest = re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line)
        assert pin or digest, line


def test_the_lock_covers_what_the_project_needs() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *extras["test"], *extras["dev"]]
    names = {re.split("[<>=!~ ]", text)[0] for text in wanted}
    assert names - set(_lock()) == set()
    assert "hatchling" in names  # the set-up installs without build isolation


def test_the_changelog_has_this_version() -> None:
    assert f"## [{PROJECT['project']['version']}]" in (ROOT / "CHANGELOG.md").read_text()
