"""Tokens of providers outside Cognito, checked with the documented texts. F080"""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito.testing.signing import keys_of
from tests.testing.test_identity_pool import World, refused_id

GOOGLE = "accounts.google.com"


@pytest.fixture
def world() -> World:
    return World()


def test_a_user_keeps_one_identity(world: World) -> None:
    google = world.pool.add_provider(GOOGLE, audience="app")
    ana = world.get_id({GOOGLE: google.token("ana")})
    assert world.get_id({GOOGLE: google.token("ana", lifetime=60)}) == ana
    assert world.get_id({GOOGLE: google.token("bea")}) != ana


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"iss": "https://elsewhere"}, "Invalid login token. Issuer doesn't match providerName"),
        ({"aud": "another"}, "Invalid login token. Incorrect token audience."),
        ({"aud": None}, "Invalid login token. Missing a required claim: aud"),
        ({"sub": None}, "Invalid login token. Not a valid OpenId Connect identity token."),
        ({"exp": "soon"}, "Invalid login token. Not a valid OpenId Connect identity token."),
    ],
    ids=["iss", "aud", "no-aud", "no-sub", "exp"],
)
def test_a_wrong_claim_is_refused(world: World, claims: dict[str, Any], text: str) -> None:
    google = world.pool.add_provider(GOOGLE)
    given = {name: value for name, value in claims.items() if name != "sub"}
    token = google.token("ana", **given)
    if "sub" in claims:
        now = int(world.clock.wall())
        forged = {"iss": google.issuer, "aud": google.audience, "exp": now + 60}
        token = keys_of(google.issuer).id.sign(forged)
    assert refused_id(world, {GOOGLE: token}) == text


def test_an_expired_token_is_refused_with_both_times(world: World) -> None:
    google = world.pool.add_provider(GOOGLE)
    token = google.token("ana", lifetime=10)
    began = int(world.clock.wall())
    world.clock.advance(10)
    text = f"Invalid login token. Token expired: {began + 10} >= {began + 10}"
    assert refused_id(world, {GOOGLE: token}) == text


@pytest.mark.parametrize("token", ["x", "a.b.c"])
def test_what_is_not_signed_is_refused(world: World, token: str) -> None:
    world.pool.add_provider(GOOGLE)
    assert (
        refused_id(world, {GOOGLE: token}) == "Invalid login token. Couldn't verify signed token."
    )


def test_a_provider_that_is_not_listed_is_refused(world: World) -> None:
    text = "Token is not from a supported provider of this identity pool."
    assert refused_id(world, {"graph.facebook.com": "x"}) == text
