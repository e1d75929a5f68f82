"""Hand out what is kept, or have one process of several bring new credentials.

A tool that runs twenty jobs starts twenty of us at once. One of them holds the store's
lease and renews; the others wait for what it puts into the store. The lease saves calls
and is no lock: whoever waits too long goes on without it, and what is written then is
guarded by the store's generations.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito.credential_process.document import KeptCredentials
from aiocognito.credential_process.options import Options
from aiocognito.errors import CognitoError, SignInRequired, StoreError
from aiocognito.stores.base import Conflict, Entry, SharedTokenStore, StoreKey, TokenStore

__all__ = ["Renew", "keep_credentials", "load_credentials", "serve", "turn"]

Renew = Callable[[Options, TokenStore, Clock], Awaitable[KeptCredentials]]

_LEASE = 60.0  # seconds; a renewal's calls end long before
_PATIENCE = 30.0
_STEP = 0.1


async def serve(
    options: Options, store: TokenStore, renew: Renew, *, clock: Clock = SYSTEM_CLOCK
) -> KeptCredentials:
    """Return credentials that are good to use now.

    Cancelling leaves a refresh under way to end and to be kept, and the lease given
    back.

    Raises:
        SignInRequired: Nobody is signed in, or the session is over.
        StoreError: What is kept cannot be read.
        CognitoError: New ones cannot be had, and there are none to fall back to.
    """
    key = options.credentials_key
    kept = await load_credentials(store, key)
    if kept is not None and kept.is_fresh(clock.wall()):
        return kept
    async with turn(store, options.session_key, key, clock) as found:
        if found is not None:
            return found
        try:
            was_there = await _is_there(store, options.session_key)
            renewed = await renew(options, store, clock)
        except SignInRequired:
            raise
        except CognitoError:
            if kept is not None and kept.is_usable(clock.wall()):
                return kept
            raise
        with suppress(StoreError):  # they are good all the same
            await keep_credentials(store, key, renewed)
            if was_there and not await _is_there(store, options.session_key):
                # Somebody signed out meanwhile. A sign-out forgets credentials last, so
                # either it has seen these, or it is seen here.
                await store.delete(key)
    return renewed


async def _is_there(store: TokenStore, key: StoreKey) -> bool:
    try:
        return await store.load(key) is not None
    except StoreError:
        return True  # what is damaged, or cannot be read now, was not signed out


async def load_credentials(store: TokenStore, key: StoreKey) -> KeptCredentials | None:
    """Return what is kept; None where that cannot be read, since it can be had again."""
    with suppress(StoreError):
        entry = await store.load(key)
        return None if entry is None else KeptCredentials.from_bytes(entry.value)
    return None


async def keep_credentials(store: TokenStore, key: StoreKey, new: KeptCredentials) -> None:
    """Put new credentials in place of the old; another process's newer ones stay."""
    value = new.to_bytes()
    current = await store.load(key)
    while True:
        if current is None:
            done = await store.commit(key, Entry.first(value), expected=None)
        else:
            held = KeptCredentials.from_bytes(current.value)
            # One that is newer and not good now came while a clock was ahead.
            if held is not None and _is_better(held, new):
                return
            following = current.followed_by(value)
            done = await store.commit(key, following, expected=current.generation)
        if not isinstance(done, Conflict):
            return
        current = done.current


def _is_better(held: KeptCredentials, new: KeptCredentials) -> bool:
    return held.issued_at > new.issued_at and held.is_fresh(new.issued_at)


@asynccontextmanager
async def turn(
    store: TokenStore, owner_key: StoreKey, key: StoreKey, clock: Clock
) -> AsyncIterator[KeptCredentials | None]:
    """Wait to be the one who renews; yields what somebody else renewed meanwhile."""
    if not isinstance(store, SharedTokenStore):
        yield None
        return
    owner = secrets.token_hex(16)
    with anyio.move_on_after(_PATIENCE):
        while True:
            lease = await store.acquire(owner_key, owner=owner, ttl=_LEASE)
            # Once more: whoever had the lease before may have renewed them.
            found = await load_credentials(store, key)
            if found is not None and found.is_fresh(clock.wall()):
                break
            found = None
            if lease is not None:
                break
            await anyio.sleep(_STEP)
    try:
        yield found
    finally:
        if lease is not None:
            with anyio.CancelScope(shield=True), suppress(StoreError):
                await store.release(lease)
