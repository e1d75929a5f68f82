"""When to look at whom: a heap of sessions by the time of their next refresh.

Entries are changed by leaving them and pushing another. One counts only while its time
is the very object its member names; the others are cleared away when they are the most.
"""

from __future__ import annotations

import heapq

from aiocognito._roster import Member

__all__ = ["Agenda"]

_FEW = 64  # entries that do not count are not worth clearing away


class Agenda:
    """Times and members; the next one is found at once, changing one is cheap."""

    __slots__ = ("_heap", "_stale")

    def __init__(self) -> None:
        self._heap: list[tuple[float, Member]] = []
        self._stale = 0

    def __len__(self) -> int:
        """How many members are planned."""
        return len(self._heap) - self._stale

    @property
    def entries(self) -> int:
        """How many entries there are, those that do not count included."""
        return len(self._heap)

    def put(self, member: Member, when: float | None) -> None:
        """Look at a member at that time, and at no other; None: not at all."""
        if when == member.when:
            return
        if member.when is not None:
            self._stale += 1
        member.when = when
        if when is not None:
            heapq.heappush(self._heap, (when, member))
        if self._stale > _FEW and 2 * self._stale > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[1].when is entry[0]]
            heapq.heapify(self._heap)
            self._stale = 0

    def lose(self, member: Member) -> None:
        """Forget a member whose session is gone.

        Called by the garbage collector, in any thread and between any two steps of what
        is written here; so nothing is moved.
        """
        if member.when is not None:
            member.when = None
            self._stale += 1

    def next_at(self) -> float | None:
        """Return when to look again, perhaps in vain; None: there is nothing to look for."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Member | None:
        """Take out and return the first whose time has come, if there is one."""
        while self._heap and self._heap[0][0] <= now:
            when, member = heapq.heappop(self._heap)
            if member.when is when:
                member.when = None
                return member
            self._stale -= 1
        return None
