"""Two to ten processes commit to one entry and are killed at any step, again and again.

`python -m tests.stores.race <kind> <where> <kills> <workers>` forks workers that load the entry,
perhaps take the lease, and commit what follows. Each is killed (SIGKILL) at the k-th
moment at which one of its calls waits, k drawn by chance, and another takes its place.
What each of them tried, won and saw goes through a pipe; from that is checked:

* no generation has two winners, and none has two values, whoever looked;
* no generation is missing: each was won, or tried by somebody who died before telling;
* whoever looks twice sees no older generation the second time;
* at the end nothing that was won is lost.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import select
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import anyio
from attrs import define, field

from aiocognito.errors import StoreUnavailable
from aiocognito.stores.base import Entry, SharedTokenStore, StoreKey
from tests.stores.contestants import CONTESTANTS, Opener
from tests.stores.steps import by_steps

T = TypeVar("T")

KEY = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "worker")
MOST_STEPS = 30


class Fuse:
    """Ends the process at the k-th step."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def burn(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


# --- a worker ---------------------------------------------------------------------------


class Worker:
    def __init__(self, open_store: Opener, pipe: int, seed: int) -> None:
        self._open_store = open_store
        self._pipe = pipe
        self._draw = random.Random(seed)
        self._fuse = Fuse(self._draw.randint(1, MOST_STEPS))
        self._owner = f"{os.getpid()}"

    async def live(self) -> None:
        async with self._open_store() as store:
            while True:
                # A server on a busy machine may not answer in time. Whether it acted is
                # unknown then, as it is to whoever dies.
                with suppress(StoreUnavailable):
                    await self._turn(store)

    async def _turn(self, store: SharedTokenStore) -> None:
        current = await self._mortal(store.load(KEY))
        self._saw(current)
        if self._draw.random() < 0.5:
            lease = await self._mortal(store.acquire(KEY, owner=self._owner, ttl=0.2))
            if lease is None:
                return
        if current is not None and self._draw.random() < 0.3:
            await self._mortal(store.mark_attempt(KEY, generation=current.generation, at=1.0))
        await self._commit(store, current)

    async def _commit(self, store: SharedTokenStore, current: Entry | None) -> None:
        value = secrets.token_hex(4).encode()
        entry = Entry.first(value) if current is None else current.followed_by(value)
        self._tell("tried", entry)
        expected = None if current is None else current.generation
        done = await self._mortal(store.commit(KEY, entry, expected=expected))
        if isinstance(done, Entry):
            self._tell("won", done)
        else:
            self._saw(done.current)

    async def _mortal(self, call: Coroutine[Any, Any, T]) -> T:
        return await by_steps(call, self._fuse.burn)

    def _saw(self, entry: Entry | None) -> None:
        if entry is not None:
            self._tell("saw", entry)

    def _tell(self, what: str, entry: Entry) -> None:
        line = json.dumps([os.getpid(), what, entry.generation, entry.value.decode()])
        os.write(self._pipe, line.encode() + b"\n")  # short enough to arrive whole


# --- the referee ------------------------------------------------------------------------


@define
class Referee:
    """Hears what all say, and objects."""

    values: dict[int, str] = field(factory=dict)
    winners: dict[int, int] = field(factory=dict)
    tried: dict[int, set[str]] = field(factory=dict)
    newest: dict[int, int] = field(factory=dict)

    def hear(self, line: str) -> None:
        process, what, generation, value = json.loads(line)
        if what == "tried":
            self.tried.setdefault(generation, set()).add(value)
            return
        assert self.values.setdefault(generation, value) == value, "a generation has two values"
        assert generation >= self.newest.get(process, 0), "somebody saw an older generation"
        self.newest[process] = generation
        if what == "won":
            assert self.winners.setdefault(generation, process) == process, "two have won"

    def close(self, last: Entry) -> None:
        first = min(self.values)
        assert last.generation >= max(self.values), "what was won is lost"
        self.values.setdefault(last.generation, last.value.decode())
        assert self.values[last.generation] == last.value.decode()
        for generation in range(first, last.generation + 1):
            told = self.values.get(generation)
            tried = self.tried.get(generation, set())
            assert tried, f"nobody tried {generation}"
            assert told is None or told in tried, f"{generation} holds what nobody wrote"


def run(kind: str, where: str, kills: int, most: int) -> None:
    seed = int(os.environ.get("AIOCOGNITO_SEED", random.SystemRandom().getrandbits(32)))
    print(f"AIOCOGNITO_SEED={seed}", flush=True)
    draw = random.Random(seed)
    open_store = CONTESTANTS[kind](where)
    hears, tells = os.pipe()
    referee = Referee()
    workers = draw.randint(2, most)
    alive: set[int] = set()
    died = 0
    while died < kills:
        while len(alive) < workers and died + len(alive) < kills:
            alive.add(start(open_store, tells, draw.getrandbits(64)))
        listen(hears, referee, 0.01)
        for process in list(alive):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                assert code == -signal.SIGKILL, f"a worker ended with {code}"
                alive.discard(process)
                died += 1
    listen(hears, referee, 0.0)
    last = anyio.run(final, open_store)
    referee.close(last)
    said = {
        "workers": workers,
        "killed": died,
        "generations": last.generation + 1 - min(referee.values),
        "told": len(referee.winners),
    }
    print(json.dumps(said))


def listen(pipe: int, referee: Referee, patience: float) -> None:
    """Hear what has been said; lines are short, so each has arrived whole."""
    rest = b""
    while rest or select.select([pipe], [], [], patience)[0]:
        *lines, rest = (rest + os.read(pipe, 65_536)).split(b"\n")
        for line in lines:
            referee.hear(line.decode())


def start(open_store: Opener, pipe: int, seed: int) -> int:
    process = os.fork()
    if process:
        return process
    try:
        anyio.run(Worker(open_store, pipe, seed).live)
    finally:
        # Only an error of a store comes here.
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        sys.stderr.flush()
        os._exit(1)


async def final(open_store: Opener) -> Entry:
    """Load as somebody who was not there; and the lease of the dead does not bar a commit."""
    async with open_store() as store:
        last = await store.load(KEY)
        assert last is not None
        after = last.followed_by(b"the end")
        assert await store.commit(KEY, after, expected=last.generation) == after
        return last


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
