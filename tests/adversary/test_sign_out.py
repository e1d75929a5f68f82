"""A sign-out wins: over refreshes, over hanging helpers, over its own cancellation."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito import SessionEnded, TokensChanged
from aiocognito.errors import CognitoError, SessionClosed, SignInRequired
from aiocognito.testing import Refuse
from tests.world import PASSWORD, World

REFRESH = "GetTokensFromRefreshToken"


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiocognito.session._PATIENCE", 0.05)


async def ignoring_errors(ask: Any) -> None:
    try:
        await ask()
    except CognitoError:
        return


async def test_a_password_source_that_hangs_does_not_hold_up_a_sign_out() -> None:
    world = World()

    async def vault() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    session = world.pool.session("ana", password=vault)
    async with anyio.create_task_group() as group:
        group.start_soon(ignoring_errors, session.access_token)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(5):
            await session.sign_out()
        with pytest.raises(SessionClosed):
            await session.access_token()
        group.cancel_scope.cancel()


async def test_callers_that_never_stop_refreshing_do_not_hold_up_a_sign_out() -> None:
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)

    async def refresh_for_ever() -> None:
        while True:
            world.wire.before = [anyio.lowlevel.checkpoint] * 3
            try:
                await session.refresh()
            except SessionClosed:
                return

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(refresh_for_ever)
            await anyio.lowlevel.checkpoint()
            await session.sign_out()
    assert world.wire.sent[-1].operation == "RevokeToken"


async def test_cancelled_while_a_refresh_is_under_way_it_has_closed_the_session() -> None:
    # threat 26
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    let_go = anyio.Event()
    world.wire.before = [let_go.wait]
    async with anyio.create_task_group() as group:
        group.start_soon(ignoring_errors, session.refresh)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01):
            await session.sign_out()
        let_go.set()
    await world.pool.aclose()
    assert [event.reason for event in world.heard(TokensChanged)] == ["sign-in"]
    with pytest.raises(SessionClosed):
        await session.access_token()
    with pytest.raises(SignInRequired):
        session.export_state()


@pytest.mark.parametrize("dies", [False, True], ids=["tokens come", "the refresh token dies"])
async def test_what_comes_too_late_does_not_open_the_session_again(dies: bool) -> None:
    world = World()
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    await session.access_token()
    if dies:
        dead = Refuse("NotAuthorizedException", "Refresh Token has been revoked")
        world.local.faults.add(dead, operation=REFRESH)
    let_go = anyio.Event()
    world.wire.before = [let_go.wait]
    async with anyio.create_task_group() as group:
        group.start_soon(ignoring_errors, session.refresh)
        await anyio.wait_all_tasks_blocked()
        await session.sign_out()  # gives up waiting
        let_go.set()
    await world.pool._services.protected.drain()
    for use in (session.access_token, session.refresh):
        with pytest.raises(SessionClosed):
            await use()
    with pytest.raises(SignInRequired, match="signed out"):
        session.export_state()
    assert world.wire.counts["InitiateAuth"] == 1
    assert [event.reason for event in world.heard(SessionEnded)] == ["signed-out"]


async def test_everywhere_means_everywhere_although_the_access_token_has_expired() -> None:
    """The service takes no expired token: without a refresh other devices stay signed in."""
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    other = await world.pool.sign_in("ana", PASSWORD)
    world.clock.advance(2 * 3600)
    restored = world.another_pool().restore(session.export_state())
    await restored.sign_out(everywhere=True)
    with pytest.raises(SignInRequired):
        await other.refresh()


async def test_a_session_that_is_over_says_so_once() -> None:
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    dead = Refuse("NotAuthorizedException", "Refresh Token has been revoked")
    world.local.faults.add(dead, operation=REFRESH)
    for _ in range(2):
        with pytest.raises(SignInRequired):
            await session.refresh()
    await session.sign_out()
    assert [event.reason for event in world.heard(SessionEnded)] == ["refresh-token-rejected"]


async def test_two_sign_outs_at_once_revoke_once() -> None:
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(session.sign_out)
    assert world.wire.counts["RevokeToken"] == 1
    assert len(world.heard(SessionEnded)) == 1
