from __future__ import annotations

import pytest

from aiocognito._clock import Clock
from aiocognito.testing.clock import ManualClock


def test_nothing_moves_by_itself() -> None:
    clock: Clock = ManualClock(100.0, boot=5.0)
    assert [(clock.wall(), clock.boot()) for _ in range(2)] == [(100.0, 5.0)] * 2


def test_advancing_moves_both() -> None:
    clock = ManualClock(100.0, boot=5.0)
    clock.advance(1.5)
    assert (clock.wall(), clock.boot()) == (101.5, 6.5)


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_jumping_moves_the_wall_alone(seconds: float) -> None:
    clock = ManualClock(10_000.0, boot=5.0)
    clock.jump(seconds)
    assert (clock.wall(), clock.boot()) == (10_000.0 + seconds, 5.0)


@pytest.mark.parametrize("seconds", [-0.1, float("nan")])
def test_time_does_not_pass_backwards(seconds: float) -> None:
    clock = ManualClock()
    with pytest.raises(ValueError, match="jump"):
        clock.advance(seconds)


def test_it_shows_where_it_stands() -> None:
    assert repr(ManualClock(1.0, boot=2.0)) == "ManualClock(wall=1.0, boot=2.0)"
