"""CBOR against RFC 8949's own examples, against `fido2`'s, and against rubbish."""

from __future__ import annotations

from typing import Any

import fido2.cbor
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.webauthn.cbor import MAX_BYTES, decode, decode_first, encode

# RFC 8949, appendix A, as far as the kinds are ours.
EXAMPLES: list[tuple[str, Any]] = [
    ("00", 0),
    ("17", 23),
    ("1818", 24),
    ("1864", 100),
    ("1903e8", 1000),
    ("1a000f4240", 1000000),
    ("1b000000e8d4a51000", 1000000000000),
    ("1bffffffffffffffff", 18446744073709551615),
    ("3bffffffffffffffff", -18446744073709551616),
    ("20", -1),
    ("29", -10),
    ("3863", -100),
    ("3903e7", -1000),
    ("f4", False),
    ("f5", True),
    ("f6", None),
    ("40", b""),
    ("4401020304", b"\x01\x02\x03\x04"),
    ("60", ""),
    ("6449455446", "IETF"),
    ("62c3bc", "ü"),
    ("80", []),
    ("83010203", [1, 2, 3]),
    ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("a0", {}),
    ("a201020304", {1: 2, 3: 4}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
]
REFUSED = {
    "nothing": "",
    "half precision": "f90000",
    "a float": "fb3ff199999999999a",
    "undefined": "f7",
    "a simple value": "f0",
    "a simple value of two bytes": "f8ff",
    "a tag": "c11a514b67b0",
    "an endless byte string": "5f42010243030405ff",
    "an endless text": "7f657374726561646d696e67ff",
    "an endless list": "9fff",
    "an endless map": "bfff",
    "a break": "ff",
    "a reserved width": "1c",
    "a number in two bytes that fits one": "1817",
    "a number in three bytes that fits two": "1900ff",
    "a number in five bytes that fits three": "1a0000ffff",
    "a number in nine bytes that fits five": "1b00000000ffffffff",
    "a length that is not in its shortest form": "580100",
    "a cut number": "19ff",
    "a cut byte string": "4401",
    "a cut text": "6261",
    "a cut list": "8201",
    "a map without its last value": "a101",
    "a list longer than the world": "9bffffffffffffffff",
    "a map longer than the world": "bbffffffffffffffff",
    "a byte string longer than the world": "5bffffffffffffffff",
    "no UTF-8": "62c328",
    "half a surrogate pair": "63eda080",
    "a key twice": "a201000100",
    "a key that is bytes": "a14100f6",
    "a key that is a list": "a180f6",
    "a key that is true": "a1f5f6",
    "something behind": "0000",
    "five lists in one another": "8181818180",
}
SCALARS = st.integers(-(2**64), 2**64 - 1) | st.booleans() | st.none() | st.binary() | st.text()
KEYS = st.integers(-(2**64), 2**64 - 1) | st.text()


def nested(depth: int) -> st.SearchStrategy[Any]:
    if not depth:
        return SCALARS
    inner = nested(depth - 1)
    return SCALARS | st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)


@pytest.mark.parametrize(("text", "value"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_examples_of_the_standard(text: str, value: Any) -> None:
    assert encode(value) == bytes.fromhex(text)
    found = decode(bytes.fromhex(text))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_has_no_place_is_refused(text: str) -> None:
    # threat 12
    with pytest.raises(ValueError, match=r"CBOR|key"):
        decode(bytes.fromhex(text))


def test_it_is_read_up_to_its_end_and_no_further() -> None:
    assert decode_first(b"\xff\x82\x01\x02\xff", 1) == ([1, 2], 4)


def test_more_than_the_bound_is_not_looked_at() -> None:
    longest = MAX_BYTES - 3
    assert len(decode(encode(bytes(longest)))) == longest
    with pytest.raises(ValueError, match="too long"):
        decode(encode(bytes(longest + 1)))


@pytest.mark.parametrize("value", [1.0, {1}, {b"x": 1}.keys(), object()])
def test_other_things_are_not_written(value: Any) -> None:
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1])
def test_numbers_too_large_are_not_written(value: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        encode(value)


@given(nested(3))
def test_what_is_written_is_read_back(value: Any) -> None:
    found = decode(encode(value))
    assert found == value
    assert encode(found) == encode(value)


@given(nested(2))
def test_another_library_reads_and_writes_the_same(value: Any) -> None:
    ours = encode(value)
    if not _has_none(value):  # which the other one does not write
        assert fido2.cbor.decode(ours) == value
    assert decode(ours) == value


def _has_none(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_none, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_none, value)))


@given(st.dictionaries(st.text(max_size=8), st.integers(-(2**31), 2**31), max_size=6))
def test_keys_are_in_ctap2s_order(value: dict[str, int]) -> None:
    assert encode(value) == fido2.cbor.encode(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    # threat 12
    try:
        value, end = decode_first(data)
    except ValueError:
        return
    assert end <= len(data)
    # Whatever was read has one form, except for the order of keys.
    assert len(encode(value)) == end


@given(nested(2), st.data())
def test_cut_off_anywhere_it_is_refused(value: Any, data: st.DataObject) -> None:
    whole = encode(value)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ValueError, match="CBOR"):
        decode(whole[:cut])
