"""Names load when used, and only then."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest


def loaded_by(statement: str) -> set[str]:
    """Run a statement in a fresh interpreter; return the modules that are loaded then."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"aiobotocore", "botocore", "aiohttp", "cryptography", "asyncio"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not HEAVY & loaded_by("import aiocognito")


def test_catching_an_error_loads_nothing_heavy() -> None:
    assert not HEAVY & loaded_by("from aiocognito import IncorrectUsernameOrPassword")


def test_making_a_pool_loads_no_botocore() -> None:
    loaded = loaded_by("from aiocognito import UserPool; UserPool('eu-west-1_Ab12', 'client')")
    assert not {"aiobotocore", "botocore", "aiohttp"} & loaded


def test_verifying_a_token_loads_no_botocore() -> None:
    loaded = loaded_by("from aiocognito import TokenVerifier; TokenVerifier('eu-west-1_Ab', 'c')")
    assert not {"aiobotocore", "botocore"} & loaded


@pytest.mark.parametrize("package", ["aiocognito", "aiocognito.testing"])
def test_every_public_name_is_found_and_listed(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name in dir(module)


@pytest.mark.parametrize("package", ["aiocognito", "aiocognito.testing"])
def test_a_name_that_is_not_there_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = importlib.import_module(package).Nonsense
