"""The secret hash: what other people's code computes comes out of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aiocognito.flow.secret_hash import secret_hash

VECTORS = Path(__file__).parent.parent / "vectors"
PUBLISHED = [
    case
    for case in json.loads((VECTORS / "published.json").read_text("utf-8"))
    if case["kind"] == "secret_hash"
]
CLIENTS = json.loads((VECTORS / "clients.json").read_text("utf-8"))["secret_hashes"]


def computed(case: dict[str, Any]) -> str:
    return secret_hash(case["username"], case["client_id"], case["client_secret"])


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["source_repo"])
def test_published_known_answers_come_out(case: dict[str, Any]) -> None:
    # F037
    assert computed(case["inputs"]) == case["expected"]["secret_hash"]


@pytest.mark.parametrize("case", CLIENTS, ids=lambda case: case["secret_hash"])
def test_the_official_clients_agree(case: dict[str, str]) -> None:
    assert computed(case) == case["secret_hash"]


def test_no_vector_was_lost() -> None:
    assert (len(PUBLISHED), len(CLIENTS)) == (4, 19)
