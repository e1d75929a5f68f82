"""Sign a person in on a server, by calls signed with the server's IAM credentials.

The app client allows no public flow with a password, so nobody reaches it around this
program. The challenge travels as JSON between two requests, as in a web back end. Runs
against a local Cognito on this machine, which checks the signatures; with
COGNITO_USER_POOL_ID and COGNITO_CLIENT_ID (COGNITO_CLIENT_SECRET) set, in a terminal,
against that pool with the credentials that aiobotocore finds; they need
cognito-idp:AdminInitiateAuth and cognito-idp:AdminRespondToAuthChallenge.

    python examples/admin_sign_in.py
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from getpass import getpass

import anyio
import anyio.to_thread
from aiobotocore.session import AioSession, get_session

from aiocognito import (
    CognitoError,
    Password,
    RequestContext,
    Session,
    SignedIn,
    SoftwareTokenMfa,
    UserPool,
    challenge_from_dict,
)
from aiocognito.testing import LocalCognito

# What a web framework knows of the person's request; for threat protection.
REQUEST = RequestContext(
    ip_address="203.0.113.7",
    server_name="app.example.com",
    server_path="/sign-in",
    http_headers={"User-Agent": "an example"},
)


async def sign_in(pool: UserPool, username: str, password: str, code: Callable[[], str]) -> Session:
    # ADMIN_USER_PASSWORD_AUTH; without `flow` the password would be proven by SRP.
    login = pool.admin.login(username, password, flow=Password(), context=REQUEST)
    step = await login.start()
    if isinstance(step, SignedIn):
        return step.session
    kept = json.dumps(step.to_dict())  # encrypt it before it leaves the server
    print(f"The service asks: {step.name}")

    challenge = challenge_from_dict(json.loads(kept))
    if not isinstance(challenge, SoftwareTokenMfa):
        raise SystemExit(f"This example does not answer {challenge.name}.")
    answer = challenge.answer(await anyio.to_thread.run_sync(code))
    step = await pool.admin.resume(answer, context=REQUEST)
    if not isinstance(step, SignedIn):
        raise SystemExit(f"This example does not answer {step.name}.")
    return step.session


async def show(session: Session) -> None:
    print(f"Signed in: {session.claims.username}")
    await session.refresh()
    print("Refreshed, by a call without a signature")
    await session.sign_out()


async def with_a_local_pool() -> None:
    aws = AioSession()
    aws.set_credentials("AKIDEXAMPLE", "only-for-this-machine")
    async with LocalCognito(
        aws_keys={"AKIDEXAMPLE": "only-for-this-machine"},
        explicit_auth_flows=("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"),
    ) as local:
        local.add_user("ana", "Correct-Horse-9!", totp=True)
        pool_id, client_id = local.user_pool_id, local.client_id
        async with UserPool(pool_id, client_id, endpoint_url=local.url, aws=aws) as pool:
            await show(
                await sign_in(pool, "ana", "Correct-Horse-9!", lambda: local.totp_code("ana"))
            )


async def with_a_pool_of_yours(username: str, password: str) -> None:
    async with UserPool(
        os.environ["COGNITO_USER_POOL_ID"],
        os.environ["COGNITO_CLIENT_ID"],
        client_secret=os.environ.get("COGNITO_CLIENT_SECRET") or None,
        endpoint_url=os.environ.get("COGNITO_ENDPOINT_URL"),
        aws=get_session(),
    ) as pool:
        await show(await sign_in(pool, username, password, lambda: input("Code: ")))


if __name__ == "__main__":
    try:
        if "COGNITO_USER_POOL_ID" in os.environ:
            # Before the event loop starts: there Ctrl-C and echo just work.
            anyio.run(with_a_pool_of_yours, input("User name: "), getpass("Password: "))
        else:
            anyio.run(with_a_local_pool)
    except CognitoError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nInterrupted.")
