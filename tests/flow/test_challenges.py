from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.challenges import (
    Answer,
    Challenge,
    Context,
    EmailOtp,
    NewPasswordRequired,
    SelectMfaType,
    SmsMfa,
    SoftwareTokenMfa,
    UnknownChallenge,
    wire_name,
)

CONTEXT = Context(
    client_id="client1",
    username="alice",
    session=Secret("canary-session-0123456789"),
    password_proven=True,
    plaintext_allowed=False,
)
COMMON: dict[str, Any] = {"context": CONTEXT, "parameters": {"X": "canary-parameter"}}
CODES: list[tuple[Any, str]] = [
    (SmsMfa(destination="+*******1234", **COMMON), "SMS_MFA_CODE"),
    (EmailOtp(destination="a***@e***", **COMMON), "EMAIL_OTP_CODE"),
    (SoftwareTokenMfa(device_name=None, **COMMON), "SOFTWARE_TOKEN_MFA_CODE"),
]
NEW = NewPasswordRequired(required_attributes=("name",), user_attributes={}, **COMMON)
SELECT = SelectMfaType(options=("SMS_MFA", "SOFTWARE_TOKEN_MFA"), **COMMON)
UNKNOWN = UnknownChallenge(challenge_name="MIND_READING", **COMMON)
ALL: list[Challenge] = [*(c for c, _ in CODES), NEW, SELECT, UNKNOWN]


def responses(answer: Answer) -> dict[str, str]:
    return {key: value.reveal() for key, value in answer.responses.items()}


@pytest.mark.parametrize(("challenge", "key"), CODES)
def test_a_code_goes_under_its_own_key(challenge: Any, key: str) -> None:
    assert responses(challenge.answer(" 012 345 ")) == {key: "012345"}


@pytest.mark.parametrize(("challenge", "_key"), CODES)
def test_any_length_of_code_is_let_through(challenge: Any, _key: str) -> None:
    assert challenge.answer("12345678")


@pytest.mark.parametrize("code", ["", "   "])
def test_an_empty_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidArgument, match="code"):
        CODES[0][0].answer(code)


def test_a_number_is_no_code() -> None:
    with pytest.raises(InvalidType, match="code"):
        CODES[0][0].answer(12345)


@pytest.mark.parametrize("choice", ["SOFTWARE_TOKEN_MFA", SoftwareTokenMfa])
def test_a_factor_is_chosen_by_name_or_class(choice: Any) -> None:
    assert responses(SELECT.answer(choice)) == {"ANSWER": "SOFTWARE_TOKEN_MFA"}


@pytest.mark.parametrize("choice", ["EMAIL_OTP", EmailOtp, object, None])
def test_a_factor_that_is_not_offered_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidArgument, match="choice"):
        SELECT.answer(choice)


def test_a_new_password_carries_its_attributes_with_the_prefix() -> None:
    answer = NEW.answer("New-Passw0rd", attributes={"name": "Ana"})
    assert responses(answer) == {"NEW_PASSWORD": "New-Passw0rd", "userAttributes.name": "Ana"}


def test_a_missing_required_attribute_is_named_before_anything_is_sent() -> None:
    with pytest.raises(InvalidArgument, match="name"):
        NEW.answer("New-Passw0rd")


@pytest.mark.parametrize("attributes", [{"name": 1}, {1: "x", "name": "y"}, 7, ["name"]])
def test_attributes_are_text(attributes: Any) -> None:
    with pytest.raises(InvalidType, match="attributes"):
        NEW.answer("x", attributes=attributes)


@pytest.mark.parametrize("password", ["", "x" * 257])
def test_an_impossible_new_password_is_refused(password: str) -> None:
    with pytest.raises(InvalidArgument, match="new_password"):
        NEW.answer(password, attributes={"name": "Ana"})


def test_a_new_password_is_text() -> None:
    with pytest.raises(InvalidType, match="new_password"):
        NEW.answer(b"x", attributes={"name": "Ana"})  # type: ignore[arg-type]


def test_an_unknown_challenge_is_answered_in_the_wires_terms() -> None:
    assert responses(UNKNOWN.answer({"ANSWER": "42"})) == {"ANSWER": "42"}
    assert wire_name(UNKNOWN) == "MIND_READING"


@pytest.mark.parametrize("given", [{"ANSWER": 42}, "ANSWER"])
def test_an_unknown_challenge_wants_text(given: Any) -> None:
    with pytest.raises(InvalidType, match="responses"):
        UNKNOWN.answer(given)


@pytest.mark.parametrize("challenge", ALL, ids=lambda c: type(c).__name__)
def test_nothing_secret_shows(challenge: Challenge) -> None:
    # threat 34
    assert "canary" not in repr(challenge) + str(challenge)
    answer = CODES[0][0].answer("987654")
    assert "987654" not in repr(answer)
    assert "SMS_MFA" in repr(answer)


def test_classes_match_by_name_and_by_field() -> None:
    match NEW:
        case NewPasswordRequired(required_attributes=names):
            assert names == ("name",)
    # A class constant must not have become a field (attrs turns a bare Final into one).
    assert SmsMfa.name == "SMS_MFA"


def test_the_username_is_the_services() -> None:
    assert NEW.username == "alice"
