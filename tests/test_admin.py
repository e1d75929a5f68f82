"""Administrators' calls: what is asked, what comes back, and how patient they are."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from aiobotocore.session import AioSession

from aiocognito import (
    Admin,
    CodeDelivery,
    ConnectFailed,
    CredentialsRejected,
    DeadlineExceeded,
    GroupExists,
    IncorrectUsernameOrPassword,
    InternalError,
    InvalidArgument,
    InvalidPassword,
    InvalidType,
    LimitExceeded,
    LocalProtocolError,
    PasswordResetRequired,
    RemoteProtocolError,
    ResourceNotFound,
    ServiceError,
    SessionClosed,
    SignInRequired,
    Throttled,
    UserDisabled,
    UserFilter,
    UsernameExists,
    UserNotFound,
    UserPool,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import LocalCognito, faults
from tests.world import PASSWORD, World

MAIL = {"email": "ana@example.com", "email_verified": True}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def admin(world: World) -> Admin:
    return world.pool.admin


def keys(secret: str = "secret") -> AioSession:
    session = AioSession()
    session.set_credentials("AKIDEXAMPLE", secret)
    return session


def strike(world: World, operation: str, fault: faults.Fault, times: int = 1) -> None:
    world.local.faults.add(fault, operation=operation, times=times)


# --- who may ----------------------------------------------------------------------


def test_without_credentials_there_is_no_administration() -> None:
    # F113
    pool = UserPool("eu-west-1_Ab12Cd34E", "client")
    with pytest.raises(LocalProtocolError, match="aws="):
        _ = pool.admin


def test_what_is_no_session_is_refused_when_the_pool_is_made() -> None:
    with pytest.raises(InvalidType, match="aiobotocore"):
        UserPool("eu-west-1_Ab12Cd34E", "client", aws="default")  # type: ignore[arg-type]


async def test_over_http_only_the_administrators_calls_are_signed() -> None:
    # F113
    signed: dict[str, bool] = {}
    async with LocalCognito(aws_keys={"AKIDEXAMPLE": "secret"}) as local:
        handle = local._backend.handle

        def watching(service: Any, operation: str, parameters: Any, *, signed_: bool) -> Any:
            signed[operation] = signed_
            return handle(service, operation, parameters, signed=signed_)

        local._backend.handle = (  # type: ignore[method-assign]
            lambda *call, signed=False: watching(*call, signed_=signed)
        )
        url = local.url
        options: dict[str, Any] = {"endpoint_url": url, "aws": keys()}
        async with UserPool(local.user_pool_id, local.client_id, **options) as pool:
            await pool.admin.create_user("ana", invite=None)
            await pool.admin.set_password("ana", PASSWORD)
            session = await pool.sign_in("ana", PASSWORD)
            await session.refresh()
            await session.sign_out(everywhere=True)
    assert signed == {
        "AdminCreateUser": True,
        "AdminSetUserPassword": True,
        "InitiateAuth": False,
        "RespondToAuthChallenge": False,
        "GetTokensFromRefreshToken": False,
        "GlobalSignOut": False,
        "RevokeToken": False,
    }


async def test_the_wrong_keys_are_refused() -> None:
    async with LocalCognito(aws_keys={"AKIDEXAMPLE": "secret"}) as local:
        options: dict[str, Any] = {"endpoint_url": local.url, "aws": keys("wrong")}
        async with UserPool(local.user_pool_id, local.client_id, **options) as pool:
            with pytest.raises(CredentialsRejected):
                await pool.admin.get_user("ana")


def test_it_is_neither_pickled_nor_shown_with_secrets(admin: Admin) -> None:
    assert repr(admin) == "<Admin of eu-west-1_LocalPool>"
    with pytest.raises(TypeError):
        pickle.dumps(admin)


async def test_a_closed_pool_has_no_administration(world: World, admin: Admin) -> None:
    assert world.pool.admin is admin
    await world.pool.aclose()
    with pytest.raises(SessionClosed):
        await admin.get_user("ana")


# --- users ------------------------------------------------------------------------


async def test_a_user_from_creation_to_deletion(world: World, admin: Admin) -> None:
    # F047, F049, F051, F052, F121
    made = await admin.create_user("ana", attributes=MAIL)
    assert made.status == "FORCE_CHANGE_PASSWORD"
    assert made.is_verified("email")
    assert made.created_at == datetime.fromtimestamp(world.clock.wall(), UTC)
    (invitation,) = world.local.outbox
    assert invitation.medium == "EMAIL"
    assert "ana@example.com" not in repr(made)
    await admin.set_password("ana", PASSWORD)
    session = await world.pool.sign_in("ana", PASSWORD)
    found = await admin.get_user("ana")
    assert (found.status, found.sub, found.enabled) == ("CONFIRMED", session.claims.sub, True)
    await admin.disable_user("ana")
    with pytest.raises(UserDisabled):
        await world.pool.sign_in("ana", PASSWORD)
    assert not (await admin.get_user("ana")).enabled
    await admin.enable_user("ana")
    await world.pool.sign_in("ana", PASSWORD)
    await admin.delete_user("ana")
    with pytest.raises(UserNotFound):
        await admin.get_user("ana")
    with pytest.raises(IncorrectUsernameOrPassword):
        await world.pool.sign_in("ana", PASSWORD)


async def test_an_invitation_can_be_left_out_and_repeated(world: World, admin: Admin) -> None:
    # F047
    await admin.create_user("ana", attributes=MAIL, invite=None, temporary_password="Temp-0rary!")
    assert world.local.outbox == []
    await admin.invite_again("ana", temporary_password="An0ther-one!")
    assert [sent.code for sent in world.local.outbox] == ["An0ther-one!"]
    await admin.set_password("ana", PASSWORD)
    with pytest.raises(ServiceError, match="UnsupportedUserState"):
        await admin.invite_again("ana")


async def test_all_that_creation_takes_arrives(world: World, admin: Admin) -> None:
    seen: list[Any] = []
    world.local.pool.triggers["PreSignUp"] = lambda event: seen.append(event["request"]) or event
    await admin.create_user(
        "ana",
        attributes=MAIL,
        invite=["SMS", "EMAIL"],
        validation_data={"by": "eva"},
        force_alias=True,
        client_metadata={"tenant": "7"},
    )
    assert seen[0]["validationData"] == {"by": "eva"}
    assert seen[0]["clientMetadata"] == {"tenant": "7"}
    parameters = world.wire.sent[0].parameters
    assert parameters["ForceAliasCreation"] is True
    assert parameters["DesiredDeliveryMediums"] == ["SMS", "EMAIL"]


async def test_who_cannot_be_created(admin: Admin) -> None:
    await admin.create_user("ana", invite=None)
    with pytest.raises(UsernameExists):
        await admin.create_user("ana", invite=None)
    with pytest.raises(InvalidPassword) as weak:
        await admin.create_user("eva", temporary_password="weak")
    assert weak.value.unmet == ("length",)


async def test_attributes_are_changed_and_deleted(admin: Admin) -> None:
    await admin.create_user("ana", attributes=MAIL, invite=None)
    await admin.update_user("ana", {"name": "Ana", "email": "new@example.com"})
    user = await admin.get_user("ana")
    assert (user.attributes["name"], user.is_verified("email")) == ("Ana", False)
    await admin.update_user("ana", {"email_verified": True}, client_metadata={"a": "b"})
    assert (await admin.get_user("ana")).is_verified("email")
    await admin.delete_attributes("ana", ["name"])
    assert "name" not in (await admin.get_user("ana")).attributes


async def test_passwords_are_reset_and_temporary(world: World, admin: Admin) -> None:
    # F051
    world.add_user(attributes=dict(MAIL))
    await admin.reset_password("ana", client_metadata={"a": "b"})
    with pytest.raises(PasswordResetRequired):
        await world.pool.sign_in("ana", PASSWORD)
    assert world.local.outbox[-1].purpose == "AdminResetUserPassword"
    await admin.set_password("ana", "An0ther-one!", temporary=True)
    assert (await admin.get_user("ana")).status == "FORCE_CHANGE_PASSWORD"


async def test_a_sign_up_is_confirmed_without_a_code(world: World, admin: Admin) -> None:
    # F048
    result = await world.pool.sign_up("ana", PASSWORD, attributes={"email": "a@example.com"})
    assert isinstance(result.delivery, CodeDelivery)
    await admin.confirm_sign_up("ana")
    session = await world.pool.sign_in("ana", PASSWORD)
    assert session.claims["email_verified"] is False


async def test_a_user_is_signed_out_everywhere(world: World, admin: Admin) -> None:
    world.add_user()
    session = await world.pool.sign_in("ana", PASSWORD)
    await admin.sign_out("ana")
    with pytest.raises(SignInRequired):
        await session.get_user()


async def test_identities_are_linked_and_unlinked(world: World, admin: Admin) -> None:
    world.add_user()
    await admin.link_provider("ana", provider="Acme", value="41")
    assert "Acme" in (await admin.get_user("ana")).attributes["identities"]
    await admin.unlink_provider(provider="Acme", value="41")
    assert "identities" not in (await admin.get_user("ana")).attributes


async def test_second_factors_are_managed(world: World, admin: Admin) -> None:
    world.add_user(totp=True, attributes=dict(MAIL))
    await admin.set_mfa("ana", totp="on", email="preferred")
    user = await admin.get_user("ana")
    assert (set(user.mfa), user.preferred_mfa) == ({"SOFTWARE_TOKEN_MFA", "EMAIL_OTP"}, "EMAIL_OTP")
    factors = await admin.auth_factors("ana")
    assert factors.configured == ("PASSWORD", "EMAIL_OTP", "SOFTWARE_TOKEN")
    await admin.delete_totp("ana")
    assert (await admin.get_user("ana")).mfa == ("EMAIL_OTP",)


# --- lists ------------------------------------------------------------------------


async def test_many_users_come_page_by_page(world: World, admin: Admin) -> None:
    # F050
    for number in range(150):
        world.local.add_user(f"user-{number:03}")
    listing = admin.list_users()
    assert world.wire.sent == []  # nothing is asked before somebody looks
    first = await anext(listing)
    assert (first.username, len(world.wire.sent)) == ("user-000", 1)
    rest = await listing.collect()
    assert [user.username for user in rest] == [f"user-{number:03}" for number in range(1, 150)]
    assert len(world.wire.sent) == 3
    assert await listing.collect() == []


async def test_users_are_chosen_by_what_people_have_in_their_names(
    world: World, admin: Admin
) -> None:
    # F050
    for number, name in enumerate(('O"Hara', "O\\Hara", "O'Hara", "Ohara")):
        world.local.add_user(f"user-{number}", attributes={"family_name": name})
    for name in ('O"Hara', "O\\Hara", "O'Hara"):
        where = UserFilter.equals("family_name", name)
        (found,) = await admin.list_users(where, attributes=["family_name"]).collect()
        assert found.attributes == {"family_name": name}
        assert found.sub is None
    started = admin.list_users(UserFilter.starts_with("family_name", 'O"'), page_size=1)
    assert len(await started.collect()) == 1


async def test_an_empty_page_is_not_the_end(world: World, admin: Admin) -> None:
    answers = [
        {"Users": [], "PaginationToken": "one"},
        {"PaginationToken": "two"},
        {"Users": [{"Username": "ana"}]},
    ]
    for body in answers:
        strike(world, "ListUsers", faults.Answer(body))
    (user,) = await admin.list_users().collect()
    assert (user.username, user.status, user.enabled) == ("ana", "UNKNOWN", True)


async def test_a_server_that_turns_in_circles_is_refused(world: World, admin: Admin) -> None:
    strike(world, "ListUsers", faults.Answer({"PaginationToken": "again"}), 3)
    with pytest.raises(RemoteProtocolError, match="again"):
        await admin.list_users().collect()


@pytest.mark.parametrize(
    "body",
    [
        {"Users": "ana"},
        {"Users": ["ana"]},
        {"Users": [{}]},
        {"Users": [{"Username": 1}]},
        {"Users": [{"Username": "ana", "Enabled": "yes"}]},
        {"Users": [{"Username": "ana", "Attributes": {}}]},
        {"Users": [{"Username": "ana", "Attributes": [{"Value": "x"}]}]},
        {"Users": [{"Username": "ana", "UserCreateDate": "yesterday"}]},
        {"Users": [], "PaginationToken": 7},
        {"Users": [], "PaginationToken": ""},
    ],
    ids=str,
)
async def test_an_impossible_page_is_the_servers_fault(
    world: World, admin: Admin, body: dict[str, Any]
) -> None:
    strike(world, "ListUsers", faults.Answer(body))
    with pytest.raises(RemoteProtocolError):
        await admin.list_users().collect()


# --- groups -----------------------------------------------------------------------


async def test_groups_and_who_is_in_them(world: World, admin: Admin) -> None:
    # F053
    role = "arn:aws:iam::123456789012:role/editor"
    made = await admin.create_group("editors", description="edit", role_arn=role, precedence=2)
    assert made == await admin.get_group("editors")
    assert (made.description, made.role_arn, made.precedence) == ("edit", role, 2)
    with pytest.raises(GroupExists):
        await admin.create_group("editors")
    assert (await admin.update_group("editors", precedence=0)).description == "edit"
    world.add_user()
    await admin.add_to_group("ana", "editors")
    assert [group.name async for group in admin.groups_of("ana")] == ["editors"]
    assert [user.username async for user in admin.users_in("editors")] == ["ana"]
    assert (await world.pool.sign_in("ana", PASSWORD)).claims.groups == ("editors",)
    await admin.remove_from_group("ana", "editors")
    assert await admin.groups_of("ana").collect() == []
    await admin.delete_group("editors")
    assert await admin.list_groups().collect() == []
    with pytest.raises(ResourceNotFound):
        await admin.add_to_group("ana", "editors")


# --- descriptions -----------------------------------------------------------------


async def test_the_pool_and_its_client_are_described() -> None:
    # F033
    world = World(client_secret=True, rotation=True, rotation_grace=20)
    admin = world.pool.admin
    pool = await admin.describe_pool()
    assert (pool.id, pool.mfa) == (world.local.user_pool_id, "OPTIONAL")
    assert (pool.password_rules.minimum_length, pool.password_rules.require_symbols) == (8, True)
    assert pool.members["Arn"] == pool.arn
    client = await admin.describe_client()
    assert client.client_id == world.local.client_id
    assert client.secret == world.local.client_secret
    assert client.access_token_validity == timedelta(hours=1)
    assert (client.rotates, client.rotation_grace) == (True, timedelta(seconds=20))
    assert str(world.local.client_secret) not in repr(client)
    (listed,) = await admin.list_clients().collect()
    assert await admin.describe_client(listed.client_id) == client
    (summary,) = await admin.list_pools().collect()
    assert summary.id == pool.id


@pytest.mark.parametrize(
    ("body", "validity"),
    [
        ({"AccessTokenValidity": 2}, timedelta(hours=2)),
        ({}, None),
        ({"AccessTokenValidity": 2, "TokenValidityUnits": {"AccessToken": "eons"}}, None),
    ],
)
async def test_units_have_a_default_and_may_be_new(
    world: World, admin: Admin, body: dict[str, Any], validity: timedelta | None
) -> None:
    answer = {"UserPoolClient": {"ClientId": "c", **body}}
    strike(world, "DescribeUserPoolClient", faults.Answer(answer))
    client = await admin.describe_client()
    assert (client.access_token_validity, client.secret) == (validity, None)


# --- devices ----------------------------------------------------------------------

DEVICE = "eu-west-1_0a1b2c3d-0000-4000-8000-000000000001"
DEVICE_BODY = {
    "DeviceKey": DEVICE,
    "DeviceAttributes": [
        {"Name": "device_status", "Value": "valid"},
        {"Name": "device_name", "Value": "laptop"},
    ],
    "DeviceCreateDate": 1700000000,
}


async def test_devices_are_read(world: World, admin: Admin) -> None:
    strike(world, "AdminListDevices", faults.Answer({"Devices": [DEVICE_BODY]}))
    strike(world, "AdminGetDevice", faults.Answer({"Device": DEVICE_BODY}))
    (device,) = await admin.list_devices("ana").collect()
    assert device == await admin.get_device("ana", DEVICE)
    assert (device.name, device.is_remembered) == ("laptop", True)
    assert device.created_at == datetime.fromtimestamp(1700000000, UTC)


@pytest.mark.parametrize(
    ("act", "operation", "status"),
    [
        (lambda it: it.remember_device("ana", DEVICE), "AdminUpdateDeviceStatus", "remembered"),
        (
            lambda it: it.remember_device("ana", DEVICE, remember=False),
            "AdminUpdateDeviceStatus",
            "not_remembered",
        ),
        (lambda it: it.forget_device("ana", DEVICE), "AdminForgetDevice", None),
    ],
)
async def test_devices_are_remembered_and_forgotten(
    world: World, admin: Admin, act: Callable[[Admin], Any], operation: str, status: str | None
) -> None:
    strike(world, operation, faults.Answer({}))
    await act(admin)
    (call,) = world.wire.sent
    assert call.operation == operation
    assert call.parameters.get("DeviceRememberedStatus") == status
    assert (call.parameters["DeviceKey"], call.parameters["Username"]) == (DEVICE, "ana")


# --- the caller's mistakes --------------------------------------------------------


MISTAKES: list[tuple[Callable[[Any], Any], type[Exception]]] = [
    (lambda it: it.get_user(7), InvalidType),
    (lambda it: it.get_user("a b"), InvalidArgument),
    (lambda it: it.create_user("ana", invite="PIGEON"), InvalidArgument),
    (lambda it: it.create_user("ana", invite=[]), InvalidArgument),
    (lambda it: it.create_user("ana", attributes={"a" * 33: "x"}), InvalidArgument),
    (lambda it: it.update_user("ana", {}), InvalidArgument),
    (lambda it: it.update_user("ana", {"name": 7}), InvalidType),
    (lambda it: it.delete_attributes("ana", []), InvalidArgument),
    (lambda it: it.delete_attributes("ana", "name"), InvalidType),
    (lambda it: it.set_password("ana", ""), InvalidArgument),
    (lambda it: it.set_mfa("ana"), InvalidArgument),
    (lambda it: it.set_mfa("ana", totp="perhaps"), InvalidArgument),
    (lambda it: it.set_mfa("ana", totp="preferred", sms="preferred"), InvalidArgument),
    (lambda it: it.get_group(""), InvalidArgument),
    (lambda it: it.get_group("two words"), InvalidArgument),
    (lambda it: it.get_group(None), InvalidType),
    (lambda it: it.add_to_group("ana", ""), InvalidArgument),
    (lambda it: it.get_device("ana", "laptop"), InvalidArgument),
    (lambda it: it.get_device("ana", 7), InvalidType),
    (lambda it: it.link_provider("ana", provider="", value="x"), InvalidArgument),
    (lambda it: it.unlink_provider(provider="x", value=7), InvalidType),
    (lambda it: it.list_users('email = "x"').collect(), InvalidType),
    (lambda it: it.list_users(attributes="email").collect(), InvalidType),
    (lambda it: it.list_users(page_size=61).collect(), InvalidArgument),
    (lambda it: it.list_users(page_size=True).collect(), InvalidType),
    (lambda it: it.reset_password("ana", client_metadata={"a": 1}), InvalidType),
]


@pytest.mark.parametrize(("act", "kind"), MISTAKES, ids=[str(n) for n in range(len(MISTAKES))])
async def test_mistakes_are_found_before_anything_is_sent(
    world: World, admin: Admin, act: Callable[[Any], Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await act(admin)
    assert world.wire.sent == []


@pytest.mark.parametrize(
    ("attribute", "operator", "value"),
    [
        ("custom:tenant", "=", "7"),
        ("email", "~", "7"),
        ("email", "=", "a\nb"),
        ("email", "=", '"' * 130),
    ],
)
def test_a_filter_the_service_cannot_read_is_not_made(
    attribute: Any, operator: Any, value: str
) -> None:
    with pytest.raises(InvalidArgument):
        UserFilter(attribute=attribute, operator=operator, value=value)


def test_a_filter_needs_text_and_keeps_it_to_itself() -> None:
    with pytest.raises(InvalidType):
        UserFilter.equals("email", 7)  # type: ignore[arg-type]
    assert "ana" not in repr(UserFilter.equals("email", "ana@example.com"))
    assert str(UserFilter.starts_with("name", 'a"\\')) == 'name ^= "a\\"\\\\"'


# --- patience ---------------------------------------------------------------------


async def test_a_throttled_call_waits_as_long_as_the_service_asks(
    world: World, admin: Admin
) -> None:
    world.add_user()
    strike(world, "AdminGetUser", faults.Throttle(retry_after=7))
    before = world.clock.boot()
    assert await admin.get_user("ana")
    assert 7 <= world.clock.boot() - before < 8.1


async def test_patience_has_an_end(world: World, admin: Admin) -> None:
    strike(world, "AdminGetUser", faults.Throttle(), 10)
    before = world.clock.boot()
    with pytest.raises(Throttled):
        await admin.get_user("ana")
    assert world.wire.counts["AdminGetUser"] == 6
    assert world.clock.boot() - before < 16


async def test_a_wait_that_is_too_long_is_the_callers_business(world: World, admin: Admin) -> None:
    strike(world, "AdminGetUser", faults.Throttle(retry_after=600))
    with pytest.raises(Throttled) as caught:
        await admin.get_user("ana")
    assert caught.value.retry_after == 600
    assert world.wire.counts["AdminGetUser"] == 1


async def test_one_throttled_call_holds_up_the_others(world: World, admin: Admin) -> None:
    world.add_user()
    strike(world, "AdminDisableUser", faults.Throttle(retry_after=5))
    sent_at: list[float] = []
    send = world.wire._inner.send

    class Noting:
        async def send(self, call: Call) -> Reply:
            sent_at.append(world.clock.boot())
            return await send(call)

        async def aclose(self) -> None: ...

    world.wire._inner = Noting()
    began = world.clock.boot()
    async with anyio.create_task_group() as group:
        group.start_soon(admin.disable_user, "ana")
        while not admin._desk._opens_at:
            await anyio.lowlevel.checkpoint()
        await admin.get_user("ana")
    assert sent_at[0] == began
    assert all(moment >= began + 5 for moment in sent_at[1:])


async def test_an_unsent_call_is_repeated_and_a_lock_is_not(world: World, admin: Admin) -> None:
    world.add_user()

    async def refuse() -> None:
        raise ConnectFailed("AdminGetUser", retry_safe=True)

    world.wire.before = [refuse, refuse]
    assert await admin.get_user("ana")
    limit = faults.Refuse("LimitExceededException", "Attempt limit exceeded")
    strike(world, "AdminGetUser", limit)
    with pytest.raises(LimitExceeded):
        await admin.get_user("ana")


@pytest.mark.parametrize(
    ("act", "operation", "times"),
    [
        (lambda it: it.get_user("ana"), "AdminGetUser", 2),
        (lambda it: it.disable_user("ana"), "AdminDisableUser", 2),
        (lambda it: it.create_user("ben", invite=None), "AdminCreateUser", 1),
        (lambda it: it.reset_password("ana"), "AdminResetUserPassword", 1),
        (lambda it: it.delete_user("ana"), "AdminDeleteUser", 1),
        (lambda it: it.create_group("g"), "CreateGroup", 1),
    ],
)
async def test_after_a_lost_answer_only_what_does_no_harm_is_repeated(
    world: World, admin: Admin, act: Callable[[Admin], Any], operation: str, times: int
) -> None:
    # threat 24
    world.add_user()

    async def lose() -> None:
        raise DeadlineExceeded(operation, retry_safe=False)

    world.wire.before = [lose]
    if times == 1:
        with pytest.raises(DeadlineExceeded):
            await act(admin)
    else:
        await act(admin)
    assert world.wire.counts[operation] == times


async def test_a_failing_service_is_asked_once_more(world: World, admin: Admin) -> None:
    strike(world, "AdminGetUser", faults.InternalFailure(), 2)
    with pytest.raises(InternalError):
        await admin.get_user("ana")
    assert world.wire.counts["AdminGetUser"] == 2
