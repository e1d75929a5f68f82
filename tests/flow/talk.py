"""A server's side of the conversation, as plain replies."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiocognito._redact import Secret
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import Challenge
from aiocognito.flow.context import RequestContext
from aiocognito.flow.flows import Flow, Srp
from aiocognito.flow.machine import AuthFlow
from aiocognito.srp.verifier import ServerHandshake, Verifier
from aiocognito.tokens.devices import RememberedDevice

CLIENT = AppClient.of("eu-west-1_Example01", "client1")
SECRET_CLIENT = AppClient.of("eu-west-1_Example01", "client1", "s3cr3t0123456789012345678")
NOW = datetime(2023, 9, 5, 7, 8, 9, tzinfo=UTC)
NAME = "0b8c4f5e-alice"
PASSWORD = "Correct-Horse-9!"
SESSION = "session-0123456789-abcdefg"
SECRET_BLOCK = base64.b64encode(b"block" * 20).decode()
VERIFIER = Verifier.create("Example01", NAME, PASSWORD, bytes(range(1, 17)))
TOKENS = {"AccessToken": "a.b.c", "IdToken": "d.e.f", "RefreshToken": "g", "ExpiresIn": 3600}


SETUP_SESSION = "setup-session-0123456789"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
GIVEN = Secret(PASSWORD)

DEVICE = RememberedDevice(
    key="eu-west-1_0a1b2c3d-0000-4000-8000-000000000001",
    group_key="-a1b2c3d4",
    password="device-password-of-forty-random-bytes",
)
OTHER_DEVICE = "eu-west-1_ffffffff-0000-4000-8000-000000000002"
DEVICE_VERIFIER = Verifier.create(
    DEVICE.group_key, DEVICE.key, DEVICE.password.reveal(), bytes(range(16, 32))
)


def entropy(count: int) -> bytes:
    return b"\x07" * count


def machine(
    client: AppClient = CLIENT,
    flow: Flow | None = None,
    typed: str = "alice",
    password: Secret | None = GIVEN,
    request: RequestContext | None = None,
    device: RememberedDevice | None = None,
) -> AuthFlow:
    return AuthFlow(
        client,
        username=typed,
        password=password,
        flow=flow or Srp(),
        entropy=entropy,
        request=request or RequestContext(),
        device=device,
    )


def resume(
    challenge: Challenge, client: AppClient = CLIENT, device: RememberedDevice | None = None
) -> AuthFlow:
    return AuthFlow.resume(client, challenge, entropy=entropy, device=device)


def reply(**body: Any) -> Reply:
    return Reply(body=body)


def tokens(**changes: Any) -> Reply:
    return reply(AuthenticationResult={**TOKENS, **changes}, ChallengeParameters={})


def challenge(name: str, session: str | None = SESSION, **parameters: str) -> Reply:
    body: dict[str, Any] = {"ChallengeName": name, "ChallengeParameters": parameters}
    if session is not None:
        body["Session"] = session
    return Reply(body=body)


def select(*names: str) -> Reply:
    asked = challenge("SELECT_CHALLENGE", USERNAME=NAME)
    return Reply(body={**asked.body, "AvailableChallenges": list(names)})


def mfa_setup() -> Reply:
    return challenge("MFA_SETUP", MFAS_CAN_SETUP='["SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]')


def secret_code() -> Reply:
    return reply(SecretCode=TOTP_SECRET, Session=SETUP_SESSION)


def server_half(call: Call, b: int = 12345) -> ServerHandshake:
    sent = call.parameters.get("AuthParameters") or call.parameters["ChallengeResponses"]
    return ServerHandshake(VERIFIER, srp_a=sent["SRP_A"], b=b)


def password_verifier(call: Call, **changes: str | None) -> Reply:
    parameters: dict[str, str | None] = {
        "SALT": VERIFIER.salt_hex,
        "SRP_B": server_half(call).srp_b,
        "SECRET_BLOCK": SECRET_BLOCK,
        "USERNAME": NAME,
        "USER_ID_FOR_SRP": NAME,
        **changes,
    }
    given = {key: value for key, value in parameters.items() if value is not None}
    return challenge("PASSWORD_VERIFIER", session=None, **given)


def proof_is_right(first: Call, second: Call) -> bool:
    responses: Mapping[str, str] = second.parameters["ChallengeResponses"]
    return server_half(first).accepts(
        group="Example01",
        identity=NAME,
        secret_block=base64.b64decode(responses["PASSWORD_CLAIM_SECRET_BLOCK"]),
        timestamp=responses["TIMESTAMP"],
        signature=responses["PASSWORD_CLAIM_SIGNATURE"],
    )


# --- the remembered device --------------------------------------------------------


def device_half(call: Call, b: int = 54321) -> ServerHandshake:
    return ServerHandshake(
        DEVICE_VERIFIER, srp_a=call.parameters["ChallengeResponses"]["SRP_A"], b=b
    )


def device_verifier(call: Call, **changes: str | None) -> Reply:
    parameters: dict[str, str | None] = {
        "SALT": DEVICE_VERIFIER.salt_hex,
        "SRP_B": device_half(call).srp_b,
        "SECRET_BLOCK": SECRET_BLOCK,
        "USERNAME": NAME,
        "DEVICE_KEY": DEVICE.key,
        **changes,
    }
    given = {key: value for key, value in parameters.items() if value is not None}
    return challenge("DEVICE_PASSWORD_VERIFIER", **given)


def device_proof_is_right(first: Call, second: Call) -> bool:
    responses: Mapping[str, str] = second.parameters["ChallengeResponses"]
    return device_half(first).accepts(
        group=DEVICE.group_key,
        identity=DEVICE.key,
        secret_block=base64.b64decode(responses["PASSWORD_CLAIM_SECRET_BLOCK"]),
        timestamp=responses["TIMESTAMP"],
        signature=responses["PASSWORD_CLAIM_SIGNATURE"],
    )
