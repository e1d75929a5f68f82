"""Time that passes only while nobody has anything to do.

An event loop whose sleeps cost nothing: when every task waits, the clock moves to the
next timer. A day goes by in as long as its events take to handle. `VirtualClock` shows
the same time to the library, and has what real clocks have: a wall clock that is wrong
or set, and a machine that sleeps.
"""

from __future__ import annotations

import asyncio
import importlib.util
import selectors
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import pytest

from .soak import LONG

T = TypeVar("T")

START = 1_700_000_000.0


class _Selector(selectors.SelectSelector):
    """Skips the waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            return super().select(None)  # a worker thread is at it
        if timeout > 0:
            ready = super().select(0)
            if ready:
                return ready
            # A hair more: a timer is due from its time on, not just before it.
            self.now += timeout + 1e-9
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def _backends() -> list[Any]:
    found = [pytest.param(("asyncio", {"loop_factory": VirtualLoop}), id="asyncio")]
    if importlib.util.find_spec("trio") is not None:
        import trio.testing

        # Made anew for each test by `backend`; the class stands for it here.
        found.append(pytest.param(("trio", {"clock": trio.testing.MockClock}), id="trio"))
    return found


# For `@VIRTUAL`: the test's `anyio_backend` is one whose time is virtual.
VIRTUAL = pytest.mark.parametrize("anyio_backend", _backends(), indirect=True)


# The same for long stories, told once in the short form.
VIRTUAL_ONCE = pytest.mark.parametrize(
    "anyio_backend", _backends() if LONG else _backends()[:1], indirect=True
)


def backend(param: Any) -> Any:
    """Return what an `anyio_backend` fixture returns for one of the above."""
    name, options = param
    if "clock" in options:
        return name, {"clock": options["clock"](autojump_threshold=0)}
    return name, options


async def at_once(function: Callable[[], T]) -> T:
    """Stand in for `_workers.compute`: time would run away while a thread is at it."""
    return function()


class VirtualClock:
    """The loop's time, as the library's two clocks see it. Fulfils `Clock`.

    Args:
        boot_counts_suspend: Whether the boot clock goes on while the machine sleeps, as
            Linux's CLOCK_BOOTTIME does.
    """

    def __init__(self, *, boot_counts_suspend: bool = True) -> None:
        self._counts = boot_counts_suspend
        self._slept = 0.0  # seconds the machine was suspended, timers and all
        self._set_by = 0.0  # what people and NTP did to the wall clock
        self._origin: float | None = None

    def _awake(self) -> float:
        now = anyio.current_time()
        if self._origin is None:
            self._origin = now
        return 1_000.0 + now - self._origin

    def real(self) -> float:
        """Show what a boot clock that misses nothing would."""
        return self._awake() + self._slept

    def boot(self) -> float:
        return self.real() if self._counts else self._awake()

    def wall(self) -> float:
        return START + self.real() - 1_000.0 + self._set_by

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: clocks go on, timers do not."""
        self._slept += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock."""
        self._set_by += seconds
