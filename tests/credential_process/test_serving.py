"""Many processes, one renewal; what is good is handed out, and nothing good is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from aiocognito._clock import Clock
from aiocognito.credential_process import serving
from aiocognito.credential_process.document import KeptCredentials
from aiocognito.credential_process.options import Options, parse
from aiocognito.credential_process.serving import keep_credentials, load_credentials, serve
from aiocognito.errors import ConnectFailed, SignInRequired, StoreUnavailable
from aiocognito.stores import Entry, MemoryTokenStore, TokenStore
from aiocognito.stores.base import StoreKey
from aiocognito.testing import ManualClock
from aiocognito.tokens.credentials import AwsCredentials
from tests.credential_process.test_options import USER

HOUR = 3600.0


class Renewer:
    """Brings credentials 1, 2, 3, … that live an hour."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.meanwhile: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint

    async def __call__(self, options: Options, store: TokenStore, clock: Clock) -> KeptCredentials:
        self.calls += 1
        number = self.calls
        await self.meanwhile()
        if self.error is not None:
            raise self.error
        return made(number, clock.wall())


def made(number: int, now: float) -> KeptCredentials:
    credentials = AwsCredentials(
        access_key_id=f"ASIA{number:016}",
        secret_access_key="s",
        session_token="t",
        expires_at=datetime.fromtimestamp(int(now + HOUR), UTC),
        identity_id="eu-west-1:00000000-0000-4000-8000-000000000001",
    )
    return KeptCredentials(credentials=credentials, issued_at=now)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> MemoryTokenStore:
    return MemoryTokenStore(clock=clock)


@pytest.fixture
def renew() -> Renewer:
    return Renewer()


OPTIONS = parse(USER)


async def number(store: TokenStore, renew: Renewer, clock: Clock) -> int:
    found = await serve(OPTIONS, store, renew, clock=clock)
    return int(found.credentials.access_key_id.removeprefix("ASIA"))


async def test_what_is_kept_is_handed_out_until_its_time_has_come(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock
) -> None:
    for _ in range(3):
        assert await number(store, renew, clock) == 1
        clock.advance(600)
    clock.advance(HOUR / 2)
    assert await number(store, renew, clock) == 2


async def test_twenty_processes_at_once_cost_one_renewal(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 32
    monkeypatch.setattr(serving, "_STEP", 0.0)
    found: list[int] = []

    async def process() -> None:
        found.append(await number(store, renew, clock))

    async def slowly() -> None:
        for _ in range(50):
            await anyio.lowlevel.checkpoint()

    renew.meanwhile = slowly
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(process)
    assert found == [1] * 20
    assert renew.calls == 1


async def test_a_sign_out_during_a_renewal_leaves_no_credentials_behind(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock
) -> None:
    # threat 47
    await store.commit(OPTIONS.session_key, Entry.first(b"a session"), expected=None)

    async def sign_out() -> None:
        await store.delete(OPTIONS.session_key)
        await store.delete(OPTIONS.credentials_key)

    renew.meanwhile = sign_out
    await number(store, renew, clock)
    assert await store.load(OPTIONS.credentials_key) is None


async def test_whoever_waits_too_long_goes_on_without_the_lease(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 31: a process that died with the lease holds nobody up for ever
    monkeypatch.setattr(serving, "_PATIENCE", 0.0)
    await store.acquire(OPTIONS.session_key, owner="a dead one", ttl=60.0)
    assert await number(store, renew, clock) == 1


async def test_a_failure_hands_out_what_still_lives(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock
) -> None:
    # threat 24
    await number(store, renew, clock)
    clock.advance(HOUR - 300)
    renew.error = ConnectFailed("GetId", retry_safe=True)
    assert await number(store, renew, clock) == 1
    clock.advance(280)
    with pytest.raises(ConnectFailed):
        await number(store, renew, clock)
    renew.error = None
    assert await number(store, renew, clock) == 4


async def test_a_session_that_is_over_hands_out_nothing(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock
) -> None:
    await number(store, renew, clock)
    clock.advance(HOUR - 300)
    renew.error = SignInRequired("ana", "refresh-token-rejected")
    with pytest.raises(SignInRequired):
        await number(store, renew, clock)


async def test_the_lease_is_given_back_after_a_failure_and_a_cancellation(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock
) -> None:
    # threat 26
    renew.error = ConnectFailed("GetId", retry_safe=True)
    with pytest.raises(ConnectFailed):
        await number(store, renew, clock)
    renew.error, renew.meanwhile = None, anyio.sleep_forever
    with anyio.move_on_after(0.05):
        await number(store, renew, clock)
    assert await store.acquire(OPTIONS.session_key, owner="me", ttl=1.0) is not None


@pytest.mark.parametrize("kept", [b"", b"nonsense", b"{}"])
async def test_what_cannot_be_read_is_brought_again(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock, kept: bytes
) -> None:
    # threat 29
    await store.commit(OPTIONS.credentials_key, Entry.first(kept), expected=None)
    assert await number(store, renew, clock) == 1
    assert await number(store, renew, clock) == 1


async def test_a_store_that_cannot_be_written_does_not_hold_credentials_back(
    renew: Renewer, clock: ManualClock
) -> None:
    class Full(MemoryTokenStore):
        async def commit(self, *args: Any, **options: Any) -> Any:
            raise StoreUnavailable("The disk is full.")

    assert await number(Full(clock=clock), renew, clock) == 1


async def test_a_store_without_leases_serves_too(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock
) -> None:
    class Plain:
        load, commit, delete, aclose = store.load, store.commit, store.delete, store.aclose

    assert await number(Plain(), renew, clock) == 1
    assert await number(Plain(), renew, clock) == 1


async def test_newer_credentials_of_another_process_stay(
    store: MemoryTokenStore, clock: ManualClock
) -> None:
    # threat 32
    key: StoreKey = OPTIONS.credentials_key
    await keep_credentials(store, key, made(2, clock.wall()))
    await keep_credentials(store, key, made(1, clock.wall() - 5))
    found = await load_credentials(store, key)
    assert found is not None
    assert found.credentials.access_key_id.endswith("2")


async def test_a_clock_that_was_wrong_once_does_no_lasting_harm(
    store: MemoryTokenStore, renew: Renewer, clock: ManualClock
) -> None:
    # threat 23: what was kept while it was a day ahead must not stay for that day
    clock.jump(86_400)
    assert await number(store, renew, clock) == 1
    clock.jump(-86_400)
    assert await number(store, renew, clock) == 2
    assert await number(store, renew, clock) == 2


async def test_a_lost_race_is_run_again(store: MemoryTokenStore, clock: ManualClock) -> None:
    class Racing(MemoryTokenStore):
        raced = 0

        async def commit(self, key: StoreKey, entry: Entry, *, expected: int | None) -> Any:
            if not self.raced:
                self.raced = 1
                older = made(1, clock.wall() - 5).to_bytes()
                await super().commit(key, Entry.first(older), expected=None)
            return await super().commit(key, entry, expected=expected)

    racing = Racing(clock=clock)
    await keep_credentials(racing, OPTIONS.credentials_key, made(2, clock.wall()))
    found = await load_credentials(racing, OPTIONS.credentials_key)
    assert found is not None
    assert found.credentials.access_key_id.endswith("2")
