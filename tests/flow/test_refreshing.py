from typing import Any

import pytest

from aiocognito._redact import Secret
from aiocognito.flow.calls import Call
from aiocognito.flow.context import RequestContext
from aiocognito.flow.refreshing import global_sign_out_call, refresh_call, revoke_call
from aiocognito.flow.secret_hash import secret_hash

from .talk import CLIENT, SECRET_CLIENT


def call(**changes: Any) -> Call:
    given: dict[str, Any] = {
        "client": CLIENT,
        "refresh_token": Secret("r"),
        "username": "true-name",
        "device_key": None,
        "refresh_with": "GetTokensFromRefreshToken",
        "repeatable": False,
    }
    given.update(changes)
    return refresh_call(given.pop("client"), **given)


def test_the_default_operation_sends_the_plain_secret() -> None:
    made = call(client=SECRET_CLIENT, device_key="eu-west-1_d")
    assert made.operation == "GetTokensFromRefreshToken"
    assert made.parameters == {
        "ClientId": "client1",
        "RefreshToken": Secret("r"),
        "ClientSecret": SECRET_CLIENT.client_secret,
        "DeviceKey": "eu-west-1_d",
    }


def test_a_public_client_sends_only_the_token() -> None:
    assert call().parameters == {"ClientId": "client1", "RefreshToken": Secret("r")}


def test_each_operation_carries_what_its_model_has_of_the_context() -> None:
    told = RequestContext(client_metadata={"tenant": "blue"}, ip_address="203.0.113.7")
    made = call(context=told)
    assert made.parameters["ClientMetadata"] == {"tenant": "blue"}
    assert "UserContextData" not in made.parameters
    made = call(context=told, refresh_with="REFRESH_TOKEN_AUTH", repeatable=True)
    assert made.parameters["ClientMetadata"] == {"tenant": "blue"}
    assert made.parameters["UserContextData"] == {"IpAddress": Secret("203.0.113.7")}
    assert made.repeatable


def test_on_request_initiate_auth_refreshes_with_the_true_name_hashed() -> None:
    made = call(client=SECRET_CLIENT, refresh_with="REFRESH_TOKEN_AUTH", device_key="eu-west-1_d")
    assert made.operation == "InitiateAuth"
    assert made.parameters["AuthFlow"] == "REFRESH_TOKEN_AUTH"
    assert made.parameters["AuthParameters"] == {
        "REFRESH_TOKEN": Secret("r"),
        "DEVICE_KEY": "eu-west-1_d",
        "SECRET_HASH": secret_hash("true-name", "client1", "s3cr3t0123456789012345678"),
    }
    assert "USERNAME" not in made.parameters["AuthParameters"]


def test_without_a_known_name_no_hash_is_invented() -> None:
    made = call(client=SECRET_CLIENT, refresh_with="REFRESH_TOKEN_AUTH", username=None)
    assert set(made.parameters["AuthParameters"]) == {"REFRESH_TOKEN"}


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("with_", ["GetTokensFromRefreshToken", "REFRESH_TOKEN_AUTH"])
def test_the_caller_says_whether_a_repeat_does_no_harm(with_: Any, repeatable: bool) -> None:
    assert call(refresh_with=with_, repeatable=repeatable).repeatable is repeatable


def test_revoking_sends_the_plain_secret_if_there_is_one() -> None:
    assert revoke_call(CLIENT, Secret("r")).parameters == {
        "ClientId": "client1",
        "Token": Secret("r"),
    }
    assert revoke_call(SECRET_CLIENT, Secret("r")).parameters["ClientSecret"]


def test_signing_out_everywhere_sends_the_access_token() -> None:
    assert global_sign_out_call(Secret("a")).parameters == {"AccessToken": Secret("a")}


def test_calls_show_nothing_of_what_they_carry() -> None:
    # threat 34
    assert "canary" not in repr(refresh_call_with("canary"))


def refresh_call_with(token: str) -> Call:
    return call(refresh_token=Secret(token))
