"""A client and a local Cognito in one process, on one clock that the test moves."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio.lowlevel

from aiocognito import UserPool
from aiocognito.events import Event
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import LocalCognito, ManualClock
from aiocognito.transport.base import HttpReply, Transport

PASSWORD = "Correct-Horse-9!"


class SleepingClock(ManualClock):
    """Sleeping moves it: nothing sleeps for real."""

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.advance(max(0.0, seconds))


class Wire:
    """Counts what passes between client and service, and can stop it."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.sent: list[Call] = []
        self.before: list[Any] = []
        self.closed = 0

    @property
    def counts(self) -> Counter[str]:
        return Counter(call.operation for call in self.sent)

    async def send(self, call: Call) -> Reply:
        self.sent.append(call)
        if self.before:
            await self.before.pop(0)()
        return await self._inner.send(call)

    async def aclose(self) -> None:
        self.closed += 1


class Keys:
    """The pool's key set, countable and removable."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.fetched = 0
        self.failing: Exception | None = None

    async def get(self, url: str) -> HttpReply:
        self.fetched += 1
        if self.failing is not None:
            raise self.failing
        reply: HttpReply = await self._inner.get(url)
        return reply

    async def aclose(self) -> None:
        return None


class World:
    """`local` is the service, `pool` the client; `events` is what an observer heard."""

    def __init__(self, *, pool_options: dict[str, Any] | None = None, **local_options: Any) -> None:
        self.clock = self.clocks()
        self.local = LocalCognito(clock=self.clock, **local_options)
        self.events: list[Event] = []
        self.wire = Wire(self.local.transport())
        self.keys = Keys(self.local.http_client())
        self.options = pool_options or {}
        self.pool = self.another_pool()

    def clocks(self) -> SleepingClock:
        """Make the clock of this world."""
        return SleepingClock()

    def another_pool(self, **changes: Any) -> UserPool:
        """A client of the same service, as another process would have."""
        given: dict[str, Any] = {
            "client_secret": self.local.client_secret,
            "transport": self.wire,
            "http": self.keys,
            "clock": self.clock,
            "observer": self.events.append,
            **self.options,
            **changes,
        }
        return UserPool(self.local.user_pool_id, self.local.client_id, **given)

    def add_user(self, name: str = "ana", **options: Any) -> None:
        self.local.add_user(name, PASSWORD, **options)

    def heard(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
