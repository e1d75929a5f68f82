"""A transport whose calls wait for their turn."""

from __future__ import annotations

from collections.abc import Callable

from aiocognito._limiter import Limiter, Rank
from aiocognito._roster import Counters
from aiocognito.errors import Throttled
from aiocognito.flow.calls import Call, Reply
from aiocognito.tokens.quota import category_of
from aiocognito.transport.base import Transport

__all__ = ["Metered"]


class Metered:
    """Fulfils `Transport`. Refreshes have had their turn before (`Renewal`).

    Args:
        transport: Carries the calls.
        limiter_of: Gives the turns of a quota.
        counters: Where refusals are counted.
    """

    def __init__(
        self, transport: Transport, limiter_of: Callable[[str], Limiter], counters: Counters
    ) -> None:
        self._transport = transport
        self._limiter_of = limiter_of
        self._counters = counters

    async def send(self, call: Call) -> Reply:
        """Wait for a turn, then send. See `Transport.send`."""
        category = category_of(call.operation)
        if category is None:
            return await self._transport.send(call)
        limiter = self._limiter_of(category)
        if not _is_refresh(call):
            await limiter.turn(Rank.SIGN_IN)
        try:
            return await self._transport.send(call)
        except Throttled as error:
            limiter.slow_down(error.retry_after)
            self._counters.throttles += 1
            raise

    async def aclose(self) -> None:
        """Close what it sends through."""
        await self._transport.aclose()


def _is_refresh(call: Call) -> bool:
    if call.operation == "GetTokensFromRefreshToken":
        return True
    return call.parameters.get("AuthFlow") == "REFRESH_TOKEN_AUTH"
