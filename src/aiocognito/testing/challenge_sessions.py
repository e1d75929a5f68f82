"""Session strings: what ties a challenge's answer to its question.

A session belongs to one user, one client and one challenge. It survives a wrong
code, dies with the first success, and expires. The string itself says nothing; the
state stays here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from aiocognito.testing.claimants import Claimant
from aiocognito.testing.devices import NamedDevice
from aiocognito.testing.draws import Draws
from aiocognito.testing.service_errors import session_expired, session_spent, session_unknown

__all__ = ["ChallengeSession", "ChallengeSessions", "Round"]

_MOST = 10_000
_START = "AYABe"  # what people see at the start of real ones
_OCTETS = 1120  # about 1,500 characters, the size of real ones


@frozen
class Round:
    """One challenge of a custom sign-in and how it ended."""

    challenge: str
    right: bool
    metadata: str | None = None

    def event(self) -> dict[str, Any]:
        """Return it as triggers are told of it."""
        return {
            "challengeName": self.challenge,
            "challengeResult": self.right,
            "challengeMetadata": self.metadata,
        }


@frozen(kw_only=True)
class ChallengeSession:
    """What the pool remembers about one open challenge.

    Attributes:
        sub: The user's.
        challenge: The challenge's name.
        expires_at: On the boot clock.
        code: The code that was delivered for it, or None.
        choices: What may be chosen from.
        set_up: Whether MFA_SETUP has been done and only wants to be confirmed.
        first_factor: Whether the code is the first factor.
        address: The e-mail address that the right code makes the user's own.
        rounds: What a custom sign-in has gone through so far.
        private: What the creating trigger keeps for the verifying one.
        signed_challenge: What a passkey is to sign.
        nobody: Whom a name without a user pretends to be.
        device_key: The device that the conversation has named, or None.
    """

    sub: str
    client_id: str
    challenge: str
    expires_at: float
    code: str | None = field(default=None, repr=False)
    choices: tuple[str, ...] = ()
    set_up: bool = False
    first_factor: bool = False
    address: str | None = None
    rounds: tuple[Round, ...] = ()
    private: Mapping[str, str] = field(factory=dict, repr=False)
    signed_challenge: bytes | None = field(default=None, repr=False)
    nobody: Claimant | None = None
    device_key: str | None = None
    spent: bool = False


@define
class ChallengeSessions:
    """Every session of a pool, the oldest forgotten when there are too many."""

    _draws: Draws
    _named_device: NamedDevice = field(factory=NamedDevice)
    _kept: OrderedDict[bytes, ChallengeSession] = field(factory=OrderedDict, init=False, repr=False)

    def open(self, session: ChallengeSession) -> str:
        """Remember a session and return its string, 20 to 4096 characters."""
        text = self._draws.opaque(_OCTETS, start=_START)
        named = self._named_device.key or session.device_key
        self._kept[_digest(text)] = evolve(session, device_key=named)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return text

    def find(self, text: str, now: float, *, client_id: str | None = None) -> ChallengeSession:
        """Return an open session.

        Args:
            client_id: The caller's, where the call names one.

        Raises:
            PoolError: ``NotAuthorizedException``, saying whether the session is
                unknown (or another client's), spent, or expired.
        """
        session = self._kept.get(_digest(text))
        if session is None or client_id not in (None, session.client_id):
            raise session_unknown()
        if session.spent:
            raise session_spent()
        if now >= session.expires_at:
            raise session_expired()
        return session

    def spend(self, text: str) -> None:
        """End a session. Its string is remembered, so that its reuse can be named."""
        digest = _digest(text)
        self._kept[digest] = evolve(self._kept[digest], spent=True, code=None)


def _digest(text: str) -> bytes:
    # Not the string itself: no comparison of secrets, and a tenth of the memory.
    return hashlib.sha256(text.encode()).digest()
