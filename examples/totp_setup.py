"""Set up an authenticator in a session, prefer it, and sign in with it.

Without settings it uses a local Cognito and makes the codes itself, from the secret that
a person's authenticator would have scanned. With COGNITO_USER_POOL_ID and
COGNITO_CLIENT_ID (COGNITO_CLIENT_SECRET) set it asks for name and password, shows the
content of the QR code, and asks for what the authenticator shows.

    python examples/totp_setup.py
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from getpass import getpass

import anyio
import anyio.to_thread
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from aiocognito import (
    CognitoError,
    EnableSoftwareTokenMFA,
    Session,
    TotpSetup,
    UserPool,
    responders,
)
from aiocognito.testing import LocalCognito, ManualClock

AskCode = Callable[[TotpSetup], Awaitable[str]]


async def set_up(session: Session, ask: AskCode) -> TotpSetup:
    """Register an authenticator and make it what sign-in asks for."""
    setup = await session.set_up_totp(issuer="aiocognito example")
    while True:
        try:
            await setup.verify(await ask(setup), device_name="example")
            break
        except EnableSoftwareTokenMFA:
            print("That was not the code; try the next one.")
    await session.set_mfa(totp="preferred")
    user = await session.get_user()
    print(f"second factors: {', '.join(user.mfa)}; preferred: {user.preferred_mfa}")
    return setup


async def with_a_person(name: str, password: str) -> None:
    async def ask(setup: TotpSetup) -> str:
        print(f"Scan this as a QR code, or type {setup.secret}:\n{setup.uri}")
        return await anyio.to_thread.run_sync(input, "Code: ")

    async with UserPool(
        os.environ["COGNITO_USER_POOL_ID"],
        os.environ["COGNITO_CLIENT_ID"],
        client_secret=os.environ.get("COGNITO_CLIENT_SECRET") or None,
        endpoint_url=os.environ.get("COGNITO_ENDPOINT_URL"),
    ) as pool:
        session = await pool.sign_in(name, password, respond=responders.prompt())
        await set_up(session, ask)
        await session.sign_out()


def shown_by_authenticator(secret: str, now: float) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return TOTP(key, 6, SHA1(), 30).generate(int(now)).decode()  # noqa: S303  RFC 6238


@asynccontextmanager
async def local_pool() -> AsyncIterator[tuple[UserPool, ManualClock]]:
    clock = ManualClock()
    async with LocalCognito(clock=clock) as local:
        local.add_user("ana", "Correct-Horse-9!")
        async with UserPool(
            local.user_pool_id, local.client_id, endpoint_url=local.url, clock=clock
        ) as pool:
            yield pool, clock


async def by_itself() -> None:
    async with local_pool() as (pool, clock):

        async def ask(setup: TotpSetup) -> str:
            scanned = setup.uri.replace(setup.secret, "...")
            print(f"an authenticator scans {scanned}")
            return shown_by_authenticator(setup.secret, clock.wall())

        session = await pool.sign_in("ana", "Correct-Horse-9!")
        setup = await set_up(session, ask)
        await session.sign_out()
        clock.advance(30)  # a code works once, so the next one is needed
        respond = responders.totp(setup.secret, clock=clock)
        session = await pool.sign_in("ana", "Correct-Horse-9!", respond=respond)
        print(f"signed in as {session.username} with the authenticator")
        await session.set_mfa(totp="off")
        print(f"and switched it off again: {(await session.get_user()).mfa}")


if __name__ == "__main__":
    try:
        if "COGNITO_USER_POOL_ID" in os.environ:
            # Before the event loop starts: there Ctrl-C and echo just work.
            anyio.run(with_a_person, input("User name: "), getpass("Password: "))
        else:
            anyio.run(by_itself)
    except CognitoError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nInterrupted.")
