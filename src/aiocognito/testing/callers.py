"""Who calls: a name at an app client, or an access token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.service_errors import (
    not_authorized,
    user_client_not_found,
    user_disabled,
    user_not_found,
)
from aiocognito.testing.state import PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["NamedUser", "authorized", "named", "signed_in_at"]


@frozen(kw_only=True)
class NamedUser:
    """Somebody whom a call without a token names.

    Attributes:
        typed: The name as sent.
        user: The user, or None where the client must not learn that there is none.
        key: What attempts are counted under, also for nobody.
    """

    typed: str
    client: LocalClient
    user: LocalUser | None
    key: str


def named(state: PoolState, request: Mapping[str, Any]) -> NamedUser:
    """Find out who is meant; check the hash over exactly that name.

    Raises:
        PoolError: For a stranger of a client, a wrong hash, or nobody where the client
            may know.
    """
    client = state.client(request["ClientId"])
    typed = request["Username"]
    client.check_hash(typed, request.get("SecretHash"))
    user = state.users.find(typed)
    if user is None and not client.prevent_user_existence_errors:
        raise user_client_not_found()
    key = state.claimants.lock_key(typed, user)
    return NamedUser(typed=typed, client=client, user=user, key=key)


def authorized(
    state: PoolState, access_token: str, *, names_missing_user: bool = True
) -> LocalUser:
    """Return the user an access token speaks for.

    Args:
        names_missing_user: Whether the operation may answer ``UserNotFoundException``.

    Raises:
        PoolError: ``NotAuthorizedException`` or ``UserNotFoundException``.
    """
    return _owner(state, state.tokens.verify_access_token(access_token), names_missing_user)


def signed_in_at(
    state: PoolState, access_token: str, *, names_missing_user: bool = True
) -> tuple[LocalUser, LocalClient]:
    """Return the user and the app client an access token was issued to and for.

    Raises as `authorized`.
    """
    claims = state.tokens.verify_access_token(access_token)
    return _owner(state, claims, names_missing_user), state.client(claims["client_id"])


def _owner(state: PoolState, claims: Mapping[str, Any], names_missing_user: bool) -> LocalUser:
    user = state.users.of_sub(claims["sub"])
    if user is None:
        raise user_not_found() if names_missing_user else not_authorized("Invalid Access Token")
    if not user.enabled:
        raise user_disabled()
    return user
