"""What differs between the public API and the administrators' one, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.challenges import Context, SoftwareTokenMfa
from aiocognito.flow.context import RequestContext
from aiocognito.flow.flows import Choice, Custom, Flow, Password, Srp
from aiocognito.flow.machine import AuthFlow
from aiocognito.flow.reading import challenge_from_dict
from aiocognito.flow.sign_in_api import PUBLIC, SignInApi
from tests.flow.talk import CLIENT

ADMIN = SignInApi(CLIENT.pool.text)
PERSON = RequestContext(ip_address="203.0.113.7", server_name="app.example.com", server_path="/")


def begin(flow: Flow, api: SignInApi, request: RequestContext = PERSON) -> AuthFlow:
    password = None if flow == Custom() else Secret("Passw0rd!")
    return AuthFlow(
        CLIENT,
        username="ana",
        password=password,
        flow=flow,
        entropy=lambda length: b"\1" * length,
        request=request,
        api=api,
    )


def test_a_public_call_is_as_it_always_was() -> None:
    call = PUBLIC.call("InitiateAuth", {"ClientId": "c"}, repeatable=True)
    assert (call.operation, call.signed, call.repeatable) == ("InitiateAuth", False, True)
    assert call.parameters == {"ClientId": "c"}
    assert not PUBLIC.is_admin


def test_an_administrators_call_is_signed_and_names_the_pool() -> None:
    # F040
    call = ADMIN.call("RespondToAuthChallenge", {"ClientId": "c"})
    assert (call.operation, call.signed) == ("AdminRespondToAuthChallenge", True)
    assert call.parameters == {"UserPoolId": CLIENT.pool.text, "ClientId": "c"}
    assert not call.repeatable


@pytest.mark.parametrize("flow", [Srp(), Custom(), Custom(srp=True), Choice()])
def test_other_flows_have_one_name(flow: Flow) -> None:
    assert ADMIN.auth_flow(flow) == PUBLIC.auth_flow(flow) == flow.auth_flow


def test_the_plain_password_has_two() -> None:
    # F040
    assert PUBLIC.auth_flow(Password()) == "USER_PASSWORD_AUTH"
    assert ADMIN.auth_flow(Password()) == "ADMIN_USER_PASSWORD_AUTH"


@pytest.mark.parametrize(
    "flow",
    [
        Srp(),
        Password(),
        Custom(),
        Custom(srp=True),
        Choice(),
        Choice(preferred="PASSWORD"),
        Choice(preferred="PASSWORD_SRP"),
    ],
)
def test_the_parameters_of_a_flow_are_the_same(flow: Flow) -> None:
    public, admin = begin(flow, PUBLIC), begin(flow, ADMIN)
    assert (public.is_admin, admin.is_admin) == (False, True)
    there, here = public.begin(), admin.begin()
    assert here.parameters["AuthParameters"] == there.parameters["AuthParameters"]
    assert here.repeatable == there.repeatable


def test_the_person_is_told_of_in_each_apis_words() -> None:
    # F092
    assert "UserContextData" in begin(Srp(), PUBLIC).begin().parameters
    told = begin(Srp(), ADMIN).begin().parameters
    assert "UserContextData" not in told
    assert told["ContextData"]["ServerName"] == Secret("app.example.com")
    assert told["ContextData"]["HttpHeaders"] == []


def test_half_of_a_context_is_refused_when_the_conversation_is_made() -> None:
    for half in (
        RequestContext(ip_address="203.0.113.7"),
        RequestContext(encoded_data="fingerprint"),
        RequestContext(http_headers={"A": "b"}),
        RequestContext(server_name="app.example.com", server_path="/"),
    ):
        with pytest.raises(InvalidArgument, match="ip_address, server_name and server_path"):
            begin(Srp(), ADMIN, half)
        begin(Srp(), PUBLIC, half)
    begin(Srp(), ADMIN, RequestContext(client_metadata={"tenant": "blue"}))


def test_everything_that_is_known_of_a_request_is_told() -> None:
    # F092
    whole = RequestContext(
        ip_address="203.0.113.7",
        server_name="app.example.com",
        server_path="/",
        http_headers={"User-Agent": "a browser"},
        encoded_data="fingerprint",
        analytics_endpoint_id="endpoint",
    )
    told = ADMIN.about(whole)
    assert told["ContextData"]["EncodedData"] == Secret("fingerprint")
    headers = [{"headerName": "User-Agent", "headerValue": Secret("a browser")}]
    assert told["ContextData"]["HttpHeaders"] == headers
    assert told["AnalyticsMetadata"] == {"AnalyticsEndpointId": "endpoint"}


@pytest.mark.parametrize("headers", ["User-Agent: x", {"User-Agent": 1}])
def test_headers_are_texts_by_name(headers: Any) -> None:
    with pytest.raises(InvalidType, match="http_headers"):
        RequestContext(http_headers=headers)


@pytest.mark.parametrize("api", [PUBLIC, ADMIN])
def test_only_the_api_that_put_a_challenge_takes_its_answer(api: SignInApi) -> None:
    other = PUBLIC if api.is_admin else ADMIN
    waiting = SoftwareTokenMfa(
        device_name=None,
        parameters={},
        context=Context(
            client_id=CLIENT.client_id,
            username="ana",
            session=Secret("s" * 40),
            password_proven=True,
            plaintext_allowed=False,
            admin=api.is_admin,
        ),
    )
    same = challenge_from_dict(waiting.to_dict())
    assert same == waiting
    entropy = b"\1".__mul__
    call = AuthFlow.resume(CLIENT, same, entropy=entropy, api=api).send(waiting.answer("123456"))
    assert call.signed is api.is_admin
    with pytest.raises(InvalidArgument, match="where it was put"):
        AuthFlow.resume(CLIENT, same, entropy=entropy, api=other)
