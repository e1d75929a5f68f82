"""A client somebody else wrote, in a process of its own, told line by line what to do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import field, frozen

from aiocognito.testing import LocalClient, LocalCognito, LocalUserPool

_KEPT = ("PATH", "SYSTEMROOT", "HOME", "TMPDIR", "TEMP")


class PeerDied(Exception):
    """The driver ended before it answered; the message is what it printed on stderr."""


@frozen(kw_only=True)
class Peer:
    """The other client at work. Every action waits for its outcome."""

    _process: subprocess.Popen[str] = field(repr=False)
    _complaints: Path = field(repr=False)

    def do(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Return ``{"tokens": …}``, ``{"challenge": …}``, ``{"error": …}`` and the like."""
        self._tell({"do": action, **parameters})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerDied(self._complaints.read_text(encoding="utf-8"))
        outcome: dict[str, Any] = json.loads(line)
        return outcome

    def sign_in(self, username: str, password: str, **parameters: Any) -> dict[str, Any]:
        return self.do("sign_in", username=username, password=password, **parameters)

    def _tell(self, what: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()


@frozen(kw_only=True)
class Driver:
    """How to start a peer: a command, the folder it runs in, and where stderr goes."""

    command: Sequence[str | Path]
    folder: Path
    complaints: Path

    @contextmanager
    def at_work(
        self,
        local: LocalCognito,
        client: LocalClient | None = None,
        pool: LocalUserPool | None = None,
        **configuration: str | None,
    ) -> Iterator[Peer]:
        """Start it as a client of a pool, by default of the first; end it after.

        Args:
            configuration: What the driver is told instead, such as another ``secret``.
        """
        with self.complaints.open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                # Nothing of ours: no proxy, no profile, no AWS setting.
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                encoding="utf-8",
            )
            peer = Peer(process=process, complaints=self.complaints)
            try:
                peer._tell(_configured(local, client or local, pool or local) | configuration)
                yield peer
            finally:
                process.kill()
                process.communicate()


def _configured(
    local: LocalCognito, client: LocalClient | LocalCognito, pool: LocalUserPool | LocalCognito
) -> dict[str, Any]:
    return {
        "endpoint": local.url,
        "pool": pool.user_pool_id,
        "client": client.client_id,
        "secret": client.client_secret,
    }
