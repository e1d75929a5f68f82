"""Plain HTTP against servers that do not play along."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.to_thread
import pytest

from aiocognito.errors import (
    CertificateRejected,
    ConnectFailed,
    DeadlineExceeded,
    InvalidArgument,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseLost,
    TransportError,
)
from aiocognito.transport.http import BoundedHttp
from tests.transport import fake_server as fake
from tests.transport.conftest import Loopback
from tests.transport.fake_server import FakeServer


@pytest.fixture
async def http() -> AsyncIterator[BoundedHttp]:
    client = BoundedHttp(deadline=5.0, connect_timeout=2.0, read_timeout=0.3)
    yield client
    await client.aclose()


async def test_a_document_is_fetched_whole(http: BoundedHttp) -> None:
    with FakeServer(fake.answer({"keys": []}, headers={"X-Thing": "Yes"})) as server:
        reply = await http.get(f"{server.url}/pool/.well-known/jwks.json?x=1")
    assert (reply.status, reply.body) == (200, b'{"keys": []}')
    assert reply.headers["x-thing"] == "Yes"
    assert "keys" not in repr(reply)
    (seen,) = server.requests
    assert (seen.method, seen.target) == ("GET", "/pool/.well-known/jwks.json?x=1")
    assert seen.headers["accept-encoding"] == "identity"
    assert "cookie" not in seen.headers
    assert "authorization" not in seen.headers


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_every_status_but_a_redirect_is_an_answer(http: BoundedHttp, status: int) -> None:
    with FakeServer(fake.html(status)) as server:
        reply = await http.get(server.url)
    assert (reply.status, reply.body) == (status, fake.HTML)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(http: BoundedHttp, status: int) -> None:
    # threat 36
    with FakeServer() as elsewhere:
        act = fake.redirect(status, elsewhere.url + "/stolen")
        with FakeServer(act) as server, pytest.raises(RemoteProtocolError, match="redirect"):
            await http.get(server.url)
        assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "act",
    [
        fake.flood(10 * 2**20),
        fake.flood(10 * 2**20, chunked=True),
        fake.answer(b"x" * (256 * 1024 + 1)),
    ],
    ids=["announced", "chunked", "one byte too many"],
)
async def test_a_body_beyond_the_limit_is_dropped(http: BoundedHttp, act: fake.Act) -> None:
    # threat 40, threat 4
    too_large = pytest.raises(RemoteProtocolError, match="larger than 262144 bytes")
    with FakeServer(act) as server, too_large:
        await http.get(server.url)


async def test_a_body_of_exactly_the_limit_is_read(http: BoundedHttp) -> None:
    with FakeServer(fake.answer(b"x" * (256 * 1024))) as server:
        assert len((await http.get(server.url)).body) == 256 * 1024


async def test_a_decompression_bomb_is_not_opened(http: BoundedHttp) -> None:
    # threat 40
    refused = pytest.raises(RemoteProtocolError, match="compressed")
    with FakeServer(fake.bomb(50 * 2**20)) as server, refused:
        await http.get(server.url)


async def test_cookies_are_not_kept(http: BoundedHttp) -> None:
    # threat 50
    act = fake.answer(headers={"Set-Cookie": "id=1; Path=/; Max-Age=3600"})
    with FakeServer(act) as server:
        for _ in range(3):
            await http.get(server.url)
    assert len(server.requests) == 3
    assert not any("cookie" in seen.headers for seen in server.requests)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (fake.silence, DeadlineExceeded),
        (fake.half(), ResponseLost),
        (fake.reset, ResponseLost),
        (fake.hang_up, ResponseLost),
        (fake.garbage, RemoteProtocolError),
    ],
    ids=["silence", "half a body", "reset", "hung up", "garbage"],
)
async def test_a_failing_server_becomes_one_error(
    http: BoundedHttp, act: fake.Act, error: type[Exception]
) -> None:
    # threat 24
    with FakeServer(act) as server, pytest.raises(error) as caught:
        await http.get(server.url)
    assert getattr(caught.value, "retry_safe", True)


async def test_a_body_that_never_ends_meets_the_deadline() -> None:
    # threat 24
    http = BoundedHttp(deadline=0.4)
    with FakeServer(fake.drip) as server:
        with pytest.raises(DeadlineExceeded) as caught:
            await http.get(server.url)
        await http.aclose()
    assert caught.value.operation == "GET 127.0.0.1"


async def test_a_closed_port_is_a_failed_connection(http: BoundedHttp) -> None:
    with FakeServer() as server:
        url = server.url
    with pytest.raises(ConnectFailed) as caught:
        await http.get(url)
    assert caught.value.retry_safe
    assert isinstance(caught.value.__cause__, OSError)


async def test_an_unknown_name_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    # threat 24
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    http = BoundedHttp(allow_http=True, deadline=2.0)
    try:
        with pytest.raises((ConnectFailed, DeadlineExceeded)) as caught:
            await http.get("http://keys.invalid/")
    finally:
        await http.aclose()
    assert isinstance(caught.value, TransportError)


@pytest.mark.parametrize("url", ["http://example.com/", "ftp://127.0.0.1/", "", "https://a@b/"])
async def test_an_unsafe_url_is_refused_before_anything_is_sent(
    http: BoundedHttp, url: str
) -> None:
    with pytest.raises(InvalidArgument):
        await http.get(url)


async def test_an_unknown_certificate_is_refused(http: BoundedHttp, loopback_tls: Loopback) -> None:
    # threat 38: nothing switches the check off, not even for loopback
    rejected = pytest.raises(CertificateRejected)
    with FakeServer(tls=loopback_tls.server) as server, rejected as caught:
        await http.get(server.url)
    assert not caught.value.retry_safe
    assert server.requests == []


async def test_an_authority_of_ones_own_is_named_by_the_environment(
    http: BoundedHttp, loopback_tls: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 38
    monkeypatch.setenv("AWS_CA_BUNDLE", str(loopback_tls.authority))
    with FakeServer(tls=loopback_tls.server) as server:
        assert (await http.get(server.url)).status == 200


async def test_a_broken_authority_file_is_named(
    http: BoundedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(InvalidArgument, match="AWS_CA_BUNDLE"):
        await http.get("https://127.0.0.1:1/")


async def test_many_tasks_share_one_client(http: BoundedHttp) -> None:
    with FakeServer() as server:
        async with anyio.create_task_group() as tasks:
            for _ in range(30):
                tasks.start_soon(http.get, server.url)
        assert len(server.requests) == 30
        assert server.connections <= 10


async def test_a_cancelled_fetch_leaves_the_client_usable(http: BoundedHttp) -> None:
    # threat 26
    arrived = threading.Event()

    def act(connection: fake.Connection) -> None:
        arrived.set()
        connection.wait()

    client = BoundedHttp()
    with FakeServer(act, fake.answer(b"{}")) as server:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.get, server.url)
            await anyio.to_thread.run_sync(arrived.wait, 10)
            tasks.cancel_scope.cancel()
        assert (await client.get(server.url)).body == b"{}"
        await client.aclose()


async def test_closing_is_idempotent_and_not_the_end(http: BoundedHttp) -> None:
    await http.aclose()
    with FakeServer() as server:
        await http.get(server.url)
        await http.aclose()
        await http.aclose()
        assert (await http.get(server.url)).status == 200


async def test_one_client_serves_one_event_loop(http: BoundedHttp) -> None:
    with FakeServer() as server:
        await http.get(server.url)

        def elsewhere() -> None:
            with pytest.raises(LocalProtocolError, match="another event loop"):
                anyio.run(http.get, server.url)

        await anyio.to_thread.run_sync(elsewhere)


async def test_a_proxy_sees_a_host_name_and_nothing_else(
    http: BoundedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 37
    refusal = fake.answer(b"", status=502)
    with FakeServer(refusal) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(ConnectFailed):
            await http.get("https://keys.example/secret-path")
    assert [(seen.method, seen.target) for seen in proxy.requests] == [
        ("CONNECT", "keys.example:443")
    ]
    assert "secret-path" not in str(proxy.requests)


async def test_no_proxy_is_asked_about_loopback(
    http: BoundedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 37
    with FakeServer() as proxy, FakeServer() as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("all_proxy", proxy.url)
        assert (await http.get(server.url)).status == 200
        assert proxy.connections == 0
