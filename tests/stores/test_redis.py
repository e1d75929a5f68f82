"""The Redis store against a real server: names, lives, lost answers, damage, refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any
from uuid import uuid4

import anyio
import pytest

from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
)
from aiocognito.stores.base import Conflict, Entry, StoreKey
from aiocognito.stores.redis import RedisTokenStore
from tests.conftest import BACKENDS
from tests.needs import needs
from tests.stores.leaks import CANARY, leaks

ANA = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")


@pytest.fixture(
    scope="session", params=[backend for backend in BACKENDS if "asyncio" in backend.values[0]]
)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    async with import_module("redis.asyncio").Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return uuid4().hex


@pytest.fixture
def store(client: Any, prefix: str) -> RedisTokenStore:
    return RedisTokenStore(client, prefix=prefix)


async def put(store: RedisTokenStore, value: bytes = CANARY) -> Entry:
    done = await store.commit(ANA, Entry.first(value), expected=None)
    assert isinstance(done, Entry)
    return done


def name(prefix: str) -> str:
    return f"{prefix}:{ANA.fingerprint(b'')}"


async def test_no_key_and_no_plain_field_names_a_user(
    store: RedisTokenStore, client: Any, prefix: str
) -> None:
    await put(store)  # threat 34
    await store.acquire(ANA, owner="a", ttl=15.0)
    keys = {key.decode() for key in await client.keys(f"{prefix}*")}
    assert keys == {name(prefix), f"{name(prefix)}:lease"}
    assert b"ana" not in (await client.hget(name(prefix), "body")).replace(b"canary", b"")


async def test_a_salt_changes_the_names(client: Any, prefix: str) -> None:
    await put(RedisTokenStore(client, prefix=prefix, salt=b"salt"))
    assert await RedisTokenStore(client, prefix=prefix).load(ANA) is None
    assert await RedisTokenStore(client, prefix=prefix, salt=b"salt").load(ANA) is not None


async def test_a_lease_ends_by_itself(store: RedisTokenStore, client: Any, prefix: str) -> None:
    await store.acquire(ANA, owner="a", ttl=15.0)
    assert 0 < await client.pttl(f"{name(prefix)}:lease") <= 15_000


async def test_an_entry_is_kept_as_long_as_was_said(client: Any, prefix: str) -> None:
    first = await put(RedisTokenStore(client, prefix=prefix, lifetime=3600.0))
    assert 0 < await client.pttl(name(prefix)) <= 3_600_000
    await RedisTokenStore(client, prefix=prefix).commit(
        ANA, first.followed_by(b""), expected=first.generation
    )
    assert await client.pttl(name(prefix)) == -1


class Repeating:
    """A client that loses the first answer and sends the command again."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def execute_command(self, *args: Any) -> Any:
        await self._client.execute_command(*args)
        return await self._client.execute_command(*args)

    async def aclose(self) -> None: ...


async def test_a_command_that_the_client_repeats_counts_once(
    store: RedisTokenStore, client: Any, prefix: str
) -> None:
    repeating = RedisTokenStore(Repeating(client), prefix=prefix)
    first = await put(repeating)  # threat 25
    after = first.followed_by(b"after")
    assert await repeating.commit(ANA, after, expected=first.generation) == after
    assert await store.load(ANA) == after
    assert await repeating.commit(ANA, after, expected=first.generation) == Conflict(after)


async def test_a_cancelled_call_leaves_no_answer_to_the_next_one(
    store: RedisTokenStore,
) -> None:
    """An answer taken for another's would be a damaged entry, or another generation."""
    keys = [StoreKey.for_session("pool", "client", f"user{n}") for n in range(5)]  # threat 42
    entries = {}
    for key in keys:
        entry = Entry.first(key.name.encode() * 500)
        assert await store.commit(key, entry, expected=None) == entry
        entries[key] = entry

    async def load(turn: int) -> None:
        key = keys[turn % 5]
        with anyio.move_on_after(0.0005 * (turn % 4)):
            assert await store.load(key) == entries[key]

    async with anyio.create_task_group() as tasks:
        for turn in range(60):
            tasks.start_soon(load, turn)
    for key in keys:
        assert await store.load(key) == entries[key]


# --- damage: threat 29 --------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"body": b"canary-refresh-token"},
        {"body": b""},
        {"generation": b"5"},
        {"generation": b"rubbish"},
        {"attempt": b"rubbish"},
        {"attempt": b"nan"},
        {"attempt": b"-1"},
    ],
    ids=str,
)
async def test_a_damaged_entry_is_named_and_can_be_deleted(
    store: RedisTokenStore, client: Any, prefix: str, fields: dict[str, bytes]
) -> None:
    entry = await put(store)
    await client.hset(name(prefix), mapping=fields)
    with pytest.raises(StoreDamaged) as caught:
        await store.load(ANA)
    assert not leaks(caught.value)
    if "generation" not in fields:
        with pytest.raises(StoreDamaged):
            await store.delete(ANA, expected=entry.generation + 1)
    assert await store.delete(ANA) is None
    await put(store)


async def test_half_an_entry_is_damaged(store: RedisTokenStore, client: Any, prefix: str) -> None:
    await put(store)
    await client.hdel(name(prefix), "body")
    with pytest.raises(StoreDamaged):
        await store.load(ANA)


async def test_another_programs_key_is_damage(
    store: RedisTokenStore, client: Any, prefix: str
) -> None:
    await client.set(name(prefix), "theirs")
    with pytest.raises(StoreDamaged):
        await store.load(ANA)
    with pytest.raises(StoreDamaged):
        await put(store)
    assert await client.get(name(prefix)) == b"theirs"


# --- refusals -------------------------------------------------------------------------


class Broken:
    """A client that answers with an error, or not at all."""

    def __init__(self, error: BaseException | None) -> None:
        self._error = error

    async def execute_command(self, *args: Any) -> Any:
        if self._error is None:
            await anyio.sleep_forever()
        else:
            raise self._error

    async def aclose(self) -> None: ...


def redis_error(kind: str, text: str) -> BaseException:
    made: BaseException = getattr(import_module("redis.exceptions"), kind)(text)
    return made


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("ResponseError", "OOM command not allowed", "OOM"),
        ("ReadOnlyError", "You can't write against a read only replica.", "You"),
        ("BusyLoadingError", "Redis is loading", "BusyLoadingError"),
        ("ConnectionError", "Error 111 connecting to secret-host", "ConnectionError"),
    ],
)
async def test_a_server_that_cannot_now_is_unavailable(kind: str, text: str, said: str) -> None:
    store = RedisTokenStore(Broken(redis_error(kind, text)))
    with pytest.raises(StoreUnavailable, match=said) as caught:
        await put(store)
    assert not leaks(caught.value)


async def test_a_server_that_does_not_answer_is_unavailable() -> None:
    store = RedisTokenStore(Broken(None), timeout=0.01)
    with pytest.raises(StoreUnavailable, match="TimeoutError") as caught:
        await put(store)
    assert not leaks(caught.value)


async def test_a_server_that_is_not_there_is_unavailable(redis_url: str) -> None:
    store = RedisTokenStore.from_url(redis_url + ".gone", timeout=2.0)
    with pytest.raises(StoreUnavailable):
        await store.load(ANA)
    await store.aclose()


async def test_a_client_of_the_users_stays_open(redis_url: str) -> None:
    class Closing(Broken):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    client = Closing(None)
    await RedisTokenStore(client).aclose()
    assert not client.closed
    store = RedisTokenStore.from_url(redis_url)
    await put(store)
    await store.delete(ANA)
    await store.aclose()


def test_a_store_outlives_an_event_loop_and_a_fork(redis_url: str, prefix: str) -> None:
    """Connections belong to a loop; the next one, or a child's, makes its own."""
    program = (
        "import anyio, os, sys\n"
        "from aiocognito.stores import Conflict, Entry, RedisTokenStore, StoreKey\n"
        "key = StoreKey.for_session('pool', 'client', 'ana')\n"
        "store = RedisTokenStore.from_url(sys.argv[1], prefix=sys.argv[2])\n"
        "first = Entry.first(b'first')\n"
        "async def commit(entry, expected):\n"
        "    done = await store.commit(key, entry, expected=expected)\n"
        "    await store.aclose()\n"
        "    return done\n"
        "assert anyio.run(commit, first, None) == first\n"
        "async def unclosed():\n"
        "    return await store.load(key)\n"
        "assert anyio.run(unclosed) == first\n"
        "child = os.fork()\n"
        "after = first.followed_by(str(child).encode())\n"
        "done = anyio.run(commit, after, first.generation)\n"
        "if not child:\n"
        "    os._exit(isinstance(done, Conflict))\n"
        "_, status = os.wait()\n"
        "print(isinstance(done, Conflict) + os.waitstatus_to_exitcode(status))\n"
    )
    done = subprocess.run(  # threat 49
        [sys.executable, "-c", program, redis_url, prefix], capture_output=True, text=True
    )
    assert done.stdout == "1\n", done.stderr  # one of them lost, and was told


def test_options_are_checked() -> None:
    needs("redis", sys.modules.get("redis", 1) is not None, "install the extra `redis`")
    wrong: Any = "salt"
    with pytest.raises(InvalidType):
        RedisTokenStore(Broken(None), salt=wrong)
    with pytest.raises(InvalidArgument):
        RedisTokenStore(Broken(None), lifetime=0.0)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ImportError, match=r"aiocognito\[redis\]"):
        RedisTokenStore(Broken(None))


def test_on_trio_it_says_no() -> None:
    trio = pytest.importorskip("trio")
    store = RedisTokenStore(Broken(None))
    with pytest.raises(StoreError, match="asyncio only"):
        trio.run(store.load, ANA)
