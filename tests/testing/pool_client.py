"""A client written for the tests of the local pool, from the papers, sharing no code.

If it used `aiocognito.srp`, a padding mistake would be made on both sides and cancel.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.clock import ManualClock
from aiocognito.testing.service_errors import PoolError
from tests.testing.model_check import CheckedPool

POOL_ID = "eu-west-1_Ab12Cd34E"
PASSWORD = "Passw0rd!"
EVERY_FLOW = (
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_USER_AUTH",
)

# RFC 3526 section 4: 2^3072 - 2^3008 - 1 + 2^64 * ([2^2942 pi] + 1690314), in hex.
N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879"
    "8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B"
    "0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA4836"
    "1C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804"
    "F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6"
    "955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64"
    "ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D226"
    "1AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2"
    "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
g = 2


def _pad(number: int) -> bytes:
    digits = f"{number:x}"
    digits = digits if len(digits) % 2 == 0 else "0" + digits
    return bytes.fromhex(digits if digits[0] in "01234567" else "00" + digits)


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


class SrpClient:
    """One exchange."""

    def __init__(self, a: int | None = None) -> None:
        self.a = a if a is not None else secrets.randbits(256) | 1
        self.A = pow(g, self.a, N)

    def signature(
        self, challenge: Mapping[str, str], password: str, timestamp: str, *, group: str
    ) -> str:
        user = challenge["USER_ID_FOR_SRP"]
        B, salt = int(challenge["SRP_B"], 16), int(challenge["SALT"], 16)
        u = _hash(_pad(self.A), _pad(B))
        inner = hashlib.sha256(f"{group}{user}:{password}".encode()).digest()
        x = _hash(_pad(salt), inner)
        k = _hash(_pad(N), _pad(g))
        S = pow((B - k * pow(g, x, N)) % N, self.a + u * x, N)
        prk = hmac.digest(_pad(u), _pad(S), "sha256")
        key = hmac.digest(prk, b"Caldera Derived Key\x01", "sha256")[:16]
        block = base64.b64decode(challenge["SECRET_BLOCK"])
        message = f"{group}{user}".encode() + block + timestamp.encode()
        return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


class Person:
    """Somebody at a client of a pool, who signs in."""

    def __init__(
        self, pool: CheckedPool, client: LocalClient, clock: ManualClock, name: str, password: str
    ) -> None:
        self.pool, self.client, self.clock = pool, client, clock
        self.name, self.password = name, password

    # --- the calls ---

    def initiate(self, flow: str, **parameters: str) -> dict[str, Any]:
        parameters.setdefault("USERNAME", self.name)
        self._sign(parameters)
        return self._call("InitiateAuth", AuthFlow=flow, AuthParameters=parameters)

    def respond(self, name: str, session: str | None = None, **answers: str) -> dict[str, Any]:
        answers.setdefault("USERNAME", self.name)
        self._sign(answers)
        members = {} if session is None else {"Session": session}
        return self._call(
            "RespondToAuthChallenge", ChallengeName=name, ChallengeResponses=answers, **members
        )

    def answer(self, challenge: Mapping[str, Any], **answers: str) -> dict[str, Any]:
        return self.respond(challenge["ChallengeName"], challenge.get("Session"), **answers)

    def _call(self, operation: str, **members: Any) -> dict[str, Any]:
        return self.pool.handle(operation, {"ClientId": self.client.client_id, **members})

    def _sign(self, parameters: dict[str, str]) -> None:
        if self.client.client_secret is not None:
            parameters.setdefault("SECRET_HASH", secret_hash(self.client, parameters["USERNAME"]))

    # --- whole flows ---

    def by_password(self) -> dict[str, Any]:
        return self.initiate("USER_PASSWORD_AUTH", PASSWORD=self.password)

    def claim(
        self,
        *,
        a: int | None = None,
        password: str | None = None,
        timestamp: str | None = None,
    ) -> dict[str, str]:
        """Open an SRP exchange and return the answers of its claim, not sent yet."""
        srp = SrpClient(a)
        opened = self.initiate("USER_SRP_AUTH", SRP_A=f"{srp.A:x}")
        assert opened["ChallengeName"] == "PASSWORD_VERIFIER"
        challenge = opened["ChallengeParameters"]
        timestamp = timestamp if timestamp is not None else now(self.clock)
        group = self.pool.user_pool_id.split("_", 1)[1]
        signature = srp.signature(challenge, password or self.password, timestamp, group=group)
        return {
            "USERNAME": challenge["USERNAME"],
            "PASSWORD_CLAIM_SECRET_BLOCK": challenge["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": signature,
            "TIMESTAMP": timestamp,
        }

    def by_srp(self, **changes: Any) -> dict[str, Any]:
        return self.respond("PASSWORD_VERIFIER", **self.claim(**changes))

    def refresh(self, token: str, **members: str) -> dict[str, Any]:
        if self.client.client_secret is not None:
            members.setdefault("ClientSecret", self.client.client_secret)
        answer = self._call("GetTokensFromRefreshToken", RefreshToken=token, **members)
        return dict(answer["AuthenticationResult"])


def refusal(call: Callable[..., Any], *args: Any, **members: Any) -> tuple[str, str]:
    """Return code and text of the error that a call must end with."""
    with pytest.raises(PoolError) as error:
        call(*args, **members)
    return error.value.code, error.value.message


def tokens(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tokens of an answer that must have some."""
    assert "ChallengeName" not in answer, answer["ChallengeName"]
    return dict(answer["AuthenticationResult"])


def secret_hash(client: LocalClient, username: str) -> str:
    assert client.client_secret is not None
    message = (username + client.client_id).encode()
    return base64.b64encode(hmac.digest(client.client_secret.encode(), message, "sha256")).decode()


def now(clock: ManualClock, *, off: float = 0.0) -> str:
    """Write the time as a client does, without asking the code under test."""
    moment = datetime.fromtimestamp(clock.wall() + off, UTC)
    return re.sub(r" 0(\d) ", r" \1 ", moment.strftime("%a %b %d %H:%M:%S UTC %Y"))


def claims(token: str) -> dict[str, Any]:
    """Read a JWT's claims without any check."""
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
