"""One value kept fresh: renewed early, once, and to completion.

Sessions keep their tokens this way and identity pools their credentials.

Rules of this file

* One renewal is in flight at most. Whoever comes meanwhile joins it and shares its
  result or its error; nobody starts a second one after a failure (a serial stampede).
* The flight runs in `Protected`: it ends although the caller who triggered it is
  cancelled. Waiters may be cancelled at any time.
* Between ``fetch()`` returning and the value being in place there is no ``await``.
* On Trio a flight can be cancelled with its leader; the next waiter takes over.
* A value that still lives is never thrown away because a renewal failed.
* An idle renewal holds no lock, no event and no task.
* With an `Agent` a renewal may be flown by somebody else, when its turn comes. Until then
  nothing is on the wire, and whoever has no more patience may go.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, Protocol, TypeVar

import anyio
from anyio.lowlevel import current_token
from attrs import define, field, frozen

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._protected import Protected, cancelled_itself
from aiocognito._retry import is_transient, shortest_rest
from aiocognito.errors import CognitoError, LocalProtocolError, RefreshFailed
from aiocognito.tokens.freshness import (
    Action,
    Freshness,
    Schedule,
    action,
    backoff_delay,
    freshness,
    outlives_failure,
)

__all__ = ["Agent", "Fresh", "Renewal", "Timing"]

T = TypeVar("T")

_FATAL_SECONDS = 60.0
_PATIENCE = 10.0  # seconds somebody waits for a renewal whose turn has not come


@frozen(kw_only=True)
class Timing:
    """Time and chance, handed in together so that tests own both."""

    clock: Clock = SYSTEM_CLOCK
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


@frozen(weakref_slot=False)
class Fresh(Generic[T]):
    """A value and the plan of its life."""

    value: T
    schedule: Schedule


class Agent(Protocol):
    """Who sees to it that a renewal happens in time, and in its turn."""

    def changed(self) -> None:
        """Take note of a new value, a failure or a loss: plan anew."""
        ...

    def takes_over(self) -> bool:
        """Say whether the agent will fly what is to be flown now (`Renewal.departure`)."""
        ...

    async def turn(self) -> None:
        """Wait until the renewal may be sent, for those the agent does not take over."""
        ...

    def expected_wait(self) -> float:
        """Return about how many seconds a renewal waits for its turn."""
        ...


@define(eq=False)
class _Flight(Generic[T]):
    """One renewal under way. Its event is made by the first who has to wait."""

    home: object = field(factory=lambda: current_token().native_token, repr=False)
    fresh: Fresh[T] | None = None
    error: CognitoError | None = None
    abandoned: bool = False
    landed: bool = False
    delegated: bool = False  # the agent will fly it; nobody has yet
    task: int | None = None
    event: anyio.Event | None = field(default=None, repr=False)

    async def wait(self) -> None:
        if not self.landed:
            if self.home is not current_token().native_token:
                raise LocalProtocolError(
                    "This object belongs to another event loop, which has left a call under "
                    "way; make another."
                )
            if self.task == anyio.get_current_task().id:
                # It would wait for itself, for ever.
                raise LocalProtocolError(
                    "A password source or responder must not ask its own session for tokens."
                )
            if self.event is None:
                self.event = anyio.Event()
            await self.event.wait()

    def land(self) -> None:
        self.landed = True
        if self.event is not None:
            self.event.set()

    def result(self) -> T:
        if self.fresh is not None:
            return self.fresh.value
        assert self.error is not None
        raise _own_copy(self.error)


@frozen
class _Failure:
    error: CognitoError
    until: float  # boot clock: no attempt before
    transient: bool


class Renewal(Generic[T]):
    """Keeps one value fresh with a `fetch` that brings the next one.

    Args:
        fetch: Brings a new value and its schedule. What it raises is shared by all
            who wait. Transient errors (`_retry.is_transient`) are followed by a
            growing pause, others by a minute in which nobody asks again.
        timing: Clocks, chance and sleep.
        protected: Where flights run.
        on_failure: Told of every failed flight and the pause that follows.
    """

    __slots__ = (
        "__weakref__",
        "_agent",
        "_failure",
        "_failures",
        "_fetch",
        "_flight",
        "_held",
        "_on_failure",
        "_protected",
        "_timing",
        "used_at",
    )

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Fresh[T]]],
        *,
        timing: Timing,
        protected: Protected,
        on_failure: Callable[[CognitoError, float], None] | None = None,
    ) -> None:
        self._fetch = fetch
        self._timing = timing
        self._protected = protected
        self._on_failure = on_failure
        self._held: Fresh[T] | None = None
        self._flight: _Flight[T] | None = None
        self._failure: _Failure | None = None
        self._failures = 0
        self._agent: Agent | None = None
        self.used_at: float = float("-inf")  # on the boot clock; when somebody last asked

    @property
    def agent(self) -> Agent | None:
        """Who sees to it that renewals happen in time."""
        return self._agent

    def employ(self, agent: Agent | None) -> None:
        """Let an agent see to it that renewals happen in time; None: nobody any more."""
        self._agent = agent

    # --- what is held ---

    @property
    def held(self) -> T | None:
        """The newest value, fresh or not."""
        return None if self._held is None else self._held.value

    def fresh(self) -> T | None:
        """Return the value if it needs no thought at all, else None. Never waits."""
        held = self._held
        if held is None:
            return None
        clock, plan = self._timing.clock, held.schedule
        self.used_at = now = clock.boot()
        if now < plan.refresh_at and (
            plan.expires_wall is None or clock.wall() < plan.expires_wall
        ):
            return held.value
        return None

    @property
    def schedule(self) -> Schedule | None:
        """The plan of the value that is held."""
        return None if self._held is None else self._held.schedule

    @property
    def protected(self) -> Protected:
        """Where its flights run."""
        return self._protected

    @property
    def resting_until(self) -> float | None:
        """When the pause after a failure is over, on the boot clock; None: there was none."""
        return None if self._failure is None else self._failure.until

    @property
    def failure(self) -> CognitoError | None:
        """Why the last attempt failed; None: it did not."""
        return None if self._failure is None else self._failure.error

    @property
    def may_mend(self) -> bool:
        """Whether the last attempt succeeded or failed for now only."""
        return self._failure is None or self._failure.transient

    @property
    def plan(self) -> Fresh[T] | None:
        """The newest value and the plan of its life, fresh or not."""
        return self._held

    def put(self, fresh: Fresh[T]) -> None:
        """Take a value that came another way, and forget earlier failures."""
        self._held = fresh
        self._failure = None
        self._failures = 0
        self._report_change()

    def expire(self) -> None:
        """Do not hand out the present value again."""
        if self._held is not None:
            self._held = Fresh(self._held.value, self._held.schedule.expire())
            self._report_change()

    def drop(self) -> None:
        """Drop the value and earlier failures; a flight in the air may bring another."""
        self._held = None
        self._failure = None
        self._failures = 0
        self._report_change()

    def forget(self) -> None:
        """Drop the value, and the result of a flight in the air too."""
        self.call_off()
        self.drop()
        self._flight = None

    def disown(self) -> None:
        """Forget a flight of another process; this one was forked off meanwhile."""
        self._flight = None

    async def settle(self) -> None:
        """Wait until no flight is in the air, whatever it brings; let none begin late."""
        self.call_off()
        while self._flight is not None:
            await self._flight.wait()

    # --- getting one ---

    async def get(self) -> T:
        """Return a value that may be used now, renewing it where its time has come.

        Cancelling leaves a renewal that was started to finish by itself.

        Raises:
            RefreshFailed: Nothing usable is held and the renewal failed for now.
            CognitoError: Nothing usable is held and the renewal failed for good.
        """
        self.used_at = self._timing.clock.boot()
        resting = self._resting()
        todo = action(self._state(), resting=resting is not None)
        if todo is Action.SERVE_AND_RENEW:
            await self._nudge()
            # On Trio that took its time: the value may have expired or been forgotten.
            resting = self._resting()
            todo = action(self._state(), resting=resting is not None)
        held = self._held
        if held is not None and todo in (Action.SERVE, Action.SERVE_AND_RENEW):
            return held.value
        if resting is not None:
            return self._still_usable(resting.error)
        try:
            return await self._join(patient=True)
        except _TurnNotCome as late:
            if held is not None and self._outlives_failure(held):
                return held.value
            raise RefreshFailed(late.expected_wait) from None
        except CognitoError as error:
            return self._still_usable(error)

    async def renew(self) -> T:
        """Renew now, or join the renewal under way, and return the new value.

        Raises what the renewal raised, whether or not the old value still lives.
        """
        return await self._join()

    def _still_usable(self, error: CognitoError) -> T:
        """Return what is held if it may be handed out after a failure; else raise."""
        held = self._held
        if held is not None and self._outlives_failure(held):
            return held.value
        raise self._as_raised(error)

    def _outlives_failure(self, held: Fresh[T]) -> bool:
        clock = self._timing.clock
        return outlives_failure(held.schedule, boot=clock.boot(), wall=clock.wall())

    def _as_raised(self, error: CognitoError) -> CognitoError:
        failure = self._failure
        if failure is None or not failure.transient:
            return _own_copy(error)
        wrapped = RefreshFailed(max(0.0, failure.until - self._timing.clock.boot()))
        # One such error says it all; two in a chain would name two different waits.
        nested = isinstance(error, RefreshFailed)
        wrapped.__cause__ = error.__cause__ if nested else _own_copy(error)
        return wrapped

    async def _nudge(self) -> None:
        """See to it that a renewal is under way; everybody is served meanwhile."""
        if self._flight is not None or self._resting() is not None:
            return
        flight = self._take_off()
        if self._is_taken_over(flight):
            return
        fly = partial(self._fly, flight)
        if not self._protected.start(fly):
            await self._protected.run(fly)

    async def _join(self, *, patient: bool = False) -> T:
        while True:
            joined = self._flight
            flight = joined or self._take_off()
            if joined is None and not self._is_taken_over(flight):
                await self._protected.run(partial(self._fly, flight))
            elif patient and flight.delegated:
                await self._wait_for_turn(flight)
            else:
                await flight.wait()
            if not flight.abandoned:
                return flight.result()

    async def _wait_for_turn(self, flight: _Flight[T]) -> None:
        """Wait, but not long while nothing has begun: a token that still lives will do."""
        assert self._agent is not None
        with anyio.move_on_after(self._patience()):
            return await flight.wait()
        if flight.delegated:
            raise _TurnNotCome(self._agent.expected_wait())
        return await flight.wait()

    def _patience(self) -> float:
        if self._held is None:
            return _PATIENCE
        schedule = self._held.schedule
        rest = schedule.expires_at - schedule.min_ttl - self._timing.clock.boot()
        return min(_PATIENCE, 0.8 * rest) if rest > 0 else _PATIENCE

    # --- the flight ---

    def _take_off(self) -> _Flight[T]:
        self._flight = _Flight()
        return self._flight

    def _is_taken_over(self, flight: _Flight[T]) -> bool:
        flight.delegated = self._agent is not None and self._agent.takes_over()
        return flight.delegated

    def departure(self) -> Callable[[], Awaitable[None]] | None:
        """Return the flight that is to be flown now, for the agent; None: there is none.

        Its turn has come: it will not wait for another.
        """
        flight = self._flight
        if flight is None and self._agent is not None and self._is_due():
            flight = self._take_off()
        elif flight is None or not flight.delegated:
            return None
        flight.delegated = False
        return partial(self._fly, flight, has_turn=True)

    def call_off(self) -> None:
        """Let no agent fly what it has taken over; those who wait do it themselves."""
        flight = self._flight
        if flight is not None and flight.delegated:
            flight.abandoned, self._flight = True, None
            flight.land()

    def _is_due(self) -> bool:
        todo = action(self._state(), resting=self._resting() is not None)
        return todo in (Action.SERVE_AND_RENEW, Action.WAIT)

    def _report_change(self) -> None:
        if self._agent is not None:
            self._agent.changed()

    async def _fly(self, flight: _Flight[T], *, has_turn: bool = False) -> None:
        flight.task = anyio.get_current_task().id
        try:
            if self._agent is not None and not has_turn:
                with self._protected.breakable():
                    await self._agent.turn()
            fresh = await self._fetch()
        except BaseException as error:
            if not isinstance(error, Exception) and not cancelled_itself(error):
                flight.abandoned = True
                raise
            flight.error = _as_ours(error)  # shared with every waiter, see result()
            if self._flight is flight:
                self._note_failure(flight.error)
        else:
            flight.fresh = fresh
            if self._flight is flight:
                self.put(fresh)
        finally:
            if self._flight is flight:
                self._flight = None
            flight.land()

    def _note_failure(self, error: CognitoError) -> None:
        if isinstance(error, LocalProtocolError):
            return  # a caller's mistake, on another event loop for example: nobody else's pause
        self._failures += 1
        transient = is_transient(error)
        pause = self._pause(error) if transient else _FATAL_SECONDS
        until = self._timing.clock.boot() + pause
        self._failure = _Failure(error, until, transient)
        self._report_change()
        if self._on_failure is not None:
            self._on_failure(error, pause)

    def _pause(self, error: CognitoError) -> float:
        remaining = 0.0
        if self._held is not None:
            remaining = self._held.schedule.expires_at - self._timing.clock.boot()
        pause = backoff_delay(
            failures=self._failures, remaining=remaining, jitter=self._timing.jitter()
        )
        pause = max(pause, shortest_rest(error))
        asked = getattr(error, "retry_after", None)
        return max(pause, min(float(asked), 900.0)) if asked else pause

    # --- where we are ---

    def _state(self) -> Freshness:
        if self._held is None:
            return Freshness.EXPIRED
        clock = self._timing.clock
        return freshness(self._held.schedule, boot=clock.boot(), wall=clock.wall())

    def _resting(self) -> _Failure | None:
        failure = self._failure
        if failure is not None and self._timing.clock.boot() < failure.until:
            return failure
        return None


class _TurnNotCome(Exception):
    """Waited long enough for a turn; the renewal keeps its place in the queue."""

    def __init__(self, expected_wait: float) -> None:
        super().__init__()
        self.expected_wait = expected_wait


def _as_ours(error: BaseException) -> CognitoError:
    """A password source's or responder's own exception is a failure like others."""
    if isinstance(error, CognitoError):
        return error
    wrapped = RefreshFailed(0.0)
    wrapped.__cause__ = error
    return wrapped


def _own_copy(error: CognitoError) -> CognitoError:
    """Give each caller its own exception: a shared one collects all their tracebacks."""
    twin = copy.copy(error)
    twin.__cause__ = error.__cause__
    return twin
