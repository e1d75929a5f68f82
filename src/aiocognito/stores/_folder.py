"""A private folder: small files that are replaced whole, and a lock. Blocking; POSIX.

Every name is looked up relative to the open folder, never by its path again, so that
nobody can swap the folder between a check and a use. Links are not followed. What is
opened is checked through its descriptor: a plain file with one name, ours, and nobody
else's to read.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aiocognito.errors import StoreUnavailable, StoreUnsafe
from aiocognito.stores._codec import Hidden
from aiocognito.stores._local import Busy, TooLarge

if sys.platform != "win32":
    import fcntl

__all__ = ["Folder"]

_LOCK = "lock"
_NEW = "new"  # one name is enough: who writes holds the lock, and a leftover is replaced
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_DIRECTORY = _READ | getattr(os, "O_DIRECTORY", 0)
_FILE = _READ | getattr(os, "O_NONBLOCK", 0)  # a pipe with nobody at its end must not hold us
_CREATE = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_OTHERS = 0o077
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_NOT_PLAIN = {errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENOTDIR}


class Folder:
    """An open folder that is ours alone. For one thread; close it.

    Raises:
        StoreUnsafe: Others can read or change it, or it is not what it seems.
        OSError: It cannot be opened or made.
    """

    def __init__(self, path: str) -> None:
        _check_above(path)
        _make(path)
        self._path = path
        try:
            self._fd = os.open(path, _DIRECTORY)
        except OSError as error:
            if error.errno in _NOT_PLAIN:
                raise StoreUnsafe(path, "it is a link or no folder") from None
            raise
        try:
            self._check(os.fstat(self._fd), "")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the folder."""
        os.close(self._fd)

    # --- the lock ---

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of all who write here.

        The kernel lets go of it when a process dies, however it dies.

        Raises:
            Busy: Somebody else holds it.
            StoreUnavailable: The file system has no locks.
        """
        descriptor = self._open(_LOCK, _CREATE)
        try:
            _lock(descriptor)
            try:
                # Whoever removed the file made room for a second lock.
                if not self._is_still(descriptor, _LOCK):
                    raise Busy
                yield
            finally:
                # Not by closing alone: a forked child may hold the descriptor too.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    # --- files ---

    def read(self, name: str, *, limit: int) -> Hidden | None:
        """Return a file's content, or None if there is none. Needs no lock.

        Raises:
            TooLarge: It has more than `limit` bytes.
            StoreUnsafe: It is not safely ours.
        """
        try:
            descriptor = self._open(name, _FILE)
        except FileNotFoundError:
            return None
        try:
            if os.fstat(descriptor).st_size > limit:
                raise TooLarge
            return Hidden(_read(descriptor, limit))
        finally:
            os.close(descriptor)

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        """Put a whole file in the place of what is there. Hold the lock.

        A reader sees the old content or the new. Once it returns, the new one survives
        a crash of the machine, if `durable`. If it raises, the old one stays, unless it
        was the folder that could not be brought to the disk.
        """
        self._remove(_NEW)
        descriptor = self._open(_NEW, _CREATE | os.O_EXCL)
        try:
            try:
                _write(descriptor, content)
                if durable:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self.rename(_NEW, name, durable=durable)
        except BaseException:
            self._remove(_NEW)
            raise

    def rename(self, name: str, to: str, *, durable: bool = True) -> None:
        """Give a file another name, in the place of what has it. Hold the lock."""
        os.rename(name, to, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        if durable:
            os.fsync(self._fd)

    def remove(self, *names: str) -> None:
        """Remove files that may be there, and a write that was begun. Hold the lock."""
        for name in (*names, _NEW):
            self._remove(name)
        os.fsync(self._fd)

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)

    # --- what is safe ---

    def _open(self, name: str, flags: int) -> int:
        try:
            descriptor = os.open(name, flags, 0o600, dir_fd=self._fd)
        except OSError as error:
            if error.errno in _NOT_PLAIN:
                raise StoreUnsafe(self._named(name), "a file there is no plain file") from None
            raise
        try:
            self._check(os.fstat(descriptor), name)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _check(self, found: os.stat_result, name: str) -> None:
        plain = stat.S_ISREG(found.st_mode) if name else stat.S_ISDIR(found.st_mode)
        if not plain:
            raise StoreUnsafe(self._named(name), "a file there is no plain file")
        if found.st_uid != os.geteuid():
            raise StoreUnsafe(self._named(name), "it belongs to another user")
        if found.st_mode & _OTHERS:
            mode = stat.S_IMODE(found.st_mode)
            raise StoreUnsafe(self._named(name), f"others may use it (mode {mode:04o})")
        # None at all: it was replaced since we opened it, and what we hold was good.
        if name and found.st_nlink > 1:
            raise StoreUnsafe(self._named(name), "a file there has a second name (hard link)")

    def _is_still(self, descriptor: int, name: str) -> bool:
        try:
            there = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(descriptor), there)

    def _named(self, name: str) -> str:
        return os.path.join(self._path, name) if name else self._path


def _check_above(path: str) -> None:
    """Refuse a folder that anybody could replace by another one."""
    above = os.path.dirname(path)
    while True:
        with suppress(FileNotFoundError):
            mode = os.stat(above).st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                raise StoreUnsafe(above, "anybody may rename what is in a folder above it")
        if above == (above := os.path.dirname(above)):
            return


def _make(path: str) -> None:
    above = os.path.dirname(path)
    with suppress(FileExistsError):
        os.makedirs(above, 0o700, exist_ok=True)
        os.mkdir(path, 0o700)
        # So that a crash of the machine does not take the folder, and all that is in it.
        descriptor = os.open(above, _DIRECTORY & ~getattr(os, "O_NOFOLLOW", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy from None
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise StoreUnavailable(
                "This file system has no locks; choose a folder on another one."
            ) from error
        raise


def _read(descriptor: int, limit: int) -> bytes:
    content = b""
    while chunk := os.read(descriptor, limit + 1 - len(content)):
        content += chunk
        if len(content) > limit:  # it grew while we read
            raise TooLarge
    return content


def _write(descriptor: int, content: bytes) -> None:
    os.fchmod(descriptor, 0o600)  # a strange umask takes more away than others' rights
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
