"""The local STS: what it takes, what it refuses, and how it writes both. F002, F044"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import botocore.loaders
import botocore.model
import pytest
from botocore.parsers import create_parser

from aiocognito.testing import LocalRole, PoolError
from aiocognito.testing.query_wire import read_form, write_xml, write_xml_error
from aiocognito.testing.signing import keys_of, unverified_claims
from tests.testing.test_identity_pool import IDENTITY_POOL_ID, World

ROLE = "arn:aws:iam::000000000000:role/reader"
ISSUER = "https://cognito-identity.amazonaws.com"
USERS_ONLY = "arn:aws:iam::000000000000:role/authenticated"
OPERATION = "AssumeRoleWithWebIdentity"


@pytest.fixture
def world() -> World:
    made = World(classic_flow=True, developer_provider="login.example")
    made.pool.add_role(LocalRole(arn=ROLE))
    return made


def openid(world: World, logins: dict[str, str] | None = None) -> str:
    parameters: dict[str, Any] = {"IdentityId": world.get_id(logins)}
    if logins:
        parameters["Logins"] = logins
    token: str = world.pool.handle("GetOpenIdToken", parameters)["Token"]
    return token


def assume(world: World, token: str, **changes: Any) -> dict[str, Any]:
    asked = {"RoleArn": ROLE, "RoleSessionName": "me", "WebIdentityToken": token, **changes}
    given = {name: value for name, value in asked.items() if value is not None}
    return world.pool.sts.handle(OPERATION, given)


def refusal(world: World, token: str, **changes: Any) -> str:
    with pytest.raises(PoolError) as caught:
        assume(world, token, **changes)
    return caught.value.code


# --- OpenID tokens -----------------------------------------------------------------------


def test_a_guests_token_has_the_documented_claims(world: World) -> None:
    claims = unverified_claims(openid(world))
    assert claims["iss"] == "https://cognito-identity.amazonaws.com"
    assert claims["aud"] == IDENTITY_POOL_ID
    assert claims["sub"].startswith("eu-west-1:")
    assert claims["amr"] == ["unauthenticated"]
    assert claims["exp"] - claims["iat"] == 600


def test_a_users_token_names_the_provider(world: World) -> None:
    login = world.login("ana")
    claims = unverified_claims(openid(world, login))
    assert claims["amr"] == ["authenticated", *login]
    assert claims["sub"] == world.get_id(login)


def test_the_classic_flow_is_off_until_it_is_switched_on() -> None:
    world = World()
    with pytest.raises(PoolError, match="not enabled, please use enhanced flow"):
        openid(world)


# --- roles -------------------------------------------------------------------------------


def test_a_token_becomes_credentials_of_the_role(world: World) -> None:
    token = openid(world)
    answer = assume(world, token, DurationSeconds="900", Policy='{"Statement": []}')
    issued = world.pool.lookup(answer["Credentials"]["AccessKeyId"])
    assert issued is not None
    assert (issued.role_arn, issued.session_name) == (ROLE, "me")
    assert issued.policy == '{"Statement": []}'
    assert issued.is_guest
    assert issued.expires_at == pytest.approx(world.clock.wall() + 900)
    assert answer["SubjectFromWebIdentityToken"] == issued.identity_id
    assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/reader/me")


def test_a_role_for_users_is_closed_to_guests(world: World) -> None:
    assert refusal(world, openid(world), RoleArn=USERS_ONLY) == "AccessDenied"
    assert assume(world, openid(world, world.login("ana")), RoleArn=USERS_ONLY)


def test_credentials_may_end_after_seconds(world: World) -> None:
    short = World(classic_flow=True, credential_lifetime=3)
    short.pool.add_role(LocalRole(arn=ROLE))
    answer = assume(short, openid(short))
    assert answer["Credentials"]["Expiration"] == pytest.approx(short.clock.wall() + 3)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RoleArn": "arn:aws:iam::000000000000:role/unheard-of"}, "AccessDenied"),
        ({"RoleArn": None}, "ValidationError"),
        ({"RoleSessionName": "a b"}, "ValidationError"),
        ({"RoleSessionName": None}, "ValidationError"),
        ({"WebIdentityToken": None}, "ValidationError"),
        ({"WebIdentityToken": "x.y.z"}, "InvalidIdentityToken"),
        ({"DurationSeconds": "899"}, "ValidationError"),
        ({"DurationSeconds": "43201"}, "ValidationError"),
        ({"DurationSeconds": "3601"}, "ValidationError"),
        ({"DurationSeconds": "long"}, "ValidationError"),
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"Policy": "[]"}, "MalformedPolicyDocument"),
        ({"Policy": "{}"}, "MalformedPolicyDocument"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_sts_refuses(world: World, changes: dict[str, Any], code: str) -> None:
    assert refusal(world, openid(world), **changes) == code


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: f"{token[:-4]}AAAA",
        lambda token: keys_of("another").id.sign(unverified_claims(token)),
        lambda token: keys_of(ISSUER).id.sign({**unverified_claims(token), "aud": "x"}),
        lambda token: keys_of(ISSUER).id.sign({**unverified_claims(token), "iss": "x"}),
    ],
    ids=["signature", "key", "aud", "iss"],
)
def test_a_forged_token_is_refused(world: World, forge: Any) -> None:
    assert refusal(world, forge(openid(world))) == "InvalidIdentityToken"


def test_a_token_without_an_end_is_refused(world: World) -> None:
    claims = {**unverified_claims(openid(world)), "exp": None}
    forged = keys_of(ISSUER).id.sign(claims)
    assert refusal(world, forged) == "ExpiredTokenException"


def test_an_expired_token_is_refused_as_expired(world: World) -> None:
    token = openid(world)
    world.clock.advance(600)
    assert refusal(world, token) == "ExpiredTokenException"


def test_a_users_id_token_is_none_of_stss(world: World) -> None:
    (token,) = world.login("ana").values()
    assert refusal(world, token) == "InvalidIdentityToken"


def test_other_operations_are_unknown(world: World) -> None:
    with pytest.raises(PoolError):
        world.pool.sts.handle("AssumeRole", {})


# --- how it is written ---------------------------------------------------------------------


def shape() -> Any:
    description = botocore.loaders.Loader().load_service_model("sts", "service-2")
    model = botocore.model.ServiceModel(description, "sts")
    return model.operation_model(OPERATION).output_shape


def test_botocore_reads_what_is_written(world: World) -> None:
    answer = assume(world, openid(world))
    body = write_xml(OPERATION, answer)
    read = create_parser("query").parse({"status_code": 200, "headers": {}, "body": body}, shape())
    assert read["Credentials"]["SecretAccessKey"] == answer["Credentials"]["SecretAccessKey"]
    expires = read["Credentials"]["Expiration"]
    assert expires.timestamp() == int(answer["Credentials"]["Expiration"])
    assert read["AssumedRoleUser"] == answer["AssumedRoleUser"]
    assert set(answer) <= set(shape().members)


def test_an_error_is_written_as_sts_does() -> None:
    body = write_xml_error(PoolError("InvalidIdentityToken", "a <b> & c"))
    read = create_parser("query").parse({"status_code": 400, "headers": {}, "body": body}, shape())
    assert read["Error"] == {
        "Type": "Sender",
        "Code": "InvalidIdentityToken",
        "Message": "a <b> & c",
    }
    assert len(ElementTree.fromstring(write_xml_error(PoolError("x", "y", 500))))


def test_a_form_is_read() -> None:
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=a%3Ab&Policy=%7B+%7D"
    assert read_form(body) == (OPERATION, {"RoleArn": "a:b", "Policy": "{ }"})


@pytest.mark.parametrize("body", [b"\xff=1", b"nothing", b"&".join([b"a=1"] * 200)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"field|decode"):
        read_form(body)
