"""Identity providers outside Cognito, for the local identity pool to trust.

What Google or Apple would have signed, a key of this process signs: enough to see
logins linked, merged and refused without anybody's account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from aiocognito._clock import Clock
from aiocognito.errors import TokenVerificationError
from aiocognito.testing.identity_requests import login_refused
from aiocognito.testing.signing import keys_of

__all__ = ["LocalProvider"]


@frozen
class LocalProvider:
    """An OpenID Connect provider under a name of its own.

    Attributes:
        name: As in ``Logins``, such as ``accounts.google.com``.
        audience: The client id that the identity pool accepts.
    """

    name: str
    audience: str
    clock: Clock

    @property
    def issuer(self) -> str:
        """``iss`` of its tokens."""
        return f"https://{self.name}"

    def token(self, subject: str, *, lifetime: float = 3600.0, **claims: Any) -> str:
        """Return an ID token of a user; further claims as keywords, None takes one away."""
        now = int(self.clock.wall())
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + int(lifetime),
        }
        merged = {**usual, **claims}
        return keys_of(self.issuer).id.sign({k: v for k, v in merged.items() if v is not None})

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a good token, or refuse as the service does."""
        try:
            claims = keys_of(self.issuer).open(token)
        except TokenVerificationError:
            raise login_refused("Couldn't verify signed token.") from None
        if claims.get("iss") != self.issuer:
            raise login_refused("Issuer doesn't match providerName")
        if not isinstance(claims.get("sub"), str) or not isinstance(claims.get("exp"), int):
            raise login_refused("Not a valid OpenId Connect identity token.")
        now = int(self.clock.wall())
        if now >= claims["exp"]:
            raise login_refused(f"Token expired: {now} >= {claims['exp']}")
        if "aud" not in claims:
            raise login_refused("Missing a required claim: aud")
        if claims["aud"] != self.audience:
            raise login_refused("Incorrect token audience.")
        return claims
