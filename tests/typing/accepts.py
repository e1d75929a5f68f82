"""What a type checker must accept. Never run; every line is how people write it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never, assert_type

from aiocognito import (
    Answer,
    AuthFactors,
    AwsCredentials,
    AwsEnvironment,
    AwsIdentity,
    BasicFlow,
    Challenge,
    Choice,
    Claims,
    CodeDelivery,
    CognitoError,
    Custom,
    CustomChallenge,
    Device,
    DeviceSrpAuth,
    EmailOtp,
    EnhancedFlow,
    IdentityPool,
    InvalidPassword,
    MfaSetup,
    NewDevice,
    NewPasswordRequired,
    OpenIdToken,
    Passkey,
    PasskeyCreationOptions,
    Password,
    PasswordChallenge,
    PasswordSrpChallenge,
    PrincipalTagMap,
    RememberedDevice,
    RequestContext,
    SelectChallenge,
    SelectMfaType,
    Session,
    SignedIn,
    SignInRequired,
    SignUpConfirmed,
    SignUpResult,
    SmsMfa,
    SmsOtp,
    SoftwarePasskey,
    SoftwareTokenMfa,
    SoftwareTokenSetup,
    Srp,
    Step,
    TokensChanged,
    TotpSetup,
    UnknownChallenge,
    UserPool,
    UserProfile,
    WebAuthn,
    challenge_from_dict,
    logins,
    responders,
)
from aiocognito.events import (
    ClockSkewed,
    CredentialsChanged,
    DeviceChanged,
    Event,
    PersistFailed,
    QuotaShort,
    ReauthenticationDue,
    RefreshFailing,
    SecurityAlert,
    SessionEnded,
    TimeJumped,
)
from aiocognito.signing import iot_websocket_url, presign_url, sign_request
from aiocognito.stores import MemoryTokenStore
from aiocognito.testing import LocalCognito


async def read_secret() -> str:
    return "secret"


async def signs_in(pool: UserPool) -> None:
    session = await pool.sign_in("ana", "password", respond=responders.totp("ABC"), flow=Srp())
    assert_type(session, Session)
    assert_type(await session.access_token(), str)
    assert_type(await session.id_token(), str)
    assert_type(session.claims, Claims)
    assert_type(session.export_state(), bytes)
    await session.sign_out(everywhere=True)


async def signs_in_otherwise(pool: UserPool) -> None:
    await pool.sign_in("ana", flow=Custom(), respond=responders.custom(solve))
    await pool.sign_in("ana", "password", flow=Custom(srp=True))
    await pool.login("ana", flow=Choice(preferred="EMAIL_OTP")).start()
    pool.login("ana", flow=Choice(session="session", acr_values=["urn:cognito:loa:3"], max_age=60))
    about = RequestContext(client_metadata={"tenant": "7"}, ip_address="203.0.113.7")
    await pool.sign_in("ana", "password", context=about)


async def solve(parameters: Mapping[str, str]) -> str | None:
    return parameters.get("question")


def makes_service_identities(pool: UserPool) -> None:
    assert_type(pool.session("svc", password="password"), Session)
    assert_type(pool.session("svc", password=read_secret), Session)
    assert_type(pool.session("svc", password=read_secret, flow=Password()), Session)


async def converses(pool: UserPool) -> Session:
    login = pool.login("ana", "password")
    step = await login.start()
    assert_type(step, Step)
    while True:
        match step:
            case SignedIn(session=session):
                return session
            case SoftwareTokenMfa() | SmsMfa() | EmailOtp() | SmsOtp():
                step = await login.send(step.answer("123456"))
            case NewPasswordRequired(required_attributes=names):
                assert_type(names, tuple[str, ...])
                step = await login.send(step.answer("new", attributes={"name": "Ana"}))
            case SelectMfaType(options=options):
                step = await login.send(step.answer(options[0]))
            case SelectChallenge(options=options):
                step = await login.send(step.answer(options[0], password="password"))
            case PasswordChallenge() | PasswordSrpChallenge():
                step = await login.send(step.answer("password"))
            case CustomChallenge(parameters=parameters):
                step = await login.send(step.answer(parameters["question"]))
            case MfaSetup(options=options):
                assert_type(options, tuple[str, ...])
                step = await login.send(step.answer_totp())
            case SoftwareTokenSetup(secret_code=secret):
                assert_type(secret, str)
                assert_type(step.otpauth_uri("Example"), str)
                step = await login.send(step.answer("123456", device_name="phone"))
            case DeviceSrpAuth(device_key=key):
                assert_type(key, str | None)
                step = await login.send(step.answer(RememberedDevice.from_bytes(b"kept")))
            case WebAuthn():
                step = await login.send(step.answer('{"id": "from a browser"}'))
            case UnknownChallenge(parameters=parameters):
                step = await login.send(step.answer({"ANSWER": parameters["question"]}))
            case _:
                assert_never(step)


async def answers(challenge: Challenge) -> Answer | None:
    return challenge.answer("123456") if isinstance(challenge, SmsMfa) else None


async def takes_a_responder_of_ones_own(pool: UserPool) -> None:
    await pool.sign_in("ana", read_secret, respond=responders.first_of(answers, answers))


async def keeps_passkeys(session: Session, pool: UserPool, credential: dict[str, object]) -> None:
    options = await session.start_passkey_registration()
    assert_type(options, PasskeyCreationOptions)
    assert_type(options.to_json(), str)
    await session.complete_passkey_registration(credential)
    await session.complete_passkey_registration("{}")
    assert_type(await session.list_passkeys(), tuple[Passkey, ...])
    key = SoftwarePasskey.create(options, counts=False)
    assert_type(SoftwarePasskey.from_bytes(key.to_bytes()), SoftwarePasskey)
    await session.delete_passkey(key.credential_id)
    await session.set_mfa(passkey="on")
    flow = Choice(preferred="WEB_AUTHN")
    await pool.sign_in("ana", flow=flow, respond=responders.passkey(key))


async def remembers_devices(pool: UserPool, session: Session) -> bytes | None:
    match session.device:
        case NewDevice():
            device = await session.remember_device("laptop")
            assert_type(device, RememberedDevice)
        case RememberedDevice() as device:
            await session.set_device_remembered(False)
        case None:
            return None
        case other:
            assert_never(other)
    assert_type(await session.list_devices().collect(), list[Device])
    assert_type(await session.get_device(), Device)
    await session.forget_device(device.key)
    await pool.sign_in("ana", read_secret, device=RememberedDevice.from_bytes(device.to_bytes()))
    return device.to_bytes()


async def resumes(pool: UserPool, cookie: dict[str, object]) -> None:
    challenge = challenge_from_dict(cookie)
    assert_type(challenge, Challenge)
    assert isinstance(challenge, SoftwareTokenMfa)
    assert_type(await pool.resume(challenge.answer("123456")), Step)


def observes(event: Event) -> None:
    match event:
        case TokensChanged(expires_at=expires_at):
            assert_type(expires_at, datetime)
        case RefreshFailing(error=error, retry_after=seconds):
            assert_type(error, CognitoError)
            assert_type(seconds, float)
        case SessionEnded(reason=reason):
            assert_type(reason, str)
        case CredentialsChanged() | SecurityAlert() | DeviceChanged():
            pass
        case ReauthenticationDue() | ClockSkewed() | TimeJumped() | PersistFailed() | QuotaShort():
            pass
        case _:
            assert_never(event)


def makes_an_observed_pool() -> UserPool:
    return UserPool("eu-west-1_Ab12Cd34E", "client", client_secret=b"secret", observer=observes)


async def read_secrets() -> list[str]:
    return ["new", "old"]


def rotates_client_secrets() -> list[UserPool]:
    pool_id = "eu-west-1_Ab12Cd34E"
    return [
        UserPool(pool_id, "client", client_secret="secret"),
        UserPool(pool_id, "client", client_secret=("new", b"old")),
        UserPool(pool_id, "client", client_secret=["new", "old"]),
        UserPool(pool_id, "client", client_secret=read_secret),
        UserPool(pool_id, "client", client_secret=read_secrets, refresh_with="auto"),
    ]


async def signs_in_on_a_server(pool: UserPool, answer: Answer) -> None:
    context = RequestContext(ip_address="203.0.113.7", server_name="a.b", server_path="/")
    session = await pool.admin.sign_in("ana", "password", flow=Password(), context=context)
    assert_type(session, Session)
    assert_type(await pool.admin.login("ana", "password").start(), Step)
    assert_type(await pool.admin.resume(answer, context=context), Step)
    assert_type(pool.admin.session("svc", password=read_secret), Session)


async def serves_guests() -> None:
    async with IdentityPool("eu-west-1:00000000-0000-0000-0000-000000000000") as identities:
        await identities.guest().credentials()


async def tests_with_a_local_pool(state: bytes) -> None:
    async with LocalCognito(client_secret=True) as local:
        local.add_user("ana", "password", totp=True)
        async with UserPool(local.user_pool_id, local.client_id, endpoint_url=local.url) as pool:
            pool.restore(state)


def knows_the_facts_of_errors(error: CognitoError) -> None:
    match error:
        case InvalidPassword(unmet=unmet):
            assert_type(unmet, tuple[str, ...])
        case SignInRequired(username=username, reason=reason):
            assert_type(username, str | None)
            assert_type(reason, str)
        case _:
            pass


async def manages_an_account(pool: UserPool, session: Session) -> None:
    context = RequestContext(client_metadata={"locale": "de"})
    made = await pool.sign_up("ana", "password", attributes={"email": "a@b.c"}, context=context)
    assert_type(made, SignUpResult)
    assert_type(made.delivery, CodeDelivery | None)
    assert_type(await pool.confirm_sign_up("ana", "1", session=made.session), SignUpConfirmed)
    assert_type(await pool.forgot_password("ana"), CodeDelivery | None)
    assert_type(await session.get_user(), UserProfile)
    assert_type(await session.auth_factors(), AuthFactors)
    changed = await session.update_attributes({"name": "Ana", "custom:vip": True})
    assert_type(changed, tuple[CodeDelivery, ...])
    setup = await session.set_up_totp(issuer="Shop")
    assert_type(setup, TotpSetup)
    assert_type(setup.uri, str)
    await session.set_mfa(totp="preferred", sms="off")


async def hands_credentials_to_others(session: Session) -> None:
    exported = await session.aws_identity.export_environment(account_id="123456789012")
    assert_type(exported, AwsEnvironment)
    assert_type(exported["AWS_REGION"], str)
    identity, url = session.aws_identity, "https://api.example/orders"
    headers = await sign_request(identity, "GET", url, service="execute-api", region="eu-west-1")
    assert_type(headers, dict[str, str])
    assert_type(await presign_url(identity, "GET", url, service="s3", region="eu-west-1"), str)
    assert_type(await iot_websocket_url(identity, "iot.example", "eu-west-1"), str)


async def current_token() -> str:
    return "token"


async def identities_of_every_kind(
    identities: IdentityPool, session: Session, store: MemoryTokenStore
) -> None:
    flow = BasicFlow("arn:aws:iam::123456789012:role/r", policy={"Statement": []}, policy_arns=[])
    mine: AwsIdentity = identities.for_session(session, flow=flow)
    keys: AwsCredentials = await mine.credentials()
    print(keys.session_token, keys.expires_at.isoformat())
    both = logins.session(session) | logins.google(current_token) | logins.facebook("token")
    identities.for_logins(both, flow=EnhancedFlow(custom_role_arn=None))
    identities.guest(store=store, name="kiosk")
    openid: OpenIdToken = await identities.admin.openid_token({"login.example": "ana"})
    identities.for_developer_user({"login.example": "ana"}, identity_id=openid.identity_id)
    tags: PrincipalTagMap = await identities.admin.tag_map("accounts.google.com")
    await mine.unlink("accounts.google.com", *tags.tags)
