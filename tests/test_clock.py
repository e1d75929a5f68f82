from __future__ import annotations

import time

from aiocognito._clock import SYSTEM_CLOCK


def test_the_wall_clock_is_the_systems() -> None:
    assert abs(SYSTEM_CLOCK.wall() - time.time()) < 5


def test_the_boot_clock_never_goes_back() -> None:
    seen = [SYSTEM_CLOCK.boot() for _ in range(100)]
    assert seen == sorted(seen)
