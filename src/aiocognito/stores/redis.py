"""Entries in Redis or Valkey, for a fleet; needs the extra `redis`, and asyncio.

::

    <prefix>:<print>          a hash: generation, body (as `_codec` writes it), commit, attempt
    <prefix>:<print>:lease    who refreshes just now; ends by itself

What looks and then changes is one Lua script, so that nobody comes in between. Each
script touches one key and serves on a cluster too.

Redis acknowledges a write before its disk or its replicas have it. What a failover
forgets is as if the process had died before the commit: see docs/howto/stores.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import anyio
from anyio.lowlevel import RunVar

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._protected import on_asyncio
from aiocognito._redact import without_frames
from aiocognito.errors import (
    InvalidArgument,
    InvalidType,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
)
from aiocognito.stores._codec import Hidden, decode, encode
from aiocognito.stores.base import Conflict, Entry, Lease, StoreKey, check_succession

__all__ = ["RedisClient", "RedisTokenStore"]

_MEMBERS = ("generation", "body", "attempt")

# Generations are compared as the decimal text we wrote, so Lua's numbers do not matter.
_COMMIT = """
local generation = redis.call('HGET', KEYS[1], 'generation') or ''
if generation ~= ARGV[1] then
  if redis.call('HGET', KEYS[1], 'commit') == ARGV[4] then return {'done'} end
  return {'conflict', unpack(redis.call('HMGET', KEYS[1], 'generation', 'body', 'attempt'))}
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'generation', ARGV[2], 'body', ARGV[3], 'commit', ARGV[4])
if ARGV[5] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return {'done'}
"""
_DELETE = """
local generation = redis.call('HGET', KEYS[1], 'generation')
if generation and generation ~= ARGV[1] then
  return {'conflict', unpack(redis.call('HMGET', KEYS[1], 'generation', 'body', 'attempt'))}
end
redis.call('DEL', KEYS[1])
return {'done'}
"""
_MARK = """
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'attempt', ARGV[2])
return 1
"""
_ACQUIRE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class RedisClient(Protocol):
    """What we use of ``redis.asyncio.Redis`` and its cluster's."""

    def execute_command(self, *args: Any) -> Awaitable[Any]:
        """Send one command and return its answer."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


class RedisTokenStore:
    """Keeps entries in Redis or Valkey. Fulfils `SharedTokenStore`.

    Values are in the clear: wrap the store in `encrypted` unless all who can read the
    database may have the tokens. A cancelled caller leaves a command sent or not sent,
    and closes its connection.

    `StoreUnavailable` covers a server that does not answer, is loading, read-only or
    out of memory. On Trio every call raises `StoreError`: the client is asyncio's.

    Args:
        client: A ``redis.asyncio`` client; whoever made it closes it.
        prefix: What all keys begin with.
        salt: Keys the fingerprints in the names, and must be the same for all workers.
            Without one, somebody who can list keys can try whether a user has an entry.
        lifetime: Seconds after its last commit at which Redis drops an entry; the life
            of the refresh token is a good choice. None keeps it.
        timeout: Seconds for one call.
        clock: Tells the holder when its lease ends.

    Raises:
        ImportError: The extra `redis` is not installed.
    """

    def __init__(
        self,
        client: RedisClient,
        *,
        prefix: str = "aiocognito",
        salt: bytes = b"",
        lifetime: float | None = None,
        timeout: float = 5.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if not isinstance(salt, bytes):
            raise InvalidType("salt", "bytes", salt)
        if lifetime is not None and not lifetime > 0:
            raise InvalidArgument("lifetime", "a positive number of seconds, or None")
        self._errors = _redis().exceptions
        self._given: RedisClient | None = client
        self._make: Callable[[], RedisClient] | None = None
        self._made: RunVar[RedisClient] = RunVar("aiocognito_redis_client")
        self._prefix = prefix
        self._salt = salt
        self._lifetime = b"" if lifetime is None else b"%d" % max(1, int(lifetime * 1000))
        self._timeout = timeout
        self._clock = clock

    @classmethod
    def from_url(cls, url: str, **options: Any) -> RedisTokenStore:
        """Return a store with a client of its own, which `aclose` closes.

        There is one client for each event loop, so the store may outlive a loop, and be
        used in a forked child.

        Args:
            url: Such as ``rediss://user:password@host:6379/0`` or ``unix:///path``.
            options: As for the class.
        """
        make = partial(_redis().asyncio.Redis.from_url, url)
        store = cls(make(), **options)  # an impossible URL is refused now
        store._given, store._make = None, make
        return store

    async def load(self, key: StoreKey) -> Entry | None:
        """Return the newest entry, or None."""
        name = key.fingerprint(self._salt)
        return _entry(await self._ask("HMGET", self._key(name), *_MEMBERS), name)

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        """Replace an entry, if nobody else has; a command the client repeats counts once."""
        check_succession(entry, expected)
        name = key.fingerprint(self._salt)
        answer = await self._run(
            _COMMIT,
            self._key(name),
            b"" if expected is None else b"%d" % expected,
            b"%d" % entry.generation,
            encode(entry, name),
            secrets.token_hex(8),
            self._lifetime,
        )
        return _conflict(answer, name) or entry

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        """Forget an entry."""
        name = key.fingerprint(self._salt)
        if expected is None:
            await self._ask("DEL", self._key(name))
            return None
        return _conflict(await self._run(_DELETE, self._key(name), b"%d" % expected), name)

    async def acquire(self, key: StoreKey, *, owner: str, ttl: float) -> Lease | None:
        """Ask to be the one who refreshes."""
        lease = Lease(key=key, owner=owner, until=self._clock.boot() + ttl)
        milliseconds = b"%d" % max(1, int(ttl * 1000))
        held = await self._run(_ACQUIRE, self._lease_key(key), owner.encode(), milliseconds)
        return lease if held == 1 else None

    async def release(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._run(_RELEASE, self._lease_key(lease.key), lease.owner.encode())

    async def mark_attempt(self, key: StoreKey, *, generation: int, at: float) -> bool:
        """Write down that a refresh from this generation begins."""
        name = self._key(key.fingerprint(self._salt))
        marked = await self._run(_MARK, name, b"%d" % generation, repr(float(at)))
        return bool(marked == 1)

    async def aclose(self) -> None:
        """Close the client, if `from_url` made it."""
        made = self._made.get(None)
        if made is not None:
            await made.aclose()

    # --- one command ---

    async def _run(self, script: str, key: str, *arguments: bytes | str) -> Any:
        return await self._ask("EVAL", script, 1, key, *arguments)

    async def _ask(self, *command: bytes | str | int) -> Any:
        if not on_asyncio():
            raise StoreError("Redis is reached through asyncio only; on Trio use another store.")
        try:
            with anyio.fail_after(self._timeout):
                return await self._client().execute_command(*command)
        except self._errors.ResponseError as error:
            refused = _refusal(str(error))
        except (self._errors.RedisError, OSError, TimeoutError) as error:
            refused = StoreUnavailable(f"Redis does not answer ({type(error).__name__}).")
        # The command holds the values: neither its frames nor its error stay.
        del command
        raise without_frames(refused)

    def _client(self) -> RedisClient:
        if self._given is not None:
            return self._given
        made = self._made.get(None)
        if made is None:
            assert self._make is not None
            made = self._make()
            self._made.set(made)
        return made

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    def _lease_key(self, key: StoreKey) -> str:
        return f"{self._key(key.fingerprint(self._salt))}:lease"

    def __repr__(self) -> str:
        return f"RedisTokenStore(prefix={self._prefix!r})"


def _redis() -> Any:
    try:
        import redis.asyncio  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ImportError("The Redis store needs an extra: install aiocognito[redis].") from error
    return redis


def _refusal(text: str) -> StoreError:
    code = text.partition(" ")[0]
    if "WRONGTYPE" in text:
        return StoreDamaged("Redis holds something else under this key; delete it and sign in.")
    # LOADING, READONLY, OOM, BUSY, MASTERDOWN … : all of them may end.
    return StoreUnavailable(f"Redis refuses the command now ({code[:40]}).")


def _conflict(answer: Any, name: str) -> Conflict | None:
    outcome, *found = answer
    del answer
    if outcome in (b"done", "done"):
        return None
    found = [None if each is None else _bytes(each) for each in found]
    return Conflict(_entry(found, name))


def _entry(found: list[Any], name: str) -> Entry | None:
    """Read what HMGET answers; texts where the client decodes."""
    generation, body, attempt = (None if each is None else _bytes(each) for each in found)
    del found
    if generation is None and body is None:
        return None
    entry = decode(body or b"", name)
    if generation != b"%d" % entry.generation:
        raise _damaged()
    if attempt is None:
        return entry
    try:
        return entry.attempted(float(attempt))
    except (ValueError, InvalidArgument):
        raise _damaged() from None


def _bytes(text: bytes | str) -> Hidden:
    return Hidden(text.encode() if isinstance(text, str) else text)


def _damaged() -> StoreDamaged:
    return StoreDamaged("Redis holds a damaged entry; delete it and sign in.")
