"""The calls about a signed-in user's devices, and how a new one gets its password.

ConfirmDevice registers a verifier, never the password (SRP). A device has the name that
was given then; no operation of the service changes it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.calls import Call
from aiocognito.flow.members import flag
from aiocognito.flow.writing import checked_text
from aiocognito.srp.verifier import Verifier
from aiocognito.tokens.devices import RememberedDevice, is_device_key
from aiocognito.tokens.model import NewDevice

__all__ = [
    "DrawnDevice",
    "checked_device_name",
    "checked_key",
    "confirm_device_call",
    "draw_device",
    "forget_device_call",
    "get_device_call",
    "list_devices_call",
    "read_needs_confirmation",
    "update_device_call",
]

_PASSWORD_BYTES = 40  # as the official clients draw
_SALT_BYTES = 16
_MAX_NAME = 1024  # service model: DeviceNameType


@frozen(kw_only=True)
class DrawnDevice:
    """A device with its new password, and what the service gets to know of that."""

    device: RememberedDevice
    verifier: Verifier


def draw_device(
    offered: NewDevice, *, user_pool_id: str, entropy: Callable[[int], bytes]
) -> DrawnDevice:
    """Draw a password for the offered device and compute its verifier, which takes a while.

    Args:
        offered: ``NewDeviceMetadata`` of a sign-in.
        user_pool_id: Noted in the device.
        entropy: Returns that many unpredictable bytes; `secrets.token_bytes`.
    """
    password = Secret(base64.b64encode(entropy(_PASSWORD_BYTES)).decode("ascii"))
    device = RememberedDevice(
        key=offered.key,
        group_key=offered.group_key,
        password=password,
        user_pool_id=user_pool_id,
    )
    verifier = Verifier.create(
        offered.group_key, offered.key, password.reveal(), entropy(_SALT_BYTES)
    )
    return DrawnDevice(device=device, verifier=verifier)


def confirm_device_call(access_token: Secret, drawn: DrawnDevice, name: str | None) -> Call:
    """Build ConfirmDevice. Not repeatable: the second one finds the device confirmed."""
    parameters: dict[str, Any] = {
        "AccessToken": access_token,
        "DeviceKey": drawn.device.key,
        "DeviceSecretVerifierConfig": {
            "Salt": drawn.verifier.salt_base64,
            "PasswordVerifier": drawn.verifier.verifier_base64,
        },
    }
    if name is not None:
        parameters["DeviceName"] = name
    return Call(operation="ConfirmDevice", parameters=parameters)


def get_device_call(access_token: Secret, key: str) -> Call:
    """Build GetDevice."""
    return _of_device("GetDevice", access_token, key)


def list_devices_call(page_size: int) -> Call:
    """Build ListDevices, its access token left out."""
    return Call(operation="ListDevices", parameters={"Limit": page_size}, repeatable=True)


def update_device_call(access_token: Secret, key: str, *, remembered: bool) -> Call:
    """Build UpdateDeviceStatus."""
    status = "remembered" if remembered else "not_remembered"
    return _of_device("UpdateDeviceStatus", access_token, key, DeviceRememberedStatus=status)


def forget_device_call(access_token: Secret, key: str) -> Call:
    """Build ForgetDevice. Not repeatable: the second one would find no device."""
    return _of_device("ForgetDevice", access_token, key, repeatable=False)


def read_needs_confirmation(body: Mapping[str, Any]) -> bool:
    """Read the answer to ConfirmDevice: whether the device is not remembered yet."""
    return flag(body, "UserConfirmationNecessary", False)


def checked_device_name(name: object) -> str | None:
    """Return a device's name that the service model accepts, or None."""
    if name is None:
        return None
    text = checked_text(name, "name")
    if not 1 <= len(text) <= _MAX_NAME:
        raise InvalidArgument("name", f"1 to {_MAX_NAME} characters")
    return text


def checked_key(key: object) -> str:
    """Return a device's key, or raise."""
    if not isinstance(key, str):
        raise InvalidType("key", "a str", key)
    if not is_device_key(key):
        raise InvalidArgument("key", "a device key like eu-west-1_<uuid>")
    return key


def _of_device(
    operation: str, access_token: Secret, key: str, *, repeatable: bool = True, **members: Any
) -> Call:
    parameters = {"AccessToken": access_token, "DeviceKey": checked_key(key), **members}
    return Call(operation=operation, parameters=parameters, repeatable=repeatable)
