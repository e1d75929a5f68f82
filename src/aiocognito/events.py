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
    "ClockSkewed",
    "CredentialsChanged",
    "DeviceChanged",
    "Event",
    "Observer",
    "PersistFailed",
    "QuotaShort",
    "ReauthenticationDue",
    "RefreshFailing",
    "SecurityAlert",
    "SessionEnded",
    "TimeJumped",
    "TokensChanged",
]


@frozen(kw_only=True)
class TokensChanged:
    """A session has new tokens; the moment to save `Session.export_state`.

    Attributes:
        username: The user's true name in the pool.
        reason: What brought them; ``store``: another process, or an earlier one.
        expires_at: When the first of the new tokens expires.
        rotated: Whether the refresh token changed too.
    """

    username: str
    reason: Literal["sign-in", "refresh", "store"]
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
class DeviceChanged:
    """Something became of the device a user signs in on.

    Attributes:
        username: The user's true name in the pool, or as typed.
        key: The device's.
        change: ``offered``: the pool may remember it (``UserPool(devices="ask")``).
            ``remembered``: it is, the moment to save it. ``not-remembered``: it was
            meant to be, and ``error`` says why not. ``unknown``: a sign-in was given it
            and the service does not know it; it was left out, delete what was kept of
            it. ``refused``: its proof was wrong, and the sign-in failed.
        error: Why, for the last three.
    """

    username: str
    key: str
    change: Literal["offered", "remembered", "not-remembered", "unknown", "refused"]
    error: CognitoError | None = None


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


@frozen(kw_only=True)
class ReauthenticationDue:
    """A user has to sign in again soon: the refresh token reaches the end of its validity.

    Only for pools made with ``refresh_token_validity`` and sessions that cannot sign in
    by themselves. Heard once for each sign-in.

    Attributes:
        username: The user's true name in the pool.
        deadline: From when on no refresh will work any more.
    """

    username: str | None
    deadline: datetime


@frozen(kw_only=True)
class ClockSkewed:
    """The local wall clock differs from the service's by more than five minutes.

    Tokens are measured on the boot clock then, so nothing breaks here; what others check
    against the local clock may. Heard when it begins, and again when it changes by more
    than a minute.

    Attributes:
        seconds: The service's clock less the local one; negative: the local one is ahead.
    """

    seconds: float


@frozen(kw_only=True)
class TimeJumped:
    """Time did not pass as it should: somebody set the clock, or the machine slept.

    Attributes:
        kind: ``clock-set`` (the wall clock moved against the boot clock by more than
            30 seconds since the last look; a suspended machine whose boot clock stops
            looks the same) or ``woke-late`` (the scheduler slept that much longer than
            it meant to: the machine was suspended or the event loop was blocked).
        seconds: By how much; negative: the wall clock was set back.
    """

    kind: Literal["clock-set", "woke-late"]
    seconds: float


@frozen(kw_only=True)
class PersistFailed:
    """Tokens could not be written to the store; they are kept in memory meanwhile.

    Attributes:
        username: The user's true name in the pool.
        error: Why.
        retry_after: Seconds until the next attempt; None: there will be none.
    """

    username: str | None
    error: CognitoError
    retry_after: float | None


@frozen(kw_only=True)
class QuotaShort:
    """More sessions than the quota can keep fresh: some will be served late.

    Heard when it is first seen, and again when it has become half as bad again.

    Attributes:
        sessions: How many share the quota in this process.
        lifetime: Seconds their tokens live.
        needed: Refreshes a second these would take.
        available: Refreshes a second there are: half of the quota's share of this process.
    """

    sessions: int
    lifetime: float
    needed: float
    available: float


Event = (
    TokensChanged
    | CredentialsChanged
    | DeviceChanged
    | RefreshFailing
    | SessionEnded
    | SecurityAlert
    | ReauthenticationDue
    | ClockSkewed
    | TimeJumped
    | PersistFailed
    | QuotaShort
)
Observer = Callable[[Event], None]
