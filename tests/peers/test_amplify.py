"""@aws-amplify/auth as a client of our local pool.

Known limits of the client itself: it cannot hash a client secret, and it must sign out
before it signs in again. It refreshes with GetTokensFromRefreshToken, always.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aiocognito.testing import LocalCognito
from tests.peers.devices import EveryClientWithDevices
from tests.peers.expectations import (
    EMAIL,
    NAME,
    NEW_PASSWORD,
    PASSWORD,
    EveryClient,
    claims_of,
    now,
    signed_in,
)
from tests.peers.peer import Driver, Peer
from tests.peers.test_identity_js import second_pool

pytestmark = pytest.mark.peer


@pytest.fixture
def driver(peers_js: Path, tmp_path: Path) -> Driver:
    command = ["node", "amplify.mjs"]
    return Driver(command=command, folder=peers_js, complaints=tmp_path / "stderr.txt")


class TestAmplify(EveryClient):
    def again(self, peer: Peer, username: str, password: str) -> dict[str, Any]:
        peer.do("sign_out")
        return peer.sign_in(username, password)

    def test_the_plaintext_flow_works_too(self, driver: Driver, local: LocalCognito) -> None:
        client = local.add_client(explicit_auth_flows=["ALLOW_USER_PASSWORD_AUTH"])
        local.add_user(NAME, PASSWORD)
        with driver.at_work(local, client) as peer:
            signed_in(peer.sign_in(NAME, PASSWORD, flow="USER_PASSWORD_AUTH"))

    def test_required_attributes_are_asked_for_and_taken(self, driver: Driver) -> None:
        with LocalCognito() as local:
            pool, client = second_pool(local, required_attributes=["family_name"])
            user = local.add_user(NAME, PASSWORD, temporary=True, pool=pool)
            with driver.at_work(local, client, pool) as peer:
                asked = peer.sign_in(NAME, PASSWORD)["parameters"]
                assert asked["missingAttributes"] == ["family_name"]
                given = {"family_name": "Núñez"}
                signed_in(peer.do("new_password", password=NEW_PASSWORD, attributes=given))
            assert user.attributes["family_name"] == "Núñez"

    def test_an_authenticator_is_set_up_in_the_middle_of_a_sign_in(self, driver: Driver) -> None:
        with LocalCognito() as local:
            pool, client = second_pool(local, mfa="ON", mfa_methods=["SOFTWARE_TOKEN_MFA"])
            ana = local.add_user(NAME, PASSWORD, pool=pool)
            with driver.at_work(local, client, pool) as peer:
                asked = peer.sign_in(NAME, PASSWORD)
                assert asked["challenge"] == "MFA_SETUP"
                assert ana.pending_token is not None
                assert asked["secret"] == ana.pending_token.secret
                signed_in(peer.do("code", code=ana.pending_token.unused_code(now(local))))

    @pytest.mark.parametrize(
        ("kind", "challenge"), [("SMS", "SMS_MFA"), ("EMAIL", "EMAIL_OTP"), ("TOTP", None)]
    )
    def test_a_factor_is_chosen(
        self, peer: Peer, local: LocalCognito, kind: str, challenge: str | None
    ) -> None:
        local.add_user(
            NAME,
            PASSWORD,
            attributes={
                "email": EMAIL,
                "email_verified": True,
                "phone_number": "+34600000000",
                "phone_number_verified": True,
            },
            totp=True,
            mfa=["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"],
        )
        assert peer.sign_in(NAME, PASSWORD)["challenge"] == "SELECT_MFA_TYPE"
        asked = peer.do("choose", kind=kind)["challenge"]
        assert asked == (challenge or "SOFTWARE_TOKEN_MFA")
        code = local.outbox[-1].code if challenge else local.totp_code(NAME, unused=True)
        signed_in(peer.do("code", code=code))

    def test_a_rotating_client_gets_a_new_refresh_token_each_time(self, driver: Driver) -> None:
        with LocalCognito(rotation=True) as local:
            local.add_user(NAME, PASSWORD)
            with driver.at_work(local) as peer:
                first = signed_in(peer.sign_in(NAME, PASSWORD))["refresh"]
                second = signed_in(peer.do("refresh"))["refresh"]
                third = signed_in(peer.do("refresh"))["refresh"]
        assert len({first, second, third}) == 3

    def test_a_client_with_a_secret_is_closed_to_it(self, driver: Driver) -> None:
        with LocalCognito(client_secret=True) as local:
            local.add_user(NAME, PASSWORD)
            with driver.at_work(local) as peer:
                outcome = peer.sign_in(NAME, PASSWORD)
        assert outcome["error"] == "NotAuthorizedException"
        assert "secret was not received" in outcome["message"]

    def test_signing_out_revokes(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD)
        tokens = signed_in(peer.sign_in(NAME, PASSWORD))
        assert peer.do("sign_out")["status"] == "SUCCESS"
        assert local.requests.count("RevokeToken") == 1
        assert not local.pool.is_active(claims_of(tokens["access"]))


class TestAmplifyOnDevices(EveryClientWithDevices):
    def again(self, peer: Peer) -> dict[str, Any]:
        peer.do("sign_out")
        return peer.sign_in(NAME, PASSWORD)
