"""Two clocks: one that says what time it is, one that says how long it has been.

`wall` may jump (a person, NTP); `boot` never does and counts suspended time where
the platform can (`CLOCK_BOOTTIME`; `CLOCK_MONOTONIC` stops during suspend on
Linux, PEP 418). Everything that measures a life looks at `boot`; everything that
is compared with a server's `exp` looks at `wall`.
"""

from __future__ import annotations

import time
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
    def boot(self) -> float:
        return _boot()

    def wall(self) -> float:
        return time.time()


def _pick_boot_clock() -> int | None:
    return getattr(time, "CLOCK_BOOTTIME", None)


_BOOT_CLOCK = _pick_boot_clock()


def _boot() -> float:
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)


SYSTEM_CLOCK: Clock = _SystemClock()
