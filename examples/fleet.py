"""Three processes share one identity, and one of them is killed in the middle of it.

Refresh tokens rotate here, so a token that is presented twice is normally the end. One
worker refreshes for all under a lease, the others find what it brought in the store. Within
seconds, against a local Cognito, one worker dies and the others go on.

    python examples/fleet.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio

from aiocognito import Event, Fleet, RefreshFailed, TokensChanged, UserPool
from aiocognito.stores import FileTokenStore
from aiocognito.testing import LocalCognito

WORKERS = ("ada", "bob", "cy")
REFRESH = "GetTokensFromRefreshToken"
IDENTITY, PASSWORD = "svc-importer", "Service-Passw0rd!"


async def work(worker: str, folder: str, pool_id: str, client_id: str, url: str) -> None:
    """What each worker runs; a real one has its settings from elsewhere."""

    def observe(event: Event) -> None:
        match event:
            case TokensChanged(reason="store"):
                print(f"[{worker}] found new tokens in the store", flush=True)
            case TokensChanged(reason=reason):
                print(f"[{worker}] new tokens by {reason}", flush=True)
            case _:
                print(f"[{worker}] {type(event).__name__}", flush=True)

    async with UserPool(
        pool_id,
        client_id,
        endpoint_url=url,
        store=FileTokenStore(folder),
        fleet=Fleet(lease=10, poll=0.5),
        rotation_grace=60,
        observer=observe,
    ) as pool:
        session = pool.session(IDENTITY, password=PASSWORD)
        while True:
            try:
                await session.access_token()
            except RefreshFailed as failed:
                await anyio.sleep(min(1.0, failed.retry_after))
            await anyio.sleep(0.2)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCognito(
            rotation=True, rotation_grace=60, access_token_validity=4, id_token_validity=4
        ) as local,
    ):
        local.add_user(IDENTITY, PASSWORD)
        settings = (str(Path(folder) / "tokens"), local.user_pool_id, local.client_id, local.url)
        workers = [
            subprocess.Popen([sys.executable, __file__, "--worker", name, *settings])  # noqa: S603  this file
            for name in WORKERS
        ]
        try:
            wait_for(local, refreshes=1)
            workers[0].kill()
            print(f"{WORKERS[0]} was killed", flush=True)
            wait_for(local, refreshes=3)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        sign_ins = local.requests.count("InitiateAuth")
        refreshes = local.requests.count(REFRESH)
    print(f"{len(WORKERS)} workers: {sign_ins} sign-in, {refreshes} refreshes")


def wait_for(local: LocalCognito, *, refreshes: int) -> None:
    deadline = time.monotonic() + 50
    while local.requests.count(REFRESH) < refreshes and time.monotonic() < deadline:
        time.sleep(0.1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Workers that share one identity.")
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        anyio.run(work, *options.worker)
    else:
        main()
