"""Several workers share one identity while refresh tokens rotate. # threat 32"""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito import Fleet, Password, Session
from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    RefreshFailed,
    SignInRequired,
    StoreUnavailable,
)
from aiocognito.events import RefreshFailing, SecurityAlert, TokensChanged
from aiocognito.stores import Conflict, Entry, MemoryTokenStore, StoreKey
from aiocognito.testing import Drop, Refuse

from .test_stored_sessions import REFRESH, Stored
from .world import PASSWORD, SleepingClock, World


class PatientClock(SleepingClock):
    """Sleeping moves it, but only after everybody else had time to get on."""

    async def sleep(self, seconds: float) -> None:
        for _ in range(100):
            await anyio.lowlevel.checkpoint()
        self.advance(seconds)


class Workers(Stored):
    """A world whose pools are workers of one fleet."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{
                "rotation": True,
                "rotation_grace": 60,
                "explicit_auth_flows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"],
                "pool_options": {"fleet": Fleet(), "rotation_grace": 60},
                **options,
            }
        )

    def clocks(self) -> SleepingClock:
        return PatientClock()

    def worker(self, **changes: Any) -> Session:
        # Not by SRP, whose arithmetic takes real time in a thread.
        pool = self.another_pool(**changes)
        session: Session = pool.session("ana", password=PASSWORD, flow=Password())
        return session

    async def ready(self, count: int) -> list[Session]:
        """Workers that all serve the same tokens."""
        workers = [self.worker() for _ in range(count)]
        tokens = {await worker.access_token() for worker in workers}
        assert len(tokens) == 1
        return workers

    def another_pool(self, **changes: Any) -> Any:
        if self.store is None:  # the base class makes one before there is a store
            changes = {"fleet": None, **changes}
        return super().another_pool(**changes)


async def all_of(workers: list[Session]) -> list[str]:
    tokens: list[str] = []

    async def ask(worker: Session) -> None:
        tokens.append(await worker.access_token())

    async with anyio.create_task_group() as group:
        for worker in workers:
            group.start_soon(ask, worker)
    return tokens


async def settled(worker: Session) -> None:
    """Let the worker notice that its token is due, and what comes of that."""
    await worker.access_token()
    await worker._renewal.settle()


# --- one for all ----------------------------------------------------------------------


async def test_ten_workers_sign_in_once() -> None:
    # threat 46: the code of an authenticator is asked for by one of them
    world = Workers()
    assert len(set(await all_of([world.worker() for _ in range(10)]))) == 1
    assert world.wire.counts["InitiateAuth"] == 1


async def test_ten_workers_refresh_once() -> None:
    world = Workers()
    workers = await world.ready(10)
    for _ in range(3):
        before = world.wire.counts[REFRESH]
        world.clock.advance(3601)
        assert len(set(await all_of(workers))) == 1
        assert world.wire.counts[REFRESH] == before + 1
    assert world.wire.counts["InitiateAuth"] == 1


async def test_whoever_is_early_serves_all_without_a_call() -> None:
    world = Workers()
    one, two = await world.ready(2)
    world.clock.advance(50 * 60)
    await settled(one)
    await settled(two)
    assert world.wire.counts[REFRESH] == 1
    assert await one.access_token() == await two.access_token()
    assert world.heard(TokensChanged)[-1].reason == "store"


async def test_a_follower_serves_what_it_has_and_looks_again_soon() -> None:
    world = Workers()
    one, two = await world.ready(2)
    await world.store.acquire(world.key, owner="a third", ttl=15.0)
    world.clock.advance(50 * 60)
    await world.store.acquire(world.key, owner="a third", ttl=15.0)
    token = await one.access_token()
    await settled(one)
    looked = world.store.calls["acquire"]
    await one.access_token()  # before its next look
    assert world.store.calls["acquire"] == looked
    world.clock.advance(5.1)
    await settled(one)
    assert world.store.calls["acquire"] > looked
    assert await one.access_token() == token
    assert REFRESH not in world.wire.counts
    assert not world.heard(RefreshFailing)
    world.clock.advance(15)
    await settled(two)
    assert world.wire.counts[REFRESH] == 1


async def test_without_a_token_a_follower_waits_for_the_holder() -> None:
    world = Workers()
    one, two = await world.ready(2)
    world.clock.advance(3601)
    order: list[str] = []

    async def hold() -> None:
        order.append("refresh")
        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            for _ in range(30):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()

    async def follow() -> None:
        await two.access_token()

    world.wire.before.append(hold)
    token = await one.access_token()
    assert await two.access_token() == token
    assert world.wire.counts[REFRESH] == 1


async def test_a_follower_does_not_wait_for_ever() -> None:
    world = Workers()
    one, _ = await world.ready(2)
    world.clock.advance(3601)
    await world.store.acquire(world.key, owner="a third", ttl=600.0)
    with pytest.raises(RefreshFailed):
        await one.access_token()
    assert REFRESH not in world.wire.counts


# --- trouble --------------------------------------------------------------------------


async def test_another_makes_good_what_a_lost_answer_left_behind() -> None:
    # threat 25
    world = Workers()
    one, two = await world.ready(2)
    world.clock.advance(3601)
    world.local.faults.add(Drop(), operation=REFRESH)
    with pytest.raises(RefreshFailed):
        await one.access_token()
    assert await two.access_token()
    world.clock.advance(5)
    assert await one.access_token() == await two.access_token()
    assert world.wire.counts["InitiateAuth"] == 1
    assert not world.heard(SecurityAlert)


async def test_a_lost_answer_beyond_the_grace_period_costs_one_sign_in_and_no_alert() -> None:
    # threat 25, 33
    world = Workers()
    one, two = await world.ready(2)
    world.clock.advance(3601)
    world.local.faults.add(Drop(), operation=REFRESH)
    with pytest.raises(RefreshFailed):
        await one.access_token()
    world.clock.advance(61)
    assert len(set(await all_of([one, two]))) == 1
    assert world.wire.counts["InitiateAuth"] == 2
    assert not world.heard(SecurityAlert)


async def test_a_worker_that_crashed_is_succeeded_when_its_lease_ends() -> None:
    # threat 28
    world = Workers()
    one, two = await world.ready(2)
    world.clock.advance(3601)

    entry = world.entry()
    assert entry is not None
    # As a killed process leaves it: the token was presented, nothing was stored.
    await world.store.acquire(world.key, owner="the dead", ttl=15.0)
    await world.store.mark_attempt(world.key, generation=entry.generation, at=world.clock.wall())
    stale = two.export_state()
    await world.another_pool(store=None, fleet=None).restore(stale).refresh()
    token = await one.access_token()  # waits out the lease, on a clock that sleeping moves
    assert await two.access_token() == token
    assert world.wire.counts["InitiateAuth"] == 1
    assert world.wire.counts[REFRESH] == 2


async def test_a_refused_token_costs_one_sign_in_for_all() -> None:
    world = Workers()
    workers = await world.ready(5)
    world.clock.advance(3601)
    world.local.faults.add(
        Refuse("NotAuthorizedException", "Refresh Token has been revoked"), operation=REFRESH
    )
    assert len(set(await all_of(workers))) == 1
    assert world.wire.counts["InitiateAuth"] == 2


async def test_a_stolen_token_is_an_alert_and_deletes_the_entry() -> None:
    # threat 33
    world = Workers()
    pools = [world.another_pool() for _ in range(2)]
    one = await pools[0].sign_in("ana", PASSWORD)
    two = pools[1].session("ana")
    await two.access_token()
    thief = world.another_pool(store=None, fleet=None).restore(one.export_state())
    await thief.refresh()
    world.clock.advance(3601)
    with pytest.raises(SignInRequired) as caught:
        await one.access_token()
    assert caught.value.reason == "refresh-token-reused"
    assert [event.kind for event in world.heard(SecurityAlert)] == ["refresh-token-reused"]
    assert world.entry() is None
    with pytest.raises(SignInRequired) as caught:
        await two.access_token()
    assert caught.value.reason == "ended-elsewhere"


async def test_when_one_signs_out_the_others_are_signed_out_too() -> None:
    world = Workers()
    one, two = await world.ready(2)
    without = world.another_pool().session("ana")
    await without.access_token()
    await one.sign_out()
    world.clock.advance(3601)
    with pytest.raises(SignInRequired) as caught:
        await without.access_token()
    assert caught.value.reason == "ended-elsewhere"
    assert await two.access_token()  # it has the password
    assert world.wire.counts[REFRESH] == 0


@pytest.mark.parametrize("down", ["load", "acquire", "mark_attempt"])
async def test_while_the_store_is_down_nobody_refreshes_just_in_case(down: str) -> None:
    world = Workers()
    one, _ = await world.ready(2)
    token = await one.access_token()
    world.clock.advance(50 * 60)
    world.store.down = {down}
    await settled(one)
    assert await one.access_token() == token
    world.clock.advance(3601)
    with pytest.raises(RefreshFailed) as caught:
        await one.access_token()
    assert isinstance(caught.value.__cause__, StoreUnavailable)
    assert REFRESH not in world.wire.counts
    world.store.down = set()
    world.clock.advance(61)
    assert await one.access_token() != token


async def test_a_rotation_that_is_not_stored_is_not_followed_by_another() -> None:
    world = Workers()
    one, two = await world.ready(2)
    world.clock.advance(3601)
    world.store.down = {"commit"}
    token = await one.access_token()
    assert world.wire.counts[REFRESH] == 1
    world.store.down = set()
    persistence = one._keeper.persistence
    assert persistence is not None
    await persistence.flush()
    assert await two.access_token() == token
    assert world.wire.counts[REFRESH] == 1


async def test_a_lease_too_short_for_a_call_is_not_used() -> None:
    world = Workers()
    one, _ = await world.ready(2)
    world.clock.advance(3601)

    async def slow() -> None:
        world.clock.advance(11)

    world.store.before["acquire"] = slow  # most of the lease passes before it is there
    assert await one.access_token()
    assert world.wire.counts[REFRESH] == 1
    assert world.store.calls["acquire"] >= 3


# --- what cannot be made safe -----------------------------------------------------------


class Unshared:
    """A `TokenStore` and no more."""

    def __init__(self, store: MemoryTokenStore) -> None:
        self._store = store

    async def load(self, key: StoreKey) -> Entry | None:
        return await self._store.load(key)

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        return await self._store.commit(key, entry, expected=expected)

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        return await self._store.delete(key, expected=expected)

    async def aclose(self) -> None:
        await self._store.aclose()


@pytest.mark.parametrize("grace", [None, 0, 10, 24.9])
def test_a_grace_period_that_is_unknown_or_too_short_is_refused(grace: float | None) -> None:
    world = World()
    store = MemoryTokenStore()
    with pytest.raises(InvalidArgument, match="60 is best"):
        world.another_pool(store=store, fleet=Fleet(), rotation_grace=grace)
    for fleet in (Fleet(rotates=False), Fleet(allow_unrecoverable=True)):
        world.another_pool(store=store, fleet=fleet, rotation_grace=grace)
    world.another_pool(store=store, fleet=Fleet(), rotation_grace=25)


def test_a_longer_lease_needs_a_longer_grace_period() -> None:
    world = World()
    with pytest.raises(InvalidArgument, match="at least 50 seconds"):
        world.another_pool(
            store=MemoryTokenStore(), fleet=Fleet(lease=30, poll=15), rotation_grace=45
        )


@pytest.mark.parametrize("store", [None, Unshared(MemoryTokenStore())])
def test_a_store_that_cannot_be_shared_is_refused(store: Any) -> None:
    world = World()
    with pytest.raises(InvalidArgument, match="SharedTokenStore"):
        world.another_pool(store=store, fleet=Fleet(), rotation_grace=60)


async def test_a_client_that_rotates_although_it_was_denied_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = Workers(pool_options={"fleet": Fleet(rotates=False)})
    one, two = await world.ready(2)
    for _ in range(2):
        world.clock.advance(3601)
        assert await one.access_token() == await two.access_token()
    assert [record.getMessage()[:31] for record in caplog.records] == [
        "The app client rotates refresh "
    ]


async def test_a_store_that_cannot_be_shared_is_good_for_one() -> None:
    world = World(rotation=True)
    world.add_user()
    store = Unshared(MemoryTokenStore(clock=world.clock))
    session = await world.another_pool(store=store).sign_in("ana", PASSWORD)
    world.clock.advance(3601)
    token = await session.access_token()
    assert await world.another_pool(store=store).session("ana").access_token() == token


def test_a_fleet_is_a_fleet() -> None:
    with pytest.raises(InvalidType, match="fleet"):
        World().another_pool(store=MemoryTokenStore(), fleet=True)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"lease": 9.9}, InvalidArgument),
        ({"lease": 61}, InvalidArgument),
        ({"lease": float("nan")}, InvalidArgument),
        ({"poll": 0}, InvalidArgument),
        ({"poll": "5"}, InvalidType),
        ({"lease": True}, InvalidType),
        ({"rotates": 1}, InvalidType),
        ({"allow_unrecoverable": None}, InvalidType),
    ],
)
def test_a_fleet_has_bounds(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Fleet(**options)
