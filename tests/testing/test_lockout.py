"""The times of a lock."""

from __future__ import annotations

import pytest

from aiocognito.testing.lockout import Lockout
from aiocognito.testing.service_errors import PoolError


def is_locked(lockout: Lockout, now: float, key: str = "ana") -> bool:
    try:
        lockout.refuse_if_locked(key, now)
    except PoolError as error:
        return error.message == "Password attempts exceeded"
    return False


def after(failures: int) -> tuple[Lockout, float]:
    """Fail that many times, each as soon as the lock lets it through."""
    lockout, now = Lockout(), 0.0
    for _ in range(failures):
        while is_locked(lockout, now):
            now += 1.0
        lockout.failed("ana", now)
    return lockout, now


@pytest.mark.parametrize("failures", [0, 1, 4])
def test_the_first_failures_lock_nothing(failures: int) -> None:
    lockout, now = after(failures)
    assert not is_locked(lockout, now)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(5, 1), (6, 2), (7, 4), (10, 32), (14, 512), (15, 900), (16, 900), (30, 900)],
)
def test_each_further_failure_doubles_the_lock(failures: int, seconds: float) -> None:
    lockout, now = after(failures)
    assert is_locked(lockout, now + seconds - 0.001)
    assert not is_locked(lockout, now + seconds)


def test_success_forgets() -> None:
    lockout, now = after(5)
    lockout.succeeded("ana")
    for _ in range(4):
        lockout.failed("ana", now)
    assert not is_locked(lockout, now)


def test_fifteen_idle_minutes_forget() -> None:
    lockout, now = after(8)
    later = now + 8 + 900
    for _ in range(4):
        lockout.failed("ana", later)
    assert not is_locked(lockout, later)


def test_somebody_else_is_not_locked() -> None:
    lockout, now = after(5)
    assert not is_locked(lockout, now, "bob")


def test_names_without_end_are_forgotten() -> None:
    lockout, now = after(5)
    for number in range(10_000):
        lockout.failed(f"nobody-{number}", now)
    assert not is_locked(lockout, now)
