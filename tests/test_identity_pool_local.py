"""A session, an identity pool and a local Cognito together, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from aiocognito.errors import LoginTokenRejected, NotAuthorized, SessionClosed, SignInRequired
from aiocognito.identity_pool import IdentityPool
from aiocognito.session import Session
from tests.world import PASSWORD, World


class AwsWorld(World):
    """The same service's identity pool beside the user pool."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_user()
        self.identities = IdentityPool(
            self.local.identity_pool_id,
            transport=self.wire,
            clock=self.clock,
            observer=self.events.append,
        )

    async def sign_in(self, name: str = "ana") -> Session:
        return await self.pool.sign_in(name, PASSWORD)


@pytest.fixture
async def world(request: pytest.FixtureRequest) -> AsyncIterator[AwsWorld]:
    made = AwsWorld(**getattr(request, "param", {}))
    async with made.pool, made.identities:
        yield made


async def test_a_signed_in_user_gets_credentials_and_keeps_them_fresh(world: AwsWorld) -> None:
    """F002, F045"""
    holder = world.identities.for_session(await world.sign_in())
    first = await holder.credentials()
    issued = world.local.identity_pool.lookup(first.access_key_id)
    assert issued is not None
    assert issued.identity_id == first.identity_id == await holder.identity_id()
    assert issued.secret_key == first.secret_access_key
    assert not issued.is_guest
    world.clock.advance(3600.0)
    second = await holder.credentials()
    assert second.access_key_id != first.access_key_id
    assert second.identity_id == first.identity_id
    assert world.wire.counts["GetId"] == 1


async def test_a_guest_gets_a_guest_s_credentials(world: AwsWorld) -> None:
    """F008"""
    found = await world.identities.guest().credentials()
    issued = world.local.identity_pool.lookup(found.access_key_id)
    assert issued is not None
    assert issued.is_guest


@pytest.mark.parametrize("world", [{"guests": False}], indirect=True)
async def test_a_pool_without_guests_says_so(world: AwsWorld) -> None:
    with pytest.raises(NotAuthorized, match="Unauthenticated access is not supported"):
        await world.identities.guest().credentials()


@pytest.mark.parametrize(
    "world",
    [{"id_token_validity": 2, "access_token_validity": 2, "credential_lifetime": 3.0}],
    indirect=True,
)
async def test_everything_may_live_for_seconds(world: AwsWorld) -> None:
    holder = world.identities.for_session(await world.sign_in())
    seen = set()
    for _ in range(40):
        found = await holder.credentials()
        assert found.expires_at.timestamp() > world.clock.wall()
        seen.add(found.access_key_id)
        await anyio.wait_all_tasks_blocked()  # what was begun ends before time goes on
        world.clock.advance(0.5)
    await world.identities._protected.drain()
    assert 6 <= len(seen) <= 20
    assert world.wire.counts["GetId"] == 1


async def test_signing_out_ends_the_credentials_here(world: AwsWorld) -> None:
    # threat 47
    session = await world.sign_in()
    holder = world.identities.for_session(session)
    await holder.credentials()
    await session.sign_out()
    with pytest.raises((SessionClosed, SignInRequired)):
        await holder.credentials()


async def test_two_users_have_two_identities(world: AwsWorld) -> None:
    # threat 42
    world.add_user("ben")
    holders = [world.identities.for_session(await world.sign_in(name)) for name in ("ana", "ben")]
    ids: list[str] = []

    async def use(holder: Any) -> None:
        ids.append((await holder.credentials()).identity_id)

    async with anyio.create_task_group() as group:
        for holder in holders * 5:
            group.start_soon(use, holder)
    assert len(set(ids)) == 2
    assert world.wire.counts["GetCredentialsForIdentity"] == 2


async def test_an_access_token_is_no_login(world: AwsWorld) -> None:
    session = await world.sign_in()
    logins = {session.login_key: await session.access_token()}
    with pytest.raises(LoginTokenRejected):
        await world.identities.for_logins(logins).credentials()
    given = world.identities.for_logins({session.login_key: session.id_token})
    assert (await given.credentials()).identity_id.startswith("eu-west-1:")


async def test_an_identity_the_service_has_forgotten_is_asked_for_again(world: AwsWorld) -> None:
    holder = world.identities.for_session(await world.sign_in())
    await holder.credentials()
    holder.forget()
    world.local.identity_pool._directory._identities.clear()
    world.local.identity_pool._directory._by_login.clear()
    await holder.credentials()
    assert world.wire.counts["GetId"] == 2
