"""Ask the service as an administrator does: patiently, and page by page.

A quota counts for a whole account. So whoever is told to slow down holds up the other
calls of the same desk too, and a call that was put off often enough fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import attrs

from aiocognito._retry import pause_before_repeat, pause_when_throttled
from aiocognito._services import PoolServices
from aiocognito.errors import CognitoError, RemoteProtocolError, SessionClosed
from aiocognito.flow.calls import Call

__all__ = ["Desk", "Listing"]

T = TypeVar("T")


class Asks(Protocol):
    """Sends a call and returns the members of its answer."""

    async def ask(self, call: Call) -> Mapping[str, Any]:
        """See `Desk.ask`."""
        ...


class Desk:
    """Sends the calls of one pool's administration."""

    def __init__(self, services: PoolServices) -> None:
        self.services = services
        self._opens_at = 0.0  # on the boot clock; nothing is sent before

    async def ask(self, call: Call) -> Mapping[str, Any]:
        """Send a call and return the members of its answer.

        Repeats what may be repeated: what was throttled (waiting as long as the service
        asks, at most five times), what was never sent, and after a lost answer what does
        no harm twice. Cancelling leaves it unknown whether the service acted.

        Raises:
            CognitoError: Why the last attempt failed.
        """
        timing = self.services.timing
        throttled = failed = 0
        while True:
            await self._turn()
            try:
                return (await self.services.transport.send(call)).body
            except CognitoError as error:
                pause = pause_when_throttled(error, attempt=throttled + 1, jitter=timing.jitter())
                if pause is not None:
                    throttled += 1
                    self._opens_at = max(self._opens_at, timing.clock.boot() + pause)
                    continue
                failed += 1
                pause = pause_before_repeat(
                    error,
                    attempt=failed,
                    repeat_ambiguous=call.repeatable,
                    jitter=timing.jitter(),
                )
                if pause is None:
                    raise
            await timing.sleep(pause)

    async def _turn(self) -> None:
        """Wait until sending is allowed; somebody may put it off meanwhile."""
        timing = self.services.timing
        while True:
            if self.services.closed:
                raise SessionClosed
            wait = self._opens_at - timing.clock.boot()
            if wait <= 0:
                return
            await timing.sleep(wait)


class Listing(AsyncIterator[T], Generic[T]):
    """Everything there is, fetched page by page while it is looked at.

    Iterate over it once, with ``async for``, or take it whole with `collect`. Stopping
    early or cancelling leaves nothing open. The service reads its lists late: a change
    may take a moment to show, and pages may be empty.
    """

    def __init__(
        self,
        desk: Asks,
        first: Call,
        *,
        member: str,
        cursor: str,
        read: Callable[[Mapping[str, Any]], T],
    ) -> None:
        self._desk = desk
        self._next: Call | None = first
        self._member = member
        self._cursor = cursor
        self._read = read
        self._page: list[T] = []  # in reverse

    def __aiter__(self) -> Listing[T]:
        return self

    async def __anext__(self) -> T:
        while not self._page:
            if self._next is None:
                raise StopAsyncIteration
            await self._turn_over(self._next)
        return self._page.pop()

    async def collect(self) -> list[T]:
        """Return all that has not been looked at yet."""
        return [item async for item in self]

    async def _turn_over(self, call: Call) -> None:
        body = await self._desk.ask(call)
        entries, token = body.get(self._member) or [], body.get(self._cursor)
        if not isinstance(entries, list) or not all(isinstance(e, Mapping) for e in entries):
            raise RemoteProtocolError(f"{self._member} is malformed.")
        if token is not None and (not isinstance(token, str) or not token):
            raise RemoteProtocolError(f"{self._cursor} is malformed.")
        if token is not None and token == call.parameters.get(self._cursor):
            raise RemoteProtocolError("The server gives the same page again and again.")
        page = [self._read(entry) for entry in entries]
        self._page = page[::-1]
        self._next = (
            None
            if token is None
            else attrs.evolve(call, parameters={**call.parameters, self._cursor: token})
        )
