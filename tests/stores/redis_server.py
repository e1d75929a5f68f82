"""Debian's redis-server as a child process, on a Unix socket in a folder of ours."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from tests.needs import needs

_START_SECONDS = 15.0


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start a server that keeps nothing, lend its URL, and stop it."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    needs("redis", find_spec("redis") is not None, "install the extra `redis`")
    needs("redis-server", program is not None, "install redis-server (Debian) or Valkey")
    assert program is not None
    path = folder / "redis.sock"
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(program, "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
                *("--save", "", "--appendonly", "no", "--dir", str(folder)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(path, process)
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait(10)


def _wait(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.02)
    raise RuntimeError(f"redis-server did not start: {path.with_name('redis.log').read_text()}")
