"""Entries in the keyring of the person at the machine; needs the extra `keyring`.

That is GNOME Keyring, KWallet or KeePassXC (the Secret Service of the desktop), the
Keychain on macOS, the Credential Manager on Windows: whatever the package `keyring`
finds. One password for each thing: ``<print>.entry``, ``<print>.lease``, ``salt``.

A keyring cannot compare and set. Who writes holds a lock: a file in a private folder,
or on Windows one of the process.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._redact import without_frames
from aiocognito.errors import StoreError, StoreUnavailable
from aiocognito.stores._codec import Hidden
from aiocognito.stores._folder import Folder
from aiocognito.stores._local import Busy, LocalTokenStore, TooLarge

__all__ = ["KeyringBackend", "KeyringTokenStore"]

_LOCK_FOLDER = os.path.join("~", ".local", "state", "aiocognito")
_NOT_SAFE = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
_process_lock = threading.Lock()


class KeyringBackend(Protocol):
    """What we use of a backend of the package `keyring`. Blocking."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return a password, or None."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Set a password."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Delete a password; raises if there is none."""
        ...


class KeyringTokenStore(LocalTokenStore):
    """Keeps entries in the system's keyring. Fulfils `SharedTokenStore`.

    For programs of a person at a machine; the processes of one person share it. What a
    keyring protects is the disk, and a locked screen: every program of the same person
    may read it.

    Calls are made in worker threads, and the first one loads the backend. Where the
    keyring is locked the desktop may ask the person to open it; a caller that is
    cancelled meanwhile waits for the answer. There is no safe way to wait in a service
    without a desktop: use files there.

    Raised besides what the protocol says: `StoreError` where there is no keyring, or
    only one that keeps passwords in the clear or not at all; `ImportError` where the
    extra is not installed.

    An entry is text, larger than its value. A backend may set a limit: Windows's
    Credential Manager has room for less than most sessions need. What it refuses raises
    `StoreUnavailable`, and what it held stays. Tried with GNOME Keyring only.

    Args:
        service: Under which name the keyring lists the entries.
        backend: Which keyring; None for the one that `keyring` chooses.
        lock_folder: A private folder for the lock, the same for all processes that
            share the entries; ``~/.local/state/aiocognito`` unless given. On Windows
            it is not used, and only the threads of one process are kept apart.
        lock_timeout: Seconds to wait for another process that writes, before
            `StoreLocked`.
        clock: Tells when a lease ends.
    """

    def __init__(
        self,
        service: str = "aiocognito",
        *,
        backend: KeyringBackend | None = None,
        lock_folder: str | os.PathLike[str] | None = None,
        lock_timeout: float = 5.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(lock_timeout=lock_timeout, clock=clock)
        self._service = service
        self._backend = backend
        self._lock_folder = os.fspath(lock_folder or _LOCK_FOLDER)

    def _open(self) -> _Passwords:
        if self._backend is None:
            self._backend = _chosen()
        self._lock_folder = os.path.abspath(os.path.expanduser(self._lock_folder))
        return _Passwords(self._backend, self._service, self._lock_folder)

    def _translated(self, error: Exception) -> StoreError | None:
        # Each backend has errors of its own: of D-Bus, of the Keychain, of Windows.
        if isinstance(error, ImportError):
            return None
        return StoreUnavailable(
            f"The keyring does not do it now ({type(error).__name__}); what it held is there."
        )

    def __repr__(self) -> str:
        return f"KeyringTokenStore({self._service!r})"


class _Passwords:
    """The passwords of one service, as a medium."""

    def __init__(self, backend: KeyringBackend, service: str, lock_folder: str) -> None:
        self._backend = backend
        self._service = service
        self._lock_folder = lock_folder

    def read(self, name: str, *, limit: int) -> Hidden | None:
        """Return a password's bytes, or None."""
        found = self._backend.get_password(self._service, name)
        if found is None:
            return None
        content = Hidden(found.encode("utf-8", "surrogatepass"))
        del found
        if len(content) > limit:
            raise TooLarge
        return content

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        """Set a password; what is written here is ASCII."""
        self._backend.set_password(self._service, name, content.decode("ascii"))

    def rename(self, name: str, to: str) -> None:
        """Set a password under another name and delete it under the first."""
        found = self._backend.get_password(self._service, name)
        if found is not None:
            self._backend.set_password(self._service, to, found)
            del found
            self._backend.delete_password(self._service, name)

    def remove(self, *names: str) -> None:
        """Delete passwords that may be there."""
        for name in names:
            # Asked first: each backend has an error of its own for a missing one.
            if self._backend.get_password(self._service, name) is not None:
                self._backend.delete_password(self._service, name)

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock of all who write."""
        return _in_process() if sys.platform == "win32" else self._in_folder()

    @contextmanager
    def _in_folder(self) -> Iterator[None]:
        try:
            folder = Folder(self._lock_folder)
        except OSError as error:
            raise _no_lock(error) from None
        try:
            with folder.locked():
                yield
        finally:
            folder.close()

    def close(self) -> None:
        """Do nothing; a backend keeps no connection for us."""


@contextmanager
def _in_process() -> Iterator[None]:
    if not _process_lock.acquire(blocking=False):
        raise Busy
    try:
        yield
    finally:
        _process_lock.release()


def _no_lock(error: OSError) -> StoreUnavailable:
    reason = error.strerror or type(error).__name__
    return without_frames(StoreUnavailable(f"The folder of the lock cannot be used ({reason})."))


def _chosen() -> KeyringBackend:
    """Return the keyring that the package chooses, if it is one."""
    try:
        import keyring  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ImportError(
            "The keyring store needs an extra: install aiocognito[keyring]."
        ) from error
    backend: Any = keyring.get_keyring()
    if type(backend).__module__.startswith(_NOT_SAFE):
        raise StoreError("There is no keyring here that keeps tokens safe; use files, encrypted.")
    chosen: KeyringBackend = backend
    return chosen
