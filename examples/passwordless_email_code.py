"""Sign in with a code sent by e-mail, and with no password at all.

Without settings it uses a local Cognito and reads the code from its outbox. With
COGNITO_USER_POOL_ID and COGNITO_CLIENT_ID (COGNITO_CLIENT_SECRET) set it asks for a name
and for the code that the pool has sent; the app client must allow ALLOW_USER_AUTH and the
pool EMAIL_OTP as a first factor.

    python examples/passwordless_email_code.py
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from aiocognito import (
    Choice,
    CodeMismatch,
    CognitoError,
    EmailOtp,
    SelectChallenge,
    Session,
    SignedIn,
    UserPool,
)
from aiocognito.testing import LocalCognito

Ask = Callable[[str], Awaitable[str]]


async def sign_in(pool: UserPool, username: str, ask: Ask) -> Session:
    """Have a code sent and type it in; a mistake can be mended."""
    login = pool.login(username, flow=Choice(preferred="EMAIL_OTP"))
    step = await login.start()
    while True:
        match step:
            case SignedIn(session=session):
                return session
            case EmailOtp(destination=where):
                try:
                    step = await login.send(step.answer(await ask(f"The code sent to {where}: ")))
                except CodeMismatch:
                    print("That is not the code; try again.")
            case SelectChallenge(options=options):
                raise SystemExit(f"no e-mail code for this user, only {', '.join(options)}")
            case other:
                raise SystemExit(f"and then it asks for {other.name}")


async def with_a_person(name: str) -> None:
    async def ask(text: str) -> str:
        return await anyio.to_thread.run_sync(input, text)

    async with UserPool(
        os.environ["COGNITO_USER_POOL_ID"],
        os.environ["COGNITO_CLIENT_ID"],
        client_secret=os.environ.get("COGNITO_CLIENT_SECRET") or None,
        endpoint_url=os.environ.get("COGNITO_ENDPOINT_URL"),
    ) as pool:
        session = await sign_in(pool, name, ask)
        print(f"signed in as {session.username}")
        await session.sign_out()


async def by_itself() -> None:
    flows = ("ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
    async with LocalCognito(first_factors=("EMAIL_OTP",), explicit_auth_flows=flows) as local:
        local.add_user("ana", attributes={"email": "ana@example.com"})
        typed = iter(("00000000", "right"))

        async def ask(text: str) -> str:
            code = local.outbox[-1].code
            print(f"{text}{'*' * len(code)}")
            return code if next(typed) == "right" else "00000000"

        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            session = await sign_in(pool, "ana", ask)
            print(f"signed in as {session.username} ({session.claims['email']})")


if __name__ == "__main__":
    try:
        if "COGNITO_USER_POOL_ID" in os.environ:
            # Before the event loop starts: there Ctrl-C just works.
            anyio.run(with_a_person, input("User name: "))
        else:
            anyio.run(by_itself)
    except CognitoError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nInterrupted.")
