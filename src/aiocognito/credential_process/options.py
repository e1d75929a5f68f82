"""The command line, checked before anything is opened.

Nothing is taken from the environment or from a profile but what an argument names: an
address or a pool that somebody else put there would get the password (threat 37). And no
argument carries a secret, because every user of the machine can read arguments.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NoReturn

from attrs import field, frozen

from aiocognito._partitions import parse_identity_pool_id, parse_user_pool_id
from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, InvalidArgument
from aiocognito.stores.base import StoreKey

__all__ = ["Options", "UsageError", "parse"]

Command = Literal["credentials", "sign-in", "sign-out"]

_COMMANDS: dict[str, Command] = {
    "credentials": "credentials",
    "sign-in": "sign-in",
    "login": "sign-in",
    "sign-out": "sign-out",
    "logout": "sign-out",
}
_MAX_SECRET_FILE = 4096
# What a profile has to say; the rest is of one sign-in or sign-out.
_LASTING = (
    "identity_pool_id",
    "user_pool_id",
    "client_id",
    "client_secret_file",
    "client_secret_env",
    "username",
    "store",
    "store_key_file",
    "store_key_env",
    "account_id",
    "endpoint_url",
    "identity_endpoint_url",
)


class UsageError(Exception):
    """The command line makes no sense; the text says why."""


@frozen(kw_only=True)
class Options:
    """What was asked for.

    Attributes:
        username: None for a guest.
        store: The folder where the session is kept, or None for the system's keyring.
        store_key: What encrypts it there, base64 or hex of 32 bytes.
        arguments: Those that ask for the credentials, whatever folder that happens in.
    """

    command: Command
    identity_pool_id: str
    user_pool_id: str | None
    client_id: str | None
    client_secret: Secret | None
    username: str | None
    guest: bool
    store: Path | None
    store_key: Secret | None
    endpoint_url: str | None
    identity_endpoint_url: str | None
    account_id: str | None
    everywhere: bool = field(default=False)
    arguments: tuple[str, ...] = ()

    @property
    def session_key(self) -> StoreKey:
        """Name the user's session, or the guest."""
        if self.guest:
            return StoreKey.for_guest(self.identity_pool_id)
        assert self.user_pool_id is not None
        assert self.client_id is not None
        assert self.username is not None
        return StoreKey.for_session(self.user_pool_id, self.client_id, self.username)

    @property
    def credentials_key(self) -> StoreKey:
        """Name the credentials that are kept beside it."""
        return StoreKey.for_credentials(self.identity_pool_id, self.session_key)


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Raises:
        UsageError: Something is missing, malformed or contradicts something else.
        SystemExit: ``--help`` was asked for.
    """
    given = _parser().parse_args(arguments)
    try:
        return _checked(given)
    except CognitoError as error:
        raise UsageError(str(error)) from None


def _checked(given: argparse.Namespace) -> Options:
    parse_identity_pool_id(given.identity_pool_id)
    if given.guest:
        if given.user_pool_id or given.client_id or given.username:
            raise UsageError("A guest has no user pool, app client or user name.")
        if given.command in ("sign-in", "login"):
            raise UsageError("A guest does not sign in; ask for credentials.")
    else:
        if not (given.user_pool_id and given.client_id):
            raise UsageError("Give --user-pool-id and --client-id, or --guest.")
        parse_user_pool_id(given.user_pool_id)
        if not given.username:
            raise UsageError("Give --username, or --guest.")
    if (given.store is None) == (not given.keyring):
        raise UsageError("Give either --store or --keyring.")
    if given.keyring and (given.store_key_file or given.store_key_env):
        raise UsageError("A keyring encrypts by itself; a store's key goes with --store.")
    return Options(
        command=_COMMANDS[given.command],
        identity_pool_id=given.identity_pool_id,
        user_pool_id=given.user_pool_id,
        client_id=given.client_id,
        client_secret=_secret("--client-secret", given.client_secret_file, given.client_secret_env),
        username=given.username,
        guest=given.guest,
        store=None if given.store is None else _in_full(given.store),
        store_key=_secret("--store-key", given.store_key_file, given.store_key_env),
        endpoint_url=given.endpoint_url,
        identity_endpoint_url=given.identity_endpoint_url or given.endpoint_url,
        account_id=_account(given.account_id),
        everywhere=given.everywhere,
        arguments=tuple(_again(given)),
    )


def _again(given: argparse.Namespace) -> Iterator[str]:
    for name in _LASTING:
        value = getattr(given, name)
        if value is None:
            continue
        text = str(_in_full(value)) if isinstance(value, Path) else str(value)
        option = f"--{name.replace('_', '-')}"
        yield from (f"{option}={text}",) if text.startswith("-") else (option, text)
    yield from ("--keyring",) if given.keyring else ()


def _in_full(path: Path) -> Path:
    return path.expanduser().absolute()


def _secret(option: str, file: Path | None, variable: str | None) -> Secret | None:
    """Fetch what an option names; the secret itself is on no command line."""
    if file is not None and variable is not None:
        raise UsageError(f"Give {option}-file or {option}-env, not both.")
    if variable is not None:
        text = os.environ.get(variable, "")
    elif file is not None:
        try:
            with file.open("rb") as opened:
                text = opened.read(_MAX_SECRET_FILE).decode()
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"The file that {option}-file names cannot be read.") from None
    else:
        return None
    if not text.strip():
        raise UsageError(f"What {option}-{'env' if file is None else 'file'} names is empty.")
    return Secret(text.strip())


def _account(account_id: str | None) -> str | None:
    if account_id is not None and not (
        len(account_id) == 12 and account_id.isascii() and account_id.isdigit()
    ):
        raise InvalidArgument("--account-id", "twelve digits")
    return account_id


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}; see --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="aiocognito-credential-process",
        description="Print AWS credentials of a Cognito identity as credential_process wants them.",
        epilog="Sign in once with `sign-in`; then name this command, without `sign-in`, as "
        "credential_process of a profile in ~/.aws/config.",
        allow_abbrev=False,
    )
    parser.add_argument("command", nargs="?", default="credentials", choices=[*_COMMANDS])
    whose = parser.add_argument_group("whose credentials")
    whose.add_argument("--identity-pool-id", required=True, metavar="ID")
    whose.add_argument("--user-pool-id", metavar="ID")
    whose.add_argument("--client-id", metavar="ID", help="the user pool's app client")
    whose.add_argument("--client-secret-file", type=Path, metavar="FILE")
    whose.add_argument("--client-secret-env", metavar="NAME", help="a variable that holds it")
    whose.add_argument("--username", metavar="NAME", help="as typed at the sign-in")
    whose.add_argument("--guest", action="store_true", help="nobody in particular")
    kept = parser.add_argument_group("where the session is kept")
    kept.add_argument("--store", type=Path, metavar="FOLDER", help="made if it is not there")
    kept.add_argument("--store-key-file", type=Path, metavar="FILE", help="encrypts the store")
    kept.add_argument("--store-key-env", metavar="NAME", help="a variable that holds the key")
    kept.add_argument("--keyring", action="store_true", help="the system's keyring")
    more = parser.add_argument_group("more")
    more.add_argument("--account-id", metavar="DIGITS", help="printed for DynamoDB's endpoints")
    more.add_argument("--endpoint-url", metavar="URL", help="another address, a local pool's")
    more.add_argument("--identity-endpoint-url", metavar="URL", help="that of the identity pool")
    more.add_argument("--everywhere", action="store_true", help="sign-out: on every device")
    return parser
