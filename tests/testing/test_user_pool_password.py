"""Passwords in the clear, the states a user can be in, flows, secrets, lockout."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from aiocognito.errors import InvalidArgument
from aiocognito.srp import modexp
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.password_policy import PasswordPolicy
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import PASSWORD, Person, refusal, tokens

SIGN_INS = {"password": Person.by_password, "srp": Person.by_srp}
both = pytest.mark.parametrize("sign_in", SIGN_INS.values(), ids=SIGN_INS.keys())


def test_right_password_signs_in(ana: Person) -> None:
    assert tokens(ana.by_password())["RefreshToken"]


def test_wrong_password_and_nobody_are_refused_alike(ana: Person) -> None:
    # F031
    ana.password = "Wr0ng-one"
    wrong = refusal(ana.by_password)
    ana.name = "nobody"
    assert wrong == refusal(ana.by_password)
    assert wrong == ("NotAuthorizedException", "Incorrect username or password.")


def test_nobody_costs_the_same_arithmetic(ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    # F031
    powers = Mock(side_effect=modexp.powmod)
    monkeypatch.setattr("aiocognito.srp.verifier.powmod", powers)
    counts = []
    for ana.name in ("ana", "nobody"):
        powers.reset_mock()
        refusal(ana.initiate, "USER_PASSWORD_AUTH", PASSWORD="Wr0ng-one")
        counts.append(powers.call_count)
    assert counts == [1, 1]


# --- states ---


@both
@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"enabled": False}, ("NotAuthorizedException", "User is disabled.")),
        ({"status": "UNCONFIRMED"}, ("UserNotConfirmedException", "User is not confirmed.")),
        (
            {"status": "RESET_REQUIRED"},
            ("PasswordResetRequiredException", "Password reset required for the user"),
        ),
    ],
    ids=["disabled", "unconfirmed", "reset required"],
)
def test_a_users_state_is_told_to_who_knows_the_password(
    pool: CheckedPool,
    settle: Settle,
    sign_in: Callable[[Person], Any],
    user: dict[str, Any],
    expected: tuple[str, str],
) -> None:
    ana = settle(pool, **user)
    assert refusal(lambda: sign_in(ana)) == expected
    ana.password = "Wr0ng-one"
    assert refusal(lambda: sign_in(ana))[1] == "Incorrect username or password."


@both
def test_a_temporary_password_expires(
    pool: CheckedPool, settle: Settle, clock: ManualClock, sign_in: Callable[[Person], Any]
) -> None:
    ana = settle(pool, temporary=True)
    clock.advance(7 * 86400 - 1)
    assert sign_in(ana)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    clock.advance(1)
    assert refusal(lambda: sign_in(ana)) == (
        "NotAuthorizedException",
        "Temporary password has expired and must be reset by an administrator.",
    )


# --- flows ---


@pytest.mark.parametrize(
    ("flow", "allowed", "message"),
    [
        ("USER_SRP_AUTH", (), "USER_SRP_AUTH is not enabled for the client."),
        ("USER_PASSWORD_AUTH", (), "USER_PASSWORD_AUTH flow not enabled for this client"),
        ("REFRESH_TOKEN_AUTH", (), "REFRESH_TOKEN_AUTH flow not enabled for this client"),
        ("USER_AUTH", (), "USER_AUTH flow not enabled for this client"),
        (
            "CUSTOM_AUTH",
            ("ALLOW_CUSTOM_AUTH",),
            "Custom auth lambda trigger is not configured for the user pool.",
        ),
        (
            "ADMIN_USER_PASSWORD_AUTH",
            ("ALLOW_ADMIN_USER_PASSWORD_AUTH",),
            "Initiate Auth method not supported.",
        ),
        ("ADMIN_NO_SRP_AUTH", (), "Initiate Auth method not supported."),
    ],
)
def test_flows_that_are_not_for_here(
    pool: CheckedPool, settle: Settle, flow: str, allowed: tuple[str, ...], message: str
) -> None:
    # F027
    ana = settle(pool, client={"explicit_auth_flows": allowed})
    refused = refusal(lambda: ana.initiate(flow, SRP_A="2", PASSWORD=PASSWORD, REFRESH_TOKEN="x"))
    assert refused == ("InvalidParameterException", message)


def test_a_new_client_allows_what_the_services_does(pool: CheckedPool) -> None:
    assert set(pool.add_client().explicit_auth_flows) == {
        "ALLOW_REFRESH_TOKEN_AUTH",
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_CUSTOM_AUTH",
    }


@pytest.mark.parametrize(
    ("flow", "parameters", "missing"),
    [
        ("USER_SRP_AUTH", {"USERNAME": ""}, "USERNAME"),
        ("USER_SRP_AUTH", {}, "SRP_A"),
        ("USER_PASSWORD_AUTH", {}, "PASSWORD"),
        ("REFRESH_TOKEN_AUTH", {}, "REFRESH_TOKEN"),
        ("REFRESH_TOKEN", {}, "REFRESH_TOKEN"),
    ],
)
def test_a_missing_parameter_is_named(
    ana: Person, flow: str, parameters: dict[str, str], missing: str
) -> None:
    expected = ("InvalidParameterException", f"Missing required parameter {missing}")
    assert refusal(lambda: ana.initiate(flow, **parameters)) == expected


def test_a_client_nobody_made(ana: Person) -> None:
    request = {"AuthFlow": "USER_SRP_AUTH", "ClientId": "stranger"}
    assert refusal(lambda: ana.pool.handle("InitiateAuth", request)) == (
        "ResourceNotFoundException",
        "User pool client stranger does not exist.",
    )


# --- secrets ---


@both
def test_a_secret_client_signs_in_with_the_hash(
    pool: CheckedPool, settle: Settle, sign_in: Callable[[Person], Any]
) -> None:
    # F003, F027
    tokens(sign_in(settle(pool, client={"secret": True})))


@pytest.mark.parametrize("which", [0, 1])
def test_either_of_two_secrets_counts(pool: CheckedPool, settle: Settle, which: int) -> None:
    secrets = ["first" * 6, "second" * 6]
    ana = settle(pool, client={"secret": secrets})
    twin = pool.add_client(secret=secrets[which], explicit_auth_flows=())
    hashed = _hash_as(twin.client_secret, ana)
    tokens(ana.initiate("USER_PASSWORD_AUTH", PASSWORD=PASSWORD, SECRET_HASH=hashed))


def _hash_as(secret: str | None, person: Person) -> str:
    message = (person.name + person.client.client_id).encode()
    return base64.b64encode(hmac.digest(str(secret).encode(), message, "sha256")).decode()


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "USER_PASSWORD_AUTH"])
@pytest.mark.parametrize("given", ["", "AAAA", "\u00e9"])
def test_a_wrong_hash_is_refused(pool: CheckedPool, settle: Settle, flow: str, given: str) -> None:
    ana = settle(pool, client={"secret": True})
    parameters = {"SRP_A": "2", "PASSWORD": PASSWORD, "SECRET_HASH": given}
    assert refusal(lambda: ana.initiate(flow, **parameters)) == (
        "NotAuthorizedException",
        f"Unable to verify secret hash for client {ana.client.client_id}",
    )


def test_the_hash_is_checked_on_every_call(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, client={"secret": True}, totp=True)
    claim = ana.claim()
    mismatch = f"Unable to verify secret hash for client {ana.client.client_id}"
    bad = {**claim, "SECRET_HASH": "AAAA"}
    assert refusal(lambda: ana.respond("PASSWORD_VERIFIER", **bad))[1] == mismatch
    challenge = ana.respond("PASSWORD_VERIFIER", **claim)  # the block was not spent by that
    answers = {"SOFTWARE_TOKEN_MFA_CODE": pool.totp_code("ana")}
    assert refusal(lambda: ana.answer(challenge, **answers, SECRET_HASH="AAAA"))[1] == mismatch
    tokens(ana.answer(challenge, **answers))


def test_the_hash_goes_by_the_name_as_sent(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, client={"secret": True})
    hashed = _hash_as(ana.client.client_secret, ana)
    ana.name = "ANA"
    refused = refusal(
        lambda: ana.initiate("USER_PASSWORD_AUTH", PASSWORD=PASSWORD, SECRET_HASH=hashed)
    )
    assert refused[1].startswith("Unable to verify secret hash")
    tokens(ana.by_password())


def test_a_missing_hash_is_named(pool: CheckedPool, settle: Settle) -> None:
    ana = settle(pool, client={"secret": True})
    parameters = {"USERNAME": "ana", "PASSWORD": PASSWORD}
    request = {"ClientId": ana.client.client_id, "AuthFlow": "USER_PASSWORD_AUTH"}
    refused = refusal(
        lambda: pool.handle("InitiateAuth", {**request, "AuthParameters": parameters})
    )
    assert refused == (
        "NotAuthorizedException",
        f"Client {ana.client.client_id} is configured for secret but secret was not received",
    )


def test_a_hash_that_is_not_wanted_is_refused(ana: Person) -> None:
    # F028
    refused = refusal(
        lambda: ana.initiate("USER_PASSWORD_AUTH", PASSWORD=PASSWORD, SECRET_HASH="AAAA")
    )
    assert refused[1].startswith("Unable to verify secret hash")


# --- lockout ---


@both
@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_five_wrong_passwords_lock_whoever_it_is(
    ana: Person, clock: ManualClock, sign_in: Callable[[Person], Any], name: str
) -> None:
    # F031: a lock that only real users got would tell them apart
    ana.name, right, ana.password = name, ana.password, "Wr0ng-one"
    for _ in range(5):
        assert refusal(lambda: sign_in(ana))[1] == "Incorrect username or password."
    ana.password = right
    locked = ("NotAuthorizedException", "Password attempts exceeded")
    assert refusal(lambda: sign_in(ana)) == locked
    clock.advance(0.999)
    assert refusal(lambda: sign_in(ana)) == locked
    clock.advance(0.001)
    if name == "ana":
        tokens(sign_in(ana))
    else:
        assert refusal(lambda: sign_in(ana))[1] == "Incorrect username or password."


def test_the_lock_is_the_users_not_the_names(ana: Person, pool: CheckedPool) -> None:
    pool.add_user("bob", PASSWORD)
    ana.password = "Wr0ng-one"
    for name in ("ana", "ANA", "Ana", "aNa", "anA"):
        ana.name = name
        refusal(ana.by_password)
    assert refusal(ana.by_srp)[1] == "Password attempts exceeded"
    ana.name, ana.password = "bob", PASSWORD
    tokens(ana.by_password())


# --- what cannot be set up ---


REFUSED: dict[str, tuple[str, str | None, dict[str, str], str]] = {
    "a taken name": ("ana", PASSWORD, {}, "UsernameExistsException"),
    "a taken name in capitals": ("ANA", PASSWORD, {}, "UsernameExistsException"),
    "a weak password": ("bob", "short", {}, "InvalidPasswordException"),
    "no address": ("bob", None, {"email": "nowhere"}, "InvalidParameterException"),
    "no number": ("bob", None, {"phone_number": "12"}, "InvalidParameterException"),
    "no such attribute": ("bob", None, {"custom:x": "1"}, "InvalidParameterException"),
    "an address as a name": ("bob@example.com", None, {}, "InvalidParameterException"),
    "a sub": ("bob", None, {"sub": "x"}, "InvalidParameterException"),
    "a long value": ("bob", None, {"name": "x" * 2049}, "InvalidParameterException"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_a_user_the_service_would_refuse(
    make_pool: Callable[..., CheckedPool], case: tuple[str, str | None, dict[str, str], str]
) -> None:
    pool = make_pool(alias_attributes=["email"])
    pool.add_user("ana", PASSWORD)
    name, password, attributes, code = case
    assert refusal(lambda: pool.add_user(name, password, attributes=attributes))[0] == code
    with pytest.raises(LookupError):
        pool.user("bob")


IMPOSSIBLE: dict[str, Callable[[CheckedPool], Any]] = {
    "an unknown status": lambda pool: pool.add_user("bob", status="HAPPY"),
    "SMS without a number": lambda pool: pool.add_user("bob", mfa=["SMS_MFA"]),
    "TOTP without a secret": lambda pool: pool.add_user("bob", mfa=["SOFTWARE_TOKEN_MFA"]),
    "an unknown factor": lambda pool: pool.add_user("bob", mfa=["PIGEON"]),
    "a preference that is off": lambda pool: pool.add_user(
        "bob", totp=True, preferred_mfa="SMS_MFA"
    ),
    "a short secret": lambda pool: pool.add_user("bob", totp="short"),
    "a secret that is not base32": lambda pool: pool.add_user("bob", totp="!" * 32),
    "a legacy flow": lambda pool: pool.add_client(explicit_auth_flows=["USER_PASSWORD_AUTH"]),
    "rotation beside the refresh flow": lambda pool: pool.add_client(
        rotation=True, explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"]
    ),
    "two clients of one id": lambda pool: (pool.add_client("same"), pool.add_client("same")),
}


@pytest.mark.parametrize("add", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_no_pool_can_have(pool: CheckedPool, add: Callable[[CheckedPool], Any]) -> None:
    with pytest.raises(InvalidArgument):
        add(pool)


@pytest.mark.parametrize(
    "settings",
    [
        {"user_pool_id": "nowhere"},
        {"mfa": "MAYBE"},
        {"mfa": "ON", "mfa_methods": ()},
        {"mfa_methods": ["PIGEON"]},
        {"username_attributes": ["name"]},
        {"username_attributes": "email"},
        {"alias_attributes": ["name"]},
        {"username_attributes": ["email"], "alias_attributes": ["email"]},
        {"required_attributes": ["custom:nothing"]},
        {"device_tracking": "SOMETIMES"},
    ],
    ids=str,
)
def test_a_pool_that_cannot_be(
    make_pool: Callable[..., CheckedPool], settings: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgument):
        make_pool(**settings)


@pytest.mark.parametrize("name", ["ana", "+4912345678", "ana@example.com"])
def test_a_name_must_be_what_the_pool_signs_in_with(
    make_pool: Callable[..., CheckedPool], name: str
) -> None:
    pool = make_pool(username_attributes=["email"])
    if "@" in name:
        assert pool.add_user(name, PASSWORD).attributes["email"] == name
        assert refusal(lambda: pool.add_user(name.upper(), PASSWORD)) == (
            "UsernameExistsException",
            "An account with the given email already exists.",
        )
    else:
        with pytest.raises(InvalidArgument):
            pool.add_user(name, PASSWORD)


def test_a_removed_user_is_nobody(ana: Person, pool: CheckedPool) -> None:
    pool.remove_user("ana")
    assert refusal(ana.by_password)[1] == "Incorrect username or password."
    pool.add_user("ana", PASSWORD)
    tokens(ana.by_password())


def test_history_refuses_old_passwords(
    make_pool: Callable[..., CheckedPool], settle: Settle
) -> None:
    pool = make_pool(password_policy=PasswordPolicy(history_size=2))
    settle(pool)
    pool.set_password("ana", "Passw0rd!2")
    for old in (PASSWORD, "Passw0rd!2"):
        refused = refusal(pool.set_password, "ana", old)
        assert refused[0] == "PasswordHistoryPolicyViolationException"
    pool.set_password("ana", "Passw0rd!3")
    pool.set_password("ana", PASSWORD)
