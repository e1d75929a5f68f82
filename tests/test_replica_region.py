"""A replica region that does not offer everything (threat 45)."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito import OperationNotEnabled
from aiocognito.testing import Refuse
from tests.world import PASSWORD, World

HERE_NOT = Refuse("OperationNotEnabledException", "Operation is not enabled in this region.")


@pytest.fixture
def here() -> World:
    made = World()
    made.add_user()
    return made


def not_here(here: World, operation: str) -> None:
    here.local.faults.add(HERE_NOT, operation=operation, times=None)


async def test_a_sign_in_says_that_the_region_is_the_wrong_one(here: World) -> None:
    # threat 45
    not_here(here, "InitiateAuth")
    with pytest.raises(OperationNotEnabled) as caught:
        await here.pool.sign_in("ana", PASSWORD)
    assert "primary region" in str(caught.value)
    assert not caught.value.retry_safe
    assert len(here.wire.sent) == 1


async def test_a_refused_refresh_keeps_the_tokens_and_signs_nobody_in(here: World) -> None:
    # threat 45
    session = here.pool.session("ana", password=PASSWORD)
    await session.access_token()
    not_here(here, "GetTokensFromRefreshToken")
    here.wire.sent.clear()
    for _ in range(3):
        with pytest.raises(OperationNotEnabled):
            await session.refresh()
    assert here.wire.counts == {"GetTokensFromRefreshToken": 3}
    assert await session.access_token()
    here.local.faults.clear()
    here.clock.advance(61)
    await session.refresh()
    assert here.wire.counts["InitiateAuth"] == 0


async def test_a_worker_does_not_sign_in_again_and_again(here: World) -> None:
    # threat 45
    session = here.pool.session("ana", password=PASSWORD)
    not_here(here, "RespondToAuthChallenge")
    for _ in range(20):
        with pytest.raises(OperationNotEnabled):
            await session.access_token()
    assert here.wire.counts["InitiateAuth"] == 1  # then a minute's rest


async def test_an_expired_worker_asks_rarely_and_keeps_its_refresh_token(here: World) -> None:
    # threat 45
    session = here.pool.session("ana", password=PASSWORD)
    await session.access_token()
    not_here(here, "GetTokensFromRefreshToken")
    here.clock.advance(3601)
    here.wire.sent.clear()
    for _ in range(10):
        with pytest.raises(OperationNotEnabled):
            await session.access_token()
    assert here.wire.counts == {"GetTokensFromRefreshToken": 1}
    here.local.faults.clear()
    here.clock.advance(61)
    assert await session.access_token()
    assert here.wire.counts == {"GetTokensFromRefreshToken": 2}


@pytest.mark.parametrize("operation", ["AssociateSoftwareToken", "ChangePassword"])
async def test_what_a_session_asks_for_ends_no_session(here: World, operation: str) -> None:
    session = await here.pool.sign_in("ana", PASSWORD)
    not_here(here, operation)
    asking: Any = (
        session.set_up_totp(issuer="Example")
        if operation == "AssociateSoftwareToken"
        else session.change_password(PASSWORD, "An0ther-one!")
    )
    with pytest.raises(OperationNotEnabled):
        await asking
    assert here.wire.counts[operation] == 1
    assert await session.access_token()
