"""Cancelled at every point of a sign-in and of a refresh, nothing is lost or stuck.

The pool rotates refresh tokens without a grace period: an answer that is dropped once
ends the session for good. # threat 26
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito import Answer, Challenge, Session, SoftwareTokenMfa, responders
from aiocognito.errors import CognitoError, LocalProtocolError, SessionClosed

from .world import PASSWORD, World

POINTS = range(24)


async def cancel_after(points: int, work: Callable[[], Awaitable[Any]]) -> bool:
    """Run work and cancel it after so many turns of the loop; say whether it was hit."""
    hit = True
    async with anyio.create_task_group() as group:

        async def run() -> None:
            nonlocal hit
            await work()
            hit = False
            group.cancel_scope.cancel()

        group.start_soon(run)
        for _ in range(points):
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    return hit


async def natively_cancel_after(points: int, work: Callable[[], Awaitable[Any]]) -> bool:
    """The same with `task.cancel()`, which passes anyio's shields."""
    task = asyncio.ensure_future(work())
    for _ in range(points):
        await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


async def is_sound(world: World, session: Session) -> None:
    """Somebody else gets a token, and the kept refresh token is the live one."""
    with anyio.fail_after(5):
        assert await session.access_token()
        await session._renewal.settle()
        await session.refresh()
        again = world.another_pool().restore(session.export_state())
        assert await again.access_token()
        await world.pool.aclose()


@pytest.mark.parametrize("points", POINTS)
async def test_a_refresh_survives_its_cancelled_caller(points: int) -> None:
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    world.clock.advance(3601)
    await cancel_after(points, session.access_token)
    await is_sound(world, session)


@pytest.mark.parametrize("points", POINTS)
async def test_an_early_refresh_survives_its_cancelled_caller(points: int) -> None:
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    world.clock.advance(50 * 60)
    await cancel_after(points, session.access_token)
    await is_sound(world, session)


@pytest.mark.parametrize("anyio_backend", [("asyncio", {})], ids=["asyncio"])
@pytest.mark.parametrize("points", POINTS)
async def test_a_refresh_survives_task_cancel(points: int, anyio_backend: Any) -> None:
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    world.clock.advance(3601)
    await natively_cancel_after(points, session.access_token)
    await is_sound(world, session)


@pytest.mark.parametrize("anyio_backend", [("asyncio", {})], ids=["asyncio"])
async def test_a_refresh_survives_asyncio_timeout(anyio_backend: Any) -> None:
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    world.clock.advance(3601)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await session.access_token()
    await is_sound(world, session)


@pytest.mark.parametrize("points", POINTS)
async def test_waiters_are_served_when_the_leader_is_cancelled(points: int) -> None:
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    world.clock.advance(3601)
    served: list[str] = []

    async def wait_for_it() -> None:
        served.append(await session.access_token())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as waiters:
            await cancel_after_with_waiters(points, session, waiters, wait_for_it)
    assert len(served) == 5
    await is_sound(world, session)


async def cancel_after_with_waiters(
    points: int, session: Session, waiters: Any, wait_for_it: Callable[[], Awaitable[None]]
) -> None:
    async def lead() -> None:
        for _ in range(5):
            waiters.start_soon(wait_for_it)
        await session.access_token()

    await cancel_after(points, lead)


@pytest.mark.parametrize("points", range(0, 60, 3))
async def test_a_service_identity_survives_a_cancelled_sign_in(points: int) -> None:
    world = World(rotation=True)
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    await cancel_after(points, session.access_token)
    await is_sound(world, session)


@pytest.mark.parametrize("points", range(0, 60, 3))
async def test_a_cancelled_sign_in_leaves_nothing_behind(points: int) -> None:
    world = World()
    world.local.add_user("ana", PASSWORD, totp="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    answer = responders.totp("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", clock=world.clock)

    async def sign_in() -> None:
        await world.pool.sign_in("ana", PASSWORD, respond=answer)

    with anyio.fail_after(10):
        await cancel_after(points, sign_in)
        session = await world.pool.sign_in("ana", PASSWORD, respond=answer)
        assert await session.access_token()
        await world.pool.aclose()


async def test_a_cancelled_answer_can_be_given_again_elsewhere() -> None:
    world = World()
    world.local.add_user("ana", PASSWORD, totp=True)
    login = world.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, SoftwareTokenMfa)
    answer = step.answer(world.local.totp_code("ana"))

    async def hang() -> None:
        await anyio.sleep_forever()

    world.wire.before = [hang]
    with anyio.move_on_after(0.01):
        await login.send(answer)
    with pytest.raises(LocalProtocolError):
        await login.send(answer)
    assert type(await world.pool.resume(answer)).__name__ == "SignedIn"


async def test_closing_the_pool_waits_for_a_refresh_under_way() -> None:
    world = World(rotation=True)
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    state = session.export_state()
    world.clock.advance(3601)
    await cancel_after(3, session.access_token)
    await world.pool.aclose()
    kept = session.export_state()
    if world.wire.counts["GetTokensFromRefreshToken"]:
        assert kept != state
    assert await world.another_pool().restore(kept).access_token()


async def test_closing_the_pool_does_not_wait_for_a_person() -> None:
    world = World()
    world.add_user(totp=True)
    asked = anyio.Event()
    outcome: list[Exception] = []

    async def respond(challenge: Challenge) -> Answer | None:
        asked.set()
        await anyio.sleep_forever()
        return None

    session = world.pool.session("ana", password=PASSWORD, respond=respond)

    async def use() -> None:
        try:
            await session.access_token()
        except CognitoError as error:
            outcome.append(error)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(use)
            await asked.wait()
            await world.pool.aclose()
    assert [type(error) for error in outcome] == [SessionClosed]


async def test_a_cancelled_sign_out_has_closed_the_session() -> None:
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)

    async def hang() -> None:
        await anyio.sleep_forever()

    world.wire.before = [hang]
    with anyio.move_on_after(0.01):
        await session.sign_out()
    with pytest.raises(CognitoError, match="closed"):
        await session.access_token()
