"""Several workers, one identity: what a pool has to know to make that safe."""

from __future__ import annotations

from attrs import Attribute, field, frozen

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.stores.base import SharedTokenStore

__all__ = ["CALL_SECONDS", "Fleet", "check_fleet"]

CALL_SECONDS = 5.0  # a refresh under a lease takes no longer
_LEAST_GRACE = 25.0


def _seconds(instance: object, attribute: Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidType(attribute.name, "a number of seconds", value)
    least, most = attribute.metadata["range"]
    if not least <= value <= most:  # NaN is neither
        raise InvalidArgument(attribute.name, f"{least:g} to {most:g} seconds")


def _flag(instance: object, attribute: Attribute[bool], value: bool) -> None:
    if not isinstance(value, bool):
        raise InvalidType(attribute.name, "True or False", value)


@frozen(kw_only=True)
class Fleet:
    """Other workers use the same identities through the same store, at the same time.

    One of them refreshes, the others read what it brought from the store. Simpler ways
    come first: see the how-to page "Share one identity between workers".

    Attributes:
        rotates: Whether the app client rotates refresh tokens. Say False only of one that
            does not; then no grace period is needed.
        lease: Seconds for which one worker may refresh undisturbed, 10 to 60.
        poll: Seconds within which the others look for what it brought, 0.1 to 30.
        allow_unrecoverable: Share although a crash or a lost answer at the wrong moment
            ends the refresh token for all. The workers should be able to sign in again.
    """

    rotates: bool = field(default=True, validator=_flag)
    lease: float = field(default=15.0, validator=_seconds, metadata={"range": (10.0, 60.0)})
    poll: float = field(default=5.0, validator=_seconds, metadata={"range": (0.1, 30.0)})
    allow_unrecoverable: bool = field(default=False, validator=_flag)

    @property
    def needed_grace(self) -> float:
        """Seconds of grace in which another worker can take over from one that crashed."""
        return max(_LEAST_GRACE, self.lease + self.poll + CALL_SECONDS)


def check_fleet(fleet: object, store: object, rotation_grace: float | None) -> Fleet | None:
    """Refuse what cannot be made safe.

    Raises:
        InvalidType: Not a `Fleet`.
        InvalidArgument: There is no store, it cannot be shared, or the grace period is
            unknown or too short for one worker to take over from another.
    """
    if fleet is None:
        return None
    if not isinstance(fleet, Fleet):
        raise InvalidType("fleet", "a Fleet", fleet)
    if not isinstance(store, SharedTokenStore):
        raise InvalidArgument("store", "given with fleet=, and a SharedTokenStore")
    short = rotation_grace is None or rotation_grace < fleet.needed_grace
    if fleet.rotates and short and not fleet.allow_unrecoverable:
        raise InvalidArgument(
            "rotation_grace",
            f"at least {fleet.needed_grace:g} seconds for a fleet (60 is best), unless the app "
            "client does not rotate (Fleet(rotates=False)) or you accept the loss "
            "(Fleet(allow_unrecoverable=True))",
        )
    return fleet
