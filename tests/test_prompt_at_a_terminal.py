"""`responders.prompt` before a person, at a terminal: Ctrl-C ends it at once."""

from __future__ import annotations

import os
import select
import sys
import time

import pytest

pty = pytest.importorskip("pty", reason="a pseudo-terminal needs POSIX")
termios = pytest.importorskip("termios")

pytestmark = [pytest.mark.slow, pytest.mark.may_block, pytest.mark.timeout(60)]

PROGRAM = """
import anyio, sys
from aiocognito import NewPasswordRequired, SoftwareTokenMfa, responders
from aiocognito.flow.challenges import Context

context = Context(
    client_id="c", username="ana", session=None, password_proven=True, plaintext_allowed=False
)
kind, backend = sys.argv[1:]
if kind == "code":
    challenge = SoftwareTokenMfa(context=context, parameters={}, device_name=None)
else:
    challenge = NewPasswordRequired(
        context=context, parameters={}, required_attributes=(), user_attributes={}
    )

async def main():
    await responders.prompt()(challenge)

try:
    anyio.run(main, backend=backend)
except KeyboardInterrupt:
    print("Interrupted.", flush=True)
"""


class Terminal:
    """A child with a terminal of its own, and what it showed."""

    def __init__(self, *arguments: str) -> None:
        self.child, self.file = pty.fork()
        if self.child == 0:  # pragma: no cover  another process
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM, *arguments])
        self.shown = b""

    def read_until(self, text: bytes, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            left = deadline - time.monotonic()
            assert left > 0, self.shown
            if select.select([self.file], [], [], left)[0]:
                self.shown += os.read(self.file, 4096)

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.file)[3] & termios.ECHO)

    def exit_code(self, seconds: float = 10) -> int | None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended, status = os.waitpid(self.child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)
        return None


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("kind", "asked"), [("code", b"Code from"), ("password", b"New password")])
def test_ctrl_c_ends_the_program_and_shows_what_is_typed(
    kind: str, asked: bytes, backend: str
) -> None:
    if backend == "trio":
        pytest.importorskip("trio")
    terminal = Terminal(kind, backend)
    terminal.read_until(asked)
    time.sleep(0.1)  # getpass shows the text first and then waits
    os.write(terminal.file, b"\x03")
    terminal.read_until(b"Interrupted.")
    assert terminal.echoes()
    assert terminal.exit_code() == 0
    os.close(terminal.file)
