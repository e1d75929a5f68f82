"""What it takes to reach AWS: the way to the first signed request, each one after, a crowd.

    python -m tests.benchmarks credentials

The identity pool is our local one, over loopback and in a process of its own; requests
are signed and not sent, since S3 is not what is measured. Calls are counted by a
transport in between.

"cold" begins with a session that has just signed in and an identity pool that nobody has
used yet; "identity known" names the identity's id, as a program does that has kept it.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from aiobotocore.credentials import AioCredentials
from attrs import define, field

from aiocognito import AwsIdentity, IdentityPool, UserPool
from aiocognito.aws import CognitoIdentityCredentials
from aiocognito.flow.calls import Call, Reply
from aiocognito.signing import sign_request
from aiocognito.transport.botocore import BotocoreTransport
from tests.benchmarks.server import PASSWORD, USER, Server, running
from tests.benchmarks.session import empty, nanoseconds
from tests.benchmarks.targets import Target, show

URL = "https://reports.s3.eu-west-1.amazonaws.com/2025.csv"
OURS = "CognitoIdentityCredentials"
STATIC = "AioCredentials, which never change"


@define
class Counting:
    """Carries calls and counts them."""

    inner: BotocoreTransport
    counts: Counter[str] = field(factory=Counter)

    async def send(self, call: Call) -> Reply:
        self.counts[call.operation] += 1
        return await self.inner.send(call)

    async def aclose(self) -> None:
        await self.inner.aclose()


def wire_to(server: Server) -> Counting:
    return Counting(
        BotocoreTransport("eu-west-1", service="cognito-identity", endpoint_url=server.url)
    )


async def sign_one(identity: AwsIdentity) -> None:
    await sign_request(identity, "GET", URL, service="s3", region="eu-west-1")


# --- the first request ------------------------------------------------------------------


async def first_requests(server: Server, rounds: int) -> dict[str, tuple[list[float], int]]:
    """Return milliseconds and calls from a session to a signed request, by case."""
    found: dict[str, tuple[list[float], int]] = {"cold": ([], 0), "identity known": ([], 0)}
    async with UserPool(server.user_pool_id, server.client_id, endpoint_url=server.url) as pool:
        session = await pool.sign_in(USER, PASSWORD)
        known: str | None = None
        for _ in range(rounds):
            for case, given in (("cold", None), ("identity known", known)):
                if case != "cold" and given is None:
                    continue
                wire = wire_to(server)
                async with IdentityPool(server.identity_pool_id, transport=wire) as identities:
                    began = time.perf_counter()
                    identity = identities.for_session(session, identity_id=given)
                    await sign_one(identity)
                    took = (time.perf_counter() - began) * 1e3
                    known = await identity.identity_id()
                await wire.aclose()
                found[case][0].append(took)
                found[case] = (found[case][0], wire.counts.total())
    return found


# --- each request after it ----------------------------------------------------------------


async def check_of_each_call(server: Server, rounds: int, awaits: int) -> dict[str, list[float]]:
    """Return nanoseconds of what an aiobotocore signer asks before each request."""
    async with IdentityPool(server.identity_pool_id, endpoint_url=server.url) as identities:
        guest = identities.guest()
        keys = await guest.credentials()
        static = AioCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
        ways: dict[str, Callable[[], Awaitable[object]]] = {
            OURS: CognitoIdentityCredentials(guest).get_frozen_credentials,
            STATIC: static.get_frozen_credentials,
            "an empty coroutine": empty,
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, ask in ways.items():
                times[name].append(await nanoseconds(ask, awaits))
    return times


# --- a crowd --------------------------------------------------------------------------------


async def crowd(server: Server, guests: int) -> tuple[float, Counter[str]]:
    """Give so many guests credentials at once; return seconds and calls."""
    wire = wire_to(server)
    async with IdentityPool(server.identity_pool_id, transport=wire) as identities:
        await identities.guest().credentials()  # everything is loaded
        wire.counts.clear()
        people = [identities.guest(new=True) for _ in range(guests)]
        began = time.perf_counter()
        await asyncio.gather(*(guest.credentials() for guest in people))
        took = time.perf_counter() - began
    await wire.aclose()
    return took, wire.counts


def main(rounds: int = 15, awaits: int = 20_000, guests: int = 1000) -> list[Target]:
    with running() as server:
        first = asyncio.run(first_requests(server, rounds))
        checks = asyncio.run(check_of_each_call(server, rounds, awaits))
        took, counts = asyncio.run(crowd(server, guests))
    print("from a signed-in session to the first signed request")
    print(f"{'':46}{'first ms':>10}{'median ms':>10}{'calls':>7}")
    for case, (times, calls) in first.items():
        if times:
            print(f"{case:46}{times[0]:10.1f}{statistics.median(times):10.1f}{calls:7}")
    print("\nbefore each signed request, in nanoseconds")
    for name, of in checks.items():
        print(f"{name:46}{min(of):8.0f}{statistics.median(of):8.0f}")
    print(f"\n{guests} guests at once: {took:.2f} s, {dict(counts)}")
    extra = statistics.median(checks[OURS]) - statistics.median(checks[STATIC])
    return [
        Target(what="calls to a first signed request", measured=first["cold"][1], limit=2, unit=""),
        Target(
            what="the check of credentials before each signed request, beyond static ones",
            measured=max(0.0, extra),
            limit=2000.0,
            unit="ns",
        ),
        Target(
            what="calls for each guest of a crowd",
            measured=counts.total() / guests,
            limit=2,
            unit="",
        ),
    ]


if __name__ == "__main__":
    show(main())
