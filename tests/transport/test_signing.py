"""Signed calls: whose keys they carry, and that nothing else ever carries any."""

from __future__ import annotations

import io
import logging
import re
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiobotocore.session import AioSession
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import Session as BlockingSession

from aiocognito.errors import (
    CognitoError,
    CredentialsRejected,
    InvalidType,
    LocalProtocolError,
    RemoteProtocolError,
    SignInRequired,
)
from aiocognito.flow.calls import Call
from aiocognito.transport.botocore import BotocoreTransport
from tests.transport import fake_server as fake
from tests.transport.fake_server import FakeServer
from tests.transport.loop_guard import watching

KEY_ID = "AKIDEXAMPLE"
SECRET_KEY = "canary/secret+key"
SESSION_TOKEN = "canary-session-token"

LOOK_UP = Call(
    operation="AdminGetUser",
    parameters={"UserPoolId": "eu-west-1_Ab12Cd34E", "Username": "ana"},
    signed=True,
    repeatable=True,
)
PUBLIC = Call(operation="GetUser", parameters={"AccessToken": "eyJ.e30.x"})


def caller(token: str | None = SESSION_TOKEN) -> AioSession:
    session = AioSession()
    session.set_credentials(KEY_ID, SECRET_KEY, token)
    return session


@pytest.fixture
async def opened() -> AsyncIterator[Any]:
    transports: list[BotocoreTransport] = []

    def make(server: FakeServer, **options: Any) -> BotocoreTransport:
        options = {"read_timeout": 0.5, "aws": caller(), **options}
        transports.append(BotocoreTransport("eu-west-1", endpoint_url=server.url, **options))
        return transports[-1]

    yield make
    for transport in transports:
        await transport.aclose()


def expected_signature(seen: Any, url: str) -> str:
    """Sign what arrived once more, with botocore's own signer and the time it names."""
    signed = re.findall(r"SignedHeaders=([^,]+)", seen.headers["authorization"])[0].split(";")
    request = AWSRequest(
        method=seen.method,
        url=url + seen.target,
        headers={name: seen.headers[name] for name in signed},
        data=seen.body,
    )
    request.context["timestamp"] = seen.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(KEY_ID, SECRET_KEY), "cognito-idp", "eu-west-1")
    canonical = signer.canonical_request(request)
    return str(signer.signature(signer.string_to_sign(request, canonical), request))


@pytest.mark.parametrize("token", [SESSION_TOKEN, None])
async def test_a_signed_call_is_signed_with_the_callers_keys(
    opened: Any, token: str | None
) -> None:
    with FakeServer(fake.answer({"Username": "ana"})) as server:
        reply = await opened(server, aws=caller(token)).send(LOOK_UP)
        seen = server.requests[0]
        signature = expected_signature(seen, server.url)
    assert reply.body["Username"] == "ana"
    assert f"Credential={KEY_ID}/" in seen.headers["authorization"]
    assert "/eu-west-1/cognito-idp/aws4_request" in seen.headers["authorization"]
    assert seen.headers["authorization"].endswith(f"Signature={signature}")
    assert seen.headers.get("x-amz-security-token") == token
    assert seen.headers["accept-encoding"] == "identity"


async def test_a_public_call_carries_no_signature_although_there_are_keys(opened: Any) -> None:
    with FakeServer() as server:
        transport = opened(server)
        for call in (LOOK_UP, PUBLIC, LOOK_UP, PUBLIC):
            await transport.send(call)
    assert ["authorization" in seen.headers for seen in server.requests] == [
        True,
        False,
        True,
        False,
    ]
    assert "x-amz-security-token" not in server.requests[1].headers


async def test_keys_are_asked_for_at_each_call(opened: Any) -> None:
    session = caller()
    with FakeServer() as server:
        transport = opened(server, aws=session)
        await transport.send(LOOK_UP)
        session.set_credentials("AKIDSECOND", "other", None)
        await transport.send(LOOK_UP)
    assert "AKIDSECOND/" in server.requests[1].headers["authorization"]


async def test_the_environment_signs_nothing(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # threat 37
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDSURROUNDINGS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with FakeServer() as server:
        await opened(server).send(LOOK_UP)
    assert f"Credential={KEY_ID}/" in server.requests[0].headers["authorization"]


async def test_nobody_named_to_sign_means_that_nothing_is_sent(opened: Any) -> None:
    with FakeServer() as server, pytest.raises(LocalProtocolError, match="aws="):
        await opened(server, aws=None).send(LOOK_UP)
    assert server.requests == []


class Keyring:
    """A session as far as the transport looks at one."""

    full_config: Any = None

    def __init__(self, found: Any = None) -> None:
        self.found = found

    async def get_credentials(self) -> Any:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def test_a_session_without_credentials_says_so(opened: Any) -> None:
    with (
        FakeServer() as server,
        pytest.raises(LocalProtocolError, match="finds no AWS credentials"),
    ):
        await opened(server, aws=Keyring()).send(LOOK_UP)
    assert server.requests == []


async def test_a_session_that_fails_is_the_cause_without_its_frames(opened: Any) -> None:
    with FakeServer() as server, pytest.raises(LocalProtocolError, match="cannot get") as caught:
        await opened(server, aws=Keyring(OSError("no metadata"))).send(LOOK_UP)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.__traceback__ is None


async def test_an_error_of_ours_passes_through(opened: Any) -> None:
    # a session of `Session.aws_session` signs with an identity pool's credentials
    with FakeServer() as server, pytest.raises(SignInRequired):
        await opened(server, aws=Keyring(SignInRequired("ana", "signed-out"))).send(LOOK_UP)


@pytest.mark.parametrize("wrong", [BlockingSession(), "default", object()], ids=type)
def test_only_an_aiobotocore_session_signs(wrong: object) -> None:
    with pytest.raises(InvalidType, match="aiobotocore session"):
        BotocoreTransport("eu-west-1", aws=wrong)


@pytest.mark.parametrize(
    "code",
    [
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "ExpiredTokenException",
        "MissingAuthenticationTokenException",
    ],
)
async def test_refused_keys_have_an_error_of_their_own(opened: Any, code: str) -> None:
    with (
        FakeServer(fake.service_error(code, "The security token is invalid.")) as server,
        pytest.raises(CredentialsRejected),
    ):
        await opened(server).send(LOOK_UP)


@pytest.mark.parametrize("status", [301, 307])
async def test_a_redirect_takes_no_signature_elsewhere(opened: Any, status: int) -> None:
    # threat 36
    with (
        FakeServer() as elsewhere,
        FakeServer(fake.redirect(status, elsewhere.url)) as server,
        pytest.raises(RemoteProtocolError),
    ):
        await opened(server).send(LOOK_UP)
    assert elsewhere.requests == []


async def test_no_key_reaches_a_log_or_an_error(
    opened: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # threat 34
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    caplog.set_level(logging.DEBUG)
    try:
        with (
            FakeServer(fake.service_error("NotAuthorizedException", "no")) as server,
            pytest.raises(CognitoError) as caught,
        ):
            await opened(server).send(LOOK_UP)
    finally:
        logging.getLogger().removeHandler(handler)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    report.stack[:] = report.stack[1:]
    logged = written.getvalue() + caplog.text + "".join(report.format())
    logged += "".join(repr(record.args) for record in caplog.records)
    assert "CanonicalRequest" in logged  # botocore does speak of it
    assert "canary" not in logged
    assert "Signature=" not in logged


async def test_the_first_signed_call_opens_no_file_on_the_loop(opened: Any) -> None:
    with FakeServer() as server:
        transport = opened(server)
        with watching() as seen:
            await transport.send(LOOK_UP)
    assert seen == []
