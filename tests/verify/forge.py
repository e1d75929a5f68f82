"""Make keys, key sets and tokens: right ones, and every wrong one we can think of."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import anyio
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from aiocognito.transport.base import HttpReply

POOL = "eu-west-1_Ab12Cd34E"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"
NEW_ISSUER = f"https://issuer-cognito-idp.eu-west-1.amazonaws.com/{POOL}"
CLIENT = "1example23456789"
SUB = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
NOW = 1_700_000_000
HOUR = 3600

Part = dict[str, Any] | bytes


def private_key(name: str = "pool") -> rsa.RSAPrivateKey:
    """One key for each name, made once in a run."""
    return _private_key(name)


@cache
def _private_key(_name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def encode_integer(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def jwk(kid: str, /, **changes: Any) -> dict[str, Any]:
    """A key as Cognito publishes it; a change to None leaves the member out."""
    numbers = private_key().public_key().public_numbers()
    entry = {
        "alg": "RS256",
        "e": encode_integer(numbers.e),
        "kid": kid,
        "kty": "RSA",
        "n": encode_integer(numbers.n),
        "use": "sig",
    }
    return without_none(entry | changes)


def key_set(*entries: Any) -> bytes:
    return json.dumps({"keys": list(entries)}).encode()


def access_claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "sub": SUB,
        "cognito:groups": ["admins", "staff"],
        "iss": ISSUER,
        "client_id": CLIENT,
        "origin_jti": "11111111-0000-0000-0000-000000000000",
        "event_id": "22222222-0000-0000-0000-000000000000",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin orders/read",
        "auth_time": NOW,
        "exp": NOW + HOUR,
        "iat": NOW,
        "jti": "33333333-0000-0000-0000-000000000000",
        "username": "ana",
    }
    return without_none(claims | changes)


def id_claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "sub": SUB,
        "email_verified": True,
        "iss": ISSUER,
        "cognito:username": "ana",
        "cognito:groups": ["admins", "staff"],
        "origin_jti": "11111111-0000-0000-0000-000000000000",
        "aud": CLIENT,
        "event_id": "22222222-0000-0000-0000-000000000000",
        "token_use": "id",
        "auth_time": NOW,
        "exp": NOW + HOUR,
        "iat": NOW,
        "jti": "44444444-0000-0000-0000-000000000000",
        "email": "ana@example.com",
    }
    return without_none(claims | changes)


def without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def header(**changes: Any) -> dict[str, Any]:
    return without_none({"kid": "pool-key", "alg": "RS256"} | changes)


def sign(payload: Part, head: Part | None = None, *, key: str = "pool") -> str:
    """Sign with RS256, whatever the header claims; bytes go in as they are."""
    signing_input = unsigned(payload, head)
    signature = private_key(key).sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing_input}.{encode(signature)}"


def unsigned(payload: Part, head: Part | None = None) -> str:
    return f"{encode(_text(header() if head is None else head))}.{encode(_text(payload))}"


def _text(part: Part) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()


class KeyServer:
    """An `HttpClient` that serves a key set and counts how often it was asked.

    Attributes:
        outcome: A key set, an error to raise, or a status and a body.
        gate: Fetches wait for it; open unless a test closes it.
    """

    def __init__(self, outcome: bytes | Exception | tuple[int, bytes] | None = None) -> None:
        self.outcome = key_set(jwk("pool-key")) if outcome is None else outcome
        self.urls: list[str] = []
        self.closed = 0
        self.gate = anyio.Event()
        self.gate.set()
        self.before: Callable[[], None] = lambda: None

    @property
    def fetches(self) -> int:
        return len(self.urls)

    def close_gate(self) -> None:
        self.gate = anyio.Event()

    async def get(self, url: str) -> HttpReply:
        self.urls.append(url)
        self.before()
        await self.gate.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        status, body = self.outcome if isinstance(self.outcome, tuple) else (200, self.outcome)
        return HttpReply(status=status, headers={}, body=body)

    async def aclose(self) -> None:
        self.closed += 1


class Clock:
    """Both clocks in the test's hand."""

    def __init__(self) -> None:
        self.boot_seconds = 1000.0
        self.wall_seconds = float(NOW)

    def boot(self) -> float:
        return self.boot_seconds

    def wall(self) -> float:
        return self.wall_seconds

    def advance(self, seconds: float) -> None:
        self.boot_seconds += seconds
        self.wall_seconds += seconds
