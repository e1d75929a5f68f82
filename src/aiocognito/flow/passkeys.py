"""Passkeys: the challenge that one answers, and the calls that keep them.

Registering is two calls with an authenticator between them; what travels are JSON objects,
where the sign-in sends and takes JSON *texts* inside a map of strings (service model,
``Document`` against ``ChallengeResponsesType``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType, RemoteProtocolError
from aiocognito.flow.answers import Answer, BaseChallenge, answer_with
from aiocognito.flow.calls import Call, authorized_call
from aiocognito.flow.members import items, moment, needed, text, texts
from aiocognito.webauthn.options import (
    PasskeyCreationOptions,
    PasskeyRequestOptions,
    read_creation_options,
)
from aiocognito.webauthn.responses import Credential, checked_assertion, checked_registration

__all__ = [
    "Passkey",
    "WebAuthn",
    "complete_registration_call",
    "delete_passkey_call",
    "list_passkeys_call",
    "read_passkeys",
    "read_registration_start",
    "start_registration_call",
]

PAGE = 20  # service model: WebAuthnCredentialsQueryLimitType
_MAX_ID = 131_072  # StringType


@frozen(kw_only=True)
class WebAuthn(BaseChallenge):
    """A passkey's signature is asked for, as the first factor.

    Attributes:
        options: What the authenticator has to know; ``options.to_json()`` is for a
            browser.
    """

    name: ClassVar[str] = "WEB_AUTHN"

    options: PasskeyRequestOptions = field(repr=False)

    def answer(self, credential: Credential) -> Answer:
        """Answer with what ``navigator.credentials.get()`` returned, once.

        Args:
            credential: ``credential.toJSON()``, as a mapping or as JSON text.

        Raises:
            InvalidType: Neither a mapping nor text.
            InvalidArgument: Not an assertion. Whether it is right, the service alone
                can say.
        """
        return answer_with(self, {"CREDENTIAL": checked_assertion(credential)})


@frozen(kw_only=True)
class Passkey:
    """A passkey of a user, as the service keeps it.

    Attributes:
        id: The credential's id, base64url without padding.
        name: What the service calls it, for people.
        rp_id: The relying party it was made for.
        attachment: ``platform``, ``cross-platform``, or None.
        transports: How its authenticator is reached, such as ``internal`` or ``hybrid``.
        created_at: In UTC.
    """

    id: str
    name: str
    rp_id: str
    attachment: str | None
    transports: tuple[str, ...]
    created_at: datetime | None


def start_registration_call(access_token: Secret) -> Call:
    """Build StartWebAuthnRegistration. A new start voids the one before."""
    return authorized_call("StartWebAuthnRegistration", access_token, repeatable=True)


def complete_registration_call(access_token: Secret, credential: Credential) -> Call:
    """Build CompleteWebAuthnRegistration. Its challenge works once."""
    members = {"Credential": checked_registration(credential)}
    return authorized_call("CompleteWebAuthnRegistration", access_token, members)


def list_passkeys_call(access_token: Secret, cursor: str | None = None) -> Call:
    """Build ListWebAuthnCredentials."""
    members: dict[str, Any] = {"MaxResults": PAGE}
    if cursor is not None:
        members["NextToken"] = cursor
    return authorized_call("ListWebAuthnCredentials", access_token, members, repeatable=True)


def delete_passkey_call(access_token: Secret, passkey: Passkey | str) -> Call:
    """Build DeleteWebAuthnCredential. The second call finds none."""
    credential_id = passkey.id if isinstance(passkey, Passkey) else passkey
    if not isinstance(credential_id, str):
        raise InvalidType("passkey", "a Passkey or its id", passkey)
    if not 1 <= len(credential_id) <= _MAX_ID or not credential_id.isascii():
        raise InvalidArgument("passkey", "a Passkey or its id")
    return authorized_call(
        "DeleteWebAuthnCredential", access_token, {"CredentialId": credential_id}
    )


def read_registration_start(body: Mapping[str, Any]) -> PasskeyCreationOptions:
    """Read the answer to StartWebAuthnRegistration."""
    return read_creation_options(body.get("CredentialCreationOptions"))


def read_passkeys(body: Mapping[str, Any]) -> tuple[tuple[Passkey, ...], str | None]:
    """Read one page of ListWebAuthnCredentials and what leads to the next one."""
    cursor = text(body, "NextToken")
    if cursor == "":
        raise RemoteProtocolError("NextToken is malformed.")
    return items(body, "Credentials", _passkey), cursor


def _passkey(entry: Mapping[str, Any]) -> Passkey:
    return Passkey(
        id=needed(entry, "CredentialId"),
        name=text(entry, "FriendlyCredentialName") or "",
        rp_id=needed(entry, "RelyingPartyId"),
        attachment=text(entry, "AuthenticatorAttachment"),
        transports=texts(entry, "AuthenticatorTransports"),
        created_at=moment(entry, "CreatedAt"),
    )
