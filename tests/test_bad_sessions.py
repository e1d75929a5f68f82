"""Answers in another process: a session that expired, was used or was invented says so.

For every challenge that waits for a person. What answers itself (SRP, devices) never
leaves the process.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import frozen

from aiocognito import (
    Answer,
    Choice,
    Custom,
    CustomChallenge,
    EmailOtp,
    InvalidSession,
    MfaSetup,
    NewPasswordRequired,
    PasswordChallenge,
    PasswordSrpChallenge,
    SelectChallenge,
    SelectMfaType,
    SignedIn,
    SmsMfa,
    SmsOtp,
    SoftwareTokenMfa,
    SoftwareTokenSetup,
    Srp,
    challenge_from_dict,
)
from aiocognito.flow import challenges
from aiocognito.flow.calls import Call
from aiocognito.flow.flows import Flow
from aiocognito.testing.totp import STEP, code_at
from tests.test_flows import ALL, CONTACTS, EVERY_FLOW, solve, sums
from tests.world import PASSWORD, World

SRP = Srp()
Answering = Callable[[World, Any], Answer]


@frozen(kw_only=True)
class Case:
    """How a pool comes to put a challenge, and a right answer to it."""

    kind: type[Any]
    answer: Answering
    flow: Flow = SRP
    user: Mapping[str, Any] = {}
    pool: Mapping[str, Any] = {}
    before: Answering | None = None  # answers the challenge that comes first
    asked: str | None = None  # asked for by a call that our own client never sends


def sent(world: World, step: Any) -> Answer:
    answer: Answer = step.answer(world.local.outbox[-1].code)
    return answer


def shown(world: World, step: Any) -> Answer:
    answer: Answer = step.answer(world.local.totp_code("ana", unused=True))
    return answer


def first_code(world: World, step: Any) -> Answer:
    answer: Answer = step.answer(code_at(step.secret_code, int(world.clock.wall() // STEP)))
    return answer


def with_srp(world: World, step: Any) -> Answer:
    answer: Answer = step.answer("PASSWORD_SRP", password=PASSWORD)
    return answer


CASES = [
    Case(
        kind=NewPasswordRequired,
        user={"temporary": True},
        answer=lambda _, step: step.answer("An0ther-one!"),
    ),
    Case(kind=SmsMfa, user={"mfa": ["SMS_MFA"]}, answer=sent),
    Case(kind=EmailOtp, user={"mfa": ["EMAIL_OTP"]}, answer=sent),
    Case(kind=SoftwareTokenMfa, user={"totp": True}, answer=shown),
    Case(
        kind=SelectMfaType,
        user={"totp": True, "mfa": ["SMS_MFA"]},
        answer=lambda _, step: step.answer(SoftwareTokenMfa),
    ),
    Case(
        kind=MfaSetup,
        pool={"mfa": "ON"},
        answer=lambda _, step: step.answer_email("other@example.com"),
    ),
    Case(
        kind=SoftwareTokenSetup,
        pool={"mfa": "ON"},
        before=lambda _, step: step.answer_totp(),
        answer=first_code,
    ),
    Case(
        kind=CustomChallenge,
        flow=Custom(),
        pool={"triggers": sums(rounds=1)},
        answer=lambda _, step: solve(step),
    ),
    Case(kind=EmailOtp, flow=Choice(preferred="EMAIL_OTP"), answer=sent),
    Case(kind=SmsOtp, flow=Choice(preferred="SMS_OTP"), answer=sent),
    Case(
        kind=SelectChallenge,
        flow=Choice(),
        answer=lambda _, step: step.answer("EMAIL_OTP"),
    ),
    Case(kind=SelectChallenge, flow=Choice(), answer=with_srp),
    Case(kind=PasswordSrpChallenge, asked="PASSWORD_SRP", answer=lambda _, s: s.answer(PASSWORD)),
    Case(kind=PasswordChallenge, asked="PASSWORD", answer=lambda _, s: s.answer(PASSWORD)),
]


def world(case: Case) -> World:
    given = {
        "client_secret": True,
        "explicit_auth_flows": (*EVERY_FLOW, "ALLOW_ADMIN_USER_PASSWORD_AUTH"),
        "first_factors": ALL,
        **case.pool,
    }
    made = World(**given)
    user = dict(case.user)
    if case.kind is not SoftwareTokenSetup and case.kind is not MfaSetup:
        user["attributes"] = CONTACTS
    made.local.add_user("ana", PASSWORD, **user)
    return made


async def put(here: World, case: Case, door: Any) -> Any:
    """Return the challenge as another process reads it."""
    if case.asked is not None:
        return await asked_for(here, case.asked, admin=door is not here.pool)
    login = door.login("ana", PASSWORD if case.flow == SRP else None, flow=case.flow)
    step = await login.start()
    if case.before is not None:
        step = await login.send(case.before(here, step))
    assert isinstance(step, case.kind)
    return challenge_from_dict(json.loads(json.dumps(step.to_dict())))


async def asked_for(here: World, name: str, *, admin: bool) -> Any:
    """Ask for a factor without the proof that our client sends along at once."""
    client = here.pool._services.client
    auth = {"USERNAME": "ana", "PREFERRED_CHALLENGE": name, **client.secret_hash("ana")}
    members = {"ClientId": client.client_id, "AuthFlow": "USER_AUTH", "AuthParameters": auth}
    reply = await here.wire.send(Call(operation="InitiateAuth", parameters=members))
    return challenge_from_dict(
        {
            "version": 1,
            "challenge": name,
            "client_id": client.client_id,
            "username": "ana",
            "session": reply.body["Session"],
            "password_proven": False,
            "plaintext_allowed": name == "PASSWORD",
            "admin": admin,
            "parameters": reply.body["ChallengeParameters"],
        }
    )


def named(case: Case) -> Any:
    words = [case.kind.__name__, getattr(case.flow, "preferred", None), case.answer.__name__]
    return pytest.param(case, id="-".join(word for word in words if word and word != "<lambda>"))


@pytest.mark.parametrize("admin", [False, True], ids=["public", "admin"])
@pytest.mark.parametrize("kind", ["good", "expired", "used", "invented"])
@pytest.mark.parametrize("case", [named(case) for case in CASES])
async def test_another_process_is_told_what_is_wrong_with_a_session(
    case: Case, kind: str, admin: bool
) -> None:
    # F040, F041
    here = world(case)
    door = here.pool.admin if admin else here.pool
    step = await put(here, case, door)
    there = here.another_pool()
    resume = there.admin.resume if admin else there.resume
    answer = case.answer(here, step)
    if kind == "good":
        following = await resume(answer)
        assert isinstance(following, SignedIn) or following != step
        return
    if kind == "expired":
        here.clock.advance(181)
    if kind == "used":
        await resume(answer)
        here.clock.advance(STEP)
        if case.kind is SoftwareTokenMfa:
            answer = case.answer(here, step)  # another code for the same session
    if kind == "invented":
        data = {**step.to_dict(), "session": "x" * 40}
        answer = case.answer(here, challenge_from_dict(data))
    with pytest.raises(InvalidSession) as caught:
        await resume(answer)
    assert "x" * 40 not in str(caught.value)


def test_no_challenge_that_a_person_answers_is_left_out() -> None:
    everything = {kind.__name__ for kind in typing.get_args(challenges.Challenge)}
    here = {case.kind.__name__ for case in CASES}
    # A device proves itself; passkeys have tests of their own.
    assert everything - here - {"UnknownChallenge"} <= {"DeviceSrpAuth", "WebAuthn"}
