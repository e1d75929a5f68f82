"""Two clocks: one that says what time it is, one that says how long it has been.

`wall` may jump (a person, NTP); `boot` never does and counts suspended time where
the platform can (`CLOCK_BOOTTIME`; `CLOCK_MONOTONIC` stops during suspend on
Linux, PEP 418). Everything that measures a life looks at `boot`; everything that
is compared with a server's `exp` looks at `wall`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

__all__ = ["SYSTEM_CLOCK", "Clock"]


class Clock(Protocol):
    """Where the library reads the time. Seconds as `float` in both methods."""

    def boot(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""
        ...

    def wall(self) -> float:
        """Return seconds since the epoch, UTC; may jump."""
        ...


class _SystemClock:
    """Reads the system's clocks. A fresh token asks both, so nothing stands between."""

    def __init__(self) -> None:
        self.wall: Callable[[], float] = time.time
        # CLOCK_BOOTTIME is Linux's; elsewhere the monotonic clock has to do.
        boottime = getattr(time, "CLOCK_BOOTTIME", None)
        self.boot: Callable[[], float] = (
            time.monotonic if boottime is None else partial(time.clock_gettime, boottime)
        )

    def __repr__(self) -> str:
        return "SYSTEM_CLOCK"  # as signatures and their documentation show it


SYSTEM_CLOCK: Clock = _SystemClock()
