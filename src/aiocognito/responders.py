"""Ready answers to challenges, for `respond=`.

A responder is an async callable that takes a challenge and returns an `Answer`, or
None to leave it to somebody else. `first_of` asks several in turn. No responder is ever
given the password of the login.
"""

from __future__ import annotations

import base64
import binascii
import contextvars
import random
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from getpass import getpass
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._redact import Secret
from aiocognito._used_steps import SHARED, MemorySteps, UsedSteps, authenticator_name
from aiocognito.errors import CognitoError, InvalidArgument, InvalidType
from aiocognito.flow.challenges import (
    Answer,
    Challenge,
    CustomChallenge,
    EmailOtp,
    MfaSetup,
    NewPasswordRequired,
    PasswordChallenge,
    PasswordSrpChallenge,
    SelectChallenge,
    SelectMfaType,
    SmsMfa,
    SmsOtp,
    SoftwareTokenMfa,
    SoftwareTokenSetup,
    WebAuthn,
)
from aiocognito.login import Responder
from aiocognito.software_passkey import SoftwarePasskey

try:
    import termios
except ImportError:  # pragma: no cover  not on Windows
    termios = None  # type: ignore[assignment]

__all__ = ["choose", "code", "custom", "first_of", "new_password", "passkey", "prompt", "totp"]

_STEP = 30
_DIGITS = 6
_SPREAD = 5.0  # seconds over which those who waited for a code come


def totp(
    secret: str, *, clock: Clock = SYSTEM_CLOCK, used_steps: UsedSteps | None = None
) -> Responder:
    """Answer SOFTWARE_TOKEN_MFA with codes computed from the authenticator's secret.

    Chooses TOTP where several factors are offered. Cognito takes each code once, so a
    second sign-in within the same 30 seconds waits for the next code, and some moments
    more, lest all who waited come at once. Within a process no code is used twice,
    whatever responders were made of the secret. A code that somebody else has used is
    answered by a later one, at most a minute away.

    Args:
        secret: Base32 text as Cognito shows it at set-up; blanks, lower case and
            missing padding are fine (RFC 6238, SHA-1, 6 digits).
        clock: Where the time comes from. Responders on clocks of their own do not
            know of each other.
        used_steps: Where several processes that share the secret agree on who uses
            which code.

    Raises:
        InvalidType: Not a `str`.
        InvalidArgument: Not base32.
    """
    key = _base32(secret)
    codes = TOTP(key, _DIGITS, SHA1(), _STEP, enforce_key_length=False)  # noqa: S303  RFC 6238
    name = authenticator_name(key)
    del secret, key
    sleep = getattr(clock, "sleep", anyio.sleep)
    steps = used_steps or (SHARED if clock is SYSTEM_CLOCK else MemorySteps())

    async def next_code(refused: CognitoError | None) -> str:
        present = int(clock.wall() // _STEP)
        if refused is not None:
            # Somebody else was first. All who lost draw, or they would meet again.
            present += 1 + random.randrange(2)  # noqa: S311  no secret
        # Claim a step first, then wait for it: two sign-ins at once get two codes.
        step = await steps.claim(name, present)
        start = float(step * _STEP)
        if clock.wall() < start:
            start += random.random() * _SPREAD  # noqa: S311
        while clock.wall() < start:
            await sleep(start - clock.wall())
        return codes.generate(step * _STEP).decode("ascii")

    async def respond(challenge: Challenge) -> Answer | None:
        match challenge:
            case SelectMfaType(options=options) if SoftwareTokenMfa.name in options:
                return challenge.answer(SoftwareTokenMfa)
            case SoftwareTokenMfa(refused=refused):
                return challenge.answer(await next_code(refused))
            case _:
                return None

    return respond


def new_password(password: str, *, attributes: Mapping[str, str] | None = None) -> Responder:
    """Answer NEW_PASSWORD_REQUIRED.

    Args:
        password: The new password.
        attributes: Values for the attributes the pool requires, by name.
    """
    secret = Secret(password)
    given = dict(attributes or {})

    async def respond(challenge: Challenge) -> Answer | None:
        if isinstance(challenge, NewPasswordRequired):
            return challenge.answer(secret.reveal(), attributes=given)
        return None

    return respond


def custom(solve: Callable[[Mapping[str, str]], Awaitable[str | None]]) -> Responder:
    """Answer CUSTOM_CHALLENGE with what an async callable makes of its parameters.

    It is asked at most three times in one sign-in; flows with more rounds are held
    with `UserPool.login`.

    Args:
        solve: Gets the challenge's public parameters and returns the answer, or None
            if it has none.
    """

    async def respond(challenge: Challenge) -> Answer | None:
        if not isinstance(challenge, CustomChallenge):
            return None
        answer = await solve(challenge.parameters)
        return None if answer is None else challenge.answer(answer)

    return respond


def code(fetch: Callable[[str | None], Awaitable[str | None]]) -> Responder:
    """Answer SMS_MFA, SMS_OTP and EMAIL_OTP with a code that an async callable brings.

    For programs that read the mailbox or the telephone themselves.

    Args:
        fetch: Gets the masked destination and returns the code, or None if there is
            none.
    """

    async def respond(challenge: Challenge) -> Answer | None:
        if not isinstance(challenge, SmsMfa | SmsOtp | EmailOtp):
            return None
        digits = await fetch(challenge.destination)
        return None if digits is None else challenge.answer(digits)

    return respond


def choose(*preferred: str) -> Responder:
    """Answer SELECT_CHALLENGE and SELECT_MFA_TYPE with the first of these that is offered.

    Args:
        preferred: Names, the best first, such as ``EMAIL_OTP`` or ``PASSWORD_SRP``,
            which proves the password that the login was given.
    """

    async def respond(challenge: Challenge) -> Answer | None:
        if isinstance(challenge, SelectChallenge | SelectMfaType):
            for name in preferred:
                if name in challenge.options:
                    return challenge.answer(name)
        return None

    return respond


def passkey(
    key: SoftwarePasskey, *, save: Callable[[bytes], Awaitable[None]] | None = None
) -> Responder:
    """Answer WEB_AUTHN with a passkey that the program holds. Experimental.

    Chooses the passkey where several first factors are offered.

    Args:
        key: See `SoftwarePasskey`. A challenge of another relying party, or for other
            passkeys, is refused with `InvalidArgument`, and nothing is signed.
        save: An async callable that keeps the passkey's bytes, private key included. It
            is awaited after a signature has been counted and before the answer leaves,
            so that a crash in between does not leave an older count behind.

    Raises:
        InvalidType: Not a `SoftwarePasskey`.
    """
    if not isinstance(key, SoftwarePasskey):
        raise InvalidType("key", "a SoftwarePasskey", key)
    saving = anyio.Lock()

    async def respond(challenge: Challenge) -> Answer | None:
        match challenge:
            case SelectChallenge(options=options) if WebAuthn.name in options:
                return challenge.answer(WebAuthn)
            case WebAuthn(options=asked):
                credential = key.assertion(asked)
                if save is not None:
                    # One after another, and each what is newest by then: of two sign-ins
                    # at once the older count must not be kept last.
                    async with saving:
                        await save(key.to_bytes())
                return challenge.answer(credential)
            case _:
                return None

    return respond


def prompt(
    *,
    ask: Callable[[str], str] | None = None,
    ask_secretly: Callable[[str], str] | None = None,
) -> Responder:
    """Ask the person at the terminal, or below the notebook's cell.

    Answers codes, the choice of a factor, new passwords, and sets up an authenticator or
    an e-mail address. Not custom challenges: what they ask comes from elsewhere, and a
    person should not be led to type a password there; see `custom`. The functions run in
    a thread of their own, so the event loop goes on. Cancelling (Ctrl-C) stops waiting at
    once and shows what is typed again; a program that goes on all the same loses the
    next line to the question nobody waits for.

    Args:
        ask: Shows a text and returns a line; `input` if left out.
        ask_secretly: The same without showing what is typed; `getpass.getpass`.
    """
    openly, secretly = ask or input, ask_secretly or getpass

    async def respond(challenge: Challenge) -> Answer | None:
        if challenge.refused is not None:
            await anyio.to_thread.run_sync(print, _said(challenge.refused))
        match challenge:
            case SmsMfa(destination=to) | SmsOtp(destination=to) | EmailOtp(destination=to):
                return challenge.answer(await _asked(openly, f"Code sent to {to or 'you'}: "))
            case SoftwareTokenMfa(device_name=name):
                return challenge.answer(await _asked(openly, f"Code from {_shown(name)}: "))
            case SelectMfaType(options=options):
                return challenge.answer(await _chosen(openly, options))
            case SelectChallenge(options=options):
                chosen = await _chosen(openly, options)
                if chosen not in (PasswordChallenge.name, PasswordSrpChallenge.name):
                    return challenge.answer(chosen)
                return challenge.answer(chosen, password=await _asked(secretly, "Password: "))
            case PasswordChallenge() | PasswordSrpChallenge():
                return challenge.answer(await _asked(secretly, "Password: "))
            case MfaSetup(options=options):
                return await _set_up(challenge, openly)
            case SoftwareTokenSetup(secret_code=secret):
                text = f"Give your authenticator the secret {secret} and type its code: "
                return challenge.answer(await _asked(openly, text))
            case NewPasswordRequired(required_attributes=names):
                password = await _asked(secretly, "New password: ")
                given = {name: await _asked(openly, f"{name}: ") for name in names}
                return challenge.answer(password, attributes=given)
            case _:
                return None

    return respond


def first_of(*responders: Responder) -> Responder:
    """Ask each responder in turn and take the first answer."""

    async def respond(challenge: Challenge) -> Answer | None:
        for ask in responders:
            answer = await ask(challenge)
            if answer is not None:
                return answer
        return None

    return respond


async def _asked(ask: Callable[[str], str], text: str) -> str:
    # A server's words are in it: drop what could steer the terminal.
    text = "".join(character for character in text if character.isprintable())
    while True:
        line = await _in_a_thread_of_its_own(ask, text)
        if line.strip():
            return line


async def _set_up(challenge: MfaSetup, ask: Callable[[str], str]) -> Answer | None:
    possible = (SoftwareTokenMfa.name, EmailOtp.name)
    options = tuple(name for name in challenge.options if name in possible)
    if not options:
        return None
    if await _chosen(ask, options) == SoftwareTokenMfa.name:
        return challenge.answer_totp()
    return challenge.answer_email(await _asked(ask, "Your e-mail address: "))


async def _chosen(ask: Callable[[str], str], options: tuple[str, ...]) -> str:
    if len(options) == 1:
        return options[0]
    while True:
        line = (await _asked(ask, f"Factor ({', '.join(options)}): ")).strip().upper()
        if line in options:
            return line


def _said(refused: CognitoError) -> str:
    """Return what a person can use: not the operation and the code in brackets."""
    return str(refused).partition(" [")[0]


def _shown(device: str | None) -> str:
    # Observed: an authenticator that was given no name is called "transparent".
    return "your authenticator" if device in (None, "", "transparent") else str(device)


async def _in_a_thread_of_its_own(ask: Callable[[str], str], text: str) -> str:
    """Wait for a person, and no longer than somebody waits for the answer.

    The threads of `anyio.to_thread` are joined when the interpreter ends: after Ctrl-C
    the program would hang until Enter is pressed. Nobody joins a daemon thread.
    """
    token, done = anyio.lowlevel.current_token(), anyio.Event()
    context, before = contextvars.copy_context(), _terminal()
    lines: list[str] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            lines.append(context.run(ask, text))
        except BaseException as error:  # noqa: BLE001  it is raised where the caller waits
            errors.append(error)
        with suppress(anyio.RunFinishedError):
            anyio.from_thread.run_sync(done.set, token=token)

    threading.Thread(target=work, name="aiocognito prompt", daemon=True).start()
    try:
        await done.wait()
    except BaseException:
        _restore(before)
        raise
    if errors:
        raise errors[0]
    return lines[0]


def _terminal() -> tuple[int, list[Any]] | None:
    """How the terminal is set: `getpass` hides what is typed until it returns."""
    try:
        descriptor = sys.stdin.fileno()
        return descriptor, termios.tcgetattr(descriptor)
    except Exception:  # noqa: BLE001  no terminal: a pipe, a notebook, Windows, no stdin at all
        return None


def _restore(terminal: tuple[int, list[Any]] | None) -> None:
    if terminal is not None:
        with suppress(termios.error):
            termios.tcsetattr(terminal[0], termios.TCSANOW, terminal[1])


def _base32(secret: str) -> bytes:
    if not isinstance(secret, str):
        raise InvalidType("secret", "a str", secret)
    text = "".join(secret.split()).rstrip("=").upper()
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise InvalidArgument("secret", "base32 text") from None
    if not key:
        raise InvalidArgument("secret", "base32 text")
    return key
