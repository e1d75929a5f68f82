"""The command line: checked before anything is opened, and never a place for secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from aiocognito._redact import Secret
from aiocognito.credential_process.opening import key_bytes
from aiocognito.credential_process.options import UsageError, parse

POOL = "eu-west-1:2f0c3a2e-1111-4222-8333-444455556666"
USER = [
    "--identity-pool-id", POOL, "--user-pool-id", "eu-west-1_Ab12Cd34E", "--client-id", "abc",
    "--username", "ana", "--store", "/s",
]  # fmt: skip
GUEST = ["--identity-pool-id", POOL, "--guest", "--store", "/s"]


def test_a_user_s_command_line() -> None:
    options = parse(USER)
    assert options.command == "credentials"
    assert options.store == Path("/s")
    assert options.session_key.name == "ana"
    assert options.credentials_key.kind == "credentials"
    assert options.credentials_key.pool_id == POOL


def test_credentials_of_two_app_clients_are_kept_apart() -> None:
    # threat 42
    other = [word if word != "abc" else "xyz" for word in USER]
    assert parse(USER).credentials_key != parse(other).credentials_key
    assert parse(USER).credentials_key != parse(GUEST).credentials_key


@pytest.mark.parametrize("word", ["sign-in", "login"])
def test_both_words_sign_in(word: str) -> None:
    assert parse([word, *USER]).command == "sign-in"


@pytest.mark.parametrize("word", ["sign-out", "logout"])
def test_both_words_sign_out(word: str) -> None:
    assert parse([word, *USER]).command == "sign-out"


def test_one_endpoint_serves_both_pools_and_may_be_parted() -> None:
    options = parse([*USER, "--endpoint-url", "http://127.0.0.1:1"])
    assert options.identity_endpoint_url == options.endpoint_url == "http://127.0.0.1:1"
    options = parse([*USER, "--identity-endpoint-url", "http://127.0.0.1:2"])
    assert (options.endpoint_url, options.identity_endpoint_url) == (None, "http://127.0.0.1:2")


def test_the_environment_names_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    # threat 37
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_COGNITO_IDENTITY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert parse(USER).endpoint_url is None


def test_a_relative_store_does_not_move_with_the_working_folder() -> None:
    relative = [word if word != "/s" else "here/s" for word in USER]
    assert parse(relative).store == Path.cwd() / "here" / "s"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--identity-pool-id", POOL],
        ["--identity-pool-id", "nonsense", "--guest", "--store", "/s"],
        [*GUEST, "--username", "ana"],
        ["sign-in", *GUEST],
        [*GUEST, "--keyring"],
        GUEST[:-2],
        [*GUEST[:-2], "--keyring", "--store-key-env", "KEY"],
        [*GUEST, "--account-id", "12"],
        [*GUEST, "--account-id", "１２３４５６７８９０１２"],
        [*GUEST, "--no-such-option"],
        ["dance", *GUEST],
        USER[:-4] + USER[-2:],
        USER[:4] + USER[6:],
        [*USER[:3], "eu-west-1", *USER[4:]],
        [*USER, "--client-secret-env", "NOT_THERE"],
        [*USER, "--client-secret-file", "/not/there"],
        [*USER, "--client-secret-file", "/dev/null"],
        [*USER, "--client-secret-env", "A", "--client-secret-file", "/b"],
        [*USER, "--user", "abbreviated"],
    ],
)
def test_what_makes_no_sense_is_one_sentence(arguments: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        [*USER, "sign-in"],
        [*USER[:-4], "--username", "login", "sign-in", "--store", "/s"],
        [*USER[:-4], "--username=-dash", "sign-out", "--everywhere", "--keyring"],
        [*USER, "login", "--account-id", "123456789012", "--endpoint-url=http://127.0.0.1:1"],
    ],
)
def test_a_command_line_can_be_said_again_without_its_command(arguments: list[str]) -> None:
    options = parse(arguments)
    again = parse(options.arguments)
    assert again == evolve(options, command="credentials", everywhere=False)


def test_secrets_come_from_a_file_or_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # threat 34: no argument carries one, and nothing shows it
    monkeypatch.setenv("MY_CLIENT_SECRET", "canary-client-secret")
    file = tmp_path / "key"
    file.write_text("00" * 32 + "\n")
    options = parse(
        [*USER, "--client-secret-env", "MY_CLIENT_SECRET", "--store-key-file", str(file)]
    )
    assert options.client_secret == Secret("canary-client-secret")
    assert options.store_key == Secret("00" * 32)
    assert "canary" not in repr(options)


@pytest.mark.parametrize(
    "text", ["00" * 32, "A" * 43 + "=", "A" * 43, "_-" * 21 + "A", "+/" * 21 + "A="]
)
def test_a_store_s_key_is_32_bytes_in_hex_or_base64(text: str) -> None:
    assert len(key_bytes(Secret(text))) == 32


@pytest.mark.parametrize("text", ["passphrase", "00" * 31, "zz" * 32, "A" * 44, "ä" * 43])
def test_another_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        key_bytes(Secret(text))
    assert text not in str(caught.value)
