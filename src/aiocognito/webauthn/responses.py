"""What authenticators answer, as browsers write it: ``PublicKeyCredential.toJSON()``.

``RegistrationResponseJSON`` and ``AuthenticationResponseJSON`` (Web Authentication
Level 3, section 5.1). The shape is checked before anything is sent, because a credential
of the wrong kind is the caller's mistake; whether it is right, the service alone can say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.webauthn.options import MAX_ID
from aiocognito.webauthn.text import MAX_TEXT, json_object, octets, to_json

__all__ = ["Credential", "checked_assertion", "checked_registration"]

Credential = Mapping[str, Any] | str
"""A browser's credential: ``credential.toJSON()`` as a mapping, or that as JSON text."""


def checked_registration(credential: Credential) -> dict[str, Any]:
    """Return what ``navigator.credentials.create()`` brought, as plain JSON values.

    Raises:
        InvalidType: Neither a mapping nor text.
        InvalidArgument: Not a `RegistrationResponseJSON`.
    """
    members = _checked(credential, "create", ("clientDataJSON", "attestationObject"))
    plain: dict[str, Any] = json.loads(members)
    return plain


def checked_assertion(credential: Credential) -> str:
    """Return what ``navigator.credentials.get()`` brought, as JSON text.

    Raises:
        InvalidType: Neither a mapping nor text.
        InvalidArgument: Not an `AuthenticationResponseJSON`.
    """
    return _checked(credential, "get", ("clientDataJSON", "authenticatorData", "signature"))


def _checked(credential: Credential, call: str, needed: tuple[str, ...]) -> str:
    if not isinstance(credential, Mapping | str):
        raise InvalidType("credential", "a mapping or JSON text", credential)
    try:
        members = json_object(credential) if isinstance(credential, str) else credential
        text = to_json(members)
        _check_shape(json.loads(text), needed)
    except (KeyError, TypeError, ValueError):
        wanted = f"what navigator.credentials.{call}() returned, with toJSON() applied"
        raise InvalidArgument("credential", wanted) from None
    return text


def _check_shape(members: Mapping[str, Any], needed: tuple[str, ...]) -> None:
    if members["type"] != "public-key" or members.get("rawId", members["id"]) != members["id"]:
        raise ValueError("another kind of credential")
    octets(members["id"], most=MAX_ID)
    response = members["response"]
    for member in needed:
        octets(response[member], most=MAX_TEXT)
    if response.get("userHandle") is not None:
        octets(response["userHandle"], most=MAX_ID)
