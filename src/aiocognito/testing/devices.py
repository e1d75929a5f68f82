"""The devices of a user, and the one that a sign-in under way says it comes from."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from aiocognito._partitions import UserPoolId
from aiocognito.srp.verifier import Verifier

__all__ = ["LocalDevice", "NamedDevice"]

_ACCOUNT = "000000000000"


@define(kw_only=True, eq=False)
class LocalDevice:
    """A device that was confirmed.

    Attributes:
        key: ``DeviceKey``.
        group_key: ``DeviceGroupKey``, which goes into its proof.
        verifier: What a proof is held against.
        name: What it was called when it was confirmed, or None.
        remembered: Whether it may stand in for a second factor.
        created_at: On the wall clock, as the other two.
        modified_at: When it was last remembered or not.
        seen_at: When it last signed in.
    """

    key: str
    group_key: str = field(repr=False)
    verifier: Verifier = field(repr=False)
    name: str | None = None
    remembered: bool = False
    created_at: float
    modified_at: float
    seen_at: float

    def description(self, username: str, pool: UserPoolId) -> dict[str, Any]:
        """Return it as GetDevice and ListDevices show it.

        Args:
            username: Whose it is.
            pool: Where.
        """
        owner = f"{username}.{pool.text}"
        attributes = {
            "device_status": "valid",
            "device_name": self.name,
            "dev:device_arn": (
                f"arn:aws:cognito-idp:{pool.region}:{_ACCOUNT}:owner/{owner}/device/{self.key}"
            ),
            "dev:device_owner": owner,
            "last_ip_used": "127.0.0.1",
            "dev:device_remembered_status": "remembered" if self.remembered else "not_remembered",
            "dev:device_sdk": "aws-sdk",
        }
        return {
            "DeviceKey": self.key,
            "DeviceAttributes": [
                {"Name": name, "Value": value}
                for name, value in attributes.items()
                if value is not None
            ],
            "DeviceCreateDate": self.created_at,
            "DeviceLastModifiedDate": self.modified_at,
            "DeviceLastAuthenticatedDate": self.seen_at,
        }


@define
class NamedDevice:
    """The ``DEVICE_KEY`` of the conversation that is being answered; None without one.

    A pool answers one call at a time. What a call opens (a session, an SRP exchange)
    carries the key on to the next call of its conversation.

    Attributes:
        key: The device's.
        proven: Whether its proof has been accepted.
    """

    key: str | None = None
    proven: bool = False

    def begin(self, key: str | None) -> None:
        """Turn to another call, which names this device or none."""
        self.key, self.proven = key, False
