"""Begin a session at a terminal, and end it."""

from __future__ import annotations

import sys
from getpass import getpass

from aiocognito import responders
from aiocognito._clock import Clock
from aiocognito._redact import Secret
from aiocognito.credential_process.options import Options
from aiocognito.credential_process.renewing import (
    credentials_of,
    open_identity_pool,
    open_user_pool,
)
from aiocognito.credential_process.serving import keep_credentials, turn
from aiocognito.errors import StoreDamaged, StoreUnavailable
from aiocognito.events import Event, PersistFailed
from aiocognito.login import Responder
from aiocognito.stores.base import StoreKey, TokenStore

__all__ = ["ask_password", "sign_in", "sign_out"]


def ask_password(options: Options) -> Secret:
    """Ask for the password without showing it; from a pipe, read its first line."""
    if sys.stdin.isatty():
        return Secret(getpass(f"Password of {options.username}: "))
    return Secret(sys.stdin.readline().rstrip("\r\n"))


async def sign_in(
    options: Options,
    store: TokenStore,
    clock: Clock,
    password: Secret,
    respond: Responder | None = None,
) -> str:
    """Sign in, keep the session and its first credentials, and return the identity's id.

    An earlier session is replaced. Cancelling before the end of the sign-in keeps
    nothing.

    Raises:
        CognitoError: Why the sign-in, the store or the identity pool refused. The
            session is kept if it was the identity pool.
    """
    assert options.username is not None
    key, failures = options.session_key, list[Event]()
    before = await _looked_up(store, key)  # a store that does not work gets no password typed
    async with open_user_pool(options, store, clock, failures.append) as pool:
        session = await pool.sign_in(
            options.username, password.reveal(), respond=respond or responders.prompt()
        )
        await store.delete(options.credentials_key)  # another's, or of other roles
        async with open_identity_pool(options, clock) as identities:
            new = await credentials_of(identities.for_session(session), clock)
    if before == await _looked_up(store, key):
        raise next(
            (event.error for event in failures if isinstance(event, PersistFailed)),
            StoreUnavailable("The store did not keep the session; sign in again."),
        )
    await keep_credentials(store, options.credentials_key, new)
    return new.credentials.identity_id


async def _looked_up(store: TokenStore, key: StoreKey) -> int | None:
    """Return which generation of the session is there. What is damaged is thrown away."""
    try:
        entry = await store.load(key)
    except StoreDamaged:
        await store.delete(key)
        return None
    return None if entry is None else entry.generation


async def sign_out(options: Options, store: TokenStore, clock: Clock) -> bool:
    """Revoke the kept session's tokens and forget it with its credentials.

    It is forgotten whatever the service answers. A renewal of another process is waited
    for, half a minute at most.

    Returns:
        Whether there was one.

    Raises:
        StoreError: The store cannot be read or written.
    """
    was_there = await _looked_up(store, options.session_key) is not None
    await store.delete(options.credentials_key)
    # A renewal under way elsewhere would put back what is forgotten here.
    async with turn(store, options.session_key, options.credentials_key, clock):
        if was_there and options.username is not None:
            async with open_user_pool(options, store, clock) as pool:
                await pool.session(options.username).sign_out(everywhere=options.everywhere)
        await store.delete(options.session_key)
    await store.delete(options.credentials_key)  # of one that went on without its turn
    return was_there
