"""The conversation: every pair of state and input, and what each message says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import (
    CodeMismatch,
    CognitoError,
    ConnectFailed,
    EnableSoftwareTokenMFA,
    ExpiredCode,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidPassword,
    InvalidType,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseLost,
    Throttled,
)
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import (
    Answer,
    CustomChallenge,
    EmailOtp,
    MfaSetup,
    NewPasswordRequired,
    PasswordChallenge,
    PasswordSrpChallenge,
    SelectChallenge,
    SelectMfaType,
    SmsMfa,
    SoftwareTokenSetup,
    UnknownChallenge,
)
from aiocognito.flow.context import RequestContext
from aiocognito.flow.flows import Choice, Custom, Flow, Password, Srp
from aiocognito.flow.machine import AuthFlow
from aiocognito.flow.reading import challenge_from_dict
from aiocognito.flow.secret_hash import secret_hash
from aiocognito.flow.steps import Authenticated
from aiocognito.flow.transitions import TRANSITIONS, Input, State
from aiocognito.tokens.devices import RememberedDevice

from . import talk
from .talk import NOW, challenge, machine, password_verifier, proof_is_right, tokens

SERVICE = {"operation": "RespondToAuthChallenge", "code": "X"}


def mistake(kind: type[Any] = CodeMismatch, **facts: Any) -> Any:
    return kind(**{**SERVICE, **facts})


# --- how each state is reached, and how each input is made ------------------------


def at(state: State, device: RememberedDevice | None = None) -> AuthFlow:
    begun: dict[State, Flow] = {State.PASSWORD_SENT: Password(), State.NAME_SENT: Choice()}
    device = talk.DEVICE if state in DEVICE_STATES else device
    flow = machine(flow=begun.get(state), device=device)
    if state is State.READY:
        return flow
    first = flow.begin()
    if state not in (State.SRP_SENT, State.PASSWORD_SENT, State.NAME_SENT):
        flow.receive(password_verifier(first), NOW)
    if state in (State.WAITING, State.ANSWER_SENT):
        step = flow.receive(challenge("SMS_MFA"), NOW)
        assert isinstance(step, SmsMfa)
        if state is State.ANSWER_SENT:
            flow.send(step.answer("123456"))
    if state in (State.SECRET_ASKED, State.CODE_SENT, State.SETUP_REPORTED):
        set_up_until(flow, state)
    if state in DEVICE_STATES:
        asked: Any = flow.receive(challenge("DEVICE_SRP_AUTH"), NOW)
        if state is State.DEVICE_CLAIM_SENT:
            flow.receive(talk.device_verifier(asked), NOW)
    if state is State.CLOSED:
        flow.receive(tokens(), NOW)
    assert flow.state is state
    return flow


def set_up_until(flow: AuthFlow, state: State) -> None:
    step = flow.receive(talk.mfa_setup(), NOW)
    assert isinstance(step, MfaSetup)
    flow.send(step.answer_totp())
    if state is State.SECRET_ASKED:
        return
    setup = flow.receive(talk.secret_code(), NOW)
    assert isinstance(setup, SoftwareTokenSetup)
    flow.send(setup.answer("123456"))
    if state is State.SETUP_REPORTED:
        flow.receive(talk.reply(Status="SUCCESS", Session=talk.SESSION), NOW)


def waiting_with(asked: Reply) -> tuple[AuthFlow, Any]:
    """A machine after its proof, and the challenge that now waits in it."""
    flow = at(State.CLAIM_SENT)
    step = flow.receive(asked, NOW)
    assert flow.waiting is step
    return flow, step


def waiting_for(happened: Input) -> tuple[AuthFlow, Answer]:
    match happened:
        case Input.ANSWER_SRP:
            flow, step = waiting_with(challenge("PASSWORD_SRP"))
            return flow, step.answer(talk.PASSWORD)
        case Input.ASK_SECRET:
            flow, step = waiting_with(talk.mfa_setup())
            return flow, step.answer_totp()
        case Input.ANSWER_DEVICE:
            flow, step = waiting_with(challenge("DEVICE_SRP_AUTH"))
            return flow, step.answer(talk.DEVICE)
        case Input.SEND_CODE:
            flow, step = waiting_with(talk.mfa_setup())
            flow.send(step.answer_totp())
            setup: Any = flow.receive(talk.secret_code(), NOW)
            return flow, setup.answer("123456")
        case _:
            flow, step = waiting_with(challenge("SMS_MFA"))
            return flow, step.answer("123456")


ANSWERS = (
    *(Input.ANSWER, Input.ANSWER_SRP, Input.ANSWER_DEVICE),
    *(Input.ASK_SECRET, Input.SEND_CODE),
)


def stray_answer(happened: Input = Input.ANSWER) -> Answer:
    return waiting_for(happened)[1]


def feed(flow: AuthFlow, happened: Input) -> Any:
    match happened:
        case Input.BEGIN_SRP | Input.BEGIN_PASSWORD | Input.BEGIN_NAME:
            return flow.begin()
        case _ if happened in ANSWERS:
            return flow.send(stray_answer(happened))
        case Input.DEVICE_DEMAND | Input.DEVICE_AGAIN:
            return flow.receive(challenge("DEVICE_SRP_AUTH"), NOW)
        case Input.OTHER_DEVICE:
            return flow.receive(challenge("DEVICE_SRP_AUTH", DEVICE_KEY=talk.OTHER_DEVICE), NOW)
        case Input.DEVICE_VERIFIER | Input.STRAY_DEVICE_VERIFIER:
            key = talk.DEVICE.key if happened is Input.DEVICE_VERIFIER else talk.OTHER_DEVICE
            asked = at(State.CLAIM_SENT, talk.DEVICE).receive(challenge("DEVICE_SRP_AUTH"), NOW)
            assert isinstance(asked, Call)
            return flow.receive(talk.device_verifier(asked, DEVICE_KEY=key), NOW)
        case Input.SRP_DEMAND:
            return flow.receive(challenge("PASSWORD_SRP"), NOW)
        case Input.SECRET:
            return flow.receive(talk.secret_code(), NOW)
        case Input.CODE_RIGHT:
            return flow.receive(talk.reply(Status="SUCCESS", Session=talk.SESSION), NOW)
        case Input.CODE_WRONG:
            return flow.receive(talk.reply(Status="ERROR"), NOW)
        case Input.TOKENS:
            return flow.receive(tokens(), NOW)
        case Input.VERIFIER:
            return flow.receive(password_verifier(machine().begin()), NOW)
        case Input.STRAY_VERIFIER:
            return flow.receive(challenge("PASSWORD_VERIFIER"), NOW)
        case Input.CHALLENGE:
            return flow.receive(challenge("SMS_MFA"), NOW)
        case Input.EARLY_NEW_PASSWORD:
            return flow.receive(challenge("NEW_PASSWORD_REQUIRED"), NOW)
        case Input.PLAINTEXT_DEMAND:
            return flow.receive(challenge("PASSWORD"), NOW)
        case Input.MENDABLE:
            return flow.fail(mistake())
        case Input.FAILURE:
            return flow.fail(mistake(IncorrectUsernameOrPassword))


DEVICE_STATES = (State.DEVICE_SRP_SENT, State.DEVICE_CLAIM_SENT)
AFTER_PROOF = (State.CLAIM_SENT, State.ANSWER_SENT, State.SETUP_REPORTED, *DEVICE_STATES)
ABOUT_DEVICES = (
    *(Input.DEVICE_DEMAND, Input.DEVICE_AGAIN, Input.OTHER_DEVICE),
    *(Input.DEVICE_VERIFIER, Input.STRAY_DEVICE_VERIFIER),
)

# Pairs that cannot come about: what makes the input another one in that state.
NOT_POSSIBLE = {
    # Which begin it is depends on the flow chosen when the machine was made.
    *((state, Input.BEGIN_PASSWORD) for state in State if state is not State.PASSWORD_SENT),
    *((state, Input.BEGIN_NAME) for state in State if state is not State.NAME_SENT),
    (State.PASSWORD_SENT, Input.BEGIN_SRP),
    (State.NAME_SENT, Input.BEGIN_SRP),
    # With SRP open a verifier is no stray; without, it is.
    (State.SRP_SENT, Input.STRAY_VERIFIER),
    (State.PASSWORD_SENT, Input.VERIFIER),
    (State.NAME_SENT, Input.VERIFIER),
    *((state, Input.VERIFIER) for state in AFTER_PROOF),
    # Early means before the proof; the plaintext flow has shown the password already.
    (State.PASSWORD_SENT, Input.EARLY_NEW_PASSWORD),
    *((state, Input.EARLY_NEW_PASSWORD) for state in AFTER_PROOF),
    (State.PASSWORD_SENT, Input.PLAINTEXT_DEMAND),
    # After the proof the password is gone, and the same name is any other challenge.
    (State.PASSWORD_SENT, Input.SRP_DEMAND),
    *((state, Input.SRP_DEMAND) for state in AFTER_PROOF),
    # A device is asked for again where it was asked for before, and not elsewhere.
    *((state, Input.DEVICE_DEMAND) for state in DEVICE_STATES),
    *((state, Input.OTHER_DEVICE) for state in DEVICE_STATES),
    *((state, Input.DEVICE_AGAIN) for state in State if state not in DEVICE_STATES),
    # And its verifier is a stray one unless SRP of the device is open.
    *((state, Input.DEVICE_VERIFIER) for state in State if state is not State.DEVICE_SRP_SENT),
}
# Pairs that need another history than `at` gives; each has a test of its own below.
ELSEWHERE = {
    (State.READY, Input.BEGIN_PASSWORD),
    (State.READY, Input.BEGIN_NAME),
    (State.PASSWORD_SENT, Input.SRP_DEMAND),
    (State.ANSWER_SENT, Input.SRP_DEMAND),
    *((State.WAITING, happened) for happened in ANSWERS),
}
PAIRS = [(s, i) for s in State for i in Input if (s, i) not in NOT_POSSIBLE | ELSEWHERE]
QUIET = (State.READY, State.WAITING, State.CLOSED)
CALLER = (Input.BEGIN_SRP, Input.BEGIN_PASSWORD, Input.BEGIN_NAME, *ANSWERS)


@pytest.mark.parametrize(("state", "happened"), PAIRS, ids=lambda value: value.name)
def test_every_pair_of_state_and_input(state: State, happened: Input) -> None:
    flow = at(state, talk.DEVICE if happened in ABOUT_DEVICES else None)
    following = TRANSITIONS.get((state, happened))
    if following is not None:
        feed(flow, happened)
        assert flow.state is following
    elif happened in CALLER or state in QUIET:
        # The caller is out of turn; nothing that was open is closed by that.
        with pytest.raises(LocalProtocolError):
            feed(flow, happened)
        assert flow.state is state
    else:
        # The server may not say this now.
        with pytest.raises(RemoteProtocolError):
            feed(flow, happened)
        assert flow.state is State.CLOSED


def test_the_table_names_only_pairs_that_can_come_about() -> None:
    assert set(TRANSITIONS) & NOT_POSSIBLE <= ELSEWHERE


@pytest.mark.parametrize("happened", ANSWERS, ids=lambda value: value.name)
def test_each_kind_of_answer_leads_where_the_table_says(happened: Input) -> None:
    flow, answer = waiting_for(happened)
    flow.send(answer)
    assert flow.state is TRANSITIONS[State.WAITING, happened]


@pytest.mark.parametrize(
    ("flow", "happened"),
    [
        (Password(), Input.BEGIN_PASSWORD),
        (Choice(preferred="PASSWORD"), Input.BEGIN_PASSWORD),
        (Choice(), Input.BEGIN_NAME),
        (Choice(preferred="EMAIL_OTP"), Input.BEGIN_NAME),
        (Choice(preferred="PASSWORD_SRP"), Input.BEGIN_SRP),
        (Custom(srp=True), Input.BEGIN_SRP),
    ],
    ids=str,
)
def test_the_flow_decides_how_it_begins(flow: Flow, happened: Input) -> None:
    talking = machine(flow=flow)
    talking.begin()
    assert talking.state is TRANSITIONS[State.READY, happened]


def after_choosing() -> AuthFlow:
    """The factor is chosen, and the password, given to the login, is still at hand."""
    flow = machine(flow=Choice())
    flow.begin()
    step = flow.receive(talk.select("EMAIL_OTP", "PASSWORD_SRP"), NOW)
    assert isinstance(step, SelectChallenge)
    flow.send(step.answer("EMAIL_OTP"))
    return flow


def after_showing() -> AuthFlow:
    flow = machine(flow=Choice(preferred="PASSWORD"))
    flow.begin()
    return flow


@pytest.mark.parametrize("arrive", [after_choosing, after_showing], ids=lambda f: f.__name__)
def test_srp_is_begun_where_it_is_asked_for_and_the_password_at_hand(arrive: Any) -> None:
    flow = arrive()
    assert (flow.state, Input.SRP_DEMAND) in TRANSITIONS
    call = feed(flow, Input.SRP_DEMAND)
    assert flow.state is State.SRP_SENT
    assert set(call.parameters["ChallengeResponses"]) == {"USERNAME", "SRP_A"}


# --- what we say ------------------------------------------------------------------


def test_srp_begins_with_a_and_never_sends_the_password() -> None:
    # F038, F096: SRP is the default
    flow = machine()
    first = flow.begin()
    second = flow.receive(password_verifier(first), NOW)
    assert isinstance(second, Call)
    assert first.operation == "InitiateAuth"
    assert first.parameters["AuthFlow"] == "USER_SRP_AUTH"
    assert first.parameters["ClientId"] == "client1"
    assert set(first.parameters["AuthParameters"]) == {"USERNAME", "SRP_A"}
    assert talk.PASSWORD not in str(first.parameters) + str(second.parameters)


def test_the_proof_satisfies_the_server() -> None:
    flow = machine()
    first = flow.begin()
    second = flow.receive(password_verifier(first), NOW)
    assert isinstance(second, Call)
    assert second.operation == "RespondToAuthChallenge"
    assert second.parameters["ChallengeName"] == "PASSWORD_VERIFIER"
    assert second.parameters["ChallengeResponses"]["USERNAME"] == talk.NAME
    assert second.parameters["ChallengeResponses"]["TIMESTAMP"] == "Tue Sep 5 07:08:09 UTC 2023"
    assert "Session" not in second.parameters
    assert proof_is_right(first, second)


def test_a_session_beside_the_verifier_is_sent_back() -> None:
    flow = machine()
    verifier = password_verifier(flow.begin())
    second = flow.receive(Reply(body={**verifier.body, "Session": talk.SESSION}), NOW)
    assert isinstance(second, Call)
    assert second.parameters["Session"] == Secret(talk.SESSION)


def test_the_servers_date_stamps_the_claim() -> None:
    # A wrong local clock must not look like a wrong password.
    flow = machine()
    verifier = password_verifier(flow.begin())
    dated = Reply(body=verifier.body, date=NOW.replace(year=2024, month=2, day=29))
    second = flow.receive(dated, NOW)
    assert isinstance(second, Call)
    stamp = second.parameters["ChallengeResponses"]["TIMESTAMP"]
    assert stamp == "Thu Feb 29 07:08:09 UTC 2024"


def test_a_password_flow_sends_the_password_once_in_a_wrapper() -> None:
    # F039
    flow = machine(flow=Password())
    first = flow.begin()
    assert first.parameters["AuthFlow"] == "USER_PASSWORD_AUTH"
    assert first.parameters["AuthParameters"]["PASSWORD"] == Secret(talk.PASSWORD)
    assert talk.PASSWORD not in str(first.parameters)
    assert not first.repeatable  # each one counts as an attempt


def test_an_answer_carries_the_newest_session() -> None:
    flow = at(State.CLAIM_SENT)
    step = flow.receive(challenge("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA"]'), NOW)
    assert isinstance(step, SelectMfaType)
    flow.send(step.answer("SMS_MFA"))
    newer = flow.receive(challenge("SMS_MFA", session="newer-session-0123456789"), NOW)
    assert isinstance(newer, SmsMfa)
    call = flow.send(newer.answer("123456"))
    assert call.parameters["Session"] == Secret("newer-session-0123456789")
    assert call.parameters["ChallengeName"] == "SMS_MFA"
    assert not call.repeatable


def test_without_a_session_none_is_sent() -> None:
    flow = at(State.CLAIM_SENT)
    step = flow.receive(challenge("SMS_MFA", session=None), NOW)
    assert isinstance(step, SmsMfa)
    assert "Session" not in flow.send(step.answer("1")).parameters


def test_an_unknown_challenge_is_answered_under_its_own_name() -> None:
    flow = at(State.CLAIM_SENT)
    step = flow.receive(challenge("MIND_READING"), NOW)
    assert isinstance(step, UnknownChallenge)
    call = flow.send(step.answer({"ANSWER": "42"}))
    assert call.parameters["ChallengeName"] == "MIND_READING"


# --- names and hashes -------------------------------------------------------------


def hash_of(name: str) -> str:
    return secret_hash(name, "client1", "s3cr3t0123456789012345678")


def test_every_step_hashes_the_name_it_carries() -> None:
    # F021, F037: typed alias first, then the service's own name everywhere
    flow = machine(talk.SECRET_CLIENT, typed="alice@example.com")
    first = flow.begin()
    assert first.parameters["AuthParameters"]["USERNAME"] == "alice@example.com"
    assert first.parameters["AuthParameters"]["SECRET_HASH"] == hash_of("alice@example.com")
    second = flow.receive(password_verifier(first), NOW)
    assert isinstance(second, Call)
    assert second.parameters["ChallengeResponses"]["SECRET_HASH"] == hash_of(talk.NAME)
    step = flow.receive(challenge("SMS_MFA", USER_ID_FOR_SRP=talk.NAME), NOW)
    assert isinstance(step, SmsMfa)
    third = flow.send(step.answer("1")).parameters["ChallengeResponses"]
    assert (third["USERNAME"], third["SECRET_HASH"]) == (talk.NAME, hash_of(talk.NAME))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"USERNAME": "u", "USER_ID_FOR_SRP": "u"}, "u"),
        ({"USER_ID_FOR_SRP": "i"}, "i"),
        ({"USERNAME": "u", "USER_ID_FOR_SRP": "i"}, "u"),
        ({}, "alice"),
    ],
    ids=str,
)
def test_the_first_challenge_names_the_user(given: dict[str, str], name: str) -> None:
    flow = machine(flow=Password())
    flow.begin()
    step = flow.receive(challenge("SMS_MFA", **given), NOW)
    assert isinstance(step, SmsMfa)
    assert flow.send(step.answer("1")).parameters["ChallengeResponses"]["USERNAME"] == name


@pytest.mark.parametrize("member", ["USERNAME", "USER_ID_FOR_SRP"])
def test_a_name_that_changes_later_is_refused(member: str) -> None:
    # threat 11
    flow = at(State.CLAIM_SENT)
    with pytest.raises(RemoteProtocolError, match="changed the user"):
        flow.receive(challenge("SMS_MFA", **{member: "mallory"}), NOW)
    assert flow.state is State.CLOSED


def test_the_end_says_whose_tokens_they_must_be() -> None:
    flow = at(State.CLAIM_SENT)
    end = flow.receive(tokens(), NOW)
    assert isinstance(end, Authenticated)
    assert end.username == talk.NAME


def test_tokens_at_once_are_anybodys() -> None:
    flow = machine(flow=Password())
    flow.begin()
    end = flow.receive(tokens(), NOW)
    assert isinstance(end, Authenticated)
    assert end.username is None


# --- a server that lies -----------------------------------------------------------


@pytest.mark.parametrize("member", ["SRP_B", "SALT", "SECRET_BLOCK"])
def test_a_verifier_with_a_member_missing_is_refused(member: str) -> None:
    # threat 12
    flow = machine()
    with pytest.raises(RemoteProtocolError, match=member):
        flow.receive(password_verifier(flow.begin(), **{member: None}), NOW)
    assert flow.state is State.CLOSED


@pytest.mark.parametrize(
    "changes",
    [
        {"SRP_B": "0"},  # threat 1
        {"SRP_B": "-5"},  # threat 3
        {"SRP_B": ""},
        {"SALT": "xyz"},
        {"SALT": "f" * 769},  # threat 4
        {"SECRET_BLOCK": "not base64!"},
    ],
    ids=str,
)
def test_a_verifier_that_would_break_the_proof_is_refused(changes: dict[str, str]) -> None:
    flow = machine()
    with pytest.raises(RemoteProtocolError):
        flow.receive(password_verifier(flow.begin(), **changes), NOW)
    assert flow.state is State.CLOSED


def test_a_second_verifier_is_refused() -> None:
    # threat 10: SRP answers itself once
    flow = at(State.CLAIM_SENT)
    with pytest.raises(RemoteProtocolError):
        flow.receive(password_verifier(machine().begin()), NOW)


def test_a_new_password_comes_after_the_proof() -> None:
    # threat 9
    flow = at(State.CLAIM_SENT)
    assert isinstance(flow.receive(challenge("NEW_PASSWORD_REQUIRED"), NOW), NewPasswordRequired)


def test_a_detour_does_not_make_a_new_password_come_early() -> None:
    # threat 9: a challenge before the proof, then the demand
    flow = machine()
    flow.begin()
    step = flow.receive(challenge("MIND_READING"), NOW)
    assert isinstance(step, UnknownChallenge)
    flow.send(step.answer({"ANSWER": "1"}))
    with pytest.raises(RemoteProtocolError, match="new password"):
        flow.receive(challenge("NEW_PASSWORD_REQUIRED"), NOW)


def test_a_detour_ends_the_handshake() -> None:
    flow = machine()
    first = flow.begin()
    step = flow.receive(challenge("MIND_READING"), NOW)
    assert isinstance(step, UnknownChallenge)
    flow.send(step.answer({"ANSWER": "1"}))
    with pytest.raises(RemoteProtocolError):
        flow.receive(password_verifier(first), NOW)


def test_in_a_plaintext_flow_both_may_come_first() -> None:
    for name in ("NEW_PASSWORD_REQUIRED", "PASSWORD"):
        flow = machine(flow=Password())
        flow.begin()
        flow.receive(challenge(name), NOW)
        assert flow.state is State.WAITING


# --- errors -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        mistake(CodeMismatch),
        mistake(ExpiredCode),
        mistake(InvalidPassword),
        mistake(Throttled, retry_safe=True),
        ConnectFailed("RespondToAuthChallenge", retry_safe=True),
    ],
    ids=lambda e: type(e).__name__,
)
def test_after_a_mendable_error_the_same_challenge_waits(error: CognitoError) -> None:
    flow = at(State.ANSWER_SENT)
    again = flow.fail(error)
    assert isinstance(again, SmsMfa)
    assert again.refused is error
    assert flow.send(again.answer("654321")).parameters["Session"] == Secret(talk.SESSION)


@pytest.mark.parametrize(
    "error",
    [
        mistake(IncorrectUsernameOrPassword),
        ResponseLost("RespondToAuthChallenge", retry_safe=False),
        KeyboardInterrupt(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_after_any_other_error_it_is_over(error: BaseException) -> None:
    flow = at(State.ANSWER_SENT)
    assert flow.fail(error) is None
    assert flow.state is State.CLOSED


def test_the_challenge_held_before_the_error_is_still_the_one_to_answer() -> None:
    flow = at(State.WAITING)
    held = flow.waiting
    assert isinstance(held, SmsMfa)
    flow.send(held.answer("1"))
    flow.fail(mistake())
    flow.send(held.answer("2"))
    assert flow.state is not State.WAITING


@pytest.mark.parametrize("take", ["send", "needs_arithmetic"])
def test_only_an_answer_answers(take: str) -> None:
    flow = at(State.WAITING)
    with pytest.raises(InvalidType, match="answer"):
        getattr(flow, take)("123456")
    assert flow.waiting is not None


def test_an_answer_to_another_challenge_is_refused() -> None:
    flow = at(State.CLAIM_SENT)
    flow.receive(challenge("SMS_MFA", session="another-session-0123456789"), NOW)
    with pytest.raises(LocalProtocolError, match="not another one"):
        flow.send(stray_answer())


# --- resuming, secrets, arithmetic ------------------------------------------------


def test_a_stored_challenge_goes_on_in_another_machine() -> None:
    waiting = at(State.WAITING).waiting
    assert isinstance(waiting, SmsMfa)
    revived = challenge_from_dict(waiting.to_dict())
    flow = talk.resume(revived)
    assert flow.waiting == waiting
    assert isinstance(revived, SmsMfa)
    call = flow.send(revived.answer("123456"))
    assert call.parameters["ChallengeResponses"]["USERNAME"] == talk.NAME
    assert isinstance(flow.receive(challenge("NEW_PASSWORD_REQUIRED"), NOW), NewPasswordRequired)


def test_what_was_not_proven_before_storing_is_not_proven_after() -> None:
    # threat 9
    flow = machine()
    flow.begin()
    step = flow.receive(challenge("MIND_READING"), NOW)
    assert isinstance(step, UnknownChallenge)
    revived = challenge_from_dict(step.to_dict())
    assert isinstance(revived, UnknownChallenge)
    second = talk.resume(revived)
    second.send(revived.answer({"ANSWER": "1"}))
    with pytest.raises(RemoteProtocolError, match="new password"):
        second.receive(challenge("NEW_PASSWORD_REQUIRED"), NOW)


def test_another_clients_challenge_is_refused() -> None:
    waiting = at(State.WAITING).waiting
    assert waiting is not None
    other = AppClient.of("eu-west-1_Example01", "client2")
    with pytest.raises(InvalidArgument, match="app client"):
        talk.resume(waiting, other)


def test_srp_secrets_are_gone_after_the_proof() -> None:
    flow = at(State.CLAIM_SENT)
    held = [value for value in vars(flow).values() if value is not None]
    assert not any(isinstance(value, Secret) for value in held)
    assert "Handshake" not in {type(value).__name__ for value in held}


def test_only_what_computes_wants_a_worker() -> None:
    flow = machine()
    assert flow.needs_arithmetic()
    first = flow.begin()
    verifier = password_verifier(first)
    assert flow.needs_arithmetic(verifier)
    assert not flow.needs_arithmetic(challenge("SMS_MFA"))
    flow.receive(verifier, NOW)
    assert not flow.needs_arithmetic(verifier)
    assert not machine(flow=Password()).needs_arithmetic()


# --- first factors by choice ------------------------------------------------------


def asked_to_choose(*names: str, flow: Flow | None = None) -> tuple[AuthFlow, SelectChallenge]:
    talking = machine(flow=flow or Choice())
    talking.begin()
    step = talking.receive(talk.select(*names), NOW)
    assert isinstance(step, SelectChallenge)
    return talking, step


def test_the_password_is_no_option_where_it_must_stay() -> None:
    # threat 8
    _, step = asked_to_choose("PASSWORD_SRP", "PASSWORD", "EMAIL_OTP")
    assert step.options == ("PASSWORD_SRP", "EMAIL_OTP")
    assert step.to_dict()["options"] == ["PASSWORD_SRP", "EMAIL_OTP"]


def test_the_password_is_an_option_for_those_who_chose_to_send_it() -> None:
    flow, step = asked_to_choose("PASSWORD", flow=Choice(preferred="PASSWORD"))
    call = flow.send(step.answer("PASSWORD"))
    sent = call.parameters["ChallengeResponses"]
    assert sent["PASSWORD"] == Secret(talk.PASSWORD)
    assert call.parameters["ChallengeName"] == "SELECT_CHALLENGE"


def test_a_forged_answer_does_not_get_the_password_sent() -> None:
    # threat 8: whoever answers knows the challenge, but not the password
    flow, step = asked_to_choose("PASSWORD_SRP", "PASSWORD")
    forged = Answer(challenge=step, responses={"ANSWER": Secret("PASSWORD")})
    with pytest.raises(InvalidArgument, match="PASSWORD only"):
        flow.send(forged)
    assert flow.waiting is step


@pytest.mark.parametrize(
    "flow",
    [Srp(), Custom(srp=True), Custom(), Choice(), Choice(preferred="PASSWORD_SRP")],
    ids=str,
)
@pytest.mark.parametrize(
    "demand",
    [
        challenge("PASSWORD"),
        challenge("ADMIN_NO_SRP_AUTH"),
        talk.select("PASSWORD"),
        talk.select("PASSWORD", "ADMIN_NO_SRP_AUTH"),
    ],
    ids=lambda r: f"{r.body['ChallengeName']}-{len(r.body.get('AvailableChallenges', ()))}",
)
def test_a_demand_for_the_password_is_refused(flow: Flow, demand: Reply) -> None:
    # threat 8
    talking = machine(flow=flow, password=None if flow == Custom() else talk.GIVEN)
    talking.begin()
    with pytest.raises(RemoteProtocolError, match="in the clear"):
        talking.receive(demand, NOW)
    assert talking.state is State.CLOSED
    assert talk.PASSWORD not in str(vars(talking))


def test_a_choice_of_nothing_is_refused() -> None:
    flow = machine(flow=Choice())
    flow.begin()
    with pytest.raises(RemoteProtocolError, match="offers nothing"):
        flow.receive(talk.select(), NOW)


def test_choosing_srp_goes_on_by_itself() -> None:
    flow, step = asked_to_choose("PASSWORD_SRP", "EMAIL_OTP")
    answer = step.answer("PASSWORD_SRP")
    assert flow.needs_arithmetic(answer)
    first = flow.send(answer)
    assert set(first.parameters["ChallengeResponses"]) == {"ANSWER", "USERNAME", "SRP_A"}
    second = flow.receive(password_verifier(first), NOW)
    assert isinstance(second, Call)
    assert proof_is_right(first, second)
    assert talk.PASSWORD not in str(first.parameters) + str(second.parameters)


def test_choosing_srp_without_a_password_says_so_and_still_waits() -> None:
    flow = machine(flow=Choice(), password=None)
    flow.begin()
    step = flow.receive(talk.select("PASSWORD_SRP"), NOW)
    assert isinstance(step, SelectChallenge)
    with pytest.raises(InvalidArgument, match="password"):
        flow.send(step.answer("PASSWORD_SRP"))
    flow.send(step.answer("PASSWORD_SRP", password=talk.PASSWORD))
    assert flow.state is not State.WAITING


def test_srp_is_chosen_in_another_process_with_the_password() -> None:
    _, step = asked_to_choose("PASSWORD_SRP")
    revived = challenge_from_dict(step.to_dict())
    assert isinstance(revived, SelectChallenge)
    flow = talk.resume(revived)
    first = flow.send(revived.answer("PASSWORD_SRP", password=talk.PASSWORD))
    second = flow.receive(password_verifier(first), NOW)
    assert isinstance(second, Call)
    assert proof_is_right(first, second)


def test_an_srp_challenge_without_password_surfaces_and_is_answered() -> None:
    flow = machine(flow=Choice(), password=None)
    flow.begin()
    step = flow.receive(challenge("PASSWORD_SRP", USERNAME=talk.NAME), NOW)
    assert isinstance(step, PasswordSrpChallenge)
    first = flow.send(step.answer(talk.PASSWORD))
    second = flow.receive(password_verifier(first), NOW)
    assert isinstance(second, Call)
    assert proof_is_right(first, second)


def test_srp_opened_on_the_way_demands_its_proof_before_a_new_password() -> None:
    # threat 9
    flow, step = asked_to_choose("PASSWORD_SRP")
    flow.send(step.answer("PASSWORD_SRP"))
    with pytest.raises(RemoteProtocolError, match="new password"):
        flow.receive(challenge("NEW_PASSWORD_REQUIRED"), NOW)


def test_a_server_cannot_keep_asking_for_srp_a() -> None:
    # threat 10
    flow, step = asked_to_choose("PASSWORD_SRP")
    flow.send(step.answer("PASSWORD_SRP"))
    with pytest.raises(RemoteProtocolError, match="SRP_A again"):
        flow.receive(challenge("PASSWORD_SRP"), NOW)
    assert flow.state is State.CLOSED


def test_the_password_is_gone_once_a_factor_without_it_is_asked_for() -> None:
    flow = after_choosing()
    assert flow.needs_arithmetic(challenge("PASSWORD_SRP"))
    flow.receive(challenge("EMAIL_OTP"), NOW)
    assert not flow.needs_arithmetic(challenge("PASSWORD_SRP"))
    assert Secret(talk.PASSWORD) not in [v for v in vars(flow).values() if isinstance(v, Secret)]


def test_a_choice_keeps_no_password_after_tokens() -> None:
    flow = machine(flow=Choice(preferred="PASSWORD"))
    flow.begin()
    flow.receive(tokens(), NOW)
    assert not [v for v in vars(flow).values() if isinstance(v, Secret)]


def test_a_resumed_conversation_does_not_begin_again() -> None:
    _, step = asked_to_choose("EMAIL_OTP")
    flow = talk.resume(step)
    assert not flow.needs_arithmetic()
    with pytest.raises(LocalProtocolError, match="waits"):
        flow.begin()


# --- custom challenges ------------------------------------------------------------


def test_srp_comes_before_custom_challenges_if_wanted() -> None:
    flow = machine(flow=Custom(srp=True))
    first = flow.begin()
    verifier = password_verifier(first)
    second = flow.receive(Reply(body={**verifier.body, "Session": talk.SESSION}), NOW)
    assert isinstance(second, Call)
    assert second.parameters["Session"] == Secret(talk.SESSION)
    assert proof_is_right(first, second)
    step = flow.receive(challenge("CUSTOM_CHALLENGE", question="2+3?"), NOW)
    assert isinstance(step, CustomChallenge)
    assert step.parameters["question"] == "2+3?"


def test_custom_challenges_come_in_any_number() -> None:
    flow = machine(flow=Custom(), password=None)
    flow.begin()
    for number in range(20):
        session = f"session-of-round-{number:08}"
        step = flow.receive(challenge("CUSTOM_CHALLENGE", session, USERNAME=talk.NAME), NOW)
        assert isinstance(step, CustomChallenge)
        call = flow.send(step.answer(str(number)))
        assert call.parameters["Session"] == Secret(session)
    assert isinstance(flow.receive(tokens(), NOW), Authenticated)


def test_every_answer_carries_the_callers_context() -> None:
    said = RequestContext(client_metadata={"tenant": "7"})
    flow = machine(flow=Custom(), password=None, request=said)
    flow.begin()
    step = flow.receive(challenge("CUSTOM_CHALLENGE"), NOW)
    assert isinstance(step, CustomChallenge)
    assert flow.send(step.answer("x")).parameters["ClientMetadata"] == {"tenant": "7"}


# --- setting up a second factor ---------------------------------------------------


def test_an_authenticator_is_set_up_on_the_way() -> None:
    # F041: each call carries the session of the one before
    flow, step = waiting_with(talk.mfa_setup())
    asked = flow.send(step.answer_totp())
    assert asked.operation == "AssociateSoftwareToken"
    assert asked.parameters == {"Session": Secret(talk.SESSION)}
    setup = flow.receive(talk.secret_code(), NOW)
    assert isinstance(setup, SoftwareTokenSetup)
    verify = flow.send(setup.answer("123456", device_name="phone"))
    assert verify.operation == "VerifySoftwareToken"
    assert verify.parameters == {
        "Session": Secret(talk.SETUP_SESSION),
        "UserCode": Secret("123456"),
        "FriendlyDeviceName": Secret("phone"),
    }
    report = flow.receive(talk.reply(Status="SUCCESS", Session="verified-session-0123"), NOW)
    assert isinstance(report, Call)
    assert report.operation == "RespondToAuthChallenge"
    assert report.parameters["ChallengeName"] == "MFA_SETUP"
    assert report.parameters["Session"] == Secret("verified-session-0123")
    assert report.parameters["ChallengeResponses"] == {"USERNAME": talk.NAME}
    assert isinstance(flow.receive(tokens(), NOW), Authenticated)


def test_each_step_of_a_set_up_can_happen_in_another_process() -> None:
    _, step = waiting_with(talk.mfa_setup())
    first = talk.resume(challenge_from_dict(step.to_dict()))
    waiting: Any = first.waiting
    first.send(waiting.answer_totp())
    setup: Any = first.receive(talk.secret_code(), NOW)
    revived: Any = challenge_from_dict(setup.to_dict())
    assert revived == setup
    second = talk.resume(revived)
    call = second.send(revived.answer("123456"))
    assert call.parameters["Session"] == Secret(talk.SETUP_SESSION)


@pytest.mark.parametrize("session", [None, "newer-session-0123456789"])
def test_a_wrong_first_code_may_be_an_answer(session: str | None) -> None:
    flow = at(State.CODE_SENT)
    said = talk.reply(Status="ERROR", **({} if session is None else {"Session": session}))
    again = flow.receive(said, NOW)
    assert isinstance(again, SoftwareTokenSetup)
    assert isinstance(again.refused, EnableSoftwareTokenMFA)
    assert again.context.session == Secret(session or talk.SETUP_SESSION)
    flow.send(again.answer("654321"))
    assert flow.state is not State.WAITING


def test_a_wrong_first_code_may_be_an_error() -> None:
    flow = at(State.CODE_SENT)
    again = flow.fail(mistake(EnableSoftwareTokenMFA))
    assert isinstance(again, SoftwareTokenSetup)
    flow.send(again.answer("654321"))
    assert flow.state is not State.WAITING


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"SecretCode": talk.TOTP_SECRET},  # no session to go on with
        {"SecretCode": "short", "Session": talk.SESSION},
        {"SecretCode": "A" * 257, "Session": talk.SESSION},  # threat 12
        {"SecretCode": 7, "Session": talk.SESSION},
        {"SecretCode": "ABCDEFGH12345678\n", "Session": talk.SESSION},
        {"SecretCode": talk.TOTP_SECRET, "Session": "x" * 4097},  # threat 12
    ],
    ids=str,
)
def test_an_answer_without_a_usable_secret_is_refused(body: dict[str, Any]) -> None:
    flow = at(State.SECRET_ASKED)
    with pytest.raises(RemoteProtocolError):
        flow.receive(Reply(body=body), NOW)
    assert flow.state is State.CLOSED


@pytest.mark.parametrize(
    "body", [{}, {"Status": "MAYBE"}, {"Status": "SUCCESS"}, {"Status": ["SUCCESS"]}], ids=str
)
def test_an_answer_that_verifies_nothing_is_refused(body: dict[str, Any]) -> None:
    flow = at(State.CODE_SENT)
    with pytest.raises(RemoteProtocolError):
        flow.receive(Reply(body=body), NOW)
    assert flow.state is State.CLOSED


def test_a_set_up_without_a_session_is_refused() -> None:
    flow = at(State.CLAIM_SENT)
    with pytest.raises(RemoteProtocolError, match="without a session"):
        flow.receive(challenge("MFA_SETUP", session=None), NOW)


def test_an_address_is_registered_on_the_way() -> None:
    flow, step = waiting_with(talk.mfa_setup())
    call = flow.send(step.answer_email("ana@example.com"))
    assert call.parameters["ChallengeName"] == "MFA_SETUP"
    assert call.parameters["ChallengeResponses"] == {
        "EMAIL": Secret("ana@example.com"),
        "USERNAME": talk.NAME,
    }
    assert isinstance(flow.receive(challenge("EMAIL_OTP"), NOW), EmailOtp)


# --- every challenge in another process -------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        challenge("SMS_MFA", CODE_DELIVERY_DESTINATION="+*******1234"),
        challenge("SMS_OTP", CODE_DELIVERY_DESTINATION="+*******1234"),
        challenge("EMAIL_OTP", CODE_DELIVERY_DESTINATION="a***@e***"),
        challenge("SOFTWARE_TOKEN_MFA", FRIENDLY_DEVICE_NAME="phone"),
        challenge("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA"]'),
        challenge("NEW_PASSWORD_REQUIRED", requiredAttributes='["userAttributes.name"]'),
        challenge("CUSTOM_CHALLENGE", question="2+3?"),
        challenge("PASSWORD_SRP"),
        challenge("MIND_READING", x="y"),
        talk.mfa_setup(),
        talk.select("EMAIL_OTP", "PASSWORD_SRP", "PASSWORD"),
    ],
    ids=lambda r: str(r.body["ChallengeName"]),
)
def test_every_challenge_comes_back_as_it_was(asked: Reply) -> None:
    _, step = waiting_with(asked)
    written = json.loads(json.dumps(step.to_dict()))
    assert challenge_from_dict(written) == step
    assert talk.resume(challenge_from_dict(written)).waiting == step


def test_the_password_challenge_comes_back_where_it_was_allowed() -> None:
    flow = machine(flow=Password())
    flow.begin()
    step = flow.receive(challenge("PASSWORD"), NOW)
    assert isinstance(step, PasswordChallenge)
    revived = challenge_from_dict(step.to_dict())
    assert revived == step
    assert isinstance(revived, PasswordChallenge)
    call = talk.resume(revived).send(revived.answer("Passw0rd!"))
    assert call.parameters["ChallengeResponses"]["PASSWORD"] == Secret("Passw0rd!")
