"""Options are read from whatever a server sends, or refused."""
# threat 12

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito.errors import RemoteProtocolError
from aiocognito.webauthn.options import (
    PasskeyDescriptor,
    read_creation_options,
    read_request_options,
)
from aiocognito.webauthn.text import base64url

CHALLENGE = base64url(bytes(range(32)))
ID = base64url(b"a credential")
CREATION: dict[str, Any] = {
    "challenge": CHALLENGE,
    "rp": {"id": "auth.example.com", "name": "The shop"},
    "user": {"id": base64url(b"sub"), "name": "ana", "displayName": "Ana"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
    "timeout": 60000,
    "excludeCredentials": [{"type": "public-key", "id": ID, "transports": ["usb"]}],
    "authenticatorSelection": {
        "requireResidentKey": True,
        "residentKey": "required",
        "userVerification": "required",
    },
}
REQUEST: dict[str, Any] = {
    "challenge": CHALLENGE,
    "timeout": 180000,
    "rpId": "auth.example.com",
    "allowCredentials": [{"type": "public-key", "id": ID, "transports": ["internal"]}],
    "userVerification": "preferred",
}


def test_creation_options_are_read() -> None:
    options = read_creation_options(CREATION)
    assert options.challenge == bytes(range(32))
    assert (options.rp_id, options.rp_name) == ("auth.example.com", "The shop")
    assert (options.user_id, options.user_name) == (b"sub", "ana")
    assert options.algorithms == (-7, -257)
    assert options.excluded == (PasskeyDescriptor(id=ID, transports=("usb",)),)
    assert (options.user_verification, options.timeout) == ("required", 60000)
    assert json.loads(options.to_json()) == CREATION


def test_request_options_are_read() -> None:
    options = read_request_options(json.dumps(REQUEST))
    assert options.challenge == bytes(range(32))
    assert options.rp_id == "auth.example.com"
    assert options.allowed == (PasskeyDescriptor(id=ID, transports=("internal",)),)
    assert (options.user_verification, options.timeout) == ("preferred", 180000)
    assert json.loads(options.to_json()) == REQUEST


def test_what_may_be_missing() -> None:
    creation = read_creation_options(
        {
            "challenge": CHALLENGE,
            "rp": {"id": "localhost"},
            "user": {"id": "AA", "name": "ana"},
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "other"}],
        }
    )
    assert (creation.rp_name, creation.excluded, creation.timeout) == ("localhost", (), None)
    assert (creation.user_verification, creation.algorithms) == ("preferred", (-7,))
    request = read_request_options(json.dumps({"challenge": CHALLENGE, "rpId": "localhost"}))
    assert (request.allowed, request.user_verification) == ((), "preferred")


def test_members_nobody_knows_yet_go_to_the_browser() -> None:
    options = read_creation_options({**CREATION, "hints": ["client-device"], "extensions": {}})
    assert json.loads(options.to_json())["hints"] == ["client-device"]


def test_a_challenge_and_a_handle_are_not_shown() -> None:
    shown = repr(read_creation_options(CREATION)) + repr(read_request_options(json.dumps(REQUEST)))
    assert CHALLENGE not in shown
    assert "sub" not in shown


WRONG: list[tuple[str, Any]] = [
    *[("challenge", value) for value in (None, 5, "", "AAAA", base64url(bytes(1024)), "A=", [])],
    *[("timeout", value) for value in (0, -1, 1.5, "60000", True, 10**9)],
]
WRONG_CREATION: list[tuple[str, Any]] = [
    *WRONG,
    *[
        ("rp", value)
        for value in (None, [], {}, {"id": 5}, {"id": "a/b"}, {"id": "a.b", "name": 5})
    ],
    *[("user", value) for value in (None, {}, {"id": "AA"}, {"id": "", "name": "a"})],
    ("user", {"id": base64url(bytes(65)), "name": "a"}),
    ("user", {"id": "AA", "name": "a" * 2000}),
    *[("pubKeyCredParams", value) for value in (None, {}, [5], [{}], [{"type": "public-key"}])],
    ("pubKeyCredParams", [{"type": "public-key", "alg": "-7"}]),
    ("pubKeyCredParams", [{"type": "public-key", "alg": True}]),
    ("pubKeyCredParams", [{"type": "public-key", "alg": -7}] * 65),
    *[("excludeCredentials", value) for value in ({}, [5], [{}], [{"type": "public-key"}])],
    ("authenticatorSelection", 5),
    ("authenticatorSelection", {"userVerification": 5}),
    ("extensions", {"x": "y" * 200_000}),
    ("extensions", {"x": float("inf")}),
    ("extensions", {"x": b"bytes"}),
]
WRONG_REQUEST: list[tuple[str, Any]] = [
    *WRONG,
    *[("rpId", value) for value in (None, 5, "", "a/b", "https://a.b", "Example.com")],
    *[("allowCredentials", value) for value in ({}, [5], [{}], [{"type": "public-key"}])],
    ("allowCredentials", [{"type": "public-key", "id": base64url(bytes(1024))}]),
    ("allowCredentials", [{"type": "public-key", "id": ID}] * 65),
    ("allowCredentials", [{"type": "public-key", "id": ID, "transports": "usb"}]),
    ("allowCredentials", [{"type": "public-key", "id": ID, "transports": [5]}]),
    ("userVerification", 5),
]


@pytest.mark.parametrize(
    ("name", "value"), WRONG_CREATION, ids=map(str, range(len(WRONG_CREATION)))
)
def test_creation_options_that_are_none(name: str, value: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="CredentialCreationOptions"):
        read_creation_options({**CREATION, name: value})


@pytest.mark.parametrize(("name", "value"), WRONG_REQUEST, ids=map(str, range(len(WRONG_REQUEST))))
def test_request_options_that_are_none(name: str, value: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="CREDENTIAL_REQUEST_OPTIONS"):
        read_request_options(json.dumps({**REQUEST, name: value}))


@pytest.mark.parametrize("text", [None, "", "[]", "5", "{", "{}", '{"a":1,"a":1}', "x" * 200_000])
def test_texts_that_are_no_request_options(text: str | None) -> None:
    with pytest.raises(RemoteProtocolError):
        read_request_options(text)


@pytest.mark.parametrize("members", [None, 5, "x", [], {}, json.dumps(CREATION)])
def test_what_is_no_object(members: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        read_creation_options(members)


def _endless() -> dict[str, Any]:
    circle = copy.deepcopy(CREATION)
    circle["extensions"] = circle
    return circle


def test_an_object_without_end_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        read_creation_options(_endless())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(CREATION)), JSON)
def test_any_member_is_read_or_refused(name: str, value: Any) -> None:
    try:
        options = read_creation_options({**CREATION, name: value})
    except RemoteProtocolError:
        return
    options.to_json()


@given(st.sampled_from(sorted(REQUEST)), JSON)
def test_any_member_of_a_request_is_read_or_refused(name: str, value: Any) -> None:
    try:
        options = read_request_options(json.dumps({**REQUEST, name: value}))
    except RemoteProtocolError:
        return
    options.to_json()
