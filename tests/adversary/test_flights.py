"""Flights that are cancelled from inside, and pools that close under them."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from aiocognito import Session
from aiocognito.errors import LocalProtocolError, RefreshFailed
from aiocognito.flow.calls import Call, Reply
from tests.world import PASSWORD, World


@pytest.mark.parametrize("anyio_backend", [("asyncio", {})], ids=["asyncio"])
async def test_a_source_that_raises_cancellation_is_asked_once(anyio_backend: Any) -> None:
    """A vault client whose own task was cancelled; nobody cancelled us.

    Taken for a cancelled flight, it was flown again, and again, without a pause.
    """
    # threat 26
    world, asked = World(), 0

    async def vault() -> str:
        nonlocal asked
        asked += 1
        if asked > 20:
            raise RuntimeError("asked for ever")
        raise asyncio.CancelledError

    session = world.pool.session("ana", password=vault)
    caught: list[BaseException] = []

    async def ask() -> None:
        with pytest.raises(RefreshFailed) as info:
            await session.access_token()
        caught.append(info.value)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(ask)
    assert asked == 1
    assert len(caught) == 5


async def test_closing_the_pool_waits_for_a_refresh_that_rotates() -> None:
    """On Trio no task carries it, and its connection was closed under it."""
    # threats 25, 26
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    world.pool._own_transport = True  # closed with the pool
    answering, answered_to_open_wire = anyio.Event(), []
    real = world.wire._inner.send

    async def slowly(call: Call) -> Reply:
        reply = await real(call)  # rotated from here on
        answering.set()
        await anyio.sleep(0.05)
        answered_to_open_wire.append(world.wire.closed == 0)
        return reply

    world.wire._inner.send = slowly  # type: ignore[method-assign]
    async with anyio.create_task_group() as group:
        group.start_soon(session.refresh)
        await answering.wait()
        await world.pool.aclose()
    assert answered_to_open_wire == [True]
    assert world.wire.closed == 1
    assert await world.another_pool().restore(session.export_state()).access_token()


def test_what_a_dead_loop_left_under_way_is_waited_for_by_nobody() -> None:
    """An event loop that was abandoned in the middle of a refresh, then another one."""
    world = World()
    world.add_user()
    world.wire.before = []

    async def abandon() -> Session:
        session = await world.pool.sign_in("ana", PASSWORD)
        world.clock.advance(3601)
        world.wire.before = [anyio.sleep_forever]
        with anyio.move_on_after(0.01):
            await session.access_token()
        return session

    async def use(session: Session) -> None:
        with anyio.fail_after(5):
            with pytest.raises(LocalProtocolError, match="another event loop"):
                await session.access_token()
            await session.sign_out()
            await world.pool.aclose()

    first = asyncio.new_event_loop()
    session = first.run_until_complete(abandon())
    try:
        asyncio.run(use(session))
    finally:
        for task in asyncio.all_tasks(first):
            task.cancel()
        first.run_until_complete(asyncio.sleep(0.01))
        first.close()
