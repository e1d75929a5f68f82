"""How many calls a second, and when the next one may go: pure arithmetic.

Cognito counts requests a second for an account and region, by category, and refuses
what is above. A bucket stays below that by itself: it fills at four fifths of this
process's share and holds the last fifth as a burst, so that no second sees more than
the share. A refusal that comes all the same (others use the account too) slows it
down at once and it speeds up again little by little.

The quotas are the documented defaults (developer guide, "Quotas"); accounts may have more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import define, field

__all__ = ["CATEGORIES", "QUOTAS", "Bucket", "category_of", "half_of", "refreshes_needed"]

QUOTAS: Final[Mapping[str, float]] = {
    "UserAuthentication": 120.0,
    "ChallengeResponse": 360.0,  # what is above this is counted with UserAuthentication
    "UserToken": 120.0,
    "UserRead": 120.0,
    "UserUpdate": 25.0,
    "UserResourceUpdate": 25.0,
}

CATEGORIES: Final[Mapping[str, str]] = {
    "InitiateAuth": "UserAuthentication",
    "AdminInitiateAuth": "UserAuthentication",
    "GetTokensFromRefreshToken": "UserAuthentication",
    "RespondToAuthChallenge": "ChallengeResponse",
    "AdminRespondToAuthChallenge": "ChallengeResponse",
    "RevokeToken": "UserToken",
    "GetUser": "UserRead",
    "GlobalSignOut": "UserUpdate",
    "UpdateUserAttributes": "UserUpdate",
    "ConfirmDevice": "UserResourceUpdate",
    "AssociateSoftwareToken": "UserResourceUpdate",
    "VerifySoftwareToken": "UserResourceUpdate",
}

_USED = 0.8  # of the quota for the steady rate; the rest is the burst
_DECREASE = 0.7
_INCREASE = 0.5 / 120.0  # of the quota, each second: of 120 that is half a request a second
_SLOWEST = 0.05  # of the full rate
_ONE_STORM = 1.0  # seconds; refusals this close together are one


def category_of(operation: str) -> str | None:
    """Return the quota an operation counts against, or None if it is not watched here."""
    return CATEGORIES.get(operation)


def refreshes_needed(*, sessions: int, lifetime: float) -> float:
    """Return the refreshes a second that keep so many sessions fresh.

    Each is refreshed within the second half of its tokens' life, spread evenly.
    """
    return sessions / (0.5 * lifetime)


def half_of(quota: float) -> float:
    """Return what a plan may count on: half the quota; the rest is for what is not planned."""
    return 0.5 * quota


@define(eq=False, kw_only=True)
class Bucket:
    """Decides when the next call may go. Times are seconds on the boot clock.

    Args:
        quota: Requests a second this process may make.
        reserve: Share of the burst that only urgent calls may use.
    """

    quota: float
    reserve: float
    throttles: int = 0
    _rate: float = field(init=False)
    _level: float = field(init=False)
    _at: float | None = field(default=None, init=False)
    _closed_until: float = field(default=float("-inf"), init=False)
    _slowed_at: float = field(default=float("-inf"), init=False)

    def __attrs_post_init__(self) -> None:
        self._rate = self.full_rate
        self._level = self.burst

    @property
    def full_rate(self) -> float:
        """Requests a second while nobody refuses any."""
        return _USED * self.quota

    @property
    def burst(self) -> float:
        """Requests that may go at once after a pause; at least one."""
        return max(1.0, (1.0 - _USED) * self.quota)

    def rate(self, now: float) -> float:
        """Return the requests a second it allows now."""
        self._fill(now)
        return self._rate

    def take(self, now: float, *, urgent: bool) -> float:
        """Take one turn and return 0.0, or return the seconds until there may be one."""
        self._fill(now)
        if now < self._closed_until:
            return self._closed_until - now
        # A burst of one cannot be shared; there only the order of the queue counts.
        floor = 1.0 if urgent else min(1.0 + self.reserve * self.burst, self.burst)
        if self._level >= floor - 1e-9:
            self._level -= 1.0
            return 0.0
        return (floor - self._level) / self._rate

    def give_back(self) -> None:
        """Return a turn that was not used."""
        self._level = min(self.burst, self._level + 1.0)

    def slow_down(self, now: float, retry_after: float | None = None) -> None:
        """Take note that the service refused a call because there were too many.

        Args:
            now: The time.
            retry_after: Seconds it asked to wait, if it did.
        """
        self._fill(now)
        self.throttles += 1
        if retry_after is not None:
            self._closed_until = max(self._closed_until, now + retry_after)
        if now - self._slowed_at < _ONE_STORM:
            return
        self._slowed_at = now
        self._rate = max(_SLOWEST * self.full_rate, _DECREASE * self._rate)
        self._level = min(self._level, 0.0)

    def _fill(self, now: float) -> None:
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._level = min(self.burst, self._level + passed * self._rate)
        self._rate = min(self.full_rate, self._rate + _INCREASE * self.quota * passed)
