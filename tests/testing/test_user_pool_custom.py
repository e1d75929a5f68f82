"""CUSTOM_AUTH: triggers put the challenges, in AWS's event shapes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import PASSWORD, Person, SrpClient, now, refusal, tokens

MakePool = Callable[..., CheckedPool]
Event = dict[str, Any]


class Riddles:
    """Triggers that ask for sums, as a Lambda function would be written."""

    def __init__(self, rounds: int = 1, mistakes: int = 3) -> None:
        self.rounds, self.mistakes = rounds, mistakes
        self.events: list[Event] = []

    def define(self, event: Event) -> Event:
        self.events.append(copy.deepcopy(event))
        past, response = event["request"]["session"], event["response"]
        names = [step["challengeName"] for step in past]
        right = [
            s for s in past if s["challengeName"] == "CUSTOM_CHALLENGE" and s["challengeResult"]
        ]
        wrong = [
            s for s in past if s["challengeName"] == "CUSTOM_CHALLENGE" and not s["challengeResult"]
        ]
        response["issueTokens"] = len(right) >= self.rounds
        response["failAuthentication"] = len(wrong) >= self.mistakes
        response["challengeName"] = (
            "PASSWORD_VERIFIER" if names == ["SRP_A"] else "CUSTOM_CHALLENGE"
        )
        return event

    def create(self, event: Event) -> Event:
        self.events.append(copy.deepcopy(event))
        number = len(event["request"]["session"])
        event["response"] = {
            "publicChallengeParameters": {"question": f"{number} + 1"},
            "privateChallengeParameters": {"answer": str(number + 1)},
            "challengeMetadata": f"SUM_{number}",
        }
        return event

    def verify(self, event: Event) -> Event:
        self.events.append(copy.deepcopy(event))
        request = event["request"]
        right = request["privateChallengeParameters"]["answer"] == request["challengeAnswer"]
        event["response"]["answerCorrect"] = right
        return event

    def install(self) -> dict[str, Any]:
        return {
            "DefineAuthChallenge": self.define,
            "CreateAuthChallenge": self.create,
            "VerifyAuthChallengeResponse": self.verify,
        }

    def heard(self, source: str) -> list[Event]:
        return [e for e in self.events if e["triggerSource"].startswith(source)]


@pytest.fixture
def riddles() -> Riddles:
    return Riddles()


@pytest.fixture
def ana(make_pool: MakePool, settle: Settle, riddles: Riddles) -> Person:
    return settle(make_pool(triggers=riddles.install()), attributes={"email": "a@example.com"})


def question(challenge: dict[str, Any]) -> str:
    assert challenge["ChallengeName"] == "CUSTOM_CHALLENGE"
    return str(challenge["ChallengeParameters"]["question"])


def test_one_right_answer_signs_in(ana: Person) -> None:
    challenge = ana.initiate("CUSTOM_AUTH")
    assert question(challenge) == "0 + 1"
    assert challenge["ChallengeParameters"]["USERNAME"] == "ana"
    assert "answer" not in str(challenge)  # what is private stays here
    tokens(ana.answer(challenge, ANSWER="1"))


def test_the_events_have_the_services_shape(ana: Person, riddles: Riddles) -> None:
    challenge = ana.initiate("CUSTOM_AUTH")
    ana.answer(challenge, ANSWER="1")
    first, asked, verified, last = riddles.events
    assert {key: value for key, value in first.items() if key not in ("request", "response")} == {
        "version": "1",
        "region": "eu-west-1",
        "userPoolId": ana.pool.user_pool_id,
        "triggerSource": "DefineAuthChallenge_Authentication",
        "userName": "ana",
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": ana.client.client_id,
        },
    }
    assert first["request"]["session"] == []
    assert first["request"]["userNotFound"] is False
    assert first["request"]["userAttributes"]["email"] == "a@example.com"
    assert first["request"]["userAttributes"]["cognito:user_status"] == "CONFIRMED"
    assert set(first["response"]) == {"challengeName", "issueTokens", "failAuthentication"}
    assert asked["request"]["challengeName"] == "CUSTOM_CHALLENGE"
    assert verified["request"]["challengeAnswer"] == "1"
    assert verified["request"]["privateChallengeParameters"] == {"answer": "1"}
    assert last["request"]["session"] == [
        {
            "challengeName": "CUSTOM_CHALLENGE",
            "challengeResult": True,
            "challengeMetadata": "SUM_0",
        }
    ]


def test_rounds_go_on_as_long_as_the_trigger_likes(make_pool: MakePool, settle: Settle) -> None:
    ana = settle(make_pool(triggers=Riddles(rounds=12).install()))
    step = ana.initiate("CUSTOM_AUTH")
    sessions = {step["Session"]}
    for number in range(12):
        step = ana.answer(step, ANSWER=str(number + 1))
        sessions.add(step.get("Session", ""))
    tokens(step)
    assert len(sessions) == 13  # each step has its own


def test_a_wrong_answer_brings_the_next_challenge_and_a_third_one_the_end(ana: Person) -> None:
    step = ana.initiate("CUSTOM_AUTH")
    again = ana.answer(step, ANSWER="wrong")
    assert question(again) == "1 + 1"
    assert refusal(lambda: ana.answer(step, ANSWER="1"))[1].endswith("can only be used once.")
    third = ana.answer(again, ANSWER="wrong")
    assert refusal(lambda: ana.answer(third, ANSWER="wrong")) == (
        "NotAuthorizedException",
        "Incorrect username or password.",
    )


def test_custom_failures_lock_nobody_out(ana: Person) -> None:
    # F120
    for _ in range(8):
        step = ana.initiate("CUSTOM_AUTH")
        ana.answer(step, ANSWER="wrong")
    tokens(ana.by_password())


# --- with SRP first ---


def with_srp(ana: Person, password: str = PASSWORD) -> tuple[dict[str, Any], dict[str, str]]:
    srp = SrpClient()
    opened = ana.initiate("CUSTOM_AUTH", CHALLENGE_NAME="SRP_A", SRP_A=f"{srp.A:x}")
    assert opened["ChallengeName"] == "PASSWORD_VERIFIER"
    parameters, timestamp = opened["ChallengeParameters"], now(ana.clock)
    group = ana.pool.user_pool_id.split("_", 1)[1]
    return opened, {
        "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": srp.signature(parameters, password, timestamp, group=group),
        "TIMESTAMP": timestamp,
    }


def test_srp_is_proven_before_the_first_custom_challenge(ana: Person, riddles: Riddles) -> None:
    opened, claim = with_srp(ana)
    challenge = ana.answer(opened, **claim)
    assert question(challenge) == "2 + 1"
    tokens(ana.answer(challenge, ANSWER="3"))
    heard = [e["request"]["session"] for e in riddles.heard("Define")]
    assert [[s["challengeName"] for s in past] for past in heard] == [
        ["SRP_A"],
        ["SRP_A", "PASSWORD_VERIFIER"],
        ["SRP_A", "PASSWORD_VERIFIER", "CUSTOM_CHALLENGE"],
    ]
    assert all(s["challengeResult"] for past in heard for s in past)


def test_a_wrong_password_ends_a_custom_sign_in(ana: Person) -> None:
    opened, claim = with_srp(ana, "Wr0ng-one")
    assert refusal(lambda: ana.answer(opened, **claim))[1] == "Incorrect username or password."


def test_the_proof_alone_does_not_get_round_the_triggers(ana: Person) -> None:
    _, claim = with_srp(ana)
    assert refusal(lambda: ana.respond("PASSWORD_VERIFIER", **claim)) == (
        "InvalidParameterException",
        "Missing required parameter Session",
    )


def test_a_trigger_may_do_without_the_proof_it_was_offered(
    make_pool: MakePool, settle: Settle
) -> None:
    riddles = Riddles()

    def define(event: Event) -> Event:
        event = riddles.define(event)
        event["response"]["challengeName"] = "CUSTOM_CHALLENGE"
        return event

    ana = settle(make_pool(triggers={**riddles.install(), "DefineAuthChallenge": define}))
    step = ana.initiate("CUSTOM_AUTH", CHALLENGE_NAME="SRP_A", SRP_A=f"{SrpClient().A:x}")
    assert question(step) == "1 + 1"


# --- who is not there, or may not ---


def test_triggers_are_told_of_a_name_without_a_user(ana: Person, riddles: Riddles) -> None:
    # F031
    ana.name = "nobody"
    step = ana.initiate("CUSTOM_AUTH")
    assert step["ChallengeParameters"]["USERNAME"] != "ana"
    answered = refusal(lambda: ana.answer(step, ANSWER="1"))
    assert answered == ("NotAuthorizedException", "Incorrect username or password.")
    assert {e["request"]["userNotFound"] for e in riddles.events} == {True}
    assert riddles.events[0]["request"]["userAttributes"] == {}


def test_a_client_that_does_not_hide_it_says_so(
    make_pool: MakePool, settle: Settle, riddles: Riddles
) -> None:
    options = {"prevent_user_existence_errors": False}
    ana = settle(make_pool(triggers=riddles.install()), client=options)
    ana.name = "nobody"
    assert refusal(lambda: ana.initiate("CUSTOM_AUTH"))[0] == "UserNotFoundException"


def test_somebody_elses_name_does_not_go_with_the_session(ana: Person) -> None:
    ana.name = "nobody"
    step = ana.initiate("CUSTOM_AUTH")
    refused = refusal(lambda: ana.answer(step, ANSWER="1", USERNAME="ana"))
    assert refused[1] == "Invalid session for the user."


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"enabled": False}, "NotAuthorizedException"),
        ({"status": "UNCONFIRMED"}, "UserNotConfirmedException"),
        ({"status": "RESET_REQUIRED"}, "PasswordResetRequiredException"),
    ],
    ids=str,
)
def test_the_state_of_a_user_counts_in_the_end(
    make_pool: MakePool, settle: Settle, riddles: Riddles, options: dict[str, Any], code: str
) -> None:
    ana = settle(make_pool(triggers=riddles.install()), **options)
    step = ana.initiate("CUSTOM_AUTH")
    assert refusal(lambda: ana.answer(step, ANSWER="1"))[0] == code


def test_a_user_without_a_password_signs_in(
    make_pool: MakePool, settle: Settle, riddles: Riddles
) -> None:
    ana = settle(make_pool(triggers=riddles.install()))
    ana.pool.add_user("ben")
    ana.name = "ben"
    tokens(ana.answer(ana.initiate("CUSTOM_AUTH"), ANSWER="1"))


# --- what triggers can get wrong ---


@pytest.mark.parametrize(
    "missing", ["DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"]
)
def test_a_missing_trigger_is_named(
    make_pool: MakePool, settle: Settle, riddles: Riddles, missing: str
) -> None:
    ana = settle(make_pool(triggers=riddles.install()))
    del ana.pool.triggers[missing]

    def go() -> None:
        ana.answer(ana.initiate("CUSTOM_AUTH"), ANSWER="1")

    assert refusal(go) == (
        "InvalidParameterException",
        "Custom auth lambda trigger is not configured for the user pool.",
    )


def test_a_trigger_that_raises_is_quoted(ana: Person) -> None:
    # F074
    def refuse(event: Event) -> Event:
        raise ValueError("not today")

    ana.pool.triggers["CreateAuthChallenge"] = refuse
    assert refusal(lambda: ana.initiate("CUSTOM_AUTH")) == (
        "UserLambdaValidationException",
        "CreateAuthChallenge failed with error not today.",
    )


@pytest.mark.parametrize(
    ("name", "response"),
    [
        ("DefineAuthChallenge", {"challengeName": "MIND_READING"}),
        ("DefineAuthChallenge", {"challengeName": "PASSWORD_VERIFIER"}),  # no A was sent
        ("DefineAuthChallenge", {}),
        ("CreateAuthChallenge", {"publicChallengeParameters": "text"}),
        ("CreateAuthChallenge", {"publicChallengeParameters": {"number": 7}}),
        ("CreateAuthChallenge", {"privateChallengeParameters": {"number": 7}}),
        ("CreateAuthChallenge", {"challengeMetadata": 7}),
    ],
    ids=str,
)
def test_output_that_makes_no_sense_is_refused(
    ana: Person, name: str, response: dict[str, Any]
) -> None:
    ana.pool.triggers[name] = lambda event: {**event, "response": response}
    assert refusal(lambda: ana.initiate("CUSTOM_AUTH")) == (
        "InvalidLambdaResponseException",
        "Unrecognizable lambda output",
    )


def test_a_trigger_may_tell_the_client_nothing(ana: Person) -> None:
    ana.pool.triggers["CreateAuthChallenge"] = lambda event: {
        **event,
        "response": {"publicChallengeParameters": None},
    }
    assert ana.initiate("CUSTOM_AUTH")["ChallengeParameters"] == {"USERNAME": "ana"}


def test_an_answer_is_needed(ana: Person) -> None:
    step = ana.initiate("CUSTOM_AUTH")
    assert refusal(lambda: ana.answer(step))[1] == "Missing required parameter ANSWER"


def test_client_metadata_reaches_the_triggers_of_an_answer_alone(
    ana: Person, riddles: Riddles
) -> None:
    request = {
        "ClientId": ana.client.client_id,
        "AuthFlow": "CUSTOM_AUTH",
        "AuthParameters": {"USERNAME": "ana"},
        "ClientMetadata": {"tenant": "1"},
    }
    step = ana.pool.handle("InitiateAuth", request)
    ana.pool.handle(
        "RespondToAuthChallenge",
        {
            "ClientId": ana.client.client_id,
            "ChallengeName": "CUSTOM_CHALLENGE",
            "Session": step["Session"],
            "ChallengeResponses": {"USERNAME": "ana", "ANSWER": "1"},
            "ClientMetadata": {"tenant": "2"},
        },
    )
    said = [event["request"]["clientMetadata"] for event in riddles.events]
    assert said == [{}, {}, {"tenant": "2"}, {"tenant": "2"}]


def test_a_client_must_allow_the_flow(
    make_pool: MakePool, settle: Settle, riddles: Riddles
) -> None:
    options = {"explicit_auth_flows": ["ALLOW_USER_SRP_AUTH"]}
    ana = settle(make_pool(triggers=riddles.install()), client=options)
    assert refusal(lambda: ana.initiate("CUSTOM_AUTH")) == (
        "InvalidParameterException",
        "CUSTOM_AUTH flow not enabled for this client",
    )


def test_a_client_with_a_secret_hashes_every_name(
    make_pool: MakePool, settle: Settle, riddles: Riddles
) -> None:
    ana = settle(make_pool(triggers=riddles.install()), client={"secret": True})
    step = ana.initiate("CUSTOM_AUTH")
    wrong = refusal(lambda: ana.answer(step, ANSWER="1", SECRET_HASH="d3Jvbmc="))
    assert wrong[0] == "NotAuthorizedException"
    tokens(ana.answer(step, ANSWER="1"))
