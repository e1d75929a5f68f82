"""One scheduler for all sessions of an event loop.

Rules of this file

* A session at rest is one entry in a heap: no task, no lock, no timer of its own.
* A refresh begins when its time has come *and* its turn: among those that are due the
  token that ends first comes first, and sign-ins come before refreshes.
* Nothing is taken from a session. What the scheduler cannot do in time its callers do
  themselves, as they would without one; when it ends they take over at once.
* It sleeps a minute at most: a suspended machine's timers fire late.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import NoReturn, Self

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup, TaskStatus
from anyio.lowlevel import RunVar
from attrs import frozen

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._lanes import Crew, Desk, Lane
from aiocognito._limiter import Limiter
from aiocognito._metered import Metered
from aiocognito._protected import Protected, on_asyncio
from aiocognito._roster import Roster
from aiocognito.errors import InvalidArgument, InvalidType, LocalProtocolError
from aiocognito.events import TimeJumped
from aiocognito.tokens.quota import QUOTAS, Bucket
from aiocognito.transport.base import Transport

__all__ = ["Pulse", "Scheduler"]

_REFRESHES = "UserAuthentication"
_LOOK_EVERY = 60.0  # seconds; a timer stands still while the machine sleeps
_AT_ONCE = 500
_LATE = 30.0  # seconds; waking up later than that is worth a word


@frozen
class Pulse:
    """What a scheduler does now, as `PoolHealth` tells it."""

    planned: int
    waiting: int
    rate: float
    wakes: int


class Scheduler:
    """Keeps the sessions of its pools fresh and within the service's quotas.

    Give the same one to every `UserPool` of an event loop, and run it one of three ways:
    ``async with Scheduler() as scheduler``; ``task_group.start_soon(scheduler.run)`` in a
    task group of yours; or ``scheduler.start()`` where no block can be held open, in a
    notebook (asyncio only). While it does not run, sessions are refreshed on demand, in
    turns that keep to the quotas all the same.

    Only sessions in use are refreshed: one that nobody asked for a token for longer than
    ``idle_after`` lapses, and its next use refreshes it.

    Args:
        quotas: Requests a second of the account, by category, where they are not the
            defaults (`aiocognito.tokens.quota.QUOTAS`). They count for one account and
            region: pools of another account want a scheduler of their own.
        share: This process's part of them; ``1 / n`` for n processes.
        reserve: Share of the burst that is kept for sign-ins and for whoever waits.
        idle_after: Seconds; None means one life of the token in question.
        clock: Where the time comes from.

    Raises:
        InvalidType: An argument has the wrong type.
        InvalidArgument: A number is out of range, or no such category exists.
    """

    def __init__(
        self,
        *,
        quotas: Mapping[str, float] | None = None,
        share: float = 1.0,
        reserve: float = 0.3,
        idle_after: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._quotas = _checked_quotas(quotas)
        self._share = _checked_number("share", share, 0.0, 1.0)
        self._reserve = _checked_number("reserve", reserve, 0.0, 0.9)
        if idle_after is not None:
            idle_after = _checked_number("idle_after", idle_after, 0.0, 1e9)
        self._clock = clock
        self._sleep = getattr(clock, "sleep", anyio.sleep)
        self._crew = Crew(clock, idle_after, self._wake_for)
        self._limiters: dict[tuple[str, str], Limiter] = {}
        self._lanes: dict[str, Lane] = {}
        self._rosters: list[Roster] = []
        self._bell: anyio.Event | None = None
        self._sleeps_until = float("inf")
        self._kept = Protected()
        self._own_group: TaskGroup | None = None
        self._wakes = 0

    @classmethod
    def of_this_loop(cls) -> Scheduler:
        """Return the scheduler of the running event loop; made when first asked for.

        It has the default options and belongs to nobody: run it or `start` it once.
        """
        try:
            return _of_loop.get()
        except LookupError:
            _of_loop.set(scheduler := cls())
            return scheduler

    # --- running ---

    @property
    def is_running(self) -> bool:
        """Whether it runs; then sessions are refreshed without being asked for."""
        return self._crew.group is not None

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled.

        Refreshes on the wire finish after that; those whose turn had not come are done
        by whoever waits for them.

        Raises:
            LocalProtocolError: It runs already.
        """
        if self.is_running:
            raise LocalProtocolError("This scheduler runs already; once is enough.")
        try:
            async with anyio.create_task_group() as group:
                self._crew.begin(group)
                task_status.started()
                try:
                    await self._watch()
                finally:
                    # Before the group closes: nothing may be started in it any more.
                    self._crew.end()
                    self._bell = None
        finally:
            for lane in self._lanes.values():
                lane.call_off()

    def start(self) -> None:
        """Run in a task that the scheduler keeps; `aclose` ends it. Does nothing twice.

        Raises:
            LocalProtocolError: Not on asyncio: Trio has no tasks without a nursery.
        """
        if self.is_running or self._kept.is_busy:
            return
        if not on_asyncio() or not self._kept.start(self._run_kept):
            raise LocalProtocolError("On Trio, run it: nursery.start_soon(scheduler.run).")

    async def aclose(self) -> None:
        """End what `start` began. Idempotent; it can be started again."""
        with anyio.CancelScope(shield=True):
            await self._kept.drain()

    async def _run_kept(self) -> None:
        with self._kept.breakable():
            await self.run()

    async def __aenter__(self) -> Self:
        if self._own_group is not None:
            raise LocalProtocolError("This scheduler runs already; once is enough.")
        group = await anyio.create_task_group().__aenter__()
        try:
            await group.start(self.run)
        except BaseException as error:
            # Nobody calls `__aexit__` of what could not be entered.
            group.cancel_scope.cancel()
            await group.__aexit__(type(error), error, error.__traceback__)
            raise
        self._own_group = group
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        group, self._own_group = self._own_group, None
        assert group is not None
        group.cancel_scope.cancel()
        return bool(await group.__aexit__(exc_type, exc, traceback))

    # --- for pools ---

    def _attach(self, region: str, transport: Transport, roster: Roster) -> Transport:
        """See to a pool's sessions from now on; return its transport with turns."""
        lane = self._lanes.get(region)
        if lane is None:
            lane = self._lanes[region] = Lane(self._crew, self._limiter(region, _REFRESHES))
        self._rosters.append(roster)
        lane.rosters.append(roster)
        roster.planner = Desk(self._crew, lane, roster)
        return Metered(transport, partial(self._limiter, region), roster)

    def _detach(self, roster: Roster) -> None:
        """Forget a pool: it is closed."""
        if roster in self._rosters:
            self._rosters.remove(roster)
        for lane in self._lanes.values():
            if roster in lane.rosters:
                lane.rosters.remove(roster)
        roster.disband()

    def _limiter(self, region: str, category: str) -> Limiter:
        """Return what gives the turns of one quota."""
        key = (region, category)
        if key not in self._limiters:
            bucket = Bucket(quota=self._quotas[category] * self._share, reserve=self._reserve)
            self._limiters[key] = Limiter(bucket, self._clock, self._sleep)
        return self._limiters[key]

    def _pulse(self, region: str) -> Pulse:
        lane = self._lanes[region]
        return Pulse(
            planned=len(self._crew.agenda),
            waiting=lane.waiting,
            rate=lane.rate,
            wakes=self._wakes,
        )

    # --- the watch ---

    async def _watch(self) -> None:
        clock, meant = self._clock, self._clock.boot()
        while True:
            now = clock.boot()
            self._look(late_by=now - meant)
            while not self._collect(now):
                await anyio.lowlevel.checkpoint()
            self._sleeps_until = meant = now + self._pause(now)
            self._bell = anyio.Event()
            with anyio.move_on_after(max(0.0, meant - now)):
                await self._bell.wait()
                meant = clock.boot()
            self._wakes += 1

    def _pause(self, now: float) -> float:
        next_at = self._crew.agenda.next_at()
        return float("inf") if next_at is None else min(_LOOK_EVERY, next_at - now)

    def _wake_for(self, when: float) -> None:
        if when < self._sleeps_until and self._bell is not None:
            self._bell.set()

    def _look(self, late_by: float) -> None:
        for roster in list(self._rosters):
            roster.look_at_clocks()
            if late_by > _LATE and roster.members:
                roster.observe(TimeJumped(kind="woke-late", seconds=late_by))

    def _collect(self, now: float) -> bool:
        """Queue what is due, or a part of it: the loop has others to serve."""
        for _ in range(_AT_ONCE):
            member = self._crew.agenda.due(now)
            if member is None:
                return True
            if member.roster.planner is not None:
                member.roster.planner.came_due(member, now)
        return False

    def __repr__(self) -> str:
        state = "running" if self.is_running else "not running"
        return f"<Scheduler: {state}, {len(self._crew.agenda)} sessions planned>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A scheduler is not pickled; make one in each process.")


_of_loop: RunVar[Scheduler] = RunVar("aiocognito_scheduler")


def _checked_quotas(quotas: object) -> dict[str, float]:
    if quotas is None:
        return dict(QUOTAS)
    if not isinstance(quotas, Mapping):
        raise InvalidType("quotas", "a mapping of categories to requests a second", quotas)
    unknown = set(quotas) - set(QUOTAS)
    if unknown:
        raise InvalidArgument("quotas", f"of these categories: {', '.join(QUOTAS)}")
    given = {name: _checked_number("quotas", value, 0.0, 1e6) for name, value in quotas.items()}
    return {**QUOTAS, **given}


def _checked_number(argument: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidType(argument, "a number", value)
    if not low <= value <= high or (value == 0.0 and argument in ("share", "quotas")):
        raise InvalidArgument(argument, f"above {low:g} and at most {high:g}")
    return float(value)
