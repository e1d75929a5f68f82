"""Stores as a worker process opens them, from the words on its command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path

from aiocognito.stores.base import SharedTokenStore
from aiocognito.stores.dynamodb import DynamoDBTokenStore
from aiocognito.stores.encryption import encrypted
from aiocognito.stores.file import FileTokenStore
from aiocognito.stores.keyring import KeyringTokenStore
from aiocognito.stores.redis import RedisTokenStore
from tests.stores.dynamodb_table import Table, session

Opener = Callable[[], AbstractAsyncContextManager[SharedTokenStore]]


def file(where: str) -> Opener:
    @asynccontextmanager
    async def open_store() -> AsyncIterator[SharedTokenStore]:
        yield encrypted(FileTokenStore(where, lock_timeout=15.0), bytes(32))

    return open_store


def keyring(where: str) -> Opener:
    """The keyring of the bus in the environment; `where` holds the lock."""
    backend = import_module("keyring.backends.SecretService").Keyring()

    @asynccontextmanager
    async def open_store() -> AsyncIterator[SharedTokenStore]:
        yield KeyringTokenStore(
            Path(where).name, backend=backend, lock_folder=where, lock_timeout=15.0
        )

    return open_store


def redis(where: str) -> Opener:
    import_module("redis.asyncio")  # once, before the workers fork

    @asynccontextmanager
    async def open_store() -> AsyncIterator[SharedTokenStore]:
        store = RedisTokenStore.from_url(where, prefix="race")
        yield store
        await store.aclose()

    return open_store


def dynamodb(where: str) -> Opener:
    session().warm_up_loader_caches("dynamodb")

    @asynccontextmanager
    async def open_store() -> AsyncIterator[SharedTokenStore]:
        table = Table(where)
        async with table.client() as client:
            yield DynamoDBTokenStore(client, table.name, prefix="race")

    return open_store


CONTESTANTS: dict[str, Callable[[str], Opener]] = {
    "dynamodb": dynamodb,
    "file": file,
    "keyring": keyring,
    "redis": redis,
}
