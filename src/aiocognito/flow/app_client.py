"""The app client a conversation is held for."""

from __future__ import annotations

import re

from attrs import field, frozen

from aiocognito._partitions import UserPoolId, parse_user_pool_id
from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.secret_hash import SecretHash

__all__ = ["AppClient", "checked_client_secret", "checked_password", "checked_username"]

_CLIENT_ID = re.compile(r"[\w+]{1,128}", re.ASCII)  # service model: ClientIdType
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")  # surrogates; they have no UTF-8
_MAX_USERNAME = 128
_MAX_PASSWORD = 256


@frozen(kw_only=True)
class AppClient:
    """One app client of one user pool.

    Attributes:
        pool: The pool's id, taken apart.
        client_id: The app client's id.
        client_secret: Its secret, or None for a public client.
    """

    pool: UserPoolId
    client_id: str
    client_secret: Secret | None = field(default=None)

    @classmethod
    def of(
        cls, user_pool_id: str, client_id: str, client_secret: str | bytes | Secret | None = None
    ) -> AppClient:
        """Check the three and make a client of them.

        Raises:
            InvalidType: One of them is of another type.
            InvalidArgument: One of them cannot be what it should be.
        """
        pool = parse_user_pool_id(user_pool_id)
        if not isinstance(client_id, str):
            raise InvalidType("client_id", "a str", client_id)
        if not _CLIENT_ID.fullmatch(client_id):
            raise InvalidArgument("client_id", "1 to 128 letters, digits, '_' or '+'")
        return cls(
            pool=pool, client_id=client_id, client_secret=checked_client_secret(client_secret)
        )

    def secret_hash(self, username: str) -> dict[str, str]:
        """Return ``{"SECRET_HASH": …}`` for this name, or nothing for a public client."""
        if self.client_secret is None:
            return {}
        made = SecretHash.of(username, self.client_id, self.client_secret.reveal())
        return {"SECRET_HASH": made}


def checked_client_secret(secret: object) -> Secret | None:
    """Return a client secret that can be one, or None for none, or raise."""
    if secret is None:
        return None
    if isinstance(secret, Secret):
        secret = secret.reveal()
    if isinstance(secret, bytes):
        try:
            secret = secret.decode("ascii")
        except UnicodeDecodeError:
            raise InvalidArgument("client_secret", "ASCII text") from None
    if not isinstance(secret, str):
        raise InvalidType("client_secret", "a str or bytes", secret)
    if not secret or not secret.isascii() or not _prints(secret):
        raise InvalidArgument("client_secret", "the app client's secret without white space")
    return Secret(secret)


def checked_username(username: object) -> str:
    """Return a user name the service could know (``UsernameType``), or raise."""
    if not isinstance(username, str):
        raise InvalidType("username", "a str", username)
    if not 1 <= len(username) <= _MAX_USERNAME or not _prints(username):
        raise InvalidArgument("username", "1 to 128 characters without white space")
    return username


def checked_password(password: object) -> Secret:
    """Return a password worth sending (``PasswordType``), or raise."""
    if isinstance(password, Secret):
        password = password.reveal()
    if not isinstance(password, str):
        raise InvalidType("password", "a str", password)
    if not 1 <= len(password) <= _MAX_PASSWORD or _HALF_A_PAIR.search(password):
        raise InvalidArgument("password", "1 to 256 characters")
    return Secret(password)


def _prints(text: str) -> bool:
    return text.isprintable() and not any(c.isspace() for c in text)
