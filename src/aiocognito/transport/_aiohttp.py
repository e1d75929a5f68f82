"""The asyncio back end: aiohttp, with everything that is too helpful switched off."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - asyncio would import it at the first look-up
import ssl

import aiohttp
from aiohttp.resolver import ThreadedResolver
from yarl import URL

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

# botocore's and aiobotocore's figure; a connection that idles longer may be half closed.
_KEEPALIVE_SECONDS = 12.0


class AiohttpExchange:
    """One aiohttp session. Make it on the event loop that will use it."""

    def __init__(self, limits: Limits, tls: ssl.SSLContext) -> None:
        self._limit = limits.max_response_bytes
        self._session = aiohttp.ClientSession(
            # The threaded resolver, always: the other one reads files on the loop.
            connector=aiohttp.TCPConnector(
                limit=limits.max_connections,
                ssl=tls,
                keepalive_timeout=_KEEPALIVE_SECONDS,
                resolver=ThreadedResolver(),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=limits.connect_timeout,
                sock_read=limits.read_timeout,
            ),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Content-Type", "User-Agent"),
        )

    async def request(self, outgoing: Outgoing) -> HttpReply:
        try:
            async with self._session.request(
                outgoing.method,
                URL(outgoing.url, encoded=True),
                headers={**outgoing.headers, "Accept-Encoding": "identity"},
                data=outgoing.body,
                proxy=outgoing.proxy,
                allow_redirects=False,
            ) as response:
                return await bounded_reply(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    chunks=response.content.iter_any(),
                    limit=self._limit,
                )
        except (aiohttp.ClientError, OSError) as error:  # OSError includes TimeoutError
            raise _failure(error) from None

    async def aclose(self) -> None:
        await self._session.close()


def _failure(error: aiohttp.ClientError | OSError) -> ExchangeFailed:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return NotTrusted(cause=error.certificate_error)
        case aiohttp.ClientConnectorError():  # DNS, refused, TLS, proxy
            return NotConnected(cause=error.os_error)
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientHttpProxyError():
            return NotConnected()
        case TimeoutError():
            return TooSlow()
        case aiohttp.ClientResponseError() | aiohttp.InvalidURL():
            return Unreadable("is not HTTP")
        case _:
            return Lost()


open_exchange = AiohttpExchange
