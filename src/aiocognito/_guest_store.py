"""A guest's identity id in a `TokenStore`, so that a guest outlives the process.

An id opens nothing without the pool, and is kept as it is. Two processes that begin as
guests at the same time become one: whoever commits second takes the other's id, and the
identity made in vain is never used.
"""

from __future__ import annotations

from aiocognito.errors import CognitoError
from aiocognito.flow.identity import checked_identity_id
from aiocognito.stores.base import Conflict, Entry, StoreKey, TokenStore

__all__ = ["StoredGuest"]

_ATTEMPTS = 3  # at replacing what others replace at the same time


class StoredGuest:
    """Where one guest of one identity pool is kept.

    Args:
        store: Its entries.
        identity_pool_id: Part of the key, so that pools share a store.
        name: Tells several guests of one pool apart.
    """

    def __init__(self, store: TokenStore, identity_pool_id: str, name: str) -> None:
        self._store = store
        self._key = StoreKey.for_guest(identity_pool_id, name)

    async def load(self) -> str | None:
        """Return the id that was kept, or None. What is no id counts as none."""
        return _id_in(await self._store.load(self._key))

    async def save(self, identity_id: str, *, replaces: str | None) -> str:
        """Keep an id and return the one that counts from now on.

        Args:
            identity_id: The new one.
            replaces: The id before it, or None. One that somebody else has put in its
                place meanwhile counts.
        """
        there = await self._store.load(self._key)
        for _ in range(_ATTEMPTS):
            kept = _id_in(there)
            if kept is not None and kept != replaces:
                return kept
            outcome = await self._commit(identity_id, there)
            if not isinstance(outcome, Conflict):
                break
            there = outcome.current
        return identity_id

    async def remove(self) -> None:
        """Forget the guest: the service does not know it any more."""
        await self._store.delete(self._key)

    async def _commit(self, identity_id: str, there: Entry | None) -> Entry | Conflict:
        value = identity_id.encode("ascii")
        if there is None:
            return await self._store.commit(self._key, Entry.first(value), expected=None)
        entry = there.followed_by(value)
        return await self._store.commit(self._key, entry, expected=there.generation)


def _id_in(entry: Entry | None) -> str | None:
    if entry is None:
        return None
    try:
        return checked_identity_id(entry.value.decode("ascii"))
    except (CognitoError, UnicodeDecodeError):
        return None
