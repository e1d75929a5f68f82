"""Arithmetic runs off the loop, a few at a time."""

from __future__ import annotations

import contextlib
import os
import threading

import anyio

from aiocognito._workers import compute


async def test_it_runs_elsewhere_and_brings_the_result() -> None:
    here = threading.get_ident()
    assert await compute(threading.get_ident) != here


async def test_no_more_at_once_than_there_are_cores() -> None:
    lock, running, most = threading.Lock(), 0, 0
    cores = max(1, min(os.cpu_count() or 1, 8))
    full = threading.Barrier(cores + 1)

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with contextlib.suppress(threading.BrokenBarrierError):
            full.wait(timeout=0.05)  # one more than may be there at once: it never fills
        with lock:
            running -= 1

    async with anyio.create_task_group() as group:
        for _ in range(4 * cores):
            group.start_soon(compute, work)
    assert most == cores
