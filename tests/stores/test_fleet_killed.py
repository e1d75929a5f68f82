"""Workers of a fleet die at every step, over the real stores and HTTP. # threat 28, 32"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from aiocognito.testing import LocalCognito
from tests import soak
from tests.stores.dynamodb_table import Table

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Correct-Horse-9!"
LIMIT = soak.runs(short=300, long=3_600)  # seconds

# The library under test runs in processes of its own. What is watched here is the local
# service's thread alone, where the measuring of coverage now and then takes a lock.
pytestmark = pytest.mark.may_block


def rounds_of(
    store: dict[str, Any], *, most_workers: int, short: int, identities: int
) -> dict[str, Any]:
    """Run so many rounds, several identities at once because their workers mostly wait."""
    seed = random.randrange(2**32)
    rounds = soak.runs(short=short, long=1_000)
    print(f"seed {seed}, {rounds} rounds")
    with LocalCognito(rotation=True, rotation_grace=60) as local:
        for number in range(identities):
            local.add_user(f"svc-{number}", PASSWORD)
        task = {
            **store,
            "pool": local.user_pool_id,
            "client": local.client_id,
            "endpoint": local.url,
            "password": PASSWORD,
            "identities": identities,
            "most_workers": most_workers,
            "rounds": rounds,
            "patience": 30.0,
            "seed": seed,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.fleets.killing"],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        sign_ins = local.requests.count("InitiateAuth")
    print(done.stderr)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    print({name: count for name, count in said.items() if name != "failed"})
    assert said["failed"] == []
    assert said["lost"] == said["not served"] == said["broken"] == 0
    assert said["rounds"] == rounds
    assert said["killed"] > rounds * max(most_workers, 2) / 12
    assert sign_ins == identities  # nobody ever needed the password again
    return said


@pytest.mark.slow
@pytest.mark.timeout(LIMIT)
def test_no_token_is_lost_over_files(tmp_path: Path) -> None:
    store = {"store": "file", "folder": str(tmp_path / "tokens")}
    rounds_of(store, most_workers=3, short=10, identities=5)


@pytest.mark.slow
@pytest.mark.timeout(LIMIT)
def test_a_process_that_has_its_folder_for_itself_goes_on_after_a_kill(tmp_path: Path) -> None:
    store = {"store": "file", "folder": str(tmp_path / "tokens")}
    rounds_of(store, most_workers=0, short=10, identities=5)


@pytest.mark.slow
@pytest.mark.timeout(LIMIT)
def test_no_token_is_lost_over_redis(redis_url: str) -> None:
    store = {"store": "redis", "url": redis_url, "prefix": uuid4().hex}
    rounds_of(store, most_workers=10, short=50, identities=10)


@pytest.mark.slow
@pytest.mark.timeout(LIMIT)
def test_no_token_is_lost_over_dynamodb(dynamodb_table: Table) -> None:
    store = {"store": "dynamodb", "url": dynamodb_table.url, "prefix": uuid4().hex}
    rounds_of(store, most_workers=10, short=50, identities=10)
