"""Ready answers."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from typing import Any

import anyio
import attrs
import pytest

from aiocognito import Answer, Challenge, responders
from aiocognito._redact import Secret
from aiocognito._used_steps import MemorySteps
from aiocognito.errors import CodeMismatch, ExpiredCode, InvalidArgument, InvalidType
from aiocognito.flow.challenges import (
    Context,
    CustomChallenge,
    EmailOtp,
    MfaSetup,
    NewPasswordRequired,
    PasswordChallenge,
    PasswordSrpChallenge,
    SelectChallenge,
    SelectMfaType,
    SmsMfa,
    SmsOtp,
    SoftwareTokenMfa,
    SoftwareTokenSetup,
    UnknownChallenge,
)

from .world import PASSWORD, SleepingClock, World

RFC_6238 = base64.b32encode(b"12345678901234567890").decode()
COMMON: dict[str, Any] = {
    "context": Context(
        client_id="client",
        username="ana",
        session=None,
        password_proven=True,
        plaintext_allowed=False,
    ),
    "parameters": {},
}
TOTP = SoftwareTokenMfa(device_name="phone", **COMMON)
SMS = SmsMfa(destination="+*******1234", **COMMON)
EMAIL = EmailOtp(destination=None, **COMMON)
SELECT = SelectMfaType(options=("SMS_MFA", "SOFTWARE_TOKEN_MFA"), **COMMON)
NEW = NewPasswordRequired(required_attributes=("name",), user_attributes={}, **COMMON)
SMS_OTP = SmsOtp(destination="+*******1234", **COMMON)
CHOICE = SelectChallenge(options=("PASSWORD_SRP", "EMAIL_OTP"), **COMMON)
SRP = PasswordSrpChallenge(**COMMON)
PLAIN = PasswordChallenge(**COMMON)
SETUP = MfaSetup(options=("SOFTWARE_TOKEN_MFA", "EMAIL_OTP"), **COMMON)
AUTHENTICATOR = SoftwareTokenSetup(secret=Secret("JBSWY3DPEHPK3PXP"), **COMMON)
CUSTOM = CustomChallenge(**{**COMMON, "parameters": {"X": "Y"}})
UNKNOWN = UnknownChallenge(challenge_name="MIND_READING", **COMMON)


def said(answer: Answer | None) -> dict[str, str]:
    assert answer is not None
    return {key: value.reveal() for key, value in answer.responses.items()}


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
async def test_codes_are_those_of_rfc_6238(at: int, code: str) -> None:
    # RFC 6238 appendix B, SHA-1, the last six of its eight digits.
    respond = responders.totp(RFC_6238, clock=SleepingClock(at))
    assert said(await respond(TOTP)) == {"SOFTWARE_TOKEN_MFA_CODE": code}


async def test_no_code_is_used_twice() -> None:
    clock = SleepingClock(0)
    respond = responders.totp(RFC_6238, clock=clock)
    codes = [said(await respond(TOTP))["SOFTWARE_TOKEN_MFA_CODE"] for _ in range(4)]
    assert len(set(codes)) == 4
    assert clock.wall() >= 90  # it waited for each next step


async def test_two_sign_ins_at_once_get_two_codes() -> None:
    respond = responders.totp(RFC_6238, clock=SleepingClock(0))
    codes: set[str] = set()

    async def ask() -> None:
        codes.add(said(await respond(TOTP))["SOFTWARE_TOKEN_MFA_CODE"])

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
    assert len(codes) == 3


async def test_two_responders_of_one_secret_never_use_a_code_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # threat 46
    clock = SleepingClock(3000)
    monkeypatch.setattr(responders, "SYSTEM_CLOCK", clock)
    monkeypatch.setattr(responders, "SHARED", MemorySteps())
    workers = [responders.totp(text, clock=clock) for text in (RFC_6238, RFC_6238.lower())]
    codes = [said(await respond(TOTP))["SOFTWARE_TOKEN_MFA_CODE"] for respond in workers * 2]
    assert len(set(codes)) == 4


async def test_workers_elsewhere_agree_through_what_they_share() -> None:
    # threat 46
    steps = MemorySteps()  # as a store would, between processes
    clocks = [SleepingClock(3000), SleepingClock(3000)]
    codes = []
    for clock in clocks:
        respond = responders.totp(RFC_6238, clock=clock, used_steps=steps)
        codes.append(said(await respond(TOTP))["SOFTWARE_TOKEN_MFA_CODE"])
    assert len(set(codes)) == 2
    assert clocks[0].wall() == 3000
    assert 3030 <= clocks[1].wall() < 3036  # the next step, and some moments more


async def test_who_lost_a_code_waits_for_a_later_one() -> None:
    # threat 46
    clock = SleepingClock(3000)
    respond = responders.totp(RFC_6238, clock=clock)
    first = said(await respond(TOTP))
    refusal = ExpiredCode("used", code="ExpiredCodeException", operation="RespondToAuthChallenge")
    again = said(await respond(attrs.evolve(TOTP, refused=refusal)))
    assert again != first
    assert 3030 <= clock.wall() < 3066


async def test_a_code_that_another_worker_used_does_not_fail_the_sign_in() -> None:
    # threat 46
    world = World()
    world.add_user(totp=True)
    token = world.local.pool.user("ana").software_token
    assert token is not None
    other = await world.pool.login("ana", PASSWORD).start()
    assert isinstance(other, SoftwareTokenMfa)
    await world.pool.resume(other.answer(world.local.totp_code("ana")))
    respond = responders.totp(token.secret, clock=world.clock)
    session = await world.pool.sign_in("ana", PASSWORD, respond=respond)
    assert session.claims.username == "ana"


async def test_totp_is_chosen_where_it_is_offered() -> None:
    respond = responders.totp(RFC_6238)
    assert said(await respond(SELECT)) == {"ANSWER": "SOFTWARE_TOKEN_MFA"}
    only_sms = SelectMfaType(options=("SMS_MFA",), **COMMON)
    assert await respond(only_sms) is None
    assert await respond(SMS) is None


@pytest.mark.parametrize(
    "secret", [RFC_6238.lower(), RFC_6238.rstrip("="), " ".join(RFC_6238)], ids=str
)
async def test_a_secret_may_be_written_as_people_write_it(secret: str) -> None:
    respond = responders.totp(secret, clock=SleepingClock(59))
    assert said(await respond(TOTP)) == {"SOFTWARE_TOKEN_MFA_CODE": "287082"}


@pytest.mark.parametrize("secret", ["", "not base32!", "1", "ÄÄÄÄÄÄÄÄ"])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(InvalidArgument, match="secret"):
        responders.totp(secret)


def test_a_secret_is_text() -> None:
    with pytest.raises(InvalidType, match="secret"):
        responders.totp(b"bytes")  # type: ignore[arg-type]


async def test_a_new_password_is_given_with_its_attributes() -> None:
    respond = responders.new_password("New-Passw0rd", attributes={"name": "Ana"})
    assert said(await respond(NEW)) == {
        "NEW_PASSWORD": "New-Passw0rd",
        "userAttributes.name": "Ana",
    }
    assert await respond(SMS) is None


class Person:
    def __init__(self, *lines: str) -> None:
        self.lines, self.shown = list(lines), [""][:0]

    def __call__(self, text: str) -> str:
        self.shown.append(text)
        return self.lines.pop(0)


@pytest.mark.parametrize(
    ("challenge", "shown"),
    [(SMS, "+*******1234"), (EMAIL, "you"), (TOTP, "phone")],
    ids=lambda value: getattr(type(value), "__name__", None),
)
async def test_a_person_is_asked_for_a_code(challenge: Challenge, shown: str) -> None:
    person = Person("", "123456")  # an empty line is asked for again
    answer = await responders.prompt(ask=person)(challenge)
    assert list(said(answer).values()) == ["123456"]
    assert shown in person.shown[0]


async def test_a_server_cannot_steer_the_terminal() -> None:
    person = Person("1")
    hostile = SmsMfa(destination="+1\x1b[2J\r\n\x07", **COMMON)
    await responders.prompt(ask=person)(hostile)
    assert person.shown == ["Code sent to +1[2J: "]


async def test_a_person_chooses_a_factor() -> None:
    person = Person("nonsense", "sms_mfa")
    assert said(await responders.prompt(ask=person)(SELECT)) == {"ANSWER": "SMS_MFA"}


async def test_a_new_password_is_typed_unseen() -> None:
    secretly, openly = Person("New-Passw0rd"), Person("Ana")
    answer = await responders.prompt(ask=openly, ask_secretly=secretly)(NEW)
    assert said(answer)["NEW_PASSWORD"] == "New-Passw0rd"
    assert said(answer)["userAttributes.name"] == "Ana"


async def test_a_person_hears_what_was_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    refused = SmsMfa(destination=None, refused=CodeMismatch(code="X", operation="Y"), **COMMON)
    await responders.prompt(ask=Person("1"))(refused)
    said = capsys.readouterr().out
    assert said.startswith("Enter the code again")
    assert "[" not in said  # the operation and the code are for programs


async def test_the_name_of_a_nameless_authenticator_is_not_shown() -> None:
    person = Person("123456")
    nameless = SoftwareTokenMfa(device_name="transparent", **COMMON)
    await responders.prompt(ask=person)(nameless)
    assert person.shown == ["Code from your authenticator: "]


async def test_a_cancelled_question_is_not_waited_for() -> None:
    pressed = threading.Event()

    def ask(_: str) -> str:
        pressed.wait(10)
        return "1"

    with anyio.move_on_after(0.05) as scope:
        await responders.prompt(ask=ask)(TOTP)
    assert scope.cancelled_caught
    pressed.set()


async def test_what_asking_raises_reaches_the_caller() -> None:
    def ask(_: str) -> str:
        raise EOFError

    with pytest.raises(EOFError):
        await responders.prompt(ask=ask)(TOTP)


async def test_a_person_is_not_asked_what_nobody_can_answer() -> None:
    assert await responders.prompt(ask=Person())(UNKNOWN) is None


@pytest.mark.parametrize(
    ("challenge", "lines", "secret", "expected"),
    [
        (CHOICE, ["email_otp"], [], {"ANSWER": "EMAIL_OTP"}),
        (CHOICE, ["password_srp"], ["Passw0rd!"], {"ANSWER": "PASSWORD_SRP"}),
        (SRP, [], ["Passw0rd!"], {}),
        (PLAIN, [], ["Passw0rd!"], {"PASSWORD": "Passw0rd!"}),
        (SETUP, ["email_otp", "ana@example.com"], [], {"EMAIL": "ana@example.com"}),
        (SETUP, ["software_token_mfa"], [], {}),
        (AUTHENTICATOR, ["123 456"], [], {"UserCode": "123456"}),
        (SMS_OTP, ["12345678"], [], {"SMS_OTP_CODE": "12345678"}),
    ],
    ids=str,
)
async def test_a_person_can_answer_this_too(
    challenge: Challenge, lines: list[str], secret: list[str], expected: dict[str, str]
) -> None:
    openly, secretly = Person(*lines), Person(*secret)
    answer = await responders.prompt(ask=openly, ask_secretly=secretly)(challenge)
    assert said(answer) == expected
    assert openly.lines == secretly.lines == []  # what is secret is typed unseen


async def test_a_person_is_not_asked_to_choose_from_one() -> None:
    one = MfaSetup(options=("SMS_MFA", "SOFTWARE_TOKEN_MFA"), **COMMON)
    answer = await responders.prompt(ask=Person())(one)
    assert answer is not None
    assert answer.operation == "AssociateSoftwareToken"


@pytest.mark.parametrize(
    "challenge", [CUSTOM, MfaSetup(options=("SMS_MFA",), **COMMON)], ids=lambda c: c.name
)
async def test_a_person_is_not_led_to_answer_this(challenge: Challenge) -> None:
    # threat 8: the question of a custom challenge comes from the other side
    assert await responders.prompt(ask=Person())(challenge) is None


async def test_custom_challenges_are_solved_from_their_parameters() -> None:
    async def solve(parameters: Mapping[str, str]) -> str | None:
        return parameters.get("X")

    respond = responders.custom(solve)
    assert said(await respond(CUSTOM)) == {"ANSWER": "Y"}
    assert await respond(CustomChallenge(**{**COMMON, "parameters": {}})) is None
    assert await respond(SMS) is None


@pytest.mark.parametrize(
    ("challenge", "key"),
    [(SMS, "SMS_MFA_CODE"), (SMS_OTP, "SMS_OTP_CODE"), (EMAIL, "EMAIL_OTP_CODE")],
    ids=lambda value: getattr(value, "name", None),
)
async def test_codes_are_fetched(challenge: Challenge, key: str) -> None:
    asked: list[str | None] = []

    async def fetch(destination: str | None) -> str | None:
        asked.append(destination)
        return "12345678" if len(asked) == 1 else None

    respond = responders.code(fetch)
    assert said(await respond(challenge)) == {key: "12345678"}
    assert asked == [getattr(challenge, "destination", None)]
    assert await respond(challenge) is None
    assert await respond(TOTP) is None


async def test_the_best_of_what_is_offered_is_chosen() -> None:
    respond = responders.choose("WEB_AUTHN", "EMAIL_OTP", "SMS_MFA")
    assert said(await respond(CHOICE)) == {"ANSWER": "EMAIL_OTP"}
    assert said(await respond(SELECT)) == {"ANSWER": "SMS_MFA"}
    assert await responders.choose("WEB_AUTHN")(CHOICE) is None
    assert await respond(SMS) is None


async def test_the_first_answer_is_taken() -> None:
    respond = responders.first_of(
        responders.totp(RFC_6238), responders.new_password("x"), responders.prompt(ask=Person("7"))
    )
    assert said(await respond(SMS)) == {"SMS_MFA_CODE": "7"}
    assert await respond(UNKNOWN) is None


async def test_a_responder_shows_no_secret() -> None:
    respond = responders.new_password("canary-password")
    assert "canary" not in repr(respond) + repr(getattr(respond, "__closure__", ""))
    assert Secret("x")
