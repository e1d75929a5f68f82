"""What a signed-in user can do with an access token at the local pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiocognito.testing.clock import ManualClock
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import Person, claims, refusal, tokens

CONTACTS = {"email": "ana@example.com", "phone_number": "+4915112345678"}
NEW = "An0ther-one"
# Every operation that an access token authorises, with what else it needs.
TOKEN_CALLS: dict[str, dict[str, Any]] = {
    "GetUser": {},
    "ChangePassword": {"PreviousPassword": "Passw0rd!", "ProposedPassword": NEW},
    "SetUserMFAPreference": {},
    "GlobalSignOut": {},
    "AssociateSoftwareToken": {},
    "VerifySoftwareToken": {"UserCode": "123456"},
    "UpdateUserAttributes": {"UserAttributes": [{"Name": "name", "Value": "Ana"}]},
    "DeleteUserAttributes": {"UserAttributeNames": ["name"]},
    "GetUserAttributeVerificationCode": {"AttributeName": "email"},
    "VerifyUserAttribute": {"AttributeName": "email", "Code": "123456"},
    "GetUserAuthFactors": {},
    "DeleteUser": {},
}
each_call = pytest.mark.parametrize("operation", TOKEN_CALLS)


def ask(person: Person, operation: str, token: str, **members: Any) -> dict[str, Any]:
    return person.pool.handle(operation, {"AccessToken": token, **members})


@pytest.fixture
def token(ana: Person) -> str:
    return str(tokens(ana.by_srp())["AccessToken"])


# --- the access token ---


@each_call
@pytest.mark.parametrize(
    ("minted", "message"),
    [
        ({"expires_in": 0}, "Access Token has expired"),
        ({"signature": "broken"}, "Invalid Access Token"),
        ({"signature": "other-key"}, "Invalid Access Token"),
        ({"token_use": "id"}, "Invalid Access Token"),
        ({"claims": {"iss": "https://elsewhere.example"}}, "Invalid Access Token"),
        ({"header": {"alg": "none"}}, "Invalid Access Token"),
        ({"header": {"kid": "x"}}, "Invalid Access Token"),
        ({"header": {"jku": "https://elsewhere.example"}}, "Invalid Access Token"),
        ({"claims": {"exp": None}}, "Invalid Access Token"),
        ({"claims": {"exp": "soon"}}, "Invalid Access Token"),
        ({"claims": {"sub": None}}, "Invalid Access Token"),
        ({"claims": {"sub": ["ana"]}}, "Invalid Access Token"),
        ({"claims": {"scope": "openid"}}, "Access Token does not have required scopes"),
        ({"claims": {"scope": None}}, "Access Token does not have required scopes"),
    ],
    ids=str,
)
def test_a_token_that_does_not_count(
    ana: Person, operation: str, minted: dict[str, Any], message: str
) -> None:
    # F122
    token = ana.pool.mint("ana", ana.client.client_id, **minted)
    refused = refusal(lambda: ask(ana, operation, token, **TOKEN_CALLS[operation]))
    assert refused == ("NotAuthorizedException", message)


@each_call
@pytest.mark.parametrize("garbage", ["x", "a.b.c", "....", "e30.e30.e30", "a.b.c.d.e"])
def test_garbage_is_no_token(ana: Person, operation: str, garbage: str) -> None:
    refused = refusal(lambda: ask(ana, operation, garbage, **TOKEN_CALLS[operation]))
    assert refused == ("NotAuthorizedException", "Invalid Access Token")


@each_call
def test_disabled_and_removed_users(ana: Person, token: str, operation: str) -> None:
    members = TOKEN_CALLS[operation]
    ana.pool.enable_user("ana", False)
    assert refusal(lambda: ask(ana, operation, token, **members))[1] == "User is disabled."
    ana.pool.remove_user("ana")
    assert refusal(lambda: ask(ana, operation, token, **members))[0] in {
        "UserNotFoundException",
        "NotAuthorizedException",
    }


@each_call
def test_after_global_sign_out_nothing_goes(ana: Person, token: str, operation: str) -> None:
    result = tokens(ana.by_srp())
    assert ask(ana, "GlobalSignOut", token) == {}
    for old in (token, result["AccessToken"]):
        refused = refusal(ask, ana, operation, old, **TOKEN_CALLS[operation])
        assert refused == ("NotAuthorizedException", "Access Token has been revoked")
    refused = refusal(lambda: ana.refresh(result["RefreshToken"]))
    assert refused[1] == "Refresh Token has been revoked"
    assert ask(ana, "GetUser", tokens(ana.by_srp())["AccessToken"])


# --- GetUser ---


def test_global_sign_out_needs_no_token_revocation(pool: CheckedPool, settle: Settle) -> None:
    """Tokens without ``origin_jti`` end like all others."""
    ana = settle(pool, client={"token_revocation": False})
    result = tokens(ana.by_srp())
    ask(ana, "GlobalSignOut", result["AccessToken"])
    assert refusal(lambda: ask(ana, "GetUser", result["AccessToken"]))[1] == (
        "Access Token has been revoked"
    )
    assert not pool.is_active(claims(result["IdToken"]))


def test_get_user_shows_strings(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(
        pool,
        attributes={**CONTACTS, "phone_number_verified": False},
        totp=True,
        mfa=["EMAIL_OTP"],
        preferred_mfa="SOFTWARE_TOKEN_MFA",
    )
    token = pool.mint("ana", ana.client.client_id)
    answer = ask(ana, "GetUser", token)
    values = {item["Name"]: item["Value"] for item in answer["UserAttributes"]}
    assert values == {
        "sub": pool.user("ana").sub,
        **CONTACTS,
        "email_verified": "true",
        "phone_number_verified": "false",
    }
    assert answer["Username"] == "ana"
    assert set(answer["UserMFASettingList"]) == {"EMAIL_OTP", "SOFTWARE_TOKEN_MFA"}
    assert answer["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"


def test_get_user_without_mfa_lists_none(ana: Person, token: str) -> None:
    assert set(ask(ana, "GetUser", token)) == {"Username", "UserAttributes"}


# --- ChangePassword ---


def test_changing_the_password(ana: Person) -> None:
    result = tokens(ana.by_srp())
    change = {"PreviousPassword": ana.password, "ProposedPassword": NEW}
    assert ask(ana, "ChangePassword", result["AccessToken"], **change) == {}
    refusal(ana.by_srp)
    ana.password = NEW
    tokens(ana.by_srp())
    assert ana.refresh(result["RefreshToken"])  # sessions outlive a password


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"PreviousPassword": "Wr0ng-one", "ProposedPassword": NEW}, "NotAuthorizedException"),
        ({"ProposedPassword": NEW}, "NotAuthorizedException"),
        ({"PreviousPassword": "Passw0rd!", "ProposedPassword": "weak"}, "InvalidPasswordException"),
        ({"PreviousPassword": "Passw0rd!"}, "InvalidParameterException"),
    ],
    ids=["wrong", "missing", "weak", "no new one"],
)
def test_a_change_that_is_refused(
    ana: Person, token: str, members: dict[str, str], code: str
) -> None:
    assert refusal(lambda: ask(ana, "ChangePassword", token, **members))[0] == code
    tokens(ana.by_srp())


def test_guessing_the_previous_password_is_limited(
    ana: Person, token: str, clock: ManualClock
) -> None:
    wrong = {"PreviousPassword": "Wr0ng-one", "ProposedPassword": NEW}
    for _ in range(5):
        assert refusal(lambda: ask(ana, "ChangePassword", token, **wrong))[0] == (
            "NotAuthorizedException"
        )
    right = {**wrong, "PreviousPassword": ana.password}
    assert refusal(lambda: ask(ana, "ChangePassword", token, **right)) == (
        "LimitExceededException",
        "Attempt limit exceeded, please try after some time.",
    )
    tokens(ana.by_srp())  # signing in is another matter
    clock.advance(1)
    assert ask(ana, "ChangePassword", token, **right) == {}


def test_a_first_password_needs_no_previous_one(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, password=None)
    ask(ana, "ChangePassword", pool.mint("ana", ana.client.client_id), ProposedPassword=NEW)
    ana.password = NEW
    tokens(ana.by_srp())


# --- TOTP by access token ---


def test_setting_up_totp_by_token(ana: Person, token: str, clock: ManualClock) -> None:
    associated = ask(ana, "AssociateSoftwareToken", token)
    assert set(associated) == {"SecretCode"}
    pending = ana.pool.user("ana").pending_token
    assert pending is not None
    assert pending.secret == associated["SecretCode"]
    code = pending.unused_code(clock.wall())
    verified = ask(ana, "VerifySoftwareToken", token, UserCode=code)
    assert verified == {"Status": "SUCCESS"}
    tokens(ana.by_srp())  # registered, and not switched on
    settings = {"Enabled": True, "PreferredMfa": True}
    assert ask(ana, "SetUserMFAPreference", token, SoftwareTokenMfaSettings=settings) == {}
    assert ana.by_srp()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


def test_a_new_secret_counts_once_it_is_verified(
    pool: CheckedPool, settle: Settle, clock: ManualClock
) -> None:
    ana = settle(pool, totp=True)
    token = pool.mint("ana", ana.client.client_id)
    old = pool.user("ana").totp_secret
    ask(ana, "AssociateSoftwareToken", token)
    refused = refusal(lambda: ask(ana, "VerifySoftwareToken", token, UserCode="000000"))
    assert refused[0] == "EnableSoftwareTokenMFAException"
    assert pool.user("ana").totp_secret == old
    tokens(ana.answer(ana.by_srp(), SOFTWARE_TOKEN_MFA_CODE=pool.totp_code("ana")))


def test_verifying_without_associating(ana: Person, token: str) -> None:
    refused = refusal(lambda: ask(ana, "VerifySoftwareToken", token, UserCode="123456"))
    assert refused == (
        "SoftwareTokenMFANotFoundException",
        "Software Token MFA does not exist for the user.",
    )


@pytest.mark.parametrize("settings", [{"mfa": "OFF"}, {"mfa_methods": ["SMS_MFA"]}], ids=str)
def test_totp_where_the_pool_has_none(
    make_pool: Callable[..., CheckedPool], settle: Settle, settings: dict[str, Any]
) -> None:
    # F022
    ana = settle(make_pool(**settings))
    token = ana.pool.mint("ana", ana.client.client_id)
    assert refusal(lambda: ask(ana, "AssociateSoftwareToken", token)) == (
        "SoftwareTokenMFANotFoundException",
        "Software Token MFA has not been enabled by the userPool",
    )


def test_token_and_session_exclude_each_other(ana: Person, token: str) -> None:
    both = {"AccessToken": token, "Session": "s" * 20}
    for request in ({}, both):
        refused = refusal(ana.pool.handle, "AssociateSoftwareToken", request)
        assert refused[0] == "InvalidParameterException"


# --- preferences ---


@pytest.fixture
def equipped(pool: CheckedPool, settle: Settle) -> Person:
    """Somebody with an authenticator, an address and a number; TOTP is on."""
    return settle(pool, attributes=CONTACTS, totp=True)


def prefer(person: Person, **settings: dict[str, bool]) -> tuple[list[str], str | None]:
    token = person.pool.mint("ana", person.client.client_id)
    ask(person, "SetUserMFAPreference", token, **settings)
    user = person.pool.user("ana")
    return user.mfa, user.preferred_mfa


ON, PREFERRED, OFF = {"Enabled": True}, {"Enabled": True, "PreferredMfa": True}, {"Enabled": False}


def test_factors_are_switched_on_and_off_and_preferred(equipped: Person) -> None:
    totp, sms = "SOFTWARE_TOKEN_MFA", "SMS_MFA"
    assert prefer(equipped, SMSMfaSettings=ON) == ([totp, sms], None)
    assert prefer(equipped, SMSMfaSettings=PREFERRED) == ([totp, sms], sms)
    assert prefer(equipped, EmailMfaSettings=ON)[1] == sms
    assert prefer(equipped, SMSMfaSettings={"PreferredMfa": False})[1] is None
    assert prefer(equipped, SoftwareTokenMfaSettings=PREFERRED)[1] == totp
    assert prefer(equipped, SoftwareTokenMfaSettings=OFF) == ([sms, "EMAIL_OTP"], None)
    assert prefer(equipped, SMSMfaSettings=OFF, EmailMfaSettings=OFF) == ([], None)


@pytest.mark.parametrize(
    "settings",
    [
        {"SMSMfaSettings": PREFERRED, "EmailMfaSettings": PREFERRED},
        {"SMSMfaSettings": {"PreferredMfa": True}},
        {"SMSMfaSettings": {"Enabled": False, "PreferredMfa": True}},
    ],
    ids=str,
)
def test_a_preference_that_makes_no_sense(
    equipped: Person, settings: dict[str, dict[str, bool]]
) -> None:
    assert refusal(lambda: prefer(equipped, **settings))[0] == "InvalidParameterException"
    assert equipped.pool.user("ana").mfa == ["SOFTWARE_TOKEN_MFA"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("SoftwareTokenMfaSettings", "User has not verified software token mfa"),
        ("SMSMfaSettings", "User does not have delivery config set to turn on SMS_MFA"),
        ("EmailMfaSettings", "User does not have delivery config set to turn on EMAIL_OTP"),
    ],
)
def test_a_factor_the_user_cannot_use(ana: Person, setting: str, message: str) -> None:
    refused = refusal(lambda: prefer(ana, **{setting: ON}))
    assert refused == ("InvalidParameterException", message)


def test_a_factor_the_pool_does_not_offer(
    make_pool: Callable[..., CheckedPool], settle: Settle
) -> None:
    ana = settle(make_pool(mfa_methods=["SOFTWARE_TOKEN_MFA"]), attributes=CONTACTS)
    refused = refusal(lambda: prefer(ana, SMSMfaSettings=ON))
    assert refused[0] == "InvalidParameterException"


def test_compulsory_mfa_cannot_be_switched_off(
    make_pool: Callable[..., CheckedPool], settle: Settle
) -> None:
    ana = settle(make_pool(mfa="ON"), totp=True)
    refused = refusal(lambda: prefer(ana, SoftwareTokenMfaSettings=OFF))
    assert refused[0] == "InvalidParameterException"
    assert ana.pool.user("ana").mfa == ["SOFTWARE_TOKEN_MFA"]
