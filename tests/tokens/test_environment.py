"""Credentials for a child process: a mapping of its own, that shows nothing."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from aiocognito import AwsCredentials, AwsEnvironment

ENDS = datetime(2030, 1, 1, 12, 30, 15, tzinfo=UTC)


@pytest.fixture
def exported() -> AwsEnvironment:
    credentials = AwsCredentials(
        access_key_id="ASIAEXAMPLE000000001",
        secret_access_key="canary-secret",
        session_token="canary-token",
        expires_at=ENDS,
        identity_id="eu-west-1:00000000-0000-4000-8000-000000000001",
    )
    return AwsEnvironment(credentials, region_name="eu-west-1")


def test_it_says_what_tools_read_and_when_it_ends(exported: AwsEnvironment) -> None:
    # F046
    assert dict(exported) == {
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE000000001",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_SESSION_TOKEN": "canary-token",
        "AWS_CREDENTIAL_EXPIRATION": "2030-01-01T12:30:15Z",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    assert len(exported) == 6
    assert exported.expires_at == ENDS


def test_laid_over_the_environment_it_leaves_it_alone(exported: AwsEnvironment) -> None:
    before = dict(os.environ)
    child = os.environ | exported
    assert child["AWS_SESSION_TOKEN"] == "canary-token"
    assert dict(os.environ) == before


def test_a_child_process_takes_it_as_it_is(exported: AwsEnvironment) -> None:
    script = "import os; print(os.environ['AWS_ACCESS_KEY_ID'])"
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | exported, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"ASIAEXAMPLE000000001"]


def test_it_shows_no_secret_and_is_not_pickled(exported: AwsEnvironment) -> None:
    # threats 34 and 48
    assert "canary" not in repr(exported) + str(exported) + f"{exported}"
    assert "AWS_SESSION_TOKEN" in repr(exported)
    with pytest.raises(TypeError):
        pickle.dumps(exported)
