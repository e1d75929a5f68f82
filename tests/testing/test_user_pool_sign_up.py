"""Signing up, confirming, and asking for another code, at the local pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiocognito.testing.clock import ManualClock
from tests.testing.account_calls import (
    EMAIL,
    EXPIRED,
    LIMIT,
    PHONE,
    UNWRITABLE,
    WRONG,
    AppAt,
    listed,
)
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import EVERY_FLOW, PASSWORD, Person, refusal

DAY = 86_400
MakeApp = Callable[..., AppAt]


@pytest.fixture
def make_app(make_pool: Callable[..., CheckedPool]) -> MakeApp:
    def make(client: dict[str, Any] | None = None, **settings: Any) -> AppAt:
        pool = make_pool(**settings)
        flows = [flow for flow in EVERY_FLOW if flow != "ALLOW_USER_AUTH"]
        return AppAt(pool, pool.add_client(**{"explicit_auth_flows": flows, **(client or {})}))

    return make


@pytest.fixture
def app(make_app: MakeApp) -> AppAt:
    return make_app()


# --- signing up -------------------------------------------------------------------


@pytest.mark.parametrize("secret", [False, True])
def test_a_sign_up_from_first_call_to_first_tokens(
    make_app: MakeApp, clock: ManualClock, secret: bool
) -> None:
    # F035, F036, F093: with the answer that was captured on the service
    app = make_app({"secret": secret})
    answer = app.sign_up(email=EMAIL, name="Ana")
    assert answer == {
        "UserConfirmed": False,
        "UserSub": app.pool.user("ana").sub,
        "CodeDeliveryDetails": {
            "Destination": "a***@e***",
            "DeliveryMedium": "EMAIL",
            "AttributeName": "email",
        },
    }
    ana = Person(app.pool, app.client, clock, "ana", PASSWORD)
    assert refusal(ana.by_srp) == ("UserNotConfirmedException", "User is not confirmed.")
    assert app.pool.outbox[-1].purpose == "SignUp"
    assert app.confirm() == {}
    assert ana.by_srp()["AuthenticationResult"]
    assert app.attributes()["email_verified"] == "true"


def test_the_phone_gets_the_code_where_both_could(make_app: MakeApp) -> None:
    # F014
    app = make_app(auto_verified_attributes=["email", "phone_number"])
    details = app.sign_up(email=EMAIL, phone_number=PHONE)["CodeDeliveryDetails"]
    assert details["Destination"] == "+*******5678"
    assert details["DeliveryMedium"] == "SMS"
    app.confirm()
    assert app.attributes()["phone_number_verified"] == "true"
    assert app.attributes()["email_verified"] == "false"


@pytest.mark.parametrize(
    ("settings", "attributes"),
    [({"auto_verified_attributes": ()}, {"email": EMAIL}), ({}, {"name": "Ana"})],
)
def test_without_an_address_to_verify_no_code_is_sent(
    make_app: MakeApp, settings: dict[str, Any], attributes: dict[str, str]
) -> None:
    app = make_app(**settings)
    assert set(app.sign_up(**attributes)) == {"UserConfirmed", "UserSub"}
    assert app.pool.outbox == []
    assert refusal(app.confirm, code="123456") == EXPIRED
    assert refusal(app.call, "ResendConfirmationCode") == (
        "InvalidParameterException",
        "Auto verification not turned on.",
    )


def test_an_address_as_user_name(make_app: MakeApp) -> None:
    app = make_app(username_attributes=["email"])
    answer = app.sign_up(EMAIL, name="Ana")
    user = app.pool.user(EMAIL)
    assert user.username == user.sub == answer["UserSub"]
    assert user.attributes["email"] == EMAIL
    assert refusal(app.sign_up, EMAIL.upper()) == (
        "UsernameExistsException",
        "An account with the given email already exists.",
    )
    app.confirm(EMAIL)
    assert user.status == "CONFIRMED"


@pytest.mark.parametrize(
    ("settings", "name", "message"),
    [
        ({"username_attributes": ["email"]}, "ana", "Username should be an email."),
        ({"username_attributes": ["phone_number"]}, EMAIL, "Username should be a phone number."),
        (
            {"username_attributes": ["email", "phone_number"]},
            "ana",
            "Username should be either an email or a phone number.",
        ),
        (
            {"alias_attributes": ["email"]},
            EMAIL,
            "Username cannot be of email format, since user pool is configured for email alias.",
        ),
        (
            {"alias_attributes": ["phone_number"]},
            PHONE,
            (
                "Username cannot be of phone number format, "
                "since user pool is configured for phone number alias."
            ),
        ),
    ],
)
def test_names_that_do_not_fit_the_pool(
    make_app: MakeApp, settings: dict[str, Any], name: str, message: str
) -> None:
    refused = refusal(make_app(**settings).sign_up, name, nickname="a")
    assert refused == ("InvalidParameterException", message)


def test_a_phone_number_as_user_name(make_app: MakeApp) -> None:
    app = make_app(
        username_attributes=["email", "phone_number"], auto_verified_attributes=["phone_number"]
    )
    app.sign_up(PHONE, name="Ana")
    assert app.pool.user(PHONE).attributes["phone_number"] == PHONE


def test_a_name_that_is_taken(app: AppAt) -> None:
    app.sign_up()
    assert refusal(app.sign_up, "ANA") == ("UsernameExistsException", "User already exists")


@pytest.mark.parametrize(
    ("attributes", "refused"),
    [
        (
            {"custom:x": "1", "y": "2"},
            (
                "InvalidParameterException",
                (
                    "Attributes did not conform to the schema: "
                    "custom:x: Attribute does not exist in the schema.\n"
                    "y: Attribute does not exist in the schema.\n"
                ),
            ),
        ),
        ({"email": "nothing"}, ("InvalidParameterException", "Invalid email address format.")),
        ({"email_verified": "true"}, UNWRITABLE),
        ({"sub": "me"}, UNWRITABLE),
        ({"website": "https://example.com"}, UNWRITABLE),
        (
            {"nickname": "a"},
            (
                "InvalidParameterException",
                (
                    "Attributes did not conform to the schema: "
                    "email: The attribute is required\nname: The attribute is required\n"
                ),
            ),
        ),
    ],
)
def test_attributes_that_do_not_fit_the_schema(
    make_app: MakeApp, attributes: dict[str, str], refused: tuple[str, str]
) -> None:
    # F106: what is not in the schema from the start cannot be written
    writable = ["email", "name", "nickname", "custom:x", "y"]
    app = make_app({"write_attributes": writable}, required_attributes=["email", "name"])
    assert refusal(app.sign_up, **attributes) == refused
    assert len(app.pool._state.users) == 0


def test_an_alias_is_chosen_after_the_confirmation(make_app: MakeApp) -> None:
    app = make_app(alias_attributes=["preferred_username"])
    assert refusal(app.sign_up, preferred_username="a")[0] == "InvalidParameterException"
    token = app.settle()
    app.update(token, preferred_username="annie")
    assert app.pool.user("annie").username == "ana"


@pytest.mark.parametrize(
    ("password", "lack"),
    [
        ("Aa1!", "Password not long enough"),
        ("passw0rd!", "Password must have uppercase characters"),
        ("PASSW0RD!", "Password must have lowercase characters"),
        ("Password!", "Password must have numeric characters"),
        ("Passw0rds", "Password must have symbol characters"),
    ],
)
def test_a_weak_password(app: AppAt, password: str, lack: str) -> None:
    # F091
    refused = refusal(app.call, "SignUp", Password=password)
    assert refused == (
        "InvalidPasswordException",
        f"Password did not conform with policy: {lack}",
    )


def test_a_password_may_be_missing_where_other_first_factors_are(make_app: MakeApp) -> None:
    missing = ("InvalidParameterException", "Missing required parameter Password")
    assert refusal(make_app().call, "SignUp") == missing
    app = make_app({"explicit_auth_flows": EVERY_FLOW})
    app.call("SignUp", UserAttributes=listed({"email": EMAIL}))
    assert app.pool.user("ana").password is None


def test_only_administrators_make_users_where_the_pool_says_so(make_app: MakeApp) -> None:
    refused = refusal(make_app(self_sign_up=False).sign_up)
    assert refused == ("NotAuthorizedException", "SignUp is not permitted for this user pool")


@pytest.mark.parametrize(
    "operation",
    [
        "SignUp",
        "ConfirmSignUp",
        "ResendConfirmationCode",
        "ForgotPassword",
        "ConfirmForgotPassword",
    ],
)
def test_the_secret_hash_is_over_the_name_in_the_request(make_app: MakeApp, operation: str) -> None:
    app = make_app({"secret": True})
    app.sign_up()
    members: dict[str, Any] = {"ConfirmationCode": "123456", "Password": PASSWORD}
    wrong = refusal(app.call, operation, SecretHash="AAAA", **members)
    assert wrong[1] == f"Unable to verify secret hash for client {app.client.client_id}"
    missing = refusal(app.call, operation, SecretHash=None, **members)
    assert missing[1].endswith("is configured for secret but secret was not received")
    other = refusal(app.call, operation, "nobody", ClientId="x", **members)
    assert other[0] == "ResourceNotFoundException"


# --- the pre-sign-up trigger ------------------------------------------------------


def only_example_com(event: dict[str, Any]) -> dict[str, Any]:
    if not event["request"]["userAttributes"]["email"].endswith("@example.com"):
        raise ValueError("Email domain not allowed")
    event["response"]["autoConfirmUser"] = event["request"]["validationData"] == {"vip": "1"}
    event["response"]["autoVerifyEmail"] = event["request"]["clientMetadata"] == {"mail": "known"}
    return event


def test_a_trigger_may_refuse(make_app: MakeApp) -> None:
    # F056, F074
    app = make_app(triggers={"PreSignUp": only_example_com})
    assert refusal(app.sign_up, email="eve@elsewhere.org") == (
        "UserLambdaValidationException",
        "PreSignUp failed with error Email domain not allowed.",
    )
    assert app.sign_up()["UserConfirmed"] is False


def test_a_trigger_may_confirm_and_verify(make_app: MakeApp) -> None:
    app = make_app(triggers={"PreSignUp": only_example_com}, alias_attributes=["email"])
    members: dict[str, Any] = {
        "Password": PASSWORD,
        "UserAttributes": listed({"email": EMAIL}),
        "ValidationData": listed({"vip": "1"}),
        "ClientMetadata": {"mail": "known"},
    }
    assert app.call("SignUp", **members)["UserConfirmed"] is True
    assert app.pool.outbox == []
    assert app.attributes()["email_verified"] == "true"
    assert refusal(app.call, "SignUp", "other", **members) == (
        "UsernameExistsException",
        "An account with the given email already exists.",
    )


def test_a_trigger_hears_of_the_confirmation(app: AppAt) -> None:
    heard: list[dict[str, Any]] = []

    def remember(event: dict[str, Any]) -> dict[str, Any]:
        heard.append(event)
        return event

    app.pool.triggers["PostConfirmation"] = remember
    app.sign_up()
    app.confirm(ClientMetadata={"from": "mail"})
    (event,) = heard
    assert event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert event["request"]["userAttributes"]["email_verified"] == "true"
    assert event["request"]["clientMetadata"] == {"from": "mail"}


def test_a_failing_post_confirmation_comes_too_late(app: AppAt) -> None:
    app.pool.triggers["PostConfirmation"] = lambda event: 1 / 0
    app.sign_up()
    assert refusal(app.confirm)[0] == "UserLambdaValidationException"
    assert app.pool.user("ana").status == "CONFIRMED"


# --- confirming -------------------------------------------------------------------


def test_a_wrong_code_leaves_the_right_one_good(app: AppAt) -> None:
    app.sign_up()
    assert refusal(app.confirm, code=app.wrong_code()) == WRONG
    app.confirm()


def test_a_code_lives_a_day(app: AppAt, clock: ManualClock) -> None:
    # F036
    app.sign_up()
    clock.advance(DAY)
    assert refusal(app.confirm) == EXPIRED
    app.call("ResendConfirmationCode")
    clock.advance(DAY - 1)
    app.confirm()


def test_a_newer_code_replaces_the_older(app: AppAt) -> None:
    app.sign_up()
    first = app.code()
    details = app.call("ResendConfirmationCode")["CodeDeliveryDetails"]
    assert details["AttributeName"] == "email"
    assert first == app.code() or refusal(app.confirm, code=first) == WRONG
    app.confirm()


def test_confirming_twice(app: AppAt) -> None:
    app.settle()
    assert refusal(app.confirm) == (
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    )
    assert refusal(app.call, "ResendConfirmationCode") == (
        "InvalidParameterException",
        "User is already confirmed.",
    )


def test_attempts_are_limited_by_the_hour(app: AppAt, clock: ManualClock) -> None:
    # F036, F120
    app.sign_up()
    for _ in range(15):
        assert refusal(app.confirm, code=app.wrong_code()) == WRONG
    assert refusal(app.confirm) == LIMIT
    clock.advance(3600)
    app.confirm()


def test_codes_are_limited_by_the_hour(app: AppAt, clock: ManualClock) -> None:
    app.sign_up()
    for name in ("ana", "nobody"):
        for _ in range(5):
            app.call("ResendConfirmationCode", name)
        assert refusal(app.call, "ResendConfirmationCode", name) == LIMIT
    clock.advance(3600)
    app.call("ResendConfirmationCode")


def test_a_disabled_user_is_not_confirmed(app: AppAt) -> None:
    app.sign_up()
    app.pool.enable_user("ana", False)
    assert refusal(app.confirm) == ("NotAuthorizedException", "User is disabled.")


def test_nobody_looks_like_somebody(make_app: MakeApp) -> None:
    app = make_app()
    details = app.call("ResendConfirmationCode", "nobody")["CodeDeliveryDetails"]
    assert details["DeliveryMedium"] == "EMAIL"
    assert details["Destination"][1:4] == "***"
    assert app.call("ResendConfirmationCode", "Nobody")["CodeDeliveryDetails"] == details
    assert refusal(app.confirm, "nobody", code="123456") == WRONG
    assert app.pool.outbox == []


@pytest.mark.parametrize(
    "operation",
    ["ConfirmSignUp", "ResendConfirmationCode", "ForgotPassword", "ConfirmForgotPassword"],
)
def test_a_legacy_client_learns_that_there_is_nobody(make_app: MakeApp, operation: str) -> None:
    app = make_app({"prevent_user_existence_errors": False})
    members = {"ConfirmationCode": "123456", "Password": PASSWORD}
    assert refusal(app.call, operation, "nobody", **members) == (
        "UserNotFoundException",
        "Username/client id combination not found.",
    )


# --- aliases ----------------------------------------------------------------------


def test_an_alias_that_is_taken_shows_at_the_confirmation(make_app: MakeApp) -> None:
    # F036: and can be taken over
    app = make_app(alias_attributes=["email"])
    app.settle("first", email=EMAIL)
    app.sign_up("second", email=EMAIL)
    refused = refusal(app.confirm, "second")
    assert refused == ("AliasExistsException", "An account with the given email already exists.")
    assert app.pool.user(EMAIL).username == "first"
    app.confirm("second", ForceAliasCreation=True)
    assert app.pool.user(EMAIL).username == "second"
    assert app.attributes("first")["email_verified"] == "false"


# --- sessions for those who sign in straight afterwards ------------------------------


def test_a_session_leads_from_sign_up_to_sign_in(make_app: MakeApp) -> None:
    app = make_app({"explicit_auth_flows": EVERY_FLOW})
    first = app.sign_up()["Session"]
    app.sign_up("ben", email="ben@example.com")
    bens = app.code()
    refused = refusal(app.confirm, "ben", code=bens, Session=first)
    assert refused == ("NotAuthorizedException", "Invalid session for the user.")
    app.call("ResendConfirmationCode")
    assert app.confirm(Session=first)["Session"] != first
    assert app.confirm("ben", code=bens)["Session"]
    app.sign_up("eva", email="eva@example.com")
    refused = refusal(app.confirm, "eva", Session=first)
    assert refused[1] == "Invalid session for the user, session can only be used once."
