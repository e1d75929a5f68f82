"""Two workers, one identity, every order of their steps, and up to three faults.

The workers run the protocol that sessions run (`aiocognito._turn`) over the real store
in memory. A step is one thing asked of the store or the service; between the service's
act and its answer is a step too. Faults, at most one of each kind: a worker crashes, an
answer is lost after the service has acted, a lease runs out under its holder.

`explore` visits every state that some order of steps reaches and says which sets of
faults can end without a living refresh token in the store.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Literal, TypeVar

from attrs import astuple, define, evolve, field, frozen

from aiocognito._effects import (
    Acquire,
    Adopt,
    Again,
    Commit,
    Delete,
    Down,
    Effect,
    Failed,
    Found,
    Load,
    Lost,
    Mark,
    Memory,
    Minted,
    NotSaved,
    Outcome,
    Present,
    Refused,
    Release,
    Rules,
    Saved,
    SignIn,
    Wait,
)
from aiocognito._redact import Secret
from aiocognito._turn import turn
from aiocognito.errors import RefreshTokenReused, ResponseLost, SignInRequired
from aiocognito.stores.base import Entry, Lease, StoreKey
from aiocognito.stores.memory import MemoryTokenStore

from .simulated import Hypothesis, Service

T = TypeVar("T")

KEY = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "svc")
LOST = ResponseLost("GetTokensFromRefreshToken", retry_safe=False)
REUSED = RefreshTokenReused(
    code="RefreshTokenReuseException", operation="GetTokensFromRefreshToken"
)
NO_PASSWORD = SignInRequired("svc", "refresh-token-reused")
MOST_TURNS = 8

Fault = Literal["crash", "lost answer", "lease ended"]


@frozen
class Action:
    """What happens next: a worker's step, a fault of it, or nothing but time."""

    kind: Literal["step", "crash", "lose", "expire", "time"]
    worker: int = -1


def now(awaitable: Coroutine[Any, Any, T]) -> T:
    """Run what does not wait."""
    try:
        awaitable.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("the store in memory never waits")


class Still:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.time = 0.0

    def boot(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time


@frozen(eq=False)
class Mind:
    """Where one worker's turn is, after all it was told."""

    memory: tuple[Any, ...]
    told: tuple[tuple[Any, float], ...]
    effect: Effect | None
    outcome: Outcome | None
    after: tuple[Any, ...]
    key: object  # equal for minds that will do the same


class Minds:
    """Replays turns. A generator cannot be copied, but what it is told can."""

    def __init__(self) -> None:
        self.clock = Still()
        self.rules = Rules(key=KEY, clock=self.clock, shared=True, marks=True)
        self._known: dict[object, Mind] = {}

    def begin(self, memory: tuple[Any, ...], time: float) -> Mind:
        return self._at(memory, ((None, time),))

    def tell(self, mind: Mind, result: Any, time: float) -> Mind:
        return self._at(mind.memory, (*mind.told, (result, time)))

    def _at(self, memory: tuple[Any, ...], told: tuple[tuple[Any, float], ...]) -> Mind:
        where = (memory, told)
        if where not in self._known:
            self._known[where] = self._replay(memory, told)
        return self._known[where]

    def _replay(self, memory: tuple[Any, ...], told: tuple[tuple[Any, float], ...]) -> Mind:
        mind = Memory(*memory)
        steps = turn(mind, self.rules)
        effect: Effect | None = None
        outcome: Outcome | None = None
        try:
            for result, self.clock.time in told:
                effect = steps.send(result)
        except StopIteration as done:
            effect, outcome = None, done.value
        after = astuple(mind, recurse=False)
        return Mind(memory, told, effect, outcome, after, (after, outcome, _frames(steps)))


def _frames(steps: Any) -> tuple[object, ...]:
    """Where a generator is and what its variables hold, down to the innermost."""
    found = []
    while steps is not None and getattr(steps, "gi_frame", None) is not None:
        variables = steps.gi_frame.f_locals
        held = (variables[name] for name in sorted(variables) if name not in _SAME_EVERYWHERE)
        found.append((steps.gi_code.co_name, steps.gi_frame.f_lasti, *held))
        steps = steps.gi_yieldfrom
    return tuple(found)


_SAME_EVERYWHERE = {"memory", "rules"}  # the one is in the key already, the other never changes


@frozen
class Worker:
    mind: Mind = field(eq=False)
    answer: Any = None  # of the service, on its way
    waits_at: tuple[object, ...] | None = None  # what it saw when it was told to wait
    turns: int = 1
    end: Literal["", "done", "signed out", "crashed"] = ""
    lease: Lease | None = None

    def state(self) -> tuple[object, ...]:
        mind = None if self.end else self.mind.key
        return (mind, self.answer, self.waits_at, self.end, self.lease)


class Fleet:
    """Two workers that both find their tokens due, and what they share."""

    def __init__(self, hypothesis: Hypothesis, minds: Minds, drawn: int = 0) -> None:
        self.minds = minds
        self.drawn = drawn
        self.time = 0.0
        self.clock = Still()
        self.store = MemoryTokenStore(clock=self.clock)
        self.service = Service(hypothesis)
        self.faults: frozenset[Fault] = frozenset()
        first = Entry(generation=1, value=b"t#0", minted_at=1.0)
        now(self.store.commit(KEY, first, expected=None))
        memory = (first, Secret("t"), None, None, None)
        self.workers = [Worker(minds.begin(memory, 0.0)) for _ in (0, 1)]

    def copy(self) -> Fleet:
        twin = copy.copy(self)
        twin.clock = Still()
        twin.store = MemoryTokenStore(clock=twin.clock)
        twin.store._entries.update(self.store._entries)
        twin.store._leases.update(self.store._leases)
        twin.service = self.service.copy()
        twin.workers = list(self.workers)
        return twin

    # --- what can happen ---

    def actions(self) -> Iterator[Action]:
        active = [n for n, worker in enumerate(self.workers) if not worker.end]
        sight = self._sight()
        for n in active:
            worker = self.workers[n]
            if worker.waits_at is None or worker.waits_at != sight:
                yield Action("step", n)
            if "crash" not in self.faults:
                yield Action("crash", n)
            if isinstance(worker.answer, Minted) and "lost answer" not in self.faults:
                yield Action("lose", n)
            if worker.lease is not None and "lease ended" not in self.faults:
                yield Action("expire", n)
        if active and all(self.workers[n].waits_at for n in active):  # () can go on already
            yield Action("time")

    def do(self, action: Action) -> None:
        self.clock.time = self.time
        if action.kind == "time":
            self.time += 30.0  # leases of the dead end, and doubts
            self._each(lambda worker: worker if worker.end else evolve(worker, waits_at=()))
            return
        worker = self.workers[action.worker]
        match action.kind:
            case "crash":
                self.faults |= {"crash"}
                worker = evolve(worker, end="crashed", answer=None, lease=None)
            case "lose":
                self.faults |= {"lost answer"}
                worker = self._told(evolve(worker, answer=None), Lost(LOST))
            case "expire":
                self.faults |= {"lease ended"}
                assert worker.lease is not None
                now(self.store.release(worker.lease))
                worker = evolve(worker, lease=None)
            case "step" if worker.waits_at is not None:
                worker = self._next_turn(evolve(worker, waits_at=None))
            case "step" if worker.answer is not None:
                worker = self._told(evolve(worker, answer=None), worker.answer)
            case "step":
                worker = self._perform(worker, str(action.worker))
        self.workers[action.worker] = worker

    def _each(self, change: Callable[[Worker], Worker]) -> None:
        self.workers = [change(worker) for worker in self.workers]

    def _perform(self, worker: Worker, owner: str) -> Worker:
        match worker.mind.effect:
            case Present(token=token):
                return evolve(worker, answer=self._present(token.reveal()))
            case Load():
                return self._told(worker, _found(now(self.store.load(KEY))))
            case Acquire(seconds=seconds):
                lease = now(self.store.acquire(KEY, owner=owner, ttl=seconds))
                return self._told(evolve(worker, lease=lease), lease)
            case Release(lease=lease):
                now(self.store.release(lease))
                return self._told(evolve(worker, lease=None), None)
            case Mark(generation=generation):
                marking = self.store.mark_attempt(KEY, generation=generation, at=self.time)
                return self._told(worker, now(marking))
            case Commit(entry=entry, expected=expected):
                if expected is None:
                    self.drawn += 1  # one way, one history: nothing by chance
                    entry = evolve(entry, generation=self.drawn * 1_000)
                return self._told(worker, now(self.store.commit(KEY, entry, expected=expected)))
            case Delete(expected=expected):
                return self._told(worker, now(self.store.delete(KEY, expected=expected)))
            case SignIn():
                return self._told(worker, Failed(NO_PASSWORD))
            case None:
                raise AssertionError("a turn that has ended has no effect")

    def _present(self, token: str) -> Minted | Refused:
        child = self.service.present(token)
        if child is None:
            return Refused(REUSED)
        at = 2.0 if self.ties else 2.0 + self.service.minted
        return Minted(value=f"{child}#{self.service.minted}".encode(), minted_at=at)

    ties = False

    def _told(self, worker: Worker, result: Any) -> Worker:
        mind = self.minds.tell(worker.mind, result, self.time)
        return self._looked_at(evolve(worker, mind=mind))

    def _next_turn(self, worker: Worker) -> Worker:
        assert worker.turns < MOST_TURNS, "it goes round in circles"
        mind = self.minds.begin(worker.mind.after, self.time)
        return self._looked_at(evolve(worker, mind=mind, turns=worker.turns + 1))

    def _looked_at(self, worker: Worker) -> Worker:
        match worker.mind.outcome:
            case None:
                return worker
            case Saved() | Adopt():
                return evolve(worker, end="done")
            case Failed(error=ResponseLost()) | Again():
                return self._next_turn(worker)
            case Wait():
                return evolve(worker, waits_at=self._sight())
            case Failed():
                return evolve(worker, end="signed out")
            case NotSaved() | Down():
                raise AssertionError("the store in memory is never down")

    # --- what it looks like ---

    def _sight(self) -> tuple[object, ...]:
        """What somebody who polls can see: who may act, and what is stored."""
        entry = self.store._entries.get(KEY)
        lease = self.store._leases.get(KEY)
        held = lease is not None and lease.remaining(self.time) > 0
        return (entry and entry.generation, held and lease and lease.owner)

    def state(self) -> tuple[object, ...]:
        return (
            self.store._entries.get(KEY),
            self.store._leases.get(KEY),
            self.time,
            self.service.state(),
            self.faults,
            *(worker.state() for worker in self.workers),
        )

    def has_living_token(self) -> bool:
        found = _found(self.store._entries.get(KEY))
        if found is None:
            return False
        tokens = [token for token in (found.token, found.alt) if token is not None]
        return any(self.service.is_alive(token.reveal()) for token in tokens)


def _found(entry: Entry | None) -> Found | None:
    if entry is None:
        return None
    token = _token(entry.value)
    return Found(entry, token, None if entry.alt is None else _token(entry.alt))


def _token(value: bytes) -> Secret:
    return Secret(value.decode().partition("#")[0])


@define
class Explored:
    """What was seen on all ways.

    Attributes:
        states: How many different ones.
        ends: How many of them were ends.
        losses: Each set of faults that can lose the tokens, with the shortest story of it.
    """

    states: int = 0
    ends: int = 0
    losses: dict[frozenset[Fault], tuple[Action, ...]] = field(factory=dict)


def explore(hypothesis: Hypothesis, *, ties: bool = False) -> Explored:
    """Visit every state.

    Args:
        hypothesis: What the service does with a token that was used.
        ties: Whether the service's clock is too coarse to tell what was minted last.
    """
    first = Fleet(hypothesis, Minds())
    first.ties = ties
    seen: set[object] = {first.state()}
    result = Explored()
    fleets: list[tuple[Fleet, tuple[Action, ...]]] = [(first, ())]
    while fleets:
        fleet, way = fleets.pop()
        result.states += 1
        actions = list(fleet.actions())
        if not actions:
            _note_end(result, fleet, way)
        for action in actions:
            after = fleet.copy()
            after.do(action)
            state = after.state()
            if state not in seen:
                seen.add(state)
                fleets.append((after, (*way, action)))
    return result


def _note_end(result: Explored, fleet: Fleet, way: tuple[Action, ...]) -> None:
    result.ends += 1
    if fleet.has_living_token():
        return
    known = result.losses.get(fleet.faults)
    if known is None or len(way) < len(known):
        result.losses[fleet.faults] = way
