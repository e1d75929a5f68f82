"""The real transport against servers that do not play along."""

from __future__ import annotations

import gc
import io
import json
import logging
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from aiocognito import errors
from aiocognito._redact import Secret
from aiocognito.errors import (
    CertificateRejected,
    CognitoError,
    ConnectFailed,
    DeadlineExceeded,
    InvalidArgument,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseLost,
    ServiceError,
    TransportError,
)
from aiocognito.flow.calls import Call
from aiocognito.transport import botocore as module
from aiocognito.transport._exchange import Outgoing
from aiocognito.transport.base import HttpReply
from aiocognito.transport.botocore import BotocoreTransport
from tests.transport import fake_server as fake
from tests.transport.conftest import Loopback
from tests.transport.fake_server import FakeServer
from tests.transport.loop_guard import watching

PASSWORD = "canary-Passw0rd!"
TOKEN = "canary-token-eyJraWQi"
CLIENT_SECRET_HASH = "canary-hash-3q2+7w=="
CANARIES = (PASSWORD, TOKEN, CLIENT_SECRET_HASH, "canary")
TRIGGER_REFUSES = f"PreAuthentication failed with error not {PASSWORD}."


def sign_in(**more: Any) -> Call:
    return Call(
        operation="InitiateAuth",
        parameters={
            "ClientId": "4abcdefghijklmnopqrstuvwxy",
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {
                "USERNAME": "ana",
                "PASSWORD": Secret(PASSWORD),
                "SECRET_HASH": Secret(CLIENT_SECRET_HASH),
            },
        },
        **more,
    )


@pytest.fixture
async def opened() -> AsyncIterator[Any]:
    """Make transports; close them at the end."""
    transports: list[BotocoreTransport] = []

    def make(server: FakeServer, **options: Any) -> BotocoreTransport:
        options = {"read_timeout": 0.5, **options}
        transports.append(BotocoreTransport("eu-west-1", endpoint_url=server.url, **options))
        return transports[-1]

    yield make
    for transport in transports:
        await transport.aclose()


# --- what goes out, what comes back -----------------------------------------------------


async def test_a_call_goes_out_as_the_service_expects_it(opened: Any) -> None:
    # F039
    body = {"AuthenticationResult": {"AccessToken": TOKEN, "ExpiresIn": 3600}, "NewThing": 1}
    act = fake.answer(
        body,
        headers={"x-amzn-RequestId": "id-1", "Date": "Fri, 20 Nov 2026 22:08:10 GMT"},
    )
    with FakeServer(act) as server:
        reply = await opened(server).send(sign_in())
    assert reply.body == {"AuthenticationResult": {"AccessToken": TOKEN, "ExpiresIn": 3600}}
    assert reply.request_id == "id-1"
    assert reply.date == datetime(2026, 11, 20, 22, 8, 10, tzinfo=UTC)
    assert TOKEN not in repr(reply)
    (seen,) = server.requests
    assert (seen.method, seen.target) == ("POST", "/")
    assert seen.headers["x-amz-target"] == "AWSCognitoIdentityProviderService.InitiateAuth"
    assert seen.headers["content-type"] == "application/x-amz-json-1.1"
    assert seen.headers["accept-encoding"] == "identity"
    assert "aiocognito" in seen.headers["user-agent"]
    assert json.loads(seen.body)["AuthParameters"] == {
        "USERNAME": "ana",
        "PASSWORD": PASSWORD,
        "SECRET_HASH": CLIENT_SECRET_HASH,
    }


async def test_calls_go_out_unsigned_whatever_credentials_lie_around(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    with FakeServer() as server:
        await opened(server).send(sign_in())
    assert not {"authorization", "x-amz-security-token"} & set(server.requests[0].headers)


async def test_identity_pools_have_their_own_service(opened: Any) -> None:
    expires = 1700574875.82
    body = {
        "IdentityId": "eu-west-1:1",
        "Credentials": {"AccessKeyId": "ASIA", "SecretKey": "x", "Expiration": expires},
    }
    with FakeServer(fake.answer(body)) as server:
        reply = await opened(server, service="cognito-identity").send(
            Call(
                service="cognito-identity",
                operation="GetCredentialsForIdentity",
                parameters={"IdentityId": "eu-west-1:1", "Logins": {"key": Secret(TOKEN)}},
            )
        )
    target = server.requests[0].headers["x-amz-target"]
    assert target == "AWSCognitoIdentityService.GetCredentialsForIdentity"
    expiration = reply.body["Credentials"]["Expiration"]
    assert expiration.tzinfo is not None
    assert expiration.timestamp() == pytest.approx(expires)


@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_an_operation_without_output_may_answer_nothing(opened: Any, body: bytes) -> None:
    call = Call(operation="DeleteUser", parameters={"AccessToken": Secret(TOKEN)})
    with FakeServer(fake.answer(body)) as server:
        assert (await opened(server).send(call)).body == {}


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 20 Nov 2026 22:08:10 -0000"])
async def test_a_malformed_date_is_no_date(opened: Any, date: str) -> None:
    with FakeServer(fake.answer(headers={"Date": date})) as server:
        assert (await opened(server).send(sign_in())).date is None


async def test_many_tasks_share_one_transport(opened: Any) -> None:
    with FakeServer() as server:
        transport = opened(server, max_connections=8)
        async with anyio.create_task_group() as tasks:
            for _ in range(40):
                tasks.start_soon(transport.send, sign_in())
        assert len(server.requests) == 40
        assert server.connections <= 8


# --- the caller's mistakes -----------------------------------------------------------------


@pytest.mark.parametrize("region", ["", "evil", "us-east-1.evil.com/x", "eu-west-1\n"])
def test_a_region_that_no_partition_knows_is_refused(region: str) -> None:
    # threat 39
    with pytest.raises(InvalidArgument):
        BotocoreTransport(region)


@pytest.mark.parametrize("url", ["http://example.com", "ftp://127.0.0.1", "x"])
def test_an_unsafe_endpoint_is_refused_at_once(url: str) -> None:
    # threat 37
    with pytest.raises(InvalidArgument) as caught:
        BotocoreTransport("eu-west-1", endpoint_url=url)
    assert caught.value.argument == "endpoint_url"


def test_plain_http_elsewhere_is_possible_and_explicit() -> None:
    # threat 37
    BotocoreTransport("eu-west-1", endpoint_url="http://cognito.test:4566", allow_http=True)


def test_nothing_switches_the_certificate_check_off() -> None:
    # threat 38
    with pytest.raises(TypeError):
        BotocoreTransport("eu-west-1", verify=False)  # type: ignore[call-arg]


async def test_parameters_the_model_refuses_are_named_and_not_quoted(opened: Any) -> None:
    # threat 34
    call = Call(
        operation="InitiateAuth",
        parameters={
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"PASSWORD": [PASSWORD]},
            "Session": "",
        },
    )
    with FakeServer() as server:
        with pytest.raises(InvalidArgument) as caught:
            await opened(server).send(call)
        assert server.connections == 0
    text = str(caught.value)
    assert "ClientId" in text
    assert "AuthParameters.PASSWORD" in text
    assert_clean(caught.value)


async def test_another_services_call_is_out_of_turn(opened: Any) -> None:
    with FakeServer() as server:
        with pytest.raises(LocalProtocolError):
            await opened(server).send(
                Call(service="cognito-identity", operation="GetId", parameters={})
            )
        with pytest.raises(LocalProtocolError, match="MakeCoffee"):
            await opened(server).send(Call(operation="MakeCoffee", parameters={}))
        assert server.connections == 0


async def test_one_transport_serves_one_event_loop(opened: Any) -> None:
    with FakeServer() as server:
        transport = opened(server)
        await transport.send(sign_in())

        def elsewhere() -> None:
            with pytest.raises(LocalProtocolError, match="another event loop"):
                anyio.run(transport.send, sign_in())

        await anyio.to_thread.run_sync(elsewhere)
        await transport.aclose()
        await transport.aclose()
        await transport.send(sign_in())


# --- errors of the service --------------------------------------------------------------------


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(
    ("act", "kind", "retry_safe"),
    [
        (
            fake.service_error("NotAuthorizedException", "Incorrect username or password."),
            errors.IncorrectUsernameOrPassword,
            False,
        ),
        (
            fake.service_error("UserNotFoundException", "User does not exist."),
            errors.IncorrectUsernameOrPassword,
            False,
        ),
        (fake.service_error("TooManyRequestsException"), errors.Throttled, True),
        (fake.service_error("Whatever", status=429), errors.Throttled, True),
        (fake.html(429), errors.Throttled, True),
        (fake.html(403), errors.Forbidden, False),
        (fake.html(500), errors.InternalError, None),
        (fake.html(503), errors.InternalError, None),
        (fake.answer(b"", status=502, content_type=None), errors.InternalError, None),
        (
            fake.service_error("InternalErrorException", status=500),
            errors.InternalError,
            None,
        ),
        (
            fake.answer({}, status=400, headers={"x-amzn-ErrorType": "CodeMismatchException:"}),
            errors.CodeMismatch,
            False,
        ),
    ],
    ids=[
        "wrong password",
        "unknown user",
        "throttled",
        "429",
        "429 html",
        "403 html",
        "500 html",
        "503 html",
        "502 empty",
        "internal",
        "code in the header",
    ],
)
async def test_each_answer_that_is_an_error_has_one_class(
    opened: Any, act: fake.Act, kind: type[ServiceError], retry_safe: bool | None, repeatable: bool
) -> None:
    # threat 24
    with FakeServer(act) as server:
        with pytest.raises(kind) as caught:
            await opened(server).send(sign_in(repeatable=repeatable))
        # One attempt, whatever botocore thinks of it.
        assert len(server.requests) == 1
    assert caught.value.retry_safe is (repeatable if retry_safe is None else retry_safe)
    assert caught.value.operation == "InitiateAuth"
    assert "html" not in str(caught.value)


async def test_an_error_tells_its_facts(opened: Any) -> None:
    act = fake.service_error(
        "TooManyRequestsException",
        "Rate exceeded",
        status=400,
        x_amzn_RequestId="id-2",
        Retry_After="3",
    )
    with FakeServer(act) as server, pytest.raises(errors.Throttled) as caught:
        await opened(server).send(sign_in())
    error = caught.value
    assert (error.code, error.message) == ("TooManyRequestsException", "Rate exceeded")
    assert (error.request_id, error.status, error.retry_after) == ("id-2", 400, 3.0)


async def test_what_was_sent_does_not_come_back_in_a_message(opened: Any) -> None:
    # threat 34
    text = f"Value '{PASSWORD}' at 'password' is bad, ana; USER_PASSWORD_AUTH is on"
    refused = pytest.raises(errors.InvalidParameter)
    act = fake.service_error("InvalidParameterException", text)
    with FakeServer(act) as server, refused as caught:
        await opened(server).send(sign_in())
    assert caught.value.message == "Value '***' at 'password' is bad, ana; USER_PASSWORD_AUTH is on"


async def test_a_refused_refresh_is_known_by_its_flow(opened: Any) -> None:
    call = Call(
        operation="InitiateAuth",
        parameters={
            "ClientId": "4abc",
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": {"REFRESH_TOKEN": Secret(TOKEN)},
        },
    )
    act = fake.service_error("NotAuthorizedException", "Who are you?")
    with FakeServer(act) as server, pytest.raises(errors.RefreshTokenRejected):
        await opened(server).send(call)


# --- answers that Cognito does not give --------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        fake.html(200),
        fake.answer(b"", content_type="text/html"),
        fake.answer(b"", content_type=None),
        fake.answer(b'{"a": 1}', content_type="text/plain"),
        fake.answer(b"[1, 2]"),
        fake.answer(b'"text"'),
        fake.answer(b"null"),
        fake.answer(b"{"),
        fake.answer(b'{"Session": NaN}'),
        fake.answer(b"\xef\xbb\xbf{}"),
        fake.answer(b'{"Session": "\xff"}'),
        fake.answer(b"[" * 100_000),
        fake.answer(b'{"AuthenticationResult": {"ExpiresIn": ' + b"9" * 5000 + b"}}"),
        fake.answer(b'{"AuthenticationResult": "text"}'),
        fake.answer(b'{"AuthenticationResult": [1]}'),
        fake.answer(b'{"ChallengeParameters": [1]}'),
        fake.answer(b"{}", status=204),
        fake.answer(b"{}", status=201),
        fake.html(404),
        fake.html(400),
        fake.garbage,
        fake.flood(10 * 2**20),
        fake.flood(10 * 2**20, chunked=True),
        fake.bomb(50 * 2**20),
    ],
    ids=[
        "captive portal",
        "empty html",
        "empty, no type",
        "json as text",
        "list",
        "string",
        "null",
        "cut json",
        "nan",
        "byte order mark",
        "not utf-8",
        "deep",
        "huge number",
        "result is text",
        "result is a list",
        "parameters are a list",
        "204",
        "201",
        "404 html",
        "400 html",
        "not http",
        "10 MB",
        "10 MB in chunks",
        "bomb",
    ],
)
async def test_an_impossible_answer_is_the_servers_fault(opened: Any, act: fake.Act) -> None:
    # threats 21, 40, 41
    with FakeServer(act) as server:
        with pytest.raises(RemoteProtocolError) as caught:
            await opened(server).send(sign_in())
        assert len(server.requests) == 1
    assert_clean(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_nothing_elsewhere(opened: Any, status: int) -> None:
    # threat 36
    with FakeServer(fake.answer({"Session": "stolen"})) as elsewhere:
        with FakeServer(fake.redirect(status, elsewhere.url)) as server:
            with pytest.raises(RemoteProtocolError, match="redirect"):
                await opened(server).send(sign_in())
            assert len(server.requests) == 1
        assert elsewhere.connections == 0


async def test_cookies_are_not_kept(opened: Any) -> None:
    # threat 50
    with FakeServer(fake.answer(headers={"Set-Cookie": "AWSALB=1; Path=/"})) as server:
        transport = opened(server)
        for _ in range(3):
            await transport.send(sign_in())
    assert len(server.requests) == 3
    assert not any("cookie" in seen.headers for seen in server.requests)


# --- no answer --------------------------------------------------------------------------------


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (fake.silence, DeadlineExceeded),
        (fake.half(), ResponseLost),
        (fake.reset, ResponseLost),
        (fake.hang_up, ResponseLost),
    ],
    ids=["silence", "half a body", "reset", "hung up"],
)
async def test_a_lost_answer_may_be_asked_for_again_only_if_the_call_is_harmless_twice(
    opened: Any, act: fake.Act, kind: type[TransportError], repeatable: bool
) -> None:
    # threats 24, 25
    with FakeServer(act) as server:
        with pytest.raises(kind) as caught:
            await opened(server).send(sign_in(repeatable=repeatable))
        assert len(server.requests) == 1
    assert caught.value.retry_safe is repeatable
    assert_clean(caught.value)


async def test_a_slow_body_meets_the_deadline(opened: Any) -> None:
    # threat 24
    with FakeServer(fake.drip) as server:
        transport = opened(server, deadline=0.6)
        await transport._api.get()
        with pytest.raises(DeadlineExceeded) as caught:
            await transport.send(sign_in())
    assert not caught.value.retry_safe


async def test_a_deadline_before_anything_was_sent_is_safe_to_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(module, "_load", lambda *_: gate.wait(10))
    transport = BotocoreTransport("eu-west-1", deadline=0.05)
    with pytest.raises(DeadlineExceeded) as caught:
        await transport.send(sign_in())
    gate.set()
    assert caught.value.retry_safe


async def test_a_refused_connection_is_always_safe_to_repeat(opened: Any) -> None:
    # threat 24
    with FakeServer() as server:
        transport = opened(server)
    with pytest.raises(ConnectFailed) as caught:
        await transport.send(sign_in())
    assert caught.value.retry_safe
    assert isinstance(caught.value.__cause__, OSError)
    assert_clean(caught.value)


async def test_an_unknown_certificate_ends_the_matter(opened: Any, loopback_tls: Loopback) -> None:
    # threats 7, 38
    rejected = pytest.raises(CertificateRejected)
    with FakeServer(tls=loopback_tls.server) as server, rejected as caught:
        await opened(server).send(sign_in())
    assert not caught.value.retry_safe
    assert server.requests == []
    assert_clean(caught.value)


async def test_an_authority_of_ones_own_is_used_and_reported(
    opened: Any, loopback_tls: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 38
    with FakeServer(tls=loopback_tls.server) as server:
        transport = opened(server)
        assert transport.ca_bundle is None
        monkeypatch.setenv("AWS_CA_BUNDLE", str(loopback_tls.authority))
        assert transport.ca_bundle == str(loopback_tls.authority)
        assert (await transport.send(sign_in())).body == {}


# --- cancellation ----------------------------------------------------------------------------


async def test_a_cancelled_call_leaves_the_transport_usable(opened: Any) -> None:
    # threat 26
    arrived = threading.Event()

    def act(connection: fake.Connection) -> None:
        arrived.set()
        connection.wait()

    with FakeServer(act, fake.answer()) as server:
        transport = opened(server, read_timeout=10)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.send, sign_in())
            await anyio.to_thread.run_sync(arrived.wait, 10)
            tasks.cancel_scope.cancel()
        assert (await transport.send(sign_in())).body == {}


async def test_the_model_is_loaded_once_although_the_first_caller_is_cancelled(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 26
    gate, started, loaded = threading.Event(), threading.Event(), []
    really = module._load

    def slowly(*args: Any) -> Any:
        loaded.append(threading.get_ident())
        started.set()
        assert gate.wait(10)
        return really(*args)

    monkeypatch.setattr(module, "_load", slowly)
    with FakeServer() as server:
        transport = opened(server)
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as first:
                async with anyio.create_task_group() as inner:
                    inner.start_soon(transport.send, sign_in())
                    await anyio.to_thread.run_sync(started.wait, 10)
                    for _ in range(10):
                        tasks.start_soon(transport.send, sign_in())
                    await anyio.lowlevel.checkpoint()
                    first.cancel()
            gate.set()
        assert len(server.requests) == 10
    assert len(loaded) == 1
    assert loaded[0] != threading.get_ident()


@pytest.fixture
def module_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "to_preload.py").write_text("import threading; THREAD = threading.get_ident()")
    monkeypatch.syspath_prepend(tmp_path)
    return "to_preload"


async def test_what_the_loop_will_need_is_imported_in_the_worker_thread(
    opened: Any, module_file: str
) -> None:
    with FakeServer() as server:
        await opened(server, preload=[module_file]).send(sign_in())
    assert threading.get_ident() != sys.modules.pop(module_file).THREAD


# --- where calls go --------------------------------------------------------------------------


class Recorder:
    """An exchange that keeps what it is given and answers {}."""

    def __init__(self) -> None:
        self.outgoing: list[Outgoing] = []

    async def request(self, outgoing: Outgoing) -> HttpReply:
        self.outgoing.append(outgoing)
        return HttpReply(status=200, headers={"content-type": fake.JSON}, body=b"{}")

    async def exchange(self) -> Recorder:
        return self


async def destination(transport: BotocoreTransport, call: Call) -> Outgoing:
    recorder = Recorder()
    transport._link = recorder  # type: ignore[assignment]
    await transport.send(call)
    return recorder.outgoing[0]


@pytest.fixture
def nothing_loaded() -> None:
    """Forget the models that earlier tests have loaded."""
    module._documents.cache_clear()


AWS = "https://cognito-idp.eu-west-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "cognito-idp.us-east-1.amazonaws.com"),
        ("eu-central-2", "cognito-idp.eu-central-2.amazonaws.com"),
        ("us-gov-west-1", "cognito-idp.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "cognito-idp.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "cognito-idp.eusc-de-east-1.amazonaws.eu"),
        ("us-iso-east-1", "cognito-idp.us-iso-east-1.c2s.ic.gov"),
    ],
)
async def test_calls_go_to_the_regions_endpoint(region: str, host: str) -> None:
    # threats 37, 39
    outgoing = await destination(BotocoreTransport(region), sign_in())
    assert outgoing.url == f"https://{host}/"
    assert outgoing.proxy is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ENDPOINT_URL", "http://evil.example"),
        ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "http://evil.example"),
        ("AWS_ENDPOINT_URL_COGNITO_IDENTITY", "http://evil.example"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"),
        ("AWS_PROFILE", "nobody"),
        ("AWS_DEFAULT_PROFILE", "nobody"),
        ("AWS_DEFAULT_REGION", "evil"),
        ("AWS_REGION", "evil"),
        ("AWS_DATA_PATH", "/nowhere"),
        ("AWS_DEFAULTS_MODE", "auto"),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_RETRY_MODE", "forever"),
        ("AWS_CSM_ENABLED", "true"),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "never"),
    ],
)
async def test_no_environment_variable_moves_or_breaks_a_call(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, nothing_loaded: None
) -> None:
    # threat 37
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://evil.example")
    monkeypatch.setenv(name, value)
    outgoing = await destination(BotocoreTransport("eu-west-1"), sign_in())
    assert outgoing.url == AWS


CONFIGURED = """\
[default]
region = evil
endpoint_url = http://evil.example
services = evil
[services evil]
cognito_identity_provider =
  endpoint_url = http://evil.example
"""


@pytest.mark.parametrize("text", [CONFIGURED, "[broken", "\x00", "[profile x]\nregion"])
async def test_no_profile_is_read(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nothing_loaded: None
) -> None:
    # threat 37
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text(text)
    (folder / "credentials").write_text(text)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(folder / "config"))
    with watching(every_thread=True) as seen:
        outgoing = await destination(BotocoreTransport("eu-west-1"), sign_in())
    assert outgoing.url == AWS
    assert [entry for entry in seen if str(tmp_path) in entry] == []


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("AWS_USE_FIPS_ENDPOINT", "cognito-idp-fips.us-gov-west-1.amazonaws.com"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "cognito-idp.us-gov-west-1.api.aws"),
    ],
)
async def test_the_environment_may_choose_among_aws_own_endpoints(
    name: str, host: str, monkeypatch: pytest.MonkeyPatch, nothing_loaded: None
) -> None:
    monkeypatch.setenv(name, "true")
    outgoing = await destination(BotocoreTransport("us-gov-west-1"), sign_in())
    assert outgoing.url == f"https://{host}/"
    custom = BotocoreTransport("us-gov-west-1", endpoint_url="http://127.0.0.1:1")
    assert (await destination(custom, sign_in())).url == "http://127.0.0.1:1/"


async def test_a_proxy_of_the_environment_is_used_but_never_for_loopback(
    monkeypatch: pytest.MonkeyPatch, nothing_loaded: None
) -> None:
    # threat 37
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "proxy.example:3128")
    outgoing = await destination(BotocoreTransport("eu-west-1"), sign_in())
    assert outgoing.proxy == "http://proxy.example:3128"
    local = BotocoreTransport("eu-west-1", endpoint_url="http://127.0.0.1:1")
    assert (await destination(local, sign_in())).proxy is None


async def test_a_region_without_the_endpoint_asked_for_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from botocore.endpoint_provider import EndpointProvider
    from botocore.exceptions import EndpointResolutionError

    def refuse(*_: Any, **parameters: Any) -> Any:
        raise EndpointResolutionError(msg=f"FIPS is not supported: {parameters}")

    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setattr(EndpointProvider, "resolve_endpoint", refuse)
    with pytest.raises(InvalidArgument, match="AWS_USE_FIPS_ENDPOINT") as caught:
        await destination(BotocoreTransport("eu-west-1"), sign_in())
    assert caught.value.argument == "region"


async def test_a_model_replaced_below_a_running_process_is_found(
    monkeypatch: pytest.MonkeyPatch, nothing_loaded: None
) -> None:
    from botocore.exceptions import UnknownServiceError
    from botocore.loaders import Loader

    transport = BotocoreTransport("eu-west-1")
    with monkeypatch.context() as replaced:
        replaced.setattr(Loader, "BUILTIN_DATA_PATH", "/nowhere")
        with pytest.raises(UnknownServiceError):
            await transport.send(sign_in())
    assert (await destination(transport, sign_in())).url == AWS


# --- nothing leaks ------------------------------------------------------------------------------


def assert_clean(error: BaseException) -> None:
    """No canary in an error, its chain, or the frames its traceback leads to."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The first frame is the test's own, which made the canaries.
    report.stack[:] = report.stack[1:]
    text = "".join(report.format()) + repr(error) + repr(vars(error))
    assert error.__context__ is None
    if error.__cause__ is not None:
        assert error.__cause__.__traceback__ is None
    for canary in CANARIES:
        assert canary not in text


@pytest.mark.parametrize(
    ("act", "speaks_of_the_answer"),
    [
        (fake.answer({"AuthenticationResult": {"AccessToken": TOKEN}}), True),
        (fake.service_error("InvalidParameterException", f"bad {PASSWORD}"), False),
        (fake.service_error("UserLambdaValidationException", TRIGGER_REFUSES), False),
        (fake.html(503), False),
        (fake.html(200), False),
        (fake.answer(b'{"AuthenticationResult": "' + TOKEN.encode() + b'"}'), True),
        (fake.reset, False),
        (fake.half(TOKEN.encode()), False),
    ],
    ids=["tokens", "error", "trigger", "503", "portal", "wrong type", "reset", "half"],
)
async def test_no_secret_reaches_a_log_or_an_error(
    opened: Any, act: fake.Act, speaks_of_the_answer: bool, caplog: pytest.LogCaptureFixture
) -> None:
    # threat 34
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    logging.getLogger().addHandler(handler)
    caplog.set_level(logging.DEBUG)
    try:
        with FakeServer(act) as server:
            try:
                await opened(server).send(sign_in())
            except CognitoError as error:
                assert_clean(error)
    finally:
        logging.getLogger().removeHandler(handler)
    logged = written.getvalue() + caplog.text
    # botocore does speak at DEBUG, so the search below means something.
    assert ("botocore.parsers Response body" in logged) == speaks_of_the_answer
    for record in caplog.records:
        logged += repr(record.args) + str(record.msg)
    for canary in CANARIES:
        assert canary not in logged


def test_other_clients_records_pass_unchanged(caplog: pytest.LogCaptureFixture) -> None:
    module.hide_bodies()
    module.hide_bodies()
    logger = logging.getLogger("botocore.parsers")
    caplog.set_level(logging.DEBUG)
    logger.debug("Response body:\n%r", b"theirs")
    logger.debug("Response headers: %r", {"a": "theirs"})
    assert caplog.text.count("theirs") == 2
    ours = [known for known in logger.filters if type(known).__name__ == "_HideBodies"]
    assert len(ours) == 1


async def test_no_plain_secret_stays_behind(opened: Any) -> None:
    # threat 34
    with FakeServer() as server:
        transport = opened(server)
        await transport.send(sign_in())
        server.requests.clear()
    gc.collect()
    kept = [
        found
        for found in gc.get_objects()
        if isinstance(found, dict) and found.get("SECRET_HASH") == CLIENT_SECRET_HASH
    ]
    assert kept == []


# --- the seam to the HTTP libraries -------------------------------------------------------


async def test_a_failure_of_the_library_before_sending_is_named_by_its_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # threat 34
    class Exploding(Recorder):
        async def request(self, outgoing: Outgoing) -> HttpReply:
            raise KeyError(PASSWORD)

    transport = BotocoreTransport("eu-west-1")
    transport._link = Exploding()  # type: ignore[assignment]
    with pytest.raises(LocalProtocolError, match="KeyError") as caught:
        await transport.send(sign_in())
    assert_clean(caught.value)
