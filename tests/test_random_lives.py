"""A session, its store and its clock in any weather: seeds, not stories. # threat 26, 28

Callers come and are cancelled, the service refuses, the keys and the store are away, the
wall clock is set, the machine sleeps, the scheduler starts and ends, the process begins
anew; in any order. Refresh tokens rotate, mostly without a grace period, and nobody knows
a password: where one of them is lost the session is over.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import anyio
import pytest

from aiocognito import Scheduler, Session, UserPool, login
from aiocognito.errors import CognitoError, LocalProtocolError, SignInRequired
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import InternalFailure, LocalCognito, Throttle

from .flaky_store import FlakyStore
from .soak import runs
from .virtual import VirtualClock, VirtualLoop, at_once
from .world import PASSWORD, Keys, Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(runs(short=60, long=7200))]

REFRESH = "GetTokensFromRefreshToken"
WEATHER = {
    "use": 6, "cancel": 3, "sleep": 4, "refresh": 1, "invalidate": 1, "jump": 1, "suspend": 1,
    "throttle": 1, "fail": 1, "keys": 1, "store_down": 1, "store_up": 1, "begin_anew": 1,
    "scheduler": 1,
}  # fmt: skip


class Life:
    """One session in a process that begins anew now and then."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.clock = VirtualClock()
        grace = chance.choice([0, 0, 60])
        self.local = LocalCognito(
            clock=self.clock,
            rotation=True,
            rotation_grace=grace,
            access_token_validity=chance.choice([300, 3600]),
        )
        self.local.add_user("ana", PASSWORD)
        self.wire = Wire(self)
        self.inner = self.local.transport()
        self.keys_of_pool = Keys(self.local.http_client())
        self.store = FlakyStore(self.clock)
        self.planner = Scheduler(clock=self.clock) if chance.random() < 0.6 else None
        self.grace = chance.choice([None, float(grace)])
        self.asking: set[asyncio.Task[Any]] = set()
        self.pool = self.open()
        self.session: Session

    def open(self) -> UserPool:
        return UserPool(
            self.local.user_pool_id,
            self.local.client_id,
            transport=self.wire,
            http=self.keys_of_pool,
            clock=self.clock,
            scheduler=self.planner,
            store=self.store,
            rotation_grace=self.grace,
        )

    # --- the service, at its own pace ---

    async def send(self, call: Call) -> Reply:
        await anyio.sleep(self.chance.choice([0, 0.01, 0.5, 3]))
        reply = await self.inner.send(call)
        await anyio.sleep(self.chance.choice([0, 0.01, 0.5]))
        return reply

    async def aclose(self) -> None:
        return None

    # --- the weather ---

    async def use(self) -> None:
        self.asking.add(asyncio.ensure_future(self.session.access_token()))

    async def refresh(self) -> None:
        self.asking.add(asyncio.ensure_future(self.session.refresh()))

    async def cancel(self) -> None:
        for task in self.asking:
            if self.chance.random() < 0.5:
                task.cancel()

    async def sleep(self) -> None:
        await anyio.sleep(self.chance.choice([0, 0.01, 0.3, 2, 30, 200, 1000, 4000]))

    async def invalidate(self) -> None:
        if (live := self.session._renewal.held) is not None:
            self.session.invalidate(live.access_token)

    async def jump(self) -> None:
        self.clock.jump(self.chance.choice([-86_400, 86_400, 600, -600]))

    async def suspend(self) -> None:
        self.clock.suspend(self.chance.choice([60, 3600, 8 * 3600]))

    async def throttle(self) -> None:
        self.local.faults.add(Throttle(), times=self.chance.randint(1, 3))

    async def fail(self) -> None:
        self.local.faults.add(InternalFailure(acted=False), operation=REFRESH)

    async def keys(self) -> None:
        self.keys_of_pool.failing = None if self.keys_of_pool.failing else OSError("away")

    async def store_down(self) -> None:
        self.store.down = self.chance.choice([{"commit"}, {"load"}, FlakyStore.EVERYTHING])

    async def store_up(self) -> None:
        self.store.down = set()

    async def scheduler(self) -> None:
        if self.planner is None:
            return
        if self.planner.is_running:
            await self.planner.aclose()
        else:
            self.planner.start()

    async def begin_anew(self) -> None:
        """Close the pool, with the store at hand, and open another."""
        self.store.down = set()
        for task in self.asking:
            task.cancel()
        await self.look_at(*self.asking)
        await self.pool.aclose()
        self.pool = self.open()
        self.session = self.pool.session("ana")

    # --- what has to hold ---

    async def look_at(self, *tasks: asyncio.Task[Any]) -> None:
        """Nobody was told to sign in, or anything that is none of our errors."""
        self.asking -= set(tasks)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert not isinstance(outcome, SignInRequired | LocalProtocolError)
            if isinstance(outcome, Exception):
                assert isinstance(outcome, CognitoError)

    async def live(self) -> None:
        self.session = await self.pool.sign_in("ana", PASSWORD)
        names, weights = list(WEATHER), list(WEATHER.values())
        for name in self.chance.choices(names, weights, k=60):
            await getattr(self, name)()
            await self.look_at(*(task for task in self.asking if task.done()))

    async def clear_up(self) -> None:
        """In good weather everybody gets an answer, and all goes on."""
        self.store.down, self.keys_of_pool.failing = set(), None
        self.local.faults.clear()
        with anyio.fail_after(4000):
            await self.look_at(*self.asking)
        await anyio.sleep(1000)  # longer than any pause
        await self.session.refresh()
        await self.pool.aclose()
        async with self.open() as next_process:
            assert await next_process.session("ana").access_token()
        if self.planner is not None:
            await self.planner.aclose()
        assert self.local.requests.count("InitiateAuth") == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}


def test_whatever_the_weather_no_refresh_token_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "compute", at_once)

    async def story(seed: int) -> None:
        life = Life(random.Random(seed))
        await life.live()
        await life.clear_up()

    first = random.randrange(2**32)
    for seed in range(first, first + runs(short=20, long=5_000)):
        print(f"seed {seed}")
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(story(seed))
