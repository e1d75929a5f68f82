from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.webauthn.text import (
    MAX_TEXT,
    base64url,
    is_domain,
    is_origin_of,
    json_object,
    octets,
    to_json,
)


@given(st.binary(min_size=1, max_size=100))
def test_bytes_travel_as_base64url(data: bytes) -> None:
    text = base64url(data)
    assert "=" not in text
    assert octets(text, most=100) == data


@pytest.mark.parametrize(
    "value",
    [None, 5, b"AAAA", "", "A", "AA==", "AB", "A+/A", "A A", "\u00e9AAA", "AAAA\n", "A" * 200],
    ids=repr,
)
def test_other_texts_are_no_bytes(value: Any) -> None:
    with pytest.raises(ValueError, match=r"base64url|length"):
        octets(value, most=16)


def test_bytes_are_bounded_on_both_sides() -> None:
    assert octets(base64url(bytes(16)), least=16, most=16) == bytes(16)
    for count in (15, 17):
        with pytest.raises(ValueError, match=r"length|base64url"):
            octets(base64url(bytes(count)), least=16, most=16)


@pytest.mark.parametrize(
    "text", ["", "[]", '"x"', '{"a":1,"a":2}', '{"a":NaN}', '{"a":"\ud800"}', "{} {}", "[" * 9999]
)
def test_texts_that_are_not_one_object_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        json_object(text)


def test_texts_are_bounded() -> None:
    fitting = '{"a":"' + "x" * (MAX_TEXT - 8) + '"}'
    assert to_json(json_object(fitting)) == fitting
    with pytest.raises(ValueError, match="too long"):
        json_object(fitting + " ")
    with pytest.raises(ValueError, match="too long"):
        to_json({"a": "x" * MAX_TEXT})


def _endless() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["a"] = circle
    return circle


@pytest.mark.parametrize("members", [{"a": float("nan")}, {"a": b"x"}, {"a": {1}}, _endless()])
def test_what_is_no_json_is_not_written(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        to_json(members)


def test_any_mapping_is_written_in_ascii() -> None:
    assert to_json(MappingProxyType({"ü": MappingProxyType({})})) == '{"\\u00fc":{}}'


@pytest.mark.parametrize("name", ["localhost", "example.com", "a-b.c1.example", "xn--bcher-kva.ch"])
def test_domains(name: str) -> None:
    assert is_domain(name)


@pytest.mark.parametrize(
    "name",
    [
        *(None, 5, "", ".", "a..b", "-a.example", "a-.example", "Example.com", "exämple.com"),
        *("192.0.2.1", "a.example.", "a b", "a_b", "x" * 64, "a." * 127 + "a.b", "[::1]", "a/b"),
    ],
    ids=repr,
)
def test_what_is_no_domain(name: Any) -> None:
    assert not is_domain(name)


@pytest.mark.parametrize(
    ("origin", "rp_id"),
    [
        ("https://auth.example.com", "auth.example.com"),
        ("https://auth.example.com:8443", "auth.example.com"),
        ("https://auth.example.com", "example.com"),
        ("http://localhost:3000", "localhost"),
        ("http://app.localhost", "localhost"),
        ("https://localhost", "localhost"),
    ],
)
def test_origins_of_a_relying_party(origin: str, rp_id: str) -> None:
    assert is_origin_of(origin, rp_id)


@pytest.mark.parametrize(
    "origin",
    [
        *(None, 5, "", "null", "auth.example.com", "https://", "http://auth.example.com"),
        *(
            "https://example.com",
            "https://evilauth.example.com",
            "https://auth.example.com.evil.org",
        ),
        *("https://auth.example.com/", "https://auth.example.com?x", "https://u@auth.example.com"),
        *(
            "https://auth.example.com:",
            "https://auth.example.com:0",
            "https://auth.example.com:999999",
        ),
        *("HTTPS://auth.example.com", "https://AUTH.example.com", "ftp://auth.example.com"),
        *(
            "https://x..auth.example.com",
            "https://-.auth.example.com",
            "https://auth.example.com\n",
        ),
    ],
    ids=repr,
)
def test_what_is_no_origin_of_a_relying_party(origin: Any) -> None:
    assert not is_origin_of(origin, "auth.example.com")
