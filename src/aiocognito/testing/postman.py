"""Sending codes, and saying where they went."""

from __future__ import annotations

from attrs import frozen

from aiocognito.testing.codes import SentCode
from aiocognito.testing.one_time_codes import masked
from aiocognito.testing.settings import MEDIA
from aiocognito.testing.state import PoolState
from aiocognito.testing.users import Delivery, LocalUser

__all__ = ["Postman"]

_CODE_DIGITS = 6


@frozen
class Postman:
    """Draws codes, puts them into the outbox, and remembers them."""

    state: PoolState

    def send(
        self,
        user: LocalUser,
        attribute: str,
        *,
        purpose: str,
        lifetime: float,
        operation: str,
        address: str | None = None,
    ) -> dict[str, str]:
        """Send a code and return ``CodeDeliveryDetails``.

        Args:
            user: To whom.
            attribute: ``email`` or ``phone_number``.
            purpose: What `VerificationCodes` keeps it under.
            lifetime: In seconds.
            operation: The call that caused it, for the outbox.
            address: A new address that is not the user's yet.
        """
        destination = address if address is not None else user.attributes[attribute]
        text = self.state.draws.digits(_CODE_DIGITS)
        expires_at = self.state.clock.boot() + lifetime
        self.state.codes.keep(
            user.sub, purpose, SentCode(text=text, attribute=attribute, expires_at=expires_at)
        )
        self.state.outbox.append(
            Delivery(
                username=user.username,
                destination=destination,
                medium=MEDIA[attribute],
                code=text,
                purpose=operation,
            )
        )
        return details(attribute, destination)

    def pretend(self, typed: str) -> dict[str, str]:
        """Return ``CodeDeliveryDetails`` for somebody to whom nothing is sent."""
        return details(*self.state.claimants.pretended_address(typed))


def details(attribute: str, destination: str) -> dict[str, str]:
    """Return ``CodeDeliveryDetails``, the destination masked."""
    return {
        "Destination": masked(destination),
        "DeliveryMedium": MEDIA[attribute],
        "AttributeName": attribute,
    }
