"""Sign-ins by administrators' calls, against a server we did not write.

ministack 1.5.33 asks for no signature here; tests/test_admin_sign_in.py asks the local pool.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiobotocore.session import AioSession

from aiocognito import (
    IncorrectUsernameOrPassword,
    InvalidParameter,
    NewPasswordRequired,
    Password,
    RequestContext,
    SecretHashMismatch,
    SignedIn,
    SoftwareTokenMfa,
    Srp,
    UserDisabled,
    challenge_from_dict,
)
from aiocognito.flow.flows import Flow
from aiocognito.testing.totp import STEP, code_at
from tests.servers.ministack import OWNER, PASSWORD, AppThere, PoolThere, UserThere

pytestmark = pytest.mark.peer

PERSON = RequestContext(
    client_metadata={"tenant": "blue"},
    ip_address="203.0.113.7",
    server_name="app.example.com",
    server_path="/sign-in",
    http_headers={"User-Agent": "a browser"},
)


FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


@pytest.fixture(scope="session")
def public(pool_there: PoolThere) -> AppThere:
    return pool_there.add_app(ExplicitAuthFlows=FLOWS)


@pytest.fixture(scope="session")
def confidential(pool_there: PoolThere) -> AppThere:
    return pool_there.add_app(secret=True, ExplicitAuthFlows=FLOWS)


def keys() -> AioSession:
    session = AioSession()
    session.set_credentials(*OWNER)
    return session


@pytest.mark.parametrize("flow", [Srp(), Password()])
async def test_a_session_from_sign_in_to_sign_out(
    app: AppThere, ana: UserThere, flow: Flow
) -> None:
    # F040, F043
    async with app.open(aws=keys()) as pool:
        session = await pool.admin.sign_in(ana.name, PASSWORD, flow=flow, context=PERSON)
        assert session.claims.sub == ana.sub
        before = await session.access_token()
        await session.refresh()
        assert await session.access_token() != before
        assert (await session.get_user()).attributes["email"] == ana.email
        await session.sign_out()


async def test_a_flow_that_the_app_client_refuses_is_named(
    pool_there: PoolThere, ana: UserThere
) -> None:
    async with pool_there.add_app().open(aws=keys()) as pool:
        with pytest.raises(InvalidParameter, match="not enabled"):
            await pool.admin.sign_in(ana.name, PASSWORD, flow=Password())


@pytest.mark.parametrize("flow", [Srp(), Password()])
async def test_a_wrong_password_is_one(app: AppThere, ana: UserThere, flow: Flow) -> None:
    # F120
    async with app.open(aws=keys()) as pool:
        with pytest.raises(IncorrectUsernameOrPassword):
            await pool.admin.sign_in(ana.name, "Wr0ng-password!", flow=flow)


async def test_a_disabled_user_is_told_so(public: AppThere, ana: UserThere) -> None:
    async with public.open(aws=keys()) as pool:
        await pool.admin.disable_user(ana.name)
        with pytest.raises(UserDisabled):
            await pool.admin.sign_in(ana.name, PASSWORD, flow=Password())


@pytest.mark.parametrize("flow", [Srp(), Password()])
async def test_challenges_are_answered_in_another_process(
    app: AppThere, pool_there: PoolThere, flow: Flow
) -> None:
    # F040, F041, F047
    kim = pool_there.add_user(temporary=True)
    async with app.open(aws=keys()) as pool, app.open(aws=keys()) as elsewhere:
        step: Any = await pool.admin.login(kim.name, PASSWORD, flow=flow).start()
        assert isinstance(step, NewPasswordRequired)
        revived: Any = challenge_from_dict(step.to_dict())
        done = await elsewhere.admin.resume(revived.answer("An0ther-one!"))
        assert isinstance(done, SignedIn)


async def test_the_second_factor_follows(pool_there: PoolThere) -> None:
    # F040, F090
    there = pool_there.server.add_user_pool()
    there.owner.set_user_pool_mfa_config(
        UserPoolId=there.id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    app, ana = there.add_app(ExplicitAuthFlows=FLOWS), there.add_user()
    async with app.open(aws=keys()) as pool:
        session = await pool.admin.sign_in(ana.name, PASSWORD)
        setup = await session.set_up_totp(issuer="Example")
        await setup.verify(code_at(setup.secret, int(time.time() // STEP)))
        await session.set_mfa(totp="preferred")
        step = await pool.admin.login(ana.name, PASSWORD).start()
        assert isinstance(step, SoftwareTokenMfa)
        revived: Any = challenge_from_dict(step.to_dict())
        # The code of the step to come: the present one was used to set it up.
        later = code_at(setup.secret, int(time.time() // STEP) + 1)
        assert isinstance(await pool.admin.resume(revived.answer(later)), SignedIn)


async def test_one_of_two_secrets_fits(confidential: AppThere, ana: UserThere) -> None:
    # threat 44
    wrong = "w" * 40
    secrets = (wrong, confidential.client_secret)
    async with confidential.open(aws=keys(), client_secret=secrets) as pool:
        session = await pool.sign_in(ana.name, PASSWORD)
        await session.refresh()
        await pool.admin.sign_in(ana.name, PASSWORD)
        await session.sign_out()
    async with confidential.open(client_secret=(wrong, "v" * 40)) as pool:
        with pytest.raises(SecretHashMismatch):
            await pool.sign_in(ana.name, PASSWORD)
