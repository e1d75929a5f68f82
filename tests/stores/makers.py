"""Every store the contract is run over, by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from aiocognito.stores.base import SharedTokenStore
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


MAKERS: dict[str, Maker] = {"memory": memory}
