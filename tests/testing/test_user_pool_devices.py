"""Devices in the local pool: confirmed, remembered, proven, forgotten.

The client here computes its verifier and its proof by itself, from the papers.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from aiocognito.testing.clock import ManualClock
from tests.testing.conftest import Settle
from tests.testing.model_check import CheckedPool
from tests.testing.pool_client import (
    PASSWORD,
    POOL_ID,
    N,
    Person,
    SrpClient,
    _hash,
    _pad,
    claims,
    g,
    now,
    refusal,
    tokens,
)

MakePool = Callable[..., CheckedPool]
GONE = ("ResourceNotFoundException", "Device does not exist.")
WRONG = ("NotAuthorizedException", "Incorrect username or password.")
SALT = int.from_bytes(bytes(range(200, 216)), "big")


class Device:
    """What a client keeps of a device, and does with it."""

    def __init__(self, person: Person, result: Mapping[str, Any]) -> None:
        offered = result["NewDeviceMetadata"]
        self.person, self.access = person, result["AccessToken"]
        self.key, self.group = offered["DeviceKey"], offered["DeviceGroupKey"]
        self.password = "device-password"

    @property
    def config(self) -> dict[str, str]:
        inner = hashlib.sha256(f"{self.group}{self.key}:{self.password}".encode()).digest()
        v = pow(g, _hash(_pad(SALT), inner), N)
        texts = {"Salt": _pad(SALT), "PasswordVerifier": _pad(v)}
        return {name: base64.b64encode(text).decode() for name, text in texts.items()}

    def confirm(self, **members: Any) -> dict[str, Any]:
        return self.ask("ConfirmDevice", DeviceSecretVerifierConfig=self.config, **members)

    def ask(self, operation: str, **members: Any) -> dict[str, Any]:
        token = {} if operation.startswith("Admin") else {"AccessToken": self.access}
        member = {} if operation.endswith("ListDevices") else {"DeviceKey": self.key}
        return self.person.pool.handle(operation, {**token, **member, **members})

    def sign_in(self, **answers: str) -> dict[str, Any]:
        """Sign in with SRP, naming the device at the proof alone, as Amplify does."""
        proof = self.person.claim()
        return self.person.respond("PASSWORD_VERIFIER", **proof, DEVICE_KEY=self.key, **answers)

    def open(self, asked: Mapping[str, Any]) -> tuple[SrpClient, dict[str, Any]]:
        srp = SrpClient()
        return srp, self.person.answer(asked, SRP_A=f"{srp.A:x}", DEVICE_KEY=self.key)

    def claim(self, srp: SrpClient, opened: Mapping[str, Any]) -> dict[str, str]:
        parameters = {**opened["ChallengeParameters"], "USER_ID_FOR_SRP": self.key}
        stamp = now(self.person.clock)
        return {
            "DEVICE_KEY": self.key,
            "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": srp.signature(
                parameters, self.password, stamp, group=self.group
            ),
            "TIMESTAMP": stamp,
        }

    def prove(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        assert asked["ChallengeName"] == "DEVICE_SRP_AUTH"
        srp, opened = self.open(asked)
        assert opened["ChallengeName"] == "DEVICE_PASSWORD_VERIFIER"
        return self.person.answer(opened, **self.claim(srp, opened))


@pytest.fixture
def ana(make_pool: MakePool, settle: Settle) -> Person:
    return settle(make_pool(device_tracking="ALWAYS"), totp=True)


def first_device(person: Person) -> Device:
    """Sign in with a code and take what is offered."""
    asked = person.by_srp()
    if "ChallengeName" not in asked:
        return Device(person, tokens(asked))
    code = person.pool.totp_code(person.name, unused=True)
    return Device(person, tokens(person.answer(asked, SOFTWARE_TOKEN_MFA_CODE=code)))


@pytest.fixture
def device(ana: Person) -> Device:
    device = first_device(ana)
    assert device.confirm(DeviceName="laptop") == {"UserConfirmationNecessary": False}
    return device


# --- signing in ---


def test_a_remembered_device_stands_in_for_the_code(device: Device) -> None:
    result = tokens(device.prove(device.sign_in()))
    assert "NewDeviceMetadata" not in result
    assert claims(result["AccessToken"])["device_key"] == device.key


def test_it_may_be_named_by_the_first_call(device: Device) -> None:
    ana = device.person
    asked = ana.initiate("USER_PASSWORD_AUTH", PASSWORD=PASSWORD, DEVICE_KEY=device.key)
    tokens(device.prove(asked))
    # With SRP the proof of the password need not name it again.
    srp = SrpClient()
    opened = ana.initiate("USER_SRP_AUTH", SRP_A=f"{srp.A:x}", DEVICE_KEY=device.key)
    parameters, stamp = opened["ChallengeParameters"], now(ana.clock)
    signature = srp.signature(parameters, PASSWORD, stamp, group=POOL_ID.split("_")[1])
    asked = ana.respond(
        "PASSWORD_VERIFIER",
        PASSWORD_CLAIM_SECRET_BLOCK=parameters["SECRET_BLOCK"],
        PASSWORD_CLAIM_SIGNATURE=signature,
        TIMESTAMP=stamp,
    )
    tokens(device.prove(asked))


def test_without_it_the_code_is_asked_for_and_another_device_offered(device: Device) -> None:
    assert first_device(device.person).key != device.key


def test_it_proves_itself_where_no_code_would_be_asked_for(
    make_pool: MakePool, settle: Settle
) -> None:
    ben = settle(make_pool(device_tracking="ALWAYS"), "ben")
    device = first_device(ben)
    device.confirm()
    tokens(device.prove(device.sign_in()))


@pytest.mark.parametrize(
    "settings",
    [{"device_tracking": "OPT_IN"}, {"device_tracking": "ALWAYS", "device_replaces_mfa": False}],
    ids=["not remembered", "not in place of MFA"],
)
def test_it_may_be_asked_for_after_the_code(
    make_pool: MakePool, settle: Settle, settings: dict[str, Any]
) -> None:
    ana = settle(make_pool(**settings), totp=True)
    device = first_device(ana)
    device.confirm()
    asked = device.sign_in()
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    ana.clock.advance(60)
    code = ana.pool.totp_code(ana.name, unused=True)
    tokens(device.prove(ana.answer(asked, SOFTWARE_TOKEN_MFA_CODE=code)))


def test_a_new_password_comes_before_the_device(device: Device) -> None:
    ana = device.person
    ana.pool.set_password(ana.name, PASSWORD, temporary=True)
    asked = device.sign_in()
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    tokens(device.prove(ana.answer(asked, NEW_PASSWORD="An0ther!one")))


def test_it_is_asked_for_after_a_custom_challenge(make_pool: MakePool, settle: Settle) -> None:
    def define(event: dict[str, Any]) -> dict[str, Any]:
        rounds = event["request"]["session"]
        event["response"]["issueTokens"] = bool(rounds)
        event["response"]["challengeName"] = "CUSTOM_CHALLENGE"
        return event

    def verify(event: dict[str, Any]) -> dict[str, Any]:
        event["response"]["answerCorrect"] = True
        return event

    triggers = {
        "DefineAuthChallenge": define,
        "CreateAuthChallenge": lambda event: event,
        "VerifyAuthChallengeResponse": verify,
    }
    ana = settle(make_pool(device_tracking="ALWAYS", triggers=triggers))
    device = first_device(ana)
    device.confirm()
    asked = ana.initiate("CUSTOM_AUTH", DEVICE_KEY=device.key)
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    tokens(device.prove(ana.answer(asked, ANSWER="42")))


def test_an_authenticator_set_up_on_the_way_does_not_lose_the_device(
    make_pool: MakePool, settle: Settle
) -> None:
    pool = make_pool(
        device_tracking="OPT_IN", mfa="ON", mfa_methods=["SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]
    )
    ana = settle(
        pool, attributes={"email": "a@example.com", "email_verified": True}, mfa=["EMAIL_OTP"]
    )
    asked = ana.by_srp()
    device = Device(ana, tokens(ana.answer(asked, EMAIL_OTP_CODE=pool.outbox[-1].code)))
    device.confirm()
    pool.user("ana").mfa.clear()
    asked = device.sign_in()
    assert asked["ChallengeName"] == "MFA_SETUP"
    pending = pool.handle("AssociateSoftwareToken", {"Session": asked["Session"]})
    token = pool.user("ana").pending_token
    assert token is not None
    code = token.unused_code(ana.clock.wall())
    verified = pool.handle("VerifySoftwareToken", {"Session": pending["Session"], "UserCode": code})
    asked = ana.respond("MFA_SETUP", verified["Session"])
    tokens(device.prove(asked))


def test_the_answers_of_pycognito_name_no_session(device: Device) -> None:
    asked = device.sign_in()
    del asked["Session"]
    srp, opened = device.open(asked)
    del opened["Session"]
    tokens(device.person.answer(opened, **device.claim(srp, opened)))


def test_without_a_session_somebody_must_have_been_asked(device: Device) -> None:
    missing = ("InvalidParameterException", "Missing required parameter Session")
    for name in ("DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"):
        answers = {"SRP_A": "5", "DEVICE_KEY": device.key}
        assert refusal(lambda n=name, a=answers: device.person.respond(n, **a)) == missing


# --- proofs that are not good ---


def test_a_wrong_proof_is_a_wrong_password(device: Device) -> None:
    device.password = "another"
    assert refusal(device.prove, device.sign_in()) == WRONG


def test_a_proof_is_weighed_once(device: Device) -> None:
    srp, opened = device.open(device.sign_in())
    right = device.claim(srp, opened)
    wrong = {**right, "PASSWORD_CLAIM_SIGNATURE": "AAAA"}
    assert refusal(lambda: device.person.answer(opened, **wrong)) == WRONG
    assert refusal(lambda: device.person.answer(opened, **right)) == WRONG


def test_a_proof_of_another_time_is_wrong(device: Device, clock: ManualClock) -> None:
    srp, opened = device.open(device.sign_in())
    answers = device.claim(srp, opened)
    unreadable = {**answers, "TIMESTAMP": "yesterday"}
    assert refusal(lambda: device.person.answer(opened, **unreadable))[0] == (
        "InvalidParameterException"
    )
    device.person.pool._state.srp.tolerance = 0
    clock.advance(2)
    assert refusal(lambda: device.person.answer(opened, **answers)) == WRONG


def test_another_devices_proof_does_not_count(device: Device) -> None:
    other = first_device(device.person)
    other.confirm()
    srp, opened = device.open(device.sign_in())
    theirs = other.open(other.sign_in())
    stolen = {**device.claim(srp, opened), **other.claim(*theirs), "DEVICE_KEY": device.key}
    assert refusal(lambda: device.person.answer(opened, **stolen)) == WRONG
    swapped = {"SRP_A": "5", "DEVICE_KEY": other.key}
    asked = device.sign_in()
    assert refusal(lambda: device.person.answer(asked, **swapped)) == GONE


@pytest.mark.parametrize("srp_a", ["0", "xyz", f"{N:x}"])
def test_an_impossible_a_is_refused(device: Device, srp_a: str) -> None:
    asked = device.sign_in()
    refused = refusal(lambda: device.person.answer(asked, SRP_A=srp_a, DEVICE_KEY=device.key))
    assert refused[0] == "InvalidParameterException"


def test_a_device_forgotten_on_the_way_is_gone(device: Device) -> None:
    asked = device.sign_in()
    srp, opened = device.open(device.sign_in())
    answers = device.claim(srp, opened)
    device.ask("ForgetDevice")
    assert refusal(device.open, asked) == GONE
    assert refusal(lambda: device.person.answer(opened, **answers)) == GONE
    nameless = {name: text for name, text in answers.items() if name != "DEVICE_KEY"}
    assert refusal(lambda: device.person.answer(opened, **nameless)) == GONE


def test_an_unconfirmed_device_and_somebody_elses_do_not_exist(
    device: Device, settle: Settle
) -> None:
    offered = first_device(device.person)
    assert refusal(offered.sign_in) == GONE
    ben = settle(device.person.pool, "ben")
    refused = refusal(
        lambda: ben.initiate("USER_PASSWORD_AUTH", PASSWORD=PASSWORD, DEVICE_KEY=device.key)
    )
    assert refused == GONE
    nobody = {"USERNAME": "nobody", "PASSWORD": PASSWORD, "DEVICE_KEY": device.key}
    assert refusal(lambda: ben.initiate("USER_PASSWORD_AUTH", **nobody)) == GONE


# --- confirming ---


def test_a_device_is_confirmed_once(device: Device) -> None:
    assert refusal(device.confirm)[0] == "DeviceKeyExistsException"


def test_only_the_device_of_the_sign_in_is_confirmed(ana: Person) -> None:
    device, other = first_device(ana), first_device(ana)
    device.access = other.access
    assert refusal(device.confirm) == GONE


@pytest.mark.parametrize(
    "config",
    [{}, {"Salt": "AA=="}, {"Salt": "AA==", "PasswordVerifier": "AA=="}, {"PasswordVerifier": "!"}],
    ids=str,
)
def test_a_verifier_that_is_none_is_refused(ana: Person, config: dict[str, str]) -> None:
    device = first_device(ana)
    refused = refusal(lambda: device.ask("ConfirmDevice", DeviceSecretVerifierConfig=config))
    assert refused[0] == "InvalidParameterException"


def test_opting_in_takes_another_call(make_pool: MakePool, settle: Settle) -> None:
    ana = settle(make_pool(device_tracking="OPT_IN"), totp=True)
    device = first_device(ana)
    assert device.confirm() == {"UserConfirmationNecessary": True}
    assert device.sign_in()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    device.ask("UpdateDeviceStatus", DeviceRememberedStatus="remembered")
    tokens(device.prove(device.sign_in()))
    device.ask("UpdateDeviceStatus", DeviceRememberedStatus="not_remembered")
    assert device.sign_in()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("ConfirmDevice", {}),
        ("GetDevice", {}),
        ("ListDevices", {}),
        ("UpdateDeviceStatus", {}),
        ("ForgetDevice", {}),
        ("AdminListDevices", {"UserPoolId": POOL_ID, "Username": "ana"}),
    ],
)
def test_a_pool_without_tracking_has_no_devices(
    device: Device, make_pool: MakePool, settle: Settle, operation: str, members: dict[str, str]
) -> None:
    ana = settle(make_pool())
    device.person, device.access = ana, tokens(ana.by_password())["AccessToken"]
    assert refusal(lambda: device.ask(operation, **members))[0] == (
        "InvalidUserPoolConfigurationException"
    )


# --- looking, forgetting ---

ADMIN = {"UserPoolId": POOL_ID, "Username": "ana"}


@pytest.mark.parametrize("prefix", ["", "Admin"])
def test_devices_are_shown(device: Device, clock: ManualClock, prefix: str) -> None:
    members = ADMIN if prefix else {}
    clock.advance(60)
    tokens(device.prove(device.sign_in()))
    shown = device.ask(f"{prefix}GetDevice", **members)["Device"]
    attributes = {pair["Name"]: pair["Value"] for pair in shown["DeviceAttributes"]}
    assert shown["DeviceKey"] == device.key
    owner = f"ana.{POOL_ID}"
    assert attributes == {
        "device_status": "valid",
        "device_name": "laptop",
        "dev:device_arn": f"arn:aws:cognito-idp:{POOL_ID.partition('_')[0]}:000000000000"
        f":owner/{owner}/device/{device.key}",
        "dev:device_owner": owner,
        "last_ip_used": "127.0.0.1",
        "dev:device_remembered_status": "remembered",
        "dev:device_sdk": "aws-sdk",
    }
    assert shown["DeviceLastAuthenticatedDate"] == shown["DeviceCreateDate"] + 60
    assert device.ask(f"{prefix}ListDevices", **members) == {"Devices": [shown]}


def test_devices_are_listed_page_by_page(device: Device) -> None:
    keys = {device.key}
    for _ in range(2):
        other = first_device(device.person)
        other.confirm()
        keys.add(other.key)
    seen: list[str] = []
    more: dict[str, str] = {}
    for _ in range(3):
        answer = device.ask("ListDevices", Limit=1, **more)
        seen += [entry["DeviceKey"] for entry in answer["Devices"]]
        more = {name: answer[name] for name in ("PaginationToken",) if name in answer}
    assert sorted(seen) == sorted(keys)
    assert more == {}


@pytest.mark.parametrize("prefix", ["", "Admin"])
def test_a_forgotten_device_is_gone_with_its_refresh_tokens(device: Device, prefix: str) -> None:
    members = ADMIN if prefix else {}
    on_it = tokens(device.prove(device.sign_in()))["RefreshToken"]
    device.person.refresh(on_it, DeviceKey=device.key)
    other = first_device(device.person)
    device.ask(f"{prefix}ForgetDevice", **members)
    invalid = ("NotAuthorizedException", "Invalid Refresh Token")
    assert refusal(lambda: device.person.refresh(on_it, DeviceKey=device.key)) == invalid
    assert refusal(lambda: device.ask(f"{prefix}GetDevice", **members)) == GONE
    other.confirm()


def test_administrators_say_what_is_remembered(device: Device) -> None:
    asked = {**ADMIN, "DeviceRememberedStatus": "not_remembered"}
    device.ask("AdminUpdateDeviceStatus", **asked)
    assert device.sign_in()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    device.ask("AdminUpdateDeviceStatus", **ADMIN)  # says nothing, changes nothing
    assert device.person.pool.user("ana").devices[device.key].remembered is False


def test_a_refresh_names_its_device(device: Device) -> None:
    ana = device.person
    result = tokens(device.prove(device.sign_in()))
    invalid = ("NotAuthorizedException", "Invalid Refresh Token")
    assert refusal(ana.refresh, result["RefreshToken"]) == invalid
    again = ana.refresh(result["RefreshToken"], DeviceKey=device.key)
    assert claims(again["AccessToken"])["device_key"] == device.key


@pytest.mark.parametrize("operation", ["GetDevice", "ForgetDevice"])
def test_the_token_that_the_model_leaves_out_is_needed(device: Device, operation: str) -> None:
    refused = refusal(device.person.pool.handle, operation, {"DeviceKey": device.key})
    assert refused == ("NotAuthorizedException", "Invalid Access Token")


def test_a_calls_device_does_not_stick_to_the_next_call(device: Device) -> None:
    device.sign_in()
    assert device.person.by_srp()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


@pytest.mark.parametrize("replaces", [True, False])
def test_the_pool_says_what_a_device_does(make_pool: MakePool, *, replaces: bool) -> None:
    pool = make_pool(device_tracking="OPT_IN", device_replaces_mfa=replaces)
    assert pool.describe_user_pool()["UserPool"]["DeviceConfiguration"] == {
        "ChallengeRequiredOnNewDevice": replaces,
        "DeviceOnlyRememberedOnUserPrompt": True,
    }
