"""Keys hide names, entries are bounded, fingerprints need their key."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.stores.base import MAX_VALUE_BYTES, Conflict, Entry, Lease, StoreKey, fingerprint

ANA = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")


def test_a_repr_tells_no_name_and_no_value() -> None:  # threat 34
    entry = Entry.first(b"canary-value", alt=b"canary-alt")
    lease = Lease(key=ANA, owner="canary-owner", until=1.0)
    text = repr([ANA, entry, Conflict(entry), lease])
    assert "canary" not in text
    assert "'ana'" not in text


@given(st.lists(st.text(max_size=8), min_size=6, max_size=6))
def test_two_keys_have_the_same_bytes_only_if_they_are_the_same(parts: list[str]) -> None:
    one = StoreKey.for_session(*(part.encode("ascii", "ignore").decode() for part in parts[:3]))
    two = StoreKey.for_session(*(part.encode("ascii", "ignore").decode() for part in parts[3:]))
    assert (one == two) == (one.to_bytes() == two.to_bytes())


def test_a_guest_is_no_session() -> None:
    guest = StoreKey.for_guest("p")
    assert guest.to_bytes() != StoreKey.for_session("p", "", "").to_bytes()


def test_a_fingerprint_depends_on_salt_key_and_text() -> None:
    bob = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "bob")
    prints = {
        ANA.fingerprint(b""),
        ANA.fingerprint(b"salt"),
        bob.fingerprint(b"salt"),
        ANA.fingerprint_of("token"),
        ANA.fingerprint_of("another"),
        bob.fingerprint_of("token"),
    }
    assert len(prints) == 6
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in prints)
    assert fingerprint(b"x", key=b"k") == fingerprint(b"x", key=b"k")


@pytest.mark.parametrize("name", ["x" * 2049, "\ud800"])
def test_a_name_is_bounded_text(name: str) -> None:
    with pytest.raises(InvalidArgument):
        StoreKey.for_session("pool", "client", name)


def test_a_name_is_text() -> None:
    wrong: Any = b"ana"
    with pytest.raises(InvalidType):
        StoreKey.for_session("pool", "client", wrong)


def test_there_are_two_kinds_of_keys() -> None:
    wrong: Any = "other"
    with pytest.raises(InvalidArgument):
        StoreKey(kind=wrong, pool_id="p", client_id="c", name="n")


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"value": bytes(MAX_VALUE_BYTES + 1)}, InvalidArgument),
        ({"value": "text"}, InvalidType),
        ({"alt": bytes(MAX_VALUE_BYTES + 1)}, InvalidArgument),
        ({"generation": 0}, InvalidArgument),
        ({"generation": 2**53}, InvalidArgument),
        ({"generation": True}, InvalidType),
        ({"generation": "1"}, InvalidType),
        ({"minted_at": float("nan")}, InvalidArgument),
        ({"minted_at": -1.0}, InvalidArgument),
        ({"minted_at": 10**400}, InvalidArgument),
        ({"minted_at": "now"}, InvalidType),
        ({"attempt_at": True}, InvalidType),
        ({"parent": "x" * 129}, InvalidArgument),
        ({"parent": "ü"}, InvalidArgument),
        ({"parent": b"x"}, InvalidType),
    ],
)
def test_an_entry_is_checked_when_it_is_made(
    members: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        Entry(**({"generation": 1, "value": b""} | members))


def test_whole_seconds_are_seconds() -> None:
    entry = Entry.first(b"", minted_at=5)
    assert isinstance(entry.minted_at, float)


def test_an_entry_begins_anywhere_and_goes_on_by_one() -> None:
    one, two = Entry.first(b""), Entry.first(b"")
    assert one.generation != two.generation
    assert one.attempted(5.0).followed_by(b"x") == Entry(
        generation=one.generation + 1, value=b"x", attempt_at=None
    )


def test_values_are_copied_whole() -> None:
    entry = Entry.first(b"value", parent="p")
    assert copy.deepcopy(entry) == entry
    assert pickle.loads(pickle.dumps(ANA)) == ANA
