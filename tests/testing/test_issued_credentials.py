"""A signature made with the local pool's credentials is checked against its record. F046"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aiocognito.testing import LocalCredentials, PoolError, SignedRequest
from tests.testing.test_identity_pool import World

URL = "https://reports.s3.eu-west-1.amazonaws.com/2025.csv?versionId=7"


@pytest.fixture
def world() -> World:
    return World(credential_lifetime=10)


class Telling(SigV4Auth):  # type: ignore[misc]  # botocore is untyped
    """Signs as S3 and OpenSearch want it."""

    def _modify_request_before_signing(self, request: Any) -> None:
        super()._modify_request_before_signing(request)
        request.headers["X-Amz-Content-SHA256"] = self.payload(request)


def issued(world: World) -> LocalCredentials:
    found = world.pool.lookup(world.credentials(world.get_id())["Credentials"]["AccessKeyId"])
    assert found is not None
    return found


def signed(
    keys: LocalCredentials, signer: type[SigV4Auth] = SigV4Auth, **changes: Any
) -> SignedRequest:
    key_id = changes.get("access_key_id", keys.access_key_id)
    secret = changes.get("secret_key", keys.secret_key)
    token = changes.get("session_token", keys.session_token)
    request = AWSRequest("PUT", URL, headers={}, data=b"body")
    signer(Credentials(key_id, secret, token), "s3", "eu-west-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return SignedRequest(
        method="PUT",
        url=URL,
        headers={**headers, "host": "reports.s3.eu-west-1.amazonaws.com"},
        body=b"body",
    )


def refusal(world: World, request: SignedRequest) -> str:
    with pytest.raises(PoolError) as caught:
        world.pool.signer_of(request)
    return caught.value.code


def test_a_good_signature_says_whose_it_is(world: World) -> None:
    keys = issued(world)
    assert world.pool.signer_of(signed(keys)) is keys


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_key": "another"}, "InvalidSignatureException"),
        ({"access_key_id": "ASIA" + "A" * 16}, "UnrecognizedClientException"),
        ({"session_token": "another"}, "UnrecognizedClientException"),
        ({"session_token": None}, "UnrecognizedClientException"),
    ],
    ids=["secret", "key", "token", "no-token"],
)
def test_forged_credentials_sign_nothing(world: World, changes: dict[str, Any], code: str) -> None:
    assert refusal(world, signed(issued(world), **changes)) == code


def test_a_request_that_was_changed_is_refused(world: World) -> None:
    request = signed(issued(world))
    for changed in (
        evolve(request, body=b"other"),
        evolve(request, method="DELETE"),
        evolve(request, url=URL.replace("7", "8")),
    ):
        assert refusal(world, changed) == "InvalidSignatureException"


def test_a_body_is_held_against_the_hash_that_is_told(world: World) -> None:
    keys = issued(world)
    request = signed(keys, Telling)
    assert world.pool.signer_of(request) is keys
    assert refusal(world, evolve(request, body=b"other")) == "InvalidSignatureException"


def test_what_is_added_behind_the_signature_is_refused(world: World) -> None:
    request = signed(issued(world))
    more = {**request.headers, "x-amz-acl": "public-read"}
    assert refusal(world, evolve(request, headers=more)) == "InvalidSignatureException"


def test_after_their_end_they_sign_nothing(world: World) -> None:
    keys = issued(world)
    world.clock.advance(10)
    assert refusal(world, signed(keys)) == "ExpiredTokenException"


def test_a_request_without_a_signature_is_refused(world: World) -> None:
    bare = SignedRequest(method="GET", url=URL, headers={}, body=b"")
    assert refusal(world, bare) == "IncompleteSignatureException"


def test_old_credentials_are_forgotten_at_last(world: World) -> None:
    first = issued(world)
    world.pool._credentials._issued.clear()
    assert world.pool.lookup(first.access_key_id) is None
