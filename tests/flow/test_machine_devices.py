"""The remembered device in a sign-in: when it proves itself, and when it must not."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.errors import (
    CodeMismatch,
    DeviceNotFound,
    DeviceRefused,
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidSession,
    InvalidType,
    RemoteProtocolError,
    ResourceNotFound,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import CustomChallenge, DeviceSrpAuth, MfaSetup, SmsMfa
from aiocognito.flow.flows import Choice, Custom, Flow, Password, Srp
from aiocognito.flow.machine import AuthFlow
from aiocognito.flow.reading import challenge_from_dict
from aiocognito.flow.steps import Authenticated
from aiocognito.flow.transitions import State

from . import talk
from .talk import (
    DEVICE,
    NOW,
    challenge,
    device_proof_is_right,
    device_verifier,
    machine,
    password_verifier,
    tokens,
)

GONE = DeviceNotFound(
    "Device does not exist.", code="ResourceNotFoundException", operation="RespondToAuthChallenge"
)
WRONG = IncorrectUsernameOrPassword(
    "Incorrect username or password.",
    code="NotAuthorizedException",
    operation="RespondToAuthChallenge",
)


def asked() -> Reply:
    return challenge("DEVICE_SRP_AUTH", DEVICE_KEY=DEVICE.key, USERNAME=talk.NAME)


def called(step: Any) -> Call:
    assert isinstance(step, Call)
    return step


def proven(flow: AuthFlow, step: Any) -> Call:
    """Let the device prove itself after DEVICE_SRP_AUTH; return the call with the proof."""
    first = called(step)
    assert first.parameters["ChallengeName"] == "DEVICE_SRP_AUTH"
    second = called(flow.receive(device_verifier(first), NOW))
    assert second.parameters["ChallengeName"] == "DEVICE_PASSWORD_VERIFIER"
    assert device_proof_is_right(first, second)
    return second


# --- when it is asked for ---------------------------------------------------------


def after_the_password(device: Any = DEVICE) -> AuthFlow:
    flow = machine(device=device)
    flow.receive(password_verifier(flow.begin()), NOW)
    return flow


def after_the_plain_password() -> AuthFlow:
    flow = machine(flow=Password(), device=DEVICE)
    flow.begin()
    return flow


def after_a_code() -> AuthFlow:
    flow = after_the_password()
    step = flow.receive(challenge("SMS_MFA"), NOW)
    assert isinstance(step, SmsMfa)
    flow.send(step.answer("123456"))
    return flow


def after_a_custom_challenge() -> AuthFlow:
    flow = machine(flow=Custom(), password=None, device=DEVICE)
    flow.begin()
    step = flow.receive(challenge("CUSTOM_CHALLENGE", USERNAME=talk.NAME), NOW)
    assert isinstance(step, CustomChallenge)
    flow.send(step.answer("42"))
    return flow


def after_setting_up_an_authenticator() -> AuthFlow:
    flow = after_the_password()
    step = flow.receive(talk.mfa_setup(), NOW)
    assert isinstance(step, MfaSetup)
    flow.send(step.answer_totp())
    setup: Any = flow.receive(talk.secret_code(), NOW)
    flow.send(setup.answer("123456"))
    flow.receive(talk.reply(Status="SUCCESS", Session=talk.SESSION), NOW)
    return flow


@pytest.mark.parametrize(
    "arrive",
    [
        after_the_password,
        after_the_plain_password,
        after_a_code,
        after_a_custom_challenge,
        after_setting_up_an_authenticator,
    ],
    ids=lambda f: f.__name__,
)
def test_the_device_proves_itself_without_the_caller(arrive: Any) -> None:
    flow = arrive()
    assert flow.needs_arithmetic(asked())
    step = flow.receive(asked(), NOW)
    assert flow.state is State.DEVICE_SRP_SENT
    assert flow.needs_arithmetic(device_verifier(called(step)))
    proven(flow, step)
    end = flow.receive(tokens(), NOW)
    assert isinstance(end, Authenticated)
    assert end.device is DEVICE


def test_a_code_may_be_asked_for_after_the_device() -> None:
    flow = after_the_password()
    proven(flow, flow.receive(asked(), NOW))
    assert isinstance(flow.receive(challenge("SMS_MFA"), NOW), SmsMfa)


def test_the_answers_say_what_the_service_wants() -> None:
    flow = after_the_password()
    first = called(flow.receive(asked(), NOW))
    second = proven(flow, first)
    common = {"USERNAME", "DEVICE_KEY"}
    proof = {"PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP"}
    assert set(first.parameters["ChallengeResponses"]) == {*common, "SRP_A"}
    assert set(second.parameters["ChallengeResponses"]) == {*common, *proof}
    for call in (first, second):
        assert call.parameters["ChallengeResponses"]["DEVICE_KEY"] == DEVICE.key
        assert call.parameters["Session"] == Secret(talk.SESSION)
        assert DEVICE.password.reveal() not in str(call.parameters)


@pytest.mark.parametrize(
    "flow", [Srp(), Password(), Custom(srp=True), Choice(), Choice(preferred="PASSWORD")], ids=str
)
def test_every_call_of_a_sign_in_names_the_device(flow: Flow) -> None:
    talking = machine(talk.SECRET_CLIENT, flow=flow, device=DEVICE)
    first = talking.begin()
    assert first.parameters["AuthParameters"]["DEVICE_KEY"] == DEVICE.key
    step = talking.receive(challenge("SMS_MFA"), NOW)
    assert isinstance(step, SmsMfa)
    responses = talking.send(step.answer("1")).parameters["ChallengeResponses"]
    assert responses["DEVICE_KEY"] == DEVICE.key


def test_without_a_device_none_is_named() -> None:
    flow = machine()
    first = flow.begin()
    second = called(flow.receive(password_verifier(first), NOW))
    assert "DEVICE_KEY" not in first.parameters["AuthParameters"]
    assert "DEVICE_KEY" not in second.parameters["ChallengeResponses"]


# --- nobody gave one --------------------------------------------------------------


def test_without_a_device_the_demand_surfaces_and_can_be_answered() -> None:
    flow = after_the_password(device=None)
    step = flow.receive(asked(), NOW)
    assert isinstance(step, DeviceSrpAuth)
    assert step.device_key == DEVICE.key
    answer = step.answer(DEVICE)
    assert flow.needs_arithmetic(answer)
    assert DEVICE.password.reveal() not in repr(answer)
    proven(flow, flow.send(answer))
    end = flow.receive(tokens(), NOW)
    assert isinstance(end, Authenticated)
    assert end.device is DEVICE


def test_a_stored_demand_is_answered_in_another_machine() -> None:
    step: Any = after_the_password(device=None).receive(asked(), NOW)
    revived: Any = challenge_from_dict(step.to_dict())
    assert revived == step
    flow = talk.resume(revived)
    proven(flow, flow.send(revived.answer(DEVICE)))


def test_a_resumed_sign_in_takes_the_device_along() -> None:
    step: Any = after_the_password().receive(challenge("SMS_MFA"), NOW)
    flow = talk.resume(step, device=DEVICE)
    call = flow.send(step.answer("123456"))
    assert call.parameters["ChallengeResponses"]["DEVICE_KEY"] == DEVICE.key
    proven(flow, flow.receive(asked(), NOW))


def test_only_the_device_that_is_meant_answers() -> None:
    step: Any = after_the_password(device=None).receive(
        challenge("DEVICE_SRP_AUTH", DEVICE_KEY=talk.OTHER_DEVICE), NOW
    )
    with pytest.raises(InvalidArgument, match="asked for"):
        step.answer(DEVICE)
    with pytest.raises(InvalidType, match="RememberedDevice"):
        step.answer(DEVICE.key)


# --- a server that lies -----------------------------------------------------------


def test_a_server_that_asks_for_the_device_in_circles_is_refused() -> None:
    # threat 10
    flow = after_the_password()
    proven(flow, flow.receive(asked(), NOW))
    with pytest.raises(RemoteProtocolError, match="again"):
        flow.receive(asked(), NOW)
    assert flow.state is State.CLOSED


def test_a_detour_does_not_open_another_circle() -> None:
    # threat 10: the device, a code, the device, a code
    flow = after_the_password()
    proven(flow, flow.receive(asked(), NOW))
    step = flow.receive(challenge("SMS_MFA"), NOW)
    assert isinstance(step, SmsMfa)
    flow.send(step.answer("123456"))
    assert not flow.needs_arithmetic(asked())
    with pytest.raises(RemoteProtocolError, match="again"):
        flow.receive(asked(), NOW)


def test_a_device_answered_by_hand_is_not_asked_for_again_either() -> None:
    flow = after_the_password(device=None)
    step: Any = flow.receive(asked(), NOW)
    proven(flow, flow.send(step.answer(DEVICE)))
    with pytest.raises(RemoteProtocolError, match="again"):
        flow.receive(asked(), NOW)


def test_another_device_is_not_proven() -> None:
    # threat 11: the device changes on the way
    flow = after_the_password()
    with pytest.raises(RemoteProtocolError, match="another device"):
        flow.receive(challenge("DEVICE_SRP_AUTH", DEVICE_KEY=talk.OTHER_DEVICE), NOW)
    flow = after_the_password()
    first = called(flow.receive(asked(), NOW))
    with pytest.raises(RemoteProtocolError, match="not offered"):
        flow.receive(device_verifier(first, DEVICE_KEY=talk.OTHER_DEVICE), NOW)


def test_the_device_does_not_stand_in_for_the_password() -> None:
    # threat 9: the first factor comes first
    flow = machine(device=DEVICE)
    flow.begin()
    with pytest.raises(RemoteProtocolError, match="before the proof"):
        flow.receive(asked(), NOW)


def test_a_device_does_not_prove_the_password() -> None:
    # threat 9: a new password is not given on the strength of a device
    flow = machine(flow=Choice(), device=DEVICE)
    flow.begin()
    proven(flow, flow.receive(asked(), NOW))
    with pytest.raises(RemoteProtocolError, match="new password"):
        flow.receive(challenge("NEW_PASSWORD_REQUIRED"), NOW)


@pytest.mark.parametrize("device", [DEVICE, None], ids=["with a device", "without"])
def test_a_stray_verifier_is_refused(device: Any) -> None:
    # threat 8
    flow = after_the_password(device)
    with pytest.raises(RemoteProtocolError, match="not offered"):
        flow.receive(challenge("DEVICE_PASSWORD_VERIFIER", DEVICE_KEY=DEVICE.key), NOW)


def test_the_passwords_verifier_does_not_fit_the_device() -> None:
    flow = after_the_password()
    flow.receive(asked(), NOW)
    with pytest.raises(RemoteProtocolError, match="not offered"):
        flow.receive(challenge("PASSWORD_VERIFIER"), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in ("SRP_B", "SALT", "SECRET_BLOCK")),  # threat 12
        {"SRP_B": "0"},
        {"SALT": "f" * 769},
        {"SECRET_BLOCK": "not base64!"},
        {"USERNAME": "mallory"},
    ],
    ids=str,
)
def test_a_verifier_that_would_break_the_proof_is_refused(changes: dict[str, str | None]) -> None:
    flow = after_the_password()
    first = called(flow.receive(asked(), NOW))
    with pytest.raises(RemoteProtocolError):
        flow.receive(device_verifier(first, **changes), NOW)
    assert flow.state is State.CLOSED


def test_secrets_are_gone_after_the_devices_proof() -> None:
    flow = after_the_password()
    proven(flow, flow.receive(asked(), NOW))
    held = [*vars(flow).values(), *vars(flow._device).values()]
    assert not any(isinstance(value, Secret) for value in held)
    assert "Handshake" not in {type(value).__name__ for value in held}


# --- a device that is gone --------------------------------------------------------


def test_a_device_that_is_gone_is_dropped_from_the_first_call() -> None:
    flow = machine(flow=Password(), device=DEVICE)
    first = flow.begin()
    again = called(flow.without_device(first, GONE))
    assert again.parameters["AuthParameters"] == {
        "USERNAME": "alice",
        "PASSWORD": Secret(talk.PASSWORD),
    }
    assert (flow.device, flow.dropped_device) == (None, DEVICE)
    end = flow.receive(tokens(), NOW)
    assert isinstance(end, Authenticated)
    assert end.device is None


def test_the_same_proof_goes_out_again_without_the_device() -> None:
    flow = machine(device=DEVICE)
    first = flow.begin()
    second = called(flow.receive(password_verifier(first), NOW))
    again = called(flow.without_device(second, GONE))
    assert talk.proof_is_right(first, again)
    assert "DEVICE_KEY" not in again.parameters["ChallengeResponses"]
    assert flow.without_device(again, GONE) is None  # once
    step = flow.receive(challenge("SMS_MFA"), NOW)
    assert isinstance(step, SmsMfa)
    later = flow.send(step.answer("1")).parameters["ChallengeResponses"]
    assert "DEVICE_KEY" not in later


def test_a_server_that_denied_the_device_does_not_get_it_later() -> None:
    flow = machine(device=DEVICE)
    second = called(flow.receive(password_verifier(flow.begin()), NOW))
    flow.without_device(second, GONE)
    with pytest.raises(RemoteProtocolError, match="again"):
        flow.receive(asked(), NOW)


def test_a_device_that_goes_while_it_proves_itself_ends_the_sign_in() -> None:
    flow = after_the_password()
    first = called(flow.receive(asked(), NOW))
    assert flow.without_device(first, GONE) is None
    assert flow.dropped_device is DEVICE
    assert flow.fail(GONE) is None
    assert flow.state is State.CLOSED


@pytest.mark.parametrize(
    "error",
    [
        WRONG,
        CodeMismatch(code="CodeMismatchException", operation="RespondToAuthChallenge"),
        ResourceNotFound(
            "User pool client x does not exist.",
            code="ResourceNotFoundException",
            operation="InitiateAuth",
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_drop_no_device(error: Any) -> None:
    flow = machine(device=DEVICE)
    assert flow.without_device(flow.begin(), error) is None
    assert flow.device is DEVICE


def test_who_has_no_device_drops_none() -> None:
    flow = machine()
    assert flow.without_device(flow.begin(), GONE) is None
    assert flow.dropped_device is None


def test_a_devices_wrong_proof_is_no_wrong_password() -> None:
    flow = after_the_password()
    assert flow.explained(WRONG) is WRONG
    proven(flow, flow.receive(asked(), NOW))
    explained = flow.explained(WRONG)
    assert isinstance(explained, DeviceRefused)
    assert not isinstance(explained, IncorrectUsernameOrPassword)
    assert (explained.code, explained.operation) == (WRONG.code, WRONG.operation)
    assert flow.explained(GONE) is GONE
    assert flow.explained(GONE, after=600) is GONE
    assert isinstance(flow.explained(WRONG, after=600), InvalidSession)


def test_the_user_is_named_as_far_as_known() -> None:
    flow = machine(typed="alice@example.com", device=DEVICE)
    assert flow.username == "alice@example.com"
    flow.receive(password_verifier(flow.begin()), NOW)
    assert flow.username == talk.NAME
