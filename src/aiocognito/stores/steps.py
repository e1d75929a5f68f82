"""Codes of an authenticator, used once by all workers that share a store."""

from __future__ import annotations

import re
import secrets

from aiocognito._used_steps import step_after
from aiocognito.errors import StoreUnavailable
from aiocognito.stores.base import Conflict, Entry, StoreKey, TokenStore

__all__ = ["StoredSteps"]

_TRIES = 100
_CLAIM = re.compile(rb"([0-9]{1,12}) [0-9a-f]{32}")


class StoredSteps:
    """Fulfils `UsedSteps` with a store: for workers that share an authenticator.

    The store keeps the last step that was claimed, under a name that does not give the
    authenticator's secret away. One claim costs a reading and a conditional write.

    Args:
        store: One that all the workers reach. Not closed here.
    """

    def __init__(self, store: TokenStore) -> None:
        self._store = store

    async def claim(self, authenticator: str, earliest: int) -> int:
        """See `UsedSteps.claim`.

        Cancelling may leave a step claimed that nobody uses.

        Raises:
            StoreUnavailable: The store does not answer, or others claim without end.
            StoreError: As the store says.
        """
        key = StoreKey.for_authenticator(authenticator)
        current = await self._store.load(key)
        for _ in range(_TRIES):
            step = step_after(_last(current), earliest)
            # With a word of its own: two who claim the same step must not take each
            # other's entry for their own.
            value = b"%d %s" % (step, secrets.token_hex(16).encode())
            entry = Entry.first(value) if current is None else current.followed_by(value)
            expected = None if current is None else current.generation
            outcome = await self._store.commit(key, entry, expected=expected)
            if not isinstance(outcome, Conflict):
                return step
            current = outcome.current
            if current is not None and current.value == value:
                return step  # the answer to our own commit had been lost
        raise StoreUnavailable


def _last(entry: Entry | None) -> int:
    """Return the last step claimed; -1 where there is none, or nothing that tells."""
    found = None if entry is None else _CLAIM.fullmatch(entry.value)
    return -1 if found is None else int(found[1])
