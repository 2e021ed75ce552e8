"""The examples in the docstrings of the room."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import symgd.scale

MODULES = [module.name for module in pkgutil.iter_modules(symgd.scale.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(f"symgd.scale.{name}"))
    assert failed == 0
