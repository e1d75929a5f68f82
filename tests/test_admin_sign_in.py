"""Sign-ins by administrators' calls: the same conversation through the signed door."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiobotocore.session import AioSession

from aiocognito import (
    ChallengeRequired,
    Choice,
    CredentialsRejected,
    Custom,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidParameter,
    InvalidSession,
    NewPasswordRequired,
    Password,
    RequestContext,
    SignedIn,
    SignInRequired,
    SoftwareTokenMfa,
    Srp,
    Throttled,
    UserPool,
    challenge_from_dict,
    responders,
)
from aiocognito.errors import InvalidType, RemoteProtocolError
from aiocognito.flow.flows import Flow
from aiocognito.testing import Answer as Says
from aiocognito.testing import LocalCognito, Refuse, Throttle
from aiocognito.testing.totp import code_at
from aiocognito.tokens.quota import category_of
from aiocognito.transport.base import revealed
from tests.test_flows import solving, sums
from tests.world import PASSWORD, World

EVERY_FLOW = (
    "ALLOW_USER_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
)
PERSON = RequestContext(
    client_metadata={"tenant": "blue"},
    ip_address="203.0.113.7",
    encoded_data="fingerprint",
    analytics_endpoint_id="endpoint",
    server_name="app.example.com",
    server_path="/sign-in",
    http_headers={"User-Agent": "a browser"},
)


def world(**options: Any) -> World:
    given: dict[str, Any] = {
        "client_secret": True,
        "explicit_auth_flows": EVERY_FLOW,
        "first_factors": ("PASSWORD", "EMAIL_OTP"),
        **options,
    }
    return World(**given)


def keys(secret: str = "secret") -> AioSession:
    session = AioSession()
    session.set_credentials("AKIDEXAMPLE", secret)
    return session


def texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(texts, inner))


def sent_texts(here: World) -> set[str]:
    return set().union(*(texts(revealed(call.parameters)) for call in here.wire.sent))


# --- each flow ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "name"),
    [
        (Srp(), "USER_SRP_AUTH"),
        (Password(), "ADMIN_USER_PASSWORD_AUTH"),
        (Custom(srp=True), "CUSTOM_AUTH"),
        (Custom(), "CUSTOM_AUTH"),
        (Choice(preferred="PASSWORD"), "USER_AUTH"),
        (Choice(preferred="PASSWORD_SRP"), "USER_AUTH"),
        (Choice(preferred="EMAIL_OTP"), "USER_AUTH"),
    ],
)
async def test_every_flow_goes_through_the_administrators_calls(flow: Flow, name: str) -> None:
    # F040, F041, threat 8
    here = world(triggers=sums(rounds=1))
    here.add_user(attributes={"email": "ana@example.com"})

    async def code(destination: str | None) -> str:
        return here.local.outbox[-1].code

    respond = responders.first_of(responders.custom(solving), responders.code(code))
    needs_none = flow in (Custom(), Choice(preferred="EMAIL_OTP"))
    password = None if needs_none else PASSWORD
    session = await here.pool.admin.sign_in("ana", password, flow=flow, respond=respond)
    assert session.claims.username == "ana"
    first = here.wire.sent[0]
    assert first.parameters["AuthFlow"] == name
    assert set(here.wire.counts) <= {"AdminInitiateAuth", "AdminRespondToAuthChallenge"}
    assert all(call.signed for call in here.wire.sent)
    assert {call.parameters["UserPoolId"] for call in here.wire.sent} == {here.local.user_pool_id}
    chose_plaintext = flow in (Password(), Choice(preferred="PASSWORD"))
    assert (PASSWORD in sent_texts(here)) is chose_plaintext


async def test_the_pools_own_sign_ins_stay_public() -> None:
    # F113
    here = world()
    here.add_user()
    await here.pool.admin.sign_in("ana", PASSWORD)
    here.wire.sent.clear()
    await here.pool.sign_in("ana", PASSWORD)
    assert here.wire.counts == {"InitiateAuth": 1, "RespondToAuthChallenge": 1}
    assert not any(call.signed or "UserPoolId" in call.parameters for call in here.wire.sent)


async def test_the_session_is_like_any_other() -> None:
    # F040, F043
    here = world()
    here.add_user()
    session = await here.pool.admin.sign_in("ana", PASSWORD)
    here.wire.sent.clear()
    await session.refresh()
    assert (await session.get_user()).username == "ana"
    await session.sign_out(everywhere=True)
    assert not any(call.signed for call in here.wire.sent)


async def test_a_session_signs_in_again_the_same_way() -> None:
    here = world(refresh_token_validity=7200)
    here.add_user()
    session = here.pool.admin.session("ana", password=PASSWORD)
    assert here.wire.sent == []
    await session.access_token()
    here.clock.advance(7201)
    await session.access_token()
    assert here.wire.counts["AdminInitiateAuth"] == 2
    assert here.wire.counts["InitiateAuth"] == 0


async def test_a_flow_that_the_app_client_refuses_is_named() -> None:
    here = world(explicit_auth_flows=("ALLOW_USER_SRP_AUTH",))
    here.add_user()
    with pytest.raises(InvalidParameter, match="not enabled"):
        await here.pool.admin.sign_in("ana", PASSWORD, flow=Password())


@pytest.mark.parametrize("flow", [Srp(), Password()])
@pytest.mark.parametrize("name", ["ana", "nobody"])
async def test_nobody_looks_like_a_wrong_password(flow: Flow, name: str) -> None:
    # F120
    here = world()
    here.add_user()
    with pytest.raises(IncorrectUsernameOrPassword) as caught:
        await here.pool.admin.sign_in(name, "Wr0ng-password!", flow=flow)
    assert caught.value.code == "NotAuthorizedException"


# --- challenges, here and in another process ------------------------------------------


@pytest.mark.parametrize("flow", [Srp(), Password()])
async def test_a_challenge_is_answered_in_another_process(flow: Flow) -> None:
    # F040
    here = world()
    here.add_user(totp=True)
    challenge = await here.pool.admin.login("ana", PASSWORD, flow=flow).start()
    assert isinstance(challenge, SoftwareTokenMfa)
    there = here.another_pool()
    revived = challenge_from_dict(json.loads(json.dumps(challenge.to_dict())))
    assert isinstance(revived, SoftwareTokenMfa)
    step = await there.admin.resume(revived.answer(here.local.totp_code("ana")))
    assert isinstance(step, SignedIn)
    assert set(here.wire.counts) == {"AdminInitiateAuth", "AdminRespondToAuthChallenge"}


async def test_a_challenge_remembers_which_door_it_came_through() -> None:
    here = world()
    here.add_user(totp=True)
    admins = await here.pool.admin.login("ana", PASSWORD).start()
    peoples = await here.pool.login("ana", PASSWORD).start()
    assert isinstance(admins, SoftwareTokenMfa)
    assert isinstance(peoples, SoftwareTokenMfa)
    here.wire.sent.clear()
    with pytest.raises(InvalidArgument, match=r"by admin\.resume"):
        await here.pool.resume(admins.answer("123456"))
    with pytest.raises(InvalidArgument, match=r"not admin\.resume"):
        await here.pool.admin.resume(peoples.answer("123456"))
    assert here.wire.sent == []


async def test_a_challenge_that_nobody_answers_is_handed_over() -> None:
    here = world()
    here.add_user(temporary=True)
    with pytest.raises(ChallengeRequired) as caught:
        await here.pool.admin.sign_in("ana", PASSWORD, flow=Password())
    challenge = caught.value.challenge
    assert isinstance(challenge, NewPasswordRequired)
    step = await here.pool.admin.resume(challenge.answer("An0ther-one!"))
    assert isinstance(step, SignedIn)


async def test_an_authenticator_is_set_up_on_the_way() -> None:
    here = world(mfa="ON")
    here.add_user()
    login = here.pool.admin.login("ana", PASSWORD)
    setup: Any = await login.start()
    secret: Any = await login.send(setup.answer_totp())
    assert secret.context.admin
    code = code_at(secret.secret_code, int(here.clock.wall() // 30))
    assert isinstance(await login.send(secret.answer(code)), SignedIn)
    unsigned = {call.operation for call in here.wire.sent if not call.signed}
    assert unsigned == {"AssociateSoftwareToken", "VerifySoftwareToken"}


async def test_a_new_user_is_signed_in_straight_after_the_sign_up() -> None:
    # F036, F040
    here = world()
    made = await here.pool.sign_up("eva", PASSWORD, attributes={"email": "eva@example.com"})
    code = here.local.outbox[-1].code
    confirmed = await here.pool.confirm_sign_up("eva", code, session=made.session)
    here.wire.sent.clear()
    session = await here.pool.admin.sign_in("eva", flow=Choice(session=confirmed.session))
    assert session.claims.username == "eva"
    assert here.wire.counts == {"AdminInitiateAuth": 1}


@pytest.mark.parametrize("kind", ["expired", "spent", "invented"])
async def test_a_bad_session_has_a_clear_error(kind: str) -> None:
    here = world()
    here.add_user(totp=True)
    challenge = await here.pool.admin.login("ana", PASSWORD).start()
    assert isinstance(challenge, SoftwareTokenMfa)
    data = challenge.to_dict()
    if kind == "expired":
        here.clock.advance(181)
    if kind == "spent":
        await here.pool.admin.resume(challenge.answer(here.local.totp_code("ana")))
    if kind == "invented":
        data["session"] = "A" * 200
    revived = challenge_from_dict(data)
    assert isinstance(revived, SoftwareTokenMfa)
    with pytest.raises(InvalidSession):
        await here.another_pool().admin.resume(revived.answer("123456"))


@pytest.mark.parametrize("name", ["ADMIN_NO_SRP_AUTH", "PASSWORD"])
async def test_a_server_that_demands_the_password_does_not_get_it(name: str) -> None:
    # threat 8
    here = world()
    here.add_user()
    body = {"ChallengeName": name, "ChallengeParameters": {}, "Session": "s" * 40}
    here.local.faults.add(Says(body), operation="AdminInitiateAuth")
    with pytest.raises(RemoteProtocolError, match="in the clear"):
        await here.pool.admin.sign_in("ana", PASSWORD)
    assert PASSWORD not in sent_texts(here)


async def test_a_new_password_is_not_given_before_the_old_one_is_proven() -> None:
    # threat 9
    here = world()
    here.add_user()
    body = {
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "ChallengeParameters": {},
        "Session": "s" * 40,
    }
    here.local.faults.add(Says(body), operation="AdminInitiateAuth")
    with pytest.raises(RemoteProtocolError, match="before the old one"):
        await here.pool.admin.sign_in("ana", PASSWORD)


# --- the context of the request ---------------------------------------------------------


async def test_the_persons_request_is_told_with_every_call() -> None:
    # F092
    here = world()
    here.add_user(totp=True)
    login = here.pool.admin.login("ana", PASSWORD, context=PERSON)
    challenge = await login.start()
    assert isinstance(challenge, SoftwareTokenMfa)
    await here.pool.admin.resume(challenge.answer(here.local.totp_code("ana")), context=PERSON)
    assert len(here.wire.sent) == 3
    for call in here.wire.sent:
        told = revealed(call.parameters)
        assert told["ContextData"] == {
            "IpAddress": "203.0.113.7",
            "ServerName": "app.example.com",
            "ServerPath": "/sign-in",
            "HttpHeaders": [{"headerName": "User-Agent", "headerValue": "a browser"}],
            "EncodedData": "fingerprint",
        }
        assert told["ClientMetadata"] == {"tenant": "blue"}
        assert told["AnalyticsMetadata"] == {"AnalyticsEndpointId": "endpoint"}
        assert "UserContextData" not in told


async def test_half_of_a_request_is_refused_before_anything_is_sent() -> None:
    here = world()
    here.add_user()
    half = RequestContext(ip_address="203.0.113.7")
    with pytest.raises(InvalidArgument, match="server_name"):
        here.pool.admin.login("ana", PASSWORD, context=half)
    assert here.wire.sent == []


async def test_a_pools_context_goes_to_administrators_too() -> None:
    here = world()
    here.add_user()
    pool = here.another_pool(context=RequestContext(ip_address="203.0.113.7"))
    rest = RequestContext(server_name="app.example.com", server_path="/")
    await pool.admin.sign_in("ana", PASSWORD, context=rest)
    told = revealed(here.wire.sent[-1].parameters)["ContextData"]
    assert told["IpAddress"] == "203.0.113.7"
    assert told["HttpHeaders"] == []


def test_a_context_shows_nothing_of_the_person() -> None:
    # threat 34
    assert "203.0.113.7" not in repr(PERSON)
    assert "a browser" not in repr(PERSON)


@pytest.mark.parametrize("headers", ["User-Agent: x", {"User-Agent": 1}])
def test_headers_are_a_mapping_of_texts(headers: Any) -> None:
    with pytest.raises(InvalidType, match="http_headers"):
        RequestContext(http_headers=headers)


# --- who may -----------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["secret", "wrong"])
async def test_over_http_the_calls_carry_a_signature_that_counts(secret: str) -> None:
    # F040
    async with LocalCognito(
        aws_keys={"AKIDEXAMPLE": "secret"}, explicit_auth_flows=EVERY_FLOW, client_secret=True
    ) as local:
        local.add_user("ana", PASSWORD)
        options: dict[str, Any] = {"endpoint_url": local.url, "aws": keys(secret)}
        options["client_secret"] = local.client_secret
        async with UserPool(local.user_pool_id, local.client_id, **options) as pool:
            for flow in (Srp(), Password()):
                if secret == "wrong":
                    with pytest.raises(CredentialsRejected):
                        await pool.admin.sign_in("ana", PASSWORD, flow=flow)
                    continue
                session = await pool.admin.sign_in("ana", PASSWORD, flow=flow, context=PERSON)
                await session.refresh()


async def test_only_an_answer_resumes() -> None:
    here = world()
    with pytest.raises(InvalidType, match="Answer"):
        await here.pool.admin.resume("123456")  # type: ignore[arg-type]


# --- refreshing ---------------------------------------------------------------------------

REFUSED = Refuse("NotAuthorizedException", "Invalid Refresh Token")


def refuse_the_operation(here: World, fault: Refuse = REFUSED) -> None:
    here.local.faults.add(fault, operation="GetTokensFromRefreshToken", times=None)


async def test_a_refused_refresh_falls_back_once_and_stays_with_it() -> None:
    # F043
    here = world()
    here.add_user()
    refuse_the_operation(here)
    session = await here.pool.admin.sign_in("ana", PASSWORD, context=PERSON)
    for _ in range(3):
        await session.refresh()
    assert here.wire.counts["GetTokensFromRefreshToken"] == 1
    assert here.wire.counts["InitiateAuth"] == 3
    told = revealed(here.wire.sent[-1].parameters)
    assert told["AuthFlow"] == "REFRESH_TOKEN_AUTH"
    assert told["UserContextData"] == {"IpAddress": "203.0.113.7", "EncodedData": "fingerprint"}
    assert told["ClientMetadata"] == {"tenant": "blue"}


@pytest.mark.parametrize("learned", [True, False])
async def test_a_saved_session_remembers_how_it_refreshes(learned: bool) -> None:
    here = world()
    here.add_user()
    refuse_the_operation(here)
    session = await here.pool.admin.sign_in("ana", PASSWORD)
    if learned:
        await session.refresh()
    state = session.export_state()
    here.wire.sent.clear()
    restored = here.another_pool().restore(state)
    await restored.access_token()
    assert here.wire.counts["GetTokensFromRefreshToken"] == (0 if learned else 1)
    assert here.wire.counts["InitiateAuth"] == 1


@pytest.mark.parametrize(
    ("options", "fault", "admin"),
    [
        ({"refresh_with": "GetTokensFromRefreshToken"}, REFUSED, True),
        ({}, REFUSED, False),
        ({}, Refuse("NotAuthorizedException", "Refresh Token has been revoked"), True),
        ({}, Refuse("NotAuthorizedException", "Refresh Token has expired"), True),
        ({}, Refuse("RefreshTokenReuseException", "Refresh Token has been reused"), True),
    ],
)
async def test_nothing_else_falls_back(options: dict[str, Any], fault: Refuse, admin: bool) -> None:
    here = World(pool_options=options, explicit_auth_flows=EVERY_FLOW, client_secret=True)
    here.add_user()
    refuse_the_operation(here, fault)
    door = here.pool.admin if admin else here.pool
    session = await door.sign_in("ana", PASSWORD)
    here.wire.sent.clear()
    with pytest.raises(SignInRequired):
        await session.refresh()
    assert here.wire.counts == {"GetTokensFromRefreshToken": 1}


async def test_a_fall_back_that_is_refused_too_ends_the_session() -> None:
    here = world(explicit_auth_flows=("ALLOW_USER_SRP_AUTH",))  # no REFRESH_TOKEN_AUTH
    here.add_user()
    refuse_the_operation(here)
    session = await here.pool.admin.sign_in("ana", PASSWORD)
    with pytest.raises(SignInRequired) as caught:
        await session.refresh()
    assert caught.value.reason == "refresh-token-rejected"


async def test_a_fall_back_that_meets_trouble_keeps_the_session() -> None:
    here = world()
    here.add_user()
    refuse_the_operation(here)
    session = await here.pool.admin.sign_in("ana", PASSWORD)
    here.local.faults.add(Throttle(), operation="InitiateAuth")
    with pytest.raises(Throttled):
        await session.refresh()
    here.clock.advance(60)
    await session.refresh()
    assert here.wire.counts["InitiateAuth"] == 2


@pytest.mark.parametrize("way", ["sign_in", "login", "session", "resume", "restore"])
async def test_metadata_go_with_the_refreshes_of_a_session(way: str) -> None:
    here = world()
    here.add_user(totp=way == "resume")
    if way == "session":
        session = here.pool.session("ana", password=PASSWORD, context=PERSON)
        await session.access_token()
    elif way == "restore":
        state = (await here.pool.sign_in("ana", PASSWORD)).export_state()
        session = here.pool.restore(state, context=PERSON)
    elif way == "sign_in":
        session = await here.pool.sign_in("ana", PASSWORD, context=PERSON)
    else:
        step: Any = await here.pool.login("ana", PASSWORD, context=PERSON).start()
        if way == "resume":
            answer = step.answer(here.local.totp_code("ana"))
            step = await here.pool.resume(answer, context=PERSON)
        session = step.session
    await session.refresh()
    call = here.wire.sent[-1]
    assert call.operation == "GetTokensFromRefreshToken"
    assert call.parameters["ClientMetadata"] == {"tenant": "blue"}
    assert "UserContextData" not in call.parameters  # it has no member for it


@pytest.mark.parametrize("operation", ["InitiateAuth", "RespondToAuthChallenge"])
def test_the_quota_is_that_of_anybodys_sign_ins(operation: str) -> None:
    assert category_of(f"Admin{operation}") == category_of(operation) is not None
