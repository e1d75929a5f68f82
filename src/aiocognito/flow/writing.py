"""Write what callers give into the members of a request, or refuse it by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType

__all__ = ["MfaSetting", "attribute_names", "checked_text", "mfa_members", "named_values"]

MfaSetting = Literal["off", "on", "preferred"]

_MAX_NAME = 32  # service model: AttributeNameType
_MAX_VALUE = 2048  # AttributeValueType
_MFA_MEMBERS = {
    "totp": "SoftwareTokenMfaSettings",
    "sms": "SMSMfaSettings",
    "email": "EmailMfaSettings",
    "passkey": "WebAuthnMfaSettings",
}


def checked_text(value: object, argument: str) -> str:
    """Return a text that UTF-8 can carry, or raise."""
    if not isinstance(value, str):
        raise InvalidType(argument, "a str", value)
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidArgument(argument, "text that UTF-8 can carry")
    return value


def attribute_names(names: Any, argument: str = "names") -> list[str]:
    """Return attribute names that the service model accepts, at least one."""
    if isinstance(names, str):
        raise InvalidType(argument, "several str, such as a tuple", names)
    checked = [_checked_name(name, argument) for name in names]
    if not checked:
        raise InvalidArgument(argument, "at least one attribute's name")
    return checked


def named_values(values: Mapping[str, str | bool], argument: str) -> list[dict[str, Any]]:
    """Write a mapping as ``[{"Name": …, "Value": …}]``; booleans as the service spells them."""
    if not isinstance(values, Mapping):
        raise InvalidType(argument, "a mapping of names to texts", values)
    return [
        {"Name": _checked_name(name, argument), "Value": Secret(_checked_value(value, argument))}
        for name, value in values.items()
    ]


def mfa_members(settings: Mapping[str, MfaSetting | None]) -> dict[str, dict[str, bool]]:
    """Write preferences for factors.

    Args:
        settings: By ``totp``, ``sms``, ``email`` and ``passkey``, which cannot be
            preferred; None leaves a factor as it is.
    """
    given = {factor: setting for factor, setting in settings.items() if setting is not None}
    for factor, setting in given.items():
        if setting not in ("off", "on", "preferred"):
            raise InvalidArgument(factor, "'off', 'on' or 'preferred'")
    if given.get("passkey") == "preferred":
        raise InvalidArgument("passkey", "'off' or 'on'")
    if not given:
        raise InvalidArgument("settings", "given for one factor at least")
    if list(given.values()).count("preferred") > 1:
        raise InvalidArgument("settings", "'preferred' for one factor only")
    return {_MFA_MEMBERS[factor]: _switch(factor, setting) for factor, setting in given.items()}


def _switch(factor: str, setting: MfaSetting) -> dict[str, bool]:
    switch = {"Enabled": setting != "off"}
    # The service model knows no such member for passkeys.
    return switch if factor == "passkey" else {**switch, "PreferredMfa": setting == "preferred"}


def _checked_value(value: object, argument: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = checked_text(value, argument)
    if len(text) > _MAX_VALUE:
        raise InvalidArgument(argument, f"at most {_MAX_VALUE} characters each")
    return text


def _checked_name(name: object, argument: str) -> str:
    text = checked_text(name, argument)
    if not 1 <= len(text) <= _MAX_NAME:
        raise InvalidArgument(argument, f"named with 1 to {_MAX_NAME} characters")
    return text
