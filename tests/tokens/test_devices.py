"""A remembered device: what it may hold, how it is kept, and what it shows."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from typing import Any

import pytest

from aiocognito import RememberedDevice
from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.tokens.devices import is_device_key

TEXTS: dict[str, Any] = {
    "key": "eu-west-1_0a1b2c3d-0000-4000-8000-000000000001",
    "group_key": "-a1b2c3d4",
    "password": "canary-device-password",
}
DEVICE = RememberedDevice(**TEXTS, user_pool_id="eu-west-1_Ab12Cd34E")


def test_it_comes_back_from_its_bytes() -> None:
    again = RememberedDevice.from_bytes(DEVICE.to_bytes())
    assert again == DEVICE
    assert again.password.reveal() == TEXTS["password"]
    assert RememberedDevice.from_bytes(bytearray(DEVICE.to_bytes())) == DEVICE


def test_one_that_another_client_confirmed_is_given_by_its_texts() -> None:
    device = RememberedDevice(**{**TEXTS, "password": Secret(TEXTS["password"])})
    assert device.user_pool_id is None
    assert RememberedDevice.from_bytes(device.to_bytes()) == device


def test_it_shows_its_key_and_no_secret() -> None:
    # threat 34
    for shown in (repr(DEVICE), str(DEVICE), f"{DEVICE}"):
        assert TEXTS["key"] in shown
        assert TEXTS["password"] not in shown


def test_it_is_copied_but_not_pickled() -> None:
    # threat 48
    assert copy.copy(DEVICE) is DEVICE
    assert copy.deepcopy({"device": DEVICE}) == {"device": DEVICE}
    with pytest.raises(TypeError, match="to_bytes"):
        pickle.dumps(DEVICE)


@pytest.mark.parametrize(
    ("changes", "kind", "argument"),
    [
        ({"key": 7}, InvalidType, "key"),
        ({"key": "laptop"}, InvalidArgument, "key"),
        ({"key": "eu-west-1_" + "a" * 120}, InvalidArgument, "key"),
        ({"group_key": None}, InvalidType, "group_key"),
        ({"group_key": ""}, InvalidArgument, "group_key"),
        ({"group_key": "\ud800"}, InvalidArgument, "group_key"),
        ({"password": b"bytes"}, InvalidType, "password"),
        ({"password": None}, InvalidType, "password"),
        ({"password": ""}, InvalidArgument, "password"),
        ({"password": "x" * 1025}, InvalidArgument, "password"),
        ({"password": "\udfff"}, InvalidArgument, "password"),
    ],
    ids=str,
)
def test_impossible_texts_are_refused(
    changes: dict[str, Any], kind: type[Any], argument: str
) -> None:
    with pytest.raises(kind) as caught:
        RememberedDevice(**{**TEXTS, **changes})
    assert caught.value.argument == argument


def without(member: str) -> bytes:
    members = json.loads(DEVICE.to_bytes())
    del members[member]
    return json.dumps(members).encode()


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(DEVICE.to_bytes()), **changes}).encode()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 4000,
        *map(without, json.loads(DEVICE.to_bytes())),
        changed(version=2),
        changed(device_key="laptop"),
        changed(device_password=7),
        changed(device_group_key=["-a"]),
        changed(user_pool_id=7),
        changed(padding="x" * 4096),
    ],
    ids=lambda damaged: hashlib.sha256(damaged).hexdigest()[:8],
)
def test_damaged_bytes_are_refused_and_not_quoted(damaged: bytes) -> None:
    with pytest.raises(InvalidArgument, match="to_bytes") as caught:
        RememberedDevice.from_bytes(damaged)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert TEXTS["password"] not in str(caught.value)


def test_text_is_no_bytes() -> None:
    with pytest.raises(InvalidType, match="bytes"):
        RememberedDevice.from_bytes(DEVICE.to_bytes().decode())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "can"),
    [
        ("eu-west-1_0a1b-2c", True),
        ("_0", False),
        ("eu_", False),
        ("eu_0\n", False),
        ("eu_" + "0" * 126, False),
    ],
)
def test_device_keys_are_told_from_other_texts(text: str, can: bool) -> None:
    assert is_device_key(text) is can
