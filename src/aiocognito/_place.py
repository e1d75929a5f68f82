"""A session's place in a store: asked within a time, and its answers looked at."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

import anyio
from attrs import define, field

from aiocognito._effects import Acquire, Commit, Delete, Mark, Release, Rules
from aiocognito.errors import CognitoError, StoreDamaged, StoreError, StoreUnavailable
from aiocognito.stores.base import Conflict, Entry, Lease, SharedTokenStore, TokenStore

__all__ = ["Place", "Storing"]

T = TypeVar("T")

_log = logging.getLogger("aiocognito")

_STORE_SECONDS = 5.0


class Unsaved(Protocol):
    """Whoever has tokens that are newer than the store's."""

    async def flush(self) -> None:
        """Write what is not written yet, once; never raises."""
        ...


@define(kw_only=True, eq=False)
class Storing:
    """What all sessions of a pool need for their entries.

    Attributes:
        store: Where they are.
        shared: Whether other workers use the same entries at the same time.
        lease: Seconds a lease lasts.
        poll: Seconds within which a worker looks for what another brings.
        rotates: Whether refresh tokens may rotate, by what the caller says.
        unsaved: Whose tokens are newer than the store's.
        complained: Whether the log says already that the store does not take tokens.
        closing: Whether the pool is closed: what is not written now never will be.
    """

    store: TokenStore
    shared: bool
    lease: float
    poll: float
    rotates: bool = True
    unsaved: WeakSet[Unsaved] = field(factory=WeakSet)
    complained: bool = False
    closing: bool = False

    def note_failure(self, error: StoreError) -> None:
        """Complain, once until it works again: not everybody has an observer."""
        if not self.complained:
            self.complained = True
            _log.warning("The token store does not take new tokens: %s", error)

    def note_rotation(self) -> None:
        """Complain, once, where a refresh token rotated that was said not to."""
        if not self.rotates:
            self.rotates = True
            _log.warning(
                "The app client rotates refresh tokens, which Fleet(rotates=False) denies; "
                "set a grace period and say rotation_grace, or a crash may end the session."
            )

    async def flush(self, seconds: float) -> None:
        """Write what is not written yet, as far as that works within this time; the last word."""
        self.closing = True
        with anyio.move_on_after(seconds):
            for persistence in list(self.unsaved):
                await persistence.flush()


class Place:
    """Where one session's tokens are, and the lease on it while there is one."""

    def __init__(self, storing: Storing, rules: Rules) -> None:
        self._storing = storing
        self._rules = rules
        store = storing.store
        self._shared_store = store if isinstance(store, SharedTokenStore) else None
        self._become_another()

    def _become_another(self) -> None:
        """Ask as an owner of leases that nobody else is; a lease that was held is not ours."""
        self._owner = secrets.token_hex(16)
        self._lease: Lease | None = None

    async def _do_with_store(self, effect: Acquire | Release | Mark | Commit | Delete) -> Any:
        match effect:
            case Commit(entry=entry, expected=expected):
                return await self._commit(entry, expected=expected)
            case Delete(expected=expected):
                return await self._delete(expected=expected)
            case Release():
                return await self._let_go()
            case Acquire(seconds=seconds):
                return await self._acquire(seconds)
            case Mark(generation=generation):
                assert self._shared_store is not None
                at = self._rules.clock.wall()
                return await self._asked(
                    self._shared_store.mark_attempt, self._rules.key, generation=generation, at=at
                )

    async def _load_entry(self) -> Entry | None:
        store, key = self._storing.store, self._rules.key
        try:
            return _checked(await self._asked(store.load, key), Entry, type(None))
        except StoreDamaged:
            # As good as absent. What could not be put aside is in the way of the next.
            await self._asked(store.delete, key)
            return None

    async def _commit(self, entry: Entry, *, expected: int | None) -> Entry | Conflict:
        commit = self._storing.store.commit
        done = await self._asked(commit, self._rules.key, entry, expected=expected)
        return _checked(done, Entry, Conflict)

    async def _delete(self, *, expected: int | None = None) -> Any:
        return await self._asked(self._storing.store.delete, self._rules.key, expected=expected)

    async def _acquire(self, seconds: float) -> Lease | None:
        assert self._shared_store is not None
        lease = await self._asked(
            self._shared_store.acquire, self._rules.key, owner=self._owner, ttl=seconds
        )
        self._lease = _checked(lease, Lease, type(None))
        return lease

    async def _let_go(self) -> None:
        """Give the lease back; where that fails it ends by itself."""
        lease, self._lease = self._lease, None
        if lease is None or self._shared_store is None:
            return
        with anyio.CancelScope(shield=True), suppress(StoreError):
            await self._asked(self._shared_store.release, lease)

    async def _asked(self, method: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> T:
        """Ask the store, within a time; whatever it raises becomes a `StoreError`."""
        try:
            with anyio.fail_after(_STORE_SECONDS):
                return await method(*args, **named)
        except CognitoError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreUnavailable("The store refused what it was asked.") from error
        except TimeoutError:
            raise StoreUnavailable("The store does not answer.") from None
        except Exception as error:
            raise StoreUnavailable("The store failed.") from error


def _checked(answer: T, *kinds: type) -> T:
    """Refuse what a store cannot mean; one of the user's own may answer anything."""
    if not isinstance(answer, kinds):
        raise StoreUnavailable(f"The store answers with a {type(answer).__name__}.")
    return answer
