"""A machine whose clock is wrong signs in, verifies and refreshes all the same."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito import ClockSkewed, ReauthenticationDue, TokensChanged, UserPool
from aiocognito.errors import IncorrectUsernameOrPassword, InvalidArgument, InvalidType
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import LocalCognito, ManualClock

from .world import PASSWORD, Keys, SleepingClock, Wire, World


class Apart:
    """A service with the right time, and a client with another."""

    def __init__(self, off_by: float) -> None:
        self.local = LocalCognito(clock=ManualClock())
        self.local.add_user("ana", PASSWORD)
        self.clock = SleepingClock()
        self.clock.jump(off_by)
        self.wire = Wire(self.local.transport())
        self.events: list[Any] = []

    def pool(self, **options: Any) -> UserPool:
        given = {"transport": self.wire, "http": Keys(self.local.http_client()), **options}
        return UserPool(
            self.local.user_pool_id,
            self.local.client_id,
            clock=self.clock,
            observer=self.events.append,
            **given,
        )


@pytest.mark.parametrize("off_by", [7200.0, -7200.0, 600.0, -600.0, 86_400.0, -86_400.0])
async def test_a_clock_that_is_hours_off_is_no_wrong_password(off_by: float) -> None:
    # threat 22: SRP signs the time, and the service looks at it
    apart = Apart(off_by)
    session = await apart.pool().sign_in("ana", PASSWORD)
    assert await session.access_token()
    await session.refresh()
    assert [event.seconds for event in apart.events if isinstance(event, ClockSkewed)] == [
        pytest.approx(-off_by, abs=1.0)
    ]


async def test_a_clock_that_is_right_is_not_worth_a_word() -> None:
    apart = Apart(30.0)
    session = await apart.pool().sign_in("ana", PASSWORD)
    await session.refresh()
    assert {type(event) for event in apart.events} == {TokensChanged}


async def test_without_the_service_s_date_a_wrong_clock_would_look_like_a_wrong_password() -> None:
    """What is corrected above is real: the local pool refuses a time that is hours off."""

    class Dateless(Wire):
        async def send(self, call: Call) -> Reply:
            reply = await super().send(call)
            return Reply(body=reply.body, request_id=reply.request_id)

    apart = Apart(7200.0)
    pool = apart.pool(transport=Dateless(apart.local.transport()))
    with pytest.raises(IncorrectUsernameOrPassword):
        await pool.sign_in("ana", PASSWORD)


# --- the end of a login ------------------------------------------------------------------


async def test_a_user_is_asked_to_sign_in_before_refreshes_stop_working() -> None:
    day = 86_400.0
    world = World(pool_options={"refresh_token_validity": day})
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    signed_in = world.clock.wall()
    for _ in range(32):
        if world.heard(ReauthenticationDue):
            break
        world.clock.advance(45 * 60)
        await session.refresh()
    (due,) = world.heard(ReauthenticationDue)
    assert due.username == "ana"
    assert due.deadline.timestamp() == pytest.approx(signed_in + day, abs=2)
    # A twentieth of the day early and at most twice that; and not after the next refresh.
    assert 4_320 - 2 <= signed_in + day - world.clock.wall() <= 8_640 + 48 * 60
    await session.refresh()
    assert len(world.heard(ReauthenticationDue)) == 1


async def test_without_a_validity_nobody_is_asked() -> None:
    world = World()
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    for _ in range(30):
        world.clock.advance(45 * 60)
        await session.refresh()
    assert not world.heard(ReauthenticationDue)


@pytest.mark.parametrize(
    ("validity", "error"),
    [("30 days", InvalidType), (True, InvalidType), (60, InvalidArgument), (1e12, InvalidArgument)],
)
def test_a_validity_that_cannot_be_one_is_refused(validity: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="refresh_token_validity"):
        World(pool_options={"refresh_token_validity": validity})
