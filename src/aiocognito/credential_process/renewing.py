"""From a kept session to new credentials, keeping what changes on the way.

With rotation a refresh makes the kept token worthless, so what it brought is in the
store before anything else is asked. That holds although somebody presses Ctrl-C: on the
way out the pool lets a refresh under way end, and then it is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from attrs import define

from aiocognito._clock import Clock
from aiocognito._partitions import parse_identity_pool_id, parse_user_pool_id
from aiocognito.credential_process.document import KeptCredentials
from aiocognito.credential_process.options import Options
from aiocognito.errors import InvalidArgument, LocalProtocolError, SignInRequired
from aiocognito.identity_pool import AwsIdentity, IdentityPool
from aiocognito.pool import UserPool
from aiocognito.session import Session
from aiocognito.stores.base import Conflict, Entry, SharedTokenStore, StoreKey, TokenStore
from aiocognito.tokens.saved import SavedState
from aiocognito.transport.botocore import BotocoreTransport

__all__ = ["credentials_of", "keep_new_session", "open_identity_pool", "open_user_pool", "renew"]


async def renew(options: Options, store: TokenStore, clock: Clock) -> KeptCredentials:
    """Bring new credentials for the kept session, or for the guest.

    Raises:
        SignInRequired: There is no session, or it is over.
        StoreError: The store cannot be read, or what a refresh brought cannot be kept.
        CognitoError: Why it failed.
    """
    if options.guest:
        return await _renew_guest(options, store, clock)
    entry = await store.load(options.session_key)
    if entry is None:
        raise SignInRequired(options.username, "not-signed-in")
    try:
        return await _renew_user(options, store, entry, clock)
    except SignInRequired:
        # The token may have been another process's to spend: look for its successor.
        newer = await store.load(options.session_key)
        if newer is None or newer.generation == entry.generation:
            raise
    return await _renew_user(options, store, newer, clock)


async def _renew_user(
    options: Options, store: TokenStore, entry: Entry, clock: Clock
) -> KeptCredentials:
    key = options.session_key
    place = _Place(key=key, entry=entry)
    session: Session | None = None
    try:
        async with open_user_pool(options, clock) as pool:
            session = pool.restore(entry.value)
            if isinstance(store, SharedTokenStore):
                await store.mark_attempt(key, generation=entry.generation, at=clock.wall())
            await session.id_token()
            await keep_session(store, place, session, clock)
            async with open_identity_pool(options, clock) as identities:
                return await credentials_of(identities.for_session(session), clock)
    except InvalidArgument as damaged:
        if session is None and damaged.argument == "state":
            raise SignInRequired(options.username, "not-signed-in") from None
        raise
    finally:
        if session is not None:
            with anyio.CancelScope(shield=True):
                await keep_session(store, place, session, clock)


async def _renew_guest(options: Options, store: TokenStore, clock: Clock) -> KeptCredentials:
    key = options.session_key
    entry = await store.load(key)
    async with open_identity_pool(options, clock) as identities:
        identity_id = None if entry is None else _identity_id(entry.value)
        try:
            guest = identities.guest(identity_id=identity_id)
        except InvalidArgument:
            guest = identities.guest()  # what is kept is no identity's id
        new = await credentials_of(guest, clock)
    value = new.credentials.identity_id.encode()
    if entry is None:
        await store.commit(key, Entry.first(value), expected=None)
    elif entry.value != value:
        await store.commit(key, entry.followed_by(value), expected=entry.generation)
    return new


def _identity_id(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


async def credentials_of(identity: AwsIdentity, clock: Clock) -> KeptCredentials:
    """Ask for an identity's credentials. Raises as `AwsIdentity.credentials`."""
    return KeptCredentials(credentials=await identity.credentials(), issued_at=clock.wall())


# --- keeping ------------------------------------------------------------------------


@define
class _Place:
    """Where a session is kept, and what is known to be there."""

    key: StoreKey
    entry: Entry


async def keep_session(store: TokenStore, place: _Place, session: Session, clock: Clock) -> None:
    """Put a session's state in its place, if it has changed.

    Where somebody else has been there meanwhile, the newer tokens stay: under rotation
    the others may be worthless. A place that was emptied, by a sign-out, stays empty.
    """
    try:
        value = session.export_state()
    except SignInRequired:
        return  # what is kept is dead; the next sign-in replaces it
    before = place.entry
    if before.value == value:
        return
    minted_at = _minted_at(session, clock)
    parent = place.key.fingerprint_of(SavedState.from_bytes(before.value).refresh_token.reveal())
    entry = before.followed_by(value, minted_at=minted_at, parent=parent)
    done = await store.commit(place.key, entry, expected=before.generation)
    if isinstance(done, Conflict) and done.current is not None:
        current = done.current
        if current.value != value and current.minted_at <= minted_at:
            entry = current.followed_by(
                value, minted_at=minted_at, parent=parent, alt=current.value
            )
            done = await store.commit(place.key, entry, expected=current.generation)
    after = done.current if isinstance(done, Conflict) else done
    if after is not None:
        place.entry = after


async def keep_new_session(
    store: TokenStore, key: StoreKey, session: Session, clock: Clock
) -> None:
    """Put a session that has just begun in the place of whatever is there."""
    value, minted_at = session.export_state(), _minted_at(session, clock)
    current = await store.load(key)
    while True:
        if current is None:
            first = Entry.first(value, minted_at=minted_at)
            done = await store.commit(key, first, expected=None)
        else:
            following = current.followed_by(value, minted_at=minted_at)
            done = await store.commit(key, following, expected=current.generation)
        if not isinstance(done, Conflict):
            return
        current = done.current


def _minted_at(session: Session, clock: Clock) -> float:
    try:
        moment = session.claims.issued_at
    except LocalProtocolError:
        moment = None  # the keys could not be had: it is not verified, and kept all the same
    return clock.wall() if moment is None else moment.timestamp()


# --- pools --------------------------------------------------------------------------


@asynccontextmanager
async def open_user_pool(options: Options, clock: Clock) -> AsyncIterator[UserPool]:
    """Lend the user pool. Its transport loads no aiobotocore, which nobody needs here."""
    assert options.user_pool_id is not None
    assert options.client_id is not None
    transport = BotocoreTransport(
        parse_user_pool_id(options.user_pool_id).region, endpoint_url=options.endpoint_url
    )
    secret = options.client_secret
    try:
        async with UserPool(
            options.user_pool_id,
            options.client_id,
            client_secret=None if secret is None else secret.reveal(),
            endpoint_url=options.endpoint_url,
            transport=transport,
            clock=clock,
        ) as pool:
            yield pool
    finally:
        with anyio.CancelScope(shield=True):
            await transport.aclose()


@asynccontextmanager
async def open_identity_pool(options: Options, clock: Clock) -> AsyncIterator[IdentityPool]:
    """Lend the identity pool, as `open_user_pool` does."""
    transport = BotocoreTransport(
        parse_identity_pool_id(options.identity_pool_id).region,
        service="cognito-identity",
        endpoint_url=options.identity_endpoint_url,
    )
    identities = IdentityPool(options.identity_pool_id, transport=transport, clock=clock)
    try:
        yield identities
    finally:
        with anyio.CancelScope(shield=True):  # a call under way would open a connection again
            await identities.aclose()
            await transport.aclose()
