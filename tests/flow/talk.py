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


def entropy(count: int) -> bytes:
    return b"\x07" * count


def machine(
    client: AppClient = CLIENT,
    flow: Flow | None = None,
    typed: str = "alice",
    password: Secret | None = GIVEN,
    request: RequestContext | None = None,
) -> AuthFlow:
    return AuthFlow(
        client,
        username=typed,
        password=password,
        flow=flow or Srp(),
        entropy=entropy,
        request=request or RequestContext(),
    )


def resume(challenge: Challenge, client: AppClient = CLIENT) -> AuthFlow:
    return AuthFlow.resume(client, challenge, entropy=entropy)


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
