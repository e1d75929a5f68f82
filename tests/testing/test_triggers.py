"""Lambda triggers as Python functions."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.triggers import Triggers
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import POOL_ID, refusal

REQUEST = {"userAttributes": {"email": "ana@example.com"}, "clientMetadata": {}}


@pytest.fixture
def client(pool: CheckedPool) -> LocalClient:
    return pool.add_client("web")


@pytest.fixture
def triggers(pool: CheckedPool) -> Triggers:
    return Triggers(pool._state.settings)


def run(triggers: Triggers, client: LocalClient) -> Any:
    return triggers.run(
        "PreSignUp_SignUp",
        username="ana",
        client=client,
        request=REQUEST,
        response={"autoConfirmUser": False},
    )


def test_without_a_function_the_response_stays(triggers: Triggers, client: LocalClient) -> None:
    assert not triggers.has("PreSignUp")
    assert run(triggers, client) == {"autoConfirmUser": False}


def test_a_function_sees_the_event_and_answers_in_it(
    triggers: Triggers, client: LocalClient
) -> None:
    # F056
    seen: list[dict[str, Any]] = []

    def confirm(event: dict[str, Any]) -> dict[str, Any]:
        seen.append(event)
        event["request"]["userAttributes"]["email"] = "changed"
        event["response"]["autoConfirmUser"] = True
        return event

    triggers.functions["PreSignUp"] = confirm
    assert triggers.has("PreSignUp")
    assert run(triggers, client) == {"autoConfirmUser": True}
    (event,) = seen
    assert event["triggerSource"] == "PreSignUp_SignUp"
    assert event["userPoolId"] == POOL_ID
    assert event["userName"] == "ana"
    assert event["callerContext"]["clientId"] == "web"
    assert REQUEST["userAttributes"] == {"email": "ana@example.com"}


def test_what_it_raises_refuses_the_call(triggers: Triggers, client: LocalClient) -> None:
    # F074: the service adds a full stop of its own
    def refuse(event: dict[str, Any]) -> None:
        raise ValueError("Email domain not allowed")

    triggers.functions["PreSignUp"] = refuse
    assert refusal(lambda: run(triggers, client)) == (
        "UserLambdaValidationException",
        "PreSignUp failed with error Email domain not allowed.",
    )


@pytest.mark.parametrize("returned", [None, "text", {}, {"response": None}], ids=str)
def test_a_result_that_is_no_event(triggers: Triggers, client: LocalClient, returned: Any) -> None:
    triggers.functions["PreSignUp"] = lambda event: returned
    assert refusal(lambda: run(triggers, client)) == (
        "InvalidLambdaResponseException",
        "Unrecognizable lambda output",
    )
