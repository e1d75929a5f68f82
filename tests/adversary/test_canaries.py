"""No secret leaves but to the server it is for.

Whole conversations over HTTP through our own transport, good ones and broken ones, with every
logger at DEBUG. Afterwards each secret is looked for in all that a program shows, logs
or reports by itself: log records and their arguments, warnings, standard output and
error, events, exceptions with their causes, what tracebacks print as local variables,
and the ``repr`` of every object of ours that is alive.

Not looked at: the ``x-amz-security-token`` that botocore logs where *it* signs, see
`aiocognito.aws`.
"""
# threats 34, 48

from __future__ import annotations

import gc
import json
import logging
import re
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import aiocognito
from aiocognito import (
    Choice,
    IdentityPool,
    RefreshFailing,
    Session,
    SoftwarePasskey,
    UserPool,
    responders,
)
from aiocognito._refresh import Timing
from aiocognito.errors import CognitoError, RemoteProtocolError
from aiocognito.flow.calls import Call, Reply
from aiocognito.testing import Alter, Answer, Html, LocalCognito, Malformed, Refuse
from tests.world import World

PASSWORD = "Canary-Pass-4711!"
WRONG = "Canary-Wrong-4711!"
CLIENT_SECRET = "canary4711clientsecretcanary4711"
TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
REFRESH = "GetTokensFromRefreshToken"

OURS = Path(aiocognito.__file__).parent
NOT_LOOKED_AT = (str(OURS / "testing"), str(Path(__file__).parents[1]))


class Canaries:
    """The secrets of a conversation, by name, and what was seen of them."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {
            "password": PASSWORD,
            "wrong password": WRONG,
            "client secret": CLIENT_SECRET,
            "authenticator": TOTP,
        }
        self.seen: list[str] = []
        self.looked_at = 0

    def look(self, where: str, text: str) -> None:
        self.looked_at += 1
        self.seen += [
            f"{name} in {where}"
            for name, secret in self.secrets.items()
            # Whole words: six digits may stand in the middle of a number.
            if secret in text and re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text)
        ]

    def look_at_error(self, error: BaseException, where: str) -> None:
        for cause in _chain(error):
            name = f"{where}: {type(cause).__name__}"
            self.look(name, f"{cause} {cause!r} {cause.args!r} {vars(cause)!r}")
            report = traceback.TracebackException.from_exception(cause, capture_locals=True)
            for frame in report.stack:
                if not frame.filename.startswith(NOT_LOOKED_AT):
                    for variable, text in (frame.locals or {}).items():
                        self.look(f"{name}, {variable} of {frame.name}", text)

    def look_at_objects(self) -> None:
        for thing in gc.get_objects():
            module = getattr(type(thing), "__module__", "")
            if str(module).startswith("aiocognito") and ".testing" not in str(module):
                self.look(f"repr of {type(thing).__qualname__}", f"{thing!r} {thing!s}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if error.__context__ is not error.__cause__ and error.__context__ is not None:
            yield from _chain(error.__context__)
        error = error.__cause__


class Listener(logging.Handler):
    """Keeps what a handler can see of every record, as text, at the time it sees it."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().format(record)
        self.texts.append((record.name, f"{record.getMessage()} {record.args!r} {trace}"))


@pytest.fixture
def listener() -> Iterator[Listener]:
    root, listener = logging.getLogger(), Listener()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(listener)
    yield listener
    root.removeHandler(listener)
    root.setLevel(level)


async def fails(canaries: Canaries, what: str, ask: Callable[[], Awaitable[object]]) -> None:
    try:
        await ask()
    except CognitoError as error:
        canaries.look_at_error(error, what)
    else:
        raise AssertionError(f"{what} did not fail")


async def good_and_bad(local: LocalCognito, canaries: Canaries, events: list[Any]) -> None:
    """Sign in with a code, refresh, go to AWS; then everything that can go wrong does."""
    secrets, faults = canaries.secrets, local.faults
    async with UserPool(
        local.user_pool_id,
        local.client_id,
        client_secret=CLIENT_SECRET,
        identity_pool_id=local.identity_pool_id,
        endpoint_url=local.url,
        observer=events.append,
    ) as pool:
        await fails(canaries, "a wrong password", lambda: pool.sign_in("ana", WRONG))

        login = pool.login("ana", PASSWORD)
        step: Any = await login.start()
        secrets["session string"] = step.to_dict()["session"]
        events.append(step)
        await fails(canaries, "a wrong code", lambda: login.send(step.answer("000000")))
        secrets["code"] = local.totp_code("ana")
        answer = step.answer(secrets["code"])
        events.append(answer)
        signed_in: Any = await login.send(answer)
        session: Session = signed_in.session
        events += [signed_in, pool]
        secrets["access token"] = await session.access_token()
        secrets["id token"] = await session.id_token()
        secrets["refresh token"] = session._keeper.refresh_token.reveal()  # type: ignore[union-attr]
        credentials = await session.aws_identity.credentials()
        secrets["secret key"] = credentials.secret_access_key
        secrets["session token"] = credentials.session_token
        events += [credentials, session.aws_identity]
        events.append(await session.aws_session().get_credentials())
        canaries.look_at_objects()

        echo = f"{secrets['refresh token']} of {CLIENT_SECRET} is no good"
        garbled = {"AccessToken": secrets["access token"], "RefreshToken": secrets["refresh token"]}
        for what, fault in {
            "an answer without end": Malformed(),
            "a page": Html(200),
            "an error that quotes": Refuse("InvalidParameterException", echo),
            "a trigger that quotes": Refuse("UserLambdaValidationException", echo),
            "a token that is a number": Answer({"AuthenticationResult": {**garbled, "IdToken": 5}}),
            "a token that is forged": Alter(lambda found: forged(found, secrets)),
            "an end of the session": Refuse("NotAuthorizedException", f"Refresh Token {echo}"),
        }.items():
            faults.add(fault, operation=REFRESH)
            await fails(canaries, what, session.refresh)
        faults.add(
            Alter(lambda found: with_parameter(found, "SRP_B", "0")), operation="InitiateAuth"
        )
        await fails(canaries, "a B of zero", lambda: pool.sign_in("ana", PASSWORD))
        # A server that garbles the tokens it gives, on the way in this time.
        local.add_user("ben", PASSWORD)
        faults.add(
            Answer({"AuthenticationResult": {**garbled, "IdToken": 5}}),
            operation="RespondToAuthChallenge",
        )
        await fails(canaries, "garbled tokens", lambda: pool.sign_in("ben", PASSWORD))
        await session.sign_out()


def forged(found: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    result = found["AuthenticationResult"]
    secrets["forged token"] = result["AccessToken"][:-8] + "AAAAAAAA"
    return {"AuthenticationResult": {**result, "AccessToken": secrets["forged token"]}}


def with_parameter(found: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    return {**found, "ChallengeParameters": {**found["ChallengeParameters"], name: value}}


async def test_whole_conversations_show_no_secret(
    listener: Listener, capfd: pytest.CaptureFixture[str]
) -> None:
    canaries, events = Canaries(), []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        async with LocalCognito(client_secret=CLIENT_SECRET, rotation=True) as local:
            local.add_user("ana", PASSWORD, totp=TOTP)
            await good_and_bad(local, canaries, events)
        canaries.look_at_objects()
        gc.collect()
    assert len(canaries.secrets) == 12
    for name, text in listener.texts:
        canaries.look(f"the log of {name}", text)
    for event in events:
        canaries.look("an event", f"{event!r} {event!s}")
        if isinstance(error := getattr(event, "error", None), BaseException):
            canaries.look_at_error(error, f"the error of {type(event).__name__}")
    for warning in warned:
        canaries.look("a warning", str(warning.message))
    for stream in capfd.readouterr():
        canaries.look("standard output", stream)
    assert "botocore.parsers" in {name for name, _ in listener.texts}
    assert canaries.looked_at > 500
    assert canaries.seen == []


async def test_tokens_that_cannot_be_checked_stand_in_no_traceback() -> None:
    """They may be the user's own, good for an hour: the keys were out of reach."""
    canaries, world = Canaries(), World()
    world.local.add_user("ana", PASSWORD)
    real = world.wire._inner.send

    async def watched(call: Call) -> Reply:
        reply = await real(call)
        for member, token in reply.body.get("AuthenticationResult", {}).items():
            if member.endswith("Token"):
                canaries.secrets[member] = token
        return reply

    world.wire._inner.send = watched  # type: ignore[method-assign]
    world.keys.failing = RuntimeError("no network")
    await fails(canaries, "no keys", lambda: world.pool.sign_in("ana", PASSWORD))
    unchecked = world.another_pool(verify_tokens=False)
    world.local.faults.add(
        Answer({"AuthenticationResult": {"AccessToken": "canary.token.4711"}}),
        operation="RespondToAuthChallenge",
    )
    canaries.secrets["unreadable"] = "canary.token.4711"
    await fails(canaries, "an unreadable token", lambda: unchecked.sign_in("ana", PASSWORD))
    assert "AccessToken" in canaries.secrets
    assert canaries.seen == []


async def test_what_a_responder_typed_stands_in_no_traceback() -> None:
    canaries, world = Canaries(), World()
    world.local.add_user("ana", PASSWORD, temporary=True)
    canaries.secrets["new password"] = "canary4711"
    respond = responders.new_password("canary4711")  # too weak for the pool
    await fails(
        canaries, "a weak password", lambda: world.pool.sign_in("ana", PASSWORD, respond=respond)
    )
    assert canaries.seen == []


async def test_credentials_that_are_malformed_stand_in_no_traceback() -> None:
    canaries, world = Canaries(), World()
    world.add_user()
    canaries.secrets["secret key"] = "canary4711secretkey"
    found = {
        "IdentityId": world.local.identity_pool_id,
        "Credentials": {
            "AccessKeyId": "ASIA0123456789012345",
            "SecretKey": "canary4711secretkey",
            "SessionToken": "with a blank",
            "Expiration": 1.0,
        },
    }
    world.local.faults.add(Answer(found), operation="GetCredentialsForIdentity", times=None)
    timing = Timing(clock=world.clock, sleep=world.clock.sleep)
    pool = IdentityPool(
        world.local.identity_pool_id,
        transport=world.wire,
        timing=timing,
        observer=world.events.append,
    )
    await fails(canaries, "malformed credentials", pool.guest().credentials)
    (failing,) = world.heard(RefreshFailing)
    canaries.look_at_error(failing.error, "the error of an event")
    assert canaries.seen == []


async def test_a_passkeys_private_key_shows_nowhere(
    listener: Listener, capfd: pytest.CaptureFixture[str]
) -> None:
    canaries, events = Canaries(), []
    flows = ("ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
    async with LocalCognito(
        first_factors=("PASSWORD", "WEB_AUTHN"),
        relying_party="auth.example.com",
        explicit_auth_flows=flows,
    ) as local:
        local.add_user("ana", PASSWORD)
        async with UserPool(
            local.user_pool_id, local.client_id, endpoint_url=local.url, observer=events.append
        ) as pool:
            session = await pool.sign_in("ana", PASSWORD)
            options = await session.start_passkey_registration()
            key = SoftwarePasskey.create(options)
            number = key._key.private_numbers().private_value
            saved = json.loads(key.to_bytes())
            canaries.secrets |= {"private key": saved["private_key"], "its number": str(number)}
            await session.complete_passkey_registration(key.registration(options))
            flow, respond = Choice(preferred="WEB_AUTHN"), responders.passkey(key)
            await pool.sign_in("ana", flow=flow, respond=respond)
            canaries.look_at_objects()

            async def unsaved(data: bytes) -> None:
                raise RemoteProtocolError("the disk is full")

            async def damaged() -> None:
                broken = {**saved, "sign_count": -1}
                SoftwarePasskey.from_bytes(json.dumps(broken).encode())

            old = SoftwarePasskey.from_bytes(json.dumps(saved).encode())
            for what, ask in {
                "an old count": lambda: pool.sign_in(
                    "ana", flow=flow, respond=responders.passkey(old)
                ),
                "a disk that is full": lambda: pool.sign_in(
                    "ana", flow=flow, respond=responders.passkey(key, save=unsaved)
                ),
                "damaged bytes": damaged,
            }.items():
                await fails(canaries, what, ask)
            local.pool.user("ana").passkeys.clear()
            await session.complete_passkey_registration(
                SoftwarePasskey.create(
                    other := await session.start_passkey_registration()
                ).registration(other)
            )
            await fails(
                canaries,
                "a challenge for another one",
                lambda: pool.sign_in("ana", flow=flow, respond=respond),
            )
            events += [key, old, session]
    for name, text in listener.texts:
        canaries.look(f"the log of {name}", text)
    for event in events:
        canaries.look("an event", f"{event!r} {event!s}")
    for stream in capfd.readouterr():
        canaries.look("standard output", stream)
    assert canaries.seen == []


async def test_a_devices_password_stands_nowhere(listener: Listener) -> None:
    """Remembered, proven, refused, dropped: its password and its proofs show nowhere."""
    canaries, shown = Canaries(), []
    async with LocalCognito(device_tracking="ALWAYS") as local:
        local.add_user("ana", PASSWORD, totp=TOTP)

        async def respond(challenge: Any) -> Any:
            return challenge.answer(local.totp_code("ana", unused=True))

        async with UserPool(
            local.user_pool_id,
            local.client_id,
            endpoint_url=local.url,
            devices="remember",
            observer=shown.append,
        ) as pool:
            session = await pool.sign_in("ana", PASSWORD, respond=respond)
            device: Any = session.device
            canaries.secrets["device password"] = device.password.reveal()
            canaries.secrets["refresh token"] = session._keeper.refresh_token.reveal()  # type: ignore[union-attr]
            shown += [session, device, await session.get_device()]
            login = pool.login("ana", PASSWORD, device=device)
            shown += [login, await login.start()]
            canaries.look_at_objects()

            wrong = aiocognito.RememberedDevice(
                key=device.key, group_key=device.group_key, password="Canary-Device-4711!"
            )
            canaries.secrets["wrong device password"] = "Canary-Device-4711!"
            await fails(
                canaries, "a wrong device", lambda: pool.sign_in("ana", PASSWORD, device=wrong)
            )
            zero = Alter(lambda found: with_parameter(found, "SRP_B", "0"))
            local.faults.add(zero, operation="RespondToAuthChallenge", after=1)
            await fails(
                canaries, "a B of zero", lambda: pool.sign_in("ana", PASSWORD, device=device)
            )
            local.faults.add(Refuse("InternalErrorException", "No."), operation="ConfirmDevice")
            shown.append(await pool.sign_in("ana", PASSWORD, respond=respond))
            kept, state = json.loads(device.to_bytes()), json.loads(session.export_state())

            async def damaged_device() -> None:
                broken = json.dumps({**kept, "version": 0}).encode()
                aiocognito.RememberedDevice.from_bytes(broken)

            async def impossible_device() -> None:
                aiocognito.RememberedDevice(
                    key="laptop", group_key=device.group_key, password=kept["device_password"]
                )

            async def endless_password() -> None:
                aiocognito.RememberedDevice(
                    key=device.key,
                    group_key=device.group_key,
                    password=f"{kept['device_password']} {'x' * 1024}",
                )

            async def damaged_state() -> None:
                pool.restore(json.dumps({**state, "version": 0}).encode())

            for ask in (damaged_device, impossible_device, endless_password, damaged_state):
                await fails(canaries, ask.__name__, ask)
            local.pool.user("ana").devices.clear()
            await fails(
                canaries,
                "a device that is gone",
                lambda: pool.sign_in("ana", PASSWORD, device=device),
            )
            canaries.look_at_objects()
    for name, text in listener.texts:
        canaries.look(f"the log of {name}", text)
    for thing in shown:
        canaries.look("what is shown", f"{thing!r} {thing!s}")
        if isinstance(error := getattr(thing, "error", None), BaseException):
            canaries.look_at_error(error, f"the error of {type(thing).__name__}")
    assert {"remembered", "not-remembered", "refused", "unknown"} <= {
        getattr(thing, "change", None) for thing in shown
    }
    assert canaries.seen == []
