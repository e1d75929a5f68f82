"""Turns: who may call next, where calls a second are limited.

There is no task behind it. The first of those who wait sleeps until the next turn and
hands it out, to itself or to somebody who comes first: sign-ins before refreshes, and
among those the one whose token ends first. When it leaves, another takes over.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable
from enum import Enum

import anyio
from attrs import define, field

from aiocognito._clock import Clock
from aiocognito.tokens.quota import Bucket

__all__ = ["Limiter", "Rank"]


class Rank(Enum):
    """In the order in which turns are given."""

    SIGN_IN = 0
    """A person waits."""
    REFRESH_NOW = 1
    """Somebody waits, or will have to any moment."""
    REFRESH_AHEAD = 2
    """Nobody waits. Such calls leave the reserve alone."""


@define(order=True)
class _Waiter:
    """Somebody in the queue; in the order in which turns are given."""

    rank: int
    by: float
    number: int
    granted: bool = field(default=False, order=False)
    gone: bool = field(default=False, order=False)
    event: anyio.Event | None = field(default=None, order=False)

    def wake(self) -> None:
        if self.event is not None:
            self.event.set()


class Limiter:
    """Gives turns for one quota, on one event loop.

    Args:
        bucket: Decides when.
        clock: Where the time comes from.
        sleep: How to wait.
    """

    __slots__ = ("_clock", "_count", "_driver", "_gone", "_queue", "_sleep", "bucket")

    def __init__(
        self, bucket: Bucket, clock: Clock, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self.bucket = bucket
        self._clock = clock
        self._sleep = sleep
        self._queue: list[_Waiter] = []
        self._gone = 0  # those of the queue who do not wait any more
        self._count = 0
        self._driver: _Waiter | None = None

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._queue) - self._gone

    async def turn(self, rank: Rank, *, by: float = float("inf")) -> None:
        """Wait for a turn.

        Cancelling gives the turn to another; nothing is left behind.

        Args:
            rank: Who comes first.
            by: Among equals the smallest comes first.
        """
        self._count += 1
        waiter = _Waiter(rank.value, by, self._count)
        if not self._is_preceded(waiter) and not self._take(rank.value):
            return
        heapq.heappush(self._queue, waiter)
        try:
            await self._wait(waiter)
        except BaseException:
            self._leave(waiter)
            raise
        finally:
            self._hand_over()

    def slow_down(self, retry_after: float | None) -> None:
        """Take note that the service has refused a call because there were too many."""
        self.bucket.slow_down(self._clock.boot(), retry_after)

    async def _wait(self, waiter: _Waiter) -> None:
        while not waiter.granted:
            if self._driver is not None:
                waiter.event = anyio.Event()
                await waiter.event.wait()
                continue
            self._driver = waiter
            try:
                pause = self._grant()
                if not waiter.granted:
                    await self._sleep(pause)
            finally:
                self._driver = None

    def _grant(self) -> float:
        """Give the turns there are; return the seconds until the next."""
        while self._queue:
            first = self._queue[0]
            if first.gone:
                self._gone -= 1
            elif pause := self._take(first.rank):
                return pause
            else:
                first.granted = True
                first.wake()
            heapq.heappop(self._queue)
        return 0.0

    def _leave(self, waiter: _Waiter) -> None:
        if waiter.granted:
            self.bucket.give_back()
            return
        waiter.gone = True
        self._gone += 1
        # Cancelled waiters must not pile up behind one that waits long.
        if self._gone > 32 and 2 * self._gone > len(self._queue):
            self._queue = [other for other in self._queue if not other.gone]
            heapq.heapify(self._queue)
            self._gone = 0

    def _hand_over(self) -> None:
        if self._driver is None:
            while self._queue and self._queue[0].gone:
                heapq.heappop(self._queue)
                self._gone -= 1
            if self._queue:
                self._queue[0].wake()

    def _is_preceded(self, waiter: _Waiter) -> bool:
        return bool(self._queue) and not waiter < self._queue[0]

    def _take(self, rank: int) -> float:
        urgent = rank < Rank.REFRESH_AHEAD.value
        return self.bucket.take(self._clock.boot(), urgent=urgent)
