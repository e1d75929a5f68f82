"""What an authenticator writes, taken apart: authenticator data, attestations, keys.

Web Authentication Level 3, sections 6.1 and 6.5; COSE keys as in RFC 9053 and RFC 8230.
Everything is bounded and has one reading. Nothing here decides what is right: that is
`relying_party`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from aiocognito.webauthn import cbor

__all__ = ["Attestation", "AuthenticatorData", "NewCredential", "PublicKey", "Unsupported"]

ES256, RS256 = -7, -257
_HEAD = 37  # the relying party's hash, flags, counter
_MAX_ID = 1023
_PRESENT, _VERIFIED, _ELIGIBLE, _BACKED_UP = 0x01, 0x04, 0x08, 0x10
_HAS_KEY, _HAS_EXTENSIONS = 0x40, 0x80
_RSA_BITS = range(2048, 8193)
_COORDINATE = 32


class Unsupported(ValueError):
    """Well formed, and of a kind the pool does not take."""


@frozen
class PublicKey:
    """A credential's key.

    Attributes:
        algorithm: The COSE number, -7 or -257.
    """

    algorithm: int
    _key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey = field(repr=False)

    @classmethod
    def read(cls, members: object) -> PublicKey:
        """Read a COSE key.

        Raises:
            Unsupported: Of another algorithm, or an RSA key of an unusual size.
            ValueError: Not a key: members missing, a point that is not on the curve.
        """
        if not isinstance(members, dict):
            raise ValueError("no COSE key")
        match members.get(3):
            case -7:
                return cls(ES256, _p256(members))
            case -257:
                return cls(RS256, _rsa(members))
            case _:
                raise Unsupported("an algorithm that was not offered")

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Say whether the signature is this key's over exactly these bytes."""
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                self._key.verify(signature, signed, padding.PKCS1v15(), SHA256())
            else:
                self._key.verify(signature, signed, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def _p256(members: Mapping[int, Any]) -> ec.EllipticCurvePublicKey:
    x, y = members.get(-2), members.get(-3)
    if (members.get(1), members.get(-1)) != (2, 1) or set(members) != {1, 3, -1, -2, -3}:
        raise ValueError("no P-256 key")
    if not (isinstance(x, bytes) and isinstance(y, bytes)) or {len(x), len(y)} != {_COORDINATE}:
        raise ValueError("no P-256 key")
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
    )
    return numbers.public_key()  # a ValueError where the point is not on the curve


def _rsa(members: Mapping[int, Any]) -> rsa.RSAPublicKey:
    n, e = members.get(-1), members.get(-2)
    if members.get(1) != 3 or set(members) != {1, 3, -1, -2}:
        raise ValueError("no RSA key")
    if not (isinstance(n, bytes) and isinstance(e, bytes)) or {n[:1], e[:1]} & {b"", b"\0"}:
        raise ValueError("no RSA key")
    modulus, exponent = int.from_bytes(n, "big"), int.from_bytes(e, "big")
    if modulus.bit_length() not in _RSA_BITS or exponent != 65_537:
        raise Unsupported("an RSA key of an unusual size")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


@frozen(kw_only=True)
class NewCredential:
    """What is registered: ``attestedCredentialData``."""

    id: bytes
    key: PublicKey
    aaguid: bytes


@frozen(kw_only=True)
class AuthenticatorData:
    """What the authenticator says of itself and of what the user did.

    Attributes:
        rp_id_hash: SHA-256 of the relying party's id.
        present: A user was there.
        verified: The user was verified: a PIN, a fingerprint.
        backup_eligible: The passkey may be copied to other devices.
        sign_count: Its counter.
        credential: The new credential; None in an assertion.
    """

    rp_id_hash: bytes
    present: bool
    verified: bool
    backup_eligible: bool
    sign_count: int
    credential: NewCredential | None

    @classmethod
    def read(cls, data: bytes) -> AuthenticatorData:
        """Take it apart.

        Raises:
            Unsupported: A key of a kind that was not offered.
            ValueError: Not authenticator data, or something stands behind it.
        """
        if len(data) < _HEAD:
            raise ValueError("the authenticator data ends too early")
        flags, end, credential = data[32], _HEAD, None
        if flags & _HAS_KEY:
            credential, end = _credential(data)
        if flags & _HAS_EXTENSIONS:
            extensions, end = cbor.decode_first(data, end)
            if not isinstance(extensions, dict):
                raise ValueError("the extensions are no map")
        if end != len(data):
            raise ValueError("something follows the authenticator data")
        if flags & _BACKED_UP and not flags & _ELIGIBLE:
            raise ValueError("backed up, and not eligible for it")
        return cls(
            rp_id_hash=data[:32],
            present=bool(flags & _PRESENT),
            verified=bool(flags & _VERIFIED),
            backup_eligible=bool(flags & _ELIGIBLE),
            sign_count=int.from_bytes(data[33:_HEAD], "big"),
            credential=credential,
        )


def _credential(data: bytes) -> tuple[NewCredential, int]:
    start = _HEAD + 16 + 2
    length = int.from_bytes(data[start - 2 : start], "big")
    credential_id = data[start : start + length]
    if not 1 <= length <= _MAX_ID or len(credential_id) != length:
        raise ValueError("the credential's id is too long or cut off")
    members, end = cbor.decode_first(data, start + length)
    key = PublicKey.read(members)
    return NewCredential(id=credential_id, key=key, aaguid=data[_HEAD : _HEAD + 16]), end


@frozen(kw_only=True)
class Attestation:
    """An attestation object.

    Attributes:
        raw: The authenticator data as the signatures cover it.
        data: The same, taken apart; it has a credential.
        new: That credential.
    """

    format: str
    statement: Mapping[int | str, Any] = field(repr=False)
    raw: bytes = field(repr=False)
    data: AuthenticatorData
    new: NewCredential

    @classmethod
    def read(cls, encoded: bytes) -> Attestation:
        """Take it apart. Raises as `AuthenticatorData.read`."""
        members = cbor.decode(encoded)
        if not isinstance(members, dict) or set(members) != {"fmt", "attStmt", "authData"}:
            raise ValueError("no attestation object")
        kind, statement, raw = members["fmt"], members["attStmt"], members["authData"]
        if not (isinstance(kind, str) and isinstance(statement, dict) and isinstance(raw, bytes)):
            raise ValueError("no attestation object")
        data = AuthenticatorData.read(raw)
        if data.credential is None:
            raise ValueError("an attestation without a credential")
        return cls(format=kind, statement=statement, raw=raw, data=data, new=data.credential)

    def check_statement(self, client_data_hash: bytes) -> None:
        """Accept no statement, or the credential's own signature.

        The pool asks for no attestation, and browsers then send one of these two.

        Raises:
            Unsupported: Another format, or one that brings certificates.
            ValueError: A statement that is wrong.
        """
        match self.format:
            case "none":
                if self.statement:
                    raise ValueError("a statement where none should be")
            case "packed" if "x5c" not in self.statement:
                signature = self.statement.get("sig")
                if self.statement.get("alg") != self.new.key.algorithm:
                    raise ValueError("a statement of another algorithm")
                signed = self.raw + client_data_hash
                if not isinstance(signature, bytes) or not self.new.key.verifies(signature, signed):
                    raise ValueError("a statement with a wrong signature")
            case _:
                raise Unsupported("an attestation that was not asked for")
