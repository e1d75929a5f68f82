"""What a session keeps when things go wrong around its refresh token."""

from __future__ import annotations

import anyio
import pytest

from aiocognito import SecurityAlert, Session, _presenting
from aiocognito.errors import DeadlineExceeded, SignInRequired
from aiocognito.testing import Refuse

from .world import PASSWORD, World

REFRESH = "GetTokensFromRefreshToken"


async def signed_in(world: World) -> Session:
    world.add_user()
    return await world.pool.sign_in("ana", PASSWORD)


async def silence() -> None:
    await anyio.sleep_forever()


@pytest.fixture
def _short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_presenting, "_REFRESH_SECONDS", 0.05)


@pytest.mark.usefixtures("_short_deadline")
@pytest.mark.parametrize("rotation", [True, False])
async def test_a_refresh_that_is_never_answered_is_given_up(rotation: bool) -> None:
    # threat 25: whatever a rotation lost, nobody waits for ever
    world = World(rotation=rotation)
    session = await signed_in(world)
    await session.refresh()  # tells whether the pool rotates
    world.wire.before.append(silence)
    with anyio.fail_after(5), pytest.raises(DeadlineExceeded) as caught:
        await session.refresh()
    # Only without rotation may the same refresh token be sent again.
    assert caught.value.retry_safe is not rotation
    await session.refresh()
    assert world.wire.counts[REFRESH] == 3


@pytest.mark.usefixtures("_short_deadline")
async def test_reuse_after_an_answer_that_came_too_late_is_no_alert() -> None:
    # threat 25
    world = World(rotation=True)
    session = await signed_in(world)
    world.wire.before.append(silence)
    with pytest.raises(DeadlineExceeded):
        await session.refresh()
    world.local.faults.add(Refuse("RefreshTokenReuseException"), operation=REFRESH)
    with pytest.raises(SignInRequired):
        await session.refresh()
    assert not world.heard(SecurityAlert)
