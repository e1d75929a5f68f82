"""Refresh tokens: families, rotation with grace, reuse, revocation.

A family is everything that grew out of one sign-in, named by its ``origin_jti``.
Without rotation it has one token. With rotation each use brings a new token that
lives as long as the first would have; the used one stays good for the grace time
and is refused as reused afterwards.
"""

from __future__ import annotations

import base64
import hashlib

from attrs import define, field

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.draws import Draws
from aiocognito.testing.service_errors import PoolError, not_authorized

__all__ = ["Family", "RefreshTokens"]

_HEADER = b'{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}'
# The parts of a compact JWE after its header, in octets. Together about 1,785
# characters, the size of real ones, so that nobody's column is too short for them.
_PARTS = (256, 12, 1004, 16)


@define(kw_only=True, eq=False)
class Family:
    """One sign-in and all that came of it.

    Attributes:
        origin_jti: Its name.
        sub: Whose it is.
        auth_time: Wall-clock seconds of the sign-in; a refresh does not change it.
        event_id: The sign-in's event.
        expires_at: The end of every refresh token in it, on the boot clock.
        device_key: The device that must be named at every refresh, or None.
        device_group_key: What belongs to it, where this sign-in offered it.
        device_forgotten: Whether that device has been forgotten since.
    """

    origin_jti: str
    sub: str
    client_id: str
    auth_time: int
    event_id: str
    expires_at: float
    device_key: str | None = None
    device_group_key: str | None = None
    device_forgotten: bool = False
    revoked: bool = False


@define(eq=False)
class _Token:
    family: Family
    retired_at: float | None = None  # boot clock: when its successor was made


@define
class RefreshTokens:
    """Every refresh token of a pool."""

    _draws: Draws
    _tokens: dict[bytes, _Token] = field(factory=dict, init=False, repr=False)
    _families: dict[str, Family] = field(factory=dict, init=False, repr=False)

    def start(self, family: Family) -> str:
        """Take in a new family and return its first token."""
        self._families[family.event_id] = family
        return self._new(family)

    def redeem(
        self, text: str, client: LocalClient, *, device_key: str | None, now: float
    ) -> Family:
        """Check a token without changing anything; `rotate` once all else is right.

        Raises:
            PoolError: ``NotAuthorizedException`` (unknown, another client's, wrong
                device, revoked, expired) or ``RefreshTokenReuseException``.
        """
        token = self._tokens.get(_digest(text))
        if token is None or token.family.client_id != client.client_id:
            raise not_authorized("Invalid Refresh Token")
        family = token.family
        if family.revoked:
            raise not_authorized("Refresh Token has been revoked")
        if now >= family.expires_at:
            raise not_authorized("Refresh Token has expired")
        if token.retired_at is not None and now >= token.retired_at + client.rotation_grace:
            raise PoolError("RefreshTokenReuseException", "Refresh Token has been reused")
        if family.device_forgotten:
            raise not_authorized("Invalid Refresh Token")
        if family.device_key is not None and device_key != family.device_key:
            raise not_authorized("Invalid Refresh Token")
        return family

    def rotate(self, text: str, *, now: float) -> str:
        """Retire a redeemed token, unless it already is, and return a successor."""
        token = self._tokens[_digest(text)]
        if token.retired_at is None:
            token.retired_at = now
        return self._new(token.family)

    def family_of(self, text: str) -> Family | None:
        """Return the family a token belongs to, or None for an unknown one."""
        token = self._tokens.get(_digest(text))
        return token.family if token is not None else None

    def of_event(self, event_id: object) -> Family | None:
        """Return the family that a sign-in began; anything may be asked for.

        By event and not by name: without token revocation the tokens carry no ``origin_jti``,
        and GlobalSignOut ends them all the same.
        """
        return self._families.get(event_id) if isinstance(event_id, str) else None

    def revoke_all(self, sub: str) -> None:
        """Revoke every family of a user."""
        for family in self._families.values():
            if family.sub == sub:
                family.revoked = True

    def forget_device(self, sub: str, device_key: str) -> None:
        """Refuse the refresh tokens that were issued on a device from now on."""
        for family in self._families.values():
            if family.sub == sub and family.device_key == device_key:
                family.device_forgotten = True

    def _new(self, family: Family) -> str:
        parts = (_HEADER, *map(self._draws.octets, _PARTS))
        text = ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode("ascii") for part in parts
        )
        self._tokens[_digest(text)] = _Token(family)
        return text


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
