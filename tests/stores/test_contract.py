"""What every store promises, asked of every store on every event loop.

# F083, F100, threat 32
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from aiocognito._protected import on_asyncio
from aiocognito.errors import InvalidArgument
from aiocognito.stores.base import (
    MAX_VALUE_BYTES,
    Conflict,
    Entry,
    Lease,
    SharedTokenStore,
    StoreKey,
    TokenStore,
)
from aiocognito.testing import ManualClock
from tests.stores.steps import by_steps

LONG = bytes(range(256)) * 240  # 60 KiB of every byte


async def put(store: TokenStore, key: StoreKey, value: bytes = b"value") -> Entry:
    done = await store.commit(key, Entry.first(value), expected=None)
    assert isinstance(done, Entry)
    return done


# --- entries ------------------------------------------------------------------------


async def test_a_store_is_what_the_protocol_says(store: SharedTokenStore) -> None:
    assert isinstance(store, SharedTokenStore)
    assert "Ab12Cd34E" not in repr(store)


async def test_nothing_is_there_before_the_first_commit(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    assert await store.load(ana) is None


async def test_what_was_committed_is_loaded_whole(store: SharedTokenStore, ana: StoreKey) -> None:
    entry = Entry.first(LONG, minted_at=1_700_000_000.5, parent="ab" * 16, alt=b"\0other\xff")
    assert await store.commit(ana, entry, expected=None) == entry
    assert await store.load(ana) == entry


async def test_an_empty_value_is_a_value(store: SharedTokenStore, ana: StoreKey) -> None:
    entry = await put(store, ana, b"")
    assert await store.load(ana) == entry


async def test_keys_do_not_mix(store: SharedTokenStore, ana: StoreKey, bob: StoreKey) -> None:
    guest = StoreKey.for_guest("eu-west-1:2f0c3a2e")
    entries = {key: await put(store, key, key.name.encode()) for key in (ana, bob, guest)}
    assert {key: await store.load(key) for key in entries} == entries
    assert await store.delete(bob) is None
    assert await store.load(ana) == entries[ana]
    assert await store.load(bob) is None


async def test_any_name_can_be_a_key(store: SharedTokenStore) -> None:
    names = ["../../x", "a/b", "nul\0", "ü@exämple.org", ".", "N" * 128, "{tag}", "*"]
    keys = [StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", name) for name in names]
    for key in keys:
        await put(store, key, key.name.encode())
    for key in keys:
        found = await store.load(key)
        assert found is not None
        assert found.value == key.name.encode()


async def test_each_generation_is_replaced_by_the_next(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    entry = await put(store, ana)
    for turn in range(3):
        after = entry.followed_by(b"%d" % turn, minted_at=float(turn), parent=f"parent{turn}")
        assert await store.commit(ana, after, expected=entry.generation) == after
        assert after.generation == entry.generation + 1
        assert await store.load(ana) == after
        entry = after


async def test_a_stale_generation_is_shown_what_is_there(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    first = await put(store, ana)
    second = first.followed_by(b"second")
    await store.commit(ana, second, expected=first.generation)
    late = first.followed_by(b"late")
    assert await store.commit(ana, late, expected=first.generation) == Conflict(second)
    assert await store.load(ana) == second


async def test_a_second_first_commit_is_a_conflict(store: SharedTokenStore, ana: StoreKey) -> None:
    first = await put(store, ana)
    assert await store.commit(ana, Entry.first(b"other"), expected=None) == Conflict(first)
    assert await store.load(ana) == first


async def test_a_commit_after_a_deletion_is_a_conflict(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    first = await put(store, ana)
    assert await store.delete(ana) is None
    again = first.followed_by(b"again")
    assert await store.commit(ana, again, expected=first.generation) == Conflict(None)
    assert await store.load(ana) is None


async def test_an_entry_made_after_a_deletion_is_not_taken_for_the_one_before(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    before = await put(store, ana)
    assert await store.delete(ana) is None
    after = await put(store, ana)
    late = before.followed_by(b"late")
    assert await store.commit(ana, late, expected=before.generation) == Conflict(after)


async def test_the_same_commit_twice_ends_in_a_conflict_that_shows_it(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    first = await put(store, ana)
    after = first.followed_by(b"after")
    assert await store.commit(ana, after, expected=first.generation) == after
    assert await store.commit(ana, after, expected=first.generation) == Conflict(after)


async def test_generations_follow_one_another(store: SharedTokenStore, ana: StoreKey) -> None:
    first = await put(store, ana)
    with pytest.raises(InvalidArgument, match="followed_by"):
        await store.commit(ana, Entry.first(b"x"), expected=first.generation)
    assert await store.load(ana) == first


async def test_a_value_of_the_largest_size_is_kept(store: SharedTokenStore, ana: StoreKey) -> None:
    largest = bytes(MAX_VALUE_BYTES - 64)  # what encryption takes
    entry = Entry.first(largest, alt=largest)
    assert await store.commit(ana, entry, expected=None) == entry
    assert await store.load(ana) == entry


async def test_deletion_is_idempotent(store: SharedTokenStore, ana: StoreKey) -> None:
    assert await store.delete(ana) is None
    await put(store, ana)
    assert await store.delete(ana) is None
    assert await store.delete(ana, expected=5) is None


async def test_deletion_may_name_the_generation(store: SharedTokenStore, ana: StoreKey) -> None:
    entry = await put(store, ana)
    assert await store.delete(ana, expected=entry.generation + 1) == Conflict(entry)
    assert await store.load(ana) == entry
    assert await store.delete(ana, expected=entry.generation) is None
    assert await store.load(ana) is None


async def test_closing_twice_is_fine(store: SharedTokenStore, ana: StoreKey) -> None:
    await put(store, ana)
    await store.aclose()
    await store.aclose()


async def test_of_many_who_commit_at_once_one_wins(store: SharedTokenStore, ana: StoreKey) -> None:
    first = await put(store, ana)
    results: list[Entry | Conflict] = []

    async def refresh(worker: int) -> None:
        entry = first.followed_by(b"%d" % worker)
        results.append(await store.commit(ana, entry, expected=first.generation))

    async with anyio.create_task_group() as tasks:
        for worker in range(8):
            tasks.start_soon(refresh, worker)
    (winner,) = [result for result in results if isinstance(result, Entry)]
    assert await store.load(ana) == winner
    assert results.count(Conflict(winner)) == 7


# --- leases -------------------------------------------------------------------------


async def test_one_at_a_time_holds_the_lease(
    store: SharedTokenStore, ana: StoreKey, bob: StoreKey
) -> None:
    lease = await store.acquire(ana, owner="a", ttl=60.0)
    assert isinstance(lease, Lease)
    assert (lease.key, lease.owner) == (ana, "a")
    assert await store.acquire(ana, owner="b", ttl=60.0) is None
    assert await store.acquire(bob, owner="b", ttl=60.0) is not None
    await store.release(lease)
    assert await store.acquire(ana, owner="b", ttl=60.0) is not None


async def test_the_holder_may_take_it_again(store: SharedTokenStore, ana: StoreKey) -> None:
    assert await store.acquire(ana, owner="a", ttl=60.0) is not None
    assert await store.acquire(ana, owner="a", ttl=60.0) is not None
    assert await store.acquire(ana, owner="b", ttl=60.0) is None


async def test_who_lost_the_lease_releases_nothing(store: SharedTokenStore, ana: StoreKey) -> None:
    mine = await store.acquire(ana, owner="a", ttl=60.0)
    assert mine is not None
    await store.release(mine)
    assert await store.acquire(ana, owner="b", ttl=60.0) is not None
    await store.release(mine)
    assert await store.acquire(ana, owner="c", ttl=60.0) is None


async def test_a_lease_counts_from_before_it_was_asked_for(
    store: SharedTokenStore, ana: StoreKey, clock: ManualClock
) -> None:
    asked = clock.boot()
    lease = await store.acquire(ana, owner="a", ttl=15.0)
    assert lease is not None
    assert lease.until == asked + 15.0
    assert lease.remaining(asked + 10.0) == 5.0
    assert lease.remaining(asked + 20.0) == 0.0


async def test_a_lease_is_no_condition_of_a_commit(store: SharedTokenStore, ana: StoreKey) -> None:
    first = await put(store, ana)
    assert await store.acquire(ana, owner="somebody else", ttl=60.0) is not None
    after = first.followed_by(b"after")
    assert await store.commit(ana, after, expected=first.generation) == after
    assert await store.acquire(ana, owner="a", ttl=60.0) is None  # and outlives it


async def test_a_lease_makes_no_entry_and_a_deletion_ends_none(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    assert await store.acquire(ana, owner="a", ttl=60.0) is not None
    assert await store.load(ana) is None
    await put(store, ana)
    assert await store.delete(ana) is None
    assert await store.load(ana) is None
    assert await store.acquire(ana, owner="b", ttl=60.0) is None


# --- attempts -----------------------------------------------------------------------


async def test_an_attempt_is_written_down_beside_the_entry(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    entry = await put(store, ana)
    assert await store.mark_attempt(ana, generation=entry.generation, at=1_700_000_001.25)
    found = await store.load(ana)
    assert found == entry.attempted(1_700_000_001.25)


async def test_an_attempt_is_no_condition_of_a_commit_which_forgets_it(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    entry = await put(store, ana)
    assert await store.mark_attempt(ana, generation=entry.generation, at=5.0)
    after = entry.followed_by(b"after")
    assert await store.commit(ana, after, expected=entry.generation) == after
    found = await store.load(ana)
    assert found is not None
    assert found.attempt_at is None


async def test_no_attempt_is_made_from_a_generation_that_is_gone(
    store: SharedTokenStore, ana: StoreKey
) -> None:
    entry = await put(store, ana)
    assert not await store.mark_attempt(ana, generation=entry.generation + 1, at=5.0)
    assert await store.load(ana) == entry
    await store.delete(ana)
    assert not await store.mark_attempt(ana, generation=entry.generation, at=5.0)
    assert await store.load(ana) is None


# --- cancellation: threat 26 ----------------------------------------------------------


async def cancelled_at(step: int, call: Coroutine[Any, Any, Any], *, native: bool) -> bool:
    """Cancel a call at its k-th wait; say whether it had so many.

    Args:
        step: k.
        call: What is cancelled.
        native: Whether as asyncio's own programs cancel, past anyio's shields.
    """
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            cancel()

    cancel: Callable[[], object]
    if native and on_asyncio():
        # An eager task runs before anybody has it in hand: it cancels itself.
        cancel = cancel_this_task
        task = asyncio.ensure_future(by_steps(call, count))
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
    else:
        with anyio.CancelScope() as scope:
            cancel = scope.cancel
            await by_steps(call, count)
    return steps >= step


def cancel_this_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_a_commit_cancelled_at_any_wait_happened_whole_or_not_at_all(
    store: SharedTokenStore, ana: StoreKey, native: bool
) -> None:
    entry = await put(store, ana)
    tried: list[Entry] = []
    for step in range(1, 40):
        tried.append(entry.followed_by(b"%d" % step))
        commit = store.commit(ana, tried[-1], expected=entry.generation)
        more = await cancelled_at(step, commit, native=native)
        found = await store.load(ana)
        # What was on its way may arrive after we have looked; then it is seen later.
        assert found in (entry, *tried)
        if found != entry:
            entry, tried = found, []
        if not more:
            break
    else:
        pytest.fail("it waits without end")
    # Nobody holds a lock, and no answer is left over for the next one.
    done = await store.commit(ana, Entry.first(b"x"), expected=None)
    assert isinstance(done, Conflict)
    assert done.current in (entry, *tried)
    after = done.current.followed_by(b"at last")
    assert await store.commit(ana, after, expected=done.current.generation) == after


@pytest.mark.parametrize("what", ["load", "delete", "acquire", "release", "mark"])
async def test_what_was_cancelled_can_be_done_again(
    store: SharedTokenStore, ana: StoreKey, what: str
) -> None:
    entry = await put(store, ana)
    lease = await store.acquire(ana, owner="a", ttl=60.0)
    assert lease is not None
    calls: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "load": lambda: store.load(ana),
        "delete": lambda: store.delete(ana),
        "acquire": lambda: store.acquire(ana, owner="a", ttl=60.0),
        "release": lambda: store.release(lease),
        "mark": lambda: store.mark_attempt(ana, generation=entry.generation, at=5.0),
    }
    step = 1
    while step < 40 and await cancelled_at(step, calls[what](), native=False):
        step += 1
    await calls[what]()
    assert await store.load(ana) == {
        "delete": None,
        "mark": entry.attempted(5.0),
    }.get(what, entry)
    holder = "b" if what == "release" else "a"
    assert await store.acquire(ana, owner=holder, ttl=60.0)
