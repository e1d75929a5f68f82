"""What each flow says first, and what it does with the password."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.calls import Call
from aiocognito.flow.context import RequestContext
from aiocognito.flow.flows import Choice, Custom, Flow, Password, Srp

from . import talk
from .talk import machine

NEEDING = [
    Srp(),
    Password(),
    Custom(srp=True),
    Choice(preferred="PASSWORD"),
    Choice(preferred="PASSWORD_SRP"),
]
DOING_WITHOUT = [
    Custom(),
    Choice(),
    Choice(preferred="EMAIL_OTP"),
    Choice(preferred="SMS_OTP"),
    Choice(preferred="WEB_AUTHN"),
]


def first(flow: Flow, **options: Any) -> Call:
    wanted = None if flow in DOING_WITHOUT else talk.GIVEN
    return machine(flow=flow, **{"password": wanted, **options}).begin()


def plain(call: Call) -> dict[str, Any]:
    given = call.parameters["AuthParameters"]
    return {k: v.reveal() if isinstance(v, Secret) else v for k, v in given.items()}


@pytest.mark.parametrize("flow", NEEDING, ids=str)
def test_a_flow_that_needs_the_password_says_so_at_once(flow: Flow) -> None:
    with pytest.raises(InvalidArgument, match="password"):
        machine(flow=flow, password=None)


def test_a_flow_that_ignores_the_password_does_not_take_it() -> None:
    # Otherwise a caller could believe that it is checked.
    with pytest.raises(InvalidArgument, match="password"):
        machine(flow=Custom())


@pytest.mark.parametrize("flow", DOING_WITHOUT, ids=str)
def test_a_flow_without_password_sends_the_name_alone(flow: Flow) -> None:
    call = first(flow)
    assert call.parameters["AuthFlow"] == flow.auth_flow
    assert set(plain(call)) <= {"USERNAME", "PREFERRED_CHALLENGE"}


@pytest.mark.parametrize("flow", [f for f in [*NEEDING, *DOING_WITHOUT] if f != Custom()], ids=str)
def test_the_password_is_sent_where_the_caller_chose_that_alone(flow: Flow) -> None:
    # threat 8, F096
    call = first(flow, password=talk.GIVEN)
    chose = flow in (Password(), Choice(preferred="PASSWORD"))
    assert (talk.PASSWORD in str(plain(call))) is chose


def test_custom_with_srp_says_what_it_brings() -> None:
    sent = plain(first(Custom(srp=True)))
    assert sent["CHALLENGE_NAME"] == "SRP_A"
    assert len(sent["SRP_A"]) > 700


def test_a_preference_is_named() -> None:
    assert plain(first(Choice(preferred="EMAIL_OTP")))["PREFERRED_CHALLENGE"] == "EMAIL_OTP"


def test_a_step_up_says_from_where_and_how_far() -> None:
    flow = Choice(
        acr_values=["urn:cognito:loa:4", "urn:cognito:loa:3"],
        max_age=0,
        access_token="canary.access.token",
    )
    sent = plain(first(flow))
    assert sent["TARGET_ACR_VALUES"] == "urn:cognito:loa:4 urn:cognito:loa:3"
    assert sent["MAX_AGE"] == "0"
    assert sent["ACCESS_TOKEN"] == "canary.access.token"
    assert "canary" not in repr(flow)


def test_the_session_of_a_confirmed_sign_up_stands_beside_the_parameters() -> None:
    flow = Choice(session="canary-session-0123456789")
    call = first(flow)
    assert call.parameters["Session"] == Secret("canary-session-0123456789")
    assert "canary" not in repr(flow)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"preferred": "MIND_READING"}, InvalidArgument),
        ({"acr_values": "urn:cognito:loa:1"}, InvalidType),
        ({"acr_values": (1,)}, InvalidType),
        ({"acr_values": ("a b",)}, InvalidArgument),
        ({"acr_values": ("",)}, InvalidArgument),
        ({"max_age": -1}, InvalidArgument),
        ({"max_age": True}, InvalidType),
        ({"max_age": "60"}, InvalidType),
        ({"access_token": "a.b.c"}, InvalidArgument),
        ({"access_token": 7, "acr_values": ("x",)}, InvalidType),
        ({"session": 7}, InvalidType),
    ],
    ids=str,
)
def test_a_choice_that_cannot_be_is_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Choice(**wrong)


@pytest.mark.parametrize(
    ("flow", "repeatable"),
    [
        (Srp(), True),
        (Custom(srp=True), True),
        (Choice(), True),
        (Choice(preferred="PASSWORD_SRP"), True),
        (Choice(preferred="WEB_AUTHN"), True),
        (Password(), False),  # each one counts as an attempt
        (Choice(preferred="PASSWORD"), False),
        (Custom(), False),  # runs triggers
        (Choice(preferred="EMAIL_OTP"), False),  # sends a message
        (Choice(preferred="SMS_OTP"), False),
        (Choice(session="s" * 20), False),  # may be used up
    ],
    ids=str,
)
def test_a_lost_first_call_is_repeated_where_that_does_no_harm(
    flow: Flow, repeatable: bool
) -> None:
    assert first(flow).repeatable is repeatable


def test_what_the_caller_wants_to_say_goes_with_the_call() -> None:
    said = RequestContext(
        client_metadata={"campaign": "autumn"}, ip_address="203.0.113.7", analytics_endpoint_id="e"
    )
    sent = first(Srp(), request=said).parameters
    assert sent["ClientMetadata"] == {"campaign": "autumn"}
    assert sent["UserContextData"] == {"IpAddress": Secret("203.0.113.7")}
    assert sent["AnalyticsMetadata"] == {"AnalyticsEndpointId": "e"}
