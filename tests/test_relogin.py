"""Signing in again without a person, as often as that is wise."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito._relogin import Relogin, checked_source
from aiocognito.errors import (
    AttemptsExceeded,
    ConnectFailed,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidType,
    RefreshFailed,
    Throttled,
)
from aiocognito.testing import ManualClock
from aiocognito.tokens.quota import Bucket


class Service:
    """Counts the passwords presented to it; `trouble` comes in place of an answer."""

    def __init__(self) -> None:
        self.presented: list[str] = []
        self.trouble: list[Exception | None] = []

    async def sign_in(self, password: Secret) -> str:
        self.presented.append(password.reveal())
        trouble = self.trouble.pop(0) if self.trouble else None
        if trouble is not None:
            raise trouble
        return "signed in"


def refused() -> IncorrectUsernameOrPassword:
    return IncorrectUsernameOrPassword(
        code="NotAuthorizedException",
        message="Incorrect username or password.",
        operation="RespondToAuthChallenge",
        request_id=None,
        status=400,
        retry_safe=False,
    )


def throttled(operation: str = "RespondToAuthChallenge") -> Throttled:
    return Throttled(
        code="TooManyRequestsException",
        message="Rate exceeded",
        operation=operation,
        request_id=None,
        status=400,
        retry_safe=True,
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def relogin(clock: ManualClock) -> Relogin:
    return Relogin(checked_source("Correct-Horse-9!"), clock)


async def test_the_third_sign_in_of_fifteen_minutes_waits(
    relogin: Relogin, service: Service, clock: ManualClock
) -> None:
    # threat 7
    await relogin.run(service.sign_in)
    clock.advance(600)
    await relogin.run(service.sign_in)
    with pytest.raises(RefreshFailed) as caught:
        await relogin.run(service.sign_in)
    assert caught.value.retry_after == pytest.approx(300)
    assert len(service.presented) == 2
    clock.advance(300)
    assert await relogin.run(service.sign_in) == "signed in"


async def test_a_jump_of_the_wall_clock_does_not_shorten_the_wait(
    relogin: Relogin, service: Service, clock: ManualClock
) -> None:
    for _ in range(2):
        await relogin.run(service.sign_in)
    clock.jump(3600)
    with pytest.raises(RefreshFailed):
        await relogin.run(service.sign_in)


async def test_an_attempt_that_reached_nobody_is_not_counted(
    relogin: Relogin, service: Service
) -> None:
    service.trouble = [ConnectFailed("InitiateAuth", retry_safe=True) for _ in range(5)]
    for _ in range(5):
        with pytest.raises(ConnectFailed):
            await relogin.run(service.sign_in)
    for _ in range(2):
        assert await relogin.run(service.sign_in) == "signed in"
    with pytest.raises(RefreshFailed):
        await relogin.run(service.sign_in)


async def test_an_attempt_that_was_throttled_at_its_first_call_is_not_counted(
    relogin: Relogin, service: Service
) -> None:
    # F104: a storm of a minute must not cost a worker a quarter of an hour.
    service.trouble = [throttled("InitiateAuth") for _ in range(5)]
    for _ in range(5):
        with pytest.raises(Throttled):
            await relogin.run(service.sign_in)
    assert await relogin.run(service.sign_in) == "signed in"


async def test_an_attempt_that_was_answered_counts_whatever_the_answer(
    relogin: Relogin, service: Service
) -> None:
    service.trouble = [throttled(), throttled()]
    for _ in range(2):
        with pytest.raises(Throttled):
            await relogin.run(service.sign_in)
    with pytest.raises(RefreshFailed):
        await relogin.run(service.sign_in)
    assert len(service.presented) == 2


async def test_a_refused_password_waits_for_another_one(
    service: Service, clock: ManualClock
) -> None:
    # threat 7
    current = "Wrong-Horse-9!"

    async def vault() -> str:
        return current

    relogin = Relogin(checked_source(vault), clock)
    service.trouble = [refused()]
    errors = []
    for _ in range(3):
        with pytest.raises(IncorrectUsernameOrPassword) as caught:
            await relogin.run(service.sign_in)
        errors.append(caught.value)
    assert service.presented == ["Wrong-Horse-9!"]
    assert len({id(error) for error in errors}) == 3  # to each its own traceback
    current = "Correct-Horse-9!"
    assert await relogin.run(service.sign_in) == "signed in"


class Vault:
    async def __call__(self) -> str:
        return "from the vault"


async def test_an_object_with_an_async_call_is_a_source() -> None:
    assert await checked_source(Vault())() == Secret("from the vault")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (None, InvalidType),
        (b"bytes", InvalidType),
        ("", InvalidArgument),
        (lambda: "read at once", InvalidArgument),
    ],
)
def test_what_is_no_source_is_refused_at_once(source: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="password"):
        checked_source(source)


@pytest.mark.parametrize(("value", "error"), [(None, InvalidType), ("", InvalidArgument)])
async def test_what_a_source_brings_is_checked(value: Any, error: type[Exception]) -> None:
    async def vault() -> Any:
        return value

    with pytest.raises(error, match="password"):
        await checked_source(vault)()


# --- a locked user ---------------------------------------------------------------------


def locked() -> AttemptsExceeded:
    return AttemptsExceeded(
        "Password attempts exceeded",
        code="NotAuthorizedException",
        operation="RespondToAuthChallenge",
    )


async def test_while_the_user_is_locked_nobody_asks(
    relogin: Relogin, service: Service, clock: ManualClock
) -> None:
    waits = []
    for _ in range(6):
        service.trouble = [locked()]
        with pytest.raises(RefreshFailed) as caught:
            await relogin.run(service.sign_in)
        assert isinstance(caught.value.__cause__, AttemptsExceeded)
        waits.append(caught.value.retry_after)
        clock.advance(caught.value.retry_after - 1)
        with pytest.raises(RefreshFailed) as caught:
            await relogin.run(service.sign_in)
        assert caught.value.retry_after == pytest.approx(1)
        clock.advance(1)
    assert waits == [60, 120, 240, 480, 900, 900]
    assert len(service.presented) == 6
    assert await relogin.run(service.sign_in) == "signed in"


async def test_a_success_ends_the_memory_of_locks(
    relogin: Relogin, service: Service, clock: ManualClock
) -> None:
    for trouble in (locked(), locked(), None, locked()):
        service.trouble = [trouble]
        try:
            await relogin.run(service.sign_in)
        except RefreshFailed as failed:
            last = failed.retry_after
            clock.advance(last)
    assert last == 60


# --- very many at once -----------------------------------------------------------------


async def test_very_many_sessions_sign_in_at_the_pace_of_the_quota(
    clock: ManualClock,
) -> None:
    budget, asked, presented = Bucket(quota=120.0, reserve=0.3), 0, 0

    async def vault() -> Secret:
        nonlocal asked
        asked += 1
        return Secret("Correct-Horse-9!")

    async def sign_in(password: Secret | None) -> None:
        nonlocal presented
        presented += 1

    async def one(relogin: Relogin) -> bool:
        try:
            await relogin.run(sign_in)
        except RefreshFailed as failed:
            waits.append(failed.retry_after)
            return False
        return True

    waits: list[float] = []
    waiting = [Relogin(vault, clock, budget) for _ in range(500)]
    tenths = 0
    while waiting:
        waiting = [relogin for relogin in waiting if not await one(relogin)]
        clock.advance(0.1)
        tenths += 1
    assert presented == asked == 500
    assert tenths == pytest.approx(500 / 9.6, rel=0.1)
    assert 0 < min(waits) <= max(waits) < 1


async def test_a_turn_that_is_not_used_goes_to_the_next(
    service: Service, clock: ManualClock
) -> None:
    budget = Bucket(quota=1.0, reserve=0.0)
    refusing = Relogin(checked_source("Wrong-Horse-9!"), clock, budget)
    service.trouble = [refused()]
    with pytest.raises(IncorrectUsernameOrPassword):
        await refusing.run(service.sign_in)
    clock.advance(10)
    with pytest.raises(IncorrectUsernameOrPassword):
        await refusing.run(service.sign_in)  # nothing is presented
    another = Relogin(checked_source("Correct-Horse-9!"), clock, budget)
    assert await another.run(service.sign_in) == "signed in"
