"""What goes out and what is read is what botocore's own client sends and reads.

The transport leaves botocore's client out; here it is the measure.
"""

from __future__ import annotations

import json
import operator
from typing import Any

import anyio.to_thread
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from aiocognito._redact import Secret
from aiocognito.flow.calls import Call, Service
from aiocognito.transport import botocore as module
from aiocognito.transport.base import revealed
from aiocognito.transport.botocore import BotocoreTransport
from tests.transport import fake_server as fake
from tests.transport.fake_server import FakeServer

TOKEN = Secret("eyJraWQi.eyJzdWIi.c2ln")

CALLS = [
    Call(
        operation="InitiateAuth",
        parameters={
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": "4abcdefghijklmnopqrstuvwxy",
            "AuthParameters": {"USERNAME": "añá 😀 \x7f\u2028", "SRP_A": "0f" * 384},
            "ClientMetadata": {},
        },
    ),
    Call(
        operation="RespondToAuthChallenge",
        parameters={
            "ChallengeName": "PASSWORD_VERIFIER",
            "ClientId": "4abcdefghijklmnopqrstuvwxy",
            "ChallengeResponses": {"TIMESTAMP": 'Fri Nov 6 "\\/', "SECRET_HASH": TOKEN},
            "Session": "s" * 1000,
        },
    ),
    Call(
        operation="GetTokensFromRefreshToken",
        parameters={"RefreshToken": TOKEN, "ClientId": "4abcdefghijklmnopqrstuvwxy"},
    ),
    Call(operation="RevokeToken", parameters={"Token": TOKEN, "ClientId": "4abc"}),
    Call(operation="GlobalSignOut", parameters={"AccessToken": TOKEN}),
    Call(
        operation="UpdateUserAttributes",
        parameters={"AccessToken": TOKEN, "UserAttributes": [{"Name": "email", "Value": "a@b"}]},
    ),
    Call(
        service="cognito-identity",
        operation="GetId",
        parameters={"IdentityPoolId": "eu-west-1:1", "Logins": {"cognito-idp/x": TOKEN}},
    ),
    Call(
        service="cognito-identity",
        operation="GetCredentialsForIdentity",
        parameters={"IdentityId": "eu-west-1:1"},
    ),
]

ANSWERS: dict[str, Any] = {
    "InitiateAuth": {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {"SALT": "a", "New": "b"},
        "AvailableChallenges": ["PASSWORD", None],
        "Session": None,
        "Unheard": [1],
    },
    "RespondToAuthChallenge": {
        "AuthenticationResult": {
            "AccessToken": "a.b.c",
            "ExpiresIn": 3600,
            "NewDeviceMetadata": {"DeviceKey": "k", "Unheard": 1},
        },
        "ChallengeParameters": {},
    },
    "GetId": {"IdentityId": "eu-west-1:1"},
    "GetCredentialsForIdentity": {
        "IdentityId": "eu-west-1:1",
        "Credentials": {"AccessKeyId": "ASIA", "Expiration": 1700574875.82},
    },
}

# What the two say differently, on purpose.
OURS = {"user-agent", "accept-encoding", "accept"}
ATTEMPTS = {"amz-sdk-invocation-id", "amz-sdk-request"}  # of use to whoever counts retries


def reference(service: Service, region: str, **options: Any) -> Any:
    """Make botocore's own client. Blocks."""
    options["config"] = Config(signature_version=UNSIGNED, proxies={})
    return botocore.session.Session().create_client(service, region_name=region, **options)


def ask(client: Any, call: Call) -> Any:
    read = getattr(client, botocore.xform_name(call.operation))(**revealed(call.parameters))
    del read["ResponseMetadata"]
    return read


@pytest.mark.parametrize("call", CALLS, ids=operator.attrgetter("operation"))
async def test_calls_and_answers_are_those_of_botocores_client(call: Call) -> None:
    # F039
    answer = json.dumps(ANSWERS.get(call.operation, {})).encode()
    with FakeServer(fake.answer(answer)) as server:
        transport = BotocoreTransport("eu-west-1", service=call.service, endpoint_url=server.url)
        reply = await transport.send(call)
        await transport.aclose()
        read = await anyio.to_thread.run_sync(
            lambda: ask(reference(call.service, "eu-west-1", endpoint_url=server.url), call)
        )
    assert reply.body == read
    ours, theirs = server.requests
    assert (ours.method, ours.target, ours.body) == (theirs.method, theirs.target, theirs.body)
    same = set(ours.headers) - OURS
    assert same == {"host", "content-type", "content-length", "x-amz-target"}
    assert same == set(theirs.headers) - OURS - ATTEMPTS
    assert all(ours.headers[name] == theirs.headers[name] for name in same)


# --- where calls go ------------------------------------------------------------------------

REGIONS = (
    "us-east-1",
    "us-west-2",
    "eu-central-2",
    "us-gov-west-1",
    "cn-north-1",
    "eusc-de-east-1",
)


class Captured(Exception):
    """A request, caught before it leaves."""


def capture(request: Any, **_: Any) -> None:
    raise Captured(request.url)


@pytest.mark.parametrize("variable", ["", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
@pytest.mark.parametrize("service", ["cognito-idp", "cognito-identity"])
def test_endpoints_are_those_of_botocores_client(
    service: Service, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threats 37, 39
    call = next(call for call in CALLS if call.service == service)
    if variable:
        monkeypatch.setenv(variable, "True")
    for region in REGIONS:
        client = reference(service, region)
        client.meta.events.register_first("before-send", capture)
        with pytest.raises(Captured) as caught:
            ask(client, call)
        assert module._load(service, region, None).url == str(caught.value)


# --- what is left out is not needed ----------------------------------------------------------


@pytest.mark.parametrize("service", ["cognito-idp", "cognito-identity"])
def test_no_operation_needs_what_only_the_client_adds(service: Service) -> None:
    """If this fails, a new version of the model needs more than a body and a target."""
    model = module._load(service, "eu-west-1", None).model
    assert model.metadata["protocol"] == "json"
    for operation in map(model.operation_model, model.operation_names):
        assert operation.http == {"method": "POST", "requestUri": "/"}
        assert operation.endpoint is None
        assert not operation.idempotent_members
        assert not operation.context_parameters
        assert not operation.static_context_parameters
        assert not operation.operation_context_parameters
        assert not operation.http_checksum_required
        assert not operation.http_checksum
        assert not operation.request_compression
        assert not operation.has_event_stream_output
        assert not operation.has_streaming_output
