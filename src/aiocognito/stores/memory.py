"""A store in memory: for tests, and for several users of one process."""

from __future__ import annotations

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito.stores.base import Conflict, Entry, Lease, StoreKey, check_succession

__all__ = ["MemoryTokenStore"]


class MemoryTokenStore:
    """Keeps entries as long as the object lives. Fulfils `SharedTokenStore`.

    No method waits, so nothing can be cancelled half-way. For one thread.

    Args:
        clock: Tells when a lease ends.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._entries: dict[StoreKey, Entry] = {}
        self._leases: dict[StoreKey, Lease] = {}

    async def load(self, key: StoreKey) -> Entry | None:
        """Return the newest entry, or None."""
        return self._entries.get(key)

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        """Replace an entry, if nobody else has."""
        check_succession(entry, expected)
        current = self._entries.get(key)
        if (None if current is None else current.generation) != expected:
            return Conflict(current)
        self._entries[key] = entry
        return entry

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        """Forget an entry."""
        current = self._entries.get(key)
        if current is None:
            return None
        if expected not in (None, current.generation):
            return Conflict(current)
        del self._entries[key]
        return None

    async def acquire(self, key: StoreKey, *, owner: str, ttl: float) -> Lease | None:
        """Lend the right to refresh, unless somebody else holds it."""
        now = self._clock.boot()
        held = self._leases.get(key)
        if held is not None and held.owner != owner and held.remaining(now):
            return None
        lease = Lease(key=key, owner=owner, until=now + ttl)
        self._leases[key] = lease
        return lease

    async def release(self, lease: Lease) -> None:
        """Take a lease back."""
        held = self._leases.get(lease.key)
        if held is not None and held.owner == lease.owner:
            del self._leases[lease.key]

    async def mark_attempt(self, key: StoreKey, *, generation: int, at: float) -> bool:
        """Write down that a refresh from this generation begins."""
        current = self._entries.get(key)
        if current is None or current.generation != generation:
            return False
        self._entries[key] = current.attempted(at)
        return True

    async def aclose(self) -> None:
        """Do nothing; the entries stay as long as the object does."""

    def __repr__(self) -> str:
        return f"MemoryTokenStore({len(self._entries)} entries)"
