"""Sign in, stay fresh, reach AWS: the whole way in one program.

Without settings it starts a local Cognito on this machine, with a user, a TOTP secret
and lifetimes of seconds, so that you can watch tokens and credentials being renewed.

With COGNITO_USER_POOL_ID and COGNITO_CLIENT_ID set (and COGNITO_CLIENT_SECRET and
IDENTITY_POOL_ID, if you have them) it does the same with that pool and asks for user
name, password and code. BUCKET names a bucket to list with the credentials, and
COGNITO_ENDPOINT_URL another address of the service, such as the one that
`python -m aiocognito.testing` prints.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from getpass import getpass

import anyio
from attrs import field, frozen

from aiocognito import CognitoError, Responder, Session, UserPool, responders
from aiocognito.testing import LocalCognito


@frozen
class Named:
    """The pool the environment names, and the person who signs in."""

    pool: UserPool
    username: str
    password: str = field(repr=False)


@frozen
class Stage:
    """Where we sign in, as whom, and how long to wait for a renewal."""

    pool: UserPool
    username: str
    password: str = field(repr=False)
    respond: Responder
    patience: float


async def main(named: Named | None) -> None:
    async with stage(named) as here:
        print(f"Signing in as {here.username} (SRP: the password stays here) ...")
        session = await here.pool.sign_in(here.username, here.password, respond=here.respond)
        print("Verified claims of the ID token:")
        for name, value in sorted(session.claims.items()):
            print(f"  {name} = {value}")
        await show_refresh(session, here.patience)
        if here.pool.identity_pool is not None:
            await show_credentials(session, here.patience)
        await session.sign_out()
        print("Signed out; the refresh token is revoked.")


async def show_refresh(session: Session, patience: float) -> None:
    """Ask for a token until a new one comes; nobody told the session to refresh."""
    first = await session.access_token()
    if not patience:
        await session.refresh()
    with anyio.move_on_after(patience or 1):
        while await session.access_token() == first:  # noqa: ASYNC110  what a worker does
            await anyio.sleep(0.1)
    changed = await session.access_token() != first
    print(f"Access token refreshed ahead of its end: {'yes' if changed else 'no'}")


async def show_credentials(session: Session, patience: float) -> None:
    identity = session.aws_identity
    first = await identity.credentials()
    print(f"AWS credentials {first.access_key_id} until {first.expires_at:%H:%M:%S} UTC")
    if not patience:
        identity.forget()
    with anyio.move_on_after(patience or 1):
        while (await identity.credentials()).access_key_id == first.access_key_id:  # noqa: ASYNC110
            await anyio.sleep(0.1)
    second = await identity.credentials()
    print(f"            now {second.access_key_id} until {second.expires_at:%H:%M:%S} UTC")
    if bucket := os.environ.get("BUCKET"):
        async with session.aws_session().create_client("s3") as s3:
            answer = await s3.list_objects_v2(Bucket=bucket, MaxKeys=20)
            for item in answer.get("Contents", []):
                print(f"  s3://{bucket}/{item['Key']}")


@asynccontextmanager
async def stage(named: Named | None) -> AsyncIterator[Stage]:
    """The pool the environment names, or a local Cognito."""
    if named is not None:
        async with named.pool as pool:
            yield Stage(pool, named.username, named.password, responders.prompt(), patience=0)
        return
    async with LocalCognito(
        access_token_validity=4, id_token_validity=4, credential_lifetime=4
    ) as local:
        user = local.add_user(
            "ana", "Correct-Horse-9!", totp=True, attributes={"email": "ana@example.com"}
        )
        assert user.totp_secret is not None
        print(f"A local Cognito serves {local.user_pool_id} at {local.url}")
        async with UserPool(
            local.user_pool_id,
            local.client_id,
            identity_pool_id=local.identity_pool_id,
            endpoint_url=local.url,
        ) as pool:
            code = responders.totp(user.totp_secret)
            yield Stage(pool, "ana", "Correct-Horse-9!", code, patience=10)


def named() -> Named | None:
    """Ask who signs in, before the event loop starts: there Ctrl-C and echo just work."""
    if "COGNITO_USER_POOL_ID" not in os.environ:
        return None
    if "COGNITO_CLIENT_ID" not in os.environ:
        sys.exit("Set COGNITO_CLIENT_ID, too.")
    pool = UserPool(
        os.environ["COGNITO_USER_POOL_ID"],
        os.environ["COGNITO_CLIENT_ID"],
        client_secret=os.environ.get("COGNITO_CLIENT_SECRET"),
        identity_pool_id=os.environ.get("IDENTITY_POOL_ID"),
        endpoint_url=os.environ.get("COGNITO_ENDPOINT_URL"),
    )
    return Named(pool, input("User name: "), getpass("Password: "))


if __name__ == "__main__":
    try:
        anyio.run(main, named())
    except CognitoError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nInterrupted.")
