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

from hypothesis import given, settings
from hypothesis import strategies as st

from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, ServiceError
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import (
    Answer,
    Challenge,
    EmailOtp,
    NewPasswordRequired,
    SelectMfaType,
    SmsMfa,
    SoftwareTokenMfa,
    UnknownChallenge,
)
from aiocognito.flow.flows import Password, Srp
from aiocognito.flow.machine import AuthFlow, State
from aiocognito.flow.reading import challenge_from_dict
from aiocognito.flow.steps import Authenticated
from aiocognito.testing import LocalUserPool, ManualClock, PoolError
from aiocognito.transport.error_codes import service_error

RIGHT, NEW = "Correct-Horse-9!", "Another-Horse-9!"
FACTORS = ("SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA")
FLOWS = ("ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")


def plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return value


class Talk:
    """One user of one pool, and a client that may be wrong."""

    def __init__(
        self, *, factors: frozenset[str], temporary: bool, secret: bool, by_email: bool
    ) -> None:
        self.clock = ManualClock()
        self.pool = LocalUserPool(
            "eu-west-1_LocalPool", clock=self.clock, alias_attributes=("email",)
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
        self.name = "Ana@Example.com" if by_email else "ana"
        self.sent: list[str] = []

    def ask(self, call: Call) -> Reply:
        parameters = plain(call.parameters)
        self.sent.append(json.dumps(parameters))
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
                return flow.fail(error)
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
            case UnknownChallenge():
                return challenge.answer({"ANSWER": "x"})
            case other:
                raise AssertionError(f"not in these flows: {other}")


turns = st.fixed_dictionaries(
    {
        "right": st.booleans(),
        "choice": st.integers(0, 2),
        "wait": st.sampled_from([0, 0, 0, 1, 30, 181, 400]),
        "process": st.booleans(),
    }
)


@settings(max_examples=60)
@given(
    factors=st.frozensets(st.sampled_from(FACTORS)),
    temporary=st.booleans(),
    secret=st.booleans(),
    by_email=st.booleans(),
    plaintext=st.booleans(),
    right_password=st.sampled_from([True, True, True, False]),
    script=st.lists(turns, max_size=8),
)
def test_a_conversation_ends_as_it_must(
    factors: frozenset[str],
    temporary: bool,
    secret: bool,
    by_email: bool,
    plaintext: bool,
    right_password: bool,
    script: list[dict[str, Any]],
) -> None:
    talk = Talk(factors=factors, temporary=temporary, secret=secret, by_email=by_email)
    password = RIGHT if right_password else "Wrong-Horse-9!"
    flow = AuthFlow(
        talk.client,
        username=talk.name,
        password=Secret(password),
        flow=Password() if plaintext else Srp(),
        entropy=lambda n: b"\x07" * n,
    )
    step = talk.run(flow, flow.begin())
    waited = answered_wrong = False
    for turn in script:
        if step is None or isinstance(step, Authenticated):
            break
        talk.clock.advance(turn["wait"])
        waited |= turn["wait"] > 180
        if turn["process"]:
            step = challenge_from_dict(json.loads(json.dumps(step.to_dict())))
            flow = AuthFlow.resume(talk.client, step, entropy=secrets.token_bytes)
        answered_wrong |= not turn["right"]
        answer = talk.answer(step, right=turn["right"], choice=turn["choice"])
        step = talk.run(flow, flow.send(answer))

    if not right_password:
        assert step is None
    if isinstance(step, Authenticated):
        assert right_password
        assert step.username in (None, "ana")
        assert flow.state is State.CLOSED
    if step is None:
        assert flow.state is State.CLOSED
        assert not right_password or waited or answered_wrong
    if not plaintext:
        assert password not in " ".join(talk.sent)  # F096


junk = st.fixed_dictionaries(
    {},
    optional={
        "ChallengeName": st.sampled_from(
            ["PASSWORD_VERIFIER", "SMS_MFA", "NEW_PASSWORD_REQUIRED", "PASSWORD", "ODD", "", None]
        ),
        "Session": st.sampled_from(["s" * 30, "s", None]),
        "ChallengeParameters": st.dictionaries(
            st.sampled_from(["USERNAME", "USER_ID_FOR_SRP", "SRP_B", "SALT", "SECRET_BLOCK"]),
            st.text(alphabet="0aF-z=\n", max_size=8),
        ),
        "AuthenticationResult": st.sampled_from(
            [None, {}, {"AccessToken": "a.b.c"}, {"AccessToken": 7}, "x"]
        ),
    },
)


@settings(max_examples=150)
@given(plaintext=st.booleans(), replies=st.lists(junk, min_size=1, max_size=4))
def test_a_server_that_talks_nonsense_gets_nothing(
    plaintext: bool, replies: list[dict[str, Any]]
) -> None:
    talk = Talk(factors=frozenset(), temporary=False, secret=True, by_email=False)
    flow = AuthFlow(
        talk.client,
        username="ana",
        password=Secret(RIGHT),
        flow=Password() if plaintext else Srp(),
        entropy=lambda n: b"\x07" * n,
    )
    call: Any = flow.begin()
    for body in replies:
        try:
            step = flow.receive(Reply(body=body), datetime(2026, 1, 1, tzinfo=UTC))
        except CognitoError:
            assert flow.state is State.CLOSED
            break
        call = step
        if isinstance(step, Authenticated):
            break
        if not isinstance(step, Call):
            if isinstance(step, SelectMfaType):
                break
            call = flow.send(blind(step))
    if isinstance(call, Call) and not plaintext:
        assert RIGHT not in json.dumps(plain(call.parameters))


def blind(challenge: Any) -> Answer:
    if isinstance(challenge, UnknownChallenge):
        answer: Answer = challenge.answer({"ANSWER": "x"})
    else:
        answer = challenge.answer("123456")
    return answer
