"""Every store the contract is run over, by name."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest

from aiocognito.stores.base import SharedTokenStore
from aiocognito.stores.dynamodb import DynamoDBTokenStore
from aiocognito.stores.encryption import encrypted
from aiocognito.stores.file import FileTokenStore
from aiocognito.stores.keyring import KeyringTokenStore
from aiocognito.stores.memory import MemoryTokenStore
from aiocognito.stores.redis import RedisTokenStore
from aiocognito.testing import ManualClock
from tests.stores.dynamodb_table import Table

Maker = Callable[
    [pytest.FixtureRequest, ManualClock], AbstractAsyncContextManager[SharedTokenStore]
]


@asynccontextmanager
async def memory(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    yield MemoryTokenStore(clock=clock)


@asynccontextmanager
async def memory_encrypted(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    yield encrypted(MemoryTokenStore(clock=clock), secrets.token_bytes(32))


@asynccontextmanager
async def file(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    folder: Path = request.getfixturevalue("tmp_path") / "tokens"
    yield FileTokenStore(folder, clock=clock)


@asynccontextmanager
async def file_encrypted(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    async with file(request, clock) as below:
        yield encrypted(below, secrets.token_bytes(32))


@asynccontextmanager
async def redis(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    url: str = request.getfixturevalue("redis_url")
    yield RedisTokenStore.from_url(url, prefix=uuid4().hex, clock=clock)


@asynccontextmanager
async def redis_encrypted(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    url: str = request.getfixturevalue("redis_url")
    redis = import_module("redis.asyncio")
    async with redis.Redis.from_url(url, decode_responses=True) as client:
        below = RedisTokenStore(client, prefix=uuid4().hex, salt=b"s", lifetime=60.0, clock=clock)
        yield encrypted(below, secrets.token_bytes(32))


@asynccontextmanager
async def dynamodb(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    table: Table = request.getfixturevalue("dynamodb_table")
    async with table.client() as client:
        yield DynamoDBTokenStore(client, table.name, prefix=uuid4().hex, clock=clock)


@asynccontextmanager
async def dynamodb_encrypted(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    table: Table = request.getfixturevalue("dynamodb_table")
    async with table.client() as client:
        below = DynamoDBTokenStore(
            client, table.name, prefix=uuid4().hex, salt=b"s", lifetime=60.0, clock=clock
        )
        yield encrypted(below, secrets.token_bytes(32))


class PasswordsInMemory:
    """A backend of the package `keyring` that asks nobody."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@asynccontextmanager
async def keyring(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    folder: Path = request.getfixturevalue("tmp_path") / "lock"
    yield KeyringTokenStore(backend=PasswordsInMemory(), lock_folder=folder, clock=clock)


@asynccontextmanager
async def gnome_keyring(
    request: pytest.FixtureRequest, clock: ManualClock
) -> AsyncIterator[SharedTokenStore]:
    request.getfixturevalue("keyring_bus")
    folder: Path = request.getfixturevalue("tmp_path") / "lock"
    # The one that `keyring` would choose, without the search among all it knows.
    backend = import_module("keyring.backends.SecretService").Keyring()
    yield KeyringTokenStore(uuid4().hex, backend=backend, lock_folder=folder, clock=clock)


# Where a store runs, if not on every event loop: Redis's client is asyncio's, and the
# DynamoDB we test against is there to prove requests, not loops.
LOOPS: dict[str, set[str]] = {
    "GNOME Keyring": {"asyncio"},
    "redis": {"asyncio", "uvloop", "asyncio-eager"},
    "redis, encrypted": {"asyncio"},
    "dynamodb": {"asyncio"},
    "dynamodb, encrypted": {"asyncio"},
}

MAKERS: dict[str, Maker] = {
    "dynamodb": dynamodb,
    "dynamodb, encrypted": dynamodb_encrypted,
    "file": file,
    "file, encrypted": file_encrypted,
    "keyring": keyring,
    "GNOME Keyring": gnome_keyring,
    "memory": memory,
    "memory, encrypted": memory_encrypted,
    "redis": redis,
    "redis, encrypted": redis_encrypted,
}
