"""A sign-in step by step, and what the driver bounds."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from aiocognito import (
    Answer,
    Challenge,
    EmailOtp,
    NewPasswordRequired,
    Password,
    SelectMfaType,
    SignedIn,
    SmsMfa,
    SoftwareTokenMfa,
    UnknownChallenge,
    UserPool,
    challenge_from_dict,
    responders,
)
from aiocognito._redact import Secret
from aiocognito.errors import (
    AttemptsExceeded,
    ChallengeRequired,
    CodeMismatch,
    ConnectFailed,
    ExpiredCode,
    IncorrectUsernameOrPassword,
    InternalError,
    InvalidPassword,
    InvalidSession,
    LocalProtocolError,
    PasswordResetRequired,
    RemoteProtocolError,
    ResponseLost,
    SignInBlocked,
    Throttled,
    UserDisabled,
    UserNotConfirmed,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import Drop, Html, InternalFailure, Malformed, Refuse, Throttle

from .world import PASSWORD, World

NEW = "Another-Horse-9!"


def delivered(world: World) -> str:
    return world.local.outbox[-1].code


# --- one sign-in, every kind of challenge -----------------------------------------


async def test_a_password_alone_is_two_calls() -> None:
    world = World()
    world.add_user()
    step = await world.pool.login("ana", PASSWORD).start()
    assert isinstance(step, SignedIn)
    assert [call.operation for call in world.wire.sent] == [
        "InitiateAuth",
        "RespondToAuthChallenge",
    ]


async def test_the_password_never_leaves_in_an_srp_flow() -> None:
    # F096, threat 8 as far as SRP goes: scan everything that was sent
    world = World(client_secret=True)
    world.add_user()
    await world.pool.login("ana", PASSWORD).start()
    assert PASSWORD not in " ".join(revealed(call) for call in world.wire.sent)


def revealed(call: Call) -> str:
    return json.dumps(
        dict(call.parameters),
        default=lambda value: value.reveal() if isinstance(value, Secret) else dict(value),
    )


async def test_a_password_flow_is_chosen_explicitly() -> None:
    world = World(explicit_auth_flows=("ALLOW_USER_PASSWORD_AUTH",))
    world.add_user()
    step = await world.pool.login("ana", PASSWORD, flow=Password()).start()
    assert isinstance(step, SignedIn)
    assert [call.operation for call in world.wire.sent] == ["InitiateAuth"]


async def test_totp() -> None:
    # F009
    world = World()
    world.add_user(totp=True)
    login = world.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, SoftwareTokenMfa)
    assert login.waiting is step
    assert isinstance(await login.send(step.answer(world.local.totp_code("ana"))), SignedIn)
    assert login.waiting is None


@pytest.mark.parametrize(
    ("factor", "kind", "attributes"),
    [
        ("SMS_MFA", SmsMfa, {"phone_number": "+491701234567", "phone_number_verified": "true"}),
        ("EMAIL_OTP", EmailOtp, {"email": "ana@example.com", "email_verified": "true"}),
    ],
)
async def test_delivered_codes(factor: str, kind: type[Any], attributes: dict[str, str]) -> None:
    world = World()
    world.add_user(mfa=(factor,), attributes=attributes)
    login = world.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, kind)
    assert step.destination
    assert isinstance(await login.send(step.answer(delivered(world))), SignedIn)


async def test_a_choice_of_factors() -> None:
    world = World()
    world.add_user(
        totp=True,
        mfa=("SMS_MFA",),
        attributes={"phone_number": "+491701234567", "phone_number_verified": "true"},
    )
    login = world.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, SelectMfaType)
    step = await login.send(step.answer(SmsMfa))
    assert isinstance(step, SmsMfa)
    assert isinstance(await login.send(step.answer(delivered(world))), SignedIn)


async def test_a_temporary_password_is_replaced() -> None:
    world = World()
    world.add_user(temporary=True)
    login = world.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, NewPasswordRequired)
    with pytest.raises(InvalidPassword) as caught:
        await login.send(step.answer("weak"))
    assert "length" in caught.value.unmet
    assert isinstance(await login.send(step.answer(NEW)), SignedIn)
    assert isinstance(await world.pool.login("ana", NEW).start(), SignedIn)


# --- two requests, two processes --------------------------------------------------


async def test_a_challenge_is_answered_in_another_process() -> None:
    world = World(client_secret=True)
    world.add_user(totp=True)
    step = await world.pool.login("ana", PASSWORD).start()
    assert isinstance(step, SoftwareTokenMfa)
    cookie = json.dumps(step.to_dict())

    elsewhere = world.another_pool()
    challenge = challenge_from_dict(json.loads(cookie))
    assert isinstance(challenge, SoftwareTokenMfa)
    with pytest.raises(CodeMismatch):
        await elsewhere.resume(challenge.answer("000000"))
    code = world.local.totp_code("ana")
    assert isinstance(await elsewhere.resume(challenge.answer(code)), SignedIn)
    with pytest.raises(InvalidSession):
        await elsewhere.resume(challenge.answer(world.local.totp_code("ana", unused=True)))


async def test_a_challenge_of_yesterday_says_start_again() -> None:
    world = World()
    world.add_user(totp=True)
    step = await world.pool.login("ana", PASSWORD).start()
    assert isinstance(step, SoftwareTokenMfa)
    world.clock.advance(600)
    with pytest.raises(InvalidSession, match="again"):
        await world.pool.resume(step.answer(world.local.totp_code("ana")))


# --- wrong passwords and other refusals -------------------------------------------


@pytest.mark.parametrize("name", ["ana", "nobody"])
@pytest.mark.parametrize("prevent", [True, False], ids=["prevented", "legacy"])
async def test_an_unknown_user_looks_like_a_wrong_password(name: str, prevent: bool) -> None:
    # F031
    world = World()
    world.add_user()
    client = world.local.add_client(prevent_user_existence_errors=prevent)
    pool = UserPool(
        world.local.user_pool_id,
        client.client_id,
        transport=world.wire,
        http=world.keys,
        clock=world.clock,
    )
    with pytest.raises(IncorrectUsernameOrPassword) as caught:
        await pool.login(name, "Wrong-Horse-9!").start()
    assert type(caught.value) is IncorrectUsernameOrPassword
    assert str(caught.value).startswith("Check the user name and the password")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"enabled": False}, UserDisabled),
        ({"status": "UNCONFIRMED"}, UserNotConfirmed),
        ({"status": "RESET_REQUIRED"}, PasswordResetRequired),
    ],
    ids=str,
)
async def test_each_state_has_its_error(options: dict[str, Any], error: type[Any]) -> None:
    world = World()
    world.add_user(**options)
    with pytest.raises(error):
        await world.pool.login("ana", PASSWORD).start()


async def test_five_wrong_passwords_lock_the_user() -> None:
    world = World()
    world.add_user()
    for _ in range(6):
        with pytest.raises((IncorrectUsernameOrPassword, AttemptsExceeded)):
            await world.pool.login("ana", "Wrong-Horse-9!").start()
    with pytest.raises(AttemptsExceeded):
        await world.pool.login("ana", PASSWORD).start()
    world.clock.advance(900)
    assert isinstance(await world.pool.login("ana", PASSWORD).start(), SignedIn)


async def test_a_totp_code_works_once() -> None:
    world = World()
    world.add_user(totp=True)
    code = world.local.totp_code("ana")
    for expected in (None, ExpiredCode):
        login = world.pool.login("ana", PASSWORD)
        step = await login.start()
        assert isinstance(step, SoftwareTokenMfa)
        if expected is None:
            await login.send(step.answer(code))
        else:
            with pytest.raises(expected):
                await login.send(step.answer(code))
            world.clock.advance(30)
            assert await login.send(step.answer(world.local.totp_code("ana")))


@pytest.mark.parametrize("operation", ["InitiateAuth", "RespondToAuthChallenge"])
async def test_threat_protection_may_block_a_right_password(operation: str) -> None:
    # F092
    world = World()
    world.add_user()
    world.local.faults.add(Refuse.for_security(), operation=operation)
    with pytest.raises(SignInBlocked) as caught:
        await world.pool.sign_in("ana", PASSWORD)
    assert not isinstance(caught.value, IncorrectUsernameOrPassword)
    assert not caught.value.retry_safe
    assert world.wire.counts[operation] == 1


async def test_a_blocked_refresh_ends_no_session() -> None:
    # F092
    world = World()
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    await session.access_token()
    world.local.faults.add(Refuse.for_security(), operation="GetTokensFromRefreshToken")
    with pytest.raises(SignInBlocked):
        await session.refresh()
    assert await session.access_token()
    await session.refresh()
    assert world.wire.counts["InitiateAuth"] == 1


# --- trouble on the way -----------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Html(200), RemoteProtocolError),
        (Malformed(), RemoteProtocolError),
        (Drop(), ResponseLost),
        (Throttle(), Throttled),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
@pytest.mark.parametrize("operation", ["InitiateAuth", "RespondToAuthChallenge"])
async def test_trouble_is_reported_and_not_repeated(
    fault: Any, error: type[Any], operation: str
) -> None:
    world = World()
    world.add_user()
    world.local.faults.add(fault, operation=operation)
    with pytest.raises(error):
        await world.pool.login("ana", PASSWORD).start()
    assert world.wire.counts[operation] == 1


async def test_no_connection_is_tried_again() -> None:
    world = World()
    world.add_user()

    async def unplugged() -> None:
        raise ConnectFailed("InitiateAuth", retry_safe=True)

    world.wire.before = [unplugged, unplugged]
    assert isinstance(await world.pool.login("ana", PASSWORD).start(), SignedIn)
    assert world.wire.counts["InitiateAuth"] == 3


async def test_a_throttled_answer_leaves_the_challenge_waiting() -> None:
    world = World()
    world.add_user(totp=True)
    login = world.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, SoftwareTokenMfa)
    world.local.faults.add(Throttle(), operation="RespondToAuthChallenge")
    with pytest.raises(Throttled):
        await login.send(step.answer(world.local.totp_code("ana")))
    assert isinstance(await login.send(step.answer(world.local.totp_code("ana"))), SignedIn)


# --- out of turn ------------------------------------------------------------------


async def test_a_login_starts_once() -> None:
    world = World()
    world.add_user()
    login = world.pool.login("ana", PASSWORD)
    await login.start()
    with pytest.raises(LocalProtocolError):
        await login.start()


async def test_one_step_at_a_time() -> None:
    world = World()
    world.add_user()
    login = world.pool.login("ana", PASSWORD)
    failures: list[Exception] = []

    async def start() -> None:
        try:
            await login.start()
        except LocalProtocolError as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(start)
        group.start_soon(start)
    assert len(failures) == 1


# --- responders -------------------------------------------------------------------


async def test_without_a_responder_the_challenge_is_handed_over() -> None:
    world = World()
    world.add_user(totp=True)
    with pytest.raises(ChallengeRequired) as caught:
        await world.pool.sign_in("ana", PASSWORD)
    challenge = caught.value.challenge
    assert isinstance(challenge, SoftwareTokenMfa)
    step = await world.pool.resume(challenge.answer(world.local.totp_code("ana")))
    assert isinstance(step, SignedIn)


async def test_a_responder_that_has_no_answer_hands_over_too() -> None:
    world = World()
    world.add_user(temporary=True)
    with pytest.raises(ChallengeRequired):
        await world.pool.sign_in("ana", PASSWORD, respond=responders.totp("JBSWY3DPEHPK3PXP"))


async def test_a_responder_hears_why_it_was_asked_again() -> None:
    world = World()
    world.add_user(totp=True)
    heard: list[type[Any] | None] = []

    async def respond(challenge: Challenge) -> Answer | None:
        assert isinstance(challenge, SoftwareTokenMfa)
        heard.append(None if challenge.refused is None else type(challenge.refused))
        return challenge.answer("000000" if len(heard) == 1 else world.local.totp_code("ana"))

    await world.pool.sign_in("ana", PASSWORD, respond=respond)
    assert heard == [None, CodeMismatch]


async def test_a_responder_that_repeats_itself_is_not_sent_twice() -> None:
    world = World()
    world.add_user(totp=True)

    async def respond(challenge: Challenge) -> Answer | None:
        assert isinstance(challenge, SoftwareTokenMfa)
        return challenge.answer("000000")

    with pytest.raises(CodeMismatch):
        await world.pool.sign_in("ana", PASSWORD, respond=respond)
    assert world.wire.counts["RespondToAuthChallenge"] == 2  # the proof, and one code


async def test_a_responder_is_not_asked_for_an_answer_that_is_not_sent() -> None:
    world = World()
    world.add_user(totp=True)
    given: list[str] = []

    async def respond(challenge: Challenge) -> Answer | None:
        assert isinstance(challenge, SoftwareTokenMfa)
        given.append(f"00000{len(given)}")
        return challenge.answer(given[-1])

    with pytest.raises(CodeMismatch):
        await world.pool.sign_in("ana", PASSWORD, respond=respond)
    assert len(given) == 3
    assert world.wire.counts["RespondToAuthChallenge"] == 4  # the proof, and three codes


class Circling:
    """A server that never stops asking."""

    def __init__(self, world: World, names: list[str]) -> None:
        self.world, self.names, self.asked = world, names, 0

    async def send(self, call: Call) -> Reply:
        if call.operation == "InitiateAuth":
            return await self.world.wire.send(call)
        name = self.names[self.asked % len(self.names)]
        self.asked += 1
        body = {"ChallengeName": name, "Session": "s" * 30, "ChallengeParameters": {}}
        return Reply(body=body)

    async def aclose(self) -> None:
        return None


@pytest.mark.parametrize(
    ("names", "asked"),
    [(["SMS_MFA"], 4), (["ONE", "TWO", "THREE", "FOUR"], 11)],
    ids=["one name", "several names"],
)
async def test_a_server_that_asks_in_circles_is_given_up(names: list[str], asked: int) -> None:
    # threat 10
    world = World()
    world.add_user()
    circling = Circling(world, names)
    count = 0

    async def respond(challenge: Challenge) -> Answer | None:
        nonlocal count
        count += 1
        if isinstance(challenge, UnknownChallenge):
            return challenge.answer({"ANSWER": str(count)})
        assert isinstance(challenge, SmsMfa)
        return challenge.answer(str(count))

    with pytest.raises(LocalProtocolError, match="given up"):
        await world.another_pool(transport=circling).sign_in("ana", PASSWORD, respond=respond)
    assert circling.asked == asked


async def test_an_automatic_sign_in_does_not_go_on_for_ever() -> None:
    # threat 10: bound in time too
    world = World()
    world.add_user()

    async def respond(challenge: Challenge) -> Answer | None:
        assert isinstance(challenge, SmsMfa)
        world.clock.advance(901)
        return challenge.answer("1")

    circling = Circling(world, ["SMS_MFA"])
    with pytest.raises(LocalProtocolError, match="given up"):
        await world.another_pool(transport=circling).sign_in("ana", PASSWORD, respond=respond)
    assert circling.asked == 1


async def test_a_caller_who_answers_by_hand_is_not_bounded() -> None:
    # threat 10: only by the session's life
    world = World()
    world.add_user()
    login = world.another_pool(transport=Circling(world, ["SMS_MFA"])).login("ana", PASSWORD)
    step = await login.start()
    for n in range(20):
        assert isinstance(step, SmsMfa)
        step = await login.send(step.answer(str(n)))


async def test_an_internal_error_on_an_answer_ends_the_conversation() -> None:
    world = World()
    world.add_user(totp=True)
    login = world.pool.login("ana", PASSWORD)
    step = await login.start()
    assert isinstance(step, SoftwareTokenMfa)
    world.local.faults.add(InternalFailure(), operation="RespondToAuthChallenge")
    with pytest.raises(InternalError):
        await login.send(step.answer("123456"))
    assert login.waiting is None
