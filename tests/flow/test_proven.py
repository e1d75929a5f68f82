"""A call keeps everything but the proof of the secret."""

from __future__ import annotations

import copy

from aiocognito._redact import Secret
from aiocognito.flow.account import forgot_password_call, get_user_call
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call
from aiocognito.flow.context import RequestContext
from aiocognito.flow.proven import is_proven, proven
from aiocognito.flow.refreshing import refresh_call, revoke_call
from aiocognito.flow.secret_hash import SecretHash, secret_hash

CLIENT = AppClient.of("eu-west-1_Ab12Cd34E", "client", "the-first-secret-of-two")
OPEN = AppClient.of("eu-west-1_Ab12Cd34E", "client")
OTHER = Secret("the-second-secret-of-two")


def refresh(client: AppClient, with_: str) -> Call:
    return refresh_call(
        client,
        refresh_token=Secret("r"),
        username="true-name",
        device_key=None,
        refresh_with=with_,  # type: ignore[arg-type]
        repeatable=True,
    )


def test_a_hash_is_text_that_knows_whose_it_is() -> None:
    made = SecretHash.of("ana", "client", "secret")
    assert made == secret_hash("ana", "client", "secret")
    assert made.username == "ana"
    assert isinstance(made, str)


def test_a_hash_is_made_anew_wherever_it_stands() -> None:
    # threat 44
    made = proven(forgot_password_call(CLIENT, "ana"), "client", OTHER)
    assert made.parameters["SecretHash"] == secret_hash("ana", "client", OTHER.reveal())
    made = proven(refresh(CLIENT, "REFRESH_TOKEN_AUTH"), "client", OTHER)
    auth = made.parameters["AuthParameters"]
    assert auth["SECRET_HASH"] == secret_hash("true-name", "client", OTHER.reveal())
    assert auth["REFRESH_TOKEN"] == Secret("r")
    assert made.repeatable
    again = proven(made, "client", OTHER)
    assert again == made


def test_a_plain_secret_is_replaced() -> None:
    # threat 44
    for call in (revoke_call(CLIENT, Secret("r")), refresh(CLIENT, "auto")):
        made = proven(call, "client", OTHER)
        assert made.parameters == {**call.parameters, "ClientSecret": OTHER}


def test_what_a_trigger_will_see_never_becomes_the_secret() -> None:
    context = RequestContext(client_metadata={"ClientSecret": "a name of the caller's"})
    call = forgot_password_call(CLIENT, "ana", context)
    made = proven(call, "client", OTHER)
    assert made.parameters["ClientMetadata"] == {"ClientSecret": "a name of the caller's"}
    assert not is_proven(forgot_password_call(OPEN, "ana", context))


def test_calls_without_a_secret_are_told_apart() -> None:
    assert not is_proven(get_user_call(Secret("t")))
    assert not is_proven(refresh(OPEN, "REFRESH_TOKEN_AUTH"))
    assert is_proven(revoke_call(CLIENT, Secret("r")))
    assert is_proven(refresh(CLIENT, "REFRESH_TOKEN_AUTH"))


def test_the_call_that_was_given_is_not_changed() -> None:
    call = forgot_password_call(CLIENT, "ana")
    before = copy.copy(dict(call.parameters))
    proven(call, "client", OTHER)
    assert call.parameters == before
