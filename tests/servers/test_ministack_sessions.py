"""Tokens that stay fresh, are revoked, and come back, against a server we did not write."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import anyio
import anyio.to_thread
import pytest
from botocore.exceptions import ClientError

from aiocognito import (
    Event,
    RefreshFailing,
    Session,
    SessionClosed,
    SessionEnded,
    SignInRequired,
    TokenExpired,
    TokensChanged,
    UserPool,
)
from aiocognito.tokens.claims import read_unverified
from tests import soak
from tests.servers.ministack import PASSWORD, AppThere, UserThere

pytestmark = pytest.mark.peer

OPERATIONS = ["GetTokensFromRefreshToken", "REFRESH_TOKEN_AUTH"]


def is_accepted(app: AppThere, access_token: str) -> bool:
    """Ask the server whether it still takes this access token."""
    try:
        app.pool.owner.get_user(AccessToken=access_token)
    except ClientError:
        return False
    return True


# --- refreshing -----------------------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("called", ["name", "email"])
async def test_a_refresh_brings_new_tokens(
    app: AppThere, ana: UserThere, called: str, operation: Any
) -> None:
    # F043: with a secret the hash is of the true name, also after signing in by alias
    async with app.open(refresh_with=operation) as pool:
        session = await pool.sign_in(getattr(ana, called), PASSWORD)
        first = await session.access_token(), await session.id_token()
        await session.refresh()
        second = await session.access_token(), await session.id_token()
        assert set(first).isdisjoint(second)
        assert session.claims.sub == ana.sub
        assert is_accepted(app, second[0])


async def test_a_refresh_brings_what_changed_meanwhile(app: AppThere, ana: UserThere) -> None:
    group = f"group-{time.time_ns()}"
    app.pool.owner.create_group(UserPoolId=app.pool.id, GroupName=group)
    async with app.open() as pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        app.pool.owner.admin_add_user_to_group(
            UserPoolId=app.pool.id, Username=ana.name, GroupName=group
        )
        assert not session.claims.groups
        await session.refresh()
        assert session.claims.groups == (group,)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_saved_state_goes_on_in_another_process(
    app: AppThere, ana: UserThere, operation: Any
) -> None:
    # F083
    async with app.open() as pool:
        kept = (await pool.sign_in(ana.email, PASSWORD)).export_state()
    async with app.open(refresh_with=operation) as pool:
        session = pool.restore(kept)
        assert is_accepted(app, await session.access_token())
        assert (session.username, session.claims.sub) == (ana.name, ana.sub)


# --- ending ---------------------------------------------------------------------------


async def test_signing_out_revokes_this_sign_in_only(app: AppThere, ana: UserThere) -> None:
    async with app.open() as pool:
        session, other = [await pool.sign_in(ana.name, PASSWORD) for _ in range(2)]
        token, kept = await session.access_token(), session.export_state()
        await session.sign_out()
        with pytest.raises(SessionClosed):
            await session.access_token()
        assert not is_accepted(app, token)
        with pytest.raises(SignInRequired) as caught:
            await pool.restore(kept).access_token()
        assert caught.value.reason == "refresh-token-rejected"
        await other.refresh()
        assert is_accepted(app, await other.access_token())


async def test_signing_out_everywhere_ends_the_users_other_sessions(
    app: AppThere, ana: UserThere
) -> None:
    bob = app.pool.add_user()
    async with app.open() as pool:
        here, elsewhere = [await pool.sign_in(ana.name, PASSWORD) for _ in range(2)]
        somebody = await pool.sign_in(bob.name, PASSWORD)
        await here.sign_out(everywhere=True)
        with pytest.raises(SignInRequired):
            await elsewhere.refresh()
        await somebody.refresh()


async def revoke_behind_its_back(session: Session, app: AppThere) -> None:
    app.pool.owner.admin_user_global_sign_out(UserPoolId=app.pool.id, Username=session.username)


async def test_a_session_whose_token_was_revoked_says_for_whom(
    app: AppThere, ana: UserThere
) -> None:
    events: list[Event] = []
    async with app.open(observer=events.append) as pool:
        session = await pool.sign_in(ana.email, PASSWORD)
        await revoke_behind_its_back(session, app)
        with pytest.raises(SignInRequired) as caught:
            await session.refresh()
    assert (caught.value.username, caught.value.reason) == (ana.name, "refresh-token-rejected")
    ended = [event for event in events if isinstance(event, SessionEnded)]
    assert [(event.username, event.reason) for event in ended] == [
        (ana.name, "refresh-token-rejected")
    ]


async def test_a_session_with_a_password_signs_in_again(app: AppThere, ana: UserThere) -> None:
    async def read_secret() -> str:
        return PASSWORD

    async with app.open() as pool:
        session = pool.session(ana.email, password=read_secret)
        first = await session.access_token()
        await revoke_behind_its_back(session, app)
        await session.refresh()
        second = await session.access_token()
        assert is_accepted(app, second)
        assert not is_accepted(app, first)
        assert session.username == ana.name


async def test_a_disabled_users_session_ends_even_with_a_password(
    app: AppThere, ana: UserThere
) -> None:
    async with app.open() as pool:
        session = pool.session(ana.name, password=PASSWORD)
        await session.access_token()
        app.pool.owner.admin_disable_user(UserPoolId=app.pool.id, Username=ana.name)
        with pytest.raises(SignInRequired) as caught:
            await session.refresh()
        assert caught.value.reason == "user-disabled"


# --- in real time ---------------------------------------------------------------------

LIFE = 2 if soak.LONG else 4  # seconds; two want a machine of their own
WATCHED = 20.0
CALLERS = 3


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_tokens_of_a_few_seconds_are_kept_fresh(
    public: AppThere, confidential: AppThere, ana: UserThere
) -> None:
    """Three callers of each session ask all the time and never get a dead token."""
    # F005, F030, F101, F114
    async with anyio.create_task_group() as tasks:
        for app in (public, confidential):
            short = app.pool.add_app(
                secret=app.client_secret is not None,
                AccessTokenValidity=LIFE,
                IdTokenValidity=LIFE,
                TokenValidityUnits={"AccessToken": "seconds", "IdToken": "seconds"},
            )
            for operation in OPERATIONS:
                tasks.start_soon(_watch, short, ana, operation)


async def _watch(app: AppThere, user: UserThere, operation: str) -> None:
    events: list[Event] = []
    seen: set[str] = set()
    async with app.open(refresh_with=operation, observer=events.append) as pool:
        session = await _signed_in(pool, user)
        events.clear()
        until = time.monotonic() + WATCHED
        async with anyio.create_task_group() as tasks:
            for number in range(CALLERS):
                tasks.start_soon(_keep_asking, session, app, seen, until, 0.03 + 0.02 * number)
    assert not [event for event in events if isinstance(event, RefreshFailing)]
    assert len(seen) > WATCHED / LIFE
    # One refresh for all callers. (A busy machine may bring a token that nobody sees.)
    brought = [event for event in events if isinstance(event, TokensChanged)]
    assert len(brought) < 1.5 * len(seen)


async def _signed_in(pool: UserPool, user: UserThere) -> Session:
    # Four cold starts at once, on a busy machine, may outlast a token.
    for _ in range(5):
        with suppress(TokenExpired):
            return await pool.sign_in(user.email, PASSWORD)
    pytest.fail("every sign-in took longer than its tokens live")


async def _keep_asking(
    session: Session, app: AppThere, seen: set[str], until: float, pause: float
) -> None:
    while time.monotonic() < until:
        token = await session.access_token()
        end = read_unverified(token).expires_at.timestamp()
        assert time.time() < end, "a token was handed out after its end"
        if token not in seen:
            seen.add(token)
            accepted = await anyio.to_thread.run_sync(is_accepted, app, token)
            assert accepted or time.time() >= end
        await anyio.sleep(pause)
