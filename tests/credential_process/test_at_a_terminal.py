"""A person at a terminal signs in, errs, changes their mind, and comes back later."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from aiocognito import UserPool
from aiocognito.credential_process.options import parse
from aiocognito.stores import FileTokenStore
from aiocognito.testing import LocalCognito
from tests.credential_process.machine import PASSWORD, age

pty = pytest.importorskip("pty", reason="a pseudo-terminal needs POSIX")
termios = pytest.importorskip("termios")

pytestmark = [pytest.mark.slow, pytest.mark.may_block, pytest.mark.timeout(90)]

# Makes the pseudo-terminal the one that getpass opens and that Ctrl-C comes from.
IN_FRONT = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "aiocognito.credential_process", *sys.argv[1:]])
"""


class Terminal:
    """The program at a terminal of its own; `shown` is what stands on it."""

    def __init__(self, *arguments: str) -> None:
        self.file, inside = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", IN_FRONT, *arguments],
            stdin=inside, stdout=inside, stderr=inside, start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        self.shown = b""

    def read_until(self, text: bytes, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            left = deadline - time.monotonic()
            assert left > 0, self.shown
            if select.select([self.file], [], [], left)[0]:
                self.shown += os.read(self.file, 4096)

    def type_when_hidden(self, text: bytes) -> None:
        """Type once nothing is echoed: getpass shows its question first."""
        deadline = time.monotonic() + 10
        while termios.tcgetattr(self.file)[3] & termios.ECHO:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.write(self.file, text)

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.file)[3] & termios.ECHO)

    def exit_code(self) -> int:
        try:
            while True:
                try:
                    self.shown += (part := os.read(self.file, 4096))
                except OSError:  # Linux's way of saying that nobody writes any more
                    break
                if not part:
                    break
            return self._process.wait(30)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self.file)


@pytest.fixture
def local() -> Iterator[LocalCognito]:
    with LocalCognito() as local:
        local.add_user("ana", PASSWORD, totp=True)
        yield local


@pytest.fixture
def who(local: LocalCognito, tmp_path: Path) -> list[str]:
    return [
        "--identity-pool-id", local.identity_pool_id, "--user-pool-id", local.user_pool_id,
        "--client-id", local.client_id, "--username", "ana",
        "--store", str(tmp_path / "store"), "--endpoint-url", local.url,
    ]  # fmt: skip


def print_credentials(who: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aiocognito.credential_process", *who]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def sign_in(local: LocalCognito, who: list[str]) -> Terminal:
    terminal = Terminal("sign-in", *who)
    terminal.read_until(b"Password of ana: ")
    terminal.type_when_hidden(PASSWORD.encode() + b"\n")
    terminal.read_until(b"Code from your authenticator: ")
    os.write(terminal.file, local.totp_code("ana").encode() + b"\n")
    return terminal


def test_signing_in_asks_what_the_pool_asks(local: LocalCognito, who: list[str]) -> None:
    # F046, F099
    terminal = sign_in(local, who)
    assert terminal.exit_code() == 0, terminal.shown
    assert b"Signed in as ana" in terminal.shown
    assert b"credential_process = " in terminal.shown
    assert PASSWORD.encode() not in terminal.shown  # threat 34
    done = print_credentials(who)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["Version"] == 1


def test_a_wrong_password_is_told_and_not_shown(who: list[str]) -> None:
    terminal = Terminal("sign-in", *who)
    terminal.read_until(b"Password of ana: ")
    terminal.type_when_hidden(b"not-this-one\n")
    assert terminal.exit_code() == 1
    assert b"aiocognito: Check the user name and the password" in terminal.shown
    assert b"not-this-one" not in terminal.shown
    assert b"Traceback" not in terminal.shown
    assert print_credentials(who).returncode == 3


def test_ctrl_c_at_the_password_keeps_nothing(who: list[str]) -> None:
    terminal = Terminal("sign-in", *who)
    terminal.read_until(b"Password of ana: ")
    terminal.type_when_hidden(b"\x03")
    assert terminal.exit_code() == 130
    assert b"Traceback" not in terminal.shown
    assert print_credentials(who).returncode == 3


def test_ctrl_c_at_the_code_ends_at_once_and_keeps_nothing(who: list[str]) -> None:
    # threat 27
    terminal = Terminal("sign-in", *who)
    terminal.read_until(b"Password of ana: ")
    terminal.type_when_hidden(PASSWORD.encode() + b"\n")
    terminal.read_until(b"Code from your authenticator: ")
    assert terminal.echoes()
    os.write(terminal.file, b"\x03")
    assert terminal.exit_code() == 130
    assert b"Traceback" not in terminal.shown
    assert print_credentials(who).returncode == 3


def test_without_a_network_it_says_so(local: LocalCognito, who: list[str]) -> None:
    local.stop()
    terminal = Terminal("sign-in", *who)
    terminal.read_until(b"Password of ana: ")
    terminal.type_when_hidden(PASSWORD.encode() + b"\n")
    assert terminal.exit_code() == 1
    assert b"aiocognito: No connection to the service" in terminal.shown
    assert b"Traceback" not in terminal.shown


def test_a_session_that_ended_elsewhere_wants_a_new_sign_in(
    local: LocalCognito, who: list[str]
) -> None:
    # F100
    assert sign_in(local, who).exit_code() == 0
    options = parse(who)
    assert options.store is not None
    store = FileTokenStore(options.store)

    async def sign_out_everywhere() -> None:
        # On another machine, hours later.
        state = await age(store, options)
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            await pool.restore(state).sign_out(everywhere=True)

    anyio.run(sign_out_everywhere)
    done = print_credentials(who)
    assert (done.returncode, done.stdout) == (3, "")
    assert "aiocognito-credential-process sign-in" in done.stderr
    assert done.stderr.count("\n") == 1
