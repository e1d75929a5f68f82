"""When a token is fresh, due, critical or expired: the policy as pure functions.

Times are seconds. ``boot`` counts from an arbitrary start and never jumps;
``wall`` is the local clock, which may be wrong or jump.

A life is measured from the moment the request was *sent*, so that the time on the
wire shortens it, and its length is ``exp - iat``: both come from the server's
clock, so a wrong local clock does not change it.

::

    sent          refresh_at        hard_at   expires_at
     │   FRESH        │     DUE        │ CRITICAL │  EXPIRED
     └────────────────┴────────────────┴──────────┴─────────▶
                      └─ moved earlier at random, so that sessions which began
                         together do not refresh together
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen

__all__ = [
    "Action",
    "Freshness",
    "Schedule",
    "action",
    "backoff_delay",
    "credentials_schedule",
    "freshness",
    "login_deadline",
    "outlives_failure",
    "relogin_at",
    "token_schedule",
    "wall_expiry",
]

_MAX_SKEW = 300.0  # a local clock further off than this is not consulted at all
_BACKOFF_CAP = 60.0
_BACKOFF_CAP_EXPIRED = 30.0


class Freshness(Enum):
    """How a value may be used now."""

    FRESH = "fresh"
    """Hand it out."""
    DUE = "due"
    """Hand it out and renew it."""
    CRITICAL = "critical"
    """Renew it first; hand it out only if that fails."""
    EXPIRED = "expired"
    """Renew it, or fail."""


class Action(Enum):
    """What somebody who asks for the value gets."""

    SERVE = "serve"
    """What is held, at once."""
    SERVE_AND_RENEW = "serve and renew"
    """What is held, at once; a renewal is started behind their back."""
    WAIT = "wait"
    """What a renewal brings; if that fails, as in `SETTLE`."""
    SETTLE = "settle"
    """What is held if it outlives the failure (`outlives_failure`), else the failure."""


@frozen(kw_only=True, weakref_slot=False)
class Schedule:
    """The four moments of one value's life.

    Attributes:
        refresh_at: On the boot clock; from here the value is due.
        hard_at: On the boot clock; from here callers wait for a new one.
        expires_at: On the boot clock; from here it is not handed out.
        expires_wall: The same moment on the local wall clock, or None where the
            local clock is too wrong to be asked.
        min_ttl: Seconds of life a value needs to be handed out after a failed renewal.
        lifetime: Seconds from the request that brought it to `expires_at`.
    """

    refresh_at: float
    hard_at: float
    expires_at: float
    expires_wall: float | None
    min_ttl: float
    lifetime: float = 0.0

    def expire(self) -> Schedule:
        """Return a schedule whose value is not to be handed out any more."""
        never = float("-inf")
        return Schedule(
            refresh_at=never,
            hard_at=never,
            expires_at=never,
            expires_wall=None,
            min_ttl=0.0,
            lifetime=self.lifetime,
        )


def freshness(schedule: Schedule, *, boot: float, wall: float) -> Freshness:
    """Say where in its life a value is. Expired when either clock says so."""
    if boot >= schedule.expires_at:
        return Freshness.EXPIRED
    if schedule.expires_wall is not None and wall >= schedule.expires_wall:
        return Freshness.EXPIRED
    if boot >= schedule.hard_at:
        return Freshness.CRITICAL
    if boot >= schedule.refresh_at:
        return Freshness.DUE
    return Freshness.FRESH


def action(state: Freshness, *, resting: bool) -> Action:
    """Say what somebody who asks gets, and whether a renewal begins.

    Args:
        state: See `freshness`; a value that does not exist counts as expired.
        resting: Whether the pause after a failure is not over yet.

    ============  ==================  ========
    state         otherwise           resting
    ============  ==================  ========
    fresh         serve               serve
    due           serve and renew     serve
    critical      wait                settle
    expired       wait                settle
    ============  ==================  ========
    """
    if state is Freshness.FRESH:
        return Action.SERVE
    if state is Freshness.DUE:
        return Action.SERVE if resting else Action.SERVE_AND_RENEW
    return Action.SETTLE if resting else Action.WAIT


def outlives_failure(schedule: Schedule, *, boot: float, wall: float) -> bool:
    """Say whether a value may be handed out although its renewal failed."""
    if freshness(schedule, boot=boot, wall=wall) is Freshness.EXPIRED:
        return False
    return schedule.expires_at - boot > schedule.min_ttl


def token_schedule(
    *,
    lifetime: float,
    sent: float,
    expires_wall: float | None,
    jitter: float,
    sessions: int = 1,
    quota: float = 120.0,
) -> Schedule:
    """Plan the refresh of a token.

    Args:
        lifetime: ``exp - iat`` of the token that ends first.
        sent: When the request that brought it left, on the boot clock.
        expires_wall: See `wall_expiry`.
        jitter: A number drawn from [0, 1), once for each token.
        sessions: How many sessions share the quota.
        quota: Refreshes a second the account may make (UserAuthentication, 120).

    One hour is refreshed after 42 to 48 minutes, five minutes after 3.5 to 4, two
    seconds after 1.0 to 1.2.
    """
    lead = min(_clamp(0.2 * lifetime, 60.0, 900.0), 0.4 * lifetime)
    hard = min(_clamp(0.05 * lifetime, 15.0, 60.0), 0.2 * lifetime)
    wanted = max(0.1 * lifetime, min(0.5 * lifetime, sessions / (0.5 * quota)))
    room = lifetime - lead - min(30.0, 0.1 * lifetime)
    spread = max(0.0, min(wanted, room))
    return Schedule(
        refresh_at=sent + lifetime - lead - jitter * spread,
        hard_at=sent + lifetime - hard,
        expires_at=sent + lifetime,
        expires_wall=expires_wall,
        min_ttl=min(10.0, 0.1 * lifetime),
        lifetime=lifetime,
    )


def credentials_schedule(
    *, lifetime: float, sent: float, expires_wall: float | None, jitter: float
) -> Schedule:
    """Plan the renewal of AWS credentials.

    Credentials of an identity pool live one hour and are due 10 to 15 minutes before
    their end; shorter ones keep the same proportions.
    """
    lead = min(900.0, 0.25 * lifetime)
    hard = min(60.0, 0.1 * lifetime)
    spread = min(300.0, lead / 3)
    return Schedule(
        refresh_at=sent + lifetime - lead + jitter * spread,
        hard_at=sent + lifetime - hard,
        expires_at=sent + lifetime,
        expires_wall=expires_wall,
        min_ttl=min(10.0, 0.1 * lifetime),
        lifetime=lifetime,
    )


def wall_expiry(
    *, issued_at: float, expires_at: float, sent: float, received: float
) -> float | None:
    """Translate a server's ``exp`` to the local wall clock.

    Args:
        issued_at: ``iat``, on the server's clock.
        expires_at: ``exp``, on the server's clock.
        sent: Local wall clock when the request left.
        received: Local wall clock when the answer was read.

    Returns:
        The local wall time of expiry, corrected by the skew seen in this answer, or
        None where the clocks differ by more than five minutes and the round trip: a
        clock that far off must not make every token look dead.
    """
    skew = issued_at - received
    if abs(skew) > _MAX_SKEW + max(0.0, received - sent):
        return None
    return expires_at - skew


def backoff_delay(*, failures: int, remaining: float, jitter: float) -> float:
    """Return the pause before the next attempt.

    Args:
        failures: Attempts that have failed in a row, at least 1.
        remaining: Seconds of life left; nothing or less means expired.
        jitter: A number drawn from [0, 1).
    """
    grown = 2.0 * 2.0 ** min(failures - 1, 10)
    longest = _BACKOFF_CAP_EXPIRED
    if remaining > 0:
        longest = min(_BACKOFF_CAP, max(2.0, remaining / 4))
    return (0.5 + 0.5 * jitter) * min(grown, longest)


def login_deadline(*, auth_time: float, validity: float) -> float:
    """Return when a refresh token ends whatever is done with it, on the service's clock.

    Rotation does not lengthen it: the new refresh token lives for what is left.

    Args:
        auth_time: The claim of that name: when the user signed in, on the service's clock.
        validity: Seconds the app client gives refresh tokens. The token is opaque, so
            this is configuration.
    """
    return auth_time + validity


def relogin_at(*, deadline: float, validity: float, jitter: float) -> float:
    """Return when to sign in again, or to ask the user to: a twentieth of the life early.

    At least ten minutes and at most a day before the end, and up to twice that, so that
    sessions which began together do not sign in together. The same clock as `deadline`.

    Args:
        deadline: See `login_deadline`.
        validity: As given there.
        jitter: A number drawn from [0, 1).
    """
    return deadline - _clamp(0.05 * validity, 600.0, 86_400.0) * (1.0 + jitter)


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))
