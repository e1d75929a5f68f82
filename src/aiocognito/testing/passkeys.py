"""A user's passkeys: registered, listed, deleted, and signed in with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, frozen

from aiocognito.testing.admin_paging import page
from aiocognito.testing.callers import authorized, signed_in_at
from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.claimants import Claimant
from aiocognito.testing.relying_party import (
    LocalPasskey,
    PasskeyRefused,
    PendingPasskey,
    RelyingParty,
    transports_of,
)
from aiocognito.testing.service_errors import PoolError, invalid_parameter, not_authorized
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser
from aiocognito.webauthn.text import base64url, json_object

__all__ = ["PasskeySignIn", "PasskeyWeighed", "Passkeys"]

MOST = 20  # passkeys of one user (developer guide, "Quotas")
_CHALLENGE_BYTES = 32
_LIFETIME = 180.0  # seconds from start to completion; our reading of "has expired"
_CREATION_TIMEOUT, _REQUEST_TIMEOUT = 60_000, 180_000  # milliseconds, as real ones say
_ATTACHMENTS = ("platform", "cross-platform")


class PasskeyWeighed(PoolError):
    """An assertion was held against its challenge in vain; the challenge is spent."""


@frozen
class Passkeys:
    """Answers the four calls about a signed-in user's passkeys."""

    state: PoolState

    def table(self) -> Mapping[str, Callable[[Mapping[str, Any]], Answer]]:
        """Return what answers which operation."""
        return {
            "StartWebAuthnRegistration": self.start,
            "CompleteWebAuthnRegistration": self.complete,
            "ListWebAuthnCredentials": self.listed,
            "DeleteWebAuthnCredential": self.delete,
        }

    def start(self, request: Mapping[str, Any]) -> Answer:
        """Answer StartWebAuthnRegistration."""
        user, client = signed_in_at(self.state, request["AccessToken"], names_missing_user=False)
        self._refuse_without_passkeys()
        party = self.state.settings.rp
        if party is None:
            raise _refused("WebAuthnConfigurationMissingException")
        if len(user.passkeys) >= MOST:
            raise _too_many()
        user.pending_passkey = PendingPasskey(
            challenge=self.state.draws.octets(_CHALLENGE_BYTES),
            client_id=client.client_id,
            expires_at=self.state.clock.boot() + _LIFETIME,
        )
        options = {
            "challenge": base64url(user.pending_passkey.challenge),
            "rp": {"id": party.id, "name": party.id},
            "user": {
                "id": base64url(user.sub.encode()),
                "name": user.username,
                "displayName": user.username,
            },
            "pubKeyCredParams": [
                {"type": "public-key", "alg": -7},
                {"type": "public-key", "alg": -257},
            ],
            "timeout": _CREATION_TIMEOUT,
            "excludeCredentials": _descriptors(user),
            "authenticatorSelection": {
                "requireResidentKey": True,
                "residentKey": "required",
                "userVerification": party.verification,
            },
        }
        return {"CredentialCreationOptions": options}

    def complete(self, request: Mapping[str, Any]) -> Answer:
        """Answer CompleteWebAuthnRegistration. Its challenge is spent whatever comes out."""
        user, client = signed_in_at(self.state, request["AccessToken"], names_missing_user=False)
        self._refuse_without_passkeys()
        # Without a relying party nothing has been started.
        party, pending = self.state.settings.rp, user.pending_passkey
        if party is None or pending is None or self.state.clock.boot() >= pending.expires_at:
            raise _refused("WebAuthnChallengeNotFoundException")
        if pending.client_id != client.client_id:
            raise _refused("WebAuthnClientMismatchException")
        user.pending_passkey = None
        credential = request["Credential"]
        try:
            new, data = party.register(credential, pending.challenge)
        except PasskeyRefused as error:
            raise _refused(error.code) from None
        name = base64url(new.id)
        if any(name in other.passkeys for other in self.state.users):
            raise invalid_parameter("The passkey is registered already.")  # our words
        if len(user.passkeys) >= MOST:
            raise _too_many()
        attachment = credential.get("authenticatorAttachment")
        user.passkeys[name] = LocalPasskey(
            id=name,
            name="Passkey",
            rp_id=party.id,
            attachment=attachment if attachment in _ATTACHMENTS else None,
            transports=transports_of(credential),
            created_at=self.state.clock.wall(),
            key=new.key,
            sign_count=data.sign_count,
            backup_eligible=data.backup_eligible,
        )
        return {}

    def listed(self, request: Mapping[str, Any]) -> Answer:
        """Answer ListWebAuthnCredentials."""
        user = authorized(self.state, request["AccessToken"], names_missing_user=False)
        found, more = page(
            user.passkeys.values(), request, key=lambda passkey: passkey.id, limit="MaxResults"
        )
        return {"Credentials": [_described(passkey) for passkey in found], **more}

    def delete(self, request: Mapping[str, Any]) -> Answer:
        """Answer DeleteWebAuthnCredential."""
        user = authorized(self.state, request["AccessToken"], names_missing_user=False)
        if user.passkeys.pop(request["CredentialId"], None) is None:
            raise PoolError("ResourceNotFoundException", "The passkey does not exist.")  # ours
        return {}

    def _refuse_without_passkeys(self) -> None:
        if "WEB_AUTHN" not in self.state.settings.first_factors:
            raise _refused("WebAuthnNotEnabledException")


@frozen
class PasskeySignIn:
    """Asks for a passkey at sign-in, and checks the answer.

    Who has no user gets a passkey that was never made, always the same one.
    """

    state: PoolState

    def draw(self) -> bytes:
        """Return a challenge to sign."""
        return self.state.draws.octets(_CHALLENGE_BYTES)

    def options(self, claimant: Claimant, challenge: bytes, *, must_verify: bool) -> str:
        """Return ``CREDENTIAL_REQUEST_OPTIONS``."""
        party = self._party()
        user = claimant.user
        pretended = self.state.claimants.pretended_passkey(claimant.username)
        options = {
            "challenge": base64url(challenge),
            "timeout": _REQUEST_TIMEOUT,
            "rpId": party.id,
            "allowCredentials": _descriptors(user)
            if user is not None
            else [_descriptor(base64url(pretended), ("internal",))],
            "userVerification": "required" if must_verify else party.verification,
        }
        return json.dumps(options)

    def check(
        self, claimant: Claimant, session: ChallengeSession, text: str, *, must_verify: bool
    ) -> LocalUser:
        """Take ``CREDENTIAL`` and return the user it proves.

        Raises:
            PasskeyWeighed: It is wrong in any way, or there is no such user.
            PoolError: ``InvalidParameterException``: it is no credential at all.
        """
        try:
            credential = json_object(text)
        except ValueError:
            raise invalid_parameter("CREDENTIAL is not JSON.") from None  # our words
        user, challenge = claimant.user, session.signed_challenge
        passkey = None if user is None else user.passkeys.get(str(credential.get("id")))
        if user is None or passkey is None or challenge is None:
            raise _wrong()
        try:
            count = self._party().authenticate(
                credential,
                challenge,
                passkey,
                user_handle=user.sub.encode(),
                must_verify=must_verify,
            )
        except PasskeyRefused:
            raise _wrong() from None
        user.passkeys[passkey.id] = evolve(passkey, sign_count=count)
        return user

    def _party(self) -> RelyingParty:
        party = self.state.settings.rp
        assert party is not None, "a pool without a relying party offers no passkey"
        return party


def _descriptors(user: LocalUser) -> list[dict[str, Any]]:
    return [_descriptor(passkey.id, passkey.transports) for passkey in user.passkeys.values()]


def _descriptor(credential_id: str, transports: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "public-key", "id": credential_id, "transports": list(transports)}


def _described(passkey: LocalPasskey) -> Answer:
    described: Answer = {
        "CredentialId": passkey.id,
        "FriendlyCredentialName": passkey.name,
        "RelyingPartyId": passkey.rp_id,
        "AuthenticatorTransports": list(passkey.transports),
        "CreatedAt": passkey.created_at,
    }
    if passkey.attachment is not None:
        described["AuthenticatorAttachment"] = passkey.attachment
    return described


# The texts are our own: nobody has quoted the service's.
_TEXTS = {
    "InvalidParameterException": "The passkey credential is malformed.",
    "WebAuthnChallengeNotFoundException": "No registration waits for this passkey.",
    "WebAuthnClientMismatchException": "The registration was started with another app client.",
    "WebAuthnConfigurationMissingException": "The user pool has no relying party id.",
    "WebAuthnCredentialNotSupportedException": "This kind of passkey is not supported.",
    "WebAuthnNotEnabledException": "Passkeys are not enabled for the user pool.",
    "WebAuthnOriginNotAllowedException": "The origin is not the relying party's.",
    "WebAuthnRelyingPartyMismatchException": "The passkey is of another relying party.",
}


def _refused(code: str) -> PoolError:
    return PoolError(code, _TEXTS[code])


def _too_many() -> PoolError:
    return PoolError("LimitExceededException", f"A user has {MOST} passkeys at most.")  # our words


def _wrong() -> PasskeyWeighed:
    """One text for a wrong signature, challenge, counter, or nobody's passkey."""
    text = not_authorized("The passkey was not accepted.")  # our words
    return PasskeyWeighed(text.code, text.message)
