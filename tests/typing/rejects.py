"""What a type checker must refuse. Each line marked `# refused` is a mistake people make."""

from __future__ import annotations

from aiocognito import (
    BasicFlow,
    EnhancedFlow,
    IdentityPool,
    Session,
    SignedIn,
    SoftwareTokenMfa,
    Step,
    UserPool,
    logins,
    responders,
)


def plain_callable() -> str:
    return "secret"


def not_async(challenge: object) -> None:
    return None


async def mistakes(pool: UserPool, session: Session, step: Step) -> None:
    pool.session("svc", password=plain_callable)  # refused
    await pool.sign_in()  # refused
    await pool.sign_in("ana", context={"tenant": "7"})  # refused
    await pool.sign_in("ana", "password", respond=not_async)  # refused
    await pool.sign_in("ana", "password", flow="USER_SRP_AUTH")  # refused
    await pool.sign_in("ana", "password", responders.totp("ABC"))  # refused
    await pool.sign_in("ana", "password", device="eu-west-1_0a1b")  # refused
    session.device.to_bytes()  # refused
    pool.restore("text")  # refused
    step.session  # refused
    step.answer("123456")  # refused
    if isinstance(step, SoftwareTokenMfa):
        step.answer(123456)  # refused
        step.code  # refused
    if isinstance(step, SignedIn):
        step.session = session  # refused
    token: bytes = await session.access_token()  # refused
    print(token)
    UserPool("eu-west-1_Ab12Cd34E", "client", None)  # refused
    UserPool("eu-west-1_Ab12Cd34E", "client", client_secret=plain_callable)  # refused
    await pool.admin.sign_in("ana", "password", flow="ADMIN_USER_PASSWORD_AUTH")  # refused
    UserPool("eu-west-1_Ab12Cd34E", "client", verify_tokens="no")  # refused
    session.access_token().strip()  # refused
    await session.set_mfa(totp=True)  # refused
    await session.update_attributes({"custom:age": 7})  # refused
    await pool.confirm_sign_up("ana", 123456)  # refused


async def identity_mistakes(identities: IdentityPool, session: Session) -> None:
    identities.for_session(session, flow="basic")  # refused
    identities.for_session("ana")  # refused
    identities.for_logins(logins.google(plain_callable))  # refused
    identities.for_developer_user({"login.example": plain_callable})  # refused
    identities.guest(store="guests.json")  # refused
    BasicFlow("arn:aws:iam::123456789012:role/r", duration="900")  # refused
    EnhancedFlow("arn:aws:iam::123456789012:role/r")  # refused
    await identities.admin.openid_token("ana")  # refused
    (await identities.guest().credentials()).secret_access_key = "x"  # refused
