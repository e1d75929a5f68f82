"""The local service over loopback HTTP, speaking the AWS JSON 1.1 wire protocol.

The server lives in a daemon thread with an event loop of its own. It therefore
serves asyncio, Trio and plain synchronous programs alike, and a test that blocks or
cancels its own loop never stops the other side of the conversation.

The core runs in a worker thread, one request at a time (`Backend`): a modular
exponentiation does not hold up the answers of others that are merely slow.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import struct
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from email.utils import formatdate
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
from aiohttp import web
from attrs import evolve, frozen

from aiocognito.errors import InvalidArgument, LocalProtocolError
from aiocognito.flow.calls import Service
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
from aiocognito.testing.query_wire import (
    FORM_TYPE,
    XML_TYPE,
    read_form,
    write_xml,
    write_xml_error,
)
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.signatures import SignedRequest, check_signature
from aiocognito.testing.wire import (
    CORS,
    JSON_TYPE,
    MAX_REQUEST,
    PREFLIGHT,
    SERVICES,
    error_body,
    error_headers,
    plain_copy,
    read_object,
    write,
)

__all__ = ["HttpShell"]

_log = logging.getLogger(__name__)


class HttpShell:
    """A server on a loopback address, from `start` to `stop`.

    Args:
        backend: Who answers.
        host: A loopback address. Nothing else is accepted: the pool has no
            protection that would let it face a network.
        port: 0 picks a free one.
    """

    def __init__(self, backend: Backend, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._backend = backend
        self._host = _loopback(host)
        self._port = port
        self._url: str | None = None
        self._running: ExitStack | None = None

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._running is not None

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash.

        Raises:
            LocalProtocolError: It is not running.
        """
        if self._url is None:
            raise LocalProtocolError("The local pool is not serving; start it first.")
        return self._url

    def start(self) -> None:
        """Listen, then return. Blocks for the milliseconds a thread takes to come up.

        Raises:
            OSError: The port is taken.
            LocalProtocolError: It is running already.
        """
        if self._running is not None:
            raise LocalProtocolError("The local pool is serving already.")
        with ExitStack() as starting:
            listener = starting.enter_context(_listen(self._host, self._port))
            portal = starting.enter_context(
                anyio.from_thread.start_blocking_portal(name="aiocognito-local-pool")
            )
            runner = portal.call(_serve, self._application(), listener)
            starting.callback(portal.call, runner.cleanup)
            self._url = _url(self._host, listener.getsockname()[1])
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Close every connection and end the thread. Idempotent."""
        running, self._running, self._url = self._running, None, None
        if running is not None:
            running.close()

    # --- requests ---

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_REQUEST)
        app.router.add_post("/", self._api)
        app.router.add_get("/{pool}/.well-known/{document}", self._document)
        app.router.add_route("OPTIONS", "/{path:.*}", self._preflight)
        return app

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        return self._respond(b"", headers=PREFLIGHT, content_type="text/plain")

    async def _document(self, request: web.Request) -> web.StreamResponse:
        pool_id, name = request.match_info["pool"], request.match_info["document"]
        if name not in DOCUMENTS:
            raise web.HTTPNotFound
        document = await anyio.to_thread.run_sync(self._backend.document, pool_id, name)
        if document is None:
            raise web.HTTPNotFound
        return await self._answer(request, name, lambda: document, _DOCUMENT)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        target = request.headers.get("X-Amz-Target")
        # Some clients call every body a form, JSON too; the target tells.
        if target is None and request.content_type == FORM_TYPE:
            return await self._sts(request)
        prefix, _, operation = (target or "").partition(".")
        service = SERVICES.get(prefix)
        if service is None or not operation:
            return self._refuse(PoolError("UnknownOperationException", "", 400))
        try:
            parameters = read_object(await request.read())
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(PoolError("RequestEntityTooLargeException", "", 413))
        except ValueError:
            return self._refuse(PoolError("SerializationException", "", 400))
        seen = SignedRequest(
            method=request.method,
            url=f"{self.url}{request.path_qs}",
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
        )
        return await self._answer(
            request, operation, lambda: self._ask_backend(service, operation, parameters, seen)
        )

    async def _sts(self, request: web.Request) -> web.StreamResponse:
        try:
            operation, fields = read_form(await request.read())
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(PoolError("RequestEntityTooLarge", "", 413), dialect=_XML)
        except ValueError:
            return self._refuse(PoolError("MalformedQueryString", "", 400), dialect=_XML)
        return await self._answer(
            request, operation, lambda: self._backend.handle("sts", operation, fields), _XML
        )

    def _ask_backend(
        self,
        service: Service,
        operation: str,
        parameters: Mapping[str, Any],
        seen: SignedRequest,
    ) -> Mapping[str, Any]:
        signed = "authorization" in seen.headers
        if signed:  # on any operation: the service checks what it need not have been told
            check_signature(seen, self._backend.aws_keys)
        return self._backend.handle(service, operation, parameters, signed=signed)

    async def _answer(
        self,
        request: web.Request,
        operation: str,
        ask: Callable[[], Mapping[str, Any]],
        dialect: _Dialect | None = None,
    ) -> web.StreamResponse:
        dialect = dialect or _JSON
        self._backend.requests.record(operation)
        fault = self._backend.faults.take(operation)
        if isinstance(fault, Slow) and not fault.acted:
            await anyio.sleep(fault.seconds)
        try:
            answer = {} if fault and not acts(fault) else await self._ask(ask)
        except PoolError as error:
            response = self._refuse(error, dialect=dialect)
        else:
            body = dialect.write(operation, _altered(answer, fault))
            response = self._respond(body, content_type=dialect.content_type)
        if fault is None:
            return response
        return await self._spoil(request, response, fault, dialect, operation)

    async def _ask(self, ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return await anyio.to_thread.run_sync(ask)
        except PoolError:
            raise
        except Exception:  # noqa: BLE001 - a bug of the pool looks like the service's
            _log.exception("the local pool failed")
            raise PoolError("InternalErrorException", "The local pool failed.", 500) from None

    # --- faults ---

    async def _spoil(
        self,
        request: web.Request,
        response: web.Response,
        fault: Fault,
        dialect: _Dialect,
        operation: str,
    ) -> web.StreamResponse:
        match fault:
            case Refuse() | Throttle() | InternalFailure():
                return self._refuse(fault.error, fault.retry_after, dialect)
            case Html(status=status, page=page):
                return self._respond(page.encode(), status=status, content_type="text/html")
            case Redirect(location=location, status=status):
                return self._respond(b"", status=status, headers={"Location": location})
            case Oversize(size=size):
                return self._respond(b'{"Padding":"' + b"A" * size + b'"}')
            case Malformed(text=text):
                return self._respond(text.encode(), content_type=dialect.content_type)
            case Answer(body=body, status=status):
                written = dialect.write(operation, body)
                return self._respond(written, status=status, content_type=dialect.content_type)
            case SetCookie(cookie=cookie):
                response.headers["Set-Cookie"] = cookie
                return response
            case Slow(seconds=seconds, acted=acted):
                await anyio.sleep(seconds if acted else 0)
                return response
            case Drop():
                _reset(request)
                return response
            case Truncate():
                return await self._half(request, response)
            case Alter():
                return response

    async def _half(self, request: web.Request, whole: web.Response) -> web.StreamResponse:
        body = whole.body if isinstance(whole.body, bytes) else b""
        response = web.StreamResponse(status=whole.status, headers=whole.headers)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        _reset(request, gently=True)
        return response

    # --- responses ---

    def _refuse(
        self,
        error: PoolError,
        retry_after: float | None = None,
        dialect: _Dialect | None = None,
    ) -> web.Response:
        dialect = dialect or _JSON
        headers = error_headers(error, retry_after)
        return self._respond(
            dialect.write_error(error),
            status=error.status,
            headers=headers,
            content_type=dialect.content_type,
        )

    def _respond(
        self,
        body: bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str = JSON_TYPE,
    ) -> web.Response:
        date = formatdate(self._backend.clock.wall(), usegmt=True)
        given = {"X-Amzn-Requestid": str(uuid.uuid4()), "Date": date, "Content-Type": content_type}
        return web.Response(body=body, status=status, headers={**CORS, **given, **(headers or {})})


@frozen
class _Dialect:
    """How a service writes its answers."""

    content_type: str
    write: Callable[[str, Mapping[str, Any]], bytes]
    write_error: Callable[[PoolError], bytes]


_JSON = _Dialect(JSON_TYPE, lambda _, answer: write(answer), lambda error: write(error_body(error)))
_DOCUMENT = evolve(_JSON, content_type="application/json")
_XML = _Dialect(XML_TYPE, write_xml, write_xml_error)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


# --- the loop's side ---------------------------------------------------------


async def _serve(app: web.Application, listener: socket.socket) -> web.AppRunner:
    # An access log would be harmless; a server that waits for slow handlers would not.
    # Bodies are taken as they come: AWS JSON is never compressed, and a bomb might be.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner


def _reset(request: web.Request, *, gently: bool = False) -> None:
    """Break the connection: with RST, or (gently) after what was written has left."""
    transport = request.transport
    if transport is None:  # the client went away first
        return
    if gently:
        transport.close()
        return
    peer = transport.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


# --- values ------------------------------------------------------------------


def _loopback(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise InvalidArgument("host", "a loopback address such as 127.0.0.1")


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _altered(answer: Mapping[str, Any], fault: Fault | None) -> Mapping[str, Any]:
    return fault.change(plain_copy(answer)) if isinstance(fault, Alter) else answer
