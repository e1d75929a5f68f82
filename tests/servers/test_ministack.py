"""Signing in, against a server we did not write.

What ministack 1.5.33 does differently from the service, so that no test here asks for
it: it takes any new password, codes of TOTP more than once and invented sessions;
it tells upper from lower case in aliases; a refresh resets ``auth_time``; refresh
tokens neither rotate nor expire.
"""

from __future__ import annotations

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from aiocognito import (
    ChallengeRequired,
    CodeMismatch,
    Flow,
    IncorrectUsernameOrPassword,
    InvalidParameter,
    NewPasswordRequired,
    NotAuthorized,
    Password,
    PasswordResetRequired,
    ResourceNotFound,
    SecretHashMismatch,
    Session,
    SignedIn,
    SoftwareTokenMfa,
    Srp,
    TokenClientMismatch,
    TokenSignatureInvalid,
    TokenVerifier,
    UserDisabled,
    UserNotConfirmed,
    challenge_from_dict,
    responders,
)
from tests.servers.ministack import PASSWORD, AppThere, PoolThere, UserThere

pytestmark = pytest.mark.peer

FLOWS = [pytest.param(Srp(), id="srp"), pytest.param(Password(), id="password")]


# --- right and wrong passwords --------------------------------------------------------


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("called", ["name", "email"])
async def test_the_right_password_signs_in(
    app: AppThere, ana: UserThere, called: str, flow: Flow
) -> None:
    # F001, F003, F021, F037, F038, F039: by user name and by alias, with and without secret
    async with app.open() as pool:
        session = await pool.sign_in(getattr(ana, called), PASSWORD, flow=flow)
        assert session.username == ana.name
        assert (session.claims.sub, session.claims.email) == (ana.sub, ana.email)
        assert session.claims.client_id == app.client_id


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("called", ["name", "email"])
async def test_a_wrong_password_does_not(
    app: AppThere, ana: UserThere, called: str, flow: Flow
) -> None:
    async with app.open() as pool:
        with pytest.raises(IncorrectUsernameOrPassword):
            await pool.sign_in(getattr(ana, called), PASSWORD + "!", flow=flow)


@pytest.mark.parametrize("hiding", ["ENABLED", "LEGACY"])
async def test_an_unknown_user_looks_like_a_wrong_password(
    pool_there: PoolThere, hiding: str
) -> None:
    # F031
    app = pool_there.add_app(PreventUserExistenceErrors=hiding)
    async with app.open() as pool:
        with pytest.raises(IncorrectUsernameOrPassword):
            await pool.sign_in("nobody", PASSWORD)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (None, "  blanks around and within 1A!  "),
        (None, "Ünïcödé-Pässwört-1"),
        (None, "🔑 Passw0rd!"),
        (None, "Aa1!" * 64),
        ("zoë", PASSWORD),
        ("dr.ana+test_1", PASSWORD),
    ],
)
async def test_names_and_passwords_are_proven_as_typed(
    pool_there: PoolThere, name: str | None, password: str
) -> None:
    # A chosen name exists once in a pool, and this runs on each event loop.
    pool = pool_there if name is None else pool_there.server.add_user_pool()
    user = pool.add_user(name, password=password)
    async with pool.add_app().open() as ours:
        session = await ours.sign_in(user.name, password)
        assert session.username == user.name


async def test_an_address_as_user_name_becomes_the_true_name(pool_there: PoolThere) -> None:
    # F021: the user is called by a UUID, and that goes into the hash of a refresh
    by_email = pool_there.server.add_user_pool(UsernameAttributes=["email"])
    app = by_email.add_app(secret=True)
    bea = by_email.add_user("bea@example.com")
    async with app.open(refresh_with="REFRESH_TOKEN_AUTH") as pool:
        session = await pool.sign_in("bea@example.com", PASSWORD)
        assert session.username == bea.name == bea.sub
        await session.refresh()


# --- accounts that cannot sign in -----------------------------------------------------


async def test_a_disabled_user_is_told_so(public: AppThere, ana: UserThere) -> None:
    public.pool.owner.admin_disable_user(UserPoolId=public.pool.id, Username=ana.name)
    async with public.open() as pool:
        with pytest.raises(UserDisabled):
            await pool.sign_in(ana.name, PASSWORD)


async def test_a_user_who_must_reset_the_password_is_told_so(
    public: AppThere, ana: UserThere
) -> None:
    public.pool.owner.admin_reset_user_password(UserPoolId=public.pool.id, Username=ana.name)
    async with public.open() as pool:
        with pytest.raises(PasswordResetRequired):
            await pool.sign_in(ana.name, PASSWORD)


async def test_an_unconfirmed_user_is_told_so(public: AppThere) -> None:
    name = f"new-{time.time_ns()}"
    public.pool.owner.sign_up(ClientId=public.client_id, Username=name, Password=PASSWORD)
    async with public.open() as pool:
        with pytest.raises(UserNotConfirmed):
            await pool.sign_in(name, PASSWORD)


# --- app clients that do not fit ------------------------------------------------------


async def test_a_wrong_client_secret_is_not_taken_for_a_wrong_password(
    confidential: AppThere, ana: UserThere
) -> None:
    # F028
    async with confidential.open(client_secret="wrong") as pool:
        with pytest.raises(SecretHashMismatch):
            await pool.sign_in(ana.name, PASSWORD)


async def test_a_missing_client_secret_is_not_taken_for_a_wrong_password(
    confidential: AppThere, ana: UserThere
) -> None:
    async with confidential.open(client_secret=None) as pool:
        with pytest.raises(NotAuthorized, match="client_secret") as caught:
            await pool.sign_in(ana.name, PASSWORD)
    assert not isinstance(caught.value, IncorrectUsernameOrPassword)


async def test_a_client_secret_that_nobody_asked_for_is_refused(
    public: AppThere, ana: UserThere
) -> None:
    async with public.open(client_secret="unwanted") as pool:
        with pytest.raises(InvalidParameter):
            await pool.sign_in(ana.name, PASSWORD)


async def test_a_flow_that_is_switched_off_is_refused(
    pool_there: PoolThere, ana: UserThere
) -> None:
    # F027
    app = pool_there.add_app(ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    async with app.open() as pool:
        with pytest.raises(InvalidParameter, match="USER_PASSWORD_AUTH"):
            await pool.sign_in(ana.name, PASSWORD, flow=Password())
        assert (await pool.sign_in(ana.name, PASSWORD)).username == ana.name


async def test_an_unknown_app_client_is_refused(pool_there: PoolThere) -> None:
    async with AppThere(pool=pool_there, client_id="unknown", client_secret=None).open() as pool:
        with pytest.raises(ResourceNotFound):
            await pool.sign_in("ana", PASSWORD)


# --- challenges -----------------------------------------------------------------------


async def test_a_temporary_password_is_replaced(app: AppThere) -> None:
    user = app.pool.add_user(password="Temp0rary!", temporary=True)
    async with app.open() as pool:
        login = pool.login(user.email, "Temp0rary!")
        step = await login.start()
        assert isinstance(step, NewPasswordRequired)
        assert isinstance(await login.send(step.answer("Chosen-1-myself")), SignedIn)
        session = await pool.sign_in(user.name, "Chosen-1-myself")
        assert session.username == user.name
        with pytest.raises(IncorrectUsernameOrPassword):
            await pool.sign_in(user.name, "Temp0rary!")


async def switch_on_totp(session: Session, pool: PoolThere) -> str:
    """Give the user an authenticator and return its secret."""
    token = await session.access_token()
    secret: str = pool.owner.associate_software_token(AccessToken=token)["SecretCode"]
    pool.owner.verify_software_token(AccessToken=token, UserCode=code_of(secret))
    pool.owner.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    pool.owner.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    return secret


def code_of(secret: str) -> str:
    """Compute a code without our code."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return TOTP(key, 6, SHA1(), 30).generate(time.time()).decode()


@pytest.fixture
async def guarded(app: AppThere, ana: UserThere) -> str:
    """Ana's authenticator's secret; from here on she needs it."""
    async with app.open() as pool:
        return await switch_on_totp(await pool.sign_in(ana.name, PASSWORD), app.pool)


async def test_a_second_factor_is_answered(app: AppThere, ana: UserThere, guarded: str) -> None:
    # F022: by a responder, after signing in with the alias
    async with app.open() as pool:
        with pytest.raises(ChallengeRequired):
            await pool.sign_in(ana.email, PASSWORD)
        session = await pool.sign_in(ana.email, PASSWORD, respond=responders.totp(guarded))
        assert session.username == ana.name


async def test_a_wrong_code_can_be_mended(app: AppThere, ana: UserThere, guarded: str) -> None:
    async with app.open() as pool:
        login = pool.login(ana.name, PASSWORD)
        step = await login.start()
        assert isinstance(step, SoftwareTokenMfa)
        wrong = f"{(int(code_of(guarded)) + 500_000) % 1_000_000:06}"
        with pytest.raises(CodeMismatch):
            await login.send(step.answer(wrong))
        again = login.waiting
        assert isinstance(again, SoftwareTokenMfa)
        assert isinstance(await login.send(again.answer(code_of(guarded))), SignedIn)


async def test_a_challenge_is_answered_in_another_process(
    app: AppThere, ana: UserThere, guarded: str
) -> None:
    async with app.open() as pool:
        step = await pool.login(ana.email, PASSWORD).start()
        assert isinstance(step, SoftwareTokenMfa)
        kept = json.dumps(step.to_dict())
    async with app.open() as pool:
        restored = challenge_from_dict(json.loads(kept))
        assert isinstance(restored, SoftwareTokenMfa)
        end = await pool.resume(restored.answer(code_of(guarded)))
        assert isinstance(end, SignedIn)
        assert end.session.username == ana.name


# --- tokens, verified apart from the session ------------------------------------------


async def test_tokens_are_verified_by_the_pools_own_keys(
    public: AppThere, confidential: AppThere, ana: UserThere
) -> None:
    # F070: threats 14 and 15 with tokens that somebody else signed
    async with public.open() as pool:
        token = await (await pool.sign_in(ana.name, PASSWORD)).access_token()
    there, url = public.pool, public.pool.server.url
    async with TokenVerifier(there.id, public.client_id, endpoint_url=url) as verifier:
        claims = await verifier.verify_access_token(token, scope="aws.cognito.signin.user.admin")
        assert (claims.username, claims.sub) == (ana.name, ana.sub)
        head, body, signature = token.split(".")
        forged = (
            f"{head}.{body}.{signature[:9]}{'B' if signature[9] == 'A' else 'A'}{signature[10:]}"
        )
        with pytest.raises(TokenSignatureInvalid):
            await verifier.verify_access_token(forged)
    async with TokenVerifier(there.id, confidential.client_id, endpoint_url=url) as verifier:
        with pytest.raises(TokenClientMismatch):
            await verifier.verify_access_token(token)
