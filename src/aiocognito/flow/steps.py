"""Where a conversation may arrive: at a challenge, or at the end of it."""

from __future__ import annotations

from attrs import frozen

from aiocognito.flow.challenges import Challenge
from aiocognito.tokens.devices import RememberedDevice
from aiocognito.tokens.model import NewDevice, TokenSet

__all__ = ["Authenticated", "Step"]


@frozen(kw_only=True)
class Authenticated:
    """The service has issued tokens. They are not verified yet.

    Attributes:
        tokens: What came.
        new_device: The device the service offers to remember, or None.
        username: The name the service used in its challenges, or None if it asked
            nothing. The tokens have to carry the same.
        device: The remembered device that was given, if the service knows it.
    """

    tokens: TokenSet
    new_device: NewDevice | None
    username: str | None
    device: RememberedDevice | None = None


Step = Authenticated | Challenge
