"""pycognito on boto3 as a client of our local pool, and PyJWT as a reader of its tokens.

pycognito checks both tokens against the pool's key set whenever it gets some, so each
sign-in below is a verification by a library that is not ours.

Known limits of the client itself: an MFA challenge after a new password is a KeyError
in it, and it makes the refresh's secret hash from the name that was typed, which the
service refuses for an alias.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from aiocognito.testing import LocalCognito
from tests.peers.devices import our_device
from tests.peers.expectations import (
    EMAIL,
    NAME,
    NEW_PASSWORD,
    PASSWORD,
    Essentials,
    EveryClient,
    claims_of,
    signed_in,
)
from tests.peers.peer import Driver, Peer

pytestmark = pytest.mark.peer

DRIVER = Path(__file__).parent / "py" / "pycognito_driver.py"


@pytest.fixture
def driver(peers_python: Path, tmp_path: Path) -> Driver:
    command = [peers_python, DRIVER]
    return Driver(command=command, folder=tmp_path, complaints=tmp_path / "stderr.txt")


class TestPycognito(EveryClient):
    def answers_mfa_after_new_password(self, peer: Peer, local: LocalCognito) -> None:
        assert peer.do("new_password", password=NEW_PASSWORD)["error"] == "KeyError"
        assert peer.sign_in(NAME, NEW_PASSWORD)["challenge"] == "SOFTWARE_TOKEN_MFA"
        signed_in(peer.do("code", code=local.totp_code(NAME, unused=True)))

    def test_a_refresh_after_signing_out_everywhere_is_refused(
        self, driver: Driver, local: LocalCognito
    ) -> None:
        local.add_user(NAME, PASSWORD)
        with driver.at_work(local) as one, driver.at_work(local) as other:
            signed_in(one.sign_in(NAME, PASSWORD))
            signed_in(other.sign_in(NAME, PASSWORD))
            one.do("sign_out_everywhere")
            outcome = other.do("refresh")
        assert outcome["error"] == "NotAuthorizedException"
        assert "Refresh Token has been revoked" in outcome["message"]


class TestPycognitoWithASecret(Essentials):
    """The issue's list once more, for an app client that wants every call hashed."""

    @pytest.fixture
    def local(self) -> Iterator[LocalCognito]:
        with LocalCognito(user_pool_id="eu-west-1_LocalPool", client_secret=True) as local:
            yield local

    def test_a_wrong_secret_is_refused(self, driver: Driver, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD)
        stranger = local.add_client(secret="x" * 40)
        wrong = local.add_client("wrong", secret="y" * 40)
        assert stranger.client_secret != wrong.client_secret
        with driver.at_work(local, wrong, secret=stranger.client_secret) as peer:
            outcome = peer.sign_in(NAME, PASSWORD)
        assert outcome["error"] == "NotAuthorizedException"
        assert "Unable to verify secret hash" in outcome["message"]

    @pytest.mark.parametrize(("typed", "works"), [(NAME, True), (EMAIL, False)])
    def test_a_refresh_is_hashed_with_the_true_name(
        self, driver: Driver, typed: str, *, works: bool
    ) -> None:
        with LocalCognito(alias_attributes=["email"], client_secret=True) as local:
            local.add_user(NAME, PASSWORD, attributes={"email": EMAIL, "email_verified": True})
            with driver.at_work(local) as peer:
                signed_in(peer.sign_in(typed, PASSWORD))
                outcome = peer.do("refresh")
        if works:
            signed_in(outcome)
        else:
            assert outcome["error"] == "NotAuthorizedException"
            assert "SecretHash does not match" in outcome["message"]


class TestAccounts:
    """The life of an account, lived by somebody else's client at our local pool."""

    @pytest.fixture(params=[False, True], ids=["public", "confidential"])
    def local(self, request: pytest.FixtureRequest) -> Iterator[LocalCognito]:
        with LocalCognito(client_secret=request.param) as local:
            yield local

    def test_from_sign_up_to_deletion(self, driver: Driver, local: LocalCognito) -> None:
        # F014, F015, F035, F036, F093
        def code() -> str:
            return local.outbox[-1].code

        with driver.at_work(local) as peer:
            answer = peer.do("sign_up", username=NAME, password=PASSWORD, email=EMAIL)["answer"]
            assert answer["UserConfirmed"] is False
            assert answer["CodeDeliveryDetails"]["AttributeName"] == "email"
            again = peer.do("sign_up", username=NAME, password=PASSWORD, email=EMAIL)
            assert again["error"] == "UsernameExistsException"
            assert peer.sign_in(NAME, PASSWORD)["error"] == "UserNotConfirmedException"
            peer.do("resend")
            assert peer.do("confirm", code="1" + code())["error"] == "CodeMismatchException"
            assert peer.do("confirm", code=code())["status"] == "SUCCESS"
            signed_in(peer.sign_in(NAME, PASSWORD))
            peer.do("update", email="other@example.com", name="Ana")
            attributes = peer.do("attributes")
            assert (attributes["email_verified"], attributes["name"]) == (False, "Ana")
            peer.do("send_code", attribute="email")
            verified = peer.do("verify_attribute", attribute="email", code=code())
            assert verified["status"] == "SUCCESS"
            assert peer.do("attributes")["email_verified"] is True
            peer.do("forget")
            peer.do("recover", code=code(), password=NEW_PASSWORD)
            signed_in(peer.sign_in(NAME, NEW_PASSWORD))
            assert peer.do("delete")["status"] == "SUCCESS"
            assert peer.sign_in(NAME, NEW_PASSWORD)["error"] == "NotAuthorizedException"

    def test_a_trigger_speaks_for_itself(self, driver: Driver, local: LocalCognito) -> None:
        # F056, F074: the service's full stop after the function's words
        def refuse(event: dict[str, Any]) -> None:
            raise ValueError("Domain not allowed")

        local.pool.triggers["PreSignUp"] = refuse
        with driver.at_work(local) as peer:
            refused = peer.do("sign_up", username=NAME, password=PASSWORD, email=EMAIL)
        assert refused["error"] == "UserLambdaValidationException"
        assert "PreSignUp failed with error Domain not allowed." in refused["message"]


class TestPyJWT:
    """The key set, found and used by a library that knows nothing of us."""

    @pytest.fixture
    def local(self) -> Iterator[LocalCognito]:
        with LocalCognito() as local:
            local.add_user(NAME, PASSWORD, attributes={"email": EMAIL}, groups=["readers"])
            yield local

    def test_both_tokens_verify_each_with_its_own_key(
        self, driver: Driver, local: LocalCognito
    ) -> None:
        with driver.at_work(local) as peer:
            tokens = signed_in(peer.sign_in(NAME, PASSWORD))
            of_id = peer.do("decode", token=tokens["id"], audience=local.client_id)
            of_access = peer.do("decode", token=tokens["access"])
        assert of_id["kid"] != of_access["kid"]
        assert (of_id["claims"]["token_use"], of_id["claims"]["email"]) == ("id", EMAIL)
        assert of_access["claims"]["client_id"] == local.client_id
        assert of_access["claims"]["cognito:groups"] == ["readers"]
        assert "aud" not in of_access["claims"]

    @pytest.mark.parametrize(
        ("spoilt", "error"),
        [
            ({"signature": "broken"}, "InvalidSignatureError"),
            ({"signature": "other-key"}, "InvalidSignatureError"),
            ({"expires_in": -1}, "ExpiredSignatureError"),
            ({"claims": {"iss": "https://example.com"}}, "InvalidIssuerError"),
        ],
        ids=["broken signature", "another key", "expired", "another issuer"],
    )
    def test_tokens_minted_bad_are_bad(
        self, driver: Driver, local: LocalCognito, spoilt: dict[str, object], error: str
    ) -> None:
        token = local.pool.mint(NAME, local.client_id, **spoilt)  # type: ignore[arg-type]
        with driver.at_work(local) as peer:
            assert peer.do("decode", token=token)["error"] == error


def test_a_device_that_ours_confirmed_proves_itself_in_pycognito(driver: Driver) -> None:
    """Its own confirmation of a device goes to a fixed address, so it can only use one."""
    with LocalCognito(device_tracking="ALWAYS") as local:
        local.add_user(NAME, PASSWORD, totp=True)
        device = anyio.run(our_device, local)
        with driver.at_work(local) as peer:
            outcome = peer.do(
                "sign_in_on_device",
                username=NAME,
                password=PASSWORD,
                key=device.key,
                group=device.group_key,
                secret=device.password.reveal(),
            )
        tokens = signed_in(outcome)
        assert claims_of(tokens["access"])["device_key"] == device.key
