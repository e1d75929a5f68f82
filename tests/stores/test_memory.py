"""The store in memory ends leases by the clock it was given."""

from __future__ import annotations

from aiocognito.stores.base import StoreKey
from aiocognito.stores.memory import MemoryTokenStore
from aiocognito.testing import ManualClock


async def test_a_lease_ends_by_itself(ana: StoreKey, clock: ManualClock) -> None:
    store = MemoryTokenStore(clock=clock)
    late = await store.acquire(ana, owner="a", ttl=15.0)
    clock.advance(14.9)
    assert await store.acquire(ana, owner="b", ttl=15.0) is None
    clock.advance(0.1)
    assert await store.acquire(ana, owner="b", ttl=15.0) is not None
    assert late is not None
    await store.release(late)
    assert await store.acquire(ana, owner="a", ttl=15.0) is None


async def test_the_holder_gets_more_time(ana: StoreKey, clock: ManualClock) -> None:
    store = MemoryTokenStore(clock=clock)
    await store.acquire(ana, owner="a", ttl=15.0)
    clock.advance(10.0)
    again = await store.acquire(ana, owner="a", ttl=15.0)
    assert again is not None
    assert again.until == clock.boot() + 15.0
