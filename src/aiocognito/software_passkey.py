"""A passkey that is a key in the program's hands: for workers, who have no fingerprint.

It does the work of an authenticator and of the browser in front of it (Web Authentication
Level 3, sections 5.1.3, 6.3 and 6.5): P-256 with ES256, attestation ``none``.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.webauthn import cbor
from aiocognito.webauthn.options import PasskeyCreationOptions, PasskeyRequestOptions
from aiocognito.webauthn.text import base64url, is_domain, is_origin_of, json_object, octets

__all__ = ["SoftwarePasskey"]

_ES256 = -7
_CURVE = ec.SECP256R1()
_WIDTH = 32  # bytes of a coordinate, and of the private number
_ID_BYTES = 32
_NO_MODEL = bytes(16)  # the AAGUID of authenticators that do not name their model
_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40
_MAX_COUNT = 0xFFFF_FFFF
_MAX_BYTES = 8192
_VERSION = 1
_SAVED = "what SoftwarePasskey.to_bytes() returned"

Entropy = Callable[[int], bytes]


class SoftwarePasskey:
    """A passkey whose private key the program holds. Experimental.

    It could not be tried on the live service; it is proven against the local pool and an
    independent library, and its form may change in any version.

    Made with `create`, registered with what `registration` returns, used through
    `responders.passkey`. Whoever has its bytes can sign in as the user: keep them as you
    keep a password. It says of every signature that a user was there and was verified,
    because whoever set the program up was; the pool cannot tell.

    It belongs to one relying party and one user, answers for nobody else, and is not
    copied: two copies would count apart.
    """

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        *,
        rp_id: str,
        origin: str,
        user_id: bytes,
        credential_id: bytes,
        sign_count: int,
        counts: bool,
    ) -> None:
        self._key = key
        self._rp_id = rp_id
        self._origin = origin
        self._user_id = user_id
        self._credential_id = credential_id
        self._sign_count = sign_count
        self._counts = counts

    @classmethod
    def create(
        cls,
        options: PasskeyCreationOptions,
        *,
        origin: str | None = None,
        counts: bool = True,
        entropy: Entropy = secrets.token_bytes,
    ) -> Self:
        """Make a new key pair for the relying party and the user of these options.

        Args:
            options: What `Session.start_passkey_registration` returned.
            origin: The page it claims to be used on; the relying party's own
                (``https://<rp_id>``) if left out.
            counts: Whether signatures are numbered, so that a stolen copy shows. Then
                `to_bytes` has to be kept after each one: from older bytes it signs with
                a number the pool has seen, and is refused. False reports 0 for ever, as
                passkeys do that several devices share.
            entropy: Where the credential's id comes from. The key is drawn by OpenSSL.

        Raises:
            InvalidType: Not `PasskeyCreationOptions`.
            InvalidArgument: The relying party takes no ES256, or the origin is not its.
        """
        if not isinstance(options, PasskeyCreationOptions):
            raise InvalidType("options", "PasskeyCreationOptions", options)
        if _ES256 not in options.algorithms:
            raise InvalidArgument("options", "of a relying party that takes ES256 (-7)")
        page = f"https://{options.rp_id}" if origin is None else origin
        if not is_origin_of(page, options.rp_id):
            raise InvalidArgument("origin", f"https at {options.rp_id} or below it")
        return cls(
            ec.generate_private_key(_CURVE),
            rp_id=options.rp_id,
            origin=page,
            user_id=options.user_id,
            credential_id=entropy(_ID_BYTES),
            sign_count=0,
            counts=counts,
        )

    # --- what is known ---

    @property
    def credential_id(self) -> str:
        """Its id, base64url without padding, as `Session.list_passkeys` shows it."""
        return base64url(self._credential_id)

    @property
    def rp_id(self) -> str:
        """The relying party it belongs to."""
        return self._rp_id

    @property
    def origin(self) -> str:
        """The page it claims to be used on."""
        return self._origin

    @property
    def sign_count(self) -> int:
        """How many signatures it has made; 0 for ever where it does not count."""
        return self._sign_count

    # --- what an authenticator does ---

    def registration(self, options: PasskeyCreationOptions) -> dict[str, Any]:
        """Return the answer for `Session.complete_passkey_registration`.

        Raises:
            InvalidType: Not `PasskeyCreationOptions`.
            InvalidArgument: The options are of another relying party or user, or the
                passkey is registered already.
        """
        if not isinstance(options, PasskeyCreationOptions):
            raise InvalidType("options", "PasskeyCreationOptions", options)
        self._check_relying_party(options.rp_id)
        if options.user_id != self._user_id:
            raise InvalidArgument("options", "of the user this passkey was made for")
        if any(other.id == self.credential_id for other in options.excluded):
            raise InvalidArgument("options", "of a user who has not registered this passkey yet")
        data = self._authenticator_data(_HAS_KEY) + self._attested()
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        public_key = self._key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return self._credential(
            {
                "clientDataJSON": self._client_data("webauthn.create", options.challenge),
                "attestationObject": attestation,
                "authenticatorData": data,
                "publicKey": public_key,
            },
            publicKeyAlgorithm=_ES256,
            transports=["internal"],
        )

    def assertion(self, options: PasskeyRequestOptions) -> dict[str, Any]:
        """Sign a challenge: return the answer for `WebAuthn.answer`.

        Raises:
            InvalidType: Not `PasskeyRequestOptions`.
            InvalidArgument: The options are of another relying party, or ask for other
                passkeys than this one. Nothing is signed.
        """
        if not isinstance(options, PasskeyRequestOptions):
            raise InvalidType("options", "PasskeyRequestOptions", options)
        self._check_relying_party(options.rp_id)
        if options.allowed and all(one.id != self.credential_id for one in options.allowed):
            raise InvalidArgument("options", "such that this passkey may answer; register it again")
        if self._counts:
            self._sign_count = min(self._sign_count + 1, _MAX_COUNT)
        data = self._authenticator_data()
        client_data = self._client_data("webauthn.get", options.challenge)
        signed = data + hashlib.sha256(client_data).digest()
        return self._credential(
            {
                "clientDataJSON": client_data,
                "authenticatorData": data,
                "signature": self._key.sign(signed, ec.ECDSA(SHA256())),
                "userHandle": self._user_id,
            }
        )

    def _check_relying_party(self, rp_id: str) -> None:
        if rp_id != self._rp_id:
            raise InvalidArgument("options", f"of this passkey's relying party, {self._rp_id}")

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        # The order and the form of section 5.8.1.1, which some relying parties compare.
        members = {
            "type": kind,
            "challenge": base64url(challenge),
            "origin": self._origin,
            "crossOrigin": False,
        }
        return json.dumps(members, separators=(",", ":")).encode()

    def _authenticator_data(self, more: int = 0) -> bytes:
        relying_party = hashlib.sha256(self._rp_id.encode()).digest()
        return relying_party + struct.pack(">BI", _PRESENT | _VERIFIED | more, self._sign_count)

    def _attested(self) -> bytes:
        point = self._key.public_key().public_numbers()
        key = {1: 2, 3: _ES256, -1: 1, -2: _coordinate(point.x), -3: _coordinate(point.y)}
        length = struct.pack(">H", len(self._credential_id))
        return _NO_MODEL + length + self._credential_id + cbor.encode(key)

    def _credential(self, response: Mapping[str, bytes], **more: Any) -> dict[str, Any]:
        return {
            "id": self.credential_id,
            "rawId": self.credential_id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {**{name: base64url(data) for name, data in response.items()}, **more},
        }

    # --- keeping it ---

    def to_bytes(self) -> bytes:
        """Return all of it, the private key included, for `from_bytes`.

        Keep the bytes secret. Where signatures are counted, keep them anew after each
        one; `responders.passkey` has ``save=`` for that.
        """
        number = self._key.private_numbers().private_value
        members = {
            "version": _VERSION,
            "rp_id": self._rp_id,
            "origin": self._origin,
            "user_id": base64url(self._user_id),
            "credential_id": self.credential_id,
            "private_key": base64url(_coordinate(number)),
            "sign_count": self._sign_count,
            "counts": self._counts,
        }
        return json.dumps(members, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` returned.

        Raises:
            InvalidType: Not `bytes`.
            InvalidArgument: Not written by `to_bytes`, or damaged.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise InvalidType("data", "bytes", data)
        found = _read(bytes(data[: _MAX_BYTES + 1]))
        del data  # a traceback that prints locals shows this frame
        if found is None:
            raise InvalidArgument("data", _SAVED)
        return cls(**found)

    def __repr__(self) -> str:
        return (
            f"<SoftwarePasskey {self.credential_id[:8]}… of {self._rp_id}, "
            f"{self._sign_count} signatures>"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("A passkey is not pickled; keep to_bytes() instead.")

    def __copy__(self) -> NoReturn:
        raise TypeError("A passkey is not copied: two would count their signatures apart.")

    def __deepcopy__(self, memo: Any) -> NoReturn:
        raise TypeError("A passkey is not copied: two would count their signatures apart.")


def _coordinate(number: int) -> bytes:
    return number.to_bytes(_WIDTH, "big")


def _read(data: bytes) -> dict[str, Any] | None:
    """Return the parts of a passkey, or None where the bytes are not one."""
    try:
        if len(data) > _MAX_BYTES:
            return None
        members = json_object(data.decode())
        number = int.from_bytes(octets(members["private_key"], least=_WIDTH, most=_WIDTH), "big")
        found = {
            # Zero, and what is not below the curve's order, is a ValueError.
            "key": ec.derive_private_key(number, _CURVE),
            "rp_id": members["rp_id"],
            "origin": members["origin"],
            "user_id": octets(members["user_id"], most=64),
            "credential_id": octets(members["credential_id"], most=1023),
            "sign_count": members["sign_count"],
            "counts": members["counts"],
        }
        right = (
            members["version"] == _VERSION
            and is_domain(found["rp_id"])
            and is_origin_of(found["origin"], found["rp_id"])
            and isinstance(found["counts"], bool)
            and type(found["sign_count"]) is int
            and 0 <= found["sign_count"] <= _MAX_COUNT
        )
    except (KeyError, TypeError, ValueError):
        return None
    return found if right else None
