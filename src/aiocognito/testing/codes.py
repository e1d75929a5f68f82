"""Codes that were sent to people, and how often they may be asked for and tried.

Guide: a code for signing up or for an attribute lives a day, one for a forgotten password
an hour; a newer one replaces the older. Quotas per user and hour: developer guide,
"Quotas in Amazon Cognito".
"""

from __future__ import annotations

import hmac
from collections import OrderedDict

from attrs import define, field, frozen

from aiocognito.testing.service_errors import (
    attempt_limit_exceeded,
    code_expired,
    verification_mismatch,
)

__all__ = ["AttemptLimits", "SentCode", "VerificationCodes"]

DAY = 86_400.0
HOUR = 3_600.0

_PER_HOUR = {
    "ResendConfirmationCode": 5,
    "ConfirmSignUp": 15,
    "GetUserAttributeVerificationCode": 5,
    "VerifyUserAttribute": 15,
    # Forgotten passwords: 5 to 20 by risk for both calls together; nobody is risky here.
    "recovery": 20,
}
_MOST = 10_000  # names that exist nowhere are counted too, so they are bounded


@frozen(kw_only=True)
class SentCode:
    """A code that waits to be entered.

    Attributes:
        attribute: Which address it went to: ``email`` or ``phone_number``.
        expires_at: On the boot clock.
    """

    text: str = field(repr=False)
    attribute: str
    expires_at: float


@define
class VerificationCodes:
    """The newest code for each user and purpose."""

    _sent: dict[tuple[str, str], SentCode] = field(factory=dict, init=False, repr=False)

    def keep(self, sub: str, purpose: str, code: SentCode) -> None:
        """Remember a code; an earlier one for the same purpose is void."""
        self._sent[sub, purpose] = code

    def check(self, sub: str, purpose: str, text: str, now: float) -> SentCode:
        """Return the code that was sent, if this is it. It stays good until `drop`.

        Raises:
            PoolError: ``CodeMismatchException``, or ``ExpiredCodeException`` where none
                was sent or it is too old.
        """
        sent = self._sent.get((sub, purpose))
        if sent is None or now >= sent.expires_at:
            raise code_expired()
        if not hmac.compare_digest(sent.text.encode(), text.encode()):
            raise verification_mismatch()
        return sent

    def drop(self, sub: str, purpose: str) -> None:
        """Forget a code that was used, or means nothing any more."""
        self._sent.pop((sub, purpose), None)

    def forget(self, sub: str) -> None:
        """Forget every code of a user."""
        for key in [key for key in self._sent if key[0] == sub]:
            del self._sent[key]


@define
class AttemptLimits:
    """How often within the last hour, per user and action."""

    _times: OrderedDict[tuple[str, str], list[float]] = field(
        factory=OrderedDict, init=False, repr=False
    )

    def spend(self, key: str, action: str, now: float) -> None:
        """Count one attempt.

        Raises:
            PoolError: ``LimitExceededException``; it is not counted then.
        """
        recent = [moment for moment in self._times.get((key, action), ()) if now - moment < HOUR]
        if len(recent) >= _PER_HOUR[action]:
            raise attempt_limit_exceeded()
        self._times[key, action] = [*recent, now]
        self._times.move_to_end((key, action))
        while len(self._times) > _MOST:
            self._times.popitem(last=False)
