"""Accounts, against a server we did not write.

What ministack 1.5.33 does differently from the service, so that no test here asks for it:
its codes are always the same two and never end, it verifies no attributes, has no
GetUserAuthFactors and no DeleteUserAttributes, and a verified authenticator is switched
on at once.
"""

from __future__ import annotations

import base64
import time
import uuid

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from aiocognito import (
    CodeMismatch,
    EnableSoftwareTokenMFA,
    ExpiredCode,
    IncorrectUsernameOrPassword,
    InvalidPassword,
    NotAuthorized,
    SecretHashMismatch,
    UsernameExists,
    UserNotConfirmed,
    UserNotFound,
    UserPool,
    responders,
)
from tests.servers.ministack import PASSWORD, AppThere, PoolThere, UserThere

pytestmark = pytest.mark.peer

SIGN_UP_CODE, RESET_CODE, NO_CODE = "123456", "654321", "000000"
NEW = "An0ther-one!"


def new_name() -> str:
    return f"user-{uuid.uuid4().hex[:12]}"


async def test_from_sign_up_to_deletion(app: AppThere) -> None:
    # F015, F035, F036, F093: with and without a secret
    name = new_name()
    async with app.open() as pool:
        made = await pool.sign_up(name, PASSWORD, attributes={"email": f"{name}@example.com"})
        assert not made.confirmed
        assert made.delivery is not None
        assert (made.delivery.medium, made.delivery.attribute) == ("EMAIL", "email")
        with pytest.raises(UsernameExists):
            await pool.sign_up(name, PASSWORD)
        with pytest.raises(UserNotConfirmed):
            await pool.sign_in(name, PASSWORD)
        with pytest.raises(CodeMismatch):
            await pool.confirm_sign_up(name, NO_CODE)
        assert await pool.resend_confirmation_code(name)
        await pool.confirm_sign_up(name, SIGN_UP_CODE)
        with pytest.raises(NotAuthorized, match="CONFIRMED"):
            await pool.confirm_sign_up(name, SIGN_UP_CODE)

        session = await pool.sign_in(name, PASSWORD)
        assert await session.update_attributes({"name": "Ana"}) == ()
        user = await session.get_user()
        assert (user.username, user.sub, user.attributes["name"]) == (name, made.user_sub, "Ana")
        with pytest.raises(IncorrectUsernameOrPassword):
            await session.change_password("wrong", NEW)
        await session.change_password(PASSWORD, NEW)

        await pool.forgot_password(name)
        with pytest.raises(CodeMismatch):
            await pool.confirm_forgot_password(name, NO_CODE, PASSWORD)
        await pool.confirm_forgot_password(name, RESET_CODE, PASSWORD)
        with pytest.raises(ExpiredCode):
            await pool.confirm_forgot_password(name, RESET_CODE, NEW)
        session = await pool.sign_in(name, PASSWORD)
        await session.delete_user()
        with pytest.raises(IncorrectUsernameOrPassword):
            await pool.sign_in(name, PASSWORD)


async def test_a_weak_password_is_named(app: AppThere) -> None:
    # F091
    async with app.open() as pool:
        with pytest.raises(InvalidPassword) as refused:
            await pool.sign_up(new_name(), "Aa1!")
    assert refused.value.unmet == ("length",)


async def test_an_address_as_user_name(pool_there: PoolThere) -> None:
    # F021, F035: the hash is over the address, the true name is a UUID
    there = pool_there.server.add_user_pool(UsernameAttributes=["email"])
    address = f"{new_name()}@example.com"
    async with there.add_app(secret=True).open() as pool:
        made = await pool.sign_up(address, PASSWORD)
        await pool.confirm_sign_up(address, SIGN_UP_CODE)
        session = await pool.sign_in(address, PASSWORD)
        assert (await session.get_user()).username == session.username == made.user_sub


async def test_the_hash_is_checked(confidential: AppThere) -> None:
    async with UserPool(
        confidential.pool.id, confidential.client_id, endpoint_url=confidential.pool.server.url
    ) as pool:
        with pytest.raises(SecretHashMismatch):
            await pool.sign_up(new_name(), PASSWORD)


async def test_an_unknown_name(pool_there: PoolThere) -> None:
    # F031
    async with pool_there.add_app().open() as pool:
        assert await pool.forgot_password("nobody")
        with pytest.raises(CodeMismatch):
            await pool.confirm_forgot_password("nobody", RESET_CODE, PASSWORD)
    legacy = pool_there.add_app(PreventUserExistenceErrors="LEGACY")
    async with legacy.open() as pool:
        with pytest.raises(UserNotFound):
            await pool.forgot_password("nobody")


async def test_an_authenticator_is_set_up_and_used(app: AppThere, ana: UserThere) -> None:
    # F090
    async with app.open() as pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        setup = await session.set_up_totp(issuer="Our Shop")
        key = base64.b32decode(setup.secret + "=" * (-len(setup.secret) % 8))
        code = TOTP(key, 6, SHA1(), 30).generate(int(time.time())).decode()
        with pytest.raises(EnableSoftwareTokenMFA):
            await setup.verify(f"{(int(code) + 500_000) % 10**6:06d}")
        await setup.verify(code)
        await session.set_mfa(totp="preferred")
        assert (await session.get_user()).preferred_mfa == "SOFTWARE_TOKEN_MFA"
        respond = responders.totp(setup.secret)
        again = await pool.sign_in(ana.name, PASSWORD, respond=respond)
        await again.set_mfa(totp="off")
        user = await again.get_user()
        assert (user.mfa, user.preferred_mfa) == ((), None)
