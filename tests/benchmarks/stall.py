"""How late the event loop gets to others while 200 sign-ins run at once.

    python -m tests.benchmarks stall

A watchdog asks to be woken after a millisecond, over and over, and notes how late it
was. It runs in a fresh process, and the burst in it begins with nothing loaded: importing
botocore and aiohttp, loading the model and fetching the keys are part of it.

"own" is the CPU time of the loop's thread from one tick to the next: what the loop was
late by for reasons of its own. The rest is waiting, for the interpreter's lock or for a
core that another process holds, and grows with the load of the machine.

Two rows say what the machine does by itself: an idle loop, and an idle loop while
another process lets the same 200 sign in (its arithmetic and the server's then fill
the cores; lateness that shows up there is the scheduler's).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from aiocognito import UserPool
from tests.benchmarks import peers
from tests.benchmarks.server import PASSWORD, ROOT, USER, Server, running
from tests.benchmarks.targets import Target, show

TICK = 0.001
IDLE_SECONDS = 1.5
OURS = "aiocognito, client creation included"

# For each tick how late it came and the CPU time of the loop's thread, in milliseconds.
Ticks = list[tuple[float, float]]


async def lateness(work: Awaitable[object]) -> Ticks:
    """Watch the loop while the work goes on."""
    ticks: Ticks = []

    async def watch() -> None:
        while True:
            due, before = time.perf_counter() + TICK, time.thread_time()
            await asyncio.sleep(TICK)
            late, own = time.perf_counter() - due, time.thread_time() - before
            ticks.append((late * 1e3, own * 1e3))

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    ticks.clear()
    await work
    watching.cancel()
    return ticks


async def burst(server: Server, count: int) -> None:
    """Let a new pool sign in `count` times at once."""
    async with UserPool(server.user_pool_id, server.client_id, endpoint_url=server.url) as pool:
        await asyncio.gather(*(pool.sign_in(USER, PASSWORD) for _ in range(count)))


async def two_bursts(server: Server, count: int) -> list[Ticks]:
    """Return the lateness of the process's first burst, and of one when all is loaded."""
    first = await lateness(burst(server, count))
    return [first, await lateness(burst(server, count))]


# --- processes ----------------------------------------------------------------------


def in_a_fresh_process(server: Server, count: int) -> list[Ticks]:
    process = _child(server, count)
    output, _ = process.communicate()
    ticks: list[Ticks] = json.loads(output)
    return ticks


def _child(server: Server, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.stall", *server.as_arguments(), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def _beside_a_child(server: Server, count: int) -> None:
    process = await asyncio.to_thread(_child, server, count)
    await asyncio.to_thread(process.communicate)


# --- printing -----------------------------------------------------------------------


def percentile(times: Sequence[float], hundredths: int) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * hundredths // 100)]


def _row(name: str, ticks: Ticks) -> None:
    late, own = [late for late, _ in ticks], [own for _, own in ticks]
    print(
        f"{name:46}{percentile(late, 50):8.2f}{percentile(late, 99):8.2f}{max(late):8.2f}"
        f"{percentile(own, 99):9.2f}{max(own):9.2f}{len(ticks):8}"
    )


def main(count: int = 200, repeats: int = 3, pycognito_sign_ins: int = 200) -> list[Target]:
    rows: dict[str, Callable[[], Ticks]] = {
        "idle loop": lambda: asyncio.run(lateness(asyncio.sleep(IDLE_SECONDS))),
    }
    with running() as server:
        rows["idle loop beside another process's burst"] = lambda: asyncio.run(
            lateness(_beside_a_child(server, count))
        )
        measured = {name: take() for name, take in rows.items()}
        bursts = [in_a_fresh_process(server, count) for _ in range(repeats)]
        measured[OURS] = [tick for first, _ in bursts for tick in first]
        measured["aiocognito, a new client in a warm process"] = [
            tick for _, second in bursts for tick in second
        ]
        pycognito = peers.with_pycognito("stall", server, pycognito_sign_ins)
        if pycognito:
            measured[f"pycognito in asyncio's threads ({pycognito_sign_ins})"] = pycognito
    print(f"lateness of a 1 ms tick during {count} sign-ins at once, in milliseconds")
    print(f"{'':46}{'median':>8}{'p99':>8}{'max':>8}{'own p99':>9}{'own max':>9}{'ticks':>8}")
    for name, ticks in measured.items():
        _row(name, ticks)
    late, own = zip(*measured[OURS], strict=True)
    return [
        Target(what=f"p99 of {what} during {count} sign-ins", measured=p99, limit=10.0, unit="ms")
        for what, p99 in (
            ("the loop's lateness", percentile(late, 99)),
            ("the loop's own CPU between ticks", percentile(own, 99)),
        )
    ]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(asyncio.run(two_bursts(Server.at(sys.argv[1]), int(sys.argv[2])))))
    else:
        show(main())
