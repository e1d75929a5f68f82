"""Begin a session at a terminal, and end it."""

from __future__ import annotations

import sys
from contextlib import suppress
from getpass import getpass

from aiocognito import responders
from aiocognito._clock import Clock
from aiocognito._redact import Secret
from aiocognito.credential_process.options import Options
from aiocognito.credential_process.renewing import (
    credentials_of,
    keep_new_session,
    open_identity_pool,
    open_user_pool,
)
from aiocognito.credential_process.serving import keep_credentials
from aiocognito.errors import CognitoError
from aiocognito.login import Responder
from aiocognito.stores.base import TokenStore

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
    respond = responders.prompt() if respond is None else respond
    async with open_user_pool(options, clock) as pool:
        session = await pool.sign_in(options.username, password.reveal(), respond=respond)
        await keep_new_session(store, options.session_key, session, clock)
        await store.delete(options.credentials_key)  # another's, or of other roles
        async with open_identity_pool(options, clock) as identities:
            new = await credentials_of(identities.for_session(session), clock)
    await keep_credentials(store, options.credentials_key, new)
    return new.credentials.identity_id


async def sign_out(options: Options, store: TokenStore, clock: Clock) -> bool:
    """Revoke the kept session's tokens and forget it with its credentials.

    It is forgotten whatever the service answers.

    Returns:
        Whether there was one.

    Raises:
        StoreError: The store cannot be read or written.
    """
    entry = await store.load(options.session_key)
    await store.delete(options.credentials_key)
    await store.delete(options.session_key)
    if entry is None or options.guest:
        return entry is not None
    with suppress(CognitoError):  # damaged state revokes nothing, and is gone now
        async with open_user_pool(options, clock) as pool:
            await pool.restore(entry.value).sign_out(everywhere=options.everywhere)
    return True
