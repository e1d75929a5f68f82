"""The calls of an account's life: pure builders.

Calls without a token name the app client and, if it has a secret, carry the hash over
the ``Username`` of the same request, byte for byte. Calls of a signed-in user carry an
access token and nothing of the app client.

Repeatable is what does no harm twice. A code that was sent, used or asked for is not:
the first call may have been carried out although its answer was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument
from aiocognito.flow.app_client import AppClient, checked_password, checked_username
from aiocognito.flow.calls import Call, authorized_call
from aiocognito.flow.context import RequestContext, client_metadata_members
from aiocognito.flow.writing import (
    MfaSetting,
    attribute_names,
    checked_text,
    mfa_members,
    named_values,
)

__all__ = [
    "Attributes",
    "associate_totp_call",
    "auth_factors_call",
    "change_password_call",
    "confirm_forgot_password_call",
    "confirm_sign_up_call",
    "delete_attributes_call",
    "delete_user_call",
    "forgot_password_call",
    "get_user_call",
    "resend_call",
    "send_attribute_code_call",
    "set_mfa_call",
    "sign_up_call",
    "update_attributes_call",
    "verify_attribute_call",
    "verify_totp_call",
]

Attributes = Mapping[str, str | bool]

_MAX_CODE = 2048  # service model: ConfirmationCodeType


# --- without a token -----------------------------------------------------------


def sign_up_call(
    client: AppClient,
    username: str,
    password: str | None,
    *,
    attributes: Attributes | None = None,
    validation_data: Mapping[str, str] | None = None,
    context: RequestContext | None = None,
) -> Call:
    """Build SignUp. Never repeatable: the user may exist although no answer came."""
    parameters = _open(client, username, context)
    if password is not None:
        parameters["Password"] = checked_password(password)
    if attributes:
        parameters["UserAttributes"] = named_values(attributes, "attributes")
    if validation_data:
        parameters["ValidationData"] = named_values(validation_data, "validation_data")
    return Call(operation="SignUp", parameters=parameters)


def confirm_sign_up_call(
    client: AppClient,
    username: str,
    code: str,
    *,
    force_alias: bool = False,
    session: str | None = None,
    context: RequestContext | None = None,
) -> Call:
    """Build ConfirmSignUp."""
    parameters = _open(client, username, context)
    parameters["ConfirmationCode"] = _checked_code(code)
    if force_alias:
        parameters["ForceAliasCreation"] = True
    if session is not None:
        parameters["Session"] = Secret(session)
    return Call(operation="ConfirmSignUp", parameters=parameters)


def resend_call(client: AppClient, username: str, context: RequestContext | None = None) -> Call:
    """Build ResendConfirmationCode."""
    return Call(operation="ResendConfirmationCode", parameters=_open(client, username, context))


def forgot_password_call(
    client: AppClient, username: str, context: RequestContext | None = None
) -> Call:
    """Build ForgotPassword."""
    return Call(operation="ForgotPassword", parameters=_open(client, username, context))


def confirm_forgot_password_call(
    client: AppClient,
    username: str,
    code: str,
    new_password: str,
    context: RequestContext | None = None,
) -> Call:
    """Build ConfirmForgotPassword."""
    parameters = _open(client, username, context)
    parameters["ConfirmationCode"] = _checked_code(code)
    parameters["Password"] = checked_password(new_password)
    return Call(operation="ConfirmForgotPassword", parameters=parameters)


def _open(client: AppClient, username: str, context: RequestContext | None) -> dict[str, Any]:
    name = checked_username(username)
    parameters: dict[str, Any] = {"ClientId": client.client_id, "Username": name}
    if client.client_secret is not None:
        parameters["SecretHash"] = client.secret_hash(name)["SECRET_HASH"]
    return parameters | (context.members() if context is not None else {})


# --- with an access token --------------------------------------------------------


def get_user_call(access_token: Secret) -> Call:
    """Build GetUser."""
    return authorized_call("GetUser", access_token, repeatable=True)


def auth_factors_call(access_token: Secret) -> Call:
    """Build GetUserAuthFactors."""
    return authorized_call("GetUserAuthFactors", access_token, repeatable=True)


def change_password_call(access_token: Secret, old_password: str | None, new_password: str) -> Call:
    """Build ChangePassword; None for a user who has had no password."""
    members = {"ProposedPassword": checked_password(new_password)}
    if old_password is not None:
        members["PreviousPassword"] = checked_password(old_password)
    return authorized_call("ChangePassword", access_token, members)


def update_attributes_call(
    access_token: Secret,
    attributes: Attributes,
    client_metadata: Mapping[str, str] | None = None,
) -> Call:
    """Build UpdateUserAttributes. It may send codes, so it is not repeatable."""
    if not attributes:
        raise InvalidArgument("attributes", "at least one attribute")
    members = {"UserAttributes": named_values(attributes, "attributes")}
    return authorized_call(
        "UpdateUserAttributes", access_token, members | client_metadata_members(client_metadata)
    )


def delete_attributes_call(access_token: Secret, names: tuple[str, ...]) -> Call:
    """Build DeleteUserAttributes."""
    members = {"UserAttributeNames": attribute_names(names)}
    return authorized_call("DeleteUserAttributes", access_token, members, repeatable=True)


def send_attribute_code_call(
    access_token: Secret, name: str, client_metadata: Mapping[str, str] | None = None
) -> Call:
    """Build GetUserAttributeVerificationCode."""
    members = {"AttributeName": _attribute(name)}
    return authorized_call(
        "GetUserAttributeVerificationCode",
        access_token,
        members | client_metadata_members(client_metadata),
    )


def verify_attribute_call(access_token: Secret, name: str, code: str) -> Call:
    """Build VerifyUserAttribute."""
    members = {"AttributeName": _attribute(name), "Code": _checked_code(code)}
    return authorized_call("VerifyUserAttribute", access_token, members)


def associate_totp_call(access_token: Secret) -> Call:
    """Build AssociateSoftwareToken. A secret whose answer was lost counts for nothing."""
    return authorized_call("AssociateSoftwareToken", access_token, repeatable=True)


def verify_totp_call(access_token: Secret, code: str, device_name: str | None = None) -> Call:
    """Build VerifySoftwareToken."""
    members: dict[str, Any] = {"UserCode": _checked_code(code)}
    if device_name is not None:
        members["FriendlyDeviceName"] = checked_text(device_name, "device_name")
    return authorized_call("VerifySoftwareToken", access_token, members)


def set_mfa_call(access_token: Secret, settings: Mapping[str, MfaSetting | None]) -> Call:
    """Build SetUserMFAPreference.

    Args:
        access_token: The user's.
        settings: By ``totp``, ``sms``, ``email`` and ``passkey``; None leaves a factor as
            it is.
    """
    return authorized_call(
        "SetUserMFAPreference", access_token, mfa_members(settings), repeatable=True
    )


def delete_user_call(access_token: Secret) -> Call:
    """Build DeleteUser. Not repeatable: the second call finds nobody."""
    return authorized_call("DeleteUser", access_token)


# --- members -----------------------------------------------------------------------


def _attribute(name: str) -> str:
    return attribute_names([name], "name")[0]


def _checked_code(code: object) -> Secret:
    """Drop blanks, which people type and mail programs add; its length is the service's."""
    digits = "".join(checked_text(code, "code").split())
    if not 1 <= len(digits) <= _MAX_CODE:
        raise InvalidArgument("code", "the code that was delivered or shown")
    return Secret(digits)
