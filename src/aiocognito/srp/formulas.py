"""The formulas of SRP-6a as Cognito computes them, for the client and the server.

The letters are those of RFC 5054 section 2. H is SHA-256, | joins bytes, PAD is
`encoding.pad`::

    A = g^a                              u = H(PAD(A) | PAD(B))
    B = k*v + g^b                        x = H(PAD(salt) | H(group | identity | ":" | password))
    v = g^x
    S = (B - k*g^x) ^ (a + u*x)          at the client
    S = (A * v^u) ^ b                    at the server
    key       = HKDF-SHA256(salt=PAD(u), ikm=PAD(S), info="Caldera Derived Key"), 16 bytes
    signature = HMAC-SHA256(key, group | identity | secret block | timestamp)

all modulo N where it matters. `group` is the user pool's id after its first underscore
and `identity` the ``USER_ID_FOR_SRP``; for a device they are ``DeviceGroupKey`` and
``DeviceKey``, and the password is the device's. Cognito has no proof by the server (M2):
a sign-in tells the client nothing about who answered.

Nothing is checked here. That is the business of `handshake` and `verifier`.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

from aiocognito.srp.encoding import pad, utf8
from aiocognito.srp.group import N, g, k
from aiocognito.srp.modexp import powmod

__all__ = [
    "claim_signature",
    "client_secret",
    "compute_u",
    "compute_x",
    "hkdf_expand",
    "hkdf_extract",
    "identity_hash",
    "server_public",
    "server_secret",
    "session_key",
]


def identity_hash(group: str, identity: str, password: str) -> bytes:
    """Return H(group | identity | ":" | password), 32 bytes.

    Raises:
        InvalidArgument: One of the three holds half a surrogate pair.
    """
    name = utf8(group, "group") + utf8(identity, "identity")
    return hashlib.sha256(name + b":" + utf8(password, "password")).digest()


def compute_x(salt: int, identity_digest: bytes) -> int:
    """Return the private key x that stands for the password."""
    return int.from_bytes(hashlib.sha256(pad(salt) + identity_digest).digest(), "big")


def compute_u(A: int, B: int) -> int:
    """Return u, which ties the shared secret to both public values."""
    return int.from_bytes(hashlib.sha256(pad(A) + pad(B)).digest(), "big")


def server_public(v: int, b: int) -> int:
    """Return B."""
    return (k * v + powmod(g, b)) % N


def client_secret(*, a: int, B: int, u: int, x: int) -> int:
    """Return S as the client computes it."""
    # Reduced first: the difference is often negative, and long otherwise.
    base = (B - k * powmod(g, x)) % N
    return powmod(base, a + u * x)


def server_secret(*, b: int, A: int, u: int, v: int) -> int:
    """Return S as the server computes it."""
    return powmod(A * powmod(v, u) % N, b)


def session_key(S: int, u: int) -> bytes:
    """Return the 16 bytes that sign the claim."""
    return hkdf_expand(hkdf_extract(salt=pad(u), ikm=pad(S)), b"Caldera Derived Key", 16)


def claim_signature(
    key: bytes, *, group: str, identity: str, secret_block: bytes, timestamp: str
) -> str:
    """Return ``PASSWORD_CLAIM_SIGNATURE``, base64.

    Args:
        key: Of `session_key`.
        group: Joined to the identity without a separator.
        identity: As the server wrote it.
        secret_block: Decoded; the wire carries base64.
        timestamp: Of `encoding.timestamp`.
    """
    name = utf8(group, "group") + utf8(identity, "identity")
    message = name + secret_block + utf8(timestamp, "timestamp")
    return b64encode(hmac.digest(key, message, "sha256")).decode("ascii")


def hkdf_extract(*, salt: bytes, ikm: bytes) -> bytes:
    """Return the pseudorandom key of RFC 5869 section 2.2."""
    return hmac.digest(salt, ikm, "sha256")


def hkdf_expand(prk: bytes, info: bytes, length: int) -> bytes:
    """Return `length` bytes, at most 8,160, as RFC 5869 section 2.3 has it."""
    block = okm = b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        okm += block
    return okm[:length]
