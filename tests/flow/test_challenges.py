import json
from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.challenges import (
    Answer,
    Challenge,
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
    WebAuthn,
    wire_name,
)
from aiocognito.webauthn.options import read_request_options

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
    (SmsOtp(destination="+*******1234", **COMMON), "SMS_OTP_CODE"),
    (SoftwareTokenMfa(device_name=None, **COMMON), "SOFTWARE_TOKEN_MFA_CODE"),
]
NEW = NewPasswordRequired(required_attributes=("name",), user_attributes={}, **COMMON)
SELECT = SelectMfaType(options=("SMS_MFA", "SOFTWARE_TOKEN_MFA"), **COMMON)
UNKNOWN = UnknownChallenge(challenge_name="MIND_READING", **COMMON)
SETUP = MfaSetup(options=("SOFTWARE_TOKEN_MFA", "EMAIL_OTP"), **COMMON)
TOTP = SoftwareTokenSetup(secret=Secret("CANARYSECRETBASE32X"), **COMMON)
CUSTOM = CustomChallenge(**COMMON)
FIRST = SelectChallenge(options=("PASSWORD_SRP", "EMAIL_OTP"), **COMMON)
PLAIN = PasswordChallenge(**COMMON)
SRP = PasswordSrpChallenge(**COMMON)
OPTIONS = '{"challenge":"Y2FuYXJ5LWNhbmFyeS1jYW5hcnk","rpId":"auth.example.com"}'
PASSKEY = WebAuthn(
    context=CONTEXT,
    parameters={"CREDENTIAL_REQUEST_OPTIONS": OPTIONS},
    options=read_request_options(OPTIONS),
)
SIGNED = {
    "id": "AAAA",
    "type": "public-key",
    "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"},
}
ALL: list[Challenge] = [
    *(c for c, _ in CODES),
    *(NEW, SELECT, SETUP, TOTP, CUSTOM, FIRST, PLAIN, SRP, PASSKEY, UNKNOWN),
]


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


@pytest.mark.parametrize("choice", ["EMAIL_OTP", EmailOtp])
def test_a_first_factor_is_chosen_by_name_or_class(choice: Any) -> None:
    answer = FIRST.answer(choice)
    assert responses(answer) == {"ANSWER": "EMAIL_OTP"}
    assert not answer.begins_srp


@pytest.mark.parametrize("choice", ["PASSWORD_SRP", PasswordSrpChallenge])
def test_choosing_srp_sends_no_password(choice: Any) -> None:
    # threat 8
    answer = FIRST.answer(choice, password="canary-password")
    assert responses(answer) == {"ANSWER": "PASSWORD_SRP"}
    assert answer.begins_srp
    assert answer.password == Secret("canary-password")
    assert "canary" not in repr(answer)


def test_choosing_the_plain_password_sends_it() -> None:
    offered = SelectChallenge(options=("PASSWORD",), **COMMON)
    answer = offered.answer("PASSWORD", password="Passw0rd!")
    assert responses(answer) == {"ANSWER": "PASSWORD", "PASSWORD": "Passw0rd!"}
    assert not answer.lacks_password
    assert offered.answer(PasswordChallenge).lacks_password


def test_a_password_for_a_factor_without_one_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="password"):
        FIRST.answer("EMAIL_OTP", password="Passw0rd!")


@pytest.mark.parametrize("choice", ["PASSWORD", "SMS_OTP", object, None])
def test_a_first_factor_that_is_not_offered_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidArgument, match="choice"):
        FIRST.answer(choice)


def test_a_custom_answer_goes_as_it_is() -> None:
    assert responses(CUSTOM.answer(" 5 ")) == {"ANSWER": " 5 "}
    with pytest.raises(InvalidType, match="answer"):
        CUSTOM.answer(5)  # type: ignore[arg-type]


def test_the_two_password_challenges_differ_in_what_they_send() -> None:
    assert responses(PLAIN.answer("Passw0rd!")) == {"PASSWORD": "Passw0rd!"}
    proof = SRP.answer("Passw0rd!")
    assert responses(proof) == {}
    assert (proof.begins_srp, proof.password) == (True, Secret("Passw0rd!"))


@pytest.mark.parametrize("challenge", [PLAIN, SRP], ids=lambda c: c.name)
def test_an_impossible_password_is_refused(challenge: Any) -> None:
    with pytest.raises(InvalidArgument, match="password"):
        challenge.answer("")


def test_setting_up_an_authenticator_has_calls_of_its_own() -> None:
    assert SETUP.answer_totp().operation == "AssociateSoftwareToken"
    answer = TOTP.answer(" 123 456 ", device_name="Ana's phone")
    assert answer.operation == "VerifySoftwareToken"
    assert responses(answer) == {"UserCode": "123456", "FriendlyDeviceName": "Ana's phone"}
    assert responses(TOTP.answer("123456")) == {"UserCode": "123456"}


def test_the_secret_is_shown_to_those_who_ask() -> None:
    assert TOTP.secret_code == "CANARYSECRETBASE32X"
    uri = TOTP.otpauth_uri("Example")
    assert uri.startswith("otpauth://totp/Example:alice?secret=CANARYSECRETBASE32X")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345x", "१२३४५६"])
def test_a_first_code_has_six_digits(code: str) -> None:
    with pytest.raises(InvalidArgument, match="code"):
        TOTP.answer(code)


def test_an_authenticators_name_is_text() -> None:
    with pytest.raises(InvalidType, match="device_name"):
        TOTP.answer("123456", device_name=7)  # type: ignore[arg-type]


def test_an_address_is_registered() -> None:
    answer = SETUP.answer_email(" ana@example.com ")
    assert answer.operation == "RespondToAuthChallenge"
    assert responses(answer) == {"EMAIL": "ana@example.com"}


@pytest.mark.parametrize("address", ["", "ana", "@" * 2049])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidArgument, match="address"):
        SETUP.answer_email(address)


def test_an_address_is_text() -> None:
    with pytest.raises(InvalidType, match="address"):
        SETUP.answer_email(7)  # type: ignore[arg-type]


def test_only_what_the_pool_offers_can_be_set_up() -> None:
    nothing = MfaSetup(options=("SMS_MFA",), **COMMON)
    with pytest.raises(InvalidArgument):
        nothing.answer_totp()
    with pytest.raises(InvalidArgument):
        nothing.answer_email("ana@example.com")


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
    assert "canary" not in (repr(challenge) + str(challenge)).lower()
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


# --- passkeys ---


@pytest.mark.parametrize("credential", [SIGNED, json.dumps(SIGNED)], ids=["mapping", "text"])
def test_a_passkeys_answer_travels_as_text(credential: Any) -> None:
    answer = PASSKEY.answer(credential)
    assert json.loads(responses(answer)["CREDENTIAL"]) == SIGNED
    assert "AAAA" not in repr(answer)
    assert not answer.begins_srp
    assert not answer.lacks_password


def test_a_passkey_can_answer_with_the_choice() -> None:
    select = SelectChallenge(options=("PASSWORD_SRP", "WEB_AUTHN"), **COMMON)
    answer = select.answer(WebAuthn, credential=SIGNED)
    assert responses(answer)["ANSWER"] == "WEB_AUTHN"
    assert json.loads(responses(answer)["CREDENTIAL"]) == SIGNED
    assert responses(select.answer("WEB_AUTHN")) == {"ANSWER": "WEB_AUTHN"}
    for wrong in ({"credential": SIGNED}, {"credential": SIGNED, "password": "x"}):
        with pytest.raises(InvalidArgument, match="credential"):
            select.answer("PASSWORD_SRP", **wrong)
    with pytest.raises(InvalidArgument, match="password"):
        select.answer("WEB_AUTHN", password="x", credential=SIGNED)


@pytest.mark.parametrize("credential", [None, 5, b"{}"])
def test_a_passkeys_answer_of_another_type_is_refused(credential: Any) -> None:
    with pytest.raises(InvalidType, match="credential"):
        PASSKEY.answer(credential)
