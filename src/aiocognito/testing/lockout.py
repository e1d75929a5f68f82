"""Wrong passwords make a user wait (developer guide, "Lockout behavior").

After five failures the user is locked for one second; each further failure doubles
that, up to about fifteen minutes. Attempts during the lock do not count. A success
or fifteen idle minutes forget everything.
"""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field

from aiocognito.testing.service_errors import attempts_exceeded

__all__ = ["Lockout"]

FREE_FAILURES = 5
LONGEST = 15 * 60.0  # seconds, both of a lock and of remembering
_MOST_NAMES = 10_000  # names that exist nowhere are counted too, so they are bounded


@define
class _Record:
    failures: int
    last: float

    @property
    def locked_until(self) -> float:
        if self.failures < FREE_FAILURES:
            return self.last
        doublings = min(self.failures - FREE_FAILURES, 10)  # 2**10 s is past the longest
        return self.last + min(2.0**doublings, LONGEST)


@define
class Lockout:
    """Failures per user, by the boot clock.

    The key is any stable name of the claimed user. Users who do not exist are
    counted as well: a lock that only real users get would tell them apart.
    """

    _records: OrderedDict[str, _Record] = field(factory=OrderedDict, repr=False)

    def refuse_if_locked(self, key: str, now: float) -> None:
        """Let an attempt through.

        Raises:
            PoolError: ``NotAuthorizedException``, "Password attempts exceeded".
        """
        record = self._current(key, now)
        if record is not None and now < record.locked_until:
            raise attempts_exceeded()

    def failed(self, key: str, now: float) -> None:
        """Count one wrong password."""
        record = self._current(key, now)
        failures = record.failures if record is not None else 0
        self._records[key] = _Record(failures + 1, now)
        self._records.move_to_end(key)
        while len(self._records) > _MOST_NAMES:
            self._records.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a user."""
        self._records.pop(key, None)

    def _current(self, key: str, now: float) -> _Record | None:
        record = self._records.get(key)
        if record is not None and now - max(record.last, record.locked_until) >= LONGEST:
            del self._records[key]
            return None
        return record
