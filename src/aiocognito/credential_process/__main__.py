"""``aiocognito-credential-process``, and ``python -m aiocognito.credential_process``.

Standard output gets the document and nothing else; at a sign-in, what to do next.
Standard error gets one sentence where something failed, never a traceback: SDKs show it
to people and write it to logs.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from functools import partial

import anyio

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito.credential_process.document import KeptCredentials, printed
from aiocognito.credential_process.opening import open_store
from aiocognito.credential_process.options import Options, UsageError, parse
from aiocognito.credential_process.serving import serve
from aiocognito.errors import CognitoError, RefreshFailed, SignInRequired
from aiocognito.stores.base import SharedTokenStore, TokenStore

__all__ = ["main"]

_FAILED, _USAGE, _SIGN_IN, _INTERRUPTED = 1, 2, 3, 130
_MAX_SENTENCE = 500


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 is success, 1 a failure, 2 a command line that makes no sense, 3 that somebody has
    to sign in, 130 Ctrl-C.
    """
    try:
        options = parse(arguments)
        store = open_store(options)
        _COMMANDS[options.command](options, store)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except _NotPrinted:
        return _fail(_FAILED, "Nobody takes what standard output should get.")
    except UsageError as error:
        return _fail(_USAGE, str(error))
    except SignInRequired as error:
        reason = error.reason.replace("-", " ")
        return _fail(_SIGN_IN, f"Run `aiocognito-credential-process sign-in`: {reason}.")
    except RefreshFailed as error:
        return _fail(_FAILED, _known(_root(error)))
    except CognitoError as error:
        return _fail(_FAILED, str(error))
    except ImportError as error:
        return _fail(_FAILED, str(error))  # names what to install
    except Exception as error:  # noqa: BLE001  its text and its frames may hold secrets
        return _fail(_FAILED, _known(error))
    return 0


class _NotPrinted(Exception):
    """There are credentials, and nobody to give them to."""


def _credentials(options: Options, store: SharedTokenStore) -> None:
    kept = anyio.run(partial(serve, options, store, _renew))
    try:
        sys.stdout.write(printed(kept.credentials, options.account_id) + "\n")
        sys.stdout.flush()
    except (OSError, AttributeError):  # a pipe that broke, a full disk; None where it is closed
        raise _NotPrinted from None


async def _renew(options: Options, store: TokenStore, clock: Clock) -> KeptCredentials:
    # Later: what brings new credentials takes many times as long to load as the rest.
    from aiocognito.credential_process.renewing import renew  # noqa: PLC0415

    return await renew(options, store, clock)


def _sign_in(options: Options, store: SharedTokenStore) -> None:
    from aiocognito.credential_process.signing_in import ask_password, sign_in  # noqa: PLC0415

    password = ask_password(options)
    identity_id = anyio.run(sign_in, options, store, SYSTEM_CLOCK, password)
    print(f"Signed in as {options.username}; the identity is {identity_id}.")
    print(f"For a profile in ~/.aws/config:\ncredential_process = {_own_command(options)}")


def _sign_out(options: Options, store: SharedTokenStore) -> None:
    from aiocognito.credential_process.signing_in import sign_out  # noqa: PLC0415

    was_there = anyio.run(sign_out, options, store, SYSTEM_CLOCK)
    print("Signed out." if was_there else "Nobody was signed in.")


_COMMANDS = {"credentials": _credentials, "sign-in": _sign_in, "sign-out": _sign_out}


def _own_command(options: Options) -> str:
    """Return the command line that prints what this one has signed in for.

    ``-P``: tools start us in whichever folder they are in, and with ``-m`` alone Python
    would look there first for every module, ours and our libraries'.
    """
    program = [sys.executable, "-P", "-m", "aiocognito.credential_process"]
    return shlex.join([*program, *options.arguments])


def _root(error: BaseException) -> BaseException:
    """Return why it failed, which is what a person can mend."""
    while isinstance(error, RefreshFailed) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _known(error: BaseException) -> str:
    if isinstance(error, CognitoError):
        return str(error)
    return f"{type(error).__name__} was not expected; please report it."


def _fail(code: int, sentence: str) -> int:
    text = " ".join(sentence.split())[:_MAX_SENTENCE]
    print(f"aiocognito: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
