"""Both flows to credentials, cancelled at every point, and searched for what they must not show.

F099
"""

from __future__ import annotations

import gc
from typing import Any

import anyio
import pytest
from aiobotocore.session import AioSession

from aiocognito import logins
from aiocognito._protected import on_asyncio
from aiocognito.aws_identity import AwsIdentity
from aiocognito.flow.aws_flows import BasicFlow
from aiocognito.identity_pool import IdentityPool
from aiocognito.testing import (
    Alter,
    Answer,
    Html,
    LocalCognito,
    LocalRole,
    Malformed,
    ManualClock,
    Refuse,
)
from tests.adversary.test_canaries import Canaries, Listener, fails, listener
from tests.test_cancellation import cancel_after, natively_cancel_after
from tests.test_identity_pool_local import AwsWorld

__all__ = ["listener"]

ROLE = "arn:aws:iam::000000000000:role/reader"
STS = "AssumeRoleWithWebIdentity"
POINTS = range(20)


def world_with_a_role() -> AwsWorld:
    world = AwsWorld(classic_flow=True, developer_provider="login.example")
    world.local.identity_pool.add_role(LocalRole(arn=ROLE))
    return world


async def is_sound(world: AwsWorld, holder: AwsIdentity) -> None:
    """Whoever asks next gets credentials that the pool knows, and nobody is stuck."""
    with anyio.fail_after(5):
        found = await holder.credentials()
        assert await holder.credentials() is found
        await holder._renewal.settle()
    issued = world.local.identity_pool.lookup(found.access_key_id)
    assert issued is not None
    assert issued.identity_id == found.identity_id == await holder.identity_id()


@pytest.mark.parametrize("kind", ["guest", "developer"])
@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_a_basic_exchange_is_cancelled_anywhere(kind: str, native: bool) -> None:
    # threat 26
    if native and not on_asyncio():
        return  # Trio knows only scopes
    flow, hit = BasicFlow(ROLE), 0
    for points in POINTS:
        world = world_with_a_role()
        async with world.pool, world.identities:
            holder = (
                world.identities.guest(flow=flow)
                if kind == "guest"
                else world.identities.for_developer_user({"login.example": "ana"}, flow=flow)
            )
            cancel = natively_cancel_after if native else cancel_after
            hit += await cancel(points, holder.credentials)
            await is_sound(world, holder)
    assert hit > 3, "the exchange was over before it was cancelled"


async def test_waiters_go_on_although_the_first_of_them_is_cancelled() -> None:
    # threat 26
    for points in POINTS:
        world = world_with_a_role()
        async with world.pool, world.identities:
            holder = world.identities.guest(flow=BasicFlow(ROLE))
            found: list[Any] = []

            async def wait(holder: AwsIdentity = holder, found: list[Any] = found) -> None:
                found.append(await holder.credentials())

            async with anyio.create_task_group() as group:
                group.start_soon(cancel_after, points, holder.credentials)
                for _ in range(3):
                    group.start_soon(wait)
            assert len(found) == 3
            assert len({keys.access_key_id for keys in found}) == 1
            await is_sound(world, holder)


async def test_two_developer_users_interleaved_never_mix() -> None:
    # threat 42
    world = world_with_a_role()
    async with world.pool, world.identities:
        holders = {
            name: world.identities.for_developer_user({"login.example": name}, flow=BasicFlow(ROLE))
            for name in ("ana", "bea")
        }
        found: dict[str, set[str]] = {name: set() for name in holders}

        async def use(name: str) -> None:
            for _ in range(4):
                keys = await holders[name].credentials()
                issued = world.local.identity_pool.lookup(keys.access_key_id)
                assert issued is not None
                found[name] |= {keys.identity_id, issued.identity_id}
                holders[name].forget()

        async with anyio.create_task_group() as group:
            for name in ("ana", "bea", "ana", "bea"):
                group.start_soon(use, name)
    assert all(len(ids) == 1 for ids in found.values())
    assert found["ana"] != found["bea"]


async def test_closing_wipes_role_credentials_and_gives_no_more() -> None:
    # threat 47
    world = world_with_a_role()
    async with world.pool, world.identities:
        holder = world.identities.guest(flow=BasicFlow(ROLE))
        await holder.credentials()
        await world.identities.aclose()
        assert holder._renewal.held is None
        assert "none yet" in repr(holder)


async def test_a_signed_out_users_token_brings_nothing_where_the_server_checks() -> None:
    # threat 47: somebody copied the ID token; the user signs out everywhere.
    world = world_with_a_role()
    client = world.local.client_id
    world.local.identity_pool.trust(world.local.pool, client, server_side_token_check=True)
    async with world.pool, world.identities:
        session = await world.sign_in()
        copied = logins.user_pool(world.local.user_pool_id, await session.id_token())
        thief = world.identities.for_logins(copied)
        stolen = await thief.credentials()
        await session.sign_out(everywhere=True)
        thief.forget()
        canaries = Canaries()
        await fails(canaries, "a copied token", thief.credentials)
        issued = world.local.identity_pool.lookup(stolen.access_key_id)
        assert issued is not None
        assert issued.expires_at > world.clock.wall(), "what was handed out lives on"


# --- what must not show -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.may_block
async def test_the_basic_flow_shows_no_secret(
    listener: Listener, capfd: pytest.CaptureFixture[str]
) -> None:
    # threat 34
    canaries, events = Canaries(), []
    keys = {"AKIAOWNER0000000001": "canary-owner-secret"}
    canaries.secrets["owner's secret"] = keys["AKIAOWNER0000000001"]
    owner = AioSession()
    owner.set_credentials(*next(iter(keys.items())))
    clock = ManualClock()  # so that the same token is made each time
    async with LocalCognito(
        classic_flow=True, developer_provider="login.example", aws_keys=keys, clock=clock
    ) as local:
        local.identity_pool.add_role(LocalRole(arn=ROLE))
        async with IdentityPool(
            local.identity_pool_id,
            endpoint_url=local.url,
            observer=events.append,
            aws=owner,
            clock=clock,
        ) as identities:
            openid = await identities.admin.openid_token({"login.example": "ana"})
            canaries.secrets["openid token"] = openid.token
            given = logins.developer(local.identity_pool_id, openid.token)
            holder = identities.for_logins(
                given, identity_id=openid.identity_id, flow=BasicFlow(ROLE)
            )
            found = await holder.credentials()
            canaries.secrets["secret key"] = found.secret_access_key
            canaries.secrets["session token"] = found.session_token
            events += [openid, found, holder, identities, identities.admin]
            canaries.look_at_objects()
            await break_it(local, canaries, identities, given)
        canaries.look_at_objects()
        gc.collect()
    for name, text in listener.texts:
        canaries.look(f"the log of {name}", text)
    for event in events:
        canaries.look("an event", f"{event!r} {event!s}")
        if isinstance(error := getattr(event, "error", None), BaseException):
            canaries.look_at_error(error, f"the error of {type(event).__name__}")
    for stream in capfd.readouterr():
        canaries.look("standard output", stream)
    assert "botocore.parsers" in {name for name, _ in listener.texts}
    assert canaries.looked_at > 100
    assert canaries.seen == []


async def break_it(
    local: LocalCognito, canaries: Canaries, identities: IdentityPool, given: Any
) -> None:
    """Let STS and the identity pool quote what they were sent, garble and cut answers."""
    openid = canaries.secrets["openid token"]
    again = await identities.admin.openid_token({"login.example": "ana"})
    assert again.token == openid, "what STS is sent below is what is looked for"

    def quoting(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "Credentials": {**answer["Credentials"], "AccessKeyId": "with a blank"}}

    for what, operation, fault in (
        ("an error that quotes", STS, Refuse("InvalidIdentityToken", f"{openid} is no good")),
        ("an expired one", STS, Refuse("ExpiredTokenException", f"{openid} is too old")),
        ("xml cut short", STS, Malformed(f"<a>{openid}")),
        ("a page", STS, Html(200, page=openid)),
        ("a garbled key", STS, Alter(quoting)),
        ("an answer of its own", STS, Answer({"Credentials": {"SessionToken": openid}})),
        ("a refusal", "GetOpenIdToken", Refuse("NotAuthorizedException", f"{openid} refused")),
        ("no token", "GetOpenIdToken", Answer({"IdentityId": "x", "Token": openid})),
    ):
        planned = local.faults.add(fault, operation=operation, times=None)
        # STS gets the developer's token, the identity pool gets it as a login.
        holder = (
            identities.for_developer_user({"login.example": "ana"}, flow=BasicFlow(ROLE))
            if operation == STS
            else identities.for_logins(given, flow=BasicFlow(ROLE))
        )
        await fails(canaries, what, holder.credentials)
        assert planned.hits, what
        local.faults.clear()
