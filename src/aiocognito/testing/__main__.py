"""``python -m aiocognito.testing``: serve a local Cognito until Ctrl-C."""

from __future__ import annotations

import argparse
import secrets
import shlex
import signal
import sys
import threading
from collections.abc import Sequence

from aiocognito.errors import InvalidArgument
from aiocognito.testing.local import LocalCognito
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.users import LocalUser

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the process is told to end; return its exit code."""
    options = _parser().parse_args(arguments)
    password = options.password or _random_password()
    try:
        local = _make(options)
        user = local.add_user(
            options.username,
            password,
            totp=not options.no_totp,
            attributes={"email": "ana@example.com"},
        )
    except (InvalidArgument, PoolError) as error:
        return _fail(str(error))
    ended = _told_to_end()
    try:
        local.start()
    except OSError as error:
        return _fail(f"cannot listen on {options.host} port {options.port}: {error.strerror}.")
    try:
        print(_how_to_reach(local, user, password), flush=True)
        while not ended.wait(timeout=1):  # Windows delivers no signal to an endless wait
            pass
    finally:
        local.stop()
    print("Stopped.", flush=True)
    return 0


def _make(options: argparse.Namespace) -> LocalCognito:
    return LocalCognito(
        host=options.host,
        port=options.port,
        user_pool_id=options.user_pool_id,
        client_id=options.client_id,
        client_secret=options.secret,
        access_token_validity=options.token_seconds,
        id_token_validity=options.token_seconds,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aiocognito.testing",
        description="Serve a local Cognito with one seeded user, for tests and try-outs. "
        "It is no place for real people or passwords.",
    )
    parser.add_argument("--host", choices=_LOOPBACK, default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=0, help="0 picks a free one (default)")
    parser.add_argument("--secret", action="store_true", help="give the app client a secret")
    parser.add_argument("--user-pool-id", metavar="ID", help="such as eu-west-1_LocalPool")
    parser.add_argument("--client-id", metavar="ID")
    parser.add_argument("--username", default="ana", help="of the seeded user (default: ana)")
    parser.add_argument("--password", help="of the seeded user (default: a random one)")
    parser.add_argument("--no-totp", action="store_true", help="let the password be enough")
    parser.add_argument(
        "--token-seconds",
        type=_seconds,
        default=3600,
        metavar="N",
        help="life of access and ID tokens (default: 3600); small values show refreshing",
    )
    return parser


def _port(text: str) -> int:
    return _between(text, 0, 65_535)


def _seconds(text: str) -> int:
    return _between(text, 1, 86_400)


def _between(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}")
    return int(text)


def _told_to_end() -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    return ended


def _random_password() -> str:
    # The fixed end satisfies any policy; the beginning is what nobody guesses.
    return secrets.token_urlsafe(9) + "aA1!"


def _fail(sentence: str) -> int:
    print(f"aiocognito.testing: {sentence}", file=sys.stderr)
    return 2


# --- what it says ------------------------------------------------------------


def _how_to_reach(local: LocalCognito, user: LocalUser, password: str) -> str:
    parts = [
        f"Local Cognito is serving at {local.url}",
        "\n".join(
            f"    export {name}={shlex.quote(value)}" for name, value in _variables(local).items()
        ),
        _credentials(local, user, password),
        "Sign in from Python:",
        _indented(_snippet(local, user, password)),
        "Ctrl-C ends it; everything in it is forgotten then.",
    ]
    return "\n\n".join(parts)


def _variables(local: LocalCognito) -> dict[str, str]:
    variables = {
        "COGNITO_ENDPOINT_URL": local.url,
        "COGNITO_USER_POOL_ID": local.user_pool_id,
        "COGNITO_CLIENT_ID": local.client_id,
        "IDENTITY_POOL_ID": local.identity_pool_id,
    }
    if local.client_secret is not None:
        variables["COGNITO_CLIENT_SECRET"] = local.client_secret
    return variables


def _credentials(local: LocalCognito, user: LocalUser, password: str) -> str:
    lines = [f"user         {user.username}", f"password     {password}"]
    if user.totp_secret is not None:
        lines.append(f"TOTP secret  {user.totp_secret}")
        lines.append(f"TOTP code    {local.totp_code(user.username)} (now)")
        lines.append("Each code works once: a second sign-in within 30 seconds waits for the next.")
    return _indented("\n".join(lines))


def _snippet(local: LocalCognito, user: LocalUser, password: str) -> str:
    secret = f", client_secret={local.client_secret!r}" if local.client_secret else ""
    respond = f", respond=responders.totp({user.totp_secret!r})" if user.totp_secret else ""
    return f"""\
import anyio
from aiocognito import UserPool, responders

async def main():
    async with UserPool({local.user_pool_id!r}, {local.client_id!r}{secret},
                        endpoint_url={local.url!r}) as pool:
        session = await pool.sign_in({user.username!r}, {password!r}{respond})
        print((await session.access_token())[:40], "…")

anyio.run(main)"""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
