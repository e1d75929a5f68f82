"""A store of each kind, the servers behind some, and whose entries are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from aiocognito.stores.base import SharedTokenStore, StoreKey
from aiocognito.testing import ManualClock
from tests.needs import needs
from tests.servers import ministack
from tests.stores import gnome_keyring, redis_server
from tests.stores.dynamodb_table import Table
from tests.stores.makers import LOOPS, MAKERS


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=sorted(MAKERS))
async def store(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    async with MAKERS[request.param](request, clock) as made:
        yield made
        await made.aclose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out, rather than skip, a store on a loop that it is not meant for."""
    items[:] = [item for item in items if _is_meant(item)]


def _is_meant(item: pytest.Item) -> bool:
    if item.path.parent != Path(__file__).parent:
        return True
    callspec = getattr(item, "callspec", None)
    store = None if callspec is None else callspec.params.get("store")
    if callspec is None or store not in LOOPS:
        return True
    return any(callspec.id.startswith(f"{loop}-{store}") for loop in LOOPS[store])


@pytest.fixture
def ana() -> StoreKey:
    return StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")


@pytest.fixture
def bob() -> StoreKey:
    return StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "bob")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server.running(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def _keyring_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gnome_keyring.running(tmp_path_factory.mktemp("keyring")) as address:
        yield address


@pytest.fixture
def keyring_bus(_keyring_bus: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bus with a real keyring, which whoever looks for the session's now finds."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", _keyring_bus)
    return _keyring_bus


@pytest.fixture(scope="session")
def dynamodb_table(peers_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    found = ministack.installed_version(peers_python)
    wanted = ministack.VERSION
    needs(f"ministack {wanted}", found == wanted, f"found {found}; run `python tests/peers`")
    with ministack.running(peers_python, tmp_path_factory.mktemp("dynamodb")) as server:
        yield Table.on(server)
