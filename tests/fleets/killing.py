"""Two to ten workers on one identity, killed at any step: `python -m tests.fleets.killing`.

Reads its task as JSON from standard input and prints what it saw as JSON. Each round, for
each identity at once: some workers are forked, each a process with its own connections,
told that their token is no good, and so refresh it over HTTP and the real store. Some are
killed (SIGKILL) right before or right after one of their steps: an access to the store or
the call that rotates the refresh token. Then another worker, which nobody kills, has to
get a new token without any password, within the grace period.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
from attrs import evolve

from aiocognito import Fleet, Session, UserPool, _persist, _presenting
from aiocognito.errors import CognitoError, SignInRequired
from aiocognito.stores import FileTokenStore, SharedTokenStore

LAST_STEP = 12
LAST_STEP_ALONE = 6
LEASE, CALL = 0.8, 0.5  # seconds; what is 15 and 5 elsewhere
OUTCOMES = {0: "served", 3: "lost", 4: "not served"}


@asynccontextmanager
async def store_of(task: dict[str, Any]) -> AsyncIterator[SharedTokenStore]:
    async with AsyncExitStack() as stack:
        match task["store"]:
            case "file":
                yield FileTokenStore(task["folder"])
            case "redis":
                from aiocognito.stores.redis import RedisTokenStore

                store = RedisTokenStore.from_url(task["url"], prefix=task["prefix"])
                stack.push_async_callback(store.aclose)
                yield store
            case "dynamodb":
                from aiocognito.stores.dynamodb import DynamoDBTokenStore
                from tests.stores.dynamodb_table import Table

                client = await stack.enter_async_context(Table(task["url"]).client())
                yield DynamoDBTokenStore(client, Table(task["url"]).name, prefix=task["prefix"])


@asynccontextmanager
async def pool_of(task: dict[str, Any]) -> AsyncIterator[UserPool]:
    async with (
        store_of(task) as store,
        UserPool(
            task["pool"],
            task["client"],
            endpoint_url=task["endpoint"],
            store=store,
            fleet=Fleet(poll=0.1) if task["most_workers"] else None,
            rotation_grace=60,
        ) as pool,
    ):
        yield pool


async def sign_in(task: dict[str, Any], name: str) -> None:
    async with pool_of(task) as pool:
        await pool.sign_in(name, task["password"])


async def work(task: dict[str, Any], name: str) -> int:
    """Get a token newer than the one the store holds now."""
    async with pool_of(task) as pool:
        session = pool.session(name)
        hurry(session)
        with anyio.move_on_after(task["patience"]):
            while True:
                try:
                    token = await session.access_token()
                    session.invalidate(token)
                    await session.access_token()
                except SignInRequired as error:
                    print(f"{name}: {error.reason}", file=sys.stderr)
                    return 3
                except CognitoError:
                    session._renewal.drop()  # its pauses are for a slower world
                    await anyio.sleep(0.05)
                else:
                    return 0
    return 4


def hurry(session: Session) -> None:
    persistence = session._keeper.persistence
    assert persistence is not None
    persistence._rules = evolve(persistence._rules, lease=LEASE, call=CALL)
    _presenting._ALONE_SECONDS = CALL


def doom(step: int, moment: str) -> None:
    """Let this process die at its n-th step."""
    real = _persist.Persistence._do
    left = step

    async def counted(self: Any, effect: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await real(self, effect)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    _persist.Persistence._do = counted  # type: ignore[method-assign]


def forked(run: Callable[[], int]) -> int:
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 5
    try:
        code = run()
    finally:
        os._exit(code)


def ended(child: int) -> str:
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return OUTCOMES.get(os.WEXITSTATUS(status), "broken")


def one(task: dict[str, Any], name: str, kill: tuple[int, str] | None) -> int:
    def run() -> int:
        if kill is not None:
            doom(*kill)
        return anyio.run(work, task, name)

    return forked(run)


def main() -> None:
    task = json.load(sys.stdin)
    chance = random.Random(task["seed"])
    names = [f"svc-{number}" for number in range(task["identities"])]
    for name in names:  # here and not in children: what it loads, they need not
        anyio.run(sign_in, task, name)
    seen: dict[str, int] = dict.fromkeys(
        ("rounds", "workers", "killed", "served", "lost", "not served", "broken"), 0
    )
    stories: list[Any] = []
    for _ in range(task["rounds"] // len(names)):
        plans = {name: plan(chance, task["most_workers"]) for name in names}
        children = [(name, one(task, name, kill)) for name in names for kill in plans[name]]
        ends = [(name, ended(child)) for name, child in children]
        successors = [(name, one(task, name, None)) for name in names]
        last = [(name, ended(child)) for name, child in successors]
        for _, end in ends:
            seen[end] += 1
        seen["workers"] += len(ends)
        seen["rounds"] += len(names)
        stories += [(name, end, plans[name], ends) for name, end in last if end != "served"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seen["cpu seconds"] = round(used.ru_utime + used.ru_stime)
    json.dump({**seen, "failed": stories}, sys.stdout)


def plan(chance: random.Random, most: int) -> list[tuple[int, str] | None]:
    """Draw how many workers there are, 2 to `most`, and where all but one die; 0: one alone."""
    kills: list[tuple[int, str] | None] = [
        (
            chance.randint(1, LAST_STEP if most else LAST_STEP_ALONE),
            chance.choice(("before", "after")),
        )
        for _ in range(chance.randint(1, most - 1 if most else 1))
    ]
    return [*kills, None] if most else kills


if __name__ == "__main__":
    main()
