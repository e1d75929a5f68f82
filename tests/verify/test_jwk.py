"""Which key sets are taken into use. Threats 17 and 20."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.errors import RemoteProtocolError
from aiocognito.verify.jwk import MAX_BODY, MAX_KEYS, KeySet, parse_key_set
from tests.verify.forge import encode, encode_integer, jwk, key_set, private_key

MODULUS = private_key().public_key().public_numbers().n


def odd(bits: int) -> str:
    """A modulus of that many bits. Nobody factors it here; odd is all that is asked."""
    return encode_integer((1 << (bits - 1)) | 1)


# F057
def test_a_key_set_as_cognito_publishes_it_is_read() -> None:
    keys = parse_key_set(key_set(jwk("id-key="), jwk("access-key=")))
    assert keys.key_ids == {"id-key=", "access-key="}
    key = keys.key("id-key=")
    assert key is not None
    assert key.public_numbers() == private_key().public_key().public_numbers()


# threat 16
@pytest.mark.parametrize("kid", ["", "ID-KEY", "id-key ", "../id-key", "id-key\x00", "other"])
def test_a_key_is_found_by_its_exact_id_only(kid: str) -> None:
    assert parse_key_set(key_set(jwk("id-key"))).key(kid) is None


def test_an_empty_set_has_no_keys() -> None:
    assert KeySet({}).key("a") is None
    assert KeySet({}).key_ids == frozenset()


UNUSUAL: dict[str, dict[str, Any]] = {
    "no use": {"use": None},
    "no alg": {"alg": None},
    "more members": {"x5c": ["MIIB"], "x5t": "abc", "key_ops": ["verify"]},
    "2048 bits": {"n": odd(2048)},
    "8192 bits": {"n": odd(8192)},
    "leading zero byte": {"n": encode(b"\0" + MODULUS.to_bytes(256, "big"))},
    "exponent 3": {"e": encode_integer(3)},
    "exponent of 32 bits": {"e": encode_integer(2**32 - 1)},
    "long kid": {"kid": "k" * 256},
}


@pytest.mark.parametrize("changes", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_keys_that_are_sound_count(changes: dict[str, Any]) -> None:
    assert len(parse_key_set(key_set(jwk("a", **changes))).key_ids) == 1


# threat 17
@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "EC"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": None},
        {"kty": ["RSA"]},
        {"use": "enc"},
        {"use": ["sig"]},
        {"alg": "RS512"},
        {"alg": "RSA-OAEP"},
        {"alg": "none"},
    ],
    ids=str,
)
def test_keys_for_something_else_are_passed_over(changes: dict[str, Any]) -> None:
    other = jwk("other", **changes)
    assert parse_key_set(key_set(other, jwk("ours"), other)).key_ids == {"ours"}
    # threat 20: a set of nothing else is as good as empty
    with pytest.raises(RemoteProtocolError, match="no RS256 key"):
        parse_key_set(key_set(other))


BROKEN: dict[str, dict[str, Any]] = {
    "1024 bits": {"n": odd(1024)},
    "2047 bits": {"n": odd(2047)},
    "8193 bits": {"n": odd(8193)},
    "16384 bits": {"n": odd(16384)},
    "even modulus": {"n": encode_integer(1 << 2047)},
    "empty modulus": {"n": ""},
    "no modulus": {"n": None},
    "modulus as a number": {"n": 7},
    "modulus as an array": {"n": ["AQAB"]},
    "padded modulus": {"n": odd(2048) + "="},
    "stray bits": {"n": odd(2048)[:-1] + "B"},
    "the other alphabet": {"n": odd(2048)[:-1] + "+"},
    "a blank": {"n": " " + odd(2048)},
    "an umlaut": {"n": "ä" + odd(2048)},
    "exponent 1": {"e": encode_integer(1)},
    "exponent 0": {"e": encode(b"\0")},
    "empty exponent": {"e": ""},
    "exponent 2": {"e": encode_integer(2)},
    "exponent 65536": {"e": encode_integer(65536)},
    "exponent above 32 bits": {"e": encode_integer(2**32 + 1)},
    "huge exponent": {"e": odd(8192)},
    "no exponent": {"e": None},
    "exponent as a number": {"e": 65537},
    "no kid": {"kid": None},
    "empty kid": {"kid": ""},
    "kid as a number": {"kid": 7},
    "kid as an array": {"kid": ["a"]},
    "long kid": {"kid": "k" * 257},
}


# threat 17
@pytest.mark.parametrize("changes", BROKEN.values(), ids=BROKEN)
def test_a_key_that_breaks_the_rules_refuses_the_whole_set(changes: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError, match="key set has"):
        parse_key_set(key_set(jwk("good"), jwk("bad", **changes)))


# threat 17
def test_two_keys_of_one_name_refuse_the_whole_set() -> None:
    with pytest.raises(RemoteProtocolError, match="twice"):
        parse_key_set(key_set(jwk("same"), jwk("same", n=odd(2048))))


def test_a_name_may_be_shared_with_a_key_for_something_else() -> None:
    """RFC 7517 section 4.5 allows it for keys that are alternatives."""
    assert parse_key_set(key_set(jwk("same", kty="EC"), jwk("same"))).key_ids == {"same"}


# threats 17 and 20
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>Sign in to the Wi-Fi</html>", id="captive portal"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"keys":{}}', id="keys are an object"),
        pytest.param(b'{"keys":[]}', id="no keys"),
        pytest.param(b'{"keys":null}', id="keys are null"),
        pytest.param(b'{"keys":["AQAB"]}', id="a key is a text"),
        pytest.param(b'{"keys":[[]]}', id="a key is an array"),
        pytest.param(b'{"keys":[],"keys":[]}', id="duplicate name"),
        pytest.param(b'{"keys":[NaN]}', id="NaN"),
        pytest.param(b'{"keys":' + b"[" * 50_000, id="nesting"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param(key_set(*(jwk(f"k{i}") for i in range(MAX_KEYS + 1))), id="too many"),
        pytest.param(key_set(jwk("a", pad="x" * MAX_BODY)), id="too large"),
    ],
)
def test_what_is_not_a_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="The pool's key set"):
        parse_key_set(body)


def test_the_fullest_set_is_read() -> None:
    keys = parse_key_set(key_set(*(jwk(f"k{i}") for i in range(MAX_KEYS))))
    assert len(keys.key_ids) == MAX_KEYS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("RSA"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


# threats 17 and 20
@given(
    st.lists(
        st.fixed_dictionaries(
            {"kty": st.just("RSA") | json_values},
            optional={
                name: st.just(value) | json_values for name, value in jwk("a", kty=None).items()
            },
        )
        | json_values,
        max_size=4,
    )
)
def test_no_set_yields_a_weak_key_or_another_error(entries: list[Any]) -> None:
    try:
        keys = parse_key_set(json.dumps({"keys": entries}).encode())
    except RemoteProtocolError:
        return
    assert keys.key_ids
    for kid in keys.key_ids:
        key = keys.key(kid)
        assert key is not None
        assert 2048 <= key.key_size <= 8192
