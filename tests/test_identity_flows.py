"""Guests, outside providers, developer identities and the basic flow, against the local pool."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.to_thread
import pytest
from aiobotocore.session import AioSession

from aiocognito import logins
from aiocognito.aws_identity import AwsIdentity
from aiocognito.errors import (
    CredentialsRejected,
    InvalidArgument,
    InvalidParameter,
    InvalidType,
    LocalProtocolError,
    LoginTokenRejected,
    NotAuthorized,
    ResourceConflict,
    ResourceNotFound,
    RoleNotAssumed,
    StoreError,
)
from aiocognito.flow.aws_flows import BasicFlow, EnhancedFlow
from aiocognito.identity_pool import IdentityPool
from aiocognito.stores import Conflict, Entry, MemoryTokenStore, StoreKey
from aiocognito.testing import (
    Alter,
    Drop,
    LocalCognito,
    LocalCredentials,
    LocalRole,
    Refuse,
    RoleByRules,
    RoleByToken,
    RoleRule,
)
from tests.test_identity_pool_local import AwsWorld

READER = "arn:aws:iam::000000000000:role/reader"
LONG = "arn:aws:iam::000000000000:role/long"
DEVELOPER = "login.example"
STS = "AssumeRoleWithWebIdentity"


@pytest.fixture
async def world() -> AsyncIterator[AwsWorld]:
    made = AwsWorld(classic_flow=True, developer_provider=DEVELOPER)
    made.local.identity_pool.add_role(LocalRole(arn=READER))
    made.local.identity_pool.add_role(LocalRole(arn=LONG, max_duration=43_200))
    async with made.pool, made.identities:
        yield made


def record(world: AwsWorld, access_key_id: str) -> LocalCredentials:
    issued = world.local.identity_pool.lookup(access_key_id)
    assert issued is not None
    return issued


# --- the basic flow ----------------------------------------------------------------------


async def test_the_basic_flow_takes_on_the_role_of_your_choice(world: AwsWorld) -> None:
    """F002, F077"""
    session = await world.pool.sign_in("ana", "Correct-Horse-9!")
    holder = world.identities.for_session(
        session, flow=BasicFlow(READER, duration=900, policy={"Statement": []})
    )
    world.local.requests.clear()
    found = await holder.credentials()
    assert world.local.requests.operations == ("GetId", "GetOpenIdToken", STS)
    issued = record(world, found.access_key_id)
    assert issued.role_arn == READER
    assert issued.identity_id == found.identity_id == await holder.identity_id()
    assert issued.session_name == found.identity_id.replace(":", "_")
    assert issued.policy == '{"Statement":[]}'
    assert issued.secret_key == found.secret_access_key
    assert issued.expires_at - world.clock.wall() == pytest.approx(900)


@pytest.mark.parametrize("duration", [900, 3600, 43_200])
async def test_a_role_is_renewed_before_it_ends_however_long_it_lives(
    world: AwsWorld, duration: int
) -> None:
    """F101"""
    holder = world.identities.guest(flow=BasicFlow(LONG, duration=duration))
    first = await holder.credentials()
    world.clock.advance(duration * 0.7 if duration < 3600 else duration - 950)
    assert await holder.credentials() is first
    world.clock.advance(duration * 0.28 if duration < 3600 else 900)
    second = await holder.credentials()
    assert second.access_key_id != first.access_key_id
    assert second.identity_id == first.identity_id
    assert world.wire.counts["GetId"] == 1


async def test_the_same_session_and_flow_are_the_same_object(world: AwsWorld) -> None:
    session = await world.sign_in()
    enhanced = world.identities.for_session(session)
    basic = world.identities.for_session(session, flow=BasicFlow(READER))
    assert world.identities.for_session(session, flow=EnhancedFlow()) is enhanced
    assert world.identities.for_session(session, flow=BasicFlow(READER)) is basic
    assert basic is not enhanced
    assert await basic.identity_id() == await enhanced.identity_id()
    assert world.wire.counts["GetId"] == 1, "one user has one id, whatever the flow"


async def test_a_hundred_callers_cost_one_basic_exchange(world: AwsWorld) -> None:
    """F099"""
    holder = world.identities.guest(flow=BasicFlow(READER))
    world.local.requests.clear()
    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(holder.credentials)
    assert world.local.requests.operations == ("GetId", "GetOpenIdToken", STS)


async def test_a_pool_without_the_classic_flow_says_so(world: AwsWorld) -> None:
    world.local.identity_pool.classic_flow = False
    with pytest.raises(InvalidParameter, match="use enhanced flow"):
        await world.identities.guest(flow=BasicFlow(READER)).credentials()


async def test_role_mappings_and_the_classic_flow_exclude_each_other(world: AwsWorld) -> None:
    world.local.identity_pool.map_roles("accounts.google.com", RoleByToken())
    with pytest.raises(InvalidParameter, match="not supported with RoleMappings"):
        await world.identities.guest(flow=BasicFlow(READER)).credentials()


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::000000000000:role/unheard-of",
        "arn:aws:iam::000000000000:role/authenticated",
    ],
)
async def test_a_role_that_does_not_trust_a_guest_is_not_given(world: AwsWorld, arn: str) -> None:
    # F105
    with pytest.raises(RoleNotAssumed) as caught:
        await world.identities.guest(flow=BasicFlow(arn)).credentials()
    assert caught.value.code == "AccessDenied"


async def test_a_duration_that_the_role_does_not_allow_is_refused(world: AwsWorld) -> None:
    with pytest.raises(InvalidParameter, match="MaxSessionDuration"):
        await world.identities.guest(flow=BasicFlow(READER, duration=7200)).credentials()


async def test_a_forged_openid_token_opens_nothing(world: AwsWorld) -> None:
    def forged(answer: dict[str, Any]) -> dict[str, Any]:
        head, body, signature = answer["Token"].split(".")
        return {**answer, "Token": f"{head}.{body}.{signature[::-1]}"}

    world.local.faults.add(Alter(forged), operation="GetOpenIdToken", times=None)
    with pytest.raises(RoleNotAssumed) as caught:
        await world.identities.guest(flow=BasicFlow(READER)).credentials()
    assert caught.value.code == "InvalidIdentityToken"


async def test_an_openid_token_that_ended_on_the_way_is_replaced(world: AwsWorld) -> None:
    async def too_late() -> None:
        world.clock.advance(601)

    async def nothing() -> None:
        return None

    world.wire.before = [nothing, nothing, too_late]
    assert await world.identities.guest(flow=BasicFlow(READER)).credentials()
    assert world.wire.counts["GetOpenIdToken"] == world.wire.counts[STS] == 2


async def test_an_answer_of_sts_that_was_lost_is_asked_for_once_more(world: AwsWorld) -> None:
    world.local.faults.add(Drop(), operation=STS)
    assert await world.identities.guest(flow=BasicFlow(READER)).credentials()
    assert world.wire.counts[STS] == 2


async def test_the_whole_basic_flow_over_http() -> None:
    """F002: forms go out and XML comes back, on the endpoint of the identity pool."""
    async with LocalCognito(classic_flow=True) as local:
        local.identity_pool.add_role(LocalRole(arn=READER))
        async with IdentityPool(local.identity_pool_id, endpoint_url=local.url) as identities:
            found = await identities.guest(flow=BasicFlow(READER)).credentials()
            issued = local.identity_pool.lookup(found.access_key_id)
            assert issued is not None
            assert issued.session_token == found.session_token
            assert found.expires_at.timestamp() == int(issued.expires_at)
            with pytest.raises(RoleNotAssumed):
                await identities.guest(flow=BasicFlow(LONG)).credentials()


async def test_sts_may_have_an_address_of_its_own() -> None:
    async with (
        LocalCognito(classic_flow=True) as local,
        LocalCognito() as empty,
        IdentityPool(
            local.identity_pool_id, endpoint_url=local.url, sts_endpoint_url=empty.url
        ) as identities,
    ):
        with pytest.raises(RoleNotAssumed, match="InvalidIdentityToken"):
            await identities.guest(flow=BasicFlow(READER)).credentials()
    assert empty.requests.operations == (STS, STS) or empty.requests.operations == (STS,)


# --- roles ---------------------------------------------------------------------------------


async def test_a_custom_role_must_be_one_of_the_tokens(world: AwsWorld) -> None:
    """F077"""
    world.local.pool.add_group("readers", role_arn=READER)
    world.local.add_user("bea", "Correct-Horse-9!", groups=["readers"])
    bea, ana = [await world.sign_in(name) for name in ("bea", "ana")]
    flow = EnhancedFlow(custom_role_arn=READER)
    found = await world.identities.for_session(bea, flow=flow).credentials()
    assert record(world, found.access_key_id).role_arn == READER
    with pytest.raises(NotAuthorized):
        await world.identities.for_session(ana, flow=flow).credentials()


async def test_a_claim_that_decides_about_rights_renews_the_credentials(world: AwsWorld) -> None:
    """F077, F099"""
    pool = world.local.pool
    mapping = RoleByRules(
        [RoleRule("given_name", "Equals", "editor", READER)], ambiguous="AuthenticatedRole"
    )
    key = await world.sign_in()
    world.local.identity_pool.map_roles(f"{key.login_key}:{world.local.client_id}", mapping)
    async with IdentityPool(
        world.local.identity_pool_id,
        transport=world.wire,
        clock=world.clock,
        rights_claims=["given_name"],
    ) as identities:
        session = await world.sign_in()
        holder = identities.for_session(session)
        first = await holder.credentials()
        await session.refresh()
        assert await holder.credentials() is first, "a refreshed ID token alone changes nothing"
        pool.user("ana").attributes["given_name"] = "editor"
        await session.refresh()
        second = await holder.credentials()
    assert record(world, first.access_key_id).role_arn.endswith("role/authenticated")
    assert record(world, second.access_key_id).role_arn == READER


# --- several logins ------------------------------------------------------------------------


async def test_several_logins_become_one_identity(world: AwsWorld) -> None:
    """F080"""
    google = world.local.identity_pool.add_provider("accounts.google.com")
    session = await world.sign_in()
    alone = await world.identities.for_session(session).identity_id()

    async def current() -> str:
        return google.token("ana@google")

    both = world.identities.for_logins(logins.session(session) | logins.google(current))
    assert (await both.credentials()).identity_id == alone
    later = world.identities.for_logins(logins.google(current))
    assert await later.identity_id() == alone


async def test_a_guest_who_signs_in_stays_who_it_was(world: AwsWorld) -> None:
    """F008, F078: the id is what policies and folders are named by."""
    guest = await world.identities.guest().identity_id()
    session = await world.sign_in()
    holder = world.identities.for_session(session, identity_id=guest)
    assert (await holder.credentials()).identity_id == guest


async def test_a_guest_who_was_somebody_already_is_merged(world: AwsWorld) -> None:
    """F080: the id that comes back replaces the one that was kept."""
    session = await world.sign_in()
    known = await world.identities.for_session(session).identity_id()
    guest = await world.identities.guest().identity_id()
    holder = world.identities.for_session(session, identity_id=guest)
    assert await holder.identity_id() == guest
    assert (await holder.credentials()).identity_id == known
    assert await holder.identity_id() == known


async def test_two_identities_with_logins_do_not_merge(world: AwsWorld) -> None:
    google = world.local.identity_pool.add_provider("accounts.google.com")
    session = await world.sign_in()
    await world.identities.for_session(session).identity_id()
    token = google.token("ana@google")
    await world.identities.for_logins(logins.google(token)).identity_id()
    both = world.identities.for_logins(logins.session(session) | logins.google(token))
    with pytest.raises(ResourceConflict):
        await both.credentials()


async def test_an_unlinked_login_is_somebody_else(world: AwsWorld) -> None:
    google = world.local.identity_pool.add_provider("accounts.google.com")
    session = await world.sign_in()
    both = world.identities.for_logins(
        logins.session(session) | logins.google(google.token("ana@google"))
    )
    first = await both.credentials()
    await both.unlink("accounts.google.com")
    again = world.identities.for_logins(logins.google(google.token("ana@google")))
    assert await again.identity_id() != first.identity_id
    assert await world.identities.for_session(session).identity_id() == first.identity_id


async def test_without_its_last_login_the_identity_is_left_behind(world: AwsWorld) -> None:
    session = await world.sign_in()
    holder = world.identities.for_session(session)
    first = await holder.credentials()
    await holder.unlink(session.login_key)
    assert (await holder.credentials()).identity_id != first.identity_id


async def test_what_cannot_be_unlinked(world: AwsWorld) -> None:
    guest = world.identities.guest()
    with pytest.raises(InvalidArgument):
        await guest.unlink("accounts.google.com")
    with pytest.raises(InvalidArgument):
        await guest.unlink()


# --- guests that last -------------------------------------------------------------------------


def guest_in(world: AwsWorld, store: Any, name: str = "") -> AwsIdentity:
    return world.identities.guest(store=store, name=name)


async def test_a_guest_in_a_store_is_made_once(world: AwsWorld) -> None:
    """F008"""
    store = MemoryTokenStore()
    first = await guest_in(world, store).identity_id()
    assert (await guest_in(world, store).credentials()).identity_id == first
    assert await guest_in(world, store, "other").identity_id() != first
    assert world.wire.counts["GetId"] == 2


async def test_a_guest_that_the_service_forgot_is_replaced_in_the_store(world: AwsWorld) -> None:
    store = MemoryTokenStore()
    first = await guest_in(world, store).identity_id()
    world.local.faults.add(
        Refuse("ResourceNotFoundException", f"Identity '{first}' not found."),
        operation="GetCredentialsForIdentity",
    )
    second = (await guest_in(world, store).credentials()).identity_id
    assert second != first
    assert await guest_in(world, store).identity_id() == second


async def test_a_merged_guest_is_kept_under_its_new_id(world: AwsWorld) -> None:
    store = MemoryTokenStore()
    guest = guest_in(world, store)
    first = await guest.identity_id()
    other = first[:-1] + ("0" if first[-1] != "0" else "1")
    world.local.faults.add(
        Alter(lambda answer: {**answer, "IdentityId": other}),
        operation="GetCredentialsForIdentity",
    )
    assert (await guest.credentials()).identity_id == other
    assert await guest_in(world, store).identity_id() == other


async def test_two_who_begin_at_the_same_time_become_one_guest(world: AwsWorld) -> None:
    store = MemoryTokenStore()
    found = set()

    async def begin() -> None:
        found.add(await guest_in(world, store).identity_id())

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(begin)
    assert len(found) == 1


async def test_rubbish_in_the_store_is_replaced(world: AwsWorld) -> None:
    # threat 29: what is kept may have been damaged.
    store = MemoryTokenStore()
    key = StoreKey.for_guest(world.local.identity_pool_id)
    await store.commit(key, Entry.first(b"\xff no id"), expected=None)
    found = await guest_in(world, store).identity_id()
    assert await guest_in(world, store).identity_id() == found


class Broken(MemoryTokenStore):
    """Fails to load, to save, or loses every race."""

    def __init__(self, fails: str) -> None:
        super().__init__()
        self.fails = fails

    async def load(self, key: StoreKey) -> Entry | None:
        if self.fails == "load":
            raise StoreError("The disk is away.")
        return await super().load(key)

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        if self.fails == "commit":
            raise StoreError("The disk is full.")
        if self.fails == "race":
            return Conflict(await super().load(key))
        return await super().commit(key, entry, expected=expected)

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        raise StoreError("The disk is read-only.")


async def test_while_the_store_cannot_be_read_no_guest_is_made(world: AwsWorld) -> None:
    with pytest.raises(StoreError):
        await guest_in(world, Broken("load")).credentials()
    assert world.wire.counts["GetId"] == 0


@pytest.mark.parametrize("fails", ["commit", "race"])
async def test_a_guest_that_cannot_be_kept_is_a_guest_all_the_same(
    world: AwsWorld, fails: str
) -> None:
    assert await guest_in(world, Broken(fails)).credentials()


async def test_a_stale_guest_that_cannot_be_removed_is_replaced_all_the_same(
    world: AwsWorld,
) -> None:
    store = Broken("delete")
    guest = guest_in(world, store)
    await guest.identity_id()
    world.local.faults.add(
        Refuse("ResourceNotFoundException", "gone"), operation="GetCredentialsForIdentity"
    )
    assert await guest.credentials()


# --- developer identities -------------------------------------------------------------------


async def test_a_user_of_ones_own_program_gets_credentials(world: AwsWorld) -> None:
    """F080"""
    holder = world.identities.for_developer_user({DEVELOPER: "ana"}, principal_tags={"team": "red"})
    found = await holder.credentials()
    issued = record(world, found.access_key_id)
    assert issued.tags == {"team": "red"}
    assert not issued.is_guest
    assert world.wire.counts["GetId"] == 0, "the answer names the identity"
    assert [call.signed for call in world.wire.sent] == [True, False]
    world.clock.advance(3600)
    assert (await holder.credentials()).identity_id == found.identity_id
    same = world.identities.for_developer_user({DEVELOPER: "ana"})
    assert await same.identity_id() == found.identity_id
    other = world.identities.for_developer_user({DEVELOPER: "bea"})
    assert await other.identity_id() != found.identity_id


async def test_a_developer_user_takes_on_a_role_with_the_same_token(world: AwsWorld) -> None:
    holder = world.identities.for_developer_user({DEVELOPER: "ana"}, flow=BasicFlow(READER))
    found = await holder.credentials()
    assert record(world, found.access_key_id).role_arn == READER
    assert [call.operation for call in world.wire.sent] == [
        "GetOpenIdTokenForDeveloperIdentity",
        STS,
    ]


async def test_a_developers_token_that_ended_on_the_way_is_replaced(world: AwsWorld) -> None:
    async def nothing() -> None:
        return None

    async def too_late() -> None:
        world.clock.advance(901)

    world.wire.before = [nothing, too_late]
    holder = world.identities.for_developer_user({DEVELOPER: "ana"}, flow=BasicFlow(READER))
    assert await holder.credentials()
    assert world.wire.counts["GetOpenIdTokenForDeveloperIdentity"] == 2


async def test_a_back_end_vouches_and_the_users_program_uses_it(world: AwsWorld) -> None:
    openid = await world.identities.admin.openid_token({DEVELOPER: "ana"}, duration=60)
    given = logins.developer(world.local.identity_pool_id, openid.token)
    async with IdentityPool(
        world.local.identity_pool_id, transport=world.wire, clock=world.clock
    ) as elsewhere:
        holder = elsewhere.for_logins(given, identity_id=openid.identity_id)
        assert (await holder.credentials()).identity_id == openid.identity_id
        holder.forget()
        world.clock.advance(61)
        with pytest.raises(LoginTokenRejected, match="expired"):
            await holder.credentials()


async def test_a_guest_is_linked_to_a_developers_user(world: AwsWorld) -> None:
    guest = await world.identities.guest().identity_id()
    holder = world.identities.for_developer_user({DEVELOPER: "ana"}, identity_id=guest)
    assert (await holder.credentials()).identity_id == guest


async def test_developer_users_are_looked_up_merged_and_unlinked(world: AwsWorld) -> None:
    admin = world.identities.admin
    ana, bea = [
        (await admin.openid_token({DEVELOPER: name})).identity_id for name in ("ana", "bea")
    ]
    assert (await admin.look_up(user="ana")).identity_id == ana
    assert await admin.merge(DEVELOPER, source="bea", destination="ana") == ana
    first = await admin.look_up(identity_id=ana, page_size=1)
    assert first.user_identifiers == ("ana",)
    rest = await admin.look_up(identity_id=ana, page_size=1, next_token=first.next_token)
    assert (rest.user_identifiers, rest.next_token) == (("bea",), None)
    await admin.unlink(ana, provider=DEVELOPER, user="bea")
    with pytest.raises(ResourceNotFound):
        await admin.look_up(user="bea")
    again = (await admin.openid_token({DEVELOPER: "bea"})).identity_id
    assert again not in (ana, bea)


async def test_a_tag_map_makes_claims_into_tags(world: AwsWorld) -> None:
    session = await world.sign_in()
    admin = world.identities.admin
    with pytest.raises(ResourceNotFound):
        await admin.tag_map(session.login_key)
    made = await admin.set_tag_map(session.login_key, {"who": "cognito:username"})
    assert made == await admin.tag_map(session.login_key)
    found = await world.identities.for_session(session).credentials()
    assert set(record(world, found.access_key_id).tags) == {"who"}
    await admin.set_tag_map(session.login_key, use_defaults=True)
    world.identities.for_session(session).forget()
    later = await world.identities.for_session(session, flow=BasicFlow(READER)).credentials()
    assert set(record(world, later.access_key_id).tags) == {"username", "client"}


async def test_administration_wants_signed_calls_over_http() -> None:
    keys = {"AKIAOWNER0000000001": "owner-secret"}

    def owner(secret: str) -> AioSession:
        session = AioSession()
        session.set_credentials("AKIAOWNER0000000001", secret)
        return session

    async with LocalCognito(developer_provider=DEVELOPER, aws_keys=keys) as local:
        made = {"identity_pool_id": local.identity_pool_id, "endpoint_url": local.url}
        async with IdentityPool(**made, aws=owner("owner-secret")) as identities:
            holder = identities.for_developer_user({DEVELOPER: "ana"})
            assert await holder.credentials()
            assert "IdentityAdmin" in repr(identities.admin)
        async with IdentityPool(**made, aws=owner("wrong")) as identities:
            with pytest.raises(CredentialsRejected):
                await identities.admin.openid_token({DEVELOPER: "ana"})
        async with IdentityPool(**made) as identities:
            with pytest.raises(LocalProtocolError, match="aws="):
                await identities.admin.openid_token({DEVELOPER: "ana"})


# --- what a caller may get wrong -------------------------------------------------------------


async def test_arguments_are_checked_before_anything_is_sent(world: AwsWorld) -> None:
    session = await world.sign_in()
    world.wire.sent.clear()
    with pytest.raises(InvalidType):
        world.identities.for_session(session, flow="basic")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        world.identities.for_session(session, identity_id="nowhere")
    with pytest.raises(InvalidType):
        IdentityPool(world.local.identity_pool_id, rights_claims="sub")
    with pytest.raises(InvalidType):
        IdentityPool(world.local.identity_pool_id, rights_claims=[7])  # type: ignore[list-item]
    for option in ("sts_endpoint_url", "aws"):
        with pytest.raises(InvalidArgument):
            IdentityPool(world.local.identity_pool_id, transport=world.wire, **{option: "x"})
    with pytest.raises(InvalidType):
        await world.identities.admin.set_tag_map("p", use_defaults=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        world.identities.admin.__reduce__()
    assert world.wire.sent == []


# --- one object, two event loops -------------------------------------------------------------


def used_elsewhere(guest: AwsIdentity) -> LocalProtocolError | None:
    try:
        anyio.run(guest.credentials)
    except LocalProtocolError as error:
        return error
    return None


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_one_object_on_two_event_loops_gives_a_clear_error() -> None:
    """Flights and connections belong to a loop: the other one is told, and does not hang."""
    async with (
        LocalCognito() as local,
        IdentityPool(local.identity_pool_id, endpoint_url=local.url) as identities,
    ):
        guest = identities.guest()
        await guest.credentials()
        guest.forget()
        error = await anyio.to_thread.run_sync(used_elsewhere, guest)
        assert error is not None
        assert "another event loop" in str(error)
        assert await guest.credentials(), "here it goes on"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_flight_of_another_loop_is_not_waited_for(world: AwsWorld) -> None:
    guest = world.identities.guest()
    begun, over = anyio.Event(), threading.Event()

    async def wait() -> None:
        begun.set()
        await anyio.to_thread.run_sync(over.wait)

    world.wire.before = [wait]

    async with anyio.create_task_group() as group:
        group.start_soon(guest.credentials)
        await begun.wait()
        error = await anyio.to_thread.run_sync(used_elsewhere, guest)
        over.set()
    assert error is not None
    assert "another event loop" in str(error)
    assert await guest.credentials()
