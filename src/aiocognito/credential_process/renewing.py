"""From a kept session to new credentials.

The user pool keeps what a refresh brought before anything else is asked, also when
somebody presses Ctrl-C: on the way out it lets a refresh under way end, and writes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from aiocognito._clock import Clock
from aiocognito._partitions import parse_identity_pool_id, parse_user_pool_id
from aiocognito.aws_identity import AwsIdentity
from aiocognito.credential_process.document import KeptCredentials
from aiocognito.credential_process.options import Options
from aiocognito.events import Observer
from aiocognito.identity_pool import IdentityPool
from aiocognito.pool import UserPool
from aiocognito.stores.base import TokenStore
from aiocognito.transport.botocore import BotocoreTransport

__all__ = ["credentials_of", "open_identity_pool", "open_user_pool", "renew"]


async def renew(options: Options, store: TokenStore, clock: Clock) -> KeptCredentials:
    """Bring new credentials for the kept session, or for the guest.

    Raises:
        SignInRequired: There is no session, or it is over.
        StoreError: The store cannot be read.
        CognitoError: Why it failed.
    """
    if options.username is None:
        async with open_identity_pool(options, clock) as identities:
            return await credentials_of(identities.guest(store=store), clock)
    async with (
        open_user_pool(options, store, clock) as pool,
        open_identity_pool(options, clock) as identities,
    ):
        # Nothing to sign in with: it lives on what the store holds.
        session = pool.session(options.username)
        return await credentials_of(identities.for_session(session), clock)


async def credentials_of(identity: AwsIdentity, clock: Clock) -> KeptCredentials:
    """Ask for an identity's credentials. Raises as `AwsIdentity.credentials`."""
    return KeptCredentials(credentials=await identity.credentials(), issued_at=clock.wall())


@asynccontextmanager
async def open_user_pool(
    options: Options, store: TokenStore, clock: Clock, observer: Observer | None = None
) -> AsyncIterator[UserPool]:
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
            store=store,
            observer=observer,
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
