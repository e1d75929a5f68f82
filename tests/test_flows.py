"""Every flow and every order of challenges, from the client to the local pool."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiocognito import (
    Answer,
    Challenge,
    ChallengeRequired,
    Choice,
    Custom,
    CustomChallenge,
    EmailOtp,
    MfaSetup,
    NewPasswordRequired,
    Password,
    PasswordChallenge,
    PasswordSrpChallenge,
    RequestContext,
    SelectChallenge,
    SignedIn,
    SmsOtp,
    SoftwareTokenMfa,
    SoftwareTokenSetup,
    Srp,
    UnknownChallenge,
    challenge_from_dict,
    responders,
)
from aiocognito._redact import Secret
from aiocognito.errors import (
    CodeMismatch,
    EnableSoftwareTokenMFA,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidSession,
    InvalidType,
    LocalProtocolError,
    RemoteProtocolError,
    TriggerFailed,
)
from aiocognito.flow.calls import Call
from aiocognito.flow.flows import Flow
from aiocognito.testing import Alter
from aiocognito.testing import Answer as Says
from aiocognito.testing.totp import code_at

from .world import PASSWORD, World

CONTACTS = {"email": "ana@example.com", "phone_number": "+491701234567"}
EVERY_FLOW = (
    "ALLOW_USER_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
)
ALL = ("PASSWORD", "EMAIL_OTP", "SMS_OTP")
Event = dict[str, Any]


def sums(rounds: int) -> dict[str, Any]:
    """Triggers that want so many sums; they give up after three mistakes."""

    def define(event: Event) -> Event:
        past = event["request"]["session"]
        asked = [s["challengeResult"] for s in past if s["challengeName"] == "CUSTOM_CHALLENGE"]
        response = event["response"]
        response["issueTokens"] = asked.count(True) == rounds
        response["failAuthentication"] = asked.count(False) >= 3
        srp = [s["challengeName"] for s in past] == ["SRP_A"]
        response["challengeName"] = "PASSWORD_VERIFIER" if srp else "CUSTOM_CHALLENGE"
        return event

    def create(event: Event) -> Event:
        number = len(event["request"]["session"])
        event["response"]["publicChallengeParameters"] = {"sum": f"{number}+1"}
        event["response"]["privateChallengeParameters"] = {"answer": f"{number + 1}"}
        return event

    def verify(event: Event) -> Event:
        request = event["request"]
        right = request["privateChallengeParameters"]["answer"] == request["challengeAnswer"]
        event["response"]["answerCorrect"] = right
        return event

    return {
        "DefineAuthChallenge": define,
        "CreateAuthChallenge": create,
        "VerifyAuthChallengeResponse": verify,
    }


def solve(challenge: Challenge) -> Answer:
    assert isinstance(challenge, CustomChallenge)
    return challenge.answer(str(int(challenge.parameters["sum"].removesuffix("+1")) + 1))


async def solving(parameters: Any) -> str:
    return str(int(parameters["sum"].removesuffix("+1")) + 1)


def world(**options: Any) -> World:
    given: dict[str, Any] = {
        "client_secret": True,
        "first_factors": ALL,
        "explicit_auth_flows": EVERY_FLOW,
        "triggers": sums(2),
        **options,
    }
    return World(**given)


def delivered(there: World) -> str:
    return there.local.outbox[-1].code


def everything_sent(there: World) -> str:
    def written(call: Call) -> str:
        return json.dumps(
            dict(call.parameters),
            default=lambda v: v.reveal() if isinstance(v, Secret) else dict(v),
        )

    return " ".join(map(written, there.wire.sent))


# --- custom challenges ------------------------------------------------------------


@pytest.mark.parametrize(("srp", "calls"), [(False, 3), (True, 4)])
async def test_custom_challenges_in_rounds(srp: bool, calls: int) -> None:
    there = world()
    there.add_user()
    login = there.pool.login("ana", PASSWORD if srp else None, flow=Custom(srp=srp))
    step = await login.start()
    while isinstance(step, CustomChallenge):
        step = await login.send(solve(step))
    assert isinstance(step, SignedIn)
    assert len(there.wire.sent) == calls
    assert PASSWORD not in everything_sent(there)  # threat 8, F096


async def test_a_wrong_custom_answer_is_asked_again_by_a_new_challenge() -> None:
    there = world()
    there.add_user()
    login = there.pool.login("ana", flow=Custom())
    first = await login.start()
    assert isinstance(first, CustomChallenge)
    second = await login.send(first.answer("wrong"))
    assert isinstance(second, CustomChallenge)
    assert second.parameters["sum"] == "1+1"
    with pytest.raises(LocalProtocolError, match="not another one"):
        await login.send(solve(first))


async def test_a_custom_sign_in_that_fails_is_wrong_credentials() -> None:
    there = world()
    there.add_user()
    login = there.pool.login("ana", flow=Custom())
    step = await login.start()
    for _ in range(2):
        assert isinstance(step, CustomChallenge)
        step = await login.send(step.answer("wrong"))
    assert isinstance(step, CustomChallenge)
    with pytest.raises(IncorrectUsernameOrPassword):
        await login.send(step.answer("wrong"))


async def test_a_wrong_password_ends_custom_with_srp() -> None:
    there = world()
    there.add_user()
    with pytest.raises(IncorrectUsernameOrPassword):
        await there.pool.login("ana", "Wrong-Horse-9!", flow=Custom(srp=True)).start()


async def test_a_trigger_that_refuses_is_heard() -> None:
    # F074
    def refuse(event: Event) -> Event:
        raise ValueError("come back tomorrow")

    there = world(triggers={**sums(1), "CreateAuthChallenge": refuse})
    there.add_user()
    with pytest.raises(TriggerFailed, match="come back tomorrow"):
        await there.pool.login("ana", flow=Custom()).start()


async def test_a_worker_can_sign_in_by_custom_challenges_alone() -> None:
    there = world()
    there.add_user("svc")
    worker = there.pool.session("svc", respond=responders.custom(solving), flow=Custom())
    assert await worker.access_token()
    there.clock.advance(40 * 86_400)  # the refresh token is dead
    assert await worker.access_token()
    assert there.wire.counts["InitiateAuth"] == 2


async def test_a_saved_session_signs_in_again_without_a_password() -> None:
    there = world()
    there.add_user("svc")
    respond = responders.custom(solving)
    first = await there.pool.sign_in("svc", respond=respond, flow=Custom())
    state = first.export_state()
    there.clock.advance(40 * 86_400)
    again = there.another_pool().restore(state, respond=respond, flow=Custom())
    assert await again.access_token()


# --- first factors by choice ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"), [("EMAIL_OTP", EmailOtp), ("SMS_OTP", SmsOtp)], ids=["email", "sms"]
)
@pytest.mark.parametrize("chosen", [True, False], ids=["chosen", "preferred"])
async def test_a_code_is_the_first_factor(name: Any, kind: type[Any], chosen: bool) -> None:
    there = world()
    there.local.add_user("ana", attributes=CONTACTS)  # has no password at all
    login = there.pool.login("ana", flow=Choice(preferred=None if chosen else name))
    step = await login.start()
    if chosen:
        assert isinstance(step, SelectChallenge)
        assert step.options == ("EMAIL_OTP", "SMS_OTP")
        step = await login.send(step.answer(kind))
    assert isinstance(step, kind)
    assert "*" in step.destination
    with pytest.raises(CodeMismatch):
        await login.send(step.answer("00000000"))
    assert isinstance(await login.send(step.answer(delivered(there))), SignedIn)
    assert len(delivered(there)) == 8


@pytest.mark.parametrize("flow", [Choice(preferred="PASSWORD_SRP"), Choice()], ids=str)
async def test_srp_inside_a_choice_answers_itself(flow: Flow) -> None:
    # threat 8: scan everything that was sent
    there = world()
    there.add_user(attributes=CONTACTS)
    session = await there.pool.sign_in(
        "ana", PASSWORD, flow=flow, respond=responders.choose("PASSWORD_SRP")
    )
    assert session.claims["cognito:username"] == "ana"
    assert PASSWORD not in everything_sent(there)


async def test_srp_chosen_in_another_process_takes_the_password_there() -> None:
    there = world()
    there.add_user(attributes=CONTACTS)
    step = await there.pool.login("ana", flow=Choice()).start()
    revived = challenge_from_dict(json.loads(json.dumps(step.to_dict())))  # type: ignore[union-attr]
    assert isinstance(revived, SelectChallenge)
    assert revived.options == ("PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP")
    answer = revived.answer("PASSWORD_SRP", password=PASSWORD)
    assert isinstance(await there.another_pool().resume(answer), SignedIn)
    assert PASSWORD not in everything_sent(there)


async def test_the_plain_password_goes_where_the_caller_chose_it() -> None:
    # F039
    there = world()
    there.add_user()
    step = await there.pool.login("ana", PASSWORD, flow=Choice(preferred="PASSWORD")).start()
    assert isinstance(step, SignedIn)
    assert PASSWORD in everything_sent(there)


async def test_a_missing_password_is_noticed_when_srp_is_chosen() -> None:
    there = world()
    there.add_user(attributes=CONTACTS)
    login = there.pool.login("ana", flow=Choice())
    step = await login.start()
    assert isinstance(step, SelectChallenge)
    with pytest.raises(InvalidArgument, match="password"):
        await login.send(step.answer("PASSWORD_SRP"))
    assert isinstance(await login.send(step.answer("PASSWORD_SRP", password=PASSWORD)), SignedIn)


@pytest.mark.parametrize("preferred", ["WEB_AUTHN", "SMS_OTP"])
async def test_an_unavailable_preference_becomes_a_choice(preferred: Any) -> None:
    there = world(first_factors=("PASSWORD", "EMAIL_OTP"))
    there.add_user(attributes=CONTACTS)
    step = await there.pool.login("ana", flow=Choice(preferred=preferred)).start()
    assert isinstance(step, SelectChallenge)
    assert step.options == ("PASSWORD_SRP", "EMAIL_OTP")


async def test_a_temporary_password_and_a_second_factor_follow_a_choice() -> None:
    there = world()
    there.add_user(temporary=True, totp=True)
    login = there.pool.login("ana", PASSWORD, flow=Choice())
    step = await login.start()
    assert isinstance(step, SelectChallenge)
    step = await login.send(step.answer("PASSWORD_SRP"))
    assert isinstance(step, NewPasswordRequired)
    step = await login.send(step.answer("Another-Horse-9!"))
    assert isinstance(step, SoftwareTokenMfa)
    end = await login.send(step.answer(there.local.totp_code("ana")))
    assert isinstance(end, SignedIn)


async def test_nobody_looks_like_somebody_with_another_code() -> None:
    # F031
    there = world()
    login = there.pool.login("nobody", flow=Choice(preferred="EMAIL_OTP"))
    step = await login.start()
    assert isinstance(step, EmailOtp)
    with pytest.raises(CodeMismatch):
        await login.send(step.answer("12345678"))


async def test_a_new_user_signs_in_straight_after_the_sign_up() -> None:
    there = world(client_secret=False)
    client = {"ClientId": there.local.client_id, "Username": "ben"}
    email = [{"Name": "email", "Value": "ben@example.com"}]
    pool = there.local.pool
    started = pool.handle("SignUp", {**client, "Password": PASSWORD, "UserAttributes": email})
    confirmed = pool.handle(
        "ConfirmSignUp",
        {**client, "ConfirmationCode": delivered(there), "Session": started["Session"]},
    )
    flow = Choice(session=confirmed["Session"])
    assert isinstance(await there.pool.login("ben", flow=flow).start(), SignedIn)
    with pytest.raises(InvalidSession):
        await there.pool.login("ben", flow=flow).start()


# --- a second factor that has to be set up ----------------------------------------


def demanding(**options: Any) -> World:
    return world(mfa="ON", first_factors=("PASSWORD",), **options)


async def test_an_authenticator_is_set_up_during_the_sign_in() -> None:
    # F041, F022
    there = demanding()
    there.add_user()
    login = there.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, MfaSetup)
    assert "SOFTWARE_TOKEN_MFA" in step.options
    setup = await login.send(step.answer_totp())
    assert isinstance(setup, SoftwareTokenSetup)
    assert setup.secret_code in setup.otpauth_uri("Example")
    with pytest.raises(EnableSoftwareTokenMFA):
        await login.send(setup.answer("000000"))
    code = code_at(setup.secret_code, int(there.clock.wall() // 30))
    assert isinstance(await login.send(setup.answer(code, device_name="phone")), SignedIn)
    there.clock.advance(30)
    step = await there.pool.login("ana", PASSWORD).start()
    assert isinstance(step, SoftwareTokenMfa)
    assert step.device_name == "phone"


async def test_each_step_of_a_set_up_is_another_request() -> None:
    there = demanding()
    there.add_user()
    step: Any = await there.pool.login("ana", PASSWORD).start()
    step = challenge_from_dict(json.loads(json.dumps(step.to_dict())))
    setup: Any = await there.another_pool().resume(step.answer_totp())
    revived: Any = challenge_from_dict(json.loads(json.dumps(setup.to_dict())))
    assert revived.secret_code == setup.secret_code
    code = code_at(revived.secret_code, int(there.clock.wall() // 30))
    assert isinstance(await there.another_pool().resume(revived.answer(code)), SignedIn)


async def test_an_address_is_set_up_during_the_sign_in() -> None:
    there = demanding()
    there.add_user()
    login = there.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, MfaSetup)
    step = await login.send(step.answer_email("ana@example.com"))
    assert isinstance(step, EmailOtp)
    assert isinstance(await login.send(step.answer(delivered(there))), SignedIn)
    assert isinstance(await there.pool.login("ana", PASSWORD).start(), EmailOtp)


async def test_a_person_at_the_prompt_sets_up_an_authenticator() -> None:
    there = demanding()
    there.add_user()

    def typed(text: str) -> str:
        if "Factor" in text:
            return "software_token_mfa"
        secret = text.split("secret ")[1].split()[0]
        return code_at(secret, int(there.clock.wall() // 30))

    session = await there.pool.sign_in("ana", PASSWORD, respond=responders.prompt(ask=typed))
    assert session.username == "ana"


# --- what goes with every call ----------------------------------------------------


async def test_context_goes_with_every_call_of_a_sign_in() -> None:
    there = world(client_secret=True)
    there.add_user()
    pool = there.another_pool(
        context=RequestContext(client_metadata={"app": "web"}, analytics_endpoint_id="endpoint")
    )
    own = RequestContext(client_metadata={"tenant": "7"}, ip_address="203.0.113.7")
    await pool.sign_in(
        "ana", PASSWORD, flow=Custom(srp=True), respond=responders.custom(solving), context=own
    )
    assert len(there.wire.sent) == 4
    for call in there.wire.sent:
        assert call.parameters["ClientMetadata"] == {"app": "web", "tenant": "7"}
        assert call.parameters["UserContextData"] == {"IpAddress": Secret("203.0.113.7")}
        assert call.parameters["AnalyticsMetadata"] == {"AnalyticsEndpointId": "endpoint"}


async def test_context_goes_with_an_answer_from_another_process() -> None:
    there = world()
    there.add_user()
    step = await there.pool.login("ana", flow=Custom()).start()
    assert isinstance(step, CustomChallenge)
    own = RequestContext(client_metadata={"tenant": "7"})
    await there.pool.resume(solve(step), context=own)
    assert there.wire.sent[-1].parameters["ClientMetadata"] == {"tenant": "7"}


def test_context_is_a_value_of_its_class() -> None:
    there = world()
    wrong: Any = {"tenant": "7"}
    with pytest.raises(InvalidType, match="context"):
        there.pool.login("ana", PASSWORD, context=wrong)
    with pytest.raises(InvalidType, match="context"):
        there.another_pool(context=wrong)


# --- the password and those who want it -------------------------------------------


@pytest.mark.parametrize(
    "flow", [Srp(), Password(), Custom(srp=True), Choice(preferred="PASSWORD_SRP")], ids=str
)
async def test_a_flow_that_needs_a_password_says_so_before_anything_is_sent(flow: Flow) -> None:
    there = world()
    with pytest.raises(InvalidArgument, match="password"):
        there.pool.login("ana", flow=flow)
    with pytest.raises(InvalidArgument, match="password"):
        there.pool.session("ana", flow=flow)
    with pytest.raises(InvalidArgument, match="password"):
        await there.pool.sign_in("ana", flow=flow)
    assert there.wire.sent == []


async def test_a_flow_that_proves_no_password_takes_none() -> None:
    there = world()
    with pytest.raises(InvalidArgument, match="left out"):
        there.pool.session("ana", password=PASSWORD, flow=Custom())


@pytest.mark.parametrize("flow", [None, "USER_SRP_AUTH", Custom], ids=str)
def test_a_flow_is_a_value(flow: Any) -> None:
    with pytest.raises(InvalidType, match="flow"):
        world().pool.login("ana", PASSWORD, flow=flow)


SESSION = "s" * 40
DEMANDS: list[dict[str, Any]] = [
    {"ChallengeName": "PASSWORD", "Session": SESSION},
    {"ChallengeName": "ADMIN_NO_SRP_AUTH", "Session": SESSION},
    {
        "ChallengeName": "SELECT_CHALLENGE",
        "Session": SESSION,
        "AvailableChallenges": ["PASSWORD"],
    },
]


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda d: d["ChallengeName"])
@pytest.mark.parametrize(
    "flow",
    [Srp(), Custom(srp=True), Choice(preferred="PASSWORD_SRP"), Choice()],
    ids=str,
)
@pytest.mark.parametrize("call", ["InitiateAuth", "RespondToAuthChallenge"])
async def test_a_server_that_demands_the_password_does_not_get_it(
    demand: dict[str, Any], flow: Flow, call: str
) -> None:
    # threat 8: a responder that would give everything, and everything that was sent
    there = world()
    there.add_user(attributes=CONTACTS)
    there.local.faults.add(Says(demand), operation=call)
    heard: list[Challenge] = []

    async def generous(challenge: Challenge) -> Answer | None:
        heard.append(challenge)
        assert PASSWORD not in repr(vars_of(challenge))
        match challenge:
            case SelectChallenge():
                return challenge.answer("PASSWORD_SRP")
            case PasswordChallenge() | PasswordSrpChallenge():
                return challenge.answer(PASSWORD)
            case CustomChallenge():
                return solve(challenge)
            case UnknownChallenge():
                return challenge.answer({"PASSWORD": PASSWORD})
            case _:
                return None

    with pytest.raises(RemoteProtocolError, match="in the clear"):
        await there.pool.sign_in("ana", PASSWORD, flow=flow, respond=generous)
    assert PASSWORD not in everything_sent(there)
    assert not any(isinstance(challenge, PasswordChallenge) for challenge in heard)


def vars_of(challenge: Challenge) -> dict[str, Any]:
    return {**challenge.to_dict(), "context": challenge.context}


async def test_a_custom_challenge_that_asks_for_the_password_finds_only_what_is_answered() -> None:
    # threat 8: the responder has no password to give
    def create(event: Event) -> Event:
        event["response"]["publicChallengeParameters"] = {"sum": "0+1", "please": "your password"}
        event["response"]["privateChallengeParameters"] = {"answer": "the password"}
        return event

    there = world(triggers={**sums(1), "CreateAuthChallenge": create})
    there.add_user()
    with pytest.raises(IncorrectUsernameOrPassword):
        await there.pool.sign_in(
            "ana", PASSWORD, flow=Custom(srp=True), respond=responders.custom(solving)
        )
    assert PASSWORD not in everything_sent(there)


async def test_a_prompt_leaves_custom_challenges_to_others() -> None:
    there = world()
    there.add_user()
    with pytest.raises(ChallengeRequired) as waiting:
        await there.pool.sign_in("ana", flow=Custom(), respond=responders.prompt())
    assert isinstance(waiting.value.challenge, CustomChallenge)


async def test_a_server_that_changes_the_user_on_the_way_is_refused() -> None:
    # threat 11, in a custom flow
    there = world()
    there.add_user()
    login = there.pool.login("ana", flow=Custom())
    step = await login.start()

    def change(body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "ChallengeParameters": {"USERNAME": "mallory"}}

    there.local.faults.add(Alter(change), operation="RespondToAuthChallenge")
    with pytest.raises(RemoteProtocolError, match="changed the user"):
        await login.send(solve(step))  # type: ignore[arg-type]


async def test_custom_rounds_without_end_are_given_up_when_nobody_looks_on() -> None:
    # threat 10
    there = world(triggers=sums(100))
    there.add_user()
    with pytest.raises(LocalProtocolError, match="Too many"):
        await there.pool.sign_in("ana", flow=Custom(), respond=responders.custom(solving))
    assert there.wire.counts["RespondToAuthChallenge"] == 3


async def test_by_hand_custom_rounds_may_go_on() -> None:
    there = world(triggers=sums(25))
    there.add_user()
    login = there.pool.login("ana", flow=Custom())
    step = await login.start()
    while isinstance(step, CustomChallenge):
        step = await login.send(solve(step))
    assert isinstance(step, SignedIn)


# --- a session that is not one ----------------------------------------------------


@pytest.mark.parametrize("kind", ["expired", "used", "invented"])
async def test_a_bad_session_has_a_clear_error(kind: str) -> None:
    there = world()
    there.local.add_user("ana", attributes=CONTACTS)
    flow = Choice(preferred="EMAIL_OTP")
    step: Any = await there.pool.login("ana", flow=flow).start()
    code = delivered(there)
    match kind:
        case "expired":
            there.clock.advance(181)
        case "used":
            await there.pool.resume(step.answer(code))
        case _:
            step = challenge_from_dict({**step.to_dict(), "session": "x" * 40})
    with pytest.raises(InvalidSession):
        await there.pool.resume(step.answer(code))
