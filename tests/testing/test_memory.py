"""The in-memory shell: the same answers and errors as over the wire, without a wire."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from aiocognito import errors
from aiocognito._redact import Secret
from aiocognito.flow.calls import Call
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
from aiocognito.testing.identity_pool import LocalIdentityPool
from aiocognito.testing.memory import MemoryHttp, MemoryTransport
from aiocognito.testing.user_pool import LocalUserPool

POOL_ID = "eu-west-1_Local0001"
IDENTITY_POOL_ID = "eu-west-1:00000000-0000-4000-8000-000000000001"
JWKS = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL_ID}/.well-known/jwks.json"


def get_id(**more: Any) -> Call:
    return Call(
        service="cognito-identity",
        operation="GetId",
        parameters={"IdentityPoolId": IDENTITY_POOL_ID, **more},
        repeatable=True,
    )


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.users = LocalUserPool(POOL_ID, clock=self.clock)
        self.client = self.users.add_client(
            explicit_auth_flows=("ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
        )
        self.users.add_user("ana", "Passw0rd!")
        self.identities = LocalIdentityPool(IDENTITY_POOL_ID, clock=self.clock)
        self.backend = Backend(clock=self.clock)
        self.backend.add_user_pool(self.users)
        self.backend.identity_pool = self.identities
        self.transport = MemoryTransport(self.backend)
        self.http = MemoryHttp(self.backend)

    def sign_in(self, password: str, **more: Any) -> Call:
        return Call(
            operation="InitiateAuth",
            parameters={
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": self.client.client_id,
                "AuthParameters": {"USERNAME": "ana", "PASSWORD": Secret(password)},
            },
            **more,
        )


@pytest.fixture
def world() -> World:
    return World()


# --- answers -------------------------------------------------------------------------


async def test_secrets_are_opened_on_the_way_out(world: World) -> None:
    reply = await world.transport.send(world.sign_in("Passw0rd!"))
    assert reply.body["AuthenticationResult"]["TokenType"] == "Bearer"


async def test_a_reply_carries_a_request_id_and_the_pools_clock(world: World) -> None:
    reply = await world.transport.send(get_id())
    assert reply.request_id
    assert reply.date == datetime.fromtimestamp(int(world.clock.wall()), UTC)


async def test_instants_arrive_as_datetimes(world: World) -> None:
    guest = await world.transport.send(get_id())
    call = Call(
        service="cognito-identity",
        operation="GetCredentialsForIdentity",
        parameters=guest.body,
    )
    reply = await world.transport.send(call)
    expiration = reply.body["Credentials"]["Expiration"]
    assert expiration == datetime.fromtimestamp(world.clock.wall() + 3600, UTC)


async def test_what_would_not_pass_the_wire_does_not_pass(world: World) -> None:
    with pytest.raises(TypeError):
        await world.transport.send(get_id(Logins={"provider": b"bytes"}))


async def test_an_answer_is_a_copy(world: World) -> None:
    jwks = await world.http.get(JWKS)
    assert json.loads(jwks.body) == world.users.jwks()


async def test_requests_are_counted(world: World) -> None:
    for _ in range(2):
        await world.transport.send(get_id())
    assert world.backend.requests.count("GetId") == 2


async def test_closing_changes_nothing(world: World) -> None:
    await world.transport.aclose()
    await world.transport.aclose()
    await world.transport.send(get_id())
    await world.http.aclose()


# --- errors --------------------------------------------------------------------------


async def test_a_refusal_becomes_the_librarys_error(world: World) -> None:
    with pytest.raises(errors.IncorrectUsernameOrPassword) as caught:
        await world.transport.send(world.sign_in("canary-wrong-password"))
    error = caught.value
    assert (error.code, error.status) == ("NotAuthorizedException", 400)
    assert error.operation == "InitiateAuth"
    assert error.request_id
    assert error.__suppress_context__  # the pool's own exception says nothing more


# threat 34
async def test_a_refusal_does_not_quote_the_secrets_that_were_sent(world: World) -> None:
    text = "Value 'canary-password' at 'password' failed to satisfy constraint"
    world.backend.faults.add(Refuse("InvalidParameterException", text))
    with pytest.raises(errors.InvalidParameter) as caught:
        await world.transport.send(world.sign_in("canary-password"))
    assert "canary" not in str(caught.value) + caught.value.message


# --- faults --------------------------------------------------------------------------

FAULTS: list[tuple[Fault, type[errors.CognitoError]]] = [
    (Throttle(), errors.Throttled),
    (InternalFailure(), errors.InternalError),
    (InternalFailure(acted=True), errors.InternalError),
    (Refuse("ForbiddenException", status=403), errors.Forbidden),
    (Html(200), errors.RemoteProtocolError),
    (Html(503), errors.InternalError),
    (Redirect("http://127.0.0.1:9/"), errors.RemoteProtocolError),
    (Oversize(), errors.RemoteProtocolError),
    (Malformed(), errors.RemoteProtocolError),
    (Drop(), errors.ResponseLost),
    (Drop(acted=False), errors.ResponseLost),
    (Truncate(), errors.ResponseLost),
    (Answer({"__type": "NotAuthorizedException"}, status=400), errors.NotAuthorized),
]


def named(value: object) -> str:
    """Name a case the same in every process: a function's address is another in each."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:40]


@pytest.mark.parametrize(("fault", "error"), FAULTS, ids=named)
async def test_a_fault_becomes_the_error_it_would_be(
    world: World, fault: Fault, error: type[errors.CognitoError]
) -> None:
    world.backend.faults.add(fault)
    with pytest.raises(error):
        await world.transport.send(get_id())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Drop(), errors.ResponseLost),
        (Truncate(), errors.ResponseLost),
        (InternalFailure(acted=True), errors.InternalError),
        (Slow(0.0), errors.IncorrectUsernameOrPassword),
        (SetCookie(), errors.IncorrectUsernameOrPassword),
        (Alter(lambda answer: {"changed": answer["x"]}), errors.IncorrectUsernameOrPassword),
    ],
    ids=named,
)
async def test_a_fault_strikes_a_refusal_as_it_would_over_http(
    world: World, fault: Fault, error: type[errors.CognitoError]
) -> None:
    world.backend.faults.add(fault)
    with pytest.raises(error):
        await world.transport.send(world.sign_in("wrong"))


@pytest.mark.parametrize("fault", [Drop(), Drop(acted=False), Truncate()])
@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_lost_answer_may_be_asked_for_again_only_if_that_is_harmless(
    world: World, fault: Fault, repeatable: bool
) -> None:
    world.backend.faults.add(fault)
    with pytest.raises(errors.ResponseLost) as caught:
        await world.transport.send(world.sign_in("Passw0rd!", repeatable=repeatable))
    assert caught.value.retry_safe is repeatable


async def test_a_throttled_call_says_how_long_to_wait(world: World) -> None:
    world.backend.faults.add(Throttle(retry_after=7))
    with pytest.raises(errors.Throttled) as caught:
        await world.transport.send(get_id())
    assert caught.value.retry_after == 7


async def test_a_cookie_has_nowhere_to_go(world: World) -> None:
    world.backend.faults.add(SetCookie())
    assert (await world.transport.send(get_id())).body["IdentityId"]


async def test_an_answer_of_choice_replaces_the_pools(world: World) -> None:
    world.backend.faults.add(Answer({"IdentityId": "x"}))
    assert (await world.transport.send(get_id())).body == {"IdentityId": "x"}


async def test_an_altered_answer_is_the_pools_with_a_change(world: World) -> None:
    world.backend.faults.add(Alter(lambda body: {**body, "Extra": True}))
    body = (await world.transport.send(get_id())).body
    assert body["Extra"] is True
    assert body["IdentityId"]


@pytest.mark.parametrize("acted", [True, False])
async def test_a_slow_pool_answers(world: World, acted: bool) -> None:
    world.backend.faults.add(Slow(0.01, acted=acted))
    assert (await world.transport.send(get_id())).body["IdentityId"]


# --- cancellation --------------------------------------------------------------------


async def test_a_call_cancelled_early_never_reaches_the_pool(world: World) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await world.transport.send(get_id())
    assert world.backend.requests.count("GetId") == 0


async def test_a_call_cancelled_late_was_carried_out(world: World) -> None:
    # threat 26: the pool acts and nobody hears of it.
    scope = anyio.CancelScope()

    def cancel(body: dict[str, Any]) -> dict[str, Any]:
        scope.cancel()
        return body

    world.backend.faults.add(Alter(cancel))
    received = []
    with scope:
        received.append(await world.transport.send(get_id()))
    assert received == []
    assert len(world.identities._directory._identities) == 1


# --- documents -----------------------------------------------------------------------


async def test_documents_are_found_under_any_host(world: World) -> None:
    reply = await world.http.get(f"http://127.0.0.1:1/{POOL_ID}/.well-known/openid-configuration")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert json.loads(reply.body)["issuer"] == world.users.issuer


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        f"http://127.0.0.1/{POOL_ID}/jwks.json",
        f"http://127.0.0.1/{POOL_ID}/.well-known/other",
        "http://127.0.0.1/eu-west-1_Nobody/.well-known/jwks.json",
    ],
)
async def test_other_urls_are_not_found(world: World, url: str) -> None:
    assert (await world.http.get(url)).status == 404


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (InternalFailure(), 500),
        (Throttle(), 400),
        (Html(200), 200),
        (Malformed(), 200),
        (Answer({"keys": []}), 200),
        (Alter(lambda body: {"keys": body["keys"][:1]}), 200),
        (Slow(0.01), 200),
        (SetCookie(), 200),
    ],
    ids=named,
)
async def test_a_fault_spoils_a_document(world: World, fault: Fault, status: int) -> None:
    world.backend.faults.add(fault, operation="jwks.json")
    assert (await world.http.get(JWKS)).status == status
    assert (await world.http.get(JWKS)).status == 200


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Drop(), errors.ResponseLost),
        (Truncate(), errors.ResponseLost),
        (Redirect("http://127.0.0.1:9/"), errors.RemoteProtocolError),
        (Oversize(), errors.RemoteProtocolError),
    ],
)
async def test_a_fault_loses_a_document(
    world: World, fault: Fault, error: type[errors.CognitoError]
) -> None:
    world.backend.faults.add(fault, operation="jwks.json")
    with pytest.raises(error):
        await world.http.get(JWKS)
