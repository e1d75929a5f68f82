"""A day in the life of some sessions: suspends, jumps, wrong clocks, an outage, a storm.

Simulated, over the real sessions, the scheduler and the local pool. The service has the
true time; the client's clocks have what people, NTP and lids do to them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from aiocognito import (
    ClockSkewed,
    RefreshFailed,
    RefreshFailing,
    Scheduler,
    SecurityAlert,
    Session,
    SessionEnded,
    TimeJumped,
    UserPool,
    login,
)
from aiocognito.errors import ConnectFailed, Throttled
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import LocalCognito
from aiocognito.tokens.claims import read_unverified

from .soak import runs
from .virtual import START, VIRTUAL, VIRTUAL_ONCE, VirtualClock, at_once, backend
from .world import PASSWORD, Keys, Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(runs(short=60, long=600))]

SESSIONS = runs(short=2, long=40)
EVERY = runs(short=120, long=20)  # seconds between two uses of a session
HOUR = 3600.0
DAY = 24 * HOUR
REFRESH = "GetTokensFromRefreshToken"


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return backend(request.param)


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "compute", at_once)


class TrueClock:
    """The service's."""

    def __init__(self, local: VirtualClock) -> None:
        self._local = local

    def boot(self) -> float:
        return self._local.real()

    def wall(self) -> float:
        return START + self._local.real() - 1_000.0


class Weather(Wire):
    """A wire that can be down."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.down = self.storm = False

    async def send(self, call: Call) -> Reply:
        if self.storm and call.operation == REFRESH:
            self.sent.append(call)
            raise Throttled("Rate exceeded", code="TooManyRequestsException", operation=REFRESH)
        if self.down:
            self.sent.append(call)
            await anyio.sleep(0.1)
            raise ConnectFailed(call.operation, retry_safe=True)
        return await super().send(call)


class Day:
    def __init__(self, *, boot_counts_suspend: bool = True, **local: Any) -> None:
        self.clock = VirtualClock(boot_counts_suspend=boot_counts_suspend)
        self.true = TrueClock(self.clock)
        self.local = LocalCognito(clock=self.true, **local)  # type: ignore[arg-type]
        self.local.add_user("ana", PASSWORD)
        self.wire = Weather(self.local.transport())
        self.events: list[Any] = []
        self.refused = self.served = 0
        self.scheduler = Scheduler(clock=self.clock)
        self.pool = UserPool(
            self.local.user_pool_id,
            self.local.client_id,
            transport=self.wire,
            http=Keys(self.local.http_client()),
            clock=self.clock,
            observer=self.events.append,
            scheduler=self.scheduler,
        )

    async def use(self, session: Session) -> None:
        """Ask every two minutes; what is handed out must live by the service's clock."""
        while True:
            try:
                token = await session.access_token()
            except RefreshFailed:
                self.refused += 1
            else:
                self.served += 1
                ends = read_unverified(token).expires_at.timestamp()
                assert ends > self.true.wall(), "an expired token was served"
            await anyio.sleep(EVERY)

    async def run(self, *happenings: tuple[float, Callable[[], Awaitable[None]]]) -> None:
        """Use some sessions for a day; at each hour named, something happens."""
        sessions = [await self.pool.sign_in("ana", PASSWORD) for _ in range(SESSIONS)]
        async with self.scheduler, anyio.create_task_group() as group:
            for session in sessions:
                group.start_soon(self.use, session)
            for hour, happening in happenings:
                await self.until(hour)
                await happening()
            await self.until(24)
            group.cancel_scope.cancel()
        assert not self.heard(SecurityAlert)
        assert not self.heard(SessionEnded)

    async def until(self, hour: float) -> None:
        await anyio.sleep(max(0.0, hour * HOUR - (self.clock.real() - 1_000.0)))

    def heard(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def refreshes(self) -> float:
        """How many there were for each session."""
        return self.wire.counts[REFRESH] / SESSIONS


# 24 hours of tokens refreshed after 42 to 48 minutes.
FEWEST, MOST = 24 / 0.8 - 1, 24 / 0.7 + 1


@VIRTUAL_ONCE
async def test_a_quiet_day() -> None:
    # F101
    day = Day()
    await day.run()
    assert FEWEST <= day.refreshes <= MOST
    assert day.refused == 0
    assert not day.heard(RefreshFailing)
    assert not day.heard(TimeJumped)


@VIRTUAL
@pytest.mark.parametrize("counts", [True, False], ids=["boot-time", "monotonic"])
async def test_a_lid_that_is_closed_for_eight_hours(counts: bool) -> None:
    # threat 23
    day = Day(boot_counts_suspend=counts)

    async def close() -> None:
        day.clock.suspend(8 * HOUR)

    await day.run((3.3, close), (13.5, close))
    # Eight hours awake, and one refresh more after each sleep.
    assert 8 / 0.8 - 1 <= day.refreshes <= 8 / 0.7 + 1 + 2
    assert day.refused == 0
    kinds = [event.kind for event in day.heard(TimeJumped)]
    assert kinds == (["woke-late"] * 2 if counts else ["clock-set"] * 2)
    for event in day.heard(TimeJumped):
        assert event.seconds == pytest.approx(8 * HOUR, abs=70)


@VIRTUAL_ONCE
async def test_a_wall_clock_that_is_set_by_a_day_and_back() -> None:
    # threat 22, 23
    day = Day()

    async def set_by(seconds: float) -> None:
        day.clock.jump(seconds)

    await day.run(
        (4.2, lambda: set_by(DAY)),
        (9.1, lambda: set_by(-2 * DAY)),
        (15.7, lambda: set_by(DAY)),
    )
    # A clock that is suddenly a day ahead says that all has ended: one refresh each.
    assert FEWEST <= day.refreshes <= MOST + 2
    assert day.refused == 0
    assert [event.seconds for event in day.heard(TimeJumped)] == pytest.approx(
        [DAY, -2 * DAY, DAY], abs=1
    )
    assert {round(event.seconds / DAY) for event in day.heard(ClockSkewed)} == {-1, 1}
    assert len(day.heard(ClockSkewed)) == 2


@VIRTUAL_ONCE
@pytest.mark.parametrize("skew", [600.0, -600.0])
async def test_a_wall_clock_that_is_ten_minutes_off(skew: float) -> None:
    # threat 22
    day = Day()
    day.clock.jump(skew)
    await day.run()
    assert FEWEST <= day.refreshes <= MOST
    assert day.refused == 0
    assert [event.seconds for event in day.heard(ClockSkewed)] == pytest.approx([-skew], abs=2)
    assert not day.heard(TimeJumped)


@VIRTUAL_ONCE
async def test_an_outage_of_an_hour() -> None:
    # threat 24
    day = Day()

    async def outage() -> None:
        before = len(day.wire.sent)
        day.wire.down = True
        await anyio.sleep(HOUR)
        day.wire.down = False
        tried = (len(day.wire.sent) - before) / SESSIONS
        # Three attempts an episode, and pauses of 15 to 60 seconds between episodes.
        assert 10 <= tried <= 3 * HOUR / 15
        refused = day.refused
        await anyio.sleep(EVERY + 61)
        assert day.refused - refused <= SESSIONS * (60 / EVERY + 1)
        refused = day.refused
        await anyio.sleep(HOUR)
        assert day.refused == refused, "all came back"

    await day.run((10, outage))
    assert day.served > 0.9 * 22 * HOUR / EVERY * SESSIONS
    # Tokens in hand were served to their end: at most 18 minutes of the hour were without.
    assert 0 < day.refused <= HOUR / EVERY * SESSIONS
    assert day.heard(RefreshFailing)


@VIRTUAL_ONCE
async def test_a_storm_of_refusals() -> None:
    # F104
    day = Day()

    async def storm() -> None:
        before = day.wire.counts[REFRESH]
        day.wire.storm = True
        await anyio.sleep(20 * 60)
        day.wire.storm = False
        tried = (day.wire.counts[REFRESH] - before) / SESSIONS
        assert tried <= 20 * 60 / 15

    # So many that every session is due in one of them, however the dice fall.
    storms = [(float(hour), storm) for hour in range(2, 23, 2)]
    await day.run(*storms)
    # The window between the refresh point and the end is 12 to 18 minutes wide.
    assert day.refused <= len(storms) * 9 * 60 / EVERY * SESSIONS
    health = day.pool.health()
    assert health.throttles > 0
    assert health.refresh_rate == 96.0


@VIRTUAL
async def test_everything_on_one_day() -> None:
    # threats 22, 23 and 24
    day = Day()

    async def set_by(seconds: float) -> None:
        day.clock.jump(seconds)

    async def close() -> None:
        day.clock.suspend(8 * HOUR)

    async def outage() -> None:
        day.wire.down = True
        await anyio.sleep(HOUR)
        day.wire.down = False

    await day.run(
        (1.0, lambda: set_by(600)),
        (2.5, lambda: set_by(-1200)),
        (4.0, close),
        (12.5, lambda: set_by(DAY)),
        (13.0, outage),
        (15.0, lambda: set_by(-DAY + 600)),
        (20.0, lambda: set_by(-HOUR)),
    )
    assert day.refused <= (HOUR / EVERY + 1) * SESSIONS
    good = [event for event in day.events if getattr(event, "reason", "") == "refresh"]
    assert 16 / 0.8 - 3 <= len(good) / SESSIONS <= 16 / 0.7 + 6
