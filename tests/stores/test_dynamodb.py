"""The DynamoDB store against ministack: items, lives, lost answers, damage, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import anyio
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
)
from aiocognito.stores.base import Conflict, Entry, StoreKey
from aiocognito.stores.dynamodb import DynamoDBTokenStore
from aiocognito.testing import ManualClock
from tests.servers.ministack import REGION
from tests.stores.dynamodb_table import Table, session
from tests.stores.leaks import CANARY, leaks

ANA = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(dynamodb_table: Table) -> AsyncIterator[Any]:
    async with dynamodb_table.client() as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return uuid4().hex


@pytest.fixture
def store(
    client: Any, prefix: str, dynamodb_table: Table, clock: ManualClock
) -> DynamoDBTokenStore:
    return DynamoDBTokenStore(client, dynamodb_table.name, prefix=prefix, clock=clock)


async def put(store: DynamoDBTokenStore, value: bytes = CANARY) -> Entry:
    done = await store.commit(ANA, Entry.first(value), expected=None)
    assert isinstance(done, Entry)
    return done


class Items:
    """Looks at the table from outside."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self.key = {"id": {"S": f"{prefix}#{ANA.fingerprint(b'')}"}}

    async def item(self) -> dict[str, Any]:
        found = await self._client.get_item(TableName="tokens", Key=self.key, ConsistentRead=True)
        item: dict[str, Any] = found.get("Item", {})
        return item

    async def change(self, **attributes: Any) -> None:
        await self._client.put_item(
            TableName="tokens", Item=await self.item() | self.key | attributes
        )


@pytest.fixture
def items(client: Any, prefix: str) -> Items:
    return Items(client, prefix)


async def test_no_attribute_names_a_user(store: DynamoDBTokenStore, items: Items) -> None:
    await put(store)  # threat 34
    item = await items.item()
    assert set(item) == {"id", "generation", "body", "commit_id"}
    assert "ana" not in repr(item).replace("canary", "")


async def test_a_lease_ends_by_the_wall_clock(
    store: DynamoDBTokenStore, clock: ManualClock
) -> None:
    assert await store.acquire(ANA, owner="a", ttl=15.0)
    clock.advance(14.0)
    assert await store.acquire(ANA, owner="b", ttl=15.0) is None
    clock.advance(1.0)
    assert await store.acquire(ANA, owner="b", ttl=15.0)


async def test_the_table_may_drop_what_has_ended(
    store: DynamoDBTokenStore, client: Any, items: Items, prefix: str, clock: ManualClock
) -> None:
    lasting = DynamoDBTokenStore(client, "tokens", prefix=prefix, lifetime=3600.0, clock=clock)
    first = await put(lasting)
    assert (await items.item())["expires_at"] == {"N": str(int(clock.wall()) + 3600)}
    await store.commit(ANA, first.followed_by(b""), expected=first.generation)
    assert "expires_at" not in await items.item()
    await store.delete(ANA)
    left = await items.item()
    assert left == items.key | {"expires_at": {"N": str(int(clock.wall()) + 86_400)}}
    await put(store)
    assert "expires_at" not in await items.item()


class Repeating:
    """A client whose first answer is lost, so that it sends the request again."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.get_item = client.get_item

    async def update_item(self, **parameters: Any) -> Any:
        await self._client.update_item(**parameters)
        return await self._client.update_item(**parameters)


async def test_a_commit_that_the_client_repeats_counts_once(
    store: DynamoDBTokenStore, client: Any, prefix: str
) -> None:
    repeating = DynamoDBTokenStore(Repeating(client), "tokens", prefix=prefix)  # threat 25
    first = await put(repeating)
    after = first.followed_by(b"after")
    assert await repeating.commit(ANA, after, expected=first.generation) == after
    assert await store.load(ANA) == after


class Taciturn:
    """A client of a server that does not say what was there in its refusal."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.get_item = client.get_item

    async def update_item(self, **parameters: Any) -> Any:
        try:
            return await self._client.update_item(**parameters)
        except ClientError as error:
            error.response.pop("Item", None)
            raise


async def test_a_server_need_not_say_what_was_there(client: Any, prefix: str) -> None:
    store = DynamoDBTokenStore(Taciturn(client), "tokens", prefix=prefix)
    first = await put(store)
    assert await store.commit(ANA, Entry.first(b"x"), expected=None) == Conflict(first)
    assert await store.delete(ANA) is None
    assert await store.delete(ANA) is None
    assert not await store.mark_attempt(ANA, generation=first.generation, at=5.0)


# --- damage: threat 29 --------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        {"body": {"B": CANARY}},
        {"body": {"S": "text"}},
        {"generation": {"N": "5"}},
        {"generation": {"S": "rubbish"}},
        {"attempt_at": {"N": "-1"}},
        {"attempt_at": {"S": "rubbish"}},
    ],
    ids=str,
)
async def test_a_damaged_item_is_named_and_can_be_deleted(
    store: DynamoDBTokenStore, items: Items, attributes: dict[str, Any]
) -> None:
    await put(store)
    await items.change(**attributes)
    with pytest.raises(StoreDamaged) as caught:
        await store.load(ANA)
    assert not leaks(caught.value)
    with pytest.raises(StoreDamaged):
        await store.delete(ANA, expected=7)
    assert await store.delete(ANA) is None
    await put(store)


async def test_a_body_alone_is_damaged_and_can_be_deleted(
    store: DynamoDBTokenStore, items: Items
) -> None:
    await items.change(body={"B": b"body"})
    with pytest.raises(StoreDamaged):
        await store.load(ANA)
    await store.delete(ANA)
    assert await store.load(ANA) is None


# --- refusals -------------------------------------------------------------------------


class Broken:
    """A client that answers with an error, or not at all."""

    def __init__(self, error: BaseException | None) -> None:
        self._error = error

    async def update_item(self, **parameters: Any) -> Any:
        if self._error is None:
            await anyio.sleep_forever()
        else:
            raise self._error

    get_item = update_item


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "secret words"}}, "UpdateItem")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (refusal("ThrottlingException"), StoreUnavailable, "ThrottlingException"),
        (refusal("InternalServerError"), StoreUnavailable, "InternalServerError"),
        (refusal("AccessDeniedException"), StoreError, "AccessDenied"),
        (EndpointConnectionError(endpoint_url="x"), StoreUnavailable, "EndpointConnection"),
        (ConnectionResetError(), StoreUnavailable, "ConnectionReset"),
        (None, StoreUnavailable, "TimeoutError"),
    ],
    ids=str,
)
async def test_what_the_client_raises_is_translated(
    error: BaseException | None, kind: type[StoreError], said: str
) -> None:
    store = DynamoDBTokenStore(Broken(error), "tokens", timeout=0.01)
    with pytest.raises(kind, match=said) as caught:
        await put(store)
    assert type(caught.value) is kind
    assert not leaks(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_table_that_is_not_there_will_not_appear_by_waiting(client: Any) -> None:
    store = DynamoDBTokenStore(client, "another-table")
    with pytest.raises(StoreError, match="ResourceNotFound") as caught:
        await store.load(ANA)
    assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.may_block  # an aiobotocore client of anybody's loads certificates on the loop
async def test_a_session_is_enough(dynamodb_table: Table, prefix: str) -> None:
    connecting = DynamoDBTokenStore.connect(
        session(),
        dynamodb_table.name,
        region_name=REGION,
        endpoint_url=dynamodb_table.url,
        prefix=prefix,
    )
    async with connecting as store:
        entry = await put(store)
        assert await store.load(ANA) == entry
        await store.aclose()


def test_options_are_checked() -> None:
    wrong: Any = "salt"
    with pytest.raises(InvalidType):
        DynamoDBTokenStore(Broken(None), "tokens", salt=wrong)
    with pytest.raises(InvalidArgument):
        DynamoDBTokenStore(Broken(None), "tokens", lifetime=-1.0)
