"""The text of the QR code that hands an authenticator its secret.

Format: "Key Uri Format" of the Google Authenticator wiki, which authenticators follow.
RFC 6238's defaults (SHA-1, six digits, thirty seconds) are Cognito's and left out.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from aiocognito.errors import InvalidArgument, InvalidType

__all__ = ["otpauth_uri"]


def otpauth_uri(secret: str, *, account: str, issuer: str) -> str:
    """Return an ``otpauth://totp/…`` URI. It contains the secret.

    Args:
        secret: In base32, as the service hands it out.
        account: The user's name, as the authenticator will show it.
        issuer: Who asks for codes; without a colon.

    Raises:
        InvalidType: The issuer is not a `str`.
        InvalidArgument: The issuer is empty or contains a colon.
    """
    if not isinstance(issuer, str):
        raise InvalidType("issuer", "a str", issuer)
    if not issuer or ":" in issuer:
        raise InvalidArgument("issuer", "a name without a colon")
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    # Not "+" for a blank: authenticators show it.
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"
