"""What an identity pool reads: the members of a request, and the claims of login tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from aiocognito.errors import (
    TokenExpired,
    TokenKeyUnknown,
    TokenSignatureInvalid,
    TokenUseMismatch,
    TokenVerificationError,
)
from aiocognito.testing.service_errors import PoolError, invalid_parameter, not_authorized
from aiocognito.testing.signing import unverified_claims
from aiocognito.testing.user_pool import LocalUserPool

__all__ = [
    "id_member",
    "login_claims",
    "login_refused",
    "logins_member",
    "removed_member",
    "roles_of",
]

_IDENTITY_ID = re.compile(r"[\w-]+:[0-9a-f-]+", re.ASCII)


# --- login tokens ------------------------------------------------------------


def login_claims(token: str, pool: LocalUserPool) -> Mapping[str, Any]:
    """Return the claims of an ID token of this pool that is signed and not expired.

    Raises:
        PoolError: ``NotAuthorizedException``, saying what is wrong with it.
    """
    if unverified_claims(token).get("iss") not in (None, pool.issuer):
        raise login_refused("Issuer doesn't match providerName")
    try:
        return pool.verify_id_token(token)
    except TokenVerificationError as error:
        raise login_refused(_what_is_wrong(error)) from None


def roles_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return ``cognito:roles``, a list or (on one page of the guide) a text with commas."""
    match claims.get("cognito:roles"):
        case str(roles):
            return tuple(roles.split(","))
        case list(roles):
            return tuple(roles)
        case _:
            return ()


def _what_is_wrong(error: TokenVerificationError) -> str:
    match error:
        case TokenExpired(expected=now, actual=expiry):
            return f"Token expired: {int(cast('float', now))} >= {expiry}"
        case TokenKeyUnknown() | TokenSignatureInvalid():
            return "Couldn't verify signed token."
        case TokenUseMismatch():  # an access token, which has no audience
            return "Missing a required claim: aud"
        case _:  # which text the service has for this is not recorded; ours
            return "Not a valid OpenId Connect identity token."


def login_refused(reason: str) -> PoolError:
    """Say what is wrong with a login token."""
    return not_authorized(f"Invalid login token. {reason}")


# --- requests ----------------------------------------------------------------


def id_member(parameters: Mapping[str, Any], name: str) -> str:
    """Return an identity's or a pool's id, or raise ``InvalidParameterException``."""
    value = parameters.get(name)
    path = name[0].lower() + name[1:]
    if value is None:
        raise _invalid("Value null", path, "Member must not be null")
    if not _is_text(value, at_most=55):
        bound = "less than or equal to 55" if value else "greater than or equal to 1"
        raise _invalid("Value", path, f"Member must have length {bound}")
    if not _IDENTITY_ID.fullmatch(value):
        pattern = _IDENTITY_ID.pattern
        raise _invalid(
            f"Value '{value}'", path, f"Member must satisfy regular expression pattern: {pattern}"
        )
    return str(value)


def logins_member(parameters: Mapping[str, Any]) -> Mapping[str, str]:
    """Return ``Logins``, empty for a guest, or raise ``InvalidParameterException``."""
    logins = parameters.get("Logins")
    if logins is None:
        return {}
    # The service model's bounds. Values are tokens, so they are never quoted.
    if not isinstance(logins, Mapping) or len(logins) > 10:
        raise _invalid("Value", "logins", "Member must have length less than or equal to 10")
    for provider, token in logins.items():
        if not _is_text(provider, at_most=128) or not _is_text(token, at_most=50_000):
            raise _invalid("Value", "logins", "Map entries must satisfy their length constraints")
    return logins


def removed_member(parameters: Mapping[str, Any]) -> frozenset[str]:
    """Return ``LoginsToRemove``, or raise ``InvalidParameterException``."""
    names = parameters.get("LoginsToRemove")
    if not isinstance(names, list) or not all(_is_text(name, at_most=128) for name in names):
        raise _invalid("Value", "loginsToRemove", "Member must not be null")
    return frozenset(names)


def _is_text(value: object, *, at_most: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= at_most


def _invalid(value: str, path: str, constraint: str) -> PoolError:
    return invalid_parameter(
        f"1 validation error detected: {value} at '{path}' failed to satisfy constraint: "
        f"{constraint}"
    )
