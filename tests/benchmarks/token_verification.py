"""What checking a token costs, beside the bare signature check and other libraries.

    python tests/benchmarks/token_verification.py [rounds]

CPU time of this process in microseconds, the least and the median of many rounds. Every
round runs every contender some hundred times in turn, so that a busy machine disturbs
everybody. All of them check the same token with the same 2048-bit key: signature,
issuer, client and expiry. ``bare`` is one call of cryptography's ``verify`` and nothing
else: what no checker can be faster than. PyJWT, joserfc and authlib take part where they
can be imported; each gets its key ready-made, and the checks it has are switched on.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import importlib.metadata
import json
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from aiocognito import TokenVerifier
from aiocognito.transport.base import HttpReply

IN_A_ROW = 200
POOL, CLIENT, KID = "eu-west-1_Ab12Cd34E", "1example23456789", "A" * 43 + "="
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"
UUID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

Contender = Callable[[], Awaitable[object] | object]


class Fixture:
    """A key, its set, and one token of each kind with the claims Cognito sends."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public = self.private.public_key()
        now = int(time.time())
        shared = {
            "sub": UUID,
            "iss": ISSUER,
            "cognito:groups": ["admins"],
            "origin_jti": UUID,
            "event_id": UUID,
            "auth_time": now,
            "exp": now + 3600,
            "iat": now,
            "jti": UUID,
        }
        self.access = self.sign(
            shared
            | {
                "token_use": "access",
                "client_id": CLIENT,
                "scope": "aws.cognito.signin.user.admin",
                "username": "ana",
            }
        )
        self.id = self.sign(
            shared
            | {
                "token_use": "id",
                "aud": CLIENT,
                "cognito:username": "ana",
                "email": "ana@example.com",
                "email_verified": True,
            }
        )

    def sign(self, claims: dict[str, Any]) -> str:
        head = {"kid": KID, "alg": "RS256"}
        text = f"{_encode(_json(head))}.{_encode(_json(claims))}"
        signature = self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_encode(signature)}"

    def jwk(self) -> dict[str, str]:
        n = self.public.public_numbers().n.to_bytes(256, "big")
        return {
            "alg": "RS256",
            "e": "AQAB",
            "kid": KID,
            "kty": "RSA",
            "n": _encode(n),
            "use": "sig",
        }

    async def get(self, url: str) -> HttpReply:
        return HttpReply(status=200, headers={}, body=_json({"keys": [self.jwk()]}))

    async def aclose(self) -> None:
        """Nothing is open."""


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bare(fixture: Fixture, token: str) -> Contender:
    text, _, signature = token.rpartition(".")
    data, raw = text.encode(), base64.urlsafe_b64decode(signature + "==")
    rule, digest, verify = padding.PKCS1v15(), hashes.SHA256(), fixture.public.verify
    return lambda: verify(raw, data, rule, digest)


def ours(fixture: Fixture) -> dict[str, Contender]:
    plain = TokenVerifier(POOL, CLIENT, http=fixture)
    remembering = TokenVerifier(POOL, CLIENT, http=fixture, cache_size=16)
    return {
        "bare, access token": bare(fixture, fixture.access),
        "ours, access token": lambda: plain.verify_access_token(fixture.access),
        "bare, ID token": bare(fixture, fixture.id),
        "ours, ID token": lambda: plain.verify_id_token(fixture.id),
        "ours, ID token seen before": lambda: remembering.verify_id_token(fixture.id),
    }


# --- others, with an ID token: they know the claim `aud` -------------------------------


def pyjwt(fixture: Fixture) -> Contender:
    jwt = importlib.import_module("jwt")
    return lambda: jwt.decode(
        fixture.id, fixture.public, algorithms=["RS256"], audience=CLIENT, issuer=ISSUER
    )


def pyjwt_from_set(fixture: Fixture) -> Contender:
    jwt = importlib.import_module("jwt")
    keys = jwt.PyJWKSet.from_dict({"keys": [fixture.jwk()]})

    def run() -> object:
        key = keys[jwt.get_unverified_header(fixture.id)["kid"]]
        return jwt.decode(fixture.id, key, algorithms=["RS256"], audience=CLIENT, issuer=ISSUER)

    return run


def joserfc(fixture: Fixture) -> Contender:
    jwt = importlib.import_module("joserfc.jwt")
    key = importlib.import_module("joserfc.jwk").RSAKey.import_key(fixture.jwk())
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": CLIENT}
    )

    def run() -> object:
        token = jwt.decode(fixture.id, key, algorithms=["RS256"])
        registry.validate(token.claims)
        return token.claims

    return run


def authlib(fixture: Fixture) -> Contender:
    jose = importlib.import_module("authlib.jose")
    key = jose.JsonWebKey.import_key(fixture.jwk())
    jwt = jose.JsonWebToken(["RS256"])
    options = {
        "iss": {"essential": True, "value": ISSUER},
        "aud": {"essential": True, "value": CLIENT},
    }

    def run() -> object:
        claims = jwt.decode(fixture.id, key, claims_options=options)
        claims.validate()
        return claims

    return run


OTHERS: dict[str, tuple[str, Callable[[Fixture], Contender]]] = {
    "PyJWT": ("PyJWT", pyjwt),
    "PyJWT, key from a set": ("PyJWT", pyjwt_from_set),
    "joserfc": ("joserfc", joserfc),
    "authlib": ("Authlib", authlib),
}


def others(fixture: Fixture) -> dict[str, Contender]:
    table: dict[str, Contender] = {}
    for name, (distribution, make) in OTHERS.items():
        try:
            version = importlib.metadata.version(distribution)
            table[f"{name} ({version})"] = make(fixture)
        except ImportError:
            print(f"not installed: {distribution}")
    return table


# --- measuring --------------------------------------------------------------------------


async def measure(contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            started = time.process_time_ns()
            if name.startswith("ours"):
                for _ in range(IN_A_ROW):
                    await contender()  # type: ignore[misc]
            else:
                for _ in range(IN_A_ROW):
                    contender()  # type: ignore[unused-awaitable]
            spent = time.process_time_ns() - started
            if number:  # the first round loads modules and fetches keys
                times[name].append(spent / 1e3 / IN_A_ROW)
    return times


def report(times: dict[str, list[float]]) -> None:
    print(f"{'':36}{'least':>10}{'median':>10}{'x bare':>9}")
    for name, spent in times.items():
        base = times["bare, access token" if "access" in name else "bare, ID token"]
        least, median = min(spent), statistics.median(spent)
        print(f"{name:36}{least:10.1f}{median:10.1f}{least / min(base):9.2f}")


def main(rounds: int = 200) -> dict[str, list[float]]:
    """Print everything; return the microseconds by contender."""
    fixture = Fixture()
    contenders = ours(fixture) | others(fixture)
    print(f"{platform.python_implementation()} {platform.python_version()},", end=" ")
    print(f"cryptography {importlib.metadata.version('cryptography')},", end=" ")
    print(f"{rounds} rounds; CPU microseconds for one check")
    times = asyncio.run(measure(contenders, rounds))
    report(times)
    return times


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
