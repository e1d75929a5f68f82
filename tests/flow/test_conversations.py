"""Random conversations: the client's core against the local pool's core, in memory.

No event loop and no wire: whole sign-ins are drawn by Hypothesis, with wrong answers,
waiting, faults and changes of process in between.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, InvalidArgument, ServiceError
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.beginning import password_use, sends_password
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import (
    Answer,
    Challenge,
    CustomChallenge,
    DeviceSrpAuth,
    EmailOtp,
    MfaSetup,
    NewPasswordRequired,
    PasswordChallenge,
    PasswordSrpChallenge,
    SelectChallenge,
    SelectMfaType,
    SmsMfa,
    SmsOtp,
    SoftwareTokenMfa,
    SoftwareTokenSetup,
    UnknownChallenge,
    WebAuthn,
)
from aiocognito.flow.devices import draw_device
from aiocognito.flow.flows import Choice, Custom, Flow, Password, Srp
from aiocognito.flow.machine import AuthFlow
from aiocognito.flow.passkeys import read_registration_start
from aiocognito.flow.reading import challenge_from_dict
from aiocognito.flow.sign_in_api import PUBLIC, SignInApi
from aiocognito.flow.steps import Authenticated
from aiocognito.flow.transitions import State
from aiocognito.software_passkey import SoftwarePasskey
from aiocognito.testing import LocalUserPool, ManualClock, PoolError
from aiocognito.testing.devices import LocalDevice
from aiocognito.testing.totp import code_at
from aiocognito.tokens.devices import RememberedDevice, is_device_key
from aiocognito.tokens.model import NewDevice
from aiocognito.transport.error_codes import service_error

RIGHT, NEW = "Correct-Horse-9!", "Another-Horse-9!"
FACTORS = ("SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA")
FLOWS = (
    *("ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"),
    *("ALLOW_CUSTOM_AUTH", "ALLOW_USER_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"),
)
BEGINNINGS: list[Flow] = [
    *(Srp(), Password(), Custom(), Custom(srp=True), Choice()),
    *(Choice(preferred="PASSWORD"), Choice(preferred="PASSWORD_SRP")),
    *(Choice(preferred="EMAIL_OTP"), Choice(preferred="SMS_OTP"), Choice(preferred="WEB_AUTHN")),
]


def define(event: dict[str, Any]) -> dict[str, Any]:
    """Two right answers sign in, two wrong ones do not."""
    past = event["request"]["session"]
    asked = [s["challengeResult"] for s in past if s["challengeName"] == "CUSTOM_CHALLENGE"]
    only_srp = [s["challengeName"] for s in past] == ["SRP_A"]
    event["response"] = {
        "issueTokens": asked.count(True) == 2,
        "failAuthentication": asked.count(False) == 2,
        "challengeName": "PASSWORD_VERIFIER" if only_srp else "CUSTOM_CHALLENGE",
    }
    return event


def create(event: dict[str, Any]) -> dict[str, Any]:
    number = str(len(event["request"]["session"]))
    event["response"]["publicChallengeParameters"] = {"question": number}
    event["response"]["privateChallengeParameters"] = {"answer": number}
    return event


def verify(event: dict[str, Any]) -> dict[str, Any]:
    request = event["request"]
    event["response"]["answerCorrect"] = (
        request["privateChallengeParameters"]["answer"] == request["challengeAnswer"]
    )
    return event


TRIGGERS = {
    "DefineAuthChallenge": define,
    "CreateAuthChallenge": create,
    "VerifyAuthChallengeResponse": verify,
}


def plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return value


class Talk:
    """One user of one pool, and a client that may be wrong."""

    def __init__(
        self,
        *,
        factors: frozenset[str],
        temporary: bool,
        secret: bool,
        by_email: bool,
        compulsory: bool = False,
        passkey: bool = False,
        admin: bool = False,
        device: str = "",
    ) -> None:
        self.api = SignInApi("eu-west-1_LocalPool") if admin else PUBLIC
        self.operations: set[str] = set()
        self.clock = ManualClock()
        self.pool = LocalUserPool(
            "eu-west-1_LocalPool",
            clock=self.clock,
            alias_attributes=("email",),
            first_factors=("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"),
            relying_party="auth.example.com",
            triggers=TRIGGERS,
            mfa="ON" if compulsory else "OPTIONAL",
            device_tracking="OPT_IN" if device else "OFF",
            device_replaces_mfa=device != "after the code",
        )
        client = self.pool.add_client(secret=secret, explicit_auth_flows=FLOWS)
        self.client = AppClient.of("eu-west-1_LocalPool", client.client_id, client.client_secret)
        self.pool.add_user(
            "ana",
            RIGHT,
            temporary=temporary,
            totp="SOFTWARE_TOKEN_MFA" in factors,
            mfa=tuple(factors - {"SOFTWARE_TOKEN_MFA"}),
            attributes={"email": "ana@example.com", "phone_number": "+491701234567"},
        )
        self.key = self.register_a_passkey(client.client_id) if passkey else None
        self.device = self.remember_a_device(device) if device else None
        self.name = "Ana@Example.com" if by_email else "ana"
        self.sent: list[str] = []

    def register_a_passkey(self, client_id: str) -> SoftwarePasskey:
        token = {"AccessToken": self.pool.mint("ana", client_id)}
        options = read_registration_start(self.pool.handle("StartWebAuthnRegistration", token))
        key = SoftwarePasskey.create(options)
        credential = {"Credential": key.registration(options)}
        self.pool.handle("CompleteWebAuthnRegistration", token | credential)
        return key

    def remember_a_device(self, how: str) -> RememberedDevice:
        offered = NewDevice(key="eu-west-1_0a1b2c3d", group_key="-a1b2c3d4")
        drawn = draw_device(
            offered, user_pool_id=self.pool.user_pool_id, entropy=secrets.token_bytes
        )
        if how != "deleted":
            self.pool.user("ana").devices[offered.key] = LocalDevice(
                key=offered.key,
                group_key=offered.group_key,
                verifier=drawn.verifier,
                remembered=how != "not remembered",
                created_at=0.0,
                modified_at=0.0,
                seen_at=0.0,
            )
        return drawn.device

    def ask(self, call: Call) -> Reply:
        parameters = plain(call.parameters)
        self.sent.append(json.dumps(parameters))
        self.operations.add(call.operation)
        try:
            return Reply(body=self.pool.handle(call.operation, parameters))
        except PoolError as error:
            raise service_error(
                code=error.code,
                message=error.message,
                operation=call.operation,
                status=error.status,
                request_id=None,
                retry_after=None,
                repeatable=call.repeatable,
                sent=(),
            ) from None

    def run(self, flow: AuthFlow, call: Call) -> Authenticated | Challenge | None:
        """Carry calls until a step is reached; None where the flow failed."""
        step: Call | Authenticated | Challenge = call
        while isinstance(step, Call):
            try:
                reply = self.ask(step)
            except ServiceError as error:
                again = flow.without_device(step, error)
                if again is None:
                    return flow.fail(error)
                step = again
                continue
            now = datetime.fromtimestamp(self.clock.wall(), UTC)
            step = flow.receive(reply, now)
        return step

    def answer(self, challenge: Challenge, *, right: bool, choice: int) -> Answer:
        match challenge:
            case NewPasswordRequired():
                return challenge.answer(NEW if right else "weak")
            case SelectMfaType(options=options):
                return challenge.answer(options[choice % len(options)])
            case SoftwareTokenMfa():
                return challenge.answer(self.pool.totp_code("ana") if right else "000000")
            case SmsMfa() | EmailOtp():
                return challenge.answer(self.pool.outbox[-1].code if right else "wrong0")
            case SmsOtp():
                return challenge.answer(self.pool.outbox[-1].code if right else "wrong0")
            case CustomChallenge(parameters=parameters):
                return challenge.answer(parameters["question"] if right else "wrong")
            case SelectChallenge(options=options):
                return challenge.answer(options[choice % len(options)])
            case WebAuthn(options=options):
                assert self.key is not None
                credential = self.key.assertion(options)
                if not right:
                    credential["response"]["signature"] = "AAAA"
                return challenge.answer(credential)
            case PasswordChallenge() | PasswordSrpChallenge():
                return challenge.answer(RIGHT if right else "Wrong-Horse-9!")
            case DeviceSrpAuth():
                assert self.device is not None
                wrong = attrs.evolve(self.device, password="another")
                return challenge.answer(self.device if right else wrong)
            case MfaSetup():
                if choice:
                    return challenge.answer_totp()
                return challenge.answer_email("eve@example.com")
            case SoftwareTokenSetup(secret_code=secret):
                code = code_at(secret, int(self.clock.wall() // 30))
                return challenge.answer(code if right else "000000")
            case UnknownChallenge():
                return challenge.answer({"ANSWER": "x"})


turns = st.fixed_dictionaries(
    {
        "right": st.booleans(),
        "choice": st.integers(0, 2),
        "wait": st.sampled_from([0, 0, 0, 1, 30, 181, 400]),
        "process": st.booleans(),
    }
)


def begin(talk: Talk, beginning: Flow, password: str) -> AuthFlow:
    return AuthFlow(
        talk.client,
        username=talk.name,
        password=None if password_use(beginning) == "none" else Secret(password),
        flow=beginning,
        entropy=lambda n: b"\x07" * n,
        api=talk.api,
        device=talk.device,
    )


@settings(max_examples=150)
@given(
    factors=st.frozensets(st.sampled_from(FACTORS)),
    temporary=st.booleans(),
    secret=st.booleans(),
    by_email=st.booleans(),
    compulsory=st.booleans(),
    admin=st.booleans(),
    device=st.sampled_from(
        ["", "", "remembered", "not remembered", "after the code", "deleted"],
    ),
    beginning=st.sampled_from(BEGINNINGS),
    right_password=st.sampled_from([True, True, True, False]),
    script=st.lists(turns, max_size=8),
)
def test_a_conversation_ends_as_it_must(
    factors: frozenset[str],
    temporary: bool,
    secret: bool,
    by_email: bool,
    compulsory: bool,
    admin: bool,
    device: str,
    beginning: Flow,
    right_password: bool,
    script: list[dict[str, Any]],
) -> None:
    talk = Talk(
        factors=factors,
        temporary=temporary,
        secret=secret,
        by_email=by_email,
        compulsory=compulsory,
        passkey=isinstance(beginning, Choice),
        admin=admin,
        device=device,
    )
    password = RIGHT if right_password else "Wrong-Horse-9!"
    flow = begin(talk, beginning, password)
    step = talk.run(flow, flow.begin())
    waited = answered_wrong = False
    seen: list[str] = []
    for turn in script:
        if step is None or isinstance(step, Authenticated):
            break
        seen.append(step.name)
        talk.clock.advance(turn["wait"])
        waited |= turn["wait"] > 180
        if turn["process"]:
            step = challenge_from_dict(json.loads(json.dumps(step.to_dict())))
            flow = AuthFlow.resume(
                talk.client,
                step,
                entropy=secrets.token_bytes,
                api=talk.api,
                device=talk.device if turn["choice"] else None,
            )
        answered_wrong |= not turn["right"]
        answer = talk.answer(step, right=turn["right"], choice=turn["choice"])
        try:
            call = flow.send(answer)
        except InvalidArgument as error:
            # The password was asked for in a process that does not have it.
            assert error.argument == "password"  # noqa: PT017  the other way goes on
            assert isinstance(step, SelectChallenge)
            assert turn["process"]
            break
        step = talk.run(flow, call)

    proves_it = password_use(beginning) == "needed"
    if not right_password and proves_it and "SELECT_CHALLENGE" not in seen:
        assert step is None
    if isinstance(step, Authenticated):
        assert step.username in (None, "ana")
        assert flow.state is State.CLOSED
        # A device that the pool knows has proven itself, in whatever process that was.
        known = device not in ("", "deleted")
        assert (step.new_device is None) == (device == "" or known)
        assert ("DEVICE_PASSWORD_VERIFIER" in " ".join(talk.sent)) == known
    if step is None:
        assert flow.state is State.CLOSED
        assert not right_password or waited or answered_wrong
    if not sends_password(beginning):
        assert password not in " ".join(talk.sent)  # threat 8, F096
    if talk.device is not None:
        assert talk.device.password.reveal() not in " ".join(talk.sent)
    by_session = {"AssociateSoftwareToken", "VerifySoftwareToken"}
    names = talk.operations - by_session
    assert {name.startswith("Admin") for name in names} == {admin}  # F040


OPTIONS = json.dumps({"challenge": "A" * 43, "rpId": "auth.example.com"})
junk = st.fixed_dictionaries(
    {},
    optional={
        "ChallengeName": st.sampled_from(
            [
                *("PASSWORD_VERIFIER", "SMS_MFA", "NEW_PASSWORD_REQUIRED", "PASSWORD", "ODD", ""),
                *("SELECT_CHALLENGE", "PASSWORD_SRP", "MFA_SETUP", "CUSTOM_CHALLENGE", None),
                *("WEB_AUTHN", "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"),
            ]
        ),
        "AvailableChallenges": st.sampled_from(
            [None, ["PASSWORD"], ["PASSWORD_SRP", "PASSWORD"], [7], "PASSWORD"]
        ),
        "SecretCode": st.sampled_from(["ABCDEFGH23456789", "", 7]),
        "Status": st.sampled_from(["SUCCESS", "ERROR", 7]),
        "Session": st.sampled_from(["s" * 30, "s", None]),
        "ChallengeParameters": st.dictionaries(
            st.sampled_from(
                [
                    *("USERNAME", "USER_ID_FOR_SRP", "SRP_B", "SALT", "SECRET_BLOCK"),
                    *("MFAS_CAN_SETUP", "CREDENTIAL_REQUEST_OPTIONS", "DEVICE_KEY"),
                ]
            ),
            st.text(alphabet="0aF-z=\n", max_size=8)
            | st.sampled_from(['["SOFTWARE_TOKEN_MFA"]', OPTIONS]),
        ),
        "AuthenticationResult": st.sampled_from(
            [None, {}, {"AccessToken": "a.b.c"}, {"AccessToken": 7}, "x"]
        ),
    },
)


@settings(max_examples=250)
@given(
    beginning=st.sampled_from(BEGINNINGS),
    replies=st.lists(junk, min_size=1, max_size=5),
    device=st.sampled_from(["", "remembered"]),
)
def test_a_server_that_talks_nonsense_gets_nothing(
    beginning: Flow, replies: list[dict[str, Any]], device: str
) -> None:
    talk = Talk(factors=frozenset(), temporary=False, secret=True, by_email=False, device=device)
    flow = begin(talk, beginning, RIGHT)
    call: Any = flow.begin()
    sent = [call]
    for body in replies:
        try:
            step = flow.receive(Reply(body=body), datetime(2026, 1, 1, tzinfo=UTC))
        except CognitoError:
            assert flow.state is State.CLOSED
            break
        if isinstance(step, Authenticated):
            break
        try:
            call = step if isinstance(step, Call) else flow.send(blind(step))
        except InvalidArgument:
            break
        sent.append(call)
    if not sends_password(beginning):
        # threat 8
        assert RIGHT not in json.dumps([plain(each.parameters) for each in sent])
    names = [each.parameters.get("ChallengeName") for each in sent]
    assert names.count("DEVICE_SRP_AUTH") <= (1 if device else 5)  # threat 10


def blind(challenge: Challenge) -> Answer:
    """Answer whatever comes, without a password of one's own."""
    match challenge:
        case UnknownChallenge():
            return challenge.answer({"ANSWER": "x"})
        case WebAuthn():
            response = dict.fromkeys(("clientDataJSON", "authenticatorData", "signature"), "AAAA")
            return challenge.answer({"id": "AAAA", "type": "public-key", "response": response})
        case SelectMfaType(options=options) | SelectChallenge(options=options):
            return challenge.answer(options[0] if options else "")
        case MfaSetup():
            return challenge.answer_totp()
        case CustomChallenge() | PasswordChallenge() | PasswordSrpChallenge():
            return challenge.answer("whatever")
        case DeviceSrpAuth(device_key=key):
            if key is not None and not is_device_key(key):
                raise InvalidArgument("device", "another one")
            given = {"key": key or "eu-west-1_0a", "group_key": "-a", "password": "p"}
            return challenge.answer(RememberedDevice(**given))
        case NewPasswordRequired():
            return challenge.answer("whatever")
        case other:
            return other.answer("123456")
