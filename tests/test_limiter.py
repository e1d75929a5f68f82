"""Turns are given in order, to those who still wait, and leave nothing behind."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest

from aiocognito._limiter import Limiter, Rank
from aiocognito.tokens.quota import Bucket

from .soak import runs
from .virtual import VIRTUAL, VirtualClock, backend

pytestmark = VIRTUAL


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return backend(request.param)


def limiter(quota: float = 1.25, reserve: float = 0.0) -> Limiter:
    """One turn a second, and one at once."""
    return Limiter(Bucket(quota=quota, reserve=reserve), VirtualClock(), anyio.sleep)


async def test_without_a_queue_a_turn_is_taken_at_once() -> None:
    turns = limiter()
    with pytest.raises(StopIteration):
        turns.turn(Rank.REFRESH_AHEAD).send(None)
    assert turns.waiting == 0


async def test_sign_ins_come_first_then_the_token_that_ends_first() -> None:
    turns, order = limiter(), []

    async def wait(name: str, rank: Rank, by: float) -> None:
        await turns.turn(rank, by=by)
        order.append((name, round(anyio.current_time() - began)))

    await turns.turn(Rank.SIGN_IN)
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        group.start_soon(wait, "ahead", Rank.REFRESH_AHEAD, 1.0)
        group.start_soon(wait, "later", Rank.REFRESH_NOW, 9.0)
        group.start_soon(wait, "sooner", Rank.REFRESH_NOW, 5.0)
        await anyio.sleep(0.1)
        group.start_soon(wait, "person", Rank.SIGN_IN, 99.0)
    assert order == [("person", 1), ("sooner", 2), ("later", 3), ("ahead", 4)]


@pytest.mark.parametrize("leaver", range(5))
async def test_a_cancelled_waiter_leaves_its_turn_to_the_next(leaver: int) -> None:
    # threats 26 and 35
    turns, served = limiter(), []
    await turns.turn(Rank.SIGN_IN)
    scopes = [anyio.CancelScope() for _ in range(5)]

    async def wait(number: int) -> None:
        with scopes[number]:
            await turns.turn(Rank.REFRESH_NOW, by=float(number))
            served.append(number)

    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(wait, number)
        await anyio.sleep(0.5)
        scopes[leaver].cancel()
    assert served == [number for number in range(5) if number != leaver]
    assert anyio.current_time() - began == pytest.approx(4.0, abs=0.01)
    assert (turns.waiting, turns._queue, turns._driver) == (0, [], None)


async def test_a_turn_granted_to_somebody_who_leaves_is_not_lost() -> None:
    turns = limiter()
    await turns.turn(Rank.SIGN_IN)
    scope = anyio.CancelScope()

    async def wait() -> None:
        with scope:
            await turns.turn(Rank.SIGN_IN)

    async def lead() -> None:
        await turns.turn(Rank.REFRESH_NOW, by=0.0)
        scope.cancel()  # both were granted: the follower has not run since

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        group.start_soon(wait)
    assert turns.waiting == 0


@pytest.mark.slow  # in its long form
async def test_cancelled_waiters_do_not_pile_up() -> None:
    # threat 35
    turns = limiter(quota=1e-6)
    await turns.turn(Rank.SIGN_IN)
    longest = 0
    async with anyio.create_task_group() as group:
        group.start_soon(turns.turn, Rank.SIGN_IN)
        for _ in range(runs(short=500, long=1_000_000)):
            with anyio.move_on_after(0.01):
                await turns.turn(Rank.REFRESH_AHEAD)
            longest = max(longest, len(turns._queue))
        assert turns.waiting == 1
        group.cancel_scope.cancel()
    assert longest <= 67


@pytest.mark.slow  # in its long form
async def test_random_comings_and_goings_lose_no_turn() -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    turns, granted = limiter(quota=125.0, reserve=0.3), 0

    async def wait(patience: float, rank: Rank) -> None:
        nonlocal granted
        with anyio.move_on_after(patience):
            await turns.turn(rank, by=chance.random())
            granted += 1

    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        for _ in range(runs(short=600, long=100_000)):
            group.start_soon(wait, chance.choice([0.5, 2.0, 1e6]), chance.choice(list(Rank)))
            if chance.random() < 0.1:
                await anyio.sleep(chance.random() / 10)
    took = anyio.current_time() - began
    assert (turns.waiting, turns._driver) == (0, None)
    assert granted <= 25 + 100 * took + 1
    # Nobody waited while a turn was there: the last of them went at the full rate.
    assert granted >= 100 * (took - 0.5)
