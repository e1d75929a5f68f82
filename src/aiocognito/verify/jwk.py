"""A pool's public signing keys: the JSON Web Key Set behind its issuer.

A set is accepted as a whole or refused as a whole, before it replaces the one in use:
a set that contradicts itself or carries a weak RS256 key is not the pool's. Keys that
are for something else (another type, use or algorithm) are passed over, so that the
service may publish new kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from aiocognito.errors import RemoteProtocolError
from aiocognito.verify.compact import decode_base64url, read_object
from aiocognito.verify.signature import ALGORITHM, MAX_KEY_ID

__all__ = ["MAX_BODY", "MAX_KEYS", "KeySet", "parse_key_set"]

MAX_BODY = 256 * 1024
"""Bytes a key set may have. Cognito's, of two keys, has about 0.9 KB."""
MAX_KEYS = 64

_MIN_BITS = 2048
_MAX_BITS = 8192
_MAX_EXPONENT = 2**32  # larger ones are legal, used by nobody, and slow every check
_MAX_DIGITS = _MAX_BITS // 6 + 8  # base64url characters of the largest modulus, a zero byte spare


@frozen
class KeySet:
    """Public RSA keys for RS256, by ``kid``."""

    _keys: Mapping[str, RSAPublicKey]

    def key(self, kid: str) -> RSAPublicKey | None:
        """Return the key with exactly this id."""
        return self._keys.get(kid)

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of all keys that count."""
        return frozenset(self._keys)


def parse_key_set(body: bytes) -> KeySet:
    """Read a key set (RFC 7517 section 5) and build its keys.

    A key counts if ``kty`` is RSA, ``use`` is ``sig`` or absent, and ``alg`` is RS256
    or absent. Such a key needs a ``kid`` of its own, a modulus of 2048 to 8192 bits and
    an odd exponent of at least 3 and below 2^32.

    Raises:
        RemoteProtocolError: The text is not a key set, has no key that counts, or has
            one that breaks these rules.
    """
    if len(body) > MAX_BODY:
        raise _refused(f"is larger than {MAX_BODY} bytes")
    try:
        entries = read_object(body).get("keys")
    except ValueError as error:
        raise _refused(f"is {error}") from None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise _refused(f"is not a list of at most {MAX_KEYS} keys")
    keys: dict[str, RSAPublicKey] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise _refused("contains something that is not a key")
        if not _is_for_us(entry):
            continue
        kid = _kid(entry)
        if kid in keys:
            raise _refused("names one key twice")
        keys[kid] = _public_key(entry)
    if not keys:
        raise _refused("has no RS256 key")
    return KeySet(keys)


def _is_for_us(entry: dict[str, Any]) -> bool:
    return (
        entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
    )


def _kid(entry: dict[str, Any]) -> str:
    kid = entry.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KEY_ID:
        raise _refused("has a key without a usable kid")
    return kid


def _public_key(entry: dict[str, Any]) -> RSAPublicKey:
    modulus = _integer(entry.get("n"))
    exponent = _integer(entry.get("e"))
    if not _MIN_BITS <= modulus.bit_length() <= _MAX_BITS or modulus % 2 == 0:
        raise _refused(f"has a modulus that is not odd, of {_MIN_BITS} to {_MAX_BITS} bits")
    if not 3 <= exponent < _MAX_EXPONENT or exponent % 2 == 0:
        raise _refused("has an exponent that is not odd, at least 3 and below 2^32")
    return RSAPublicNumbers(exponent, modulus).public_key()


def _integer(text: object) -> int:
    """Read a Base64urlUInt. A leading zero byte, which some encoders add, is fine."""
    if not isinstance(text, str) or not text.isascii() or len(text) > _MAX_DIGITS:
        raise _refused("has a key whose numbers are not base64url")
    try:
        return int.from_bytes(decode_base64url(text.encode("ascii")), "big")
    except ValueError:
        raise _refused("has a key whose numbers are not canonical base64url") from None


def _refused(problem: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"The pool's key set {problem}.")
