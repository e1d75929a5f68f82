"""Sealed values open for their key, in their place, and in no other way."""

from __future__ import annotations

import pickle
import secrets
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.errors import InvalidArgument, InvalidType, StoreError, StoreKeyRejected
from aiocognito.stores.base import (
    MAX_VALUE_BYTES,
    Conflict,
    Entry,
    SharedTokenStore,
    StoreKey,
    TokenStore,
)
from aiocognito.stores.encryption import EncryptedTokenStore, encrypted
from aiocognito.stores.memory import MemoryTokenStore

KEY, NEWER = secrets.token_bytes(32), secrets.token_bytes(32)


class Alone:
    """A store without leases."""

    def __init__(self) -> None:
        self._memory = MemoryTokenStore()
        self.load, self.commit = self._memory.load, self._memory.commit
        self.delete, self.aclose = self._memory.delete, self._memory.aclose


async def put(store: TokenStore, key: StoreKey, entry: Entry) -> Entry:
    done = await store.commit(key, entry, expected=None)
    assert isinstance(done, Entry)
    return done


def test_it_shares_what_the_store_below_shares() -> None:
    assert isinstance(encrypted(MemoryTokenStore(), KEY), SharedTokenStore)
    alone = encrypted(Alone(), KEY)
    assert isinstance(alone, EncryptedTokenStore)
    assert not isinstance(alone, SharedTokenStore)


async def test_the_store_below_sees_no_value(ana: StoreKey) -> None:
    below = MemoryTokenStore()
    entry = Entry.first(b"canary-value" * 4, alt=b"canary-alt", minted_at=5.0, parent="p")
    assert await put(encrypted(below, KEY), ana, entry) == entry
    kept = await below.load(ana)
    assert kept is not None
    assert b"canary" not in kept.value + (kept.alt or b"")
    assert (kept.generation, kept.minted_at, kept.parent) == (entry.generation, 5.0, "p")


async def test_the_same_value_is_sealed_differently_each_time(ana: StoreKey, bob: StoreKey) -> None:
    below = MemoryTokenStore()
    store = encrypted(below, KEY)
    entry = Entry.first(b"value")
    await put(store, ana, entry)
    one = await below.load(ana)
    await store.delete(ana)
    await put(store, ana, entry)
    assert one != await below.load(ana)


async def test_another_key_opens_nothing_and_loses_nothing(ana: StoreKey) -> None:
    below = MemoryTokenStore()
    entry = await put(encrypted(below, KEY), ana, Entry.first(b"canary-value"))
    stranger = encrypted(below, NEWER)
    with pytest.raises(StoreKeyRejected) as caught:
        await stranger.load(ana)
    assert "canary" not in str(caught.value)
    with pytest.raises(StoreKeyRejected):
        await stranger.commit(ana, Entry.first(b"other"), expected=None)
    assert await encrypted(below, KEY).load(ana) == entry


async def test_keys_are_rotated_by_putting_the_new_one_first(ana: StoreKey) -> None:
    below = MemoryTokenStore()
    first = await put(encrypted(below, KEY), ana, Entry.first(b"first"))
    both = encrypted(below, NEWER, KEY)
    assert await both.load(ana) == first
    second = first.followed_by(b"second")
    await both.commit(ana, second, expected=first.generation)
    assert await encrypted(below, NEWER).load(ana) == second
    with pytest.raises(StoreKeyRejected):
        await encrypted(below, KEY).load(ana)


async def test_a_value_moved_to_another_key_does_not_open(ana: StoreKey, bob: StoreKey) -> None:
    below = MemoryTokenStore()
    store = encrypted(below, KEY)
    await put(store, ana, Entry.first(b"of ana"))
    kept = await below.load(ana)
    assert kept is not None
    await put(below, bob, kept)
    with pytest.raises(StoreKeyRejected):
        await store.load(bob)


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 8},
        {"minted_at": 6.0},
        {"parent": "q"},
        {"parent": None},
        {"alt": b""},
    ],
    ids=str,
)
async def test_what_a_value_is_bound_to_cannot_change(
    ana: StoreKey, change: dict[str, Any]
) -> None:
    below = MemoryTokenStore()
    store = encrypted(below, KEY)
    entry = Entry(generation=7, value=b"value", minted_at=5.0, parent="p", alt=b"alt")
    await put(store, ana, entry)
    kept = await below.load(ana)
    assert kept is not None
    await below.delete(ana)
    await put(below, ana, evolve(kept, **change))
    with pytest.raises(StoreKeyRejected):
        await store.load(ana)


async def test_value_and_alternative_cannot_change_places(ana: StoreKey) -> None:
    below = MemoryTokenStore()
    store = encrypted(below, KEY)
    await put(store, ana, Entry.first(b"value", alt=b"alt"))
    kept = await below.load(ana)
    assert kept is not None
    assert kept.alt is not None
    await below.delete(ana)
    await put(below, ana, evolve(kept, value=kept.alt, alt=kept.value))
    with pytest.raises(StoreKeyRejected):
        await store.load(ana)


@given(st.data())
async def test_no_changed_bytes_open(data: st.DataObject) -> None:
    ana = StoreKey.for_session("pool", "client", "ana")
    below = MemoryTokenStore()
    store = encrypted(below, KEY)
    await put(store, ana, Entry(generation=7, value=b"value"))
    kept = await below.load(ana)
    assert kept is not None
    other = data.draw(
        st.binary(max_size=80)
        | st.integers(0, len(kept.value) - 1).map(lambda length: kept.value[:length])
        | st.tuples(st.integers(0, len(kept.value) - 1), st.integers(1, 255)).map(
            lambda flip: _flipped(kept.value, *flip)
        )
    )
    await below.delete(ana)
    await put(below, ana, evolve(kept, value=other))
    with pytest.raises(StoreError):
        await store.load(ana)


def _flipped(value: bytes, where: int, flip: int) -> bytes:
    return value[:where] + bytes([value[where] ^ flip]) + value[where + 1 :]


async def test_what_was_written_without_encryption_is_refused(ana: StoreKey) -> None:
    below = MemoryTokenStore()
    await put(below, ana, Entry.first(b"plain"))
    with pytest.raises(StoreKeyRejected):
        await encrypted(below, KEY).load(ana)


async def test_a_value_leaves_room_for_its_seal(ana: StoreKey) -> None:
    store = encrypted(MemoryTokenStore(), KEY)
    with pytest.raises(InvalidArgument, match="bytes long"):
        await store.commit(ana, Entry.first(bytes(MAX_VALUE_BYTES - 63)), expected=None)
    assert await store.load(ana) is None


async def test_a_conflict_is_shown_opened(ana: StoreKey) -> None:
    store = encrypted(Alone(), KEY)
    first = await put(store, ana, Entry.first(b"first"))
    assert await store.commit(ana, Entry.first(b"x"), expected=None) == Conflict(first)
    assert await store.delete(ana, expected=first.generation + 1) == Conflict(first)
    await store.aclose()


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(33)])
def test_a_key_has_32_bytes(key: bytes) -> None:
    with pytest.raises(InvalidArgument, match="32 bytes"):
        encrypted(MemoryTokenStore(), key)


def test_a_key_is_bytes() -> None:
    wrong: Any = "canary" * 6
    with pytest.raises(InvalidType) as caught:
        encrypted(MemoryTokenStore(), KEY, wrong)
    assert "canary" not in str(caught.value)


def test_the_key_is_neither_shown_nor_pickled() -> None:  # threats 34, 48
    store = encrypted(MemoryTokenStore(), KEY)
    assert repr(store) == "encrypted(MemoryTokenStore(0 entries))"
    with pytest.raises(TypeError):
        pickle.dumps(store)
