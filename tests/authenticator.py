"""An authenticator and its browser, built on `fido2`, which shares no code with ours.

Everything can be made wrong on purpose, one part at a time.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256, RS256, CoseKey
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

UP, UV, BE, BS, AT, ED = (AuthenticatorData.FLAG(bit) for bit in (1, 4, 8, 16, 64, 128))
RP_ID = "auth.example.com"
ORIGIN = f"https://{RP_ID}"


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """One for all tests: it takes a while to make."""
    return rsa.generate_private_key(65537, 2048)


class Authenticator:
    """One credential; its methods answer options as a browser's JSON does."""

    def __init__(self, *, algorithm: int = -7, flags: int = UP | UV, aaguid: bytes = bytes(16)):
        self.flags, self.aaguid, self.count = flags, aaguid, 0
        self.id = secrets.token_bytes(32)
        self.key: Any = rsa_key() if algorithm == -257 else ec.generate_private_key(ec.SECP256R1())
        cose = {-257: RS256, -7: ES256}[algorithm]
        self.cose: CoseKey = cose.from_cryptography_key(self.key.public_key())
        self.user_handle = b""

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return bytes(self.key.sign(message, padding.PKCS1v15(), SHA256()))
        return bytes(self.key.sign(message, ec.ECDSA(SHA256())))

    def data(
        self, rp_id: str = RP_ID, *, flags: int | None = None, attested: bool = False
    ) -> bytes:
        flags = self.flags if flags is None else flags
        credential = AttestedCredentialData.create(self.aaguid, self.id, self.cose)
        return bytes(
            AuthenticatorData.create(
                hashlib.sha256(rp_id.encode()).digest(),
                AuthenticatorData.FLAG(flags | (AT if attested else 0)),
                self.count,
                credential if attested else b"",
            )
        )

    def register(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """Answer creation options.

        Args:
            wrong: ``type``, ``challenge``, ``origin``, ``cross_origin``, ``client_data``
                for the browser; ``rp_id``, ``flags``, ``data`` for the authenticator;
                ``fmt``, ``statement`` and ``alg``, ``attestation`` for the attestation.
        """
        self.user_handle = websafe_decode(options["user"]["id"])
        data = wrong.get("data")
        if data is None:
            rp_id = wrong.get("rp_id", options["rp"]["id"])
            data = self.data(rp_id, flags=wrong.get("flags"), attested=True)
        client_data = self._client_data("webauthn.create", options["challenge"], wrong)
        fmt, statement = wrong.get("fmt", "none"), wrong.get("statement", {})
        if statement == "self":
            signature = self.sign(data + hashlib.sha256(client_data).digest())
            statement = {"alg": wrong.get("alg", self.cose[3]), "sig": signature}
        attestation = wrong.get("attestation")
        if attestation is None:
            attestation = cbor.encode({"fmt": fmt, "attStmt": statement, "authData": data})
        return self._credential(
            {"clientDataJSON": client_data, "attestationObject": attestation},
            transports=["internal", "hybrid"],
        )

    def authenticate(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """Answer request options; `wrong` as for `register`, and ``signed``, ``handle``."""
        self.count = wrong.get("count", self.count + 1)
        data = wrong.get("data")
        if data is None:
            data = self.data(wrong.get("rp_id", options["rpId"]), flags=wrong.get("flags"))
        client_data = self._client_data("webauthn.get", options["challenge"], wrong)
        signed = wrong.get("signed", data + hashlib.sha256(client_data).digest())
        return self._credential(
            {
                "clientDataJSON": client_data,
                "authenticatorData": data,
                "signature": self.sign(signed),
                "userHandle": wrong.get("handle", self.user_handle),
            }
        )

    def _client_data(self, kind: str, challenge: str, wrong: dict[str, Any]) -> bytes:
        if "client_data" in wrong:
            return bytes(wrong["client_data"])
        return bytes(
            CollectedClientData.create(
                wrong.get("type", kind),
                wrong.get("challenge", challenge),
                wrong.get("origin", ORIGIN),
                wrong.get("cross_origin", False),
            )
        )

    def _credential(self, response: dict[str, bytes], **more: Any) -> dict[str, Any]:
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {**{name: websafe_encode(raw) for name, raw in response.items()}, **more},
        }
