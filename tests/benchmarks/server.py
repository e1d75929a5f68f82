"""The server that the benchmarks sign in at: our local pool in a process of its own.

A process of its own, so that its arithmetic is not counted as the client's and does
not hold the client's interpreter lock.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import asdict, frozen

ROOT = Path(__file__).resolve().parents[2]
USER, PASSWORD = "ana", "Passw0rd!"


@frozen(kw_only=True)
class Server:
    """Where to sign in."""

    url: str
    user_pool_id: str
    client_id: str
    identity_pool_id: str = ""

    def as_arguments(self) -> list[str]:
        """Return what `at` reads again in another process."""
        return [json.dumps(asdict(self))]

    @classmethod
    def at(cls, argument: str) -> Server:
        return cls(**json.loads(argument))


@contextmanager
def running() -> Iterator[Server]:
    """Start the server, lend its address, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Server.at(process.stdout.readline())
    finally:
        process.communicate()  # closes its stdin, which ends it


def serve() -> None:
    """Serve one user until stdin ends."""
    from aiocognito.testing import LocalCognito

    with LocalCognito() as local:
        local.add_user(USER, PASSWORD)
        here = Server(
            url=local.url,
            user_pool_id=local.user_pool_id,
            client_id=local.client_id,
            identity_pool_id=local.identity_pool_id,
        )
        print(*here.as_arguments(), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve()
