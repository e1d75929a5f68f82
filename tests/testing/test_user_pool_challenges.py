"""What comes after the password: new passwords, MFA, and the sessions between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aiocognito.testing.clock import ManualClock
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import EVERY_FLOW, PASSWORD, Person, claims, refusal, tokens

MakePool = Callable[..., CheckedPool]
CONTACTS = {"email": "ana@example.com", "phone_number": "+4915112345678"}
NEW = "An0ther-one"


# --- NEW_PASSWORD_REQUIRED ---


@pytest.mark.parametrize("sign_in", [Person.by_password, Person.by_srp], ids=["password", "srp"])
def test_a_temporary_password_must_be_replaced(
    pool: CheckedPool, settle: Settle, sign_in: Callable[[Person], dict[str, Any]]
) -> None:
    ana = settle(pool, temporary=True, attributes={"email": "ana@example.com"})
    challenge = sign_in(ana)
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    parameters = challenge["ChallengeParameters"]
    assert parameters["USER_ID_FOR_SRP"] == "ana"
    assert json.loads(parameters["requiredAttributes"]) == []
    assert json.loads(parameters["userAttributes"])["email"] == "ana@example.com"
    tokens(ana.answer(challenge, NEW_PASSWORD=NEW))
    ana.password = NEW
    tokens(ana.by_srp())


def test_a_weak_new_password_can_be_mended(pool: CheckedPool, settle: Settle) -> None:
    # F009, F020
    ana = settle(pool, temporary=True)
    challenge = ana.by_password()
    refused = refusal(lambda: ana.answer(challenge, NEW_PASSWORD="short"))
    assert refused == (
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    )
    tokens(ana.answer(challenge, NEW_PASSWORD=NEW))


def test_required_attributes_are_asked_for(make_pool: MakePool, settle: Settle) -> None:
    pool = make_pool(required_attributes=["name", "email"], custom_attributes=["tenant"])
    ana = settle(pool, temporary=True, attributes={"email": "ana@example.com"})
    challenge = ana.by_password()
    required = json.loads(challenge["ChallengeParameters"]["requiredAttributes"])
    assert required == ["userAttributes.name"]
    assert refusal(lambda: ana.answer(challenge, NEW_PASSWORD=NEW)) == (
        "InvalidParameterException",
        "Invalid attributes given, name is missing",
    )
    given = {"userAttributes.name": "Ana", "userAttributes.custom:tenant": "t1"}
    result = tokens(ana.answer(challenge, NEW_PASSWORD=NEW, **given))
    identity = claims(result["IdToken"])
    assert (identity["name"], identity["custom:tenant"]) == ("Ana", "t1")


@pytest.mark.parametrize(
    ("attribute", "value", "code"),
    [
        ("email", "eve@example.com", "NotAuthorizedException"),
        ("email_verified", "true", "NotAuthorizedException"),
        ("sub", "other", "NotAuthorizedException"),
        ("custom:unknown", "x", "InvalidParameterException"),
        ("phone_number", "none", "InvalidParameterException"),
    ],
)
def test_attributes_that_may_not_come_along(
    make_pool: MakePool, settle: Settle, attribute: str, value: str, code: str
) -> None:
    pool = make_pool(required_attributes=["email"])
    ana = settle(pool, temporary=True, attributes={"email": "ana@example.com"})
    challenge = ana.by_password()
    answers = {"NEW_PASSWORD": NEW, f"userAttributes.{attribute}": value}
    assert refusal(lambda: ana.answer(challenge, **answers))[0] == code
    assert pool.user("ana").attributes["email"] == "ana@example.com"
    assert pool.user("ana").status == "FORCE_CHANGE_PASSWORD"
    tokens(ana.answer(challenge, NEW_PASSWORD=NEW))


def test_an_alias_of_somebody_else_changes_nothing(make_pool: MakePool, settle: Settle) -> None:
    pool = make_pool(alias_attributes=["preferred_username"])
    pool.add_user("bob", PASSWORD, attributes={"preferred_username": "chief"})
    ana = settle(pool, temporary=True)
    challenge = ana.by_password()
    answers = {"NEW_PASSWORD": NEW, "userAttributes.preferred_username": "Chief"}
    assert refusal(lambda: ana.answer(challenge, **answers))[0] == "AliasExistsException"
    assert "preferred_username" not in pool.user("ana").attributes
    assert pool.user("chief").username == "bob"
    answers = {"userAttributes.preferred_username": "a", "userAttributes.name": ""}
    tokens(ana.answer(challenge, NEW_PASSWORD=NEW, **answers))
    assert pool.user("A").username == "ana"
    assert "name" not in pool.user("ana").attributes


def test_a_temporary_password_is_replaced_once(pool: CheckedPool, settle: Settle) -> None:
    """Who knew the temporary password as well, and waited, is too late."""
    ana = settle(pool, temporary=True)
    first, second = ana.by_password(), ana.by_password()
    tokens(ana.answer(first, NEW_PASSWORD=NEW))
    refused = refusal(lambda: ana.answer(second, NEW_PASSWORD="0ther-Passw0rd!"))
    assert refused == ("NotAuthorizedException", "Invalid session for the user.")
    ana.password = NEW
    tokens(ana.by_password())


@pytest.mark.parametrize("value", ["eve@example.com", ""])
def test_a_new_address_is_not_verified(make_pool: MakePool, settle: Settle, value: str) -> None:
    pool = make_pool(alias_attributes=["email"])
    ana = settle(pool, temporary=True, attributes={"email": "ana@example.com"})
    answers = {"NEW_PASSWORD": NEW, "userAttributes.email": value}
    result = tokens(ana.answer(ana.by_password(), **answers))
    assert claims(result["IdToken"]).get("email_verified", False) is False
    for address in ("ana@example.com", "eve@example.com"):
        with pytest.raises(LookupError):
            pool.user(address)


def test_the_same_address_again_stays_verified(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, temporary=True, attributes={"email": "ana@example.com"})
    answers = {"NEW_PASSWORD": NEW, "userAttributes.email": "ana@example.com"}
    result = tokens(ana.answer(ana.by_password(), **answers))
    assert claims(result["IdToken"])["email_verified"] is True


@pytest.mark.parametrize("value", ["eve@example.com", ""])
def test_a_temporary_password_cannot_lead_a_factor_elsewhere(
    pool: CheckedPool, settle: Settle, value: str
) -> None:
    ana = settle(pool, temporary=True, attributes={"email": "ana@example.com"}, mfa=["EMAIL_OTP"])
    challenge = ana.by_password()
    answers = {"NEW_PASSWORD": NEW, "userAttributes.email": value}
    assert refusal(lambda: ana.answer(challenge, **answers))[0] == "InvalidParameterException"
    assert ana.answer(challenge, NEW_PASSWORD=NEW)["ChallengeName"] == "EMAIL_OTP"
    assert [message.destination for message in pool.outbox] == ["ana@example.com"]


def test_mfa_follows_the_new_password(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, temporary=True, totp=True)
    challenge = ana.answer(ana.by_srp(), NEW_PASSWORD=NEW)
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    tokens(ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=pool.totp_code("ana")))


# --- which factor ---

TOTP, SMS, EMAIL = "SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP"


@pytest.mark.parametrize(
    ("settings", "user", "expected"),
    [
        ({"mfa": "OPTIONAL"}, {}, None),
        ({"mfa": "OFF"}, {"totp": True}, None),
        ({"mfa": "OPTIONAL"}, {"totp": True}, TOTP),
        ({"mfa": "OPTIONAL"}, {"mfa": [SMS]}, SMS),
        ({"mfa": "OPTIONAL"}, {"mfa": [EMAIL]}, EMAIL),
        ({"mfa": "OPTIONAL"}, {"totp": True, "mfa": [SMS]}, "SELECT_MFA_TYPE"),
        ({"mfa": "OPTIONAL"}, {"totp": True, "mfa": [SMS], "preferred_mfa": SMS}, SMS),
        ({"mfa": "OPTIONAL"}, {"totp": True, "mfa": [SMS], "preferred_mfa": TOTP}, TOTP),
        ({"mfa": "OPTIONAL", "mfa_methods": [TOTP]}, {"totp": True, "mfa": [SMS]}, TOTP),
        ({"mfa": "OPTIONAL", "mfa_methods": [SMS]}, {"totp": True}, None),
        ({"mfa": "ON"}, {}, "MFA_SETUP"),
        ({"mfa": "ON"}, {"totp": True}, TOTP),
        ({"mfa": "ON", "mfa_methods": [SMS]}, {}, SMS),
        ({"mfa": "ON", "mfa_methods": [SMS, TOTP]}, {}, "MFA_SETUP"),
    ],
    ids=str,
)
def test_the_order_of_factors(
    make_pool: MakePool,
    settle: Settle,
    settings: dict[str, Any],
    user: dict[str, Any],
    expected: str | None,
) -> None:
    # F009, F022
    ana = settle(make_pool(**settings), attributes=CONTACTS, **user)
    assert ana.by_password().get("ChallengeName") == expected


# --- TOTP ---


@pytest.fixture
def with_totp(pool: CheckedPool, settle: Settle) -> Person:
    return settle(pool, totp=True)


def test_totp_challenge_and_answer(pool: CheckedPool, with_totp: Person) -> None:
    challenge = with_totp.by_srp()
    assert challenge["ChallengeParameters"] == {
        "USER_ID_FOR_SRP": "ana",
        "FRIENDLY_DEVICE_NAME": "transparent",
    }
    assert 1000 < len(challenge["Session"]) <= 4096
    tokens(with_totp.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=pool.totp_code("ana")))


def test_a_wrong_totp_code_leaves_the_session(pool: CheckedPool, with_totp: Person) -> None:
    challenge = with_totp.by_password()
    right = pool.totp_code("ana")
    wrong = "000000" if right != "000000" else "111111"
    for code in (wrong, wrong, "12345", "\u0661\u0662\u0663\u0664\u0665\u0666"):
        refused = refusal(with_totp.answer, challenge, SOFTWARE_TOKEN_MFA_CODE=code)
        assert refused == ("CodeMismatchException", "Invalid code received for user")
    tokens(with_totp.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=right))


def test_a_totp_code_works_once(pool: CheckedPool, with_totp: Person, clock: ManualClock) -> None:
    code = pool.totp_code("ana")
    tokens(with_totp.answer(with_totp.by_password(), SOFTWARE_TOKEN_MFA_CODE=code))
    challenge = with_totp.by_password()
    refused = refusal(lambda: with_totp.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=code))
    assert refused == (
        "ExpiredCodeException",
        "Your software token has already been used once.",
    )
    clock.advance(30)
    tokens(with_totp.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=pool.totp_code("ana")))


# --- codes that are delivered ---


@pytest.mark.parametrize(
    ("method", "medium", "shown", "destination"),
    [
        (SMS, "SMS", "+*******5678", CONTACTS["phone_number"]),
        (EMAIL, "EMAIL", "a***@e***", CONTACTS["email"]),
    ],
)
def test_a_code_is_delivered_and_accepted(
    pool: CheckedPool, settle: Settle, method: str, medium: str, shown: str, destination: str
) -> None:
    ana = settle(pool, attributes=CONTACTS, mfa=[method])
    challenge = ana.by_srp()
    assert challenge["ChallengeParameters"] == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": medium,
        "CODE_DELIVERY_DESTINATION": shown,
        "USER_ID_FOR_SRP": "ana",
    }
    (delivery,) = pool.outbox
    assert (delivery.username, delivery.medium, delivery.destination, delivery.purpose) == (
        "ana",
        medium,
        destination,
        method,
    )
    assert len(delivery.code) == 6
    answer = {f"{method}_CODE": delivery.code}
    wrong = {f"{method}_CODE": "x" + delivery.code}
    for _ in range(6):
        assert refusal(lambda: ana.answer(challenge, **wrong)) == (
            "CodeMismatchException",
            "Invalid code or auth state for the user.",
        )
    tokens(ana.answer(challenge, **answer))


def test_a_second_sign_in_voids_the_first_code(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, attributes=CONTACTS, mfa=[SMS])
    first, second = ana.by_password(), ana.by_password()
    codes = [delivery.code for delivery in pool.outbox]
    refused = refusal(lambda: ana.answer(first, SMS_MFA_CODE=codes[0]))
    assert refused[0] == "CodeMismatchException"
    tokens(ana.answer(second, SMS_MFA_CODE=codes[1]))


def test_a_missing_code_is_named(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, attributes=CONTACTS, mfa=[SMS])
    challenge = ana.by_password()
    assert refusal(lambda: ana.answer(challenge, EMAIL_OTP_CODE="123456")) == (
        "InvalidParameterException",
        "Missing required parameter SMS_MFA_CODE",
    )


# --- choosing ---


def test_choosing_a_factor(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, attributes=CONTACTS, totp=True, mfa=[SMS, EMAIL])
    challenge = ana.by_password()
    offered = json.loads(challenge["ChallengeParameters"]["MFAS_CAN_CHOOSE"])
    assert offered == [SMS, TOTP, EMAIL]
    assert not pool.outbox
    assert refusal(lambda: ana.answer(challenge, ANSWER="PIGEON"))[0] == "InvalidParameterException"
    chosen = ana.answer(challenge, ANSWER="EMAIL_MFA")
    assert chosen["ChallengeName"] == EMAIL
    assert chosen["Session"] != challenge["Session"]
    tokens(ana.answer(chosen, EMAIL_OTP_CODE=pool.outbox[-1].code))


def test_the_choice_names_no_authenticator_where_there_is_none(
    pool: CheckedPool, settle: Settle
) -> None:
    challenge = settle(pool, attributes=CONTACTS, mfa=[SMS, EMAIL]).by_password()
    assert set(challenge["ChallengeParameters"]) == {"MFAS_CAN_CHOOSE", "USER_ID_FOR_SRP"}


# --- setting up, where MFA is compulsory ---


def test_setting_up_totp_by_session(make_pool: MakePool, settle: Settle) -> None:
    pool = make_pool(mfa="ON")
    ana = settle(pool)
    challenge = ana.by_srp()
    assert json.loads(challenge["ChallengeParameters"]["MFAS_CAN_SETUP"]) == [SMS, TOTP, EMAIL]
    too_early = refusal(lambda: ana.answer(challenge))
    assert too_early[0] == "SoftwareTokenMFANotFoundException"
    associated = pool.handle("AssociateSoftwareToken", {"Session": challenge["Session"]})
    assert len(associated["SecretCode"]) == 52
    pending = pool.user("ana").pending_token
    assert pending is not None
    code = pending.unused_code(ana.clock.wall())
    verify = {"Session": associated["Session"], "UserCode": code, "FriendlyDeviceName": "Phone"}
    wrong = {**verify, "UserCode": "000000" if code != "000000" else "111111"}
    assert refusal(lambda: pool.handle("VerifySoftwareToken", wrong)) == (
        "EnableSoftwareTokenMFAException",
        "Code mismatch and fail enable Software Token MFA",
    )
    verified = pool.handle("VerifySoftwareToken", verify)
    assert verified["Status"] == "SUCCESS"
    assert refusal(lambda: pool.handle("VerifySoftwareToken", verify))[1].endswith("used once.")
    tokens(ana.respond("MFA_SETUP", verified["Session"]))
    again = ana.by_password()
    assert again["ChallengeName"] == TOTP
    assert again["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"] == "Phone"
    refused = refusal(lambda: ana.answer(again, SOFTWARE_TOKEN_MFA_CODE=code))
    assert refused[0] == "ExpiredCodeException"  # verifying used it up


def test_an_e_mail_address_is_set_up_with_the_session(make_pool: MakePool, settle: Settle) -> None:
    ana = settle(make_pool(mfa="ON"))
    challenge = ana.by_password()
    asked = ana.answer(challenge, EMAIL="ana@example.com")
    assert asked["ChallengeName"] == EMAIL
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "a***@e***"
    user, sent = ana.pool.user("ana"), ana.pool.outbox[-1]
    assert (sent.destination, len(sent.code)) == ("ana@example.com", 6)
    assert refusal(lambda: ana.answer(asked, EMAIL_OTP_CODE="000000"))[0] == (
        "CodeMismatchException"
    )
    assert "email" not in user.attributes  # not before it is proven
    tokens(ana.answer(asked, EMAIL_OTP_CODE=sent.code))
    assert user.attributes == {"email": "ana@example.com", "email_verified": "true"}
    assert user.mfa == [EMAIL]
    assert ana.by_password()["ChallengeName"] == EMAIL


@pytest.mark.parametrize(
    ("settings", "address"),
    [({"mfa": "ON"}, "no address"), ({"mfa": "ON", "mfa_methods": [TOTP]}, "a@example.com")],
    ids=str,
)
def test_an_address_that_cannot_be_set_up_is_refused(
    make_pool: MakePool, settle: Settle, settings: dict[str, Any], address: str
) -> None:
    ana = settle(make_pool(**settings))
    challenge = ana.by_password()
    refused = refusal(lambda: ana.answer(challenge, EMAIL=address))
    assert refused[0] == "InvalidParameterException"
    assert ana.pool.outbox == []


def test_only_a_setup_session_sets_up(pool: CheckedPool, with_totp: Person) -> None:
    session = with_totp.by_password()["Session"]
    refused = refusal(lambda: pool.handle("AssociateSoftwareToken", {"Session": session}))
    assert refused == ("NotAuthorizedException", "Invalid session for the user.")


@pytest.mark.parametrize("operation", ["AssociateSoftwareToken", "VerifySoftwareToken"])
def test_an_authenticator_once_set_up_is_not_replaced_by_session(
    make_pool: MakePool, settle: Settle, operation: str
) -> None:
    """Who has the password and an older session must not take the second factor over."""
    pool = make_pool(mfa="ON")
    ana = settle(pool)
    older, newer = ana.by_password()["Session"], ana.by_password()["Session"]
    older = pool.handle("AssociateSoftwareToken", {"Session": older})["Session"]
    newer = pool.handle("AssociateSoftwareToken", {"Session": newer})["Session"]
    pending = pool.user("ana").pending_token
    assert pending is not None
    request = {"UserCode": pending.unused_code(ana.clock.wall())}
    pool.handle("VerifySoftwareToken", {**request, "Session": newer})
    refused = refusal(lambda: pool.handle(operation, {**request, "Session": older}))
    assert refused == ("NotAuthorizedException", "Invalid session for the user.")
    assert pool.user("ana").software_token is pending


def test_a_disabled_user_sets_nothing_up(make_pool: MakePool, settle: Settle) -> None:
    pool = make_pool(mfa="ON")
    session = settle(pool).by_password()["Session"]
    pool.enable_user("ana", False)
    refused = refusal(lambda: pool.handle("AssociateSoftwareToken", {"Session": session}))
    assert refused == ("NotAuthorizedException", "User is disabled.")


# --- sessions ---


@pytest.fixture
def waiting(pool: CheckedPool, with_totp: Person) -> tuple[Person, dict[str, Any], str]:
    """Somebody with an open TOTP challenge and the right code."""
    return with_totp, with_totp.by_password(), pool.totp_code("ana")


Waiting = tuple[Person, dict[str, Any], str]


def test_an_invented_session_is_refused(waiting: Waiting) -> None:
    ana, challenge, code = waiting
    invented = {**challenge, "Session": "AYABe" + "x" * 1495}
    assert refusal(lambda: ana.answer(invented, SOFTWARE_TOKEN_MFA_CODE=code)) == (
        "NotAuthorizedException",
        "Invalid session for the user.",
    )


def test_a_session_is_spent_by_success(waiting: Waiting, clock: ManualClock) -> None:
    ana, challenge, code = waiting
    tokens(ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=code))
    clock.advance(30)
    fresh = ana.pool.totp_code("ana")
    assert refusal(lambda: ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=fresh)) == (
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
    )


@pytest.mark.parametrize("validity", [180.0, 5.0])
def test_a_session_expires(
    pool: CheckedPool, settle: Settle, clock: ManualClock, validity: float
) -> None:
    # F005
    ana = settle(pool, client={"auth_session_validity": validity}, totp=True)
    challenge = ana.by_password()
    clock.advance(validity - 0.5)
    wrong = refusal(lambda: ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE="x"))
    assert wrong[0] == "CodeMismatchException"
    clock.advance(0.5)
    code = pool.totp_code("ana")
    assert refusal(lambda: ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=code)) == (
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
    )


def test_a_wall_clock_that_jumps_expires_no_session(waiting: Waiting, clock: ManualClock) -> None:
    ana, challenge, _ = waiting
    clock.jump(86400)
    tokens(ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=ana.pool.totp_code("ana")))


def test_a_session_belongs_to_its_client(waiting: Waiting) -> None:
    ana, challenge, code = waiting
    ana.client = ana.pool.add_client(explicit_auth_flows=EVERY_FLOW)
    assert refusal(lambda: ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=code)) == (
        "NotAuthorizedException",
        "Invalid session for the user.",
    )


@pytest.mark.parametrize("name", ["bob", "nobody"])
def test_a_session_belongs_to_its_user(waiting: Waiting, name: str) -> None:
    ana, challenge, code = waiting
    ana.pool.add_user("bob", PASSWORD, totp=True)
    refused = refusal(lambda: ana.answer(challenge, USERNAME=name, SOFTWARE_TOKEN_MFA_CODE=code))
    assert refused == ("NotAuthorizedException", "Invalid session for the user.")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SMS_MFA", "CodeMismatchException"),
        ("EMAIL_OTP", "CodeMismatchException"),
        ("NEW_PASSWORD_REQUIRED", "NotAuthorizedException"),
        ("MFA_SETUP", "NotAuthorizedException"),
        ("CUSTOM_CHALLENGE", "NotAuthorizedException"),
        ("DEVICE_SRP_AUTH", "NotAuthorizedException"),
    ],
)
def test_a_session_belongs_to_its_challenge(waiting: Waiting, name: str, code: str) -> None:
    ana, challenge, right = waiting
    answers = {"NEW_PASSWORD": NEW, "SMS_MFA_CODE": right, "EMAIL_OTP_CODE": right}
    assert refusal(lambda: ana.respond(name, challenge["Session"], **answers))[0] == code
    tokens(ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=right))


def test_a_missing_session_is_named(waiting: Waiting) -> None:
    ana, challenge, code = waiting
    del challenge["Session"]
    assert refusal(lambda: ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=code)) == (
        "InvalidParameterException",
        "Missing required parameter Session",
    )


def test_a_user_disabled_meanwhile(waiting: Waiting) -> None:
    ana, challenge, code = waiting
    ana.pool.enable_user("ana", False)
    refused = refusal(lambda: ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=code))
    assert refused[1] == "User is disabled."


def test_a_user_removed_meanwhile(waiting: Waiting) -> None:
    ana, challenge, code = waiting
    ana.pool.remove_user("ana")
    refused = refusal(lambda: ana.answer(challenge, SOFTWARE_TOKEN_MFA_CODE=code))
    assert refused[1] == "Invalid session for the user."


def test_an_authenticator_removed_meanwhile(waiting: Waiting) -> None:
    ana, challenge, code = waiting
    ana.pool.user("ana").software_token = None
    refused = refusal(ana.answer, challenge, SOFTWARE_TOKEN_MFA_CODE=code)
    assert refused[0] == "SoftwareTokenMFANotFoundException"


# --- devices ---


def test_a_tracking_pool_offers_a_device(make_pool: MakePool, settle: Settle) -> None:
    ana = settle(make_pool(device_tracking="ALWAYS"))
    result = tokens(ana.by_srp())
    key = result["NewDeviceMetadata"]["DeviceKey"]
    assert key.startswith("eu-west-1_")
    assert claims(result["AccessToken"])["device_key"] == key


def test_an_unknown_device_spends_nothing(make_pool: MakePool, settle: Settle) -> None:
    ana = settle(make_pool(device_tracking="ALWAYS"))
    answers = ana.claim()
    refused = refusal(
        lambda: ana.respond("PASSWORD_VERIFIER", **answers, DEVICE_KEY="eu-west-1_0a")
    )
    assert refused == ("ResourceNotFoundException", "Device does not exist.")
    tokens(ana.respond("PASSWORD_VERIFIER", **answers))


def test_a_pool_without_tracking_ignores_devices(ana: Person) -> None:
    result = tokens(
        ana.initiate("USER_PASSWORD_AUTH", PASSWORD=PASSWORD, DEVICE_KEY="eu-west-1_0a")
    )
    assert "NewDeviceMetadata" not in result
    assert "device_key" not in claims(result["AccessToken"])
