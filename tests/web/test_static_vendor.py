"""The third-party files of the page are the published ones, complete and within their size."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

STATIC = Path(__file__).resolve().parents[2] / "symgd" / "web" / "static"
VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


def _vendor_files() -> set[str]:
    found = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    return found - {"manifest.json"}


def test_the_manifest_names_every_file() -> None:
    assert set(MANIFEST["files"]) == _vendor_files()


def test_every_file_has_the_digest_of_the_manifest() -> None:
    for name, entry in MANIFEST["files"].items():
        content = (VENDOR / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (
            entry["sha256"],
            entry["bytes"],
        ), name


def test_each_package_has_its_licence_and_version() -> None:
    versions = (VENDOR / "VERSIONS.txt").read_text()
    for package, version in MANIFEST["packages"].items():
        assert "Permission is hereby granted" in (VENDOR / f"LICENSE.{package}.txt").read_text()
        assert version in versions


def test_the_page_stays_small() -> None:
    assert sum(entry["bytes"] for entry in MANIFEST["files"].values()) < 3_000_000
    own = [path for path in STATIC.rglob("*") if path.is_file() and VENDOR not in path.parents]
    assert sum(path.stat().st_size for path in own) < 300_000


def test_the_sheets_name_only_files_that_are_there() -> None:
    for sheet in (VENDOR / "katex.min.css", *(STATIC / "css").glob("*.css")):
        for name in re.findall(r"url\(([^)]+)\)", sheet.read_text()):
            assert (sheet.parent / name).is_file(), (sheet.name, name)


def test_our_files_write_no_html_and_run_no_text() -> None:
    forbidden = re.compile(
        r"(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|trust:\s*true"
    )
    for path in (STATIC / "js").rglob("*.js"):
        assert not forbidden.search(path.read_text()), path.name
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=|<style", page)


def test_our_files_ask_nothing_of_the_network() -> None:
    for path in STATIC.rglob("*"):
        if (
            path.is_file()
            and VENDOR not in path.parents
            and path.suffix in {".js", ".css", ".html"}
        ):
            addresses = set(re.findall(r"https?://[\w./-]+", path.read_text()))
            assert addresses <= {"http://www.w3.org/2000/svg"}, path.name
