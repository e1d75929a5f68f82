"""The policy of freshness: four moments, drawn once, measured on two clocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.tokens.freshness import (
    Action,
    Freshness,
    Schedule,
    action,
    backoff_delay,
    credentials_schedule,
    freshness,
    login_deadline,
    outlives_failure,
    relogin_at,
    token_schedule,
    wall_expiry,
)

lifetimes = st.floats(0.1, 86_400.0)
jitters = st.floats(0.0, 1.0, exclude_max=True)

PLAN = Schedule(refresh_at=70.0, hard_at=90.0, expires_at=100.0, expires_wall=1_100.0, min_ttl=5.0)


# --- where in its life a value is -----------------------------------------------------


@pytest.mark.parametrize(
    ("boot", "expected"),
    [
        (0.0, Freshness.FRESH),
        (69.999, Freshness.FRESH),
        (70.0, Freshness.DUE),
        (89.999, Freshness.DUE),
        (90.0, Freshness.CRITICAL),
        (99.999, Freshness.CRITICAL),
        (100.0, Freshness.EXPIRED),
        (1e9, Freshness.EXPIRED),
    ],
)
def test_the_boot_clock_walks_through_four_states(boot: float, expected: Freshness) -> None:
    assert freshness(PLAN, boot=boot, wall=1_000.0) is expected


def test_expired_when_either_clock_says_so() -> None:
    # threat 23: eight hours of sleep, of which the boot clock may know nothing
    assert freshness(PLAN, boot=10.0, wall=1_099.9) is Freshness.FRESH
    assert freshness(PLAN, boot=10.0, wall=1_100.0) is Freshness.EXPIRED
    assert freshness(PLAN, boot=100.0, wall=0.0) is Freshness.EXPIRED


def test_a_wall_clock_that_is_too_wrong_is_not_asked() -> None:
    blind = Schedule(
        refresh_at=70.0, hard_at=90.0, expires_at=100.0, expires_wall=None, min_ttl=5.0
    )
    assert freshness(blind, boot=10.0, wall=1e12) is Freshness.FRESH


def test_an_expired_mark_stays_expired() -> None:
    assert freshness(PLAN.expire(), boot=-1e9, wall=-1e9) is Freshness.EXPIRED


# --- what somebody who asks gets -------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "otherwise", "resting"),
    [
        (Freshness.FRESH, Action.SERVE, Action.SERVE),
        (Freshness.DUE, Action.SERVE_AND_RENEW, Action.SERVE),
        (Freshness.CRITICAL, Action.WAIT, Action.SETTLE),
        (Freshness.EXPIRED, Action.WAIT, Action.SETTLE),
    ],
)
def test_what_somebody_who_asks_gets(state: Freshness, otherwise: Action, resting: Action) -> None:
    # F101
    assert action(state, resting=False) is otherwise
    assert action(state, resting=True) is resting


@pytest.mark.parametrize(
    ("boot", "wall", "outlives"),
    [
        (94.9, 1_000.0, True),
        (95.0, 1_000.0, False),  # too little is left to be of use
        (100.0, 1_000.0, False),
        (50.0, 1_100.0, False),  # the other clock says it has ended
    ],
)
def test_what_is_handed_out_after_a_failure(boot: float, wall: float, outlives: bool) -> None:
    assert outlives_failure(PLAN, boot=boot, wall=wall) is outlives


# --- tokens ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lifetime", "earliest", "latest", "hard"),
    [
        (3600.0, 42 * 60.0, 48 * 60.0, 3540.0),
        (300.0, 3.5 * 60.0, 4 * 60.0, 285.0),
        (2.0, 1.0, 1.2, 1.6),
        (86_400.0, 76_860.0, 85_500.0, 86_340.0),
    ],
)
def test_tokens_are_refreshed_in_these_windows(
    lifetime: float, earliest: float, latest: float, hard: float
) -> None:
    def plan(jitter: float) -> Schedule:
        return token_schedule(lifetime=lifetime, sent=50.0, expires_wall=None, jitter=jitter)

    assert plan(0.0).refresh_at == pytest.approx(50.0 + latest)
    assert plan(1.0).refresh_at == pytest.approx(50.0 + earliest)
    assert plan(0.3).hard_at == pytest.approx(50.0 + hard)
    assert plan(0.3).expires_at == pytest.approx(50.0 + lifetime)


def test_many_sessions_spread_over_half_the_life() -> None:
    def refresh_at(jitter: float, sessions: int) -> float:
        return token_schedule(
            lifetime=3600.0, sent=0.0, expires_wall=None, jitter=jitter, sessions=sessions
        ).refresh_at

    # 200,000 refreshes do not fit into 30 minutes at half of 120 a second; the window
    # is as wide as it may be.
    assert refresh_at(0.0, 200_000) - refresh_at(1.0, 200_000) == pytest.approx(1800.0)
    # 60,000 need 1,000 seconds.
    assert refresh_at(0.0, 60_000) - refresh_at(1.0, 60_000) == pytest.approx(1000.0)


@given(lifetimes, jitters, st.integers(1, 200_000))
def test_a_token_s_four_moments_are_in_order(lifetime: float, jitter: float, sessions: int) -> None:
    plan = token_schedule(
        lifetime=lifetime, sent=0.0, expires_wall=None, jitter=jitter, sessions=sessions
    )
    assert 0.0 < plan.refresh_at < plan.hard_at < plan.expires_at == lifetime
    assert 0.0 < plan.min_ttl <= 10.0


# --- AWS credentials -------------------------------------------------------------------


def test_credentials_of_an_hour_are_due_ten_to_fifteen_minutes_before_their_end() -> None:
    early = credentials_schedule(lifetime=3600.0, sent=0.0, expires_wall=5.0, jitter=0.0)
    late = credentials_schedule(lifetime=3600.0, sent=0.0, expires_wall=5.0, jitter=1.0)
    assert (early.refresh_at, late.refresh_at) == (2700.0, 3000.0)
    assert early.hard_at == 3540.0
    assert early.expires_wall == 5.0
    assert early.min_ttl == 10.0


@given(lifetimes, jitters)
def test_credentials_four_moments_are_in_order(lifetime: float, jitter: float) -> None:
    plan = credentials_schedule(lifetime=lifetime, sent=7.0, expires_wall=None, jitter=jitter)
    assert 7.0 < plan.refresh_at < plan.hard_at < plan.expires_at == pytest.approx(7 + lifetime)


# --- two clocks ------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [-299.0, -30.0, 0.0, 30.0, 299.0])
def test_a_clock_that_is_a_little_wrong_is_corrected(skew: float) -> None:
    # threat 22: the local clock is `skew` behind the service's
    local = 1_000.0
    expiry = wall_expiry(
        issued_at=local + skew, expires_at=local + skew + 3600.0, sent=local, received=local
    )
    assert expiry == local + 3600.0


@pytest.mark.parametrize("skew", [-86_400.0, -600.0, -301.0, 301.0, 600.0, 86_400.0])
def test_a_clock_that_is_very_wrong_is_not_consulted(skew: float) -> None:
    # threat 22: it must not make every token look dead
    local = 100_000.0
    assert (
        wall_expiry(
            issued_at=local + skew, expires_at=local + skew + 3600.0, sent=local, received=local
        )
        is None
    )


def test_a_slow_answer_is_not_taken_for_a_wrong_clock() -> None:
    expiry = wall_expiry(issued_at=1_000.0, expires_at=4_600.0, sent=1_000.0, received=1_305.0)
    assert expiry == pytest.approx(4_905.0)


def test_a_clock_set_back_during_the_call_allows_no_more() -> None:
    assert (
        wall_expiry(issued_at=1_305.0, expires_at=4_600.0, sent=2_000.0, received=1_000.0) is None
    )


# --- back-off --------------------------------------------------------------------------


def test_pauses_grow_to_a_minute_and_for_what_has_expired_to_half_of_one() -> None:
    living = [backoff_delay(failures=n, remaining=3600.0, jitter=1.0) for n in range(1, 9)]
    expired = [backoff_delay(failures=n, remaining=0.0, jitter=1.0) for n in range(1, 9)]
    assert living == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert expired == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize(("remaining", "longest"), [(100.0, 25.0), (4.0, 2.0), (0.5, 2.0)])
def test_a_value_about_to_end_is_tried_more_often(remaining: float, longest: float) -> None:
    assert backoff_delay(failures=20, remaining=remaining, jitter=1.0) == longest


@given(st.integers(1, 10_000), st.floats(-1e6, 1e6), jitters)
def test_a_pause_is_never_shorter_than_a_second_nor_longer_than_a_minute(
    failures: int, remaining: float, jitter: float
) -> None:
    delay = backoff_delay(failures=failures, remaining=remaining, jitter=jitter)
    assert 1.0 <= delay <= 60.0


# --- the end of a login ----------------------------------------------------------------


def test_a_login_ends_its_validity_after_the_sign_in() -> None:
    assert login_deadline(auth_time=1_000.0, validity=3_600.0) == 4_600.0


@pytest.mark.parametrize(
    ("validity", "earliest", "latest"),
    [
        (3_600.0, 1_200.0, 600.0),
        (86_400.0, 8_640.0, 4_320.0),
        (30 * 86_400.0, 2 * 86_400.0, 86_400.0),
    ],
)
def test_a_new_sign_in_is_due_before_the_end(
    validity: float, earliest: float, latest: float
) -> None:
    def before(jitter: float) -> float:
        return 1e7 - relogin_at(deadline=1e7, validity=validity, jitter=jitter)

    assert before(0.0) == pytest.approx(latest)
    assert before(1.0) == pytest.approx(earliest)
