"""Who is due, and who goes next: the refreshes that share one quota."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import current_token

from aiocognito._agenda import Agenda
from aiocognito._clock import Clock
from aiocognito._limiter import Limiter, Rank
from aiocognito._roster import AnyRenewal, Member, Roster
from aiocognito.events import QuotaShort
from aiocognito.tokens.quota import half_of, refreshes_needed

__all__ = ["Crew", "Desk", "Lane"]

_log = logging.getLogger("aiocognito")

_WORSE = 1.5


class Crew:
    """The task group a scheduler runs in, while it runs, and what all of its parts share.

    Attributes:
        clock: Where the time comes from.
        idle_after: Seconds after which an unused session lapses; None: one token's life.
        earlier: Called with a time that the agenda's sleeper may have to wake up for.
    """

    def __init__(
        self, clock: Clock, idle_after: float | None, earlier: Callable[[float], None]
    ) -> None:
        self.clock = clock
        self.idle_after = idle_after
        self.agenda = Agenda()
        self.earlier = earlier
        self.group: TaskGroup | None = None
        self._home: object | None = None

    def begin(self, group: TaskGroup) -> None:
        self.group, self._home = group, current_token().native_token

    def end(self) -> None:
        self.group = self._home = None

    @property
    def is_here(self) -> bool:
        """Whether it works on the event loop of the caller."""
        return self._home is not None and self._home is current_token().native_token

    def fly(self, renewal: AnyRenewal, flight: Callable[[], Awaitable[None]]) -> None:
        assert self.group is not None
        if not renewal.protected.start(flight):
            self.group.start_soon(partial(renewal.protected.run, flight))


class Lane:
    """The refreshes of one region: who is due, and one task that lets them go in turn."""

    def __init__(self, crew: Crew, limiter: Limiter) -> None:
        self.limiter = limiter
        self.rosters: list[Roster] = []
        self._crew = crew
        self._ready: list[tuple[float, Member]] = []
        self._bell: anyio.Event | None = None
        self._turn: anyio.CancelScope | None = None  # around the wait for a turn
        self._is_served = False  # whether `dispatch` runs

    @property
    def sessions(self) -> int:
        return sum(len(roster.members) for roster in self.rosters)

    @property
    def waiting(self) -> int:
        return len(self._ready) + self.limiter.waiting

    @property
    def rate(self) -> float:
        return self.limiter.bucket.rate(self._crew.clock.boot())

    def expected_wait(self) -> float:
        return (self.waiting + 1) / self.rate

    def queue(self, member: Member, expires_at: float) -> None:
        """Let a member's renewal go when its turn comes. On the scheduler's own loop only."""
        if not self._is_served and self._crew.group is not None:
            self._is_served = True
            self._crew.group.start_soon(self.dispatch)
        if member.queued:
            return
        member.queued = True
        heapq.heappush(self._ready, (expires_at, member))
        if self._bell is not None:
            self._bell.set()
        if self._turn is not None and self._ready[0][1] is member:
            self._turn.cancel()  # it may be more urgent than what the turn is for

    async def dispatch(self) -> None:
        """Let them go while the scheduler runs: the token that ends first comes first."""
        while self._crew.group is not None:
            if not self._ready:
                self._bell = anyio.Event()
                await self._bell.wait()
                self._bell = None
            expires_at, member = self._ready[0]
            relaxed_for = self._relaxed_for(member)
            rank = Rank.REFRESH_AHEAD if relaxed_for else Rank.REFRESH_NOW
            with anyio.move_on_after(relaxed_for or None) as self._turn:
                await self.limiter.turn(rank, by=expires_at)
                self._turn = None
                self._let_one_go()

    def _relaxed_for(self, member: Member) -> float:
        """Return the seconds until somebody may have to wait for it; 0.0: that is now."""
        renewal = member()
        if renewal is None or renewal.schedule is None:
            return 0.0
        return max(0.0, renewal.schedule.hard_at - self._crew.clock.boot())

    def _let_one_go(self) -> None:
        """Fly the one that ends first; some have been flown or forgotten meanwhile."""
        while self._ready and self._crew.group is not None:  # else it has ended meanwhile
            _, member = heapq.heappop(self._ready)
            member.queued = False
            renewal = member()
            flight = None if renewal is None else renewal.departure()
            if renewal is not None and flight is not None:
                self._crew.fly(renewal, flight)
                return
        self.limiter.bucket.give_back()

    def call_off(self) -> None:
        """Leave what is due to those who wait for it; plan it again for the next run."""
        ready, self._ready = self._ready, []
        self._bell = self._turn = None
        self._is_served = False
        for _, member in ready:
            member.queued = False
            renewal = member()
            if renewal is not None:
                renewal.call_off()
                member.changed()


class Desk:
    """A scheduler's side of one pool; fulfils `_roster.Planner`."""

    __slots__ = ("_crew", "_lane", "_roster", "_said_short")

    def __init__(self, crew: Crew, lane: Lane, roster: Roster) -> None:
        self._crew = crew
        self._lane = lane
        self._roster = roster
        self._said_short = 0.0

    def plan(self, member: Member) -> None:
        renewal = member()
        when = None if renewal is None else self._next_look(renewal)
        self._crew.agenda.put(member, when)
        if when is not None:
            self._crew.earlier(when)

    def _next_look(self, renewal: AnyRenewal) -> float | None:
        schedule = renewal.schedule
        if schedule is None or not renewal.may_mend or schedule.refresh_at == float("-inf"):
            return None  # whoever asks next sees to it
        rest = renewal.resting_until
        if rest is not None and rest > schedule.refresh_at:
            return rest
        self._check_quota(schedule.lifetime)
        return schedule.refresh_at

    def lost(self, member: Member) -> None:
        self._crew.agenda.lose(member)

    def came_due(self, member: Member, now: float) -> None:
        renewal = member()
        if renewal is None or renewal.schedule is None:
            return
        idle_after = self._crew.idle_after
        if idle_after is None:
            idle_after = renewal.schedule.lifetime
        if now - renewal.used_at > idle_after:
            self._roster.counters.lapses += 1
        else:
            self._lane.queue(member, renewal.schedule.expires_at)

    def takes_over(self, member: Member) -> bool:
        if not self._crew.is_here:
            return False
        renewal = member()
        schedule = None if renewal is None else renewal.schedule
        self._lane.queue(member, float("-inf") if schedule is None else schedule.expires_at)
        return True

    async def turn(self, by: float) -> None:
        await self._lane.limiter.turn(Rank.REFRESH_NOW, by=by)

    def expected_wait(self) -> float:
        return self._lane.expected_wait()

    def spread(self) -> tuple[int, float]:
        return max(1, self._lane.sessions), self._lane.limiter.bucket.quota

    def _check_quota(self, lifetime: float) -> None:
        sessions = self._lane.sessions
        needed = refreshes_needed(sessions=sessions, lifetime=lifetime)
        available = half_of(self._lane.limiter.bucket.quota)
        if needed <= available or needed < _WORSE * self._said_short:
            return
        self._said_short = needed
        _log.warning(
            "%d sessions with tokens of %d seconds take %.1f refreshes a second of %.1f.",
            sessions,
            lifetime,
            needed,
            available,
        )
        self._roster.observe(
            QuotaShort(sessions=sessions, lifetime=lifetime, needed=needed, available=available)
        )
