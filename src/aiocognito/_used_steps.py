"""Which codes of an authenticator were used: each one counts once.

A code stands for half a minute, a *step*: Unix time divided by 30 (RFC 6238). The service
takes each code once, so all who hold one secret have to agree on who uses which step.
Within a process they do by themselves; between processes they need somebody to ask.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from typing import Protocol

__all__ = ["SHARED", "MemorySteps", "UsedSteps", "authenticator_name", "step_after"]

_MOST = 10_000
# Further ahead nobody waits: the clock was wrong when that step was claimed.
_AHEAD = 40


def step_after(last: int, earliest: int) -> int:
    """Return the first step that is free where `last` was the last one claimed."""
    return last + 1 if earliest <= last <= earliest + _AHEAD else earliest


class UsedSteps(Protocol):
    """Where workers that share an authenticator agree on who uses which code.

    For `responders.totp`. `stores.StoredSteps` does it with any store that the workers
    share. Something like a Redis script fulfils it too: keep the last step per
    authenticator, for a few minutes.
    """

    async def claim(self, authenticator: str, earliest: int) -> int:
        """Claim the first step that nobody has claimed, and return it.

        Reading and writing it is one atomic action: no step is given out twice.

        Args:
            authenticator: Names the secret without giving it away; the same in every
                process. 32 hexadecimal digits.
            earliest: The first step of interest, the present one as a rule.
        """
        ...


class MemorySteps:
    """Fulfils `UsedSteps` within one process, on any number of threads and loops."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    async def claim(self, authenticator: str, earliest: int) -> int:
        """See `UsedSteps.claim`. Never waits."""
        with self._lock:
            step = step_after(self._last.pop(authenticator, -1), earliest)
            self._last[authenticator] = step
            if len(self._last) > _MOST:
                self._last.popitem(last=False)
            return step


SHARED = MemorySteps()
"""What the whole process agrees on, on the system's clock."""


def authenticator_name(secret: bytes) -> str:
    """Return a name for a secret that nobody can make the secret from."""
    return hmac.digest(secret, b"aiocognito: steps of an authenticator", hashlib.sha256).hex()[:32]
