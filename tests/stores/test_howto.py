"""What docs/howto/stores.md shows works."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aiocognito.stores import KeyringTokenStore
from aiocognito.testing import LocalCognito
from tests.markdown import program
from tests.servers.ministack import OWNER, REGION
from tests.stores import makers
from tests.stores.dynamodb_table import Table

PASSWORD = "Passw0rd!"

pytestmark = pytest.mark.may_block


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The page is about words, not loops."""
    return "asyncio"


@pytest.fixture
def local() -> Iterator[LocalCognito]:
    with LocalCognito() as running:
        running.add_user("ana", PASSWORD)
        yield running


@pytest.fixture
def page(local: LocalCognito) -> dict[str, Any]:
    return program("docs/howto/stores.md", local)


def sign_ins(local: LocalCognito) -> int:
    return local.requests.count("RespondToAuthChallenge")


async def twice(local: LocalCognito, work: Any, *arguments: Any) -> None:
    """The second run is another process, as far as memory goes, and signs in no more."""
    ids = (local.user_pool_id, local.client_id)
    assert await work(*ids, PASSWORD, *arguments)
    assert await work(*ids, PASSWORD, *arguments)
    assert sign_ins(local) == 1


async def test_files(local: LocalCognito, page: dict[str, Any], tmp_path: Path) -> None:
    await twice(local, page["work"], tmp_path / "tokens")


async def test_encryption(local: LocalCognito, page: dict[str, Any], tmp_path: Path) -> None:
    store = page["sealed"](tmp_path / "tokens", secrets.token_bytes(32))
    page["FileTokenStore"] = lambda folder: store
    await twice(local, page["work"], tmp_path / "tokens")
    (entry,) = (tmp_path / "tokens").glob("*.entry")
    assert b"refresh_token" not in entry.read_bytes()


async def test_the_keyring(local: LocalCognito, page: dict[str, Any], tmp_path: Path) -> None:
    backend = makers.PasswordsInMemory()
    page["KeyringTokenStore"] = partial(
        KeyringTokenStore, backend=backend, lock_folder=tmp_path / "lock"
    )
    await twice(local, page["for_the_person_here"])
    assert backend.kept


async def test_redis(local: LocalCognito, page: dict[str, Any], redis_url: str) -> None:
    await twice(local, page["with_redis"], redis_url, secrets.token_bytes(32))


async def test_dynamodb(
    local: LocalCognito,
    page: dict[str, Any],
    dynamodb_table: Table,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWNER.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OWNER.secret_access_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", dynamodb_table.url)
    await twice(local, page["with_dynamodb"], dynamodb_table.name, REGION)
