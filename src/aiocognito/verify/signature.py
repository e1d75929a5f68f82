"""The signature of a token: RS256 and nothing else.

The algorithm is ours to choose, not the token's. The header is asked for two things:
that it names RS256, and which key of the pool signed. Whatever else it offers (``jku``,
``x5u``, ``x5c``, an embedded ``jwk``) is not looked at, so no key and no address can
come from a token. See docs/decisions/own-rs256-check.md.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from aiocognito.errors import (
    TokenAlgorithmRejected,
    TokenMalformed,
    TokenSignatureInvalid,
)
from aiocognito.verify.compact import CompactToken, excerpt, payload_object, read_header

__all__ = ["ALGORITHM", "MAX_KEY_ID", "key_id", "verified_payload"]

ALGORITHM = "RS256"
MAX_KEY_ID = 256
"""Characters a ``kid`` may have. Cognito's have 44."""

_PADDING = PKCS1v15()
_HASH = SHA256()


# A pool signs with two keys, so nearly every token of a process has one of two headers.
@lru_cache(maxsize=32)
def key_id(header: bytes) -> str:
    """Check a protected header and return its ``kid``.

    Args:
        header: As in `CompactToken.header`.

    Raises:
        TokenMalformed: Not canonical base64url of one strict JSON object, or ``kid`` is
            not a text of 1 to `MAX_KEY_ID` characters.
        TokenAlgorithmRejected: ``alg`` is not RS256, or there is a ``crit`` member,
            which demands extensions (RFC 7515 section 4.1.11); we have none.
    """
    members = read_header(header)
    algorithm = members.get("alg")
    if algorithm != ALGORITHM:
        raise TokenAlgorithmRejected(claim="alg", expected=ALGORITHM, actual=excerpt(algorithm))
    if "crit" in members:
        raise TokenAlgorithmRejected("it demands an extension", claim="crit")
    kid = members.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KEY_ID:
        raise TokenMalformed("it names no usable key", claim="kid", actual=excerpt(kid))
    return kid


def verified_payload(token: CompactToken, key: RSAPublicKey) -> dict[str, Any]:
    """Check the signature, and only then parse what was signed.

    Says who signed, not what for: the claims are `policy.check_claims`'s business.

    Raises:
        TokenSignatureInvalid: The key did not sign this.
        TokenMalformed: The key signed something that is not a strict JSON object.
    """
    try:
        key.verify(token.signature, token.signing_input, _PADDING, _HASH)
    except InvalidSignature:
        raise TokenSignatureInvalid() from None
    return payload_object(token)
