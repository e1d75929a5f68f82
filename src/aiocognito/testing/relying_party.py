"""What a relying party checks: registering a passkey, and signing in with one.

Web Authentication Level 3, sections 7.1 and 7.2, all steps that apply where no
attestation is asked for. A refusal says which code of the service it is at a
registration; at a sign-in all of them look the same.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from aiocognito.testing.authenticator_data import (
    Attestation,
    AuthenticatorData,
    NewCredential,
    PublicKey,
    Unsupported,
)
from aiocognito.verify.compact import read_object
from aiocognito.webauthn.text import is_origin_of, octets

__all__ = [
    "LocalPasskey",
    "PasskeyRefused",
    "PendingPasskey",
    "RelyingParty",
    "UserVerification",
    "transports_of",
]

UserVerification = Literal["required", "preferred"]

MALFORMED = "InvalidParameterException"
_MAX_CLIENT_DATA = 16_384
_MAX_RESPONSE = 98_304  # bytes of any part; as base64url it fills the longest value
_MAX_ID = 1023
_MAX_TRANSPORTS, _MAX_TRANSPORT = 16, 64


class PasskeyRefused(Exception):
    """Not what was asked for.

    Attributes:
        code: What the service answers at a registration.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@frozen(kw_only=True)
class LocalPasskey:
    """A registered passkey.

    Attributes:
        id: The credential's id, base64url without padding.
        sign_count: The highest counter seen; 0 where it does not count.
        created_at: On the wall clock.
    """

    id: str
    name: str
    rp_id: str
    attachment: str | None
    transports: tuple[str, ...]
    created_at: float
    key: PublicKey
    sign_count: int
    backup_eligible: bool


@frozen(kw_only=True)
class PendingPasskey:
    """A registration that was started."""

    challenge: bytes = field(repr=False)
    client_id: str
    expires_at: float


@frozen
class RelyingParty:
    """A relying party and what it insists on.

    Attributes:
        id: A domain's name; pages of it and below it may use its passkeys.
        verification: Whether the user has to be verified, not only present.
    """

    id: str
    verification: UserVerification = "preferred"
    _hash: bytes = field(init=False, repr=False)

    @_hash.default
    def _make_hash(self) -> bytes:
        return hashlib.sha256(self.id.encode()).digest()

    def register(
        self, credential: Mapping[str, Any], challenge: bytes
    ) -> tuple[NewCredential, AuthenticatorData]:
        """Check the answer to a registration.

        Raises:
            PasskeyRefused: With the code that the service would answer.
        """
        try:
            response = _response(credential)
            client_data = octets(response["clientDataJSON"], most=_MAX_CLIENT_DATA)
            self._check_client_data(client_data, "webauthn.create", challenge)
            attestation = Attestation.read(
                octets(response["attestationObject"], most=_MAX_RESPONSE)
            )
            self._check_data(attestation.data, must_verify=self.verification == "required")
            if octets(credential["id"], most=_MAX_ID) != attestation.new.id:
                raise ValueError("two ids of one credential")
            attestation.check_statement(hashlib.sha256(client_data).digest())
        except Unsupported as error:
            raise PasskeyRefused("WebAuthnCredentialNotSupportedException", str(error)) from None
        except (KeyError, TypeError, ValueError) as error:
            raise PasskeyRefused(MALFORMED, f"malformed: {error}") from None
        return attestation.new, attestation.data

    def authenticate(
        self,
        credential: Mapping[str, Any],
        challenge: bytes,
        passkey: LocalPasskey,
        *,
        user_handle: bytes,
        must_verify: bool = False,
    ) -> int:
        """Check the answer to a sign-in with a passkey and return its new counter.

        Raises:
            PasskeyRefused: Anything is not as it must be.
        """
        try:
            response = _response(credential)
            client_data = octets(response["clientDataJSON"], most=_MAX_CLIENT_DATA)
            raw = octets(response["authenticatorData"], most=_MAX_RESPONSE)
            signature = octets(response["signature"], most=_MAX_RESPONSE)
            handle = response.get("userHandle")
            if handle is not None and octets(handle, most=_MAX_ID) != user_handle:
                raise PasskeyRefused(MALFORMED, "another user's passkey")
            data = AuthenticatorData.read(raw)
        except (KeyError, TypeError, ValueError) as error:
            raise PasskeyRefused(MALFORMED, f"malformed: {error}") from None
        self._check_client_data(client_data, "webauthn.get", challenge)
        self._check_data(data, must_verify=must_verify or self.verification == "required")
        if data.backup_eligible != passkey.backup_eligible:
            raise PasskeyRefused(MALFORMED, "its eligibility for backups has changed")
        if not passkey.key.verifies(signature, raw + hashlib.sha256(client_data).digest()):
            raise PasskeyRefused(MALFORMED, "a wrong signature")
        counted = data.sign_count or passkey.sign_count
        if counted and data.sign_count <= passkey.sign_count:
            raise PasskeyRefused(MALFORMED, "a counter that has not grown")
        return data.sign_count

    def _check_client_data(self, raw: bytes, kind: str, challenge: bytes) -> None:
        """Check what the browser said: what for, to whom, and on which page."""
        try:
            said = read_object(raw)
            answered = octets(said["challenge"], most=_MAX_ID)
        except (KeyError, ValueError):
            raise PasskeyRefused(MALFORMED, "malformed client data") from None
        if said.get("type") != kind:
            raise PasskeyRefused(MALFORMED, "an answer to something else")
        if not hmac.compare_digest(answered, challenge):
            raise PasskeyRefused("WebAuthnChallengeNotFoundException", "another challenge")
        # Framed in another site's page: none of this pool's are.
        if not is_origin_of(said.get("origin"), self.id) or said.get("crossOrigin", False):
            raise PasskeyRefused("WebAuthnOriginNotAllowedException", "another origin")

    def _check_data(self, data: AuthenticatorData, *, must_verify: bool) -> None:
        """Check what the authenticator said: for whom, and what the user did."""
        if not hmac.compare_digest(data.rp_id_hash, self._hash):
            code = "WebAuthnRelyingPartyMismatchException"
            raise PasskeyRefused(code, "another relying party")
        if not data.present or (must_verify and not data.verified):
            code = "WebAuthnCredentialNotSupportedException"
            raise PasskeyRefused(code, "the user was not there, or not verified")


def transports_of(credential: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a registration says of how the authenticator is reached; hints, no more."""
    given = _response(credential).get("transports")
    if not isinstance(given, list):
        return ()
    texts = (name for name in given[:_MAX_TRANSPORTS] if isinstance(name, str))
    return tuple(name for name in texts if len(name) <= _MAX_TRANSPORT)


def _response(credential: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the authenticator's part of a credential that has the right kind."""
    response = credential.get("response")
    same = credential.get("rawId", credential.get("id")) == credential.get("id")
    if credential.get("type") != "public-key" or not same or not isinstance(response, Mapping):
        raise ValueError("no public-key credential")
    return response
