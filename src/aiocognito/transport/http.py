"""Plain HTTP for key sets and OAuth endpoints: bounded, without redirects."""

from __future__ import annotations

from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from aiocognito.errors import CognitoError, DeadlineExceeded
from aiocognito.transport._exchange import ExchangeFailed, Limits, Outgoing, public_error
from aiocognito.transport._link import Link
from aiocognito.transport._urls import checked_url, is_loopback, proxy_for
from aiocognito.transport.base import HttpReply

__all__ = ["BoundedHttp"]


class BoundedHttp:
    """Fetches small documents over https; plain http only from this machine.

    Follows no redirect, keeps no cookie, asks for no compression. Constructing it does
    no I/O. Tasks of one event loop may share it. ``HTTPS_PROXY`` and ``NO_PROXY`` are
    honoured, never for loopback; ``AWS_CA_BUNDLE`` replaces the authorities.

    Args:
        deadline: Seconds for one whole fetch, the first connection included.
        connect_timeout: Seconds for a connection.
        read_timeout: Seconds without a byte.
        max_response_bytes: A larger body is refused.
        max_connections: At the same time.
        allow_http: Accept plain http to other machines too.
    """

    def __init__(
        self,
        *,
        deadline: float = 5.0,
        connect_timeout: float = 3.0,
        read_timeout: float = 5.0,
        max_response_bytes: int = 256 * 1024,
        max_connections: int = 10,
        allow_http: bool = False,
    ) -> None:
        self._deadline = deadline
        self._allow_http = allow_http
        self._link = Link(
            Limits(
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
                max_response_bytes=max_response_bytes,
                max_connections=max_connections,
            )
        )

    async def get(self, url: str) -> HttpReply:
        """Fetch a URL once, whatever the status (a redirect excepted).

        Cancelling closes the connection.

        Raises:
            InvalidArgument: Not an absolute https URL (or http to this machine).
            TransportError: No answer arrived in time; always safe to repeat, except
                after a rejected certificate.
            RemoteProtocolError: The answer is larger than allowed, compressed, a
                redirect, or not HTTP.
            LocalProtocolError: Used from two event loops.
        """
        checked_url(url, argument="url", allow_http=self._allow_http, query=True)
        host = urlsplit(url).hostname or ""
        outcome: HttpReply | CognitoError = DeadlineExceeded(f"GET {host}", retry_safe=True)
        with anyio.move_on_after(self._deadline):
            outcome = await self._attempt(url, host)
        if isinstance(outcome, CognitoError):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """Close connections. Idempotent; a later `get` opens new ones."""
        await self._link.aclose()

    async def _attempt(self, url: str, host: str) -> HttpReply | CognitoError:
        exchange = await self._link.exchange()
        proxy = None if is_loopback(host) else await anyio.to_thread.run_sync(proxy_for, url)
        outgoing = Outgoing(
            method="GET",
            url=url,
            headers={"Accept": "application/json", "User-Agent": "aiocognito"},
            proxy=proxy,
        )
        try:
            return await exchange.request(outgoing)
        except ExchangeFailed as failure:
            return public_error(failure, f"GET {host}", repeatable=True)
