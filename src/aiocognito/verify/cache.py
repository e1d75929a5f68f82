"""What a verifier remembers: the pool's keys and, on request, tokens it has checked.

Bookkeeping only. Nothing here waits, fetches or looks at a clock; times are seconds on
the boot clock, which never jumps.

::

    read          SOFT_TTL (1 h)             HARD_TTL (24 h)
     │  use the keys  │ use them, read again behind │ no keys: read first
     └────────────────┴─────────────────────────────┴──────────────────▶

A key set is read at most once per `COOL_DOWN` while there is one to use, whatever is
asked for, and after failures ever less often, so that neither a flood of invented key
ids nor an outage turns into a flood of requests (jose and aws-jwt-verify hold off in
the same manner).
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from aiocognito.tokens.claims import Claims
from aiocognito.verify.jwk import KeySet

__all__ = ["COOL_DOWN", "HARD_TTL", "MISSING_TTL", "SOFT_TTL", "KeyCache", "TokenCache"]

SOFT_TTL = 3600.0
HARD_TTL = 24 * 3600.0
COOL_DOWN = 30.0
MISSING_TTL = 60.0
"""Seconds for which a key id that was not in the set is not asked for again."""

_MAX_MISSING = 256
_LONGEST_PAUSE = 60.0
_NEVER = float("-inf")


class KeyCache:
    """The last good key set, and when the next reading is allowed.

    A reading begins with `begin` and ends with exactly one of `accept`, `fail` and
    `abandon`.
    """

    __slots__ = ("_failures", "_keys", "_missing", "_next_reading", "_read_at")

    def __init__(self) -> None:
        self._keys = KeySet({})
        self._read_at = _NEVER
        self._next_reading = _NEVER
        self._failures = 0
        self._missing: OrderedDict[str, float] = OrderedDict()

    def find(self, kid: str, now: float) -> RSAPublicKey | None:
        """Return a key of the pool; None where it is unknown or the set too old."""
        return self._keys.key(kid) if now - self._read_at < HARD_TTL else None

    def is_usable(self, now: float) -> bool:
        """Tell whether there is a set that may still be used."""
        return now - self._read_at < HARD_TTL

    def is_stale(self, now: float) -> bool:
        """Tell whether the set should be read again, if that is allowed."""
        return now - self._read_at >= SOFT_TTL

    def may_read(self, now: float) -> bool:
        """Tell whether the hold-off after the last reading is over."""
        return now >= self._next_reading

    def begin(self, now: float) -> None:
        """Note that a reading starts; until it is accepted it counts as a failure."""
        pause = min(2.0**self._failures, _LONGEST_PAUSE)
        self._next_reading = now + (max(pause, COOL_DOWN) if self.is_usable(now) else pause)

    def accept(self, keys: KeySet, now: float) -> None:
        """Take a new set into use."""
        self._keys = keys
        self._read_at = now
        self._next_reading = now + COOL_DOWN
        self._failures = 0

    def fail(self) -> None:
        """Note that a reading failed; the old set stays."""
        self._failures = min(self._failures + 1, 10)

    def abandon(self, now: float) -> None:
        """Note that nobody waited for a reading to end.

        Not a failure: who has no keys at all may try again at once. With keys in hand
        the cool-down stays, or callers that give up early could get around it.
        """
        if not self.is_usable(now):
            self._next_reading = _NEVER

    def note_missing(self, kid: str, now: float) -> None:
        """Remember that the set, just read, has no such key."""
        self._missing[kid] = now + MISSING_TTL
        self._missing.move_to_end(kid)
        if len(self._missing) > _MAX_MISSING:
            self._missing.popitem(last=False)

    def is_missing(self, kid: str, now: float) -> bool:
        """Tell whether the key was looked for a moment ago and is not there."""
        return now < self._missing.get(kid, _NEVER)


class TokenCache:
    """Claims of tokens whose signature was checked, least recently used out first.

    Tokens are kept as SHA-256 digests. Only the signature is remembered: time, client
    and the rest are looked at anew each time, so an entry cannot outlive ``exp``. Nor
    does it outlive the key set: keys that were read again are other objects.
    """

    __slots__ = ("_entries", "_size")

    def __init__(self, size: int) -> None:
        self._entries: OrderedDict[bytes, tuple[RSAPublicKey, Claims]] = OrderedDict()
        self._size = size

    def get(self, token: str, key: RSAPublicKey) -> Claims | None:
        """Return the claims of a token seen before with this key. It must be ASCII."""
        digest = _digest(token)
        seen_with, claims = self._entries.get(digest, (None, None))
        if seen_with is not key:
            return None
        self._entries.move_to_end(digest)
        return claims

    def put(self, token: str, key: RSAPublicKey, claims: Claims) -> None:
        """Remember a token that passed every check."""
        self._entries[_digest(token)] = (key, claims)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii")).digest()
