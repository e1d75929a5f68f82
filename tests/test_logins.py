"""A builder for each provider: the name that an identity pool knows it by. F080"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from aiocognito import logins
from aiocognito._partitions import parse_identity_pool_id
from aiocognito.errors import InvalidArgument, InvalidType

ARN = "arn:aws:iam::123456789012:saml-provider/corp"


async def current() -> str:
    return "token"


@pytest.mark.parametrize(
    ("made", "key"),
    [
        (logins.google(current), "accounts.google.com"),
        (logins.apple(current), "appleid.apple.com"),
        (logins.facebook(current), "graph.facebook.com"),
        (logins.amazon(current), "www.amazon.com"),
        (logins.saml(ARN, current), ARN),
        (logins.oidc("https://login.example.com", current), "login.example.com"),
        (logins.oidc("https://login.example.com/", current), "login.example.com"),
        (
            logins.oidc("login.example.com:8443/realms/a", current),
            "login.example.com:8443/realms/a",
        ),
    ],
    ids=["google", "apple", "facebook", "amazon", "saml", "oidc", "oidc-slash", "oidc-path"],
)
def test_a_provider_is_known_by_its_name(made: dict[str, Any], key: str) -> None:
    assert made == {key: current}


@pytest.mark.parametrize(
    ("pool_id", "key"),
    [
        ("eu-west-1_Ab1", "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1"),
        ("us-gov-west-1_Ab1", "cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_Ab1"),
        ("cn-north-1_Ab1", "cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab1"),
        ("eusc-de-east-1_Ab1", "cognito-idp.eusc-de-east-1.amazonaws.eu/eusc-de-east-1_Ab1"),
        ("us-iso-east-1_Ab1", "cognito-idp.us-iso-east-1.c2s.ic.gov/us-iso-east-1_Ab1"),
        ("us-isob-east-1_Ab1", "cognito-idp.us-isob-east-1.sc2s.sgov.gov/us-isob-east-1_Ab1"),
        ("eu-isoe-west-1_Ab1", "cognito-idp.eu-isoe-west-1.cloud.adc-e.uk/eu-isoe-west-1_Ab1"),
        ("us-isof-south-1_Ab1", "cognito-idp.us-isof-south-1.csp.hci.ic.gov/us-isof-south-1_Ab1"),
    ],
)
def test_a_user_pool_is_known_by_its_partition(pool_id: str, key: str) -> None:
    """F045"""
    assert logins.user_pool(pool_id, "token") == {key: "token"}


def test_the_name_of_a_pool_with_the_updated_issuer_can_be_given() -> None:
    key = "issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1"
    assert logins.user_pool("eu-west-1_Ab1", "token", login_key=key) == {key: "token"}


@pytest.mark.parametrize(
    ("region", "key"),
    [
        ("eu-west-1", "cognito-identity.amazonaws.com"),
        ("cn-north-1", "cognito-identity.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "cognito-identity-us-gov.amazonaws.com"),
        ("us-gov-east-1", "cognito-identity.us-gov-east-1.amazonaws.com"),
        ("eusc-de-east-1", "cognito-identity.amazonaws.eu"),
    ],
)
def test_the_identity_pools_own_name_follows_its_partition(region: str, key: str) -> None:
    pool_id = f"{region}:00000000-0000-4000-8000-000000000001"
    assert logins.developer(pool_id, "token") == {key: "token"}
    assert logins.developer(pool_id, "token", login_key="other") == {"other": "token"}
    assert parse_identity_pool_id(pool_id).login_key == key


def test_twitter_joins_token_and_secret() -> None:
    assert logins.twitter("a", "b") == {"api.twitter.com": "a;b"}


def test_logins_are_joined() -> None:
    assert list(logins.google("a") | logins.facebook("b")) == [
        "accounts.google.com",
        "graph.facebook.com",
    ]


async def test_a_session_is_asked_for_its_token_each_time() -> None:
    class Session:
        login_key = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1"

        async def id_token(self) -> str:
            return "token"

    made = logins.session(Session())  # type: ignore[arg-type]  # as much as is used
    (value,) = made.values()
    assert callable(value)
    assert await value() == "token"


@pytest.mark.parametrize(
    "make",
    [
        lambda: logins.oidc(7, "token"),
        lambda: logins.saml(7, "token"),
        lambda: logins.twitter(7, "secret"),
        lambda: logins.twitter("token", None),
        lambda: logins.user_pool(7, "token"),
        lambda: logins.developer(7, "token"),
    ],
    ids=map(str, count()),
)
def test_another_type_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidType):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: logins.oidc("http://login.example.com", "token"),
        lambda: logins.oidc("", "token"),
        lambda: logins.oidc("login.example.com\n", "token"),
        lambda: logins.saml("corp", "token"),
        lambda: logins.saml("arn:aws:iam::123456789012:role/corp", "token"),
        lambda: logins.user_pool("nowhere", "token"),
        lambda: logins.developer("nowhere", "token"),
    ],
    ids=map(str, count()),
)
def test_an_impossible_value_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidArgument):
        make()
