"""A transport whose calls wait for their turn."""

from __future__ import annotations

from collections.abc import Callable

from aiocognito._limiter import Limiter, Rank
from aiocognito._roster import Roster
from aiocognito.errors import SessionClosed, Throttled
from aiocognito.flow.calls import Call, Reply
from aiocognito.tokens.quota import category_of
from aiocognito.transport.base import Transport

__all__ = ["Metered"]


class Metered:
    """Fulfils `Transport`. Refreshes have had their turn before (`Renewal`).

    Args:
        transport: Carries the calls.
        limiter_of: Gives the turns of a quota.
        roster: Whose calls they are: refusals are counted there, and nobody waits for a
            turn after it was disbanded.
    """

    def __init__(
        self, transport: Transport, limiter_of: Callable[[str], Limiter], roster: Roster
    ) -> None:
        self._transport = transport
        self._limiter_of = limiter_of
        self._roster = roster

    async def send(self, call: Call) -> Reply:
        """Wait for a turn, then send. See `Transport.send`.

        Raises:
            SessionClosed: The pool was closed before the turn came; nothing was sent.
        """
        category = category_of(call.operation)
        if category is None:
            return await self._transport.send(call)
        limiter = self._limiter_of(category)
        if not _is_refresh(call):
            await self._turn(limiter)
        try:
            return await self._transport.send(call)
        except Throttled as error:
            limiter.slow_down(error.retry_after)
            self._roster.counters.throttles += 1
            raise

    async def _turn(self, limiter: Limiter) -> None:
        with self._roster.waiting():
            return await limiter.turn(Rank.SIGN_IN)
        raise SessionClosed

    async def aclose(self) -> None:
        """Close what it sends through."""
        await self._transport.aclose()


def _is_refresh(call: Call) -> bool:
    if call.operation == "GetTokensFromRefreshToken":
        return True
    return call.parameters.get("AuthFlow") == "REFRESH_TOKEN_AUTH"
