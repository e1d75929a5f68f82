"""Administrators' calls, signed, against a server we did not write.

What ministack 1.5.33 does differently from the service, so that no test here asks for it:
it asks for no signature here, and it has no AdminDeleteUserAttributes, UpdateGroup or
AdminGetUserAuthFactors.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from aiobotocore.session import AioSession

from aiocognito import (
    Admin,
    GroupExists,
    IncorrectUsernameOrPassword,
    NewPasswordRequired,
    NotAuthorized,
    PasswordResetRequired,
    ResourceNotFound,
    SignInRequired,
    UserDisabled,
    UserFilter,
    UsernameExists,
    UserNotFound,
    UserPool,
    responders,
)
from tests.servers.ministack import OWNER, PASSWORD, AppThere, Ministack, PoolThere, UserThere

pytestmark = pytest.mark.peer


def keys() -> AioSession:
    session = AioSession()
    session.set_credentials(*OWNER)
    return session


@pytest.fixture
async def pool(public: AppThere) -> AsyncIterator[UserPool]:
    async with public.open(aws=keys()) as opened:
        yield opened


@pytest.fixture
def admin(pool: UserPool) -> Admin:
    return pool.admin


def new_name(prefix: str = "user") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


async def test_a_user_from_creation_to_deletion(pool: UserPool, admin: Admin) -> None:
    # F047, F049, F051, F052, F121
    name = new_name()
    made = await admin.create_user(
        name,
        attributes={"email": f"{name}@example.com", "email_verified": True},
        temporary_password=PASSWORD,
        invite=None,
    )
    assert (made.username, made.status) == (name, "FORCE_CHANGE_PASSWORD")
    assert made.is_verified("email")
    with pytest.raises(UsernameExists):
        await admin.create_user(name, invite=None)
    answer = responders.new_password("An0ther-one!")
    session = await pool.sign_in(name, PASSWORD, respond=answer)
    found = await admin.get_user(name)
    assert (found.sub, found.status, found.enabled) == (session.claims.sub, "CONFIRMED", True)
    assert found.created_at is not None
    await admin.disable_user(name)
    with pytest.raises(UserDisabled):
        await pool.sign_in(name, "An0ther-one!")
    await admin.enable_user(name)
    await admin.set_password(name, PASSWORD)
    await pool.sign_in(name, PASSWORD)
    await admin.set_password(name, PASSWORD, temporary=True)
    assert (await admin.get_user(name)).status == "FORCE_CHANGE_PASSWORD"
    step = await pool.login(name, PASSWORD).start()
    assert isinstance(step, NewPasswordRequired)
    await admin.delete_user(name)
    with pytest.raises(UserNotFound):
        await admin.get_user(name)
    with pytest.raises(IncorrectUsernameOrPassword):
        await pool.sign_in(name, PASSWORD)


async def test_attributes_are_changed(admin: Admin, ana: UserThere) -> None:
    await admin.update_user(ana.name, {"family_name": "Reddy", "email_verified": False})
    user = await admin.get_user(ana.name)
    assert (user.attributes["family_name"], user.is_verified("email")) == ("Reddy", False)


async def test_a_password_is_reset(pool: UserPool, admin: Admin, ana: UserThere) -> None:
    await admin.reset_password(ana.name)
    with pytest.raises(PasswordResetRequired):
        await pool.sign_in(ana.name, PASSWORD)


async def test_a_sign_up_is_confirmed_without_a_code(pool: UserPool, admin: Admin) -> None:
    # F048
    name = new_name()
    await pool.sign_up(name, PASSWORD, attributes={"email": f"{name}@example.com"})
    await admin.confirm_sign_up(name)
    await pool.sign_in(name, PASSWORD)


async def test_a_user_is_signed_out_everywhere(
    pool: UserPool, admin: Admin, ana: UserThere
) -> None:
    session = await pool.sign_in(ana.name, PASSWORD)
    await admin.sign_out(ana.name)
    with pytest.raises((SignInRequired, NotAuthorized)):
        await session.refresh()


async def test_more_users_than_a_page_holds(ministack: Ministack) -> None:
    # F050
    there = ministack.add_user_pool()
    app = there.add_app()
    names = [f"user-{number:03}" for number in range(130)]
    async with app.open(aws=keys()) as pool:
        for name in names:
            await pool.admin.create_user(
                name, attributes={"family_name": f"of {name[:6]}"}, invite=None
            )
        listed = [user.username async for user in pool.admin.list_users()]
        assert sorted(listed) == names
        assert len(listed) == len(set(listed))
        where = UserFilter.starts_with("family_name", "of user-1")
        found = await pool.admin.list_users(where, page_size=20).collect()
        assert {user.username for user in found} == set(names[100:])


@pytest.mark.parametrize("name", ["O'Hara", "von Ärmel", "Reddy"])
async def test_users_are_found_by_name(admin: Admin, pool_there: PoolThere, name: str) -> None:
    # F050
    user = new_name()
    await admin.create_user(user, attributes={"family_name": name}, invite=None)
    where = UserFilter.equals("family_name", name)
    assert user in [found.username async for found in admin.list_users(where)]


async def test_groups_and_who_is_in_them(pool: UserPool, admin: Admin, ana: UserThere) -> None:
    # F053
    name = new_name("group")
    made = await admin.create_group(name, description="edit", precedence=2)
    assert (made.name, made.description, made.precedence) == (name, "edit", 2)
    with pytest.raises(GroupExists):
        await admin.create_group(name)
    assert await admin.get_group(name) == made
    await admin.add_to_group(ana.name, name)
    assert [group.name async for group in admin.groups_of(ana.name)] == [name]
    assert [user.username async for user in admin.users_in(name)] == [ana.name]
    assert (await pool.sign_in(ana.name, PASSWORD)).claims.groups == (name,)
    await admin.remove_from_group(ana.name, name)
    assert await admin.groups_of(ana.name).collect() == []
    await admin.delete_group(name)
    assert name not in [group.name async for group in admin.list_groups()]
    with pytest.raises(ResourceNotFound):
        await admin.get_group(name)


async def test_the_pool_and_its_clients_are_described(
    admin: Admin, public: AppThere, confidential: AppThere
) -> None:
    # F033
    pool = await admin.describe_pool()
    assert (pool.id, pool.alias_attributes) == (public.pool.id, ("email",))
    assert pool.id in [found.id async for found in admin.list_pools()]
    client = await admin.describe_client(confidential.client_id)
    assert client.secret == confidential.client_secret
    assert client.hides_unknown_users
    assert (await admin.describe_client()).client_id == public.client_id
    listed = {found.client_id async for found in admin.list_clients()}
    assert listed >= {public.client_id, confidential.client_id}
