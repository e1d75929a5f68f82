"""The scheduler: in time, in turn, for those in use, and nothing left behind."""

from __future__ import annotations

import gc
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito import (
    QuotaShort,
    RefreshFailing,
    Scheduler,
    Session,
    SessionEnded,
    TimeJumped,
    TokensChanged,
    UserPool,
    login,
)
from aiocognito._protected import on_asyncio
from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    LocalProtocolError,
    RefreshFailed,
    SessionClosed,
    SignInRequired,
)
from aiocognito.testing import LocalCognito, Refuse, Throttle

from .virtual import VIRTUAL, VirtualClock, at_once, backend
from .world import PASSWORD, Keys, Wire

pytestmark = VIRTUAL

REFRESH = "GetTokensFromRefreshToken"
HOUR = 3600.0


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return backend(request.param)


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "compute", at_once)


class Setting:
    """A service, a scheduler and a pool, in virtual time."""

    def __init__(self, *, scheduler: dict[str, Any] | None = None, **local: Any) -> None:
        self.clock = VirtualClock()
        self.local = LocalCognito(clock=self.clock, **local)  # type: ignore[arg-type]
        self.local.add_user("ana", PASSWORD)
        self.events: list[Any] = []
        self.wire = Wire(self.local.transport())
        self.scheduler = Scheduler(clock=self.clock, **(scheduler or {}))
        self.pool = self.another_pool()

    def another_pool(self, **changes: Any) -> UserPool:
        given = {
            "client_secret": self.local.client_secret,
            "transport": self.wire,
            "http": Keys(self.local.http_client()),
            "clock": self.clock,
            "observer": self.events.append,
            "scheduler": self.scheduler,
            **changes,
        }
        return UserPool(self.local.user_pool_id, self.local.client_id, **given)

    async def signed_in(self) -> Session:
        return await self.pool.sign_in("ana", PASSWORD)

    @property
    def refreshes(self) -> int:
        return self.wire.counts[REFRESH]

    def heard(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def planned(scheduler: Scheduler) -> int:
    return len(scheduler._crew.agenda)


async def use(session: Session, *, every: float, seconds: float) -> None:
    """Ask for a token again and again, and look whether it lives."""
    for _ in range(int(seconds / every)):
        await session.access_token()
        await anyio.sleep(every)


# --- in time ---------------------------------------------------------------------------


async def test_a_session_in_use_is_refreshed_before_anybody_has_to_wait() -> None:
    # F101
    setting = Setting()
    session = await setting.signed_in()
    first = await session.access_token()
    async with setting.scheduler:
        await anyio.sleep(41 * 60)
        assert setting.refreshes == 0, "not needlessly early"
        await session.access_token()
        await anyio.sleep(8 * 60)
        assert setting.refreshes == 1
        # Nobody asked for it, and it is served without a suspension point.
        with pytest.raises(StopIteration) as done:
            session.access_token().send(None)
        assert done.value.value != first


async def test_tokens_of_five_minutes_are_refreshed_in_proportion() -> None:
    # F094
    setting = Setting(access_token_validity=300, id_token_validity=300)
    session = await setting.signed_in()
    async with setting.scheduler:
        await use(session, every=20.0, seconds=HOUR)
    assert 3600 / 240 - 1 <= setting.refreshes <= 3600 / 210 + 1
    assert not setting.heard(RefreshFailing)


async def test_a_session_that_nobody_uses_is_left_to_lapse() -> None:
    setting = Setting()
    session = await setting.signed_in()
    async with setting.scheduler:
        await anyio.sleep(10 * HOUR)
        # Used when it began, so it is refreshed once; after that nobody asked.
        assert setting.refreshes == 1
        assert setting.pool.health().lapses == 1
        assert planned(setting.scheduler) == 0
        await session.access_token()
        assert setting.refreshes == 2
        await use(session, every=60.0, seconds=HOUR)
        assert setting.refreshes == 3
        assert planned(setting.scheduler) == 1


async def test_how_long_a_session_may_be_idle_can_be_said() -> None:
    setting = Setting(scheduler={"idle_after": 60.0})
    session = await setting.signed_in()
    async with setting.scheduler:
        await anyio.sleep(HOUR)
        assert setting.refreshes == 0
        assert await session.access_token()
    assert setting.refreshes == 1


async def test_one_minute_is_the_longest_sleep_while_something_is_planned() -> None:
    setting = Setting()
    async with setting.scheduler as scheduler:
        await anyio.sleep(24 * HOUR)
        assert scheduler._wakes == 0, "nothing planned, nothing to wake for"
        session = await setting.signed_in()
        await anyio.sleep(0.5 * HOUR)
        assert 30 <= scheduler._wakes <= 32
        assert session


async def test_after_a_suspend_all_is_made_fresh_again_within_a_minute() -> None:
    # threat 23
    setting = Setting()
    session = await setting.signed_in()
    async with setting.scheduler:
        await anyio.sleep(600)
        setting.clock.suspend(8 * HOUR)
        await session.access_token()  # expired: whoever comes first waits for new ones
        assert setting.refreshes == 1
        await anyio.sleep(61)
        (jumped,) = setting.heard(TimeJumped)
        assert jumped.kind == "woke-late"
        assert jumped.seconds == pytest.approx(8 * HOUR, abs=60)
        assert setting.refreshes == 1


# --- failures --------------------------------------------------------------------------


async def test_a_failed_refresh_is_repeated_after_its_pause_without_being_asked() -> None:
    setting = Setting()
    session = await setting.signed_in()
    setting.local.faults.add(Refuse("InternalErrorException"), operation=REFRESH, times=4)
    async with setting.scheduler:
        await anyio.sleep(49 * 60)
    assert len(setting.heard(RefreshFailing)) >= 2
    assert setting.events[-1].reason == "refresh"
    assert await session.access_token()


async def test_a_session_that_ended_is_not_tried_again() -> None:
    setting = Setting()
    session = await setting.signed_in()
    setting.local.faults.add(
        Refuse("NotAuthorizedException", "Refresh Token has been revoked"), operation=REFRESH
    )
    async with setting.scheduler as scheduler:
        await anyio.sleep(5 * HOUR)
        assert planned(scheduler) == 0
    assert setting.refreshes == 1
    assert [event.reason for event in setting.heard(SessionEnded)] == ["refresh-token-rejected"]
    with pytest.raises(SignInRequired):
        await session.access_token()
    assert setting.pool.health().sessions["ended"] == 1


async def test_a_throttled_refresh_slows_all_of_them_down() -> None:
    # F104, F124
    setting = Setting()
    session = await setting.signed_in()
    full = setting.pool.health().refresh_rate
    setting.local.faults.add(Throttle(), operation=REFRESH)
    async with setting.scheduler:
        for _ in range(49 * 60):
            if setting.heard(RefreshFailing):
                break
            await anyio.sleep(1)
        health = setting.pool.health()
        assert health.throttles == 1
        assert full is not None
        assert health.refresh_rate == pytest.approx(0.7 * full, abs=1.0)
        await anyio.sleep(120)
        assert setting.pool.health().refresh_rate == full
    assert await session.access_token()


# --- coming and going ------------------------------------------------------------------


async def test_a_session_that_is_gone_costs_nothing() -> None:
    # threat 35
    setting = Setting()
    state = (await setting.signed_in()).export_state()
    gc.collect()
    async with setting.scheduler as scheduler:
        for number in range(300):
            await setting.pool.restore(state).access_token()
            if number % 50 == 49:
                gc.collect()
        assert setting.pool.health().sessions["fresh"] <= 1
        assert planned(scheduler) <= 1
        assert scheduler._crew.agenda.entries <= 130, "entries of the dead are cleared away"
        await anyio.sleep(2 * HOUR)
    assert setting.refreshes <= 301


async def test_a_signed_out_session_is_off_the_list() -> None:
    setting = Setting()
    session = await setting.signed_in()
    async with setting.scheduler as scheduler:
        await session.sign_out()
        assert planned(scheduler) == 0
        assert sum(setting.pool.health().sessions.values()) == 0
        await anyio.sleep(2 * HOUR)
    assert setting.refreshes == 0


async def test_a_closed_pool_is_off_the_list() -> None:
    setting = Setting()
    session = await setting.signed_in()
    async with setting.scheduler as scheduler:
        await setting.pool.aclose()
        assert planned(scheduler) == 0
        await anyio.sleep(2 * HOUR)
    assert setting.refreshes == 0
    with pytest.raises(SessionClosed):
        await session.access_token()


async def test_two_pools_share_one_scheduler_and_one_quota() -> None:
    setting = Setting()
    other = setting.another_pool()
    sessions = [await setting.signed_in(), await other.sign_in("ana", PASSWORD)]
    async with setting.scheduler as scheduler:
        assert planned(scheduler) == 2
        for session in sessions:
            await session.access_token()
        await anyio.sleep(49 * 60)
        assert setting.refreshes == 2
        await other.aclose()
        await other.aclose()
        assert planned(scheduler) == 1


async def test_a_pool_made_while_it_runs_is_seen_to() -> None:
    setting = Setting()
    async with Scheduler(clock=setting.clock) as scheduler:
        pool = setting.another_pool(scheduler=scheduler)
        session = await pool.sign_in("ana", PASSWORD)
        await anyio.sleep(49 * 60)
        assert setting.refreshes == 1
    assert session


# --- three ways to run -----------------------------------------------------------------


async def test_it_runs_in_a_task_group_of_the_user_s() -> None:
    setting = Setting()
    session = await setting.signed_in()
    async with anyio.create_task_group() as group:
        await group.start(setting.scheduler.run)
        assert setting.scheduler.is_running
        await session.access_token()
        await anyio.sleep(49 * 60)
        assert setting.refreshes == 1
        group.cancel_scope.cancel()
    assert not setting.scheduler.is_running


async def test_it_runs_by_itself_where_the_loop_allows_that() -> None:
    setting = Setting()
    session = await setting.signed_in()
    if not on_asyncio():
        with pytest.raises(LocalProtocolError, match="nursery"):
            setting.scheduler.start()
        return
    setting.scheduler.start()
    setting.scheduler.start()
    await anyio.sleep(49 * 60)
    assert setting.refreshes == 1
    await setting.scheduler.aclose()
    await setting.scheduler.aclose()
    assert not setting.scheduler.is_running
    setting.scheduler.start()
    await anyio.sleep(1)
    assert setting.scheduler.is_running
    await setting.scheduler.aclose()
    assert session


async def test_it_ends_at_once_although_it_has_hardly_begun() -> None:
    setting = Setting()
    if not on_asyncio():
        return
    began = setting.clock.boot()
    setting.scheduler.start()
    await setting.scheduler.aclose()
    assert not setting.scheduler.is_running
    assert setting.clock.boot() - began < 1


async def test_it_does_not_run_twice() -> None:
    setting = Setting()
    async with setting.scheduler:
        with pytest.raises(LocalProtocolError, match="already"):
            await setting.scheduler.run()
        with pytest.raises(LocalProtocolError, match="already"):
            await setting.scheduler.__aenter__()
        setting.scheduler.start()
        assert setting.scheduler.is_running
    async with setting.scheduler:
        assert setting.scheduler.is_running


async def test_there_is_one_for_each_event_loop() -> None:
    assert Scheduler.of_this_loop() is Scheduler.of_this_loop()


async def test_without_a_running_scheduler_sessions_are_refreshed_on_demand() -> None:
    setting = Setting()
    session = await setting.signed_in()
    await anyio.sleep(2 * HOUR)
    assert setting.refreshes == 0
    await session.access_token()
    assert setting.refreshes == 1


# --- turns -----------------------------------------------------------------------------


def narrow(**more: Any) -> dict[str, Any]:
    """A scheduler with a quota of one sign-in or refresh a second."""
    return {"quotas": {"UserAuthentication": 1.0}, **more}


async def test_calls_keep_to_the_quota_whether_it_runs_or_not() -> None:
    setting = Setting(scheduler=narrow())
    began = setting.clock.boot()
    for _ in range(9):
        await setting.signed_in()
    # One may go at once, the others at four fifths of the quota.
    assert setting.clock.boot() - began == pytest.approx(8 / 0.8, abs=0.1)


async def test_a_share_of_the_quota_is_for_this_process() -> None:
    setting = Setting(scheduler=narrow(share=0.5))
    began = setting.clock.boot()
    for _ in range(5):
        await setting.signed_in()
    assert setting.clock.boot() - began == pytest.approx(4 / 0.4, abs=0.1)


async def many(setting: Setting, count: int) -> list[Session]:
    state = (await setting.signed_in()).export_state()
    return [setting.pool.restore(state) for _ in range(count)]


async def test_whoever_waits_too_long_for_a_turn_is_told_when_to_come_back() -> None:
    setting = Setting(scheduler=narrow())
    sessions = await many(setting, 30)
    told: list[float] = []

    async def ask(session: Session) -> None:
        try:
            await session.access_token()
        except RefreshFailed as error:
            told.append(error.retry_after)

    async with setting.scheduler:
        async with anyio.create_task_group() as group:
            for session in sessions:
                group.start_soon(ask, session)
        assert 18 <= len(told) <= 26
        assert all(0 < seconds <= 40 for seconds in told)
        assert setting.pool.health().waiting > 15
        # Their places in the queue are kept.
        await anyio.sleep(40)
        for session in sessions:
            with pytest.raises(StopIteration):
                session.access_token().send(None)
    assert setting.refreshes == 30


async def test_a_token_that_still_lives_is_served_while_its_turn_does_not_come() -> None:
    setting = Setting(scheduler=narrow(), access_token_validity=300, id_token_validity=300)
    sessions = [await setting.signed_in() for _ in range(3)]
    for session in sessions:
        await session.access_token()
    await anyio.sleep(287 - setting.clock.boot() + 1_000.0)
    setting.scheduler._limiter(setting.pool.region, "UserAuthentication").slow_down(100.0)
    async with setting.scheduler:
        # Critical, and no turn for a hundred seconds.
        assert await sessions[0].access_token()
        with pytest.raises(RefreshFailed):
            await use(sessions[0], every=0.5, seconds=60)
    assert setting.refreshes == 0


async def test_when_it_ends_whoever_waits_takes_over() -> None:
    setting = Setting(scheduler=narrow())
    sessions = await many(setting, 3)
    served: list[str] = []

    async def ask(session: Session) -> None:
        served.append(await session.access_token())

    async with anyio.create_task_group() as waiters, setting.scheduler:
        for session in sessions:
            waiters.start_soon(ask, session)
        await anyio.sleep(0.01)
    assert len(served) == 3
    assert setting.refreshes == 3


async def test_closing_the_pool_lets_go_of_those_who_wait_for_a_turn() -> None:
    setting = Setting(scheduler=narrow())
    sessions = await many(setting, 20)
    closed: list[Session] = []

    async def ask(session: Session) -> None:
        try:
            await session.access_token()
        except SessionClosed:
            closed.append(session)

    async with setting.scheduler, anyio.create_task_group() as group:
        for session in sessions:
            group.start_soon(ask, session)
        await anyio.sleep(3)
        with anyio.fail_after(5):
            await setting.pool.aclose()
    assert len(closed) >= 15


async def test_closing_the_pool_lets_go_of_sign_ins_that_wait_for_a_turn() -> None:
    setting = Setting(scheduler={"quotas": {"UserAuthentication": 0.01}})
    await setting.signed_in()  # the burst is used up
    began, sent = setting.clock.boot(), len(setting.wire.sent)
    ended: list[float] = []

    async def sign_in() -> None:
        with pytest.raises(SessionClosed):
            await setting.signed_in()
        ended.append(setting.clock.boot() - began)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(sign_in)
        await anyio.sleep(1)
        await setting.pool.aclose()
    assert ended == [pytest.approx(1, abs=0.1)] * 3
    assert len(setting.wire.sent) == sent, "nothing goes out through what is closed"
    assert setting.scheduler._limiter("eu-west-1", "UserAuthentication").waiting == 0


async def test_signing_out_does_not_wait_for_a_turn() -> None:
    setting = Setting(scheduler=narrow())
    sessions = await many(setting, 20)
    outcome: list[type[Exception]] = []

    async def ask(session: Session) -> None:
        try:
            await session.access_token()
        except (SessionClosed, SignInRequired, RefreshFailed) as error:
            outcome.append(type(error))

    async with setting.scheduler, anyio.create_task_group() as group:
        for session in sessions:
            group.start_soon(ask, session)
        await anyio.sleep(1)
        with anyio.fail_after(2):
            await sessions[-1].sign_out()
        await anyio.sleep(0.1)
        assert outcome == [SessionClosed]


async def test_a_sign_in_goes_before_a_hundred_refreshes() -> None:
    setting = Setting(scheduler=narrow())
    sessions = await many(setting, 100)
    async with setting.scheduler, anyio.create_task_group() as group:
        for session in sessions:
            group.start_soon(swallowed, session)
        await anyio.sleep(5)
        began = setting.clock.boot()
        await setting.signed_in()
        assert setting.clock.boot() - began < 4
        group.cancel_scope.cancel()


async def swallowed(session: Session) -> None:
    try:
        await session.access_token()
    except RefreshFailed:
        return


# --- a quota that is too small ---------------------------------------------------------


async def test_too_many_sessions_for_the_quota_are_noticed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    setting = Setting(
        scheduler={"quotas": {"UserAuthentication": 0.2}},
        access_token_validity=300,
        id_token_validity=300,
    )
    sessions = [await setting.signed_in() for _ in range(16)]
    (short, *_) = setting.heard(QuotaShort)
    assert short == QuotaShort(
        sessions=short.sessions,
        lifetime=pytest.approx(300, abs=1),
        needed=pytest.approx(short.sessions / 150, rel=0.01),
        available=0.1,
    )
    assert short.needed > short.available
    assert len(setting.heard(QuotaShort)) == 1, "16 are enough for 0.107 a second, once"
    assert "refreshes a second" in caplog.text
    assert sessions


# --- arguments -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"quotas": [120]}, InvalidType),
        ({"quotas": {"UserAuthentication": "120"}}, InvalidType),
        ({"quotas": {"UserAuthentication": 0}}, InvalidArgument),
        ({"quotas": {"Everything": 1}}, InvalidArgument),
        ({"share": 0}, InvalidArgument),
        ({"share": 1.5}, InvalidArgument),
        ({"share": True}, InvalidType),
        ({"reserve": 1}, InvalidArgument),
        ({"idle_after": -1}, InvalidArgument),
    ],
)
async def test_what_cannot_be_right_is_refused(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        Scheduler(**options)


async def test_a_pool_takes_a_scheduler_and_nothing_else() -> None:
    setting = Setting()
    with pytest.raises(InvalidType, match="scheduler"):
        setting.another_pool(scheduler=object())


async def test_it_shows_what_it_does_and_is_not_pickled() -> None:
    setting = Setting()
    assert repr(setting.scheduler) == "<Scheduler: not running, 0 sessions planned>"
    session = await setting.signed_in()
    async with setting.scheduler:
        assert repr(setting.scheduler) == "<Scheduler: running, 1 sessions planned>"
    with pytest.raises(TypeError):
        setting.scheduler.__reduce__()
    assert session
    assert setting.heard(TokensChanged)
