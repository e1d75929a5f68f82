"""The keyed hash that proves knowledge of an app client's secret.

Guide page "Computing secret hash values":
``base64(HMAC-SHA256(client secret, user name + client id))``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

__all__ = ["SecretHash", "secret_hash"]


class SecretHash(str):
    """A hash that knows whose it is, so that it can be made with another secret.

    Attributes:
        username: The name that was hashed.
    """

    __slots__ = ("username",)

    username: str

    @classmethod
    def of(cls, username: str, client_id: str, client_secret: str) -> SecretHash:
        """Compute it. As `secret_hash`."""
        made = cls(secret_hash(username, client_id, client_secret))
        made.username = username
        return made


def secret_hash(username: str, client_id: str, client_secret: str) -> str:
    """Return the ``SECRET_HASH`` for a request, as base64 text.

    Args:
        username: Exactly the name the same request carries. A refresh by
            ``REFRESH_TOKEN_AUTH`` carries none and needs the user's true name (the
            ``cognito:username`` claim), also after signing in with an alias.
        client_id: The app client's id.
        client_secret: The app client's secret.
    """
    message = (username + client_id).encode()
    digest = hmac.digest(client_secret.encode(), message, hashlib.sha256)
    return base64.b64encode(digest).decode("ascii")
