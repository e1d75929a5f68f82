"""The signed calls of an identity pool as values. F080"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from aiocognito.errors import InvalidArgument, InvalidType, RemoteProtocolError
from aiocognito.flow.developer_identity import (
    checked_developer_provider,
    checked_tags,
    checked_user,
    checked_users,
    developer_token_call,
    read_developer_identity,
    read_tag_map,
)

POOL_ID = "eu-west-1:00000000-0000-4000-8000-000000000001"
IDENTITY_ID = "eu-west-1:00000000-0000-4000-8000-000000000002"
USERS = (("login.example", "ana"),)


def test_a_token_is_asked_for_in_a_signed_call() -> None:
    call = developer_token_call(POOL_ID, USERS)
    assert (call.service, call.operation) == (
        "cognito-identity",
        "GetOpenIdTokenForDeveloperIdentity",
    )
    assert call.signed
    assert call.repeatable
    assert call.parameters == {"IdentityPoolId": POOL_ID, "Logins": {"login.example": "ana"}}


def test_what_else_may_be_asked_for_goes_along() -> None:
    call = developer_token_call(
        POOL_ID, USERS, identity_id=IDENTITY_ID, duration=86_400, principal_tags={"team": "red"}
    )
    assert call.parameters["IdentityId"] == IDENTITY_ID
    assert call.parameters["TokenDuration"] == 86_400
    assert call.parameters["PrincipalTags"] == {"team": "red"}


def test_users_are_checked_and_sorted() -> None:
    assert checked_users({"b": "2", "a": "1"}) == (("a", "1"), ("b", "2"))
    assert checked_developer_provider("login.example-1_x") == "login.example-1_x"
    assert checked_user("x" * 1024)
    assert checked_tags({"k" * 128: "v" * 256})


@pytest.mark.parametrize(
    "make",
    [
        lambda: checked_users(["ana"]),
        lambda: checked_users({"login.example": 7}),
        lambda: checked_users({7: "ana"}),
        lambda: checked_tags(["team"]),
        lambda: checked_tags({"team": 7}),
        lambda: checked_tags({7: "red"}),
        lambda: checked_developer_provider(7),
        lambda: checked_user(None),
    ],
    ids=map(str, count()),
)
def test_another_type_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidType):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: checked_users({}),
        lambda: checked_users({str(n): "ana" for n in range(11)}),
        lambda: checked_users({"login.example": ""}),
        lambda: checked_users({"login.example": "x" * 1025}),
        lambda: checked_tags({"": "red"}),
        lambda: checked_tags({"k" * 129: "red"}),
        lambda: checked_tags({"team": ""}),
        lambda: checked_tags({"team": "v" * 257}),
        lambda: checked_tags({str(n): "red" for n in range(51)}),
        lambda: checked_developer_provider("a b"),
        lambda: checked_developer_provider(""),
        lambda: developer_token_call(POOL_ID, USERS, duration=0),
        lambda: developer_token_call(POOL_ID, USERS, duration=86_401),
    ],
    ids=map(str, count()),
)
def test_an_impossible_value_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidArgument):
        make()


def test_an_identity_and_its_users_are_read() -> None:
    read = read_developer_identity(
        {"IdentityId": IDENTITY_ID, "DeveloperUserIdentifierList": ["ana"], "NextToken": "7"}
    )
    assert (read.identity_id, read.user_identifiers, read.next_token) == (
        IDENTITY_ID,
        ("ana",),
        "7",
    )
    assert read_developer_identity({}).user_identifiers == ()


def test_a_tag_map_is_read() -> None:
    read = read_tag_map(
        {"IdentityProviderName": "p", "UseDefaults": True, "PrincipalTags": {"team": "custom:t"}},
        "asked",
    )
    assert (read.provider, read.use_defaults, read.tags) == ("p", True, {"team": "custom:t"})
    assert read_tag_map({}, "asked").provider == "asked"


@pytest.mark.parametrize(
    "body",
    [
        {"IdentityId": 7},
        {"DeveloperUserIdentifierList": [7]},
        {"DeveloperUserIdentifierList": "ana"},
    ],
)
def test_a_malformed_answer_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        read_developer_identity(body)


@pytest.mark.parametrize(
    "body", [{"UseDefaults": "yes"}, {"PrincipalTags": ["x"]}, {"PrincipalTags": {"x": 7}}]
)
def test_a_malformed_tag_map_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        read_tag_map(body, "asked")
