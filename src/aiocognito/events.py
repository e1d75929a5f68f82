"""What an observer hears: frozen values, without secrets.

`observer=` is a plain callable. It is called on the event loop right after the
state changed, so it must be quick; what it raises is logged and goes no further.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from attrs import frozen

from aiocognito.errors import CognitoError

__all__ = [
    "CredentialsChanged",
    "Event",
    "Observer",
    "RefreshFailing",
    "SecurityAlert",
    "SessionEnded",
    "TokensChanged",
]


@frozen(kw_only=True)
class TokensChanged:
    """A session has new tokens; the moment to save `Session.export_state`.

    Attributes:
        username: The user's true name in the pool.
        reason: What brought them.
        expires_at: When the first of the new tokens expires.
        rotated: Whether the refresh token changed too.
    """

    username: str
    reason: Literal["sign-in", "refresh"]
    expires_at: datetime
    rotated: bool


@frozen(kw_only=True)
class CredentialsChanged:
    """There are new AWS credentials.

    Attributes:
        username: The user's true name in the pool; None for guests and given logins.
        identity_id: Whose they are in the identity pool.
        expires_at: When they end.
    """

    username: str | None
    identity_id: str
    expires_at: datetime


@frozen(kw_only=True)
class RefreshFailing:
    """A refresh failed; what is held is kept and the next attempt comes later.

    Attributes:
        username: As far as it is known.
        error: Why.
        retry_after: Seconds without another attempt.
        what: Which of the two could not be had.
    """

    username: str | None
    error: CognitoError
    retry_after: float
    what: Literal["tokens", "credentials"] = "tokens"


@frozen(kw_only=True)
class SessionEnded:
    """A session has no usable tokens any more.

    Attributes:
        username: The user's true name in the pool, or as typed.
        reason: As in `SignInRequired.reason`.
    """

    username: str | None
    reason: str


@frozen(kw_only=True)
class SecurityAlert:
    """Something that honest parties do not do was seen.

    Attributes:
        kind: ``token-rejected`` (the server's tokens do not verify) or
            ``refresh-token-reused`` (somebody else used this session's token).
    """

    username: str | None
    kind: Literal["token-rejected", "refresh-token-reused"]
    error: CognitoError


Event = TokensChanged | CredentialsChanged | RefreshFailing | SessionEnded | SecurityAlert
Observer = Callable[[Event], None]
