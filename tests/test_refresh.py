"""`Renewal`: early, once, to the end, and never the loss of what still lives."""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito._protected import Protected, on_asyncio
from aiocognito._refresh import Fresh, Renewal, Timing
from aiocognito.errors import (
    CognitoError,
    ConnectFailed,
    Forbidden,
    KeysUnavailable,
    NotAuthorized,
    RefreshFailed,
    SignInRequired,
    Throttled,
)
from aiocognito.testing.clock import ManualClock
from aiocognito.tokens.freshness import Schedule

LIFE = 100.0  # due at 70, critical at 90, handed out after a failure until 95


def schedule(clock: ManualClock, *, wall: bool = True) -> Schedule:
    now = clock.boot()
    return Schedule(
        refresh_at=now + 0.7 * LIFE,
        hard_at=now + 0.9 * LIFE,
        expires_at=now + LIFE,
        expires_wall=clock.wall() + LIFE if wall else None,
        min_ttl=5.0,
    )


class Source:
    """Brings 1, 2, 3, … or what `error` says, a few suspension points later."""

    STEPS = 6

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.error: Exception | None = None
        self.started = self.finished = 0
        self.at_step: Callable[[int], None] = lambda step: None
        self.failures: list[tuple[CognitoError, float]] = []
        self.protected = Protected()
        self.renewal: Renewal[int] = Renewal(
            self.fetch,
            timing=Timing(clock=self.clock, jitter=lambda: 0.5),
            protected=self.protected,
            on_failure=lambda error, pause: self.failures.append((error, pause)),
        )

    async def fetch(self) -> Fresh[int]:
        self.started += 1
        number = self.started
        for step in range(self.STEPS):
            self.at_step(step)
            await anyio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        self.finished += 1
        return Fresh(number, schedule(self.clock))

    def idle(self) -> bool:
        return self.renewal._flight is None and not self.protected._tasks


def throttled() -> Throttled:
    return Throttled(code="TooManyRequestsException", operation="GetTokensFromRefreshToken")


def refused() -> NotAuthorized:
    return NotAuthorized("No.", code="NotAuthorizedException", operation="InitiateAuth")


async def together(count: int, call: Callable[[], Awaitable[int]]) -> list[Any]:
    """Call `count` times at once; return results and errors in order."""
    outcomes: list[Any] = [None] * count

    async def one(index: int) -> None:
        try:
            outcomes[index] = await call()
        except CognitoError as error:
            outcomes[index] = error

    async with anyio.create_task_group() as group:
        for index in range(count):
            group.start_soon(one, index)
    return outcomes


# --- the normal life of a value -----------------------------------------------------


async def test_the_first_use_fetches_and_the_next_ones_do_not() -> None:
    source = Source()
    assert source.renewal.held is None
    assert source.renewal.fresh() is None
    assert await source.renewal.get() == 1
    assert await source.renewal.get() == 1
    assert source.renewal.fresh() == source.renewal.held == 1
    assert source.started == 1


async def test_a_fresh_value_is_returned_without_a_suspension_point() -> None:
    source = Source()
    await source.renewal.get()
    with pytest.raises(StopIteration) as done:
        source.renewal.get().send(None)
    assert done.value.value == 1


async def test_a_hundred_cold_callers_cost_one_fetch() -> None:
    source = Source()
    assert await together(100, source.renewal.get) == [1] * 100
    assert source.started == 1


async def test_in_the_advisory_window_all_are_served_and_one_fetch_is_made() -> None:
    # 20 callers in the advisory window = 1 call, all served.
    source = Source()
    await source.renewal.get()
    source.clock.advance(75.0)
    assert source.renewal.fresh() is None
    served = await together(20, source.renewal.get)
    await source.protected.drain()
    assert source.started == 2
    assert set(served) <= {1, 2}
    if on_asyncio():
        assert served == [1] * 20, "everybody is served what is held"
    else:
        assert served.count(1) >= 19, "only the one who renews waits"
    assert await source.renewal.get() == 2


async def test_in_the_critical_window_all_wait_for_one_fetch() -> None:
    source = Source()
    await source.renewal.get()
    source.clock.advance(92.0)
    assert await together(20, source.renewal.get) == [2] * 20
    assert source.started == 2


async def test_a_wall_clock_past_the_end_counts_as_expired() -> None:
    # The machine slept and its boot clock does not count that.
    source = Source()
    await source.renewal.get()
    source.clock.jump(LIFE)
    assert source.renewal.fresh() is None
    assert await source.renewal.get() == 2


async def test_a_wall_clock_that_was_useless_at_the_start_is_not_asked() -> None:
    source = Source()
    source.renewal.put(Fresh(7, schedule(source.clock, wall=False)))
    source.clock.jump(86_400.0)
    assert source.renewal.fresh() == 7
    assert await source.renewal.get() == 7


async def test_renew_does_not_wait_for_the_time_to_come() -> None:
    source = Source()
    await source.renewal.get()
    assert await together(5, source.renewal.renew) == [2] * 5
    assert source.started == 2


async def test_an_expired_mark_makes_the_next_use_fetch() -> None:
    source = Source()
    source.renewal.expire()  # nothing held: nothing to mark
    await source.renewal.get()
    source.renewal.expire()
    assert source.renewal.held == 1
    assert await source.renewal.get() == 2


async def test_a_value_marked_expired_is_not_served_after_a_failure() -> None:
    source = Source()
    await source.renewal.get()
    source.renewal.expire()
    source.error = throttled()
    with pytest.raises(RefreshFailed):
        await source.renewal.get()


async def test_what_is_put_in_place_is_served_and_ends_the_back_off() -> None:
    source = Source()
    source.error = refused()
    with pytest.raises(NotAuthorized):
        await source.renewal.get()
    source.renewal.put(Fresh(7, schedule(source.clock)))
    assert await source.renewal.get() == 7
    source.clock.advance(LIFE)
    source.error = None
    assert await source.renewal.get() == 2


# --- failures -----------------------------------------------------------------------


async def test_fifty_cold_callers_share_one_failure_and_fifty_more_cost_nothing() -> None:
    # 50 cold callers against a dead server = 1 call, 50 more inside the
    # back-off = 0 calls.
    source = Source()
    source.error = ConnectFailed("InitiateAuth", retry_safe=True)
    first = await together(50, source.renewal.get)
    second = await together(50, source.renewal.get)
    assert source.started == 1
    for error in first + second:
        assert type(error) is RefreshFailed
        assert isinstance(error.__cause__, ConnectFailed)
        assert 0 < error.retry_after <= 2.0
    assert len(source.failures) == 1


async def test_everybody_gets_an_exception_of_their_own() -> None:
    """A shared one would collect the tracebacks of all who raise it."""
    source = Source()
    source.error = refused()
    errors = await together(3, source.renewal.get)
    assert len({id(error) for error in errors}) == 3
    assert {type(error) for error in errors} == {NotAuthorized}
    assert len({len(traceback.extract_tb(error.__traceback__)) for error in errors}) <= 2


async def test_after_the_pause_one_caller_tries_again_and_the_pause_grows() -> None:
    source = Source()
    source.error = throttled()
    pauses = []
    for attempt in range(1, 8):
        with pytest.raises(RefreshFailed) as caught:
            await source.renewal.get()
        assert source.started == attempt
        pauses.append(caught.value.retry_after)
        source.clock.advance(caught.value.retry_after)
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(1.5)
    assert pauses[-1] == pytest.approx(22.5)  # 0.75 of the cap for an expired value


async def test_what_the_service_asks_for_lengthens_the_pause() -> None:
    source = Source()
    source.error = Throttled(code="Throttling", operation="X", retry_after=40.0)
    with pytest.raises(RefreshFailed) as caught:
        await source.renewal.get()
    assert caught.value.retry_after == pytest.approx(40.0)
    source.error = Throttled(code="Throttling", operation="X", retry_after=1e9)
    source.clock.advance(40.0)
    with pytest.raises(RefreshFailed) as caught:
        await source.renewal.get()
    assert caught.value.retry_after == pytest.approx(900.0)


async def test_a_firewall_is_left_alone_for_a_minute() -> None:
    source = Source()
    source.error = Forbidden(code="ForbiddenException", operation="GetTokensFromRefreshToken")
    with pytest.raises(RefreshFailed) as caught:
        await source.renewal.get()
    assert caught.value.retry_after == pytest.approx(60.0)


async def test_a_final_error_is_shared_for_a_minute_and_then_tried_again() -> None:
    source = Source()
    source.error = SignInRequired("ana", "refresh-token-rejected")
    for _ in range(3):
        with pytest.raises(SignInRequired) as caught:
            await source.renewal.get()
        assert caught.value.username == "ana"
    assert source.started == 1
    source.clock.advance(60.0)
    source.error = None
    assert await source.renewal.get() == 2


@pytest.mark.parametrize("age", [75.0, 92.0], ids=["due", "critical"])
async def test_a_value_that_lives_is_served_when_its_renewal_fails(age: float) -> None:
    source = Source()
    await source.renewal.get()
    source.error = KeysUnavailable()
    source.clock.advance(age)
    assert await source.renewal.get() == 1
    await source.protected.drain()
    assert source.started == 2
    assert await source.renewal.get() == 1, "inside the back-off"
    assert source.started == 2


async def test_a_value_about_to_end_is_not_served_after_a_failure() -> None:
    source = Source()
    await source.renewal.get()
    source.error = throttled()
    source.clock.advance(LIFE - 5.0)
    with pytest.raises(RefreshFailed):
        await source.renewal.get()


async def test_renew_raises_though_the_old_value_lives() -> None:
    source = Source()
    await source.renewal.get()
    source.error = throttled()
    with pytest.raises(Throttled):
        await source.renewal.renew()
    assert await source.renewal.get() == 1


async def test_a_source_of_our_callers_may_raise_anything() -> None:
    source = Source()
    source.error = LookupError("the vault is closed")
    with pytest.raises(RefreshFailed) as caught:
        await source.renewal.get()
    assert isinstance(caught.value.__cause__, LookupError)
    assert caught.value.retry_after > 0
    with pytest.raises(RefreshFailed) as again:
        await source.renewal.get()
    assert isinstance(again.value.__cause__, LookupError)
    assert source.started == 1


async def test_the_pause_may_end_between_two_looks_at_the_clock() -> None:
    source = Source()
    source.error = throttled()
    with pytest.raises(RefreshFailed) as caught:
        await source.renewal.get()
    source.clock.advance(caught.value.retry_after - 1e-9)
    boot, reads = source.clock.boot, iter([0.0] * 2)
    source.clock.boot = lambda: boot() + next(reads, 1.0)  # type: ignore[method-assign]
    with pytest.raises(RefreshFailed):
        await source.renewal.get()


# --- forgetting ---------------------------------------------------------------------


async def test_forgetting_drops_the_value_and_the_back_off() -> None:
    source = Source()
    await source.renewal.get()
    source.renewal.forget()
    assert source.renewal.held is None
    assert await source.renewal.get() == 2
    source.renewal.forget()
    source.error = refused()
    with pytest.raises(NotAuthorized):
        await source.renewal.get()
    source.renewal.forget()
    source.error = None
    assert await source.renewal.get() == 4


@pytest.mark.parametrize("fails", [False, True])
async def test_a_flight_in_the_air_brings_nothing_back_after_forgetting(fails: bool) -> None:
    source = Source()
    source.error = refused() if fails else None
    source.at_step = lambda step: source.renewal.forget() if step == 2 else None
    (outcome,) = await together(1, source.renewal.get)
    assert isinstance(outcome, NotAuthorized) if fails else outcome == 1
    assert source.renewal.held is None
    assert source.failures == []
    source.error, source.at_step = None, lambda step: None
    assert await source.renewal.get() == 2


async def test_dropping_lets_a_flight_in_the_air_bring_a_value() -> None:
    source = Source()
    await source.renewal.get()
    source.at_step = lambda step: source.renewal.drop() if step == 2 else None
    assert await source.renewal.renew() == 2
    assert source.renewal.held == 2


async def test_what_was_forgotten_while_it_was_renewed_is_not_served() -> None:
    source = Source()
    await source.renewal.get()
    source.clock.advance(75.0)
    source.at_step = lambda step: (
        source.renewal.forget() if (source.started, step) == (2, 2) else None
    )
    served = await source.renewal.get()
    await source.protected.drain()
    # On asyncio the caller left before anything was forgotten.
    assert served == (1 if on_asyncio() else 3)


async def test_settling_waits_for_the_flight_and_starts_none() -> None:
    source = Source()
    await source.renewal.settle()
    assert source.started == 0
    done: list[str] = []

    async def settle() -> None:
        await anyio.lowlevel.checkpoint()
        await source.renewal.settle()
        done.append("settled")
        assert source.finished == 1

    async with anyio.create_task_group() as group:
        group.start_soon(settle)
        await source.renewal.get()
    assert done == ["settled"]
    assert source.idle()


# --- cancellation -------------------------------------------------------------------


class _TaskCancel:
    """`task.cancel()`, which no anyio shield stops."""

    @contextmanager
    def around(self) -> Iterator[None]:
        self._task = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            assert self._task is not None
            self._task.uncancel()

    def fire(self) -> None:
        assert self._task is not None
        self._task.cancel()


class _Scope:
    @contextmanager
    def around(self) -> Iterator[None]:
        with anyio.CancelScope() as self._scope:
            yield

    def fire(self) -> None:
        self._scope.cancel()


class _Deadline(_Scope):
    """`anyio.move_on_after`, its time brought forward."""

    def fire(self) -> None:
        self._scope.deadline = anyio.current_time()


CANCELS = [_Scope, _Deadline]
ASYNCIO = pytest.mark.parametrize("anyio_backend", [("asyncio", {})], ids=["asyncio"])


async def _cancelled_leader(
    source: Source, call: Callable[[], Awaitable[int]], cancel: Any, step: int
) -> list[Any]:
    """Let the leader be cancelled at one suspension point; return what waiters get."""
    left: list[bool] = []
    source.at_step = lambda at: cancel.fire() if at == step and source.started == 1 else None

    async def lead() -> None:
        with cancel.around():
            await call()
            await anyio.lowlevel.checkpoint()
        left.append(True)

    waiters: list[Any] = []

    async def wait() -> None:
        waiters.append(await call())

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await anyio.lowlevel.checkpoint()
        for _ in range(3):
            group.start_soon(wait)
    assert left == [True]
    return waiters


async def _sweep(kind: type[Any], step: int, method: str) -> None:
    source = Source()
    call = getattr(source.renewal, method)
    with anyio.fail_after(5):
        waiters = await _cancelled_leader(source, call, kind(), step)
    await source.protected.drain()
    assert len(set(waiters)) == 1
    assert source.finished == 1, "one fetch ran to its end, whoever began it"
    assert source.started == (1 if on_asyncio() else 2)
    assert source.renewal.held == waiters[0]
    assert await source.renewal.get() == waiters[0]
    assert source.idle()


@pytest.mark.parametrize("method", ["get", "renew"])
@pytest.mark.parametrize("step", range(Source.STEPS))
@pytest.mark.parametrize("kind", CANCELS)
async def test_a_cancelled_leader_leaves_no_waiter_stuck(
    kind: type[Any], step: int, method: str
) -> None:
    # threat 26
    await _sweep(kind, step, method)


@ASYNCIO
@pytest.mark.parametrize("method", ["get", "renew"])
@pytest.mark.parametrize("step", range(Source.STEPS))
async def test_a_leader_whose_task_is_cancelled_leaves_no_waiter_stuck(
    step: int, method: str
) -> None:
    # threat 26
    await _sweep(_TaskCancel, step, method)


@ASYNCIO
@pytest.mark.parametrize("step", range(Source.STEPS))
async def test_asyncio_timeout_around_a_leader_loses_nothing(step: int) -> None:
    # threat 26
    source = Source()
    with pytest.raises(TimeoutError):  # noqa: PT012 - the block is what times out
        async with asyncio.timeout(None) as deadline:
            loop = asyncio.get_running_loop()
            source.at_step = lambda at: deadline.reschedule(loop.time()) if at == step else None
            await source.renewal.get()
            await asyncio.sleep(5)
    await source.protected.drain()
    assert (source.started, source.finished, source.renewal.held) == (1, 1, 1)
    assert source.idle()


@pytest.mark.parametrize("kind", CANCELS)
async def test_a_cancelled_waiter_disturbs_nobody(kind: type[Any]) -> None:
    await _disturb(kind())


@ASYNCIO
async def test_a_waiter_whose_task_is_cancelled_disturbs_nobody() -> None:
    await _disturb(_TaskCancel())


async def _disturb(cancel: Any) -> None:
    source = Source()
    source.at_step = lambda step: cancel.fire() if step == 4 else None
    results: list[int] = []

    async def lead() -> None:
        results.append(await source.renewal.get())

    async def wait() -> None:
        with cancel.around():
            await source.renewal.get()
            results.append(-1)

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await anyio.lowlevel.checkpoint()
        group.start_soon(wait)
        group.start_soon(lead)
    assert results == [1, 1]
    assert source.started == 1
    assert source.idle()


@pytest.mark.parametrize("step", range(Source.STEPS))
async def test_all_callers_cancelled_leave_nothing_behind(step: int) -> None:
    # threat 26: no un-awaited task, nothing stuck for the next one who comes.
    source = Source()
    async with anyio.create_task_group() as group:
        scope = group.cancel_scope
        source.at_step = lambda at: scope.cancel() if at == step else None
        for _ in range(4):
            group.start_soon(source.renewal.get)
    source.at_step = lambda at: None
    await source.protected.drain()
    assert source.idle()
    expected = 1 if on_asyncio() else 2
    assert await source.renewal.get() == expected
    gc.collect()


@ASYNCIO  # On Trio nothing runs behind the caller's back.
async def test_closing_ends_a_flight_that_never_ends_and_wakes_its_waiters() -> None:
    source, closed = Source(), False

    async def fetch() -> Fresh[int]:
        if closed:
            raise SignInRequired(None, "signed-out")
        await anyio.sleep_forever()
        raise AssertionError

    source.renewal._fetch = fetch
    calls = asyncio.gather(
        source.renewal.get(), source.renewal.get(), source.renewal.get(), return_exceptions=True
    )
    await anyio.lowlevel.checkpoint()
    closed = True
    await source.protected.drain(grace=0.01)
    outcomes = await calls
    assert {type(outcome) for outcome in outcomes} == {SignInRequired}
    await source.protected.drain()
    assert source.idle()


async def test_an_idle_renewal_holds_no_event_and_no_task() -> None:
    source = Source()
    await together(3, source.renewal.get)
    assert source.renewal._flight is None
    assert source.protected._tasks == set()
