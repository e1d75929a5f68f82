"""How long tokens that have just come may be handed out.

Verification is switched off here: `tests/verify` and `tests/test_session.py` have it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aiocognito._issued import Issued, accept
from aiocognito._redact import Secret
from aiocognito._refresh import Fresh, Timing
from aiocognito.errors import RemoteProtocolError, TokenExpired
from aiocognito.testing import ManualClock
from aiocognito.tokens.freshness import Freshness, freshness
from aiocognito.tokens.model import TokenSet

from .verify.forge import HOUR, NOW, access_claims, id_claims, sign

SENT_BOOT = 1_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=NOW, boot=SENT_BOOT)


def came(
    clock: ManualClock,
    *,
    access: dict[str, Any] | None = None,
    identity: dict[str, Any] | None = None,
    expires_in: float | None = None,
    date: float | None = None,
) -> Issued:
    """Tokens that arrive now, for a request that left now."""
    return Issued(
        reason="refresh",
        tokens=TokenSet(
            access_token=Secret(sign(access_claims(**(access or {})))),
            id_token=None if identity is None else Secret(sign(id_claims(**identity))),
            expires_in=expires_in,
        ),
        sent_boot=clock.boot(),
        sent_wall=clock.wall(),
        date=None if date is None else datetime.fromtimestamp(date, UTC),
    )


async def accepted(issued: Issued, clock: ManualClock) -> Fresh[Any]:
    timing = Timing(clock=clock, jitter=lambda: 0.0)
    return await accept(issued, verifier=None, timing=timing, username=None, sub=None)


async def life(issued: Issued, clock: ManualClock) -> float:
    return (await accepted(issued, clock)).schedule.expires_at - issued.sent_boot


async def test_a_life_is_what_lies_between_its_two_claims(clock: ManualClock) -> None:
    assert await life(came(clock), clock) == pytest.approx(HOUR, abs=1)


@pytest.mark.parametrize("wrong_by", [-400 * 86400, -3600, 3600, 400 * 86400])
async def test_a_wrong_local_clock_changes_no_life(clock: ManualClock, wrong_by: float) -> None:
    # threat 22
    clock.jump(wrong_by)
    fresh = await accepted(came(clock), clock)
    assert fresh.schedule.expires_at - SENT_BOOT == pytest.approx(HOUR, abs=1)
    now = freshness(fresh.schedule, boot=clock.boot(), wall=clock.wall())
    assert now is Freshness.FRESH


async def test_the_token_that_ends_first_ends_both(clock: ManualClock) -> None:
    issued = came(clock, identity={"exp": NOW + 300})
    fresh = await accepted(issued, clock)
    assert fresh.schedule.expires_at - SENT_BOOT == pytest.approx(300, abs=1)
    assert fresh.value.expires_at == datetime.fromtimestamp(NOW + 300, UTC)


async def test_a_shorter_life_that_the_answer_names_wins(clock: ManualClock) -> None:
    assert await life(came(clock, expires_in=60), clock) == pytest.approx(60, abs=1)


async def test_a_longer_life_that_the_answer_names_does_not(clock: ManualClock) -> None:
    assert await life(came(clock, expires_in=86400), clock) == pytest.approx(HOUR, abs=1)


async def test_without_iat_the_life_the_answer_names_has_to_do(clock: ManualClock) -> None:
    issued = came(clock, access={"iat": None}, expires_in=600)
    assert await life(issued, clock) == pytest.approx(600, abs=1)


async def test_an_old_answer_played_again_has_lived_for_a_while(clock: ManualClock) -> None:
    # The service's clock is in the answer: half of this token's life is over.
    assert await life(came(clock, date=NOW + 1800), clock) == pytest.approx(1800, abs=1)


async def test_an_answer_whose_tokens_have_ended_is_refused(clock: ManualClock) -> None:
    with pytest.raises(TokenExpired):
        await accepted(came(clock, date=NOW + HOUR), clock)


async def test_tokens_that_ended_while_they_waited_are_refused(clock: ManualClock) -> None:
    issued = came(clock)
    clock.advance(HOUR)
    with pytest.raises(TokenExpired):
        await accepted(issued, clock)


async def test_a_token_of_no_known_length_is_refused(clock: ManualClock) -> None:
    with pytest.raises(RemoteProtocolError, match="lifetime"):
        await accepted(came(clock, access={"iat": None}), clock)


async def test_a_token_of_two_seconds_ends_no_later_than_it_says(clock: ManualClock) -> None:
    # `iat` in whole seconds: issued at .9, it ends 1.1 seconds later.
    clock.jump(0.9)
    assert await life(came(clock, access={"exp": NOW + 2}), clock) == pytest.approx(1.1)


async def test_the_time_on_the_wire_is_part_of_the_life(clock: ManualClock) -> None:
    issued = came(clock)
    clock.advance(30)
    fresh = await accepted(issued, clock)
    assert fresh.schedule.expires_at <= SENT_BOOT + HOUR


async def test_an_unreadable_token_is_refused_and_not_shown(clock: ManualClock) -> None:
    # threat 34
    issued = Issued(
        reason="sign-in",
        tokens=TokenSet(access_token=Secret("canary-no-token")),
        sent_boot=clock.boot(),
        sent_wall=clock.wall(),
    )
    with pytest.raises(RemoteProtocolError, match="unreadable") as caught:
        await accepted(issued, clock)
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_live_tokens_show_themselves_to_nobody(clock: ManualClock) -> None:
    # threat 34
    fresh = await accepted(came(clock, identity={}), clock)
    assert fresh.value.access_token not in repr(fresh)
    assert fresh.value.id_token not in repr(fresh)
