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


async def refresh_unanswered(world: World, session: Session) -> DeadlineExceeded:
    """Refresh while the service is silent. Only this call has a short deadline."""
    world.wire.before.append(silence)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_presenting, "_REFRESH_SECONDS", 0.05)
        with anyio.fail_after(5), pytest.raises(DeadlineExceeded) as caught:
            await session.refresh()
    return caught.value


@pytest.mark.parametrize("rotation", [True, False])
async def test_a_refresh_that_is_never_answered_is_given_up(rotation: bool) -> None:
    # threat 25: whatever a rotation lost, nobody waits for ever
    world = World(rotation=rotation)
    session = await signed_in(world)
    await session.refresh()  # tells whether the pool rotates
    error = await refresh_unanswered(world, session)
    # Only without rotation may the same refresh token be sent again.
    assert error.retry_safe is not rotation
    await session.refresh()
    assert world.wire.counts[REFRESH] == 3


async def test_reuse_after_an_answer_that_came_too_late_is_no_alert() -> None:
    # threat 25
    world = World(rotation=True)
    session = await signed_in(world)
    await refresh_unanswered(world, session)
    world.local.faults.add(Refuse("RefreshTokenReuseException"), operation=REFRESH)
    with pytest.raises(SignInRequired):
        await session.refresh()
    assert not world.heard(SecurityAlert)
