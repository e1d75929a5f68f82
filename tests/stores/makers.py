"""Every store the contract is run over, by name."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from aiocognito.stores.base import SharedTokenStore
from aiocognito.stores.encrypted import encrypted
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


MAKERS: dict[str, Maker] = {"memory": memory, "memory, encrypted": memory_encrypted}
