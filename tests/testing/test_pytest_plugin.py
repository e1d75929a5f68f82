"""The fixtures, as a user's own test suite sees them."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

SIGN_IN = """
import json, urllib.request

def call(local, operation, **parameters):
    request = urllib.request.Request(
        local.url,
        json.dumps(parameters).encode(),
        {"X-Amz-Target": "AWSCognitoIdentityService." + operation},
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)
"""


def run(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    pytester.makepyfile(SIGN_IN + text)
    return pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-q")


def test_a_test_gets_a_service_that_serves(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_guest(local_cognito):
    answer = call(local_cognito, "GetId", IdentityPoolId=local_cognito.identity_pool_id)
    assert answer["IdentityId"].startswith("eu-west-1:")
    assert local_cognito.requests.count("GetId") == 1
""",
    )
    result.assert_outcomes(passed=1)


def test_each_test_gets_a_fresh_one(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import pytest

@pytest.mark.parametrize("time", [1, 2])
def test_empty(local_cognito, time):
    local_cognito.add_user("ana", "Passw0rd!")
    assert len(local_cognito.requests) == 0
""",
    )
    result.assert_outcomes(passed=2)


def test_the_clock_moves_for_the_service(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import time

def test_clock(local_cognito, local_cognito_clock):
    assert local_cognito.clock is local_cognito_clock
    assert abs(local_cognito_clock.wall() - time.time()) < 60
    guest = call(local_cognito, "GetId", IdentityPoolId=local_cognito.identity_pool_id)
    before = call(local_cognito, "GetCredentialsForIdentity", **guest)["Credentials"]
    local_cognito_clock.advance(600)
    after = call(local_cognito, "GetCredentialsForIdentity", **guest)["Credentials"]
    assert 599 < after["Expiration"] - before["Expiration"] < 601
""",
    )
    result.assert_outcomes(passed=1)


def test_the_fixture_can_be_replaced(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import pytest

@pytest.fixture
def local_cognito(local_cognito_factory):
    local = local_cognito_factory(client_secret=True)
    local.add_user("ana", "Passw0rd!")
    return local

def test_seeded(local_cognito):
    assert local_cognito.client_secret
    assert local_cognito.pool.user("ana")
""",
    )
    result.assert_outcomes(passed=1)


def test_several_serve_at_once_and_all_are_stopped(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import threading
seen = []

def test_two(local_cognito_factory):
    seen.extend([local_cognito_factory(), local_cognito_factory()])
    assert seen[0].url != seen[1].url

def test_stopped():
    assert not [t for t in threading.enumerate() if t.name == "aiocognito-local-pool"]
""",
    )
    result.assert_outcomes(passed=2)


def test_the_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures", "-q", "-p", "no:cacheprovider")
    for name in ("local_cognito", "local_cognito_clock", "local_cognito_factory"):
        at = next(n for n, line in enumerate(result.outlines) if line.startswith(f"{name} --"))
        assert result.outlines[at + 1].strip() not in {"", "no docstring available"}


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    """Beyond what the package itself loads; tests/test_layers.py looks after that."""
    script = """
import sys
import aiocognito
before = set(sys.modules)
import aiocognito.testing.pytest_plugin
heavy = {"aiobotocore", "aiohttp", "botocore", "cryptography", "aiocognito.testing.local"}
print(sorted(heavy & (sys.modules.keys() - before)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
