"""The Trio back end: httpx2's transport, below its client.

The client is left out because it keeps cookies and reads the environment; its
transport sends one request and nothing else.
"""

from __future__ import annotations

import ssl
from contextlib import aclosing, suppress

import httpcore2  # noqa: F401 - httpx2 would import it at the first request, on the loop
import httpx2

from aiocognito.transport._exchange import (
    ExchangeFailed,
    Limits,
    Lost,
    NotConnected,
    NotTrusted,
    Outgoing,
    TooSlow,
    Unreadable,
    bounded_reply,
)
from aiocognito.transport.base import HttpReply

__all__ = ["open_exchange"]

_KEEPALIVE_SECONDS = 12.0
_MAX_CAUSES = 8


class Httpx2Exchange:
    """One connection pool, and one more for each proxy."""

    def __init__(self, limits: Limits, tls: ssl.SSLContext) -> None:
        self._limits = limits
        self._tls = tls
        self._transports: dict[str | None, httpx2.AsyncHTTPTransport] = {}
        self._timeout = httpx2.Timeout(
            limits.read_timeout, connect=limits.connect_timeout, pool=None
        ).as_dict()

    async def request(self, outgoing: Outgoing) -> HttpReply:
        request = httpx2.Request(
            outgoing.method,
            outgoing.url,
            headers={**outgoing.headers, "Accept-Encoding": "identity"},
            content=outgoing.body,
            extensions={"timeout": self._timeout},
        )
        try:
            response = await self._transport(outgoing.proxy).handle_async_request(request)
            async with aclosing(response):
                return await self._read(response)
        except httpx2.HTTPError as error:
            raise _failure(error) from None

    async def _read(self, response: httpx2.Response) -> HttpReply:
        async with aclosing(response.aiter_raw()) as chunks:
            try:
                return await bounded_reply(
                    status=response.status_code,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    chunks=chunks,
                    limit=self._limits.max_response_bytes,
                )
            except Unreadable:
                # Closing the outer generator leaves the library's inner ones half run,
                # which Trio complains about. On a closed connection they end by themselves.
                await response.aclose()
                with suppress(httpx2.HTTPError, httpx2.StreamError):
                    async for _ in chunks:
                        pass
                raise

    async def aclose(self) -> None:
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()

    def _transport(self, proxy: str | None) -> httpx2.AsyncHTTPTransport:
        if proxy not in self._transports:
            self._transports[proxy] = httpx2.AsyncHTTPTransport(
                verify=self._tls,
                trust_env=False,
                proxy=None if proxy is None else self._proxy(proxy),
                limits=httpx2.Limits(
                    max_connections=self._limits.max_connections,
                    max_keepalive_connections=self._limits.max_connections,
                    keepalive_expiry=_KEEPALIVE_SECONDS,
                ),
            )
        return self._transports[proxy]

    def _proxy(self, url: str) -> httpx2.Proxy:
        return httpx2.Proxy(url, ssl_context=self._tls if url.startswith("https:") else None)


def _failure(error: httpx2.HTTPError) -> ExchangeFailed:
    match error:
        case httpx2.ConnectError():
            return _connect_failure(error)
        case httpx2.ConnectTimeout() | httpx2.ProxyError():
            return NotConnected()
        case httpx2.TimeoutException():
            return TooSlow()
        case httpx2.RemoteProtocolError() if not _is_disconnect(error):
            return Unreadable("is not HTTP")
        case _:
            return Lost()


def _connect_failure(error: BaseException) -> ExchangeFailed:
    """Find the operating system's error below the two libraries' own."""
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NotTrusted(cause=cause)
        if cause is None or isinstance(cause, OSError):
            break
        cause = cause.__cause__ or cause.__context__
    return NotConnected(cause=cause if isinstance(cause, OSError) else None)


def _is_disconnect(error: httpx2.RemoteProtocolError) -> bool:
    # One class stands for "garbage" and for "gone in the middle"; only the text differs.
    return any(sign in str(error) for sign in ("disconnected", "closed"))


open_exchange = Httpx2Exchange
