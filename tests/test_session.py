"""A session hands out tokens that are fresh, and loses none."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import anyio
import pytest

from aiocognito import (
    RefreshFailing,
    SecurityAlert,
    Session,
    SessionEnded,
    TokensChanged,
)
from aiocognito._redact import Secret
from aiocognito.errors import (
    ConnectFailed,
    IncorrectUsernameOrPassword,
    InvalidConfiguration,
    KeysUnavailable,
    LocalProtocolError,
    RefreshFailed,
    RemoteProtocolError,
    ResponseLost,
    SessionClosed,
    SignInRequired,
    TokenExpired,
    TokenUserMismatch,
    TokenVerificationError,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.secret_hash import secret_hash
from aiocognito.testing import Drop, Html, InternalFailure, Refuse, Throttle
from aiocognito.tokens.claims import read_unverified
from aiocognito.tokens.model import NewDevice
from aiocognito.tokens.saved import SavedState

from .world import PASSWORD, World

REFRESH = "GetTokensFromRefreshToken"


async def signed_in(world: World, name: str = "ana") -> Session:
    world.add_user(name)
    return await world.pool.sign_in(name, PASSWORD)


async def until_landed(session: Session) -> None:
    await session._renewal.settle()


# --- fresh ------------------------------------------------------------------------


async def test_a_fresh_token_is_handed_out_without_a_call() -> None:
    world = World()
    session = await signed_in(world)
    sent = len(world.wire.sent)
    assert await session.access_token() == await session.access_token()
    assert (await session.id_token()).count(".") == 2
    assert len(world.wire.sent) == sent


async def test_claims_are_those_of_the_id_token() -> None:
    # F004
    world = World()
    session = await signed_in(world)
    assert session.claims["token_use"] == "id"
    assert session.claims.username == session.username == "ana"


async def test_without_a_token_there_are_no_claims() -> None:
    world = World()
    with pytest.raises(LocalProtocolError, match="id_token"):
        _ = world.pool.session("ana", password=PASSWORD).claims


# --- refreshed ahead of time ------------------------------------------------------


async def test_one_hour_is_refreshed_after_42_to_48_minutes() -> None:
    # F005, F101
    world = World()
    session = await signed_in(world)
    old = await session.access_token()
    world.clock.advance(41 * 60)
    await session.access_token()
    assert world.wire.counts[REFRESH] == 0
    world.clock.advance(7.5 * 60)
    await session.access_token()
    await until_landed(session)
    assert world.wire.counts[REFRESH] == 1
    assert await session.access_token() != old


async def test_while_due_everybody_is_served_and_one_call_is_made() -> None:
    world = World()
    session = await signed_in(world)
    world.clock.advance(50 * 60)
    served: list[str] = []

    async def ask() -> None:
        served.append(await session.access_token())

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    await until_landed(session)
    assert len(served) == 20
    assert world.wire.counts[REFRESH] == 1


async def test_a_hundred_callers_of_an_expired_token_share_one_refresh() -> None:
    world = World()
    session = await signed_in(world)
    world.clock.advance(2 * 3600)
    served: set[str] = set()

    async def ask() -> None:
        served.add(await session.access_token())

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(ask)
    assert len(served) == 1
    assert world.wire.counts[REFRESH] == 1


async def test_tokens_of_two_seconds_stay_fresh() -> None:
    # F030: lifetimes from seconds up
    world = World(access_token_validity=2, id_token_validity=2)
    session = await signed_in(world)
    for _ in range(100):
        world.clock.advance(0.2)
        claims = read_unverified(await session.access_token())
        assert claims.expires_at.timestamp() > world.clock.wall()
        await until_landed(session)
    assert 10 <= world.wire.counts[REFRESH] <= 20


async def test_refresh_on_request_brings_new_tokens() -> None:
    world = World()
    session = await signed_in(world)
    old = await session.access_token()
    await session.refresh()
    assert await session.access_token() != old
    assert [event.reason for event in world.heard(TokensChanged)] == ["sign-in", "refresh"]


async def test_a_token_an_api_refused_is_not_handed_out_again() -> None:
    world = World()
    session = await signed_in(world)
    old = await session.access_token()
    session.invalidate(old)
    new = await session.access_token()
    assert new != old
    session.invalidate(old)  # too late: a newer one is in place
    assert await session.access_token() == new
    assert world.wire.counts[REFRESH] == 1


# --- failing ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [Throttle(), InternalFailure(), Html(503), Html(200), Drop(), Refuse("ForbiddenException")],
    ids=lambda fault: f"{type(fault).__name__}{getattr(fault, 'status', '')}",
)
async def test_while_a_token_lives_trouble_is_not_the_callers(fault: Any) -> None:
    # threats 24, 41
    world = World()
    session = await signed_in(world)
    old = await session.access_token()
    world.local.faults.add(fault, operation=REFRESH, times=None)
    world.clock.advance(50 * 60)
    assert await session.access_token() == old
    await until_landed(session)
    world.clock.advance(9 * 60)  # critical now: the caller joins, and still gets it
    assert await session.access_token() == old
    assert world.heard(RefreshFailing)
    assert not world.heard(SessionEnded)
    world.local.faults.clear()
    world.clock.advance(120)
    assert await session.access_token() != old


async def test_an_expired_token_is_never_served() -> None:
    # threat 24
    world = World()
    session = await signed_in(world)
    world.local.faults.add(Throttle(), operation=REFRESH, times=None)
    world.clock.advance(3601)
    with pytest.raises(RefreshFailed) as caught:
        await session.access_token()
    assert caught.value.retry_after > 0
    assert caught.value.__cause__ is not None
    sent = len(world.wire.sent)
    with pytest.raises(RefreshFailed):  # inside the pause nobody asks again
        await session.access_token()
    assert len(world.wire.sent) == sent
    world.local.faults.clear()
    world.clock.advance(61)
    assert await session.access_token()


async def test_the_service_can_ask_for_a_longer_pause() -> None:
    world = World()
    session = await signed_in(world)
    world.local.faults.add(Throttle(retry_after=300), operation=REFRESH, times=None)
    world.clock.advance(3601)
    with pytest.raises(RefreshFailed) as caught:
        await session.access_token()
    assert caught.value.retry_after == pytest.approx(300, abs=1)


async def test_no_connection_is_tried_thrice_at_once() -> None:
    world = World()
    session = await signed_in(world)
    world.clock.advance(3601)

    async def unplugged() -> None:
        raise ConnectFailed(REFRESH, retry_safe=True)

    world.wire.before = [unplugged, unplugged]
    assert await session.access_token()
    assert world.wire.counts[REFRESH] == 3


@pytest.mark.parametrize(
    "body", [{}, {"ChallengeName": "SMS_MFA"}, {"AuthenticationResult": {}}], ids=str
)
async def test_a_malformed_answer_keeps_the_tokens(body: dict[str, Any]) -> None:
    # threat 13
    world = World()
    session = await signed_in(world)
    old = await session.access_token()
    real, world.wire.send = world.wire.send, answering(body)  # type: ignore[method-assign]
    with pytest.raises(RemoteProtocolError):
        await session.refresh()
    assert await session.access_token() == old
    world.wire.send = real  # type: ignore[method-assign]
    await session.refresh()


def answering(body: dict[str, Any]) -> Any:
    async def send(call: Call) -> Reply:
        return Reply(body=body)

    return send


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        ("NotAuthorizedException", "Refresh Token has expired", "refresh-token-rejected"),
        ("NotAuthorizedException", "Refresh Token has been revoked", "refresh-token-rejected"),
        ("NotAuthorizedException", "Invalid Refresh Token", "refresh-token-rejected"),
        ("NotAuthorizedException", "A text of tomorrow", "refresh-token-rejected"),
        ("NotAuthorizedException", "User is disabled.", "user-disabled"),
        ("UserNotFoundException", "User does not exist.", "user-gone"),
        ("PasswordResetRequiredException", "Password reset required", "password-reset-required"),
        ("UserNotConfirmedException", "User is not confirmed.", "user-not-confirmed"),
        ("RefreshTokenReuseException", "Refresh token reused", "refresh-token-reused"),
    ],
)
async def test_a_definite_refusal_ends_the_session(code: str, message: str, reason: str) -> None:
    world = World()
    session = await signed_in(world)
    world.local.faults.add(Refuse(code, message), operation=REFRESH)
    world.clock.advance(3601)
    with pytest.raises(SignInRequired) as caught:
        await session.access_token()
    assert (caught.value.reason, caught.value.username) == (reason, "ana")
    assert [event.reason for event in world.heard(SessionEnded)] == [reason]
    sent = len(world.wire.sent)
    world.clock.advance(600)
    with pytest.raises(SignInRequired):
        await session.access_token()
    assert len(world.wire.sent) == sent
    with pytest.raises(SignInRequired):
        session.export_state()


async def test_a_reused_token_is_a_security_alert() -> None:
    world = World()
    session = await signed_in(world)
    world.local.faults.add(Refuse("RefreshTokenReuseException"), operation=REFRESH)
    with pytest.raises(SignInRequired):
        await session.refresh()
    assert [event.kind for event in world.heard(SecurityAlert)] == ["refresh-token-reused"]


async def test_reuse_after_our_own_lost_answer_is_no_alert() -> None:
    # threat 25
    world = World(rotation=True)
    session = await signed_in(world)
    world.local.faults.add(Drop(), operation=REFRESH)
    with pytest.raises(ResponseLost):
        await session.refresh()
    with pytest.raises(SignInRequired) as caught:
        await session.refresh()
    assert caught.value.reason == "refresh-token-reused"
    assert not world.heard(SecurityAlert)


async def test_a_configuration_error_keeps_the_tokens() -> None:
    world = World()
    session = await signed_in(world)
    old = await session.access_token()
    world.local.faults.add(
        Refuse("InvalidUserPoolConfigurationException"), operation=REFRESH, times=None
    )
    world.clock.advance(50 * 60)
    assert await session.access_token() == old
    await until_landed(session)
    with pytest.raises(InvalidConfiguration):
        await session.refresh()
    assert not world.heard(SessionEnded)


# --- lost answers and rotation ----------------------------------------------------


async def test_a_rotated_token_replaces_the_old_one() -> None:
    world = World(rotation=True)
    session = await signed_in(world)
    before = session.export_state()
    await session.refresh()
    assert session.export_state() != before
    assert world.heard(TokensChanged)[-1].rotated
    for _ in range(3):
        await session.refresh()


async def test_without_rotation_the_old_refresh_token_is_kept() -> None:
    world = World()
    session = await signed_in(world)
    await session.refresh()
    await session.refresh()
    assert not world.heard(TokensChanged)[-1].rotated


async def test_a_lost_answer_is_asked_for_again_where_that_does_no_harm() -> None:
    # threat 25: rotation is known to be off after the first refresh
    world = World()
    session = await signed_in(world)
    await session.refresh()
    world.local.faults.add(Drop(), operation=REFRESH)
    await session.refresh()
    assert world.wire.counts[REFRESH] == 3


async def test_a_lost_answer_is_asked_for_again_inside_the_grace_period() -> None:
    # threat 25
    world = World(rotation=True, rotation_grace=60, pool_options={"rotation_grace": 60})
    session = await signed_in(world)
    world.local.faults.add(Drop(), operation=REFRESH)
    await session.refresh()
    await session.refresh()
    assert world.wire.counts[REFRESH] == 3


@pytest.mark.parametrize("grace", [None, 0, 24])
async def test_a_lost_answer_is_not_asked_for_again_where_it_could_harm(
    grace: float | None,
) -> None:
    # threat 25
    world = World(rotation=True, pool_options={"rotation_grace": grace})
    session = await signed_in(world)
    world.local.faults.add(Drop(), operation=REFRESH)
    with pytest.raises(ResponseLost):
        await session.refresh()
    assert world.wire.counts[REFRESH] == 1


# --- which operation refreshes ----------------------------------------------------


async def test_on_request_initiate_auth_refreshes_with_the_true_name() -> None:
    # F021: signed in with an alias, the hash is of the UUID
    world = World(
        client_secret=True,
        username_attributes=("email",),
        pool_options={"refresh_with": "REFRESH_TOKEN_AUTH"},
    )
    user = world.local.add_user("ana@example.com", PASSWORD)
    session = await world.pool.sign_in("Ana@Example.com", PASSWORD)
    assert session.username == user.username
    await session.refresh()
    auth = world.wire.sent[-1].parameters["AuthParameters"]
    assert world.wire.sent[-1].operation == "InitiateAuth"
    secret = world.local.client_secret
    assert secret is not None
    assert auth["SECRET_HASH"] == secret_hash(user.username, world.local.client_id, secret)


async def test_the_device_key_goes_with_every_refresh() -> None:
    world = World()
    session = await signed_in(world)
    session._take_over(with_device(session))
    await session.refresh()
    assert world.wire.sent[-1].parameters["DeviceKey"] == "eu-west-1_0a1b"


def with_device(session: Session) -> Any:
    state = SavedState.from_bytes(session.export_state())
    return SavedState(
        user_pool_id=state.user_pool_id,
        client_id=state.client_id,
        username=state.username,
        sub=state.sub,
        refresh_token=state.refresh_token,
        access_token=state.access_token,
        device=NewDevice(key="eu-west-1_0a1b", group_key="-abcdefgh"),
        rotates=state.rotates,
    )


# --- verification -----------------------------------------------------------------


async def test_forged_tokens_at_sign_in_are_not_handed_out() -> None:
    # threat 6: SRP proves nothing about the server
    world, forger = World(), World(user_pool_id="eu-west-1_Forger123")
    for each in (world, forger):
        each.add_user()
    world.wire._inner = forger.wire._inner  # another pool answers
    forged = world.another_pool(transport=ForgedIds(forger.wire, world))
    with pytest.raises(TokenVerificationError):
        await forged.sign_in("ana", PASSWORD)
    assert not world.heard(TokensChanged)
    assert [event.kind for event in world.heard(SecurityAlert)] == ["token-rejected"]


class ForgedIds:
    """Sends everything to another pool, under that pool's client."""

    def __init__(self, wire: Any, world: World) -> None:
        self._wire, self._world = wire, world

    async def send(self, call: Call) -> Reply:
        reply = await self._world.local.transport().send(call)
        if "AuthenticationResult" not in reply.body:
            return reply
        other = World(user_pool_id="eu-west-1_Forger123")
        other.add_user()
        evil = await other.pool.sign_in("ana", PASSWORD)
        result = {
            **reply.body["AuthenticationResult"],
            "AccessToken": await evil.access_token(),
            "IdToken": await evil.id_token(),
        }
        return Reply(body={"AuthenticationResult": result}, date=reply.date)

    async def aclose(self) -> None:
        return None


async def test_another_users_tokens_on_refresh_are_refused_and_the_old_ones_kept() -> None:
    # threat 14
    world = World(rotation=True)
    session = await signed_in(world)
    old, state = await session.access_token(), session.export_state()
    mallory = await signed_in(world, "mallory")
    stolen = {
        "AccessToken": await mallory.access_token(),
        "IdToken": await mallory.id_token(),
        "RefreshToken": "evil",
    }
    world.wire.send = answering({"AuthenticationResult": stolen})  # type: ignore[method-assign]
    with pytest.raises(TokenUserMismatch):
        await session.refresh()
    assert await session.access_token() == old
    assert session.export_state() == state
    assert [event.kind for event in world.heard(SecurityAlert)] == ["token-rejected"]


async def test_without_keys_a_rotated_refresh_token_is_kept_and_nothing_handed_out() -> None:
    # threat 14: not checkable is not proven wrong
    world = World(rotation=True)
    session = await signed_in(world)
    old, state = await session.access_token(), session.export_state()
    fresh_keys = world.another_pool()
    restored = fresh_keys.restore(state)
    world.keys.failing = ConnectFailed("jwks", retry_safe=True)
    with pytest.raises(RefreshFailed) as caught:
        await restored.access_token()
    assert isinstance(caught.value.__cause__, KeysUnavailable)
    assert restored.export_state() != state  # the rotated token is safe
    world.keys.failing = None
    world.clock.advance(120)
    refreshes = world.wire.counts[REFRESH]
    assert await restored.access_token() != old
    assert world.wire.counts[REFRESH] == refreshes  # verified later, not fetched again
    assert world.heard(TokensChanged)[-1].rotated


async def test_tokens_whose_keys_come_back_too_late_are_refreshed_again() -> None:
    world = World(rotation=True)
    session = await signed_in(world)
    restored = world.another_pool().restore(session.export_state())
    world.keys.failing = ConnectFailed("jwks", retry_safe=True)
    with pytest.raises(RefreshFailed):
        await restored.access_token()
    world.keys.failing = None
    world.clock.advance(2 * 3600)
    assert await restored.access_token()
    assert not world.heard(SecurityAlert)


async def test_a_wrong_local_clock_refuses_no_fresh_token() -> None:
    # threat 22: fresh tokens are judged by the service's clock
    world = World()
    world.add_user()

    class Fast:
        boot = world.clock.boot
        sleep = world.clock.sleep

        def wall(self) -> float:
            return world.clock.wall() + 2 * 3600

    pool = world.another_pool(clock=Fast())
    session = await pool.sign_in("ana", PASSWORD)
    assert await session.access_token()
    assert world.wire.counts[REFRESH] == 0


async def test_verification_can_be_switched_off_explicitly() -> None:
    world = World(pool_options={"verify_tokens": False})
    session = await signed_in(world)
    assert session.claims.username == "ana"
    assert world.keys.fetched == 0


async def test_unverified_and_unreadable_tokens_are_refused_all_the_same() -> None:
    world = World(pool_options={"verify_tokens": False})
    session = await signed_in(world)
    world.wire.send = answering(  # type: ignore[method-assign]
        {"AuthenticationResult": {"AccessToken": "a.b.c", "IdToken": "d.e.f"}}
    )
    with pytest.raises(RemoteProtocolError):
        await session.refresh()


# --- signing in again -------------------------------------------------------------


async def test_a_session_with_a_password_signs_in_on_first_use() -> None:
    world = World()
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    assert not world.wire.sent
    assert await session.access_token()
    assert world.wire.counts["InitiateAuth"] == 1


async def test_it_signs_in_again_when_the_refresh_token_dies() -> None:
    world = World(refresh_token_validity=3600 * 2)
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    await session.access_token()
    world.clock.advance(3 * 3600)
    assert await session.access_token()
    assert world.wire.counts["InitiateAuth"] == 2
    assert not world.heard(SessionEnded)


async def test_fifty_cold_callers_share_one_sign_in() -> None:
    world = World()
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(session.access_token)
    assert world.wire.counts["InitiateAuth"] == 1


async def test_a_disabled_user_is_not_signed_in_again() -> None:
    world = World()
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    await session.access_token()
    world.local.faults.add(Refuse("NotAuthorizedException", "User is disabled."), operation=REFRESH)
    with pytest.raises(SignInRequired, match="disabled"):
        await session.refresh()
    assert world.wire.counts["InitiateAuth"] == 1


async def test_a_refused_password_is_not_presented_twice() -> None:
    # threat 7: no guessing oracle, no lock-out
    world = World()
    world.add_user()
    current = "Wrong-Horse-9!"

    async def vault() -> str:
        return current

    session = world.pool.session("ana", password=vault)
    for _ in range(5):
        with pytest.raises(IncorrectUsernameOrPassword):
            await session.access_token()
        world.clock.advance(3600)
    assert world.wire.counts["InitiateAuth"] == 1
    current = PASSWORD  # rotated in the vault
    assert await session.access_token()
    assert world.wire.counts["InitiateAuth"] == 2


async def test_there_are_at_most_two_sign_ins_in_fifteen_minutes() -> None:
    # threat 7
    world = World()
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    dead = Refuse("NotAuthorizedException", "Refresh Token has been revoked")
    world.local.faults.add(dead, operation=REFRESH, times=None)
    await session.access_token()
    await session.refresh()
    with pytest.raises(RefreshFailed) as caught:
        await session.refresh()
    assert caught.value.retry_after == pytest.approx(900, abs=5)
    world.clock.advance(901)
    await session.refresh()
    assert world.wire.counts["InitiateAuth"] == 3


async def test_a_vault_that_fails_is_a_failed_refresh() -> None:
    world = World()
    world.add_user()

    async def vault() -> str:
        raise OSError("sealed")

    session = world.pool.session("ana", password=vault)
    with pytest.raises(RefreshFailed) as caught:
        await session.access_token()
    assert isinstance(caught.value.__cause__, OSError)
    assert not world.wire.sent


async def test_a_source_that_asks_its_own_session_is_told_so() -> None:
    world = World()
    world.add_user()

    async def circular() -> str:
        await session.access_token()
        return PASSWORD

    session = world.pool.session("ana", password=circular)
    with anyio.fail_after(5), pytest.raises(LocalProtocolError, match="its own session"):
        await session.access_token()


# --- keeping ----------------------------------------------------------------------


async def test_a_saved_session_goes_on_in_another_process() -> None:
    # F083
    world = World(client_secret=True, rotation=True)
    session = await signed_in(world)
    restored = world.another_pool().restore(session.export_state())
    assert restored.username == "ana"
    token = await restored.access_token()
    assert token != await session.access_token()
    assert world.wire.counts[REFRESH] == 1


async def test_another_users_tokens_are_refused_after_restoring_too() -> None:
    # threat 14
    world = World()
    session = await signed_in(world)
    restored = world.another_pool().restore(session.export_state())
    mallory = await signed_in(world, "mallory")
    world.wire.send = answering(  # type: ignore[method-assign]
        {
            "AuthenticationResult": {
                "AccessToken": await mallory.access_token(),
                "IdToken": await mallory.id_token(),
            }
        }
    )
    with pytest.raises(TokenUserMismatch):
        await restored.access_token()


async def test_a_restored_session_with_a_password_signs_in_again() -> None:
    world = World()
    session = await signed_in(world)
    state = session.export_state()
    await session.sign_out()
    restored = world.another_pool().restore(state, password=PASSWORD)
    assert await restored.access_token()


async def test_nothing_to_keep_before_the_first_sign_in() -> None:
    with pytest.raises(SignInRequired, match="not signed in"):
        World().pool.session("ana", password=PASSWORD).export_state()


# --- ending -----------------------------------------------------------------------


async def test_signing_out_revokes_and_forgets() -> None:
    world = World()
    session = await signed_in(world)
    state = session.export_state()
    await session.sign_out()
    assert world.wire.counts["RevokeToken"] == 1
    with pytest.raises(SessionClosed):
        await session.access_token()
    with pytest.raises(SessionClosed):
        await session.refresh()
    with pytest.raises(SignInRequired):
        await world.another_pool().restore(state).access_token()
    await session.sign_out()  # idempotent
    assert world.wire.counts["RevokeToken"] == 1


async def test_signing_out_everywhere_ends_other_sessions_too() -> None:
    world = World()
    session = await signed_in(world)
    other = await world.pool.sign_in("ana", PASSWORD)
    await session.sign_out(everywhere=True)
    assert world.wire.counts["GlobalSignOut"] == 1
    with pytest.raises(SignInRequired):
        await other.refresh()


@pytest.mark.parametrize("fault", [Throttle(), Drop(), Refuse("UnauthorizedException")], ids=str)
async def test_local_sign_out_always_succeeds(fault: Any) -> None:
    world = World()
    session = await signed_in(world)
    world.local.faults.add(fault, times=None)
    await session.sign_out(everywhere=True)
    with pytest.raises(SessionClosed):
        await session.access_token()


async def test_a_service_identity_stays_signed_out() -> None:
    world = World()
    world.add_user()
    session = world.pool.session("ana", password=PASSWORD)
    await session.access_token()
    await session.sign_out()
    with pytest.raises(SessionClosed):
        await session.access_token()


async def test_signing_out_of_a_closed_pool_sends_nothing() -> None:
    world = World()
    session = await signed_in(world)
    await world.pool.aclose()
    await session.sign_out(everywhere=True)
    assert not world.wire.counts["RevokeToken"]
    assert not world.wire.counts["GlobalSignOut"]


async def test_a_closed_pool_closes_its_sessions() -> None:
    world = World()
    session = await signed_in(world)
    await world.pool.aclose()
    for use in (session.access_token, session.id_token, session.refresh):
        with pytest.raises(SessionClosed):
            await use()


# --- apart ------------------------------------------------------------------------


async def test_two_users_of_one_pool_never_mix() -> None:
    # threat 42
    world = World()
    sessions = [await signed_in(world, name) for name in ("ana", "ben")]
    world.clock.advance(3601)
    got: dict[str, set[str]] = {"ana": set(), "ben": set()}

    async def ask(session: Session, name: str) -> None:
        await session.access_token()
        got[name].add(str(session.claims.username))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            for session, name in zip(sessions, got, strict=True):
                group.start_soon(ask, session, name)
    assert got == {"ana": {"ana"}, "ben": {"ben"}}
    assert world.wire.counts[REFRESH] == 2


async def test_a_session_is_neither_pickled_nor_copied_nor_shown() -> None:
    # threat 48
    world = World()
    session = await signed_in(world)
    token = await session.access_token()
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(session)
    assert token not in repr(session)
    assert not hasattr(session, "_repr_html_")
    with pytest.raises(TypeError):
        pickle.dumps(world.pool)
    with pytest.raises(TypeError):
        pickle.dumps(Secret(token))


async def test_a_session_without_an_identity_pool_says_what_is_missing() -> None:
    world = World()
    session = await signed_in(world)
    with pytest.raises(LocalProtocolError, match="identity_pool_id"):
        session.aws_session()


async def test_an_observer_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: object) -> None:
        raise RuntimeError("observer")

    world = World(pool_options={"observer": broken})
    session = await signed_in(world)
    assert await session.access_token()
    assert "TokensChanged" in caplog.text


async def test_expired_tokens_from_the_server_are_no_attack() -> None:
    world = World(access_token_validity=1, id_token_validity=1)
    session = await signed_in(world)
    issued: list[Reply] = []
    real = world.wire._inner.send

    async def slow(call: Call) -> Reply:
        reply = await real(call)
        issued.append(reply)
        world.clock.advance(3600)
        return Reply(body=reply.body, date=None)

    world.wire._inner.send = slow  # type: ignore[method-assign]
    with pytest.raises(TokenExpired):
        await session.refresh()
    world.wire._inner.send = real  # type: ignore[method-assign]
    await session.refresh()
    assert not world.heard(SecurityAlert)
