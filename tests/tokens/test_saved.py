"""Saved state: what comes back is what was kept, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.tokens.model import NewDevice
from aiocognito.tokens.saved import SavedState

FULL = SavedState(
    user_pool_id="eu-west-1_Ab12",
    client_id="client",
    username="ana",
    sub="sub",
    refresh_token=Secret("refresh-canary"),
    access_token=Secret("access-canary"),
    device=NewDevice(key="eu-west-1_0a", group_key="-canary"),
    rotates=True,
    by_admin=True,
    fell_back=True,
)
BARE = SavedState(
    user_pool_id="eu-west-1_Ab12",
    client_id="client",
    username="ana",
    sub=None,
    refresh_token=Secret("r"),
    access_token=None,
    device=None,
    rotates=None,
)


@pytest.mark.parametrize("state", [FULL, BARE], ids=["full", "bare"])
def test_it_comes_back_as_it_was(state: SavedState) -> None:
    assert SavedState.from_bytes(state.to_bytes()) == state


def test_it_shows_no_secret() -> None:
    assert "canary" not in repr(FULL)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"user_pool_id": 7},
        {"username": ""},
        {"refresh_token": None},
        {"sub": 7},
        {"access_token": 7},
        {"device": ["one"]},
        {"device": [1, 2]},
        {"rotates": "yes"},
    ],
    ids=str,
)
def test_a_changed_member_is_refused(change: dict[str, Any]) -> None:
    members = {**json.loads(FULL.to_bytes()), **change}
    with pytest.raises(InvalidArgument, match="state") as caught:
        SavedState.from_bytes(json.dumps(members).encode())
    assert caught.value.__context__ is None  # a decoder's error would quote the text


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgument):
        SavedState.from_bytes(data)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        SavedState.from_bytes(b"[" * 60_000)


def test_more_than_any_state_is_refused_unread() -> None:
    # threat 29
    with pytest.raises(InvalidArgument, match="state"):
        SavedState.from_bytes(FULL.to_bytes() + b" " * 65_536)


def test_text_is_no_state() -> None:
    with pytest.raises(InvalidType, match="bytes"):
        SavedState.from_bytes(FULL.to_bytes().decode())  # type: ignore[arg-type]
