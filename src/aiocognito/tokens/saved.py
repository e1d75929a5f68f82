"""What is kept of a session between two processes, as bytes.

JSON, one object, version 1. It contains the refresh token, so whoever reads it can
sign in: keep it where you would keep a password.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.model import NewDevice

__all__ = ["SavedState"]

_VERSION = 1
_MAX_BYTES = 65_536


@frozen(kw_only=True)
class SavedState:
    """A session's lasting part.

    Attributes:
        user_pool_id: Where it belongs.
        client_id: Whose tokens they are.
        username: The user's true name, which later secret hashes need.
        sub: The user's id; tokens of another one are refused.
        refresh_token: The newest.
        access_token: The newest, for signing out everywhere; it may have expired.
        device: What the service offered at the sign-in and is not remembered, or None.
        rotates: Whether refresh tokens are known to rotate; None if not seen yet.
        remembered: The device that proves itself at the next sign-in, or None.
        by_admin: Whether an administrator's sign-in brought them.
        fell_back: Whether they refresh by REFRESH_TOKEN_AUTH since that was found to work.
    """

    user_pool_id: str
    client_id: str
    username: str
    sub: str | None
    refresh_token: Secret
    access_token: Secret | None
    device: NewDevice | None
    rotates: bool | None
    remembered: RememberedDevice | None = None
    by_admin: bool = False
    fell_back: bool = False

    def to_bytes(self) -> bytes:
        """Return it as UTF-8 JSON, refresh token included."""
        access, device, known = self.access_token, self.device, self.remembered
        members = {
            "version": _VERSION,
            "user_pool_id": self.user_pool_id,
            "client_id": self.client_id,
            "username": self.username,
            "sub": self.sub,
            "refresh_token": self.refresh_token.reveal(),
            "access_token": None if access is None else access.reveal(),
            "device": None if device is None else [device.key, device.group_key],
            "rotates": self.rotates,
            "remembered": None if known is None else known.to_members(),
            "by_admin": self.by_admin,
            "fell_back": self.fell_back,
        }
        return json.dumps(members, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, state: bytes) -> SavedState:
        """Read what `to_bytes` wrote.

        Raises:
            InvalidType: Not `bytes`.
            InvalidArgument: Not written by `to_bytes`, or damaged.
        """
        if not isinstance(state, bytes | bytearray | memoryview):
            raise InvalidType("state", "bytes", state)
        try:
            if len(state) <= _MAX_BYTES:
                return cls._from_members(json.loads(bytes(state)))
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # raised below, outside: a decoder's error quotes the text
        del state  # a traceback that prints locals shows this frame
        raise InvalidArgument("state", "what export_state() returned")

    @classmethod
    def _from_members(cls, members: Any) -> SavedState:
        if members["version"] != _VERSION:
            raise ValueError
        access, device, rotates = members["access_token"], members["device"], members["rotates"]
        known = members.get("remembered")  # written since devices are remembered
        if rotates not in (True, False, None):
            raise ValueError
        return cls(
            user_pool_id=_text(members["user_pool_id"]),
            client_id=_text(members["client_id"]),
            username=_text(members["username"]),
            sub=None if members["sub"] is None else _text(members["sub"]),
            refresh_token=Secret(_text(members["refresh_token"])),
            access_token=None if access is None else Secret(_text(access)),
            device=None if device is None else _device(device),
            rotates=rotates,
            remembered=None if known is None else RememberedDevice.from_members(known),
            by_admin=members.get("by_admin") is True,
            fell_back=members.get("fell_back") is True,
        )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    value.encode()  # half a surrogate pair is a ValueError too
    return value


def _device(value: Any) -> NewDevice:
    key, group_key = value
    return NewDevice(key=_text(key), group_key=_text(group_key))
