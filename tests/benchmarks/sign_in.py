"""What a whole SRP sign-in costs the client, over loopback HTTP, beside its peers.

    python -m tests.benchmarks sign_in

CPU time of the client's process, all threads, in milliseconds; the server is another
process. The sign-ins follow each other, so nobody gains by doing things at once. The
contenders take turns, pycognito before and after the others.

``raw aiohttp`` is the floor for anybody who speaks HTTP from Python: the two requests
and the same arithmetic written out by hand, on the loop's thread, with no checks.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp

from aiocognito import UserPool
from aiocognito.srp.encoding import timestamp
from aiocognito.srp.handshake import Handshake
from tests.benchmarks import peers
from tests.benchmarks.server import PASSWORD, USER, Server, running
from tests.benchmarks.targets import Target, show

SignIn = Callable[[], Awaitable[object]]

OURS, UNVERIFIED = "aiocognito", "aiocognito, tokens not verified"
RAW, PYCOGNITO = "raw aiohttp, same arithmetic", "pycognito"


async def measure(ways: dict[str, SignIn], rounds: int, batch: int) -> dict[str, list[float]]:
    """Return the CPU milliseconds of a sign-in in every round, by contender."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for sign_in in ways.values():
        await sign_in()  # connects, loads, fetches keys
    for _ in range(rounds):
        for name, sign_in in ways.items():
            started = time.process_time_ns()
            for _ in range(batch):
                await sign_in()
            times[name].append((time.process_time_ns() - started) / 1e6 / batch)
    return times


async def by_hand(session: aiohttp.ClientSession, server: Server) -> Any:
    """Sign in with nothing but HTTP, JSON and the arithmetic."""
    handshake = Handshake(secrets.token_bytes)
    asked = await _post(
        session,
        server.url,
        "InitiateAuth",
        {
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": server.client_id,
            "AuthParameters": {"USERNAME": USER, "SRP_A": handshake.srp_a},
        },
    )
    given = asked["ChallengeParameters"]
    now = timestamp(datetime.now(UTC))
    signature = handshake.claim(
        group=server.user_pool_id.partition("_")[2],
        identity=given["USER_ID_FOR_SRP"],
        password=PASSWORD,
        srp_b=given["SRP_B"],
        salt=given["SALT"],
        secret_block=given["SECRET_BLOCK"],
        timestamp=now,
    )
    return await _post(
        session,
        server.url,
        "RespondToAuthChallenge",
        {
            "ChallengeName": "PASSWORD_VERIFIER",
            "ClientId": server.client_id,
            "ChallengeResponses": {
                "USERNAME": given["USERNAME"],
                "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
                "PASSWORD_CLAIM_SIGNATURE": signature,
                "TIMESTAMP": now,
            },
        },
    )


async def _post(
    session: aiohttp.ClientSession, url: str, operation: str, body: dict[str, Any]
) -> Any:
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
    }
    async with session.post(url, data=json.dumps(body), headers=headers) as response:
        return json.loads(await response.read())


async def measure_async(server: Server, rounds: int, batch: int) -> dict[str, list[float]]:
    at = (server.user_pool_id, server.client_id)
    async with (
        UserPool(*at, endpoint_url=server.url) as pool,
        UserPool(*at, endpoint_url=server.url, verify_tokens=False) as trusting,
        aiohttp.ClientSession() as session,
    ):
        ways: dict[str, SignIn] = {
            OURS: lambda: pool.sign_in(USER, PASSWORD),
            UNVERIFIED: lambda: trusting.sign_in(USER, PASSWORD),
            RAW: lambda: by_hand(session, server),
        }
        return await measure(ways, rounds, batch)


def main(rounds: int = 15, batch: int = 10, pycognito_sign_ins: int = 15) -> list[Target]:
    with running() as server:
        before = peers.with_pycognito("cpu", server, pycognito_sign_ins) or {}
        times = asyncio.run(measure_async(server, rounds, batch))
        after = peers.with_pycognito("cpu", server, pycognito_sign_ins) or {}
    times |= {name: before[name] + after.get(name, []) for name in before}
    print("CPU of one whole SRP sign-in, client side, in milliseconds")
    print(f"{'':34}{'least':>9}{'median':>9}{'/ raw':>9}{'pycognito /':>13}")
    median = {name: statistics.median(of) for name, of in times.items()}
    for name, of in times.items():
        beside = f"{median[PYCOGNITO] / median[name]:.1f}" if PYCOGNITO in median else ""
        print(
            f"{name:34}{min(of):9.2f}{median[name]:9.2f}"
            f"{median[name] / median[RAW]:9.2f}{beside:>13}"
        )
    if PYCOGNITO not in median:
        print("pycognito is not installed; `python tests/peers` puts it where it is found")
    targets = [
        Target(
            what="a sign-in, as installed, against raw aiohttp",
            measured=median[OURS] / median[RAW],
            limit=1.5,
        ),
        Target(
            what="a sign-in, tokens not verified, against raw aiohttp",
            measured=median[UNVERIFIED] / median[RAW],
            limit=1.5,
        ),
    ]
    if PYCOGNITO in median:
        targets.append(
            Target(
                what="a sign-in, as installed, against pycognito on boto3",
                measured=median[OURS] / median[PYCOGNITO],
                limit=1 / 14,
            )
        )
    return targets


if __name__ == "__main__":
    show(main())
