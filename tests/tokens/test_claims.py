"""What claims look like to the caller."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aiocognito.errors import InvalidType, TokenMalformed
from aiocognito.tokens.claims import Claims, numeric_date, read_unverified
from tests.verify.forge import (
    CLIENT,
    HOUR,
    ISSUER,
    NOW,
    SUB,
    access_claims,
    id_claims,
    sign,
    unsigned,
)

ACCESS = Claims(access_claims())
ID = Claims(id_claims())
THEN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_both_kinds_answer_the_same_questions() -> None:
    for claims, kind in ((ACCESS, "access"), (ID, "id")):
        assert claims.token_use == kind
        assert claims.sub == SUB
        assert claims.username == "ana"
        assert claims.client_id == CLIENT
        assert claims.issuer == ISSUER
        assert claims.groups == ("admins", "staff")
        assert claims.issued_at == claims.auth_time == THEN
        assert claims.expires_at == THEN + timedelta(hours=1)
        assert claims.expires_at.tzinfo is UTC
        assert claims.lifetime == HOUR
        assert claims.origin_jti == "11111111-0000-0000-0000-000000000000"


def test_each_kind_has_its_own() -> None:
    assert ACCESS.scopes == {"aws.cognito.signin.user.admin", "orders/read"}
    assert ID.scopes == frozenset()
    assert ID.email == "ana@example.com"
    assert ID.email_verified is True
    assert ACCESS.email is None
    assert ACCESS.email_verified is False
    assert ACCESS.jti != ID.jti
    assert Claims(access_claims(device_key="eu-west-1_uuid")).device_key == "eu-west-1_uuid"
    phone = Claims(id_claims(phone_number="+4930123456", phone_number_verified="true"))
    assert (phone.phone_number, phone.phone_number_verified) == ("+4930123456", True)


def test_the_kind_decides_which_claim_counts() -> None:
    """A pre-token trigger may add the other kind's claims."""
    odd = Claims(id_claims(client_id="other", username="eve"))
    assert (odd.client_id, odd.username) == (CLIENT, "ana")
    bound = Claims(access_claims(aud="https://orders.example.com"))
    assert bound.client_id == CLIENT


def test_a_machine_has_no_user_name() -> None:
    assert Claims(access_claims(username=None)).username is None


def test_claims_are_a_mapping() -> None:
    assert ID["email"] == "ana@example.com"
    assert ID.get("email") == "ana@example.com"
    assert ID.get("absent") is None
    assert ID.get("absent", 7) == 7
    assert "email" in ID
    assert "absent" not in ID
    assert set(ID) == ID.keys() == id_claims().keys()
    assert len(ID) == len(id_claims())
    assert id_claims() == ID
    assert Claims(id_claims()) == ID
    assert ID != ACCESS
    with pytest.raises(KeyError):
        ID["absent"]


def test_claims_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ID["sub"] = "x"  # type: ignore[index]
    with pytest.raises(AttributeError):
        ID._members = {}  # type: ignore[misc]
    identities = [{"providerName": "Google"}]
    claims = Claims(id_claims(identities=identities))
    claims["identities"][0]["providerName"] = "evil"
    claims.get("cognito:groups").append("evil")
    dict(claims)["identities"].clear()
    claims.to_dict()["identities"].clear()
    assert claims["identities"] == [{"providerName": "Google"}]
    assert claims.groups == ("admins", "staff")


def test_claims_copy_pickle_and_become_json() -> None:
    assert copy.deepcopy(ID) == pickle.loads(pickle.dumps(ID)) == ID
    assert json.loads(json.dumps(ID.to_dict())) == id_claims()


def test_a_repr_shows_no_personal_data() -> None:
    assert repr(ID) == f"Claims(token_use='id', sub='{SUB}')"


@pytest.mark.parametrize("value", [None, 7, ["x"], {}])
def test_a_missing_text_is_malformed_where_every_token_has_it(value: Any) -> None:
    for name, claim in (
        ("sub", "sub"),
        ("token_use", "token_use"),
        ("client_id", "client_id"),
        ("issuer", "iss"),
        ("expires_at", "exp"),
    ):
        claims = Claims(access_claims() | {claim: "soon" if claim == "exp" else value})
        with pytest.raises(TokenMalformed) as caught:
            getattr(claims, name)
        assert caught.value.claim == claim


def test_odd_values_answer_like_missing_ones() -> None:
    odd = Claims(
        id_claims(
            **{"cognito:groups": "admins", "email": 7, "email_verified": 1, "iat": "x"},
            auth_time=-5,
        )
    )
    assert odd.groups == ()
    assert odd.email is None
    assert odd.email_verified is False
    assert odd.issued_at is None
    assert odd.auth_time is None
    assert Claims({"cognito:groups": ["a", 7, None, "b"]}).groups == ("a", "b")


# threat 22
@pytest.mark.parametrize(
    ("iat", "exp", "lifetime"),
    [
        (NOW, NOW + HOUR, HOUR),
        (NOW + 86400, NOW + 86400 + 300, 300),
        (NOW, NOW, None),
        (NOW, NOW - 1, None),
        (None, NOW, None),
        (NOW, None, None),
        (True, NOW, None),
        ("1", NOW, None),
    ],
)
def test_a_lifetime_comes_from_the_servers_clock_alone(
    iat: Any, exp: Any, lifetime: float | None
) -> None:
    assert Claims(access_claims(iat=iat, exp=exp)).lifetime == lifetime


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0),
        (1.5, 1.5),
        (253_402_300_799, 253_402_300_799),
        (253_402_300_800, None),
        (-1, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        (True, None),
        (False, None),
        ("7", None),
        (None, None),
    ],
    ids=lambda value: repr(value)[:16],
)
def test_a_numeric_date_is_a_moment_that_a_datetime_can_hold(value: Any, seconds: Any) -> None:
    assert numeric_date(value) == seconds
    if seconds is not None:
        assert Claims({"iat": value}).issued_at is not None


def test_reading_without_verifying_believes_anybody() -> None:
    assert read_unverified(sign(id_claims(), key="attacker")) == id_claims()
    assert read_unverified(unsigned(id_claims(), {"alg": "none"}) + ".AAAA") == id_claims()


# threat 21
@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        unsigned(id_claims()),
        unsigned(id_claims(), b"[]") + ".AAAA",
        unsigned(b"[]") + ".AAAA",
        unsigned(b'{"sub":1,"sub":2}') + ".AAAA",
    ],
    ids=["empty", "two parts", "unsigned", "array header", "array payload", "duplicate"],
)
def test_reading_without_verifying_is_strict_all_the_same(token: str) -> None:
    with pytest.raises(TokenMalformed):
        read_unverified(token)


def test_only_text_is_a_token() -> None:
    with pytest.raises(InvalidType):
        read_unverified(b"a.b.c")  # type: ignore[arg-type]
