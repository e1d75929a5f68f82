"""Clocks that disagree are noticed, once each time."""

from __future__ import annotations

import pytest

from aiocognito.tokens.clocks import ClockWatch


def test_the_first_look_has_nothing_to_compare() -> None:
    assert ClockWatch().look(boot=0.0, wall=1e9) is None


@pytest.mark.parametrize("jump", [-86_400.0, -31.0, 31.0, 28_800.0])
def test_a_jump_is_seen_at_the_next_look(jump: float) -> None:
    # threat 23
    watch = ClockWatch()
    watch.look(boot=0.0, wall=1e9)
    assert watch.look(boot=60.0, wall=1e9 + 60.0 + jump) == pytest.approx(jump)
    assert watch.look(boot=120.0, wall=1e9 + 120.0 + jump) is None


@pytest.mark.parametrize("drift", [-30.0, 0.0, 30.0])
def test_small_corrections_are_no_jumps(drift: float) -> None:
    watch = ClockWatch()
    watch.look(boot=0.0, wall=1e9)
    assert watch.look(boot=60.0, wall=1e9 + 60.0 + drift) is None


def test_a_skew_is_said_once_and_again_when_it_changes() -> None:
    # threat 22
    watch = ClockWatch()

    def compare(skew: float) -> float | None:
        return watch.compare(service=1e9 + skew, sent=1e9, received=1e9)

    assert compare(299.0) is None
    assert compare(600.0) == 600.0
    assert compare(630.0) is None
    assert compare(700.0) == 700.0
    assert compare(-700.0) == -700.0
    assert compare(0.0) is None
    assert compare(-700.0) == -700.0, "it was right in between"


def test_a_slow_answer_is_no_skew() -> None:
    watch = ClockWatch()
    assert watch.compare(service=1e9, sent=1e9 - 100.0, received=1e9 + 350.0) is None
