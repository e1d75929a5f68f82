"""Changing, verifying and deleting attributes, factors, and the account, at the local pool."""

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
)
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import EVERY_FLOW, PASSWORD, Person, refusal, tokens

OTHER = "ana@example.org"
MakeApp = Callable[..., AppAt]


@pytest.fixture
def make_app(make_pool: Callable[..., CheckedPool]) -> MakeApp:
    def make(client: dict[str, Any] | None = None, **settings: Any) -> AppAt:
        pool = make_pool(**settings)
        pool.add_user("ana", PASSWORD, attributes={"email": EMAIL})
        return AppAt(pool, pool.add_client(**{"explicit_auth_flows": EVERY_FLOW, **(client or {})}))

    return make


@pytest.fixture
def app(make_app: MakeApp) -> AppAt:
    return make_app()


def verify(app: AppAt, code: str | None = None, name: str = "email") -> dict[str, Any]:
    code = code if code is not None else app.code()
    return app.with_token("VerifyUserAttribute", app.token(), AttributeName=name, Code=code)


def send(app: AppAt, name: str = "email") -> dict[str, Any]:
    answer = app.with_token("GetUserAttributeVerificationCode", app.token(), AttributeName=name)
    return dict(answer["CodeDeliveryDetails"])


# --- changing ---------------------------------------------------------------------


def test_a_new_address_counts_at_once_and_wants_verification(app: AppAt) -> None:
    # F014
    (details,) = app.update(app.token(), email=OTHER, name="Ana")
    assert details["DeliveryMedium"] == "EMAIL"
    assert app.pool.outbox[-1].destination == OTHER
    assert app.attributes() == {
        "sub": app.pool.user("ana").sub,
        "email": OTHER,
        "email_verified": "false",
        "name": "Ana",
    }
    assert verify(app) == {}
    assert app.attributes()["email_verified"] == "true"


def test_the_old_address_counts_until_the_new_one_is_verified(make_app: MakeApp) -> None:
    # F014, F023
    app = make_app(verified_before_update=["email"], alias_attributes=["email"])
    assert app.update(app.token(), email=OTHER)
    assert app.pool.outbox[-1].destination == OTHER
    assert (app.attributes()["email"], app.attributes()["email_verified"]) == (EMAIL, "true")
    assert app.pool.user(EMAIL).username == "ana"
    assert send(app)["Destination"] == "a***@e***"
    verify(app)
    assert (app.attributes()["email"], app.attributes()["email_verified"]) == (OTHER, "true")
    assert app.pool.user(OTHER).username == "ana"


def test_a_wish_can_be_taken_back(make_app: MakeApp) -> None:
    app = make_app(verified_before_update=["email"])
    app.update(app.token(), email=OTHER)
    code = app.code()
    app.update(app.token(), email="third@example.com")
    assert code == app.code() or refusal(verify, app, code) == WRONG
    app.with_token("DeleteUserAttributes", app.token(), UserAttributeNames=["email"])
    assert refusal(verify, app) == EXPIRED
    assert set(app.attributes()) == {"sub"}


def test_the_same_address_again_changes_nothing(app: AppAt) -> None:
    assert app.update(app.token(), email=EMAIL) == []
    assert app.attributes()["email_verified"] == "true"


def test_what_is_not_verified_by_the_pool_brings_no_code(app: AppAt) -> None:
    assert app.update(app.token(), phone_number=PHONE) == []
    assert app.attributes()["phone_number_verified"] == "false"
    assert send(app, "phone_number")["DeliveryMedium"] == "SMS"
    verify(app, name="phone_number")
    assert app.attributes()["phone_number_verified"] == "true"


@pytest.mark.parametrize("way", ["update", "delete"])
def test_deleting_takes_the_flag_along(app: AppAt, way: str) -> None:
    if way == "update":
        assert app.update(app.token(), email="", name="") == []
    else:
        app.with_token("DeleteUserAttributes", app.token(), UserAttributeNames=["email", "name"])
    assert set(app.attributes()) == {"sub"}


@pytest.mark.parametrize(
    ("attributes", "refused"),
    [
        ({"email_verified": "true"}, UNWRITABLE),
        ({"sub": "me"}, UNWRITABLE),
        ({"nickname": "a"}, UNWRITABLE),
        ({"email": "nothing"}, ("InvalidParameterException", "Invalid email address format.")),
        (
            {"custom:nowhere": "1"},
            (
                "InvalidParameterException",
                (
                    "Attributes did not conform to the schema: "
                    "custom:nowhere: Attribute does not exist in the schema.\n"
                ),
            ),
        ),
        (
            {"custom:tenant": "2"},
            ("InvalidParameterException", "user.custom:tenant: Attribute cannot be updated.\n"),
        ),
        (
            {"custom:tenant": ""},
            ("InvalidParameterException", "user.custom:tenant: Attribute cannot be updated.\n"),
        ),
        (
            {"email": ""},
            (
                "InvalidParameterException",
                ("Attributes did not conform to the schema: email: The attribute is required\n"),
            ),
        ),
    ],
)
def test_what_users_may_not_change(
    make_app: MakeApp, attributes: dict[str, str], refused: tuple[str, str]
) -> None:
    # F106: an immutable attribute is written once
    app = make_app(
        {"write_attributes": ["email", "custom:tenant", "custom:nowhere"]},
        required_attributes=["email", "name"],
        custom_attributes=["tenant"],
        immutable_attributes=["custom:tenant"],
    )
    token = app.token()
    app.update(token, **{"custom:tenant": "1"})
    app.update(token, **{"custom:tenant": "1"})
    before = app.attributes()
    assert refusal(app.update, token, **attributes) == refused
    if not any(attributes.values()):
        delete = {"UserAttributeNames": list(attributes)}
        assert refusal(app.with_token, "DeleteUserAttributes", token, **delete) == refused
    assert app.attributes() == before


def test_a_client_may_be_shown_little(make_app: MakeApp) -> None:
    app = make_app({"read_attributes": ["email"]})
    assert set(app.attributes()) == {"sub", "email"}
    described = app.pool.describe_user_pool_client(app.client.client_id)["UserPoolClient"]
    assert described["ReadAttributes"] == ["email"]


def test_an_alias_that_is_taken_shows_at_the_verification(make_app: MakeApp) -> None:
    app = make_app(alias_attributes=["email"])
    app.pool.add_user("ben", PASSWORD, attributes={"email": OTHER})
    app.update(app.token(), email=OTHER)
    assert refusal(verify, app) == (
        "AliasExistsException",
        "An account with the given email already exists.",
    )
    app.pool.remove_user("ben")
    verify(app)


def test_an_address_that_is_a_name_is_taken_at_once(make_app: MakeApp) -> None:
    app = make_app(alias_attributes=["preferred_username"])
    app.pool.add_user("ben", PASSWORD, attributes={"preferred_username": "bob"})
    refused = refusal(app.update, app.token(), preferred_username="bob")
    assert refused[0] == "AliasExistsException"


# --- verifying --------------------------------------------------------------------


def test_codes_for_attributes(app: AppAt, clock: ManualClock) -> None:
    # F014
    assert refusal(verify, app, "123456") == EXPIRED
    send(app)
    assert refusal(verify, app, app.wrong_code()) == WRONG
    clock.advance(86_400)
    assert refusal(verify, app) == EXPIRED
    send(app)
    verify(app)
    assert refusal(verify, app) == EXPIRED


@pytest.mark.parametrize(("call", "times"), [(send, 5), (verify, 15)])
def test_attempts_are_limited_by_the_hour(
    app: AppAt, clock: ManualClock, call: Callable[[AppAt], Any], times: int
) -> None:
    app.update(app.token(), email=OTHER)
    verify(app)
    for _ in range(times - (call is verify)):
        if call is send:
            send(app)
        else:
            assert refusal(verify, app) == EXPIRED
    assert refusal(call, app) == LIMIT
    clock.advance(3600)
    send(app)


@pytest.mark.parametrize("name", ["name", "phone_number", "nowhere"])
def test_what_cannot_be_verified(app: AppAt, name: str) -> None:
    assert refusal(send, app, name)[0] == "InvalidParameterException"
    assert refusal(verify, app, "123456", name)[0] in {
        "InvalidParameterException",
        "ExpiredCodeException",
    }


# --- factors and the end ------------------------------------------------------------


def test_auth_factors_are_what_is_set_up(app: AppAt) -> None:
    # F090
    def factors() -> dict[str, Any]:
        return app.with_token("GetUserAuthFactors", app.token())

    assert factors() == {"Username": "ana", "ConfiguredUserAuthFactors": ["PASSWORD", "EMAIL_OTP"]}
    app.pool.add_user(
        "ben",
        attributes={"phone_number": PHONE},
        totp=True,
        mfa=["SMS_MFA"],
        preferred_mfa="SMS_MFA",
    )
    assert app.with_token("GetUserAuthFactors", app.token("ben")) == {
        "Username": "ben",
        "ConfiguredUserAuthFactors": ["SMS_OTP", "SOFTWARE_TOKEN"],
        "UserMFASettingList": ["SMS_MFA", "SOFTWARE_TOKEN_MFA"],
        "PreferredMfaSetting": "SMS_MFA",
    }


def test_after_the_deletion_there_is_nobody(app: AppAt, clock: ManualClock) -> None:
    ana = Person(app.pool, app.client, clock, "ana", PASSWORD)
    result = tokens(ana.by_srp())
    send(app)
    assert app.with_token("DeleteUser", result["AccessToken"]) == {}
    refused = refusal(app.with_token, "DeleteUser", result["AccessToken"])
    assert refused == ("UserNotFoundException", "User does not exist.")
    assert refusal(ana.refresh, result["RefreshToken"])[0] == "NotAuthorizedException"
    assert refusal(ana.by_srp)[1] == "Incorrect username or password."
    app.sign_up()
    assert refusal(verify, app, app.code()) == EXPIRED


def test_the_pool_describes_what_it_does(make_app: MakeApp) -> None:
    # F026
    app = make_app(
        {"write_attributes": ["email"]},
        recovery=["verified_email"],
        verified_before_update=["email"],
        self_sign_up=False,
    )
    described = app.pool.describe_user_pool()["UserPool"]
    assert described["AccountRecoverySetting"] == {
        "RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]
    }
    assert described["AutoVerifiedAttributes"] == ["email"]
    assert described["UserAttributeUpdateSettings"] == {
        "AttributesRequireVerificationBeforeUpdate": ["email"]
    }
    assert described["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    client = app.pool.describe_user_pool_client(app.client.client_id)["UserPoolClient"]
    assert client["WriteAttributes"] == ["email"]


@pytest.mark.parametrize(
    "settings",
    [
        {"auto_verified_attributes": ["name"]},
        {"verified_before_update": ["phone_number"]},
        {"immutable_attributes": ["custom:nowhere"]},
        {"recovery": ["by_letter"]},
    ],
    ids=str,
)
def test_settings_that_no_pool_can_have(make_app: MakeApp, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be from"):
        make_app(**settings)
