"""A store of each kind, and whose entries it keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from aiocognito.stores.base import SharedTokenStore, StoreKey
from aiocognito.testing import ManualClock
from tests.stores.makers import MAKERS


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


@pytest.fixture
def ana() -> StoreKey:
    return StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")


@pytest.fixture
def bob() -> StoreKey:
    return StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "bob")
