"""Long arithmetic, off the event loop and a few at a time.

One worker thread for each core: SRP takes a core for a millisecond or two, and
anyio's default of 40 threads stalls the loop for 50 to 130 ms in a burst of
sign-ins where two threads stall it for 2 or 3.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

__all__ = ["compute"]

T = TypeVar("T")

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("aiocognito_workers")


async def compute(function: Callable[[], T]) -> T:
    """Run a function in a worker thread and return its result.

    A cancelled caller waits until the function is done: it cannot be interrupted.
    """
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(max(1, min(os.cpu_count() or 1, 8)))
        _limiter.set(limiter)
    return await anyio.to_thread.run_sync(function, limiter=limiter)
