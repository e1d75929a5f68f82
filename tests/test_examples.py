"""The examples run as a stranger runs them."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aiocognito.testing import LocalCognito

from .needs import needs

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def start(name: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    # A session of its own has no terminal, so that getpass reads what we write.
    return subprocess.Popen(
        [sys.executable, "-W", "error::DeprecationWarning", str(EXAMPLES / name), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )


def finish(program: subprocess.Popen[str], said: str = "") -> tuple[str, str]:
    out, err = program.communicate(said, timeout=60)
    return out, err


def test_quickstart_goes_the_whole_way_by_itself() -> None:
    program = start("quickstart.py")
    out, err = finish(program)
    assert program.returncode == 0, err
    assert err == ""
    assert "cognito:username = ana" in out
    assert "refreshed ahead of its end: yes" in out
    keys = re.findall(r"(ASIA\w+) until", out)
    assert len(keys) == 2
    assert keys[0] != keys[1]
    assert "Signed out" in out


def test_quickstart_signs_in_to_the_pool_the_environment_names() -> None:
    with LocalCognito(client_secret=True) as local:
        local.add_user("eva", "Correct-Horse-9!", totp=True)
        assert local.client_secret is not None
        program = start("quickstart.py", **settings(local))
        code = local.totp_code("eva")
        out, err = finish(program, f"eva\nCorrect-Horse-9!\n{code}\n")
    assert program.returncode == 0, err
    assert "cognito:username = eva" in out
    assert "Access token refreshed" in out
    assert out.count("ASIA") == 2


def settings(local: LocalCognito) -> dict[str, str]:
    return {
        "COGNITO_USER_POOL_ID": local.user_pool_id,
        "COGNITO_CLIENT_ID": local.client_id,
        "COGNITO_CLIENT_SECRET": local.client_secret or "",
        "IDENTITY_POOL_ID": local.identity_pool_id,
        "COGNITO_ENDPOINT_URL": local.url,
    }


def test_a_wrong_password_is_one_sentence() -> None:
    with LocalCognito(client_secret=True) as local:
        local.add_user("eva", "Correct-Horse-9!")
        program = start("quickstart.py", **settings(local))
        _, err = finish(program, "eva\nnot-this-one\n")
    assert program.returncode == 1
    assert "IncorrectUsernameOrPassword: Check the user name and the password" in err
    assert "Traceback" not in err
    assert "not-this-one" not in err


def test_no_network_is_one_sentence() -> None:
    with LocalCognito(client_secret=True) as local:
        gone = settings(local)
    program = start("quickstart.py", **gone)
    _, err = finish(program, "eva\nCorrect-Horse-9!\n")
    assert program.returncode == 1
    assert "ConnectFailed: No connection to the service" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "example",
    ["remembered_device", "totp_setup", "passwordless_email_code", "admin_sign_in"],
)
def test_no_network_is_one_sentence_in_each_example_for_people(
    example: str, tmp_path: Path
) -> None:
    with LocalCognito() as local:
        gone = {**settings(local), "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "none"}
    program = start(f"{example}.py", str(tmp_path / "device"), **gone)
    _, err = finish(program, "eva\nCorrect-Horse-9!\n")
    assert program.returncode == 1
    assert "ConnectFailed: No connection to the service" in err
    assert "Traceback" not in err


def test_a_device_is_kept_for_a_person_in_the_file_that_is_named(tmp_path: Path) -> None:
    with LocalCognito(device_tracking="ALWAYS") as local:
        local.add_user("eva", "Correct-Horse-9!", totp=True)
        for answers in (f"{local.totp_code('eva')}\n", ""):
            program = start("remembered_device.py", str(tmp_path / "device"), **settings(local))
            out, err = finish(program, f"eva\nCorrect-Horse-9!\n{answers}")
            assert program.returncode == 0, err
    assert "the device was enough" in out
    assert (tmp_path / "device").stat().st_mode & 0o077 == 0


def test_a_missing_file_and_nobody_at_the_keyboard_are_one_sentence_each() -> None:
    with LocalCognito() as local:
        program = start("remembered_device.py", **settings(local))
        _, err = finish(program)
        assert (program.returncode, err) == (1, "Say in which file the device is kept.\n")
        program = start("totp_setup.py", **settings(local))
        _, err = finish(program)
    assert program.returncode == 1
    assert err.endswith("Interrupted.\n")


def test_the_worker_stays_signed_in_and_ctrl_c_ends_it() -> None:
    program = start("worker.py")
    assert program.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and not any("by refresh" in line for line in lines):
        lines.append(program.stdout.readline())
    assert any("by refresh" in line for line in lines), lines
    program.send_signal(signal.SIGINT)
    out, err = finish(program)
    assert program.returncode == 0, err
    assert "nothing was lost" in out
    assert "Traceback" not in err


def test_the_worker_says_which_setting_is_missing() -> None:
    with LocalCognito(client_secret=True) as local:
        program = start("worker.py", **settings(local))
        _, err = finish(program)
    assert program.returncode == 1
    assert err.strip() == "Set WORKER_USERNAME, too."


def test_the_worker_works_for_the_pool_the_environment_names() -> None:
    with LocalCognito(client_secret=True) as local:
        user = local.add_user("svc", "Service-Passw0rd!", totp=True)
        program = start(
            "worker.py",
            "--seconds",
            "2",
            **settings(local),
            WORKER_USERNAME="svc",
            WORKER_PASSWORD="Service-Passw0rd!",
            WORKER_TOTP_SECRET=user.totp_secret or "",
        )
        out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "[svc] new tokens by sign-in" in out


def test_a_malformed_pool_id_is_found_before_anybody_is_asked() -> None:
    program = start("quickstart.py", COGNITO_USER_POOL_ID="eu-west-1", COGNITO_CLIENT_ID="abc")
    out, err = finish(program)
    assert program.returncode == 1
    assert err.startswith("InvalidArgument: user_pool_id")
    assert out == ""


def test_the_worker_can_be_given_an_end() -> None:
    program = start("worker.py", "--seconds", "3")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "new tokens by sign-in" in out


def test_an_account_from_sign_up_to_deletion() -> None:
    # F014, F015, F035, F036, F074, F091, F093
    program = start("sign_up_to_deletion.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "the PreSignUp trigger says: Email domain not allowed" in out
    assert "the password lacks: uppercase" in out
    assert "a code went by EMAIL to a***@e***" in out
    assert "ana@example.org is verified: True" in out
    assert out.endswith("deleted; nobody of that name can sign in\n")


def test_an_authenticator_is_set_up_and_used() -> None:
    # F090
    program = start("totp_setup.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "preferred: SOFTWARE_TOKEN_MFA" in out
    assert "signed in as ana with the authenticator" in out
    assert re.search("[A-Z2-7]{52}", out) is None  # the secret is not displayed


def test_a_device_is_remembered_and_used() -> None:
    # F090
    program = start("remembered_device.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert out.splitlines() == [
        "a code is asked for",
        "device of ana: offered",
        "device of ana: remembered",
        "known: example, remembered: True",
        "the device was enough, no code was asked for",
        "known: example, remembered: True",
        "device of ana: unknown",
        "a code is asked for",
        "device of ana: offered",
        "device of ana: remembered",
        "known: example, remembered: True",
    ]


def test_an_administrator_lists_users() -> None:
    # F050, F113
    program = start("admin_list_users.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "150 users meet no condition" in out
    program = start("admin_list_users.py", "name", 'Zoë "Z" O\'')
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "30 users meet" in out


def test_a_server_signs_a_person_in_by_signed_calls() -> None:
    # F040
    program = start("admin_sign_in.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "The service asks: SOFTWARE_TOKEN_MFA" in out
    assert "Signed in: ana" in out
    assert "Refreshed" in out


def test_custom_challenges_are_solved() -> None:
    # F041
    program = start("custom_challenge.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "the pool asks 10 + 4; we say 14" in out
    assert "signed in as ana, without a password" in out
    assert "signed in as ana, with the password proven first" in out


def test_a_code_by_e_mail_signs_in() -> None:
    program = start("passwordless_email_code.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "The code sent to a***@e***" in out
    assert "That is not the code; try again." in out
    assert "signed in as ana (ana@example.com)" in out


def test_a_person_types_the_code_of_the_mail() -> None:
    flows = ("ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
    with LocalCognito(first_factors=("EMAIL_OTP",), explicit_auth_flows=flows) as local:
        local.add_user("eva", attributes={"email": "eva@example.com"})
        program = start("passwordless_email_code.py", **settings(local))
        assert program.stdin is not None
        program.stdin.write("eva\n")
        program.stdin.flush()
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and not local.outbox:
            time.sleep(0.02)
        out, err = finish(program, f"{local.outbox[-1].code}\n")
    assert program.returncode == 0, err
    assert "signed in as eva" in out


def test_a_worker_signs_in_with_a_passkey_of_its_own() -> None:
    program = start("software_passkey_worker.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "registered a passkey for auth.example.com" in out
    assert "signed in as svc-importer, signature number 2" in out
    assert "a copy taken before that is noticed by its count, and refused" in out


def test_every_tool_has_credentials_after_one_sign_in() -> None:
    # F046, F099
    program = start("every_tool.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert re.search(r"a child uses ASIA\w+ in eu-west-1", out)
    keys = re.findall(r"a tool uses (ASIA\w+) by custom-process", out)
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert "exit code 3: aiocognito: Run" in out


def test_requests_of_one_s_own_are_signed() -> None:
    # F079
    program = start("sign_request.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "200 tea ordered by eu-west-1:" in out
    assert '403 another body: {"refused": "InvalidSignatureException"}' in out
    assert "wss://a1b2c3-ats.iot.eu-west-1.amazonaws.com/mqtt + signature" in out


def test_a_back_end_signs_in_over_two_requests() -> None:
    program = start("asgi_two_requests.py")
    out, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert "POST /sign-in -> 401 {'error': 'Wrong user name or password.'}" in out
    assert "POST /sign-in -> 200 {'asks': 'SOFTWARE_TOKEN_MFA'}" in out
    assert "POST /answer -> 401 {'error': 'That is not the code; try again.'}" in out
    assert "POST /answer -> 200 {'user': 'ana'}" in out


@pytest.mark.may_block
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the kernel's own machinery
def test_the_notebook_runs_across_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient: Any = pytest.importorskip("nbclient")
    nbformat: Any = pytest.importorskip("nbformat")
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    notebook = nbformat.read(EXAMPLES / "notebooks" / "first_sign_in.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    shown = str([cell.get("outputs") for cell in notebook.cells])
    assert "IncorrectUsernameOrPassword" in shown
    assert "ana: new tokens by refresh" in shown
    assert shown.count("'text/plain': 'True'") == 2
    assert "signed-out" in shown
    assert "eyJ" not in shown  # no token is displayed


def test_health_is_exported_as_metrics() -> None:
    sdk = importlib.util.find_spec("opentelemetry.sdk") if has("opentelemetry") else None
    needs("OpenTelemetry's SDK", sdk is not None, "pip install opentelemetry-sdk")
    program = start("metrics.py")
    out, err = finish(program)
    assert program.returncode == 0, err
    assert err == ""
    numbers = dict(re.findall(r"^aiocognito\.(\S+ ?\w*) +([0-9.e-]+)$", out, re.MULTILINE))
    assert numbers["sign_ins "] == "3"
    assert float(numbers["refreshes "]) >= 3
    assert numbers["failures "] == numbers["throttles "] == "0"
    assert numbers["refresh_rate "] == "96.0"
    assert sum(int(n) for name, n in numbers.items() if name.startswith("sessions ")) == 3


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def test_aws_identities_of_every_kind() -> None:
    # F008, F077, F080
    program = start("aws_identities.py")
    out, err = finish(program)
    assert program.returncode == 0, err
    assert err == ""
    assert out.count("ASIA") == 3
    assert "the same guest at the next start: yes" in out
    assert "the same with Google alone: yes" in out


@pytest.mark.skipif(os.name != "posix", reason="the file store is POSIX's")
def test_a_fleet_signs_in_once_and_outlives_a_worker() -> None:
    program = start("fleet.py")
    out, err = finish(program)
    assert program.returncode == 0, err
    assert err == ""
    assert "ada was killed" in out
    said = re.search(r"3 workers: 1 sign-in, (\d+) refreshes", out)
    assert said is not None, out
    assert int(said[1]) >= 3
    assert "found new tokens in the store" in out
