"""Temporary AWS credentials as a value, and when they were issued."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

from aiocognito.tokens.credentials import AwsCredentials, issue_moment


def credentials(secret: str = "canary-secret") -> AwsCredentials:
    return AwsCredentials(
        access_key_id="ASIA0000000000000001",
        secret_access_key=secret,
        session_token="canary-token",
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        identity_id="eu-west-1:00000000-0000-4000-8000-000000000001",
    )


def test_values_are_plain_where_they_are_read_and_nowhere_else() -> None:
    # threats 34 and 48
    found = credentials()
    assert (found.secret_access_key, found.session_token) == ("canary-secret", "canary-token")
    assert "canary" not in repr(found) + str(found) + f"{found}"
    assert "ASIA0000000000000001" in repr(found)
    with pytest.raises(TypeError):
        pickle.dumps(found)


def test_equal_values_are_equal_and_cannot_be_changed() -> None:
    assert credentials() == credentials()
    assert credentials() != credentials("another")
    assert hash(credentials()) == hash(credentials())
    with pytest.raises(AttributeError):
        credentials().access_key_id = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("date", "received", "expected"),
    [
        (None, 1_000.4, 1_000.4),  # nobody else knows
        (1_000.0, 1_000.0, 1_000.0),  # a clock of whole seconds
        (1_000.0, 1_000.4, 1_000.4),  # the clocks agree: not after the answer was here
        (1_000.0, 1_007.0, 1_001.0),  # ours is ahead, or the answer was slow
        (1_000.0, 990.0, 1_001.0),  # ours is behind
        (1_000.0, 999.9, 1_001.0),
    ],
)
def test_the_moment_of_issue_is_guessed_late(
    date: float | None, received: float, expected: float
) -> None:
    # threat 22: from too early a moment the life would come out too long
    assert issue_moment(date=date, received=received) == expected
