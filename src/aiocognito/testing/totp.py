"""One-time passwords from an authenticator (RFC 6238), each of them good once.

As Cognito has them: HMAC-SHA1, six digits, steps of 30 seconds counted from the
epoch; one step of drift is forgiven in either direction.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator

from attrs import define, field

from aiocognito.errors import InvalidArgument
from aiocognito.testing.service_errors import totp_mismatch, totp_used

__all__ = ["SoftwareToken", "code_at", "new_secret"]

STEP = 30  # seconds
_DRIFT = 1  # steps
_SECRET_BYTES = 32  # 52 base32 characters, the length people have seen


def new_secret(entropy: bytes) -> str:
    """Write 32 random bytes as base32 without padding, the form of ``SecretCode``."""
    return base64.b32encode(entropy[:_SECRET_BYTES]).decode("ascii").rstrip("=")


def code_at(secret: str, step: int) -> str:
    """Return the six digits of one step. `secret` is base32, padding optional."""
    key = _decode(secret)
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F  # RFC 4226 §5.3, dynamic truncation
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 1_000_000:06d}"


@define
class SoftwareToken:
    """A user's authenticator as the pool sees it.

    Attributes:
        secret: Base32, at least 16 letters and digits.
        friendly_name: What the user calls it, or None.
    """

    secret: str = field(repr=False)
    friendly_name: str | None = None
    _used: set[int] = field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if len(self.secret) < 16:
            raise InvalidArgument("totp", "at least 16 characters of base32")
        _decode(self.secret)

    def matching_step(self, code: str, now: float) -> int:
        """Find the unused step that a code belongs to; `use` it once all else is right.

        Args:
            code: What the user typed.
            now: Wall-clock seconds since the epoch.

        Raises:
            PoolError: ``CodeMismatchException`` for a wrong code,
                ``ExpiredCodeException`` for a right one that was used before.
        """
        given = code.encode("utf-8", "surrogatepass")
        matching = [
            step
            for step in _window(now)
            if hmac.compare_digest(code_at(self.secret, step).encode("ascii"), given)
        ]
        if not matching:
            raise totp_mismatch()
        fresh = [step for step in matching if step not in self._used]
        if not fresh:
            raise totp_used()
        return fresh[0]

    def use(self, step: int) -> None:
        """Spend a step's code for good: a wall clock set back brings no code back."""
        self._used.add(step)

    def unused_code(self, now: float) -> str:
        """Return a code that would be accepted now.

        Raises:
            LookupError: Every code of the window is spent; let 30 seconds pass.
        """
        this = int(now // STEP)
        for step in (this, this + 1, this - 1):
            if step not in self._used:
                return code_at(self.secret, step)
        raise LookupError("every TOTP code of this moment is used; advance the clock by 30 s")


def _window(now: float) -> Iterator[int]:
    this = int(now // STEP)
    return iter(range(max(0, this - _DRIFT), this + _DRIFT + 1))


def _decode(secret: str) -> bytes:
    padded = secret.upper().rstrip("=")
    padded += "=" * (-len(padded) % 8)
    try:
        return base64.b32decode(padded)
    except ValueError:
        raise InvalidArgument("totp", "base32 letters and digits") from None
