"""pycognito on boto3, measured by the peers' interpreter; imports nothing of ours.

    python with_pycognito.py cpu <server> <sign-ins>      CPU milliseconds of each
    python with_pycognito.py stall <server> <sign-ins>    the loop's lateness meanwhile

pycognito gets the treatment that suits it best: one boto3 client for all sign-ins, which
its own front door `Cognito` would make anew each time, and no look at the tokens, except
in the row that says so.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

USER, PASSWORD = "ana", "Passw0rd!"
TICK = 0.001


def sign_in_with(server: dict[str, str], *, verify: bool) -> Any:
    """Return a function that signs in once; makes the client."""
    import boto3
    import botocore
    import requests
    from botocore.config import Config
    from pycognito import AWSSRP, Cognito

    pool_id, client_id = server["user_pool_id"], server["client_id"]
    client = boto3.client(
        "cognito-idp",
        region_name=pool_id.split("_", maxsplit=1)[0],
        endpoint_url=server["url"],
        config=Config(signature_version=botocore.UNSIGNED, max_pool_connections=50),
    )
    keys = requests.get(f"{server['url']}/{pool_id}/.well-known/jwks.json", timeout=5).json()

    def sign_in() -> Any:
        srp = AWSSRP(USER, PASSWORD, pool_id, client_id, client=client)
        answer = srp.authenticate_user()
        if verify:
            reader = Cognito.__new__(Cognito)  # the constructor would make another client
            reader.user_pool_id, reader.client_id = pool_id, client_id
            reader.user_pool_region, reader.pool_domain_url = pool_id.split("_")[0], None
            reader.pool_jwk = keys
            reader._set_tokens(answer)
        return answer

    return sign_in


def cpu(server: dict[str, str], count: int) -> dict[str, list[float]]:
    """Return the CPU milliseconds of every sign-in, by what is done."""
    ways = {
        "pycognito": sign_in_with(server, verify=False),
        "pycognito, tokens verified": sign_in_with(server, verify=True),
    }
    for sign_in in ways.values():
        sign_in()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(count):
        for name, sign_in in ways.items():
            started = time.process_time_ns()
            sign_in()
            times[name].append((time.process_time_ns() - started) / 1e6)
    return times


async def stall(server: dict[str, str], count: int) -> list[tuple[float, float]]:
    """Sign in `count` times in asyncio's own threads; watch the loop as stall.py does."""
    ticks: list[tuple[float, float]] = []

    async def watch() -> None:
        while True:
            due, before = time.perf_counter() + TICK, time.thread_time()
            await asyncio.sleep(TICK)
            late, own = time.perf_counter() - due, time.thread_time() - before
            ticks.append((late * 1e3, own * 1e3))

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    ticks.clear()
    sign_in = await asyncio.to_thread(sign_in_with, server, verify=False)
    await asyncio.gather(*(asyncio.to_thread(sign_in) for _ in range(count)))
    watching.cancel()
    return ticks


def main(what: str, server: str, count: str) -> None:
    there, times = json.loads(server), int(count)
    print(json.dumps(cpu(there, times) if what == "cpu" else asyncio.run(stall(there, times))))


if __name__ == "__main__":
    main(*sys.argv[1:])
