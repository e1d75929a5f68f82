"""Every store the contract is run over, by name."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from aiocognito.stores.base import SharedTokenStore
from aiocognito.stores.encryption import encrypted
from aiocognito.stores.file import FileTokenStore
from aiocognito.stores.memory import MemoryTokenStore
from aiocognito.testing import ManualClock

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


MAKERS: dict[str, Maker] = {
    "file": file,
    "file, encrypted": file_encrypted,
    "memory": memory,
    "memory, encrypted": memory_encrypted,
}
