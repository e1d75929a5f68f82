import json
from pathlib import Path

import pytest

from aiocognito.flow.secret_hash import secret_hash

VECTORS = Path(__file__).parent.parent / "vectors"


def test_the_published_known_answer_comes_out() -> None:
    # F037: aws-sdk-net-extensions-cognito, test data of its own suite.
    assert secret_hash("Mess", "age", "secret") == "qnR8UCqJggD55PohusaBNviGoOJ67HC6Btry4qXLVZc="


@pytest.mark.parametrize(
    "case", json.loads((VECTORS / "clients.json").read_text("utf-8"))["secret_hashes"]
)
def test_the_official_clients_agree(case: dict[str, str]) -> None:
    got = secret_hash(case["username"], case["client_id"], case["client_secret"])
    assert got == case["secret_hash"]
