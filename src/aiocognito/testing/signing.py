"""The pool's two signing keys, and RS256 with them (RFC 7515, RFC 7518 §3.3).

ID and access tokens are signed with different keys, as on the real service.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aiocognito.errors import TokenKeyUnknown, TokenMalformed, TokenSignatureInvalid

__all__ = ["SigningKey", "SigningKeys", "keys_of"]

_BITS = 2048
_MAKING = threading.Lock()


@frozen(eq=False)
class SigningKey:
    """One RSA key.

    Attributes:
        kid: Its name: 44 characters of padded base64.
    """

    private: rsa.RSAPrivateKey = field(repr=False)
    kid: str = field(init=False)

    @kid.default
    def _name(self) -> str:
        public = self.private.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(der).digest()).decode("ascii")

    @classmethod
    def generate(cls) -> SigningKey:
        """Make a new 2048-bit key; OpenSSL draws the randomness itself."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=_BITS))

    def sign(self, claims: Mapping[str, Any], *, header: Mapping[str, Any] | None = None) -> str:
        """Return a compact JWS. `header` replaces the usual ``{"kid", "alg"}``."""
        head = _part(header if header is not None else {"kid": self.kid, "alg": "RS256"})
        signed = f"{head}.{_part(claims)}"
        signature = self.private.sign(signed.encode("ascii"), padding.PKCS1v15(), SHA256())
        return f"{signed}.{_base64url(signature)}"

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Say whether this key made the signature."""
        try:
            self.private.public_key().verify(signature, text, padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    def jwk(self) -> dict[str, str]:
        """Return the public half as the key set shows it (RFC 7517)."""
        numbers = self.private.public_key().public_numbers()
        return {
            "alg": "RS256",
            "e": _base64url(_octets(numbers.e)),
            "kid": self.kid,
            "kty": "RSA",
            "n": _base64url(_octets(numbers.n)),
            "use": "sig",
        }


@frozen(kw_only=True, eq=False)
class SigningKeys:
    """The key for ID tokens and the key for access tokens."""

    id: SigningKey
    access: SigningKey

    @classmethod
    def generate(cls) -> SigningKeys:
        """Make two new keys, which takes a noticeable while."""
        return cls(id=SigningKey.generate(), access=SigningKey.generate())

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the key set (RFC 7517)."""
        return {"keys": [self.id.jwk(), self.access.jwk()]}

    def open(self, token: str) -> dict[str, Any]:
        """Check the signature of a token of this pool and return its claims.

        Nothing but the signature is checked. Only what `SigningKey.sign` writes gets
        through: the header must be to the letter that of one of the two keys, which
        settles algorithm, key and every header trick at once.

        Raises:
            TokenMalformed, TokenKeyUnknown, TokenSignatureInvalid
        """
        parts = token.split(".")
        if len(parts) != 3 or not token.isascii():
            raise TokenMalformed("it is not three parts of base64url")
        head, payload, signature = parts
        for key in (self.id, self.access):
            if head == _part({"kid": key.kid, "alg": "RS256"}):
                break
        else:
            raise TokenKeyUnknown(claim="kid")
        if not key.signed(f"{head}.{payload}".encode(), _unbase64url(signature)):
            raise TokenSignatureInvalid()
        claims: dict[str, Any] = json.loads(_unbase64url(payload))
        return claims


def keys_of(user_pool_id: str) -> SigningKeys:
    """Return the keys of a pool, made at first use and kept for the process.

    Pools of the same id share keys: tests make many pools, and making two keys
    takes longer than most tests.
    """
    with _MAKING:
        return _keys_of(user_pool_id)


@lru_cache(maxsize=64)
def _keys_of(user_pool_id: str) -> SigningKeys:
    return SigningKeys.generate()


def unverified_claims(token: str) -> dict[str, Any]:
    """Return what a token says of itself, or nothing; proves nothing."""
    parts = token.split(".")
    try:
        claims = json.loads(_unbase64url(parts[1])) if len(parts) == 3 else {}
    except (ValueError, RecursionError, TokenMalformed):
        return {}
    return claims if isinstance(claims, dict) else {}


def _part(value: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode("utf-8"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _unbase64url(text: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise TokenMalformed("a part is not base64url") from None
    if _base64url(raw) != text:  # one spelling only
        raise TokenMalformed("a part is not canonical base64url")
    return raw


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
