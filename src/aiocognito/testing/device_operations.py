"""What users and administrators do to devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from aiocognito.errors import InvalidArgument
from aiocognito.srp.verifier import Verifier
from aiocognito.testing.admin_paging import page
from aiocognito.testing.admin_subjects import named_user
from aiocognito.testing.callers import authorized
from aiocognito.testing.devices import LocalDevice
from aiocognito.testing.service_errors import (
    PoolError,
    device_not_found,
    invalid_parameter,
    not_authorized,
)
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["DeviceOperations"]

Handler = Callable[[Mapping[str, Any]], Answer]
WhoseDevice = Callable[[PoolState, Mapping[str, Any]], LocalUser]


@frozen
class DeviceOperations:
    """Answers ConfirmDevice, and the calls that both users and administrators have."""

    state: PoolState

    def table(self) -> Mapping[str, Handler]:
        """Return what answers which operation."""
        return {
            "ConfirmDevice": self.confirm,
            "GetDevice": lambda request: self.get(_caller(self.state, request), request),
            "ListDevices": lambda request: self.list(_caller(self.state, request), request),
            "UpdateDeviceStatus": lambda request: self.update(
                _caller(self.state, request), request
            ),
            "ForgetDevice": lambda request: self.forget(_caller(self.state, request), request),
            "AdminGetDevice": lambda request: self.get(named_user(self.state, request), request),
            "AdminListDevices": lambda request: self.list(named_user(self.state, request), request),
            "AdminUpdateDeviceStatus": lambda request: self.update(
                named_user(self.state, request), request
            ),
            "AdminForgetDevice": lambda request: self.forget(
                named_user(self.state, request), request
            ),
        }

    def confirm(self, request: Mapping[str, Any]) -> Answer:
        """Answer ConfirmDevice: take in the device that the token's sign-in was offered."""
        user = authorized(self.state, request["AccessToken"])
        self._refuse_untracked()
        claims = self.state.tokens.verify_access_token(request["AccessToken"])
        family = self.state.tokens.refresh_tokens.of_event(claims.get("event_id"))
        key = request["DeviceKey"]
        if key in user.devices:
            raise PoolError("DeviceKeyExistsException", "Device already exists.")  # our words
        if family is None or family.device_key != key or family.device_group_key is None:
            raise device_not_found()
        now, always = self.state.clock.wall(), self.state.settings.device_tracking == "ALWAYS"
        user.devices[key] = LocalDevice(
            key=key,
            group_key=family.device_group_key,
            verifier=_verifier(request.get("DeviceSecretVerifierConfig", {})),
            name=request.get("DeviceName"),
            remembered=always,
            created_at=now,
            modified_at=now,
            seen_at=now,
        )
        return {"UserConfirmationNecessary": not always}

    def get(self, user: LocalUser, request: Mapping[str, Any]) -> Answer:
        """Answer GetDevice."""
        return {"Device": self._described(user, self._device(user, request))}

    def list(self, user: LocalUser, request: Mapping[str, Any]) -> Answer:
        """Answer ListDevices."""
        self._refuse_untracked()
        devices, more = page(
            user.devices.values(), request, key=lambda device: device.key, cursor="PaginationToken"
        )
        return {"Devices": [self._described(user, device) for device in devices], **more}

    def update(self, user: LocalUser, request: Mapping[str, Any]) -> Answer:
        """Answer UpdateDeviceStatus."""
        device = self._device(user, request)
        status = request.get("DeviceRememberedStatus")
        if status is not None:
            device.remembered = status == "remembered"
            device.modified_at = self.state.clock.wall()
        return {}

    def forget(self, user: LocalUser, request: Mapping[str, Any]) -> Answer:
        """Answer ForgetDevice. Refresh tokens that were issued on it are of no use then."""
        device = self._device(user, request)
        del user.devices[device.key]
        self.state.tokens.refresh_tokens.forget_device(user.sub, device.key)
        return {}

    def _described(self, user: LocalUser, device: LocalDevice) -> Answer:
        return device.description(user.username, self.state.settings.pool)

    def _device(self, user: LocalUser, request: Mapping[str, Any]) -> LocalDevice:
        self._refuse_untracked()
        device = user.devices.get(request["DeviceKey"])
        if device is None:
            raise device_not_found()
        return device

    def _refuse_untracked(self) -> None:
        if self.state.settings.device_tracking == "OFF":
            raise PoolError(
                "InvalidUserPoolConfigurationException",
                "User pool is not configured for device tracking.",  # our words
            )


def _caller(state: PoolState, request: Mapping[str, Any]) -> LocalUser:
    token = request.get("AccessToken")  # the model does not demand it of all of these
    if token is None:
        raise not_authorized("Invalid Access Token")
    return authorized(state, token)


def _verifier(config: Mapping[str, str]) -> Verifier:
    try:
        return Verifier.from_base64(config.get("Salt", ""), config.get("PasswordVerifier", ""))
    except InvalidArgument:
        text = "Invalid device secret verifier config."  # our words
    raise invalid_parameter(text)
