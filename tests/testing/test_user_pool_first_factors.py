"""USER_AUTH: what is offered, what is begun, and what pretends to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiocognito.errors import InvalidArgument
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import PASSWORD, Person, SrpClient, now, refusal, tokens

MakePool = Callable[..., CheckedPool]
CONTACTS = {"email": "ana@example.com", "phone_number": "+4915112345678"}
ALL = ("PASSWORD", "EMAIL_OTP", "SMS_OTP")
PASSWORDS = ["PASSWORD_SRP", "PASSWORD"]


def offered(answer: dict[str, Any]) -> list[str]:
    assert answer["ChallengeName"] == "SELECT_CHALLENGE"
    return list(answer["AvailableChallenges"])


@pytest.fixture
def ana(make_pool: MakePool, settle: Settle) -> Person:
    return settle(make_pool(first_factors=ALL), attributes=CONTACTS)


# --- what is offered ---


@pytest.mark.parametrize(
    ("settings", "user", "expected"),
    [
        ({"first_factors": ALL}, {}, [*PASSWORDS, "EMAIL_OTP", "SMS_OTP"]),
        ({}, {}, PASSWORDS),
        ({"first_factors": ["EMAIL_OTP"]}, {}, ["EMAIL_OTP"]),
        ({"first_factors": ALL}, {"attributes": {}}, PASSWORDS),
        (
            {"first_factors": ALL},
            {"attributes": {"email": "ana@example.com", "email_verified": False}},
            PASSWORDS,
        ),
        ({"first_factors": ALL}, {"temporary": True}, PASSWORDS),
        # One code cannot stand for two factors.
        ({"first_factors": ALL}, {"totp": True}, PASSWORDS),
        ({"first_factors": ALL, "mfa": "ON"}, {}, PASSWORDS),
    ],
    ids=str,
)
def test_people_are_offered_what_is_allowed_and_theirs(
    make_pool: MakePool,
    settle: Settle,
    settings: dict[str, Any],
    user: dict[str, Any],
    expected: list[str],
) -> None:
    ana = settle(make_pool(**settings), **{"attributes": CONTACTS, **user})
    assert offered(ana.initiate("USER_AUTH")) == expected


def test_who_has_no_password_is_not_offered_one(make_pool: MakePool, settle: Settle) -> None:
    ana = settle(make_pool(first_factors=ALL))
    ana.pool.add_user("ben", attributes=CONTACTS)
    ana.name = "ben"
    assert offered(ana.initiate("USER_AUTH")) == ["EMAIL_OTP", "SMS_OTP"]


def test_who_has_nothing_at_all_is_refused(make_pool: MakePool, settle: Settle) -> None:
    ana = settle(make_pool(first_factors=["EMAIL_OTP"]))
    assert refusal(lambda: ana.initiate("USER_AUTH"))[0] == "NotAuthorizedException"


@pytest.mark.parametrize("preferred", ["WEB_AUTHN", "SMS_OTP"])
def test_a_preference_that_cannot_be_met_becomes_a_choice(
    make_pool: MakePool, settle: Settle, preferred: str
) -> None:
    ana = settle(make_pool(first_factors=["PASSWORD", "EMAIL_OTP"]), attributes=CONTACTS)
    step = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE=preferred)
    assert offered(step) == [*PASSWORDS, "EMAIL_OTP"]


def test_a_pool_cannot_allow_what_there_is_not(make_pool: MakePool) -> None:
    with pytest.raises(InvalidArgument, match="first_factors"):
        make_pool(first_factors=["MIND_READING"])


def test_the_flow_has_to_be_allowed_and_allows_the_passwords(
    make_pool: MakePool, settle: Settle
) -> None:
    # F027
    pool = make_pool()
    ana = settle(pool, client={"explicit_auth_flows": ["ALLOW_USER_AUTH"]})
    tokens(ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="PASSWORD", PASSWORD=PASSWORD))
    ben = settle(pool, "ben", client={"explicit_auth_flows": ["ALLOW_USER_SRP_AUTH"]})
    assert refusal(lambda: ben.initiate("USER_AUTH"))[1] == (
        "USER_AUTH flow not enabled for this client"
    )


# --- codes ---


@pytest.mark.parametrize(
    ("name", "key", "destination"),
    [
        ("EMAIL_OTP", "EMAIL_OTP_CODE", "a***@e***"),
        ("SMS_OTP", "SMS_OTP_CODE", "+*******5678"),
    ],
)
@pytest.mark.parametrize("chosen", [True, False], ids=["chosen", "preferred"])
def test_a_code_of_eight_digits_is_the_first_factor(
    ana: Person, name: str, key: str, destination: str, chosen: bool
) -> None:
    if chosen:
        step = ana.answer(ana.initiate("USER_AUTH"), ANSWER=name)
    else:
        step = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE=name)
    assert step["ChallengeName"] == name
    assert step["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == destination
    code = ana.pool.outbox[-1].code
    assert len(code) == 8
    assert refusal(lambda: ana.answer(step, **{key: "00000000"})) == (
        "CodeMismatchException",
        "Invalid code or auth state for the user.",
    )
    tokens(ana.answer(step, **{key: code}))
    assert refusal(lambda: ana.answer(step, **{key: code}))[1].endswith("can only be used once.")


def test_a_second_sign_in_voids_the_code_of_the_first(ana: Person) -> None:
    first = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="EMAIL_OTP")
    code = ana.pool.outbox[-1].code
    ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="EMAIL_OTP")
    refused = refusal(lambda: ana.answer(first, EMAIL_OTP_CODE=code))
    assert refused[0] == "CodeMismatchException"


def test_a_user_disabled_meanwhile_gets_no_tokens(ana: Person) -> None:
    step = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="EMAIL_OTP")
    ana.pool.enable_user("ana", False)
    code = ana.pool.outbox[-1].code
    assert refusal(lambda: ana.answer(step, EMAIL_OTP_CODE=code))[1] == "User is disabled."


def test_a_choice_that_is_not_offered_is_refused(ana: Person) -> None:
    step = ana.initiate("USER_AUTH")
    refused = refusal(lambda: ana.answer(step, ANSWER="WEB_AUTHN"))
    assert refused[0] == "InvalidParameterException"
    assert ana.answer(step, ANSWER="EMAIL_OTP")  # and the choice is still open


# --- passwords ---


@pytest.mark.parametrize("way", ["preferred", "chosen", "asked for"])
def test_a_plain_password_signs_in(ana: Person, way: str) -> None:
    match way:
        case "preferred":
            end = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="PASSWORD", PASSWORD=PASSWORD)
        case "chosen":
            step = ana.initiate("USER_AUTH")
            end = ana.answer(step, ANSWER="PASSWORD", PASSWORD=PASSWORD)
        case _:
            step = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="PASSWORD")
            assert step["ChallengeName"] == "PASSWORD"
            end = ana.answer(step, PASSWORD=PASSWORD)
    tokens(end)


def test_a_wrong_plain_password_counts_towards_a_lock(ana: Person) -> None:
    # F120
    step = ana.initiate("USER_AUTH")
    for _ in range(5):
        refused = refusal(lambda: ana.answer(step, ANSWER="PASSWORD", PASSWORD="Wr0ng-one"))
        assert refused[1] == "Incorrect username or password."
    refused = refusal(lambda: ana.answer(step, ANSWER="PASSWORD", PASSWORD=PASSWORD))
    assert refused[1] == "Password attempts exceeded"


def prove(ana: Person, srp: SrpClient, opened: dict[str, Any], *, session: bool) -> dict[str, Any]:
    assert opened["ChallengeName"] == "PASSWORD_VERIFIER"
    parameters, timestamp = opened["ChallengeParameters"], now(ana.clock)
    group = ana.pool.user_pool_id.split("_", 1)[1]
    return ana.respond(
        "PASSWORD_VERIFIER",
        opened["Session"] if session else None,
        PASSWORD_CLAIM_SECRET_BLOCK=parameters["SECRET_BLOCK"],
        PASSWORD_CLAIM_SIGNATURE=srp.signature(parameters, PASSWORD, timestamp, group=group),
        TIMESTAMP=timestamp,
    )


@pytest.mark.parametrize("session", [True, False], ids=["with session", "without"])
@pytest.mark.parametrize("way", ["preferred", "chosen", "asked for"])
def test_srp_signs_in(ana: Person, way: str, session: bool) -> None:
    srp = SrpClient()
    A = f"{srp.A:x}"
    match way:
        case "preferred":
            opened = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="PASSWORD_SRP", SRP_A=A)
        case "chosen":
            opened = ana.answer(ana.initiate("USER_AUTH"), ANSWER="PASSWORD_SRP", SRP_A=A)
        case _:
            step = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="PASSWORD_SRP")
            assert step["ChallengeName"] == "PASSWORD_SRP"
            opened = ana.answer(step, SRP_A=A)
    tokens(prove(ana, srp, opened, session=session))


def test_a_second_factor_follows_a_password(make_pool: MakePool, settle: Settle) -> None:
    ana = settle(make_pool(first_factors=ALL), totp=True)
    step = ana.initiate("USER_AUTH", PREFERRED_CHALLENGE="PASSWORD", PASSWORD=PASSWORD)
    assert step["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


# --- nobody ---


@pytest.mark.parametrize("name", ["nobody", "nobody@example.com", "@"])
@pytest.mark.parametrize(
    ("preferred", "key"), [("EMAIL_OTP", "EMAIL_OTP_CODE"), ("SMS_OTP", "SMS_OTP_CODE")]
)
def test_nobody_gets_a_code_that_was_never_sent(
    ana: Person, name: str, preferred: str, key: str
) -> None:
    # F031
    ana.name = name
    steps = [ana.initiate("USER_AUTH", PREFERRED_CHALLENGE=preferred) for _ in range(2)]
    assert [step["ChallengeName"] for step in steps] == [preferred] * 2
    shown = [step["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] for step in steps]
    assert shown[0] == shown[1]  # the same name, the same pretence
    assert "*" in shown[0]
    assert ana.pool.outbox == []
    refused = refusal(lambda: ana.answer(steps[0], **{key: "12345678"}))
    assert refused == ("CodeMismatchException", "Invalid code or auth state for the user.")
    assert refusal(lambda: ana.answer(steps[0]))[1] == f"Missing required parameter {key}"


def test_nobody_is_offered_what_the_pool_allows(ana: Person) -> None:
    ana.name = "nobody"
    assert offered(ana.initiate("USER_AUTH")) == [*PASSWORDS, "EMAIL_OTP", "SMS_OTP"]


def test_nobodys_password_is_wrong(ana: Person) -> None:
    ana.name = "nobody"
    step = ana.initiate("USER_AUTH")
    refused = refusal(lambda: ana.answer(step, ANSWER="PASSWORD", PASSWORD=PASSWORD))
    assert refused[1] == "Incorrect username or password."


# --- straight after a sign-up ---


def sign_up(ana: Person) -> str:
    asked = {"ClientId": ana.client.client_id, "Username": "ben"}
    attributes = [{"Name": "email", "Value": "ben@example.com"}]
    signed_up = ana.pool.handle(
        "SignUp", {**asked, "Password": PASSWORD, "UserAttributes": attributes}
    )
    code = ana.pool.outbox[-1].code
    confirmed = ana.pool.handle(
        "ConfirmSignUp", {**asked, "ConfirmationCode": code, "Session": signed_up["Session"]}
    )
    return str(confirmed["Session"])


def begin_with(ana: Person, session: str, name: str = "ben") -> dict[str, Any]:
    return ana.pool.handle(
        "InitiateAuth",
        {
            "ClientId": ana.client.client_id,
            "AuthFlow": "USER_AUTH",
            "AuthParameters": {"USERNAME": name},
            "Session": session,
        },
    )


def test_a_confirmed_sign_up_signs_in_once(ana: Person) -> None:
    session = sign_up(ana)
    tokens(begin_with(ana, session))
    assert refusal(lambda: begin_with(ana, session))[1].endswith("can only be used once.")


def test_the_session_of_a_sign_up_is_for_that_user_and_for_a_while(ana: Person) -> None:
    session = sign_up(ana)
    for name in ("ana", "nobody"):
        refused = refusal(lambda name=name: begin_with(ana, session, name))
        assert refused[1] == "Invalid session for the user."
    ana.clock.advance(181)
    assert refusal(lambda: begin_with(ana, session))[1].endswith("session is expired.")


def test_another_session_does_not_begin_anything(ana: Person) -> None:
    other = ana.initiate("USER_AUTH")["Session"]
    refused = refusal(lambda: begin_with(ana, other, "ana"))
    assert refused[1] == "Invalid session for the user."
