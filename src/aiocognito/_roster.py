"""Who is alive: the sessions of one pool, held weakly, and what happened to them.

A session that nobody holds any more is not on the list; it costs nothing. What is on the
list costs a weak reference with a few slots, and no lock, event or task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakSet, ref

import anyio
from attrs import define

from aiocognito._clock import Clock
from aiocognito._refresh import Renewal
from aiocognito.events import (
    ClockSkewed,
    Event,
    RefreshFailing,
    SessionEnded,
    TimeJumped,
    TokensChanged,
)
from aiocognito.tokens.clocks import ClockWatch

__all__ = ["Counters", "Member", "Planner", "Roster"]

AnyRenewal = Renewal[Any]


@define
class Counters:
    """What has happened since the pool was made."""

    sign_ins: int = 0
    refreshes: int = 0
    failures: int = 0
    throttles: int = 0
    ends: int = 0
    lapses: int = 0
    last_success: float | None = None  # on the boot clock


class Planner(Protocol):
    """A scheduler's side of a pool: one quota's worth of sessions."""

    def plan(self, member: Member) -> None:
        """Take note of a member's new value, failure or loss."""
        ...

    def lost(self, member: Member) -> None:
        """Take note that a member's session is gone."""
        ...

    def came_due(self, member: Member, now: float) -> None:
        """Take note that a member's time has come."""
        ...

    def takes_over(self, member: Member) -> bool:
        """Fly the member's renewal in its turn; False: nothing runs that could."""
        ...

    async def turn(self, by: float) -> None:
        """Wait for a turn, for what is flown without the scheduler."""
        ...

    def expected_wait(self) -> float:
        """Return about how many seconds a turn takes to come."""
        ...

    def spread(self) -> tuple[int, float]:
        """Return how many sessions share which quota."""
        ...


class Member(ref[AnyRenewal]):
    """One session on the list: a weak reference that is also its renewal's agent.

    Attributes:
        when: When the scheduler looks at it next, on the boot clock; None: it does not.
        queued: Whether it waits for its turn.
    """

    __slots__ = ("queued", "roster", "when")

    def __new__(cls, renewal: AnyRenewal, roster: Roster) -> Member:
        return super().__new__(cls, renewal, roster.forget)

    def __init__(self, renewal: AnyRenewal, roster: Roster) -> None:
        self.roster: Roster = roster
        self.when: float | None = None
        self.queued: bool = False

    def __lt__(self, other: Member) -> bool:
        return id(self) < id(other)  # for heaps, where two times are equal

    # By identity: a reference otherwise compares what it refers to.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    def changed(self) -> None:
        if self.roster.planner is not None:
            self.roster.planner.plan(self)

    def takes_over(self) -> bool:
        return self.roster.planner is not None and self.roster.planner.takes_over(self)

    async def turn(self) -> None:
        planner, renewal = self.roster.planner, self()
        if planner is None or renewal is None:
            return
        schedule = renewal.schedule
        del renewal  # whoever waits holds it; this frame must not
        await planner.turn(float("-inf") if schedule is None else schedule.expires_at)

    def expected_wait(self) -> float:
        return 0.0 if self.roster.planner is None else self.roster.planner.expected_wait()


class Roster:
    """The sessions of one pool.

    Args:
        clock: Where the time comes from.
        observe: Told of what the clocks do.

    Attributes:
        planner: The scheduler's side of this pool, or None.
    """

    def __init__(self, clock: Clock, observe: Callable[[Event], None]) -> None:
        self.clock = clock
        self.observe = observe
        self.planner: Planner | None = None
        self.members: set[Member] = set()
        self.counters: Counters = Counters()
        self.forget: Callable[[ref[AnyRenewal]], None] = self._forget  # made once
        self._watch = ClockWatch()
        self._turns: WeakSet[anyio.CancelScope] = WeakSet()
        self._disbanded = False

    def enrol(self, renewal: AnyRenewal) -> None:
        """Put a session on the list and see to its renewals from now on."""
        member = Member(renewal, self)
        self.members.add(member)
        renewal.employ(member)

    def dismiss(self, renewal: AnyRenewal) -> None:
        """Take a session off the list: it was signed out."""
        if isinstance(renewal.agent, Member):
            self._forget(renewal.agent)
            renewal.employ(None)

    def spread(self) -> tuple[int, float]:
        """Return how many sessions share how many calls a second, for `token_schedule`."""
        return (1, 120.0) if self.planner is None else self.planner.spread()

    def count(self, event: Event) -> None:
        """Take note of what an observer hears."""
        counters = self.counters
        match event:
            case TokensChanged(reason="sign-in"):
                counters.sign_ins += 1
                counters.last_success = self.clock.boot()
            case TokensChanged():
                counters.refreshes += 1
                counters.last_success = self.clock.boot()
            case RefreshFailing(what="tokens"):
                counters.failures += 1
            case SessionEnded():
                counters.ends += 1
            case _:
                pass

    def look_at_clocks(self) -> None:
        """Notice whether the clocks still agree with each other."""
        jump = self._watch.look(boot=self.clock.boot(), wall=self.clock.wall())
        if jump is not None:
            self.observe(TimeJumped(kind="clock-set", seconds=jump))

    def compare_clocks(self, *, service: float, sent: float, received: float) -> None:
        """Notice whether the local clock agrees with the service's."""
        skew = self._watch.compare(service=service, sent=sent, received=received)
        if skew is not None:
            self.observe(ClockSkewed(seconds=skew))

    def waiting(self) -> anyio.CancelScope:
        """Return a scope for the wait for a turn; `disband` cancels it."""
        scope = anyio.CancelScope()
        self._turns.add(scope)
        if self._disbanded:
            scope.cancel()
        return scope

    def disband(self) -> None:
        """Let nothing wait for a turn any more: the pool is closed."""
        self._disbanded = True
        for scope in list(self._turns):
            scope.cancel()
        planner, self.planner = self.planner, None
        for member in list(self.members):
            if planner is not None:
                planner.lost(member)
            renewal = member()
            if renewal is not None:
                renewal.call_off()

    def _forget(self, member: ref[AnyRenewal]) -> None:
        assert isinstance(member, Member)
        self.members.discard(member)
        if self.planner is not None:
            self.planner.lost(member)
