"""What every client somebody else wrote must find at our local pool.

Each peer's test module subclasses `EveryClient` and adds what only that peer can do.
The issue's list: right and wrong password, new password required, TOTP, refresh.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from aiocognito.srp import formulas
from aiocognito.srp.group import N, g
from aiocognito.testing import LocalCognito
from tests.peers.peer import Driver, Peer

NAME, EMAIL, PASSWORD = "ana", "Ana@Example.com", "Passw0rd!"
NEW_PASSWORD = "An0ther!one"
WRONG_CREDENTIALS = "Incorrect username or password."
POOL_NAME = "LocalPool"
SALT = bytes(range(16))
EDGES = (
    b"\x00" * 15 + b"\x01",  # one digit
    b"\x00\x00" + b"\x7f" * 14,  # leading zero bytes
    b"\x05" + b"\x11" * 15,  # an odd number of digits
    b"\x80" + b"\x00" * 15,  # the high bit
)
_STEPS_OF_AMPLIFY = ("CONFIRM_SIGN_UP", "RESET_PASSWORD")


def claims_of(token: str) -> dict[str, Any]:
    """Read the claims of a token without checking anything."""
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def signed_in(outcome: dict[str, Any]) -> dict[str, str]:
    """Return the tokens of a sign-in that succeeded; fails with the outcome otherwise."""
    assert set(outcome) == {"tokens"}, outcome
    tokens: dict[str, str] = outcome["tokens"]
    assert claims_of(tokens["id"])["token_use"] == "id"
    assert claims_of(tokens["access"])["token_use"] == "access"
    assert tokens["refresh"]
    return tokens


def short_b() -> int:
    """Return a server secret whose B starts with a zero byte, for `SALT` and Ana's password.

    Clients that write B with fixed width, or hash the text of the hex, fail here.
    """
    identity = formulas.identity_hash(POOL_NAME, NAME, PASSWORD)
    v = pow(g, formulas.compute_x(int.from_bytes(SALT, "big"), identity), N)
    return next(b for b in range(1 << 255, N) if formulas.server_public(v, b) < 1 << 3064)


def now(local: LocalCognito) -> float:
    return local.clock.wall()


def wrong_code(code: str) -> str:
    """Return another six digits; once in 500,000 runs they fit a neighbouring step."""
    return f"{(int(code) + 500_000) % 1_000_000:06d}"


class Essentials:
    """The issue's list."""

    @pytest.fixture
    def local(self) -> Iterator[LocalCognito]:
        with LocalCognito(user_pool_id=f"eu-west-1_{POOL_NAME}") as local:
            yield local

    @pytest.fixture
    def peer(self, driver: Driver, local: LocalCognito) -> Iterator[Peer]:
        with driver.at_work(local) as peer:
            yield peer

    def test_the_right_password_signs_in(self, peer: Peer, local: LocalCognito) -> None:
        ana = local.add_user(NAME, PASSWORD)
        tokens = signed_in(peer.sign_in(NAME, PASSWORD))
        claims = local.pool.verify_id_token(tokens["id"], {local.client_id})
        assert (claims["cognito:username"], claims["sub"]) == (NAME, ana.sub)
        assert {op: n for op, n in local.requests.counts.items() if op[0].isupper()} == {
            "InitiateAuth": 1,
            "RespondToAuthChallenge": 1,
        }

    @pytest.mark.parametrize("username", [NAME, "nobody"])
    def test_a_wrong_password_and_an_unknown_user_are_refused_alike(
        self, peer: Peer, local: LocalCognito, username: str
    ) -> None:
        local.add_user(NAME, PASSWORD)
        outcome = peer.sign_in(username, "Wrong-passw0rd")
        assert outcome["error"] == "NotAuthorizedException"
        assert outcome["message"].endswith(WRONG_CREDENTIALS)

    def test_a_new_password_is_required_and_taken(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD, temporary=True)
        assert peer.sign_in(NAME, PASSWORD)["challenge"] == "NEW_PASSWORD_REQUIRED"
        signed_in(peer.do("new_password", password=NEW_PASSWORD))
        signed_in(self.again(peer, NAME, NEW_PASSWORD))

    def test_an_authenticator_is_set_up_and_then_used(
        self, peer: Peer, local: LocalCognito
    ) -> None:
        ana = local.add_user(NAME, PASSWORD)
        signed_in(peer.sign_in(NAME, PASSWORD))
        secret = peer.do("associate")["secret"]
        assert ana.pending_token is not None
        assert secret == ana.pending_token.secret
        wrong = peer.do("verify", code=wrong_code(ana.pending_token.unused_code(now(local))))
        assert wrong["error"] == "EnableSoftwareTokenMFAException"
        code = ana.pending_token.unused_code(now(local))
        assert peer.do("verify", code=code)["status"] == "SUCCESS"
        assert peer.do("prefer_totp")["status"] == "SUCCESS"
        assert self.again(peer, NAME, PASSWORD)["challenge"] == "SOFTWARE_TOKEN_MFA"
        signed_in(peer.do("code", code=local.totp_code(NAME, unused=True)))

    def test_a_refresh_brings_new_tokens_of_the_same_sign_in(
        self, peer: Peer, local: LocalCognito
    ) -> None:
        local.add_user(NAME, PASSWORD)
        first = signed_in(peer.sign_in(NAME, PASSWORD))
        second = signed_in(peer.do("refresh"))
        assert second["refresh"] == first["refresh"]
        before, after = claims_of(first["access"]), claims_of(second["access"])
        assert after["jti"] != before["jti"]
        same = ("sub", "username", "origin_jti", "auth_time", "client_id", "iss")
        assert {name: after[name] for name in same} == {name: before[name] for name in same}

    def again(self, peer: Peer, username: str, password: str) -> dict[str, Any]:
        """Sign in once more; for a client that must sign out first, see its module."""
        return peer.sign_in(username, password)


class EveryClient(Essentials):
    """More that does not depend on who the client is."""

    def test_salts_are_padded_as_the_client_pads_them(
        self, peer: Peer, local: LocalCognito
    ) -> None:
        for number, salt in enumerate(EDGES):
            local.add_user(f"{NAME}{number}", PASSWORD, salt=salt)
            signed_in(self.again(peer, f"{NAME}{number}", PASSWORD))

    def test_a_server_value_with_a_leading_zero_byte_is_padded_as_the_client_pads_it(
        self, peer: Peer, local: LocalCognito
    ) -> None:
        local.add_user(NAME, PASSWORD, salt=SALT)
        local.pool.force_srp(b=short_b())
        signed_in(peer.sign_in(NAME, PASSWORD))

    def test_a_password_outside_ascii_is_hashed_as_the_client_hashes_it(
        self, peer: Peer, local: LocalCognito
    ) -> None:
        password = "Grüße-1-日本語"
        local.add_user(NAME, password)
        signed_in(peer.sign_in(NAME, password))

    def test_a_weak_new_password_is_refused_by_name(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD, temporary=True)
        peer.sign_in(NAME, PASSWORD)
        assert peer.do("new_password", password="short")["error"] == "InvalidPasswordException"

    def test_a_changed_password_counts(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD)
        signed_in(peer.sign_in(NAME, PASSWORD))
        assert peer.do("change_password", old=PASSWORD, password=NEW_PASSWORD)["status"]
        signed_in(self.again(peer, NAME, NEW_PASSWORD))

    @pytest.mark.parametrize(
        ("settings", "error"),
        [
            ({"status": "UNCONFIRMED"}, "UserNotConfirmedException"),
            ({"status": "RESET_REQUIRED"}, "PasswordResetRequiredException"),
            ({"enabled": False}, "NotAuthorizedException"),
        ],
        ids=["unconfirmed", "reset required", "disabled"],
    )
    def test_a_user_who_may_not_sign_in_is_told_why(
        self, driver: Driver, local: LocalCognito, settings: dict[str, Any], error: str
    ) -> None:
        local.add_user(NAME, PASSWORD, **settings)
        with driver.at_work(local) as peer:
            outcome = peer.sign_in(NAME, PASSWORD)
        # Amplify makes steps of its own of the first two.
        assert outcome.get("error") == error or outcome["challenge"] in _STEPS_OF_AMPLIFY

    def test_a_mistyped_code_may_be_typed_again(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD, totp=True)
        assert peer.sign_in(NAME, PASSWORD)["challenge"] == "SOFTWARE_TOKEN_MFA"
        code = local.totp_code(NAME, unused=True)
        assert peer.do("code", code=wrong_code(code))["error"] == "CodeMismatchException"
        signed_in(peer.do("code", code=code))

    def test_a_code_is_good_once(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD, totp=True)
        peer.sign_in(NAME, PASSWORD)
        code = local.totp_code(NAME, unused=True)
        signed_in(peer.do("code", code=code))
        self.again(peer, NAME, PASSWORD)
        assert peer.do("code", code=code)["error"] == "ExpiredCodeException"

    def test_a_new_password_is_followed_by_the_code(self, peer: Peer, local: LocalCognito) -> None:
        local.add_user(NAME, PASSWORD, temporary=True, totp=True)
        assert peer.sign_in(NAME, PASSWORD)["challenge"] == "NEW_PASSWORD_REQUIRED"
        self.answers_mfa_after_new_password(peer, local)

    def answers_mfa_after_new_password(self, peer: Peer, local: LocalCognito) -> None:
        asked = peer.do("new_password", password=NEW_PASSWORD)
        assert asked["challenge"] == "SOFTWARE_TOKEN_MFA"
        signed_in(peer.do("code", code=local.totp_code(NAME, unused=True)))

    def test_attributes_are_read_with_the_access_token(
        self, peer: Peer, local: LocalCognito
    ) -> None:
        ana = local.add_user(NAME, PASSWORD, attributes={"email": EMAIL})
        peer.sign_in(NAME, PASSWORD)
        attributes = peer.do("attributes")
        assert (attributes["sub"], attributes["email"]) == (ana.sub, EMAIL)

    def test_signing_out_everywhere_ends_the_refresh_token(
        self, peer: Peer, local: LocalCognito
    ) -> None:
        ana = local.add_user(NAME, PASSWORD)
        tokens = signed_in(peer.sign_in(NAME, PASSWORD))
        assert peer.do("sign_out_everywhere")["status"] == "SUCCESS"
        assert local.requests.count("GlobalSignOut") == 1
        assert not local.pool.is_active(claims_of(tokens["access"]))
        assert ana.enabled

    def test_an_email_address_stands_for_the_uuid(self, driver: Driver) -> None:
        """The client must take USER_ID_FOR_SRP from the answer, not what was typed."""
        with LocalCognito(username_attributes=["email"]) as local:
            ana = local.add_user(EMAIL, PASSWORD)
            with driver.at_work(local) as peer:
                tokens = signed_in(peer.sign_in(EMAIL.lower(), PASSWORD))
                assert ana.username != EMAIL
                assert claims_of(tokens["access"])["username"] == ana.username
                signed_in(peer.do("refresh"))

    def test_an_alias_answers_mfa_too(self, driver: Driver) -> None:
        with LocalCognito(alias_attributes=["email"]) as local:
            attributes: dict[str, str | bool] = {"email": EMAIL, "email_verified": True}
            local.add_user(NAME, PASSWORD, attributes=attributes, totp=True)
            with driver.at_work(local) as peer:
                assert peer.sign_in(EMAIL, PASSWORD)["challenge"] == "SOFTWARE_TOKEN_MFA"
                tokens = signed_in(peer.do("code", code=local.totp_code(NAME, unused=True)))
        assert claims_of(tokens["access"])["username"] == NAME
