"""What is printed is AWS's document; what is kept is read with suspicion."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import pytest
from botocore.credentials import ProcessProvider
from hypothesis import strategies as st

from aiocognito.credential_process.document import KeptCredentials, printed
from aiocognito.tokens.credentials import AwsCredentials

ENDS = datetime(2030, 1, 1, 12, 30, 15, tzinfo=UTC)


def kept(life: float = 3600.0, **changes: Any) -> KeptCredentials:
    given: dict[str, Any] = {
        "access_key_id": "ASIAEXAMPLE000000001",
        "secret_access_key": "canary-secret",
        "session_token": "canary-token",
        "expires_at": ENDS,
        "identity_id": "eu-west-1:00000000-0000-4000-8000-000000000001",
    }
    credentials = AwsCredentials(**given | changes)
    return KeptCredentials(credentials=credentials, issued_at=ENDS.timestamp() - life)


def test_the_document_is_what_botocore_reads() -> None:
    class Child:
        returncode = 0

        def communicate(self) -> tuple[bytes, bytes]:
            return printed(kept().credentials, "123456789012").encode(), b""

    provider = ProcessProvider(
        "p",
        lambda: {"profiles": {"p": {"credential_process": "us"}}},
        popen=lambda *_, **__: Child(),
    )
    found = provider._retrieve_credentials_using("us")
    assert found == {
        "access_key": "ASIAEXAMPLE000000001",
        "secret_key": "canary-secret",
        "token": "canary-token",
        "expiry_time": "2030-01-01T12:30:15Z",
        "account_id": "123456789012",
    }


def test_the_document_has_version_1_and_no_member_nobody_asked_for() -> None:
    members = json.loads(printed(kept().credentials))
    assert list(members) == [
        "Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration",
    ]  # fmt: skip
    assert members["Version"] == 1


def test_the_end_is_printed_in_utc_whatever_zone_it_is_in() -> None:
    elsewhere = ENDS.astimezone(tz=None) if ENDS.tzinfo is None else ENDS
    assert "2030-01-01T12:30:15Z" in printed(kept(expires_at=elsewhere).credentials)


@pytest.mark.parametrize(
    ("life", "minutes_left", "fresh"),
    [
        (3600, 59, True),
        (3600, 21, True),
        (3600, 19, False),  # SDKs renew at 15: those would ask again at once
        (3600, -1, False),
        (600, 9, True),
        (600, 3, False),
    ],
)
def test_they_are_renewed_before_an_sdk_asks_for_it(
    life: float, minutes_left: float, fresh: bool
) -> None:
    now = (ENDS - timedelta(minutes=minutes_left)).timestamp()
    assert kept(life).is_fresh(now) is fresh


def test_a_clock_that_was_set_back_makes_nothing_fresh() -> None:
    one = kept()
    assert not one.is_fresh(one.issued_at - 3600)


def test_they_are_worth_handing_out_until_a_minute_before_the_end() -> None:
    assert kept().is_usable(ENDS.timestamp() - 61)
    assert not kept().is_usable(ENDS.timestamp() - 59)


def test_what_was_kept_is_read_again() -> None:
    again = KeptCredentials.from_bytes(kept().to_bytes())
    assert again == kept()
    assert "canary" not in repr(again)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"issued_at": "soon"},
        {"issued_at": True},
        {"access_key_id": ""},
        {"secret_access_key": None},
        {"session_token": ["x"]},
        {"expires_at": "later"},
        {"expires_at": 5},
    ],
)
def test_what_was_changed_is_as_if_it_were_not_there(changes: dict[str, Any]) -> None:
    # threat 29
    members = json.loads(kept().to_bytes()) | changes
    assert KeptCredentials.from_bytes(json.dumps(members).encode()) is None


@hypothesis.given(st.binary(max_size=300) | st.just(b"[" * 16_000) | st.just(b" " * 20_000))
def test_bytes_of_somebody_else_are_as_if_they_were_not_there(data: bytes) -> None:
    # threat 29
    assert KeptCredentials.from_bytes(data) is None
