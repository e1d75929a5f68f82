"""A clock that moves only when told to."""

from __future__ import annotations

import threading

from aiocognito.errors import InvalidArgument

__all__ = ["ManualClock"]


class ManualClock:
    """Both clocks of the library in your hand; fulfils `aiocognito._clock.Clock`.

    Give the same one to a local pool and to the client under test and hours pass
    in no time. Reading and moving are safe from several threads.

    Args:
        wall: Seconds since the epoch at which the wall clock starts.
        boot: Seconds at which the boot clock starts; an arbitrary number.
    """

    def __init__(self, wall: float = 1_700_000_000.0, *, boot: float = 1_000.0) -> None:
        self._lock = threading.Lock()
        self._wall = float(wall)
        self._boot = float(boot)

    def boot(self) -> float:
        """Return seconds since an arbitrary start; only `advance` moves it."""
        with self._lock:
            return self._boot

    def wall(self) -> float:
        """Return seconds since the epoch, UTC."""
        with self._lock:
            return self._wall

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks.

        Raises:
            InvalidArgument: `seconds` is negative. Only the wall clock goes back.
        """
        if not seconds >= 0:
            raise InvalidArgument("seconds", "zero or more; use jump() to set the clock back")
        with self._lock:
            self._wall += seconds
            self._boot += seconds

    def jump(self, wall_seconds: float) -> None:
        """Set the wall clock by that much, forward or back, as NTP or a person does.

        No time passes: the boot clock stays.
        """
        with self._lock:
            self._wall += wall_seconds

    def __repr__(self) -> str:
        return f"ManualClock(wall={self.wall()!r}, boot={self.boot()!r})"
