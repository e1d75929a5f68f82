"""The local service in memory: no socket, no thread, no wire.

The fastest way to drive a client against the pool. Parameters and answers still go
through JSON, so that nothing passes here that would not pass over the wire.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel

from aiocognito._redact import Secret
from aiocognito.errors import RemoteProtocolError, ResponseLost, ServiceError
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing.backend import Backend
from aiocognito.testing.faults import (
    DOCUMENTS,
    Alter,
    Answer,
    Drop,
    Fault,
    Html,
    InternalFailure,
    Malformed,
    Oversize,
    Redirect,
    Refuse,
    SetCookie,
    Slow,
    Throttle,
    Truncate,
    acts,
)
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.wire import error_body, error_headers, plain_copy, write
from aiocognito.transport.base import HttpReply
from aiocognito.transport.error_codes import read_error

__all__ = ["MemoryHttp", "MemoryTransport"]

# The output members that are instants, in both service models (botocore 1.43.117).
# A client library hands them out as `datetime`, so does this transport.
_INSTANTS = frozenset(
    {
        "ClientSecretCreateDate",
        "CompletionDate",
        "CreatedAt",
        "CreationDate",
        "DeviceCreateDate",
        "DeviceLastAuthenticatedDate",
        "DeviceLastModifiedDate",
        "Expiration",
        "FeedbackDate",
        "LastModifiedDate",
        "StartDate",
        "UserCreateDate",
        "UserLastModifiedDate",
    }
)


class MemoryTransport:
    """Fulfils `aiocognito.transport.base.Transport` by asking the pool directly.

    Calls say themselves whether they are signed; there is no signature to look at. A
    call has a cancellation point before the pool acts and one after it, where the
    answer is lost.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def send(self, call: Call) -> Reply:
        """Send one call once. See `Transport.send`."""
        await anyio.lowlevel.checkpoint()
        self._backend.requests.record(call.operation)
        fault = self._backend.faults.take(call.operation)
        try:
            body = _as_received(await self._answer(call, fault))
        except PoolError as error:
            headers = error_headers(error, getattr(fault, "retry_after", None))
            raise _refusal(call, error.status, write(error_body(error)), headers) from None
        await anyio.lowlevel.checkpoint()
        return Reply(body=body, request_id=str(uuid.uuid4()), date=self._date())

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    async def _answer(self, call: Call, fault: Fault | None) -> Mapping[str, Any]:
        if fault is None:
            return self._ask(call)
        if isinstance(fault, Slow) and not fault.acted:
            await anyio.sleep(fault.seconds)
        try:
            answer = self._ask(call) if acts(fault) else {}
        except PoolError:
            if not isinstance(fault, Alter):  # there is no answer to change
                await _spoiled({}, call, fault)  # a refusal can be lost or late as well
            raise
        return await _spoiled(answer, call, fault)

    def _ask(self, call: Call) -> Mapping[str, Any]:
        parameters = plain_copy(call.parameters)
        return self._backend.handle(call.service, call.operation, parameters, signed=call.signed)

    def _date(self) -> datetime:
        # The header counts whole seconds.
        return datetime.fromtimestamp(int(self._backend.clock.wall()), UTC)


class MemoryHttp:
    """Fulfils `aiocognito.transport.base.HttpClient` for the pool's published documents.

    Any URL that ends in ``/<pool id>/.well-known/jwks.json`` (or
    ``openid-configuration``) is answered, whatever its host; others get a 404.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def get(self, url: str) -> HttpReply:
        """Fetch a document once. See `HttpClient.get`."""
        await anyio.lowlevel.checkpoint()
        match urlsplit(url).path.split("/")[-3:]:
            case [pool_id, ".well-known", name] if name in DOCUMENTS:
                document = self._backend.document(pool_id, name)
            case _:
                return _page(404, b"")
        if document is None:
            return _page(404, b"")
        self._backend.requests.record(name)
        fault = self._backend.faults.take(name)
        reply = await _spoiled_page(document, name, fault)
        await anyio.lowlevel.checkpoint()
        return reply

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""


# --- as the wire would have it -----------------------------------------------


def _as_received(answer: Mapping[str, Any]) -> dict[str, Any]:
    received: dict[str, Any] = json.loads(write(answer), object_hook=_with_instants)
    return received


def _with_instants(members: dict[str, Any]) -> dict[str, Any]:
    for name in _INSTANTS & members.keys():
        if isinstance(members[name], int | float):
            members[name] = datetime.fromtimestamp(members[name], UTC)
    return members


def _refusal(
    call: Call, status: int, body: bytes, headers: Mapping[str, str]
) -> ServiceError | RemoteProtocolError:
    """Read a refusal with the reader of the real transport, so that both say the same."""
    received = {name.lower(): value for name, value in headers.items()}
    return read_error(
        status=status,
        headers={"x-amzn-requestid": str(uuid.uuid4()), **received},
        body=body,
        operation=call.operation,
        repeatable=call.repeatable,
        sent=tuple(_secrets_in(call.parameters)),
        refreshing="RefreshToken" in call.parameters
        or str(call.parameters.get("AuthFlow")).startswith("REFRESH_TOKEN"),
    )


def _secrets_in(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets_in(inner)


# --- faults ------------------------------------------------------------------


async def _spoiled(answer: Mapping[str, Any], call: Call, fault: Fault) -> Mapping[str, Any]:
    match fault:
        case Refuse() | Throttle() | InternalFailure():
            raise fault.error
        case Drop() | Truncate():
            raise ResponseLost(call.operation, retry_safe=call.repeatable)
        case Html(status=status, page=page) if status >= 400:
            raise _refusal(call, status, page.encode(), {})
        case Html() | Redirect() | Oversize() | Malformed():
            raise RemoteProtocolError(
                f"The answer cannot be read; check the endpoint. [{call.operation}]"
            )
        case Answer(body=body, status=status):
            if status >= 400:
                raise PoolError(body.get("__type", ""), body.get("message", ""), status)
            return body
        case Alter(change=change):
            return change(plain_copy(answer))
        case Slow(seconds=seconds, acted=acted):
            await anyio.sleep(seconds if acted else 0)
            return answer
        case SetCookie():
            return answer


async def _spoiled_page(document: Mapping[str, Any], name: str, fault: Fault | None) -> HttpReply:
    match fault:
        case None | SetCookie():
            return _page(200, write(document))
        case Refuse() | Throttle() | InternalFailure():
            return _page(fault.error.status, b"")
        case Html(status=status, page=page):
            return _page(status, page.encode(), "text/html")
        case Malformed(text=text):
            return _page(200, text.encode())
        case Answer(body=body, status=status):
            return _page(status, write(body))
        case Alter(change=change):
            return _page(200, write(change(plain_copy(document))))
        case Slow(seconds=seconds):
            await anyio.sleep(seconds)
            return _page(200, write(document))
        case Drop() | Truncate():
            raise ResponseLost(name, retry_safe=True)
        case Redirect() | Oversize():
            raise RemoteProtocolError(f"The answer is not acceptable. [{name}]")


def _page(status: int, body: bytes, content_type: str = "application/json") -> HttpReply:
    return HttpReply(status=status, headers={"content-type": content_type}, body=body)
