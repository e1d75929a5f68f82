"""Refresh tokens of the local pool: who may use them, rotation, grace, revocation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiocognito.testing.clock import ManualClock
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import (
    EVERY_FLOW,
    PASSWORD,
    Person,
    claims,
    refusal,
    secret_hash,
    tokens,
)

ROTATING: dict[str, Any] = {
    "explicit_auth_flows": ["ALLOW_USER_PASSWORD_AUTH"],
    "rotation": True,
    "rotation_grace": 10,
}


def by_flow(person: Person, token: str, **parameters: str) -> dict[str, Any]:
    """Refresh with REFRESH_TOKEN_AUTH, which sends no user name."""
    members = {"ClientId": person.client.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    answer = person.pool.handle(
        "InitiateAuth", {**members, "AuthParameters": {"REFRESH_TOKEN": token, **parameters}}
    )
    return tokens(answer)


def by_operation(person: Person, token: str, **members: str) -> dict[str, Any]:
    return person.refresh(token, **members)


WAYS = {"flow": by_flow, "operation": by_operation}
both = pytest.mark.parametrize("refresh", WAYS.values(), ids=WAYS.keys())
Refresh = Callable[..., dict[str, Any]]


@both
def test_a_refresh_brings_new_tokens_of_the_same_sign_in(
    ana: Person, clock: ManualClock, refresh: Refresh
) -> None:
    first = tokens(ana.by_srp())
    clock.advance(100)
    second = refresh(ana, first["RefreshToken"])
    assert set(second) == {"AccessToken", "IdToken", "ExpiresIn", "TokenType"}
    for kind in ("AccessToken", "IdToken"):
        old, new = claims(first[kind]), claims(second[kind])
        for kept in ("auth_time", "origin_jti", "sub", "event_id"):
            assert old[kept] == new[kept]
        assert new["iat"] == old["iat"] + 100
        assert new["exp"] == old["exp"] + 100
        assert new["jti"] != old["jti"]


def test_refresh_tokens_are_long_and_opaque(ana: Person) -> None:
    token = tokens(ana.by_srp())["RefreshToken"]
    assert 1700 < len(token) < 1900
    assert token.count(".") == 4


@both
@pytest.mark.parametrize("token", ["garbage", "a.b.c.d.e"])
def test_garbage_is_refused(ana: Person, refresh: Refresh, token: str) -> None:
    expected = ("NotAuthorizedException", "Invalid Refresh Token")
    assert refusal(lambda: refresh(ana, token)) == expected


@both
def test_another_client_cannot_use_it(ana: Person, pool: CheckedPool, refresh: Refresh) -> None:
    token = tokens(ana.by_srp())["RefreshToken"]
    ana.client = pool.add_client(explicit_auth_flows=EVERY_FLOW)
    assert refusal(lambda: refresh(ana, token))[1] == "Invalid Refresh Token"


@both
def test_it_expires(
    pool: CheckedPool, settle: Settle, clock: ManualClock, refresh: Refresh
) -> None:
    # F005, F030: from seconds up
    ana = settle(pool, client={"refresh_token_validity": 5})
    token = tokens(ana.by_srp())["RefreshToken"]
    clock.advance(4.9)
    assert refresh(ana, token)["ExpiresIn"] == 3600
    clock.advance(0.1)
    expected = ("NotAuthorizedException", "Refresh Token has expired")
    assert refusal(lambda: refresh(ana, token)) == expected


@both
def test_a_disabled_user_gets_nothing(ana: Person, pool: CheckedPool, refresh: Refresh) -> None:
    token = tokens(ana.by_srp())["RefreshToken"]
    pool.enable_user("ana", False)
    assert refusal(lambda: refresh(ana, token))[1] == "User is disabled."
    pool.enable_user("ana")
    assert refresh(ana, token)


@both
@pytest.mark.parametrize(
    ("hidden", "code"), [(True, "NotAuthorizedException"), (False, "UserNotFoundException")]
)
def test_a_removed_user_gets_nothing(
    pool: CheckedPool, settle: Settle, refresh: Refresh, hidden: bool, code: str
) -> None:
    ana = settle(pool, client={"prevent_user_existence_errors": hidden})
    token = tokens(ana.by_srp())["RefreshToken"]
    pool.remove_user("ana")
    pool.add_user("ana", PASSWORD)  # another person of the same name
    assert refusal(lambda: refresh(ana, token))[0] == code


@both
def test_a_device_must_be_named(
    make_pool: Callable[..., CheckedPool], settle: Settle, refresh: Refresh
) -> None:
    ana = settle(make_pool(device_tracking="ALWAYS"))
    result = tokens(ana.by_srp())
    key = result["NewDeviceMetadata"]["DeviceKey"]
    name = "DEVICE_KEY" if refresh is by_flow else "DeviceKey"
    for wrong in ({}, {name: "eu-west-1_0a"}):
        refused = refusal(refresh, ana, result["RefreshToken"], **wrong)
        assert refused[1] == "Invalid Refresh Token"
    again = refresh(ana, result["RefreshToken"], **{name: key})
    assert claims(again["AccessToken"])["device_key"] == key
    assert "NewDeviceMetadata" not in again


# --- secrets ---


def test_the_hash_is_made_with_the_true_name(
    make_pool: Callable[..., CheckedPool], settle: Settle
) -> None:
    # F021: an alias fails, as everybody finds out an hour later
    pool = make_pool(username_attributes=["email"])
    ana = settle(pool, "ana@example.com", client={"secret": True})
    token = tokens(ana.by_password())["RefreshToken"]
    alias = secret_hash(ana.client, "ana@example.com")
    assert refusal(lambda: by_flow(ana, token, SECRET_HASH=alias)) == (
        "NotAuthorizedException",
        f"SecretHash does not match for the client: {ana.client.client_id}",
    )
    assert refusal(lambda: by_flow(ana, token))[1].endswith("secret was not received")
    true_name = pool.user("ana@example.com").username
    assert by_flow(ana, token, SECRET_HASH=secret_hash(ana.client, true_name))


def test_the_operation_takes_the_plain_secret(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, client={"secret": True})
    token = tokens(ana.by_password())["RefreshToken"]
    refused = refusal(lambda: ana.refresh(token, ClientSecret="w" * 52))
    assert refused[0] == "NotAuthorizedException"
    request = {"ClientId": ana.client.client_id, "RefreshToken": token}
    refused = refusal(lambda: pool.handle("GetTokensFromRefreshToken", request))
    assert refused[1].endswith("secret was not received")
    assert ana.refresh(token)


# --- rotation ---


@pytest.fixture
def rotating(pool: CheckedPool, settle: Settle) -> Person:
    return settle(pool, client=ROTATING)


def test_rotation_brings_a_new_refresh_token(rotating: Person) -> None:
    first = tokens(rotating.by_password())["RefreshToken"]
    second = rotating.refresh(first)["RefreshToken"]
    third = rotating.refresh(second)["RefreshToken"]
    assert len({first, second, third}) == 3


def test_rotation_excludes_the_refresh_flow(rotating: Person) -> None:
    token = tokens(rotating.by_password())["RefreshToken"]
    assert refusal(lambda: by_flow(rotating, token)) == (
        "InvalidParameterException",
        "REFRESH_TOKEN_AUTH flow not enabled for this client",
    )


def test_a_rotating_client_allows_no_refresh_flow_unless_told(pool: CheckedPool) -> None:
    assert "ALLOW_REFRESH_TOKEN_AUTH" not in pool.add_client(rotation=True).explicit_auth_flows


def test_the_old_token_lives_for_the_grace(rotating: Person, clock: ManualClock) -> None:
    # threat 25: the answer was lost, and is asked for again
    first = tokens(rotating.by_password())["RefreshToken"]
    lost = rotating.refresh(first)["RefreshToken"]
    clock.advance(9.9)
    again = rotating.refresh(first)["RefreshToken"]
    assert again not in (first, lost)
    clock.advance(0.1)  # the grace counts from the first use
    assert refusal(lambda: rotating.refresh(first))[0] == "RefreshTokenReuseException"
    assert rotating.refresh(lost)
    assert rotating.refresh(again)


def test_without_grace_the_old_token_is_dead_at_once(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, client={**ROTATING, "rotation_grace": 0})
    first = tokens(ana.by_password())["RefreshToken"]
    assert ana.refresh(first)
    assert refusal(lambda: ana.refresh(first))[0] == "RefreshTokenReuseException"


def test_rotation_does_not_lengthen_the_family(
    pool: CheckedPool, settle: Settle, clock: ManualClock
) -> None:
    ana = settle(pool, client={**ROTATING, "refresh_token_validity": 100})
    token = tokens(ana.by_password())["RefreshToken"]
    for _ in range(9):
        clock.advance(11)
        token = ana.refresh(token)["RefreshToken"]
    clock.advance(1)
    assert refusal(lambda: ana.refresh(token))[1] == "Refresh Token has expired"


# --- revocation ---


def revoke(person: Person, token: str, **members: str) -> dict[str, Any]:
    members = {"ClientId": person.client.client_id, "Token": token, **members}
    return person.pool.handle("RevokeToken", members)


def test_revoking_ends_one_family_only(ana: Person) -> None:
    one, two = tokens(ana.by_srp()), tokens(ana.by_srp())
    assert revoke(ana, one["RefreshToken"]) == {}
    assert refusal(lambda: ana.refresh(one["RefreshToken"])) == (
        "NotAuthorizedException",
        "Refresh Token has been revoked",
    )
    assert ana.refresh(two["RefreshToken"])
    assert refusal(lambda: ana.pool.handle("GetUser", {"AccessToken": one["AccessToken"]})) == (
        "NotAuthorizedException",
        "Access Token has been revoked",
    )
    assert ana.pool.handle("GetUser", {"AccessToken": two["AccessToken"]})


def test_revoking_any_generation_ends_the_family(rotating: Person) -> None:
    first = tokens(rotating.by_password())["RefreshToken"]
    second = rotating.refresh(first)["RefreshToken"]
    revoke(rotating, first)
    assert refusal(lambda: rotating.refresh(second))[1] == "Refresh Token has been revoked"


def test_revoking_nothing_and_twice_is_fine(ana: Person) -> None:
    token = tokens(ana.by_srp())["RefreshToken"]
    assert revoke(ana, "garbage") == revoke(ana, token) == revoke(ana, token) == {}


def test_only_refresh_tokens_can_be_revoked(ana: Person) -> None:
    result = tokens(ana.by_srp())
    for kind in ("AccessToken", "IdToken"):
        refused = refusal(revoke, ana, result[kind])
        assert refused[0] == "UnsupportedTokenTypeException"


def test_only_its_own_client_can_revoke_it(ana: Person, pool: CheckedPool) -> None:
    token = tokens(ana.by_srp())["RefreshToken"]
    owner, ana.client = ana.client, pool.add_client()
    assert refusal(lambda: revoke(ana, token))[0] == "UnauthorizedException"
    ana.client = owner
    assert ana.refresh(token)


def test_revoking_needs_the_secret(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, client={"secret": True})
    token = tokens(ana.by_srp())["RefreshToken"]
    assert refusal(lambda: revoke(ana, token))[0] == "UnauthorizedException"
    assert refusal(lambda: revoke(ana, token, ClientSecret="w" * 52))[0] == "UnauthorizedException"
    assert revoke(ana, token, ClientSecret=str(ana.client.client_secret)) == {}


def test_a_client_can_do_without_revocation(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, client={"token_revocation": False})
    result = tokens(ana.by_srp())
    refused = refusal(lambda: revoke(ana, result["RefreshToken"]))
    assert refused[0] == "UnsupportedOperationException"
    assert not {"jti", "origin_jti"} & set(claims(result["AccessToken"]))
