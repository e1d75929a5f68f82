"""A background worker with a service identity that stays signed in. Ctrl-C ends it.

The worker never thinks about tokens: it asks for one before each piece of work. The
session signs in on first use, refreshes ahead of time, and signs in again with the
password when the refresh token is dead. Here all that happens within seconds, against
a local Cognito; with COGNITO_USER_POOL_ID and COGNITO_CLIENT_ID (COGNITO_CLIENT_SECRET,
COGNITO_ENDPOINT_URL) set, and WORKER_USERNAME, WORKER_PASSWORD and WORKER_TOTP_SECRET,
against that pool.

    python examples/worker.py            # until Ctrl-C
    python examples/worker.py --seconds 5
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from aiocognito import (
    CognitoError,
    Event,
    RefreshFailed,
    RefreshFailing,
    SessionEnded,
    TokensChanged,
    UserPool,
    responders,
)
from aiocognito.testing import LocalCognito


def observe(event: Event) -> None:
    """What an operator wants to read; no secret is in any event."""
    match event:
        case TokensChanged(username=name, reason=reason, expires_at=until):
            print(f"[{name}] new tokens by {reason}, good until {until:%H:%M:%S} UTC")
        case RefreshFailing(error=error, retry_after=seconds):
            print(f"trouble: {type(error).__name__}; next attempt in {seconds:.0f} s")
        case SessionEnded(username=name, reason=reason):
            print(f"[{name}] over: {reason}")
        case _:
            print(event)


async def read_secret() -> str:
    """Stands for a secrets manager; asked at each sign-in, so the password may rotate."""
    if "COGNITO_USER_POOL_ID" in os.environ:
        return setting("WORKER_PASSWORD")
    return "Service-Passw0rd!"


async def work(pool: UserPool, username: str, totp_secret: str | None) -> None:
    respond = responders.totp(totp_secret) if totp_secret else None
    worker = pool.session(username, password=read_secret, respond=respond)
    while True:
        try:
            token = await worker.access_token()
        except RefreshFailed as failed:
            await anyio.sleep(failed.retry_after)
            continue
        print(f"working with a token of {len(token)} characters")
        await anyio.sleep(1)


@asynccontextmanager
async def service() -> AsyncIterator[tuple[UserPool, str, str | None]]:
    if "COGNITO_USER_POOL_ID" in os.environ:
        async with UserPool(
            os.environ["COGNITO_USER_POOL_ID"],
            setting("COGNITO_CLIENT_ID"),
            client_secret=os.environ.get("COGNITO_CLIENT_SECRET"),
            endpoint_url=os.environ.get("COGNITO_ENDPOINT_URL"),
            observer=observe,
        ) as pool:
            yield pool, setting("WORKER_USERNAME"), os.environ.get("WORKER_TOTP_SECRET")
        return
    async with LocalCognito(access_token_validity=3, id_token_validity=3) as local:
        user = local.add_user("svc-importer", "Service-Passw0rd!", totp=True)
        async with UserPool(
            local.user_pool_id, local.client_id, endpoint_url=local.url, observer=observe
        ) as pool:
            yield pool, user.username, user.totp_secret


def setting(name: str) -> str:
    return os.environ.get(name) or sys.exit(f"Set {name}, too.")


async def main(seconds: float | None) -> None:
    async with service() as (pool, username, totp_secret):
        with anyio.move_on_after(seconds):
            await work(pool, username, totp_secret)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A worker that stays signed in.")
    parser.add_argument("--seconds", type=float, help="end after so long; default: Ctrl-C")
    try:
        anyio.run(main, parser.parse_args().seconds)
    except CognitoError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        print("Stopped; the pool is closed and nothing was lost.")
