"""Codes of one authenticator among workers that share a store (threat 46)."""

from __future__ import annotations

import base64
from pathlib import Path

import anyio
import pytest

from aiocognito import responders
from aiocognito._redact import Secret
from aiocognito.errors import StoreUnavailable
from aiocognito.flow.answers import Context
from aiocognito.flow.challenges import SoftwareTokenMfa
from aiocognito.stores import FileTokenStore, MemoryTokenStore, SharedTokenStore, StoredSteps
from aiocognito.stores.base import Conflict, Entry, StoreKey
from tests.world import SleepingClock

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TOTP = SoftwareTokenMfa(
    context=Context(
        client_id="client",
        username="ana",
        session=Secret("s" * 20),
        password_proven=True,
        plaintext_allowed=False,
    ),
    parameters={},
    device_name=None,
)


async def test_workers_share_the_steps_out_among_them(store: SharedTokenStore) -> None:
    # threat 46
    workers = [StoredSteps(store) for _ in range(4)]
    claimed: list[int] = []

    async def work(steps: StoredSteps) -> None:
        claimed.append(await steps.claim("a" * 32, 100))

    async with anyio.create_task_group() as tasks:
        for steps in workers:
            tasks.start_soon(work, steps)
    assert sorted(claimed) == [100, 101, 102, 103]
    assert await workers[0].claim("b" * 32, 100) == 100
    assert await workers[0].claim("a" * 32, 200) == 200


async def test_a_step_claimed_by_a_wrong_clock_holds_nobody_up() -> None:
    # threat 23
    steps = StoredSteps(MemoryTokenStore())
    assert await steps.claim("a", 10_000) == 10_000
    assert await steps.claim("a", 10) == 10


@pytest.mark.parametrize("value", [b"", b"-5 " + b"0" * 32, b"12", b"9" * 40, b"\xff", b"1_0 x"])
async def test_an_entry_that_tells_nothing_is_replaced(value: bytes) -> None:
    # threat 29
    store, key = MemoryTokenStore(), StoreKey.for_authenticator("a")
    await store.commit(key, Entry.first(value), expected=None)
    assert await StoredSteps(store).claim("a", 7) == 7
    assert await StoredSteps(store).claim("a", 7) == 8


class LosesAnswers(MemoryTokenStore):
    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        await super().commit(key, entry, expected=expected)
        return await super().commit(key, entry, expected=expected)


async def test_a_claim_whose_answer_was_lost_is_not_made_twice() -> None:
    store = LosesAnswers()
    assert await StoredSteps(store).claim("a", 7) == 7
    assert await StoredSteps(store).claim("a", 7) == 8


class NeverLets(MemoryTokenStore):
    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        return Conflict(None)


async def test_a_store_that_lets_nobody_claim_is_given_up() -> None:
    with pytest.raises(StoreUnavailable):
        await StoredSteps(NeverLets()).claim("a", 7)


async def test_two_processes_never_answer_with_one_code(tmp_path: Path) -> None:
    # threat 46: each with a store, a responder and a clock of its own, on one folder
    codes: list[str] = []
    for _ in range(3):
        steps = StoredSteps(FileTokenStore(tmp_path / "codes"))
        respond = responders.totp(SECRET, clock=SleepingClock(3_000), used_steps=steps)
        answer = await respond(TOTP)
        assert answer is not None
        codes.append(answer.responses["SOFTWARE_TOKEN_MFA_CODE"].reveal())
    assert len(set(codes)) == 3


async def test_the_folder_does_not_give_the_secret_away(tmp_path: Path) -> None:
    # threat 34
    steps = StoredSteps(FileTokenStore(tmp_path / "codes"))
    await responders.totp(SECRET, clock=SleepingClock(3_000), used_steps=steps)(TOTP)
    kept = b"".join(
        path.name.encode() + path.read_bytes()
        for path in (tmp_path / "codes").rglob("*")
        if path.is_file()
    )
    assert kept
    assert SECRET.encode() not in kept
    assert base64.b32decode(SECRET) not in kept
