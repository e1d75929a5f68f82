"""Bytes become an entry only if they are one, whole and in its place."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.errors import StoreDamaged
from aiocognito.stores._codec import MAX_ENCODED_BYTES, decode, encode
from aiocognito.stores.base import MAX_VALUE_BYTES, Entry

ENTRY = Entry(
    generation=7, value=b"canary-value", minted_at=5.5, parent="p", attempt_at=6.0, alt=b"alt"
)
WHOLE = encode(ENTRY, "k")

VALUES = st.binary(max_size=300)
ENTRIES = st.builds(
    Entry,
    generation=st.integers(1, 2**53 - 1),
    value=VALUES,
    minted_at=st.floats(0, 1e12),
    parent=st.none() | st.text(st.characters(codec="ascii"), max_size=128),
    attempt_at=st.none() | st.floats(0, 1e12),
    alt=st.none() | VALUES,
)


def framed(body: bytes) -> bytes:
    return b"aiocognito-entry 1 %s\n%s" % (sha256(body).hexdigest().encode(), body)


def altered(**changes: Any) -> bytes:
    body = json.loads(WHOLE.partition(b"\n")[2]) | changes
    return framed(json.dumps(body).encode())


@given(ENTRIES)
def test_an_entry_comes_back(entry: Entry) -> None:
    assert decode(encode(entry, "k"), "k") == entry


def test_the_largest_entry_fits() -> None:
    largest = Entry(generation=2**53 - 1, value=bytes(MAX_VALUE_BYTES), alt=bytes(MAX_VALUE_BYTES))
    assert len(encode(largest, "k" * 32)) < MAX_ENCODED_BYTES
    assert decode(encode(largest, "k" * 32), "k" * 32) == largest


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_one_way(data: bytes) -> None:  # threat 29
    with pytest.raises(StoreDamaged):
        decode(data, "k")
    with pytest.raises(StoreDamaged):
        decode(framed(data), "k")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.sampled_from(["generation", "minted_at", "parent", "attempt_at", "value", "alt"]), JSON)
def test_a_member_of_any_shape_is_an_entry_or_refused(name: str, value: Any) -> None:
    try:
        found = decode(altered(**{name: value}), "k")
    except StoreDamaged:
        return
    assert decode(encode(found, "k"), "k") == found


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_flipped_byte_goes_unnoticed(where: int, flip: int) -> None:
    torn = bytearray(WHOLE)
    torn[where] ^= flip
    with pytest.raises(StoreDamaged):
        decode(bytes(torn), "k")


@pytest.mark.parametrize("length", range(0, len(WHOLE), 7))
def test_no_missing_end_goes_unnoticed(length: int) -> None:  # threat 28
    with pytest.raises(StoreDamaged):
        decode(WHOLE[:length], "k")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(WHOLE.replace(b"entry 1", b"entry 2"), id="another version"),
        pytest.param(framed(b"[" * 100_000), id="deep nesting"),
        pytest.param(framed(b'{"generation": ' + b"9" * 5000 + b"}"), id="a huge number"),
        pytest.param(framed(b'{"generation": NaN}'), id="not a number"),
        pytest.param(framed(b"\xff\xfe"), id="no text"),
        pytest.param(altered(more=1), id="a member too many"),
        pytest.param(altered(value="%%%"), id="no base64"),
        pytest.param(altered(value="AAAA" * 30_000), id="a value too large"),
        pytest.param(bytes(MAX_ENCODED_BYTES + 1), id="too large"),
    ],
)
def test_other_content_is_refused(data: bytes) -> None:  # threat 29
    with pytest.raises(StoreDamaged):
        decode(data, "k")


def test_an_entry_under_another_name_is_refused() -> None:
    with pytest.raises(StoreDamaged):
        decode(WHOLE, "another")


def test_the_error_shows_nothing_of_what_was_read() -> None:  # threat 34
    with pytest.raises(StoreDamaged) as caught:
        decode(WHOLE[:-1], "k")
    seen = [caught.value.__context__, caught.value.__cause__]
    assert seen == [None, None]
