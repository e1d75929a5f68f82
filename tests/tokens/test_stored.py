"""What a store keeps of a session, as bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from aiocognito._redact import Secret
from aiocognito.tokens.saved import SavedState
from aiocognito.tokens.stored import StoredTokens

from .test_saved import FULL as STATE

STORED = StoredTokens(
    state=STATE,
    id_token=Secret("i.d.t"),
    issued_at=1_700_000_000.0,
    lifetime=3600.0,
    skew=-2.5,
    auth_time=1_699_999_000.0,
)


@pytest.mark.parametrize(
    "stored",
    [
        STORED,
        StoredTokens(state=STATE),
        evolve(STORED, id_token=None, auth_time=None),
        evolve(STORED, state=evolve(STATE, username="ünï\u2028cödé")),
    ],
)
def test_what_is_written_can_be_read(stored: StoredTokens) -> None:
    assert StoredTokens.from_bytes(stored.to_bytes()) == stored


def test_its_repr_shows_no_token() -> None:
    assert "i.d.t" not in repr(STORED)
    assert STATE.refresh_token.reveal() not in repr(STORED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 2),
        ("state", None),
        ("state", "{}"),
        ("state", "\ud800"),
        ("id_token", 7),
        ("id_token", "töken"),
        ("issued_at", "now"),
        ("issued_at", True),
        ("lifetime", 1e300),
        ("skew", None),
        ("auth_time", []),
    ],
)
def test_what_cannot_be_right_is_nothing(name: str, value: Any) -> None:
    members = json.loads(STORED.to_bytes())
    members[name] = value
    assert StoredTokens.from_bytes(json.dumps(members).encode()) is None


@pytest.mark.parametrize("name", json.loads(STORED.to_bytes()))
def test_nothing_may_be_missing(name: str) -> None:
    members = json.loads(STORED.to_bytes())
    del members[name]
    assert StoredTokens.from_bytes(json.dumps(members).encode()) is None


@given(st.binary(max_size=200) | st.from_regex(rb'\{"version":1,.*\}', fullmatch=True))
def test_any_other_bytes_are_nothing(value: bytes) -> None:
    assert StoredTokens.from_bytes(value) is None


@pytest.mark.parametrize("value", [b"NaN", b"[" * 100_000, b'{"issued_at":NaN}', b"\xff"])
def test_hostile_bytes_are_nothing(value: bytes) -> None:
    assert StoredTokens.from_bytes(value) is None


def test_saved_state_is_the_lasting_part() -> None:
    assert isinstance(STORED.state, SavedState)
