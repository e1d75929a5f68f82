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

import os
import sys

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito.errors import InvalidArgument, StoreError, StoreUnavailable
from aiocognito.stores._folder import Folder
from aiocognito.stores._local import LocalTokenStore

__all__ = ["FileTokenStore"]


class FileTokenStore(LocalTokenStore):
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
        super().__init__(lock_timeout=lock_timeout, clock=clock)
        if sys.platform == "win32":
            raise StoreError("Files are not safe for tokens on Windows; use the keyring store.")
        text = os.fspath(path)
        if not text or "\0" in text:
            raise InvalidArgument("path", "the path of a folder")
        self._path = text
        self._absolute: str | None = None

    def _open(self) -> Folder:
        if self._absolute is None:
            self._absolute = os.path.abspath(os.path.expanduser(self._path))
        return Folder(self._absolute)

    def _translated(self, error: Exception) -> StoreError | None:
        if not isinstance(error, OSError):
            return None
        reason = error.strerror or type(error).__name__
        return StoreUnavailable(
            f"The token folder cannot be used now ({reason}); what it held is still there."
        )

    def __repr__(self) -> str:
        return f"FileTokenStore({self._path!r})"
