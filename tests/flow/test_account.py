"""The account calls as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow import account
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call
from aiocognito.flow.context import RequestContext
from aiocognito.flow.secret_hash import secret_hash
from aiocognito.transport.base import revealed

POOL, CLIENT_ID, SECRET = "eu-west-1_Ab12Cd34E", "web", "a" * 30
PUBLIC = AppClient.of(POOL, CLIENT_ID)
CONFIDENTIAL = AppClient.of(POOL, CLIENT_ID, SECRET)
TOKEN = Secret("header.body.signature")
CONTEXT = RequestContext(client_metadata={"locale": "de"}, ip_address="203.0.113.7")


def parameters(call: Call) -> dict[str, Any]:
    return revealed(call.parameters)


OPEN: dict[str, Callable[[AppClient, str, RequestContext | None], Call]] = {
    "SignUp": lambda client, name, context: account.sign_up_call(
        client, name, "Passw0rd!", context=context
    ),
    "ConfirmSignUp": lambda client, name, context: account.confirm_sign_up_call(
        client, name, "123456", context=context
    ),
    "ResendConfirmationCode": account.resend_call,
    "ForgotPassword": account.forgot_password_call,
    "ConfirmForgotPassword": lambda client, name, context: account.confirm_forgot_password_call(
        client, name, "123456", "Passw0rd!", context
    ),
}
each_open = pytest.mark.parametrize("operation", OPEN)


# --- without a token ----------------------------------------------------------------


@each_open
@pytest.mark.parametrize("name", ["ana", "Ana", "ana@example.com", "zoë", "+4915112345678"])
def test_the_hash_is_over_the_name_that_is_sent(operation: str, name: str) -> None:
    # F035: byte for byte, in the case and form the caller typed
    call = OPEN[operation](CONFIDENTIAL, name, None)
    sent = parameters(call)
    assert call.operation == operation
    assert sent["Username"] == name
    assert sent["SecretHash"] == secret_hash(name, CLIENT_ID, SECRET)
    assert "SecretHash" not in parameters(OPEN[operation](PUBLIC, name, None))


@each_open
def test_nothing_is_repeated_that_sends_or_uses_a_code(operation: str) -> None:
    assert not OPEN[operation](PUBLIC, "ana", None).repeatable


@each_open
def test_context_goes_along(operation: str) -> None:
    sent = parameters(OPEN[operation](PUBLIC, "ana", CONTEXT))
    assert sent["ClientMetadata"] == {"locale": "de"}
    assert sent["UserContextData"] == {"IpAddress": "203.0.113.7"}


@each_open
def test_names_that_cannot_be_are_refused(operation: str) -> None:
    with pytest.raises(InvalidArgument):
        OPEN[operation](PUBLIC, "with blank", None)


def test_a_whole_sign_up() -> None:
    call = account.sign_up_call(
        PUBLIC,
        "ana",
        "Passw0rd!",
        attributes={"email": "ana@example.com", "custom:vip": True, "custom:old": False},
        validation_data={"invitation": "42"},
    )
    assert parameters(call) == {
        "ClientId": CLIENT_ID,
        "Username": "ana",
        "Password": "Passw0rd!",
        "UserAttributes": [
            {"Name": "email", "Value": "ana@example.com"},
            {"Name": "custom:vip", "Value": "true"},
            {"Name": "custom:old", "Value": "false"},
        ],
        "ValidationData": [{"Name": "invitation", "Value": "42"}],
    }
    assert "Passw0rd" not in repr(call)
    assert "example.com" not in repr(call.parameters)


def test_a_sign_up_without_a_password() -> None:
    assert "Password" not in parameters(account.sign_up_call(PUBLIC, "ana", None))


def test_a_whole_confirmation() -> None:
    call = account.confirm_sign_up_call(
        PUBLIC, "ana", " 123 456 ", force_alias=True, session="s" * 20
    )
    sent = parameters(call)
    assert sent["ConfirmationCode"] == "123456"
    assert sent["ForceAliasCreation"] is True
    assert sent["Session"] == "s" * 20
    plain = parameters(account.confirm_sign_up_call(PUBLIC, "ana", "1"))
    assert set(plain) == {"ClientId", "Username", "ConfirmationCode"}


# --- with an access token -------------------------------------------------------------

AUTHORIZED: dict[str, tuple[Call, dict[str, Any], bool]] = {
    "GetUser": (account.get_user_call(TOKEN), {}, True),
    "GetUserAuthFactors": (account.auth_factors_call(TOKEN), {}, True),
    "ChangePassword": (
        account.change_password_call(TOKEN, "old", "new"),
        {"PreviousPassword": "old", "ProposedPassword": "new"},
        False,
    ),
    "ChangePassword (first)": (
        account.change_password_call(TOKEN, None, "new"),
        {"ProposedPassword": "new"},
        False,
    ),
    "UpdateUserAttributes": (
        account.update_attributes_call(TOKEN, {"name": "Ana"}, {"a": "b"}),
        {"UserAttributes": [{"Name": "name", "Value": "Ana"}], "ClientMetadata": {"a": "b"}},
        False,
    ),
    "DeleteUserAttributes": (
        account.delete_attributes_call(TOKEN, ("name", "custom:x")),
        {"UserAttributeNames": ["name", "custom:x"]},
        True,
    ),
    "GetUserAttributeVerificationCode": (
        account.send_attribute_code_call(TOKEN, "email", {"a": "b"}),
        {"AttributeName": "email", "ClientMetadata": {"a": "b"}},
        False,
    ),
    "VerifyUserAttribute": (
        account.verify_attribute_call(TOKEN, "email", "12 34"),
        {"AttributeName": "email", "Code": "1234"},
        False,
    ),
    "AssociateSoftwareToken": (account.associate_totp_call(TOKEN), {}, True),
    "VerifySoftwareToken": (
        account.verify_totp_call(TOKEN, "123 456", "phone"),
        {"UserCode": "123456", "FriendlyDeviceName": "phone"},
        False,
    ),
    "VerifySoftwareToken (unnamed)": (
        account.verify_totp_call(TOKEN, "123456"),
        {"UserCode": "123456"},
        False,
    ),
    "SetUserMFAPreference": (
        account.set_mfa_call(TOKEN, {"totp": "preferred", "sms": "on", "email": "off"}),
        {
            "SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True},
            "SMSMfaSettings": {"Enabled": True, "PreferredMfa": False},
            "EmailMfaSettings": {"Enabled": False, "PreferredMfa": False},
        },
        True,
    ),
    "DeleteUser": (account.delete_user_call(TOKEN), {}, False),
}


@pytest.mark.parametrize("name", AUTHORIZED)
def test_calls_of_a_signed_in_user(name: str) -> None:
    # F090: among them those that set factors up
    call, members, repeatable = AUTHORIZED[name]
    assert call.operation == name.partition(" ")[0]
    assert parameters(call) == {"AccessToken": TOKEN.reveal(), **members}
    assert call.repeatable is repeatable
    assert TOKEN.reveal() not in repr(call.parameters)


def test_a_factor_left_out_stays_as_it_is() -> None:
    call = account.set_mfa_call(TOKEN, {"totp": None, "sms": "on", "email": None})
    assert set(call.parameters) == {"AccessToken", "SMSMfaSettings"}


# --- the caller's mistakes --------------------------------------------------------------


MISTAKES: dict[str, tuple[Callable[[], Call], type[Exception]]] = {
    "no password": (lambda: account.sign_up_call(PUBLIC, "ana", ""), InvalidArgument),
    "a number as value": (
        lambda: account.sign_up_call(PUBLIC, "ana", "x", attributes={"a": 1}),  # type: ignore[dict-item]
        InvalidType,
    ),
    "no mapping": (
        lambda: account.sign_up_call(PUBLIC, "ana", "x", attributes="ab"),  # type: ignore[arg-type]
        InvalidType,
    ),
    "a number as code": (
        lambda: account.confirm_sign_up_call(PUBLIC, "ana", 123456),  # type: ignore[arg-type]
        InvalidType,
    ),
    "blanks": (lambda: account.confirm_sign_up_call(PUBLIC, "ana", "  "), InvalidArgument),
    "a long code": (
        lambda: account.confirm_sign_up_call(PUBLIC, "ana", "1" * 2049),
        InvalidArgument,
    ),
    "nothing to change": (lambda: account.update_attributes_call(TOKEN, {}), InvalidArgument),
    "a long name": (
        lambda: account.update_attributes_call(TOKEN, {"x" * 33: "a"}),
        InvalidArgument,
    ),
    "a long value": (
        lambda: account.update_attributes_call(TOKEN, {"x": "a" * 2049}),
        InvalidArgument,
    ),
    "half a pair": (
        lambda: account.update_attributes_call(TOKEN, {"x": "\ud800"}),
        InvalidArgument,
    ),
    "nothing to delete": (lambda: account.delete_attributes_call(TOKEN, ()), InvalidArgument),
    "no name": (lambda: account.send_attribute_code_call(TOKEN, ""), InvalidArgument),
    "a number as device": (
        lambda: account.verify_totp_call(TOKEN, "123456", 1),  # type: ignore[arg-type]
        InvalidType,
    ),
    "an unknown setting": (
        lambda: account.set_mfa_call(TOKEN, {"totp": "yes"}),  # type: ignore[dict-item]
        InvalidArgument,
    ),
    "no setting": (lambda: account.set_mfa_call(TOKEN, {"totp": None}), InvalidArgument),
    "two preferred": (
        lambda: account.set_mfa_call(TOKEN, {"totp": "preferred", "sms": "preferred"}),
        InvalidArgument,
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_found_before_anything_is_sent(mistake: str) -> None:
    build, error = MISTAKES[mistake]
    with pytest.raises(error):
        build()
