"""How the local pool describes itself, and what it checks of any request."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.model import Shape

from aiocognito.testing.admin_constraints import ALL_INPUTS
from aiocognito.testing.constraints import (
    LONGEST_STRING,
    Document,
    Flag,
    ListOf,
    Nested,
    Number,
    Rule,
    Structure,
    Text,
    TextMap,
)
from aiocognito.testing.password_policy import PasswordPolicy
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.user_pool import LocalUserPool
from tests.testing.conftest import Settle
from tests.testing.model_check import (
    CheckedPool,
    check_error,
    check_output,
    is_too_new,
    service_model,
)
from tests.testing.pool_client import POOL_ID, Person, refusal

# --- descriptions ---


def test_a_pool_describes_itself(make_pool: Callable[..., CheckedPool]) -> None:
    # F001, F009, F020, F034
    pool = make_pool(
        name="shop",
        domain="shop",
        mfa="ON",
        device_tracking="OPT_IN",
        alias_attributes=["email"],
        password_policy=PasswordPolicy(minimum_length=12, require_symbols=False),
    )
    answer = pool.describe_user_pool()
    check_output("DescribeUserPool", answer)
    described = answer["UserPool"]
    assert (described["Id"], described["Name"], described["Domain"]) == (POOL_ID, "shop", "shop")
    assert described["MfaConfiguration"] == "ON"
    policy = described["Policies"]["PasswordPolicy"]
    assert (policy["MinimumLength"], policy["RequireSymbols"]) == (12, False)


def test_a_pool_without_a_domain_names_none(make_pool: Callable[..., CheckedPool]) -> None:
    pool = make_pool(username_attributes=["email"])
    answer = pool.describe_user_pool()
    check_output("DescribeUserPool", answer)
    assert "Domain" not in answer["UserPool"]
    assert answer["UserPool"]["UsernameAttributes"] == ["email"]


@pytest.mark.parametrize(
    "settings",
    [{}, {"secret": True}, {"rotation": True, "rotation_grace": 30}, {"access_token_validity": 2}],
    ids=str,
)
def test_a_client_describes_itself(pool: CheckedPool, settings: dict[str, Any]) -> None:
    # F003, F027, F028, F030, F031
    client = pool.add_client(**settings)
    answer = pool.describe_user_pool_client(client.client_id)
    check_output("DescribeUserPoolClient", answer)
    described = answer["UserPoolClient"]
    assert described.get("ClientSecret") == client.client_secret
    assert described["AccessTokenValidity"] == client.access_token_validity
    assert described["TokenValidityUnits"]["AccessToken"] == "seconds"
    assert described["PreventUserExistenceErrors"] == "ENABLED"
    assert ("RefreshTokenRotation" in described) == client.rotation


def test_a_strangers_description(pool: CheckedPool) -> None:
    assert refusal(lambda: pool.describe_user_pool_client("x"))[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("domain", [None, "shop"])
def test_the_discovery_document(make_pool: Callable[..., CheckedPool], domain: str | None) -> None:
    pool = make_pool(domain=domain)
    document = pool.openid_configuration()
    assert document["issuer"] == pool.issuer
    assert document["jwks_uri"] == f"{pool.issuer}/.well-known/jwks.json"
    assert ("token_endpoint" in document) == (domain is not None)


def test_the_issuer_can_be_chosen(make_pool: Callable[..., CheckedPool]) -> None:
    pool = make_pool(issuer="http://127.0.0.1:9/x")
    assert pool.issuer == pool.openid_configuration()["issuer"] == "http://127.0.0.1:9/x"


# --- the table of constraints against the model ---


@pytest.mark.parametrize("operation", ALL_INPUTS)
def test_the_table_repeats_the_model(operation: str) -> None:
    if is_too_new(operation):
        return
    shape = service_model().operation_model(operation).input_shape
    _compare_members(ALL_INPUTS[operation], shape)


def _compare_members(rules: Mapping[str, Rule], shape: Shape) -> None:
    assert set(rules) == set(shape.members)
    for name, rule in rules.items():
        assert rule.required == (name in shape.required_members)
        _compare(rule, shape.members[name])


def _longest(shape: Shape) -> int | None:
    longest: int | None = shape.metadata.get("max")
    # It has grown: 2048 in botocore 1.43.0, which comes with the lowest aiobotocore.
    return 4096 if (shape.name, longest) == ("SessionType", 2048) else longest


def _compare(rule: Rule, shape: Shape) -> None:
    match rule:
        case Text():
            facts = shape.metadata
            assert shape.type_name == "string"
            assert (rule.min, rule.max) == (facts.get("min"), _longest(shape))
            assert rule.pattern == facts.get("pattern")
            assert rule.enum == tuple(facts.get("enum", ()))
            assert rule.secret == facts.get("sensitive", False)
        case TextMap():
            assert shape.type_name == "map"
            assert shape.key.metadata["max"] == shape.value.metadata["max"] == LONGEST_STRING
            assert rule.secret == shape.metadata.get("sensitive", False)
        case Structure():
            kinds = {"string": str, "boolean": bool}
            assert {kinds[inner.type_name] for inner in shape.members.values()} == {rule.kind}
            assert set(rule.members) == set(shape.members)
        case Document():
            assert shape.is_document_type
        case Flag():
            assert shape.type_name == "boolean"
        case Number():
            assert shape.type_name == "integer"
            assert (rule.min, rule.max) == (shape.metadata.get("min"), shape.metadata.get("max"))
        case ListOf():
            assert shape.type_name == "list"
            _compare(rule.item, shape.member)
        case Nested():
            assert shape.type_name == "structure"
            _compare_members(rule.members, shape)


def test_every_operation_in_the_table_is_answered_and_the_other_way_round(
    pool: CheckedPool,
) -> None:
    assert set(pool._operations) == set(ALL_INPUTS)


# --- violations ---


def at(path: str, lack: str, value: str = "Value") -> str:
    return f"{value} at '{path}' failed to satisfy constraint: {lack}"


def longer_than(bound: int) -> str:
    return f"Member must have length less than or equal to {bound}"


def shorter_than(bound: int) -> str:
    return f"Member must have length greater than or equal to {bound}"


FLOWS = (
    "USER_SRP_AUTH, REFRESH_TOKEN_AUTH, REFRESH_TOKEN, CUSTOM_AUTH, ADMIN_NO_SRP_AUTH, "
    "USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, USER_AUTH"
)


@pytest.mark.parametrize(
    ("operation", "request_", "violations"),
    [
        ("GetUser", {}, [at("accessToken", "Member must not be null", "Value null")]),
        (
            "GetUser",
            {"AccessToken": "a b"},
            [
                at(
                    "accessToken",
                    "Member must satisfy regular expression pattern: [A-Za-z0-9-_=.]+",
                )
            ],
        ),
        (
            "VerifySoftwareToken",
            {"UserCode": "12", "Session": "short"},
            [at("session", shorter_than(20)), at("userCode", shorter_than(6))],
        ),
        (
            "InitiateAuth",
            {"AuthFlow": "NOPE", "ClientId": "c" * 129},
            [
                at("authFlow", f"Member must satisfy enum value set: [{FLOWS}]", "Value 'NOPE'"),
                at("clientId", longer_than(128)),
            ],
        ),
        (
            "InitiateAuth",
            {
                "AuthFlow": "USER_AUTH",
                "ClientId": "c",
                "AuthParameters": {"A": "x" * (LONGEST_STRING + 1), "B" * 131073: ""},
            },
            [
                at("authParameters", f"Map keys must satisfy constraint: [{longer_than(131072)}]"),
                at("authParameters", f"Map value must satisfy constraint: [{longer_than(131072)}]"),
            ],
        ),
    ],
    ids=["missing", "pattern", "two lengths", "enum and length", "map"],
)
def test_violations_are_named_all_at_once(
    pool: CheckedPool, operation: str, request_: dict[str, Any], violations: list[str]
) -> None:
    count = len(violations)
    words = f"{count} validation {'error' if count == 1 else 'errors'} detected: "
    expected = ("InvalidParameterException", words + "; ".join(violations))
    assert refusal(lambda: pool.handle(operation, request_)) == expected


def test_a_violation_does_not_quote_a_secret(pool: CheckedPool) -> None:
    # threat 34
    request = {"AccessToken": "x", "ProposedPassword": "hunter 2" * 40, "PreviousPassword": "s s"}
    message = refusal(lambda: pool.handle("ChangePassword", request))[1]
    assert "hunter" not in message
    assert "s s" not in message


@pytest.mark.parametrize(
    "request_",
    [
        {"ClientId": 5},
        {"ClientId": ["x"]},
        {"AuthParameters": []},
        {"AuthParameters": {"USERNAME": 5}},
        {"AuthParameters": {"USERNAME": {}}},
        {"AuthParameters": {"USERNAME": "\ud800"}},
        {"UserContextData": "x"},
        {"UserContextData": {"IpAddress": 1}},
    ],
    ids=ascii,
)
def test_a_wrong_json_type_is_refused(pool: CheckedPool, request_: dict[str, Any]) -> None:
    request = {"AuthFlow": "USER_SRP_AUTH", "ClientId": "x", **request_}
    assert refusal(lambda: pool.handle("InitiateAuth", request))[0] == "SerializationException"


def test_null_counts_as_absent_and_strangers_are_ignored(ana: Person) -> None:
    ana.pool.handle(
        "InitiateAuth",
        {
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": ana.client.client_id,
            "Session": None,
            "Unheard": {"of": 1},
            "AuthParameters": {"USERNAME": "ana", "SRP_A": "2", "SECRET_HASH": None},
            "UserContextData": {"IpAddress": None},
        },
    )


@pytest.mark.parametrize("operation", ["GetCSVHeader", "Nonsense", "", "handle"])
def test_what_is_not_answered(pool: CheckedPool, operation: str) -> None:
    assert refusal(lambda: pool.handle(operation, {}))[0] == "UnknownOperationException"


# --- odds and ends ---


def test_a_pool_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(PoolError("X", "y", 500)))
    assert (error.code, error.message, error.status) == ("X", "y", 500)


def test_secrets_stay_out_of_reprs(pool: CheckedPool, settle: Settle) -> None:
    # threat 34, threat 48
    ana = settle(pool, client={"secret": True}, totp=True)
    shown = repr(pool.user("ana")) + repr(ana.client)
    assert str(ana.client.client_secret) not in shown
    assert str(pool.user("ana").totp_secret) not in shown


def test_totp_code_of_somebody_without(ana: Person) -> None:
    with pytest.raises(LookupError):
        ana.pool.totp_code("ana")
    with pytest.raises(LookupError):
        ana.pool.totp_code("nobody")


# --- the check itself ---


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetUser", {}),
        ("GetUser", {"Username": "a b", "UserAttributes": []}),
        ("GetUser", {"Username": "a", "UserAttributes": {}}),
        ("GetUser", {"Username": "a", "UserAttributes": [{"Value": "x"}]}),
        ("GetUser", {"Username": "a", "UserAttributes": [], "Extra": 1}),
        ("InitiateAuth", {"ChallengeName": "NOPE"}),
        ("InitiateAuth", {"Session": "short"}),
        ("InitiateAuth", {"ChallengeParameters": {"A": 1}}),
        ("InitiateAuth", {"ChallengeParameters": []}),
        ("InitiateAuth", {"AuthenticationResult": {"ExpiresIn": "3600"}}),
        ("InitiateAuth", {"AuthenticationResult": {"ExpiresIn": True}}),
        ("InitiateAuth", {"AuthenticationResult": {"IdToken": "a b"}}),
        ("InitiateAuth", {"AuthenticationResult": "x"}),
    ],
    ids=str,
)
def test_the_check_notices_answers_that_do_not_fit(operation: str, answer: Any) -> None:
    with pytest.raises(AssertionError):
        check_output(operation, answer)


@pytest.mark.parametrize(
    "error",
    [
        PoolError("CodeMismatchException", "x"),
        PoolError("NotAuthorizedException", "x", 403),
        PoolError("NotAuthorizedException", ""),
    ],
    ids=["unlisted", "status", "no text"],
)
def test_the_check_notices_errors_that_do_not_fit(error: PoolError) -> None:
    with pytest.raises(AssertionError):
        check_error("GetUser", error)


def test_the_pool_is_used_unchecked_by_users() -> None:
    assert CheckedPool.handle is not LocalUserPool.handle
