"""Made once, in a worker thread, whoever is cancelled; and for one event loop."""

from __future__ import annotations

import threading
from itertools import groupby

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from aiocognito.errors import LocalProtocolError
from aiocognito.transport._exchange import Limits
from aiocognito.transport._link import Link, Once

LIMITS = Limits(connect_timeout=1, read_timeout=1, max_response_bytes=1000, max_connections=2)


class Factory:
    """Counts, waits for a gate, and fails on demand."""

    def __init__(self, *, open_gate: bool = True, failures: int = 0) -> None:
        self.calls = 0
        self.failures = failures
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.started = threading.Event()
        if open_gate:
            self.gate.set()

    def __call__(self) -> str:
        self.calls += 1
        self.threads.add(threading.get_ident())
        self.started.set()
        assert self.gate.wait(10)
        if self.calls <= self.failures:
            raise OSError("no")
        return f"value {self.calls}"


async def started(factory: Factory) -> None:
    await anyio.to_thread.run_sync(factory.started.wait, 10)


async def test_many_callers_share_one_making() -> None:
    factory = Factory(open_gate=False)
    once = Once(factory)
    values: list[str] = []

    async def ask() -> None:
        values.append(await once.get())

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(ask)
        await started(factory)
        factory.gate.set()
    assert values == ["value 1"] * 50
    assert factory.threads.isdisjoint({threading.get_ident()})


async def test_those_who_waited_go_on_one_after_the_other() -> None:
    """The event loop gets to others between two of them."""
    factory = Factory(open_gate=False)
    once = Once(factory)
    happened: list[str] = []

    async def ask() -> None:
        await once.get()
        happened.append("asked")

    async def something_else() -> None:
        while happened.count("asked") < 50:
            happened.append("else")
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(ask)
        await started(factory)
        tasks.start_soon(something_else)
        factory.gate.set()
    together = max(len(list(run)) for kind, run in groupby(happened) if kind == "asked")
    assert together <= 3


async def test_those_who_wait_may_be_cancelled() -> None:
    # threat 26
    factory = Factory(open_gate=False)
    once = Once(factory)
    values: list[str] = []
    scopes = [anyio.CancelScope() for _ in range(20)]

    async def ask(scope: anyio.CancelScope) -> None:
        with scope:
            values.append(await once.get())

    async with anyio.create_task_group() as tasks:
        for scope in scopes:
            tasks.start_soon(ask, scope)
        await started(factory)
        for scope in scopes[1::2]:
            scope.cancel()
        factory.gate.set()
    assert values == ["value 1"] * 10


async def test_the_making_survives_the_caller_who_began_it() -> None:
    # threat 26
    factory = Factory(open_gate=False)
    once = Once(factory)
    values: list[str] = []

    async def ask() -> None:
        values.append(await once.get())

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as leader:
            async with anyio.create_task_group() as inner:
                inner.start_soon(ask)
                await started(factory)
                tasks.start_soon(ask)
                await anyio.lowlevel.checkpoint()
                leader.cancel()
        factory.gate.set()
    assert values == ["value 1"]
    assert await once.get() == "value 1"
    assert factory.calls == 1


async def test_an_error_is_shared_and_the_next_caller_tries_again() -> None:
    factory = Factory(open_gate=False, failures=1)
    once = Once(factory)
    errors: list[OSError] = []

    async def ask() -> None:
        try:
            await once.get()
        except OSError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(ask)
        await started(factory)
        await anyio.lowlevel.checkpoint()
        factory.gate.set()
    assert len(errors) == 10
    assert len({id(error) for error in errors}) == 10
    assert factory.calls == 1
    assert await once.get() == "value 2"


async def test_a_link_opens_once_and_again_after_closing() -> None:
    link = Link(LIMITS)
    first = await link.exchange()
    assert await link.exchange() is first
    await link.aclose()
    await link.aclose()
    second = await link.exchange()
    assert second is not first
    await link.aclose()


async def test_closing_while_it_opens_leaves_nothing_open() -> None:
    link = Link(LIMITS)
    outcome: list[object] = []

    async def ask() -> None:
        try:
            outcome.append(await link.exchange())
        except LocalProtocolError as error:
            outcome.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        while link._backend is None or link._backend._flight is None:
            await anyio.lowlevel.checkpoint()
        await link.aclose()
    assert isinstance(outcome[0], LocalProtocolError)


async def test_another_event_loop_is_told_so() -> None:
    link = Link(LIMITS)
    await link.exchange()

    def elsewhere() -> None:
        async def use() -> None:
            with pytest.raises(LocalProtocolError, match="another event loop"):
                await link.exchange()
            with pytest.raises(LocalProtocolError, match="another event loop"):
                await link.aclose()

        anyio.run(use)

    await anyio.to_thread.run_sync(elsewhere)
    await link.aclose()


@pytest.mark.parametrize("backends", [("asyncio", "asyncio"), ("asyncio", "trio")])
def test_a_closed_link_may_move_to_another_loop(backends: tuple[str, str]) -> None:
    pytest.importorskip(backends[1])
    link = Link(LIMITS)

    async def use() -> str:
        name = type(await link.exchange()).__name__
        await link.aclose()
        return name

    expected = {"asyncio": "AiohttpExchange", "trio": "Httpx2Exchange"}
    for backend in backends:
        assert anyio.run(use, backend=backend) == expected[backend]
