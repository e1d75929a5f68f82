"""The conversation: every pair of state and input, and what each message says."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import (
    CodeMismatch,
    CognitoError,
    ConnectFailed,
    ExpiredCode,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidPassword,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseLost,
    Throttled,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import (
    Answer,
    NewPasswordRequired,
    SelectMfaType,
    SmsMfa,
    UnknownChallenge,
)
from aiocognito.flow.flows import Password
from aiocognito.flow.machine import TRANSITIONS, AuthFlow, Input, State
from aiocognito.flow.reading import challenge_from_dict
from aiocognito.flow.secret_hash import secret_hash
from aiocognito.flow.steps import Authenticated

from . import talk
from .talk import NOW, challenge, machine, password_verifier, proof_is_right, tokens

SERVICE = {"operation": "RespondToAuthChallenge", "code": "X"}


def mistake(kind: type[Any] = CodeMismatch, **facts: Any) -> Any:
    return kind(**{**SERVICE, **facts})


# --- how each state is reached, and how each input is made ------------------------


def at(state: State) -> AuthFlow:
    flow = machine(flow=Password() if state is State.PASSWORD_SENT else None)
    if state is State.READY:
        return flow
    first = flow.begin()
    if state in (State.CLAIM_SENT, State.WAITING, State.ANSWER_SENT):
        flow.receive(password_verifier(first), NOW)
    if state in (State.WAITING, State.ANSWER_SENT):
        step = flow.receive(challenge("SMS_MFA"), NOW)
        assert isinstance(step, SmsMfa)
        if state is State.ANSWER_SENT:
            flow.send(step.answer("123456"))
    if state is State.CLOSED:
        flow.receive(tokens(), NOW)
    assert flow.state is state
    return flow


def stray_answer() -> Answer:
    flow = at(State.WAITING)
    assert isinstance(flow.waiting, SmsMfa)
    return flow.waiting.answer("123456")


def feed(flow: AuthFlow, happened: Input) -> Any:
    match happened:
        case Input.BEGIN_SRP | Input.BEGIN_PASSWORD:
            return flow.begin()
        case Input.ANSWER:
            return flow.send(stray_answer())
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


# Pairs that cannot come about: what makes the input another one in that state.
NOT_POSSIBLE = {
    # Which begin it is depends on the flow chosen when the machine was made.
    *((state, Input.BEGIN_PASSWORD) for state in State if state is not State.PASSWORD_SENT),
    (State.PASSWORD_SENT, Input.BEGIN_SRP),
    # With SRP open a verifier is no stray; without, it is.
    (State.SRP_SENT, Input.STRAY_VERIFIER),
    *((s, Input.VERIFIER) for s in (State.PASSWORD_SENT, State.CLAIM_SENT, State.ANSWER_SENT)),
    # Early means before the proof; the plaintext flow has shown the password already.
    *(
        (s, Input.EARLY_NEW_PASSWORD)
        for s in (State.PASSWORD_SENT, State.CLAIM_SENT, State.ANSWER_SENT)
    ),
    (State.PASSWORD_SENT, Input.PLAINTEXT_DEMAND),
}
PAIRS = [(s, i) for s in State for i in Input if (s, i) not in NOT_POSSIBLE]
QUIET = (State.READY, State.WAITING, State.CLOSED)
CALLER = (Input.BEGIN_SRP, Input.BEGIN_PASSWORD, Input.ANSWER)


@pytest.mark.parametrize(("state", "happened"), PAIRS, ids=lambda value: value.name)
def test_every_pair_of_state_and_input(state: State, happened: Input) -> None:
    flow = at(state)
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
    impossible = set(TRANSITIONS) & NOT_POSSIBLE
    assert impossible == {(State.READY, Input.BEGIN_PASSWORD)}  # see at(PASSWORD_SENT)


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
    assert flow.send(held.answer("2"))


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
    flow = AuthFlow.resume(talk.CLIENT, revived)
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
    second = AuthFlow.resume(talk.CLIENT, revived)
    second.send(revived.answer({"ANSWER": "1"}))
    with pytest.raises(RemoteProtocolError, match="new password"):
        second.receive(challenge("NEW_PASSWORD_REQUIRED"), NOW)


def test_another_clients_challenge_is_refused() -> None:
    waiting = at(State.WAITING).waiting
    assert waiting is not None
    other = talk.AppClient.of("eu-west-1_Example01", "client2")
    with pytest.raises(InvalidArgument, match="app client"):
        AuthFlow.resume(other, waiting)


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
