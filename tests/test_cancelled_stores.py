"""Cancelled at every point between service and store, nothing is lost. # threat 26

The pool rotates refresh tokens without a grace period, so an answer that never reaches
the store would end the session for whoever reads it next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito import Fleet, Password, Session
from aiocognito.errors import SessionClosed

from .test_cancellation import cancel_after, natively_cancel_after
from .test_stored_sessions import REFRESH, Stored
from .world import PASSWORD

POINTS = range(40)
ALONE: dict[str, Any] = {}
SHARED = {"fleet": Fleet(allow_unrecoverable=True)}

BOTH = pytest.mark.parametrize("options", [ALONE, SHARED], ids=["alone", "shared"])


class NoGrace(Stored):
    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(
            rotation=True,
            rotation_grace=0,
            explicit_auth_flows=["ALLOW_USER_PASSWORD_AUTH"],
        )
        self.options = options
        self.pool = self.another_pool()

    def session(self) -> Session:
        session: Session = self.pool.session("ana")
        return session

    async def is_sound(self, session: Session) -> None:
        """The session goes on, and so does another process when its pool is closed."""
        with anyio.fail_after(10):
            assert await session.access_token()
            await session._renewal.settle()
            await self.pool.aclose()
            self.clock.advance(3601)
            successor = self.another_pool().session("ana")
            assert await successor.access_token()
            assert not self.store._leases


async def slowly() -> None:
    for _ in range(30):
        await anyio.lowlevel.checkpoint()


async def used(session: Session) -> None:
    with suppress(SessionClosed):
        await session.access_token()


async def refreshing(
    world: NoGrace, session: Session, points: int, cancel: Callable[..., Awaitable[bool]]
) -> bool:
    world.clock.advance(3601)
    return await cancel(points, session.access_token)


@BOTH
async def test_a_refresh_and_its_commit_survive_their_cancelled_caller(
    options: dict[str, Any],
) -> None:
    missed = 0
    for points in POINTS:
        world = NoGrace(options)
        await world.another_pool().sign_in("ana", PASSWORD, flow=Password())
        session = world.session()
        await session.access_token()
        missed += not await refreshing(world, session, points, cancel_after)
        await world.is_sound(session)
        assert world.wire.counts["InitiateAuth"] == 1
    assert missed, "more points, or the last of them are not tried"


@pytest.mark.parametrize("anyio_backend", [("asyncio", {})], ids=["asyncio"])
@BOTH
async def test_a_refresh_and_its_commit_survive_task_cancel(
    options: dict[str, Any], anyio_backend: Any
) -> None:
    missed = 0
    for points in POINTS:
        world = NoGrace(options)
        await world.another_pool().sign_in("ana", PASSWORD, flow=Password())
        session = world.session()
        await session.access_token()
        missed += not await refreshing(world, session, points, natively_cancel_after)
        await world.is_sound(session)
        assert world.wire.counts["InitiateAuth"] == 1
    assert missed


@BOTH
async def test_loading_can_be_cancelled_and_done_again(options: dict[str, Any]) -> None:
    missed = 0
    for points in range(20):
        world = NoGrace(options)
        await world.another_pool().sign_in("ana", PASSWORD, flow=Password())
        session = world.session()
        missed += not await cancel_after(points, session.access_token)
        assert await session.access_token()
        assert REFRESH not in world.wire.counts
        await world.is_sound(session)
    assert missed


@BOTH
async def test_signing_out_while_it_is_cancelled_leaves_no_entry(options: dict[str, Any]) -> None:
    for points in range(30):
        world = NoGrace(options)
        await world.another_pool().sign_in("ana", PASSWORD, flow=Password())
        session = world.session()
        await session.access_token()
        if not await cancel_after(points, session.sign_out):
            assert world.entry() is None
            break
        if session._keeper.end == "signed-out":
            assert world.entry() is None
    else:
        pytest.fail("more points")


@BOTH
async def test_a_sign_out_cancelled_while_a_refresh_is_stored_leaves_no_entry(
    options: dict[str, Any],
) -> None:
    for points in POINTS:
        world = NoGrace(options)
        await world.another_pool().sign_in("ana", PASSWORD, flow=Password())
        session = world.session()
        await session.access_token()
        world.clock.advance(3601)
        world.store.before["commit"] = slowly
        async with anyio.create_task_group() as group:
            group.start_soon(used, session)
            for _ in range(points):
                await anyio.lowlevel.checkpoint()
            await cancel_after(3, session.sign_out)
        await world.pool.aclose()
        assert session._keeper.end == "signed-out"
        assert world.entry() is None, points


@BOTH
async def test_closing_the_pool_during_a_refresh_leaves_the_store_up_to_date(
    options: dict[str, Any],
) -> None:
    # threat 27
    for points in POINTS:
        world = NoGrace(options)
        await world.another_pool().sign_in("ana", PASSWORD, flow=Password())
        session = world.session()
        await session.access_token()
        world.clock.advance(3601)
        async with anyio.create_task_group() as group:
            group.start_soon(used, session)
            for _ in range(points):
                await anyio.lowlevel.checkpoint()
            with anyio.fail_after(10):
                await world.pool.aclose()
            group.cancel_scope.cancel()
        successor = world.another_pool().session("ana")
        assert await successor.access_token()
        assert world.wire.counts["InitiateAuth"] == 1
