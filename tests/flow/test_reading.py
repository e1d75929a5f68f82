import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, RemoteProtocolError
from aiocognito.flow.challenges import (
    Context,
    EmailOtp,
    NewPasswordRequired,
    SelectMfaType,
    SmsMfa,
    SoftwareTokenMfa,
    UnknownChallenge,
)
from aiocognito.flow.reading import (
    Asked,
    Granted,
    challenge_from_dict,
    read_auth,
    read_challenge,
    read_tokens,
)

SESSION = "s" * 20
RESULT = {"AccessToken": "a.b.c", "IdToken": "d.e.f", "RefreshToken": "g", "ExpiresIn": 3600}
CONTEXT = Context(
    client_id="client1",
    username="alice",
    session=Secret(SESSION),
    password_proven=True,
    plaintext_allowed=False,
)


def result(**changes: Any) -> dict[str, Any]:
    members = {**RESULT, **changes}
    return {"AuthenticationResult": {k: v for k, v in members.items() if v is not ...}}


def asked(name: str = "SMS_MFA", **parameters: Any) -> dict[str, Any]:
    return {"ChallengeName": name, "Session": SESSION, "ChallengeParameters": parameters}


def test_tokens_are_read() -> None:
    # F042
    granted = read_auth(result())
    assert isinstance(granted, Granted)
    assert granted.tokens.access_token == Secret("a.b.c")
    assert granted.tokens.id_token == Secret("d.e.f")
    assert granted.tokens.refresh_token == Secret("g")
    assert granted.tokens.expires_in == 3600.0
    assert granted.new_device is None


def test_an_empty_map_of_parameters_beside_tokens_means_nothing() -> None:
    assert isinstance(read_auth({**result(), "ChallengeParameters": {}}), Granted)


def test_a_sloppy_server_may_leave_everything_but_the_access_token_out() -> None:
    tokens = read_tokens(result(IdToken=..., RefreshToken=..., ExpiresIn=...))
    assert (tokens.id_token, tokens.refresh_token, tokens.expires_in) == (None, None, None)


def test_a_new_device_is_read() -> None:
    device = {"DeviceKey": "eu-west-1_0a1b-2c", "DeviceGroupKey": "-abcdefgh"}
    granted = read_auth(result(NewDeviceMetadata=device))
    assert isinstance(granted, Granted)
    assert granted.new_device is not None
    assert granted.new_device.key == "eu-west-1_0a1b-2c"
    assert "-abcdefgh" not in repr(granted)


@pytest.mark.parametrize(
    "body",
    [
        # threat 13: both, neither
        {**result(), "ChallengeName": "SMS_MFA"},
        {},
        {"ChallengeParameters": {}},
        {"AuthenticationResult": None, "ChallengeName": None},
        # threat 12: the service model's limits
        {**asked(), "Session": "short"},
        {**asked(), "Session": "s" * 4097},
        {**asked(), "Session": 7},
        {**asked(), "ChallengeName": 7},
        {**asked(), "ChallengeName": ""},
        {**asked(), "ChallengeName": "sms mfa"},
        {**asked(), "ChallengeName": "X" * 65},
        {**asked(), "ChallengeParameters": []},
        {**asked(), "ChallengeParameters": {"A": 1}},
        {**asked(), "ChallengeParameters": {1: "A"}},
        {**asked(), "ChallengeParameters": {"A": "x" * 131_073}},
        {**asked(), "ChallengeParameters": {f"A{n}": "" for n in range(65)}},
        {"AuthenticationResult": []},
        {"AuthenticationResult": "tokens"},
        result(AccessToken=...),
        result(AccessToken=""),
        result(AccessToken="with blank"),
        result(AccessToken="line\n"),
        result(AccessToken="é.b.c"),
        result(AccessToken=7),
        result(AccessToken="a" * 32_769),
        result(IdToken={}),
        result(RefreshToken="a b"),
        result(ExpiresIn="3600"),
        result(ExpiresIn=True),
        result(ExpiresIn=0),
        result(ExpiresIn=-1),
        result(ExpiresIn=float("nan")),
        result(ExpiresIn=10**9),
        result(NewDeviceMetadata="x"),
        result(NewDeviceMetadata={}),
        result(NewDeviceMetadata={"DeviceKey": "bad key", "DeviceGroupKey": "-a"}),
        result(NewDeviceMetadata={"DeviceKey": "eu_" + "a" * 200, "DeviceGroupKey": "-a"}),
        result(NewDeviceMetadata={"DeviceKey": "eu_0", "DeviceGroupKey": "-" * 129}),
        result(NewDeviceMetadata={"DeviceKey": "eu_0", "DeviceGroupKey": ""}),
        result(NewDeviceMetadata={"DeviceKey": "eu_0", "DeviceGroupKey": "-\ud800"}),
    ],
    ids=lambda body: None,
)
def test_what_cognito_never_sends_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        read_auth(body)


def typed(name: str, **parameters: str) -> Any:
    found = read_auth(asked(name, **parameters))
    assert isinstance(found, Asked)
    return read_challenge(found, CONTEXT)


def test_each_name_has_its_class() -> None:
    sms = typed("SMS_MFA", CODE_DELIVERY_DESTINATION="+*******1234")
    assert isinstance(sms, SmsMfa)
    assert sms.destination == "+*******1234"
    email = typed("EMAIL_OTP", CODE_DELIVERY_DESTINATION="t***@e***")
    assert isinstance(email, EmailOtp)
    assert email.destination == "t***@e***"
    totp = typed("SOFTWARE_TOKEN_MFA", FRIENDLY_DEVICE_NAME="phone")
    assert isinstance(totp, SoftwareTokenMfa)
    assert totp.device_name == "phone"
    select = typed("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA","SOFTWARE_TOKEN_MFA"]')
    assert isinstance(select, SelectMfaType)
    assert select.options == ("SMS_MFA", "SOFTWARE_TOKEN_MFA")
    new = typed(
        "NEW_PASSWORD_REQUIRED",
        requiredAttributes='["userAttributes.name","email"]',
        userAttributes='{"email":"a@b.c","email_verified":true}',
    )
    assert isinstance(new, NewPasswordRequired)
    assert new.required_attributes == ("name", "email")
    assert new.user_attributes == {"email": "a@b.c"}


@pytest.mark.parametrize(
    "names", ["PASSWORD", {"a": "b"}, [7], ["lower"], ["X" * 65], ["A"] * 65], ids=str
)
def test_a_malformed_list_of_first_factors_is_refused(names: Any) -> None:
    # threat 12
    with pytest.raises(RemoteProtocolError, match="AvailableChallenges"):
        read_auth({**asked("SELECT_CHALLENGE"), "AvailableChallenges": names})


def test_first_factors_may_accompany_any_challenge() -> None:
    found = read_auth({**asked("EMAIL_OTP"), "AvailableChallenges": ["EMAIL_OTP", "WEB_AUTHN"]})
    assert isinstance(found, Asked)
    assert found.available == ("EMAIL_OTP", "WEB_AUTHN")


def test_missing_lists_are_empty() -> None:
    assert typed("SELECT_MFA_TYPE").options == ()
    new = typed("NEW_PASSWORD_REQUIRED")
    assert (new.required_attributes, dict(new.user_attributes)) == ((), {})


def test_what_the_service_invents_tomorrow_is_carried_through() -> None:
    found = typed("MIND_READING", THOUGHT="42")
    assert isinstance(found, UnknownChallenge)
    assert (found.challenge_name, dict(found.parameters)) == ("MIND_READING", {"THOUGHT": "42"})


@pytest.mark.parametrize(
    ("name", "member", "text"),
    [
        ("SELECT_MFA_TYPE", "MFAS_CAN_CHOOSE", "not json"),
        ("SELECT_MFA_TYPE", "MFAS_CAN_CHOOSE", "{}"),
        ("SELECT_MFA_TYPE", "MFAS_CAN_CHOOSE", "[1]"),
        ("SELECT_MFA_TYPE", "MFAS_CAN_CHOOSE", '[""]'),
        ("SELECT_MFA_TYPE", "MFAS_CAN_CHOOSE", json.dumps(["A"] * 65)),
        ("SELECT_MFA_TYPE", "MFAS_CAN_CHOOSE", "[" * 100_000),
        ("NEW_PASSWORD_REQUIRED", "requiredAttributes", "7"),
        ("NEW_PASSWORD_REQUIRED", "userAttributes", "[]"),
    ],
    ids=str,
)
def test_malformed_json_inside_a_string_is_refused(name: str, member: str, text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        typed(name, **{member: text})


CHALLENGES = [
    typed("SMS_MFA", CODE_DELIVERY_DESTINATION="+1"),
    typed("EMAIL_OTP"),
    typed("SOFTWARE_TOKEN_MFA"),
    typed("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA"]'),
    typed("NEW_PASSWORD_REQUIRED", requiredAttributes='["userAttributes.name"]'),
    typed("MIND_READING", THOUGHT="42"),
]


@pytest.mark.parametrize("challenge", CHALLENGES, ids=lambda c: type(c).__name__)
def test_a_challenge_survives_json(challenge: Any) -> None:
    assert challenge_from_dict(json.loads(json.dumps(challenge.to_dict()))) == challenge


def test_a_challenge_without_a_session_survives_too() -> None:
    data = {**CHALLENGES[0].to_dict(), "session": None}
    assert challenge_from_dict(data).context.session is None


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"challenge": None},
        {"session": "short"},
        {"username": 7},
        {"client_id": None},
        {"parameters": {"A": 1}},
        {"parameters": "x"},
    ],
    ids=str,
)
def test_a_changed_challenge_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="data"):
        challenge_from_dict({**CHALLENGES[0].to_dict(), **change})


@pytest.mark.parametrize("data", [{}, [], None, "text"], ids=str)
def test_something_else_is_refused(data: Any) -> None:
    with pytest.raises(InvalidArgument, match="data"):
        challenge_from_dict(data)


def test_only_a_true_flag_opens_anything() -> None:
    data = {**CHALLENGES[0].to_dict(), "password_proven": "yes", "plaintext_allowed": 1}
    context = challenge_from_dict(data).context
    assert (context.password_proven, context.plaintext_allowed) == (False, False)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=30), inner, max_size=4)
    ),
    max_leaves=12,
)
members = st.sampled_from(
    ["AuthenticationResult", "ChallengeName", "Session", "ChallengeParameters", "AccessToken"]
)


@given(st.dictionaries(members | st.text(max_size=5), anything, max_size=6))
def test_nothing_but_our_own_error_comes_out(body: dict[str, Any]) -> None:
    with contextlib.suppress(RemoteProtocolError):
        read_auth(body)
