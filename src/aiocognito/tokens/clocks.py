"""Two clocks compared with each other, and with the service's. Pure.

Nothing is done about what is seen here but to say so: tokens are measured on the boot
clock, and each of them decides for itself whether the wall clock may be asked.
"""

from __future__ import annotations

from attrs import define

__all__ = ["ClockWatch"]

_JUMP = 30.0  # seconds the wall clock may move against the boot clock between two looks
_MAX_SKEW = 300.0  # as in `freshness.wall_expiry`
_SAME_SKEW = 60.0


@define(eq=False)
class ClockWatch:
    """Remembers what the clocks showed, and says each thing once."""

    _last: tuple[float, float] | None = None
    _reported: float = 0.0

    def look(self, *, boot: float, wall: float) -> float | None:
        """Return by how much the wall clock has jumped since the last look, or None."""
        last, self._last = self._last, (boot, wall)
        if last is None:
            return None
        jump = (wall - last[1]) - (boot - last[0])
        return jump if abs(jump) > _JUMP else None

    def compare(self, *, service: float, sent: float, received: float) -> float | None:
        """Return the skew if it is too large and has not been reported yet, or None.

        Args:
            service: The service's clock in the answer.
            sent: The local wall clock when the request left.
            received: The same when the answer was read.
        """
        skew = service - received
        if abs(skew) <= _MAX_SKEW + max(0.0, received - sent):
            self._reported = 0.0
            return None
        if abs(skew - self._reported) <= _SAME_SKEW:
            return None
        self._reported = skew
        return skew
