"""Every printed example of every module runs."""

import doctest
import importlib
import pkgutil

import pytest

import minicnn

MODULES = [
    m.name for m in pkgutil.walk_packages(minicnn.__path__, "minicnn.") if not m.name.endswith("__main__") and ".lessons" not in m.name
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_there_are_many():
    modules = map(importlib.import_module, MODULES)
    assert sum(bool(test.examples) for module in modules for test in doctest.DocTestFinder().find(module)) > 90
