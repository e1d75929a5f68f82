"""The HTTP shell, byte by byte: envelope, headers, preflight, faults, bad requests.

Everything here talks plain HTTP. That AWS's own client understands it is shown in
test_local.py.
"""

from __future__ import annotations

import gzip
import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest

from aiocognito.errors import InvalidArgument, LocalProtocolError
from aiocognito.testing.backend import Backend
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.faults import (
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
)
from aiocognito.testing.http import HttpShell
from aiocognito.testing.identity_pool import LocalIdentityPool
from aiocognito.testing.user_pool import LocalUserPool

POOL_ID = "eu-west-1_Local0001"
IDENTITY_POOL_ID = "eu-west-1:00000000-0000-4000-8000-000000000001"
GET_ID = "AWSCognitoIdentityService.GetId"
IDP = "AWSCognitoIdentityProviderService."
GUEST = {"IdentityPoolId": IDENTITY_POOL_ID}


class Server:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.backend = Backend(clock=self.clock)
        self.backend.add_user_pool(LocalUserPool(POOL_ID, clock=self.clock))
        self.backend.identity_pool = LocalIdentityPool(IDENTITY_POOL_ID, clock=self.clock)
        self.shell = HttpShell(self.backend)
        self.shell.start()

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection(urlsplit(self.shell.url).netloc, timeout=5)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def call(self, target: str, parameters: Any) -> tuple[HTTPResponse, bytes]:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        return self.request("POST", "/", json.dumps(parameters).encode(), headers)

    def guest(self) -> tuple[HTTPResponse, bytes]:
        return self.call(GET_ID, GUEST)

    def plan(self, fault: Fault, operation: str = "GetId") -> None:
        self.backend.faults.add(fault, operation=operation)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.shell.stop()


# --- answers -----------------------------------------------------------------------


def test_an_answer_has_the_headers_of_the_service(server: Server) -> None:
    response, body = server.guest()
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["X-Amzn-Requestid"])
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Expose-Headers"] == (
        "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"
    )
    assert json.loads(body)["IdentityId"].startswith("eu-west-1:")


def test_the_date_is_the_pools(server: Server) -> None:
    server.clock.jump(-86_400)
    response, _ = server.guest()
    assert response.headers["Date"] == formatdate(server.clock.wall(), usegmt=True)


def test_an_instant_is_a_number(server: Server) -> None:
    guest = json.loads(server.guest()[1])
    body = server.call("AWSCognitoIdentityService.GetCredentialsForIdentity", guest)[1]
    assert isinstance(json.loads(body)["Credentials"]["Expiration"], float)


def test_an_error_has_the_envelope_of_the_service(server: Server) -> None:
    response, body = server.call(GET_ID, {"IdentityPoolId": IDENTITY_POOL_ID[:-1] + "9"})
    text = f"IdentityPool '{IDENTITY_POOL_ID[:-1]}9' not found."
    assert response.status == 400
    assert json.loads(body) == {"__type": "ResourceNotFoundException", "message": text}
    assert response.headers["x-amzn-ErrorType"] == "ResourceNotFoundException:"
    assert response.headers["x-amzn-ErrorMessage"] == text
    assert response.headers["Content-Type"] == "application/x-amz-json-1.1"


def test_what_a_client_sent_cannot_break_out_of_a_header(server: Server) -> None:
    response, body = server.call(IDP + "GetUser\u00e9", {})
    assert response.status == 400
    server.plan(Refuse("InvalidParameterException", "a\r\nSet-Cookie: é=1\x00"))
    response, body = server.guest()
    assert response.headers["x-amzn-ErrorMessage"] == "a??Set-Cookie: ?=1?"
    assert "Set-Cookie" not in response.headers
    assert json.loads(body)["message"] == "a\r\nSet-Cookie: é=1\x00"


@pytest.mark.parametrize(
    "target", ["", "GetId", "AWSCognitoIdentityService.", "Other.GetId", GET_ID + "x", IDP + "Nope"]
)
def test_an_unknown_target_is_an_unknown_operation(server: Server, target: str) -> None:
    response, body = server.call(target, GUEST)
    assert response.status == 400
    assert json.loads(body)["__type"] == "UnknownOperationException"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b'{"a": NaN}', b"\xff", b"[" * 100_000 + b"]" * 100_000],
    ids=["empty", "half", "list", "text", "nan", "bytes", "deep"],
)
def test_a_body_that_is_no_object_is_a_serialisation_error(server: Server, body: bytes) -> None:
    response, answer = server.request("POST", "/", body, {"X-Amz-Target": GET_ID})
    assert response.status == 400
    assert json.loads(answer)["__type"] == "SerializationException"


def test_a_body_said_to_be_compressed_is_not_unpacked(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"X-Amz-Target": GET_ID, "Content-Encoding": "gzip"}
    for body in (b"{}", gzip.compress(b"{}")):
        response, answer = server.request("POST", "/", body, headers)
        assert response.status == 400
        assert response.getheader("x-amzn-ErrorType")
        assert json.loads(answer)["__type"] != "InternalErrorException"
    assert not caplog.records


def test_a_body_without_bounds_is_refused(server: Server) -> None:
    response, _ = server.call(GET_ID, {"IdentityPoolId": "x" * 300_000})
    assert response.status == 413


def test_a_bug_of_ours_looks_like_one_of_theirs(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.backend.identity_pool = None
    server.backend.handle = None  # type: ignore[assignment,method-assign]
    with caplog.at_level(logging.ERROR):
        response, body = server.guest()
    assert response.status == 500
    assert json.loads(body)["__type"] == "InternalErrorException"
    assert "the local pool failed" in caplog.text


# --- browsers ------------------------------------------------------------------------


def test_a_browser_may_ask_first(server: Server) -> None:
    response, _ = server.request("OPTIONS", "/", headers={"Origin": "http://localhost:3000"})
    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    allowed = response.headers["Access-Control-Allow-Headers"].split(",")
    assert {"content-type", "x-amz-target", "x-amz-user-agent", "cache-control"} <= set(allowed)


# --- documents -----------------------------------------------------------------------


def test_the_key_set_is_published(server: Server) -> None:
    response, body = server.request("GET", f"/{POOL_ID}/.well-known/jwks.json")
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert len(json.loads(body)["keys"]) == 2


def test_the_discovery_document_is_published(server: Server) -> None:
    body = server.request("GET", f"/{POOL_ID}/.well-known/openid-configuration")[1]
    assert json.loads(body)["issuer"].endswith(POOL_ID)


@pytest.mark.parametrize(
    "path", ["/", f"/{POOL_ID}/.well-known/other", "/eu-west-1_Nobody/.well-known/jwks.json"]
)
def test_other_documents_are_not_there(server: Server, path: str) -> None:
    assert server.request("GET", path)[0].status in {404, 405}


def test_documents_are_counted_and_struck_by_their_names(server: Server) -> None:
    server.plan(Html(502), "jwks.json")
    path = f"/{POOL_ID}/.well-known/jwks.json"
    assert [server.request("GET", path)[0].status for _ in range(2)] == [502, 200]
    assert server.backend.requests.count("jwks.json") == 2


# --- faults --------------------------------------------------------------------------


def test_throttling(server: Server) -> None:
    server.plan(Throttle(retry_after=3))
    response, body = server.guest()
    assert response.status == 400
    assert json.loads(body)["__type"] == "TooManyRequestsException"
    assert response.headers["Retry-After"] == "3"


@pytest.mark.parametrize("acted", [True, False])
def test_an_internal_failure_may_come_before_or_after_the_act(server: Server, acted: bool) -> None:
    server.plan(InternalFailure(acted=acted))
    response, body = server.guest()
    assert response.status == 500
    assert json.loads(body)["__type"] == "InternalErrorException"
    assert identities(server) == acted


def test_a_refusal_of_choice(server: Server) -> None:
    server.plan(Refuse("ForbiddenException", "Request not allowed due to WAF block.", status=403))
    response, body = server.guest()
    assert response.status == 403
    assert json.loads(body)["message"] == "Request not allowed due to WAF block."


@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_page_instead_of_an_answer(server: Server, status: int) -> None:
    server.plan(Html(status))
    response, body = server.guest()
    assert response.status == status
    assert response.headers["Content-Type"] == "text/html"
    assert body.startswith(b"<!doctype html>")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect(server: Server, status: int) -> None:
    server.plan(Redirect("http://127.0.0.1:9/", status))
    response, _ = server.guest()
    assert response.status == status
    assert response.headers["Location"] == "http://127.0.0.1:9/"


def test_an_oversize_answer_is_well_formed(server: Server) -> None:
    server.plan(Oversize(1_000_000))
    _, body = server.guest()
    assert len(body) >= 1_000_000
    assert json.loads(body)


def test_a_malformed_answer_says_that_all_is_well(server: Server) -> None:
    server.plan(Malformed())
    response, body = server.guest()
    assert response.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_an_answer_of_choice(server: Server) -> None:
    server.plan(Answer({"IdentityId": 7}))
    assert json.loads(server.guest()[1]) == {"IdentityId": 7}
    assert identities(server) == 0


def test_an_altered_answer(server: Server) -> None:
    server.plan(Alter(lambda body: {**body, "Extra": True}))
    answer = json.loads(server.guest()[1])
    assert answer["Extra"] is True
    assert "IdentityId" in answer


def test_a_cookie(server: Server) -> None:
    server.plan(SetCookie("canary=1"))
    response, body = server.guest()
    assert response.headers["Set-Cookie"] == "canary=1"
    assert "IdentityId" in json.loads(body)


@pytest.mark.parametrize("acted", [True, False])
def test_a_dropped_connection_may_come_before_or_after_the_act(server: Server, acted: bool) -> None:
    server.plan(Drop(acted=acted))
    with pytest.raises(ConnectionResetError):
        server.guest()
    assert identities(server) == acted


def test_half_an_answer(server: Server) -> None:
    server.plan(Truncate())
    with pytest.raises(HTTPException):  # IncompleteRead
        server.guest()
    assert identities(server) == 1


@pytest.mark.parametrize("acted", [True, False])
def test_a_slow_answer_arrives(server: Server, acted: bool) -> None:
    server.plan(Slow(0.02, acted=acted))
    assert server.guest()[0].status == 200
    assert identities(server) == 1


def test_after_a_fault_the_server_serves(server: Server) -> None:
    server.plan(Drop())
    with pytest.raises(ConnectionResetError):
        server.guest()
    assert server.guest()[0].status == 200


def identities(server: Server) -> int:
    assert server.backend.identity_pool is not None
    return len(server.backend.identity_pool._directory._identities)


# --- starting and stopping -----------------------------------------------------------


def test_a_shell_that_does_not_run_has_no_url() -> None:
    shell = HttpShell(Backend(clock=ManualClock()))
    assert not shell.is_running
    with pytest.raises(LocalProtocolError):
        _ = shell.url


def test_starting_twice_is_refused(server: Server) -> None:
    with pytest.raises(LocalProtocolError):
        server.shell.start()
    assert server.guest()[0].status == 200


def test_stopping_is_idempotent_and_frees_the_port(server: Server) -> None:
    port = urlsplit(server.shell.url).port
    server.shell.stop()
    server.shell.stop()
    assert not server.shell.is_running
    again = HttpShell(server.backend, port=port or 0)
    again.start()
    again.stop()


def test_stopping_ends_the_thread_even_while_somebody_waits(server: Server) -> None:
    server.plan(Slow(60))
    url = urlsplit(server.shell.url)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=5) as waiting:
        body = json.dumps(GUEST).encode()
        head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {GET_ID}\r\n"
        waiting.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        while server.backend.requests.count("GetId") == 0:
            threading.Event().wait(0.005)
        server.shell.stop()
    names = [thread.name for thread in threading.enumerate()]
    assert "aiocognito-local-pool" not in names


def test_a_taken_port_is_told(server: Server) -> None:
    other = HttpShell(server.backend, port=urlsplit(server.shell.url).port or 0)
    with pytest.raises(OSError):
        other.start()
    assert not other.is_running


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_only_loopback_addresses_are_served(host: str) -> None:
    with pytest.raises(InvalidArgument):
        HttpShell(Backend(clock=ManualClock()), host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_every_loopback_address_is_fine(host: str) -> None:
    HttpShell(Backend(clock=ManualClock()), host=host)


def test_an_ipv6_address_is_bracketed() -> None:
    shell = HttpShell(Backend(clock=ManualClock()), host="::1")
    try:
        shell.start()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    try:
        assert shell.url.startswith("http://[::1]:")
    finally:
        shell.stop()
