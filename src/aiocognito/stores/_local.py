"""Entries on a medium of one machine: small things that are read, written and renamed.

The file store and the keyring store differ in the medium only. All of its calls block,
so they are made in worker threads. Who writes holds the medium's lock; reading takes
none, because a medium replaces a thing whole.
"""

from __future__ import annotations

import json
import logging
import math
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from aiocognito._clock import Clock
from aiocognito._redact import without_frames
from aiocognito.errors import StoreDamaged, StoreError, StoreLocked
from aiocognito.stores._codec import MAX_ENCODED_BYTES, Hidden, decode, encode
from aiocognito.stores.base import Conflict, Entry, Lease, StoreKey, check_succession

__all__ = ["Busy", "LocalTokenStore", "Medium", "TooLarge", "commit", "load"]

T = TypeVar("T")

_log = logging.getLogger("aiocognito")

_POLL_SECONDS = 0.02
_SALT = "salt"
_SALT_BYTES = 64  # 256 bits in hex
_LEASE_BYTES = 4_096


class Busy(Exception):
    """Somebody else holds the lock: wait, and ask again."""


class TooLarge(Exception):
    """A thing is larger than anything that was written here."""


class Medium(Protocol):
    """Holds things by name. Blocking; for one thread."""

    def read(self, name: str, *, limit: int) -> Hidden | None:
        """Return a thing, or None. Raises `TooLarge` above `limit` bytes."""
        ...

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        """Put a thing, whole, in the place of what is there."""
        ...

    def rename(self, name: str, to: str) -> None:
        """Move a thing to the place of another."""
        ...

    def remove(self, *names: str) -> None:
        """Remove things that may be there."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock of all who write. Raises `Busy` while somebody else does."""
        ...

    def close(self) -> None:
        """End the use of the medium; it stays."""
        ...


class LocalTokenStore:
    """What a store on a medium does. Fulfils `SharedTokenStore`.

    Args:
        lock_timeout: Seconds to wait for another process that writes.
        clock: Tells when a lease ends.
    """

    def __init__(self, *, lock_timeout: float, clock: Clock) -> None:
        self._lock_timeout = lock_timeout
        self._clock = clock
        self._turns: RunVar[anyio.CapacityLimiter] = RunVar("aiocognito_local_store")

    def _open(self) -> Medium:
        """Open the medium; called in a worker thread."""
        raise NotImplementedError

    def _translated(self, error: Exception) -> StoreError | None:
        """Return what to raise for an error of the medium, None for what is none of it."""
        raise NotImplementedError

    async def load(self, key: StoreKey) -> Entry | None:
        """Return the newest entry, or None."""
        try:
            return await self._in_thread(partial(load, key=key))
        except StoreDamaged:
            # It may have been replaced since: look again where nobody writes.
            return await self._alone(partial(_current, key=key))

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        """Replace an entry, if nobody else has; it is on the medium when this returns."""
        check_succession(entry, expected)
        return await self._alone(partial(commit, key=key, entry=entry, expected=expected))

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        """Forget an entry, and what was set aside in its place."""
        return await self._alone(partial(_delete, key=key, expected=expected))

    async def acquire(self, key: StoreKey, *, owner: str, ttl: float) -> Lease | None:
        """Ask to be the one who refreshes; a lease of before a restart has ended."""
        lease = Lease(key=key, owner=owner, until=self._clock.boot() + ttl)
        held = await self._alone(partial(_acquire, lease=lease, clock=self._clock))
        return lease if held else None

    async def release(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._alone(partial(_release, lease=lease))

    async def mark_attempt(self, key: StoreKey, *, generation: int, at: float) -> bool:
        """Write down that a refresh from this generation begins."""
        return await self._alone(partial(_mark, key=key, generation=generation, at=at))

    async def aclose(self) -> None:
        """Do nothing; nothing stays open between two calls."""

    # --- threads and turns ---

    async def _alone(self, work: Callable[[Medium], T]) -> T:
        """Run work that writes, one at a time, here and in other processes."""
        deadline = anyio.current_time() + self._lock_timeout
        async with self._turn():  # in order, and without asking the medium
            # Who had to queue here for long gets a chance all the same, but no full wait:
            # with a lock that is stuck the queue would never end.
            deadline = max(deadline, anyio.current_time() + self._lock_timeout / 10)
            while True:
                try:
                    return await self._in_thread(partial(_holding_the_lock, work=work))
                except Busy:
                    if anyio.current_time() >= deadline:
                        raise StoreLocked(self._lock_timeout) from None
                await anyio.sleep(_POLL_SECONDS)

    async def _in_thread(self, work: Callable[[Medium], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(self._with_medium, work)
        except (Busy, TooLarge, StoreError):
            raise
        except Exception as error:  # which ones, the medium knows
            refused = self._translated(error)
            if refused is None:
                raise
        raise without_frames(refused)

    def _with_medium(self, work: Callable[[Medium], T]) -> T:
        medium = self._open()
        try:
            return work(medium)
        finally:
            medium.close()

    def _turn(self) -> anyio.CapacityLimiter:
        # One for each event loop; across loops and processes the lock decides.
        try:
            return self._turns.get()
        except LookupError:
            limiter = anyio.CapacityLimiter(1)
            self._turns.set(limiter)
            return limiter


# --- in a worker thread ---------------------------------------------------------------


def _holding_the_lock(medium: Medium, *, work: Callable[[Medium], T]) -> T:
    with medium.locked():
        return work(medium)


def load(medium: Medium, key: StoreKey) -> Entry | None:
    """Read an entry without the lock. Raises `StoreDamaged` for what is none."""
    salt = _read_salt(medium)
    if salt is None:
        return None  # nothing was ever written
    if len(salt) != _SALT_BYTES:
        raise StoreDamaged("The salt of the names is damaged.")
    return _read_entry(medium, key.fingerprint(salt))


def _read_salt(medium: Medium) -> bytes | None:
    try:
        return medium.read(_SALT, limit=_SALT_BYTES)
    except TooLarge:
        return Hidden()


def _read_entry(medium: Medium, name: str) -> Entry | None:
    try:
        data = medium.read(f"{name}.entry", limit=MAX_ENCODED_BYTES)
    except TooLarge:
        raise StoreDamaged("It is larger than an entry.") from None
    return None if data is None else decode(data, name)


# From here on the lock is held.


def _name(medium: Medium, key: StoreKey) -> str:
    salt = _read_salt(medium)
    if salt is None or len(salt) != _SALT_BYTES:
        if salt is not None:
            _set_aside(medium, _SALT, "salt.damaged")
        salt = Hidden(secrets.token_hex(_SALT_BYTES // 2).encode())
        medium.write(_SALT, salt)
    return key.fingerprint(salt)


def _current(medium: Medium, key: StoreKey) -> Entry | None:
    return _entry_or_aside(medium, _name(medium, key))


def _entry_or_aside(medium: Medium, name: str) -> Entry | None:
    try:
        return _read_entry(medium, name)
    except StoreDamaged:
        _set_aside(medium, f"{name}.entry", f"{name}.damaged")
        return None


def _set_aside(medium: Medium, name: str, to: str) -> None:
    medium.rename(name, to)
    _log.warning("set what was no entry aside in the token store, as %s", to)


def commit(
    medium: Medium, *, key: StoreKey, entry: Entry, expected: int | None
) -> Entry | Conflict:
    """Replace an entry, if nobody else has."""
    name = _name(medium, key)
    current = _entry_or_aside(medium, name)
    if (None if current is None else current.generation) != expected:
        return Conflict(current)
    medium.write(f"{name}.entry", encode(entry, name))
    return entry


def _delete(medium: Medium, *, key: StoreKey, expected: int | None) -> Conflict | None:
    name = _name(medium, key)
    if expected is not None:
        current = _entry_or_aside(medium, name)
        if current is not None and current.generation != expected:
            return Conflict(current)
    medium.remove(f"{name}.entry", f"{name}.damaged")
    return None


def _mark(medium: Medium, *, key: StoreKey, generation: int, at: float) -> bool:
    name = _name(medium, key)
    current = _entry_or_aside(medium, name)
    if current is None or current.generation != generation:
        return False
    medium.write(f"{name}.entry", encode(current.attempted(at), name))
    return True


def _acquire(medium: Medium, *, lease: Lease, clock: Clock) -> bool:
    name = _name(medium, lease.key)
    # Read where nobody else writes: a lease may have begun while we waited for the lock.
    now = clock.boot()
    owner, until, ttl = _read_lease(medium, name)
    # More than it was given cannot be left: the machine has started anew since.
    if owner != lease.owner and 0.0 < until - now <= ttl:
        return False
    members = [lease.owner, lease.until, lease.until - now]
    medium.write(f"{name}.lease", json.dumps(members).encode(), durable=False)
    return True


def _release(medium: Medium, *, lease: Lease) -> None:
    name = _name(medium, lease.key)
    owner, _, _ = _read_lease(medium, name)
    if owner == lease.owner:
        medium.remove(f"{name}.lease")


def _read_lease(medium: Medium, name: str) -> tuple[str | None, float, float]:
    """Return owner, end and length; what cannot be read is nobody's."""
    nobody = (None, 0.0, 0.0)
    try:
        data = medium.read(f"{name}.lease", limit=_LEASE_BYTES)
        owner, until, ttl = json.loads(data or b"[null, 0, 0]")
        until, ttl = float(until), float(ttl)
    except (TooLarge, ValueError, TypeError, RecursionError, OverflowError):
        return nobody
    if not isinstance(owner, str) or not (math.isfinite(until) and math.isfinite(ttl)):
        return nobody
    return owner, until, ttl
