"""What a relying party asks of an authenticator, read from the service's JSON.

``PublicKeyCredentialCreationOptionsJSON`` and ``PublicKeyCredentialRequestOptionsJSON``
(Web Authentication Level 3, section 5.1). What a browser needs stays as it came, in
``members``; the rest of the library looks at the parts that are read and bounded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.errors import RemoteProtocolError
from aiocognito.webauthn.text import base64url, is_domain, json_object, octets, to_json

__all__ = [
    "MAX_ID",
    "PasskeyCreationOptions",
    "PasskeyDescriptor",
    "PasskeyRequestOptions",
    "read_creation_options",
    "read_request_options",
]

MAX_ID = 1023  # bytes of a credential's id, and no challenge is longer
_LEAST_CHALLENGE = 16  # "MUST contain at least 16 bytes of entropy" is said as a "should"
_MAX_USER_ID = 64
_MAX_NAME = 1024
_MAX_LIST = 64  # a user has 20 passkeys at most
_MAX_TIMEOUT = 86_400_000  # a day, in milliseconds
_KIND = "public-key"


@frozen(kw_only=True)
class PasskeyDescriptor:
    """A passkey that is meant or ruled out.

    Attributes:
        id: The credential's id, base64url without padding.
        transports: How its authenticator is reached, such as ``internal`` or ``hybrid``.
    """

    id: str
    transports: tuple[str, ...] = ()


@frozen(kw_only=True)
class PasskeyCreationOptions:
    """What a browser, or a `SoftwarePasskey`, needs to make a passkey.

    Attributes:
        challenge: What the new key is to answer. It lives a minute or so.
        rp_id: The relying party, a domain's name.
        rp_name: What it is called, for people.
        user_id: The user's handle, which is no secret and no name.
        user_name: What the authenticator shows.
        algorithms: COSE numbers, the best first: -7 is ES256, -257 is RS256.
        excluded: The user's present passkeys; an authenticator that has one of them
            refuses to make another.
        user_verification: ``required``, ``preferred`` or ``discouraged``.
        timeout: Milliseconds, or None.
        members: The service's JSON as it came, for the browser.
    """

    challenge: bytes = field(repr=False)
    rp_id: str
    rp_name: str
    user_id: bytes = field(repr=False)
    user_name: str
    algorithms: tuple[int, ...]
    excluded: tuple[PasskeyDescriptor, ...] = ()
    user_verification: str = "preferred"
    timeout: int | None = None
    members: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> str:
        """Return the text for ``PublicKeyCredential.parseCreationOptionsFromJSON``."""
        return to_json(self.members)


@frozen(kw_only=True)
class PasskeyRequestOptions:
    """What a browser, or a `SoftwarePasskey`, needs to sign in with a passkey.

    Attributes:
        challenge: What is to be signed. It lives as long as the challenge's session.
        rp_id: The relying party, a domain's name.
        allowed: The passkeys that may answer; empty where any of the user's may.
        user_verification: ``required``, ``preferred`` or ``discouraged``.
        timeout: Milliseconds, or None.
        members: The service's JSON, for the browser.
    """

    challenge: bytes = field(repr=False)
    rp_id: str
    allowed: tuple[PasskeyDescriptor, ...] = ()
    user_verification: str = "preferred"
    timeout: int | None = None
    members: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> str:
        """Return the text for ``PublicKeyCredential.parseRequestOptionsFromJSON``."""
        return to_json(self.members)


def read_creation_options(members: object) -> PasskeyCreationOptions:
    """Read ``CredentialCreationOptions``, a JSON object.

    Raises:
        RemoteProtocolError: It is not what a relying party asks.
    """
    try:
        given = _object(members)
        to_json(given)  # what a browser gets must be JSON, and bounded
        rp, user = _object(given["rp"]), _object(given["user"])
        return PasskeyCreationOptions(
            rp_name=_name(rp.get("name", rp["id"])),
            user_id=octets(user["id"], most=_MAX_USER_ID),
            user_name=_name(user["name"]),
            algorithms=_algorithms(given["pubKeyCredParams"]),
            excluded=_descriptors(given.get("excludeCredentials")),
            **_common(given, rp["id"], _object(given.get("authenticatorSelection") or {})),
        )
    except (KeyError, TypeError, ValueError):
        raise RemoteProtocolError("CredentialCreationOptions are malformed.") from None


def read_request_options(text: str | None) -> PasskeyRequestOptions:
    """Read ``CREDENTIAL_REQUEST_OPTIONS``, a JSON object that travels inside a string.

    Raises:
        RemoteProtocolError: It is not what a relying party asks.
    """
    try:
        if text is None:
            raise ValueError("missing")
        given = json_object(text)
        return PasskeyRequestOptions(
            allowed=_descriptors(given.get("allowCredentials")),
            **_common(given, given["rpId"], given),
        )
    except (KeyError, TypeError, ValueError):
        raise RemoteProtocolError("CREDENTIAL_REQUEST_OPTIONS are malformed.") from None


def _common(given: Mapping[str, Any], rp_id: Any, selection: Mapping[str, Any]) -> dict[str, Any]:
    if not is_domain(rp_id):
        raise ValueError("no relying party")
    return {
        "challenge": octets(given["challenge"], least=_LEAST_CHALLENGE, most=MAX_ID),
        "rp_id": rp_id,
        "user_verification": _name(selection.get("userVerification", "preferred")),
        "timeout": _timeout(given.get("timeout")),
        "members": given,
    }


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _listed(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MAX_LIST:
        raise TypeError
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_NAME:
        raise TypeError
    return value


def _timeout(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MAX_TIMEOUT:
        raise ValueError("no timeout")
    return value


def _algorithms(value: object) -> tuple[int, ...]:
    """Return the algorithms of the kinds of key that we know; others may be listed too."""
    entries = [_object(entry) for entry in _listed(value)]
    found = [entry["alg"] for entry in entries if entry["type"] == _KIND]
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in found):
        raise TypeError
    return tuple(found)


def _descriptors(value: object) -> tuple[PasskeyDescriptor, ...]:
    entries = [] if value is None else [_object(entry) for entry in _listed(value)]
    return tuple(
        PasskeyDescriptor(
            id=base64url(octets(entry["id"], most=MAX_ID)),
            transports=tuple(_name(name) for name in _listed(entry.get("transports") or [])),
        )
        for entry in entries
        if entry["type"] == _KIND
    )
