"""A session that was used before a fork. # threat 49"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
REFRESH = "GetTokensFromRefreshToken"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def forked(case: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.forking", case],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=15,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    # What lives is served in both, without asking anybody.
    assert said["child"]["held"] == said["token"]
    assert said["parent"]["newer"] != said["token"]
    return said


def test_a_child_without_a_store_or_a_password_says_what_to_do() -> None:
    said = forked("none")
    assert said["child"]["error"] == "LocalProtocolError"
    assert "fork" in said["child"]["text"]
    assert said["counts"][REFRESH] == 1  # the parent's: its refresh token is still its own


def test_a_child_with_a_store_goes_on_and_its_parent_follows() -> None:
    # The pool rotates without a grace period: one refresh token presented twice would end both.
    said = forked("store")
    assert said["child"]["newer"] != said["token"]
    assert said["parent"]["newer"] == said["child"]["newer"]
    assert said["counts"] == {REFRESH: 1, "InitiateAuth": 1}


def test_a_child_with_the_password_signs_in_for_itself() -> None:
    said = forked("password")
    assert said["child"]["newer"] not in {said["token"], said["parent"]["newer"]}
    assert said["counts"] == {REFRESH: 1, "InitiateAuth": 2}
