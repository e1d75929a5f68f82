"""An hour of many sessions on one quota, simulated: the real scheduler, a service that counts.

The service refuses whatever is above its quota in any second. Policy, plan, queue and
renewals are the library's own; what is left out are tokens and their verification, which
would take hours. The short form divides sessions and quota by fifty.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any

import anyio
import pytest

from aiocognito import QuotaShort, RefreshFailed, Scheduler
from aiocognito._protected import Protected
from aiocognito._refresh import Fresh, Renewal, Timing
from aiocognito._roster import Roster
from aiocognito.errors import Throttled
from aiocognito.flow.calls import Call, Reply
from aiocognito.tokens.freshness import Schedule, token_schedule
from aiocognito.transport.base import Transport

from .soak import runs
from .virtual import VIRTUAL_ONCE, VirtualClock, backend

pytestmark = [VIRTUAL_ONCE, pytest.mark.timeout(runs(short=60, long=3600))]

SHRINK = runs(short=50, long=1)
QUOTA = 120.0 / SHRINK
REFRESH = Call(operation="GetTokensFromRefreshToken", parameters={}, repeatable=True)


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return backend(request.param)


class Service:
    """Answers after 50 ms; refuses what is above the quota in any second."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.throttled = self.answered = self.peak = 0
        self._second: deque[float] = deque()

    async def send(self, call: Call) -> Reply:
        await anyio.sleep(0.025)
        now = self.clock.boot()
        while self._second and self._second[0] <= now - 1.0:
            self._second.popleft()
        self._second.append(now)
        self.peak = max(self.peak, len(self._second))
        if len(self._second) > QUOTA:
            self.throttled += 1
            raise Throttled("Rate exceeded", code="TooManyRequestsException", operation="X")
        self.answered += 1
        await anyio.sleep(0.025)
        return Reply(body={})

    async def aclose(self) -> None:
        return None


class Fleet:
    """So many sessions of one pool, kept fresh by one scheduler."""

    def __init__(self, *, lifetime: float, **options: Any) -> None:
        self.clock = VirtualClock()
        self.lifetime = lifetime
        self.service = Service(self.clock)
        self.events: list[Any] = []
        self.roster = Roster(self.clock, self.events.append)
        self.scheduler = Scheduler(
            quotas={"UserAuthentication": QUOTA}, idle_after=1e9, clock=self.clock, **options
        )
        self.transport: Transport = self.scheduler._attach("eu-west-1", self.service, self.roster)
        self.timing = Timing(clock=self.clock)
        self.protected = Protected()
        self.sessions: list[Renewal[int]] = []
        self.expired = 0  # refreshes that came when the old token had ended

    def add(self, schedule: Schedule | None = None) -> None:
        renewal: Renewal[int] = Renewal(
            self.fetch, timing=self.timing, protected=self.protected, on_failure=None
        )
        self.roster.enrol(renewal)
        self.sessions.append(renewal)
        renewal.used_at = self.clock.boot()
        renewal.put(Fresh(0, schedule or self.schedule(self.clock.boot())))

    def schedule(self, sent: float) -> Schedule:
        sessions, quota = self.roster.spread()
        return token_schedule(
            lifetime=self.lifetime,
            sent=sent,
            expires_wall=None,
            jitter=self.timing.jitter(),
            sessions=sessions,
            quota=quota,
        )

    async def fetch(self) -> Fresh[int]:
        sent = self.clock.boot()
        await self.transport.send(REFRESH)
        return Fresh(1, self.schedule(sent))

    async def watch(self, seconds: float, every: float = 10.0) -> None:
        """Let time pass, and count those whose token has ended."""
        for _ in range(int(seconds / every)):
            await anyio.sleep(every)
            self.expired += self.ended()

    def ended(self) -> int:
        now = self.clock.boot()
        return sum(
            1
            for renewal in self.sessions
            if renewal.schedule is not None and now >= renewal.schedule.expires_at
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sessions", "lifetime"), [(100_000, 3600.0), (20_000, 900.0)], ids=["hours", "quarters"]
)
async def test_an_hour_costs_no_refused_call_and_no_expired_session(
    sessions: int, lifetime: float
) -> None:
    # F104
    fleet = Fleet(lifetime=lifetime)
    count = sessions // SHRINK
    async with fleet.scheduler:
        for _ in range(100):  # all tokens issued within ten seconds
            for _ in range(count // 100):
                fleet.add()
            await anyio.sleep(0.1)
        await fleet.watch(3600.0 + lifetime, every=60.0 if SHRINK == 1 else 10.0)
    assert fleet.service.throttled == 0
    assert fleet.expired == 0
    assert fleet.service.peak <= QUOTA
    # None was refreshed more often than the policy says: every half of a life at most.
    assert fleet.service.answered <= count * ((3600.0 + lifetime) / (0.33 * lifetime) + 1)
    assert fleet.service.answered >= count * ((3600.0 + lifetime) / (0.8 * lifetime) - 1)
    assert not [event for event in fleet.events if isinstance(event, QuotaShort)]


@pytest.mark.slow
async def test_when_all_have_expired_they_come_back_at_four_fifths_of_the_quota() -> None:
    fleet = Fleet(lifetime=3600.0)
    count = 100_000 // SHRINK
    served: list[float] = []

    async def ask(renewal: Renewal[int]) -> None:
        while True:
            try:
                await renewal.get()
            except RefreshFailed as error:
                await anyio.sleep(error.retry_after)
            else:
                served.append(fleet.clock.boot())
                return

    for number in range(count):
        past = fleet.clock.boot() - 7200.0 - number / count
        fleet.add(token_schedule(lifetime=3600.0, sent=past, expires_wall=None, jitter=0.5))
    began = fleet.clock.boot()
    async with fleet.scheduler, anyio.create_task_group() as group:
        for renewal in fleet.sessions[:: count // 50]:
            group.start_soon(ask, renewal)
        while fleet.ended():  # noqa: ASYNC110  nobody says when all have come back
            await anyio.sleep(1.0)
        took = fleet.clock.boot() - began
    assert fleet.service.throttled == 0
    assert fleet.service.answered == count
    # 100,000 at 96 a second: 1,041 seconds, in this simulation and in the short form.
    assert took == pytest.approx(count / (0.8 * QUOTA), rel=0.02)
    assert len(served) == 50


@pytest.mark.slow
async def test_a_service_that_refuses_more_than_it_should_is_asked_more_slowly() -> None:
    # Others use the account too: three quarters of the quota are gone.
    fleet = Fleet(lifetime=3600.0)

    class Busy(Service):
        """Counts over ten seconds, so that a small quota has room for some calls."""

        async def send(self, call: Call) -> Reply:
            await anyio.sleep(0.05)
            now = self.clock.boot()
            while self._second and self._second[0] <= now - 10.0:
                self._second.popleft()
            if len(self._second) + 1 > 10.0 * 0.25 * QUOTA:
                self.throttled += 1
                raise Throttled("Rate exceeded", code="TooManyRequestsException", operation="X")
            self._second.append(now)
            self.answered += 1
            return Reply(body={})

    fleet.service = Busy(fleet.clock)
    fleet.transport = fleet.scheduler._attach("eu-west-1", fleet.service, fleet.roster)
    for _ in range(20_000 // SHRINK):
        fleet.add()
    async with fleet.scheduler:
        await fleet.watch(3600.0)
    assert fleet.expired == 0
    assert fleet.service.throttled <= 0.25 * fleet.service.answered


async def test_an_infeasible_plan_is_noticed_and_says_so() -> None:
    # 100,000 sessions with tokens of five minutes: 667 refreshes a second of 60.
    fleet = Fleet(lifetime=300.0)
    count = 100_000 // SHRINK
    for _ in range(count):
        fleet.add()
    said = [event for event in fleet.events if isinstance(event, QuotaShort)]
    assert said[-1].available == pytest.approx(0.5 * QUOTA)
    assert said[-1].needed > 0.6 * count / 150.0
    assert all(later.needed >= 1.5 * sooner.needed for sooner, later in itertools.pairwise(said))
    assert len(said) < 10
