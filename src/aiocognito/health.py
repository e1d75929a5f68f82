"""How the sessions of a pool are: numbers for a metrics exporter, nothing secret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

from attrs import frozen

from aiocognito._clock import Clock
from aiocognito._roster import AnyRenewal, Roster
from aiocognito.errors import SessionClosed, SignInRequired
from aiocognito.scheduler import Scheduler
from aiocognito.tokens.freshness import freshness
from aiocognito.transport._exchange import ca_bundle

__all__ = ["PoolHealth", "SessionState", "health_of"]

SessionState = Literal["new", "fresh", "due", "critical", "expired", "resting", "ended"]


@frozen(kw_only=True)
class PoolHealth:
    """A pool at one moment. Counters count from the pool's start; ages are in seconds.

    Attributes:
        sessions: How many there are in each state; every state is a key. ``new`` ones
            have had no tokens yet, ``resting`` ones wait after a failure, ``ended`` ones
            need a sign-in. A session that the program has dropped is in none.
        sign_ins: How many brought tokens.
        refreshes: The same.
        failures: Refreshes that failed, those that were repeated later among them.
        throttles: Calls the service refused because there were too many. (Only with a
            scheduler.)
        ends: Sessions that ended: signed out, revoked, refused.
        lapses: Refreshes that were left out because nobody used the session.
        unsaved: Sessions whose newest tokens the store has not taken yet; with rotating
            refresh tokens they would be lost if the process were killed now.
        oldest_token_age: Age of the oldest token that is held, or None.
        last_success_age: Seconds since tokens came in, or None: none have yet.
        scheduler_running: Whether refreshes happen without being asked for.
        planned: Sessions in the scheduler's plan, of all its pools.
        waiting: Refreshes whose turn has not come.
        refresh_rate: Sign-ins and refreshes a second that are allowed now, or None.
        wakes: How often the scheduler woke up.
        ca_bundle: The file that replaces the built-in certificate authorities
            (``AWS_CA_BUNDLE`` or ``REQUESTS_CA_BUNDLE``), or None.
    """

    sessions: Mapping[str, int]
    sign_ins: int
    refreshes: int
    failures: int
    throttles: int
    ends: int
    lapses: int
    unsaved: int
    oldest_token_age: float | None
    last_success_age: float | None
    scheduler_running: bool
    planned: int
    waiting: int
    refresh_rate: float | None
    wakes: int
    ca_bundle: str | None


def health_of(
    roster: Roster, scheduler: Scheduler | None, region: str, *, unsaved: int
) -> PoolHealth:
    """Take a pool's pulse."""
    now = roster.clock.boot()
    states: Counter[str] = Counter(dict.fromkeys(get_args(SessionState), 0))
    oldest: float | None = None
    for member in list(roster.members):
        renewal = member()
        if renewal is None:
            continue
        states[_state(renewal, roster.clock)] += 1
        age = _age(renewal, now)
        if age is not None:
            oldest = age if oldest is None else max(oldest, age)
    counters, last = roster.counters, roster.counters.last_success
    pulse = None if scheduler is None else scheduler._pulse(region)
    return PoolHealth(
        sessions=dict(states),
        sign_ins=counters.sign_ins,
        refreshes=counters.refreshes,
        failures=counters.failures,
        throttles=counters.throttles,
        ends=counters.ends,
        lapses=counters.lapses,
        unsaved=unsaved,
        oldest_token_age=oldest,
        last_success_age=None if last is None else now - last,
        scheduler_running=scheduler is not None and scheduler.is_running,
        planned=0 if pulse is None else pulse.planned,
        waiting=0 if pulse is None else pulse.waiting,
        refresh_rate=None if pulse is None else pulse.rate,
        wakes=0 if pulse is None else pulse.wakes,
        ca_bundle=ca_bundle(),
    )


def _state(renewal: AnyRenewal, clock: Clock) -> SessionState:
    if isinstance(renewal.failure, SignInRequired | SessionClosed):
        return "ended"
    resting = renewal.resting_until
    if resting is not None and clock.boot() < resting:
        return "resting"
    if renewal.schedule is None:
        return "new"
    return freshness(renewal.schedule, boot=clock.boot(), wall=clock.wall()).value


def _age(renewal: AnyRenewal, now: float) -> float | None:
    schedule = renewal.schedule
    if schedule is None or schedule.lifetime <= 0:
        return None
    age = now - (schedule.expires_at - schedule.lifetime)
    return age if age < float("inf") else None
