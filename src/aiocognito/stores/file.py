"""Entries as files in a folder of one's own, for the processes of one machine.

::

    <folder>/              0700, ours
        salt               what fingerprints in this folder are keyed with
        lock               held while something is written
        <print>.entry      an entry, as `_codec` writes it
        <print>.lease      who refreshes just now
        <print>.damaged    the last thing found there that was no entry

What another program changed here is not trusted: see `_folder`. POSIX only; on Windows
use the keyring store.
"""

from __future__ import annotations

import json
import logging
import math
import os
import secrets
import sys
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito.errors import (
    InvalidArgument,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreUnavailable,
)
from aiocognito.stores._codec import MAX_ENCODED_BYTES, decode, encode
from aiocognito.stores._folder import Busy, Folder, TooLarge
from aiocognito.stores.base import Conflict, Entry, Lease, StoreKey, check_succession

__all__ = ["FileTokenStore"]

T = TypeVar("T")

_log = logging.getLogger("aiocognito")

_POLL_SECONDS = 0.02
_SALT = "salt"
_SALT_BYTES = 32
_LEASE_BYTES = 4_096


class FileTokenStore:
    """Keeps entries in a folder, safely for several processes of one machine.

    Fulfils `SharedTokenStore`. Anything but this class's own files is refused or set
    aside: a folder or file that others can read, that belongs to another user, a link, a
    second name of a file raise `StoreUnsafe`; a file that is no entry is renamed, logged
    and treated as absent. Values are in the clear: wrap the store in `encrypted` where
    the disk, or its backup, is not safe.

    File work is done in worker threads. A write goes to a new file, to the disk, and
    then takes the old one's name. A caller that is cancelled leaves the write whole or
    not begun; a process that is killed leaves the old entry or the new one. Reading
    takes no lock.

    Args:
        path: The folder; made with mode 0700 if it is not there. ``~`` is the user's
            home, and a relative path is taken from where the first call finds us.
        lock_timeout: Seconds to wait for another process that writes, before
            `StoreLocked`.
        clock: Tells when a lease ends.

    Raises:
        StoreError: On Windows, whose permissions this class cannot check.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lock_timeout: float = 5.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if sys.platform == "win32":
            raise StoreError("Files are not safe for tokens on Windows; use the keyring store.")
        text = os.fspath(path)
        if not text or "\0" in text:
            raise InvalidArgument("path", "the path of a folder")
        self._path = text
        self._absolute: str | None = None
        self._lock_timeout = lock_timeout
        self._clock = clock
        self._turns: RunVar[anyio.CapacityLimiter] = RunVar("aiocognito_file_store")

    async def load(self, key: StoreKey) -> Entry | None:
        """Return the newest entry, or None."""
        try:
            return await self._in_thread(partial(_load, key=key))
        except StoreDamaged:
            # It may have been replaced since: look again where nobody writes.
            return await self._alone(partial(_current, key=key))

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        """Replace an entry, if nobody else has; it is on the disk when this returns."""
        check_succession(entry, expected)
        return await self._alone(partial(_commit, key=key, entry=entry, expected=expected))

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        """Forget an entry, and what was set aside in its place."""
        return await self._alone(partial(_delete, key=key, expected=expected))

    async def acquire(self, key: StoreKey, *, owner: str, ttl: float) -> Lease | None:
        """Ask to be the one who refreshes; a lease of before a restart has ended."""
        now = self._clock.boot()
        lease = Lease(key=key, owner=owner, until=now + ttl)
        held = await self._alone(partial(_acquire, lease=lease, now=now))
        return lease if held else None

    async def release(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._alone(partial(_release, lease=lease))

    async def mark_attempt(self, key: StoreKey, *, generation: int, at: float) -> bool:
        """Write down that a refresh from this generation begins."""
        return await self._alone(partial(_mark, key=key, generation=generation, at=at))

    async def aclose(self) -> None:
        """Do nothing; no file stays open between two calls."""

    # --- threads and turns ---

    async def _alone(self, work: Callable[[Folder], T]) -> T:
        """Run work that writes, one at a time, here and in other processes."""
        async with self._turn():  # in order, and without asking the file system
            deadline = anyio.current_time() + self._lock_timeout
            while True:
                try:
                    return await self._in_thread(partial(_holding_the_lock, work=work))
                except Busy:
                    if anyio.current_time() >= deadline:
                        raise StoreLocked(self._lock_timeout) from None
                await anyio.sleep(_POLL_SECONDS)

    async def _in_thread(self, work: Callable[[Folder], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(self._with_folder, work)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreUnavailable(
                f"The token folder cannot be used now ({reason}); what it held is still there."
            ) from error

    def _with_folder(self, work: Callable[[Folder], T]) -> T:
        if self._absolute is None:
            self._absolute = os.path.abspath(os.path.expanduser(self._path))
        folder = Folder(self._absolute)
        try:
            return work(folder)
        finally:
            folder.close()

    def _turn(self) -> anyio.CapacityLimiter:
        # One for each event loop; across loops and processes the lock file decides.
        try:
            return self._turns.get()
        except LookupError:
            limiter = anyio.CapacityLimiter(1)
            self._turns.set(limiter)
            return limiter

    def __repr__(self) -> str:
        return f"FileTokenStore({self._path!r})"


# --- in a worker thread ---------------------------------------------------------------


def _holding_the_lock(folder: Folder, *, work: Callable[[Folder], T]) -> T:
    with folder.locked():
        return work(folder)


def _load(folder: Folder, key: StoreKey) -> Entry | None:
    """Read an entry without the lock. Raises `StoreDamaged` for what is none."""
    salt = _read_salt(folder)
    if salt is None:
        return None  # nothing was ever written
    if len(salt) != _SALT_BYTES:
        raise StoreDamaged("The token folder's salt is damaged.")
    return _read_entry(folder, key.fingerprint(salt))


def _read_salt(folder: Folder) -> bytes | None:
    try:
        return folder.read(_SALT, limit=_SALT_BYTES)
    except TooLarge:
        return b""


def _read_entry(folder: Folder, name: str) -> Entry | None:
    try:
        data = folder.read(f"{name}.entry", limit=MAX_ENCODED_BYTES)
    except TooLarge:
        raise StoreDamaged("The file is larger than an entry.") from None
    return None if data is None else decode(data, name)


# From here on the lock is held.


def _name(folder: Folder, key: StoreKey) -> str:
    salt = _read_salt(folder)
    if salt is None or len(salt) != _SALT_BYTES:
        if salt is not None:
            _set_aside(folder, _SALT, "salt.damaged")
        salt = secrets.token_bytes(_SALT_BYTES)
        folder.write(_SALT, salt)
    return key.fingerprint(salt)


def _current(folder: Folder, key: StoreKey) -> Entry | None:
    return _entry_or_aside(folder, _name(folder, key))


def _entry_or_aside(folder: Folder, name: str) -> Entry | None:
    try:
        return _read_entry(folder, name)
    except StoreDamaged:
        _set_aside(folder, f"{name}.entry", f"{name}.damaged")
        return None


def _set_aside(folder: Folder, name: str, to: str) -> None:
    folder.rename(name, to)
    _log.warning("set a damaged file of the token store aside as %s", to)


def _commit(
    folder: Folder, *, key: StoreKey, entry: Entry, expected: int | None
) -> Entry | Conflict:
    name = _name(folder, key)
    current = _entry_or_aside(folder, name)
    if (None if current is None else current.generation) != expected:
        return Conflict(current)
    folder.write(f"{name}.entry", encode(entry, name))
    return entry


def _delete(folder: Folder, *, key: StoreKey, expected: int | None) -> Conflict | None:
    name = _name(folder, key)
    if expected is not None:
        current = _entry_or_aside(folder, name)
        if current is not None and current.generation != expected:
            return Conflict(current)
    folder.remove(f"{name}.entry", f"{name}.damaged")
    return None


def _mark(folder: Folder, *, key: StoreKey, generation: int, at: float) -> bool:
    name = _name(folder, key)
    current = _entry_or_aside(folder, name)
    if current is None or current.generation != generation:
        return False
    folder.write(f"{name}.entry", encode(current.attempted(at), name))
    return True


def _acquire(folder: Folder, *, lease: Lease, now: float) -> bool:
    name = _name(folder, lease.key)
    owner, until, ttl = _read_lease(folder, name)
    # More than it was given cannot be left: the machine has started anew since.
    if owner != lease.owner and 0.0 < until - now <= ttl:
        return False
    members = [lease.owner, lease.until, lease.until - now]
    folder.write(f"{name}.lease", json.dumps(members).encode(), durable=False)
    return True


def _release(folder: Folder, *, lease: Lease) -> None:
    name = _name(folder, lease.key)
    owner, _, _ = _read_lease(folder, name)
    if owner == lease.owner:
        folder.remove(f"{name}.lease")


def _read_lease(folder: Folder, name: str) -> tuple[str | None, float, float]:
    """Return owner, end and length; what cannot be read is nobody's."""
    nobody = (None, 0.0, 0.0)
    try:
        data = folder.read(f"{name}.lease", limit=_LEASE_BYTES)
        owner, until, ttl = json.loads(data or b"[null, 0, 0]")
        until, ttl = float(until), float(ttl)
    except (TooLarge, ValueError, TypeError, RecursionError, OverflowError):
        return nobody
    if not isinstance(owner, str) or not (math.isfinite(until) and math.isfinite(ttl)):
        return nobody
    return owner, until, ttl
