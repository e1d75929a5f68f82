"""The program as its callers meet it: one document, one sentence, an exit code."""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

from aiocognito.credential_process import __main__ as program
from aiocognito.credential_process.options import parse
from aiocognito.stores import FileTokenStore, KeyringTokenStore
from aiocognito.testing import LocalCognito
from aiocognito.testing.faults import Slow
from tests.credential_process.machine import PASSWORD, age
from tests.stores import gnome_keyring

pytestmark = [pytest.mark.may_block, pytest.mark.timeout(60)]
COMMAND = [sys.executable, "-m", "aiocognito.credential_process"]


class Shell:
    """Runs the program in this process, with a store of its own."""

    def __init__(
        self,
        local: LocalCognito,
        store: Path,
        capture: pytest.CaptureFixture[str],
        patch: pytest.MonkeyPatch,
    ) -> None:
        self.local = local
        self.store = store
        self._capture = capture
        self._patch = patch

    def arguments(self, *more: str) -> list[str]:
        return [
            *more, "--identity-pool-id", self.local.identity_pool_id,
            "--user-pool-id", self.local.user_pool_id, "--client-id", self.local.client_id,
            "--username", "ana", "--store", str(self.store), "--endpoint-url", self.local.url,
        ]  # fmt: skip

    def run(self, *more: str, typed: str = "") -> tuple[int, str, str]:
        return self.run_with(self.arguments(*more), typed=typed)

    def run_with(self, arguments: list[str], *, typed: str = "") -> tuple[int, str, str]:
        self._patch.setattr(sys, "stdin", io.StringIO(typed))
        self._patch.setattr(sys, "argv", ["aiocognito-credential-process", *arguments])
        code = program.main()
        out, err = self._capture.readouterr()
        return code, out, err

    def age(self) -> None:
        anyio.run(age, FileTokenStore(self.store), parse(self.arguments()))

    def sign_in(self) -> None:
        code, _, err = self.run("sign-in", typed=f"{PASSWORD}\n")
        assert (code, err) == (0, "")


@pytest.fixture
def local() -> Iterator[LocalCognito]:
    with LocalCognito(rotation=True) as local:
        local.add_user("ana", PASSWORD)
        yield local


@pytest.fixture
def shell(
    local: LocalCognito,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    return Shell(local, tmp_path / "store", capsys, monkeypatch)


def one_sentence(err: str) -> bool:
    return err.startswith("aiocognito: ") and err.count("\n") == 1 and "Traceback" not in err


def test_from_sign_in_to_sign_out(shell: Shell) -> None:
    # F046, F099
    code, out, err = shell.run("sign-in", typed=f"{PASSWORD}\n")
    assert (code, err) == (0, "")
    assert "Signed in as ana; the identity is eu-west-1:" in out
    assert PASSWORD not in out
    first = shell.run("--account-id", "123456789012")
    assert first[0] == 0
    assert first[2] == ""
    document = json.loads(first[1])
    assert first[1].count("\n") == 1
    assert (document["Version"], document["AccountId"]) == (1, "123456789012")
    assert json.loads(shell.run()[1])["AccessKeyId"] == document["AccessKeyId"]
    assert shell.run("sign-out") == (0, "Signed out.\n", "")
    assert shell.run("logout") == (0, "Nobody was signed in.\n", "")
    code, out, err = shell.run()
    assert (code, out) == (3, "")
    assert err == "aiocognito: Run `aiocognito-credential-process sign-in`: not signed in.\n"


def test_the_command_it_proposes_works(shell: Shell) -> None:
    code, out, _ = shell.run("login", "--account-id", "123456789012", typed=f"{PASSWORD}\n")
    assert code == 0
    command = out.partition("credential_process = ")[2].split()
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert json.loads(done.stdout)["AccountId"] == "123456789012"
    assert done.stderr == ""


@pytest.mark.parametrize("spelling", ["--store=here", "--store here"])
def test_the_command_it_proposes_names_the_store_in_full(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spelling: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = shell.arguments("sign-in")
    at = arguments.index("--store")
    arguments[at : at + 2] = spelling.split()
    _, out, _ = shell.run_with(arguments, typed=f"{PASSWORD}\n")
    assert f"--store {tmp_path / 'here'}" in out


def test_the_command_it_proposes_finds_its_key_from_every_folder(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("00" * 32)
    _, out, _ = shell.run("sign-in", "--store-key-file", "key", typed=f"{PASSWORD}\n")
    command = shlex.split(out.partition("credential_process = ")[2])
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_it_proposes_runs_nothing_of_the_folder_it_is_in(
    shell: Shell, tmp_path: Path
) -> None:
    # A repository that somebody cloned, and types `aws s3 ls` in.
    for name in ("aiocognito", "anyio", "attrs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')")
    _, out, _ = shell.run("sign-in", typed=f"{PASSWORD}\n")
    command = shlex.split(out.partition("credential_process = ")[2])
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_credentials_that_cannot_be_printed_are_one_sentence(shell: Shell) -> None:
    shell.sign_in()
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *shell.arguments()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "aiocognito: Nobody takes what standard output should get.\n"


def test_without_a_standard_output_it_is_one_sentence(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.sign_in()
    monkeypatch.setattr(sys, "stdout", None)  # closed by whoever started us
    code, _, err = shell.run()
    assert (code, err) == (1, "aiocognito: Nobody takes what standard output should get.\n")


def test_a_wrong_password_is_one_sentence_without_it(shell: Shell) -> None:
    # threat 34
    code, out, err = shell.run("sign-in", typed="not-this-one\n")
    assert (code, out) == (1, "")
    assert "Check the user name and the password" in err
    assert one_sentence(err)
    assert "not-this-one" not in err


def test_no_network_is_one_sentence(shell: Shell) -> None:
    shell.sign_in()
    shell.age()
    arguments = shell.arguments()
    shell.local.stop()
    code, out, err = shell.run_with(arguments)
    assert (code, out) == (1, "")
    assert "No connection to the service" in err
    assert one_sentence(err)


def test_a_command_line_that_makes_no_sense_is_one_sentence(shell: Shell) -> None:
    code, out, err = shell.run_with(["--identity-pool-id", "nonsense", "--guest", "--keyring"])
    assert (code, out) == (2, "")
    assert one_sentence(err)
    code, out, err = shell.run_with(["--frobnicate"])
    assert (code, out) == (2, "")
    assert one_sentence(err)


def test_plain_http_to_another_machine_is_refused(shell: Shell) -> None:
    # threat 37
    arguments = shell.arguments("sign-in")
    arguments[-1] = "http://cognito.example"
    code, out, err = shell.run_with(arguments, typed=f"{PASSWORD}\n")
    assert (code, out) == (1, "")
    assert "https" in err
    assert one_sentence(err)
    assert PASSWORD not in err


def test_a_folder_that_others_can_read_is_refused(shell: Shell) -> None:
    # threat 30
    shell.store.mkdir(mode=0o755)
    code, out, err = shell.run("sign-in", typed=f"{PASSWORD}\n")
    assert (code, out) == (1, "")
    assert "Not a safe place for tokens" in err
    assert one_sentence(err)


def test_with_a_key_nothing_readable_is_on_the_disk(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threats 30 and 34
    monkeypatch.setenv("STORE_KEY", "ab" * 32)
    key = ("--store-key-env", "STORE_KEY")
    assert shell.run("sign-in", *key, typed=f"{PASSWORD}\n")[0] == 0
    code, out, _ = shell.run(*key)
    assert code == 0
    files = b"".join(path.read_bytes() for path in shell.store.rglob("*") if path.is_file())
    assert files
    assert json.loads(out)["SecretAccessKey"].encode() not in files
    assert b"refresh_token" not in files
    monkeypatch.setenv("STORE_KEY", "cd" * 32)
    code, out, err = shell.run(*key)
    assert (code, out) == (1, "")
    assert one_sentence(err)


def test_an_error_nobody_thought_of_shows_its_name_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 34
    def fails(*_: Any) -> None:
        raise ValueError("canary")

    monkeypatch.setitem(program._COMMANDS, "credentials", fails)
    code, out, err = shell.run()
    assert (code, out) == (1, "")
    assert err == "aiocognito: ValueError was not expected; please report it.\n"


def test_the_system_s_keyring_can_be_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setitem(program._COMMANDS, "credentials", lambda _, store: opened.append(store))
    arguments = [*shell.arguments()[:-4], *shell.arguments()[-2:], "--keyring"]
    assert shell.run_with(arguments) == (0, "", "")
    assert isinstance(opened[0], KeyringTokenStore)


def test_a_keyring_without_its_package_says_what_to_install(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    arguments = [*shell.arguments()[:-4], *shell.arguments()[-2:], "--keyring"]
    code, out, err = shell.run_with(arguments)
    assert (code, out) == (1, "")
    assert "aiocognito[keyring]" in err
    assert one_sentence(err)


@pytest.mark.slow
def test_the_real_keyring_keeps_the_session(shell: Shell, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    arguments = [*shell.arguments()[:-4], *shell.arguments()[-2:], "--keyring"]
    with gnome_keyring.running(tmp_path) as bus:
        environment = os.environ | {"HOME": str(home), "DBUS_SESSION_BUS_ADDRESS": bus}

        def run(*command: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*COMMAND, *command, *arguments],
                env=environment, input=f"{PASSWORD}\n", capture_output=True, text=True,
                check=False,
            )  # fmt: skip

        assert run().returncode == 3
        assert run("sign-in").returncode == 0
        done = run()
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["Version"] == 1
        assert run("sign-out").stdout == "Signed out.\n"
        assert run().returncode == 3


def test_ctrl_c_says_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(program._COMMANDS, "credentials", interrupted)
    assert shell.run() == (130, "", "")


def test_a_guest_needs_no_sign_in(shell: Shell) -> None:
    # F008
    arguments = [
        "--identity-pool-id", shell.local.identity_pool_id, "--guest",
        "--store", str(shell.store), "--endpoint-url", shell.local.url,
    ]  # fmt: skip
    code, out, err = shell.run_with(arguments)
    assert (code, err) == (0, "")
    assert json.loads(out)["AccessKeyId"].startswith("ASIA")


def test_logs_at_debug_hold_no_secret(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    # threat 34
    caplog.set_level(logging.DEBUG)
    shell.sign_in()
    shell.age()
    document = json.loads(shell.run()[1])
    for secret in (PASSWORD, document["SecretAccessKey"], document["SessionToken"]):
        assert secret not in caplog.text


@pytest.mark.slow
def test_many_processes_at_once_spend_one_rotating_token(shell: Shell) -> None:
    # threats 32 and 33
    shell.sign_in()
    shell.age()

    def process(_: int) -> str:
        done = subprocess.run(
            [*COMMAND, *shell.arguments()], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return str(json.loads(done.stdout)["AccessKeyId"])

    shell.local.requests.clear()
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(process, range(4)))
    assert len(found) == 1
    counts = shell.local.requests.counts
    assert (counts["GetTokensFromRefreshToken"], counts["GetCredentialsForIdentity"]) == (1, 1)


@pytest.mark.slow
def test_ctrl_c_during_a_refresh_loses_no_rotating_token(shell: Shell) -> None:
    # threats 25 and 27
    shell.sign_in()
    shell.age()
    shell.local.requests.clear()
    shell.local.faults.add(Slow(1.0), operation="GetTokensFromRefreshToken")  # acted already
    process = subprocess.Popen(
        [*COMMAND, *shell.arguments()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not shell.local.requests.count("GetTokensFromRefreshToken"):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 130
    code, out, _ = shell.run()
    assert code == 0
    assert json.loads(out)["Version"] == 1


def test_the_console_entry_is_this_program() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    module, _, name = project["project"]["scripts"]["aiocognito-credential-process"].partition(":")
    assert getattr(importlib.import_module(module), name) is program.main


def test_what_only_prints_loads_no_more_than_it_needs(shell: Shell) -> None:
    shell.sign_in()
    script = (
        "import sys; from aiocognito.credential_process.__main__ import main; "
        "code = main(sys.argv[1:]); "
        "print(sorted({'aiobotocore', 'botocore', 'aiohttp', 'cryptography', 'aiocognito.pool'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *shell.arguments()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["Version"] == 1
    assert done.stderr == "[]\n"


@pytest.mark.slow
def test_what_renews_does_without_aiobotocore(shell: Shell) -> None:
    shell.sign_in()
    shell.age()
    script = (
        "import sys; from aiocognito.credential_process.__main__ import main; "
        "code = main(sys.argv[1:]); print('aiobotocore' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *shell.arguments()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["Version"] == 1
    assert done.stderr == "False\n"
