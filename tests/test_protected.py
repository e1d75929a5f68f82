"""`Protected`: work ends although the caller who started it is cancelled."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito._protected import Protected, on_asyncio

ASYNCIO = pytest.mark.parametrize("anyio_backend", [("asyncio", {})], ids=["asyncio"])


class Work:
    """Some suspension points, then done."""

    def __init__(self, steps: int = 3) -> None:
        self.steps = steps
        self.done = False

    async def __call__(self) -> None:
        for _ in range(self.steps):
            await anyio.lowlevel.checkpoint()
        self.done = True


async def test_run_returns_when_the_work_is_done() -> None:
    work = Work()
    await Protected().run(work)
    assert work.done


async def test_the_caller_knows_which_loop_runs(anyio_backend_name: str) -> None:
    assert on_asyncio() is (anyio_backend_name == "asyncio")


def test_no_loop_at_all_is_not_asyncio() -> None:
    assert not on_asyncio()


async def test_start_does_not_wait_and_drain_does() -> None:
    protected, work = Protected(), Work()
    started = protected.start(work)
    assert started is on_asyncio()
    assert not work.done
    await protected.drain()
    assert work.done is started


async def test_drain_without_work_returns_at_once() -> None:
    await Protected().drain()


async def test_a_cancelled_caller_leaves_and_asyncio_ends_the_work() -> None:
    # threat 26
    protected, work = Protected(), Work()

    async def work_that_cancels_its_caller() -> None:
        scope.cancel()
        await work()

    with anyio.CancelScope() as scope:
        await protected.run(work_that_cancels_its_caller)
        await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert not work.done
    await protected.drain()
    assert work.done is on_asyncio()


@ASYNCIO
async def test_task_cancel_and_asyncio_timeout_do_not_reach_the_work() -> None:
    # threat 26
    protected, first, second = Protected(), Work(), Work()
    task = asyncio.ensure_future(protected.run(first))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await protected.run(second)
    await protected.drain()
    assert first.done
    assert second.done


@ASYNCIO
async def test_work_that_does_not_end_is_cancelled_after_the_grace() -> None:
    protected, cancelled = Protected(), []

    async def forever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.append(True)

    protected.start(forever)
    await protected.drain(grace=0.01)
    assert cancelled == [True]
    assert protected._tasks == set()


@ASYNCIO
async def test_breakable_work_that_begins_while_all_is_closing_is_not_waited_for() -> None:
    # threat 27
    protected, reached = Protected(), []

    async def ask_a_person() -> None:
        with protected.breakable():
            reached.append("asked")
            await anyio.sleep_forever()
        reached.append("broken")

    protected.start(ask_a_person)  # the task has not had its first turn
    with anyio.fail_after(5):
        await protected.drain(grace=60)
    assert reached == ["asked", "broken"]


@ASYNCIO
async def test_cancelled_work_does_not_cancel_its_caller() -> None:
    """A bare CancelledError out of nothing would end a task that nobody cancelled."""
    protected = Protected()
    task = asyncio.ensure_future(protected.run(lambda: asyncio.sleep(3600)))
    await asyncio.sleep(0)
    await protected.drain(grace=0.01)
    assert await task is None


@ASYNCIO
async def test_an_error_of_the_work_is_dropped_without_a_complaint() -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async def fail() -> None:
        raise LookupError("reported elsewhere")

    protected = Protected()
    await protected.run(fail)
    protected.start(fail)
    await protected.drain()
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
