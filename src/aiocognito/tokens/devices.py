"""A device that the user pool remembers, and how it is kept between two processes.

A device proves itself by SRP, as a user does, with a password that this library draws
and that nobody ever types. The bytes contain it: together with the user's password they
stand in for a second factor.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, Self

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType

__all__ = ["RememberedDevice", "is_device_key", "is_group_key"]

_VERSION = 1
_MAX_BYTES = 4096
_MAX_KEY = 128  # service model: 55; what servers hand out is taken as it is
_MAX_PASSWORD = 1024
_DEVICE_KEY = re.compile(r"[\w-]+_[0-9a-f-]+", re.ASCII)  # service model: DeviceKeyType


def is_device_key(text: str) -> bool:
    """Say whether a text can be a ``DeviceKey``, such as ``eu-west-1_<uuid>``."""
    return len(text) <= _MAX_KEY and _DEVICE_KEY.fullmatch(text) is not None


def _sealed(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise InvalidType("password", "a str", value)
    return Secret(value)


def _key(instance: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str):
        raise InvalidType("key", "a str", value)
    if not is_device_key(value):
        raise InvalidArgument("key", "a device key like eu-west-1_<uuid>")


def is_group_key(text: str) -> bool:
    """Say whether a text can be a ``DeviceGroupKey``, such as ``-a1b2c3d4``."""
    return 1 <= len(text) <= _MAX_KEY and _has_utf8(text)


def _group_key(instance: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str):
        raise InvalidType("group_key", "a str", value)
    if not is_group_key(value):
        raise InvalidArgument("group_key", f"1 to {_MAX_KEY} characters")


def _password(instance: object, attribute: Any, value: Secret) -> None:
    if not _can_be_password(value.reveal()):  # its frame, with the text, is gone by then
        raise InvalidArgument("password", f"1 to {_MAX_PASSWORD} characters")


def _can_be_password(text: str) -> bool:
    return 1 <= len(text) <= _MAX_PASSWORD and _has_utf8(text)


def _has_utf8(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


@frozen(kw_only=True, init=False)
class RememberedDevice:
    """A device of one user that a sign-in can prove itself with.

    `Session.remember_device` makes one; one that another client has confirmed can be
    given by its three texts. Give it to `UserPool.sign_in` and its siblings, for the
    same user. Its password is kept out of ``repr``, and it is not pickled.

    Attributes:
        key: ``DeviceKey``, the service's name for it.
        group_key: ``DeviceGroupKey``.
        password: What the proof is made with; drawn at random.
        user_pool_id: The pool that knows it, or None where that was not noted.

    Raises:
        InvalidType: Something is not text.
        InvalidArgument: A text cannot be what it should be.
    """

    key: str = field(validator=_key)
    group_key: str = field(validator=_group_key, repr=False)
    password: Secret = field(validator=_password, repr=False)
    user_pool_id: str | None = None

    def __init__(
        self,
        *,
        key: str,
        group_key: str,
        password: str | Secret,
        user_pool_id: str | None = None,
    ) -> None:
        sealed = _sealed(password)
        del password  # a traceback that prints locals shows this frame
        self.__attrs_init__(
            key=key, group_key=group_key, password=sealed, user_pool_id=user_pool_id
        )

    def to_bytes(self) -> bytes:
        """Return it as UTF-8 JSON, password included: keep them as you keep a password."""
        return json.dumps(self.to_members(), separators=(",", ":")).encode()

    def to_members(self) -> dict[str, Any]:
        """Return it as a JSON object, for whoever keeps it among other things."""
        return {
            "version": _VERSION,
            "device_key": self.key,
            "device_group_key": self.group_key,
            "device_password": self.password.reveal(),
            "user_pool_id": self.user_pool_id,
        }

    @classmethod
    def from_bytes(cls, device: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            InvalidType: Not `bytes`.
            InvalidArgument: Not written by `to_bytes`, or damaged.
        """
        if not isinstance(device, bytes | bytearray | memoryview):
            raise InvalidType("device", "bytes", device)
        try:
            if len(device) <= _MAX_BYTES:
                return cls.from_members(json.loads(bytes(device)))
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # raised below, outside: a decoder's error quotes the text
        del device  # a traceback that prints locals shows this frame
        raise InvalidArgument("device", "what RememberedDevice.to_bytes() returned")

    @classmethod
    def from_members(cls, members: Any) -> Self:
        """Read what `to_members` returned; a `ValueError`, `KeyError` or `TypeError` if not."""
        pool_id = members["user_pool_id"]
        if members["version"] != _VERSION or not isinstance(pool_id, str | None):
            raise ValueError
        return cls(
            key=members["device_key"],
            group_key=members["device_group_key"],
            password=members["device_password"],
            user_pool_id=pool_id,
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("A remembered device is not pickled; keep to_bytes() instead.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
