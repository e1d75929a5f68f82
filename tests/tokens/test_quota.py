"""The arithmetic of turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.tokens.quota import (
    CATEGORIES,
    QUOTAS,
    Bucket,
    category_of,
    half_of,
    refreshes_needed,
)


def test_every_category_has_a_quota() -> None:
    assert set(CATEGORIES.values()) == set(QUOTAS)


def test_only_what_is_watched_has_a_category() -> None:
    assert category_of("InitiateAuth") == "UserAuthentication"
    assert category_of("SignUp") is None


def test_what_a_plan_needs_and_has() -> None:
    # The examples of the documentation.
    assert refreshes_needed(sessions=100_000, lifetime=3600.0) == pytest.approx(55.6, abs=0.1)
    assert refreshes_needed(sessions=100_000, lifetime=300.0) == pytest.approx(666.7, abs=0.1)
    assert half_of(120.0) == 60.0


def test_after_a_pause_a_fifth_of_the_quota_goes_at_once() -> None:
    bucket = Bucket(quota=120.0, reserve=0.3)
    assert [bucket.take(0.0, urgent=True) for _ in range(24)] == [0.0] * 24
    assert bucket.take(0.0, urgent=True) == pytest.approx(1 / 96)


def test_three_tenths_of_the_burst_are_for_urgent_calls() -> None:
    bucket = Bucket(quota=120.0, reserve=0.3)
    taken = 0
    while not bucket.take(0.0, urgent=False):
        taken += 1
    assert taken == 16
    assert bucket.take(0.0, urgent=True) == 0.0


def test_a_turn_that_was_not_used_is_there_for_another() -> None:
    bucket = Bucket(quota=1.0, reserve=0.3)
    assert bucket.take(0.0, urgent=False) == 0.0
    assert bucket.take(0.0, urgent=True) > 0.0
    bucket.give_back()
    bucket.give_back()
    assert bucket.take(0.0, urgent=True) == 0.0
    assert bucket.take(0.0, urgent=True) > 0.0, "a burst of one stays one"


def test_refusals_slow_it_down_and_time_speeds_it_up() -> None:
    # F104
    bucket = Bucket(quota=120.0, reserve=0.3)
    bucket.slow_down(0.0)
    bucket.slow_down(0.5)  # of the same storm
    assert bucket.rate(0.5) == pytest.approx(0.7 * 96 + 0.25)
    bucket.slow_down(2.0)
    assert bucket.rate(2.0) == pytest.approx(0.7 * (0.7 * 96 + 1.0))
    assert bucket.rate(200.0) == 96.0
    assert bucket.throttles == 3


def test_it_never_stops_for_good() -> None:
    bucket = Bucket(quota=120.0, reserve=0.3)
    for number in range(100):
        bucket.slow_down(2.0 * number)
    assert bucket.rate(200.0) >= 0.05 * 96
    assert bucket.take(210.0, urgent=False) == 0.0


def test_what_the_service_asks_for_is_kept() -> None:
    bucket = Bucket(quota=120.0, reserve=0.3)
    bucket.slow_down(0.0, retry_after=30.0)
    bucket.slow_down(0.1, retry_after=5.0)
    assert bucket.take(10.0, urgent=True) == pytest.approx(20.0)
    assert bucket.take(30.0, urgent=True) == 0.0


@given(
    quota=st.floats(0.5, 1_000.0),
    reserve=st.floats(0.0, 0.9),
    steps=st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans()), max_size=200),
)
def test_no_second_sees_more_than_the_quota(
    quota: float, reserve: float, steps: list[tuple[float, bool]]
) -> None:
    bucket, now, taken = Bucket(quota=quota, reserve=reserve), 0.0, []
    for pause, urgent in steps:
        now += pause
        for _ in range(50):
            if bucket.take(now, urgent=urgent):
                break
            taken.append(now)
    for start in taken:
        # One more than the quota where that is not a whole number of calls.
        assert sum(1 for at in taken if start <= at < start + 1.0) <= max(1.0, quota) + 1.0


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    bucket = Bucket(quota=1.0, reserve=0.0)
    assert bucket.take(100.0, urgent=True) == 0.0
    assert bucket.take(50.0, urgent=True) > 0.0
