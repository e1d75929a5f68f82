"""A machine with somebody signed in: a local pool, a store in memory, a clock by hand."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from attrs import evolve

from aiocognito._redact import Secret
from aiocognito.credential_process.options import Options
from aiocognito.credential_process.renewing import renew
from aiocognito.credential_process.serving import serve
from aiocognito.credential_process.signing_in import sign_in
from aiocognito.stores import MemoryTokenStore, SharedTokenStore
from aiocognito.testing import LocalCognito, ManualClock
from aiocognito.tokens.credentials import AwsCredentials
from aiocognito.tokens.stored import StoredTokens

PASSWORD = "Passw0rd!-canary"


class Machine:
    """`served` counts what the pool was asked."""

    def __init__(self, store: SharedTokenStore | None = None, **local: Any) -> None:
        self.clock = ManualClock()
        self.local = LocalCognito(clock=self.clock, **local)
        self.local.add_user("ana", PASSWORD)
        self.store = store or MemoryTokenStore(clock=self.clock)

    async def __aenter__(self) -> Machine:
        await anyio.to_thread.run_sync(self.local.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await anyio.to_thread.run_sync(self.local.stop)

    def options(self, **changes: Any) -> Options:
        secret = self.local.client_secret
        return evolve(
            Options(
                command="credentials",
                identity_pool_id=self.local.identity_pool_id,
                user_pool_id=self.local.user_pool_id,
                client_id=self.local.client_id,
                client_secret=None if secret is None else Secret(secret),
                username="ana",
                guest=False,
                store=None,
                store_key=None,
                endpoint_url=self.local.url,
                identity_endpoint_url=self.local.url,
                account_id=None,
            ),
            **changes,
        )

    def guest(self) -> Options:
        return self.options(guest=True, user_pool_id=None, client_id=None, username=None)

    async def sign_in(self, password: str = PASSWORD, **changes: Any) -> str:
        options = self.options(command="sign-in", **changes)
        return await sign_in(options, self.store, self.clock, Secret(password))

    async def credentials(self, options: Options | None = None) -> AwsCredentials:
        found = await serve(options or self.options(), self.store, renew, clock=self.clock)
        return found.credentials


async def age(store: SharedTokenStore, options: Options) -> bytes:
    """Let time pass for what is kept: the refresh token alone counts. Return its state."""
    await store.delete(options.credentials_key)
    entry = await store.load(options.session_key)
    assert entry is not None
    stored = StoredTokens.from_bytes(entry.value)
    assert stored is not None
    aged = entry.followed_by(evolve(stored, lifetime=0.0).to_bytes(), minted_at=entry.minted_at)
    await store.commit(options.session_key, aged, expected=entry.generation)
    return stored.state.to_bytes()
