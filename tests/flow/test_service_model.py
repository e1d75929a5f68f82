"""Nothing the newest service model can ask is unknown to us."""

from __future__ import annotations

import typing
from typing import Any

import botocore
import botocore.loaders
import pytest

from aiocognito.flow import challenges
from aiocognito.flow.beginning import auth_parameters
from aiocognito.flow.flows import Choice, Custom, Flow, Password, PreferredChallenge, Srp

# Every member of the service's enums, and what becomes of it here. A test below fails when
# a newer botocore knows one more: give it a class in flow/challenges.py, or say here who
# answers it.
NOT_SURFACED = {
    "PASSWORD_VERIFIER": "the machine proves the password by itself",
    "DEVICE_PASSWORD_VERIFIER": "the machine proves the device by itself",
    "ADMIN_NO_SRP_AUTH": "administrators' flows alone; refused where the password must stay",
}
FLOWS: dict[str, type[Any] | str] = {
    "USER_SRP_AUTH": Srp,
    "USER_PASSWORD_AUTH": Password,
    "CUSTOM_AUTH": Custom,
    "USER_AUTH": Choice,
    "REFRESH_TOKEN_AUTH": "a session refreshes by itself",
    "REFRESH_TOKEN": "another name for REFRESH_TOKEN_AUTH",
    "ADMIN_NO_SRP_AUTH": "the old name for ADMIN_USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH": "for holders of IAM credentials",
}


def members(shape: str) -> set[str]:
    model = botocore.loaders.Loader().load_service_model("cognito-idp", "service-2")
    return set(model["shapes"][shape]["enum"])


def classes() -> set[str]:
    return {
        kind.name
        for kind in typing.get_args(challenges.Challenge)
        if kind is not challenges.UnknownChallenge
    }


@pytest.mark.may_block
def test_every_challenge_of_the_newest_model_is_accounted_for() -> None:
    known = classes() | set(NOT_SURFACED)
    new = sorted(members("ChallengeNameType") - known)
    assert new == [], (
        f"botocore {botocore.__version__} knows challenges that we do not: {new}. Give each a "
        "class in flow/challenges.py and a case in flow/reading.py, or list it in this file."
    )


@pytest.mark.may_block
def test_no_challenge_is_accounted_for_that_the_model_does_not_have() -> None:
    assert sorted((classes() | set(NOT_SURFACED)) - members("ChallengeNameType")) == []


def test_no_challenge_is_accounted_for_twice() -> None:
    assert classes() & set(NOT_SURFACED) == set()


@pytest.mark.may_block
def test_every_flow_of_the_newest_model_is_accounted_for() -> None:
    new = sorted(members("AuthFlowType") - set(FLOWS))
    assert new == [], (
        f"botocore {botocore.__version__} knows flows that we do not: {new}. Give each a value "
        "in flow/flows.py, or list it in this file with the reason why not."
    )


def test_every_flow_value_has_its_name() -> None:
    for kind in typing.get_args(Flow):
        assert FLOWS[kind.auth_flow] is kind


@pytest.mark.may_block
@pytest.mark.parametrize("name", typing.get_args(PreferredChallenge))
def test_every_preference_is_a_challenge_of_the_model(name: Any) -> None:
    assert name in members("ChallengeNameType")
    assert auth_parameters(Choice(preferred=name)) == {"PREFERRED_CHALLENGE": name}
