"""The tokens of the local pool, read by a library that is not ours."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from aiocognito.errors import (
    TokenClientMismatch,
    TokenExpired,
    TokenIssuerMismatch,
    TokenKeyUnknown,
    TokenMalformed,
    TokenSignatureInvalid,
    TokenUseMismatch,
    TokenVerificationError,
)
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.signing import unverified_claims
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import POOL_ID, Person, claims, tokens

ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL_ID}"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed_by(pool: CheckedPool, token: str) -> str:
    """Check a signature with the published keys and return the name of the one that fits."""
    head, payload, signature = token.split(".")
    kid = json.loads(decode(head))["kid"]
    (key,) = [key for key in pool.jwks()["keys"] if key["kid"] == kid]
    n, e = (int.from_bytes(decode(key[name]), "big") for name in ("n", "e"))
    RSAPublicNumbers(e, n).public_key().verify(
        decode(signature), f"{head}.{payload}".encode(), PKCS1v15(), SHA256()
    )
    return str(kid)


def test_id_and_access_token_are_signed_with_different_published_keys(ana: Person) -> None:
    result = tokens(ana.by_srp())
    by = {signed_by(ana.pool, result[kind]) for kind in ("IdToken", "AccessToken")}
    assert len(by) == 2
    for kind in ("IdToken", "AccessToken"):
        header = json.loads(decode(result[kind].split(".")[0]))
        assert set(header) == {"kid", "alg"}
        assert header["alg"] == "RS256"


def test_the_key_set(pool: CheckedPool) -> None:
    keys = pool.jwks()["keys"]
    assert len(keys) == 2
    for key in keys:
        assert (key["alg"], key["kty"], key["use"], key["e"]) == ("RS256", "RSA", "sig", "AQAB")
        assert len(key["kid"]) == 44
        assert key["kid"].endswith("=")
        assert int.from_bytes(decode(key["n"]), "big").bit_length() == 2048


def test_pools_have_their_own_keys(make_pool: Callable[..., CheckedPool]) -> None:
    one, two, same = (make_pool(i).jwks() for i in (POOL_ID, "eu-west-1_Other0001", POOL_ID))
    assert one == same
    assert one != two


def test_id_token_claims(pool: CheckedPool, settle: Settle, clock: ManualClock) -> None:
    # F004, F005
    attributes = {"email": "ana@example.com", "phone_number": "+4915112345678"}
    ana = settle(
        pool,
        attributes={**attributes, "phone_number_verified": False},
        client={"id_token_validity": 300},
    )
    identity = claims(tokens(ana.by_srp())["IdToken"])
    now = int(clock.wall())
    for name in ("sub", "event_id", "origin_jti", "jti"):
        assert UUID.fullmatch(identity.pop(name))
    assert identity == {
        **attributes,
        "email_verified": True,
        "phone_number_verified": False,
        "cognito:username": "ana",
        "aud": ana.client.client_id,
        "iss": ISSUER,
        "token_use": "id",
        "auth_time": now,
        "iat": now,
        "exp": now + 300,
    }


def test_access_token_claims(pool: CheckedPool, settle: Settle, clock: ManualClock) -> None:
    # F004, F005, F030
    ana = settle(pool, client={"access_token_validity": 2})
    result = tokens(ana.by_srp())
    access, now = claims(result["AccessToken"]), int(clock.wall())
    assert result["ExpiresIn"] == 2
    for name in ("sub", "event_id", "origin_jti", "jti"):
        assert UUID.fullmatch(access.pop(name))
    assert access == {
        "client_id": ana.client.client_id,
        "username": "ana",
        "scope": "aws.cognito.signin.user.admin",
        "iss": ISSUER,
        "token_use": "access",
        "auth_time": now,
        "iat": now,
        "exp": now + 2,
    }


def test_the_two_tokens_of_a_sign_in_belong_together(ana: Person) -> None:
    result = tokens(ana.by_srp())
    access, identity = claims(result["AccessToken"]), claims(result["IdToken"])
    for shared in ("sub", "origin_jti", "event_id", "auth_time"):
        assert access[shared] == identity[shared]
    assert access["jti"] != identity["jti"]


# --- groups ---

Groups = list[tuple[str, str | None, int | None]]


@pytest.mark.parametrize(
    ("groups", "names", "roles", "preferred"),
    [
        ([("a", None, None)], ["a"], None, None),
        ([("a", "role/a", 2), ("b", "role/b", 1)], ["b", "a"], ["role/b", "role/a"], "role/b"),
        ([("a", "role/a", 1), ("b", "role/b", 1)], ["a", "b"], ["role/a", "role/b"], None),
        ([("a", "role/a", None), ("b", None, 0)], ["b", "a"], ["role/a"], None),
        ([("a", "role/a", None)], ["a"], ["role/a"], None),
    ],
    ids=str,
)
def test_group_claims(
    pool: CheckedPool,
    settle: Settle,
    groups: Groups,
    names: list[str],
    roles: list[str] | None,
    preferred: str | None,
) -> None:
    for name, role, precedence in groups:
        pool.add_group(name, role_arn=role, precedence=precedence)
    result = tokens(settle(pool, groups=[name for name, _, _ in groups]).by_srp())
    identity, access = claims(result["IdToken"]), claims(result["AccessToken"])
    assert identity["cognito:groups"] == access["cognito:groups"] == names
    assert identity.get("cognito:roles") == roles
    assert identity.get("cognito:preferred_role") == preferred
    assert "cognito:roles" not in access


def test_without_groups_there_is_no_claim(ana: Person) -> None:
    result = tokens(ana.by_srp())
    assert not any(name.startswith("cognito:g") for name in claims(result["AccessToken"]))


# --- the checks for an identity pool ---


@pytest.mark.parametrize(
    ("minted", "error"),
    [
        ({"expires_in": -1}, TokenExpired),
        ({"signature": "broken"}, TokenSignatureInvalid),
        ({"signature": "other-key"}, TokenSignatureInvalid),
        ({"token_use": "access"}, TokenUseMismatch),
        ({"claims": {"iss": "https://elsewhere.example"}}, TokenIssuerMismatch),
        ({"claims": {"aud": "elsewhere"}}, TokenClientMismatch),
        ({"claims": {"aud": None}}, TokenClientMismatch),
        ({"header": {"alg": "none"}}, TokenKeyUnknown),
        ({"header": {"kid": None}}, TokenKeyUnknown),
        ({"header": {"crit": ["x"]}}, TokenKeyUnknown),
    ],
    ids=str,
)
def test_an_id_token_that_does_not_count(
    ana: Person, minted: dict[str, Any], error: type[TokenVerificationError]
) -> None:
    # F122
    client_id = ana.client.client_id
    token = ana.pool.mint("ana", client_id, **{"token_use": "id", **minted})
    with pytest.raises(error):
        ana.pool.verify_id_token(token, [client_id])


def test_an_id_token_that_counts(ana: Person) -> None:
    token = tokens(ana.by_srp())["IdToken"]
    assert ana.pool.verify_id_token(token, [ana.client.client_id]) == claims(token)
    assert ana.pool.verify_id_token(token) == claims(token)


@pytest.mark.parametrize(
    "change",
    [lambda text: text + "=", lambda text: text + ".x", lambda text: text[:-1]],
    ids=["padded", "four parts", "cut"],
)
def test_a_token_has_one_spelling(ana: Person, change: Callable[[str], str]) -> None:
    token = change(ana.pool.mint("ana", ana.client.client_id, token_use="id"))
    with pytest.raises((TokenMalformed, TokenSignatureInvalid)):
        ana.pool.verify_id_token(token)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "e30.e30.e30", "e30.!.e30", "e30.W10.e30"])
def test_what_garbage_says_of_itself(token: str) -> None:
    assert unverified_claims(token) == {}


def test_a_broken_signature_really_is(ana: Person) -> None:
    token = ana.pool.mint("ana", ana.client.client_id, signature="broken")
    with pytest.raises(InvalidSignature):
        signed_by(ana.pool, token)


def test_who_is_active(ana: Person) -> None:
    result = tokens(ana.by_srp())
    identity = claims(result["IdToken"])
    assert ana.pool.is_active(identity)
    ana.pool.enable_user("ana", False)
    assert not ana.pool.is_active(identity)
    ana.pool.enable_user("ana")
    ana.pool.handle("GlobalSignOut", {"AccessToken": result["AccessToken"]})
    assert not ana.pool.is_active(identity)
    assert ana.pool.is_active(claims(tokens(ana.by_srp())["IdToken"]))
    ana.pool.remove_user("ana")
    assert not ana.pool.is_active(identity)
    assert not ana.pool.is_active({})
