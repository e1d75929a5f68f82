"""Whom an administrator means, and how a user looks to one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.service_errors import invalid_parameter, user_not_found
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["NO_CLIENT", "described", "named_user", "refuse_sub"]

# Triggers are told an app client; where none is involved, the service says this.
NO_CLIENT = LocalClient(
    client_id="CLIENT_ID_NOT_APPLICABLE",
    name="none",
    secrets=(),
    explicit_auth_flows=(),
    prevent_user_existence_errors=False,
    access_token_validity=3600,
    id_token_validity=3600,
    refresh_token_validity=3600,
    auth_session_validity=180.0,
    rotation=False,
    rotation_grace=0.0,
    token_revocation=True,
)


def named_user(state: PoolState, request: Mapping[str, Any]) -> LocalUser:
    """Return the user meant by name, alias or sub.

    Raises:
        PoolError: ``UserNotFoundException``.
    """
    name = request["Username"]
    user = state.users.find(name) or state.users.of_sub(name)
    if user is None:
        raise user_not_found()
    return user


def described(user: LocalUser, wanted: list[str] | None = None) -> Answer:
    """Return the ``UserType`` of a user."""
    attributes = user.listed_attributes(lambda name: wanted is None or name in wanted)
    if user.identities and wanted is None:
        attributes.append({"Name": "identities", "Value": json.dumps(user.identities)})
    return {
        "Username": user.username,
        "Attributes": attributes,
        "UserCreateDate": user.created_at,
        "UserLastModifiedDate": user.modified_at or user.created_at,
        "Enabled": user.enabled,
        "UserStatus": user.status,
    }


def refuse_sub(attributes: Mapping[str, str]) -> None:
    """Raise `PoolError` where somebody would change the one attribute nobody changes."""
    if "sub" in attributes:
        raise invalid_parameter("user.sub: Attribute cannot be updated.\n")
