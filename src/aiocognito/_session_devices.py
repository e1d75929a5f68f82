"""The part of `Session` about devices."""

from __future__ import annotations

from contextlib import suppress

from aiocognito._asking import Listing
from aiocognito._keeper import TokenKeeper
from aiocognito.account import Account, AccountDesk
from aiocognito.errors import CognitoError, InvalidType, LocalProtocolError
from aiocognito.flow.admin import checked_page
from aiocognito.flow.admin_reading import read_device
from aiocognito.flow.admin_values import Device
from aiocognito.flow.devices import (
    checked_device_name,
    checked_key,
    forget_device_call,
    get_device_call,
    list_devices_call,
    update_device_call,
)
from aiocognito.flow.members import structure
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.model import NewDevice

__all__ = ["SessionDevices"]


class SessionDevices:
    """What a signed-in user does about devices, where the pool tracks them."""

    __slots__ = ()

    _keeper: TokenKeeper

    @property
    def _account(self) -> Account:
        raise NotImplementedError  # pragma: no cover  Session's

    @property
    def device(self) -> NewDevice | RememberedDevice | None:
        """The device this user is signed in on; None where the pool tracks none.

        A `NewDevice` is an offer of the sign-in: see `remember_device`. A
        `RememberedDevice` was given to the sign-in, or has been remembered since.
        """
        return self._keeper.device.current

    async def remember_device(self, name: str | None = None) -> RememberedDevice:
        """Remember the device that the sign-in offered, and return what to keep of it.

        From the next sign-in on, which has to be given it, the device stands in for the
        second factor. `RememberedDevice.to_bytes` contains its secret. One that is
        remembered already is returned as it is.

        Ask the user first where others may use the same machine. After an error or a
        cancellation it can be called again, on the same session.

        Args:
            name: What `list_devices` shows, 1 to 1024 characters. No operation of the
                service changes it later.

        Raises:
            LocalProtocolError: No device was offered.
            OperationNotEnabled: Not in this region (ConfirmDevice); tokens are kept.
            CognitoError: Anything else.
        """
        name = checked_device_name(name)
        device = await self._keeper.device.remember(self._account.ask, name)
        self._keeper.say_device(device.key, "remembered")
        if self._keeper.persistence is not None:
            # The store gets the device's secret with the next tokens: so get some.
            with suppress(CognitoError):
                await self._keeper.renewal.renew()
        return device

    def list_devices(self, *, page_size: int = 60) -> Listing[Device]:
        """List the devices that were confirmed for the user, this one among them."""
        return Listing(
            AccountDesk(self._account),
            list_devices_call(checked_page(page_size)),
            member="Devices",
            cursor="PaginationToken",
            read=read_device,
        )

    async def get_device(self, key: str | None = None) -> Device:
        """Ask the service about a device.

        Args:
            key: Which; the one this session is signed in on if left out.

        Raises:
            DeviceNotFound: It was never confirmed, or is forgotten.
            CognitoError: Anything else.
        """
        key = self._device_key(key)
        reply = await self._account.ask(lambda token: get_device_call(token, key))
        return read_device(structure(reply.body, "Device"))

    async def set_device_remembered(self, remembered: bool, *, key: str | None = None) -> None:
        """Say whether a confirmed device may stand in for the second factor.

        Args:
            remembered: Whether it may.
            key: Which; the one this session is signed in on if left out.

        Raises:
            DeviceNotFound: It was never confirmed, or is forgotten.
            CognitoError: Anything else.
        """
        if not isinstance(remembered, bool):
            raise InvalidType("remembered", "a bool", remembered)
        key = self._device_key(key)
        await self._account.ask(lambda token: update_device_call(token, key, remembered=remembered))

    async def forget_device(self, key: str | None = None) -> None:
        """Make the service forget a device; refreshes of tokens issued on it may fail then.

        This session does not sign in with it again. Delete what was kept of it.
        Cancelling leaves it unknown whether the service acted.

        Args:
            key: Which; the one this session is signed in on if left out.

        Raises:
            DeviceNotFound: It was never confirmed, or is forgotten already.
            CognitoError: Anything else.
        """
        key = self._device_key(key)
        await self._account.ask(lambda token: forget_device_call(token, key))
        self._keeper.device.drop(key)

    def _device_key(self, key: str | None) -> str:
        if key is not None:
            return checked_key(key)
        held = self._keeper.device.key
        if held is None:
            raise LocalProtocolError("This session has no device; say which one is meant.")
        return held
