"""What `await session.access_token()` costs while the token is fresh.

    python -m tests.benchmarks session

Wall time in nanoseconds of one await in a plain loop, less the loop itself, beside
coroutines that do nothing but return. The session is a real one, signed in at a local
pool in memory.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

from aiocognito import UserPool
from aiocognito.testing import LocalCognito
from tests.benchmarks.targets import Target, show

OURS = "session.access_token()"


class Holder:
    """The least an object that hands out a token could do."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token


async def empty() -> None:
    pass


async def nanoseconds(ask: Callable[[], Awaitable[object]], awaits: int) -> float:
    numbers = range(awaits)
    started = time.perf_counter_ns()
    for _ in numbers:
        pass
    looped = time.perf_counter_ns()
    for _ in numbers:
        await ask()
    done = time.perf_counter_ns()
    return ((done - looped) - (looped - started)) / awaits


async def measure(rounds: int, awaits: int) -> dict[str, list[float]]:
    local = LocalCognito()
    local.add_user("ana", "Passw0rd!")
    async with UserPool(
        local.user_pool_id,
        local.client_id,
        transport=local.transport(),
        http=local.http_client(),
    ) as pool:
        session = await pool.sign_in("ana", "Passw0rd!")
        ways: dict[str, Callable[[], Awaitable[object]]] = {
            OURS: session.access_token,
            "session.id_token()": session.id_token,
            "an attribute behind a coroutine": Holder(await session.access_token()).token,
            "an empty coroutine": empty,
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, ask in ways.items():
                times[name].append(await nanoseconds(ask, awaits))
        return times


def main(rounds: int = 15, awaits: int = 20_000) -> list[Target]:
    times = asyncio.run(measure(rounds, awaits))
    print("awaiting a fresh token, in nanoseconds")
    print(f"{'':46}{'least':>8}{'median':>8}")
    for name, of in times.items():
        print(f"{name:46}{min(of):8.0f}{statistics.median(of):8.0f}")
    return [
        Target(
            what="await session.access_token() on a fresh token",
            measured=statistics.median(times[OURS]),
            limit=1000.0,
            unit="ns",
        ),
    ]


if __name__ == "__main__":
    show(main())
