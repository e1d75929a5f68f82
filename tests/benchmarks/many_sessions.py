"""What many sessions cost: bytes at rest, a refresh's place in the plan, wake-ups, throughput.

    python -m tests.benchmarks many_sessions

Bytes are tracemalloc's, less what the three token texts take; sessions, scheduler,
verification and all are real, only the answers come from memory. Refreshes through the
whole stack go over loopback HTTP to a local pool in a process of its own, one after the
other and many at once; CPU is the client's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
import tracemalloc
from typing import Any

from aiocognito import Scheduler, Session, UserPool
from aiocognito._protected import Protected
from aiocognito._refresh import Fresh, Renewal, Timing
from aiocognito._roster import Roster
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import LocalCognito, ManualClock
from aiocognito.tokens.freshness import token_schedule
from tests.benchmarks.server import PASSWORD, USER, Server, running
from tests.benchmarks.targets import Target, show
from tests.virtual import VirtualClock, VirtualLoop

WIDE = {"UserAuthentication": 1e6, "ChallengeResponse": 1e6}


# --- bytes -----------------------------------------------------------------------------


class Replay:
    """Answers every refresh with the same tokens, read anew from JSON as off the wire."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = json.dumps(body)

    async def send(self, call: Call) -> Reply:
        return Reply(body=json.loads(self._body))

    async def aclose(self) -> None:
        return None


async def bytes_at_rest(count: int) -> float:
    """Return the bytes of one session beyond its tokens, on one scheduler."""
    clock = ManualClock()
    local = LocalCognito(clock=clock)
    local.add_user(USER, PASSWORD)
    async with UserPool(
        local.user_pool_id,
        local.client_id,
        transport=local.transport(),
        http=local.http_client(),
        clock=clock,
    ) as first:
        session = await first.sign_in(USER, PASSWORD)
        state = session.export_state()
        answer = {
            "AuthenticationResult": {
                "AccessToken": await session.access_token(),
                "IdToken": await session.id_token(),
                "ExpiresIn": 3600,
                "TokenType": "Bearer",
            }
        }
    pool = UserPool(
        local.user_pool_id,
        local.client_id,
        transport=Replay(answer),
        http=local.http_client(),
        clock=clock,
        scheduler=Scheduler(quotas=WIDE, clock=clock),
    )
    warm = pool.restore(state)
    await warm.access_token()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    sessions = [pool.restore(state) for _ in range(count)]
    for session in sessions:
        await session.access_token()
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    kept = json.loads(state)["refresh_token"]
    result = answer["AuthenticationResult"]
    tokens = sum(sys.getsizeof(text) for text in (kept, result["AccessToken"], result["IdToken"]))
    slot = sys.getsizeof(sessions) / count  # of the list here, which is not the session's
    await pool.aclose()
    return held / count - tokens - slot


# --- the plan --------------------------------------------------------------------------


async def plan_cost(count: int) -> float:
    """Return the microseconds of CPU that the scheduler adds to one refresh."""
    clock = ManualClock()
    roster, protected = Roster(clock, lambda event: None), Protected()
    scheduler = Scheduler(quotas=WIDE, idle_after=1e9, clock=clock)
    timing = Timing(clock=clock)

    fetched, done = 0, asyncio.Event()

    async def fetch() -> Fresh[int]:
        nonlocal fetched
        fetched += 1
        if fetched == 3 * count:
            done.set()
        schedule = token_schedule(
            lifetime=3600.0, sent=clock.boot(), expires_wall=None, jitter=timing.jitter()
        )
        return Fresh(1, schedule)

    sessions = [Renewal(fetch, timing=timing, protected=protected) for _ in range(count)]
    alone = await _cpu(_one_by_one(sessions))
    scheduler._attach("eu-west-1", Replay({}), roster)
    for renewal in sessions:
        roster.enrol(renewal)
        renewal.used_at = clock.boot()
        renewal.put(await fetch())
    clock.advance(3000.0)
    began = time.process_time()
    async with scheduler:
        await done.wait()
    return max(0.0, (time.process_time() - began - alone) / count * 1e6)


async def _one_by_one(renewals: list[Renewal[int]]) -> None:
    for renewal in renewals:
        await renewal.renew()


async def _cpu(work: Any) -> float:
    began = time.process_time()
    await work
    return time.process_time() - began


def wakes_per_idle_hour(sessions: int) -> int:
    """Return how often a scheduler wakes in an hour in which nothing is due."""

    async def hour() -> int:
        clock = VirtualClock()
        roster = Roster(clock, lambda event: None)
        scheduler = Scheduler(quotas=WIDE, idle_after=1e9, clock=clock)
        scheduler._attach("eu-west-1", Replay({}), roster)
        timing = Timing(clock=clock)

        async def fetch() -> Fresh[int]:
            raise AssertionError("nothing is due")

        kept = []
        for _ in range(sessions):
            renewal = Renewal(fetch, timing=timing, protected=Protected())
            roster.enrol(renewal)
            schedule = token_schedule(
                lifetime=86_400.0, sent=clock.boot(), expires_wall=None, jitter=0.5
            )
            renewal.put(Fresh(1, schedule))
            kept.append(renewal)
        async with scheduler:
            await asyncio.sleep(3600)
            return scheduler._wakes

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(hour())
    finally:
        loop.close()


# --- through the whole stack -----------------------------------------------------------


async def refreshes_a_second(server: Server, sessions: int, rounds: int) -> float:
    """Return refreshes for each second of the client's CPU, over loopback HTTP."""
    async with (
        Scheduler(quotas=WIDE) as scheduler,
        UserPool(
            server.user_pool_id, server.client_id, endpoint_url=server.url, scheduler=scheduler
        ) as pool,
    ):
        first: Session = await pool.sign_in(USER, PASSWORD)
        state = first.export_state()
        fleet = [pool.restore(state) for _ in range(sessions)]
        await asyncio.gather(*(session.refresh() for session in fleet))
        began = time.process_time()
        for _ in range(rounds):
            await asyncio.gather(*(session.refresh() for session in fleet))
        return sessions * rounds / (time.process_time() - began)


async def fresh_token(awaits: int) -> float:
    """Return nanoseconds of `access_token()` on a fresh token while a scheduler runs."""
    local = LocalCognito()
    local.add_user(USER, PASSWORD)
    async with (
        Scheduler() as scheduler,
        UserPool(
            local.user_pool_id,
            local.client_id,
            transport=local.transport(),
            http=local.http_client(),
            scheduler=scheduler,
        ) as pool,
    ):
        session = await pool.sign_in(USER, PASSWORD)
        least = float("inf")
        for _ in range(5):
            began = time.perf_counter_ns()
            for _ in range(awaits):
                await session.access_token()
            least = min(least, (time.perf_counter_ns() - began) / awaits)
        return least


def main(
    count: int = 100_000, planned: int = 20_000, awaits: int = 50_000, rounds: int = 20
) -> list[Target]:
    at_rest = asyncio.run(bytes_at_rest(count))
    cost = asyncio.run(plan_cost(planned))
    nanoseconds = asyncio.run(fresh_token(awaits))
    nothing, something = wakes_per_idle_hour(0), wakes_per_idle_hour(1000)
    with running() as server:
        rate = asyncio.run(refreshes_a_second(server, min(50, count), rounds))
    print(f"{count} sessions, one scheduler")
    print(f"{'bytes of a session at rest beyond its tokens':56}{at_rest:10.0f}")
    print(f"{'the plan of one refresh, microseconds of CPU':56}{cost:10.1f}")
    print(f"{'access_token() on a fresh token, nanoseconds':56}{nanoseconds:10.0f}")
    print(f"{'wake-ups in an hour with nothing planned':56}{nothing:10}")
    print(f"{'wake-ups in an hour with sessions planned':56}{something:10}")
    print(f"{'refreshes a second of CPU, whole stack, loopback':56}{rate:10.0f}")
    return [
        Target(what="a session at rest, beyond its tokens", measured=at_rest, limit=1536, unit="B"),
        Target(
            what="access_token() on a fresh token, scheduler running",
            measured=nanoseconds / 1000,
            limit=1.0,
            unit="us",
        ),
    ]


if __name__ == "__main__":
    show(main())
