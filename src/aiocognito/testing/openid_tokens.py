"""The identity pool's own tokens: what GetOpenIdToken gives, and STS takes.

RS256, with a key of the pool. Claims are those of the developer guide: ``sub`` is the
identity, ``aud`` the identity pool, ``amr`` says ``authenticated`` with the providers,
or ``unauthenticated``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from aiocognito._clock import Clock
from aiocognito._partitions import parse_identity_pool_id
from aiocognito.errors import TokenExpired, TokenVerificationError
from aiocognito.testing.signing import SigningKeys, keys_of

__all__ = ["OPENID_LIFETIME", "OpenIdDesk", "principal_tags"]

OPENID_LIFETIME = 600
"""Seconds that a token of GetOpenIdToken lives."""

_TAGS = "https://aws.amazon.com/tags"  # the claim that STS reads principal tags from


@frozen
class OpenIdDesk:
    """Writes an identity pool's tokens, and reads back those it wrote."""

    identity_pool_id: str
    clock: Clock

    @property
    def provider(self) -> str:
        """The pool's own name among providers."""
        return parse_identity_pool_id(self.identity_pool_id).login_key

    @property
    def issuer(self) -> str:
        """``iss`` of its tokens."""
        return f"https://{self.provider}"

    @property
    def _keys(self) -> SigningKeys:
        return keys_of(self.issuer)  # as on the service, where all pools have one issuer

    def issue(
        self,
        identity_id: str,
        providers: Iterable[str],
        *,
        lifetime: int = OPENID_LIFETIME,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Return a token of an identity; without providers it is a guest's."""
        now = int(self.clock.wall())
        names = sorted(set(providers))
        claims: dict[str, Any] = {
            "sub": identity_id,
            "aud": self.identity_pool_id,
            "amr": ["authenticated", *names] if names else ["unauthenticated"],
            "iss": self.issuer,
            "iat": now,
            "exp": now + lifetime,
        }
        if tags:
            claims[_TAGS] = {"principal_tags": {name: [value] for name, value in tags.items()}}
        return self._keys.id.sign(claims)

    def read(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token of this pool that is signed and not expired.

        Raises:
            TokenExpired: Its time is over.
            TokenVerificationError: It is not one of ours.
        """
        claims = self._keys.open(token)
        if claims.get("iss") != self.issuer or claims.get("aud") != self.identity_pool_id:
            raise TokenVerificationError("it was not issued by this pool")
        now, expires = self.clock.wall(), claims.get("exp")
        if not isinstance(expires, int | float) or now >= expires:
            raise TokenExpired(claim="exp", expected=now, actual=expires)
        return claims


def principal_tags(claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags in a token that this pool wrote."""
    given = claims.get(_TAGS, {}).get("principal_tags", {})
    return {name: values[0] for name, values in given.items()}
