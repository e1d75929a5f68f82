"""amazon-cognito-identity-js as a client of our local pool.

Known limits of the client itself, which no pool can mend: it cannot hash a client
secret, does not know EMAIL_OTP, refreshes with REFRESH_TOKEN_AUTH only (so never a
rotating client), and repeats a refused refresh for several seconds. It proves its device
in place of a code, and not after one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aiocognito.testing import LocalCognito, LocalUserPool
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

pytestmark = pytest.mark.peer


@pytest.fixture
def driver(peers_js: Path, tmp_path: Path) -> Driver:
    command = ["node", "identity_js.mjs"]
    return Driver(command=command, folder=peers_js, complaints=tmp_path / "stderr.txt")


class TestIdentityJs(EveryClient):
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
                assert asked["required"] == ["family_name"]
                given = {"family_name": "Núñez"}
                signed_in(peer.do("new_password", password=NEW_PASSWORD, attributes=given))
            assert user.attributes["family_name"] == "Núñez"

    def test_an_authenticator_is_set_up_in_the_middle_of_a_sign_in(self, driver: Driver) -> None:
        with LocalCognito() as local:
            pool, client = second_pool(local, mfa="ON", mfa_methods=["SOFTWARE_TOKEN_MFA"])
            ana = local.add_user(NAME, PASSWORD, pool=pool)
            with driver.at_work(local, client, pool) as peer:
                assert peer.sign_in(NAME, PASSWORD)["challenge"] == "MFA_SETUP"
                peer.do("associate")
                assert ana.pending_token is not None
                signed_in(peer.do("verify", code=ana.pending_token.unused_code(now(local))))

    def test_a_factor_is_chosen(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(
            NAME,
            PASSWORD,
            attributes={"phone_number": "+34600000000", "phone_number_verified": True},
            totp=True,
            mfa=["SMS_MFA", "SOFTWARE_TOKEN_MFA"],
        )
        assert peer.sign_in(NAME, PASSWORD)["challenge"] == "SELECT_MFA_TYPE"
        assert peer.do("choose", kind="SMS_MFA")["challenge"] == "SMS_MFA"
        signed_in(peer.do("code", code=local.outbox[-1].code))

    @pytest.mark.slow  # it repeats the refused call for about six seconds
    def test_a_rotating_client_is_closed_to_it(self, driver: Driver) -> None:
        with LocalCognito(rotation=True) as local:
            local.add_user(NAME, PASSWORD)
            with driver.at_work(local) as peer:
                signed_in(peer.sign_in(NAME, PASSWORD))
                assert peer.do("refresh")["error"] == "InvalidParameterException"

    def test_a_client_with_a_secret_is_closed_to_it(self, driver: Driver) -> None:
        with LocalCognito(client_secret=True) as local:
            local.add_user(NAME, PASSWORD)
            with driver.at_work(local) as peer:
                outcome = peer.sign_in(NAME, PASSWORD)
        assert outcome["error"] == "NotAuthorizedException"
        assert "secret was not received" in outcome["message"]

    def test_signing_out_revokes(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD, attributes={"email": EMAIL})
        tokens = signed_in(peer.sign_in(NAME, PASSWORD))
        assert peer.do("sign_out")["status"] == "SUCCESS"
        assert local.requests.count("RevokeToken") == 1
        assert not local.pool.is_active(claims_of(tokens["access"]))


class TestIdentityJsOnDevices(EveryClientWithDevices):
    def ends_well(self, outcome: dict[str, Any], key: str) -> None:
        # After a code it answers with the session that the code has used up.
        assert outcome["error"] == "NotAuthorizedException"
        assert "session can only be used once" in outcome["message"]


def second_pool(local: LocalCognito, **settings: Any) -> tuple[LocalUserPool, Any]:
    pool = local.add_user_pool(LocalUserPool("eu-west-1_Second", clock=local.clock, **settings))
    return pool, local.add_client(pool=pool)
