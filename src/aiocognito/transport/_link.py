"""What is made late and once: in a worker thread, and for one event loop.

`Once` makes a value in a worker thread when it is first wanted. `Link` holds the
connections of one object to one event loop and notices when another loop uses it.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import current_token
from attrs import define, field

from aiocognito.errors import LocalProtocolError
from aiocognito.transport._exchange import Exchange, Limits, load_backend

__all__ = ["Link", "Once"]

# Connections of a parent process. Nobody uses them here, and nobody closes them: the other
# side would take it for the parent's goodbye.
_left_behind: list[object] = []

T = TypeVar("T")


@define(eq=False)
class _Flight:
    """One attempt under way, for those who wait for it."""

    landed: anyio.Event = field(factory=anyio.Event)
    error: Exception | None = None
    # Its holder waits for the landing and the others for the lock, so they go on one
    # after the other. All at once, 200 first calls would hold the event loop for 60 ms.
    queue: anyio.Lock = field(factory=anyio.Lock)


class Once(Generic[T]):
    """A value made by ``make()`` in a worker thread, by the first who asks.

    Whoever asks meanwhile waits for the same attempt and shares its error; the next
    one to ask after an error tries again. Cancelling a caller abandons the thread but
    not its work: the thread puts the value in place, and a waiter that takes over
    finds it there.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []  # empty or one value
        self._making = threading.Lock()
        self._flight: _Flight | None = None

    async def get(self) -> T:
        while not self._made:
            if self._flight is None:
                await self._fly()
            else:
                await self._join(self._flight)
        return self._made[0]

    async def _fly(self) -> None:
        flight = self._flight = _Flight()
        try:
            await anyio.to_thread.run_sync(
                self._make_it,
                abandon_on_cancel=True,
                # Not the shared limiter: the threads there may all be busy for long.
                limiter=anyio.CapacityLimiter(1),
            )
        except Exception as error:
            flight.error = error
            raise
        finally:
            # No await above this line since the outcome: nobody sees half of it.
            self._flight = None
            flight.landed.set()

    @staticmethod
    async def _join(flight: _Flight) -> None:
        async with flight.queue:
            await flight.landed.wait()
        if flight.error is not None:
            raise copy.copy(flight.error)

    def _make_it(self) -> None:
        with self._making:  # an abandoned thread may still be at it
            if not self._made:
                self._made.append(self._make())


class Link:
    """Connections, opened when first needed, on the event loop that needs them.

    After `aclose` it may be opened again, on any loop. A process that was forked off
    opens its own.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pid = os.getpid()
        self._home: object | None = None  # the loop everything below belongs to
        self._backend: Once[Callable[[Limits], Exchange]] | None = None
        self._exchange: Exchange | None = None

    async def exchange(self) -> Exchange:
        """Return the open connections.

        Raises:
            LocalProtocolError: They belong to another event loop, or Trio's HTTP
                library is not installed.
        """
        backend = self._settle()
        if self._exchange is None:
            opener = await backend.get()
            if self._backend is not backend:
                raise LocalProtocolError("Closed while a call was being prepared.")
            if self._exchange is None:  # no await from here on, so one caller opens
                self._exchange = opener(self._limits)
        return self._exchange

    async def aclose(self) -> None:
        if self._home is None:
            return
        self._settle()
        exchange, self._exchange = self._exchange, None
        self._home = self._backend = None
        if exchange is not None:
            await exchange.aclose()

    def _settle(self) -> Once[Callable[[Limits], Exchange]]:
        here = current_token().native_token
        if self._pid != (pid := os.getpid()):
            _left_behind.append((self._home, self._backend, self._exchange))
            self._pid, self._home, self._backend, self._exchange = pid, None, None, None
        if self._home is None or self._backend is None:
            self._home = here
            trio = type(here).__module__.partition(".")[0] == "trio"
            self._backend = Once(partial(load_backend, trio))
        elif self._home is not here:
            raise LocalProtocolError(
                "This object belongs to another event loop; close it there, or make another."
            )
        return self._backend
