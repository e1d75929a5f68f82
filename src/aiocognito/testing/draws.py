"""Random things in the shapes Cognito gives them, all drawn from one source."""

from __future__ import annotations

import base64
import string
import uuid
from collections.abc import Callable

from attrs import frozen

__all__ = ["Draws", "Entropy"]

Entropy = Callable[[int], bytes]

_LOWER = string.ascii_lowercase + string.digits


@frozen
class Draws:
    """The pool's dice.

    Attributes:
        entropy: Returns that many random bytes.
    """

    entropy: Entropy

    def octets(self, count: int) -> bytes:
        """Return random bytes."""
        return self.entropy(count)

    def number(self, bits: int) -> int:
        """Return a number of at most `bits` bits (a multiple of eight), never zero."""
        return int.from_bytes(self.entropy(bits // 8), "big") or 1

    def uuid(self) -> str:
        """Return something UUID-shaped; Cognito's carry no RFC 9562 version either."""
        return str(uuid.UUID(bytes=self.entropy(16)))

    def digits(self, count: int) -> str:
        """Return a code of decimal digits, leading zeros included."""
        # Sixteen bytes for six digits: the remainder's bias is far below anything
        # a test or an attacker could see.
        return f"{int.from_bytes(self.entropy(16), 'big') % 10**count:0{count}d}"

    def name(self, count: int) -> str:
        """Return lower-case letters and digits, the shape of a client id."""
        raw = self.entropy(2 * count)
        pairs = (raw[i] << 8 | raw[i + 1] for i in range(0, len(raw), 2))
        return "".join(_LOWER[pair % len(_LOWER)] for pair in pairs)

    def opaque(self, octets: int, *, start: str = "") -> str:
        """Return URL-safe base64 of random bytes behind a fixed beginning."""
        body = base64.urlsafe_b64encode(self.entropy(octets)).rstrip(b"=").decode("ascii")
        return start + body
