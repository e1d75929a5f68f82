"""A store in memory that fails, waits and counts as a test wants it to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio.lowlevel

from aiocognito.errors import StoreUnavailable
from aiocognito.stores import Conflict, Entry, Lease, MemoryTokenStore, StoreKey


class FlakyStore(MemoryTokenStore):
    """Fulfils `SharedTokenStore`; each call has a suspension point before and after it.

    Attributes:
        down: The methods that fail now; ``{"commit"}``, or everything.
        before: Awaited before a call of that name, once.
        calls: How often each was called.
    """

    EVERYTHING = frozenset({"load", "commit", "delete", "acquire", "release", "mark_attempt"})

    def __init__(self, clock: Any) -> None:
        super().__init__(clock=clock)
        self.down: set[str] | frozenset[str] = set()
        self.lost: set[str] = set()  # done, but the answer does not come
        self.before: dict[str, Callable[[], Awaitable[None]]] = {}
        self.calls: Counter[str] = Counter()

    async def _around(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        self.calls[name] += 1
        hook = self.before.pop(name, None)
        if hook is not None:
            await hook()
        await anyio.lowlevel.checkpoint()
        if name in self.down:
            raise StoreUnavailable("Down.")
        result = await call()
        await anyio.lowlevel.checkpoint()
        if name in self.lost:
            self.lost.discard(name)
            raise StoreUnavailable("Nobody knows.")
        return result

    async def load(self, key: StoreKey) -> Entry | None:
        entry: Entry | None = await self._around("load", partial(super().load, key))
        return entry

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        done: Entry | Conflict = await self._around(
            "commit", partial(super().commit, key, entry, expected=expected)
        )
        return done

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        done: Conflict | None = await self._around(
            "delete", partial(super().delete, key, expected=expected)
        )
        return done

    async def acquire(self, key: StoreKey, *, owner: str, ttl: float) -> Lease | None:
        lease: Lease | None = await self._around(
            "acquire", partial(super().acquire, key, owner=owner, ttl=ttl)
        )
        return lease

    async def release(self, lease: Lease) -> None:
        await self._around("release", partial(super().release, lease))

    async def mark_attempt(self, key: StoreKey, *, generation: int, at: float) -> bool:
        done: bool = await self._around(
            "mark_attempt", partial(super().mark_attempt, key, generation=generation, at=at)
        )
        return done
