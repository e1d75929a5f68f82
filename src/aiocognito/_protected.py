"""Work that has to finish although the caller who started it is cancelled.

A refresh that is on the wire may already have rotated the refresh token. If the
answer is dropped because somebody's timeout fired, the session is lost. So such
work runs where the caller's cancellation cannot reach it.

An anyio shield is not enough on asyncio: ``task.cancel()`` and ``asyncio.timeout``
go straight through it. There the work gets a task of its own, remembered here and
awaited on `drain`. Trio has no tasks without a nursery, and no cancellation that
passes a shield, so there the caller does the work itself, and the work shields the
part of it that must not be torn (``anyio.CancelScope(shield=True)``, always with a
deadline). See docs/decisions/protected-refresh.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakSet

import anyio

__all__ = ["Protected", "cancelled_itself", "on_asyncio"]

Work = Callable[[], Awaitable[None]]


class Protected:
    """Starts work that nobody's cancellation ends, and waits for it when asked.

    The work must report its result and its errors by itself (a flight record): an
    exception that leaves it is dropped.
    """

    __slots__ = ("_breakable", "_carried", "_drains", "_idle", "_tasks")

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._carried = 0  # works that their callers do themselves
        self._idle: anyio.Event | None = None
        self._breakable: WeakSet[anyio.CancelScope] = WeakSet()
        self._drains = 0

    @property
    def is_busy(self) -> bool:
        """Whether work that was started here is under way."""
        return bool(self._tasks) or bool(self._carried)

    def breakable(self) -> anyio.CancelScope:
        """Return a scope for the part of the work that may be torn when all is closed.

        A sign-in may wait for a person or for the next TOTP code, and nothing is lost
        with it. `drain` cancels the scope; what comes after it decides what that means.
        """
        scope = anyio.CancelScope()
        self._breakable.add(scope)
        if self._drains:  # the work came to its breakable part when all was closing already
            scope.cancel()
        return scope

    async def run(self, work: Work) -> None:
        """Run work to its end.

        On asyncio a cancelled caller leaves at once and the work goes on. On Trio the
        cancellation reaches the work, which ends at its next unshielded wait.
        """
        if on_asyncio():
            # Not `shield`: a task that `drain` cancels would cancel its caller too.
            await asyncio.wait((self._spawn(work),))
        else:
            await self._carry(work)

    def start(self, work: Work) -> bool:
        """Start work behind the caller's back, where the event loop allows it.

        Returns:
            Whether it was started. On Trio it is not: there is no task to carry it.
        """
        if not on_asyncio():
            return False
        _kept = self._spawn(work)
        return True

    async def drain(self, grace: float = 10.0) -> None:
        """Cancel what is breakable and wait for the rest; after `grace` seconds cancel it.

        Refreshes bound themselves to less than the grace.
        """
        self._drains += 1
        try:
            for scope in list(self._breakable):
                scope.cancel()
            await self._drained(grace)
        finally:
            self._drains -= 1

    async def _drained(self, grace: float) -> None:
        if self._carried:
            self._idle = self._idle or anyio.Event()
            with anyio.move_on_after(grace):
                await self._idle.wait()
        if self._tasks and (tasks := self._of_this_loop()):
            await asyncio.wait(tasks, timeout=grace)
            for task in (tasks := self._of_this_loop()):
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    def _of_this_loop(self) -> set[asyncio.Task[None]]:
        # Those of a loop that is gone end no more; waiting for them would not end either.
        loop = asyncio.get_running_loop()
        return {task for task in self._tasks if task.get_loop() is loop}

    async def _carry(self, work: Work) -> None:
        self._carried += 1
        try:
            await work()
        finally:
            self._carried -= 1
            if not self._carried and self._idle is not None:
                self._idle.set()
                self._idle = None

    def _spawn(self, work: Work) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(_as_coroutine(work))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Marks it as seen; the flight record has reported it.


async def _as_coroutine(work: Work) -> None:
    await work()


def on_asyncio() -> bool:
    """Say whether the caller runs in an asyncio task."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:  # no asyncio loop runs in this thread
        return False


def cancelled_itself(error: BaseException) -> bool:
    """Say whether this ended the running asyncio task although nobody cancelled it.

    Whatever awaits a task that was cancelled elsewhere raises the same error.
    """
    if not isinstance(error, asyncio.CancelledError) or not on_asyncio():
        return False
    task = asyncio.current_task()
    return task is not None and not task.cancelling()
