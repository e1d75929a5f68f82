"""A worker with an identity of its own, over the hours."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito import Fleet, RememberedDevice, Session, responders
from aiocognito.errors import IncorrectUsernameOrPassword, InvalidSession, RefreshFailed
from aiocognito.events import ReauthenticationDue, SessionEnded, TokensChanged
from aiocognito.stores import MemoryTokenStore
from aiocognito.testing import Refuse

from .world import PASSWORD, World

REFRESH = "GetTokensFromRefreshToken"
VALIDITY = 12 * 3600.0  # the end is seen to 36 to 72 minutes early


class Service(World):
    def __init__(self, *, stored: str = "", **options: Any) -> None:
        pool_options = {"refresh_token_validity": VALIDITY, **options.pop("pool_options", {})}
        super().__init__(pool_options=pool_options, **options)
        changes: dict[str, Any] = {}
        if stored:
            changes["store"] = MemoryTokenStore(clock=self.clock)
        if stored == "shared":
            changes["fleet"] = Fleet(rotates=False)
        self.pool = self.another_pool(**changes)
        self.add_user()

    async def pass_hours(self, session: Session, hours: float) -> None:
        """Ask for a token each quarter of an hour."""
        for _ in range(int(hours * 4)):
            self.clock.advance(900)
            assert await session.access_token()
            await session._renewal.settle()


@pytest.mark.parametrize("stored", ["", "alone", "shared"])
async def test_it_signs_in_again_before_the_refresh_token_ends_by_itself(stored: str) -> None:
    world = Service(stored=stored)
    session = world.pool.session("ana", password=PASSWORD)
    await session.access_token()
    await world.pass_hours(session, 10)
    assert world.wire.counts["InitiateAuth"] == 1
    await world.pass_hours(session, 1.75)
    assert world.wire.counts["InitiateAuth"] == 2
    await world.pass_hours(session, 8)
    assert world.wire.counts["InitiateAuth"] == 2
    assert not world.heard(SessionEnded)
    assert not world.heard(ReauthenticationDue)


@pytest.mark.parametrize("stored", ["", "alone", "shared"])
async def test_if_that_does_not_work_it_lives_on_the_refresh_token_to_the_end(
    stored: str,
) -> None:
    world = Service(stored=stored)
    passwords = [PASSWORD]

    async def vault() -> str:
        return passwords[-1]

    session = world.pool.session("ana", password=vault)
    await session.access_token()
    await world.pass_hours(session, 9)
    passwords.append("Outdated-Horse-9!")
    await world.pass_hours(session, 2.75)
    # Presented once; then never again until the source gives another one.
    assert world.wire.counts["InitiateAuth"] == 2
    assert not world.heard(SessionEnded)
    passwords.append(PASSWORD)
    await world.pass_hours(session, 1)
    assert world.wire.counts["InitiateAuth"] == 3
    assert [event.reason for event in world.heard(TokensChanged)].count("sign-in") == 2


async def test_without_a_password_somebody_is_asked_in_time() -> None:
    world = Service()
    session = await world.pool.sign_in("ana", PASSWORD)
    await world.pass_hours(session, 11.75)
    assert len(world.heard(ReauthenticationDue)) == 1


async def test_a_sign_in_whose_session_ended_on_the_way_begins_anew_once() -> None:
    world = World()
    world.add_user()
    ended = Refuse("NotAuthorizedException", "Invalid session for the user, session is expired.")
    world.local.faults.add(ended, operation="RespondToAuthChallenge")
    session = world.pool.session("ana", password=PASSWORD)
    assert await session.access_token()
    assert world.wire.counts["InitiateAuth"] == 2
    for _ in range(2):
        world.local.faults.add(ended, operation="RespondToAuthChallenge")
    with pytest.raises(InvalidSession):
        await world.pool.sign_in("ana", PASSWORD)
    assert world.wire.counts["InitiateAuth"] == 4


def asleep_before(world: World, challenge: str, *, seconds: float = 600.0) -> None:
    """Let the machine sleep before the answer to this challenge leaves."""

    async def looking() -> None:
        if world.wire.sent[-1].parameters.get("ChallengeName") == challenge:
            world.clock.advance(seconds)
            world.wire.before.clear()
        else:
            world.wire.before.append(looking)

    world.wire.before.append(looking)


async def test_a_proof_that_slept_on_its_way_is_no_wrong_password() -> None:
    # threat 23: the service calls it one, and a refused password is never presented again
    world = World()
    world.add_user()
    asleep_before(world, "PASSWORD_VERIFIER")
    session = world.pool.session("ana", password=PASSWORD)
    assert await session.access_token()
    assert world.wire.counts["InitiateAuth"] == 2
    login = world.pool.login("ana", PASSWORD)
    asleep_before(world, "PASSWORD_VERIFIER")
    with pytest.raises(InvalidSession, match="again"):
        await login.start()


async def test_a_wrong_password_is_one_however_late_it_was_first() -> None:
    world = World()
    world.add_user()
    asleep_before(world, "PASSWORD_VERIFIER")
    with pytest.raises(IncorrectUsernameOrPassword):
        await world.pool.sign_in("ana", "wrong")
    assert world.wire.counts["InitiateAuth"] == 2


async def test_a_devices_proof_that_slept_on_its_way_drops_no_device() -> None:
    world = World(device_tracking="ALWAYS", pool_options={"devices": "remember"})
    world.add_user()
    first = await world.pool.sign_in("ana", PASSWORD)
    device = first.device
    assert isinstance(device, RememberedDevice)
    # The challenge is still open after two minutes and a half; the proof is too old.
    asleep_before(world, "DEVICE_PASSWORD_VERIFIER", seconds=150)
    too_old = Refuse("NotAuthorizedException", "Incorrect username or password.")
    world.local.faults.add(too_old, operation="RespondToAuthChallenge", after=2)
    session = world.pool.session("ana", password=PASSWORD, device=device)
    assert await session.access_token()
    assert session.device is device


async def test_a_locked_user_is_left_alone() -> None:
    world = World()
    world.add_user()
    locked = Refuse("NotAuthorizedException", "Password attempts exceeded")
    world.local.faults.add(locked, operation="RespondToAuthChallenge")
    session = world.pool.session("ana", password=PASSWORD)
    for _ in range(3):
        with pytest.raises(RefreshFailed) as caught:
            await session.access_token()
        assert caught.value.retry_after == pytest.approx(60)
    assert world.wire.counts["InitiateAuth"] == 1
    world.clock.advance(60)
    assert await session.access_token()


async def test_no_code_of_an_authenticator_is_used_twice_by_signing_in_again() -> None:
    # threat 46
    world = World(rotation=True, mfa="OPTIONAL")
    user = world.local.add_user("ana", PASSWORD, totp=True)
    assert user.totp_secret is not None
    respond = responders.totp(user.totp_secret, clock=world.clock)
    session = world.pool.session("ana", password=PASSWORD, respond=respond)
    await session.access_token()
    revoked = Refuse("NotAuthorizedException", "Refresh Token has been revoked")
    world.local.faults.add(revoked, operation=REFRESH)
    await session.refresh()  # in the same half minute
    codes = [
        call.parameters["ChallengeResponses"]["SOFTWARE_TOKEN_MFA_CODE"].reveal()
        for call in world.wire.sent
        if call.parameters.get("ChallengeName") == "SOFTWARE_TOKEN_MFA"
    ]
    assert len(codes) == len(set(codes)) == 2
