"""Tokens that could not be checked yet, and what may happen before they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aiocognito import TokensChanged
from aiocognito.errors import ConnectFailed, RefreshFailed, RemoteProtocolError, TokenUserMismatch
from aiocognito.flow.calls import Call, Reply
from aiocognito.tokens.claims import read_unverified
from tests.world import PASSWORD, World

REFRESH = "GetTokensFromRefreshToken"
NO_KEYS = ConnectFailed("jwks", retry_safe=True)


async def signs_in_without_keys(world: World, name: str) -> Any:
    session = world.pool.session(name, password=PASSWORD)
    world.keys.failing = NO_KEYS
    with pytest.raises(RefreshFailed):
        await session.access_token()
    return session


async def test_state_saved_before_the_first_check_is_not_bound_to_an_alias() -> None:
    """The true name is another one; bound to the alias every token looked like theft."""
    # threat 14
    world = World(rotation=True, username_attributes=("email",))
    user = world.local.add_user("ana@example.com", PASSWORD)
    session = await signs_in_without_keys(world, "ana@example.com")
    restored = world.another_pool().restore(session.export_state())
    world.keys.failing = None
    world.clock.advance(100)
    assert await restored.access_token()
    assert restored.username == user.username


async def test_what_expired_unchecked_is_refreshed_under_the_name_of_the_sign_in() -> None:
    """REFRESH_TOKEN_AUTH hashes that name; without it the session was stuck for good."""
    options = {"refresh_with": "REFRESH_TOKEN_AUTH"}
    world = World(client_secret=True, username_attributes=("email",), pool_options=options)
    user = world.local.add_user("ana@example.com", PASSWORD)
    session = await signs_in_without_keys(world, "ana@example.com")
    world.keys.failing = None
    world.clock.advance(2 * 3600)
    assert await session.access_token()
    assert session.username == user.username
    assert world.wire.counts["InitiateAuth"] == 2


async def test_what_expired_unchecked_does_not_free_the_server_from_the_name_it_used() -> None:
    # threat 11
    world = World()
    for name in ("ana", "mallory"):
        world.add_user(name)
    session = await signs_in_without_keys(world, "ana")
    world.keys.failing = None
    world.clock.advance(2 * 3600)
    mallory = await world.pool.sign_in("mallory", PASSWORD)
    tokens = {"AccessToken": await mallory.access_token(), "IdToken": await mallory.id_token()}

    async def answer(call: Call) -> Reply:
        return Reply(body={"AuthenticationResult": tokens})

    world.wire.send = answer  # type: ignore[method-assign]
    with pytest.raises(TokenUserMismatch):
        await session.access_token()


async def test_an_old_answer_played_again_is_not_served_past_its_end() -> None:
    # threat 23: life counts from the service's present, not from each answer's arrival
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    old = await session.access_token()
    recorded = {"AccessToken": old, "IdToken": await session.id_token(), "ExpiresIn": 3600}
    end = read_unverified(old).expires_at.timestamp()
    world.clock.advance(3000)
    real = world.wire.send

    async def play_again(call: Call) -> Reply:
        now = datetime.fromtimestamp(int(world.clock.wall()), UTC)
        return Reply(body={"AuthenticationResult": recorded}, date=now)

    world.wire.send = play_again  # type: ignore[method-assign]
    await session.refresh()
    world.wire.send = real  # type: ignore[method-assign]
    for _ in range(20):
        world.clock.advance(100)
        token = await session.access_token()
        assert token != old or world.clock.wall() < end
        await session._renewal.settle()
    assert await session.access_token() != old


async def test_the_wall_clock_counts_from_the_answer_and_not_from_the_late_check() -> None:
    # threat 23: a suspend that the boot clock has not counted
    world = World()
    world.add_user()
    session = await signs_in_without_keys(world, "ana")
    world.clock.advance(290)
    world.keys.failing = None
    token = await session.access_token()
    end = read_unverified(token).expires_at.timestamp()
    world.clock.jump(end - world.clock.wall() + 1)  # to just after its end
    assert await session.access_token() != token


async def test_the_leeway_of_a_check_is_no_extra_life() -> None:
    # threat 22, 23: 30 seconds past its end the signature check still passes
    world = World()
    world.add_user()
    session = await signs_in_without_keys(world, "ana")
    world.keys.failing = None
    world.clock.advance(3630)
    token = await session.access_token()
    assert read_unverified(token).expires_at.timestamp() > world.clock.wall()
    assert world.wire.counts[REFRESH] == 1


async def test_tokens_that_expired_on_their_way_are_asked_for_again_soon() -> None:
    """The machine slept meanwhile: no reason to be without a token for a minute."""
    # threat 23
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    world.clock.advance(3601)
    real = world.wire._inner.send

    async def asleep(call: Call) -> Reply:
        reply = await real(call)
        world.clock.advance(8 * 3600)
        return reply

    world.wire._inner.send = asleep  # type: ignore[method-assign]
    with pytest.raises(RefreshFailed) as caught:
        await session.access_token()
    world.wire._inner.send = real  # type: ignore[method-assign]
    assert caught.value.retry_after < 5
    world.clock.advance(5)
    assert await session.access_token()


async def test_an_observer_of_new_tokens_sees_them_in_place() -> None:
    world = World()
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    seen: list[bool] = []

    def watch(event: object) -> None:
        if isinstance(event, TokensChanged):
            seen.append(session.claims.expires_at == event.expires_at)
            session.export_state()

    world.pool._observer = watch
    await session.access_token()
    world.clock.advance(100)
    await session.refresh()
    assert seen == [True, True]


@pytest.mark.parametrize("member", ["AccessToken", "IdToken"])
async def test_a_garbled_answer_to_a_refresh_loses_no_token(member: str) -> None:
    # threats 13, 25: nothing of it is taken
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    state, old = session.export_state(), await session.access_token()
    body = {"AuthenticationResult": {"AccessToken": old, "RefreshToken": "next", member: 5}}

    async def answer(call: Call) -> Reply:
        return Reply(body=body)

    world.wire.send = answer  # type: ignore[method-assign]
    with pytest.raises(RemoteProtocolError):
        await session.refresh()
    assert (session.export_state(), await session.access_token()) == (state, old)
