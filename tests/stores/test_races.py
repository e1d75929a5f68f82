"""Real stores under processes that race and are killed: threats 28 and 32."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tests.soak import runs
from tests.stores.dynamodb_table import Table

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]


def race(
    kind: str,
    where: str,
    kills: int,
    *,
    most_workers: int = 10,
    environment: Mapping[str, str] | None = None,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.stores.race", kind, where, str(kills), str(most_workers)],
        cwd=ROOT,
        env=dict(os.environ) | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)  # the seed
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["killed"] == kills
    assert said["generations"] > 2


def test_files_under_races_and_sigkill(tmp_path: Path) -> None:
    race("file", str(tmp_path / "tokens"), runs(short=50, long=1_000))


def test_redis_under_races_and_sigkill(redis_url: str) -> None:
    race("redis", redis_url, runs(short=50, long=1_000))


def test_dynamodb_under_races_and_sigkill(dynamodb_table: Table) -> None:
    race("dynamodb", dynamodb_table.url, runs(short=50, long=1_000))


def test_a_keyring_under_races_and_sigkill(keyring_bus: str, tmp_path: Path) -> None:
    bus = {"DBUS_SESSION_BUS_ADDRESS": keyring_bus}
    kills = runs(short=15, long=300)
    race("keyring", str(tmp_path / uuid4().hex), kills, most_workers=3, environment=bus)
