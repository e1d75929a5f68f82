"""Account methods of `UserPool` and `Session`, against the local pool in memory."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest

from aiocognito import RequestContext, Session, SessionEnded
from aiocognito.errors import (
    AccessTokenRejected,
    AliasExists,
    CodeMismatch,
    ConnectFailed,
    EnableSoftwareTokenMFA,
    ExpiredCode,
    IncorrectUsernameOrPassword,
    InternalError,
    InvalidArgument,
    InvalidParameter,
    InvalidPassword,
    InvalidType,
    LimitExceeded,
    NotAuthorized,
    ResponseLost,
    SessionClosed,
    SignInRequired,
    TriggerFailed,
    UserDisabled,
    UsernameExists,
    UserNotConfirmed,
)
from aiocognito.flow.calls import Reply
from aiocognito.flow.flows import Choice
from aiocognito.testing import Alter, Drop, InternalFailure, Refuse
from aiocognito.testing.totp import STEP, code_at
from aiocognito.transport.base import revealed
from tests.world import PASSWORD, World

EMAIL = "ana@example.com"
NEW = "An0ther-one!"


def code(world: World) -> str:
    """The code that was sent last."""
    return world.local.outbox[-1].code


async def signed_in(world: World, **user: Any) -> Session:
    world.add_user("ana", **{"attributes": {"email": EMAIL}, **user})
    return await world.pool.sign_in("ana", PASSWORD)


# --- the life of an account -----------------------------------------------------------


@pytest.mark.parametrize("secret", [False, True])
async def test_from_sign_up_to_deletion(secret: bool) -> None:
    # F014, F015, F035, F036, F093
    world = World(client_secret=secret)
    pool = world.pool
    made = await pool.sign_up("ana", PASSWORD, attributes={"email": EMAIL, "name": "Ana"})
    assert made.confirmed is False
    assert made.delivery is not None
    assert made.delivery.destination == "a***@e***"
    with pytest.raises(UserNotConfirmed):
        await pool.sign_in("ana", PASSWORD)
    with pytest.raises(CodeMismatch):
        await pool.confirm_sign_up("ana", "1" + code(world))
    again = await pool.resend_confirmation_code("ana")
    assert again == made.delivery
    await pool.confirm_sign_up("ana", f" {code(world)} ")

    session = await pool.sign_in("ana", PASSWORD)
    user = await session.get_user()
    assert (user.username, user.sub) == ("ana", made.user_sub)
    assert user.attributes["name"] == "Ana"
    assert user.is_verified("email")

    (delivery,) = await session.update_attributes({"email": "ana@example.org", "nickname": "a"})
    assert delivery.attribute == "email"
    assert not (await session.get_user()).is_verified("email")
    await session.verify_attribute("email", code(world))
    assert await session.send_attribute_code("email") == delivery
    with pytest.raises(CodeMismatch):
        await session.verify_attribute("email", "1" + code(world))
    await session.delete_attributes("nickname", "name")
    assert set((await session.get_user()).attributes) == {"sub", "email", "email_verified"}
    assert (await session.auth_factors()).configured == ("PASSWORD", "EMAIL_OTP")

    await session.change_password(PASSWORD, NEW)
    await pool.forgot_password("ana")
    await pool.confirm_forgot_password("ana", code(world), PASSWORD)
    again_signed_in = await pool.sign_in("ana", PASSWORD)
    await again_signed_in.delete_user()
    with pytest.raises(IncorrectUsernameOrPassword):
        await pool.sign_in("ana", PASSWORD)


async def test_deleting_the_user_ends_the_session() -> None:
    world = World()
    session = await signed_in(world)
    await session.delete_user()
    assert len(world.heard(SessionEnded)) == 1
    for ask in (session.access_token, session.get_user, session.delete_user):
        with pytest.raises(SessionClosed):
            await ask()
    assert world.wire.counts["DeleteUser"] == 1


async def test_a_deletion_that_failed_leaves_the_session_open() -> None:
    world = World()
    session = await signed_in(world)
    world.local.faults.add(InternalFailure(), operation="DeleteUser")
    with pytest.raises(InternalError):
        await session.delete_user()
    assert (await session.get_user()).username == "ana"


async def test_an_alias_is_taken_over_on_request_only() -> None:
    # F036
    world = World(alias_attributes=["email"])
    world.add_user("first", attributes={"email": EMAIL})
    await world.pool.sign_up("second", PASSWORD, attributes={"email": EMAIL})
    with pytest.raises(AliasExists):
        await world.pool.confirm_sign_up("second", code(world))
    await world.pool.confirm_sign_up("second", code(world), force_alias=True)
    assert (await world.pool.sign_in(EMAIL, PASSWORD)).username == "second"


async def test_a_confirmed_user_signs_in_without_being_asked_again() -> None:
    world = World(explicit_auth_flows=["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    made = await world.pool.sign_up("ana", PASSWORD, attributes={"email": EMAIL})
    assert made.session is not None
    confirmed = await world.pool.confirm_sign_up("ana", code(world), session=made.session)
    assert confirmed.session is not None
    assert confirmed.session != made.session
    session = await world.pool.sign_in("ana", flow=Choice(session=confirmed.session))
    assert (await session.get_user()).sub == made.user_sub


# --- what the service refuses ---------------------------------------------------------


async def test_a_weak_password_says_what_it_lacks() -> None:
    # F091
    world = World()
    with pytest.raises(InvalidPassword) as refused:
        await world.pool.sign_up("ana", "passw0rd!")
    assert refused.value.unmet == ("uppercase",)
    session = await signed_in(world)
    with pytest.raises(InvalidPassword) as refused:
        await session.change_password(PASSWORD, "Aa1!")
    assert refused.value.unmet == ("length",)
    await world.pool.forgot_password("ana")
    with pytest.raises(InvalidPassword) as refused:
        await world.pool.confirm_forgot_password("ana", code(world), "NoNumber!")
    assert refused.value.unmet == ("number",)
    assert "NoNumber" not in str(refused.value)


async def test_a_trigger_speaks_for_itself() -> None:
    # F056, F074
    def refuse(event: dict[str, Any]) -> None:
        raise ValueError("Email domain not allowed.")

    world = World()
    world.local.pool.triggers["PreSignUp"] = refuse
    with pytest.raises(TriggerFailed) as refused:
        await world.pool.sign_up("ana", PASSWORD, attributes={"email": "eve@elsewhere.org"})
    assert (refused.value.trigger, refused.value.reason) == (
        "PreSignUp",
        "Email domain not allowed.",
    )


async def test_context_reaches_the_triggers() -> None:
    heard: list[dict[str, Any]] = []

    def listen(event: dict[str, Any]) -> dict[str, Any]:
        heard.append(event["request"])
        return event

    world = World(pool_options={"context": RequestContext(client_metadata={"app": "shop"})})
    world.local.pool.triggers.update(PreSignUp=listen, PostConfirmation=listen)
    context = RequestContext(client_metadata={"locale": "de"}, ip_address="203.0.113.7")
    await world.pool.sign_up(
        "ana",
        PASSWORD,
        attributes={"email": EMAIL},
        validation_data={"invitation": "42"},
        context=context,
    )
    await world.pool.confirm_sign_up("ana", code(world), context=context)
    assert heard[0]["validationData"] == {"invitation": "42"}
    assert heard[0]["clientMetadata"] == heard[1]["clientMetadata"]
    assert heard[1]["clientMetadata"] == {"app": "shop", "locale": "de"}
    assert revealed(world.wire.sent[0].parameters)["UserContextData"]["IpAddress"] == "203.0.113.7"
    with pytest.raises(InvalidType):
        await world.pool.forgot_password("ana", context={"locale": "de"})  # type: ignore[arg-type]


async def test_why_somebody_cannot_sign_in() -> None:
    # F120: each reason is a class of its own
    world = World()
    await world.pool.sign_up("new", PASSWORD, attributes={"email": EMAIL})
    world.add_user("off", enabled=False)
    world.add_user("ana")
    for name, password, error in (
        ("new", PASSWORD, UserNotConfirmed),
        ("off", PASSWORD, UserDisabled),
        ("ana", "wrong", IncorrectUsernameOrPassword),
        ("nobody", PASSWORD, IncorrectUsernameOrPassword),
    ):
        with pytest.raises(error):
            await world.pool.sign_in(name, password)


async def test_refusals_on_the_way() -> None:
    world = World()
    pool = world.pool
    await pool.sign_up("ana", PASSWORD, attributes={"email": EMAIL})
    with pytest.raises(UsernameExists):
        await pool.sign_up("ana", PASSWORD)
    world.clock.advance(86_400)
    with pytest.raises(ExpiredCode):
        await pool.confirm_sign_up("ana", code(world))
    await pool.resend_confirmation_code("ana")
    await pool.confirm_sign_up("ana", code(world))
    with pytest.raises(NotAuthorized, match="CONFIRMED"):
        await pool.confirm_sign_up("ana", code(world))
    with pytest.raises(InvalidParameter):
        await pool.resend_confirmation_code("ana")
    session = await pool.sign_in("ana", PASSWORD)
    with pytest.raises(IncorrectUsernameOrPassword):
        await session.change_password("wrong", NEW)
    for _ in range(5):
        await session.send_attribute_code("email")
    with pytest.raises(LimitExceeded):
        await session.send_attribute_code("email")


async def test_attributes_outside_the_schema() -> None:
    # F106: the name is the service's to say, the value is nobody's
    world = World()
    session = await signed_in(world)
    with pytest.raises(InvalidParameter, match="custom:nowhere") as refused:
        await session.update_attributes({"custom:nowhere": "a value of mine"})
    assert "a value of mine" not in str(refused.value)
    with pytest.raises(InvalidParameter, match="custom:nowhere"):
        await session.delete_attributes("custom:nowhere")


# --- second factors -------------------------------------------------------------------


async def test_an_authenticator_is_set_up_and_preferred() -> None:
    # F090
    world = World()
    session = await signed_in(world)
    setup = await session.set_up_totp(issuer="Our Shop")
    assert setup.secret not in repr(setup)
    uri = urlsplit(setup.uri)
    assert uri.path == "/Our%20Shop:ana"
    assert parse_qs(uri.query) == {"secret": [setup.secret], "issuer": ["Our Shop"]}
    with pytest.raises(EnableSoftwareTokenMFA):
        await setup.verify("000000" if totp(world, setup.secret) != "000000" else "000001")
    await setup.verify(totp(world, setup.secret), device_name="phone")
    assert "SOFTWARE_TOKEN" in (await session.auth_factors()).configured
    assert (await session.get_user()).mfa == ()

    await session.set_mfa(totp="preferred", email="on")
    user = await session.get_user()
    assert set(user.mfa) == {"SOFTWARE_TOKEN_MFA", "EMAIL_OTP"}
    assert user.preferred_mfa == "SOFTWARE_TOKEN_MFA"
    with pytest.raises(InvalidParameter):
        await session.set_mfa(sms="on")
    await session.set_mfa(totp="off", email="off")
    assert (await session.auth_factors()).mfa == ()


def totp(world: World, secret: str) -> str:
    return code_at(secret, int(world.clock.wall() // STEP))


async def test_an_authenticator_the_service_does_not_take() -> None:
    world = World()
    setup = await (await signed_in(world)).set_up_totp(issuer="Shop", name="Ana's phone")
    assert setup.name == "Ana's phone"
    world.local.faults.add(
        Alter(lambda answer: {"Status": "ERROR"}), operation="VerifySoftwareToken"
    )
    with pytest.raises(EnableSoftwareTokenMFA) as refused:
        await setup.verify(totp(world, setup.secret))
    assert refused.value.operation == "VerifySoftwareToken"


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ({"issuer": ""}, InvalidArgument),
        ({"issuer": "a:b"}, InvalidArgument),
        ({"issuer": 1}, InvalidType),
        ({"issuer": "Shop", "name": 1}, InvalidType),
    ],
    ids=str,
)
async def test_an_authenticator_needs_names(names: Any, error: type[Exception]) -> None:
    world = World()
    session = await signed_in(world)
    with pytest.raises(error):
        await session.set_up_totp(**names)
    assert world.wire.counts["AssociateSoftwareToken"] == 0


# --- tokens that are refused ------------------------------------------------------------


async def test_a_call_presents_a_fresh_token() -> None:
    world = World()
    session = await signed_in(world)
    world.clock.advance(3600)
    await session.get_user()
    assert world.wire.counts["GetTokensFromRefreshToken"] == 1


@pytest.mark.parametrize("text", ["Access Token has been revoked", "Access Token has expired"])
async def test_a_revoked_token_is_replaced_once(text: str) -> None:
    # Refresh once, retry once; what is not repeatable too, for nothing was done
    world = World()
    session = await signed_in(world)
    world.local.faults.add(Refuse("NotAuthorizedException", text), operation="ChangePassword")
    await session.change_password(PASSWORD, NEW)
    assert world.wire.counts["GetTokensFromRefreshToken"] == 1
    first, second = (
        revealed(call.parameters)["AccessToken"]
        for call in world.wire.sent
        if call.operation == "ChangePassword"
    )
    assert first != second


async def test_a_second_refusal_is_the_callers() -> None:
    world = World()
    session = await signed_in(world)
    refusal = Refuse("NotAuthorizedException", "Access Token has been revoked")
    world.local.faults.add(refusal, operation="GetUser", times=2)
    with pytest.raises(AccessTokenRejected):
        await session.get_user()
    assert world.wire.counts["GetUser"] == 2


@pytest.mark.parametrize(
    "text", ["Access Token does not have required scopes", "Invalid Access Token"]
)
async def test_a_newer_token_does_not_help_against_everything(text: str) -> None:
    world = World()
    session = await signed_in(world)
    world.local.faults.add(Refuse("NotAuthorizedException", text), operation="GetUser")
    with pytest.raises(AccessTokenRejected):
        await session.get_user()
    assert world.wire.counts["GetUser"] == 1


async def test_signed_out_everywhere_means_sign_in_again() -> None:
    world = World()
    session = await signed_in(world)
    other = await world.pool.sign_in("ana", PASSWORD)
    await other.sign_out(everywhere=True)
    with pytest.raises(SignInRequired) as required:
        await session.get_user()
    assert required.value.username == "ana"


# --- what is repeated, and what is not ----------------------------------------------------


async def test_what_was_never_sent_is_sent_again() -> None:
    world = World()

    async def no_connection() -> Reply:
        raise ConnectFailed("SignUp", retry_safe=True)

    world.wire.before = [no_connection, no_connection]
    await world.pool.sign_up("ana", PASSWORD, attributes={"email": EMAIL})
    assert world.wire.counts["SignUp"] == 3


async def test_a_sign_up_is_not_repeated_blindly() -> None:
    # F035: the user may exist although no answer came
    world = World()
    world.local.faults.add(Drop(acted=True), operation="SignUp")
    with pytest.raises(ResponseLost):
        await world.pool.sign_up("ana", PASSWORD, attributes={"email": EMAIL})
    assert world.wire.counts["SignUp"] == 1
    with pytest.raises(UsernameExists):
        await world.pool.sign_up("ana", PASSWORD, attributes={"email": EMAIL})


async def test_reading_is_repeated_after_a_lost_answer() -> None:
    world = World()
    session = await signed_in(world)
    world.local.faults.add(Drop(acted=True), operation="GetUser")
    assert (await session.get_user()).username == "ana"
    assert world.wire.counts["GetUser"] == 2


async def test_a_pool_that_is_closed_sends_nothing() -> None:
    world = World()
    await world.pool.aclose()
    with pytest.raises(SessionClosed):
        await world.pool.sign_up("ana", PASSWORD)
    assert world.wire.sent == []


async def test_cancelling_a_call_leaves_the_session_as_it_was() -> None:
    # threat 26
    world = World()
    session = await signed_in(world)

    async def hang() -> None:
        await anyio.sleep_forever()

    world.wire.before = [hang]
    with anyio.move_on_after(0.01):
        await session.get_user()
    assert (await session.get_user()).username == "ana"
