"""One ministack for the run, and a user pool with two app clients on it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import needs
from tests.servers.ministack import (
    VERSION,
    AppThere,
    Ministack,
    PoolThere,
    UserThere,
    installed_version,
    running,
)


def _loops() -> list[Any]:
    # uvloop adds nothing to what another server proves, and time is real here.
    absent = importlib.util.find_spec("trio") is None
    missing = pytest.mark.skipif(absent, reason="the extra `trio` is not installed")
    return [
        pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
        pytest.param(("trio", {}), id="trio", marks=missing),
    ]


@pytest.fixture(scope="session", params=_loops())
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="session")
def ministack(peers_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    found = installed_version(peers_python)
    needs(f"ministack {VERSION}", found == VERSION, f"found {found}; run `python tests/peers`")
    with running(peers_python, tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture(scope="session")
def pool_there(ministack: Ministack) -> PoolThere:
    """A user pool whose users may sign in with their e-mail address too."""
    return ministack.add_user_pool(AliasAttributes=["email"])


@pytest.fixture(scope="session")
def public(pool_there: PoolThere) -> AppThere:
    return pool_there.add_app()


@pytest.fixture(scope="session")
def confidential(pool_there: PoolThere) -> AppThere:
    return pool_there.add_app(secret=True)


@pytest.fixture(params=["public", "confidential"])
def app(request: pytest.FixtureRequest) -> AppThere:
    """Each of the two app clients in turn: without a secret and with one."""
    chosen: AppThere = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def ana(pool_there: PoolThere) -> UserThere:
    """A user whom no other test knows."""
    return pool_there.add_user()
