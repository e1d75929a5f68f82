"""Who uses which code (threat 46)."""

from __future__ import annotations

import threading

import anyio
import pytest

from aiocognito import _used_steps
from aiocognito._used_steps import MemorySteps, authenticator_name


async def test_steps_are_given_out_one_by_one() -> None:
    # threat 46
    steps = MemorySteps()
    assert [await steps.claim("a", 10) for _ in range(3)] == [10, 11, 12]
    assert await steps.claim("a", 11) == 13
    assert await steps.claim("a", 20) == 20
    assert await steps.claim("b", 10) == 10


async def test_a_step_claimed_by_a_wrong_clock_holds_nobody_up() -> None:
    # threat 23
    steps = MemorySteps()
    assert await steps.claim("a", 10_000) == 10_000
    assert await steps.claim("a", 10) == 10


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    # threat 35
    monkeypatch.setattr(_used_steps, "_MOST", 3)
    steps = MemorySteps()
    for name in ("a", "b", "a", "c", "d"):
        await steps.claim(name, 1)
    assert list(steps._last) == ["a", "c", "d"]


def test_threads_with_loops_of_their_own_agree() -> None:
    steps = MemorySteps()
    claimed: list[int] = []

    def work() -> None:
        async def claim() -> None:
            claimed.extend([await steps.claim("a", 1) for _ in range(10)])

        anyio.run(claim)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(1, 31))


def test_a_name_tells_secrets_apart_and_gives_none_away() -> None:
    # threat 34
    one, other = authenticator_name(b"secret-one"), authenticator_name(b"secret-two")
    assert one != other
    assert one == authenticator_name(b"secret-one")
    assert len(one) == 32
    int(one, 16)
