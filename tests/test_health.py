"""What a metrics exporter reads of a pool."""

from __future__ import annotations

import attrs
import pytest

from aiocognito import RefreshFailing, Scheduler
from aiocognito.errors import RefreshFailed
from aiocognito.testing import Refuse

from .world import PASSWORD, World

REFRESH = "GetTokensFromRefreshToken"


async def test_a_pool_without_sessions() -> None:
    health = World().pool.health()
    assert set(health.sessions) == {
        "new",
        "fresh",
        "due",
        "critical",
        "expired",
        "resting",
        "ended",
    }
    assert sum(health.sessions.values()) == health.sign_ins == health.refreshes == 0
    assert health.oldest_token_age is health.last_success_age is health.refresh_rate is None
    assert (health.scheduler_running, health.planned, health.waiting) == (False, 0, 0)


async def test_sessions_are_counted_by_state() -> None:
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    waiting = world.pool.session("ana", password=PASSWORD)
    states = []
    for age in (0.0, 50 * 60.0, 9.5 * 60.0, 60.0):
        world.clock.advance(age)
        states.append([name for name, n in world.pool.health().sessions.items() if n])
    assert states == [["new", "fresh"], ["new", "due"], ["new", "critical"], ["new", "expired"]]
    assert session.username == waiting.username


async def test_what_happened_is_counted_and_ages_are_told() -> None:
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    world.clock.advance(100)
    await session.refresh()
    world.clock.advance(40)
    health = world.pool.health()
    assert (health.sign_ins, health.refreshes, health.failures, health.ends) == (1, 1, 0, 0)
    assert health.last_success_age == pytest.approx(40)
    assert health.oldest_token_age == pytest.approx(40, abs=1)
    session.invalidate(await session.access_token())
    assert world.pool.health().oldest_token_age is None
    world.local.faults.add(Refuse("InternalErrorException"), operation=REFRESH, times=None)
    with pytest.raises(RefreshFailed):
        await session.access_token()
    health = world.pool.health()
    assert health.failures == len(world.heard(RefreshFailing)) == 1
    assert health.sessions["resting"] == 1
    world.local.faults.clear()
    await session.sign_out()
    assert world.pool.health().ends == 1


async def test_a_scheduler_s_pulse_is_part_of_it() -> None:
    world = World()
    world.add_user()
    scheduler = Scheduler(clock=world.clock)
    pool = world.another_pool(scheduler=scheduler)
    session = await pool.sign_in("ana", PASSWORD)
    health = pool.health()
    assert (health.scheduler_running, health.planned, health.waiting) == (False, 1, 0)
    assert health.refresh_rate == 96.0
    async with scheduler:
        assert pool.health().scheduler_running
    assert session


async def test_authorities_from_the_environment_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # threat 38
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    assert World().pool.health().ca_bundle is None
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/corporate.pem")
    assert World().pool.health().ca_bundle == "/etc/corporate.pem"


async def test_it_is_a_value_without_secrets() -> None:
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    health = world.pool.health()
    shown = repr(health) + str(attrs.asdict(health))
    assert (await session.access_token()) not in shown
    assert "ana" not in shown
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        health.refreshes = 7  # type: ignore[misc]
