"""``python -m aiocognito.testing``, started as a program."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals to a child are POSIX")


class Program:
    """The program, running; its output up to the last line it prints."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aiocognito.testing", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        self.text = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line
            if "Ctrl-C" in line:
                break

    def variable(self, name: str) -> str:
        found = re.search(rf"export {name}=(\S+)", self.text)
        assert found is not None, self.text
        return found[1]

    def line(self, label: str) -> str:
        found = re.search(rf"^ +{label} +(\S+)", self.text, re.MULTILINE)
        assert found is not None, self.text
        return found[1]

    @property
    def snippet(self) -> str:
        lines = self.text.split("Sign in from Python:\n")[1].split("Ctrl-C")[0].splitlines()
        return "\n".join(line.removeprefix("    ") for line in lines)

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code and what was written to stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


@pytest.fixture
def start() -> Iterator[Any]:
    programs: list[Program] = []

    def start(*arguments: str) -> Program:
        programs.append(Program(*arguments))
        return programs[-1]

    yield start
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(start: Any, number: int) -> None:
    code, errors = start().end(number)
    assert (code, errors) == (0, "")


def test_it_serves_where_it_says(start: Any) -> None:
    program = start()
    url, pool_id = (
        program.variable("COGNITO_ENDPOINT_URL"),
        program.variable("COGNITO_USER_POOL_ID"),
    )
    with urllib.request.urlopen(f"{url}/{pool_id}/.well-known/jwks.json", timeout=5) as response:
        assert len(json.load(response)["keys"]) == 2
    assert program.variable("COGNITO_CLIENT_ID")
    assert program.variable("IDENTITY_POOL_ID").startswith("eu-west-1:")
    assert "COGNITO_CLIENT_SECRET" not in program.text


def test_it_seeds_a_user_with_an_authenticator(start: Any) -> None:
    program = start()
    assert program.line("user") == "ana"
    assert len(program.line("password")) >= 12
    assert re.fullmatch(r"[A-Z2-7]{16,}", program.line("TOTP secret"))
    assert re.fullmatch(r"[0-9]{6}", program.line("TOTP code"))


def test_each_run_has_another_password(start: Any) -> None:
    assert start().line("password") != start().line("password")


@pytest.mark.parametrize("arguments", [[], ["--secret", "--token-seconds", "15"]])
def test_the_printed_snippet_signs_in(start: Any, arguments: list[str], tmp_path: Path) -> None:
    program = start(*arguments)
    script = tmp_path / "snippet.py"
    script.write_text(program.snippet, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", script], capture_output=True, text=True, timeout=15
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("eyJ")


def test_the_user_can_be_chosen(start: Any) -> None:
    program = start("--username", "bea", "--password", "Passw0rd!", "--no-totp")
    assert (program.line("user"), program.line("password")) == ("bea", "Passw0rd!")
    assert "TOTP" not in program.text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", "0.0.0.0"], "invalid choice"),
        (["--user-pool-id", "nowhere"], "user_pool_id"),
        (["--password", "short"], "Password not long enough"),
        (["--token-seconds", "0"], "from 1 to 86400"),
        (["--port", "70000"], "from 0 to 65535"),
        (["--port", "x"], "from 0 to 65535"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(arguments: list[str], sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aiocognito.testing", *arguments],
        capture_output=True,
        text=True,
        timeout=15,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert sentence in done.stderr.splitlines()[-1]


def test_a_taken_port_is_told_in_one_line(start: Any) -> None:
    port = start().variable("COGNITO_ENDPOINT_URL").rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "aiocognito.testing", "--port", port],
        capture_output=True,
        text=True,
        timeout=15,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"port {port}" in done.stderr
