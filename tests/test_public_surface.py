"""What people may import is listed, sorted, documented and reviewed as text."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import pytest

from aiocognito import errors
from tests.public_surface import MODULES, surface

API_TEXT = Path(__file__).resolve().parents[1] / "docs" / "api.txt"

# The package takes the whole tree over, after its own names.
ERRORS = set(errors.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_all_is_sorted_and_complete(name: str) -> None:
    module = importlib.import_module(name)
    own = [public for public in module.__all__ if name != "aiocognito" or public not in ERRORS]
    assert own == sorted(own)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, public) for public in module.__all__)


def test_the_package_exports_nothing_by_accident() -> None:
    package = importlib.import_module("aiocognito")
    accidents = [
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and name not in package.__all__ and not inspect.ismodule(value)
    ]
    assert set(accidents) <= {"annotations", "TYPE_CHECKING"}


@pytest.mark.parametrize("name", MODULES)
def test_every_public_class_and_function_says_what_it_is(name: str) -> None:
    module = importlib.import_module(name)
    silent = [
        public
        for public in module.__all__
        if (inspect.isclass(value := getattr(module, public)) or inspect.isfunction(value))
        and not inspect.getdoc(value)
    ]
    assert silent == []


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="Python versions print signatures differently"
)
def test_the_text_in_the_docs_is_the_surface() -> None:
    assert API_TEXT.read_text(encoding="utf-8") == surface(), "run `nox -s api-text`"
