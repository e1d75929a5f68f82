"""One HTTP request and its bounded answer, the same on every event loop.

What a hostile or broken server may do to us is decided here, once, for the botocore
transport and for plain HTTP alike:

* A redirect is an answer we refuse. Following one would post a refresh token or a
  client secret to whoever the redirect names.
* Cookies are neither kept nor sent.
* A body is read piece by piece and dropped as soon as it is larger than allowed.
  Compressed bodies are refused, since we ask for none and they grow after the count.
* TLS certificates are always checked. The context is made in a worker thread, once
  per process, because reading the authorities takes 13 ms and opens a file.

The two back ends (`_aiohttp`, `_httpx2`) do the talking. They touch documented
interfaces only, and raise the failures below, which name no operation and hold nothing
that was sent.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import ssl
from collections.abc import AsyncIterable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

from aiocognito.errors import (
    CertificateRejected,
    CognitoError,
    ConnectFailed,
    DeadlineExceeded,
    InvalidArgument,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseLost,
)
from aiocognito.transport.base import HttpReply

__all__ = [
    "Exchange",
    "ExchangeFailed",
    "Limits",
    "Lost",
    "NotConnected",
    "NotTrusted",
    "Outgoing",
    "TooSlow",
    "Unreadable",
    "bounded_reply",
    "ca_bundle",
    "load_backend",
    "public_error",
]


@frozen(kw_only=True)
class Limits:
    """How long and how much. Times in seconds."""

    connect_timeout: float
    read_timeout: float
    max_response_bytes: int
    max_connections: int


@frozen(kw_only=True)
class Outgoing:
    """A request as it goes out. ``proxy`` is the URL of a proxy, or None."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)


class Exchange(Protocol):
    """The connections of one event loop."""

    async def request(self, outgoing: Outgoing) -> HttpReply:
        """Send once and read the whole answer. Raises `ExchangeFailed`."""
        ...

    async def aclose(self) -> None: ...


class ExchangeFailed(Exception):
    """Why there is no answer; `public_error` says it to the caller."""

    def __init__(self, reason: str = "", cause: BaseException | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


class NotConnected(ExchangeFailed):
    """Nothing was sent."""


class NotTrusted(ExchangeFailed):
    """The certificate is not good. Nothing was sent."""


class TooSlow(ExchangeFailed):
    """Sent, and no answer in time."""


class Lost(ExchangeFailed):
    """Sent, and the connection ended before the whole answer was there."""


class Unreadable(ExchangeFailed):
    """There is an answer that we refuse to read; ``reason`` completes "The answer …"."""


def public_error(failure: ExchangeFailed, operation: str, *, repeatable: bool) -> CognitoError:
    """Say what happened in the caller's terms.

    The operating system's error stays as the cause, without its traceback: the frames
    there hold the request.
    """
    error: CognitoError
    match failure:
        case NotConnected():
            error = ConnectFailed(operation, retry_safe=True)
        case NotTrusted():
            error = CertificateRejected(operation, retry_safe=False)
        case TooSlow():
            error = DeadlineExceeded(operation, retry_safe=repeatable)
        case Unreadable():
            error = RemoteProtocolError(f"The answer to {operation} {failure.reason}.")
        case _:
            error = ResponseLost(operation, retry_safe=repeatable)
    if failure.cause is not None:
        cause = failure.cause.with_traceback(None)
        cause.__cause__ = cause.__context__ = None
        error.__cause__ = cause
    return error


# --- the answer -----------------------------------------------------------------


async def bounded_reply(
    *, status: int, headers: Mapping[str, str], chunks: AsyncIterable[bytes], limit: int
) -> HttpReply:
    """Read an answer, as far as it is one we want. Header names come in lower case."""
    if 300 <= status < 400:
        raise Unreadable(f"is a redirect ({status}), which is never followed")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Unreadable("is compressed although that was not asked for")
    announced = headers.get("content-length", "")
    too_large = Unreadable(f"is larger than {limit} bytes")
    if announced.isdecimal() and (len(announced) > 15 or int(announced) > limit):
        raise too_large
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise too_large
    return HttpReply(status=status, headers=headers, body=bytes(body))


# --- what is loaded in a worker thread ---------------------------------------------


def load_backend(trio: bool) -> Callable[[Limits], Exchange]:
    """Import the HTTP library for this kind of event loop and make the TLS context.

    Blocks: run it in a worker thread. What it returns is called on the event loop.
    """
    "localhost".encode("idna")  # ssl encodes host names so, and the codec is a file
    # By name, because which one is imported depends on the loop, and neither may be
    # imported before it is needed.
    name = "_httpx2" if trio else "_aiohttp"
    try:
        backend = importlib.import_module(f"aiocognito.transport.{name}")
    except ImportError as error:
        if trio and error.name in ("httpx2", "httpcore2"):
            raise LocalProtocolError("Under Trio, install aiocognito[trio].") from None
        raise
    return functools.partial(backend.open_exchange, tls=_tls_context(ca_bundle()))


def ca_bundle() -> str | None:
    """Return the file of authorities that the environment puts in place of botocore's."""
    return os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or None


@functools.lru_cache(maxsize=8)
def _tls_context(bundle: str | None) -> ssl.SSLContext:
    # Always a file: the system's default is a folder on many machines, and OpenSSL
    # would search it during each handshake, on the event loop's thread.
    path = _botocores_bundle() if bundle is None else bundle
    try:
        context = ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError):
        raise InvalidArgument("AWS_CA_BUNDLE", "a readable file of PEM certificates") from None
    # Python's own default, which Debian's Python leaves to the machine's OpenSSL.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _botocores_bundle() -> str:
    # Found without importing botocore: reading a key set should not pay for it.
    spec = importlib.util.find_spec("botocore")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).with_name("cacert.pem"))
