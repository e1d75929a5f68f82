"""Cancelled anywhere, interrupted or left behind: a scheduler loses no session.

The pool rotates refresh tokens without a grace period: an answer that is dropped once
ends the session for good. # threats 26 and 27
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
import tracemalloc
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito import Scheduler, Session

from .soak import runs
from .test_cancellation import cancel_after, is_sound, natively_cancel_after
from .world import PASSWORD, World

POINTS = range(24)
ASYNCIO = pytest.mark.parametrize("anyio_backend", [("asyncio", {})], ids=["asyncio"])


class Due:
    """A session whose time has come, and a scheduler that has not begun."""

    def __init__(self, minutes: float = 50.0) -> None:
        self.world = World(rotation=True)
        self.world.add_user()
        self.scheduler = Scheduler(clock=self.world.clock)
        self.pool = self.world.another_pool(scheduler=self.scheduler)
        self.world.pool = self.pool
        self.minutes = minutes

    async def session(self) -> Session:
        session = await self.pool.sign_in("ana", PASSWORD)
        self.world.clock.advance(self.minutes * 60)
        return session


@pytest.mark.parametrize("points", POINTS)
async def test_a_scheduler_cancelled_in_its_task_group(points: int) -> None:
    due = Due()
    session = await due.session()
    await cancel_after(points, due.scheduler.run)
    assert not due.scheduler.is_running
    await is_sound(due.world, session)


@ASYNCIO
@pytest.mark.parametrize("points", POINTS)
async def test_a_scheduler_cancelled_as_a_task(points: int, anyio_backend: Any) -> None:
    due = Due()
    session = await due.session()
    await natively_cancel_after(points, due.scheduler.run)
    await is_sound(due.world, session)


@pytest.mark.parametrize("points", POINTS)
async def test_callers_who_wait_when_the_scheduler_is_cancelled(points: int) -> None:
    due = Due(minutes=61)
    session = await due.session()
    served: list[str] = []

    async def ask() -> None:
        served.append(await session.access_token())

    async def run_it() -> None:
        async with due.scheduler:
            for _ in range(5):
                waiters.start_soon(ask)
            await anyio.sleep_forever()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as waiters:
            await cancel_after(points, run_it)
    assert len(served) in (0, 5)
    await is_sound(due.world, session)


@pytest.mark.parametrize("points", POINTS)
async def test_callers_cancelled_while_the_scheduler_runs(points: int) -> None:
    due = Due(minutes=61)
    session = await due.session()
    async with due.scheduler:
        await cancel_after(points, session.access_token)
        with anyio.fail_after(10):
            assert await session.access_token()
        await is_sound(due.world, session)


@pytest.mark.parametrize("points", range(0, 24, 3))
async def test_a_pool_closed_while_the_scheduler_refreshes(points: int) -> None:
    due = Due()
    session = await due.session()
    async with due.scheduler:
        for _ in range(points):
            await anyio.lowlevel.checkpoint()
        await due.pool.aclose()
        kept = session.export_state()
    again = due.world.another_pool().restore(kept)
    assert await again.access_token()


# --- the end of the loop -----------------------------------------------------------------

PROGRAM = """
import sys, anyio
from aiocognito import Scheduler, UserPool
from aiocognito.testing import LocalCognito

local = LocalCognito(rotation=True, access_token_validity=4, id_token_validity=4)
local.add_user("ana", "Correct-Horse-9!")
inner = local.transport()
kept = []

class Slow:
    async def send(self, call):
        reply = await inner.send(call)
        if call.operation == "GetTokensFromRefreshToken":
            print("on the wire", flush=True)
            await anyio.sleep(1.0)
        return reply
    async def aclose(self): ...

def pool(**options):
    return UserPool(local.user_pool_id, local.client_id, http=local.http_client(), **options)

async def main():
    async with pool(transport=Slow(), scheduler=SCHEDULER) as p:
        session = await p.sign_in("ana", "Correct-Horse-9!")
        try:
            USE
        finally:
            kept.append(session)

async def check():
    async with pool(transport=inner) as p:
        assert await p.restore(kept[0].export_state()).access_token()
    print("alive", flush=True)

try:
    anyio.run(main, backend=sys.argv[1])
except* KeyboardInterrupt:
    print("interrupted", flush=True)
anyio.run(check, backend=sys.argv[1])
"""

# In a task of its own: Trio raises KeyboardInterrupt in the main task wherever it waits,
# in a shield too, and a refresh that this very task carries is torn.
ON_DEMAND = """
            async with anyio.create_task_group() as group:
                group.start_soon(session.refresh)
"""
BY_SCHEDULER = """
            async with s:
                while True:
                    await session.access_token()
                    await anyio.sleep(0.05)
"""


def program(use: str, scheduler: str) -> str:
    text = PROGRAM.replace("            USE", use.strip("\n"))
    return "from aiocognito import Scheduler\ns = Scheduler()\n" + text.replace(
        "SCHEDULER", scheduler
    )


def backends() -> list[str]:
    return ["asyncio", "trio"] if importlib.util.find_spec("trio") else ["asyncio"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", backends())
@pytest.mark.parametrize("use", ["on-demand", "scheduler"])
def test_ctrl_c_during_a_refresh_loses_no_session(backend: str, use: str) -> None:
    # threat 27
    text = program(ON_DEMAND, "None") if use == "on-demand" else program(BY_SCHEDULER, "s")
    with subprocess.Popen(
        [sys.executable, "-c", text, backend],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on the wire\n"
        time.sleep(0.2)  # both wait: Trio would raise it in whatever code runs
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    assert "interrupted" in out, err
    assert "alive" in out, err


LEFT_BEHIND = """
import anyio
from aiocognito import Scheduler, UserPool
from aiocognito.testing import LocalCognito

local = LocalCognito()
local.add_user("ana", "Correct-Horse-9!")

async def main():
    scheduler = Scheduler()
    scheduler.start()
    pool = UserPool(local.user_pool_id, local.client_id, http=local.http_client(),
                    transport=local.transport(), scheduler=scheduler)
    session = await pool.sign_in("ana", "Correct-Horse-9!")
    await session.access_token()
    await anyio.sleep(0.01)
    print(scheduler)

anyio.run(main)
"""


@pytest.mark.slow
def test_a_scheduler_left_behind_ends_with_the_loop_in_silence() -> None:
    # threat 27: a notebook's kernel is shut down, and nobody closed anything
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(LEFT_BEHIND)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert "running" in done.stdout
    assert done.stderr == ""


@ASYNCIO
async def test_another_loop_takes_over_what_one_left_behind(anyio_backend: Any) -> None:
    due = Due()
    session = await due.session()
    loop = asyncio.new_event_loop()
    ran: list[bool] = []

    async def elsewhere() -> None:
        async with due.scheduler:
            ran.append(due.scheduler.is_running)

    def run_it() -> None:
        loop.run_until_complete(elsewhere())
        loop.close()

    await anyio.to_thread.run_sync(run_it)
    assert ran == [True]
    assert await session.access_token()


# --- memory ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(runs(short=60, long=7200))
async def test_cancelled_waiters_and_dropped_sessions_leave_nothing_behind() -> None:
    # threat 35
    due = Due()
    state = (await due.session()).export_state()
    due.world.local = None  # type: ignore[assignment]
    held: list[int] = []
    rounds = runs(short=12, long=10_000)
    async with due.scheduler:
        for number in range(rounds):
            await some_trouble(due, state)
            due.world.wire.sent.clear()
            due.world.events.clear()
            if number == rounds // 3:
                gc.collect()
                tracemalloc.start()
                held.append(tracemalloc.get_traced_memory()[0])
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert due.scheduler._crew.agenda.entries <= 130
    assert len(due.pool._roster.members) <= 2
    assert held[1] - held[0] < 150_000


async def some_trouble(due: Due, state: bytes) -> None:
    """A session that expires, twenty who wait for it and go, and nobody who keeps it."""
    session = due.pool.restore(state)
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(wait_and_go, session)


async def wait_and_go(session: Session) -> None:
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(session.access_token)
            await anyio.lowlevel.checkpoint()
            scope.cancel()
