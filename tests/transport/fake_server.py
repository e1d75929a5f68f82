"""A loopback HTTP server that answers from a script, politely or not.

It runs in threads of its own, so it serves asyncio and Trio alike. A script is a
sequence of acts, one for each request; the last one is repeated. An act gets the
connection and writes to it what it likes.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from attrs import define, field, frozen

JSON = "application/x-amz-json-1.1"
HTML = b"<html><body>Welcome to the hotel network</body></html>"

__all__ = ["HTML", "JSON", "FakeServer", "Seen"]


@frozen
class Seen:
    """A request as it arrived. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@define(eq=False)
class Connection:
    """What an act may do with its client."""

    socket: socket.socket
    stop: threading.Event
    keep: bool = True

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def wait(self, seconds: float | None = None) -> None:
        self.stop.wait(seconds)

    def hang_up(self) -> None:
        self.keep = False


Act = Callable[[Connection], None]


# --- acts -------------------------------------------------------------------------


def answer(
    body: bytes | Mapping[str, Any] = b"{}",
    *,
    status: int = 200,
    content_type: str | None = JSON,
    headers: Mapping[str, str] | None = None,
) -> Act:
    """A complete answer; a mapping is written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Length": str(len(data)), **(headers or {})}
    if content_type is not None:
        lines["Content-Type"] = content_type
    return lambda connection: connection.write(_head(status, lines) + data)


def service_error(code: str, message: str = "", *, status: int = 400, **headers: str) -> Act:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer({"__type": code, "message": message}, status=status, headers=lines)


def html(status: int) -> Act:
    return answer(HTML, status=status, content_type="text/html; charset=utf-8")


def redirect(status: int, to: str) -> Act:
    return answer(b"", status=status, headers={"Location": to})


def bomb(size: int) -> Act:
    """A small compressed body that becomes a large one."""
    body = gzip.compress(b'{"Session": "' + b"x" * size + b'"}')
    return answer(body, headers={"Content-Encoding": "gzip"})


def flood(size: int, *, chunked: bool = False) -> Act:
    """A body of this many bytes, announced or in chunks."""

    def act(connection: Connection) -> None:
        lines = {"Content-Type": JSON}
        lines |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
        connection.hang_up()
        with contextlib.suppress(OSError):
            connection.write(_head(200, lines))
            for _ in range(size // 65536):
                piece = b" " * 65536
                connection.write(b"10000\r\n" + piece + b"\r\n" if chunked else piece)

    return act


def half(body: bytes = b'{"Session": "abcdefghijkl') -> Act:
    """Announces twice what it sends, then hangs up."""

    def act(connection: Connection) -> None:
        lines = {"Content-Type": JSON, "Content-Length": str(2 * len(body))}
        connection.write(_head(200, lines) + body)
        connection.hang_up()

    return act


def drip(connection: Connection) -> None:
    """Byte after byte, fast enough for any read time-out, and never done."""
    connection.write(_head(200, {"Content-Type": JSON, "Content-Length": "100000"}))
    with contextlib.suppress(OSError):
        while not connection.stop.wait(0.02):
            connection.write(b" ")


def silence(connection: Connection) -> None:
    connection.wait()


def hang_up(connection: Connection) -> None:
    connection.hang_up()


def reset(connection: Connection) -> None:
    """Ends the connection with RST, after the request was read."""
    linger = struct.pack("ii", 1, 0)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.hang_up()


def garbage(connection: Connection) -> None:
    connection.write(b"\x16\x03\x01 this is not HTTP at all\r\n\r\n")
    connection.hang_up()


def after(gate: threading.Event, act: Act) -> Act:
    """Wait for the test, then go on."""

    def wait(connection: Connection) -> None:
        while not gate.wait(0.01):
            if connection.stop.is_set():
                return
        act(connection)

    return wait


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} x", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


# --- the server ---------------------------------------------------------------------


@define(eq=False)
class FakeServer:
    """``with FakeServer(act, …) as server:`` and then ``server.url``, ``server.requests``."""

    script: tuple[Act, ...]
    tls: ssl.SSLContext | None
    requests: list[Seen]
    connections: int = 0
    _listener: socket.socket = field(init=False)
    _open: list[socket.socket] = field(factory=list)
    _stop: threading.Event = field(factory=threading.Event)
    _lock: threading.Lock = field(factory=threading.Lock)
    _threads: list[threading.Thread] = field(factory=list)

    def __init__(self, *script: Act, tls: ssl.SSLContext | None = None) -> None:
        self.__attrs_init__(script or (answer(),), tls, [])

    def __enter__(self) -> FakeServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        # Closing alone does not wake a thread that waits in accept().
        with contextlib.suppress(OSError), socket.create_connection(self._address):
            pass
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    @property
    def _address(self) -> tuple[str, int]:
        host, port = self._listener.getsockname()
        return host, port

    @property
    def url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self._address[1]}"

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._stop.is_set():
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)  # wrapping it for TLS takes its descriptor away
            self._start(self._serve, connection)

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            wire = plain if self.tls is None else self._wrapped(self.tls, plain)
            with wire, wire.makefile("rb") as stream:
                connection = Connection(wire, self._stop)
                while connection.keep and (seen := _read(stream)) is not None:
                    with self._lock:
                        act = self.script[min(len(self.requests), len(self.script) - 1)]
                        self.requests.append(seen)
                    act(connection)

    def _wrapped(self, tls: ssl.SSLContext, plain: socket.socket) -> ssl.SSLSocket:
        wire = tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self._open.append(wire)
        try:
            wire.do_handshake()
        except OSError:
            wire.close()
            raise
        return wire


def _read(stream: Any) -> Seen | None:
    first = stream.readline().decode("latin-1").split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Seen(first[0], first[1], headers, body)
