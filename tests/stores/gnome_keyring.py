"""A real GNOME Keyring without a desktop, on a bus of its own, in a folder of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.needs import needs

# The daemon reads the password of its first keyring from standard input, to the end.
_SCRIPT = """
printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null
echo "$DBUS_SESSION_BUS_ADDRESS"
cat >/dev/null
"""


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start bus and daemon, lend the address of the bus, and stop both."""
    needs("keyring", find_spec("keyring") is not None, "install the extra `keyring`")
    for program, package in (
        ("dbus-run-session", "dbus"),
        ("gnome-keyring-daemon", "gnome-keyring"),
    ):
        needs(program, shutil.which(program) is not None, f"install {package}")
    runtime = folder / "run"
    runtime.mkdir(0o700)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    with (folder / "keyring.log").open("wb") as log:
        process = subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", _SCRIPT],
            env=kept | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(runtime)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    if not address:
        raise RuntimeError((folder / "keyring.log").read_text(encoding="utf-8"))
    try:
        yield address
    finally:
        process.stdin.close()  # ends the shell, with it the bus, with it the daemon
        process.wait(10)
        process.stdout.close()
