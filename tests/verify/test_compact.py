"""The strict reading of tokens. Threat 21 throughout."""

from __future__ import annotations

import base64
import json
import string
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.errors import InvalidType, TokenMalformed
from aiocognito.verify.compact import (
    MAX_TOKEN,
    decode_base64url,
    excerpt,
    payload_object,
    read_header,
    read_object,
    split_token,
)
from tests.verify.forge import access_claims, encode, header, sign, unsigned


def read_whole(token: str) -> dict[str, Any]:
    parts = split_token(token)
    read_header(parts.header)
    return payload_object(parts)


GOOD = sign(access_claims())
ALPHABET = string.ascii_letters + string.digits + "-_"


def test_a_token_comes_apart_as_it_was_put_together() -> None:
    token = split_token(GOOD)
    assert read_header(token.header) == header()
    assert payload_object(token) == access_claims()
    assert len(token.signature) == 256
    assert token.signing_input.decode() == GOOD.rpartition(".")[0]


def test_the_parts_of_a_token_are_not_shown() -> None:
    assert repr(split_token(GOOD)) == "CompactToken()"


@pytest.mark.parametrize("value", [None, GOOD.encode(), 7, ["a.b.c"]])
def test_only_text_is_a_token(value: object) -> None:
    with pytest.raises(InvalidType, match="token must be a str"):
        split_token(value)  # type: ignore[arg-type]


HEAD, PAYLOAD, SIGNATURE = GOOD.split(".")


# threat 21
@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("..", id="three empty parts"),
        pytest.param(f"{HEAD}.{PAYLOAD}", id="two parts"),
        pytest.param(f"{HEAD}.{PAYLOAD}.", id="no signature"),
        pytest.param(f"{HEAD}..{SIGNATURE}", id="no payload"),
        pytest.param(f".{PAYLOAD}.{SIGNATURE}", id="no header"),
        pytest.param(f"{GOOD}.AAAA", id="four parts"),
        pytest.param(f"{GOOD}.AAAA.AAAA", id="five parts, as a JWE has"),
        pytest.param(f".{GOOD}", id="leading dot"),
        pytest.param(f" {GOOD}", id="leading blank"),
        pytest.param(f"{GOOD}\n", id="trailing newline"),
        pytest.param(f"{HEAD}.{PAYLOAD[:8]}\n{PAYLOAD[8:]}.{SIGNATURE}", id="newline within"),
        pytest.param(f"{HEAD}.{PAYLOAD[:8]} {PAYLOAD[8:]}.{SIGNATURE}", id="blank within"),
        pytest.param(f"\ufeff{GOOD}", id="byte order mark"),
        pytest.param(GOOD.replace("e", "\uff45", 1), id="full-width letter"),
        pytest.param(f"{GOOD}==", id="padded"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{'=' * 4}", id="only padding"),
        pytest.param(f"{HEAD}.{PAYLOAD}.AAA+", id="plus of the other alphabet"),
        pytest.param(f"{HEAD}.{PAYLOAD}.AAA/", id="slash of the other alphabet"),
        pytest.param(f"{HEAD}.{PAYLOAD}.A", id="impossible length"),
        pytest.param(f"{HEAD}.{PAYLOAD}.AB", id="four stray bits"),
        pytest.param(f"{HEAD}.{PAYLOAD}.AAB", id="two stray bits"),
        pytest.param(f"Bearer {GOOD}", id="with its HTTP scheme"),
        pytest.param(f"{HEAD}.{PAYLOAD}.{'A' * MAX_TOKEN}", id="too long"),
    ],
)
def test_a_text_that_is_not_exactly_a_token_is_malformed(token: str) -> None:
    with pytest.raises(TokenMalformed) as caught:
        read_whole(token)
    assert token == "" or token not in str(caught.value)
    assert GOOD not in repr(caught.value.__context__)


def test_the_longest_token_is_still_read() -> None:
    rest = MAX_TOKEN - len(HEAD) - len(PAYLOAD) - 2
    assert split_token(f"{HEAD}.{PAYLOAD}.{'A' * (rest - rest % 4)}")


# threat 21
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"7", id="number"),
        pytest.param(b'{"a":1', id="cut off"),
        pytest.param(b'{"a":1}{"a":1}', id="two objects"),
        pytest.param(b'{"a":1} x', id="something after it"),
        pytest.param(b'{"a":1,}', id="trailing comma"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1,"a":1}', id="duplicate name"),
        pytest.param(b'{"a":{"b":1,"b":2}}', id="duplicate name inside"),
        pytest.param(b'{"a":[{"b":1,"b":2}]}', id="duplicate name deep inside"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="duplicate name, escaped"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":-Infinity}', id="minus Infinity"),
        pytest.param(b'{"a":1e999}', id="a float that overflows"),
        pytest.param(b'{"a":-1e999}', id="a float that overflows below"),
        pytest.param(b'{"a":"\n"}', id="raw control character"),
        pytest.param(b'{"a":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"\\udc00":1}', id="half a surrogate pair as a name"),
        pytest.param(b'{"a":"\xff"}', id="not UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="100 k nesting"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="100 k objects"),
        pytest.param(b'{"a":' + b"1" * 5000 + b"}", id="a number of 5000 digits"),
        pytest.param(b'\xc2\xa0{"a":1}', id="a blank that JSON does not know"),
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError) as caught:
        read_object(text)
    assert len(str(caught.value)) < 40
    assert caught.value.__context__ is None, "a decoder's error carries the whole text"
    for token in (sign(text), unsigned({}, text) + ".AAAA"):
        with pytest.raises(TokenMalformed):
            read_whole(token)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", {}),
        (b' \r\n\t{ "a" : 1 } \n', {"a": 1}),
        (rb'{"iss":"https:\/\/example.com"}', {"iss": "https://example.com"}),
        (rb'{"a":"\u00e9\ud83d\ude00"}', {"a": "é😀"}),
        (b'{"a":1.5,"b":-1e3}', {"a": 1.5, "b": -1000.0}),
        (b'{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
    ],
)
def test_plain_json_is_read(text: bytes, value: object) -> None:
    assert read_object(text) == value


def test_a_number_without_bound_is_refused_or_read_whole() -> None:
    """Where somebody lifted Python's own limit, the size of the token still bounds it."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        assert read_object(b'{"a":' + b"1" * 5000 + b"}")["a"] > 10**4998
    finally:
        sys.set_int_max_str_digits(limit)


@given(st.binary())
def test_base64url_gives_back_every_byte(data: bytes) -> None:
    text = base64.urlsafe_b64encode(data).rstrip(b"=")
    assert decode_base64url(text) == data


# threat 21
@given(st.text(alphabet=ALPHABET + "+/= \n\r\t.\x00é", max_size=12).map(str.encode))
def test_no_two_texts_stand_for_the_same_bytes(text: bytes) -> None:
    try:
        data = decode_base64url(text)
    except ValueError:
        return
    assert base64.urlsafe_b64encode(data).rstrip(b"=") == text


# threat 21
@given(
    position=st.integers(min_value=0, max_value=len(GOOD)),
    cut=st.integers(min_value=0, max_value=3),
    insert=st.text(max_size=3),
)
def test_a_damaged_token_is_malformed_or_keeps_its_shape(
    position: int, cut: int, insert: str
) -> None:
    token = GOOD[:position] + insert + GOOD[position + cut :]
    try:
        read_whole(token)
    except TokenMalformed:
        return
    parts = split_token(token)
    assert encode(parts.payload) == token.split(".")[1]
    assert encode(parts.signature) == token.split(".")[2]


# threat 21
@given(st.one_of(st.binary(max_size=40), st.text(max_size=40).map(str.encode)))
def test_whatever_is_read_is_one_json_object(data: bytes) -> None:
    try:
        value = read_object(data)
    except ValueError:
        return
    assert json.loads(data) == value


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_honest_json_is_never_refused(value: object) -> None:
    text = json.dumps({"claim": value}).encode()
    assert read_object(text) == {"claim": value}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("short", "short"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 80 + "…"),
        (None, None),
        (True, True),
        (1.5, 1.5),
        (2**64 - 1, 2**64 - 1),
        (2**64, "(int)"),
        (["a"], "(list)"),
        ({"a": 1}, "(dict)"),
    ],
)
def test_errors_quote_little_of_what_strangers_write(value: object, shown: object) -> None:
    assert excerpt(value) == shown
